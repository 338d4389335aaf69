/* Users: who has logged in, known by the case-folded scoped identifier (ePPN). */
#ifndef INKAN_STORE_USER_H
#define INKAN_STORE_USER_H

#include "base/clock.h"
#include "base/i18n.h"
#include "store/db.h"

struct user {
	uint64_t id;
	const char *eppn; /* folded to lower case */
	const char *idp;  /* entity ID of the IdP of the last login */
	const char *name, *mail;
	enum lang lang; /* of the last page; mails use it */
	when created_at, seen_at;
};

/* What a login says: finds or makes the user (race-free by the unique key), overwrites name, mail, idp and lang; a change of mail or
 * idp is audited. */
enum status user_login(struct db *db, struct arena *a, const char *eppn, const char *idp, const char *name, const char *mail,
	enum lang lang, struct user *ret) MUST_CHECK;
enum status user_get_eppn(struct db *db, struct arena *a, const char *eppn, struct user *ret) MUST_CHECK; /* MISSING */
enum status user_get(struct db *db, struct arena *a, uint64_t id, struct user *ret) MUST_CHECK; /* MISSING */

#endif
