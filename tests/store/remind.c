/* Tests of reminders with a moved clock: each once, also across restarts and racing processes, and only for whom they are meant. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "issue/mail.h"
#include "issue/remind.h"
#include "support/applications.h"
#include "support/check.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/view_strings.h"
#include "web/view.h"

static struct db *db;
static struct arena *a;
static struct user taro;

static const char *const download_days[] = {"1", "7", NULL}; /* any order */
static const char *const expiry_days[] = {"60", "30", "7", NULL};
static const struct remind_settings settings = {download_days, expiry_days, 10 * MINUTE};

static void clock_at(when shift)
{
	if (!pages_clock(shift))
		skip(); /* only a test build's clock can be moved */
}

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	clock_at(0);
	check_ok(remind_start(&settings));
	taro = test_user(db, a, "taro");
	return 0;
}

static void run_with(struct db *connection)
{
	struct arena *own = arena_new();
	struct job job = {.kind = "core.remind", .payload = ""};
	struct job_run run = {.job = &job, .arena = own, .db = connection, .deadline = clock_monotonic() + MINUTE};

	check_ok(remind_jobs[0].run(&run));
	arena_free(own);
}

/* The job, as the clock says so many hours after the test began. */
static void run_at(when shift)
{
	clock_at(shift);
	run_with(db);
}

static int64_t mails(uint64_t id, const char *payload)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND subject = %llu AND payload = '%s'",
		(unsigned long long)id, payload));
}

static int64_t marked(uint64_t id, const char *kind, unsigned days)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM reminder WHERE application_id = %llu AND kind = '%s' AND days = %u",
		(unsigned long long)id, kind, days));
}

static void check_mails(uint64_t id, const char *payload, int64_t wanted)
{
	int64_t n = mails(id, payload);

	if (n != wanted)
		fail_msg("%s: %lld mails, not %lld", payload, (long long)n, (long long)wanted);
}

/* Valid for 365 days from now on. */
static uint64_t taken(void)
{
	return test_in_state(db, a, &taro, APPLICATION_TAKEN).id;
}

static void each_mark_once(void **state)
{
	uint64_t id = taken();

	run_at(0);
	run_at(304 * DAY);
	check_mails(id, "remind_expiry", 0);
	run_at(305 * DAY + HOUR);
	check_mails(id, "remind_expiry", 1);
	run_at(305 * DAY + HOUR);
	run_at(320 * DAY);
	check_mails(id, "remind_expiry", 1);
	/* Another process, after the jobs are done and gone, on a server that was killed. */
	mariadb_exec("DELETE FROM job");
	db_free(db);
	mariadb_kill();
	mariadb_restart();
	db = mariadb_db();
	run_at(320 * DAY + HOUR);
	check_mails(id, "remind_expiry", 0);
	run_at(336 * DAY);
	check_mails(id, "remind_expiry", 1);
	run_at(359 * DAY);
	check_mails(id, "remind_expiry", 2);
	run_at(364 * DAY);
	run_at(366 * DAY);
	check_mails(id, "remind_expiry", 2);
	assert_int_equal(marked(id, "expiry", 60) + marked(id, "expiry", 30) + marked(id, "expiry", 7), 3);
	check_mails(id, "remind_download", 0);
}

static void the_nearest_of_several(void **state)
{
	uint64_t id = taken();

	run_at(0);
	run_at(362 * DAY); /* nobody was there for a year */
	check_mails(id, "remind_expiry", 1);
	assert_int_equal(marked(id, "expiry", 7), 1);
	run_at(363 * DAY);
	check_mails(id, "remind_expiry", 1);
	/* The first look ever finds all that is near. */
	clock_at(0);
	uint64_t second = taken();
	mariadb_exec("DELETE FROM reminder_mark");
	run_at(350 * DAY);
	assert_int_equal(marked(second, "expiry", 30), 1);
	check_mails(second, "remind_expiry", 1);
}

static void before_the_download_ends(void **state)
{
	uint64_t id = test_in_state(db, a, &taro, APPLICATION_PIN).id, other = test_in_state(db, a, &taro, APPLICATION_PIN).id;

	run_at(0);
	run_at(20 * DAY);
	check_mails(id, "remind_download", 0);
	run_at(21 * DAY + HOUR);
	run_at(22 * DAY);
	check_mails(id, "remind_download", 1);
	test_apply(db, a, other, (struct event){.kind = EVENT_TAKEN, .serial = "77", .not_after = clock_now() + 365 * DAY});
	run_at(27 * DAY + HOUR);
	check_mails(id, "remind_download", 2);
	check_mails(other, "remind_download", 1);
	run_at(29 * DAY);
	check_mails(id, "remind_download", 2);
	check_mails(id, "remind_expiry", 0);
}

static uint64_t renewal_of(uint64_t id, bool take, bool revoke)
{
	struct order order = test_order(&taro);
	struct application app;
	const char *why = "";
	bool again;

	order.renews = id;
	check_ok(application_create(db, a, &taro, &order, test_completion(NULL), &app, &again, &why));
	if (take)
		test_apply(db, a, app.id,
			(struct event){.kind = EVENT_TAKEN, .serial = arena_printf(a, "b%llx", (unsigned long long)app.id),
				.not_after = clock_now() + 1000 * DAY});
	if (revoke)
		test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED});
	return app.id;
}

static void only_for_whom_they_are_meant(void **state)
{
	uint64_t plain = taken(), revoked = test_in_state(db, a, &taro, APPLICATION_REVOKED).id,
		 asked = test_in_state(db, a, &taro, APPLICATION_REVOKE_SENT).id, muted = taken(), renewed = taken(), waiting = taken(),
		 back = taken();
	struct application app;

	check_ok(application_get(db, a, muted, &app));
	check_ok(reminder_mute(db, a, taro.id, app.number, true));
	uint64_t next = renewal_of(renewed, true, false);
	(void)renewal_of(waiting, false, false);
	(void)renewal_of(back, true, true);
	run_at(306 * DAY);
	check_mails(plain, "remind_expiry", 1);
	check_mails(revoked, "remind_expiry", 0);
	check_mails(asked, "remind_expiry", 0);
	check_mails(muted, "remind_expiry", 0);
	check_mails(renewed, "remind_expiry", 0);
	check_mails(waiting, "remind_expiry", 1); /* nothing to go on with yet */
	check_mails(back, "remind_expiry", 1);    /* the renewal was revoked: the old one is what the user has */
	check_mails(next, "remind_expiry", 0);
	/* The switch again: from the next mark on. */
	check_ok(reminder_mute(db, a, taro.id, app.number, false));
	run_at(310 * DAY);
	check_mails(muted, "remind_expiry", 0);
	run_at(336 * DAY);
	check_mails(muted, "remind_expiry", 1);
	check_status(reminder_mute(db, a, taro.id + 1, app.number, true), STATUS_MISSING);

	uint64_t error = test_in_state(db, a, &taro, APPLICATION_ERROR).id;
	mariadb_exec(arena_printf(a, "UPDATE application SET download_until = %lld WHERE id = %llu", (long long)(clock_now() + 3 * DAY),
		(unsigned long long)error));
	uint64_t ready = test_in_state(db, a, &taro, APPLICATION_PIN).id;
	run_at(336 * DAY + 22 * DAY);
	check_mails(error, "remind_download", 0);
	check_mails(ready, "remind_download", 1);
}

static void a_clock_that_was_set_back(void **state)
{
	run_at(400 * DAY);
	clock_at(0);
	uint64_t id = taken();
	run_at(0);
	run_at(306 * DAY);
	check_mails(id, "remind_expiry", 1);
}

/* Many certificates end at the same second: institutions issue them until the end of a term. */
static void many(unsigned n)
{
	uint64_t id = taken();

	mariadb_exec(arena_printf(a,
		"INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra,"
		" created_at, changed_at, taken_at, not_after) SELECT user_id, 1000 + seq, state, type, upstream, profile, months, subject,"
		" live_until, name, mail, extra, created_at, changed_at, taken_at, not_after FROM application, seq_1_to_%u WHERE id = %llu",
		n - 1, (unsigned long long)id));
}

static void check_all_once(int64_t n)
{
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE payload = 'remind_expiry'"), n);
	assert_int_equal(mariadb_number("SELECT COUNT(DISTINCT subject) FROM job WHERE payload = 'remind_expiry'"), n);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM reminder WHERE kind = 'expiry'"), n);
}

static void in_steps(void **state)
{
	struct reminder_mark mark = {.kind = DEADLINE_EXPIRY, .days = 60, .nearer = 30};
	unsigned steps = 0, all = 0;
	bool more = true;

	many(250);
	clock_at(306 * DAY);
	while (more) {
		unsigned added = 0;
		check_ok(reminder_step(db, &mark, clock_now(), 100, &added, &more));
		assert_true(added <= 100);
		all += added;
		steps++;
	}
	assert_int_equal(all, 250);
	assert_int_equal(steps, 4);
	check_all_once(250);
	/* Cut off before it was noted how far it came: everything is looked at again, and nobody is told twice. */
	mariadb_exec("DELETE FROM reminder_mark");
	run_at(306 * DAY);
	check_all_once(250);
	/* Also when those mails have gone out meanwhile. */
	mariadb_exec("DELETE FROM job");
	mariadb_exec("DELETE FROM reminder_mark");
	run_at(306 * DAY);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 0);
}

static void racing_processes(void **state)
{
	enum { PROCESSES = 4 };
	pid_t pids[PROCESSES];

	many(200);
	clock_at(306 * DAY);
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct db *own = mariadb_db();
			run_with(own);
			db_free(own);
			_exit(0);
		}
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int how;
		assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
		assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	}
	check_all_once(200);
}

static int64_t rows_read(void)
{
	struct db_rows rows;

	check_ok(db_select(db, a, &rows,
		"SELECT CAST(SUM(variable_value) AS SIGNED) FROM information_schema.session_status WHERE variable_name LIKE 'HANDLER_READ%'"));
	return db_int(&rows, 0, 0);
}

/* What a look costs does not grow with the table: EXISTS once was a scan of all of it. */
static void a_look_reads_what_is_due(void **state)
{
	uint64_t id = taken();
	struct deadline *list;
	size_t n;

	mariadb_exec(arena_printf(a,
		"INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra,"
		" created_at, changed_at, taken_at, not_after, download_until) SELECT user_id + seq DIV 10 + 1, seq, state, type, upstream,"
		" profile, months, subject, live_until, name, mail, extra, created_at, changed_at, taken_at, created_at + seq * %lld,"
		" download_until + seq FROM application, seq_1_to_20000 WHERE id = %llu",
		(long long)HOUR, (unsigned long long)id));
	struct db *admin = mariadb_admin();
	struct db_rows told;
	check_ok(db_select(admin, a, &told, "ANALYZE TABLE application"));
	db_free(admin);
	run_at(0);
	check_all_once(60 * 24);
	/* An hour later each of three marks has one certificate more, of 20,000. */
	int64_t before = rows_read();
	run_at(HOUR);
	int64_t run = rows_read() - before;
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM reminder"), 60 * 24 + 3);
	before = rows_read();
	check_ok(deadline_list(db, a, taro.id + 50, clock_now(), INT64_MAX, INT64_MAX, 100, &list, &n));
	int64_t listed = rows_read() - before;
	assert_int_equal(n, 10);
	print_message("a run read %lld rows, a user's list %lld\n", (long long)run, (long long)listed);
	assert_true(run < 1000);
	assert_true(listed < 300);
}

static enum status mail_run(uint64_t id, const char *payload)
{
	struct job job = {.id = 1, .kind = "core.mail", .subject = id, .payload = payload, .attempts = 1, .created_at = 1};
	struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + 5 * SECOND};

	return mail_jobs[0].run(&run);
}

/* There is no mail server: a mail that is still to go out fails as busy, one that is not needed is done. */
static void the_mail_asks_once_more(void **state)
{
	struct mail_settings none = {.url = "smtp://127.0.0.1:1", .starttls = "never", .ca_file = "", .user = "", .from = "a@example.ac.jp",
		.from_name_ja = "発行", .from_name_en = "Portal", .reply_to = "", .timeout = SECOND};
	static const char *const domains[] = {"core", NULL};
	uint64_t expiring = taken(), ready = test_in_state(db, a, &taro, APPLICATION_PIN).id;
	struct application app;

	view_strings_start(a);
	check_ok(i18n_start(BINARY_DIR "/locales"));
	check_ok(view_start(SOURCE_DIR "/views", domains));
	check_ok(mail_start(&none, "https://localhost:8443", NULL));
	check_status(mail_run(expiring, "remind_expiry"), STATUS_BUSY);
	check_status(mail_run(ready, "remind_download"), STATUS_BUSY);
	check_ok(mail_run(ready, "remind_expiry"));
	check_ok(application_get(db, a, expiring, &app));
	check_ok(reminder_mute(db, a, taro.id, app.number, true));
	check_ok(mail_run(expiring, "remind_expiry"));
	check_ok(reminder_mute(db, a, taro.id, app.number, false));
	check_status(mail_run(expiring, "remind_expiry"), STATUS_BUSY);
	uint64_t next = renewal_of(expiring, true, false);
	check_ok(mail_run(expiring, "remind_expiry"));
	check_status(mail_run(next, "remind_expiry"), STATUS_BUSY);
	test_apply(db, a, next, (struct event){.kind = EVENT_REVOKED});
	check_ok(mail_run(next, "remind_expiry"));
	test_apply(db, a, ready, (struct event){.kind = EVENT_TAKEN, .serial = "88", .not_after = clock_now() + DAY});
	check_ok(mail_run(ready, "remind_download"));
	view_strings_end();
}

static void wrong_settings_are_named(void **state)
{
	static const char *const bad[] = {"0", "-1", "x", "", "4000", "7.5"};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const char *days[] = {bad[i], NULL};
		struct remind_settings wrong = {.download_days = days, .expiry_days = expiry_days};
		check_status(remind_start(&wrong), STATUS_INVALID);
		assert_non_null(strstr(cause_text(), "reminder_download_days"));
	}
	const char *twice[] = {"7", "7", NULL}, *none[] = {NULL};
	struct remind_settings wrong = {.download_days = none, .expiry_days = twice};
	check_status(remind_start(&wrong), STATUS_INVALID);
	wrong.expiry_days = none;
	check_ok(remind_start(&wrong));
	assert_int_equal(remind_near(DEADLINE_EXPIRY), 0);
	check_ok(remind_start(&settings));
	assert_int_equal(remind_near(DEADLINE_EXPIRY), 60 * DAY);
	assert_int_equal(remind_near(DEADLINE_DOWNLOAD), 7 * DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_mark_once, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(the_nearest_of_several, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(before_the_download_ends, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(only_for_whom_they_are_meant, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(a_clock_that_was_set_back, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(in_steps, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(racing_processes, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(a_look_reads_what_is_due, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(the_mail_asks_once_more, setup, mariadb_done),
		cmocka_unit_test_setup_teardown(wrong_settings_are_named, setup, mariadb_done),
	};

	log_start(LOG_ERROR);
	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
