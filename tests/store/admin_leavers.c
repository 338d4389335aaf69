/* Tests of revocation for leavers: lists as people paste them, the preview, the decision, undoing, carrying out once, skipping, two
 * processes, mails, retention, roles. */
#include "support/check.h"

#include "issue/mail.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/plugin_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *a;
static struct db *db;
static struct user admin, helper, taro, hanako, jiro;
static const char *session;

/* There is no mail server: a mail that goes out fails as busy, one that is not needed is done. */
static const struct mail_settings no_server = {.url = "smtp://127.0.0.1:1", .starttls = "never", .ca_file = "", .user = "",
	.from = "a@example.ac.jp", .from_name_ja = "発行", .from_name_en = "Portal", .reply_to = "", .timeout = SECOND};

static int set_up(void **state)
{
	a = pages_test_open(NULL, (const char *const[]){"client", "admin_users", "admin_leavers", NULL}, &db);
	check_ok(mail_start(&no_server, "https://localhost:8443", NULL));
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	pages_clock(0);
	check_ok(user_login(db, a, PAGES_ADMIN, "https://idp.example.ac.jp", "Admin", "admin@example.ac.jp", LANG_EN, &admin));
	check_ok(user_login(db, a, PAGES_HELP_DESK, "https://idp.example.ac.jp", "Help", "help@example.ac.jp", LANG_EN, &helper));
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	jiro = test_user(db, a, "jiro");
	session = pages_admin_session(&admin);
	return 0;
}

/* The draft of a pasted list; its page's path. */
static const char *draft(const char *list)
{
	struct answer answer = pages_post(session, "/admin_leavers/list", arena_printf(a, "list=%s", text_url_encode(a, list)), NULL);

	assert_int_equal(answer.http, 303);
	return answer.location;
}

static void start(const char *path, const char *grace, const char *reason)
{
	struct answer answer = pages_post(session, arena_printf(a, "%s/start", path), arena_printf(a, "grace=%s&reason=%s", grace, reason), NULL);

	assert_int_equal(answer.http, 303);
	assert_non_null(strstr(answer.location, "done=started"));
}

static void run_job(void)
{
	check_ok(test_job_run(db, a, NULL, "admin_leavers.run", 0, ""));
}

static enum application_state state_of(uint64_t id)
{
	struct application app;

	check_ok(application_get(db, a, id, &app));
	return app.state;
}

static const char *run_state(void)
{
	struct db_rows rows;

	check_ok(db_select(db, a, &rows, "SELECT state FROM leavers_run ORDER BY id DESC LIMIT 1"));
	return rows.rows ? db_text(&rows, 0, 0) : "none";
}

/* Nobody logged in for it yet, so it is no user's: it is not passed over in silence. */
static void what_nobody_has_claimed_is_told(void **state)
{
	struct imported rows[] = {
		{.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=gone", .mail = "gone@example.ac.jp", .serial = "a1", .months = 13,
			.applied_at = 1, .not_before = 1, .not_after = clock_now() + DAY},
		{.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=over", .mail = "gone@example.ac.jp", .serial = "a2", .months = 13,
			.applied_at = 1, .not_before = 1, .not_after = clock_now() - DAY},
		{.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=else", .mail = "else@example.ac.jp", .serial = "a3", .months = 13,
			.applied_at = 1, .not_before = 1, .not_after = clock_now() + DAY},
	};
	check_ok(application_import(db, a, "upstream_local", rows, COUNT_OF(rows), "test"));
	const char *page = pages_get("en", session, draft("Gone@example.ac.jp\ntaro@example.ac.jp")).page;
	assert_non_null(strstr(page, "Certificates without an owner"));
	assert_non_null(strstr(page, "CN=gone"));
	assert_null(strstr(page, "CN=over"));
	assert_null(strstr(page, "CN=else"));
	assert_null(strstr(pages_get("en", session, draft("taro@example.ac.jp")).page, "Certificates without an owner"));
}

/* Whether the page says what is planned; the administrators' ones lead to the plan. */
static bool says_planned(const char *reader, const char *path)
{
	struct answer answer = pages_get("en", reader, path);

	assert_int_equal(answer.http, 200);
	return says(answer, "Planned revocation");
}

static int64_t items(const char *outcome)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM leavers_item WHERE outcome = '%s'", outcome));
}

/* As part of the run, when that is decided: those that were shown then, whoever claims one meanwhile; once, and to the end. */
static void what_nobody_has_claimed_is_revoked_when_wanted(void **state)
{
	struct imported rows[] = {
		{.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=one", .mail = "gone@example.ac.jp", .serial = "b1", .months = 13,
			.applied_at = 1, .not_before = 1, .not_after = clock_now() + 90 * DAY},
		{.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=two", .mail = "gone@example.ac.jp", .serial = "b2", .months = 13,
			.applied_at = 1, .not_before = 1, .not_after = clock_now() + 90 * DAY},
		{.state = APPLICATION_PIN, .type = "client", .subject = "CN=waits", .mail = "gone@example.ac.jp", .upstream_id = "u3", .months = 13,
			.applied_at = 1, .download_until = clock_now() + 3 * DAY},
	};
	struct imported late = {.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=late", .mail = "gone@example.ac.jp", .serial = "b4",
		.months = 13, .applied_at = 1, .not_before = 1, .not_after = clock_now() + 90 * DAY};

	check_ok(application_import(db, a, "upstream_local", rows, COUNT_OF(rows), "test"));
	const char *not_wanted = draft("gone@example.ac.jp");
	assert_true(says(pages_get("en", session, not_wanted), "Revoke certificates without an owner too: 3"));
	start(not_wanted, "0", "5");
	run_job();
	assert_string_equal(run_state(), "done");
	assert_int_equal(state_of(rows[0].id), APPLICATION_TAKEN); /* only when it was ticked */

	const char *path = draft("gone@example.ac.jp");
	struct answer answer = pages_post(session, arena_printf(a, "%s/confirm", path), "grace=2&reason=5&unclaimed=1", NULL);
	assert_true(says(answer, "name=\"unclaimed\" value=\"1\"") && says(answer, "Certificates without an owner, to revoke"));
	const char *shown = arena_printf(a, "grace=2&reason=5&unclaimed=1&unclaimed_n=3&unclaimed_last=%llu", (unsigned long long)rows[2].id);
	assert_true(says(answer, "name=\"unclaimed_n\" value=\"3\"") &&
		says(answer, arena_printf(a, "name=\"unclaimed_last\" value=\"%llu\"", (unsigned long long)rows[2].id)));
	/* Only what was shown: another one, or none that was shown, is not decided on. */
	assert_non_null(strstr(pages_post(session, arena_printf(a, "%s/start", path), "grace=2&reason=5&unclaimed=1", NULL).location, "done=late"));
	assert_int_equal(items("planned"), 0);
	assert_int_equal(pages_post(session, arena_printf(a, "%s/start", path), shown, NULL).http, 303);
	assert_int_equal(items("planned"), 3);
	check_ok(application_import(db, a, "upstream_local", &late, 1, "test"));
	/* They can be seen until then: on the run's page, as a file, and at each. */
	answer = pages_get("en", session, path);
	assert_true(says(answer, "CN=one") && says(answer, "They are revoked with this run.") && !says(answer, "CN=late"));
	assert_true(says(pages_get("en", session, arena_printf(a, "%s/export", path)), "CN=one"));
	assert_true(says_planned(session, arena_printf(a, "/admin_users/certificates/%llu", (unsigned long long)rows[0].id)));
	assert_false(says_planned(session, arena_printf(a, "/admin_users/certificates/%llu", (unsigned long long)late.id)));
	/* Claimed by somebody who is not on the list. */
	mariadb_exec(arena_printf(a, "UPDATE application SET user_id = %llu, number = 1 WHERE id = %llu", (unsigned long long)jiro.id, (unsigned long long)rows[1].id));
	assert_true(says_planned(pages_session(&jiro), "/client/1"));
	run_job();
	assert_int_equal(items("planned"), 3); /* the grace is not over */
	if (!pages_clock(2 * DAY))
		return;
	session = pages_admin_session(&admin);
	run_job();
	assert_int_equal(state_of(rows[0].id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(state_of(rows[1].id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(state_of(late.id), APPLICATION_TAKEN); /* nobody has seen it when it was decided */
	assert_string_equal(run_state(), "running"); /* one may yet be obtained */
	assert_int_equal(items("asked"), 2);
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE kind = 'REVOKE_ASKED'"), 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 0);
	answer = pages_get("en", session, arena_printf(a, "%s/export", path));
	assert_true(says(answer, "CN=one") && says(answer, "jiro@example.ac.jp"));
	assert_true(pages_clock(6 * DAY));
	session = pages_admin_session(&admin);
	run_job();
	assert_string_equal(run_state(), "done"); /* it can be obtained no more */
	assert_int_equal(items("ended"), 1);
	assert_int_equal(items("asked"), 2);
}

/* Whoever is left out after the decision: nothing under the address either. */
static void nothing_of_who_is_left_out_is_revoked(void **state)
{
	struct imported row = {.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=old", .mail = "taro@mail.example.ac.jp", .serial = "c1",
		.months = 13, .applied_at = 1, .not_before = 1, .not_after = clock_now() + 90 * DAY};
	struct imported other = row, given = row;

	given.subject = "CN=given"; /* to whom was left out, by hand */
	given.mail = "gone@example.ac.jp";
	given.serial = "c3";
	other.subject = "CN=other";
	other.mail = "hanako@mail.example.ac.jp";
	other.serial = "c2";
	check_ok(application_import(db, a, "upstream_local", &row, 1, "test"));
	check_ok(application_import(db, a, "upstream_local", &other, 1, "test"));
	check_ok(application_import(db, a, "upstream_local", &given, 1, "test"));
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp\ngone@example.ac.jp");
	const char *shown = arena_printf(a, "grace=1&reason=5&unclaimed=1&unclaimed_n=3&unclaimed_last=%llu", (unsigned long long)given.id);
	assert_int_equal(pages_post(session, arena_printf(a, "%s/start", path), shown, NULL).http, 303);
	assert_int_equal(items("planned"), 3);
	check_ok(application_give(db, a, given.id, &taro, (const char *const[]){NULL}, ""));
	assert_int_equal(pages_post(session, arena_printf(a, "%s/person/%llu", path, (unsigned long long)taro.id), "", NULL).http, 303);
	if (!pages_clock(2 * DAY))
		return;
	session = pages_admin_session(&admin);
	run_job();
	assert_int_equal(state_of(row.id), APPLICATION_TAKEN);
	assert_int_equal(state_of(given.id), APPLICATION_TAKEN);
	assert_int_equal(state_of(other.id), APPLICATION_REVOKE_ACCEPTED);
	assert_string_equal(run_state(), "done");
	assert_int_equal(items("left-out"), 2);
}

/* Where nobody can tell whose it is, or an administrator has said whose it is not, it goes with nobody. */
static void what_may_be_another_ones_is_no_leavers(void **state)
{
	struct imported row = {.state = APPLICATION_TAKEN, .type = "client", .subject = "CN=one", .mail = "taro@mail.example.ac.jp", .serial = "d1",
		.months = 13, .applied_at = 1, .not_before = 1, .not_after = clock_now() + 90 * DAY};
	static const char too[] = "Revoke certificates without an owner too: 1";
	struct user twin;

	check_ok(application_import(db, a, "upstream_local", &row, 1, "test"));
	assert_true(says(pages_get("en", session, draft("taro@example.ac.jp")), too));
	mariadb_exec(arena_printf(a, "UPDATE application SET detached_from = %llu", (unsigned long long)taro.id));
	assert_false(says(pages_get("en", session, draft("taro@example.ac.jp")), too));
	mariadb_exec("UPDATE application SET detached_from = 0");
	assert_false(says(pages_get("en", session, draft("taro@mail.example.ac.jp")), too)); /* his, and he is not on the list */
	check_ok(user_login(db, a, "twin@example.ac.jp", "https://idp.example.ac.jp", "Twin", "Taro@mail.example.ac.jp", LANG_EN, &twin));
	assert_false(says(pages_get("en", session, draft("taro@example.ac.jp")), too));
}

static void lists_as_pasted(void **state)
{
	static const struct {
		const char *list;
		int persons, unknown, duplicates;
	} lists[] = {
		{"taro@example.ac.jp", 1, 0, 0},
		{"  TARO@example.ac.jp \r\n\r\nhanako@example.ac.jp\r\n", 2, 0, 0},
		{"taro@example.ac.jp\ntaro@example.ac.jp\nTaro@Example.ac.jp\n", 1, 0, 2},
		{"taro@example.ac.jp\nnobody@example.ac.jp\nother@else.ac.jp", 1, 2, 0},
		{"name,eppn,left\n\"Yamada, Taro\",taro@example.ac.jp,2026\nHanako,hanako@example.ac.jp,\nno eppn", 2, 0, 0},
		{"eduPersonPrincipalName\ttype\njiro@example.ac.jp\tstudent", 1, 0, 0},
		{"'; DROP TABLE user; --\ntaro@example.ac.jp", 1, 1, 0},
	};

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const char *path = draft(lists[i].list), *id = strrchr(path, '/') + 1;
		assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM leavers_person WHERE run_id = %s", id)), lists[i].persons);
		assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM leavers_unknown WHERE run_id = %s", id)), lists[i].unknown);
		assert_int_equal(mariadb_number(arena_printf(a, "SELECT duplicates FROM leavers_run WHERE id = %s", id)), lists[i].duplicates);
		assert_int_equal(pages_get("en", session, path).http, 200);
	}
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.leavers.searched'"), COUNT_OF(lists));
	assert_int_equal(pages_post(session, "/admin_leavers/list", "list=", NULL).http, 400);
	assert_int_equal(pages_post(session, "/admin_leavers/list", "list=a%00b", NULL).http, 400);
	assert_int_equal(pages_post(session, "/admin_leavers/list", "list=a%1bb", NULL).http, 400);
	struct text many = text_new(a, 200000);
	for (int i = 0; i < 5001; i++)
		text_addf(&many, "u%d%%0a", i);
	assert_int_equal(many.len > 65536 || pages_post(session, "/admin_leavers/list", arena_printf(a, "list=%s", many.data), NULL).http == 400, 1);
}

static void searches(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	mariadb_exec("UPDATE user SET seen_at = 1735657200000 WHERE eppn = 'taro@example.ac.jp' OR eppn = 'jiro@example.ac.jp'"); /* 1 Jan 2025 */
	static const struct {
		const char *form;
		int persons;
	} found[] = {
		{"before=2025-01-02&pattern=", 1}, /* jiro has no certificate */
		{"before=2025-01-01&pattern=", 0},
		{"before=&pattern=*%40example.ac.jp", 2},
		{"before=&pattern=HANA*", 1},
		{"before=&pattern=hana", 0},
		/* ｈａｎａ＊ and ２０２５／０１／０２ */
		{"before=&pattern=%EF%BD%88%EF%BD%81%EF%BD%8E%EF%BD%81%EF%BC%8A", 1},
		{"before=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%95%EF%BC%8F%EF%BC%90%EF%BC%91%EF%BC%8F%EF%BC%90%EF%BC%92&pattern=", 1},
		{"before=&pattern=%25", 0}, /* only * stands for anything */
		{"before=&pattern=tar_%40example.ac.jp", 0},
		{"before=2025-01-02&pattern=hana*", 0},
	};
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		struct answer answer = pages_post(session, "/admin_leavers/search", found[i].form, NULL);
		assert_int_equal(answer.http, 303);
		assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM leavers_person WHERE run_id = %s",
					 strrchr(answer.location, '/') + 1)),
			found[i].persons);
	}
	assert_int_equal(pages_post(session, "/admin_leavers/search", "before=&pattern=", NULL).http, 400);
	assert_int_equal(pages_post(session, "/admin_leavers/search", "before=soon&pattern=", NULL).http, 400);
}

static void preview_and_decision(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	test_in_state(db, a, &taro, APPLICATION_PIN);
	const char *path = draft("taro@example.ac.jp\njiro@example.ac.jp\nnobody@example.ac.jp");
	struct answer page = pages_get("en", session, path);
	assert_true(says(page, "Certificates to revoke</dt><dd><strong>1</strong>") && says(page, "Not obtained yet</dt><dd>1 "));
	assert_true(says(page, "nobody@example.ac.jp") && says(page, "Nothing to revoke"));
	assert_true(says(page, "value=\"14\"")); /* the setting */
	assert_false(says(page, "first PIN"));
	run_job();
	assert_string_equal(run_state(), "draft"); /* nothing is decided */

	assert_int_equal(pages_post(session, arena_printf(a, "%s/confirm", path), "grace=-1&reason=3", NULL).http, 400);
	assert_int_equal(pages_post(session, arena_printf(a, "%s/confirm", path), "grace=366&reason=3", NULL).http, 400);
	assert_int_equal(pages_post(session, arena_printf(a, "%s/confirm", path), "grace=7&reason=6", NULL).http, 400); /* certificateHold */
	assert_int_equal(pages_post(session, arena_printf(a, "%s/start", path), "grace=7", NULL).http, 400);
	page = pages_post(session, arena_printf(a, "%s/confirm", path), "grace=7&reason=3", NULL);
	assert_int_equal(page.http, 200);
	assert_true(says(page, "Schedule the revocation"));
	assert_string_equal(run_state(), "draft");
	start(path, "7", "3");
	assert_string_equal(run_state(), "waiting");
	assert_true(mariadb_number(arena_printf(a, "SELECT run_at - %lld FROM leavers_run", (long long)clock_now())) > 6 * DAY);
	/* The second of two administrators. */
	struct answer again = pages_post(session, arena_printf(a, "%s/start", path), "grace=0&reason=1", NULL);
	assert_non_null(strstr(again.location, "done=late"));
	assert_int_equal(mariadb_number("SELECT reason FROM leavers_run"), 3);
}

static void carried_out_once(void **state)
{
	struct application taken = test_in_state(db, a, &taro, APPLICATION_TAKEN), second = test_in_state(db, a, &taro, APPLICATION_TAKEN),
			   card = test_in_state(db, a, &hanako, APPLICATION_DELIVERED), revoked = test_in_state(db, a, &hanako, APPLICATION_REVOKED),
			   failed = test_in_state(db, a, &hanako, APPLICATION_REVOKE_ERROR), asked = test_in_state(db, a, &hanako, APPLICATION_REVOKE_SENT),
			   others = test_in_state(db, a, &jiro, APPLICATION_TAKEN);

	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp");
	start(path, "14", "3");
	run_job();
	assert_int_equal(state_of(taken.id), APPLICATION_TAKEN); /* not yet */
	if (!pages_clock(14 * DAY + HOUR))
		return;
	session = pages_admin_session(&admin);
	run_job();
	assert_int_equal(state_of(taken.id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(state_of(second.id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(state_of(card.id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(state_of(failed.id), APPLICATION_REVOKE_ACCEPTED); /* asked again */
	assert_int_equal(state_of(asked.id), APPLICATION_REVOKE_SENT);
	assert_int_equal(state_of(revoked.id), APPLICATION_REVOKED);
	assert_int_equal(state_of(others.id), APPLICATION_TAKEN);
	assert_string_equal(run_state(), "done");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_item WHERE outcome = 'asked'"), 4);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_item WHERE outcome = 'already'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE reason = 3"), 4);
	run_job();
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE source_key LIKE 'leavers:%'"), 4);
	struct answer page = pages_get("ja", session, path);
	assert_true(says(page, "完了") && says(page, "失効申請</dt><dd><strong>4</strong>"));
	struct answer file = pages_get("en", session, arena_printf(a, "%s/export", path));
	assert_int_equal(file.http, 200);
	assert_true(says(file, "\"taro@example.ac.jp\",\"Revocation applied for\"") && says(file, "\"hanako@example.ac.jp\",\"Was being revoked already\""));
	assert_false(says(file, "jiro"));
}

static void state_at_that_time_decides(void **state)
{
	struct application expires = test_in_state(db, a, &taro, APPLICATION_TAKEN), waits = test_in_state(db, a, &hanako, APPLICATION_PIN),
			   comes = test_in_state(db, a, &hanako, APPLICATION_TAKEN);

	mariadb_exec(arena_printf(a, "UPDATE application SET not_after = %lld, live_until = not_after WHERE id = %llu", (long long)(clock_now() + DAY),
		(unsigned long long)expires.id));
	start(draft("taro@example.ac.jp\nhanako@example.ac.jp"), "2", "5");
	test_apply(db, a, comes.id, (struct event){.kind = EVENT_REVOKED, .reason = 1}); /* meanwhile */
	struct application later = test_in_state(db, a, &hanako, APPLICATION_TAKEN);     /* and a new one */
	if (!pages_clock(3 * DAY))
		return;
	run_job();
	assert_int_equal(state_of(expires.id), APPLICATION_TAKEN);
	assert_int_equal(state_of(comes.id), APPLICATION_REVOKED);
	assert_int_equal(state_of(later.id), APPLICATION_REVOKE_ACCEPTED);
	assert_string_equal(run_state(), "running"); /* one may yet be obtained */
	test_apply(db, a, waits.id, (struct event){.kind = EVENT_TAKEN, .serial = "77", .not_before = clock_now(), .not_after = clock_now() + 300 * DAY});
	run_job();
	assert_int_equal(state_of(waits.id), APPLICATION_TAKEN); /* looked at once a day */
	pages_clock(4 * DAY + HOUR);
	run_job();
	assert_int_equal(state_of(waits.id), APPLICATION_REVOKE_ACCEPTED);
	assert_string_equal(run_state(), "done");
}

static void never_taken_ends_too(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_PIN);
	start(draft("taro@example.ac.jp"), "0", "3");
	run_job();
	assert_string_equal(run_state(), "running");
	if (!pages_clock(40 * DAY))
		return;
	run_job();
	assert_string_equal(run_state(), "done");
}

static void undone_as_a_whole(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp");

	start(path, "1", "3");
	assert_int_equal(pages_get("en", session, arena_printf(a, "%s/cancel", path)).http, 200);
	assert_string_equal(pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL).location, "/admin_leavers?done=cancelled");
	assert_non_null(strstr(pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL).location, "done=late"));
	if (!pages_clock(2 * DAY))
		return;
	run_job();
	assert_int_equal(state_of(app.id), APPLICATION_TAKEN);
	assert_string_equal(run_state(), "cancelled");
}

static void undone_for_one(void **state)
{
	struct application one = test_in_state(db, a, &taro, APPLICATION_TAKEN), other = test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp");

	start(path, "1", "3");
	const char *person = arena_printf(a, "%s/person/%llu", path, (unsigned long long)taro.id);
	assert_non_null(strstr(pages_post(session, person, "", NULL).location, "done=person"));
	assert_non_null(strstr(pages_post(session, person, "", NULL).location, "done=late")); /* once */
	if (!pages_clock(2 * DAY))
		return;
	session = pages_admin_session(&admin);
	run_job();
	assert_int_equal(state_of(one.id), APPLICATION_TAKEN);
	assert_int_equal(state_of(other.id), APPLICATION_REVOKE_ACCEPTED);
	assert_string_equal(run_state(), "done");
	/* What has run cannot be undone. */
	assert_non_null(strstr(pages_post(session, arena_printf(a, "%s/person/%llu", path, (unsigned long long)hanako.id), "", NULL).location, "done=late"));
	assert_non_null(strstr(pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL).location, "done=late"));
	assert_string_equal(run_state(), "done");
}

static void the_plan_is_no_secret(void **state)
{
	struct application valid = test_in_state(db, a, &taro, APPLICATION_TAKEN), over = test_in_state(db, a, &taro, APPLICATION_REVOKED),
			   other = test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	const char *own = pages_session(&taro), *else_own = pages_session(&hanako);
	const char *details = arena_printf(a, "/client/%u", valid.number), *details_over = arena_printf(a, "/client/%u", over.number),
		   *person = arena_printf(a, "/admin_users/user/%llu", (unsigned long long)taro.id),
		   *certificate = arena_printf(a, "/admin_users/certificates/%llu", (unsigned long long)valid.id),
		   *path = draft("taro@example.ac.jp\nhanako@example.ac.jp");

	assert_int_equal(pages_post(session, arena_printf(a, "%s/person/%llu", path, (unsigned long long)hanako.id), "", NULL).http, 303);
	assert_false(says_planned(own, "/") || says_planned(own, details) || says_planned(session, person)); /* a draft decides nothing */
	start(path, "3", "5");
	assert_true(says_planned(own, "/") && says_planned(own, details));
	assert_false(says_planned(own, details_over)); /* what has ended is not touched */
	assert_false(says_planned(else_own, "/") || says_planned(else_own, arena_printf(a, "/client/%u", other.number))); /* left out */
	assert_true(says(pages_get("en", session, person), path) && says(pages_get("en", session, certificate), path));
	assert_true(says_planned(pages_admin_session(&helper), person));
	assert_false(says(pages_get("en", pages_admin_session(&helper), person), path)); /* a page that is closed to them */
	assert_false(says(pages_get("en", own, "/"), path));
	assert_int_equal(pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL).http, 303);
	assert_false(says_planned(own, "/") || says_planned(own, details) || says_planned(session, person) || says_planned(session, certificate));
	/* When it cannot be told, the pages are there all the same. */
	mariadb_exec("RENAME TABLE leavers_person TO away");
	int shown = pages_get("en", own, "/").http + pages_get("en", own, details).http + pages_get("en", session, person).http;
	mariadb_exec("RENAME TABLE away TO leavers_person");
	assert_int_equal(shown, 3 * 200);
}

/* What was left out by mistake comes back by one click, and is revoked and told with the others then. */
static void put_back(void **state)
{
	struct application one = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp"),
		   *person = arena_printf(a, "%s/person/%llu", path, (unsigned long long)taro.id), *back = arena_printf(a, "%s/back", person);

	struct answer answer = pages_post(session, person, "after=3", NULL);
	assert_non_null(strstr(answer.location, "after=3"));
	struct answer page = pages_get("en", session, arena_printf(a, "%s?done=person&user=%llu", path, (unsigned long long)taro.id));
	assert_true(says(page, back) && says(page, "taro@example.ac.jp</strong> is left out"));
	assert_int_equal(pages_post(session, back, "", "wrong").http, 403);
	assert_int_equal(pages_post(pages_admin_session(&helper), back, "", NULL).http, 403);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_person WHERE cancelled_at > 0"), 1);
	assert_non_null(strstr(pages_post(session, back, "", NULL).location, "done=back"));
	assert_non_null(strstr(pages_post(session, back, "", NULL).location, "done=late")); /* once */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_person WHERE cancelled_at > 0"), 0);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE action = 'admin.leavers.person_restored' AND detail = 'user:%llu'",
				 (unsigned long long)taro.id)),
		1);
	pages_post(session, person, "", NULL);
	start(path, "1", "3");
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 1);
	assert_non_null(strstr(pages_post(session, back, "", NULL).location, "done=back")); /* until it runs */
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 2);
	pages_post(session, person, "", NULL);
	pages_post(session, back, "", NULL);
	if (!pages_clock(2 * DAY))
		return;
	session = pages_admin_session(&admin);
	run_job();
	assert_int_equal(state_of(one.id), APPLICATION_REVOKE_ACCEPTED);
	assert_non_null(strstr(pages_post(session, back, "", NULL).location, "done=late")); /* what has run has run */
}

static void a_draft_is_discarded_after_a_question(void **state)
{
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp"), *cancel = arena_printf(a, "%s/cancel", path);
	struct answer page = pages_get("en", session, path);

	assert_false(says(page, arena_printf(a, "action=\"%s\"", cancel))); /* no button of the list itself */
	assert_true(says(page, arena_printf(a, "href=\"%s\"", cancel)));
	page = pages_get("en", session, cancel);
	assert_int_equal(page.http, 200);
	assert_true(says(page, "name=\"state\" value=\"draft\"") && says(page, "<dd>2</dd>"));
	assert_string_equal(run_state(), "draft");
	/* Decided meanwhile by somebody else: what was asked was another question. */
	start(path, "5", "3");
	assert_non_null(strstr(pages_post(session, cancel, "state=draft", NULL).location, "done=late"));
	assert_string_equal(run_state(), "waiting");
	path = draft("taro@example.ac.jp");
	cancel = arena_printf(a, "%s/cancel", path);
	assert_int_equal(pages_post(session, cancel, "state=draft", "wrong").http, 403);
	assert_non_null(strstr(pages_post(session, cancel, "state=waiting", NULL).location, "done=late"));
	assert_string_equal(run_state(), "draft");
	assert_string_equal(pages_post(session, cancel, "state=draft", NULL).location, "/admin_leavers?done=discarded");
	assert_string_equal(run_state(), "cancelled");
}

static void told_once(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp\njiro@example.ac.jp");

	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 0);
	start(path, "7", "3");
	run_job();
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 2);
	/* Nothing to tell: no mail server is asked. */
	check_ok(test_job_run(db, a, NULL, "admin_leavers.mail", 1, arena_printf(a, "%llu", (unsigned long long)jiro.id)));
	pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL);
	check_ok(test_job_run(db, a, NULL, "admin_leavers.mail", 1, arena_printf(a, "%llu", (unsigned long long)taro.id)));
}

static enum status mail(struct db *own, const char *kind, const char *path, const struct user *user)
{
	struct arena *mine = arena_new();
	enum status s = test_job_run(own, mine, NULL, kind, strtoull(strrchr(path, '/') + 1, NULL, 10), arena_printf(mine, "%llu", (unsigned long long)user->id));

	arena_free(mine);
	return s;
}

static int64_t recalls(void)
{
	return mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.recall'");
}

/* Whom the mail may have reached is told once that nothing happens; nobody else. */
static void those_told_are_told_that_it_is_cancelled(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	test_in_state(db, a, &jiro, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp\njiro@example.ac.jp");
	start(path, "7", "3");
	run_job();
	check_status(mail(db, "admin_leavers.mail", path, &taro), STATUS_BUSY);
	check_status(mail(db, "admin_leavers.mail", path, &taro), STATUS_BUSY); /* tried again */
	check_status(mail(db, "admin_leavers.mail", path, &jiro), STATUS_BUSY);
	pages_post(session, arena_printf(a, "%s/person/%llu", path, (unsigned long long)jiro.id), "", NULL);
	check_ok(mail(db, "admin_leavers.mail", path, &jiro));
	run_job();
	assert_int_equal(recalls(), 0); /* may yet be put back */
	assert_true(says(pages_get("en", session, arena_printf(a, "%s/cancel", path)), "are told by mail that it is cancelled"));
	assert_string_equal(pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL).location, "/admin_leavers?done=cancelled");
	check_ok(mail(db, "admin_leavers.mail", path, &taro));
	check_ok(mail(db, "admin_leavers.mail", path, &hanako));
	run_job();
	run_job();
	assert_int_equal(recalls(), 2);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.recall' AND payload IN ('%llu', '%llu')",
				 (unsigned long long)taro.id, (unsigned long long)jiro.id)), 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_run WHERE recall = 1"), 0);
	check_status(mail(db, "admin_leavers.recall", path, &taro), STATUS_BUSY);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED});
	check_ok(mail(db, "admin_leavers.recall", path, &taro)); /* it is revoked after all, whoever did it */
}

static void who_is_left_out_is_told_when_the_others_are_revoked(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN), other = test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	const char *path = draft("taro@example.ac.jp\nhanako@example.ac.jp\njiro@example.ac.jp");
	const char *person = arena_printf(a, "%s/person/%llu", path, (unsigned long long)taro.id);

	start(path, "1", "3");
	run_job();
	check_status(mail(db, "admin_leavers.mail", path, &taro), STATUS_BUSY);
	check_status(mail(db, "admin_leavers.mail", path, &hanako), STATUS_BUSY);
	pages_post(session, person, "", NULL);
	pages_post(session, arena_printf(a, "%s/person/%llu", path, (unsigned long long)hanako.id), "", NULL);
	pages_post(session, arena_printf(a, "%s/person/%llu/back", path, (unsigned long long)hanako.id), "", NULL);
	if (!pages_clock(2 * DAY))
		return;
	run_job();
	run_job();
	assert_int_equal(state_of(app.id), APPLICATION_TAKEN);
	assert_int_equal(state_of(other.id), APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(recalls(), 1);
	check_status(mail(db, "admin_leavers.recall", path, &taro), STATUS_BUSY);
}

static void *announcer(void *context)
{
	struct db *own = mariadb_db();

	(void)mail(own, "admin_leavers.mail", context, &taro);
	db_free(own);
	return NULL;
}

/* A mail and the cancellation at the same time: either it does not go out, or it is taken back. */
static void told_and_cancelled_at_once(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	for (int i = 0; i < 20; i++) {
		const char *path = draft("taro@example.ac.jp");
		pthread_t thread;
		start(path, "7", "3");
		run_job();
		pthread_create(&thread, NULL, announcer, (void *)path);
		usleep((useconds_t)(i * 500));
		pages_post(session, arena_printf(a, "%s/cancel", path), "", NULL);
		run_job();
		pthread_join(thread, NULL);
		assert_string_equal(run_state(), "cancelled");
	}
	int64_t sent = mariadb_number("SELECT COUNT(*) FROM leavers_person WHERE sent_at > 0");
	print_message("%lld of 20 were told\n", (long long)sent);
	run_job();
	assert_int_equal(recalls(), sent);
}

static void *racer(void *context)
{
	struct db *own = mariadb_db();
	struct arena *mine = arena_new();

	for (int i = 0; i < 5; i++)
		*(enum status *)context = test_job_run(own, mine, NULL, "admin_leavers.run", 0, "");
	arena_free(mine);
	db_free(own);
	return NULL;
}

/* As when a lease was outlived: two run the same job at the same time. */
static void two_at_once(void **state)
{
	pthread_t threads[2];
	enum status st[2];
	struct text list = text_new(a, 20000);

	for (int i = 0; i < 60; i++) {
		struct user user = test_user(db, a, arena_printf(a, "user%d", i));
		test_in_state(db, a, &user, APPLICATION_TAKEN);
		text_addf(&list, "%s\n", user.eppn);
	}
	start(draft(list.data), "0", "3");
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, racer, &st[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_ok(st[0]);
	check_ok(st[1]);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE kind = 'REVOKE_ASKED'"), 60);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_item WHERE outcome = 'asked'"), 60);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'admin_leavers.mail'"), 60);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 0);
	assert_string_equal(run_state(), "done");
}

static void drafts_are_forgotten(void **state)
{
	draft("taro@example.ac.jp\nnobody@example.ac.jp");
	run_job();
	assert_string_equal(run_state(), "draft");
	if (!pages_clock(2 * DAY))
		return;
	run_job();
	assert_string_equal(run_state(), "none");
	assert_int_equal(mariadb_number("SELECT (SELECT COUNT(*) FROM leavers_person) + (SELECT COUNT(*) FROM leavers_unknown)"), 0);
}

/* Ended runs are forgotten with the people on them; those that are not over, and younger ones, stay. */
static void ended_runs_are_forgotten(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	start(draft("taro@example.ac.jp\nnobody@example.ac.jp"), "0", "3");
	run_job();
	assert_string_equal(run_state(), "done");
	const char *cancelled = draft("hanako@example.ac.jp");
	start(cancelled, "30", "3");
	pages_post(session, arena_printf(a, "%s/cancel", cancelled), "", NULL);
	test_in_state(db, a, &jiro, APPLICATION_PIN);
	start(draft("jiro@example.ac.jp"), "365", "3"); /* waits longer than others are kept */
	if (!pages_clock(364 * DAY))
		return;
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_run"), 3); /* of 365 days */
	pages_clock(365 * DAY - HOUR);
	mariadb_exec("UPDATE leavers_run SET ended_at = ended_at - 7200000 WHERE ended_at > 0");
	run_job();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM leavers_run"), 1);
	assert_int_equal(mariadb_number("SELECT (SELECT COUNT(*) FROM leavers_person) + (SELECT COUNT(*) FROM leavers_unknown) + (SELECT COUNT(*) FROM leavers_item)"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'retention.swept' AND object = 'runs for leavers' AND detail = '2'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.leavers.started'"), 3); /* the trail still tells */
}

/* Names and states of people: who looks leaves a trace. */
static void looks_leave_a_trace(void **state)
{
	const char *path = draft("taro@example.ac.jp"), *id = strrchr(path, '/') + 1;

	pages_get("en", session, "/admin_leavers");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.looked'"), 0);
	pages_get("en", session, path);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE action = 'admin.looked' AND object = 'leavers:%s'", id)), 1);
}

static void roles(void **state)
{
	const char *look = pages_admin_session(&helper), *none = pages_session(&taro), *path = draft("taro@example.ac.jp");
	static const char *const gets[] = {"", "/confirm", "/start", "/cancel", "/export"};
	static const char *const posts[] = {"/confirm", "/start", "/cancel", "/person/1", "/person/1/back"};

	for (size_t i = 0; i < COUNT_OF(gets); i++) {
		assert_int_equal(pages_get("en", look, arena_printf(a, "%s%s", path, gets[i])).http, 403);
		assert_int_equal(pages_get("en", none, arena_printf(a, "%s%s", path, gets[i])).http, 404);
	}
	for (size_t i = 0; i < COUNT_OF(posts); i++) {
		assert_int_equal(pages_post(look, arena_printf(a, "%s%s", path, posts[i]), "grace=0&reason=3", NULL).http, 403);
		assert_int_equal(pages_post(none, arena_printf(a, "%s%s", path, posts[i]), "grace=0&reason=3", NULL).http, 404);
		assert_int_equal(pages_post(session, arena_printf(a, "%s%s", path, posts[i]), "grace=0&reason=3", "wrong").http, 403);
	}
	assert_string_equal(run_state(), "draft");
	assert_int_equal(pages_get("en", look, "/admin_leavers").http, 403);
	assert_int_equal(pages_get("en", session, "/admin_leavers/999").http, 404);
	assert_int_equal(pages_get("en", session, "/admin_leavers/x").http, 404);
	assert_int_equal(pages_post(session, "/admin_leavers/999/start", "grace=0&reason=3", NULL).http, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_nobody_has_claimed_is_told, fresh),
		cmocka_unit_test_setup(what_nobody_has_claimed_is_revoked_when_wanted, fresh),
		cmocka_unit_test_setup(nothing_of_who_is_left_out_is_revoked, fresh),
		cmocka_unit_test_setup(what_may_be_another_ones_is_no_leavers, fresh),
		cmocka_unit_test_setup(lists_as_pasted, fresh),
		cmocka_unit_test_setup(searches, fresh),
		cmocka_unit_test_setup(preview_and_decision, fresh),
		cmocka_unit_test_setup(carried_out_once, fresh),
		cmocka_unit_test_setup(state_at_that_time_decides, fresh),
		cmocka_unit_test_setup(never_taken_ends_too, fresh),
		cmocka_unit_test_setup(undone_as_a_whole, fresh),
		cmocka_unit_test_setup(undone_for_one, fresh),
		cmocka_unit_test_setup(the_plan_is_no_secret, fresh),
		cmocka_unit_test_setup(put_back, fresh),
		cmocka_unit_test_setup(a_draft_is_discarded_after_a_question, fresh),
		cmocka_unit_test_setup(told_once, fresh),
		cmocka_unit_test_setup(those_told_are_told_that_it_is_cancelled, fresh),
		cmocka_unit_test_setup(who_is_left_out_is_told_when_the_others_are_revoked, fresh),
		cmocka_unit_test_setup(told_and_cancelled_at_once, fresh),
		cmocka_unit_test_setup(two_at_once, fresh),
		cmocka_unit_test_setup(drafts_are_forgotten, fresh),
		cmocka_unit_test_setup(ended_runs_are_forgotten, fresh),
		cmocka_unit_test_setup(looks_leave_a_trace, fresh),
		cmocka_unit_test_setup(roles, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
