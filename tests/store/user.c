/* Tests of users: found or made by log-in, race-free, changes audited. */
#include <pthread.h>

#include "store/user.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	return 0;
}

static void made_and_found(void **state)
{
	struct user first, second, got;

	check_ok(user_login(db, a, "Taro@Example.ac.jp", "https://idp1/", "山田 太郎", "taro@m.example.ac.jp",
		LANG_JA, &first));
	assert_string_equal(first.eppn, "taro@example.ac.jp");
	check_ok(user_login(db, a, "taro@example.ac.jp", "https://idp1/", "Yamada", "taro@m.example.ac.jp",
		LANG_EN, &second));
	assert_int_equal(first.id, second.id);
	assert_int_equal(first.created_at, second.created_at);
	check_ok(user_get(db, a, first.id, &got));
	assert_string_equal(got.name, "Yamada");
	assert_int_equal(got.lang, LANG_EN);
	assert_true(got.seen_at >= got.created_at);
	check_ok(user_login(db, a, "hanako@example.ac.jp", "https://idp1/", NULL, NULL, LANG_JA, &second));
	assert_true(second.id != first.id);
	assert_string_equal(second.mail, "");
	check_status(user_get(db, a, 12345, &got), STATUS_MISSING);
}

/* Letters that a collation would call the same are other people. */
static void identities_are_exact(void **state)
{
	static const char *const names[] = {
		"taro@example.ac.jp", "tàro@example.ac.jp", "taro@example.ac.jp ", "ｔaro@example.ac.jp"};
	struct user users[COUNT_OF(names)];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		check_ok(user_login(db, a, names[i], "idp", "n", "", LANG_JA, &users[i]));
		for (size_t j = 0; j < i; j++)
			assert_true(users[i].id != users[j].id);
	}
}

static void changes_are_audited(void **state)
{
	struct user user;

	check_ok(user_login(db, a, "taro@example.ac.jp", "idp1", "n", "one@example.jp", LANG_JA, &user));
	check_ok(user_login(
		db, a, "taro@example.ac.jp", "idp1", "other name", "one@example.jp", LANG_JA, &user));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit"), 1);
	check_ok(user_login(db, a, "taro@example.ac.jp", "idp2", "n", "two@example.jp", LANG_JA, &user));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'user.mail_changed'"
					" AND detail = 'from one@example.jp to two@example.jp'"),
		1);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM audit WHERE action = 'user.idp_changed' AND detail = 'from idp1 to idp2'"),
		1);
}

static void too_long_is_refused(void **state)
{
	struct user user;
	char *text = arena_alloc(a, 1001);

	memset(text, 'x', 1000);
	check_status(user_login(db, a, text, "idp", "n", "m", LANG_JA, &user), STATUS_INVALID);
	check_status(user_login(db, a, "", "idp", "n", "m", LANG_JA, &user), STATUS_INVALID);
	check_status(user_login(db, a, "e", "idp", "n", text, LANG_JA, &user), STATUS_INVALID);
	check_ok(user_login(db, a, "e", "idp", text, "m", LANG_JA, &user)); /* a name is only shown: cut */
	assert_int_equal(strlen(user.name), 255);
	check_ok(user_login(db, a, "e", "idp", "broken \xff", "m", LANG_JA, &user));
}

struct racer {
	pthread_barrier_t *barrier;
	uint64_t id;
};

static void *race(void *context)
{
	struct racer *r = context;
	struct db *d = mariadb_db();
	struct arena *mine = arena_new();
	struct user user;

	pthread_barrier_wait(r->barrier);
	if (user_login(d, mine, "new@example.ac.jp", "idp", "n", "m@example.jp", LANG_JA, &user) == STATUS_OK)
		r->id = user.id;
	arena_free(mine);
	db_free(d);
	return NULL;
}

static void first_login_raced(void **state)
{
	pthread_t threads[8];
	pthread_barrier_t barrier;
	struct racer racers[8];

	pthread_barrier_init(&barrier, NULL, 8);
	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){&barrier, 0};
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_true(racers[i].id && racers[i].id == racers[0].id);
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM user"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(made_and_found),
		T(identities_are_exact),
		T(changes_are_audited),
		T(too_long_is_refused),
		T(first_login_raced),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
