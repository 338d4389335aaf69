/* Sealed columns under new keys: what `inkan keys rotate` does to the database. */
#ifndef INKAN_STORE_RESEAL_H
#define INKAN_STORE_RESEAL_H

#include "store/db.h"

/* A column that holds sealed values: each was sealed with seal(a, table, <text of the key column>, column, ...). Declared in a
 * plugin's descriptor; a list ends with {0}. The key column is the primary key: an integer or ASCII text. */
struct sealed_column {
	const char *table, *key, *column;
};

/* Seals up to n values that an older key sealed, behind `after` ("" at first), under the first key, in one transaction. ret_last: the
 * last key seen; ret_seen: rows looked at, fewer than n at the end of the table. A row changed meanwhile is left to the next walk.
 * ret_bad: values that do not open, each passed over; the cause names the last of them. */
enum status reseal_step(struct db *db, struct arena *a, const struct sealed_column *column, const char *after, unsigned n,
	const char **ret_last, unsigned *ret_seen, unsigned *ret_bad) MUST_CHECK;

#endif
