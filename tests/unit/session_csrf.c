/* Tests of web/session on a real database: the cookie, its end, and the token of its forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "support/mariadb.h"
#include "support/request_maker.h"
#include "support/view_strings.h"
#include "web/session.h"

static struct arena *a;
static struct db *db;
static struct user taro;
static const struct session_settings settings = {.idle = 30 * MINUTE, .absolute = 2 * HOUR};

static enum status begin(struct request *rq)
{
	enum status s = session_begin(rq, &taro);

	return s == STATUS_OK ? request_redirect(rq, "/me") : s;
}

static enum status end(struct request *rq)
{
	enum status s = session_end(rq);

	return s == STATUS_OK ? request_redirect(rq, "/") : s;
}

static enum status me(struct request *rq)
{
	return request_send(rq, "text/plain", NULL,
		bytes_string(
			rq->user ? arena_printf(rq->arena, "%s %s", rq->user->eppn, rq->csrf) : "nobody"));
}

static const struct route routes[] = {
	{"GET", "/begin", ACCESS_ANYONE, begin},
	{"GET", "/end", ACCESS_ANYONE, end},
	{"GET", "/me", ACCESS_ANYONE, me},
	{"GET", "/news", ACCESS_ANYONE, me, .quiet = true},
	{"POST", "/change", ACCESS_USER, me},
	{0},
};

static int set_up(void **state)
{
	a = arena_new();
	mariadb_start();
	view_strings_start(a);
	view_strings_file("core", "layout.html", "{{>BODY}}");
	view_strings_file("core", "error.html", "{{MESSAGE}}");
	db = mariadb_db();
	session_start(&settings);
	if (user_login(db, a, "taro@example.ac.jp", "https://idp.example", "太郎", "taro@example.ac.jp",
		    LANG_EN, &taro) != STATUS_OK)
		return -1;
	return view_strings_load(NULL) == STATUS_OK && router_add("test", routes) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	db_free(db);
	view_strings_end();
	arena_free(a);
	return 0;
}

static const char *run(struct request *rq)
{
	router_run(rq);
	return response_text(rq);
}

static const char *get(const char *uri, const char *cookie)
{
	return run(request_make_get(a, db, uri, cookie));
}

static const char *content(const char *response)
{
	return strstr(response, "\r\n\r\n") + 4;
}

/* "__Host-session=..." of a new session. */
static const char *logged_in(const char *cookie)
{
	const char *set = response_header(a, get("/begin", cookie), "Set-Cookie", 0);

	assert_non_null(set);
	return arena_stringn(a, set, strcspn(set, ";"));
}

static const char *token_of(const char *cookie)
{
	const char *text = content(get("/me", cookie));

	assert_true(text_starts(text, "taro@example.ac.jp "));
	return strchr(text, ' ') + 1;
}

static void shift(when by)
{
	const char *file = arena_printf(a, "%s/shift", view_strings_dir());
	FILE *f = fopen(file, "w");

	fprintf(f, "%lld\n", (long long)by);
	fclose(f);
	clock_shift_file(file);
}

static bool alive(const char *uri, const char *cookie)
{
	return !text_same(content(get(uri, cookie)), "nobody");
}

static void a_session_begins_and_ends(void **state)
{
	const char *cookie = logged_in(NULL), *out;

	assert_int_equal(strlen(cookie), strlen("__Host-session=") + 43);
	assert_true(alive("/me", cookie));
	assert_false(alive("/me", NULL));
	assert_false(alive("/me", "__Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(alive("/me", arena_printf(a, "%s; %s", cookie, cookie))); /* which one? */
	out = get("/end", cookie);
	assert_string_equal(response_header(a, out, "Set-Cookie", 0),
		"__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
	assert_false(alive("/me", cookie));
}

static void a_log_in_ends_the_session_before(void **state)
{
	const char *first = logged_in(NULL), *second = logged_in(first);

	assert_string_not_equal(first, second);
	assert_false(alive("/me", first));
	assert_true(alive("/me", second));
}

static void only_the_digest_is_stored(void **state)
{
	const char *cookie = logged_in(NULL), *value = strchr(cookie, '=') + 1;
	const char *digest = text_hex(a, crypto_sha256(a, bytes_string(value)));

	assert_int_equal(mariadb_number(arena_printf(
				 a, "SELECT COUNT(*) FROM session WHERE HEX(digest) = HEX('%s')", value)),
		0);
	assert_int_equal(mariadb_number(arena_printf(
				 a, "SELECT COUNT(*) FROM session WHERE HEX(digest) = UPPER('%s')", digest)),
		1);
}

static void forms_need_the_token_of_their_session(void **state)
{
	const char *cookie = logged_in(NULL), *other = logged_in(NULL);
	const char *token = token_of(cookie), *foreign = token_of(other);
	const char *form = arena_printf(a, "csrf=%s", token);

	assert_string_not_equal(token, foreign);
	assert_null(strstr(token, strchr(cookie, '=') + 1));
	assert_true(text_starts(run(request_make_post(a, db, "/change", cookie, form)), "Status: 200 "));
	assert_true(text_starts(
		run(request_make_post(a, db, "/change", cookie, arena_printf(a, "csrf=%s", foreign))),
		"Status: 403 "));
	assert_true(text_starts(run(request_make_post(a, db, "/change", cookie, "")), "Status: 403 "));
	assert_true(text_starts(run(request_make_post(a, db, "/change", NULL, form)), "Status: 403 "));
	/* A session that ends in the middle of a form. */
	get("/end", cookie);
	const char *out = run(request_make_post(a, db, "/change", cookie, form));
	assert_true(text_starts(out, "Status: 403 "));
	assert_non_null(strstr(out, "Your session has ended, and nothing was done."));
}

static void sessions_grow_old(void **state)
{
	const char *cookie = logged_in(NULL), *polled = logged_in(NULL);

	/* Pages keep one alive, up to the absolute limit. */
	for (when t = 20; t < 120; t += 20) {
		shift(t * MINUTE);
		assert_true(alive("/me", cookie));
	}
	shift(121 * MINUTE);
	assert_false(alive("/me", cookie));
	/* Asking for news does not. */
	shift(0);
	polled = logged_in(NULL);
	shift(20 * MINUTE);
	assert_true(alive("/news", polled));
	shift(31 * MINUTE);
	assert_false(alive("/news", polled));
	shift(0);
}

static void the_switch_reaches_the_mails(void **state)
{
	const char *cookie = logged_in(NULL);
	struct user user;

	get("/me?lang=ja", cookie);
	assert_int_equal(user_get(db, a, taro.id, &user), STATUS_OK);
	assert_int_equal(user.lang, LANG_JA);
	get("/me?lang=en", NULL); /* a visitor's switch is his own */
	assert_int_equal(user_get(db, a, taro.id, &user), STATUS_OK);
	assert_int_equal(user.lang, LANG_JA);
}

static void the_database_goes_and_comes_back(void **state)
{
	const char *cookie = logged_in(NULL);

	mariadb_kill();
	assert_true(text_starts(get("/me", cookie), "Status: 503 "));
	mariadb_restart();
	assert_true(alive("/me", cookie));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_begins_and_ends),
		cmocka_unit_test(a_log_in_ends_the_session_before),
		cmocka_unit_test(only_the_digest_is_stored),
		cmocka_unit_test(forms_need_the_token_of_their_session),
		cmocka_unit_test(sessions_grow_old),
		cmocka_unit_test(the_switch_reaches_the_mails),
		cmocka_unit_test(the_database_goes_and_comes_back),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
