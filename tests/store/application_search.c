/* Tests of the search among a user's applications: what is found and what is not, odd input, pages, and the time with 500 of them. */
#include "store/application_row.h"
#include "support/applications.h"
#include "support/check.h"
#include "support/mariadb.h"

#include <time.h>

#define MANY 500
/* Far above what is measured (12 ms, with the sanitizers and on a busy machine): only a query per row, or worse, is slower. */
#define SLOW_MS 200

static struct db *db;
static struct arena *a;
static struct user taro, hanako;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	return 0;
}

/* The numbers that are found, "3 1". */
static const char *found_as(const struct user *user, struct application_query query)
{
	struct application *apps;
	size_t n;
	struct text t = text_new(a, 100000);

	query.limit = query.limit ? query.limit : 1000;
	check_ok(application_search(db, a, user->id, &query, clock_now(), &apps, &n));
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s%u", i ? " " : "", apps[i].number);
	return t.data;
}

static const char *found(const char *words)
{
	return found_as(&taro, (struct application_query){.words = words, .any_state = true});
}

static void memo_of(unsigned number, const char *memo)
{
	check_ok(application_set_memo(db, taro.id, number, memo));
}

static void words_are_found_where_they_stand(void **state)
{
	for (int i = 0; i < 12; i++)
		(void)test_application(db, a, &taro);
	(void)test_application(db, a, &hanako);
	memo_of(3, "研究室のノートPC");
	memo_of(4, "ＷｉＦｉ用");
	memo_of(5, "Café 50%_off O'Neil \"x\" \\");

	assert_string_equal(found(""), "12 11 10 9 8 7 6 5 4 3 2 1");
	assert_string_equal(found("ノート"), "3");
	/* Half and full width, capitals, ligatures: the same. */
	assert_string_equal(found("ﾉｰﾄ"), "3");
	assert_string_equal(found("ノートｐｃ"), "3");
	assert_string_equal(found("wifi"), "4");
	assert_string_equal(found("CAFÉ"), "5");
	assert_string_equal(found("cafe\xCC\x81"), "5"); /* an accent of its own */
	/* All words, in any order; also between full-width blanks. */
	assert_string_equal(found("pc 研究室"), "3");
	assert_string_equal(found("pc　研究室"), "3");
	assert_string_equal(found("pc wifi"), "");
	/* A number is that number; the subject holds it too (CN=...-1). */
	assert_string_equal(found("1"), "1");
	assert_string_equal(found("１２"), "12");
	assert_string_equal(found("13"), "");
	/* Not patterns, not SQL. */
	assert_string_equal(found("%"), "5");
	assert_string_equal(found("_"), "5");
	assert_string_equal(found("50%_off"), "5");
	assert_string_equal(found("n%t"), "");
	assert_string_equal(found("o'neil"), "5");
	assert_string_equal(found("\"x\""), "5");
	assert_string_equal(found("\\"), "5");
	assert_string_equal(found("' OR '1'='1"), "");
	/* Nobody sees what is not his. */
	assert_string_equal(found("hanako"), "");
	assert_string_equal(
		found_as(&hanako, (struct application_query){.words = "hanako", .any_state = true}), "1");
}

static void serials_are_found_in_either_base(void **state)
{
	struct application app = test_application(db, a, &taro);

	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .pin = "p", .url = "u"});
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_TAKEN,
			.serial = "1f2e3d4c5b6a798f",
			.not_before = clock_now() - DAY,
			.not_after = clock_now() + DAY});
	assert_string_equal(found("1f2e3d4c5b6a798f"), "1");
	assert_string_equal(found("1F:2E:3D:4C:5B:6A:79:8F"), "1");
	assert_string_equal(found("5b6a798f"), "1");
	assert_string_equal(found("2246800662264969615"), "1"); /* 0x1f2e3d4c5b6a798f */
	assert_string_equal(found("2246800662264969616"), "");
	assert_string_equal(
		found("99999999999999999999999999999999999999999999999999999999999999999999"), "");
	assert_string_equal(found("5b6a"), ""); /* too short for a serial */
}

static void states_are_filtered(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_SENT);
	(void)test_in_state(db, a, &taro, APPLICATION_PIN);
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	(void)test_in_state(db, a, &taro, APPLICATION_REVOKED);
	(void)test_in_state(db, a, &taro, APPLICATION_ERROR);
	(void)test_in_state(db, a, &taro, APPLICATION_REVOKE_SENT);
	static const char *const expected[] = {
		[CERTIFICATE_REQUESTED] = "1",
		[CERTIFICATE_NOT_TAKEN] = "2",
		[CERTIFICATE_VALID] = "6 3", /* also until a revocation is confirmed */
		[CERTIFICATE_EXPIRED] = "",
		[CERTIFICATE_REVOKED] = "4",
		[CERTIFICATE_ERROR] = "5",
	};
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_string_equal(found_as(&taro, (struct application_query){.words = "",
							    .state = (enum certificate_state)i}),
			expected[i]);
	assert_string_equal(
		found_as(
			&taro, (struct application_query){.words = "", .any_state = true, .live_only = true}),
		"6 3 2 1");
	assert_string_equal(
		found_as(&taro, (struct application_query){.words = "3", .state = CERTIFICATE_VALID}), "3");
}

static void too_many_words_are_refused(void **state)
{
	struct application_query query = {.words = "a b c d e f g h i j", .any_state = true, .limit = 1};
	struct application *apps;
	size_t n;

	check_ok(application_search(db, a, taro.id, &query, clock_now(), &apps, &n));
	query.words = "a b c d e f g h i j k";
	check_status(application_search(db, a, taro.id, &query, clock_now(), &apps, &n), STATUS_INVALID);
}

static int64_t elapsed_ms(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static void five_hundred_are_fast(void **state)
{
	struct application *apps;
	struct timespec start;
	size_t n;

	for (int i = 0; i < MANY; i++)
		(void)test_application(db, a, &taro);
	for (unsigned i = 1; i <= MANY; i++)
		memo_of(i, arena_printf(a, i % 100 ? "端末 %u" : "プリンタ %u", i));

	struct application_query query = {.words = "ﾌﾟﾘﾝﾀ", .any_state = true, .limit = 51};
	clock_gettime(CLOCK_MONOTONIC, &start);
	check_ok(application_search(db, a, taro.id, &query, clock_now(), &apps, &n));
	int64_t ms = elapsed_ms(&start);
	print_message("a search through %d applications: %lld ms\n", MANY, (long long)ms);
	assert_int_equal(n, 5);
	assert_true(ms < SLOW_MS);

	/* Pages of a search meet without gap or overlap. */
	query = (struct application_query){.words = "端末", .any_state = true, .limit = 50};
	size_t sum = 0;
	do {
		check_ok(application_search(db, a, taro.id, &query, clock_now(), &apps, &n));
		for (size_t i = 0; i < n; i++)
			assert_true(!query.below || apps[i].number < query.below);
		sum += n;
		query.below = n ? apps[n - 1].number : 0;
	} while (n == 50);
	assert_int_equal(sum, MANY - 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(words_are_found_where_they_stand, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(serials_are_found_in_either_base, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(states_are_filtered, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(too_many_words_are_refused, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(five_hundred_are_fast, setup, mariadb_done),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
