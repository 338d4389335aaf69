/* What is deleted, or made anonymous, once it is old enough. The audit trail never is: it is chained, and cutting it would break the chain. */
#ifndef INKAN_STORE_RETENTION_H
#define INKAN_STORE_RETENTION_H

#include "base/clock.h"
#include "store/db.h"

/* Each does one step of at most `limit` rows that are older than `before`, and tells how many it changed. */
enum status retention_jobs(struct db *db, when before, unsigned limit, uint64_t *ret) MUST_CHECK;      /* failed ones */
enum status retention_conflicts(struct db *db, when before, unsigned limit, uint64_t *ret) MUST_CHECK; /* closed ones */
/* Reminders of deadlines that are over: their rows only kept them from being sent twice. */
enum status retention_reminders(struct db *db, when before, unsigned limit, uint64_t *ret) MUST_CHECK;
/* Blanks the particulars of events; the events themselves are the state machine's memory and stay. From the place on: walks the table. */
struct event_place {
	uint64_t application;
};
enum status retention_events(struct db *db, when before, unsigned limit, struct event_place *place, uint64_t *ret, bool *ret_more) MUST_CHECK;
/* Users who have not logged in since `before`, and have had no certificate, nor anything under way, since then: name, mail address and
 * memos are blanked, here and in their applications, and their calendar's address ends. The ePPN stays: it is what they are known by when
 * they come back, and what the audit trail names; the subjects of certificates stay, since they are public and must never be used again.
 * From the id *after on, which moves. */
enum status retention_users(struct db *db, when before, unsigned limit, uint64_t *after, uint64_t *ret, bool *ret_more) MUST_CHECK;

#endif
