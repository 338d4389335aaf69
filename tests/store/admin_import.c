/* Tests of the bulk import through its pages and jobs, on a real database: encodings, layouts, classes, owners, events, and what must not be kept. */
#include "support/check.h"

#include <iconv.h>
#include <pthread.h>
#include <unistd.h>

#include "pages/handlers.h"
#include "store/application_import.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/saml_forge.h"

#define PIN "SECRETPIN98765"
#define DN(cn) "CN=" cn ",OU=Center,O=Example University,L=Kyoto,C=JP"
#define BOUNDARY "----inkantestboundary7MA4YWxk"

static struct arena *a;
static struct db *db;
static struct user admin, help_desk;
static const char *session;

static int set_up(void **state)
{
	static const char *const names[] = {"client", "smime", "upstream_local", "admin_import", NULL};

	a = pages_test_open(NULL, names, &db);
	check_ok(saml_start(&forge_world()->settings, FORGE_PORTAL));
	for (size_t i = 0; names[i]; i++)
		mariadb_file(a, arena_printf(a, "%s.conf", names[i]),
			text_same(names[i], "upstream_local") ? "ca_key = \"ec:P-256\"\nuser_key = \"ec:P-256\"\n" : "");
	check_ok(plugin_configure(a, mariadb_dir()));
	for (size_t i = 0; names[i]; i++)
		check_ok(plugin_find(names[i])->start(a, db));
	return 0;
}

static int tear_down(void **state)
{
	saml_stop();
	return pages_test_close(state);
}

static struct user person(const char *eppn, const char *idp, const char *mail)
{
	struct user u;

	check_ok(user_login(db, a, eppn, idp, "Some Body", mail, LANG_EN, &u));
	return u;
}

static int fresh(void **state)
{
	mariadb_clear();
	admin = person(PAGES_ADMIN, "https://idp.example.ac.jp", PAGES_ADMIN);
	help_desk = person(PAGES_HELP_DESK, "https://idp.example.ac.jp", PAGES_HELP_DESK);
	session = pages_admin_session(&admin);
	return 0;
}

/* --- Files -------------------------------------------------------------------------------------------------------------- */

struct line {
	const char *id, *dn, *state, *mail, *serial, *begin, *end, *url, *revoked, *old, *profile;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* The 46 columns of the list, by their positions. */
static const char *line_text(const struct line *l)
{
	struct text t = text_new(a, 1 << 16);
	const char *cells[46];

	for (size_t i = 0; i < 46; i++)
		cells[i] = "x";
	for (size_t i = 40; i < 46; i++)
		cells[i] = "";
	cells[0] = or_empty(l->id);
	cells[3] = or_empty(l->dn);
	cells[5] = "2024/04/01 09:30:00";
	cells[10] = l->profile ? l->profile : "5";
	cells[11] = or_empty(l->state);
	cells[14] = or_empty(l->mail);
	cells[23] = or_empty(l->serial);
	cells[25] = l->begin ? l->begin : "2024/04/02 00:00:00";
	cells[26] = l->end ? l->end : "2034/04/02 23:59:59";
	cells[27] = or_empty(l->url);
	cells[28] = PIN;
	cells[34] = or_empty(l->revoked);
	cells[42] = or_empty(l->old);
	for (size_t i = 0; i < 46; i++)
		text_addf(&t, "%s%s", i ? "\t" : "", cells[i]);
	return t.data;
}

#define HEADER                                                                                                                   \
	"発行・更新申請-申請ID\tb\tc\t主体者DN\te\t発行・更新申請-日時\tg\th\ti\tj\t証明書プロファイルID\t状態\tm\tn\t利用者メールアドレス\tp\tq\tr\ts\tt\tu\tv\tw\t" \
	"発行・更新申請-シリアル番号\ty\t発行・更新申請-証明書有効開始\t発行・更新申請-証明書有効期限\t証明書取得URL有効期限\tアクセスPIN\tdd\tee\tff\tgg\thh\t" \
	"失効申請-完了日時\tjj\tkk\tll\tmm\tnn\too\tpp\t旧証明書シリアル番号\trr\tss\ttt\r\n"

static const char *file_text(const char *header, const struct line *lines, size_t n)
{
	struct text t = text_new(a, 64 << 20);

	text_add(&t, header);
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s\r\n", line_text(&lines[i]));
	return t.data;
}
#define FILE_OF(header, ...) file_text(header, (const struct line[]){__VA_ARGS__}, COUNT_OF(((const struct line[]){__VA_ARGS__})))

static struct bytes cp932(const char *utf8)
{
	iconv_t conv = iconv_open("CP932", "UTF-8");
	size_t left = strlen(utf8), room = left * 2;
	char *out = arena_alloc(a, room), *to = out, *from = (char *)(uintptr_t)utf8;

	assert_true(conv != (iconv_t)-1);
	assert_int_equal(iconv(conv, &from, &left, &to, &room), 0);
	iconv_close(conv);
	return bytes_of(out, (size_t)(to - out));
}

static struct answer upload_as(const char *who, const char *csrf, struct bytes file)
{
	const char *head = arena_printf(a,
		"--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n%s\r\n--" BOUNDARY
		"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"clientAll 一覧.tsv\"\r\nContent-Type: text/tab-separated-values\r\n\r\n",
		csrf);
	const char *tail = "\r\n--" BOUNDARY "--\r\n";
	size_t len = strlen(head) + file.len + strlen(tail);
	char *body = arena_alloc(a, len + 1);

	memcpy(body, head, strlen(head));
	memcpy(body + strlen(head), file.data, file.len);
	memcpy(body + strlen(head) + file.len, tail, strlen(tail));
	return pages_send(who, "/admin_import/upload", "multipart/form-data; boundary=" BOUNDARY, bytes_of(body, len));
}

static struct answer upload(struct bytes file)
{
	return upload_as(session, pages_csrf(session), file);
}

/* --- Jobs ---------------------------------------------------------------------------------------------------------------- */

static const struct job_kind *kind_of(const char *name)
{
	const struct plugin *p = plugin_find("admin_import");

	for (const struct job_kind *k = p->jobs; k->name; k++)
		if (text_same(k->name, name))
			return k;
	return NULL;
}

/* Does the import's work as the poll loop does; at most `runs` jobs, each with this time. */
static int work_for(int runs, when time)
{
	static const char *const kinds[] = {"admin_import.fetch", "admin_import.part", NULL};
	struct job job;
	int n = 0;

	while (n < runs) {
		enum status s = job_claim(db, a, kinds, LEASES(MINUTE), "test", &job);
		if (s == STATUS_MISSING)
			break;
		check_ok(s);
		struct arena *own = arena_new();
		const struct job_run run = {.job = &job, .arena = own, .db = db, .deadline = clock_monotonic() + time};
		check_ok(kind_of(job.kind)->run(&run));
		check_ok(job_done(db, &job, "test"));
		arena_free(own);
		n++;
	}
	return n;
}

static void work(void)
{
	work_for(1000, MINUTE);
}

static void sweep(void)
{
	const struct job job = {.kind = "admin_import.sweep"};
	const struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + MINUTE};

	check_ok(kind_of("admin_import.sweep")->run(&run));
}

static const char *run_path(struct answer answer)
{
	if (answer.http != 303 || !answer.location)
		fail_msg("no redirect: %d %s", answer.http, answer.page);
	return answer.location;
}

/* Uploads, works, and leads to the page of the result. */
static const char *fetched(const char *text)
{
	const char *path = run_path(upload(bytes_string(text)));

	work();
	return path;
}

static void registered(const char *path, const char *cells)
{
	run_path(pages_post(session, arena_printf(a, "%s/register", path), cells, NULL));
	work();
}
#define ALL_NEW "waiting_new=1&issued_new=1&renewed_new=1&revoked_new=1"
#define ALL_KNOWN "&waiting_known=1&issued_known=1&renewed_known=1&revoked_known=1"

static int64_t count(const char *what)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.%s", what));
}

static int64_t number(const char *sql)
{
	return mariadb_number(sql);
}

/* --- Encodings and layouts ------------------------------------------------------------------------------------------------ */

static const struct line taro = {.id = "A1", .dn = DN("taro"), .state = "5", .mail = "taro@u.test", .serial = "4660"};

static void check_taro(void)
{
	assert_int_equal(count("import_row"), 1);
	assert_int_equal(count("import_row WHERE class = 'issued' AND subject = '" DN("taro") "' AND mail = 'taro@u.test' AND serial = '1234'"
			       " AND upstream_id = 'A1' AND profile = '5' AND type = 'client' AND months = 52"),
		1);
	/* 09:30 in Japan is 00:30 UTC */
	assert_int_equal(number("SELECT requested_at FROM inkan.import_row"), 1711931400000);
}

static void every_encoding_is_told(void **state)
{
	const char *utf8 = FILE_OF(HEADER, taro);

	const struct bytes files[] = {bytes_string(utf8), bytes_string(arena_printf(a, "\xef\xbb\xbf%s", utf8)), cp932(utf8)};
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		fresh(NULL);
		run_path(upload(files[i]));
		work();
		check_taro();
	}
}

static void every_layout_is_told(void **state)
{
	fresh(NULL);
	fetched(FILE_OF("", taro)); /* by position alone */
	check_taro();
	fresh(NULL); /* few columns, in another order, one of them a PIN */
	fetched("アクセスPIN\t状態\t発行・更新申請-シリアル番号\t主体者DN\t発行・更新申請-日時\t利用者メールアドレス\t発行・更新申請-申請ID\t証明書プロファイルID\t発行・更新申請-証明書有効期限\n" PIN
		"\t5\t4660\t" DN("taro") "\t2024-04-01T09:30:00\ttaro@u.test\tA1\t5\t2034/04/02\n");
	check_taro();
	fresh(NULL); /* more columns than are known, and quotes as a table program writes them */
	const char *header = arena_printf(a, "%.*s\tnew 1\tnew 2\n", (int)strlen(HEADER) - 2, HEADER);
	fetched(arena_printf(a, "%s%s\t1\t\"2\"\n", header,
		line_text(&(struct line){.id = "A1", .dn = "\"" DN("taro") "\"", .state = "5", .mail = "taro@u.test", .serial = "\"4660\""})));
	check_taro();
}

static void blanks_between_attributes_do_not_make_another_subject(void **state)
{
	fetched(FILE_OF(HEADER, {.dn = "CN=taro, OU=Center,  O=Example, Inc. University,C=JP", .state = "5", .serial = "1"}));
	assert_int_equal(count("import_row WHERE subject = 'CN=taro,OU=Center,O=Example, Inc. University,C=JP'"), 1);
}

static void serials_of_both_bases(void **state)
{
	fetched(FILE_OF(HEADER, {.dn = DN("a"), .state = "5", .serial = "340282366920938463463374607431768211455"},
		{.dn = DN("b"), .state = "5", .serial = "0x00ABCD"}, {.dn = DN("c"), .state = "5", .serial = "12ab"},
		{.dn = DN("d"), .state = "5", .serial = "12xy"}, {.dn = DN("e"), .state = "5", .serial = "0"}));
	assert_int_equal(count("import_row WHERE serial = 'ffffffffffffffffffffffffffffffff'"), 1);
	assert_int_equal(count("import_row WHERE serial = 'abcd'"), 1);
	assert_int_equal(count("import_row WHERE serial = '12ab'"), 1);
	assert_int_equal(count("import_row WHERE class = 'error' AND reason = 'serial'"), 2);
}

/* --- Errors of rows ------------------------------------------------------------------------------------------------------- */

static void a_bad_row_never_breaks_the_rest(void **state)
{
	struct text t = text_new(a, 1 << 20);

	text_add(&t, FILE_OF(HEADER, taro, {.dn = "", .state = "5", .serial = "2"}, {.dn = DN("x"), .state = "77", .serial = "3"},
			     {.dn = DN("x"), .state = "5", .serial = "4", .end = "tomorrow"}, {.dn = DN("x"), .state = "5"},
			     {.dn = DN("x"), .state = "-2"}, {.dn = DN("x"), .state = "5", .serial = "4660"},
			     {.dn = DN("\"quo\"te"), .state = "5", .serial = "5"}));
	text_add(&t, "one\ttwo\n\n");
	text_add(&t, arena_printf(a, "%s\textra\n", line_text(&taro)));
	text_add_bytes(&t, "\xff\xfe\x81\t\0\n", 6);
	text_add(&t, line_text(&(struct line){.dn = DN("last"), .state = "5", .serial = "6"})); /* no end of line */
	run_path(upload(bytes_of(t.data, t.len)));
	work();
	assert_int_equal(count("import_row WHERE class = 'issued'"), 3);
	static const struct {
		int row;
		const char *reason;
	} wanted[] = {{3, "subject"}, {4, "state-unknown"}, {5, "time"}, {6, "serial-missing"}, {7, "upstream-ca"}, {8, "twice"}, {10, "columns"},
		{12, "columns"}, {13, "bytes"}};
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		if (count(arena_printf(a, "import_row WHERE class = 'error' AND row_no = %d AND reason = '%s'", wanted[i].row, wanted[i].reason)) != 1)
			fail_msg("row %d is no error %s", wanted[i].row, wanted[i].reason);
	assert_int_equal(count("import_row WHERE class = 'error'"), COUNT_OF(wanted));
	/* Each has its sentence on the page. */
	const char *page = pages_get("en", session, arena_printf(a, "/admin_import/%d/rows/error", (int)number("SELECT id FROM inkan.import_run"))).page;
	assert_non_null(strstr(page, "The subject DN is missing, or is none."));
	assert_non_null(strstr(page, "The number of columns differs"));
	assert_null(strstr(page, PIN));
	/* And none of them can be registered, even when asked for. */
	registered(arena_printf(a, "/admin_import/%d", (int)number("SELECT id FROM inkan.import_run")), ALL_NEW "&error_new=1&progress_new=1");
	assert_int_equal(count("application"), 3);
}

static void files_that_are_none_are_told_kindly(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *words;
	} files[] = {{"\xff\xfe\x42\x30", 4, "UTF-16"}, {"PK\3\4\0\0\0", 7, "not a text file"}, {"\n\n", 2, "no certificates"},
		{"name\tage\nx\t3\n", 13, "columns of the file"}};

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct answer answer = upload(bytes_of(files[i].data, files[i].len));
		assert_int_equal(answer.http, 400);
		if (!strstr(answer.page, files[i].words))
			fail_msg("not told: %s\n%s", files[i].words, answer.page);
		assert_int_equal(count("import_run WHERE open_slot = 1"), 0);
	}
	assert_int_equal(upload(bytes_string("")).http, 400);
	run_path(upload(bytes_string(FILE_OF(HEADER, taro)))); /* nothing of it stays in the way */
}

/* Each would be a gigabyte, or a stack without end, in the parser; with the token a good form, so that this alone can be why. */
static void what_takes_memory_is_refused(const char *type, const char *path)
{
	static const char *const more[] = {"--" BOUNDARY "\r\n\r\n", "a:b\r\n", "Content-Type: (x) multipart/mixed; boundary=b\r\n\r\n--b\r\n",
		"Content-Type:\r\n (message) multipart/mixed; boundary=b\r\n\r\n--b\r\n"};
	const char *head = arena_printf(a, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n%s\r\n--" BOUNDARY "\r\n",
		pages_csrf(session));
	const char *tail = "Content-Disposition: form-data; name=\"x\"\r\n\r\nx\r\n--" BOUNDARY "--\r\n";

	assert_non_null(strstr(pages_send(session, path, type, bytes_string(arena_printf(a, "%s%s", head, tail))).page, "No file was chosen"));
	for (size_t i = 0; i < COUNT_OF(more); i++) {
		struct text t = text_new(a, 1 << 20);
		struct answer answer;

		text_add(&t, head);
		for (int k = i < 2 ? 20000 : 1; k > 0; k--)
			text_add(&t, more[i]);
		text_add(&t, tail);
		answer = pages_send(session, path, type, bytes_of(t.data, t.len));
		assert_int_equal(answer.http, 400);
		assert_null(strstr(answer.page, "No file was chosen"));
	}
}

static void hostile_forms_are_refused(void **state)
{
	const char *type = "multipart/form-data; boundary=" BOUNDARY, *path = "/admin_import/upload";
	struct text nested = text_new(a, 8 << 20);
	struct bytes good = bytes_string(FILE_OF(HEADER, taro));

	for (int i = 0; i < 20000; i++)
		text_addf(&nested, "--%s\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i ? arena_printf(a, "b%d", i - 1) : BOUNDARY, i);
	assert_int_equal(pages_send(session, path, type, bytes_of(nested.data, nested.len)).http, 400);
	what_takes_memory_is_refused(type, path);
	assert_int_equal(pages_send(session, path, type, bytes_string("nothing of the kind")).http, 403); /* no token in it */
	assert_int_equal(pages_send(session, path, "multipart/form-data", bytes_string("x")).http, 415);
	assert_int_equal(pages_send(session, path, "application/json", bytes_string("{}")).http, 415);
	assert_int_equal(pages_send(session, "/admin_import/fetch", type, bytes_string("x")).http, 415); /* that form takes no files */
	assert_int_equal(upload_as(session, "wrong", good).http, 403);
	assert_int_equal(upload_as(pages_session(&admin), pages_csrf(session), good).http, 401); /* without the password */
	const char *desk = pages_admin_session(&help_desk);
	assert_int_equal(upload_as(desk, pages_csrf(desk), good).http, 403);
	assert_int_equal(pages_get("en", desk, "/admin_import").http, 403);
	assert_int_equal(count("import_run"), 0);
	run_path(upload(good)); /* the same form, in order */
}

/* --- Classes, owners, registration ------------------------------------------------------------------------------------------ */

static void classes_are_the_manuals(void **state)
{
	static const struct {
		const char *state, *class;
	} states[] = {{"4", "waiting"}, {"5", "issued"}, {"6", "renewed"}, {"7", "revoked"}, {"0", "progress"}, {"1", "progress"},
		{"2", "progress"}, {"3", "progress"}, {"8", "progress"}, {"9", "progress"}, {"10", "progress"}, {"-1", "error"}, {"-3", "error"}};
	struct line lines[COUNT_OF(states)];

	for (size_t i = 0; i < COUNT_OF(states); i++)
		lines[i] = (struct line){.id = arena_printf(a, "I%zu", i), .dn = arena_printf(a, DN("u%zu"), i), .state = states[i].state,
			.serial = text_same(states[i].state, "4") ? "" : arena_printf(a, "%zu", 100 + i)};
	const char *path = fetched(file_text(HEADER, lines, COUNT_OF(states)));
	for (size_t i = 0; i < COUNT_OF(states); i++)
		assert_int_equal(count(arena_printf(a, "import_row WHERE row_no = %zu AND class = '%s'", i + 2, states[i].class)), 1);
	const char *page = pages_get("ja", session, path).page;
	static const char *const labels[] = {"取得待ち", "発行済み", "更新済み", "失効済み", "エラー", "取得トータル", "DB未登録", "DB登録済み",
		"一覧表示", "DB登録する", "DB登録を実行して終了", "取得情報を破棄して終了", "全証明書数：13、うち既存数：0", "処理中の証明書が7件"};
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if (!strstr(page, labels[i]))
			fail_msg("not on the page: %s\n%s", labels[i], page);
	assert_non_null(strstr(page, "name=\"issued_new\""));
	assert_null(strstr(page, "name=\"error_new\""));
	assert_null(strstr(page, "name=\"progress_new\""));
	/* The confirmation tells the numbers; what is chosen alone is registered. */
	assert_non_null(strstr(pages_get("en", session, arena_printf(a, "%s/confirm?issued_new=1&revoked_new=1", path)).page, ">2</dd>"));
	assert_string_equal(pages_get("en", session, arena_printf(a, "%s/confirm", path)).location, arena_printf(a, "%s?none=1", path));
	registered(path, "issued_new=1&revoked_new=1");
	assert_int_equal(count("application"), 2);
	assert_non_null(strstr(pages_get("en", session, path).page, "2 certificates were imported."));
	assert_non_null(strstr(pages_get("ja", session, path).page, "2件の証明書がインポートされました"));
	assert_int_equal(count("application WHERE state = 'REVOKED' AND live_until = 0"), 1);
	assert_int_equal(count("event WHERE source_key = 'import'"), 2 + 3);
	assert_int_equal(count("job WHERE kind = 'core.mail'"), 0);
}

static void owners_are_found_by_mail(void **state)
{
	struct user one = person("one@u.test", FORGE_IDP, "One@U.test"); /* as his IdP writes it */
	person("two@u.test", FORGE_IDP, "shared@u.test");
	person("three@u.test", FORGE_IDP, "Shared@u.test");
	person("four@u.test", FORGE_IDP, "four@elsewhere.test");
	struct application own = test_application(db, a, &one);

	const char *path = fetched(FILE_OF(HEADER, {.id = "1", .dn = DN("one2"), .state = "5", .mail = "ONE@u.test", .serial = "12"},
		{.id = "2", .dn = DN("one1"), .state = "7", .mail = "one@u.test", .serial = "11", .revoked = "2024/05/01 00:00:00"},
		{.id = "3", .dn = DN("shared"), .state = "5", .mail = "shared@u.test", .serial = "13"},
		{.id = "4", .dn = DN("four"), .state = "5", .mail = "four@elsewhere.test", .serial = "14"},
		{.id = "5", .dn = DN("none"), .state = "5", .mail = "", .serial = "15"},
		{.id = "6", .dn = DN("nobody"), .state = "5", .mail = "Later@u.test", .serial = "16"}));
	static const char *const whys[] = {"owner", "owner", "several-users", "domain", "no-mail", "waits"};
	for (size_t i = 0; i < COUNT_OF(whys); i++)
		if (count(arena_printf(a, "import_row WHERE row_no = %zu AND plan = 'new' AND why = '%s'", i + 2, whys[i])) != 1)
			fail_msg("row %zu is not %s", i + 2, whys[i]);
	registered(path, ALL_NEW);
	assert_int_equal(own.number, 1);
	assert_int_equal(count(arena_printf(a, "application WHERE user_id = %d AND number IN (2, 3) AND name = 'Some Body'", (int)one.id)), 2);
	assert_int_equal(count("application WHERE user_id IS NULL AND number IS NULL"), 4);
	assert_int_equal(number("SELECT applications FROM inkan.user WHERE eppn = 'one@u.test'"), 3);
	/* On his own list and details, at once. */
	const char *mine = pages_session(&one);
	assert_int_equal(pages_get("ja", mine, "/client/2").http, 200);
	assert_non_null(strstr(pages_get("ja", mine, "/client/3").page, "CN=one"));
	/* The next application goes on with the numbers. */
	assert_int_equal(test_application(db, a, &one).number, 4);
}

/* The address of one who has left may be another person's by now: his certificates wait until somebody logs in with it. */
static void an_address_not_seen_for_long_gives_no_owner(void **state)
{
	struct user gone = person("gone@u.test", FORGE_IDP, "gone@u.test"), here = person("here@u.test", FORGE_IDP, "here@u.test");
	mariadb_exec(arena_printf(a, "UPDATE inkan.user SET seen_at = %lld WHERE id = %d", (long long)(clock_now() - 401 * DAY), (int)gone.id));

	registered(fetched(FILE_OF(HEADER, {.id = "1", .dn = DN("gone"), .state = "5", .mail = "gone@u.test", .serial = "31"},
			   {.id = "2", .dn = DN("here"), .state = "5", .mail = "here@u.test", .serial = "32"})),
		ALL_NEW);
	assert_int_equal(count(arena_printf(a, "application WHERE user_id = %d", (int)here.id)), 1);
	assert_int_equal(count("application WHERE user_id IS NULL AND mail = 'gone@u.test'"), 1);
	check_ok(attach_waiting(db, a, &gone)); /* he is still there after all */
	assert_int_equal(count(arena_printf(a, "application WHERE user_id = %d AND number = 1", (int)gone.id)), 1);
}

static void waiting_rows_are_attached_at_log_in(void **state)
{
	const char *path = fetched(FILE_OF(HEADER, {.id = "1", .dn = DN("l1"), .state = "5", .mail = "Later@u.test", .serial = "21"},
		{.id = "2", .dn = DN("l2"), .state = "5", .mail = "later@u.test", .serial = "22", .profile = "7"},
		{.id = "3", .dn = DN("other"), .state = "5", .mail = "other@u.test", .serial = "23"}));
	registered(path, ALL_NEW);
	/* An address that his IdP may not assert gives nothing. */
	struct user thief = person("thief@other.test", FORGE_OTHER_IDP, "later@u.test");
	check_ok(attach_waiting(db, a, &thief));
	assert_int_equal(count("application WHERE user_id IS NULL"), 3);
	struct user later = person("later@u.test", FORGE_IDP, "LATER@u.test");
	check_ok(attach_waiting(db, a, &later));
	check_ok(attach_waiting(db, a, &later)); /* twice does no harm */
	assert_int_equal(count(arena_printf(a, "application WHERE user_id = %d", (int)later.id)), 2);
	assert_int_equal(count("application WHERE number IN (1, 2)"), 2);
	assert_int_equal(number("SELECT applications FROM inkan.user WHERE eppn = 'later@u.test'"), 2);
	assert_int_equal(count("application WHERE user_id IS NULL"), 1);
	assert_int_equal(count("audit WHERE action = 'application.attached'"), 2);
	/* One live S/MIME certificate per user and address, imported ones too. */
	assert_int_equal(count(arena_printf(a, "application WHERE type = 'smime' AND live_digest = UNHEX(SHA2('smime:%d:later@u.test', 256))", (int)later.id)), 1);
	assert_int_equal(pages_get("ja", pages_session(&later), "/").http, 200);
	assert_int_equal(pages_get("ja", pages_session(&later), "/smime/2").http, 200);
}

static void known_rows_become_events(void **state)
{
	struct user u = person("own@u.test", FORGE_IDP, "own@u.test");
	struct application sent = test_in_state(db, a, &u, APPLICATION_SENT), valid = test_in_state(db, a, &u, APPLICATION_TAKEN),
			   gone = test_in_state(db, a, &u, APPLICATION_REVOKED), same = test_in_state(db, a, &u, APPLICATION_TAKEN);
	/* By serial number, else by the whole subject; a longer subject with the same beginning is another one. */
	mariadb_exec(arena_printf(a, "UPDATE inkan.application SET created_at = 0, upstream = 'upstream_local'"));
	const char *long_dn = arena_printf(a, "%s0", sent.subject);
	const char *end = "2034/01/01";
	const struct line lines[] = {
		{.dn = sent.subject, .state = "5", .serial = "0x51", .end = end},
		{.dn = long_dn, .state = "5", .serial = "0x52", .end = end},
		{.dn = "CN=whatever", .state = "7", .serial = arena_printf(a, "0x%s", valid.serial), .end = end, .revoked = "2024/05/05 10:00"},
		{.dn = "CN=whatever", .state = "5", .serial = arena_printf(a, "0x%s", gone.serial), .end = end},
		{.dn = "CN=whatever", .state = "6", .serial = arena_printf(a, "0x%s", same.serial), .end = end},
	};
	const char *path = fetched(file_text(HEADER, lines, COUNT_OF(lines)));
	static const char *const plans[] = {"taken", "new", "revoked", "stays", "same"};
	for (size_t i = 0; i < COUNT_OF(plans); i++)
		if (count(arena_printf(a, "import_row WHERE row_no = %zu AND plan = '%s' AND known = %d", i + 2, plans[i], i != 1)) != 1)
			fail_msg("row %zu has not the plan %s", i + 2, plans[i]);
	/* The dry run says so, before anything is done. */
	assert_non_null(strstr(pages_get("en", session, arena_printf(a, "%s/rows/issued", path)).page, "becomes valid: the certificate was downloaded"));
	struct application now;
	check_ok(application_get(db, a, sent.id, &now));
	assert_int_equal(now.state, APPLICATION_SENT);
	registered(path, ALL_NEW ALL_KNOWN);
	check_ok(application_get(db, a, sent.id, &now));
	assert_int_equal(now.state, APPLICATION_TAKEN);
	assert_string_equal(now.serial, "51");
	check_ok(application_get(db, a, valid.id, &now));
	assert_int_equal(now.state, APPLICATION_REVOKED);
	check_ok(application_get(db, a, gone.id, &now));
	assert_int_equal(now.state, APPLICATION_REVOKED);
	assert_int_equal(count("application"), 5);
	assert_int_equal(number("SELECT moved FROM inkan.import_run"), 2);
	assert_int_equal(number("SELECT left_out FROM inkan.import_run"), 1);
	assert_int_equal(count("audit WHERE action IN ('application.taken', 'application.revoked') AND object = 'application:1'"), 1);
}

/* A card's certificate is signed before the card service has it: to take it for taken would wipe what still has to be handed over. */
static void cards_are_the_card_services(void **state)
{
	struct user u = person("own@u.test", FORGE_IDP, "own@u.test");
	struct application sent = test_in_state(db, a, &u, APPLICATION_SENT), failed = test_in_state(db, a, &u, APPLICATION_ERROR),
			   valid = test_in_state(db, a, &u, APPLICATION_TAKEN), now;
	const struct line lines[] = {
		{.dn = sent.subject, .state = "5", .serial = "0x51"},
		{.dn = failed.subject, .state = "5", .serial = "0x52"},
		{.dn = "CN=whatever", .state = "7", .serial = arena_printf(a, "0x%s", valid.serial), .revoked = "2024/05/05 10:00"},
	};

	mariadb_exec("UPDATE inkan.application SET created_at = 0, upstream = 'upstream_local', handover = 1");
	const char *path = fetched(file_text(HEADER, lines, COUNT_OF(lines)));
	assert_int_equal(count("import_row WHERE plan = 'stays' AND why = 'card'"), 2);
	assert_non_null(strstr(pages_get("ja", session, arena_printf(a, "%s/rows/issued", path)).page, "引き渡されていません"));
	registered(path, ALL_KNOWN);
	check_ok(application_get(db, a, sent.id, &now));
	assert_int_equal(now.state, APPLICATION_SENT);
	check_ok(application_get(db, a, failed.id, &now));
	assert_int_equal(now.state, APPLICATION_ERROR);
	/* Revoked there: the card service is told first. */
	check_ok(application_get(db, a, valid.id, &now));
	assert_int_equal(now.state, APPLICATION_TAKEN);
	assert_int_equal(count(arena_printf(a, "job WHERE kind = 'core.handover_revoked' AND subject = %d", (int)valid.id)), 1);
}

static void a_second_import_finds_all_of_it(void **state)
{
	const char *text = FILE_OF(HEADER, taro, {.id = "W", .dn = DN("w"), .state = "4", .mail = "w@u.test", .url = "2034/05/01 00:00:00"},
		{.id = "R", .dn = DN("r"), .state = "7", .serial = "99"},
		{.id = "N", .dn = DN("taro"), .state = "6", .mail = "taro@u.test", .serial = "4661", .old = "4660"});

	registered(fetched(text), ALL_NEW);
	assert_int_equal(count("application"), 4);
	assert_int_equal(count("application WHERE state = 'PIN' AND download_until > 0 AND serial IS NULL AND upstream_id = 'W'"), 1);
	/* The renewal points at what it renews, and shares its place. */
	assert_int_equal(count("application AS n JOIN inkan.application AS o ON o.id = n.renews AND n.place = o.id WHERE n.serial = '1235' AND o.serial = '1234'"), 1);
	int64_t sum = number("SELECT SUM(CRC32(CONCAT_WS(',', id, state, subject, serial, changed_at, renews))) FROM inkan.application");
	const char *path = fetched(text);
	assert_int_equal(count("import_row WHERE run_id = 2 AND known = 1 AND plan = 'same'"), 4);
	assert_non_null(strstr(pages_get("en", session, path).page, "There is nothing to register"));
	registered(path, ALL_NEW ALL_KNOWN);
	assert_int_equal(number("SELECT SUM(CRC32(CONCAT_WS(',', id, state, subject, serial, changed_at, renews))) FROM inkan.application"), sum);
	/* What waited was downloaded meanwhile: known by the upstream's own id, without another row. */
	path = fetched(FILE_OF(HEADER, {.id = "W", .dn = DN("w"), .state = "5", .mail = "w@u.test", .serial = "777"}));
	registered(path, ALL_NEW ALL_KNOWN);
	assert_int_equal(count("application"), 4);
	assert_int_equal(count("application WHERE upstream_id = 'W' AND state = 'TAKEN' AND serial = '309'"), 1);
	/* A used subject stays used: who applies for it is refused. */
	struct user u = person("taro@u.test", FORGE_IDP, "taro@u.test");
	struct order order = test_order(&u);
	(void)order;
	assert_int_equal(count("application WHERE subject_digest = UNHEX(SHA2('" DN("taro") "', 256))"), 1);
}

/* --- Two administrators, crashes ---------------------------------------------------------------------------------------------- */

/* The list of a run tells what this run made, and what has gone since. */
static void a_list_tells_what_its_run_made(void **state)
{
	const char *text = FILE_OF(HEADER, taro), *paths[] = {fetched(text), NULL};

	registered(paths[0], "revoked_new=1"); /* not its class */
	paths[1] = fetched(text);
	registered(paths[1], "issued_new=1");
	const char *lists[] = {arena_printf(a, "%s/rows/issued", paths[0]), arena_printf(a, "%s/rows/issued", paths[1])};
	assert_null(strstr(pages_get("en", session, lists[0]).page, "Registered"));
	assert_non_null(strstr(pages_get("en", session, lists[1]).page, "Registered"));
	mariadb_exec("DELETE FROM inkan.event");
	mariadb_exec("DELETE FROM inkan.application");
	assert_null(strstr(pages_get("en", session, lists[0]).page, "Was deleted meanwhile"));
	assert_non_null(strstr(pages_get("en", session, lists[1]).page, "Was deleted meanwhile"));
}

static void one_import_at_a_time(void **state)
{
	const char *path = fetched(FILE_OF(HEADER, taro));
	const char *other = pages_admin_session(&admin);

	assert_string_equal(run_path(upload_as(other, pages_csrf(other), bytes_string(FILE_OF(HEADER, taro)))), "/admin_import?busy=1");
	assert_string_equal(run_path(pages_post(other, "/admin_import/fetch", "upstream=upstream_local", NULL)), "/admin_import?busy=1");
	assert_non_null(strstr(pages_get("en", other, "/admin_import?busy=1").page, path));
	/* Both press at once: registered once. */
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	run_path(pages_post(other, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	run_path(pages_post(other, arena_printf(a, "%s/discard", path), "", NULL)); /* too late */
	assert_int_equal(count("import_run WHERE phase = 'REGISTERING'"), 1);
	work();
	assert_int_equal(count("application"), 1);
	assert_int_equal(count("audit WHERE action = 'admin.import_decided'"), 1);
	/* Discarded: nothing is registered, and the sweep forgets the rows. */
	path = fetched(FILE_OF(HEADER, {.dn = DN("x"), .state = "5", .serial = "5"}));
	struct answer question = pages_get("en", other, arena_printf(a, "%s/discard", path)); /* the question changes nothing */
	assert_true(question.http == 200 && strstr(question.page, "nothing of it is registered"));
	assert_int_equal(count("import_run WHERE phase = 'READY'"), 1);
	assert_string_equal(run_path(pages_post(other, arena_printf(a, "%s/discard", path), "", NULL)), "/admin_import?discarded=1");
	assert_string_equal(run_path(pages_get("en", other, arena_printf(a, "%s/discard", path))), path);
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	work();
	assert_int_equal(count("application"), 1);
	sweep();
	assert_int_equal(count("import_row WHERE run_id = 2"), 0);
	assert_int_equal(count("import_row WHERE run_id = 1"), 1);
}

static const char *file_of_many(int n)
{
	struct text t = text_new(a, 16 << 20);

	text_add(&t, HEADER);
	for (int i = 0; i < n; i++)
		text_addf(&t, "%s\n", line_text(&(struct line){.id = arena_printf(a, "I%d", i), .dn = arena_printf(a, DN("u%d"), i), .state = "5",
					      .mail = arena_printf(a, "u%d@u.test", i % 1000), .serial = arena_printf(a, "%d", 1000 + i)}));
	return t.data;
}

/* Discarded by somebody else, or taken over, while the rows come: not one more is added, and no work begins. */
static void nothing_is_added_to_what_was_ended(void **state)
{
	mariadb_exec("CREATE TRIGGER inkan.ended AFTER INSERT ON inkan.import_row FOR EACH ROW UPDATE inkan.import_run"
		     " SET open_slot = NULL, phase = 'DISCARDED', steps = steps + 1 WHERE id = NEW.run_id AND open_slot = 1");
	const char *path = run_path(upload(bytes_string(file_of_many(5000))));
	mariadb_exec("DROP TRIGGER inkan.ended");
	assert_int_equal(pages_get("en", session, path).http, 200);
	assert_int_equal(count("import_row"), 2000);
	assert_int_equal(count("import_run WHERE phase = 'DISCARDED'"), 1);
	assert_int_equal(work_for(1, 1), 0);
	path = run_path(upload(bytes_string(file_of_many(5000)))); /* without the trigger it goes on */
	work();
	assert_int_equal(count("import_run WHERE phase = 'READY'"), 1);
	assert_int_equal(number("SELECT MAX(total) FROM inkan.import_run"), 5000);
}

/* A worker that stops after each job's first step, or dies before its job is done, leaves what the next one goes on with. */
static void work_goes_on_where_it_stopped(void **state)
{
	const int n = 12000; /* several steps of each kind */
	static const char *const kinds[] = {"admin_import.part", NULL};
	struct job job;

	for (int i = 0; i < 500; i++)
		person(arena_printf(a, "u%d@u.test", i), FORGE_IDP, arena_printf(a, "u%d@u.test", i));
	const char *path = run_path(upload(bytes_string(file_of_many(n))));
	assert_true(work_for(1, 1) == 1);
	assert_true(count("import_row WHERE plan = ''") > 0);
	/* Killed: the job is claimed again by another when the lease is over, and steps that were committed are not repeated. */
	check_ok(job_claim(db, a, kinds, LEASES(1), "dead", &job));
	mariadb_exec("UPDATE inkan.job SET due_at = 0, lease_until = 1 WHERE kind = 'admin_import.part'");
	work();
	assert_int_equal(count("import_row"), n);
	assert_int_equal(count("import_row WHERE class = 'issued' AND plan = 'new'"), n);
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	assert_true(work_for(2, 1) == 2);
	int64_t half = count("application");
	assert_true(half > 0 && half < n);
	check_ok(job_claim(db, a, kinds, LEASES(1), "dead", &job));
	mariadb_exec("UPDATE inkan.job SET due_at = 0, lease_until = 1 WHERE kind = 'admin_import.part'");
	work();
	assert_int_equal(count("application"), n);
	assert_int_equal(number("SELECT made FROM inkan.import_run"), n);
	assert_int_equal(number("SELECT COUNT(DISTINCT import_key) FROM inkan.application"), n);
	assert_int_equal(count("event WHERE kind = 'APPLIED'"), n);
	/* Numbers without gaps, for every owner. */
	assert_int_equal(count("user WHERE eppn LIKE 'u%' AND applications <> 12"), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM (SELECT user_id FROM inkan.application WHERE user_id IS NOT NULL GROUP BY user_id"
				" HAVING COUNT(*) <> 12 OR MIN(number) <> 1 OR MAX(number) <> 12) AS x"),
		0);
}

struct worker {
	pthread_t thread;
	const char *name;
	int jobs;
	enum status status;
};

/* As a thread of the poll loop, with short jobs. */
static void *worker_run(void *context)
{
	static const char *const kinds[] = {"admin_import.part", NULL};
	struct worker *w = context;
	struct db *own_db = db_twin(db);
	struct arena *own = arena_new();
	struct job job;
	int idle = 0;

	while (w->status == STATUS_OK && idle < 100) {
		enum status s = job_claim(own_db, own, kinds, LEASES(MINUTE), w->name, &job);
		if (s == STATUS_MISSING) {
			idle++;
			usleep(10000);
			continue;
		}
		idle = 0;
		const struct job_run run = {.job = &job, .arena = own, .db = own_db, .deadline = clock_monotonic() + 50};
		w->status = s == STATUS_OK ? kind_of(job.kind)->run(&run) : s;
		if (w->status == STATUS_OK)
			w->status = job_done(own_db, &job, w->name);
		w->jobs++;
		arena_reset(own);
	}
	arena_free(own);
	db_free(own_db);
	return NULL;
}

/* Parts side by side, with what they could quarrel about: owners, subjects and rows that stand twice are all over the list. */
static void parts_do_not_disturb_each_other(void **state)
{
	const int n = 16000, subjects = 5000, owners = 700;
	struct worker workers[3] = {{.name = "one"}, {.name = "two"}, {.name = "three"}};
	struct text t = text_new(a, 16 << 20);

	for (int i = 0; i < owners; i++)
		person(arena_printf(a, "u%d@u.test", i), FORGE_IDP, arena_printf(a, "u%d@u.test", i));
	text_add(&t, HEADER);
	for (int i = 0; i < n; i++)
		text_addf(&t, "%s\n",
			line_text(&(struct line){.id = arena_printf(a, "I%d", i), .dn = arena_printf(a, DN("u%d"), i % subjects), .state = "5",
				.mail = arena_printf(a, "u%d@u.test", i * 11 % (owners * 2)), .serial = arena_printf(a, "%d", 1000 + i % (n - 1000))}));
	const char *path = run_path(upload(bytes_string(t.data)));
	assert_int_equal(count("import_part"), 2);
	for (int round = 0; round < 2; round++) {
		if (round)
			run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
		for (size_t i = 0; i < COUNT_OF(workers); i++)
			assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
		for (size_t i = 0; i < COUNT_OF(workers); i++)
			pthread_join(workers[i].thread, NULL);
		for (size_t i = 0; i < COUNT_OF(workers); i++)
			check_ok(workers[i].status);
		assert_int_equal(count("import_part"), 0);
		assert_int_equal(count(round ? "import_run WHERE phase = 'DONE'" : "import_run WHERE phase = 'READY'"), 1);
	}
	assert_int_equal(count("import_row WHERE class = 'error' AND reason = 'twice'"), 1000);
	assert_int_equal(number("SELECT SUM(n) FROM inkan.import_count"), n);
	assert_int_equal(count("application"), n - 1000);
	assert_int_equal(number("SELECT made FROM inkan.import_run"), n - 1000);
	assert_int_equal(count("event WHERE kind = 'APPLIED'"), n - 1000);
	assert_int_equal(count("application WHERE subject_digest IS NOT NULL"), subjects);
	assert_int_equal(number("SELECT COUNT(*) FROM (SELECT u.id FROM inkan.user AS u JOIN inkan.application AS x ON x.user_id = u.id GROUP BY u.id, u.applications"
				" HAVING COUNT(*) <> u.applications OR MIN(x.number) <> 1 OR MAX(x.number) <> u.applications) AS y"),
		0);
	assert_int_equal(number("SELECT COUNT(DISTINCT user_id) FROM inkan.application"), owners);
	assert_int_equal(count("audit WHERE action IN ('admin.import_classified', 'admin.import_registered')"), 2);
	assert_int_equal(count("import_row WHERE plan = 'new' AND result <> ''"), 0); /* none was found to be there already */
}

/* An import that failed in one part is not gone on with in the others; and one whose work is lost is ended, not open for ever. */
static void what_cannot_go_on_is_ended(void **state)
{
	static const char *const kinds[] = {"admin_import.part", NULL};
	struct job job;
	const char *path = run_path(upload(bytes_string(file_of_many(6000))));

	work();
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	assert_int_equal(count("import_part"), 2);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "test", &job));
	const struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + MINUTE};
	check_ok(kind_of(job.kind)->gave_up(&run, "for a test"));
	check_ok(job_done(db, &job, "test"));
	assert_int_equal(count("import_run WHERE phase = 'FAILED' AND why = 'steps' AND open_slot IS NULL"), 1);
	assert_int_equal(work_for(10, MINUTE), 1);
	assert_int_equal(count("application"), 0);
	assert_non_null(strstr(pages_get("en", session, path).page, "can be repeated without harm"));
	mariadb_exec("DELETE FROM inkan.import_row");

	path = run_path(upload(bytes_string(file_of_many(10))));
	mariadb_exec("UPDATE inkan.import_run SET changed_at = changed_at - 7200000");
	mariadb_exec("DELETE FROM inkan.job WHERE kind = 'admin_import.part'"); /* killed before the next one was written */
	assert_int_equal(work_for(10, MINUTE), 0);
	sweep();
	assert_int_equal(count("import_run WHERE phase = 'CLASSIFYING'"), 1);
	work();
	assert_int_equal(count("import_run WHERE phase = 'READY'"), 1);
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	mariadb_exec("UPDATE inkan.import_run SET changed_at = changed_at - 7200000");
	sweep();
	assert_int_equal(count("import_run WHERE phase = 'REGISTERING'"), 1); /* its part is there */
	mariadb_exec("DELETE FROM inkan.import_part");
	sweep();
	assert_int_equal(count("import_run WHERE open_slot = 1"), 0);
	assert_non_null(strstr(pages_get("en", session, path).page, "can be repeated without harm"));
}

/* A row that the database refuses for good: the job fails, is tried again and given up, and the import does not stay open for ever. */
static void a_step_that_cannot_succeed_is_told(void **state)
{
	struct job job;
	static const char *const kinds[] = {"admin_import.part", NULL};
	const char *path = fetched(FILE_OF(HEADER, taro));

	mariadb_exec("CREATE TRIGGER inkan.refuse BEFORE INSERT ON inkan.event FOR EACH ROW SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1062");
	run_path(pages_post(session, arena_printf(a, "%s/register", path), ALL_NEW, NULL));
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "test", &job));
	const struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + MINUTE};
	check_status(kind_of(job.kind)->run(&run), STATUS_INTERNAL);
	mariadb_exec("DROP TRIGGER inkan.refuse");
	assert_int_equal(count("application"), 0);
	assert_int_equal(count("import_run WHERE phase = 'REGISTERING'"), 1);
	check_ok(kind_of(job.kind)->run(&run)); /* without the fault it goes on */
	assert_int_equal(count("application"), 1);
}

static void the_upstream_is_asked_by_a_job(void **state)
{
	const char *path = run_path(pages_post(session, "/admin_import/fetch", "upstream=upstream_local", NULL));

	assert_non_null(strstr(pages_get("ja", session, path).page, "証明書の一覧を取得しています"));
	assert_int_equal(pages_post(session, "/admin_import/fetch", "upstream=client", NULL).http, 400);
	work();
	assert_non_null(strstr(pages_get("en", session, path).page, "knows no certificates"));
	mariadb_exec("INSERT INTO inkan.local_order (application, type, number, subject, mail, upn, months, created_at, ready_at, download_until)"
		     " VALUES (900, 'client', 1, '" DN("l") "', 'l@u.test', '', 13, 1700000000000, 1700000000000, 4000000000000)");
	path = run_path(pages_post(session, "/admin_import/fetch", "upstream=upstream_local", NULL));
	const char *etag = pages_get("en", session, arena_printf(a, "%s/news", path)).etag;
	assert_non_null(etag);
	work();
	struct answer news = pages_get("en", session, arena_printf(a, "%s/news", path));
	assert_string_not_equal(news.etag, etag);
	assert_non_null(strstr(news.page, "waiting_new"));
	registered(path, "waiting_new=1");
	assert_int_equal(count("application WHERE state = 'PIN' AND months = 13 AND upstream_id = '900'"), 1);
}

/* The rows are still being written when the list breaks off: nothing of it is left, and the next attempt has all of them. */
static void a_list_that_breaks_off_is_asked_for_again(void **state)
{
	static const char *const kinds[] = {"admin_import.fetch", NULL};
	struct job job;

	mariadb_exec("INSERT INTO inkan.local_certificate (serial, application, generation, subject, mail, der, fingerprint, not_before, not_after, created_at)"
		     " SELECT LPAD(seq, 8, '0'), seq, 1, CONCAT('CN=u', seq, ',C=JP'), 'x@u.test', '', SHA2(seq, 256), 1700000000000, 4000000000000,"
		     " 1700000000000 FROM inkan.seq_1_to_7000");
	mariadb_exec("CREATE TRIGGER inkan.slow BEFORE INSERT ON inkan.import_row FOR EACH ROW SET @slept = SLEEP(0.0002)");
	const char *path = run_path(pages_post(session, "/admin_import/fetch", "upstream=upstream_local", NULL));
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "test", &job));
	struct arena *own = arena_new();
	const struct job_run run = {.job = &job, .arena = own, .db = db, .deadline = clock_monotonic() + 300};
	check_status(kind_of(job.kind)->run(&run), STATUS_BUSY);
	arena_free(own);
	mariadb_exec("DROP TRIGGER inkan.slow");
	int64_t rows = count("import_row");
	assert_true(rows > 0 && rows < 7000); /* it did break off among them */
	check_ok(job_retry(db, &job, "test", 0, "for a test"));
	work();
	assert_int_equal(count("import_row"), 7000);
	assert_int_equal(number("SELECT total FROM inkan.import_run"), 7000);
	assert_non_null(strstr(pages_get("en", session, path).page, "issued_new"));
}

/* --- What is not kept ----------------------------------------------------------------------------------------------------------- */

static void a_pin_is_nowhere(void **state)
{
	struct text t = text_new(a, 1 << 20);
	const char *line = line_text(&taro);

	text_add(&t, FILE_OF(HEADER, taro, {.dn = DN("b"), .state = "-1"}));
	/* Tabs that are missing or too many move the PIN into every column there is. */
	for (int cut = 1; cut < 29; cut++) {
		const char *s = line;
		for (int i = 0; i < cut; i++)
			s = strchr(s, '\t') + 1;
		text_addf(&t, "%s\n", s);
		text_addf(&t, "%.*s%s\n", cut, "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t", line);
	}
	const char *path = fetched(t.data);
	registered(path, ALL_NEW);
	assert_int_equal(count("application"), 1);
	assert_int_equal(pages_get("en", session, arena_printf(a, "%s/rows/error", path)).http, 200);
	/* The whole database as text. */
	const char *client = arena_printf(a, "mariadb --no-defaults --socket=%s --user=root -N inkan -e", mariadb_admin_settings()->socket);
	const char *command = arena_printf(a, "for t in $(%s 'SHOW TABLES'); do %s \"SELECT * FROM \\`$t\\`\"; done", client, client);
	FILE *dump = popen(command, "r");
	char buffer[65536];
	bool seen_taro = false, seen_pin = false;
	assert_non_null(dump);
	while (fgets(buffer, sizeof buffer, dump)) {
		seen_taro = seen_taro || strstr(buffer, "taro@u.test");
		seen_pin = seen_pin || strstr(buffer, PIN);
	}
	pclose(dump);
	assert_true(seen_taro); /* the dump does hold the rows */
	assert_false(seen_pin);
}

static void owners_without_mail_are_not_written_to(void **state)
{
	registered(fetched(FILE_OF(HEADER, {.id = "1", .dn = DN("m"), .state = "5", .mail = "m@u.test", .serial = "31"})), ALL_NEW);
	int64_t id = number("SELECT id FROM inkan.application");
	struct event event = {.kind = EVENT_REVOKED, .source_key = "x", .at = clock_now()};
	enum application_outcome outcome;

	check_ok(application_apply(db, a, (uint64_t)id, &event, &outcome));
	assert_int_equal(outcome, APPLIED_MOVED);
	assert_int_equal(count("job WHERE kind = 'core.mail'"), 1);
	const struct job job = {.id = 1, .kind = "core.mail", .subject = (uint64_t)id, .payload = "revoked"};
	const struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + MINUTE};
	check_ok(mail_jobs[0].run(&run)); /* no server is configured: had it been sent, this would fail */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_encoding_is_told, fresh),
		cmocka_unit_test_setup(every_layout_is_told, fresh),
		cmocka_unit_test_setup(blanks_between_attributes_do_not_make_another_subject, fresh),
		cmocka_unit_test_setup(serials_of_both_bases, fresh),
		cmocka_unit_test_setup(a_bad_row_never_breaks_the_rest, fresh),
		cmocka_unit_test_setup(files_that_are_none_are_told_kindly, fresh),
		cmocka_unit_test_setup(hostile_forms_are_refused, fresh),
		cmocka_unit_test_setup(classes_are_the_manuals, fresh),
		cmocka_unit_test_setup(owners_are_found_by_mail, fresh),
		cmocka_unit_test_setup(an_address_not_seen_for_long_gives_no_owner, fresh),
		cmocka_unit_test_setup(waiting_rows_are_attached_at_log_in, fresh),
		cmocka_unit_test_setup(known_rows_become_events, fresh),
		cmocka_unit_test_setup(cards_are_the_card_services, fresh),
		cmocka_unit_test_setup(a_second_import_finds_all_of_it, fresh),
		cmocka_unit_test_setup(a_list_tells_what_its_run_made, fresh),
		cmocka_unit_test_setup(one_import_at_a_time, fresh),
		cmocka_unit_test_setup(nothing_is_added_to_what_was_ended, fresh),
		cmocka_unit_test_setup(work_goes_on_where_it_stopped, fresh),
		cmocka_unit_test_setup(parts_do_not_disturb_each_other, fresh),
		cmocka_unit_test_setup(what_cannot_go_on_is_ended, fresh),
		cmocka_unit_test_setup(a_step_that_cannot_succeed_is_told, fresh),
		cmocka_unit_test_setup(the_upstream_is_asked_by_a_job, fresh),
		cmocka_unit_test_setup(a_list_that_breaks_off_is_asked_for_again, fresh),
		cmocka_unit_test_setup(a_pin_is_nowhere, fresh),
		cmocka_unit_test_setup(owners_without_mail_are_not_written_to, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
