/* Runs for people who have left: who, what is to become of their certificates, and what did. */
#ifndef INKAN_ADMIN_LEAVERS_STORE_H
#define INKAN_ADMIN_LEAVERS_STORE_H

#include "plugin.h"

#define RUN_STATES(X)                                                                                          \
	X(DRAFT, "draft")     /* found, nothing decided */                                                    \
	X(WAITING, "waiting") /* decided; runs at run_at */                                                   \
	X(RUNNING, "running")                                                                                 \
	X(DONE, "done")                                                                                       \
	X(CANCELLED, "cancelled")
enum run_state {
#define X(name, text) RUN_##name,
	RUN_STATES(X)
#undef X
	RUN_STATE_COUNT
};

struct run {
	uint64_t id;
	enum run_state state;
	const char *made_by, *how; /* how: "list", "search ..." */
	when made_at;
	unsigned duplicates; /* lines that repeated another */
	int reason;          /* RFC 5280 5.3.1 */
	when run_at, started_at, ended_at;
	const char *ended_by; /* who cancelled it */
	bool unclaimed; /* certificates without an owner are revoked with it */
};

/* A draft of these ePPNs (folded, each once). Unknown ones are kept to be told. */
enum status run_draft_list(struct db *db, struct arena *a, const char *by, const char *const *eppns, size_t n, unsigned duplicates,
	when now, uint64_t *ret) MUST_CHECK;
/* A draft of users who have not been here since `before` (0: whenever) and whose ePPN matches the pattern (* is any text; "": all) and who
 * hold a certificate or wait for one. INVALID: more than most. */
enum status run_draft_search(struct db *db, struct arena *a, const char *by, when before, const char *pattern, size_t most, when now,
	uint64_t *ret) MUST_CHECK;
enum status run_get(struct db *db, struct arena *a, uint64_t id, struct run *ret) MUST_CHECK; /* MISSING */
enum status run_list(struct db *db, struct arena *a, uint64_t below, unsigned limit, struct run **ret, size_t *ret_n) MUST_CHECK;
/* Of certificates without an owner that were shown: by this they are known again. */
struct unclaimed_mark {
	uint64_t all, last; /* how many there are, and the highest id of them */
};
/* The draft becomes a decision. unclaimed, unless NULL: the certificates of unclaimed_list() with this mark are part of it from now on, whoever
 * may claim them later. CONFLICT: it is no draft any more, or they are others by now. */
enum status run_start(struct db *db, uint64_t id, const char *by, int reason, const struct unclaimed_mark *unclaimed, when run_at,
	when now) MUST_CHECK;
/* Until it runs; `was`: draft or waiting, as whoever decides has seen it. CONFLICT: it is not so any more. A draft disappears. */
enum status run_cancel(struct db *db, uint64_t id, enum run_state was, const char *by, when now) MUST_CHECK;
/* One person of a run that has not begun, left out or put back. CONFLICT: too late, or done before. */
enum status run_cancel_person(struct db *db, uint64_t id, uint64_t user, when now) MUST_CHECK;
enum status run_restore_person(struct db *db, uint64_t id, uint64_t user) MUST_CHECK;
/* Drafts that nobody decided on are forgotten. */
enum status run_sweep(struct db *db, when before) MUST_CHECK;
/* A run that ended before this is forgotten with all that belongs to it, in steps of `limit` rows of each table. ret: gone; *ret_more: there
 * is more of it, or another. */
enum status run_forget(struct db *db, when before, unsigned limit, bool *ret, bool *ret_more) MUST_CHECK;

/* How often a certificate that was not obtained yet is looked at again: until it is, or can be no more. */
#define LEAVERS_AGAIN DAY

struct run_counts {
	int64_t persons, persons_left, persons_cancelled, unknown;
	int64_t certificates;  /* that could be revoked now */
	int64_t untaken;       /* applied for or ready, but not obtained yet */
	int64_t unclaimed;     /* after the decision: without an owner, and still to be revoked */
	int64_t asked, revoked, failed, already, ended; /* of what was done */
};
enum status run_count(struct db *db, struct arena *a, uint64_t id, when now, struct run_counts *ret) MUST_CHECK;

struct person {
	uint64_t user_id;
	const char *eppn, *name, *mail;
	enum lang lang;
	when done_at, cancelled_at, mailed_at, seen_at;
	int64_t certificates, untaken; /* as in run_counts, of this person */
};
/* By user id, above `after`. */
enum status person_list(struct db *db, struct arena *a, uint64_t run, uint64_t after, unsigned limit, when now, struct person **ret,
	size_t *ret_n) MUST_CHECK;
enum status person_get(struct db *db, struct arena *a, uint64_t run, uint64_t user, when now, struct person *ret) MUST_CHECK;
/* The earliest run that is decided on and not over for this person, or for this application as one without an owner (either 0); MISSING. */
enum status person_planned(struct db *db, struct arena *a, uint64_t user, uint64_t application, struct run *ret) MUST_CHECK;
/* Those that are no users, in the order of the list. */
enum status unknown_list(struct db *db, struct arena *a, uint64_t run, unsigned after, unsigned limit, const char ***ret, size_t *ret_n,
	unsigned *ret_last) MUST_CHECK;
/* Live certificates that nobody has claimed yet, imported ones, whose mail address is an entry of the list that is no user's, or that of a
 * person of the run and of nobody else. At most limit (from 1). */
struct unclaimed {
	uint64_t application;
	const char *mail, *subject;
};
struct unclaimed_found {
	const struct unclaimed *list;
	size_t n;
	struct unclaimed_mark mark;
};
enum status unclaimed_list(struct db *db, struct arena *a, uint64_t run, unsigned limit, when now, struct unclaimed_found *ret) MUST_CHECK;
/* Of a run that is decided: those that are still to be revoked. */
enum status planned_list(struct db *db, struct arena *a, uint64_t run, unsigned limit, struct unclaimed_found *ret) MUST_CHECK;
/* Makes them items of the run. */
enum status items_plan(struct db *db, struct arena *a, uint64_t run, when now, struct unclaimed_mark *ret) MUST_CHECK;
/* Ids of the person's applications that live as of now: certificates that are valid, and those not obtained yet. */
enum status person_live(struct db *db, struct arena *a, uint64_t user, when now, uint64_t **ret, size_t *ret_n) MUST_CHECK;

/* For the job. The next run that is due; MISSING. It is running then. */
enum status run_due(struct db *db, struct arena *a, when now, struct run *ret) MUST_CHECK;
/* A decided run some of whose people are not told yet, with the next of them; MISSING. */
enum status run_untold(struct db *db, struct arena *a, unsigned limit, uint64_t *ret_run, uint64_t **ret_users, size_t *ret_n) MUST_CHECK;
enum status person_told(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_first) MUST_CHECK;
/* The mail goes out now, as far as anybody knows; false: it must not, the run or the person is cancelled. */
enum status person_announce(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_going) MUST_CHECK;
/* A run with people whose mail may have gone out though nothing of theirs is revoked, with the next of them (none: the run is done with);
 * MISSING. */
enum status run_unrecalled(struct db *db, struct arena *a, unsigned limit, uint64_t *ret_run, uint64_t **ret_users, size_t *ret_n) MUST_CHECK;
enum status person_recalled(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_first) MUST_CHECK;
/* People of the run that are due, at most limit. */
enum status run_people_due(struct db *db, struct arena *a, uint64_t run, when now, unsigned limit, uint64_t **ret, size_t *ret_n) MUST_CHECK;
/* Takes the person for this transaction; false: done or cancelled meanwhile. */
enum status person_take(struct db *db, uint64_t run, uint64_t user, when now, bool *ret) MUST_CHECK;
/* next_at 0: done. */
enum status person_end(struct db *db, uint64_t run, uint64_t user, when now, when next_at) MUST_CHECK;
enum status item_put(struct db *db, uint64_t run, uint64_t application, uint64_t user, const char *outcome, when now) MUST_CHECK;
/* Certificates without an owner that are due, at most limit; item_take as person_take. */
enum status run_items_due(struct db *db, struct arena *a, uint64_t run, when now, unsigned limit, uint64_t **ret, size_t *ret_n) MUST_CHECK;
/* Its person was left out after the decision: it is none of the run. */
enum status item_left_out(struct db *db, struct arena *a, uint64_t run, uint64_t application, bool *ret) MUST_CHECK;
enum status item_take(struct db *db, uint64_t run, uint64_t application, when now, bool *ret) MUST_CHECK;
/* Nobody and nothing is left: done. */
enum status run_end(struct db *db, uint64_t run, when now) MUST_CHECK;

/* A row of the result: a certificate with what became of it, or a person without any (application 0), above the place. */
struct result {
	uint64_t application;
	unsigned number;
	const char *eppn, *type, *subject, *serial, *outcome, *state;
	when at, revoked_at;
};
enum status result_list(struct db *db, struct arena *a, uint64_t run, uint64_t after, unsigned limit, struct result **ret,
	size_t *ret_n) MUST_CHECK;

#endif
