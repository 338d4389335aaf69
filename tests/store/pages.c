/* Tests of a user's pages on a real database: applying once, details, PIN and its trace, news, memo, and other people's applications. */
#include "support/check.h"

#include "pages/handlers.h"
#include "saml/saml.h"
#include "support/mariadb.h"
#include "support/view_strings.h"
#include "web/request_internal.h"
#include "web/session.h"

#define ID "0123456789abcdef0123456789abcdef"

static struct arena *a;
static struct db *db; /* of the test; that of the requests is pages_db */
static struct db *pages_db;
static struct user taro, hanako;
static const char *taro_token, *hanako_token;

static struct validity validities[] = {{"5", 52, "", ""}, {"14", 25, "", ""}};
static struct certificate_settings settings = {.upstream = "local",
	.subject = "CN=%u.%n,OU=Test,C=JP",
	.validity = {2, validities},
	.choose_validity = true,
	.live_max = 3};
static const struct certificate_type type = {.title = "Client certificate",
	.button = "Apply for a client certificate",
	.purpose = "For tests.",
	.settings = &settings};
static const struct plugin client = {.abi = INKAN_ABI, .name = "client", .type = &type};

static enum status submit(const struct upstream_call *call, struct upstream_order *orders, size_t n)
{
	return STATUS_OK;
}

static const struct upstream upstream = {.title = "Test", .submit = submit};
static const struct plugin local = {.abi = INKAN_ABI, .name = "local", .upstream = &upstream};

static const char *session_of(const struct user *user)
{
	char *token = crypto_token(a, 32);

	check_ok(session_insert(db, crypto_sha256(a, bytes_string(token)), user->id, user->idp));
	return token;
}

static int set_up(void **state)
{
	static const char *const domains[] = {"core", NULL};
	static const struct session_settings session = {.idle = HOUR, .absolute = DAY};

	mariadb_start();
	a = arena_new();
	db = pages_db = mariadb_db();
	view_strings_start(a);
	check_ok(i18n_start(BINARY_DIR "/locales"));
	site_set(&(struct site){.base_url = "https://localhost:8443",
		.title_ja = "発行システム",
		.title_en = "Portal",
		.contact = ""});
	check_ok(plugin_add(&core_plugin));
	check_ok(plugin_add(&client));
	check_ok(plugin_add(&local));
	check_ok(view_start(SOURCE_DIR "/views", domains));
	check_ok(router_add("core", core_plugin.routes));
	session_start(&session);
	pages_start();
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	i18n_use(LANG_EN);
	check_ok(user_login(db, a, "taro@example.ac.jp", "https://idp", "山田 太郎", "taro@example.ac.jp",
		LANG_JA, &taro));
	check_ok(user_login(db, a, "hanako@example.ac.jp", "https://idp", "Hanako", "hanako@example.ac.jp",
		LANG_EN, &hanako));
	taro_token = session_of(&taro);
	hanako_token = session_of(&hanako);
	return 0;
}

static int tear_down(void **state)
{
	db_free(db);
	view_strings_end();
	arena_free(a);
	return 0;
}

struct answer {
	int http;
	const char *page, *location, *etag;
};

static const char *body_rest, *if_none_match;

static size_t body_read(void *from, char *to, size_t len)
{
	size_t n = strlen(body_rest);

	n = n < len ? n : len;
	memcpy(to, body_rest, n);
	body_rest += n;
	return n;
}

static struct answer asked_in(const char *lang, const char *token, const char *method, const char *path,
	const char *query, const char *body)
{
	const struct request_limits limits = {.body_max = 65536, .fields_max = 100, .params_max = 65536};
	char *params[] = {arena_printf(a, "REQUEST_METHOD=%s", method),
		arena_printf(a, "REQUEST_URI=%s%s%s", path, *query ? "?" : "", query),
		arena_printf(a, "DOCUMENT_URI=%s", path), arena_printf(a, "QUERY_STRING=%s", query),
		arena_printf(a, "HTTP_ACCEPT_LANGUAGE=%s", lang),
		arena_printf(a, "HTTP_COOKIE=__Host-session=%s", token),
		*body ? arena_printf(a, "CONTENT_LENGTH=%zu", strlen(body))
		      : arena_string(a, "CONTENT_LENGTH="),
		"CONTENT_TYPE=application/x-www-form-urlencoded", "REMOTE_ADDR=192.0.2.1", "REQUEST_ID=" ID,
		if_none_match ? arena_printf(a, "HTTP_IF_NONE_MATCH=%s", if_none_match) : NULL, NULL};
	struct answer answer = {0};

	body_rest = body;
	struct request *rq =
		request_new(a, pages_db, &limits, params, (struct request_source){body_read, NULL});
	router_run(rq);
	answer.http = rq->parts->http;
	answer.page = arena_stringn(a, (const char *)rq->parts->body.data, rq->parts->body.len);
	for (const struct header *h = rq->parts->headers; h; h = h->next) {
		if (text_same(h->name, "Location"))
			answer.location = h->value;
		if (text_same(h->name, "ETag"))
			answer.etag = h->value;
	}
	i18n_use(LANG_EN);
	return answer;
}

static struct answer asked(const char *token, const char *method, const char *path, const char *body)
{
	return asked_in("en", token, method, path, "", body);
}

static const char *csrf(const char *token)
{
	return text_base64url(a, crypto_hmac(a, bytes_string(token), bytes_string("csrf")));
}

static struct answer apply(const char *token, const char *form_key, const char *more)
{
	return asked(token, "POST", "/client/apply",
		arena_printf(a, "csrf=%s&form_key=%s%s", csrf(token), form_key, more));
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
		asked(taro_token, "GET", "/client/2/applied", "").page, "Check certificate information"));
}

static void a_form_must_be_in_order(void **state)
{
	const char *bad[] = {"", "short", "AAAAAAAAAAAAAAAAAAAAA!", KEY1 "A"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(apply(taro_token, bad[i], "").http, 400);
	assert_int_equal(apply(taro_token, KEY1, "&profile=99").http, 400);
	assert_int_equal(apply(taro_token, KEY1, "&variant=nothing").http, 400);
	assert_int_equal(asked(taro_token, "POST", "/client/apply", "form_key=" KEY1).http, 403);
	assert_int_equal(asked(taro_token, "POST", "/client/apply",
				 arena_printf(a, "csrf=%s&form_key=" KEY1, csrf(hanako_token)))
				 .http,
		403);
	assert_int_equal(asked(taro_token, "GET", "/nosuch/apply", "").http, 404);
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
	struct answer refused = apply(session_of(&odd), KEY1, "");
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
		assert_int_equal(asked(taro_token, "GET", pages[i], "").http, 200);
		assert_int_equal(asked(hanako_token, "GET", pages[i], "").http, 404);
	}
	assert_int_equal(asked(taro_token, "GET", "/smime/1", "").http, 404);
	assert_int_equal(asked(taro_token, "GET", "/client/01", "").http, 404);
	assert_int_equal(asked(taro_token, "GET", "/client/-1", "").http, 404);
	assert_int_equal(asked(taro_token, "GET", "/client/4294967297", "").http, 404);
	assert_int_equal(asked(hanako_token, "POST", "/client/1/memo",
				 arena_printf(a, "csrf=%s&memo=x", csrf(hanako_token)))
				 .http,
		404);
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
	assert_non_null(strstr(asked_in("ja", taro_token, "GET", "/client/1", "", "").page,
		"まだPIN番号は発行されていません。申請完了メール送信までお待ちください。"));
	struct answer before = asked(taro_token, "GET", "/client/1/status", "");
	assert_non_null(before.etag);
	assert_non_null(strstr(before.page, "data-waits"));
	if_none_match = before.etag;
	assert_int_equal(asked(taro_token, "GET", "/client/1/status", "").http, 304);
	reports(EVENT_SUBMITTED, NULL);
	reports(EVENT_PIN, "Kp7mRw3xTq9hZd4N");
	assert_int_equal(pins_seen(), 0);
	struct answer news = asked(taro_token, "GET", "/client/1/status", "");
	assert_int_equal(news.http, 200);
	assert_non_null(strstr(news.page, "Kp7mRw3xTq9hZd4N"));
	assert_null(strstr(news.page, "<html"));
	assert_int_equal(pins_seen(), 1);
	/* Nothing new: no PIN goes out, and none is traced. */
	if_none_match = news.etag;
	assert_int_equal(asked(taro_token, "GET", "/client/1/status", "").http, 304);
	if_none_match = NULL;
	assert_int_equal(pins_seen(), 1);
	assert_non_null(strstr(asked(taro_token, "GET", "/client/1", "").page, "Kp7mRw3xTq9hZd4N"));
	assert_int_equal(pins_seen(), 2);
	assert_null(strstr(asked(taro_token, "GET", "/", "").page, "Kp7mRw3xTq9hZd4N"));
	reports(EVENT_TAKEN, NULL);
	struct answer taken = asked(taro_token, "GET", "/client/1", "");
	assert_non_null(strstr(taken.page, "16711935"));
	assert_non_null(strstr(taken.page, "ff:00:ff"));
	assert_non_null(strstr(taken.page, "Kp7mRw3xTq9hZd4N"));
	assert_null(strstr(taken.page, "data-news"));
}

static void a_memo_is_kept_and_escaped(void **state)
{
	apply(taro_token, KEY1, "");
	struct answer saved = asked(taro_token, "POST", "/client/1/memo",
		arena_printf(
			a, "csrf=%s&memo=%%3Cb%%3E%%E3%%83%%8E%%E3%%83%%BC%%E3%%83%%88", csrf(taro_token)));
	assert_int_equal(saved.http, 303);
	assert_string_equal(saved.location, "/client/1?saved=1#memo");
	const char *page = asked(taro_token, "GET", "/", "").page;
	assert_non_null(strstr(page, "&lt;b&gt;ノート"));
	assert_null(strstr(page, "<b>ノート"));
	char *longest = arena_alloc(a, 202);
	memset(longest, 'x', 201);
	assert_int_equal(asked(taro_token, "POST", "/client/1/memo",
				 arena_printf(a, "csrf=%s&memo=%s", csrf(taro_token), longest))
				 .http,
		400);
	assert_int_equal(asked(taro_token, "POST", "/client/1/memo",
				 arena_printf(a, "csrf=%s&memo=a%%0Ab", csrf(taro_token)))
				 .http,
		400);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE memo = '<b>ノート'"), 1);
	longest[200] = '\0';
	assert_int_equal(asked(taro_token, "POST", "/client/1/memo",
				 arena_printf(a, "csrf=%s&memo=%s", csrf(taro_token), longest))
				 .http,
		303);
	assert_int_equal(asked(taro_token, "POST", "/client/1/memo",
				 arena_printf(a, "csrf=%s&memo=", csrf(taro_token)))
				 .http,
		303);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE memo = ''"), 1);
}

static void the_list_has_pages_and_a_filter(void **state)
{
	settings.live_max = 0;
	assert_non_null(
		strstr(asked(taro_token, "GET", "/", "").page, "Choose the certificate you need below"));
	for (unsigned i = 0; i < 52; i++)
		assert_int_equal(
			apply(taro_token, arena_printf(a, "AAAAAAAAAAAAAAAAAAAA%02u", i), "").http, 303);
	settings.live_max = 3;
	struct answer first = asked(taro_token, "GET", "/", "");
	assert_null(strstr(first.page, "Choose the certificate you need below"));
	assert_non_null(strstr(first.page, "href=\"/client/52\""));
	assert_non_null(strstr(first.page, "href=\"/client/3\""));
	assert_null(strstr(first.page, "href=\"/client/2\""));
	assert_non_null(strstr(first.page, "/?below=3#applications"));
	struct answer second = asked_in("en", taro_token, "GET", "/", "below=3", "");
	assert_non_null(strstr(second.page, "href=\"/client/2\""));
	assert_null(strstr(second.page, "href=\"/client/3\""));
	assert_null(strstr(second.page, "below=1"));
	assert_int_equal(asked_in("en", taro_token, "GET", "/", "below=x", "").http, 400);
	mariadb_exec("UPDATE application SET state = 'ERROR', live_until = 0 WHERE number = 2");
	struct answer valid = asked_in("en", taro_token, "GET", "/", "valid=1&below=3", "");
	assert_null(strstr(valid.page, "href=\"/client/2\""));
	assert_non_null(strstr(valid.page, "href=\"/client/1\""));
	assert_non_null(
		strstr(asked_in("ja", taro_token, "GET", "/", "valid=1", "").page, "全ての証明書を表示"));
	assert_non_null(strstr(asked_in("ja", taro_token, "GET", "/", "", "").page, "有効な証明書のみ表示"));
	assert_null(strstr(asked_in("ja", taro_token, "GET", "/", "", "").page,
		"href=\"/client/52\" aria-label=\"Details"));
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
	struct db *holder = mariadb_admin();
	struct answer answer;

	short_time.timeout = 100;
	pages_db = db_new(&short_time);
	check_status(db_transact(holder, held, &answer), STATUS_INVALID);
	assert_int_equal(answer.http, 503);
	assert_non_null(strstr(answer.page, "The database did not answer in time"));
	/* The same key, and the same choice. */
	assert_non_null(strstr(answer.page, "name=\"form_key\" value=\"" KEY1 "\""));
	assert_non_null(strstr(answer.page, "<option value=\"14\" selected>"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 0);
	assert_string_equal(apply(taro_token, KEY1, "&profile=14").location, "/client/1/applied");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	db_free(pages_db);
	db_free(holder);
	pages_db = db;
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

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
