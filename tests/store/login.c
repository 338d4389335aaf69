/* Tests of a whole log-in on a real database: the request, the answer of an IdP, the session, and that nothing of it counts twice. */
#include "support/check.h"

#include "pages/handlers.h"
#include "saml/saml.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/request_maker.h"
#include "support/saml_forge.h"
#include "web/session.h"

static struct arena *a;
static struct db *db;
static struct forge_world *world;

static int set_up(void **state)
{
	a = pages_test_open(NULL, NULL, &db);
	i18n_use(LANG_EN);
	site_set(&(struct site){
		.base_url = FORGE_PORTAL, .title_ja = "発行システム", .title_en = "Portal", .contact = ""});
	world = forge_world();
	check_ok(saml_start(&world->settings, FORGE_PORTAL));
	request_maker_limits =
		(struct request_limits){.body_max = 65536, .fields_max = 20, .params_max = 65536};
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	return 0;
}

static int tear_down(void **state)
{
	saml_stop();
	return pages_test_close(state);
}

/* What a browser keeps of an answer. */
struct browser {
	struct request *rq;
	const char *login, *session; /* "__Host-NAME=VALUE"; NULL: none */
};

static void run(struct browser *b, struct request *rq)
{
	router_run(rq);
	i18n_use(LANG_EN);
	b->rq = rq;
	const char *response = response_text(rq), *cookie;
	for (unsigned i = 0; (cookie = response_header(a, response, "Set-Cookie", i)); i++) {
		const char *value = arena_stringn(a, cookie, strcspn(cookie, ";"));
		if (text_starts(value, "__Host-login="))
			b->login = text_same(value, "__Host-login=") ? NULL : value;
		if (text_starts(value, "__Host-session="))
			b->session = text_same(value, "__Host-session=") ? NULL : value;
	}
}

static const char *location(const struct browser *b)
{
	return response_header(a, response_text(b->rq), "Location", 0);
}

static const char *page(const struct browser *b)
{
	return response_text(b->rq);
}

/* Goes to the IdP; the request's ID as the cookie remembers it. */
static struct login_memory leave(struct browser *b, const char *idp, const char *to)
{
	struct login_memory memory;

	run(b, request_make_get(a, db,
		       arena_printf(a, "/login/start?idp=%s&to=%s", text_url_encode(a, idp),
			       text_url_encode(a, to)),
		       NULL));
	assert_int_equal(b->rq->parts->http, 303);
	assert_non_null(b->login);
	assert_non_null(strstr(page(b), "SameSite=None"));
	assert_non_null(strstr(location(b), "SAMLRequest="));
	assert_true(login_memory_open(a, b->login + strlen("__Host-login="), clock_now(), &memory));
	return memory;
}

/* A genuine answer to this request, as of now. */
static struct forge answer_to(const struct login_memory *memory, const char *assertion_id)
{
	struct forge f = forge_genuine(a, world);
	const char *now = clock_rfc3339(a, clock_now());

	f.response_instant = f.assertion_instant = f.conditions_from = now;
	f.confirmed_until = f.conditions_until = clock_rfc3339(a, clock_now() + 5 * MINUTE);
	f.authentication = forge_replace(a, f.authentication, clock_rfc3339(a, FORGE_NOW), now);
	f.in_response_to = f.confirmed_request = memory->request_id;
	f.assertion_id = assertion_id;
	return f;
}

static void come_back(struct browser *b, struct forge f)
{
	run(b, request_make_post(a, db, "/saml/acs", b->login,
		       arena_printf(a, "SAMLResponse=%s", text_url_encode(a, forge_message(&f)))));
}

static void a_log_in_leads_back_to_the_page(void **state)
{
	struct browser b = {0};
	struct login_memory memory = leave(&b, FORGE_IDP, "/help?a=b");

	come_back(&b, answer_to(&memory, "_a1"));
	assert_int_equal(b.rq->parts->http, 303);
	assert_string_equal(location(&b), "/help?a=b");
	assert_null(b.login);
	assert_non_null(b.session);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM audit WHERE action = 'user.logged_in' AND actor = 'taro@" FORGE_SCOPE
			"'"),
		1);
	run(&b, request_make_get(a, db, "/", b.session));
	assert_int_equal(b.rq->parts->http, 200);
	assert_non_null(strstr(page(&b), "山田 太郎"));
	assert_non_null(strstr(page(&b), "Account menu"));
	/* And out again. */
	run(&b, request_make_post(a, db, "/logout", b.session, "x=y"));
	assert_string_equal(location(&b), "/?left=1");
	assert_null(b.session);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM session"), 0);
}

static void hostile_return_paths_lead_home(void **state)
{
	struct browser b = {0};
	struct login_memory memory = leave(&b, FORGE_IDP, "//evil.test/");

	come_back(&b, answer_to(&memory, "_b1"));
	assert_string_equal(location(&b), "/");
}

static void refused(const struct browser *b, const char *sentence)
{
	assert_int_equal(b->rq->parts->http, 403);
	if (!strstr(page(b), sentence))
		fail_msg("the page does not say \"%s\"", sentence);
	assert_null(b->session);
}

static void nothing_counts_twice(void **state)
{
	struct browser b = {0};
	struct login_memory memory = leave(&b, FORGE_IDP, "/");
	const char *cookie = b.login;

	come_back(&b, answer_to(&memory, "_c1"));
	assert_int_equal(b.rq->parts->http, 303);
	/* The same message, a second answer to the same request, and the same assertion for another request. */
	struct browser same = {.login = cookie};
	come_back(&same, answer_to(&memory, "_c1"));
	refused(&same, "Please log in once more");
	struct browser second = {.login = cookie};
	come_back(&second, answer_to(&memory, "_c2"));
	refused(&second, "Please log in once more");
	struct browser other = {0};
	struct login_memory new = leave(&other, FORGE_IDP, "/");
	come_back(&other, answer_to(&new, "_c1"));
	refused(&other, "Please log in once more");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM session"), 1);
}

static void answers_belong_to_a_browser(void **state)
{
	struct browser victim = {0}, attacker = {0};
	struct login_memory memory = leave(&attacker, FORGE_IDP, "/");

	/* A browser that asked for nothing, and one that asked for something else. */
	come_back(&victim, answer_to(&memory, "_d1"));
	refused(&victim, "does not belong to a log-in that this browser has under way");
	leave(&victim, FORGE_IDP, "/");
	come_back(&victim, answer_to(&memory, "_d1"));
	refused(&victim, "does not belong to a log-in that this browser has under way");
	/* An IdP we trust, but not the one that was asked. */
	struct browser elsewhere = {0};
	memory = leave(&elsewhere, FORGE_OTHER_IDP, "/");
	come_back(&elsewhere, answer_to(&memory, "_d2"));
	refused(&elsewhere, "The answer of your institution was not accepted");
	/* The control. */
	come_back(&attacker, answer_to(&(struct login_memory){.request_id = "_x"}, "_d3"));
	refused(&attacker, "Please log in once more");
	memory = leave(&attacker, FORGE_IDP, "/");
	come_back(&attacker, answer_to(&memory, "_d4"));
	assert_int_equal(attacker.rq->parts->http, 303);
}

static void what_is_missing_is_named(void **state)
{
	struct browser b = {0};
	struct login_memory memory = leave(&b, FORGE_IDP, "/client/7");
	struct forge f = answer_to(&memory, "_e1");

	f.mail = NULL;
	come_back(&b, f);
	refused(&b, "mail (e-mail address)");
	assert_non_null(strstr(page(&b), "href=\"/login?to=%2Fclient%2F7\""));
	memory = leave(&b, FORGE_IDP, "/");
	f = answer_to(&memory, "_e2");
	f.eppn = forge_value(a, "taro@other.test");
	come_back(&b, f);
	refused(&b, "with the scope of the institution");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM user"), 0);
}

static void several_idps_are_to_choose_from(void **state)
{
	struct browser b = {0};

	run(&b, request_make_get(a, db, "/login?to=%2Fclient%2F7", NULL));
	assert_int_equal(b.rq->parts->http, 200);
	assert_non_null(strstr(page(&b), "Select your institution"));
	assert_non_null(
		strstr(page(&b), "/login/start?idp=https%3A%2F%2Fidp.u.test%2Fidp&amp;to=%2Fclient%2F7"));
	run(&b, request_make_get(a, db, "/login/start?idp=https%3A%2F%2Fevil.test", NULL));
	assert_int_equal(b.rq->parts->http, 404);
	assert_null(b.login);
	run(&b, request_make_get(a, db, "/saml/metadata", NULL));
	assert_non_null(strstr(page(&b), "SPSSODescriptor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_log_in_leads_back_to_the_page, fresh),
		cmocka_unit_test_setup(hostile_return_paths_lead_home, fresh),
		cmocka_unit_test_setup(nothing_counts_twice, fresh),
		cmocka_unit_test_setup(answers_belong_to_a_browser, fresh),
		cmocka_unit_test_setup(what_is_missing_is_named, fresh),
		cmocka_unit_test_setup(several_idps_are_to_choose_from, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
