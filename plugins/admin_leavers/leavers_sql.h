/* What the SQL of the plugin's store files shares. */
#ifndef INKAN_ADMIN_LEAVERS_SQL_H
#define INKAN_ADMIN_LEAVERS_SQL_H

#include "admin_leavers_store.h"

/* States of a certificate that can be revoked, and of one that may yet be obtained. */
#define VALID "state IN ('TAKEN', 'DELIVERED', 'REVOKE_ERROR')"
#define UNTAKEN "state IN ('ACCEPTED', 'SENT', 'PIN')"
/* Of the items of a run, those without an owner (user 0): what is still to be done, and what of it at this time. */
#define OPEN "user_id = 0 AND outcome IN ('planned', 'untaken')"
#define DUE OPEN " AND (outcome = 'planned' OR at <= ?)" /* now - LEAVERS_AGAIN */

/* A column of ids. */
enum status leavers_ids(struct arena *a, const struct db_rows *rows, uint64_t **ret, size_t *ret_n) MUST_CHECK;

#endif
