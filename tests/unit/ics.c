/* Tests of calendar lines: folding, escaping, times. */
#include "support/check.h"

#include "pages/ics.h"

static struct arena *a;

static int set_up(void **state)
{
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(a);
	return 0;
}

/* What a reader makes of it: RFC 5545 3.1. */
static char *unfolded(const char *s)
{
	char *to = arena_alloc(a, strlen(s) + 1), *end = to;

	for (; *s; s++) {
		if (strncmp(s, "\r\n ", 3) == 0)
			s += 2;
		else
			*end++ = *s;
	}
	*end = '\0';
	return to;
}

static void lines_are_folded_between_characters(void **state)
{
	static const char *const pieces[] = {"a", "é", "証", "𠮷"};

	for (size_t p = 0; p < COUNT_OF(pieces); p++)
		for (size_t n = 0; n < 200; n++) {
			struct text value = text_new(a, 4096), t = text_new(a, 8192);
			for (size_t i = 0; i < n; i++)
				text_add(&value, i % 7 ? pieces[p] : "b");
			ics_line(&t, "SUMMARY", value.data);
			for (char *line = t.data; *line; line = strstr(line, "\r\n") + 2) {
				size_t len = strcspn(line, "\r");
				assert_true(len <= 75);
				assert_true(text_utf8_valid(line, len));
			}
			assert_string_equal(unfolded(t.data), arena_printf(a, "SUMMARY:%s\r\n", value.data));
		}
	/* As long as a line may be: one of 75 bytes stays, one of 76 does not. */
	struct text fits = text_new(a, 200), not = text_new(a, 200);
	const char *x = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	ics_line(&fits, "N", x + 1);
	ics_line(&not, "N", x);
	assert_int_equal(strlen(x), 74);
	assert_null(strstr(fits.data, "\r\n "));
	assert_non_null(strstr(not.data, "\r\n "));
}

static void text_cannot_end_its_line(void **state)
{
	struct text t = text_new(a, 1000);

	ics_text(&t, "SUMMARY", "a;b,c\\d\ne\rEND:VEVENT\x7f\"x:y");
	assert_string_equal(t.data, "SUMMARY:a\\;b\\,c\\\\d\\neEND:VEVENT\"x:y\r\n");
}

static void times_are_utc(void **state)
{
	struct text t = text_new(a, 1000);
	when at;

	assert_true(clock_parse("2024-01-31T12:34:56+09:00", &at));
	ics_time(&t, "DTSTART", at);
	assert_string_equal(t.data, "DTSTART:20240131T033456Z\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_folded_between_characters),
		cmocka_unit_test(text_cannot_end_its_line),
		cmocka_unit_test(times_are_utc),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
