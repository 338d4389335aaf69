/* Tests of web/request and web/response: hostile input is refused, good input is read, and every header is as it must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/request_maker.h"
#include "support/view_strings.h"

static struct arena *a;

static int set_up(void **state)
{
	a = arena_new();
	view_strings_start(a);
	view_strings_file("core", "layout.html", "<title>{{TITLE}}</title>{{LANG}}|{{>BODY}}");
	view_strings_file("core", "page.html", "<p>{{X}}{{CSRF}}</p>");
	return view_strings_load(NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	view_strings_end();
	arena_free(a);
	return 0;
}

static enum status parse_uri(const char *uri, struct request **ret)
{
	*ret = request_make_get(a, NULL, uri, NULL);
	return request_parse(*ret);
}

static void path_is(const char *uri, const char *path)
{
	struct request *rq;

	if (parse_uri(uri, &rq) != STATUS_OK)
		fail_msg("%s: %s", uri, cause_text());
	assert_string_equal(rq->path, path);
}

static void good_paths(void **state)
{
	path_is("/", "/");
	path_is("/client/7", "/client/7");
	path_is("/demo/", "/demo/");
	path_is("/a%20b+c", "/a b+c");
	path_is("/%E5%8D%B0", "/印");
	path_is("/x?a=/../b", "/x");
	path_is("/...", "/...");
}

static void bad_paths(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"*",
		"http://a.example/",
		"//a.example/",
		"/a//b",
		"/a/../b",
		"/..",
		"/.",
		"/a/%2e%2E/b",
		"/a%2fb",
		"/a%5Cb",
		"/a\\b",
		"/%00",
		"/a%0d%0ab",
		"/%",
		"/%4",
		"/%zz",
		"/%ff",
		"/%c0%af",
		"/%ed%a0%80",
		"/a b",
		"/a\tb",
		"/\x80",
		"/%E2%80%AE",
		"/%7f",
	};
	struct request *rq;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (parse_uri(bad[i], &rq) != STATUS_INVALID)
			fail_msg("accepted: %s", bad[i]);
	/* The longest that is allowed, and one byte more. */
	char *path = arena_alloc(a, 2050);
	memset(path, 'a', 2049);
	path[0] = '/';
	assert_int_equal(parse_uri(path, &rq), STATUS_INVALID);
	path[2048] = '\0';
	assert_int_equal(parse_uri(path, &rq), STATUS_OK);
}

static void queries(void **state)
{
	static const char *const bad[] = {
		"/?a=%", "/?a=%00", "/?a=%ff", "/?a=1&a=2", "/?a=1&%61=2", "/?1&2&3&4&5&6&7&8&9"};
	struct request *rq;

	assert_int_equal(parse_uri("/?a=1+2%26&b&&c=%E5%8D%B0&=x", &rq), STATUS_OK);
	assert_string_equal(request_query(rq, "a"), "1 2&");
	assert_string_equal(request_query(rq, "b"), "");
	assert_string_equal(request_query(rq, "c"), "印");
	assert_null(request_query(rq, "d"));
	assert_string_equal(request_query_string(rq), "a=1+2%26&b&&c=%E5%8D%B0&=x");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (parse_uri(bad[i], &rq) != STATUS_INVALID)
			fail_msg("accepted: %s", bad[i]);
}

static void cookies(void **state)
{
	struct request *rq = request_make_get(a, NULL, "/",
		"__Host-a=1; b=2;__Host-c=x=y ; __Host-d=\"q\"; __Host-e=1; __Host-e=2; bad; __Host-f=\xff; __Host-g=");

	assert_int_equal(request_parse(rq), STATUS_OK);
	assert_string_equal(request_cookie(rq, "a"), "1");
	assert_null(request_cookie(
		rq, "b")); /* not of our prefix: a page of a neighbouring host could have set it */
	assert_string_equal(request_cookie(rq, "c"), "x=y");
	assert_null(request_cookie(rq, "d"));
	assert_null(request_cookie(rq, "e"));
	assert_null(request_cookie(rq, "f"));
	assert_string_equal(request_cookie(rq, "g"), "");
}

static void parameters(void **state)
{
	static const char *const twice[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/a", "REQUEST_URI=/b", NULL};
	static const char *const header_twice[] = {"REQUEST_METHOD=HEAD", "REQUEST_URI=/a", "HTTP_X=1",
		"HTTP_X=2", "HTTP_Y=\xff", "HTTP_Z=ok", "REQUEST_ID=<script>", "REMOTE_ADDR=a\nb", NULL};
	static const char *const nothing[] = {NULL};
	const char *many[PARAMS_COUNT_MAX + 4] = {"REQUEST_METHOD=GET", "REQUEST_URI=/"};
	struct request *rq = request_make_raw(a, NULL, "", 0, twice);

	assert_int_equal(request_parse(rq), STATUS_INVALID);
	assert_int_equal(request_parse(request_make_raw(a, NULL, "", 0, nothing)), STATUS_INVALID);
	rq = request_make_raw(a, NULL, "", 0, header_twice);
	assert_int_equal(request_parse(rq), STATUS_OK);
	assert_null(request_header(rq, "HTTP_X"));
	assert_null(request_header(rq, "HTTP_Y"));
	assert_string_equal(request_header(rq, "HTTP_Z"), "ok");
	assert_string_equal(rq->method, "GET");
	assert_int_equal(strlen(rq->id), 32);
	assert_string_equal(rq->remote, "-");
	for (size_t i = 2; i < PARAMS_COUNT_MAX + 1; i++)
		many[i] = arena_printf(a, "P%zu=", i);
	assert_int_equal(request_parse(request_make_raw(a, NULL, "", 0, many)), STATUS_INVALID);
	many[PARAMS_COUNT_MAX] = NULL;
	assert_int_equal(request_parse(request_make_raw(a, NULL, "", 0, many)), STATUS_OK);
	many[2] = arena_printf(a, "HTTP_X=%0*d", 4096, 0);
	assert_int_equal(request_parse(request_make_raw(a, NULL, "", 0, many)), STATUS_INVALID);
}

static struct request *form(
	const char *length, const char *type, const void *body, size_t len, enum status *ret)
{
	const char *const params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/",
		arena_printf(a, "CONTENT_LENGTH=%s", length), arena_printf(a, "CONTENT_TYPE=%s", type), NULL};
	struct request *rq = request_make_raw(a, NULL, body, len, params);

	assert_int_equal(request_parse(rq), STATUS_OK);
	*ret = request_read_form(rq, 100);
	return rq;
}

static void forms(void **state)
{
	static const char type[] = "application/x-www-form-urlencoded";
	static const char body[] = "name=%E5%8D%B0+a&csrf=x&empty=";
	static char large[102];
	enum status s;
	struct request *rq = form("30", type, body, 30, &s);

	assert_int_equal(s, STATUS_OK);
	assert_string_equal(request_field(rq, "name"), "印 a");
	assert_string_equal(request_field(rq, "empty"), "");
	assert_null(request_query(rq, "name"));
	form("30", "Application/X-WWW-form-urlencoded; charset=UTF-8", body, 30, &s);
	assert_int_equal(s, STATUS_OK);
	form("", "", "", 0, &s);
	assert_int_equal(s, STATUS_OK);

	rq = form("30", "text/plain", body, 30, &s);
	assert_int_equal(s, STATUS_INVALID);
	assert_int_equal(rq->parts->refuse_http, 415);
	form("30", "application/x-www-form-urlencodedx", body, 30, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("30", type, body, 29, &s); /* ends early */
	assert_int_equal(s, STATUS_INVALID);
	rq = form("29", type, body, 30, &s);
	assert_int_equal(rq->parts->refuse_http, 411);
	rq = form("", type, body, 30, &s); /* of unknown length */
	assert_int_equal(rq->parts->refuse_http, 411);
	memset(large, 'a', sizeof large);
	form("100", type, large, 100, &s);
	assert_int_equal(s, STATUS_OK);
	rq = form("101", type, large, 101, &s);
	assert_int_equal(s, STATUS_INVALID);
	assert_int_equal(rq->parts->refuse_http, 413);
	rq = form("99999999999999999999", type, body, 30, &s);
	assert_int_equal(s, STATUS_INVALID);
	rq = form("9223372036854775807", type, body, 30, &s);
	assert_int_equal(rq->parts->refuse_http, 413);
	form("-1", type, body, 30, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("0x1e", type, body, 30, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("3", type, "a=\0", 3, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("5", type, "a=%ff", 5, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("7", type, "a=1&a=2", 7, &s);
	assert_int_equal(s, STATUS_INVALID);
	form("17", type, "1&2&3&4&5&6&7&8&9", 17, &s);
	assert_int_equal(s, STATUS_INVALID);
}

static void the_language_is_the_browsers(void **state)
{
	static const char *const de[] = {"HTTP_ACCEPT_LANGUAGE=de", NULL};
	static const char *const none[] = {NULL};
	static const char *const en[] = {"HTTP_ACCEPT_LANGUAGE=de, en-GB;q=0.8, ja;q=0.5", NULL};

	assert_int_equal(request_make_raw(a, NULL, "", 0, de)->lang, LANG_JA);
	assert_int_equal(request_make_raw(a, NULL, "", 0, none)->lang, LANG_JA);
	assert_int_equal(request_make_raw(a, NULL, "", 0, en)->lang, LANG_EN);
}

static struct request *get(void)
{
	struct request *rq;

	assert_int_equal(parse_uri("/", &rq), STATUS_OK);
	return rq;
}

static void has(const char *response, const char *name, const char *value)
{
	const char *found = response_header(a, response, name, 0);

	if (!text_same(found, value))
		fail_msg("%s: %s instead of %s", name, found ? found : "(none)", value ? value : "(none)");
}

static void pages_have_their_headers(void **state)
{
	struct request *rq = get();
	struct model *m = model_new(a);
	const char *out;

	rq->csrf = "token";
	model_set(m, "X", "<x>");
	assert_int_equal(request_page(rq, "core/page.html", "T & U", m), STATUS_OK);
	out = response_text(rq);
	assert_true(text_starts(out, "Status: 200 OK\r\n"));
	has(out, "Content-Type", "text/html; charset=utf-8");
	has(out, "Cache-Control", "no-cache, private");
	has(out, "Referrer-Policy", "same-origin");
	has(out, "X-Content-Type-Options", "nosniff");
	has(out, "Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
		"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
	assert_true(text_ends(out, "\r\n\r\n<title>T &amp; U</title>en|<p>&lt;x&gt;token</p>"));
	has(out, "Content-Length", arena_printf(a, "%zu", strlen(strstr(out, "\r\n\r\n")) - 4));

	rq = get();
	request_secret(rq);
	request_set_header(rq, "Cache-Control", "public");
	request_allow_form(rq, "https://idp.example");
	assert_int_equal(request_page_code(rq, 422, "core/page.html", "T", NULL), STATUS_OK);
	out = response_text(rq);
	assert_true(text_starts(out, "Status: 422 "));
	has(out, "Cache-Control", "no-store");
	has(out, "Referrer-Policy", "no-referrer");
	assert_non_null(strstr(out, "form-action 'self' https://idp.example;"));
}

static void other_responses(void **state)
{
	static const char *const outside[] = {
		"https://a.example/", "//a.example", "/\\a.example", "a", "", "/a b", "/a\r\nX: y", "/\xe5"};
	struct request *rq = get();
	const char *out;

	assert_int_equal(request_fragment(rq, "core/page.html", NULL), STATUS_OK);
	assert_true(text_ends(response_text(rq), "\r\n\r\n<p></p>"));
	rq = get();
	assert_int_equal(request_redirect(rq, "/client/7?a=b"), STATUS_OK);
	out = response_text(rq);
	assert_true(text_starts(out, "Status: 303 See Other\r\n"));
	has(out, "Location", "/client/7?a=b");
	has(out, "Content-Length", "0");
	for (size_t i = 0; i < COUNT_OF(outside); i++)
		assert_int_equal(request_redirect(get(), outside[i]), STATUS_INTERNAL);
	assert_int_equal(request_redirect_out(get(), "https://a.example/?x"), STATUS_OK);
	assert_int_equal(request_redirect_out(get(), "http://a.example/"), STATUS_INTERNAL);
	assert_int_equal(request_redirect_out(get(), "https://a.example/\r\n"), STATUS_INTERNAL);
	assert_int_equal(request_redirect(get(), arena_printf(a, "/%09000d", 0)), STATUS_INVALID);
	rq = get();
	request_set_header(rq, "Cache-Control", "public, max-age=60");
	assert_int_equal(request_send(rq, "application/pkix-crl", "a\"b.crl", bytes_of("\0x", 2)), STATUS_OK);
	out = response_text(rq);
	has(out, "Content-Type", "application/pkix-crl");
	has(out, "Content-Disposition", "attachment; filename=\"a_b.crl\"");
	has(out, "Cache-Control", "public, max-age=60");
	has(out, "Content-Length", "2");
	rq = get();
	assert_int_equal(request_not_modified(rq, "\"e\""), STATUS_OK);
	out = response_text(rq);
	assert_true(text_starts(out, "Status: 304 "));
	has(out, "ETag", "\"e\"");
	has(out, "Content-Length", NULL);
}

static void cookies_are_set(void **state)
{
	struct request *rq = get();
	const char *out;

	request_set_cookie(rq, "session", "abc", 0, COOKIE_LAX);
	request_set_cookie(rq, "login", "x", 15 * MINUTE, COOKIE_NONE);
	request_set_cookie(rq, "old", "y", 0, COOKIE_LAX);
	request_set_cookie(rq, "old", NULL, 0, COOKIE_LAX);
	assert_int_equal(request_redirect(rq, "/"), STATUS_OK);
	out = response_text(rq);
	assert_string_equal(response_header(a, out, "Set-Cookie", 0),
		"__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
	assert_string_equal(response_header(a, out, "Set-Cookie", 1),
		"__Host-login=x; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=900");
	assert_string_equal(response_header(a, out, "Set-Cookie", 2),
		"__Host-old=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
	assert_null(response_header(a, out, "Set-Cookie", 3));
}

static void head_has_no_body(void **state)
{
	static const char *const params[] = {"REQUEST_METHOD=HEAD", "REQUEST_URI=/", NULL};
	struct request *rq = request_make_raw(a, NULL, "", 0, params);
	const char *out;

	assert_int_equal(request_parse(rq), STATUS_OK);
	assert_int_equal(request_send(rq, "text/plain", NULL, bytes_string("body")), STATUS_OK);
	out = response_text(rq);
	has(out, "Content-Length", "4");
	assert_true(text_ends(out, "\r\n\r\n"));
}

static void headers_never_exceed_what_nginx_takes(void **state)
{
	struct request *rq = get();

	request_set_header(rq, "X-Long", arena_printf(a, "%020000d", 0));
	assert_int_equal(request_redirect(rq, "/"), STATUS_OK);
	assert_string_equal(
		response_text(rq), "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
}

static void count(struct request *rq, bool complete, void *context)
{
	*(int *)context += complete ? 1 : 100;
}

static void after_calls(void **state)
{
	int called = 0;
	struct request *rq = get();

	request_after(rq, count, &called);
	request_after(rq, count, &called);
	response_after(rq, true);
	assert_int_equal(called, 2);
	response_after(rq, false);
	assert_int_equal(called, 202);
	/* To HEAD nothing was delivered. */
	called = 0;
	rq->parts->head = true;
	response_after(rq, true);
	assert_int_equal(called, 200);
	/* A response that was thrown away was not delivered, and nobody is told so. */
	called = 0;
	response_drop(rq);
	response_after(rq, true);
	assert_int_equal(called, 0);
}

/* Runs what must end in an assertion in a process of its own. */
static bool aborts(void (*deed)(struct request *rq))
{
	pid_t child = fork();
	int ended = 0;

	if (child == 0) {
		close(STDERR_FILENO);
		deed(get());
		_exit(0);
	}
	waitpid(child, &ended, 0);
	return WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT;
}

static void split_header(struct request *rq)
{
	request_set_header(rq, "X-A", "a\r\nSet-Cookie: b=c");
}

static void split_cookie(struct request *rq)
{
	request_set_cookie(rq, "a", "b; Domain=example", 0, COOKIE_LAX);
}

static void whole_header(struct request *rq)
{
	request_set_header(rq, "X-A", "a b");
	request_set_cookie(rq, "a", "b", 0, COOKIE_LAX);
}

static void headers_cannot_be_split(void **state)
{
	assert_true(aborts(split_header));
	assert_true(aborts(split_cookie));
	assert_false(aborts(whole_header));
}

static uint32_t noise_state;

static uint32_t noise(uint32_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 17;
	noise_state ^= noise_state << 5;
	return noise_state % below;
}

/* A text with a few pieces of those that parsers stumble over. */
static const char *noisy(struct arena *own)
{
	static const char *const pieces[] = {"/", "/", "a", "client", ".", "..", "%", "%2", "%2f", "%2e",
		"%00", "%ff", "%c3%a9", "\\", "?", "&", "=", "a=b", "+", ";", "__Host-a=", "\"", " ", "\xc3",
		"\xa9", "\r\n", "%25", "lang=ja", "#"};
	struct text t = text_new(own, 4096);

	for (uint32_t n = 1 + noise(12); n; n--)
		text_add(&t, pieces[noise(COUNT_OF(pieces))]);
	return t.data;
}

static void noise_does_no_harm(void **state)
{
	struct arena *own = arena_new();
	int accepted = 0;

	noise_state = (uint32_t)clock_now() | 1;
	print_message("seed %u\n", noise_state);
	for (int i = 0; i < 20000; i++) {
		const char *uri = arena_printf(own, "/%s", noisy(own)), *form_text = noisy(own);
		struct request *rq = request_make_post(own, NULL, uri, noisy(own), form_text);

		if (request_parse(rq) == STATUS_OK) {
			accepted++;
			assert_true(rq->path[0] == '/' && text_utf8_valid(rq->path, strlen(rq->path)));
			assert_null(strstr(rq->path, "//"));
			assert_null(strpbrk(rq->path, "\\\r\n"));
			assert_null(strstr(arena_printf(own, "%s/", rq->path), "/../"));
			if (request_read_form(rq, 1000) == STATUS_OK)
				(void)request_field(rq, "a");
			(void)request_cookie(rq, "a");
		}
		arena_reset(own);
	}
	/* Not all of it is refused, or this would test little. */
	assert_true(accepted > 100);
	arena_free(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_paths),
		cmocka_unit_test(bad_paths),
		cmocka_unit_test(queries),
		cmocka_unit_test(cookies),
		cmocka_unit_test(parameters),
		cmocka_unit_test(forms),
		cmocka_unit_test(the_language_is_the_browsers),
		cmocka_unit_test(pages_have_their_headers),
		cmocka_unit_test(other_responses),
		cmocka_unit_test(cookies_are_set),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(headers_never_exceed_what_nginx_takes),
		cmocka_unit_test(after_calls),
		cmocka_unit_test(headers_cannot_be_split),
		cmocka_unit_test(noise_does_no_harm),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
