/* Jobs in the database: adding, claiming with a lease, and the ends of a run. */
#include "store/job.h"

#include <stdatomic.h>
#include <time.h>

#include "base/crypto.h"

#define PAYLOAD_MAX 2000
#define KEY_MAX 255
#define WHY_MAX 1000
#define CANDIDATES 8 /* looked at in one claim */
#define DRAW 4 /* the first of them are drawn from, so that many processes do not all go for the same row */
#define ROUNDS 25

static _Atomic(void (*)(unsigned)) wake_hook;
static _Atomic(unsigned (*)(const char *)) lanes_hook;
static _Thread_local unsigned lanes_due; /* of the jobs that this thread has added since it woke anybody */

void job_wake_with(void (*wake)(unsigned lanes), unsigned (*lanes_of)(const char *kind))
{
	atomic_store(&lanes_hook, lanes_of);
	atomic_store(&wake_hook, wake);
}

/* After a rollback what was due stays marked: a wake too many does no harm. */
static void lanes_mark(const char *kind)
{
	unsigned (*hook)(const char *) = atomic_load(&lanes_hook);

	lanes_due |= hook && kind ? hook(kind) : ~0u;
}

static void wake(void)
{
	void (*hook)(unsigned) = atomic_load(&wake_hook);
	unsigned lanes = lanes_due;

	lanes_due = 0;
	if (hook && lanes)
		hook(lanes);
}

enum status job_add(struct db *db, const char *kind, uint64_t subject, const char *payload, when run_at,
	const char *unique_key)
{
	when now = clock_now();

	if (!payload)
		payload = "";
	ASSERT(strlen(payload) <= PAYLOAD_MAX && (!unique_key || strlen(unique_key) <= KEY_MAX));
	/* Not IGNORE, which would also hide values that do not fit. Assignments run from left to right: the state comes last. */
	enum status st = db_exec(db, NULL,
		"INSERT INTO job (kind, state, subject, payload, unique_key, due_at, created_at)"
		" VALUES (?, 'waiting', ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
		" due_at = IF(state = 'failed', VALUES(due_at), due_at), attempts = IF(state = 'failed', 0, attempts),"
		" state = 'waiting'",
		DB_TEXT(kind), DB_INT(subject), DB_TEXT(payload), DB_TEXT(unique_key),
		DB_INT(run_at ? run_at : now), DB_INT(now));

	if (st == STATUS_OK) {
		lanes_mark(kind);
		db_after_commit(db, wake);
	}
	return st;
}

#define FIRST_OF_KIND "(SELECT MIN(due_at) FROM job WHERE kind = ? AND state = 'waiting')"
#define FIRST_OF_4 FIRST_OF_KIND ", " FIRST_OF_KIND ", " FIRST_OF_KIND ", " FIRST_OF_KIND
#define CHUNK 16

/* The earliest due time among the kinds: each is one look at the start of a range of the index, however many rows wait. (GROUP BY kind
 * would leave it to the optimiser's statistics whether all of them are read.) */
static enum status earliest(
	struct db *db, struct arena *a, const char *const *kinds, const char **ret_kind, when *ret)
{
	const char *kind = NULL;
	when due = 0;

	while (*kinds) {
		struct db_arg args[CHUNK];
		struct db_rows row;
		size_t n = 0;
		for (; n < CHUNK && kinds[n]; n++)
			args[n] = DB_TEXT(kinds[n]);
		for (size_t i = n; i < CHUNK; i++)
			args[i] = DB_NULL();
		enum status st = db_select_n(db, a, &row,
			"SELECT " FIRST_OF_4 ", " FIRST_OF_4 ", " FIRST_OF_4 ", " FIRST_OF_4, args, CHUNK);
		if (st != STATUS_OK)
			return st;
		for (size_t i = 0; i < n; i++) {
			if (db_at(&row, 0, i)->null || (kind && db_int(&row, 0, i) >= due))
				continue;
			kind = kinds[i];
			due = db_int(&row, 0, i);
		}
		kinds += n;
	}
	*ret_kind = kind;
	*ret = due;
	return STATUS_OK;
}

enum status job_next_due(struct db *db, struct arena *a, const char *const *kinds, when *ret)
{
	const char *kind;

	return earliest(db, a, kinds, &kind, ret);
}

/* The connection broke before the answer came: a claim that counted all the same would lie there until its lease is over. */
static enum status take_lost(struct db *db, uint64_t id, const char *owner, when lease_until, uint64_t *ret_changed)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT id FROM job WHERE id = ? AND owner = ? AND lease_until = ?", DB_INT(id),
		DB_TEXT(owner), DB_INT(lease_until));

	if (st == STATUS_OK)
		*ret_changed = rows.rows;
	arena_free(a);
	return st;
}

/* Takes candidate i for owner, if it still is as it was read. A single statement commits itself. */
static enum status take(struct db *db, const struct db_rows *rows, size_t i, const char *owner, when now,
	when lease, bool *ret_taken)
{
	uint64_t changed;
	enum status st = db_exec(db, &changed,
		"UPDATE job SET owner = ?, lease_until = ?, due_at = ?, attempts = attempts + 1"
		" WHERE id = ? AND owner = ? AND lease_until = ? AND due_at = ? AND state = 'waiting'",
		DB_TEXT(owner), DB_INT(now + lease), DB_INT(now + lease), DB_INT(db_int(rows, i, 0)),
		DB_TEXT(db_text(rows, i, 1)), DB_INT(db_int(rows, i, 2)), DB_INT(db_int(rows, i, 3)));

	if (st == STATUS_BUSY)
		st = take_lost(db, (uint64_t)db_int(rows, i, 0), owner, now + lease, &changed);
	if (st == STATUS_OK)
		*ret_taken = changed == 1;
	return st;
}

static void job_fill(const struct db_rows *rows, size_t i, when lease_until, struct job *ret)
{
	*ret = (struct job){
		.id = (uint64_t)db_int(rows, i, 0),
		.lease_until = lease_until,
		.attempts = (unsigned)db_int(rows, i, 4) + 1,
		.kind = db_text(rows, i, 5),
		.subject = (uint64_t)db_int(rows, i, 6),
		.payload = db_text(rows, i, 7),
		.created_at = db_int(rows, i, 8),
	};
}

/* One look at the rows that are due. OK with *ret_taken false: others were quicker with all of them. */
static enum status claim_round(struct db *db, struct arena *a, const char *const *kinds, const when *leases,
	const char *owner, bool *ret_taken, struct job *ret, when *ret_due)
{
	when now = clock_now(), due, lease = 0;
	const char *kind;
	struct db_rows rows;
	uint8_t dice;
	enum status st = earliest(db, a, kinds, &kind, &due);

	if (st != STATUS_OK)
		return st;
	if (!kind || due > now) {
		*ret_due = due;
		return cause(STATUS_MISSING, "no job is due");
	}
	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i] == kind)
			lease = leases[i];
	ASSERT(lease > 0);
	st = db_select(db, a, &rows,
		"SELECT id, owner, lease_until, due_at, attempts, kind, subject, payload, created_at FROM job"
		" WHERE kind = ? AND state = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 8",
		DB_TEXT(kind), DB_INT(now));
	if (st != STATUS_OK)
		return st;
	crypto_random(&dice, sizeof(dice));
	size_t n = rows.rows < CANDIDATES ? rows.rows : CANDIDATES;
	size_t draw = n < DRAW ? n : DRAW, first = n ? dice % draw : 0;
	for (size_t i = 0; i < n; i++) {
		size_t j = i < draw ? (first + i) % draw : i;
		st = take(db, &rows, j, owner, now, lease, ret_taken);
		if (st != STATUS_OK)
			return st;
		if (*ret_taken) {
			job_fill(&rows, j, now + lease, ret);
			return STATUS_OK;
		}
	}
	return STATUS_OK;
}

enum status job_claim(struct db *db, struct arena *a, const char *const *kinds, const when *leases,
	const char *owner, struct job *ret)
{
	when due;

	return job_claim_or_due(db, a, kinds, leases, owner, ret, &due);
}

enum status job_claim_or_due(struct db *db, struct arena *a, const char *const *kinds, const when *leases,
	const char *owner, struct job *ret, when *ret_due)
{
	ASSERT(!db_in_transaction(db) && *owner);
	for (unsigned round = 0; round < ROUNDS; round++) {
		bool taken = false;
		enum status st = claim_round(db, a, kinds, leases, owner, &taken, ret, ret_due);
		if (st != STATUS_OK || taken)
			return st;
	}
	return cause(STATUS_BUSY, "job: others are quicker");
}

#define END_TRIES 5

/* The end of a run. The lease is compared too: an owner that claimed the row once more holds it by the new lease alone. A broken
 * connection is tried again, since otherwise the whole run would be repeated; that the row is gone then means that it had counted. */
static enum status end_run_n(struct db *db, const struct job *job, const char *sql, const struct db_arg *args, size_t n)
{
	uint64_t changed = 0;
	bool unsure = false;
	enum status st = STATUS_BUSY;

	for (unsigned tries = 0; tries < END_TRIES; tries++) {
		st = db_exec_n(db, &changed, sql, args, n);
		if (st != STATUS_BUSY || db_in_transaction(db))
			break;
		unsure = true;
		nanosleep(&(struct timespec){.tv_nsec = 20000000L << tries}, NULL);
	}
	if (st == STATUS_OK && changed != 1 && !unsure)
		return cause(STATUS_CONFLICT, "job %llu is no longer held", (unsigned long long)job->id);
	return st;
}
#define end_run(db, job, sql, ...) end_run_n(db, job, sql, DB_ARGS_(__VA_ARGS__) + 1, COUNT_OF(DB_ARGS_(__VA_ARGS__)) - 1)

enum status job_done(struct db *db, const struct job *job, const char *owner)
{
	return end_run(db, job, "DELETE FROM job WHERE id = ? AND owner = ? AND lease_until = ? AND state = 'waiting'",
		DB_INT(job->id), DB_TEXT(owner), DB_INT(job->lease_until));
}

/* A cause may hold text from outside: made printable, and cut. */
static enum status put_back(
	struct db *db, const struct job *job, const char *owner, const char *state, when due, const char *why)
{
	char text[WHY_MAX];

	text_escape(text, sizeof(text), why);
	return end_run(db, job,
		"UPDATE job SET state = ?, owner = '', lease_until = 0, due_at = ?, why = ?"
		" WHERE id = ? AND owner = ? AND lease_until = ? AND state = 'waiting'",
		DB_TEXT(state), DB_INT(due), DB_TEXT(text), DB_INT(job->id), DB_TEXT(owner),
		DB_INT(job->lease_until));
}

enum status job_retry(struct db *db, const struct job *job, const char *owner, when run_at, const char *why)
{
	return put_back(db, job, owner, "waiting", run_at ? run_at : clock_now(), why);
}

enum status job_fail(struct db *db, const struct job *job, const char *owner, const char *why)
{
	return put_back(db, job, owner, "failed", 0, why);
}

enum status job_again(struct db *db, const struct job *job, const char *owner, when run_at)
{
	return end_run(db, job,
		"UPDATE job SET owner = '', lease_until = 0, due_at = ?, attempts = 0, why = ''"
		" WHERE id = ? AND owner = ? AND lease_until = ? AND state = 'waiting'",
		DB_INT(run_at ? run_at : clock_now()), DB_INT(job->id), DB_TEXT(owner),
		DB_INT(job->lease_until));
}

enum status job_restart(struct db *db, uint64_t id)
{
	uint64_t changed = 0;
	enum status st = db_exec(db, &changed,
		"UPDATE job SET state = 'waiting', due_at = ?, attempts = 0 WHERE id = ? AND state = 'failed'",
		DB_INT(clock_now()), DB_INT(id));

	if (st == STATUS_OK && changed != 1)
		return cause(STATUS_MISSING, "no failed job %llu", (unsigned long long)id);
	if (st == STATUS_OK) {
		lanes_mark(NULL);
		db_after_commit(db, wake);
	}
	return st;
}

enum status job_has_failed(
	struct db *db, struct arena *a, const char *kind, uint64_t subject, const char *payload, bool *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT id FROM job WHERE subject = ? AND kind = ? AND payload = COALESCE(?, payload) AND state = 'failed' LIMIT 1",
		DB_INT(subject), DB_TEXT(kind), DB_TEXT(payload));

	if (st == STATUS_OK)
		*ret = rows.rows > 0;
	return st;
}

static struct job_failure failure_of(const struct db_rows *rows, size_t i)
{
	return (struct job_failure){
		.id = (uint64_t)db_int(rows, i, 0),
		.subject = (uint64_t)db_int(rows, i, 1),
		.kind = db_text(rows, i, 2),
		.payload = db_text(rows, i, 3),
		.why = db_text(rows, i, 4),
		.created_at = db_int(rows, i, 5),
	};
}

static void failures_fill(struct arena *a, const struct db_rows *rows, struct job_failure **ret, size_t *ret_n)
{
	struct job_failure *all = arena_array(a, rows->rows, sizeof *all);

	for (size_t i = 0; i < rows->rows; i++)
		all[i] = failure_of(rows, i);
	*ret = all;
	*ret_n = rows->rows;
}

enum status job_failures(struct db *db, struct arena *a, unsigned limit, struct job_failure **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT id, subject, kind, payload, why, created_at FROM job WHERE state = 'failed' ORDER BY id LIMIT ?", DB_INT(limit));

	if (st == STATUS_OK)
		failures_fill(a, &rows, ret, ret_n);
	return st;
}

enum status job_failures_below(
	struct db *db, struct arena *a, uint64_t below, unsigned limit, struct job_failure **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT id, subject, kind, payload, why, created_at FROM job WHERE state = 'failed' AND id < ? ORDER BY id DESC LIMIT ?",
		DB_INT(below ? below : INT64_MAX), DB_INT(limit));

	if (st == STATUS_OK)
		failures_fill(a, &rows, ret, ret_n);
	return st;
}

enum status job_failure_get(struct db *db, struct arena *a, uint64_t id, struct job_failure *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT id, subject, kind, payload, why, created_at FROM job WHERE id = ? AND state = 'failed'", DB_INT(id));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no failed job %llu", (unsigned long long)id);
	if (st == STATUS_OK)
		*ret = failure_of(&rows, 0);
	return st;
}

enum status job_discard(struct db *db, uint64_t id)
{
	uint64_t changed = 0;
	enum status st = db_exec(db, &changed, "DELETE FROM job WHERE id = ? AND state = 'failed'", DB_INT(id));

	if (st == STATUS_OK && changed != 1)
		return cause(STATUS_MISSING, "no failed job %llu", (unsigned long long)id);
	return st;
}
