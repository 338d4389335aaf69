/* Tests of base/clock: zones, calendar arithmetic, the written forms of times, and that now does not go back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/i18n.h"

static struct arena *a;

static int set_up(void **state)
{
	a = arena_new();
	return clock_start("Asia/Tokyo") == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_free(a);
	return 0;
}

static when at(const char *s)
{
	when t = -1;

	assert_true(clock_parse(s, &t));
	return t;
}

static void an_unknown_zone_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "Asia/Tokio", "../zoneinfo/UTC", "/usr/share/zoneinfo/UTC", "Asia", "JST-9", "zone.tab"};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(clock_start(bad[i]), STATUS_INVALID);
		assert_non_null(strstr(cause_text(), bad[i]));
	}
	assert_int_equal(clock_start(NULL), STATUS_INVALID);
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	assert_int_equal(clock_start("UTC"), STATUS_OK);
	assert_string_equal(clock_show(a, at("2024-01-31T12:34:56Z"), LANG_JA), "2024/01/31 12:34");
	assert_int_equal(clock_start("Asia/Tokyo"), STATUS_OK);
}

static void times_are_written_for_people_and_programs(void **state)
{
	when t = at("2024-01-31T03:34:00Z");

	assert_true(t == INT64_C(1706672040000));
	assert_string_equal(clock_show(a, t, LANG_JA), "2024/01/31 12:34");
	assert_string_equal(clock_show(a, t, LANG_EN), "31 Jan 2024 12:34");
	assert_string_equal(clock_show_date(a, t, LANG_JA), "2024/01/31");
	assert_string_equal(clock_show_date(a, t, LANG_EN), "31 Jan 2024");
	assert_string_equal(clock_rfc3339(a, t), "2024-01-31T03:34:00Z");
	assert_string_equal(clock_rfc5322(a, t), "Wed, 31 Jan 2024 12:34:00 +0900");
	/* another day in Tokyo than in UTC */
	assert_string_equal(clock_show(a, at("2024-12-31T15:00:00Z"), LANG_JA), "2025/01/01 00:00");
	assert_string_equal(clock_show_date(a, at("2024-02-03T00:00:00Z"), LANG_EN), "3 Feb 2024");
	assert_string_equal(clock_show(a, 0, LANG_JA), "");
	assert_string_equal(clock_show_date(a, 0, LANG_EN), "");
	assert_string_equal(clock_rfc3339(a, -1), "1969-12-31T23:59:59Z");
	assert_string_equal(clock_rfc3339(a, 999), "1970-01-01T00:00:00Z");
}

static void negative_offsets_are_written(void **state)
{
	assert_int_equal(clock_start("America/St_Johns"), STATUS_OK);
	assert_string_equal(clock_rfc5322(a, at("2024-01-31T03:34:00Z")), "Wed, 31 Jan 2024 00:04:00 -0330");
	assert_int_equal(clock_start("Asia/Tokyo"), STATUS_OK);
}

static void times_are_read(void **state)
{
	assert_true(at("1970-01-01T00:00:00Z") == 0);
	assert_true(at("1970-01-01T09:00:00+09:00") == 0);
	assert_true(at("1969-12-31T20:30:00-03:30") == 0);
	assert_true(at("1970-01-01T00:00:00.5Z") == 500);
	assert_true(at("1970-01-01T00:00:00.0019999999Z") == 1);
	assert_true(at("1970-01-01T00:00:00.123-00:00") == 123);
	assert_true(at("1969-12-31T23:59:59.999Z") == -1);
	assert_true(at("2016-12-31T23:59:60Z") == at("2017-01-01T00:00:00Z"));
	assert_true(at("2000-02-29T00:00:00Z") == INT64_C(951782400000));
	assert_true(at("9999-12-31T23:59:59Z") == INT64_C(253402300799000));
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"", "2024-01-31", "2024-01-31T03:34:00", "2024-01-31 03:34:00Z",
		"2024-01-31T03:34:00z", "2024-01-31T03:34Z", "2024-1-31T03:34:00Z", "2024-13-01T00:00:00Z",
		"2024-00-01T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2024-01-00T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-01T24:00:00Z",
		"2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z", "2024-01-01T00:00:60Z",
		"2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+0900", "2024-01-01T00:00:00+24:00",
		"2024-01-01T00:00:00+09:60", "2024-01-01T00:00:00+09", "2024-01-01T00:00:00Zx",
		"2024-01-01T00:00:00ZZ", " 2024-01-01T00:00:00Z", "-2024-01-01T00:00:00Z",
		"12024-01-01T00:00:00Z", "2024-01-01T00:00:00,5Z", "2024-01-01T+1:00:00Z",
		"2024-01-01T00:00:00"};
	when t = 5;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (clock_parse(bad[i], &t))
			fail_msg("taken for a time: %s", bad[i]);
	}
	assert_false(clock_parse(NULL, &t));
	assert_true(t == 5);
}

static void fields_of_forms_are_read_in_the_zone(void **state)
{
	static const char *const good[] = {"2024-01-31T12:34", "2024/01/31 12:34", "2024-01-31 12:34:00"};
	static const char *const bad[] = {"", "2024-01-31", "2024-02-30T12:34", "2024-01-31T24:00", "2024-01-31T12:60", "2024-01-31T12:34Z",
		"2024-1-31T12:34", " 2024-01-31T12:34", "2024-01-31T12:34:", "31.01.2024 12:34"};
	when t = -1;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(clock_parse_field(good[i], &t));
		assert_int_equal(t, at("2024-01-31T03:34:00Z"));
	}
	assert_string_equal(clock_field(a, t), "2024-01-31T12:34");
	assert_string_equal(clock_field(a, 0), "");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(clock_parse_field(bad[i], &t));
	assert_false(clock_parse_field(NULL, &t));
	assert_true(clock_parse_day("2024-01-31", &t) && t == at("2024-01-30T15:00:00Z"));
	assert_true(clock_parse_day("2024/02/29", &t) && t == at("2024-02-28T15:00:00Z"));
	assert_false(clock_parse_day("2023-02-29", &t) || clock_parse_day("", &t) || clock_parse_day(NULL, &t));
	assert_false(clock_parse_day("2024-01-31T", &t) || clock_parse_day("2024-01-3", &t) || clock_parse_day(" 024-01-31", &t));
	/* On this night the clocks there go from 2:00 to 3:00. */
	assert_int_equal(clock_start("Europe/Berlin"), STATUS_OK);
	assert_false(clock_parse_field("2026-03-29T02:30", &t));
	assert_true(clock_parse_field("2026-03-29T03:30", &t));
	assert_int_equal(t, at("2026-03-29T01:30:00Z"));
	assert_int_equal(clock_start("Asia/Tokyo"), STATUS_OK);
}

static void months_end_where_they_end(void **state)
{
	when t = at("2024-01-31T03:34:56.789Z");

	assert_true(clock_add_months(t, 0) == t);
	assert_true(clock_add_months(t, 1) == at("2024-02-29T03:34:56.789Z"));
	assert_true(clock_add_months(t, 13) == at("2025-02-28T03:34:56.789Z"));
	assert_true(clock_add_months(t, 3) == at("2024-04-30T03:34:56.789Z"));
	assert_true(clock_add_months(t, -1) == at("2023-12-31T03:34:56.789Z"));
	assert_true(clock_add_months(t, -2) == at("2023-11-30T03:34:56.789Z"));
	assert_true(clock_add_months(t, -12 * 60) == at("1964-01-31T03:34:56.789Z"));
	/* 31 January in Tokyo, still the 30th in UTC */
	assert_true(clock_add_months(at("2024-01-30T15:30:00Z"), 1) == at("2024-02-28T15:30:00Z"));
	assert_true(clock_add_days(t, 1) == t + DAY);
	assert_true(clock_add_days(t, -31) == at("2023-12-31T03:34:56.789Z"));
}

static void days_are_calendar_days(void **state)
{
	assert_int_equal(clock_start("Europe/Berlin"), STATUS_OK);
	/* noon to noon over the change to summer time is 23 hours */
	assert_true(clock_add_days(at("2024-03-30T11:00:00Z"), 1) == at("2024-03-31T10:00:00Z"));
	assert_true(clock_add_months(at("2024-03-15T11:00:00Z"), 1) == at("2024-04-15T10:00:00Z"));
	assert_int_equal(clock_start("Asia/Tokyo"), STATUS_OK);
}

static void now_is_now(void **state)
{
	when before = (when)time(NULL) * SECOND, now = clock_now(), monotonic = clock_monotonic();

	assert_in_range(now - before, 0, 10 * SECOND);
	usleep(3000);
	assert_in_range(clock_now() - now, 2, 10 * SECOND);
	assert_in_range(clock_monotonic() - monotonic, 2, 10 * SECOND);
}

static void *watch(void *arg)
{
	bool *ok = arg;
	when last = 0;

	for (int i = 0; i < 50000; i++) {
		when now = clock_now();

		*ok = *ok && now >= last;
		last = now;
	}
	return NULL;
}

static void now_never_goes_back(void **state)
{
	bool ok[4] = {true, true, true, true};
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, watch, &ok[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(ok[0] && ok[1] && ok[2] && ok[3]);
}

#ifdef INKAN_TEST
static void write_shift(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_test_build_moves_the_clock(void **state)
{
	char path[] = "/tmp/inkan-clock-XXXXXX";
	int fd = mkstemp(path);
	when now = clock_now();

	assert_true(fd >= 0);
	close(fd);
	clock_shift_file(path);
	assert_in_range(clock_now() - now, 0, 10 * SECOND);
	write_shift(path, "2678400000\n");
	assert_in_range(clock_now() - now, 31 * DAY, 31 * DAY + 10 * SECOND);
	write_shift(path, "-86400000");
	assert_in_range(now - clock_now(), DAY - 10 * SECOND, DAY);
	write_shift(path, "tomorrow");
	assert_in_range(clock_now() - now, 0, 10 * SECOND);
	unlink(path);
	assert_in_range(clock_now() - now, 0, 10 * SECOND);
	clock_shift_file(NULL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_zone_is_refused),
		cmocka_unit_test(times_are_written_for_people_and_programs),
		cmocka_unit_test(negative_offsets_are_written),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(fields_of_forms_are_read_in_the_zone),
		cmocka_unit_test(months_end_where_they_end),
		cmocka_unit_test(days_are_calendar_days),
		cmocka_unit_test(now_is_now),
		cmocka_unit_test(now_never_goes_back),
#ifdef INKAN_TEST
		cmocka_unit_test(a_test_build_moves_the_clock),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
