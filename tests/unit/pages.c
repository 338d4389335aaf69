/* Tests of the pages that need no database: return paths, the log-in cookie, language switch, computed rows, and all views of the core. */
#include "support/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages/handlers.h"
#include "support/view_strings.h"
#include "web/request_internal.h"

static struct arena *a;

static void seal_start(void)
{
	const char *path = arena_printf(a, "%s/seal", view_strings_dir());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

	assert_true(fd >= 0);
	assert_int_equal(write(fd, key, sizeof key - 1), sizeof key - 1);
	close(fd);
	check_ok(crypto_start((const char *const[]){path, NULL}));
}

/* The real views with the real translations. */
static int set_up(void **state)
{
	static const char *const domains[] = {"core", NULL};

	a = arena_new();
	view_strings_start(a);
	check_ok(clock_start("Asia/Tokyo"));
	check_ok(i18n_start(BINARY_DIR "/locales"));
	seal_start();
	site_set(&(struct site){.base_url = "https://localhost:8443",
		.title_ja = "発行システム",
		.title_en = "Portal",
		.contact = "help@example.ac.jp",
		.demo = true});
	check_ok(view_start(SOURCE_DIR "/views", domains));
	check_ok(router_add("core", core_plugin.routes));
	pages_start();
	pages_assets(SOURCE_DIR "/views");
	return 0;
}

static int tear_down(void **state)
{
	view_strings_end();
	arena_free(a);
	return 0;
}

static const char *body_rest;

static size_t body_read(void *from, char *to, size_t len)
{
	size_t n = strlen(body_rest);

	n = n < len ? n : len;
	memcpy(to, body_rest, n);
	body_rest += n;
	return n;
}

/* One request without a session; the page and, in ret_http, its code. */
static const char *asked(const char *method, const char *path, const char *query, const char *lang,
	const char *cookie, const char *body, int *ret_http)
{
	const struct request_limits limits = {.body_max = 65536, .fields_max = 100, .params_max = 65536};
	char *params[] = {arena_printf(a, "REQUEST_METHOD=%s", method),
		arena_printf(a, "REQUEST_URI=%s%s%s", path, *query ? "?" : "", query),
		arena_printf(a, "HTTP_ACCEPT_LANGUAGE=%s", lang),
		arena_printf(a, "CONTENT_LENGTH=%zu", strlen(body)),
		arena_printf(a, "HTTP_COOKIE=%s", cookie), "DOCUMENT_URI=/",
		"CONTENT_TYPE=application/x-www-form-urlencoded", "REMOTE_ADDR=192.0.2.1",
		"REQUEST_ID=0123456789abcdef0123456789abcdef", NULL};

	params[5] = arena_printf(a, "DOCUMENT_URI=%s", path);
	params[3] = *body ? params[3] : arena_string(a, "CONTENT_LENGTH=");
	body_rest = body;
	struct request *rq = request_new(a, NULL, &limits, params, (struct request_source){body_read, NULL});
	router_run(rq);
	*ret_http = rq->parts->http;
	return arena_stringn(a, (const char *)rq->parts->body.data, rq->parts->body.len);
}

static const char *got(const char *path, const char *query, const char *lang)
{
	int http;
	const char *page = asked("GET", path, query, lang, "", "", &http);

	assert_int_equal(http, 200);
	return page;
}

static void return_path_stays_here(void **state)
{
	static const char *const good[] = {
		"/", "/client/7", "/client/apply?profile=14&x=%E3%81%82", "/?valid=1&below=7", "/a//b"};
	static const char *const bad[] = {"", "client/7", "//evil.example", "/\\evil.example",
		"https://evil.example", "/a\\b", "/a b", "/\tevil", "/a\r\nSet-Cookie: x", "/\x7f",
		"/\xe3\x81\x82", "javascript:alert(1)", "/login?to=/", "/login/start?idp=x", "/saml/acs",
		"/logout"};
	char *longest = arena_alloc(a, 1026);

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_string_equal(login_return_path(good[i]), good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_string_equal(login_return_path(bad[i]), "/");
	assert_string_equal(login_return_path(NULL), "/");
	memset(longest, 'a', 1025);
	longest[0] = '/';
	assert_string_equal(login_return_path(longest), "/");
	longest[1024] = '\0';
	assert_string_equal(login_return_path(longest), longest);
}

static void login_memory_is_sealed(void **state)
{
	const when now = 1700000000000;
	struct login_memory in = {.request_id = "_abc",
				    .idp = "https://idp.example/idp",
				    .to = "/client/7?a=b",
				    .asked_at = now},
			    out;
	char *cookie = login_memory_seal(a, &in);

	assert_true(login_memory_open(a, cookie, now + MINUTE, &out));
	assert_string_equal(out.request_id, in.request_id);
	assert_string_equal(out.idp, in.idp);
	assert_string_equal(out.to, in.to);
	assert_true(out.asked_at == now);
	/* Too old, from the future, changed, cut, of another purpose, nonsense. */
	assert_true(login_memory_open(a, cookie, now + LOGIN_MEMORY, &out));
	assert_false(login_memory_open(a, cookie, now + LOGIN_MEMORY + 1, &out));
	assert_false(login_memory_open(a, cookie, now - 2 * HOUR, &out));
	char *changed = arena_string(a, cookie);
	changed[40] = changed[40] == 'A' ? 'B' : 'A';
	assert_false(login_memory_open(a, changed, now, &out));
	assert_false(login_memory_open(a, arena_stringn(a, cookie, strlen(cookie) - 4), now, &out));
	struct bytes other = seal(a, "cookie", "login", "other", bytes_string("1700000000000\n_abc\nidp\n/"));
	assert_false(login_memory_open(a, text_base64url(a, other), now, &out));
	/* Sealed by us, but not four lines. */
	struct bytes three = seal(a, "cookie", "login", "login", bytes_string("1700000000000\n_abc\nidp"));
	assert_false(login_memory_open(a, text_base64url(a, three), now, &out));
	assert_false(login_memory_open(a, "", now, &out));
	assert_false(login_memory_open(a, "****", now, &out));
}

static void lang_url_keeps_the_page(void **state)
{
	assert_string_equal(layout_lang_url(a, "/", "", LANG_EN), "/?lang=en");
	assert_string_equal(layout_lang_url(a, "/client/7", "", LANG_JA), "/client/7?lang=ja");
	assert_string_equal(
		layout_lang_url(a, "/", "valid=1&below=60", LANG_EN), "/?valid=1&below=60&lang=en");
	assert_string_equal(
		layout_lang_url(a, "/", "lang=ja&valid=1&lang=en&lang", LANG_EN), "/?valid=1&lang=en");
	assert_string_equal(
		layout_lang_url(a, "/", "language=x&slang=y&&", LANG_EN), "/?language=x&slang=y&lang=en");
	assert_string_equal(layout_lang_url(a, "/a b/\"é", "", LANG_EN), "/a%20b/%22%C3%A9?lang=en");
}

static void serial_in_both_ways(void **state)
{
	assert_string_equal(certificate_serial_decimal(a, "ff"), "255");
	assert_string_equal(certificate_serial_decimal(a, "ffffffffffffffffffffffffffffffffffffffff"),
		"1461501637330902918203684832716283019655932542975");
	assert_string_equal(certificate_hex_groups(a, "ff01"), "ff:01");
	assert_string_equal(certificate_hex_groups(a, "abc"), "0a:bc");
	assert_string_equal(certificate_hex_groups(a, "7"), "07");
}

static void etag_follows_what_is_shown(void **state)
{
	struct application app = {.id = 1, .state = APPLICATION_SENT, .changed_at = 1000};
	const struct certificate_failures none = {0}, mail = {.mail = true}, card = {.card = true};
	const char *first = certificate_etag(a, &app, none, 2000, LANG_JA);

	assert_string_equal(certificate_etag(a, &app, none, 3000, LANG_JA), first);
	assert_string_not_equal(certificate_etag(a, &app, none, 2000, LANG_EN), first);
	app.issue_mail_at = 1500;
	const char *mailed = certificate_etag(a, &app, none, 2000, LANG_JA);
	assert_string_not_equal(mailed, first);
	app.state = APPLICATION_PIN;
	app.has_pin = true;
	app.download_until = 5000;
	const char *pin = certificate_etag(a, &app, none, 2000, LANG_JA);
	assert_string_not_equal(pin, mailed);
	/* What only jobs know. */
	const char *bounced = certificate_etag(a, &app, mail, 2000, LANG_JA);
	assert_string_not_equal(bounced, pin);
	assert_string_not_equal(certificate_etag(a, &app, card, 2000, LANG_JA), pin);
	assert_string_not_equal(certificate_etag(a, &app, card, 2000, LANG_JA), bounced);
	/* Time alone makes it a missed download. */
	assert_string_not_equal(certificate_etag(a, &app, none, 6000, LANG_JA), pin);
	assert_true(certificate_waits(&app, 2000));
	assert_false(certificate_waits(&app, 6000));
}

static void visitors_are_welcome(void **state)
{
	const char *ja = got("/", "", "ja"), *en = got("/", "", "en-GB,en;q=0.9");

	assert_non_null(strstr(ja, "<html lang=\"ja\">"));
	assert_non_null(strstr(ja, ">学認ログイン</a>"));
	assert_non_null(strstr(en, "<html lang=\"en\">"));
	assert_non_null(strstr(en, ">GakuNin Login</a>"));
	assert_non_null(strstr(en, "href=\"/?lang=ja\""));
	assert_non_null(strstr(got("/help", "a=b", "ja"), "href=\"/help?a=b&amp;lang=en\""));
	/* No account menu for nobody. */
	assert_null(strstr(ja, "アカウントメニュー"));
	assert_non_null(strstr(ja, "デモ環境です。"));
	assert_non_null(strstr(got("/", "left=1", "en"), "You are logged out"));
}

static bool japanese(const char *s)
{
	/* Kana and ideographs are three bytes from U+3040 on; nothing else of ours begins so. */
	for (; *s; s++)
		if ((unsigned char)*s >= 0xe3 && (unsigned char)*s <= 0xe9)
			return true;
	return false;
}

static void pages_speak_one_language(void **state)
{
	static const char *const paths[] = {"/", "/help"};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		assert_false(japanese(got(paths[i], "", "en")));
		assert_true(japanese(got(paths[i], "", "ja")));
		assert_null(strstr(got(paths[i], "", "ja"), "Install guide"));
	}
}

static void answer_that_nobody_asked_for(void **state)
{
	int http;
	const char *page = asked("POST", "/saml/acs", "", "en", "", "SAMLResponse=PHg%2BPC94Pg%3D%3D", &http);

	assert_int_equal(http, 403);
	assert_non_null(strstr(page, "does not belong to a log-in that this browser has under way"));
	assert_non_null(strstr(page, "0123456789abcdef0123456789abcdef"));
	assert_non_null(strstr(page, "href=\"/login?to=%2F\""));
	assert_non_null(strstr(page, "help@example.ac.jp"));
	/* A cookie that is not ours is as good as none, but tells that somebody was slow. */
	page = asked(
		"POST", "/saml/acs", "", "en", "__Host-login=AAAA", "SAMLResponse=PHg%2BPC94Pg%3D%3D", &http);
	assert_int_equal(http, 403);
	assert_non_null(strstr(page, "took too long"));
	page = asked("POST", "/saml/acs", "", "ja", "", "RelayState=x", &http);
	assert_int_equal(http, 403);
	assert_non_null(strstr(page, "お問い合わせ番号"));
}

static void strangers_must_log_in(void **state)
{
	static const char *const paths[] = {"/client/apply", "/client/7", "/client/7/applied"};
	int http;

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		asked("GET", paths[i], "", "en", "", "", &http);
		assert_int_equal(http, 303);
	}
	asked("POST", "/client/apply", "", "en", "", "form_key=x", &http);
	assert_int_equal(http, 403);
	asked("POST", "/client/7/memo", "", "en", "", "memo=x", &http);
	assert_int_equal(http, 403);
	asked("GET", "/nowhere", "", "en", "", "", &http);
	assert_int_equal(http, 404);
}

static void assets_follow_their_content(void **state)
{
	const char *folder = arena_printf(a, "%s/core", view_strings_dir()), *seen[3];
	static const char *const contents[] = {"one", "two", "one"};

	mkdir(folder, 0700);
	mkdir(arena_printf(a, "%s/static", folder), 0700);
	for (size_t i = 0; i < COUNT_OF(contents); i++) {
		view_strings_file("core/static", "x.css", contents[i]);
		pages_assets(view_strings_dir());
		const char *at = strstr(got("/", "", "en"), "inkan.css?v=");
		assert_non_null(at);
		seen[i] = arena_stringn(a, at, strcspn(at, "\""));
	}
	assert_string_not_equal(seen[0], seen[1]);
	assert_string_equal(seen[0], seen[2]);
	/* A folder that is not there changes nothing. */
	pages_assets("/nonexistent");
	assert_non_null(strstr(got("/", "", "en"), seen[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(return_path_stays_here),
		cmocka_unit_test(login_memory_is_sealed),
		cmocka_unit_test(lang_url_keeps_the_page),
		cmocka_unit_test(serial_in_both_ways),
		cmocka_unit_test(etag_follows_what_is_shown),
		cmocka_unit_test(visitors_are_welcome),
		cmocka_unit_test(pages_speak_one_language),
		cmocka_unit_test(answer_that_nobody_asked_for),
		cmocka_unit_test(strangers_must_log_in),
		cmocka_unit_test(assets_follow_their_content),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
