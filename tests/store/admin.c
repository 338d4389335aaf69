/* Tests of the way into the administrators' pages: who exists for whom, the password once per session, roles, and failures that slow down. */
#include "support/check.h"

#include "base/password.h"
#include "store/attempt.h"
#include "support/mariadb.h"
#include "support/pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static struct arena *a;
static struct db *db;
static struct user people[4];
enum { ADMIN, HELP_DESK, AUDITOR, TARO };

/* Pages of a plugin, one a right. */
static enum status said(struct request *rq)
{
	return request_send(rq, "text/plain", NULL, bytes_string("inside"));
}

static const char *const words[] = {"q", "name", NULL};
static bool refusing;

static enum status looked_for(struct request *rq)
{
	return refusing ? request_page_code(rq, 400, "core/help.html", "", model_new(rq->arena)) : said(rq);
}

static const struct route routes[] = {
	{"GET", "/admin_test", ACCESS_ADMIN, said},
	{"GET", "/admin_test/list", ACCESS_ADMIN, looked_for, .words = words},
	{"POST", "/admin_test/revoke", ACCESS_ADMIN, said, .right = RIGHT_REVOKE},
	{"GET", "/admin_test/audit", ACCESS_ADMIN, said, .right = RIGHT_AUDIT},
	{"POST", "/admin_test/change", ACCESS_ADMIN, said, .right = RIGHT_CHANGE},
	{0},
};
static const struct menu_entry menu[] = {{"Test", "/admin_test", ACCESS_ADMIN}, {0}};
static const struct plugin admin_test = {.abi = INKAN_ABI, .name = "admin_test", .routes = routes, .menu = menu};

static int set_up(void **state)
{
	a = pages_test_open((const struct plugin *const[]){&admin_test, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	static const char *const names[] = {PAGES_ADMIN, PAGES_HELP_DESK, PAGES_AUDITOR, "taro@example.ac.jp"};

	mariadb_clear();
	pages_clock(0);
	pages_authorization(NULL);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		check_ok(user_login(db, a, names[i], "https://idp.example.ac.jp", "X", names[i], LANG_EN, &people[i]));
	return 0;
}

static const char *basic(const char *name, const char *password)
{
	return arena_printf(a, "Basic %s", text_base64(a, bytes_string(arena_printf(a, "%s:%s", name, password))));
}

static void without_either_the_pages_do_not_exist(void **state)
{
	const char *right = basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD);
	const char *taro = pages_session(&people[TARO]), *admin = pages_session(&people[ADMIN]);

	pages_authorization(right); /* alone it opens nothing */
	assert_int_equal(pages_get("en", "", "/admin_test").http, 404);
	assert_int_equal(pages_get("en", taro, "/admin_test").http, 404);
	assert_int_equal(pages_post(taro, "/admin_test/change", "", NULL).http, 404);
	assert_int_equal(pages_post(taro, "/admin_test", "", NULL).http, 404); /* nor by another method: 405 would tell */
	assert_int_equal(pages_post(admin, "/admin_test", "", NULL).http, 405);
	assert_null(strstr(pages_get("en", taro, "/").page, "/admin"));
	pages_authorization(NULL);
	struct answer answer = pages_get("en", admin, "/admin_test");
	assert_int_equal(answer.http, 401);
	assert_non_null(strstr(answer.challenge, "charset=\"UTF-8\""));
	assert_int_equal(pages_post(admin, "/admin_test/change", "", NULL).http, 401);
	assert_non_null(strstr(pages_get("en", admin, "/").page, "href=\"/admin\"")); /* the way in is shown */
	pages_authorization(right);
	assert_string_equal(pages_get("en", admin, "/admin_test").page, "inside");
	assert_string_equal(pages_get("en", admin, "/admin").location, "/admin_test");
}

static void the_password_is_asked_once_a_session(void **state)
{
	const char *session = pages_session(&people[ADMIN]);

	pages_authorization(basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.entered'"), 1);
	pages_authorization(NULL);
	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.entered'"), 1);
	/* Of another session of the same person nothing is known. */
	assert_int_equal(pages_get("en", pages_session(&people[ADMIN]), "/admin_test").http, 401);
}

static void a_changed_password_counts_at_once(void **state)
{
	const char *file = arena_printf(a, "%s/passwords", mariadb_dir());
	const char *session = pages_admin_session(&people[ADMIN]);

	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
	check_ok(password_set(a, file, PAGES_BASIC_NAME, "another long password"));
	assert_int_equal(pages_get("en", session, "/admin_test").http, 401);
	pages_authorization(basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	assert_int_equal(pages_get("en", session, "/admin_test").http, 401);
	pages_authorization(basic(PAGES_BASIC_NAME, "another long password"));
	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
	check_ok(password_set(a, file, PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
}

static void roles(void **state)
{
	static const struct {
		int who, look, revoke, audit, change;
	} table[] = {{ADMIN, 200, 200, 200, 200}, {HELP_DESK, 200, 200, 403, 403}, {AUDITOR, 200, 403, 200, 403}};

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const char *session = pages_admin_session(&people[table[i].who]);

		assert_int_equal(pages_get("en", session, "/admin_test").http, table[i].look);
		assert_int_equal(pages_post(session, "/admin_test/revoke", "", NULL).http, table[i].revoke);
		assert_int_equal(pages_get("en", session, "/admin_test/audit").http, table[i].audit);
		assert_int_equal(pages_post(session, "/admin_test/change", "", NULL).http, table[i].change);
		assert_int_equal(pages_post(session, "/admin_test/revoke", "", "x").http, 403); /* no token of this session */
	}
}

static void searches_leave_a_trace(void **state)
{
	const char *session = pages_admin_session(&people[HELP_DESK]), *long_word = text_hex(a, bytes_of(arena_alloc(a, 400), 400));

	assert_int_equal(pages_get("en", session, "/admin_test/list").http, 200);
	assert_int_equal(pages_get("en", session, "/admin_test/list?q=&name=+%20&page=2").http, 200);
	refusing = true;
	assert_int_equal(pages_get("en", session, "/admin_test/list?q=taro").http, 400);
	refusing = false;
	assert_int_equal(pages_get("en", pages_session(&people[ADMIN]), "/admin_test/list?q=taro").http, 401);
	assert_int_equal(pages_get("en", pages_session(&people[TARO]), "/admin_test/list?q=taro").http, 404);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched'"), 0);
	assert_int_equal(pages_get("en", session, "/admin_test/list?q=+%E5%B1%B1%E7%94%B0+&name=x&page=2").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched' AND object = '/admin_test/list'"
				 " AND detail = 'q=山田 name=x' AND actor = '" PAGES_HELP_DESK "'"),
		1);
	assert_int_equal(pages_get("en", session, arena_printf(a, "/admin_test/list?q=%s", long_word)).http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched' AND CHAR_LENGTH(detail) = 500"), 1);
	/* What cannot be told is not shown. */
	mariadb_exec("RENAME TABLE audit TO audit_away");
	assert_int_equal(pages_get("en", session, "/admin_test/list?q=taro").http, 500);
	assert_int_equal(pages_get("en", session, "/admin_test/list").http, 200);
	mariadb_exec("RENAME TABLE audit_away TO audit");
}

static void denials_leave_a_trace_that_nobody_can_flood(void **state)
{
	const char *session = pages_admin_session(&people[HELP_DESK]);
	const char *rows = "SELECT COUNT(*) FROM audit WHERE action = 'admin.denied'";

	assert_int_equal(pages_post(session, "/admin_test/revoke", "", NULL).http, 200);
	assert_int_equal(mariadb_number(rows), 0);
	assert_int_equal(pages_get("en", session, "/admin_test/audit?secret=1").http, 403);
	assert_int_equal(mariadb_number(arena_printf(a, "%s AND object = 'user:%llu' AND detail = 'GET /admin_test/audit'", rows,
				 (unsigned long long)people[HELP_DESK].id)),
		1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(pages_post(session, "/admin_test/change", "", NULL).http, 403);
	assert_in_range(mariadb_number(rows), ATTEMPTS_FREE + 1, ATTEMPTS_FREE + 3);
	/* Of somebody else still, and the password is another matter. */
	assert_int_equal(pages_post(pages_admin_session(&people[AUDITOR]), "/admin_test/change", "", NULL).http, 403);
	assert_int_equal(mariadb_number(arena_printf(a, "%s AND actor = '" PAGES_AUDITOR "'", rows)), 1);
	pages_authorization(basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	assert_int_equal(pages_get("en", pages_session(&people[HELP_DESK]), "/admin_test").http, 200);
	if (!pages_clock(HOUR))
		return;
	assert_int_equal(pages_post(session, "/admin_test/change", "", NULL).http, 403);
	assert_in_range(mariadb_number(rows), ATTEMPTS_FREE + 3, ATTEMPTS_FREE + 5);
}

static void failures_slow_down(void **state)
{
	const char *session = pages_session(&people[ADMIN]);
	struct answer answer;

	for (int i = 0; i <= ATTEMPTS_FREE; i++) {
		pages_authorization(basic(i % 2 ? PAGES_BASIC_NAME : "nobody", "wrong"));
		assert_int_equal(pages_get("en", session, "/admin_test").http, 401);
	}
	pages_authorization(basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	answer = pages_get("en", session, "/admin_test"); /* the right one too: nothing is told while it is slow */
	assert_int_equal(answer.http, 429);
	assert_string_equal(answer.retry_after, "1");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.refused'"), ATTEMPTS_FREE + 1);
	if (!pages_clock(2 * SECOND))
		return; /* not a test build */
	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM attempt"), 0);
}

static void bad_headers(void **state)
{
	const char *const bad[] = {"Basic", "Basic ", "Basic !!!!", "Bearer abc", "Basic a2FucmkK", basic("", ""), basic("kanri\xff", "x"),
		arena_printf(a, "Basic %s", text_base64(a, bytes_of("kanri:a\0b", 9)))};
	const char *session = pages_session(&people[ADMIN]);

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		pages_authorization(bad[i]);
		assert_int_equal(pages_get("en", session, "/admin_test").http, 401);
	}
	pages_authorization(basic(PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	assert_int_equal(pages_get("en", session, "/admin_test").http, 200);
}

/* Many at once are no way around the pause. */
static atomic_int allowed;

static void *guess(void *unused)
{
	struct db *conn = mariadb_db();
	struct arena *own = arena_new();
	when until;

	for (int i = 0; i < 10; i++)
		if (attempt_begin(conn, own, "admin", 7, &until) == STATUS_OK)
			atomic_fetch_add(&allowed, 1);
	arena_free(own);
	db_free(conn);
	return NULL;
}

static void many_at_once(void **state)
{
	pthread_t threads[8];

	atomic_store(&allowed, 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	/* A second may pass meanwhile on a slow machine, then two: then another one is right. */
	assert_in_range(atomic_load(&allowed), ATTEMPTS_FREE + 1, ATTEMPTS_FREE + 4);
}

static void pauses_grow_and_end(void **state)
{
	when until = 0, last = 0;

	if (!pages_clock(0))
		return;
	for (int i = 0; i < 30; i++) {
		enum status s = attempt_begin(db, a, "admin", 9, &until);
		if (s == STATUS_DENIED) {
			last = until - clock_now();
			pages_clock(until - clock_now() + DAY * i); /* past it */
			s = attempt_begin(db, a, "admin", 9, &until);
		}
		check_ok(s);
	}
	assert_in_range(last, ATTEMPT_PAUSE_MAX - SECOND, ATTEMPT_PAUSE_MAX);
}

static void password_files(void **state)
{
	const char *file = arena_printf(a, "%s/own", mariadb_dir());
	char *proof, *second;
	struct stat st;

	check_status(password_check(a, file, "kanri", "x", NULL), STATUS_INVALID); /* there is none */
	check_status(password_set(a, file, "kanri", "short"), STATUS_INVALID);
	check_status(password_set(a, file, "kan:ri", "long enough a one"), STATUS_INVALID);
	check_status(password_set(a, file, "", "long enough a one"), STATUS_INVALID);
	check_status(password_set(a, file, "kanri", "with a\nline end"), STATUS_INVALID);
	check_ok(password_set(a, file, "kanri", "long enough a one"));
	check_ok(password_set(a, file, "管理", "パスワードは長いほど良いです"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	check_ok(password_check(a, file, "kanri", "long enough a one", &proof));
	check_ok(password_check(a, file, "管理", "パスワードは長いほど良いです", &second));
	assert_string_not_equal(proof, second);
	check_status(password_check(a, file, "kanri", "パスワードは長いほど良いです", NULL), STATUS_DENIED);
	check_status(password_check(a, file, "nobody", "long enough a one", NULL), STATUS_DENIED);
	check_status(password_check(a, file, "kanri", "", NULL), STATUS_DENIED);
	assert_true(password_proof_stands(a, file, proof));
	check_ok(password_set(a, file, "kanri", "long enough a one")); /* the same again has another salt */
	assert_false(password_proof_stands(a, file, proof));
	assert_true(password_proof_stands(a, file, second));
	assert_int_equal(chmod(file, 0644), 0);
	check_status(password_check(a, file, "管理", "パスワードは長いほど良いです", NULL), STATUS_INVALID);
	assert_false(password_proof_stands(a, file, second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_either_the_pages_do_not_exist, fresh),
		cmocka_unit_test_setup(the_password_is_asked_once_a_session, fresh),
		cmocka_unit_test_setup(a_changed_password_counts_at_once, fresh),
		cmocka_unit_test_setup(roles, fresh),
		cmocka_unit_test_setup(searches_leave_a_trace, fresh),
		cmocka_unit_test_setup(denials_leave_a_trace_that_nobody_can_flood, fresh),
		cmocka_unit_test_setup(failures_slow_down, fresh),
		cmocka_unit_test_setup(bad_headers, fresh),
		cmocka_unit_test_setup(many_at_once, fresh),
		cmocka_unit_test_setup(pauses_grow_and_end, fresh),
		cmocka_unit_test(password_files),
	};
	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
