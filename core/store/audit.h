/* The audit trail: who did what to which object. Rows are inserted in the transaction of the deed, and chained by a job. */
#ifndef INKAN_STORE_AUDIT_H
#define INKAN_STORE_AUDIT_H

#include "base/clock.h"
#include "store/db.h"

/* The actor of this thread's deeds (an ePPN, or "job:KIND", "upstream:NAME", "system") and the request or job id; copied. */
void audit_context(const char *actor, const char *id);
/* action: "application.applied", "pin.viewed", ...; object: "application:17", "user:3". detail: short, English, no secret; may be NULL. */
enum status audit_add(struct db *db, const char *action, const char *object, const char *detail) MUST_CHECK;

/* Chains up to n unchained rows: HMAC-SHA256 under key over the previous chain value and the row. ret_head: hex of the newest. */
enum status audit_chain(struct db *db, struct arena *a, struct bytes key, unsigned n, unsigned *ret_chained, char **ret_head) MUST_CHECK;
/* Walks the whole trail in keyset steps. OK: unbroken; CONFLICT: the cause names the first changed, removed or reordered row.
 * ret_rows chained rows, ret_tail rows not yet chained. */
enum status audit_verify(struct db *db, struct arena *a, struct bytes key, uint64_t *ret_rows, uint64_t *ret_tail) MUST_CHECK;

#endif
