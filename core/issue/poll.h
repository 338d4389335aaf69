/* The poll loop: threads that claim jobs, run them, and retry them until they are done or visibly failed. */
#ifndef INKAN_ISSUE_POLL_H
#define INKAN_ISSUE_POLL_H

#include "store/db.h"
#include "store/job.h"

/* Which threads run a job, so that none holds up a page nor another lane: those that talk to the database and the upstream; those that
 * send to others who may not answer for minutes (mail, card server); the bounded ones that compute (keys). */
enum job_lane { LANE_WAIT, LANE_SEND, LANE_COMPUTE, LANE_COUNT };

struct job_run {
	const struct job *job;
	struct arena *arena;
	struct db *db;
	when deadline; /* clock_monotonic() */
	const char *owner; /* for job_run_done() */
	bool *ended;       /* the same; NULL: nobody claimed the job (a test) */
};
/* The job's end, inside the transaction that writes what it did, as its last statement: both count, or neither, and one commit is saved.
 * run() then returns OK. CONFLICT when somebody else holds the job by now: nothing of the transaction may count. Not for periodic jobs. */
enum status job_run_done(const struct job_run *run) MUST_CHECK;
/* Whether a long run should end now: its deadline is over, or the server stops. What is left is done by the next run. */
bool job_run_over(const struct job_run *run);

/* A kind of job. A list ends with {0}. */
struct job_kind {
	const char *name; /* "PLUGIN.what" */
	enum job_lane lane;
	/* OK: done, the row is deleted. Other: tried again after a growing pause. INVALID: will never succeed, gives up at once.
	 * Must be safe to run twice. */
	enum status (*run)(const struct job_run *run);
	/* After the last attempt: turns the failure into something a person sees (an event GAVE_UP); may be NULL: the row stays as failed.
	 * OK: the job's row is deleted. */
	enum status (*gave_up)(const struct job_run *run, const char *why);
	unsigned attempts;   /* at most so many runs; 0: 12, about a day with the default pauses */
	int64_t lease;       /* ms a run may take; 0: 5 minutes */
	int64_t first_pause; /* ms; doubles with each attempt up to an hour, ±20 %; 0: 5 s */
	int64_t every;       /* ms; a periodic job: one row for the whole cluster, put back after each run; 0: not periodic */
};

struct poll_settings {
	int64_t wait_threads, send_threads, compute_threads;
	int64_t interval; /* ms: how often the table is looked at for jobs that other processes made */
};

/* kinds: NULL-terminated array of pointers to lists. Ensures the rows of periodic jobs. */
enum status poll_start(const struct poll_settings *settings, const struct db_settings *db,
	const struct job_kind *const *kinds) MUST_CHECK;
/* Something is due: safe from any thread. */
void poll_wake(void);
/* Lets running jobs end, for at most ms; their leases cover what is cut off. False: threads are still at work, and nothing that they
 * may use can be freed: the process must end as it is. */
bool poll_stop(int64_t ms) MUST_CHECK;

#endif
