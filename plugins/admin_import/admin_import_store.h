/* Rows of the bulk import: runs, the parts of their work, staged rows, counts. */
#ifndef ADMIN_IMPORT_STORE_H
#define ADMIN_IMPORT_STORE_H

#include "import.h"

/* RECEIVING (an upload is being read), FETCHING (the upstream is asked), CLASSIFYING, READY (to be decided on), REGISTERING, LINKING;
 * closed: DONE, DISCARDED, FAILED, all of which lose their rows (cleared: they have). */
struct run {
	uint64_t id;
	bool open, cleared;
	const char *phase, *source, *upstream, *file, *owner, *why;
	uint64_t steps;
	unsigned total, last_row, selected, made, moved, left_out;
	unsigned to_do;	/* rows that the present phase has not looked at yet */
	bool worked_on; /* there are parts */
	when created_at, changed_at, finished_at;
};
/* CONFLICT: another one is open. */
enum status run_start(struct db *db, const struct run *run, when now, uint64_t *ret_id) MUST_CHECK;
enum status run_get(struct db *db, struct arena *a, uint64_t id, struct run *ret) MUST_CHECK;  /* MISSING */
enum status run_open(struct db *db, struct arena *a, struct run *ret) MUST_CHECK;	       /* MISSING: none is */
enum status run_list(struct db *db, struct arena *a, unsigned limit, struct run **ret, size_t *ret_n) MUST_CHECK; /* closed, newest first */
/* First statement of every transaction on a run that has no parts, so that they take turns. CONFLICT: it is no longer as it was read. */
enum status run_step(struct db *db, const struct run *run, when now) MUST_CHECK;
/* Only phase, total, last_row, selected. */
enum status run_update(struct db *db, const struct run *run) MUST_CHECK;
/* Ends it and its parts: phase DONE, DISCARDED or FAILED. */
enum status run_close(struct db *db, uint64_t id, const char *phase, const char *why, when now) MUST_CHECK;
/* Open ones without a change since before, and closed ones that still have rows, finished before then. */
enum status run_stale(struct db *db, struct arena *a, when before, struct run **ret, size_t *ret_n) MUST_CHECK;
enum status run_finished(struct db *db, struct arena *a, when done_before, struct run **ret, size_t *ret_n) MUST_CHECK;
enum status run_cleared(struct db *db, uint64_t id) MUST_CHECK;

/* Of a run's rows those behind position up to last_row, and of these those whose mail address falls to this number. */
struct part {
	uint64_t id, run, steps;
	unsigned number, parts, position, last_row, made, moved, left_out;
};
enum status part_add(struct db *db, const struct part *part, uint64_t *ret_id) MUST_CHECK;
enum status part_get(struct db *db, struct arena *a, uint64_t id, struct part *ret) MUST_CHECK; /* MISSING */
/* First statement of every transaction on a part, so that they take turns. CONFLICT: it is no longer as it was read. */
enum status part_step(struct db *db, const struct part *part) MUST_CHECK;
/* Only position, made, moved, left_out. */
enum status part_update(struct db *db, const struct part *part) MUST_CHECK;
/* Parts whose job is lost: whoever was to write it was killed just then. */
enum status part_jobless(struct db *db, struct arena *a, struct part **ret, size_t *ret_n) MUST_CHECK;
/* Its counts become the run's. ret_last: no other part is left. */
enum status part_end(struct db *db, struct arena *a, const struct part *part, when now, bool *ret_last) MUST_CHECK;

/* Adds staged rows; in a transaction. */
enum status rows_insert(struct db *db, struct arena *a, uint64_t run, const struct item *items, size_t n) MUST_CHECK;
/* Forgets a bounded number of them; all gone: ret_more false. */
enum status rows_clear(struct db *db, uint64_t run, unsigned limit, bool *ret_more) MUST_CHECK;

/* Classifies the rows (after, to] against the applications of the upstream, in the transaction of a step: first which are known, then what
 * would become of them and whose the new ones would be, if he was seen since. */
enum status rows_match(struct db *db, uint64_t run, const char *upstream, unsigned after, unsigned to) MUST_CHECK;
enum status rows_plan(struct db *db, uint64_t run, when seen_since, unsigned after, unsigned to) MUST_CHECK;
/* IdPs and mail domains of those who would get the new rows. */
struct owners {
	const char *idp, *mail;
};
enum status rows_owners(struct db *db, struct arena *a, uint64_t run, unsigned after, unsigned to, struct owners **ret, size_t *ret_n) MUST_CHECK;
enum status rows_disown(struct db *db, uint64_t run, unsigned after, unsigned to, const struct owners *owners) MUST_CHECK;
enum status rows_count(struct db *db, uint64_t run, unsigned after, unsigned to) MUST_CHECK;

struct row {
	unsigned row_no;
	enum import_class class;
	const char *reason, *detail, *subject, *serial, *old_serial, *mail, *upstream_id, *type, *profile, *plan, *why, *result;
	int months;
	when requested_at, not_before, not_after, url_until, revoked_at;
	bool known;
	uint64_t application_id, user_id;
	/* rows_list() alone sets these: */
	const char *eppn; /* of the owner that a new row would get, or of the application's; NULL: none */
	bool made;	  /* there is an application with its import_key */
};
/* Rows behind `after`, in order. known: 0, 1, or -1 for both. */
enum status rows_list(struct db *db, struct arena *a, uint64_t run, enum import_class class, int known, unsigned after, unsigned limit,
	struct row **ret, size_t *ret_n) MUST_CHECK;
/* The next rows of the part. */
enum status rows_planned(struct db *db, struct arena *a, const struct part *part, unsigned limit, struct row **ret, size_t *ret_n) MUST_CHECK;
/* Of them those that were made and renew another one, with their application_id. */
enum status rows_renewing(struct db *db, struct arena *a, const struct part *part, unsigned limit, struct row **ret, size_t *ret_n) MUST_CHECK;
struct row_result {
	unsigned row_no;
	uint64_t application_id;
	const char *result;
};
/* Of rows that became applications nothing is written: what was made is found by its import_key. */
enum status rows_result(struct db *db, struct arena *a, uint64_t run, const struct row_result *results, size_t n) MUST_CHECK;

/* n[class][known]; of each the rows whose plan changes something are in todo, and those it cannot in stays. */
struct counts {
	unsigned n[CLASS_COUNT][2], todo[CLASS_COUNT][2], stays[CLASS_COUNT][2];
};
enum status counts_get(struct db *db, struct arena *a, uint64_t run, struct counts *ret) MUST_CHECK;

#endif
