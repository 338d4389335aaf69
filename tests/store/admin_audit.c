/* Tests of the audit trail's pages: the filter finds what it says and nothing else, the verification shows whole and broken, the export
 * holds what the filter shows. */
#include "support/check.h"

#include "issue/upkeep.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/plugin_job.h"

#include <string.h>

static struct arena *a;
static struct db *db;
static struct user admin, auditor, helper, taro;
static const char *session;

static int set_up(void **state)
{
	a = pages_test_open(NULL, (const char *const[]){"admin_audit", NULL}, &db);
	upkeep_start(bytes_string("a key for the chain of this test"), NULL);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	check_ok(user_login(db, a, PAGES_ADMIN, "https://idp.example.ac.jp", "Admin", "admin@example.ac.jp", LANG_EN, &admin));
	check_ok(user_login(db, a, PAGES_AUDITOR, "https://idp.example.ac.jp", "Auditor", "auditor@example.ac.jp", LANG_EN, &auditor));
	check_ok(user_login(db, a, PAGES_HELP_DESK, "https://idp.example.ac.jp", "Help", "help@example.ac.jp", LANG_EN, &helper));
	taro = test_user(db, a, "taro");
	mariadb_exec("DELETE FROM audit");
	mariadb_exec("DELETE FROM audit_tail");
	session = pages_admin_session(&admin);
	return 0;
}

/* Numbers of the rows on the page, in their order: "5,4,". */
static const char *rows_of(struct answer answer)
{
	struct text t = text_new(a, 1000);
	static const char mark[] = "data-label=\"Number\"><span>";

	assert_int_equal(answer.http, 200);
	for (const char *at = answer.page; (at = strstr(at, mark));) {
		at += strlen(mark);
		text_add_bytes(&t, at, strspn(at, "0123456789"));
		text_add(&t, ",");
	}
	return t.data;
}

static const char *found(const char *query)
{
	mariadb_exec("DELETE FROM audit WHERE action = 'admin.searched'"); /* of the searches before */
	return rows_of(pages_get("en", session, arena_printf(a, "/admin_audit%s", query)));
}

/* Five rows: two people, three objects, over three days (JST). */
static void five(void)
{
	mariadb_exec("INSERT INTO audit (id, at, actor, context, action, object, detail) VALUES"
		     " (1, 1767193200000, 'taro@example.ac.jp', 'r1', 'application.applied', 'application:17', NULL),"       /* 1 Jan 2026 00:00 */
		     " (2, 1767193200001, 'jiro@example.ac.jp', 'r2', 'application.applied', 'application:170', NULL),"
		     " (3, 1767279599999, 'taro@example.ac.jp', 'r3', 'pin.viewed', 'application:17', 'x'),"                  /* the end of that day */
		     " (4, 1767279600000, 'taro@example.ac.jp', 'r4', 'user.logged_in', 'user:3', '=1+1'),"                   /* 2 Jan 00:00 */
		     " (5, 1767366000000, 'job:core.submit', 'job-1', 'some.thing', 'user:3', '<b>bold</b>')");
}

static void filters(void **state)
{
	five();
	assert_string_equal(found(""), "5,4,3,2,1,");
	assert_string_equal(found("?actor=taro%40example.ac.jp"), "4,3,1,");
	assert_string_equal(found("?actor=taro"), ""); /* whole or not at all: what an index answers */
	assert_string_equal(found("?object=application%3A17"), "3,1,");
	assert_string_equal(found("?action=application.applied"), "2,1,");
	assert_string_equal(found("?actor=taro%40example.ac.jp&object=application%3A17&action=pin.viewed"), "3,");
	assert_string_equal(found("?actor=taro%40example.ac.jp&object=user%3A3&action=pin.viewed"), "");
	assert_string_equal(found("?from=2026-01-01&until=2026-01-01"), "3,2,1,");
	assert_string_equal(found("?from=2026-01-02&until=2026-01-02"), "4,");
	assert_string_equal(found("?from=2026-01-02"), "5,4,");
	assert_string_equal(found("?until=2025-12-31"), "");
	assert_string_equal(found("?actor=TARO%EF%BC%A0example.ac.jp"), "4,3,1,"); /* in any case and width */
	assert_string_equal(found("?object=Application%EF%BC%9A17"), "3,1,");
	assert_string_equal(found("?object=Application+17"), "3,1,"); /* as the page says it */
	assert_string_equal(found("?object=application17"), "3,1,");
	assert_string_equal(found("?object=User%E3%80%80%EF%BC%93"), "5,4,");
	assert_string_equal(found("?object=user+x"), "");
	assert_true(says(pages_get("ja", session, "/admin_audit?action=pin.viewed&object=%E7%94%B3%E8%AB%8B%E3%80%80%EF%BC%91%EF%BC%97"), "<span>3</span>"));
	assert_string_equal(found("?object=%25"), ""); /* nothing is a pattern */
	assert_string_equal(found("?object=%27+OR+1%3D1"), "");
	assert_int_equal(pages_get("en", session, "/admin_audit?from=yesterday").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_audit?below=-1").http, 400);
}

/* Of whom somebody reads is itself told; a page without a name is not. */
static void reading_leaves_a_trace(void **state)
{
	five();
	found("?action=pin.viewed&from=2026-01-01");
	found("?actor=+");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched'"), 0);
	found("?object=user%3A3");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched' AND object = '/admin_audit'"
				 " AND detail = 'object=user:3' AND actor = '" PAGES_ADMIN "'"),
		1);
}

static void in_words(void **state)
{
	five();
	struct answer ja = pages_get("ja", session, "/admin_audit"), en = pages_get("en", session, "/admin_audit");
	assert_true(says(en, "PIN shown to its owner") && says(en, "<code>pin.viewed</code>"));
	assert_true(says(ja, "本人へのPINの表示") && says(ja, "<code>pin.viewed</code>"));
	assert_true(says(en, "Application 17<") && says(ja, "申請 17<"));
	assert_true(says(en, "<code>some.thing</code>")); /* no words: the action itself */
	assert_false(says(en, "<b>bold</b>"));
	assert_true(says(en, "&lt;b&gt;bold&lt;/b&gt;"));
}

/* As they are written by the program; what it would not have written stays as it is. */
static void particulars_in_words(void **state)
{
	static const struct {
		const char *detail, *en, *ja;
	} cases[] = {
		{"reason 5 note left <us>", "Reason:</span> <span class=\"break\" lang=\"\">No longer used", "メモ：</span> <span class=\"break\" lang=\"\">left &lt;us&gt;</span>"},
		{"reason 5 at 2026-01-01T00:00:00Z unclaimed 3", "Certificates without an owner:</span> <span class=\"break\" lang=\"\">3</span>", "失効予定日時：</span> <span class=\"break\" lang=\"\">2026/01/01 09:00"},
		{"type client number 12 renewal", "Application number:</span> <span class=\"break\" lang=\"\">12</span>", "更新申請"},
		{"user:3 number 4 note 別人 type x", "User:</span> <span class=\"break\" lang=\"\">3</span>", "メモ：</span> <span class=\"break\" lang=\"\">別人 type x</span>"},
		{"made 3 moved 0 left out 1", "Do not fit, left as they are:</span> <span class=\"break\" lang=\"\">1</span>", "登録：</span> <span class=\"break\" lang=\"\">3</span>"},
		{"wrong PIN number 2 in a row", "Wrong PINs in a row:</span> <span class=\"break\" lang=\"\">2</span>", "連続したPIN番号の誤り"},
		{"user:3 number 4 type client applied 2026-01-01T00:00:00Z code - subject CN=a b,O=Example University note gone",
			"DN (distinguished name):</span> <span class=\"break\" lang=\"\">CN=a b,O=Example University</span>", "申請日時：</span> <span class=\"break\" lang=\"\">2026/01/01 09:00"},
		{"from 2026-01-01T00:00:00Z until it is ended, announced", "Until it is ended", "2026/01/01 09:00"},
		{"from a@u.test to b@u.test", "<span class=\"break\" lang=\"\">a@u.test</span>", "<span class=\"break\" lang=\"\">b@u.test</span>"},
		{"code - field subject", "Field:</span>", "subject</span>"},
		{"reason 99", "lang=\"\">reason 99</span>", "lang=\"\">reason 99</span>"},
		{"reason", "lang=\"\">reason</span>", "lang=\"\">reason</span>"},
		{"type client and more", "lang=\"\">type client and more</span>", "lang=\"\">type client and more</span>"},
		{"applied yesterday", "lang=\"\">applied yesterday</span>", "lang=\"\">applied yesterday</span>"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		mariadb_exec("DELETE FROM audit");
		check_ok(audit_add(db, "some.thing", "site", cases[i].detail));
		if (!says(pages_get("en", session, "/admin_audit"), cases[i].en) || !says(pages_get("ja", session, "/admin_audit"), cases[i].ja))
			fail_msg("\"%s\" is not said in words: %s", cases[i].detail, strstr(pages_get("en", session, "/admin_audit").page, "<tbody>"));
	}
}

static void pages_of_twenty(void **state)
{
	mariadb_exec("INSERT INTO audit (id, at, actor, context, action, object)"
		     " SELECT seq, 1767193200000 + seq, 'a@example.ac.jp', '', 'x.y', 'o:1' FROM seq_1_to_45");
	struct answer first = pages_get("en", session, "/admin_audit?actor=a%40example.ac.jp");
	assert_int_equal(strlen(rows_of(first)), 60);
	assert_true(says(first, "45 records"));
	assert_true(says(first, "/admin_audit?actor=a%40example.ac.jp&amp;below=26\""));
	assert_int_equal(strncmp(found("?actor=a%40example.ac.jp&below=26"), "25,24,", 6), 0);
	assert_string_equal(found("?below=3"), "2,1,");
	mariadb_exec("INSERT INTO audit (at, actor, context, action, object)"
		     " SELECT 1767193300000 + seq, 'b', '', 'x.y', 'o:1' FROM seq_1_to_10000");
	assert_true(says(pages_get("en", session, "/admin_audit"), "More than 10,000 records"));
	assert_true(says(pages_get("ja", session, "/admin_audit"), "10,000件以上の記録"));
	assert_true(says(pages_get("en", session, "/admin_audit?actor=b"), "10000 records"));
}

static void chain_all(void)
{
	check_ok(test_job_run(db, a, upkeep_jobs, "core.chain", 0, ""));
}

static void verification(void **state)
{
	five();
	mariadb_exec("INSERT INTO audit_tail SELECT id FROM audit");
	chain_all();
	assert_true(says(pages_get("en", session, "/admin_audit"), "It has not been verified yet."));
	assert_string_equal(pages_post(session, "/admin_audit/verify", "", NULL).location, "/admin_audit?asked=1");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.verify_now' AND payload = '" PAGES_ADMIN "'"), 1);
	assert_string_equal(pages_post(session, "/admin_audit/verify", "", NULL).location, "/admin_audit?asked=1"); /* one job, however often */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.verify_now'"), 1);
	check_ok(test_job_run(db, a, upkeep_jobs, "core.verify_now", 0, PAGES_ADMIN));
	struct answer page = pages_get("en", session, "/admin_audit");
	assert_true(says(page, "The audit trail is unbroken.") && says(page, "Proven up to row 5 of"));
	assert_true(says(page, "5 rows sealed, 2 rows not sealed yet")); /* the two requests themselves */
	assert_false(says(page, "Not as it was written"));

	mariadb_exec("UPDATE audit SET actor = 'nobody' WHERE id = 3");
	check_ok(test_job_run(db, a, upkeep_jobs, "core.verify_now", 0, PAGES_ADMIN));
	page = pages_get("en", session, "/admin_audit");
	assert_true(says(page, "The audit trail is broken.") && says(page, "Row 3 is the first") && says(page, "/admin_audit?below=4"));
	assert_true(says(page, "Proven up to row 2 of"));
	assert_true(says(page, "<tr class=\"row-bad\">") && says(page, "Not as it was written"));
	assert_true(says(pages_get("ja", session, "/admin_audit"), "監査証跡が改変されています。"));
	mariadb_exec("UPDATE audit SET actor = 'taro@example.ac.jp' WHERE id = 3");
	check_ok(test_job_run(db, a, upkeep_jobs, "core.verify", 0, ""));
	assert_true(says(pages_get("en", session, "/admin_audit"), "The audit trail is unbroken."));
}

static void results_are_kept_for_a_while(void **state)
{
	for (int i = 0; i < 105; i++)
		check_ok(test_job_run(db, a, upkeep_jobs, "core.verify", 0, ""));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit_check"), 100);
}

/* A link or a picture of another site, or of another host of the university, starts none. */
static void export_from_its_own_page_only(void **state)
{
	static const struct {
		const char *site;
		int http;
	} sites[] = {{NULL, 200}, {"same-origin", 200}, {"none", 200}, {"cross-site", 403}, {"same-site", 403}, {"", 403}, {"same-origin", 200}};
	int exports = 0;

	five();
	for (size_t i = 0; i < COUNT_OF(sites) * 3; i++) { /* more than there are places: none is lost */
		pages_fetch_site(sites[i / 3].site);
		assert_int_equal(pages_get("en", session, "/admin_audit/export").http, sites[i / 3].http);
		exports += sites[i / 3].http == 200;
	}
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.audit.exported'"), exports);
	pages_fetch_site("cross-site");
	assert_int_equal(pages_get("en", session, "/admin_audit").http, 200); /* pages may be linked to */
	pages_fetch_site(NULL);
}

static void export(void **state)
{
	five();
	struct answer file = pages_get("en", session, "/admin_audit/export?object=user%3A3");
	assert_int_equal(file.http, 200);
	assert_memory_equal(file.page, "\xef\xbb\xbf\"Number\",\"Time (UTC)\"", 24);
	assert_true(says(file, "\"4\",\"2026-01-01T15:00:00Z\",\"taro@example.ac.jp\",\"user.logged_in\",\"Logged in\",\"user:3\",\"'=1+1\",\"r4\"\r\n"));
	assert_true(says(file, "\"5\",") && !says(file, "\"3\",\"2026"));
	assert_non_null(strstr(file.disposition, "attachment; filename=\"audit-"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.audit.exported' AND actor = '" PAGES_ADMIN
					"' AND detail LIKE '%object=user%'"),
		1);
	mariadb_exec("INSERT INTO audit (at, actor, context, action, object)"
		     " SELECT 1767193300000 + seq, 'b', '', 'x.y', 'o:1' FROM seq_1_to_1234");
	file = pages_get("ja", session, "/admin_audit/export?actor=b");
	size_t lines = 0;
	for (const char *at = file.page; (at = strstr(at, "\r\n")); at += 2)
		lines++;
	assert_int_equal(lines, 1235); /* every piece once */
}

static void roles(void **state)
{
	const char *look = pages_admin_session(&helper), *audit = pages_admin_session(&auditor), *none = pages_session(&taro);
	static const char *const paths[] = {"/admin_audit", "/admin_audit/export"};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		assert_int_equal(pages_get("en", audit, paths[i]).http, 200);
		assert_int_equal(pages_get("en", look, paths[i]).http, 403);
		assert_int_equal(pages_get("en", none, paths[i]).http, 404);
	}
	assert_int_equal(pages_post(look, "/admin_audit/verify", "", NULL).http, 403);
	assert_int_equal(pages_post(none, "/admin_audit/verify", "", NULL).http, 404);
	assert_int_equal(pages_post(audit, "/admin_audit/verify", "", "wrong").http, 403);
	assert_int_equal(pages_post(audit, "/admin_audit/verify", "", NULL).http, 303);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(filters, fresh),
		cmocka_unit_test_setup(reading_leaves_a_trace, fresh),
		cmocka_unit_test_setup(in_words, fresh),
		cmocka_unit_test_setup(particulars_in_words, fresh),
		cmocka_unit_test_setup(pages_of_twenty, fresh),
		cmocka_unit_test_setup(verification, fresh),
		cmocka_unit_test_setup(results_are_kept_for_a_while, fresh),
		cmocka_unit_test_setup(export_from_its_own_page_only, fresh),
		cmocka_unit_test_setup(export, fresh),
		cmocka_unit_test_setup(roles, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
