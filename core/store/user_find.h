/* Looking for users among all of them: what administrators do. */
#ifndef INKAN_STORE_USER_FIND_H
#define INKAN_STORE_USER_FIND_H

#include "store/user.h"

/* Counts are exact up to here; what is more is not counted to its end. */
#define COUNT_MAX 10000

enum user_field { USER_FIELD_ANY, USER_FIELD_EPPN, USER_FIELD_NAME, USER_FIELD_MAIL, USER_FIELD_COUNT };

struct user_query {
	const char *words; /* each one has to occur as a part; folded (text_fold), so width and case make no difference. "": all users */
	enum user_field field;
	uint64_t below; /* ids below it; 0: from the newest */
	unsigned limit;
};
/* Newest first, at most limit. ret_count: how many there are in all, or COUNT_MAX + 1 for more. INVALID: too many words. */
enum status user_find(struct db *db, struct arena *a, const struct user_query *query, struct user **ret, size_t *ret_n,
	unsigned *ret_count) MUST_CHECK;
/* The users with these ids (0 is none), in any order; at most USERS_BY_ID. */
#define USERS_BY_ID 20
enum status user_by_ids(struct db *db, struct arena *a, const uint64_t *ids, size_t n, struct user **ret, size_t *ret_n) MUST_CHECK;

/* Others with the user's mail address, in any case, who have been here since; at most limit, in any order. */
enum status user_same_mail(struct db *db, struct arena *a, const struct user *user, when since, unsigned limit, struct user **ret,
	size_t *ret_n) MUST_CHECK;

/* What a user is found by, as it is stored: ePPN, name and mail, folded, a line each. */
const char *user_search_text(struct arena *a, const struct user *user);
/* Computes it for up to limit users of a time before it was stored. */
enum status user_search_fill(struct db *db, struct arena *a, unsigned limit, unsigned *ret_filled) MUST_CHECK;

#endif
