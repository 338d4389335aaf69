/* The owner of an imported certificate: he is given it by his address or by an administrator, and it is taken from him when it was somebody
 * else's. */
#ifndef INKAN_STORE_APPLICATION_OWNER_H
#define INKAN_STORE_APPLICATION_OWNER_H

#include "store/application.h"

/* Gives the user the rows that wait under his mail address, with numbers in order; the caller has found that he may have that address
 * (site_mail_allowed). rival: another user who may have it too (0: nobody): then only those that an administrator took from that one, for
 * of the others it cannot be told whose they are. types_by_mail: NULL-terminated, see certificate_types_by_mail(). At most ATTACH_MAX at
 * a time: the next log-in goes on. In one transaction or in the caller's. */
#define ATTACH_MAX 1000
enum status application_attach(struct db *db, struct arena *a, const struct user *user, uint64_t rival,
	const char *const *types_by_mail, size_t *ret_n) MUST_CHECK;

/* An administrator's decision: the waiting certificate, with imported ones of its address that it renews or that renew it, is this user's,
 * whatever his own address is. A row in the audit trail for each, with the note, in one transaction. CONFLICT: it does not wait. */
enum status application_give(struct db *db, struct arena *a, uint64_t id, const struct user *user, const char *const *types_by_mail,
	const char *note) MUST_CHECK;

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
