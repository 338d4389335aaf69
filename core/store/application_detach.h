/* Taking imported certificates from users who were given them by mistake: an address may have belonged to somebody else. */
#ifndef INKAN_STORE_APPLICATION_DETACH_H
#define INKAN_STORE_APPLICATION_DETACH_H

#include "store/application.h"

struct application_detachment {
	bool imported;
	bool renewed;	/* its owner has a renewal of it that he applied for here: it cannot be taken alone */
	uint64_t from;	/* whom it was taken from, and is not given to again; 0: nobody */
};
enum status application_detachment(struct db *db, struct arena *a, const struct application *app,
	struct application_detachment *ret) MUST_CHECK;

/* The certificate, with imported ones that it renews or that renew it, waits for an owner again, whoever logs in with its address but this
 * one. Number, name and memo go; a row in the audit trail for each, in one transaction. CONFLICT: it is no longer this owner's, is no imported
 * one, or was renewed here. MISSING. */
enum status application_detach(struct db *db, struct arena *a, uint64_t id, uint64_t owner, const char *note) MUST_CHECK;
/* The one whom it was taken from may be given it again. CONFLICT: it was not taken, or has an owner by now. */
enum status application_detach_undo(struct db *db, struct arena *a, uint64_t id) MUST_CHECK;

#endif
