/* Tests of a user's pages on a real database: applying once, details, PIN and its trace, news, memo, and other people's applications. */
#include "support/check.h"

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

#define ID "0123456789abcdef0123456789abcdef" /* of every request, see support/pages.c */
#define FORM "application/x-www-form-urlencoded"

static struct arena *a;
static struct db *db;
static struct user taro, hanako;
static const char *taro_token, *hanako_token;

static int set_up(void **state)
{
	test_client_settings.choose_validity = true;
	test_client_settings.live_max = 3;
	a = pages_test_open((const struct plugin *const[]){&test_client, &test_local, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	taro_token = pages_session(&taro);
	hanako_token = pages_session(&hanako);
	return 0;
}

static struct answer apply(const char *token, const char *form_key, const char *more)
{
	return pages_post(token, "/client/apply", arena_printf(a, "form_key=%s%s", form_key, more), NULL);
}

static struct answer keep_memo(const char *token, const char *memo)
{
	return pages_post(token, "/client/1/memo", arena_printf(a, "memo=%s", memo), NULL);
}

#define KEY1 "AAAAAAAAAAAAAAAAAAAAAA"
#define KEY2 "BBBBBBBBBBBBBBBBBBBBBB"
#define KEY3 "CCCCCCCCCCCCCCCCCCCCCC"
#define KEY4 "DDDDDDDDDDDDDDDDDDDDDD"

static void applying_twice_is_once(void **state)
{
	struct answer first = apply(taro_token, KEY1, "&profile=14");

	assert_int_equal(first.http, 303);
	assert_string_equal(first.location, "/client/1/applied");
	struct answer again = apply(taro_token, KEY1, "&profile=14");
	assert_int_equal(again.http, 303);
	assert_string_equal(again.location, "/client/1/applied?again=1");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	assert_int_equal(mariadb_number("SELECT months FROM application"), 25);
	/* Another form is another application; the same key of another user too. */
	assert_string_equal(apply(taro_token, KEY2, "").location, "/client/2/applied");
	assert_string_equal(apply(hanako_token, KEY1, "").location, "/client/1/applied");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 3);
	assert_non_null(strstr(
		pages_get("en", taro_token, "/client/2/applied").page, "Check certificate information"));
}

static void a_form_must_be_in_order(void **state)
{
	const char *bad[] = {"", "short", "AAAAAAAAAAAAAAAAAAAAA!", KEY1 "A"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(apply(taro_token, bad[i], "").http, 400);
	assert_int_equal(apply(taro_token, KEY1, "&profile=99").http, 400);
	assert_int_equal(apply(taro_token, KEY1, "&variant=nothing").http, 400);
	assert_int_equal(
		pages_send(taro_token, "/client/apply", FORM, bytes_string("form_key=" KEY1)).http, 403);
	assert_int_equal(
		pages_post(taro_token, "/client/apply", "form_key=" KEY1, pages_csrf(hanako_token)).http,
		403);
	assert_int_equal(pages_get("en", taro_token, "/nosuch/apply").http, 404);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 0);
	/* The control. */
	assert_int_equal(apply(taro_token, KEY1, "&profile=5").http, 303);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
}

static void the_limit_is_explained(void **state)
{
	apply(taro_token, KEY1, "");
	apply(taro_token, KEY2, "");
	assert_int_equal(apply(taro_token, KEY3, "").http, 303);
	struct answer fourth = apply(taro_token, KEY4, "");
	assert_int_equal(fourth.http, 409);
	assert_non_null(strstr(fourth.page, "For certificates of this type the limit is 3"));
	assert_non_null(strstr(fourth.page, ID));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 3);
}

static void a_name_that_does_not_fit_is_named(void **state)
{
	struct user odd;

	check_ok(user_login(
		db, a, "o+hara@example.ac.jp", "https://idp", "O", "o@example.ac.jp", LANG_EN, &odd));
	struct answer refused = apply(pages_session(&odd), KEY1, "");
	assert_int_equal(refused.http, 400);
	assert_non_null(strstr(refused.page, "User name of your campus account"));
	assert_non_null(strstr(refused.page, "<code>+</code>"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 0);
}

static void others_applications_cannot_be_named(void **state)
{
	static const char *const pages[] = {"/client/1", "/client/1/applied", "/client/1/status"};

	apply(taro_token, KEY1, "");
	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		assert_int_equal(pages_get("en", taro_token, pages[i]).http, 200);
		assert_int_equal(pages_get("en", hanako_token, pages[i]).http, 404);
	}
	assert_int_equal(pages_get("en", taro_token, "/smime/1").http, 404);
	assert_int_equal(pages_get("en", taro_token, "/client/01").http, 404);
	assert_int_equal(pages_get("en", taro_token, "/client/-1").http, 404);
	assert_int_equal(pages_get("en", taro_token, "/client/4294967297").http, 404);
	assert_int_equal(keep_memo(hanako_token, "x").http, 404);
}

static void reports(enum event_kind kind, const char *pin)
{
	uint64_t id = (uint64_t)mariadb_number("SELECT MAX(id) FROM application");
	struct event event = {.kind = kind,
		.source_key = event_kind_name(kind),
		.pin = pin,
		.url = pin ? "https://localhost/x" : NULL,
		.download_until = clock_now() + 28 * DAY};
	enum application_outcome outcome;

	if (kind == EVENT_TAKEN) {
		event.serial = "ff00ff";
		event.fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
		event.not_before = clock_now();
		event.not_after = clock_now() + 400 * DAY;
	}
	check_ok(application_apply(db, a, id, &event, &outcome));
	assert_int_equal(outcome, APPLIED_MOVED);
}

static int64_t pins_seen(void)
{
	return mariadb_number(
		"SELECT COUNT(*) FROM audit WHERE action = 'pin.viewed' AND actor = 'taro@example.ac.jp'");
}

static void the_pin_is_shown_and_leaves_a_trace(void **state)
{
	apply(taro_token, KEY1, "");
	assert_non_null(strstr(pages_get("ja", taro_token, "/client/1").page,
		"まだPIN番号は発行されていません。申請完了メール送信までお待ちください。"));
	struct answer before = pages_get("en", taro_token, "/client/1/status");
	assert_non_null(before.etag);
	assert_non_null(strstr(before.page, "data-waits"));
	pages_none_match(before.etag);
	assert_int_equal(pages_get("en", taro_token, "/client/1/status").http, 304);
	reports(EVENT_SUBMITTED, NULL);
	reports(EVENT_PIN, "Kp7mRw3xTq9hZd4N");
	assert_int_equal(pins_seen(), 0);
	struct answer news = pages_get("en", taro_token, "/client/1/status");
	assert_int_equal(news.http, 200);
	assert_non_null(strstr(news.page, "Kp7mRw3xTq9hZd4N"));
	assert_null(strstr(news.page, "<html"));
	assert_int_equal(pins_seen(), 1);
	/* Nothing new: no PIN goes out, and none is traced. */
	pages_none_match(news.etag);
	assert_int_equal(pages_get("en", taro_token, "/client/1/status").http, 304);
	pages_none_match(NULL);
	assert_int_equal(pins_seen(), 1);
	assert_non_null(strstr(pages_get("en", taro_token, "/client/1").page, "Kp7mRw3xTq9hZd4N"));
	assert_int_equal(pins_seen(), 2);
	assert_null(strstr(pages_get("en", taro_token, "/").page, "Kp7mRw3xTq9hZd4N"));
	reports(EVENT_TAKEN, NULL);
	struct answer taken = pages_get("en", taro_token, "/client/1");
	assert_non_null(strstr(taken.page, "16711935"));
	assert_non_null(strstr(taken.page, "ff:00:ff"));
	assert_non_null(strstr(taken.page, "Kp7mRw3xTq9hZd4N"));
	assert_null(strstr(taken.page, "data-news"));
}

static void a_memo_is_kept_and_escaped(void **state)
{
	apply(taro_token, KEY1, "");
	struct answer saved = keep_memo(taro_token, "%3Cb%3E%E3%83%8E%E3%83%BC%E3%83%88");
	assert_int_equal(saved.http, 303);
	assert_string_equal(saved.location, "/client/1?saved=1#memo");
	const char *page = pages_get("en", taro_token, "/").page;
	assert_non_null(strstr(page, "&lt;b&gt;ノート"));
	assert_null(strstr(page, "<b>ノート"));
	char *longest = arena_alloc(a, 202);
	memset(longest, 'x', 201);
	assert_int_equal(keep_memo(taro_token, longest).http, 400);
	assert_int_equal(keep_memo(taro_token, "a%0Ab").http, 400);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE memo = '<b>ノート'"), 1);
	longest[200] = '\0';
	assert_int_equal(keep_memo(taro_token, longest).http, 303);
	assert_int_equal(keep_memo(taro_token, "").http, 303);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE memo = ''"), 1);
}

static void the_list_has_pages_and_a_filter(void **state)
{
	test_client_settings.live_max = 0;
	assert_non_null(
		strstr(pages_get("en", taro_token, "/").page, "Choose the certificate you need below"));
	for (unsigned i = 0; i < 52; i++)
		assert_int_equal(
			apply(taro_token, arena_printf(a, "AAAAAAAAAAAAAAAAAAAA%02u", i), "").http, 303);
	test_client_settings.live_max = 3;
	struct answer first = pages_get("en", taro_token, "/");
	assert_null(strstr(first.page, "Choose the certificate you need below"));
	assert_non_null(strstr(first.page, "href=\"/client/52\""));
	assert_non_null(strstr(first.page, "href=\"/client/3\""));
	assert_null(strstr(first.page, "href=\"/client/2\""));
	assert_non_null(strstr(first.page, "/?below=3#applications"));
	struct answer second = pages_get("en", taro_token, "/?below=3");
	assert_non_null(strstr(second.page, "href=\"/client/2\""));
	assert_null(strstr(second.page, "href=\"/client/3\""));
	assert_null(strstr(second.page, "below=1"));
	assert_int_equal(pages_get("en", taro_token, "/?below=x").http, 400);
	mariadb_exec("UPDATE application SET state = 'ERROR', live_until = 0 WHERE number = 2");
	struct answer valid = pages_get("en", taro_token, "/?valid=1&below=3");
	assert_null(strstr(valid.page, "href=\"/client/2\""));
	assert_non_null(strstr(valid.page, "href=\"/client/1\""));
	assert_non_null(strstr(pages_get("ja", taro_token, "/?valid=1").page, "全ての証明書を表示"));
	assert_non_null(strstr(pages_get("ja", taro_token, "/").page, "有効な証明書のみ表示"));
	assert_null(
		strstr(pages_get("ja", taro_token, "/").page, "href=\"/client/52\" aria-label=\"Details"));
}

/* Runs while this connection holds the row that every application of Taro has to change. */
static enum status held(struct db *holder, void *context)
{
	struct answer *answer = context;

	check_ok(db_exec(
		holder, NULL, "UPDATE user SET applications = applications WHERE id = ?", DB_INT(taro.id)));
	*answer = apply(taro_token, KEY1, "&profile=14");
	return STATUS_INVALID; /* rolls back */
}

static void a_slow_database_offers_the_same_form(void **state)
{
	struct db_settings short_time = *mariadb_settings();
	struct db *holder = mariadb_admin(), *slow;
	struct answer answer;

	short_time.timeout = 100;
	slow = db_new(&short_time);
	pages_test_use(slow);
	check_status(db_transact(holder, held, &answer), STATUS_INVALID);
	assert_int_equal(answer.http, 503);
	assert_non_null(strstr(answer.page, "The database did not answer in time"));
	/* The same key, and the same choice. */
	assert_non_null(strstr(answer.page, "name=\"form_key\" value=\"" KEY1 "\""));
	assert_non_null(strstr(answer.page, "<option value=\"14\" selected>"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 0);
	assert_string_equal(apply(taro_token, KEY1, "&profile=14").location, "/client/1/applied");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	pages_test_use(NULL);
	db_free(slow);
	db_free(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(applying_twice_is_once, fresh),
		cmocka_unit_test_setup(a_form_must_be_in_order, fresh),
		cmocka_unit_test_setup(the_limit_is_explained, fresh),
		cmocka_unit_test_setup(a_name_that_does_not_fit_is_named, fresh),
		cmocka_unit_test_setup(others_applications_cannot_be_named, fresh),
		cmocka_unit_test_setup(the_pin_is_shown_and_leaves_a_trace, fresh),
		cmocka_unit_test_setup(a_memo_is_kept_and_escaped, fresh),
		cmocka_unit_test_setup(the_list_has_pages_and_a_filter, fresh),
		cmocka_unit_test_setup(a_slow_database_offers_the_same_form, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
