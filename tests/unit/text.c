/* Tests of base/text: growth, UTF-8, numbers, splitting, escaping and the encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

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

static void a_text_grows(void **state)
{
	struct text t = text_new(a, 100000);

	assert_string_equal(t.data, "");
	for (int i = 0; i < 5000; i++)
		text_addf(&t, "%05d", i);
	assert_int_equal(t.len, 25000);
	assert_int_equal(strlen(t.data), 25000);
	assert_memory_equal(t.data + 5 * 4321, "04321", 5);
	assert_false(t.full);
	text_addf(&t, "%0*d", 3000, 0);
	assert_int_equal(t.len, 28000);
}

static void a_text_never_exceeds_its_maximum(void **state)
{
	for (size_t max = 0; max < 600; max += 37) {
		struct text t = text_new(a, max);

		for (size_t i = 0; i < max; i++)
			text_add(&t, "x");
		assert_int_equal(t.len, max);
		assert_false(t.full);
		text_add_bytes(&t, "yz", 2);
		assert_true(t.full);
		assert_int_equal(strlen(t.data), max);
	}
	struct text t = text_new(a, 4);
	text_add(&t, "abc");
	text_add(&t, "def");
	text_add(&t, "g");
	assert_string_equal(t.data, "abcd");
	assert_true(t.full);
}

static void utf8_is_strict(void **state)
{
	static const char *const good[] = {"", "a", "\xc2\x80", "\xe3\x81\x82", "\xef\xbf\xbd",
		"\xf0\xa0\xae\xb7", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"\xe3\x81", "a\xe3", "\xc2", "\xe3\x81z", "\xf8\x88\x80\x80\x80"};

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(text_utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_utf8_valid(bad[i], strlen(bad[i])));
	assert_false(text_utf8_valid("a\0b", 3));
	assert_int_equal(text_utf8_length("a\xe3\x81\x82\xf0\xa0\xae\xb7"), 3);
}

static void clean_text_shows_all_it_has(void **state)
{
	static const char *const dirty[] = {"", "a\n", "\t", "\x7f", "\xc2\x85", "a\xe2\x80\x8b",
		"\xe2\x80\xae", "\xe2\x80\x8f", "\xe2\x81\xa6x", "\xef\xbb\xbf", "\xff", "\xe2\x81\xa0",
		"\xe2\x80\xa8"};

	assert_true(text_clean("\xe5\xb1\xb1\xe7\x94\xb0 O'Brien <b>", 100));
	assert_true(
		text_clean("\xe8\x91\x9b\xf3\xa0\x84\x80", 2)); /* a name that needs a variation selector */
	for (size_t i = 0; i < COUNT_OF(dirty); i++)
		assert_false(text_clean(dirty[i], 100));
	assert_true(text_clean("\xe3\x81\x82\xe3\x81\x82", 2));
	assert_false(text_clean("\xe3\x81\x82\xe3\x81\x82", 1));
	assert_false(text_clean(NULL, 10));
}

static void numbers_are_strict(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "--1",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999999"};
	int64_t n = 77;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_int(bad[i], INT64_MIN, INT64_MAX, &n));
	assert_false(text_int(NULL, 0, 9, &n));
	assert_false(text_int("10", 0, 9, &n));
	assert_false(text_int("-1", 0, 9, &n));
	assert_int_equal(n, 77);
	assert_true(text_int("9223372036854775807", INT64_MIN, INT64_MAX, &n));
	assert_true(n == INT64_MAX);
	assert_true(text_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n));
	assert_true(n == INT64_MIN);
	assert_true(text_int("9", 0, 9, &n) && n == 9);
	assert_true(text_int("-0", 0, 9, &n) && n == 0);
}

static void comparisons(void **state)
{
	assert_true(text_starts("abc", "ab") && text_starts("abc", "") && !text_starts("a", "ab"));
	assert_true(text_ends("abc", "bc") && text_ends("abc", "") && !text_ends("c", "bc"));
	assert_true(text_same("a", "a") && text_same(NULL, NULL));
	assert_false(text_same("a", NULL) || text_same(NULL, "a") || text_same("a", "b"));
	assert_true(text_same_secret("secret", "secret") && text_same_secret("", ""));
	assert_false(text_same_secret("secret", "secreT") || text_same_secret("secret", "secre"));
	assert_false(text_same_secret(NULL, NULL));
}

static void trimming_and_splitting(void **state)
{
	char **parts = text_split(a, " a ,;b c;, \xe3\x80\x80 ;d", ",;");

	assert_string_equal(text_trim(a, " \t\xe3\x80\x80x y\r\n\xe3\x80\x80 "), "x y");
	assert_string_equal(text_trim(a, " \xe3\x80\x80 "), "");
	assert_string_equal(text_trim(a, "\xe3\x81\x80"), "\xe3\x81\x80");
	assert_string_equal(parts[0], "a");
	assert_string_equal(parts[1], "b c");
	assert_string_equal(parts[2], "d");
	assert_null(parts[3]);
	assert_null(text_split(a, "", ",")[0]);
	assert_null(text_split(a, NULL, ",")[0]);
	assert_string_equal(text_lower(a, "AZaz09\xc3\x84"), "azaz09\xc3\x84");
}

static void what_is_logged_is_one_printable_line(void **state)
{
	char small[8];

	assert_string_equal(text_loggable(a, "a\xe3\x81\x82 b", 100), "a\xe3\x81\x82 b");
	assert_string_equal(text_loggable(a, "\n\"\\\x1b\xff", 100), "\\x0a\\x22\\x5c\\x1b\\xff");
	assert_string_equal(text_loggable(a, "\xe2\x80\xae", 100), "\\xe2\\x80\\xae");
	assert_string_equal(text_loggable(a, "\xe3\x81", 100), "\\xe3\\x81");
	assert_string_equal(text_loggable(a, "abcdef", 3), "abc");
	assert_string_equal(text_loggable(a, "ab\n", 5), "ab");		  /* no half escape */
	assert_string_equal(text_loggable(a, "ab\xe3\x81\x82", 4), "ab"); /* no half character */
	assert_string_equal(text_loggable(a, NULL, 4), "");
	assert_int_equal(text_escape(small, sizeof small, "1234567890"), 7);
	assert_string_equal(small, "1234567");
}

static void hexadecimal(void **state)
{
	struct bytes b = {0};

	assert_string_equal(text_hex(a, bytes_of("\x00\xab\xff", 3)), "00abff");
	assert_string_equal(text_hex(a, bytes_of(NULL, 0)), "");
	assert_true(text_unhex(a, "00aBFf", &b));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "\x00\xab\xff", 3);
	assert_false(text_unhex(a, "0", &b) || text_unhex(a, "0g", &b) || text_unhex(a, " 00 ", &b));
	assert_false(text_unhex(a, NULL, &b));
	assert_int_equal(b.len, 3);
}

/* RFC 4648 section 10 */
static void base64_vectors(void **state)
{
	static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct bytes b = {0};

		assert_string_equal(text_base64(a, bytes_string(vectors[i][0])), vectors[i][1]);
		assert_true(text_unbase64(a, vectors[i][1], &b));
		assert_int_equal(b.len, strlen(vectors[i][0]));
		assert_memory_equal(b.data, vectors[i][0], b.len);
	}
	assert_string_equal(text_base64(a, bytes_of("\xfb\xff\xfe", 3)), "+//+");
	assert_string_equal(text_base64url(a, bytes_of("\xfb\xff\xfe\x01", 4)), "-__-AQ");
}

static void base64_is_strict(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Z=g=", "Zm9v!", "=", "Zm-_", "Zg==Zg=="};
	static const char *const bad_url[] = {"Z", "Zg==", "Zh", "+//+", "Zm 9v"};
	struct bytes b = {0};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_unbase64(a, bad[i], &b));
	for (size_t i = 0; i < COUNT_OF(bad_url); i++)
		assert_false(text_unbase64url(a, bad_url[i], &b));
	assert_null(b.data);
	assert_true(text_unbase64(a, " Zm9v\r\nYm\tFy\n", &b));
	assert_int_equal(b.len, 6);
	assert_true(text_unbase64url(a, "-__-AQ", &b));
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "\xfb\xff\xfe\x01", 4);
}

static void every_byte_survives_base64(void **state)
{
	uint8_t all[256];

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof all; n++) {
		struct bytes b = {0};

		assert_true(text_unbase64(a, text_base64(a, bytes_of(all, n)), &b));
		assert_int_equal(b.len, n);
		assert_memory_equal(b.data, all, n);
		assert_true(text_unbase64url(a, text_base64url(a, bytes_of(all, n)), &b));
		assert_int_equal(b.len, n);
		assert_memory_equal(b.data, all, n);
	}
}

static void urls(void **state)
{
	char *s = NULL;

	assert_string_equal(
		text_url_encode(a, "aZ09-._~ /&=%\xe3\x81\x82"), "aZ09-._~%20%2F%26%3D%25%E3%81%82");
	assert_true(text_url_decode(a, "a+b%2f%E3%81%82xxx", 15, &s));
	assert_string_equal(s, "a b/\xe3\x81\x82");
	s = NULL;
	assert_false(text_url_decode(a, "%", 1, &s));
	assert_false(text_url_decode(a, "%4", 2, &s));
	assert_false(text_url_decode(a, "%41", 2, &s));
	assert_false(text_url_decode(a, "%g1", 3, &s));
	assert_false(text_url_decode(a, "%00", 3, &s));
	assert_false(text_url_decode(a, "%ff", 3, &s));
	assert_null(s);
	assert_true(text_url_decode(a, "", 0, &s));
	assert_string_equal(s, "");
}

static void addresses_get_their_query(void **state)
{
	struct text t = text_new(a, 100);

	text_add(&t, "/list");
	text_add_query(&t, "q", NULL);
	text_add_query(&t, "q", "");
	assert_string_equal(t.data, "/list");
	text_add_query(&t, "q", "a?b&c=\xe3\x81\x82");
	text_add_query(&t, "below", "7");
	assert_string_equal(t.data, "/list?q=a%3Fb%26c%3D%E3%81%82&below=7");
}

static void numbers_are_shown_in_groups(void **state)
{
	static const struct {
		int64_t n;
		const char *shown;
	} numbers[] = {{0, "0"}, {7, "7"}, {999, "999"}, {1000, "1,000"}, {-1, "-1"}, {-999, "-999"}, {-1000, "-1,000"}, {1234567, "1,234,567"},
		{INT64_MAX, "9,223,372,036,854,775,807"}, {INT64_MIN, "-9,223,372,036,854,775,808"}};

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		assert_string_equal(text_number(a, numbers[i].n), numbers[i].shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_grows),
		cmocka_unit_test(a_text_never_exceeds_its_maximum),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(clean_text_shows_all_it_has),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(trimming_and_splitting),
		cmocka_unit_test(what_is_logged_is_one_printable_line),
		cmocka_unit_test(hexadecimal),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(every_byte_survives_base64),
		cmocka_unit_test(urls),
		cmocka_unit_test(addresses_get_their_query),
		cmocka_unit_test(numbers_are_shown_in_groups),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
