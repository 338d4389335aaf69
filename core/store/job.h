/* Jobs: durable rows for every effect on the outside world, claimed with a lease, retried with backoff, deleted when done. */
#ifndef INKAN_STORE_JOB_H
#define INKAN_STORE_JOB_H

#include "base/clock.h"
#include "store/db.h"

struct job {
	uint64_t id;
	const char *kind;    /* "core.submit" */
	uint64_t subject;    /* an application's id, or 0 */
	const char *payload; /* kind's own, no secret, at most 2,000 bytes; "" when none */
	unsigned attempts;   /* this one included: 1 at the first run */
	when created_at;
	when lease_until;
};

/* Adds a job that runs at run_at or later (0: now). unique_key (may be NULL): when a job with this key exists, nothing is added and
 * the result is OK; if that one has failed, it starts again. In a transaction, normally that of the event. This process's poll loop is woken after the commit. */
enum status job_add(struct db *db, const char *kind, uint64_t subject, const char *payload, when run_at,
	const char *unique_key) MUST_CHECK;
/* The hooks that wake those parts of the poll loop (bits) which run jobs of a kind; set once at start. */
void job_wake_with(void (*wake)(unsigned lanes), unsigned (*lanes_of)(const char *kind));

/* Claims the most overdue job among the kinds (NULL-terminated) for owner, committed before it returns; leases: for each kind, the ms it
 * may be held. MISSING: none due.
 * A job whose lease ran out is claimed again: its former owner is dead or late. Safe on Galera: the claim is an UPDATE guarded by
 * the old owner and lease, and counts only once committed. */
enum status job_claim(struct db *db, struct arena *a, const char *const *kinds, const when *leases, const char *owner, struct job *ret) MUST_CHECK;
/* The same in one look: MISSING sets *ret_due to when the next one is due (0: nothing waits). */
enum status job_claim_or_due(struct db *db, struct arena *a, const char *const *kinds, const when *leases, const char *owner,
	struct job *ret, when *ret_due) MUST_CHECK;
/* When the next job of these kinds is due (0: nothing waits). */
enum status job_next_due(struct db *db, struct arena *a, const char *const *kinds, when *ret) MUST_CHECK;
/* The four ends of a run, each only while owner still holds it (CONFLICT otherwise: somebody else runs it now). */
enum status job_done(struct db *db, const struct job *job, const char *owner) MUST_CHECK;
enum status job_retry(struct db *db, const struct job *job, const char *owner, when run_at, const char *why) MUST_CHECK;
/* Stays as a row in state 'failed' with its cause, for administrators to see and to start again. */
enum status job_fail(struct db *db, const struct job *job, const char *owner, const char *why) MUST_CHECK;
/* Puts a periodic job back, attempts 0. */
enum status job_again(struct db *db, const struct job *job, const char *owner, when run_at) MUST_CHECK;
enum status job_restart(struct db *db, uint64_t id) MUST_CHECK; /* a failed job, by an administrator; MISSING */
/* Whether a job of this kind, subject and payload (NULL: whatever it is) has failed for good. */
enum status job_has_failed(struct db *db, struct arena *a, const char *kind, uint64_t subject, const char *payload,
	bool *ret) MUST_CHECK;
/* Failed jobs, oldest first, at most limit. */
struct job_failure {
	uint64_t id, subject;
	const char *kind, *payload, *why;
	when created_at;
};
enum status job_failures(struct db *db, struct arena *a, unsigned limit, struct job_failure **ret, size_t *ret_n) MUST_CHECK;
/* The same, newest first, those with a lower id than below (0: the newest). */
enum status job_failures_below(struct db *db, struct arena *a, uint64_t below, unsigned limit, struct job_failure **ret,
	size_t *ret_n) MUST_CHECK;
enum status job_failure_get(struct db *db, struct arena *a, uint64_t id, struct job_failure *ret) MUST_CHECK; /* MISSING */
/* Forgets a failed job, by an administrator: what it was to do is never done. MISSING. */
enum status job_discard(struct db *db, uint64_t id) MUST_CHECK;

#endif
