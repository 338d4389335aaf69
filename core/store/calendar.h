/* Secret addresses of calendars: one a user, known by the digest of its token. */
#ifndef INKAN_STORE_CALENDAR_H
#define INKAN_STORE_CALENDAR_H

#include "store/user.h"

#define CALENDAR_TOKEN_CHARS 43 /* 256 bits in base64url */

/* Makes a new address; the one before ends. *ret_token is told once and never again: only its digest is stored. */
enum status calendar_renew(struct db *db, struct arena *a, uint64_t user_id, const char **ret_token) MUST_CHECK;
/* Ends the address; OK also when there is none. */
enum status calendar_remove(struct db *db, struct arena *a, uint64_t user_id) MUST_CHECK;
/* When the address was made; 0: there is none. */
enum status calendar_made(struct db *db, struct arena *a, uint64_t user_id, when *ret) MUST_CHECK;
/* Whose address it is. MISSING: nobody's (any more). */
enum status calendar_owner(struct db *db, struct arena *a, const char *token, struct user *ret) MUST_CHECK;

#endif
