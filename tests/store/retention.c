/* Tests of retention: what is old enough goes, what is needed stays, people who come back are known. */
#include "support/check.h"

#include "issue/retention_job.h"
#include "store/user_find.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/plugin_job.h"

static struct arena *a;
static struct db *db;

static int set_up(void **state)
{
	a = pages_test_open(NULL, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	pages_clock(0);
	retention_start(&(struct retention_settings){0});
	return 0;
}

static void run(void)
{
	check_ok(test_job_run(db, a, retention_job, "core.retention", 0, ""));
}

static void nothing_without_settings(void **state)
{
	struct user taro = test_user(db, a, "taro");

	mariadb_exec("INSERT INTO job (kind, state, subject, payload, due_at, created_at) VALUES ('x.y', 'failed', 0, '', 0, 1)");
	mariadb_exec("UPDATE user SET seen_at = 1");
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 1);
	check_ok(user_get(db, a, taro.id, &taro));
	assert_string_equal(taro.name, "taro");
}

static void failed_jobs_conflicts_reminders(void **state)
{
	when now = clock_now();

	retention_start(&(struct retention_settings){.failed_jobs = 10 * DAY, .conflicts = 10 * DAY, .reminders = 10 * DAY});
	for (int old = 0; old < 2; old++) {
		long long at = now - (old ? 11 : 9) * DAY;
		mariadb_exec(arena_printf(a, "INSERT INTO job (kind, state, subject, payload, due_at, created_at) VALUES ('x.y', 'failed', %d, '', 0, %lld),"
					     " ('x.y', 'waiting', %d, '', 0, %lld)", old, at, old, at));
		mariadb_exec(arena_printf(a, "INSERT INTO conflict (application_id, kind, state, source_key, at, closed_at) VALUES"
					     " (%d, 'TAKEN', 'ERROR', 'a', %lld, %lld), (%d, 'TAKEN', 'ERROR', 'b', %lld, 0)", old, at, at, old, at));
		mariadb_exec(arena_printf(a, "INSERT INTO reminder (application_id, kind, days, at) VALUES (%d, 'expiry', 0, %lld), (%d, 'expiry', 30, %lld)", old, at, old, at));
	}
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE state = 'failed'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 2); /* still to be done */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict WHERE closed_at = 0"), 2); /* nobody has looked yet */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 3);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM reminder"), 3); /* that of 30 days before: its deadline is still to come */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'retention.swept'"), 3);
	mariadb_exec(arena_printf(a, "INSERT INTO job (kind, state, subject, payload, due_at, created_at) SELECT 'x.y', 'failed', 0, '', 0, %lld FROM seq_1_to_1700",
		(long long)(now - 20 * DAY)));
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE state = 'failed'"), 1); /* in as many steps as needed */
	mariadb_exec("INSERT INTO job (kind, state, subject, payload, due_at, created_at) VALUES ('core.handover_revoked', 'failed', 1, '', 0, 1)");
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.handover_revoked'"), 1); /* nothing else would ever end it */
}

static void event_details(void **state)
{
	struct user taro = test_user(db, a, "taro");
	struct application app = test_in_state(db, a, &taro, APPLICATION_REVOKED);
	struct history *history;
	size_t n, before;

	check_ok(application_history(db, a, app.id, &history, &before));
	retention_start(&(struct retention_settings){.event_details = 30 * DAY});
	run();
	assert_true(mariadb_number("SELECT COUNT(*) FROM event WHERE detail <> ''") > 0);
	mariadb_exec("UPDATE event SET recorded_at = recorded_at - 31 * 86400000");
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE detail <> ''"), 0);
	check_ok(application_history(db, a, app.id, &history, &n));
	assert_int_equal(n, before); /* the events stay: they tell what was seen before */
}

/* Who is blanked: "taro,jiro,". */
static const char *blanked(void)
{
	struct db_rows rows;
	struct text t = text_new(a, 1000);

	check_ok(db_select(db, a, &rows, "SELECT SUBSTRING_INDEX(eppn, '@', 1) FROM user WHERE name = '' AND mail = '' ORDER BY eppn"));
	for (size_t i = 0; i < rows.rows; i++)
		text_addf(&t, "%s,", db_text(&rows, i, 0));
	return t.data;
}

static void left_users(void **state)
{
	static const char *const names[] = {"active", "gone", "never", "recent", "valid"};
	struct user users[COUNT_OF(names)];
	struct user *found;
	size_t n;
	unsigned count;
	struct user_query query = {.words = "gone", .limit = 10};

	retention_start(&(struct retention_settings){.users = 365 * DAY});
	for (size_t i = 0; i < COUNT_OF(names); i++)
		users[i] = test_user(db, a, names[i]);
	struct application gone = test_in_state(db, a, &users[1], APPLICATION_REVOKED);
	test_in_state(db, a, &users[3], APPLICATION_REVOKED);
	test_in_state(db, a, &users[4], APPLICATION_TAKEN);
	check_ok(application_set_memo(db, users[1].id, gone.number, "my laptop"));
	mariadb_exec(arena_printf(a, "INSERT INTO calendar (user_id, digest, created_at) VALUES (%llu, REPEAT('x', 32), 1)", (unsigned long long)users[1].id));
	run();
	assert_string_equal(blanked(), "");
	mariadb_exec("UPDATE user SET seen_at = seen_at - 366 * 86400000 WHERE eppn NOT LIKE 'active%'");
	mariadb_exec("UPDATE application SET changed_at = changed_at - 366 * 86400000, live_until = IF(live_until > 0, live_until - 400 * 86400000, 0) WHERE user_id = "
		     "(SELECT id FROM user WHERE eppn LIKE 'gone%')");
	run();
	assert_string_equal(blanked(), "gone,never,");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE name = '' AND mail = '' AND memo = ''"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE subject LIKE 'CN=gone%'"), 1); /* never to be used again */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM calendar"), 0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'user.blanked'"), 2);
	check_ok(user_find(db, a, &query, &found, &n, &count));
	assert_int_equal(n, 1); /* by the ePPN */
	query.words = "mail.example";
	check_ok(user_find(db, a, &query, &found, &n, &count));
	assert_int_equal(n, 3); /* the address is gone from what is searched, too */
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'user.blanked'"), 2); /* once */
	struct user back = test_user(db, a, "gone");
	assert_int_equal(back.id, users[1].id);
	assert_string_equal(blanked(), "never,");
	run();
	assert_string_equal(blanked(), "never,");
}

static void many_users(void **state)
{
	mariadb_exec("INSERT INTO user (eppn, idp, name, mail, lang, created_at, seen_at) SELECT CONCAT('u', seq, '@x'), '', 'N', 'm', 'ja', 1, 1 FROM seq_1_to_1300");
	retention_start(&(struct retention_settings){.users = 365 * DAY});
	run();
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM user WHERE name <> ''"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_without_settings, fresh),
		cmocka_unit_test_setup(failed_jobs_conflicts_reminders, fresh),
		cmocka_unit_test_setup(event_details, fresh),
		cmocka_unit_test_setup(left_users, fresh),
		cmocka_unit_test_setup(many_users, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
