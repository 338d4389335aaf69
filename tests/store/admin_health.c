/* Tests of the page on how everything is: what it counts and judges, failed jobs, events that could not be applied, and monitoring. */
#include "support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

#define TOKEN "0123456789abcdefghijklmnop"

static struct arena *a;
static struct db *db;
static struct user taro, admin, desk;
static const char *taro_session, *admin_session, *desk_session;

/* What another plugin says of itself. */
static struct health_item said[3];
static bool tells;

static const struct health_item *health(struct arena *arena, struct db *unused)
{
	if (!tells)
		cause(STATUS_BUSY, "nothing can be told");
	return tells ? said : NULL;
}

static const struct plugin other = {.abi = INKAN_ABI, .name = "other", .health = health};

static int set_up(void **state)
{
	a = pages_test_open((const struct plugin *const[]){&test_local, &other, NULL}, (const char *const[]){"admin_health", "admin_users", NULL}, &db);
	mariadb_file(a, "token", TOKEN "\n");
	mariadb_file(a, "admin_health.conf", "status_token = \"token\"\n");
	check_ok(plugin_configure(a, mariadb_dir()));
	check_ok(plugin_find("admin_health")->start(a, db));
	return 0;
}

static int fresh(void **state)
{
	taro = test_user(db, a, "taro");
	admin = test_user(db, a, "admin");
	desk = test_user(db, a, "helpdesk");
	taro_session = pages_session(&taro);
	admin_session = pages_admin_session(&admin);
	desk_session = pages_admin_session(&desk);
	mariadb_exec("DELETE FROM inkan.job");
	mariadb_exec("DELETE FROM inkan.conflict");
	mariadb_exec("DELETE FROM inkan.handover");
	mariadb_exec("DELETE FROM inkan.application");
	mariadb_exec("DELETE FROM inkan.audit_tail");
	tells = true;
	memset(said, 0, sizeof said);
	return 0;
}

static struct answer page(void)
{
	struct answer answer = pages_get("en", admin_session, "/admin_health");
	assert_int_equal(answer.http, 200);
	return answer;
}

static struct answer status(const char *token)
{
	pages_authorization(token);
	struct answer answer = pages_get("en", "", "/admin_health/status");
	pages_authorization(NULL);
	return answer;
}

/* The line of a fact in the text for monitoring. */
static bool reports(const char *line)
{
	struct answer answer = status("Bearer " TOKEN);
	assert_int_equal(answer.http, 200);
	return strstr(arena_printf(a, "\n%s", answer.page), arena_printf(a, "\n%s\n", line)) != NULL;
}

static uint64_t job_failed(const char *kind, uint64_t subject)
{
	check_ok(job_add(db, kind, subject, "payload-x", 0, NULL));
	uint64_t id = db_insert_id(db);
	mariadb_exec(arena_printf(a, "UPDATE inkan.job SET state = 'failed', why = 'UPSTREAM: <b>no</b> answer', attempts = 9 WHERE id = %llu", (unsigned long long)id));
	return id;
}

/* --- Who may ---------------------------------------------------------------------------------------------------------------------- */

static void others_see_nothing_and_roles_see_what_is_theirs(void **state)
{
	static const char *const pages[] = {"/admin_health", "/admin_health/jobs", "/admin_health/events"};
	uint64_t id = job_failed("core.mail", 7);
	const char *restart = arena_printf(a, "/admin_health/jobs/%llu/restart", (unsigned long long)id);
	const char *discard = arena_printf(a, "/admin_health/jobs/%llu/discard", (unsigned long long)id);

	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		assert_int_equal(pages_get("en", taro_session, pages[i]).http, 404);
		assert_int_equal(pages_get("en", desk_session, pages[i]).http, 200);
	}
	assert_false(says(pages_get("en", desk_session, "/admin_health/jobs"), "/restart"));
	assert_int_equal(pages_post(desk_session, restart, "", NULL).http, 403);
	assert_int_equal(pages_get("en", desk_session, discard).http, 403);
	assert_int_equal(pages_post(desk_session, discard, "", NULL).http, 403);
	assert_int_equal(pages_post(admin_session, discard, "", "wrong").http, 403);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.job WHERE state = 'failed'"), 1);
	assert_true(says(pages_get("en", admin_session, "/admin_health/jobs"), restart));
}

/* --- The page --------------------------------------------------------------------------------------------------------------------- */

static void all_is_well_until_it_is_not(void **state)
{
	struct answer answer = page();

	assert_true(says(answer, "All is well.") && says(answer, "Test service"));
	assert_true(reports("good upstream.upstream_local") && reports("good mail") && reports("good jobs.late") && reports("good core.database"));
	test_in_state(db, a, &taro, APPLICATION_SENT);
	mariadb_exec("DELETE FROM inkan.job");
	if (!says(page(), "<td data-label=\"Waiting for its answer\">1</td>"))
		fail_msg("%s", strstr(page().page, "upstreams-title"));
	assert_true(reports("good upstream.upstream_local"));
	mariadb_exec(arena_printf(a, "UPDATE inkan.application SET changed_at = %lld", (long long)(clock_now() - 2 * DAY)));
	assert_true(reports("warn upstream.upstream_local"));
	mariadb_exec(arena_printf(a, "UPDATE inkan.application SET changed_at = %lld", (long long)(clock_now() - 4 * DAY)));
	assert_true(reports("bad upstream.upstream_local"));
	assert_true(says(page(), "and there are problems"));
	mariadb_exec("DELETE FROM inkan.application");
	job_failed("core.mail", 7);
	assert_true(reports("warn mail") && reports("warn jobs.failed") && !reports("warn jobs.late"));
	mariadb_exec("UPDATE inkan.job SET state = 'waiting'");
	mariadb_exec(arena_printf(a, "UPDATE inkan.job SET due_at = %lld, created_at = %lld", (long long)(clock_now() - HOUR), (long long)(clock_now() - 7 * HOUR)));
	assert_true(reports("bad mail") && reports("bad jobs.late") && reports("good jobs.failed"));
	mariadb_exec(arena_printf(a, "UPDATE inkan.job SET owner = 'x', lease_until = %lld", (long long)(clock_now() + HOUR)));
	assert_true(reports("good jobs.late")); /* somebody is at it */
}

static void the_audit_trail_must_be_sealed_soon(void **state)
{
	check_ok(audit_add(db, "test.row", "site", NULL));
	assert_true(reports("good core.audit"));
	mariadb_exec(arena_printf(a, "UPDATE inkan.audit SET at = %lld ORDER BY id DESC LIMIT 1", (long long)(clock_now() - 5 * MINUTE)));
	mariadb_exec("DELETE FROM inkan.audit_tail WHERE audit_id < (SELECT MAX(id) FROM inkan.audit)");
	assert_true(reports("warn core.audit"));
	mariadb_exec(arena_printf(a, "UPDATE inkan.audit SET at = %lld ORDER BY id DESC LIMIT 1", (long long)(clock_now() - HOUR)));
	mariadb_exec("DELETE FROM inkan.audit_tail WHERE audit_id < (SELECT MAX(id) FROM inkan.audit)");
	assert_true(reports("bad core.audit"));
}

static void last_success_and_failure_are_noted_but_not_each(void **state)
{
	mariadb_exec("DELETE FROM inkan.health");
	health_note(db, "upstream_local.orders", true, NULL);
	int64_t first = mariadb_number("SELECT succeeded_at FROM inkan.health WHERE name = 'upstream_local.orders'");
	assert_in_range(first, clock_now() - 5 * SECOND, clock_now());
	usleep(20 * 1000);
	for (int i = 0; i < 100; i++)
		health_note(db, "upstream_local.orders", true, NULL);
	assert_int_equal(mariadb_number("SELECT succeeded_at FROM inkan.health WHERE name = 'upstream_local.orders'"), first);
	assert_true(reports("good upstream.upstream_local"));
	health_note(db, "upstream_local.orders", false, "the service\nis <b>away</b>");
	assert_true(reports("warn upstream.upstream_local"));
	struct answer answer = page();
	assert_true(says(answer, "is &lt;b&gt;away&lt;/b&gt;") && says(answer, "Last failure:"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.health WHERE name = 'upstream_local.orders' AND succeeded_at > 0 AND failed_at > 0"), 1);
	mariadb_exec("DELETE FROM inkan.health");
}

static void what_ends_is_judged_by_the_days_left(void **state)
{
	const struct {
		when left;
		const char *line, *text;
	} cases[] = {
		{31 * DAY, "good other.thing", ">30<"},
		{29 * DAY, "warn other.thing", ">28<"},
		{6 * DAY, "bad other.thing", ">5<"},
		{-HOUR, "bad other.thing", "It is over"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		/* An hour less, so that whole days do not hang on the moment. */
		said[0] = (struct health_item){.name = "thing", .title = "Our thing", .value = "a value", .expires = clock_now() + cases[i].left - MINUTE};
		assert_true(reports(cases[i].line));
		assert_true(says(page(), cases[i].text) && says(page(), "Our thing"));
	}
	said[0] = (struct health_item){.name = "thing", .title = "Our thing", .value = "a value", .state = HEALTH_WARN, .expires = clock_now() + 900 * DAY};
	assert_true(reports("warn other.thing")); /* what it says itself counts too */
}

static void a_plugin_that_cannot_tell_is_a_problem(void **state)
{
	tells = false;
	assert_true(reports("bad other"));
	assert_true(says(page(), "Cannot be told at present"));
}

/* --- Monitoring ------------------------------------------------------------------------------------------------------------------- */

static void monitoring_needs_its_token_and_gets_names_only(void **state)
{
	static const char *const wrong[] = {NULL, "Bearer", "Bearer ", "Bearer 0123456789abcdefghijklmnoq", "Bearer " TOKEN "x", "Basic " TOKEN, TOKEN};

	said[0] = (struct health_item){.name = "thing", .title = "SecretTitle", .value = "SecretValue", .state = HEALTH_WARN};
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(status(wrong[i]).http, 404);
	struct answer answer = status("Bearer " TOKEN);
	assert_int_equal(answer.http, 200);
	assert_true(text_starts(answer.page, "warn\n") && says(answer, "warn other.thing\n"));
	assert_false(says(answer, "Secret"));
	for (const char *s = answer.page; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._- \n", *s))
			fail_msg("%c in %s", *s, answer.page);
	/* The token opens nothing else. */
	pages_authorization("Bearer " TOKEN);
	assert_int_equal(pages_get("en", taro_session, "/admin_health").http, 404);
	pages_authorization(NULL);
}

static void without_the_database_monitoring_is_told_so(void **state)
{
	mariadb_kill();
	struct answer answer = status("Bearer " TOKEN);
	mariadb_restart();
	assert_int_equal(answer.http, 200);
	assert_string_equal(answer.page, "bad\nbad core.database\n");
	assert_true(reports("good core.database"));
}

/* --- Failed jobs ------------------------------------------------------------------------------------------------------------------ */

static void a_failed_job_is_shown_restarted_and_discarded(void **state)
{
	uint64_t id = job_failed("core.handover_revoked", 17), gone = job_failed("core.mail", 0);
	const char *path = arena_printf(a, "/admin_health/jobs/%llu", (unsigned long long)id);
	struct answer answer = pages_get("en", admin_session, "/admin_health/jobs");

	assert_true(says(answer, "Telling a card service of revocations") && says(answer, "payload-x") && says(answer, ">17<"));
	assert_true(says(answer, "&lt;b&gt;no&lt;/b&gt; answer"));
	answer = pages_post(admin_session, arena_printf(a, "%s/restart", path), "", NULL);
	assert_string_equal(answer.location, "/admin_health/jobs?done=restarted");
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.job WHERE id = %llu AND state = 'waiting' AND attempts = 0", (unsigned long long)id)), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.audit WHERE action = 'admin.job.restarted' AND object = 'application:17'"), 1);
	/* No longer failed: neither can be done once more, and nothing is in the trail of it. */
	answer = pages_post(admin_session, arena_printf(a, "%s/discard", path), "", NULL);
	assert_string_equal(answer.location, "/admin_health/jobs?done=gone");
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.job WHERE id = %llu", (unsigned long long)id)), 1);
	/* One that a revocation waits for is not discarded: it would be pending for good. */
	mariadb_exec("UPDATE job SET state = 'failed' WHERE kind = 'core.handover_revoked'");
	path = arena_printf(a, "/admin_health/jobs/%llu/discard", (unsigned long long)id);
	assert_int_equal(pages_get("en", admin_session, path).http, 409);
	assert_int_equal(pages_post(admin_session, path, "", NULL).http, 409);
	mariadb_exec("UPDATE job SET state = 'waiting' WHERE kind = 'core.handover_revoked'");
	path = arena_printf(a, "/admin_health/jobs/%llu/discard", (unsigned long long)gone);
	answer = pages_get("en", admin_session, path);
	assert_true(answer.http == 200 && says(answer, "cannot be undone"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.job WHERE state = 'failed'"), 1);
	assert_string_equal(pages_post(admin_session, path, "", NULL).location, "/admin_health/jobs?done=discarded");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.job WHERE state = 'failed'"), 0);
	assert_int_equal(mariadb_audited("admin.job.discarded"), 1);
	assert_string_equal(pages_get("en", admin_session, path).location, "/admin_health/jobs?done=gone");
	assert_int_equal(pages_post(admin_session, "/admin_health/jobs/x/restart", "", NULL).http, 303);
}

/* Number 18 is a run for leavers, not application 18. */
static void a_job_of_administrators_is_about_no_application(void **state)
{
	uint64_t id = job_failed("admin_leavers.mail", 18);

	assert_false(says(pages_get("en", admin_session, "/admin_health/jobs"), ">18<"));
	pages_post(admin_session, arena_printf(a, "/admin_health/jobs/%llu/restart", (unsigned long long)id), "", NULL);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.audit WHERE object = 'application:18'"), 0);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.audit WHERE action = 'admin.job.restarted' AND object = 'job:%llu'",
		(unsigned long long)id)), 1);
}

static void long_lists_have_pages(void **state)
{
	uint64_t first = 0;

	for (int i = 0; i < 45; i++) {
		uint64_t id = job_failed("core.mail", 1);
		first = first ? first : id;
	}
	const char *path = "/admin_health/jobs";
	unsigned rows = 0, pages = 0;
	while (path) {
		struct answer answer = pages_get("en", admin_session, path);
		if (answer.http != 200)
			fail_msg("%s: %d", path, answer.http);
		for (const char *s = answer.page; (s = strstr(s, "/restart\"")); s++)
			rows++;
		pages++;
		const char *next = strstr(strstr(answer.page, "class=\"pages\""), "/admin_health/jobs?below="); /* not the language switch */
		path = next ? arena_stringn(a, next, strcspn(next, "\"")) : NULL;
	}
	assert_int_equal(rows, 45);
	assert_int_equal(pages, 3);
	assert_int_equal(pages_get("en", admin_session, "/admin_health/jobs?below=x").http, 400);
}

/* --- Events ----------------------------------------------------------------------------------------------------------------------- */

static void an_event_that_could_not_be_applied_is_shown_and_closed(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_REVOKED);

	mariadb_exec("DELETE FROM inkan.job");
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "abc", .not_before = 1, .not_after = 2}), APPLIED_CONFLICT);
	assert_true(reports("warn events"));
	uint64_t id = (uint64_t)mariadb_number("SELECT id FROM inkan.conflict");
	const char *path = arena_printf(a, "/admin_health/events/%llu", (unsigned long long)id);
	struct answer answer = pages_get("en", admin_session, "/admin_health/events");
	assert_true(says(answer, path) && says(answer, "The certificate was downloaded") && says(answer, "Revoked"));
	int64_t looks = mariadb_audited("admin.event.viewed");
	answer = pages_get("en", admin_session, path);
	assert_true(answer.http == 200 && says(answer, "Mark as checked"));
	assert_int_equal(mariadb_audited("admin.event.viewed"), looks + 1);
	assert_false(says(pages_get("en", desk_session, path), "Mark as checked"));
	const char *close = arena_printf(a, "%s/close", path);
	assert_int_equal(pages_post(desk_session, close, "", NULL).http, 403);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.conflict WHERE closed_at = 0"), 1);
	assert_int_equal(pages_post(admin_session, close, "", NULL).http, 303);
	assert_int_equal(pages_post(admin_session, close, "", NULL).http, 303); /* twice: done */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.conflict WHERE closed_at > 0"), 1);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.audit WHERE action = 'admin.event.closed' AND object = 'application:%llu'",
					 (unsigned long long)app.id)), 1);
	assert_true(reports("good events"));
	assert_false(says(pages_get("en", admin_session, "/admin_health/events"), path));
	assert_true(says(pages_get("en", admin_session, "/admin_health/events?closed=1"), path));
	assert_true(says(pages_get("en", admin_session, path), "href=\"/admin_users/certificates/"));
	assert_int_equal(pages_get("en", admin_session, "/admin_health/events/999999").http, 404);
	assert_int_equal(pages_post(admin_session, "/admin_health/events/999999/close", "", NULL).http, 404);
	/* Its application is deleted: the event stays and says so. */
	mariadb_exec(arena_printf(a, "DELETE FROM inkan.application WHERE id = %llu", (unsigned long long)app.id));
	assert_true(says(pages_get("en", admin_session, path), "The application was deleted."));
	assert_false(says(pages_get("en", admin_session, path), "href=\"/admin_users/certificates/") ||
		says(pages_get("en", admin_session, "/admin_health/events?closed=1"), "href=\"/admin_users/certificates/"));
}

/* Bug: the state stood there as the database has it, and what was reported was nowhere to be seen. */
static void a_report_of_a_deleted_application_tells_what_it_said(void **state)
{
	struct event event = {.kind = EVENT_TAKEN, .serial = "abc123", .error_code = "<late>", .source_key = "test:lost"};

	check_ok(application_report_lost(db, a, 4711, &event));
	const char *path = arena_printf(a, "/admin_health/events/%lld", (long long)mariadb_number("SELECT id FROM inkan.conflict"));
	const char *const pages[] = {"/admin_health/events", path};
	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		struct answer answer = pages_get("en", admin_session, pages[i]), japanese = pages_get("ja", admin_session, pages[i]);
		assert_true(says(answer, "Deleted before the report came") && says(japanese, "通知の前に削除済"));
		assert_false(says(answer, ">DELETED<") || says(japanese, ">DELETED<"));
		assert_true(says(answer, "serial abc123 code &lt;late&gt;"));
	}
	/* One that says no more than its kind shows no empty row. */
	struct application app = test_in_state(db, a, &taro, APPLICATION_REVOKED);
	mariadb_exec("DELETE FROM inkan.conflict");
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "abc", .not_before = 1, .not_after = 2}), APPLIED_CONFLICT);
	path = arena_printf(a, "/admin_health/events/%lld", (long long)mariadb_number("SELECT id FROM inkan.conflict"));
	assert_false(says(pages_get("en", admin_session, path), "Particulars"));
}

/* Exact to 10,000, as everywhere. */
static void counts_are_exact_to_ten_thousand(void **state)
{
	mariadb_exec("INSERT INTO inkan.conflict (application_id, kind, state, source_key, at) SELECT seq, 'TAKEN', 'REVOKED', 'x', 1 FROM seq_1_to_10000");
	assert_true(says(page(), "10000") && !says(page(), "10,000+"));
	mariadb_exec("INSERT INTO inkan.conflict (application_id, kind, state, source_key, at) VALUES (10001, 'TAKEN', 'REVOKED', 'x', 1)");
	assert_true(says(page(), "10,000+"));
	assert_true(says(pages_get("ja", admin_session, "/admin_health"), "10,000件以上"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(others_see_nothing_and_roles_see_what_is_theirs, fresh),
		cmocka_unit_test_setup(all_is_well_until_it_is_not, fresh),
		cmocka_unit_test_setup(the_audit_trail_must_be_sealed_soon, fresh),
		cmocka_unit_test_setup(last_success_and_failure_are_noted_but_not_each, fresh),
		cmocka_unit_test_setup(what_ends_is_judged_by_the_days_left, fresh),
		cmocka_unit_test_setup(a_plugin_that_cannot_tell_is_a_problem, fresh),
		cmocka_unit_test_setup(monitoring_needs_its_token_and_gets_names_only, fresh),
		cmocka_unit_test_setup(a_failed_job_is_shown_restarted_and_discarded, fresh),
		cmocka_unit_test_setup(a_job_of_administrators_is_about_no_application, fresh),
		cmocka_unit_test_setup(long_lists_have_pages, fresh),
		cmocka_unit_test_setup(an_event_that_could_not_be_applied_is_shown_and_closed, fresh),
		cmocka_unit_test_setup(a_report_of_a_deleted_application_tells_what_it_said, fresh),
		cmocka_unit_test_setup(counts_are_exact_to_ten_thousand, fresh),
		cmocka_unit_test_setup(without_the_database_monitoring_is_told_so, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
