/* Counts per month and type: kept in a small table, made of the applications' indexes; and the rows of the export. */
#ifndef INKAN_ADMIN_STATISTICS_STORE_H
#define INKAN_ADMIN_STATISTICS_STORE_H

#include "plugin.h"

/* What is counted by month. EXPIRED: ended without revocation. MISSED: not downloaded in time. */
#define COUNT_KINDS(X) X(APPLIED) X(ISSUED) X(RENEWED) X(REVOKED) X(EXPIRED) X(MISSED)
enum count_kind {
#define X(name) COUNT_##name,
	COUNT_KINDS(X)
#undef X
	COUNT_KIND_COUNT
};

/* Bytes of a type's name: column type of tables application and statistics holds no more. */
#define TYPE_MAX 64

/* A month: year × 12 + month from 0, in the configured zone. */
unsigned month_of(struct arena *a, when t);
when month_start(struct arena *a, unsigned month);

/* Counts one month anew, up to now, and replaces what was there. */
enum status count_month(struct db *db, unsigned month, when now) MUST_CHECK;
/* Counts what is so now: valid certificates by type, users. */
enum status count_now(struct db *db, when now) MUST_CHECK;
/* The first month in which anything happened; that of now when nothing did. */
enum status count_first_month(struct db *db, struct arena *a, when now, unsigned *ret) MUST_CHECK;

/* Notes of the job: when all months were counted last, and which is the next to be counted (downwards). 0: never; none. */
struct count_notes {
	when counted_at, rebuilt_at;
	unsigned todo;
};
enum status count_notes_get(struct db *db, struct arena *a, struct count_notes *ret) MUST_CHECK;
enum status count_notes_set(struct db *db, const struct count_notes *notes) MUST_CHECK;

struct count {
	unsigned month;
	enum count_kind kind;
	const char *type;
	int64_t n;
};
/* Of the months from <= month < until. */
enum status counts_get(struct db *db, struct arena *a, unsigned from, unsigned until, struct count **ret, size_t *ret_n) MUST_CHECK;
struct count_present {
	const char *type;
	int64_t valid;
};
enum status counts_now(struct db *db, struct arena *a, struct count_present **ret, size_t *ret_n, int64_t *ret_users) MUST_CHECK;

/* Rows of the export: applications with an id above `after`, oldest first, without their secrets, and their users' ePPNs ("" for rows
 * that wait for an owner). type "": all. */
struct exported {
	struct application app;
	const char *eppn;
};
enum status export_read(struct db *db, struct arena *a, uint64_t after, unsigned limit, const char *type, struct exported **ret,
	size_t *ret_n) MUST_CHECK;

#endif
