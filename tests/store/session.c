/* Tests of session rows and of what may be used only once. */
#include "store/session_store.h"

#include "base/crypto.h"
#include "support/applications.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;
static struct user taro;
static struct session_row row;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	taro = test_user(db, a, "taro");
	return 0;
}

static struct bytes digest(const char *s)
{
	return crypto_sha256(a, bytes_string(s));
}

static void age(int64_t seen, int64_t created)
{
	mariadb_exec(
		arena_printf(a, "UPDATE session SET seen_at = seen_at - %lld, created_at = created_at - %lld",
			(long long)seen, (long long)created));
}

static void found_and_ended(void **state)
{
	check_ok(session_insert(db, digest("cookie"), taro.id, "https://idp/"));
	check_status(session_find(db, a, digest("Cookie"), HOUR, DAY, false, &row), STATUS_MISSING);
	check_ok(session_find(db, a, digest("cookie"), HOUR, DAY, false, &row));
	assert_int_equal(row.user.id, taro.id);
	assert_string_equal(row.user.eppn, "taro@example.ac.jp");
	assert_string_equal(row.idp, "https://idp/");
	check_ok(session_set_lang(db, taro.id, LANG_EN));
	check_ok(session_find(db, a, digest("cookie"), HOUR, DAY, false, &row));
	assert_int_equal(row.user.lang, LANG_EN);
	check_ok(session_delete(db, digest("cookie")));
	check_ok(session_delete(db, digest("cookie")));
	check_status(session_find(db, a, digest("cookie"), HOUR, DAY, false, &row), STATUS_MISSING);
}

static void limits(void **state)
{
	check_ok(session_insert(db, digest("c"), taro.id, "i"));
	age(HOUR - 5000, 0);
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, true, &row)); /* quiet: not extended */
	age(5000, 0);
	check_status(session_find(db, a, digest("c"), HOUR, DAY, false, &row), STATUS_MISSING);
	age(-HOUR, DAY - 5000);
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, false, &row));
	age(0, 5000);
	check_status(session_find(db, a, digest("c"), HOUR, DAY, false, &row), STATUS_MISSING);
}

static void seen_is_written_seldom(void **state)
{
	check_ok(session_insert(db, digest("c"), taro.id, "i"));
	int64_t seen = mariadb_number("SELECT seen_at FROM session");
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, false, &row));
	assert_int_equal(mariadb_number("SELECT seen_at FROM session"), seen);
	age(5 * MINUTE, 0);
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, false, &row));
	assert_int_equal(mariadb_number("SELECT seen_at FROM session"), seen - 5 * MINUTE);
	age(MINUTE, 0);
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, true, &row));
	assert_int_equal(mariadb_number("SELECT seen_at FROM session"), seen - 6 * MINUTE);
	check_ok(session_find(db, a, digest("c"), HOUR, DAY, false, &row));
	assert_true(mariadb_number("SELECT seen_at FROM session") >= seen);
}

static void swept(void **state)
{
	for (int i = 0; i < 5; i++)
		check_ok(session_insert(db, digest(arena_printf(a, "old %d", i)), taro.id, "i"));
	age(2 * HOUR, 0);
	check_ok(session_insert(db, digest("ancient"), taro.id, "i"));
	age(0, 2 * DAY);
	mariadb_exec(
		"INSERT INTO session (digest, user_id, idp, created_at, seen_at)"
		" SELECT UNHEX(SHA2(seq, 256)), 1, '', 1, 1 FROM seq_1_to_2500"); /* more than one statement deletes */
	check_ok(session_insert(db, digest("new"), taro.id, "i"));
	check_ok(once_use(db, "p", "over", clock_now() - 1));
	check_ok(once_use(db, "p", "not over", clock_now() + HOUR));
	check_ok(session_sweep(db, HOUR, DAY));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM session"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM once"), 1);
	check_ok(session_find(db, a, digest("new"), HOUR, DAY, false, &row));
}

static void once_is_once(void **state)
{
	struct db *other = mariadb_db();

	check_ok(once_use(db, "assertion", "_id1", clock_now() + HOUR));
	check_status(once_use(other, "assertion", "_id1", clock_now() + HOUR), STATUS_CONFLICT);
	check_status(once_use(db, "assertion", "_id1", clock_now() + HOUR), STATUS_CONFLICT);
	check_ok(once_use(other, "assertion", "_ID1", clock_now() + HOUR));
	check_ok(once_use(other, "response", "_id1", clock_now() + HOUR));
	db_free(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(found_and_ended),
		T(limits),
		T(seen_is_written_seldom),
		T(swept),
		T(once_is_once),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
