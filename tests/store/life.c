/* Tests of what a user does with a certificate afterwards, through the pages: revocation and renewal, in order, twice, too early, too late. */
#include "support/check.h"

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

#define KEY1 "AAAAAAAAAAAAAAAAAAAAAA"
#define KEY2 "BBBBBBBBBBBBBBBBBBBBBB"
#define KEY3 "CCCCCCCCCCCCCCCCCCCCCC"

static struct arena *a;
static struct db *db;
static struct user taro, hanako;
static const char *session, *other;

static const struct certificate_type mail_type = {
	.title = "Mail", .button = "Mail", .purpose = "For tests.", .settings = &test_client_settings, .complete = test_one_per_address};
static const struct plugin mail = {.abi = INKAN_ABI, .name = "mail", .type = &mail_type};

static int set_up(void **state)
{
	test_client_settings.live_max = 1;
	a = pages_test_open((const struct plugin *const[]){&test_client, &mail, &test_local, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	(void)pages_clock(0);
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	session = pages_session(&taro);
	other = pages_session(&hanako);
	return 0;
}

static const char *state_of(unsigned number)
{
	struct application app;

	check_ok(application_find(db, a, taro.id, number, &app));
	return application_state_name(app.state);
}

#define shows(answer, text) assert_non_null(strstr((answer).page, text))

static struct answer revoke(unsigned number, const char *key, const char *more)
{
	return pages_post(session, arena_printf(a, "/client/%u/revoke", number), arena_printf(a, "form_key=%s%s", key, more), NULL);
}

#define SURE "&reason=4&understood=1"

static void revocation_from_question_to_end(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	struct answer done = revoke(1, KEY1, SURE);

	assert_int_equal(done.http, 303);
	assert_string_equal(done.location, "/client/1/revoking");
	assert_string_equal(state_of(1), "REVOKE_ACCEPTED");
	assert_int_equal(mariadb_number("SELECT reason FROM application"), 4);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.revoke'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'application.revoke_asked' AND actor = "
					"'taro@example.ac.jp'"),
		1);
	struct answer page = pages_get("ja", session, "/client/1/revoking");
	shows(page, "<h1>失効申請完了</h1>");
	shows(page, "証明書情報確認");
	/* Valid until it is confirmed. */
	page = pages_get("ja", session, "/client/1");
	shows(page, "失効申請前");
	shows(page, "完了するまで証明書は有効です");
	shows(page, "data-news");
	test_moves(db, a, app.id, EVENT_REVOKE_SUBMITTED);
	shows(pages_get("ja", session, "/client/1"), "失効申請中");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND payload = 'revoked'"), 0);
	test_moves(db, a, app.id, EVENT_REVOKED);
	page = pages_get("ja", session, "/client/1");
	shows(page, "失効済");
	shows(page, "別の証明書に切り替えた");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND payload = 'revoked'"), 1);
	assert_null(strstr(page.page, "data-news"));
}

static void the_same_form_revokes_once(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	assert_int_equal(revoke(1, KEY1, SURE).http, 303);
	/* A second click, and one after all is done. */
	assert_string_equal(revoke(1, KEY1, SURE).location, "/client/1/revoking?again=1");
	shows(pages_get("en", session, "/client/1/revoking?again=1"), "had already been applied for");
	test_moves(db, a, app.id, EVENT_REVOKED);
	assert_string_equal(revoke(1, KEY1, SURE).location, "/client/1/revoking?again=1");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE kind = 'REVOKE_ASKED'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 0);
	/* Another form is told plainly what is so. */
	struct answer late = revoke(1, KEY2, SURE);
	assert_int_equal(late.http, 409);
	shows(late, "This certificate is revoked already.");
	shows(late, "You can apply for a new certificate on the dashboard.");
}

static void revocation_wants_all_that_is_asked(void **state)
{
	static const char *const incomplete[] = {"", "&reason=4", "&understood=1", "&reason=&understood=1", "&reason=2&understood=1",
		"&reason=6&understood=1", "&reason=11&understood=1", "&reason=-1&understood=1", "&reason=x&understood=1",
		"&reason=4&understood=0", "&reason=4&understood="};
	static const char *const keys[] = {"", "short", "AAAAAAAAAAAAAAAAAAAAA!", KEY1 "A"};

	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	for (size_t i = 0; i < COUNT_OF(incomplete); i++) {
		struct answer answer = revoke(1, KEY1, incomplete[i]);
		assert_int_equal(answer.http, 400);
		shows(answer, "please choose the reason, and tick the box");
		shows(answer, "value=\"" KEY1 "\"");
	}
	shows(revoke(1, KEY1, "&reason=5"), "<option value=\"5\" selected>");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_int_equal(revoke(1, keys[i], SURE).http, 400);
	assert_int_equal(pages_post(session, "/client/1/revoke", "form_key=" KEY1 SURE, "").http, 403);
	assert_int_equal(pages_post(session, "/client/1/revoke", "form_key=" KEY1 SURE, pages_csrf(other)).http, 403);
	assert_int_equal(pages_post(other, "/client/1/revoke", "form_key=" KEY1 SURE, NULL).http, 404);
	assert_int_equal(pages_post(session, "/mail/1/revoke", "form_key=" KEY1 SURE, NULL).http, 404);
	assert_int_equal(pages_post(session, "/client/2/revoke", "form_key=" KEY1 SURE, NULL).http, 404);
	assert_int_equal(pages_get("en", other, "/client/1/revoke").http, 404);
	assert_int_equal(pages_get("en", other, "/client/1/revoking").http, 404);
	assert_string_equal(pages_get("en", session, "/client/1/revoking").location, "/client/1");
	assert_string_equal(state_of(1), "TAKEN");
	/* The control. */
	assert_int_equal(revoke(1, KEY1, "&reason=0&understood=1").http, 303);
	assert_string_equal(state_of(1), "REVOKE_ACCEPTED");
}

/* When neither can be applied for, and what is said then. */
static const struct {
	enum application_state state;
	const char *why;
} refused[] = {
	{APPLICATION_ACCEPTED, "has not been issued yet"},
	{APPLICATION_SENT, "has not been issued yet"},
	{APPLICATION_PIN, "has not been issued yet"},
	{APPLICATION_ERROR, "No certificate was issued"},
	{APPLICATION_REVOKE_ACCEPTED, "already under way"},
	{APPLICATION_REVOKE_SENT, "already under way"},
	{APPLICATION_REVOKED, "revoked already"},
};

static void revocation_in_other_states_is_refused_in_words(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct application app = test_in_state(db, a, &taro, refused[i].state);
		int64_t events = mariadb_number("SELECT COUNT(*) FROM event");
		struct answer answer = revoke(app.number, KEY1, SURE);
		assert_int_equal(answer.http, 409);
		shows(answer, refused[i].why);
		assert_string_equal(state_of(app.number), application_state_name(refused[i].state));
		assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event"), events);
	}
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 0);
	struct application expired = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	if (!pages_clock(400 * DAY))
		skip();
	struct answer answer = revoke(expired.number, KEY1, SURE);
	assert_int_equal(answer.http, 409);
	shows(answer, "has expired");
	(void)pages_clock(0);
	assert_int_equal(revoke(expired.number, KEY1, SURE).http, 303);
}

static void a_failed_revocation_can_be_tried_again(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	assert_int_equal(revoke(1, KEY1, SURE).http, 303);
	test_moves(db, a, app.id, EVENT_REVOKE_REJECTED);
	struct answer page = pages_get("ja", session, "/client/1");
	shows(page, "失効処理に失敗しました。証明書はまだ有効です。もう一度失効申請ができます。");
	shows(page, "（証明書はまだ有効です）");
	/* Back and OK again: that form has had its effect. */
	assert_int_equal(revoke(1, KEY1, SURE).http, 303);
	assert_string_equal(state_of(1), "REVOKE_ERROR");
	assert_string_equal(revoke(1, KEY2, SURE).location, "/client/1/revoking");
	assert_string_equal(state_of(1), "REVOKE_ACCEPTED");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.revoke'"), 2);
}

/* Of a card it is not said that the certificate stays valid, which may be untrue while only the card service is missing; and that
 * this service could not be told is said, also to a page that is open. */
static void a_card_service_that_is_not_told(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_DELIVERED);
	static const char still[] = "The certificate stays valid until it is completed", missing[] = "could not be told";

	mariadb_exec("UPDATE application SET handover = 1");
	assert_int_equal(revoke(1, KEY1, SURE).http, 303);
	struct answer page = pages_get("en", session, "/client/1/revoking");
	assert_null(strstr(page.page, "until then the certificate is still valid"));
	shows(page, "includes that the card service was told");
	for (int sent = 0; sent < 2; sent++) {
		page = pages_get("en", session, "/client/1");
		assert_null(strstr(page.page, still));
		assert_null(strstr(page.page, missing));
		shows(page, "and the card service has been told");
		if (!sent)
			test_moves(db, a, app.id, EVENT_REVOKE_SUBMITTED);
	}
	check_ok(job_add(db, "core.handover_revoked", app.id, "1 4 source", 0, NULL));
	struct answer waiting = pages_get("en", session, "/client/1/status");
	assert_null(strstr(waiting.page, missing));
	mariadb_exec("UPDATE job SET state = 'failed' WHERE kind = 'core.handover_revoked'");
	struct answer failed = pages_get("en", session, "/client/1/status");
	assert_string_not_equal(failed.etag, waiting.etag);
	shows(failed, "The issuing service has revoked the certificate, but the card service could not be told of it.");
	shows(failed, "(the card service could not be told)");
	shows(failed, "(the issuing service has revoked it)"); /* though the state is "valid" until all is done */
	shows(failed, "data-waits"); /* an administrator may start it again */
	shows(pages_get("ja", session, "/client/1"), "カード発行システムに通知できませんでした。申請番号を添えて");
	assert_null(strstr(failed.page, "and the card service has been told"));
	test_moves(db, a, app.id, EVENT_REVOKED);
	page = pages_get("en", session, "/client/1");
	assert_null(strstr(page.page, missing));
	shows(page, "This certificate was revoked");
	/* Another user's failed job, and another kind, are no news of this one; without a card it is as before. */
	(void)test_in_state(db, a, &taro, APPLICATION_REVOKE_SENT);
	check_ok(job_add(db, "core.handover_revoked", 999, "1 4 source", 0, NULL));
	mariadb_exec("UPDATE job SET state = 'failed'");
	page = pages_get("en", session, "/client/2");
	shows(page, still);
	assert_null(strstr(page.page, missing));
}

/* The mail that could not be sent is news to an open page too, though the row does not change. */
static void a_mail_that_fails_is_news(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_PIN);
	static const char failed[] = "could not be delivered";

	mariadb_exec("DELETE FROM job");
	check_ok(job_add(db, "core.mail", app.id, "issued", 0, NULL));
	struct answer before = pages_get("en", session, "/client/1/status");
	assert_null(strstr(before.page, failed));
	mariadb_exec("UPDATE job SET state = 'failed', payload = 'taken'");
	assert_string_equal(pages_get("en", session, "/client/1/status").etag, before.etag);
	mariadb_exec("UPDATE job SET payload = 'issued'");
	struct answer after = pages_get("en", session, "/client/1/status");
	assert_string_not_equal(after.etag, before.etag);
	shows(after, failed);
}

static struct answer renew(unsigned number, const char *key)
{
	return pages_post(session, arena_printf(a, "/client/%u/renew", number), arena_printf(a, "form_key=%s", key), NULL);
}

static void renewal_from_question_to_end(void **state)
{
	struct application old = test_in_state(db, a, &taro, APPLICATION_TAKEN), new;

	mariadb_exec("UPDATE application SET profile = '14', months = 25");
	struct answer question = pages_get("en", session, "/client/1/renew");
	assert_int_equal(question.http, 200);
	shows(question, "25 months");
	struct answer done = renew(1, KEY1);
	assert_int_equal(done.http, 303); /* live_max is 1: a renewal needs no second place */
	assert_string_equal(done.location, "/client/2/applied");
	shows(pages_get("ja", session, "/client/2/applied"), "<h1>更新申請完了</h1>");
	check_ok(application_find(db, a, taro.id, 2, &new));
	assert_int_equal(new.renews, old.id);
	assert_string_equal(new.subject, old.subject);
	assert_string_equal(new.profile, "14");
	assert_int_equal(new.months, 25);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.submit' AND subject = 2"), 1);
	/* The number stays the old one, and says so, until the new certificate is taken. */
	struct answer page = pages_get("ja", session, "/client/2");
	shows(page, arena_printf(a, "%llu", 0xa0 + (unsigned long long)old.id)); /* see test_in_state() */
	shows(page, "更新前の証明書の番号です");
	shows(page, "href=\"/client/1\"");
	shows(pages_get("ja", session, "/client/1"), "href=\"/client/2\"");
	test_moves(db, a, new.id, EVENT_PIN);
	shows(pages_get("ja", session, "/client/2"), "更新前の証明書の番号です");
	test_moves(db, a, new.id, EVENT_TAKEN);
	page = pages_get("ja", session, "/client/2");
	shows(page, "16711935");
	assert_null(strstr(page.page, "更新前の証明書の番号です"));
	shows(page, "更新前の証明書（申請番号 1）もまだ有効です。");
	page = pages_get("ja", session, "/client/1");
	shows(page, "この証明書は申請番号 2 で更新済みです。");
	assert_null(strstr(page.page, "インストールしてください"));
	assert_string_equal(state_of(1), "TAKEN");
}

/* To install the file one needs the PIN. */
static void advice_goes_when_the_pin_does(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	shows(pages_get("en", session, "/client/1"), "Install the file with the PIN as its password.");
	if (!pages_clock(29 * DAY))
		skip();
	struct answer page = pages_get("en", session, "/client/1");
	shows(page, "The PIN is no longer shown.");
	assert_null(strstr(page.page, "Install the file with the PIN"));
	shows(page, "Valid");
}

/* What the PIN is still good for, or why it is gone. */
static void the_pin_row_says_why(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_PIN);
	struct answer page = pages_get("en", session, "/client/1");
	shows(page, "It opens the download page and is also the password of the file.");
	if (pages_clock(29 * DAY)) { /* missed: it still opens the file of a download that is told of late */
		page = pages_get("en", session, "/client/1");
		shows(page, "It is the password of the file.");
		assert_null(strstr(page.page, "It opens the download page"));
	}
	(void)pages_clock(0);
	test_moves(db, a, app.id, EVENT_TAKEN);
	test_moves(db, a, app.id, EVENT_REVOKE_ASKED);
	shows(pages_get("en", session, "/client/1"), "It is the password of the file.");
	test_moves(db, a, app.id, EVENT_REVOKED);
	page = pages_get("en", session, "/client/1");
	shows(page, "The PIN is not shown any more, because the certificate was revoked.");
	assert_null(strstr(page.page, "The PIN is no longer shown."));
}

static void only_one_renewal_at_a_time(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	assert_int_equal(renew(1, KEY1).http, 303);
	assert_string_equal(renew(1, KEY1).location, "/client/2/applied?again=1");
	struct answer second = renew(1, KEY2);
	assert_int_equal(second.http, 409);
	shows(second, "A renewal of this certificate is already under way.");
	shows(second, "href=\"/client/2\"");
	assert_int_equal(pages_get("en", session, "/client/1/renew").http, 409);
	test_moves(db, a, 2, EVENT_PIN);
	test_moves(db, a, 2, EVENT_TAKEN);
	second = renew(1, KEY2);
	assert_int_equal(second.http, 409);
	shows(second, "This certificate has been renewed already.");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 2);
	/* The new one can be renewed; and the old one again once nothing renews it any more. */
	assert_string_equal(renew(2, KEY3).location, "/client/3/applied");
	test_moves(db, a, 2, EVENT_REVOKED);
	assert_string_equal(renew(1, KEY2).location, "/client/4/applied");
}

static void a_missed_renewal_leaves_the_old_one_untouched(void **state)
{
	char *before;

	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	assert_int_equal(renew(1, KEY1).http, 303);
	test_moves(db, a, 2, EVENT_PIN);
	before = arena_printf(a, "%lld", (long long)mariadb_number("SELECT CRC32(CONCAT_WS('|', state, serial, not_after, live_until, "
								   "changed_at, taken_at)) FROM application WHERE number = 1"));
	if (!pages_clock(30 * DAY))
		skip();
	shows(pages_get("ja", session, "/client/2"), "取得(更新)期限切れ");
	assert_string_equal(before, arena_printf(a, "%lld", (long long)mariadb_number("SELECT CRC32(CONCAT_WS('|', state, serial, not_after, "
								   "live_until, changed_at, taken_at)) FROM application WHERE number = 1")));
	shows(pages_get("en", session, "/client/1"), "Valid");
	assert_int_equal(renew(2, KEY2).http, 409);
	assert_string_equal(renew(1, KEY2).location, "/client/3/applied");
}

static void renewal_in_other_states_is_refused_in_words(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct application app = test_in_state(db, a, &taro, refused[i].state);
		struct answer answer = renew(app.number, KEY1);
		assert_int_equal(answer.http, 409);
		shows(answer, refused[i].why);
	}
	int64_t all = mariadb_number("SELECT COUNT(*) FROM application");
	struct application expired = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	if (!pages_clock(400 * DAY))
		skip();
	struct answer answer = renew(expired.number, KEY1);
	assert_int_equal(answer.http, 409);
	shows(answer, "has expired and can no longer be renewed");
	(void)pages_clock(0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), all + 1);
	assert_int_equal(mariadb_number("SELECT MAX(applications) FROM user"), all + 1);
	assert_int_equal(pages_post(other, arena_printf(a, "/client/%u/renew", expired.number), "form_key=" KEY1, NULL).http, 404);
	assert_int_equal(renew(expired.number, "short").http, 400);
	assert_int_equal(pages_post(session, arena_printf(a, "/client/%u/renew", expired.number), "form_key=" KEY1, "").http, 403);
	assert_int_equal(renew(expired.number, KEY1).http, 303);
}

static void an_address_that_changed_is_not_renewed(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *form = "form_key=" KEY1;

	check_ok(db_exec(db, NULL, "UPDATE application SET type = 'mail', live_digest = ?, live_key = live_digest WHERE id = ?",
		DB_BYTES(crypto_sha256(a, bytes_string(arena_printf(a, "%llu:%s", (unsigned long long)taro.id, taro.mail)))),
		DB_INT(app.id)));
	check_ok(user_login(db, a, taro.eppn, taro.idp, taro.name, "taro@new.example.ac.jp", LANG_EN, &taro));
	struct answer answer = pages_post(session, "/mail/1/renew", form, NULL);
	assert_int_equal(answer.http, 409);
	shows(answer, "another mail address than yours is now");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	check_ok(user_login(db, a, taro.eppn, taro.idp, taro.name, "taro@mail.example.ac.jp", LANG_EN, &taro));
	assert_int_equal(pages_post(session, "/mail/1/renew", form, NULL).http, 303);
}

static void what_is_switched_off_can_still_be_revoked(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	mariadb_exec("UPDATE application SET type = 'former'");
	struct answer page = pages_get("en", session, "/former/1");
	assert_int_equal(page.http, 200);
	shows(page, "Certificates of this type are not issued here at present.");
	assert_int_equal(pages_post(session, "/former/1/renew", "form_key=" KEY1, NULL).http, 409);
	mariadb_exec("UPDATE application SET upstream = 'elsewhere'");
	struct answer answer = pages_post(session, "/former/1/revoke", "form_key=" KEY1 SURE, NULL);
	assert_int_equal(answer.http, 409);
	shows(answer, "Please ask the administrators to revoke it.");
	assert_string_equal(state_of(1), "TAKEN");
	mariadb_exec("UPDATE application SET upstream = 'upstream_local'");
	assert_int_equal(pages_post(session, "/former/1/revoke", "form_key=" KEY1 SURE, NULL).http, 303);
	assert_string_equal(state_of(1), "REVOKE_ACCEPTED");
}

static void the_dashboard_offers_renewal_in_time(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	assert_null(strstr(pages_get("ja", session, "/").page, "/client/1/renew"));
	if (!pages_clock(304 * DAY))
		skip();
	assert_null(strstr(pages_get("ja", session, "/").page, "/client/1/renew"));
	(void)pages_clock(306 * DAY);
	shows(pages_get("ja", session, "/"), "href=\"/client/1/renew\"");
	shows(pages_get("ja", session, "/?valid=1"), "href=\"/client/1/renew\"");
	assert_int_equal(renew(1, KEY1).http, 303);
	assert_null(strstr(pages_get("ja", session, "/").page, "/client/1/renew"));
	test_moves(db, a, 2, EVENT_REJECTED);
	shows(pages_get("ja", session, "/"), "href=\"/client/1/renew\"");
	(void)pages_clock(366 * DAY);
	assert_null(strstr(pages_get("ja", session, "/").page, "/client/1/renew"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(revocation_from_question_to_end, fresh),
		cmocka_unit_test_setup(the_same_form_revokes_once, fresh),
		cmocka_unit_test_setup(revocation_wants_all_that_is_asked, fresh),
		cmocka_unit_test_setup(revocation_in_other_states_is_refused_in_words, fresh),
		cmocka_unit_test_setup(a_failed_revocation_can_be_tried_again, fresh),
		cmocka_unit_test_setup(a_card_service_that_is_not_told, fresh),
		cmocka_unit_test_setup(a_mail_that_fails_is_news, fresh),
		cmocka_unit_test_setup(renewal_from_question_to_end, fresh),
		cmocka_unit_test_setup(advice_goes_when_the_pin_does, fresh),
		cmocka_unit_test_setup(the_pin_row_says_why, fresh),
		cmocka_unit_test_setup(only_one_renewal_at_a_time, fresh),
		cmocka_unit_test_setup(a_missed_renewal_leaves_the_old_one_untouched, fresh),
		cmocka_unit_test_setup(renewal_in_other_states_is_refused_in_words, fresh),
		cmocka_unit_test_setup(an_address_that_changed_is_not_renewed, fresh),
		cmocka_unit_test_setup(what_is_switched_off_can_still_be_revoked, fresh),
		cmocka_unit_test_setup(the_dashboard_offers_renewal_in_time, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
