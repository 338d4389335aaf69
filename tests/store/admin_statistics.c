/* Tests of the statistics: the kept counts against a plain count, at the edges of months, after late reports; the page and the exports. */
#include "support/check.h"

#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/plugin_job.h"

#include <string.h>

static struct arena *a;
static struct db *db;
static struct user admin, helper, taro;
static const char *session;

static int set_up(void **state)
{
	a = pages_test_open(NULL, (const char *const[]){"admin_statistics", NULL}, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	pages_clock(0);
	check_ok(user_login(db, a, PAGES_ADMIN, "https://idp.example.ac.jp", "Admin", "admin@example.ac.jp", LANG_EN, &admin));
	check_ok(user_login(db, a, PAGES_HELP_DESK, "https://idp.example.ac.jp", "Help", "help@example.ac.jp", LANG_EN, &helper));
	taro = test_user(db, a, "taro");
	session = pages_admin_session(&admin);
	return 0;
}

static void count(void)
{
	check_ok(test_job_run(db, a, NULL, "admin_statistics.count", 0, ""));
}

/* Rows of every state with times all over three years, some at the very edges of months (JST). */
static void fill(void)
{
	mariadb_exec("INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra,"
		     " created_at, changed_at, taken_at, revoked_at, renews) SELECT 1, 1000 + seq,"
		     " ELT(1 + seq % 10, 'ACCEPTED', 'SENT', 'PIN', 'TAKEN', 'DELIVERED', 'ERROR', 'REVOKE_ACCEPTED', 'REVOKE_SENT', 'REVOKE_ERROR', 'REVOKED'),"
		     " ELT(1 + seq % 3, 'client', 'smime', 'upki_pass'), 'upstream_local', '5', 52, CONCAT('CN=', seq), 0, 'N', 'm', '',"
		     " 0, 0, 0, 0, IF(seq % 7 = 0, 1, 0) FROM seq_1_to_3000");
	mariadb_exec(arena_printf(a,
		"UPDATE application SET created_at = %lld - number * 31536000 * 9 / 10, changed_at = created_at,"
		" taken_at = IF(state IN ('TAKEN', 'DELIVERED', 'REVOKE_ACCEPTED', 'REVOKE_SENT', 'REVOKE_ERROR', 'REVOKED'), created_at + 86400000, 0),"
		" revoked_at = IF(state = 'REVOKED', created_at + 30 * 86400000, 0),"
		" live_until = CASE WHEN state IN ('ACCEPTED', 'SENT') THEN 9223372036854775807 WHEN state = 'PIN' THEN created_at + 28 * 86400000"
		" WHEN state IN ('ERROR', 'REVOKED') THEN 0 ELSE created_at + 365 * 86400000 END",
		(long long)clock_now()));
	/* 1 Jan 2025 00:00 JST and the millisecond before */
	mariadb_exec("UPDATE application SET created_at = 1735657200000 WHERE number % 50 = 1");
	mariadb_exec("UPDATE application SET created_at = 1735657199999 WHERE number % 50 = 2");
}

#define MONTH(t) "(YEAR(DATE_ADD('1970-01-01 09:00:00', INTERVAL FLOOR(" t " / 1000) SECOND)) * 12 + MONTH(DATE_ADD('1970-01-01 09:00:00', INTERVAL FLOOR(" t " / 1000) SECOND)) - 1)"
#define EXISTS "state IN ('TAKEN', 'DELIVERED', 'REVOKE_ACCEPTED', 'REVOKE_SENT', 'REVOKE_ERROR')"

/* How many rows of the kept counts differ from a plain count of the whole table. */
static int64_t wrong(const char *kind, const char *time, const char *condition)
{
	const char *plain = arena_printf(a, "SELECT %s m, type, COUNT(*) n FROM application WHERE %s GROUP BY 1, 2", time, condition);

	return mariadb_number(arena_printf(a,
		"SELECT (SELECT COUNT(*) FROM (%s) p LEFT JOIN statistics s ON s.month = p.m AND s.type = p.type AND s.kind = '%s'"
		" WHERE s.n IS NULL OR s.n <> p.n) + (SELECT COUNT(*) FROM statistics s LEFT JOIN (%s) p ON s.month = p.m AND s.type = p.type"
		" WHERE s.kind = '%s' AND s.month > 0 AND p.n IS NULL)",
		plain, kind, plain, kind));
}

static int64_t all_wrong(void)
{
	const char *now = arena_printf(a, "%lld", (long long)clock_now());

	return wrong("APPLIED", MONTH("created_at"), "1") + wrong("ISSUED", MONTH("taken_at"), "taken_at > 0 AND renews = 0") +
	       wrong("RENEWED", MONTH("taken_at"), "taken_at > 0 AND renews <> 0") + wrong("REVOKED", MONTH("revoked_at"), "revoked_at > 0") +
	       wrong("EXPIRED", MONTH("live_until"), arena_printf(a, EXISTS " AND live_until <= %s", now)) +
	       wrong("MISSED", MONTH("live_until"), arena_printf(a, "state = 'PIN' AND live_until <= %s", now));
}

static void counts_are_those_of_a_plain_count(void **state)
{
	fill();
	assert_true(all_wrong() > 50); /* before: the comparison notices */
	count();
	assert_int_equal(all_wrong(), 0);
	assert_true(mariadb_number("SELECT COUNT(DISTINCT month) FROM statistics WHERE kind = 'APPLIED'") > 12);
	assert_int_equal(mariadb_number("SELECT SUM(n) FROM statistics WHERE month = 0 AND kind = 'VALID'"),
		mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM application WHERE " EXISTS " AND live_until > %lld", (long long)clock_now())));
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE month = 0 AND kind = 'USERS'"), 3);
}

static void late_reports_are_counted(void **state)
{
	fill();
	count();
	mariadb_exec(arena_printf(a, "UPDATE application SET taken_at = %lld, state = 'TAKEN' WHERE number %% 11 = 0 AND state = 'ACCEPTED'", (long long)clock_now()));
	mariadb_exec("DELETE FROM application WHERE number = 1500");
	assert_true(all_wrong() > 0);
	count(); /* this month at once */
	assert_int_equal(wrong("ISSUED", MONTH("taken_at"), arena_printf(a, "taken_at > %lld AND renews = 0", (long long)(clock_now() - MINUTE))) > 0, 1);
	mariadb_exec("UPDATE statistics SET n = 0 WHERE month = 0 AND kind = 'NOTE' AND type = 'rebuilt'"); /* a day later */
	count();
	assert_int_equal(all_wrong(), 0);
	mariadb_exec("DELETE FROM statistics"); /* lost: made anew */
	count();
	assert_int_equal(all_wrong(), 0);
}

static void real_events(void **state)
{
	test_in_state(db, a, &taro, APPLICATION_TAKEN);
	test_in_state(db, a, &taro, APPLICATION_PIN);
	test_in_state(db, a, &taro, APPLICATION_REVOKED);
	test_in_state(db, a, &taro, APPLICATION_ERROR);
	count();
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'APPLIED' AND type = 'client'"), 4);
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'ISSUED' AND type = 'client'"), 2);
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'REVOKED' AND type = 'client'"), 1);
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'VALID' AND type = 'client'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM statistics WHERE kind IN ('EXPIRED', 'MISSED')"), 0);
	if (!pages_clock(400 * DAY))
		return;
	count();
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'EXPIRED' AND type = 'client'"), 1);
	assert_int_equal(mariadb_number("SELECT n FROM statistics WHERE kind = 'MISSED' AND type = 'client'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM statistics WHERE kind = 'VALID'"), 0);
}

static void page(void **state)
{
	assert_true(says(pages_get("en", session, "/admin_statistics"), "Nothing has been counted yet."));
	fill();
	count();
	struct answer en = pages_get("en", session, "/admin_statistics"), ja = pages_get("ja", session, "/admin_statistics");
	assert_int_equal(en.http, 200);
	assert_true(says(en, "<svg") && says(en, "<title id=\"chart-title\">Certificates issued, renewed and revoked per month</title>"));
	assert_true(says(ja, "月ごとの発行数・更新数・失効数") && says(ja, "年度"));
	assert_false(says(en, "style=") || says(en, "<script>"));
	assert_int_equal(pages_get("en", session, "/admin_statistics?year=2025&type=smime").http, 200);
	assert_int_equal(pages_get("en", session, "/admin_statistics?year=25").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_statistics?type=%3Cscript%3E").http, 200);
	assert_false(says(pages_get("en", session, "/admin_statistics?type=%3Cscript%3Ex"), "<script>x"));
	struct answer year = pages_get("en", session, "/admin_statistics/figures?year=2025&type=");
	assert_true(says(year, "\r\n\"2025-04\",") && says(year, "\r\n\"2026-03\",") && !says(year, "\"2026-04\",") && !says(year, "\"2025-03\","));
}

static void export(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN), pin = test_in_state(db, a, &taro, APPLICATION_PIN);
	check_ok(application_set_memo(db, taro.id, app.number, "=cmd|' /C calc'!A0"));
	mariadb_exec("UPDATE application SET name = 'He said \"x\"', extra = 'E' WHERE id = 1");
	struct answer file = pages_get("en", session, "/admin_statistics/certificates");
	assert_int_equal(file.http, 200);
	assert_memory_equal(file.page, "\xef\xbb\xbf\"ID\",\"ePPN\",", 15);
	assert_true(says(file, "\"taro@example.ac.jp\",\"1\",\"client\"") && says(file, "\"He said \"\"x\"\"\""));
	assert_true(says(file, "\"'=cmd|' /C calc'!A0\"\r\n"));
	assert_true(says(file, "CN=taro@mail.example.ac.jp-1,O=Example"));
	/* What nobody may see: the positive control is that it is there. */
	const char *secret;
	check_ok(application_pin(db, a, &pin, &secret));
	assert_string_equal(secret, "first PIN");
	assert_false(says(file, "first PIN") || says(file, "download.example"));
	const char *name = strstr(file.disposition, "certificates-");
	assert_non_null(name);
	assert_int_equal(strspn(name + 13, "0123456789"), 8);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.statistics.exported'"), 1);
	fill();
	file = pages_get("ja", session, "/admin_statistics/certificates?type=smime");
	size_t lines = 0;
	for (const char *at = file.page; (at = strstr(at, "\r\n")); at += 2)
		lines++;
	assert_int_equal(lines, 1 + mariadb_number("SELECT COUNT(*) FROM application WHERE type = 'smime'"));
}

static void roles(void **state)
{
	const char *look = pages_admin_session(&helper), *none = pages_session(&taro);

	assert_int_equal(pages_get("en", look, "/admin_statistics").http, 200);
	assert_int_equal(pages_get("en", look, "/admin_statistics/figures").http, 200);
	assert_int_equal(pages_get("en", look, "/admin_statistics/certificates").http, 403);
	assert_false(says(pages_get("en", look, "/admin_statistics"), "/admin_statistics/certificates"));
	assert_true(says(pages_get("en", session, "/admin_statistics"), "/admin_statistics/certificates"));
	assert_int_equal(pages_get("en", none, "/admin_statistics").http, 404);
	assert_int_equal(pages_get("en", none, "/admin_statistics/certificates").http, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counts_are_those_of_a_plain_count, fresh),
		cmocka_unit_test_setup(late_reports_are_counted, fresh),
		cmocka_unit_test_setup(real_events, fresh),
		cmocka_unit_test_setup(page, fresh),
		cmocka_unit_test_setup(export, fresh),
		cmocka_unit_test_setup(roles, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
