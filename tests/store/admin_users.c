/* Tests of what administrators see of users and certificates, and do for them: the searches, the pages, the deeds, and who may. */
#include "support/check.h"

#include "issue/order.h"
#include "store/application_row.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"

/* Enough for a search to go by pages of an index: more than FIND_STEP. */
#define MANY 12000

static struct arena *a;
static struct db *db;
static struct user taro, hanako, admin, help_desk, auditor;
static const char *session;

static int set_up(void **state)
{
	a = pages_test_open(NULL, (const char *const[]){"client", "smime", "upstream_local", "admin_users", NULL}, &db);
	return 0;
}

static struct user login(const char *eppn, const char *name, const char *mail)
{
	struct user user;

	check_ok(user_login(db, a, eppn, "https://idp.example.ac.jp", name, mail, LANG_JA, &user));
	return user;
}

static int fresh(void **state)
{
	mariadb_clear();
	pages_clock(0);
	admin = login(PAGES_ADMIN, "管理 明", "admin@example.ac.jp");
	help_desk = login(PAGES_HELP_DESK, "Desk", "helpdesk@example.ac.jp");
	auditor = login(PAGES_AUDITOR, "Auditor", "auditor@example.ac.jp");
	taro = login("taro@example.ac.jp", "大学 太郎", "Taro.Daigaku@mail.example.ac.jp");
	hanako = login("hanako@example.ac.jp", "ﾀﾞｲｶﾞｸ はなこ <b>50%_off</b> O'Neil \"x\" \\y", "hanako@mail.example.ac.jp");
	session = pages_admin_session(&admin);
	return 0;
}

/* --- Users ------------------------------------------------------------------------------------------------------------------------ */

/* The ePPNs that are found, without their domain. */
static const char *found_in(const char *words, enum user_field field)
{
	struct user_query query = {.words = words, .field = field, .limit = 100};
	struct user *users;
	struct text t = text_new(a, 10000);
	unsigned count;
	size_t n;

	check_ok(user_find(db, a, &query, &users, &n, &count));
	assert_int_equal(count, n);
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s%.*s", i ? " " : "", (int)strcspn(users[i].eppn, "@"), users[i].eppn);
	return t.data;
}

static const char *found(const char *words)
{
	return found_in(words, USER_FIELD_ANY);
}

static void users_are_found_as_people_write_them(void **state)
{
	assert_string_equal(found(""), "hanako taro auditor helpdesk admin"); /* newest first */
	assert_string_equal(found("aro@ex"), "taro");
	assert_string_equal(found("TARO"), "taro");
	assert_string_equal(found("ｔａｒｏ"), "taro");
	assert_string_equal(found("太郎"), "taro");
	assert_string_equal(found("daigaku"), "taro"); /* mail, of capitals */
	assert_string_equal(found("ダイガク"), "hanako");
	assert_string_equal(found("ﾀﾞｲｶﾞｸ"), "hanako");
	assert_string_equal(found("はなこ　ﾀﾞｲ"), "hanako"); /* each word, in any order */
	assert_string_equal(found("はなこ 太郎"), "");
	/* Not patterns, not SQL, not HTML. */
	assert_string_equal(found("%"), "hanako");
	assert_string_equal(found("_"), "hanako");
	assert_string_equal(found("50%_off"), "hanako");
	assert_string_equal(found("5%f"), "");
	assert_string_equal(found("t_ro"), "");
	assert_string_equal(found("o'neil"), "hanako");
	assert_string_equal(found("\"x\""), "hanako");
	assert_string_equal(found("\\y"), "hanako");
	assert_string_equal(found("\\%"), "");
	assert_string_equal(found("' OR '1'='1"), "");
	assert_string_equal(found("<b>"), "hanako");
	/* In one field alone. */
	assert_string_equal(found_in("taro", USER_FIELD_EPPN), "taro");
	assert_string_equal(found_in("taro", USER_FIELD_NAME), "");
	assert_string_equal(found_in("太郎", USER_FIELD_NAME), "taro");
	assert_string_equal(found_in("mail.example", USER_FIELD_EPPN), "");
	assert_string_equal(found_in("mail.example", USER_FIELD_MAIL), "hanako taro");
	check_status(user_find(db, a, &(struct user_query){.words = "a b c d e", .limit = 1}, &(struct user *){NULL}, &(size_t){0}, &(unsigned){0}),
		STATUS_INVALID);
}

static void a_changed_name_is_found_at_once(void **state)
{
	(void)login("taro@example.ac.jp", "新姓 太郎", "taro@new.example.ac.jp");
	assert_string_equal(found("新姓"), "taro");
	assert_string_equal(found("大学"), "");
	assert_string_equal(found("new.example"), "taro");
}

static void users_of_before_are_filled_in(void **state)
{
	unsigned filled = 0;

	mariadb_exec("UPDATE user SET search = NULL");
	assert_string_equal(found("taro"), "");
	assert_string_equal(found(""), "hanako taro auditor helpdesk admin"); /* the list does not need it */
	check_ok(user_search_fill(db, a, 3, &filled));
	assert_int_equal(filled, 3);
	check_ok(user_search_fill(db, a, 3, &filled));
	assert_int_equal(filled, 2);
	check_ok(user_search_fill(db, a, 3, &filled));
	assert_int_equal(filled, 0);
	assert_string_equal(found("ダイガク"), "hanako");
	assert_string_equal(found("taro"), "taro");
}

static void users_come_in_pages(void **state)
{
	mariadb_exec("INSERT INTO user (eppn, idp, name, mail, lang, created_at, seen_at, search)"
		     " SELECT CONCAT('u', seq), '', CONCAT('many ', seq), '', 'ja', 1, 1, CONCAT('u', seq, '\\nmany ', seq, '\\n') FROM seq_1_to_12000");
	struct user_query query = {.words = "many", .limit = 21};
	struct user *users;
	unsigned count;
	size_t n;
	check_ok(user_find(db, a, &query, &users, &n, &count)); /* more than are counted */
	assert_int_equal(count, COUNT_MAX + 1);
	assert_int_equal(n, 21);
	assert_string_equal(users[0].eppn, "u12000");
	query.below = users[19].id;
	check_ok(user_find(db, a, &query, &users, &n, &count));
	assert_string_equal(users[0].eppn, "u11980");
	query = (struct user_query){.words = "many 77", .limit = 21};
	check_ok(user_find(db, a, &query, &users, &n, &count));
	assert_int_equal(count, mariadb_number("SELECT COUNT(*) FROM user WHERE name LIKE '%77%'"));
	uint64_t twentieth = users[19].id;
	assert_true(users[0].id > users[1].id && n == 21);
	query.below = twentieth;
	uint64_t next = users[20].id;
	check_ok(user_find(db, a, &query, &users, &n, &count));
	assert_int_equal(users[0].id, next);
	struct answer answer = pages_get("ja", session, "/admin_users?q=many");
	assert_int_equal(answer.http, 200);
	assert_non_null(strstr(answer.page, "10,000件以上"));
	assert_non_null(strstr(answer.page, "u11981"));
	assert_null(strstr(answer.page, "u11980"));
	assert_non_null(strstr(answer.page, "below="));
}

/* --- Certificates ----------------------------------------------------------------------------------------------------------------- */

#define ANY .status = -1, .certificate = -1, .serial = "", .upstream_id = "", .cn = ""

/* All that match, over all pages, by the ids in the order in which they come. */
static size_t walk(struct application_wish wish, uint64_t *ids, size_t max, struct found *first)
{
	struct found_place place = {0};
	struct found part;
	size_t n = 0, pages = 0;

	do {
		check_ok(application_find_all(db, a, &wish, &place, FIND_MAX, clock_now(), &part));
		if (pages++ == 0 && first)
			*first = part;
		for (size_t i = 0; i < part.n && n < max; i++)
			ids[n++] = part.apps[i].id;
		place = part.next;
	} while (part.more && pages < 2000);
	assert_true(pages < 2000);
	return n;
}

static size_t count_of(struct application_wish wish)
{
	uint64_t ids[200];
	struct found first;
	size_t n = walk(wish, ids, COUNT_OF(ids), &first);

	assert_true(first.counted);
	assert_int_equal(first.count, n);
	for (size_t i = 1; i < n; i++)
		assert_true(ids[i] < ids[i - 1]);
	return n;
}

/* Each choice of 申請状況 finds exactly those that show its label, and each choice of 証明書の状態 likewise. */
static void choices_are_what_is_shown(void **state)
{
	for (int round = 0; round < 2; round++)
		for (enum application_state s = 0; s < APPLICATION_STATE_COUNT; s++)
			(void)test_in_state(db, a, round ? &taro : &hanako, s);
	/* Renewals, cards, and what time alone has ended. */
	mariadb_exec("UPDATE application SET renews = 1 WHERE user_id = (SELECT id FROM user WHERE eppn = 'taro@example.ac.jp') AND state <> 'DELIVERED'");
	for (enum application_state s = 0; s <= APPLICATION_TAKEN; s++)
		mariadb_exec(arena_printf(a, "UPDATE application SET handover = 1 WHERE id = %llu",
			(unsigned long long)test_in_state(db, a, &hanako, s).id));
	for (int round = 0; round < 2; round++)
		for (enum application_state s = APPLICATION_PIN; s <= APPLICATION_DELIVERED; s++) {
			struct application app = test_in_state(db, a, &taro, s);
			mariadb_exec(arena_printf(a,
				"UPDATE application SET download_until = 1000, not_after = IF(state = 'PIN', 0, 1000), live_until = 1000, renews = %d, months = 0 WHERE id = %llu",
				round, (unsigned long long)app.id));
			if (s == APPLICATION_DELIVERED)
				mariadb_exec(arena_printf(a, "UPDATE application SET not_after = 1000 WHERE id = %llu", (unsigned long long)app.id));
		}
	size_t all = (size_t)mariadb_number("SELECT COUNT(*) FROM application"), by_status = 0, by_state = 0;
	when now = clock_now();
	for (size_t c = 0; c < status_choices_n; c++) {
		size_t expected = 0;
		for (uint64_t id = 1; id <= all; id++) {
			struct application app;
			check_ok(application_get(db, a, id, &app));
			expected += text_same(application_phase_label(&app, now), status_choices[c].label);
		}
		struct application_wish wish = {ANY};
		wish.status = (int)c;
		if (count_of(wish) != expected)
			fail_msg("%s: %zu found, %zu shown", status_choices[c].name, count_of(wish), expected);
		by_status += expected;
	}
	assert_int_equal(by_status, all); /* every label that occurs is a choice */
	for (enum certificate_state s = 0; s <= CERTIFICATE_ERROR; s++) {
		size_t expected = 0;
		for (uint64_t id = 1; id <= all; id++) {
			struct application app;
			check_ok(application_get(db, a, id, &app));
			expected += application_certificate(&app, now) == s;
		}
		struct application_wish wish = {ANY};
		wish.certificate = (int)s;
		assert_int_equal(count_of(wish), expected);
		by_state += expected;
	}
	assert_int_equal(by_state, all);
}

static void numbers_names_and_dates(void **state)
{
	struct application app = test_application(db, a, &taro), other = test_in_state(db, a, &hanako, APPLICATION_TAKEN);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .pin = "p", .url = "u"});
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_TAKEN, .serial = "1f2e3d4c5b6a798f", .not_before = clock_now() - DAY, .not_after = clock_now() + 100 * DAY});
	mariadb_exec("UPDATE application SET upstream_id = '10045', created_at = 1700000000000 WHERE serial = '1f2e3d4c5b6a798f'");
	static const char *const serials[] = {"1f2e3d4c5b6a798f", "1F:2E:3D:4C:5B:6A:79:8F", "0x1F2E3D4C5B6A798F", "2246800662264969615",
		"00 1f 2e 3d 4c 5b 6a 79 8f", "１Ｆ２Ｅ３Ｄ４Ｃ５Ｂ６Ａ７９８Ｆ"};
	for (size_t i = 0; i < COUNT_OF(serials); i++) {
		struct application_wish wish = {ANY};
		wish.serial = serials[i];
		assert_int_equal(count_of(wish), 1);
	}
	struct application_wish wish = {ANY};
	struct found found_none;
	wish.serial = "1f2e3d4c5b6a798e";
	assert_int_equal(count_of(wish), 0);
	wish.serial = "1f2e3d4c5b6a79"; /* the whole number alone */
	assert_int_equal(count_of(wish), 0);
	wish.serial = "99999999999999999999999999999999999999999999999999999999999999999999";
	assert_int_equal(count_of(wish), 0);
	wish.serial = "' OR 1=1";
	check_status(application_find_all(db, a, &wish, &(struct found_place){0}, 20, clock_now(), &found_none), STATUS_INVALID);
	wish = (struct application_wish){ANY};
	wish.upstream_id = "10045";
	assert_int_equal(count_of(wish), 1);
	wish.certificate = CERTIFICATE_REVOKED; /* together: both must be so */
	assert_int_equal(count_of(wish), 0);
	wish = (struct application_wish){ANY};
	wish.upstream_id = "1004%";
	assert_int_equal(count_of(wish), 0);
	wish = (struct application_wish){ANY};
	wish.cn = "Ｔａｒｏ.DAI"; /* CN=Taro.Daigaku@mail... */
	assert_int_equal(count_of(wish), 1);
	wish.cn = "aro";
	assert_int_equal(count_of(wish), 0); /* from the beginning */
	wish.cn = "%";
	assert_int_equal(count_of(wish), 0);
	wish.cn = "t_ro";
	assert_int_equal(count_of(wish), 0);
	wish = (struct application_wish){ANY};
	wish.applied_until = 1700000000001;
	assert_int_equal(count_of(wish), 1);
	wish.applied_until = 1700000000000; /* before it */
	assert_int_equal(count_of(wish), 0);
	wish = (struct application_wish){ANY};
	wish.expires_until = clock_now() + 101 * DAY;
	assert_int_equal(count_of(wish), 1);
	wish.expires_until = clock_now() + 400 * DAY;
	assert_int_equal(count_of(wish), 2);
	wish.expires_from = clock_now() + 300 * DAY;
	assert_int_equal(count_of(wish), 1);
	assert_true(other.id > app.id);
}

static void fill_many(void)
{
	mariadb_exec("INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, renews, name, mail, extra,"
		     " created_at, changed_at, not_after, serial)"
		     " SELECT 1, seq, IF(seq % 100 = 0, 'REVOKED', 'TAKEN'), 'client', 'upstream_local', '5', 12, CONCAT('CN=Many', seq DIV 3, ',O=X'),"
		     " IF(seq % 100 = 0, 0, IF(seq % 2, 5000 + seq DIV 7, 9000000000000)), 0, '', '', '', 1000000 + seq DIV 5, 1, 5000 + seq DIV 7, HEX(seq)"
		     " FROM seq_1_to_12000");
}

/* Whatever the order, every row that matches comes once, and no other. */
static void long_searches_walk_through_all(void **state)
{
	static uint64_t ids[MANY + 1];
	static bool seen[MANY + 1];
	fill_many();
	const uint64_t base = (uint64_t)mariadb_number("SELECT MIN(id) FROM application") - 1;
	const struct {
		struct application_wish wish;
		const char *sql;
		enum found_order order;
		unsigned count; /* 0: not counted */
	} cases[] = {
		{{ANY}, "1", FOUND_NEWEST, COUNT_MAX + 1},
		{{ANY, .applied_from = 1}, "1", FOUND_APPLIED, COUNT_MAX + 1},
		{{ANY, .expires_from = 1}, "1", FOUND_EXPIRY, COUNT_MAX + 1},
		{{.status = -1, .certificate = CERTIFICATE_REVOKED, .serial = "", .upstream_id = "", .cn = "", .applied_from = 1}, "state = 'REVOKED'", FOUND_NEWEST, 120},
		{{ANY, .expires_from = 1, .expires_until = 6000}, "not_after < 6000", FOUND_NEWEST, 6999},
		{{.status = -1, .certificate = -1, .serial = "", .upstream_id = "none", .cn = "", .applied_from = 1, .expires_from = 1}, "0", FOUND_NEWEST, 0},
	};
	for (size_t c = 0; c < COUNT_OF(cases); c++) {
		struct application_wish wish = cases[c].wish;
		struct found first;
		size_t n = walk(wish, ids, COUNT_OF(ids), &first), expected = (size_t)mariadb_number(
			arena_printf(a, "SELECT COUNT(*) FROM application WHERE %s", cases[c].sql));
		assert_int_equal(first.order, cases[c].order);
		assert_int_equal(first.count, cases[c].count);
		assert_int_equal(n, expected);
		memset(seen, 0, sizeof seen);
		for (size_t i = 0; i < n; i++) {
			assert_false(seen[ids[i] - base]);
			seen[ids[i] - base] = true;
		}
	}
	/* By the CN, as in a dictionary; and what is over, latest end first. */
	struct application_wish wish = {ANY};
	struct found first;
	wish.cn = "MANY";
	assert_int_equal(walk(wish, ids, COUNT_OF(ids), &first), MANY);
	assert_int_equal(first.order, FOUND_CN);
	for (size_t i = 0; i < first.n; i++)
		assert_true(i == 0 || strcmp(first.apps[i - 1].subject, first.apps[i].subject) <= 0);
	/* Conditions that hardly ever meet: pages may be empty, but it ends, and finds the one. */
	mariadb_exec("UPDATE application SET handover = 1 WHERE number = 7");
	wish.status = -1;
	for (size_t i = 0; i < status_choices_n; i++)
		if (text_same(status_choices[i].name, "card-done"))
			wish.status = (int)i;
	mariadb_exec("UPDATE application SET live_until = 9000000000000 WHERE number = 7");
	assert_int_equal(walk(wish, ids, COUNT_OF(ids), &first), 1);
	assert_int_equal(ids[0], base + 7);
	assert_false(first.counted);
}

/* --- Pages ------------------------------------------------------------------------------------------------------------------------ */

static const char *path_of(const struct application *app, const char *rest)
{
	return arena_printf(a, "/admin_users/certificates/%llu%s", (unsigned long long)app->id, rest);
}

static int64_t audits(const char *action)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE action = '%s'", action));
}

static void looks_leave_a_trace_and_show_no_pin(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_PIN);
	const char *user = arena_printf(a, "/admin_users/user/%llu", (unsigned long long)taro.id);
	const char *pages[] = {"/admin_users", user, "/admin_users/certificates", path_of(&app, ""), path_of(&app, "/error")};

	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		struct answer answer = pages_get(i % 2 ? "ja" : "en", session, pages[i]);
		assert_int_equal(answer.http, 200);
		assert_null(strstr(answer.page, "first PIN"));
		assert_null(strstr(answer.page, "download.example"));
		assert_null(strstr(answer.page, "<b>50%"));
	}
	assert_int_equal(audits("admin.looked"), 3);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE action = 'admin.looked' AND object = 'user:%llu' AND actor = '%s'",
				 (unsigned long long)taro.id, PAGES_ADMIN)),
		1);
	assert_int_equal(audits("pin.viewed"), 0);
	/* The owner sees it: what the pages do not show is there. */
	assert_non_null(strstr(pages_get("en", pages_session(&taro), "/client/1").page, "first PIN"));
	assert_non_null(strstr(pages_get("en", session, "/admin_users?q=%26lt%3B").page, "nothing to show"));
	assert_int_equal(audits("admin.searched"), 1); /* also of what was not found */
	assert_non_null(strstr(pages_get("en", session, "/admin_users?q=50%25_off").page, "&lt;b&gt;50%_off"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched' AND object = '/admin_users' AND detail = 'q=50%_off'"), 1);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?cn=taro&status=&applied_from=2024-02-28").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.searched' AND object = '/admin_users/certificates'"
				 " AND detail = 'cn=taro applied_from=2024-02-28'"),
		1);
	assert_int_equal(audits("admin.searched"), 3);
}

static void who_is_nobody_finds_no_pages(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_ERROR);
	const char *desk = pages_admin_session(&help_desk), *audit = pages_admin_session(&auditor), *own = pages_session(&taro);
	static const char *const rest[] = {"", "/error", "/raw", "/revoke", "/retry", "/delete"};

	mariadb_exec("UPDATE application SET error_text = 'raw'");
	for (size_t i = 0; i < COUNT_OF(rest); i++) {
		assert_int_equal(pages_get("en", own, path_of(&app, rest[i])).http, 404);
		assert_int_equal(pages_get("en", pages_session(&admin), path_of(&app, rest[i])).http, 401);
		assert_int_equal(pages_get("en", audit, path_of(&app, rest[i])).http, i < 3 ? 200 : 403);
		/* Help desk: looks, and may revoke; there is nothing to revoke here (409). */
		assert_int_equal(pages_get("en", desk, path_of(&app, rest[i])).http, i < 3 ? 200 : i == 3 ? 409 : 403);
	}
	assert_int_equal(pages_post(desk, path_of(&app, "/delete"), "understood=1&form_key=AAAAAAAAAAAAAAAAAAAAAA", NULL).http, 403);
	assert_int_equal(pages_post(session, path_of(&app, "/delete"), "understood=1&form_key=AAAAAAAAAAAAAAAAAAAAAA", "wrong").http, 403);
	check_ok(application_get(db, a, app.id, &app));
	assert_null(strstr(pages_get("en", desk, path_of(&app, "")).page, "/delete"));
	assert_non_null(strstr(pages_get("en", session, path_of(&app, "")).page, "/delete"));
}

static void a_row_without_owner_is_shown_by_its_mail(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	mariadb_exec(arena_printf(a, "UPDATE application SET user_id = NULL, number = NULL WHERE id = %llu", (unsigned long long)app.id));
	assert_non_null(strstr(pages_get("ja", session, path_of(&app, "")).page, "所有者未確認"));
	struct answer answer = pages_get("ja", session, "/admin_users/certificates");
	assert_non_null(strstr(answer.page, "所有者未確認"));
	assert_non_null(strstr(answer.page, app.mail));
	assert_int_equal(pages_get("ja", session, path_of(&app, "/revoke")).http, 200);
}

static void errors_are_told_in_words(void **state)
{
	struct application app = test_application(db, a, &taro);

	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_REJECTED, .error_code = "212", .error_field = "主体者DN", .error_text = "<script>alert(1)</script>既存"});
	struct answer answer = pages_get("ja", session, path_of(&app, "/error"));
	assert_non_null(strstr(answer.page, "過去に使用されています"));
	assert_non_null(strstr(answer.page, "主体者DN"));
	assert_non_null(strstr(answer.page, "&lt;script&gt;"));
	assert_null(strstr(answer.page, "<script>alert"));
	assert_non_null(strstr(pages_get("ja", session, arena_printf(a, "/admin_users/user/%llu", (unsigned long long)taro.id)).page, ">ERROR<"));
	answer = pages_get("ja", session, path_of(&app, "/raw"));
	assert_string_equal(answer.page, "<script>alert(1)</script>既存");
	test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .pin = "p", .url = "u"}); /* late but real */
	assert_int_equal(pages_get("ja", session, path_of(&app, "/raw")).http, 404);
	assert_null(strstr(pages_get("ja", session, path_of(&app, "/error")).page, "212"));
}

static void wrong_searches_are_told_so(void **state)
{
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?serial=xyz").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?applied_from=2024-02-31").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?applied_from=2024-02-28").http, 200);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?status=nonsense").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?after=1&order=expiry&key=x").http, 400);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates?after=1&order=cn").http, 200);
	assert_int_equal(pages_get("en", session, "/admin_users/user/99999").http, 404);
	assert_int_equal(pages_get("en", session, "/admin_users/certificates/99999").http, 404);
	assert_int_equal(pages_get("en", session, "/admin_users?in=password").http, 400);
}

/* --- Deeds ------------------------------------------------------------------------------------------------------------------------ */

#define KEY_1 "AAAAAAAAAAAAAAAAAAAAAA"
#define KEY_2 "BBBBBBBBBBBBBBBBBBBBBB"

static void revocation_for_somebody_else(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	const char *path = path_of(&app, "/revoke"), *desk = pages_admin_session(&help_desk);
	const char *form = "reason=9&understood=1&note=left+in+March&form_key=" KEY_1;

	assert_int_equal(pages_get("en", desk, path).http, 200);
	/* Without reason, tick or key, and with a reason that is none of an administrator's: nothing. */
	assert_int_equal(pages_post(desk, path, "understood=1&form_key=" KEY_1, NULL).http, 400);
	assert_int_equal(pages_post(desk, path, "reason=5&form_key=" KEY_1, NULL).http, 400);
	assert_int_equal(pages_post(desk, path, "reason=6&understood=1&form_key=" KEY_1, NULL).http, 400);
	assert_int_equal(pages_post(desk, path, "reason=5&understood=1", NULL).http, 400);
	check_ok(application_get(db, a, app.id, &app));
	assert_int_equal(app.state, APPLICATION_TAKEN);
	assert_int_equal(audits("admin.revoked"), 0);

	struct answer answer = pages_post(desk, path, form, NULL);
	assert_int_equal(answer.http, 303);
	assert_string_equal(answer.location, path_of(&app, "?done=revoke"));
	check_ok(application_get(db, a, app.id, &app));
	assert_int_equal(app.state, APPLICATION_REVOKE_ACCEPTED);
	assert_int_equal(app.reason, 9);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'admin.revoked' AND detail LIKE 'reason 9 note left in March' AND actor = '" PAGES_HELP_DESK "'"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.revoke'"), 1);
	/* The same form again is the same wish; another one comes too late. */
	assert_string_equal(pages_post(desk, path, form, NULL).location, path_of(&app, "?done=revoke&again=1"));
	assert_int_equal(pages_post(desk, path, "reason=5&understood=1&form_key=" KEY_2, NULL).http, 409);
	assert_int_equal(audits("admin.revoked"), 1);
	/* It failed there: once more. */
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_REJECTED, .error_code = "205"});
	assert_non_null(strstr(pages_get("en", session, path_of(&app, "/error")).page, "still valid"));
	assert_int_equal(pages_post(desk, path, "reason=5&understood=1&form_key=" KEY_2, NULL).http, 303);
	assert_int_equal(audits("admin.revoked"), 2);
}

static void a_failed_application_starts_again(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_ERROR), taken = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	assert_int_equal(pages_get("en", session, path_of(&app, "/retry")).http, 200);
	assert_int_equal(pages_get("en", session, path_of(&taken, "/retry")).http, 409);
	assert_int_equal(pages_post(session, path_of(&taken, "/retry"), "form_key=" KEY_1, NULL).http, 409);
	assert_int_equal(pages_post(session, path_of(&app, "/retry"), "form_key=" KEY_1, NULL).http, 303);
	check_ok(application_get(db, a, app.id, &app));
	assert_int_equal(app.state, APPLICATION_ACCEPTED);
	assert_int_equal(audits("admin.retried"), 1);
	assert_string_equal(pages_post(session, path_of(&app, "/retry"), "form_key=" KEY_1, NULL).location, path_of(&app, "?done=retry&again=1"));
	assert_int_equal(pages_post(session, path_of(&app, "/retry"), "form_key=" KEY_2, NULL).http, 409);
	assert_int_equal(audits("admin.retried"), 1);
}

static void a_record_in_error_is_deleted_with_all_that_is_its(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_ERROR), valid = test_in_state(db, a, &taro, APPLICATION_TAKEN),
			   revoke_error = test_in_state(db, a, &taro, APPLICATION_REVOKE_ERROR);
	const char *form = "understood=1&note=wrong+name&form_key=" KEY_1;
	const char *id = arena_printf(a, "%llu", (unsigned long long)app.id);

	/* What has a certificate stays, whatever the form says. */
	assert_int_equal(pages_post(session, path_of(&valid, "/delete"), form, NULL).http, 409);
	assert_int_equal(pages_post(session, path_of(&revoke_error, "/delete"), form, NULL).http, 409);
	assert_int_equal(pages_post(session, path_of(&app, "/delete"), "form_key=" KEY_1, NULL).http, 400);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 3);
	mariadb_exec(arena_printf(a, "INSERT INTO conflict (application_id, kind, state, source_key, at) VALUES (%s, 'PIN', 'ERROR', 'x', 1)", id));
	mariadb_exec(arena_printf(a, "INSERT INTO reminder (application_id, kind, days, at) VALUES (%s, 'download', 3, 1)", id));
	int64_t events = mariadb_number("SELECT COUNT(*) FROM event"), own = mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM event WHERE application_id = %s", id));
	assert_true(own > 0 && mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM job WHERE subject = %s", id)) > 0);

	assert_int_equal(pages_get("en", session, path_of(&app, "/delete")).http, 200);
	assert_string_equal(pages_post(session, path_of(&app, "/delete"), form, NULL).location,
		arena_printf(a, "/admin_users/user/%llu?deleted=1", (unsigned long long)taro.id));
	check_status(application_get(db, a, app.id, &app), STATUS_MISSING);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event"), events - own);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict") + mariadb_number("SELECT COUNT(*) FROM reminder"), 0);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM job WHERE subject = %s", id)), 0);
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT COUNT(*) FROM audit WHERE action = 'admin.deleted' AND object = 'application:%s' AND detail LIKE 'user:%llu number 1 type client%%CN=%%note wrong name'",
				 id, (unsigned long long)taro.id)),
		1);
	assert_int_equal(pages_post(session, path_of(&app, "/delete"), form, NULL).http, 303); /* the same form again */
	assert_int_equal(audits("admin.deleted"), 1);
	/* One that never was is not deleted, nor is what is no number. */
	assert_int_equal(pages_post(session, "/admin_users/certificates/99999/delete", form, NULL).http, 404);
	assert_int_equal(pages_post(session, "/admin_users/certificates/x/delete", form, NULL).http, 404);
	assert_int_equal(pages_post(session, arena_printf(a, "/admin_users/certificates/%s9/delete", id), form, NULL).http, 404);
}

static void what_is_reported_of_a_deleted_one_is_kept(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_ERROR), there = test_in_state(db, a, &taro, APPLICATION_PIN);
	const struct event taken = {.kind = EVENT_TAKEN, .source_key = "late", .serial = "abc123", .not_after = clock_now() + DAY};
	const struct event revoked = {.kind = EVENT_REVOKED, .source_key = "later", .reason = 1};
	const struct event gave_up = {.kind = EVENT_GAVE_UP, .source_key = "job"};

	check_ok(upstream_report(db, a, "upstream_local", there.id, &taken));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 0);
	check_ok(application_delete(db, a, app.id, ""));
	for (int twice = 0; twice < 2; twice++)
		check_ok(upstream_report(db, a, "upstream_local", app.id, &taken));
	check_ok(upstream_report(db, a, "upstream_local", app.id, &revoked));
	check_status(upstream_report(db, a, "core", app.id, &gave_up), STATUS_MISSING);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict WHERE state = 'DELETED' AND closed_at = 0"), 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict WHERE kind = 'TAKEN' AND detail = 'serial abc123'"), 1);
	check_status(application_delete(db, a, there.id, ""), STATUS_CONFLICT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(users_are_found_as_people_write_them, fresh),
		cmocka_unit_test_setup(a_changed_name_is_found_at_once, fresh),
		cmocka_unit_test_setup(users_of_before_are_filled_in, fresh),
		cmocka_unit_test_setup(users_come_in_pages, fresh),
		cmocka_unit_test_setup(choices_are_what_is_shown, fresh),
		cmocka_unit_test_setup(numbers_names_and_dates, fresh),
		cmocka_unit_test_setup(long_searches_walk_through_all, fresh),
		cmocka_unit_test_setup(looks_leave_a_trace_and_show_no_pin, fresh),
		cmocka_unit_test_setup(who_is_nobody_finds_no_pages, fresh),
		cmocka_unit_test_setup(a_row_without_owner_is_shown_by_its_mail, fresh),
		cmocka_unit_test_setup(errors_are_told_in_words, fresh),
		cmocka_unit_test_setup(wrong_searches_are_told_so, fresh),
		cmocka_unit_test_setup(revocation_for_somebody_else, fresh),
		cmocka_unit_test_setup(a_failed_application_starts_again, fresh),
		cmocka_unit_test_setup(a_record_in_error_is_deleted_with_all_that_is_its, fresh),
		cmocka_unit_test_setup(what_is_reported_of_a_deleted_one_is_kept, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
