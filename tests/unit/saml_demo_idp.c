/* The demo's IdP and the service provider, talking to each other: what one signs the other takes, and what was altered neither takes. */
#define TEXT_DOMAIN "demo_idp"
#include "base/log.h"
#include "support/check.h"
#include "support/request_maker.h"
#include "support/saml_forge.h"

#include "../../plugins/demo_idp/idp.c"
#include "../../plugins/demo_idp/demo_idp.c"

/* lasso 2.8.1 leaks 259 bytes with each signed query that it verifies (lasso_query_verify_helper); only the demo's IdP does that. Its
 * frames are seen only by the slow unwinder. */
EXPORT const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:liblasso.so";
}
EXPORT const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

#define IDP "https://127.0.0.1:8443/demo_idp/metadata"

static struct account accounts[] = {
	{.title = "taro",
		.password = {.value = "secret"},
		.eppn = "taro@u.test",
		.mail = "taro@u.test",
		.display_name = "Taro Yamada",
		.ja_display_name = "山田 太郎"},
	{.title = "hanako",
		.password = {.value = "geheim"},
		.eppn = "hanako@u.test",
		.mail = "hanako@u.test",
		.display_name = "Hanako",
		.ja_display_name = ""},
};
#define taro accounts[0]
static struct arena *arena;

static int setup(void **state)
{
	static struct identity_provider idp;
	static struct saml_settings portal;
	struct forge_world *w = forge_world();
	struct bytes metadata;

	arena = arena_new();
	settings = (struct idp_settings){.entity_id = IDP,
		.scope = "u.test",
		.name_ja = "見本大学",
		.name_en = "Example <&> University",
		.encrypt = true,
		.accounts = {COUNT_OF(accounts), accounts}};
	settings.key.value = w->idp.pem;
	settings.certificate = forge_file(w, "demo.crt", 0644, w->idp.certificate);
	check_ok(idp_metadata(arena, &settings, &metadata));
	idp = w->idps[0];
	idp.title = IDP;
	idp.metadata = forge_file(w, "demo.xml", 0644, (const char *)metadata.data);
	portal = w->settings;
	portal.idps = (struct setting_sections){1, &idp};
	check_ok(saml_start(&portal, FORGE_PORTAL));
	site_set(&(struct site){
		.base_url = FORGE_PORTAL, .title_ja = "試験", .title_en = "Test", .demo = true});
	check_ok(start(arena, NULL));
	check_ok(view_start(SOURCE_DIR "/views", (const char *const[]){"core", "demo_idp", NULL}));
	check_ok(router_add("demo_idp", routes));
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	saml_stop();
	return 0;
}

static const char *ask(struct arena *a, const char **ret_id)
{
	const char *url;

	check_ok(saml_request(a, IDP, &url, ret_id));
	assert_true(text_starts(url, "https://127.0.0.1:8443/demo_idp/sso?"));
	return strchr(url, '?') + 1;
}

static enum status take(struct arena *a, const struct idp_answer *answer, const char *id,
	struct saml_login *ret, const char **ret_check)
{
	struct saml_expected expected = {.request_id = id, .idp = IDP, .asked_at = clock_now()};

	return saml_consume(a, answer->response, &expected, clock_now(), ret, ret_check);
}

static void one_log_in(void **state)
{
	struct arena *a = arena_new();
	const char *id, *query = ask(a, &id), *check;
	struct idp_request request;
	struct idp_answer answer;
	struct saml_login login;

	check_ok(idp_read(a, query, clock_now(), &request));
	assert_string_equal(request.id, id);
	assert_string_equal(request.issuer, FORGE_SP);
	check_ok(idp_answer(a, query, &taro, clock_now(), &answer));
	assert_string_equal(answer.url, FORGE_ACS);
	check_ok(take(a, &answer, id, &login, &check));
	assert_string_equal(login.eppn, "taro@u.test");
	assert_string_equal(login.name, "山田 太郎");
	struct bytes xml;
	assert_true(text_unbase64(a, answer.response, &xml));
	/* The browser carries it, so nothing of the person stands in it in clear. */
	assert_non_null(memmem(xml.data, xml.len, "EncryptedAssertion", 18));
	assert_null(memmem(xml.data, xml.len, "taro", 4));
	/* Another browser's request is not answered by it. */
	ask(a, &id);
	check_status(take(a, &answer, id, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "in-response-to");
	arena_free(a);
}

static void altered_requests_are_refused(void **state)
{
	struct arena *a = arena_new();
	const char *id, *query = ask(a, &id);
	struct idp_request request;

	check_ok(idp_read(a, query, clock_now(), &request));
	check_status(idp_read(a, "", clock_now(), &request), STATUS_INVALID);
	check_status(idp_read(a, "SAMLRequest=x", clock_now(), &request), STATUS_INVALID);
	check_status(idp_read(a, forge_replace(a, query, "rsa-sha256", "rsa-sha512"), clock_now(), &request),
		STATUS_INVALID);
	check_status(idp_read(a, arena_stringn(a, query, (size_t)(strstr(query, "&SigAlg") - query)),
			     clock_now(), &request),
		STATUS_INVALID);
	check_status(idp_read(a, query, clock_now() + HOUR, &request), STATUS_INVALID);
	check_status(idp_read(a, query, clock_now() - HOUR, &request), STATUS_INVALID);
	check_status(idp_read(a, arena_printf(a, "%s&x=%s", query, forge_repeat(a, "y", 9000)), clock_now(),
			     &request),
		STATUS_INVALID);
	arena_free(a);
}

static void plain_when_told_so(void **state)
{
	struct arena *a = arena_new();
	struct bytes sp, xml;
	const char *id, *query, *check;
	struct idp_answer answer;
	struct saml_login login;

	settings.encrypt = false;
	check_ok(saml_metadata(a, &sp));
	check_ok(idp_start(arena, &settings, sp));
	query = ask(a, &id);
	check_ok(idp_answer(a, query, &taro, clock_now(), &answer));
	assert_true(text_unbase64(a, answer.response, &xml));
	assert_null(memmem(xml.data, xml.len, "EncryptedAssertion", 18));
	check_ok(take(a, &answer, id, &login, &check));
	settings.encrypt = true;
	check_ok(idp_start(arena, &settings, sp));
	arena_free(a);
}

/* The form is sent as a browser would; offset: how much later than now. */
static const char *post(
	struct arena *a, const char *query, const char *name, const char *password, when offset)
{
	struct request *rq = request_make_post(a, NULL, "/demo_idp/login", NULL,
		arena_printf(a, "request=%s&name=%s&password=%s", text_url_encode(a, query),
			text_url_encode(a, name), password));

	rq->now += offset;
	router_run(rq);
	return response_text(rq);
}

#define WRONG "role=\"alert\""
#define ANSWER "name=\"SAMLResponse\""

static void pages(void **state)
{
	struct arena *a = arena_new();
	const char *id, *query = ask(a, &id);
	struct request *rq = request_make_get(a, NULL, arena_printf(a, "/demo_idp/sso?%s", query), NULL);

	router_run(rq);
	const char *page = response_text(rq);
	assert_non_null(strstr(page, "autocomplete=\"current-password\""));
	assert_null(strstr(page, WRONG));
	/* Of two languages one is there; the name of the university is escaped. */
	assert_true(strstr(page, "見本大学") || strstr(page, "Example &lt;&amp;&gt; University"));
	page = post(a, query, "taro", "secret", 0);
	assert_non_null(strstr(page, ANSWER));
	assert_non_null(strstr(page, "action=\"" FORGE_ACS "\""));
	assert_non_null(strstr(response_header(a, page, "Content-Security-Policy", 0),
		"form-action 'self' " FORGE_PORTAL ";"));
	assert_null(strstr(page, "secret"));
	page = post(a, query, "taro", "wrong", 0);
	assert_non_null(strstr(page, WRONG));
	assert_null(strstr(page, ANSWER));
	page = post(a, query, "<b>\"", "wrong", 0);
	assert_non_null(strstr(page, "&lt;b&gt;&quot;"));
	assert_null(strstr(page, ANSWER));
	page = post(a, "SAMLRequest=x", "taro", "secret", 0);
	assert_null(strstr(page, ANSWER));
	assert_non_null(strstr(page, "Status: 400"));
	arena_free(a);
}

static void guessing_is_slowed(void **state)
{
	struct arena *a = arena_new();
	const char *id, *query = ask(a, &id);

	for (int i = 0; i <= FREE_GUESSES; i++)
		assert_non_null(strstr(post(a, query, "hanako", "wrong", 0), WRONG));
	/* Closed: the right password does not count either, and an attempt does not prolong it. */
	assert_null(strstr(post(a, query, "hanako", "geheim", 0), ANSWER));
	assert_null(strstr(post(a, query, "hanako", "geheim", SECOND), ANSWER));
	/* Others are not concerned. */
	assert_non_null(strstr(post(a, query, "taro", "secret", 0), ANSWER));
	assert_non_null(strstr(post(a, query, "hanako", "geheim", 3 * SECOND), ANSWER));
	/* However many: never more than SLOWEST. */
	when last = 0;
	for (int i = 0; i < 11; i++, last += SLOWEST + SECOND)
		assert_non_null(strstr(post(a, query, "hanako", "wrong", last), WRONG));
	last -= SLOWEST + SECOND;
	assert_null(strstr(post(a, query, "hanako", "geheim", last + SLOWEST - 2 * SECOND), ANSWER));
	assert_non_null(strstr(post(a, query, "hanako", "geheim", last + SLOWEST + SECOND), ANSWER));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_log_in),
		cmocka_unit_test(altered_requests_are_refused),
		cmocka_unit_test(plain_when_told_so),
		cmocka_unit_test(pages),
		cmocka_unit_test(guessing_is_slowed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
