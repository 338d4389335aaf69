/* Reading the audit trail: rows by filter, and what its verifications found. */
#ifndef INKAN_STORE_AUDIT_FIND_H
#define INKAN_STORE_AUDIT_FIND_H

#include "base/clock.h"
#include "store/db.h"

struct audit_row {
	uint64_t id;
	when at;
	const char *actor, *context, *action, *object, *detail; /* detail NULL: none */
};
/* NULL: any. */
struct audit_query {
	const char *actor, *object, *action;
	when from, until; /* from <= at < until; 0: open */
};
/* Newest first, ids below `below` (0: from the newest), at most limit rows. */
enum status audit_find(struct db *db, struct arena *a, const struct audit_query *query, uint64_t below, unsigned limit,
	struct audit_row **ret, size_t *ret_n) MUST_CHECK;

/* How many there are, at most `most` of them counted. */
enum status audit_count(struct db *db, struct arena *a, const struct audit_query *query, int64_t most, int64_t *ret) MUST_CHECK;

/* A verification of the whole trail, by job core.verify. */
struct audit_check {
	uint64_t id;
	const char *asked_by; /* ePPN, or "" for the daily one */
	when started_at, ended_at; /* ended_at 0: under way */
	bool whole;
	uint64_t rows, tail;  /* chained and proven; not chained yet */
	uint64_t last_id;     /* the newest row that is proven; 0: none */
	when last_at;
	uint64_t broken_id;   /* the first row that is not as it was; 0: none, or a chain entry */
	const char *why;      /* "" when whole; what is broken, or why it could not be told */
};
/* Walks the trail under key and stores what it found. OK also when it is broken; other: it could not be told. */
enum status audit_check_run(struct db *db, struct arena *a, struct bytes key, const char *asked_by, struct audit_check *ret) MUST_CHECK;
/* Newest first, ended ones. */
enum status audit_check_list(struct db *db, struct arena *a, unsigned limit, struct audit_check **ret, size_t *ret_n) MUST_CHECK;

#endif
