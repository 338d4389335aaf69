/* Rows of sessions and of things that may be used only once. */
#ifndef INKAN_STORE_SESSION_STORE_H
#define INKAN_STORE_SESSION_STORE_H

#include "base/clock.h"
#include "store/user.h"

struct session_row {
	struct user user;
	when created_at, seen_at;
	const char *idp;
	struct bytes admin; /* proof of the administrators' password; data NULL: none */
};

/* digest: SHA-256 of the cookie's value; the value itself is never stored. */
enum status session_insert(struct db *db, struct bytes digest, uint64_t user_id, const char *idp) MUST_CHECK;
/* MISSING when there is none or it is past idle or absolute (ms); writes seen_at at most every tenth of idle, and not when quiet
 * (a poll for news does not extend a session). */
enum status session_find(struct db *db, struct arena *a, struct bytes digest, when idle, when absolute, bool quiet,
	struct session_row *ret) MUST_CHECK;
enum status session_set_admin(struct db *db, struct bytes digest, struct bytes proof) MUST_CHECK; /* 32 bytes */
enum status session_delete(struct db *db, struct bytes digest) MUST_CHECK;
enum status session_set_lang(struct db *db, uint64_t user_id, enum lang lang) MUST_CHECK;
enum status session_sweep(struct db *db, when idle, when absolute) MUST_CHECK; /* deletes old sessions and `once` rows */

/* Marks (purpose, value) as used until a time: OK the first time, CONFLICT ever after, on every process (replay of SAML messages). */
enum status once_use(struct db *db, const char *purpose, const char *value, when until) MUST_CHECK;

#endif
