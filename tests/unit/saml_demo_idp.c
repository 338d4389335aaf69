/* The demo's IdP and the service provider, talking to each other: what one signs the other takes, and what was altered neither takes. */
#include "support/check.h"
#include "support/saml_forge.h"

#include "../../plugins/demo_idp/idp.c"

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

static struct idp_settings demo = {.entity_id = IDP, .scope = "u.test", .name_ja = "見本大学", .name_en = "Example <&> University", .encrypt = true};
static const struct account taro = {.title = "taro", .eppn = "taro@u.test", .mail = "taro@u.test", .display_name = "Taro Yamada", .ja_display_name = "山田 太郎"};
static struct arena *arena;

static int setup(void **state)
{
	static struct identity_provider idp;
	static struct saml_settings portal;
	struct forge_world *w = forge_world();
	struct bytes metadata, sp;

	arena = arena_new();
	demo.key.value = w->idp.pem;
	demo.certificate = forge_file(w, "demo.crt", 0644, w->idp.certificate);
	check_ok(idp_metadata(arena, &demo, &metadata));
	idp = w->idps[0];
	idp.title = IDP;
	idp.metadata = forge_file(w, "demo.xml", 0644, (const char *)metadata.data);
	portal = w->settings;
	portal.idps = (struct setting_sections){1, &idp};
	check_ok(saml_start(&portal, FORGE_PORTAL));
	check_ok(saml_metadata(arena, &sp));
	check_ok(idp_start(arena, &demo, sp));
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

static enum status take(struct arena *a, const struct idp_answer *answer, const char *id, struct saml_login *ret, const char **ret_check)
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
	check_status(idp_read(a, forge_replace(a, query, "rsa-sha256", "rsa-sha512"), clock_now(), &request), STATUS_INVALID);
	check_status(idp_read(a, arena_stringn(a, query, (size_t)(strstr(query, "&SigAlg") - query)), clock_now(), &request), STATUS_INVALID);
	check_status(idp_read(a, query, clock_now() + HOUR, &request), STATUS_INVALID);
	check_status(idp_read(a, query, clock_now() - HOUR, &request), STATUS_INVALID);
	check_status(idp_read(a, arena_printf(a, "%s&x=%s", query, forge_repeat(a, "y", 9000)), clock_now(), &request), STATUS_INVALID);
	arena_free(a);
}

static void plain_when_told_so(void **state)
{
	struct arena *a = arena_new();
	struct bytes sp, xml;
	const char *id, *query, *check;
	struct idp_answer answer;
	struct saml_login login;

	demo.encrypt = false;
	check_ok(saml_metadata(a, &sp));
	check_ok(idp_start(arena, &demo, sp));
	query = ask(a, &id);
	check_ok(idp_answer(a, query, &taro, clock_now(), &answer));
	assert_true(text_unbase64(a, answer.response, &xml));
	assert_null(memmem(xml.data, xml.len, "EncryptedAssertion", 18));
	check_ok(take(a, &answer, id, &login, &check));
	demo.encrypt = true;
	check_ok(idp_start(arena, &demo, sp));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_log_in),
		cmocka_unit_test(altered_requests_are_refused),
		cmocka_unit_test(plain_when_told_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
