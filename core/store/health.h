/* How the running system is: what goes on without a person leaves its last success and its last failure here; queues are counted. */
#ifndef INKAN_STORE_HEALTH_H
#define INKAN_STORE_HEALTH_H

#include "base/clock.h"
#include "store/db.h"

/* Counts are exact up to this many, and "so many or more" beyond: the page is looked at when queues are long, and each row that is counted
 * is one look-up. */
#define HEALTH_COUNT_MAX 10000

/* Notes that name ("core.mail", "upstream_local.submit") has just succeeded, or failed because of why (at most 500 characters are kept,
 * no secret). Written at most every HEALTH_NOTE_EVERY by a process, so that it may be called as often as one likes; not in a
 * transaction. Its own failure is logged, no more. */
#define HEALTH_NOTE_EVERY (10 * SECOND)
void health_note(struct db *db, const char *name, bool succeeded, const char *why);

struct health_pulse {
	const char *name, *why; /* why: of the last failure */
	when succeeded_at, failed_at;
};
/* All of them, by name. */
enum status health_pulses(struct db *db, struct arena *a, struct health_pulse **ret, size_t *ret_n) MUST_CHECK;

/* Applications that wait for an upstream's answer. */
struct health_pending {
	const char *upstream;
	int64_t n;   /* HEALTH_COUNT_MAX + 1: more than that */
	when oldest; /* since when the one that waits longest has been in its state */
};
enum status health_pendings(struct db *db, struct arena *a, struct health_pending **ret, size_t *ret_n) MUST_CHECK;

/* Jobs by kind. */
struct health_jobs {
	const char *kind;
	bool periodic;
	int64_t waiting, running, failed;
	when oldest; /* when the oldest of those that wait was made; 0: none waits */
	when due;    /* when the first of those that wait was to run; 0: none waits */
};
enum status health_job_kinds(struct db *db, struct arena *a, when now, struct health_jobs **ret, size_t *ret_n) MUST_CHECK;

/* Single facts. */
struct health_facts {
	when database_clock;            /* the database's own clock */
	int64_t migrations;             /* files of the core's schema that are applied */
	when migrated_at;               /* the last of all */
	int64_t unchained;              /* rows of the audit trail without a chain entry */
	when unchained_since;           /* the oldest of them; 0: none */
	int64_t unrevoked;              /* certificates whose revocation failed: they are still valid */
	int64_t conflicts, handovers;   /* events that could not be applied, and open; hand-overs to a card service that wait */
	when oldest_conflict, oldest_handover;
};
enum status health_facts_get(struct db *db, struct arena *a, struct health_facts *ret) MUST_CHECK;

#endif
