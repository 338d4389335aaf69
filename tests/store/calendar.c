/* Tests of what pages do about deadlines: the calendar and its secret address, the warning, the switch for reminders, the mail once more. */
#include "support/check.h"

#include "issue/remind.h"
#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/request_maker.h"

static struct arena *a;
static struct db *db;
static struct user taro, hanako;
static const char *taro_token, *hanako_token;

static const char *const download_days[] = {"7", "1", NULL};
static const char *const expiry_days[] = {"60", "30", "7", NULL};
static const struct remind_settings remind = {download_days, expiry_days, 10 * MINUTE};

static int set_up(void **state)
{
	a = pages_test_open((const struct plugin *const[]){&test_client, &test_local, NULL}, NULL, &db);
	site_set(&(struct site){
		.base_url = "https://portal.example.ac.jp:8443", .title_ja = "発行システム", .title_en = "Portal", .contact = ""});
	check_ok(remind_start(&remind));
	return 0;
}

static int fresh(void **state)
{
	(void)pages_clock(0);
	mariadb_clear();
	i18n_use(LANG_EN);
	test_upstream.mails_issued = false;
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	taro_token = pages_session(&taro);
	hanako_token = pages_session(&hanako);
	return 0;
}

static void later(when shift)
{
	if (!pages_clock(shift))
		skip(); /* only a test build's clock can be moved */
}

static const char *cookies(const char *token)
{
	return token ? arena_printf(a, "__Host-session=%s", token) : NULL;
}

static const char *answer_of(struct request *rq)
{
	router_run(rq);
	const char *answer = response_text(rq);
	i18n_use(LANG_EN);
	return answer;
}

static const char *get(const char *token, const char *uri)
{
	return answer_of(request_make_get(a, db, uri, cookies(token)));
}

static const char *post(const char *token, const char *uri, const char *form)
{
	return answer_of(request_make_post(a, db, uri, cookies(token), arena_printf(a, "csrf=%s&%s", pages_csrf(token), form)));
}

static int code(const char *answer)
{
	const char *status = response_header(a, answer, "Status", 0);
	int64_t n = 200;

	if (status)
		assert_true(text_int(arena_stringn(a, status, 3), 100, 599, &n));
	return (int)n;
}

static const char *location(const char *answer)
{
	assert_int_equal(code(answer), 303);
	return response_header(a, answer, "Location", 0);
}

static const char *body(const char *answer)
{
	return strstr(answer, "\r\n\r\n") + 4;
}

/* --- The calendar ---------------------------------------------------------------------------------------------------------------- */

/* The path of the address that this answer shows. */
static const char *address(const char *answer)
{
	const char *start = strstr(answer, "https://portal.example.ac.jp:8443/calendar/");

	assert_int_equal(code(answer), 200);
	assert_non_null(start);
	start += strlen("https://portal.example.ac.jp:8443");
	return arena_stringn(a, start, strcspn(start, "<\""));
}

static const char *made(const char *token)
{
	return address(post(token, "/calendar", ""));
}

/* What a program that reads calendars would check; the number of events. */
static size_t parse(const char *ics)
{
	const char *open[8];
	size_t depth = 0, events = 0, uids = 0, starts = 0;

	for (const char *line = ics; *line; line = strstr(line, "\r\n") + 2) {
		size_t len = strcspn(line, "\r\n");
		assert_true(len <= 75 && strncmp(line + len, "\r\n", 2) == 0);
		assert_true(text_utf8_valid(line, len));
		if (*line == ' ')
			continue;
		assert_non_null(memchr(line, ':', len));
		if (text_starts(line, "BEGIN:")) {
			assert_true(depth < COUNT_OF(open));
			open[depth++] = arena_stringn(a, line + 6, len - 6);
			events += text_starts(line, "BEGIN:VEVENT\r");
		} else if (text_starts(line, "END:")) {
			assert_true(depth > 0);
			assert_string_equal(open[--depth], arena_stringn(a, line + 4, len - 4));
		}
		uids += text_starts(line, "UID:");
		starts += depth == 2 && text_same(open[1], "VEVENT") && text_starts(line, "DTSTART:");
	}
	assert_int_equal(depth, 0);
	assert_int_equal(uids, events);
	assert_int_equal(starts, events);
	assert_true(text_starts(ics, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"));
	return events;
}

static const char *unfolded(const char *s)
{
	char *to = arena_alloc(a, strlen(s) + 1), *end = to;

	for (; *s; s++) {
		if (strncmp(s, "\r\n ", 3) == 0)
			s += 2;
		else
			*end++ = *s;
	}
	*end = '\0';
	return to;
}

static const char *feed(const char *path)
{
	const char *answer = get(NULL, path);

	assert_int_equal(code(answer), 200);
	assert_string_equal(response_header(a, answer, "Content-Type", 0), "text/calendar; charset=utf-8");
	assert_non_null(strstr(response_header(a, answer, "Cache-Control", 0), "no-store"));
	return body(answer);
}

static void the_feed_has_what_ends(void **state)
{
	struct application pin = test_in_state(db, a, &taro, APPLICATION_PIN), taken = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	(void)test_in_state(db, a, &taro, APPLICATION_ERROR);
	(void)test_in_state(db, a, &taro, APPLICATION_REVOKED);
	(void)test_in_state(db, a, &taro, APPLICATION_SENT);
	(void)test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	const char *path = made(taro_token), *ics = feed(path), *plain = unfolded(ics);
	assert_int_equal(parse(ics), 2);
	/* In Taro's language, whatever the program says that asks. */
	assert_non_null(strstr(plain, "取得期限"));
	assert_non_null(strstr(plain, "SUMMARY:有効期限"));
	assert_non_null(strstr(plain, "https://portal.example.ac.jp:8443/client/1\r\n"));
	char *ends = clock_rfc3339(a, taken.not_after);
	assert_non_null(strstr(plain, arena_printf(a, "DTSTART:%.4s%.2s%.2sT", ends, ends + 5, ends + 8)));
	assert_null(strstr(plain, "first PIN"));
	assert_null(strstr(plain, "download.example"));
	assert_null(strstr(plain, "taro"));
	/* The same with and without the suffix, and each time. */
	assert_string_equal(ics, feed(arena_stringn(a, path, strlen(path) - strlen(".ics"))));
	assert_string_equal(ics, feed(path));
	/* Without alarm, but still there. */
	assert_non_null(strstr(plain, "TRIGGER:-P1D"));
	check_ok(reminder_mute(db, a, taro.id, pin.number, true));
	ics = feed(path);
	assert_int_equal(parse(ics), 2);
	assert_null(strstr(ics, "TRIGGER:-P1D"));
	assert_non_null(strstr(ics, "TRIGGER:-P7D"));
	/* What is over goes; a calendar without anything is one all the same. */
	later(30 * DAY);
	assert_int_equal(parse(feed(path)), 1);
	later(400 * DAY);
	assert_int_equal(parse(feed(path)), 0);
}

static void the_address_is_a_secret(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	assert_non_null(strstr(get(taro_token, "/calendar"), "Make a calendar address"));
	const char *answer = post(taro_token, "/calendar", ""), *path = address(answer);
	const char *token = arena_stringn(a, path + strlen("/calendar/"), 43);
	assert_string_equal(path + strlen("/calendar/") + 43, ".ics");
	assert_non_null(strstr(response_header(a, answer, "Cache-Control", 0), "no-store"));
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM calendar WHERE digest = UNHEX(SHA2('%s', 256))", token)), 1);
	/* Shown once. */
	const char *again = get(taro_token, "/calendar");
	assert_null(strstr(again, token));
	assert_non_null(strstr(again, "Make a new address"));
	/* Only the very address. */
	assert_int_equal(code(get(NULL, path)), 200);
	char *wrong = arena_string(a, path);
	wrong[strlen("/calendar/")] = wrong[strlen("/calendar/")] == 'A' ? 'B' : 'A';
	const char *others[] = {wrong, "/calendar/x", "/calendar/.ics", "/calendar/apply", arena_printf(a, "/calendar/%s.ICS", token),
		arena_printf(a, "/calendar/%sA", token)};
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(code(get(NULL, others[i])), 404);
	/* Hanako's is another. */
	const char *hers = made(hanako_token);
	assert_int_equal(parse(feed(hers)), 0);
	/* A new one ends the old one. */
	const char *second = made(taro_token);
	assert_string_not_equal(second, path);
	assert_int_equal(code(get(NULL, path)), 404);
	assert_int_equal(parse(feed(second)), 1);
	assert_string_equal(location(post(taro_token, "/calendar/end", "")), "/calendar?ended=1");
	assert_int_equal(code(get(NULL, second)), 404);
	assert_int_equal(code(get(NULL, hers)), 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action LIKE 'calendar.%'"), 4);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE CONCAT(object, detail) LIKE '%%%s%%'", token)), 0);
}

static void the_address_needs_its_user(void **state)
{
	assert_true(text_starts(location(get(NULL, "/calendar")), "/login"));
	assert_int_equal(code(answer_of(request_make_post(a, db, "/calendar", cookies(taro_token), "x=1"))), 403);
	assert_int_equal(code(answer_of(request_make_post(a, db, "/calendar/end", cookies(taro_token), "csrf=x"))), 403);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM calendar"), 0);
	(void)made(taro_token);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM calendar"), 1);
	assert_non_null(strstr(get(taro_token, "/"), "<a href=\"/calendar\">Calendar</a>"));
}

/* --- The warning ----------------------------------------------------------------------------------------------------------------- */

#define WARNING "Deadlines that are near"

static void the_dashboard_warns(void **state)
{
	struct application pin = test_in_state(db, a, &taro, APPLICATION_PIN), taken = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	struct application muted = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *page = get(taro_token, "/");

	check_ok(reminder_mute(db, a, taro.id, muted.number, true));
	assert_null(strstr(page, WARNING));
	later(22 * DAY);
	page = get(taro_token, "/");
	assert_non_null(strstr(page, WARNING));
	assert_non_null(strstr(page, arena_printf(a, "Application %u (Client certificate): download the certificate by", pin.number)));
	assert_null(strstr(page, "the certificate expires on"));
	assert_null(strstr(get(hanako_token, "/"), WARNING));
	later(29 * DAY);
	assert_null(strstr(get(taro_token, "/"), WARNING));
	later(310 * DAY);
	page = get(taro_token, "/");
	assert_non_null(strstr(page, arena_printf(a, "Application %u (Client certificate): the certificate expires on", taken.number)));
	assert_null(strstr(page, arena_printf(a, "Application %u (Client certificate): the certificate expires on", muted.number)));
	later(366 * DAY);
	assert_null(strstr(get(taro_token, "/"), WARNING));
}

/* --- The switch ------------------------------------------------------------------------------------------------------------------ */

static void the_switch_is_on_the_page(void **state)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	assert_non_null(strstr(get(taro_token, "/client/1"), "Turn off"));
	assert_string_equal(location(post(taro_token, "/client/1/mute", "muted=1")), "/client/1?reminders=off");
	assert_string_equal(location(post(taro_token, "/client/1/mute", "muted=1")), "/client/1?reminders=off");
	assert_non_null(strstr(get(taro_token, "/client/1?reminders=off"), "were turned off"));
	assert_non_null(strstr(get(taro_token, "/client/1"), "Turn on"));
	assert_int_equal(mariadb_number("SELECT muted FROM application"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'application.muted'"), 1);
	/* Not by others, not with anything else, not without the token. */
	assert_int_equal(code(post(hanako_token, "/client/1/mute", "muted=0")), 404);
	assert_int_equal(code(post(taro_token, "/client/1/mute", "muted=2")), 400);
	assert_int_equal(code(post(taro_token, "/client/1/mute", "")), 400);
	assert_int_equal(code(answer_of(request_make_post(a, db, "/client/1/mute", cookies(taro_token), "muted=0"))), 403);
	assert_int_equal(mariadb_number("SELECT muted FROM application"), 1);
	(void)location(post(taro_token, "/client/1/mute", "muted=0"));
	assert_int_equal(mariadb_number("SELECT muted FROM application"), 0);
	(void)test_in_state(db, a, &taro, APPLICATION_REVOKED);
	assert_null(strstr(get(taro_token, "/client/2"), "Turn off"));
}

/* --- The mail once more ---------------------------------------------------------------------------------------------------------- */

static int64_t mail_jobs_waiting(void)
{
	return mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND payload = 'issued'");
}

/* As the job does it. */
static void mail_goes_out(uint64_t id)
{
	check_ok(application_mailed(db, id, clock_now()));
	mariadb_exec("DELETE FROM job WHERE kind = 'core.mail'");
}

static void the_mail_comes_again(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_PIN);

	/* The first one is still on its way. */
	assert_non_null(strstr(get(taro_token, "/client/1"), "Send the mail with the certificate URL again"));
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=waits");
	assert_int_equal(mail_jobs_waiting(), 1);
	mail_goes_out(app.id);
	later(9 * MINUTE);
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=soon");
	assert_non_null(strstr(get(taro_token, "/client/1?mail=soon"), "It can be sent again from"));
	assert_int_equal(mail_jobs_waiting(), 0);
	later(11 * MINUTE);
	assert_null(strstr(get(taro_token, "/client/1?mail=soon"), "It can be sent again from"));
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=asked");
	assert_non_null(strstr(get(taro_token, "/client/1?mail=asked"), "is sent again to taro@mail.example.ac.jp"));
	assert_int_equal(mail_jobs_waiting(), 1);
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=waits");
	assert_int_equal(mail_jobs_waiting(), 1);
	/* One that was given up is taken up again. */
	mariadb_exec("UPDATE job SET state = 'failed' WHERE kind = 'core.mail'");
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=asked");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND state = 'waiting'"), 1);
	mail_goes_out(app.id);
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=soon");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'mail.asked'"), 1);
}

static void the_mail_is_for_what_can_be_taken(void **state)
{
	static const enum application_state others[] = {APPLICATION_ACCEPTED, APPLICATION_SENT, APPLICATION_TAKEN, APPLICATION_ERROR,
		APPLICATION_REVOKED};

	(void)test_in_state(db, a, &taro, APPLICATION_PIN);
	mariadb_exec("DELETE FROM job");
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct application app = test_in_state(db, a, &taro, others[i]);
		mariadb_exec("DELETE FROM job");
		assert_null(strstr(get(taro_token, arena_printf(a, "/client/%u", app.number)), "URL again"));
		const char *answer = post(taro_token, arena_printf(a, "/client/%u/mail", app.number), "");
		assert_int_equal(code(answer), 409);
		assert_non_null(strstr(answer, "The mail cannot be sent again"));
	}
	assert_int_equal(code(post(hanako_token, "/client/1/mail", "")), 404);
	assert_int_equal(code(answer_of(request_make_post(a, db, "/client/1/mail", cookies(taro_token), "csrf="))), 403);
	test_upstream.mails_issued = true; /* the issuing service's own */
	assert_null(strstr(get(taro_token, "/client/1"), "URL again"));
	assert_int_equal(code(post(taro_token, "/client/1/mail", "")), 409);
	test_upstream.mails_issued = false;
	assert_int_equal(mail_jobs_waiting(), 0);
	assert_string_equal(location(post(taro_token, "/client/1/mail", "")), "/client/1?mail=asked");
	assert_int_equal(mail_jobs_waiting(), 1);
	mail_goes_out(1);
	later(29 * DAY); /* the window is closed */
	assert_int_equal(code(post(taro_token, "/client/1/mail", "")), 409);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_feed_has_what_ends, fresh),
		cmocka_unit_test_setup(the_address_is_a_secret, fresh),
		cmocka_unit_test_setup(the_address_needs_its_user, fresh),
		cmocka_unit_test_setup(the_dashboard_warns, fresh),
		cmocka_unit_test_setup(the_switch_is_on_the_page, fresh),
		cmocka_unit_test_setup(the_mail_comes_again, fresh),
		cmocka_unit_test_setup(the_mail_is_for_what_can_be_taken, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
