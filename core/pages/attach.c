/* Imported certificates find their owner when he logs in. */
#include "pages/handlers.h"

#include "store/application_owner.h"
#include "store/user_find.h"

/* Who has not been here for so long may have left the address to another, as with the import itself (admin_import's owner_seen). */
#define RIVAL_SEEN (400 * DAY)
/* Of one address; beyond that something is wrong with it, and nobody is given anything. */
#define RIVALS_MAX 100

/* How many others may have the user's address as rightly as he; ret_one: one of them. An IdP that may not assert it makes no rival, or
 * whoever runs one could keep others from what is theirs. */
static enum status rivals(struct db *db, struct arena *a, const struct user *user, size_t *ret, uint64_t *ret_one)
{
	struct user *others;
	size_t n = 0, rightly = 0;
	enum status s = user_same_mail(db, a, user, clock_now() - RIVAL_SEEN, RIVALS_MAX, &others, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		if (!site_mail_allowed(&others[i]))
			continue;
		rightly++;
		*ret_one = others[i].id;
	}
	*ret = n == RIVALS_MAX ? n : rightly;
	return STATUS_OK;
}

enum status attach_waiting(struct db *db, struct arena *a, const struct user *user)
{
	size_t attached = 0, others = 0;
	uint64_t rival = 0;

	/* Whoever runs an IdP could else take certificates of others by asserting their addresses. */
	if (!*user->mail || !site_mail_allowed(user))
		return STATUS_OK;
	enum status s = rivals(db, a, user, &others, &rival);
	if (s != STATUS_OK || others > 1)
		return s;
	s = application_attach(db, a, user, rival, certificate_types_by_mail(a), &attached);
	if (s == STATUS_OK && attached)
		log_info("login, user %llu was given %zu imported certificates", (unsigned long long)user->id, attached);
	return s;
}
