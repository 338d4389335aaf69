/* Events that could not be applied: reports that cannot be true in the state the application was in, kept for administrators. */
#ifndef INKAN_STORE_CONFLICT_H
#define INKAN_STORE_CONFLICT_H

#include "base/clock.h"
#include "store/db.h"

struct conflict {
	uint64_t id, application;
	const char *kind;       /* name of the event's kind: "TAKEN" */
	const char *state;      /* name of the state that the application was in: "REVOKED"; "DELETED": it was not there any more */
	const char *source_key; /* who reported it; printable */
	const char *detail;     /* of a report about an application that was deleted: what it said; else "" */
	when at;
	when closed_at;         /* 0: nobody has looked at it */
	/* Of the application, as it is now; NULL and 0 when it was deleted. */
	const char *type, *state_now;
};
/* Open ones, or closed ones, newest first, those with a lower id than below (0: the newest). */
enum status conflict_list(struct db *db, struct arena *a, bool closed, uint64_t below, unsigned limit, struct conflict **ret,
	size_t *ret_n) MUST_CHECK;
enum status conflict_get(struct db *db, struct arena *a, uint64_t id, struct conflict *ret) MUST_CHECK; /* MISSING */
/* An administrator is done with it. CONFLICT: it is closed already; MISSING. */
enum status conflict_close(struct db *db, struct arena *a, uint64_t id, when now) MUST_CHECK;

#endif
