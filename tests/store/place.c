/* Tests of the pages about limits: a type whose place is taken, on the dashboard and when it is applied for all the same, and too many in a day. */
#include "support/check.h"

#include "pages/pages.h"
#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

#define KEY(c) #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c

static struct arena *a;
static struct db *db;
static struct user taro, hanako;
static const char *session, *other;

static struct validity validities[] = {{"5", 52, "", ""}};
static struct certificate_settings card_settings = {.upstream = "upstream_local",
	.subject = "CN=%u.%n,OU=Card,C=JP",
	.validity = {1, validities},
	.live_max = 1};
static struct certificate_settings mail_settings = {.upstream = "upstream_local",
	.subject = "CN=%m,OU=No %n,C=JP",
	.validity = {1, validities},
	.live_max = 5,
	.renew_days = 60};
static const struct certificate_type card_type = {.title = "Card",
	.button = "Card",
	.purpose = "For tests.",
	.variant_of = "client",
	.box = "On a card",
	.settings = &card_settings};
static const struct certificate_type mail_type = {.title = "Mail",
	.button = "Apply for mail",
	.purpose = "For tests.",
	.settings = &mail_settings,
	.live_why = "One for each address.",
	.complete = test_one_per_address};
static const struct plugin card = {.abi = INKAN_ABI, .name = "card", .type = &card_type};
static const struct plugin mail = {.abi = INKAN_ABI, .name = "mail", .type = &mail_type};

static int set_up(void **state)
{
	test_client_settings.live_max = 2;
	test_client_settings.validity.n = 1;
	a = pages_test_open((const struct plugin *const[]){&test_client, &card, &mail, &test_local, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	(void)pages_clock(0);
	pages_day_max(0);
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	session = pages_session(&taro);
	other = pages_session(&hanako);
	return 0;
}

#define shows(answer, text) assert_non_null(strstr((answer).page, text))
#define lacks(answer, text) assert_null(strstr((answer).page, text))

#define CLIENT_OFF "aria-describedby=\"full-client\" disabled>"
#define MAIL_OFF "aria-describedby=\"full-mail\" disabled>"
#define CARD_OFF "value=\"card\" disabled aria-describedby=\"full-card\">"

static struct answer apply(const char *who, const char *kind, const char *key, const char *more)
{
	return pages_post(who, arena_printf(a, "/%s/apply", kind), arena_printf(a, "form_key=%s%s", key, more), NULL);
}

static void moves(unsigned number, enum event_kind kind)
{
	struct application app;

	check_ok(application_find(db, a, taro.id, number, &app));
	test_moves(db, a, app.id, kind);
}

static void one_for_each_address(void **state)
{
	struct answer page = pages_get("en", session, "/");

	lacks(page, "disabled");
	lacks(page, "full-");
	assert_string_equal(apply(session, "mail", KEY(A), "").location, "/mail/1/applied");
	page = pages_get("en", session, "/");
	shows(page, MAIL_OFF);
	shows(page, "id=\"full-mail\">");
	shows(page, "One for each address.");
	shows(page, "<a href=\"/mail/1\">Application 1</a>");
	lacks(page, "full-client"); /* another type has its own places */
	lacks(page, " required>");
	shows(pages_get("ja", session, "/"), "<a href=\"/mail/1\">申請番号 1</a>");
	lacks(pages_get("en", other, "/"), "disabled"); /* and so has another user */
	/* Also where the list does not show it. */
	shows(pages_get("en", session, "/?q=nothing"), MAIL_OFF);
	shows(pages_get("en", session, "/?below=1"), MAIL_OFF);
	shows(pages_get("en", session, "/?valid=1"), MAIL_OFF);
	/* The server does not rely on that: an older page is refused, and shows the way too. */
	struct answer refused = apply(session, "mail", KEY(B), "");
	assert_int_equal(refused.http, 409);
	shows(refused, "One for each address.");
	shows(refused, "<a href=\"/mail/1\">Application 1</a>");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	/* It has the place until it is over. */
	moves(1, EVENT_TAKEN);
	shows(pages_get("en", session, "/"), MAIL_OFF);
	moves(1, EVENT_REVOKE_ASKED);
	shows(pages_get("en", session, "/"), MAIL_OFF);
	moves(1, EVENT_REVOKED);
	lacks(pages_get("en", session, "/"), "full-mail");
	assert_int_equal(apply(session, "mail", KEY(B), "").http, 303);
}

static void a_renewal_is_the_one_to_look_at(void **state)
{
	assert_int_equal(apply(session, "mail", KEY(A), "").http, 303);
	moves(1, EVENT_TAKEN);
	assert_string_equal(pages_post(session, "/mail/1/renew", "form_key=" KEY(B), NULL).location, "/mail/2/applied");
	struct answer page = pages_get("en", session, "/");
	shows(page, MAIL_OFF);
	shows(page, "<a href=\"/mail/2\">Application 2</a>");
	moves(2, EVENT_REJECTED);
	shows(pages_get("en", session, "/"), "<a href=\"/mail/1\">Application 1</a>");
}

static void an_address_that_changed_has_a_place_of_its_own(void **state)
{
	assert_int_equal(apply(session, "mail", KEY(A), "").http, 303);
	moves(1, EVENT_TAKEN);
	shows(pages_get("en", session, "/"), MAIL_OFF);
	check_ok(user_login(db, a, taro.eppn, taro.idp, taro.name, "taro@new.example.ac.jp", LANG_EN, &taro));
	struct answer page = pages_get("en", session, "/");
	lacks(page, "full-mail");
	/* What was issued for the old one stays in sight, and can be revoked. */
	shows(page, "href=\"/mail/1\"");
	page = pages_get("en", session, "/mail/1");
	assert_int_equal(page.http, 200);
	shows(page, "taro@mail.example.ac.jp");
	assert_string_equal(apply(session, "mail", KEY(B), "").location, "/mail/2/applied");
	shows(pages_get("en", session, "/mail/2"), "taro@new.example.ac.jp");
	shows(pages_get("en", session, "/"), "<a href=\"/mail/2\">Application 2</a>");
	assert_int_equal(pages_get("en", session, "/mail/1/revoke").http, 200);
	assert_int_equal(pages_post(session, "/mail/1/revoke", "form_key=" KEY(C) "&reason=3&understood=1", NULL).http, 303);
	/* Back to the old address: its certificate still has that place. */
	check_ok(user_login(db, a, taro.eppn, taro.idp, taro.name, "taro@mail.example.ac.jp", LANG_EN, &taro));
	shows(pages_get("en", session, "/"), "<a href=\"/mail/1\">Application 1</a>");
}

static void as_many_as_there_may_be(void **state)
{
	assert_int_equal(apply(session, "client", KEY(A), "").http, 303);
	lacks(pages_get("en", session, "/"), "disabled");
	assert_int_equal(apply(session, "client", KEY(B), "").http, 303);
	struct answer page = pages_get("en", session, "/");
	/* Its variant has a place: the button is for that, and says what is not. */
	shows(page, "aria-describedby=\"full-client\">");
	shows(page, "the limit is 2, open applications included");
	shows(page, "href=\"/?valid=1#applications\"");
	lacks(page, "disabled");
	shows(page, "value=\"card\" required>");
	shows(page, "<details class=\"options\" open>");
	struct answer refused = apply(session, "client", KEY(C), "");
	assert_int_equal(refused.http, 409);
	shows(refused, "the limit is 2, open applications included");
	assert_string_equal(apply(session, "client", KEY(C), "&variant=card").location, "/card/3/applied");
	page = pages_get("ja", session, "/");
	shows(page, CLIENT_OFF);
	shows(page, CARD_OFF);
	shows(page, "すでに発行済みか申請中です");
	shows(page, "<a href=\"/card/3\">申請番号 3</a>");
	refused = apply(session, "client", KEY(D), "&variant=card");
	assert_int_equal(refused.http, 409);
	shows(refused, "<a href=\"/card/3\">Application 3</a>");
	lacks(page, " required>");
	lacks(page, " open>");
	moves(1, EVENT_REJECTED);
	page = pages_get("en", session, "/");
	lacks(page, "full-client");
	shows(page, CARD_OFF);
	moves(3, EVENT_REJECTED);
	lacks(pages_get("en", session, "/"), "disabled");
}

static int64_t executed(void)
{
	return mariadb_number("SELECT CAST(VARIABLE_VALUE AS INTEGER) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_STMT_EXECUTE'");
}

/* Statements of one dashboard. */
static int64_t cost(void)
{
	int64_t before = executed(), own = executed() - before;

	before = executed();
	assert_int_equal(pages_get("en", session, "/").http, 200);
	return executed() - before - own;
}

static void the_database_is_asked_only_in_doubt(void **state)
{
	(void)cost(); /* what is done once */
	int64_t nothing = cost();

	assert_int_equal(apply(session, "client", KEY(A), "").http, 303);
	assert_int_equal(cost(), nothing);
	assert_int_equal(apply(session, "mail", KEY(B), "").http, 303);
	assert_int_equal(cost(), nothing + 1);
	/* Once for all types. */
	assert_int_equal(apply(session, "client", KEY(C), "").http, 303);
	assert_int_equal(cost(), nothing + 1);
}

static void too_many_in_a_day(void **state)
{
	pages_day_max(2);
	assert_int_equal(apply(session, "client", KEY(A), "").http, 303);
	moves(1, EVENT_TAKEN);
	assert_int_equal(apply(session, "mail", KEY(B), "").http, 303);
	/* To the minute, rounded up: nobody comes too early. */
	when from = mariadb_number("SELECT MIN(created_at) FROM application") + DAY + MINUTE - 1;
	struct answer refused = apply(session, "client", KEY(C), "");
	assert_int_equal(refused.http, 409);
	shows(refused, "You have made 2 applications within 24 hours");
	shows(refused, arena_printf(a, "from %s on", clock_show(a, from, LANG_EN)));
	shows(refused, "Nothing was sent and nothing was changed.");
	refused = pages_post(session, "/client/1/renew", "form_key=" KEY(D), NULL);
	assert_int_equal(refused.http, 409);
	shows(refused, "You have made 2 applications within 24 hours");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 2);
	/* A form that was sent before leads to what it made; others may; and so may he, a day later. */
	assert_string_equal(apply(session, "client", KEY(A), "").location, "/client/1/applied?again=1");
	assert_int_equal(apply(other, "client", KEY(C), "").http, 303);
	if (!pages_clock(DAY + MINUTE))
		skip();
	assert_int_equal(pages_post(session, "/client/1/renew", "form_key=" KEY(D), NULL).http, 303);
	assert_int_equal(apply(session, "client", KEY(C), "").http, 303);
	assert_int_equal(apply(session, "client", KEY(E), "").http, 409);
}

/* Without JavaScript the question is a page: what is ticked in it is in sight, and named. */
static void the_question_shows_what_was_ticked(void **state)
{
	struct answer page = pages_get("en", session, "/client/apply");

	shows(page, "<dt>Certificate type</dt><dd>Client certificate</dd>");
	shows(page, "<details class=\"options\">");
	page = pages_get("en", session, "/client/apply?variant=card");
	shows(page, "value=\"card\" checked");
	shows(page, "<details class=\"options\" open>");
	shows(page, "<dt>Certificate type</dt><dd>Card</dd>");
}

/* A bulk import that brings in what was applied for elsewhere, perhaps today, leaves all applications of the day to be made. */
static void imported_ones_do_not_count_in_a_day(void **state)
{
	pages_day_max(2);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(apply(session, "client", i == 1 ? KEY(A) : KEY(B), "").http, 303);
		moves(i, EVENT_REJECTED);
	}
	assert_int_equal(apply(session, "client", KEY(C), "").http, 409);
	mariadb_exec("UPDATE application SET import_key = CONCAT('test:', id) WHERE number = 1");
	assert_string_equal(apply(session, "client", KEY(C), "").location, "/client/3/applied");
	assert_int_equal(apply(session, "client", KEY(D), "").http, 409);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_for_each_address, fresh),
		cmocka_unit_test_setup(a_renewal_is_the_one_to_look_at, fresh),
		cmocka_unit_test_setup(an_address_that_changed_has_a_place_of_its_own, fresh),
		cmocka_unit_test_setup(as_many_as_there_may_be, fresh),
		cmocka_unit_test_setup(the_database_is_asked_only_in_doubt, fresh),
		cmocka_unit_test_setup(too_many_in_a_day, fresh),
		cmocka_unit_test_setup(imported_ones_do_not_count_in_a_day, fresh),
		cmocka_unit_test_setup(the_question_shows_what_was_ticked, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
