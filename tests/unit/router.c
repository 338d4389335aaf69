/* Tests of web/router: which route answers, who may, what the error pages say, and the language switch. */
#include "support/check.h"

#include "support/request_maker.h"
#include "support/view_strings.h"
#include "web/session.h"

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct arena *a;
static struct db *db_away;

static enum status say(struct request *rq, const char *words)
{
	return request_send(rq, "text/plain", NULL, bytes_string(words));
}

#define HANDLER(name)                                                                                        \
	static enum status name(struct request *rq)                                                          \
	{                                                                                                    \
		return say(rq, #name);                                                                       \
	}
HANDLER(root)
HANDLER(apply)
HANDLER(number)
HANDLER(news)
HANDLER(mailbox)
HANDLER(sender)
HANDLER(posted)
HANDLER(for_users)
HANDLER(for_admins)

static enum status parts(struct request *rq)
{
	unsigned n = 0;
	bool is_number = request_part_number(rq, "b", &n);

	return say(rq, arena_printf(rq->arena, "%s,%s,%s,%u", request_part(rq, "a"), request_part(rq, "b"),
			       is_number ? "number" : "none", n));
}

static enum status refuses(struct request *rq)
{
	request_set_header(rq, "X-Left-Over", "1");
	request_set_cookie(rq, "kept", "1", 0, COOKIE_LAX);
	cause(STATUS_CONFLICT, "a test");
	return request_refuse(rq, STATUS_CONFLICT, "Own <words>.");
}

static enum status fails(struct request *rq)
{
	return cause(STATUS_INTERNAL, "a secret for the log");
}

static enum status silent(struct request *rq)
{
	return STATUS_OK;
}

static enum status page(struct request *rq)
{
	return request_page(rq, "core/page.html", "T", NULL);
}

static const struct route routes[] = {
	{"GET", "/", ACCESS_ANYONE, root},
	{"GET", "/:type/:number", ACCESS_ANYONE, number},
	{"GET", "/:type/apply", ACCESS_ANYONE, apply},
	{"GET", "/:type/:number/news", ACCESS_USER, news, .quiet = true},
	{"GET", "/mailbox/", ACCESS_ANYONE, mailbox},
	{"GET", "/login/:x", ACCESS_ANYONE, sender},
	{"POST", "/exempt", ACCESS_ANYONE, posted, .no_csrf_because = "A test."},
	{"POST", "/checked", ACCESS_ANYONE, posted},
	{"GET", "/users", ACCESS_USER, for_users},
	{"POST", "/users", ACCESS_USER, posted},
	{"GET", "/admins", ACCESS_ADMIN, for_admins},
	{"GET", "/parts/:a/:b", ACCESS_ANYONE, parts},
	{"GET", "/refuses", ACCESS_ANYONE, refuses},
	{"GET", "/fails", ACCESS_ANYONE, fails},
	{"GET", "/silent", ACCESS_ANYONE, silent},
	{"GET", "/page", ACCESS_ANYONE, page},
	{0},
};

static int set_up(void **state)
{
	static const struct session_settings sessions = {.idle = 30 * MINUTE, .absolute = 10 * HOUR};
	static const char *const ja[] = {"The page was not found.", "ページが見つかりません。", NULL};
	static const struct db_settings away = {
		.socket = "/nonexistent/socket", .host = "", .user = "", .name = "", .timeout = 1000};

	a = arena_new();
	view_strings_start(a);
	view_strings_catalogue("core", ja);
	view_strings_file("core", "layout.html", "{{TITLE}}|{{LANG}}|{{>BODY}}");
	view_strings_file("core", "page.html", "page");
	view_strings_file("core", "error.html",
		"{{CODE}} {{MESSAGE}} {{REFERENCE}}{{#LOG_IN}} log-in{{/LOG_IN}}{{#NOT_FOUND}} nf{{/NOT_FOUND}}{{#LOG_IN_FIRST}} first {{TO:u}}{{/LOG_IN_FIRST}}{{#OUR_FAULT}} our{{/OUR_FAULT}}");
	session_start(&sessions);
	db_away = db_new(&away);
	return view_strings_load(NULL) == STATUS_OK && router_add("test", routes) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	db_free(db_away);
	view_strings_end();
	arena_free(a);
	return 0;
}

static const char *run(struct request *rq)
{
	router_run(rq);
	return response_text(rq);
}

static const char *get(const char *uri)
{
	return run(request_make_get(a, NULL, uri, NULL));
}

static void ends(const char *response, const char *with)
{
	if (!text_ends(response, with))
		fail_msg("does not end with %s: %s", with, response);
}

static void starts(const char *response, const char *with)
{
	if (!text_starts(response, with))
		fail_msg("does not start with %s: %s", with, response);
}

static void the_route_that_says_most_wins(void **state)
{
	ends(get("/"), "\r\n\r\nroot");
	ends(get("/client/7"), "\r\n\r\nnumber");
	ends(get("/client/apply"), "\r\n\r\napply");
	ends(get("/login/apply"), "\r\n\r\nsender"); /* from the left: login before apply */
	ends(get("/parts/%E5%8D%B0/7"), "\r\n\r\n印,7,number,7");
	ends(get("/parts/x/07"), ",none,0");
	ends(get("/parts/x/-7"), ",none,0");
	ends(get("/parts/x/4294967295"), ",number,4294967295");
	ends(get("/parts/x/4294967296"), ",none,0");
}

static void what_is_not_there(void **state)
{
	const char *out = get("/nowhere");

	starts(out, "Status: 404 Not Found\r\n");
	ends(out, "Page not found|en|404 The page was not found. 0123456789abcdef0123456789abcdef nf first /nowhere");
	starts(get("/a/b/c/d"), "Status: 404 ");
	starts(get("/../etc/passwd"), "Status: 400 ");
	starts(get("/?a=1&a=2"), "Status: 400 ");
}

static void a_final_slash_is_forgiven(void **state)
{
	const char *out = get("/mailbox?a=b");

	starts(out, "Status: 303 ");
	assert_string_equal(response_header(a, out, "Location", 0), "/mailbox/?a=b");
	out = get("/client/apply/");
	assert_string_equal(response_header(a, out, "Location", 0), "/client/apply");
	starts(get("/nowhere/"), "Status: 404 ");
	/* It does not tell that there are administrators' pages. */
	starts(get("/admins/"), "Status: 404 ");
}

static void wrong_methods(void **state)
{
	const char *out = run(request_make_post(a, NULL, "/page", NULL, ""));

	starts(out, "Status: 405 ");
	assert_string_equal(response_header(a, out, "Allow", 0), "GET, HEAD");
	out = get("/exempt");
	starts(out, "Status: 405 ");
	assert_string_equal(response_header(a, out, "Allow", 0), "POST");
	static const char *const put[] = {"REQUEST_METHOD=PUT", "REQUEST_URI=/users", NULL};
	out = run(request_make_raw(a, NULL, "", 0, put));
	starts(out, "Status: 405 ");
	assert_string_equal(response_header(a, out, "Allow", 0), "GET, HEAD, POST");
}

static void visitors_are_sent_to_log_in(void **state)
{
	const char *out = get("/users?a=%20b&c");

	starts(out, "Status: 303 ");
	assert_string_equal(response_header(a, out, "Location", 0), "/login?to=%2Fusers%3Fa%3D%2520b%26c");
	out = run(request_make_post(a, NULL, "/users", NULL, "x=y"));
	starts(out, "Status: 403 ");
	assert_non_null(strstr(out, "Your session has ended, and nothing was done."));
	ends(out, " log-in");
	/* A script that polls is not sent anywhere. */
	starts(get("/client/7/news"), "Status: 403 ");
}

static void administrators_pages_do_not_exist_for_others(void **state)
{
	struct request *rq = request_make_get(a, NULL, "/admins", NULL);

	static const char *const full[] = {"Admin@Example.ac.jp", NULL};
	static struct user user = {.eppn = "admin@example.ac.jp"};

	check_ok(admin_start(&(struct admin_settings){.full = full, .passwords = "/nonexistent"}));
	starts(get("/admins"), "Status: 404 ");
	/* One who is named is asked for the password (with it: tests/store/admin.c). */
	rq->user = &user;
	const char *out = run(rq);
	starts(out, "Status: 401 ");
	assert_non_null(strstr(response_header(a, out, "WWW-Authenticate", 0), "Basic realm="));
	rq = request_make_get(a, NULL, "/admins", NULL);
	rq->user = arena_alloc(a, sizeof *rq->user);
	rq->user->eppn = "taro@example.ac.jp";
	starts(run(rq), "Status: 404 ");
	check_status(admin_start(&(struct admin_settings){.auditors = full, .passwords = ""}), STATUS_INVALID);
	check_ok(admin_start(&(struct admin_settings){0}));
	rq = request_make_get(a, NULL, "/admins", NULL);
	rq->user = &user;
	starts(run(rq), "Status: 404 ");
}

/* A form as a session of this user would send it. */
static struct request *post_as_user(const char *path, const char *form)
{
	struct request *rq = request_make_post(a, NULL, path, NULL, form);

	rq->user = arena_alloc(a, sizeof *rq->user);
	rq->user->eppn = "taro@example.ac.jp";
	rq->csrf = "the-token";
	return rq;
}

static void forms_need_their_token(void **state)
{
	static const char *const wrong[] = {"", "csrf=", "csrf=the-toke", "csrf=the-token2", "csrf=the-tokem",
		"CSRF=the-token", "x=the-token"};

	ends(run(post_as_user("/users", "csrf=the-token&x=y")), "\r\n\r\nposted");
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		const char *out = run(post_as_user("/users", wrong[i]));

		starts(out, "Status: 403 ");
		assert_null(strstr(out, "posted"));
	}
	/* In the address it does not count: addresses are seen by others. */
	starts(run(post_as_user("/users?csrf=the-token", "")), "Status: 403 ");
	/* Nor for a visitor, who has no token. */
	starts(run(request_make_post(a, NULL, "/checked", NULL, "csrf=")), "Status: 403 ");
	ends(run(request_make_post(a, NULL, "/exempt", NULL, "x=y")), "\r\n\r\nposted");
	starts(run(request_make_post(a, NULL, "/exempt", NULL, "x=%")), "Status: 400 ");
	starts(run(request_make_post(a, NULL, "/exempt", NULL, arena_printf(a, "x=%02000d", 0))),
		"Status: 413 ");
}

static void errors_have_pages(void **state)
{
	const char *out = get("/refuses");

	starts(out, "Status: 409 ");
	assert_non_null(strstr(out, "Own &lt;words&gt;. 0123456789abcdef0123456789abcdef"));
	assert_null(response_header(a, out, "X-Left-Over", 0));
	assert_non_null(response_header(a, out, "Set-Cookie", 0));
	out = get("/fails");
	starts(out, "Status: 500 ");
	assert_null(strstr(out, "secret"));
	assert_non_null(strstr(out, " our"));
	starts(get("/silent"), "Status: 500 ");
}

static void a_missing_error_page_leaves_words(void **state)
{
	static const char *const none[] = {"nothing", NULL};
	const char *out;

	assert_int_equal(view_strings_load(none), STATUS_OK);
	out = get("/nowhere");
	starts(out, "Status: 404 ");
	assert_string_equal(response_header(a, out, "Content-Type", 0), "text/plain; charset=utf-8");
	ends(out, "\r\n\r\nPage not found\n\nThe page was not found.\n\n0123456789abcdef0123456789abcdef\n");
	out = get("/page");
	starts(out, "Status: 500 ");
	assert_int_equal(view_strings_load(NULL), STATUS_OK);
}

static void without_the_database_sessions_are_not_lost(void **state)
{
	const char *out = run(request_make_get(a, db_away, "/users", "__Host-session=" TOKEN));

	starts(out, "Status: 503 ");
	assert_string_equal(response_header(a, out, "Retry-After", 0), "10");
	assert_null(response_header(a, out, "Set-Cookie", 0));
	/* Who has no cookie of ours needs no database. */
	ends(run(request_make_get(a, db_away, "/", NULL)), "\r\n\r\nroot");
	ends(run(request_make_get(a, db_away, "/", "__Host-session=short")), "\r\n\r\nroot");
}

static void the_language_switch_keeps_the_page(void **state)
{
	const char *out = get("/page?a=%20b&lang=ja&c=d");

	starts(out, "Status: 303 ");
	assert_string_equal(response_header(a, out, "Location", 0), "/page?a=%20b&c=d");
	assert_string_equal(response_header(a, out, "Set-Cookie", 0),
		"__Host-lang=ja; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
	assert_string_equal(response_header(a, get("/page?lang=en"), "Location", 0), "/page");
	ends(get("/page?lang=fr"), "T|en|page");
	ends(get("/page?%6cang=ja"), "T|en|page"); /* could not be taken out again */
	ends(run(request_make_get(a, NULL, "/page", "__Host-lang=ja")), "T|ja|page");
	ends(run(request_make_get(a, NULL, "/page", "__Host-lang=xx")), "T|en|page");
	out = run(request_make_get(a, NULL, "/nowhere", "__Host-lang=ja"));
	assert_non_null(strstr(out, "ページが見つかりません。"));
	starts(run(request_make_post(a, NULL, "/exempt?lang=ja", NULL, "")), "Status: 200 ");
}

static void wrong_routes_are_refused(void **state)
{
	static const struct route same_shape[] = {{"GET", "/:other/:names", ACCESS_ANYONE, root}, {0}};
	static const struct route relative[] = {{"GET", "page2", ACCESS_ANYONE, root}, {0}};
	static const struct route method[] = {{"PUT", "/put", ACCESS_ANYONE, root}, {0}};
	static const struct route pointless[] = {
		{"GET", "/get", ACCESS_ANYONE, root, .no_csrf_because = "x"}, {0}};
	static const struct route fine[] = {{"POST", "/:other/:names", ACCESS_ANYONE, root}, {0}};

	assert_int_equal(router_add("x", same_shape), STATUS_INVALID);
	assert_int_equal(router_add("x", relative), STATUS_INVALID);
	assert_int_equal(router_add("x", method), STATUS_INVALID);
	assert_int_equal(router_add("x", pointless), STATUS_INVALID);
	assert_int_equal(router_add("x", fine), STATUS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_route_that_says_most_wins),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(a_final_slash_is_forgiven),
		cmocka_unit_test(wrong_methods),
		cmocka_unit_test(visitors_are_sent_to_log_in),
		cmocka_unit_test(administrators_pages_do_not_exist_for_others),
		cmocka_unit_test(forms_need_their_token),
		cmocka_unit_test(errors_have_pages),
		cmocka_unit_test(a_missing_error_page_leaves_words),
		cmocka_unit_test(without_the_database_sessions_are_not_lost),
		cmocka_unit_test(the_language_switch_keeps_the_page),
		cmocka_unit_test(wrong_routes_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
