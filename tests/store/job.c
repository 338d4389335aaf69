/* Tests of jobs: one holder at a time, leases, retries, uniqueness, and claims that stay quick among many. */
#include <pthread.h>
#include <stdatomic.h>

#include "store/job.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;
static const char *const kinds[] = {"test.a", "test.b", NULL};
static const char *const only_b[] = {"test.b", NULL};

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	job_wake_with(NULL, NULL);
	return 0;
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void added_claimed_done(void **state)
{
	struct job job;
	when before = clock_now(), due = 7;

	check_ok(job_next_due(db, a, kinds, &due));
	assert_int_equal(due, 0);
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	check_ok(job_add(db, "test.a", 17, "pay load", 0, NULL));
	check_ok(job_next_due(db, a, kinds, &due));
	assert_true(due >= before && due <= clock_now());
	check_status(job_claim(db, a, only_b, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	assert_string_equal(job.kind, "test.a");
	assert_string_equal(job.payload, "pay load");
	assert_int_equal(job.subject, 17);
	assert_int_equal(job.attempts, 1);
	assert_true(job.created_at >= before && job.lease_until >= before + MINUTE);
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "you", &job), STATUS_MISSING);
	check_ok(job_next_due(db, a, kinds, &due));
	assert_int_equal(due, job.lease_until);
	check_ok(job_done(db, &job, "me"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 0);
	check_status(job_done(db, &job, "me"), STATUS_CONFLICT);
}

static void not_before_its_time(void **state)
{
	struct job job;
	when due, later = clock_now() + HOUR;

	check_ok(job_add(db, "test.a", 0, NULL, later, NULL));
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	check_ok(job_next_due(db, a, kinds, &due));
	assert_int_equal(due, later);
	check_ok(job_add(db, "test.b", 0, NULL, clock_now() + 30, NULL));
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	sleep_ms(60);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	assert_string_equal(job.kind, "test.b");
}

static void same_key_once(void **state)
{
	struct job job;

	check_ok(job_add(db, "test.a", 1, "first", 0, "key"));
	check_ok(job_add(db, "test.a", 1, "second", 0, "key"));
	check_ok(job_add(db, "test.a", 1, "other", 0, "KEY"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 2);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM job WHERE payload = 'first' AND attempts = 0 AND owner = ''"),
		1);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	check_ok(job_done(db, &job, "me"));
	check_ok(job_add(db, "test.a", 1, "third", 0, "key"));
	check_ok(job_add(db, "test.a", 1, "third", 0, "KEY"));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 2);
}

static void retried_failed_restarted(void **state)
{
	struct job job;

	check_ok(job_add(db, "test.a", 1, "", 0, NULL));
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	check_ok(job_retry(db, &job, "me", clock_now() + 30, "upstream said \"no\" \xff"));
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	sleep_ms(60);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	assert_int_equal(job.attempts, 2);
	check_ok(job_fail(db, &job, "me", "gave up"));
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job), STATUS_MISSING);
	assert_int_equal(
		mariadb_number("SELECT COUNT(*) FROM job WHERE state = 'failed' AND why = 'gave up'"), 1);
	check_status(job_restart(db, job.id + 1), STATUS_MISSING);
	check_ok(job_restart(db, job.id));
	check_status(job_restart(db, job.id), STATUS_MISSING);
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	assert_int_equal(job.attempts, 1);
	check_ok(job_again(db, &job, "me", clock_now()));
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
	assert_int_equal(job.attempts, 1);
}

/* Nobody but the holder ends a run; one whose lease ran out may, until somebody else has it. */
static void only_the_holder_ends(void **state)
{
	struct job old, now;

	check_ok(job_add(db, "test.a", 1, "", 0, NULL));
	check_ok(job_claim(db, a, kinds, LEASES(40), "late", &old));
	check_status(job_done(db, &old, "stranger"), STATUS_CONFLICT);
	check_status(job_claim(db, a, kinds, LEASES(MINUTE), "other", &now), STATUS_MISSING);
	sleep_ms(80);
	check_ok(job_claim(db, a, kinds, LEASES(40), "late", &now)); /* the same owner, a new lease */
	assert_int_equal(now.attempts, 2);
	check_status(job_done(db, &old, "late"), STATUS_CONFLICT);
	sleep_ms(80);
	old = now;
	check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "other", &now));
	assert_int_equal(now.id, old.id);
	check_status(job_done(db, &old, "late"), STATUS_CONFLICT);
	check_status(job_retry(db, &old, "late", 0, "x"), STATUS_CONFLICT);
	check_status(job_fail(db, &old, "late", "x"), STATUS_CONFLICT);
	check_status(job_again(db, &old, "late", 0), STATUS_CONFLICT);
	assert_int_equal(
		mariadb_number("SELECT COUNT(*) FROM job WHERE owner = 'other' AND attempts = 3"), 1);
	check_ok(job_done(db, &now, "other"));
}

static void late_holder_may_still_end(void **state)
{
	struct job job;

	check_ok(job_add(db, "test.a", 1, "", 0, NULL));
	check_ok(job_claim(db, a, kinds, LEASES(20), "late", &job));
	sleep_ms(40);
	check_ok(job_done(db, &job, "late"));
}

static int woken;
static unsigned woken_lanes;

static void wake(unsigned lanes)
{
	woken++;
	woken_lanes = lanes;
}

static unsigned lanes_of(const char *kind)
{
	return text_same(kind, "test.a") ? 1 : text_same(kind, "test.b") ? 2 : 0;
}

static enum status add_two(struct db *d, void *context)
{
	enum status st = job_add(d, "test.a", 1, "", 0, NULL);

	if (st == STATUS_OK)
		st = job_add(d, "test.b", 1, "", 0, NULL);
	assert_int_equal(woken, 0);
	return st == STATUS_OK ? *(enum status *)context : st;
}

static void wakes_after_commit(void **state)
{
	enum status denied = STATUS_DENIED, ok = STATUS_OK;

	woken = 0;
	job_wake_with(wake, lanes_of);
	check_status(db_transact(db, add_two, &denied), STATUS_DENIED);
	assert_int_equal(woken, 0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 0);
	check_ok(db_transact(db, add_two, &ok));
	assert_int_equal(woken, 1);
	assert_int_equal(woken_lanes, 3);
	check_ok(job_add(db, "test.a", 1, "", 0, NULL));
	assert_int_equal(woken, 2);
	assert_int_equal(woken_lanes, 1); /* those who run other kinds sleep on */
	check_ok(job_add(db, "test.of_nobody", 1, "", 0, NULL));
	assert_int_equal(woken, 2);
}

#define JOBS 400
#define CLAIMERS 8
static _Atomic int holders[JOBS + 1], runs[JOBS + 1], overlaps, failures;

/* Claims until nothing is left; some runs are retried, as if they had failed. */
static void *claimer(void *context)
{
	struct db *d = mariadb_db();
	struct arena *mine = arena_new();
	char owner[32];

	snprintf(owner, sizeof(owner), "owner %d", (int)(intptr_t)context);
	for (;;) {
		struct job job;
		enum status st = job_claim(d, mine, kinds, LEASES(MINUTE), owner, &job);
		if (st == STATUS_MISSING)
			break;
		if (st != STATUS_OK) {
			fprintf(stderr, "%s\n", cause_text());
			atomic_fetch_add(&failures, st != STATUS_BUSY);
			continue;
		}
		if (atomic_fetch_add(&holders[job.subject], 1) != 0)
			atomic_fetch_add(&overlaps, 1);
		atomic_fetch_add(&runs[job.subject], 1);
		atomic_fetch_sub(&holders[job.subject], 1);
		if (job.subject % 7 == 0 && job.attempts == 1)
			st = job_retry(d, &job, owner, 0, "once more");
		else
			st = job_done(d, &job, owner);
		if (st != STATUS_OK)
			atomic_fetch_add(&failures, 1);
		arena_reset(mine);
	}
	arena_free(mine);
	db_free(d);
	return NULL;
}

static void one_holder_at_a_time(void **state)
{
	pthread_t threads[CLAIMERS];

	for (int i = 1; i <= JOBS; i++)
		check_ok(job_add(db, i % 2 ? "test.a" : "test.b", (uint64_t)i, "", 0, NULL));
	for (int i = 0; i < CLAIMERS; i++)
		pthread_create(&threads[i], NULL, claimer, (void *)(intptr_t)i);
	for (int i = 0; i < CLAIMERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(overlaps, 0);
	assert_int_equal(failures, 0);
	for (int i = 1; i <= JOBS; i++)
		assert_int_equal(runs[i], i % 7 == 0 ? 2 : 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 0);
}

#define ROWS_READ                                                                                                 \
	"SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.global_status WHERE VARIABLE_NAME IN" \
	" ('Handler_read_first', 'Handler_read_key', 'Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd_next')"

/* 100,000 rows of one kind must not slow down the claim of another, nor of their own. */
static void claims_stay_quick(void **state)
{
	struct job job;
	when due;

	mariadb_exec("INSERT INTO job (kind, state, subject, payload, due_at, created_at)"
		     " SELECT 'test.a', 'waiting', seq, '', 1000 + seq, 1 FROM seq_1_to_100000");
	mariadb_exec("INSERT INTO job (kind, state, subject, payload, due_at, created_at)"
		     " SELECT 'test.c', 'waiting', seq, '', 1, 1 FROM seq_1_to_20000");
	mariadb_exec(
		"INSERT INTO job (kind, state, subject, payload, due_at, created_at) VALUES ('test.b', 'waiting', 5, '', 200000, 1)");
	int64_t before = mariadb_number(ROWS_READ);
	check_ok(job_claim(db, a, only_b, LEASES(MINUTE), "me", &job));
	assert_string_equal(job.kind, "test.b");
	for (int i = 0; i < 50; i++) {
		check_ok(job_claim(db, a, kinds, LEASES(MINUTE), "me", &job));
		assert_in_range(job.subject, 1, 60); /* the most overdue, or nearly */
		check_ok(job_done(db, &job, "me"));
		check_ok(job_next_due(db, a, kinds, &due));
	}
	assert_in_range(mariadb_number(ROWS_READ) - before, 50, 5000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(added_claimed_done),
		T(not_before_its_time),
		T(same_key_once),
		T(retried_failed_restarted),
		T(only_the_holder_ends),
		T(late_holder_may_still_end),
		T(wakes_after_commit),
		T(one_holder_at_a_time),
		T(claims_stay_quick),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
