/* The poll loop with real threads and a real database: every job runs to its end once, fails visibly, and nobody waits for the interval. */
#include "support/check.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "issue/poll.h"
#include "support/mariadb.h"

#define MANY 400

static atomic_int runs[MANY + 1];
static atomic_int flaky_runs, hopeless_runs, gave_up_calls, refused_runs, periodic_runs, compute_runs, slow_running;
static atomic_llong woken_at;

static enum status many_run(const struct job_run *run)
{
	atomic_fetch_add(&runs[run->job->subject], 1);
	return STATUS_OK;
}

static enum status flaky_run(const struct job_run *run)
{
	if (atomic_fetch_add(&flaky_runs, 1) < 2)
		return cause(STATUS_BUSY, "not yet");
	return STATUS_OK;
}

static enum status hopeless_run(const struct job_run *run)
{
	atomic_fetch_add(&hopeless_runs, 1);
	return cause(STATUS_UPSTREAM, "never answers");
}

static enum status refused_run(const struct job_run *run)
{
	atomic_fetch_add(&refused_runs, 1);
	return cause(STATUS_INVALID, "will never do");
}

static enum status gave_up(const struct job_run *run, const char *why)
{
	if (!strstr(why, "never"))
		return cause(STATUS_INTERNAL, "the reason is lost");
	atomic_fetch_add(&gave_up_calls, 1);
	return STATUS_OK;
}

static enum status periodic_run(const struct job_run *run)
{
	atomic_fetch_add(&periodic_runs, 1);
	return STATUS_OK;
}

static enum status compute_run(const struct job_run *run)
{
	atomic_fetch_add(&compute_runs, 1);
	return STATUS_OK;
}

static enum status woken_run(const struct job_run *run)
{
	atomic_store(&woken_at, clock_monotonic());
	return STATUS_OK;
}

static enum status slow_run(const struct job_run *run)
{
	atomic_store(&slow_running, 1);
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	atomic_store(&slow_running, 2);
	return STATUS_OK;
}

static atomic_int stuck_running, short_runs;

/* As a mail server that accepts and says nothing. */
static enum status stuck_run(const struct job_run *run)
{
	atomic_fetch_add(&stuck_running, 1);
	nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
	atomic_fetch_sub(&stuck_running, 1);
	return STATUS_OK;
}

static enum status short_run(const struct job_run *run)
{
	atomic_fetch_add(&short_runs, 1);
	return STATUS_OK;
}

static enum status patient_run(const struct job_run *run)
{
	while (!job_run_over(run))
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	return cause(STATUS_BUSY, "cut off by the stop");
}

static atomic_int joined_runs;

/* What it does, and its end, in one transaction; the first run of 2 finds at its end that another owner has the job. */
static enum status joined_body(struct db *db, void *context)
{
	const struct job_run *run = context;
	enum status s = job_add(db, "test.of_nobody", run->job->subject, "", 0, NULL);
	if (s == STATUS_OK && run->job->subject == 2 && run->job->attempts == 1)
		s = db_exec(db, NULL, "UPDATE job SET owner = 'another' WHERE id = ?", DB_INT(run->job->id));
	return s == STATUS_OK ? job_run_done(run) : s;
}

static enum status joined_run(const struct job_run *run)
{
	atomic_fetch_add(&joined_runs, 1);
	return db_transact(run->db, joined_body, (void *)(uintptr_t)run);
}

static const struct job_kind kinds[] = {
	{.name = "test.joined", .run = joined_run, .first_pause = 20},
	{.name = "test.stuck", .lane = LANE_SEND, .run = stuck_run},
	{.name = "test.short", .run = short_run, .lease = 30000},
	{.name = "test.patient", .run = patient_run, .lease = HOUR},
	{.name = "test.many", .run = many_run},
	{.name = "test.flaky", .run = flaky_run, .first_pause = 20},
	{.name = "test.hopeless", .run = hopeless_run, .attempts = 3, .first_pause = 20},
	{.name = "test.refused", .run = refused_run, .gave_up = gave_up},
	{.name = "test.ended", .run = hopeless_run, .gave_up = gave_up, .attempts = 2, .first_pause = 20},
	{.name = "test.periodic", .run = periodic_run, .every = 100},
	{.name = "test.compute", .lane = LANE_COMPUTE, .run = compute_run},
	{.name = "test.woken", .run = woken_run},
	{.name = "test.slow", .run = slow_run},
	{0},
};
static const struct job_kind *const lists[] = {kinds, NULL};

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool soon(bool (*happened)(void))
{
	for (int i = 0; i < 1000; i++) {
		if (happened())
			return true;
		sleep_ms(20);
	}
	return false;
}

static void start(int64_t interval)
{
	static struct poll_settings settings;
	settings = (struct poll_settings){.wait_threads = 4, .send_threads = 2, .compute_threads = 2, .interval = interval};
	check_ok(poll_start(&settings, mariadb_settings(), lists));
}

static bool many_gone(void)
{
	return mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.many'") == 0;
}

static void test_each_once(void **state)
{
	mariadb_clear();
	struct db *db = mariadb_db();
	for (unsigned i = 1; i <= MANY; i++)
		check_ok(job_add(db, i % 10 ? "test.many" : "test.compute", i, "", 0, NULL));
	db_free(db);
	start(200);
	assert_true(soon(many_gone));
	assert_true(poll_stop(5000));
	for (unsigned i = 1; i <= MANY; i++)
		assert_int_equal(atomic_load(&runs[i]), i % 10 ? 1 : 0);
	assert_int_equal(atomic_load(&compute_runs), MANY / 10);
}

static bool ends_reached(void)
{
	return atomic_load(&flaky_runs) == 3 && atomic_load(&gave_up_calls) == 2 &&
		mariadb_number("SELECT COUNT(*) FROM job WHERE state = 'failed'") == 1;
}

static void test_ends(void **state)
{
	mariadb_clear();
	struct db *db = mariadb_db();
	check_ok(job_add(db, "test.flaky", 1, "", 0, NULL));
	check_ok(job_add(db, "test.hopeless", 2, "", 0, NULL));
	check_ok(job_add(db, "test.refused", 3, "", 0, NULL));
	check_ok(job_add(db, "test.ended", 4, "", 0, NULL));
	db_free(db);
	start(50);
	assert_true(soon(ends_reached));
	assert_true(poll_stop(5000));
	assert_int_equal(atomic_load(&refused_runs), 1);
	assert_int_equal(atomic_load(&hopeless_runs), 3 + 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind IN ('test.flaky', 'test.refused', 'test.ended')"), 0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.hopeless' AND why LIKE '%never answers%'"), 1);
}

static bool periodic_often(void)
{
	return atomic_load(&periodic_runs) >= 5;
}

static void test_periodic(void **state)
{
	mariadb_clear();
	start(1000);
	assert_true(soon(periodic_often));
	assert_true(poll_stop(5000));
	start(1000); /* a second start adds no second row */
	assert_true(poll_stop(5000));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.periodic'"), 1);
}

static bool was_woken(void)
{
	return atomic_load(&woken_at) != 0;
}

/* A job made in this process does not wait for the interval, and not for a slow one either. */
static void test_wake(void **state)
{
	mariadb_clear();
	start(60000);
	sleep_ms(300);
	struct db *db = mariadb_db();
	check_ok(job_add(db, "test.slow", 1, "", 0, NULL));
	when added = clock_monotonic();
	check_ok(job_add(db, "test.woken", 2, "", 0, NULL));
	assert_true(soon(was_woken));
	assert_true(atomic_load(&woken_at) - added < 900);
	db_free(db);
	assert_true(poll_stop(5000));
	assert_int_equal(atomic_load(&slow_running), 2); /* the stop let it end */
}

static bool lease_over(void)
{
	return atomic_load(&runs[7]) == 1;
}

/* Its owner is dead: the lease ends, and the job runs here. */
static void test_dead_owner(void **state)
{
	mariadb_clear();
	atomic_store(&runs[7], 0);
	struct db *db = mariadb_db();
	struct arena *a = arena_new();
	struct job job;
	const char *const names[] = {"test.many", NULL};
	check_ok(job_add(db, "test.many", 7, "", 0, NULL));
	check_ok(job_claim(db, a, names, LEASES(1500), "a dead process", &job));
	start(100);
	sleep_ms(500);
	assert_int_equal(atomic_load(&runs[7]), 0);
	assert_true(soon(lease_over));
	assert_true(poll_stop(5000));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.many'"), 0);
	arena_free(a);
	db_free(db);
}

static bool joined_over(void)
{
	return mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.joined'") == 0;
}

static void test_end_within_transaction(void **state)
{
	mariadb_clear();
	struct db *db = mariadb_db();
	check_ok(job_add(db, "test.joined", 1, "", 0, NULL));
	check_ok(job_add(db, "test.joined", 2, "", 0, NULL));
	start(100);
	assert_true(soon(joined_over));
	assert_true(poll_stop(5000));
	assert_int_equal(atomic_load(&joined_runs), 3);
	/* nothing of the run that had lost its job */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.of_nobody'"), 2);
	db_free(db);
}

static bool all_stuck(void)
{
	return atomic_load(&stuck_running) == 2;
}

static bool short_ran(void)
{
	return atomic_load(&short_runs) == 1;
}

/* Whoever they send to is silent: orders go on all the same. A stop says that it could not wait for them. */
static void test_silent_receiver(void **state)
{
	mariadb_clear();
	struct db *db = mariadb_db();
	for (unsigned i = 0; i < 20; i++)
		check_ok(job_add(db, "test.stuck", i, "", 0, NULL));
	start(60000);
	assert_true(soon(all_stuck));
	when added = clock_monotonic();
	check_ok(job_add(db, "test.short", 1, "", 0, NULL));
	assert_true(soon(short_ran));
	assert_true(clock_monotonic() - added < 1000);
	assert_false(poll_stop(1));
	while (atomic_load(&stuck_running))
		sleep_ms(20);
	sleep_ms(300); /* they write down their end, and are gone */
	db_free(db);
}

static bool patient_held(void)
{
	return mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.patient' AND owner <> ''") == 1;
}

/* Each kind has the lease it asks for, whatever its neighbours need; a long run hears of the stop. */
static void test_leases_and_stop(void **state)
{
	mariadb_clear();
	struct db *db = mariadb_db();
	check_ok(job_add(db, "test.patient", 1, "", 0, NULL));
	start(100);
	assert_true(soon(patient_held));
	when hour = mariadb_number("SELECT lease_until FROM job WHERE kind = 'test.patient'") - clock_now();
	assert_in_range(hour, 59 * MINUTE, 60 * MINUTE);
	check_ok(job_add(db, "test.slow", 1, "", 0, NULL));
	while (!mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.slow' AND owner <> ''"))
		sleep_ms(10);
	when five = mariadb_number("SELECT lease_until FROM job WHERE kind = 'test.slow'") - clock_now();
	assert_in_range(five, 4 * MINUTE, 5 * MINUTE);
	when begun = clock_monotonic();
	assert_true(poll_stop(20000));
	assert_true(clock_monotonic() - begun < 5000);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'test.patient' AND why LIKE '%cut off%'"), 1);
	db_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_dead_owner),
		cmocka_unit_test(test_end_within_transaction),
		cmocka_unit_test(test_leases_and_stop),
		cmocka_unit_test(test_silent_receiver),
	};
	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
