/* The one row of maintenance mode. */
#ifndef ADMIN_MAINTENANCE_STORE_H
#define ADMIN_MAINTENANCE_STORE_H

#include "plugin.h"

/* Code points of a message, and how wide its column is: some three lines in the banner of a phone. */
#define MESSAGE_MAX 300

struct maintenance {
	uint64_t version; /* 0: it was never set */
	when from;        /* 0: off */
	when until;       /* 0: until somebody ends it */
	bool announced;   /* its message is shown before it begins, too */
	const char *message[LANG_COUNT]; /* never NULL */
	const char *set_by;              /* ePPN */
	when set_at;
};
enum status maintenance_get(struct db *db, struct arena *a, struct maintenance *ret) MUST_CHECK;
/* Stores it as what follows version m->version, with its audit row. CONFLICT: somebody else has changed it since. */
enum status maintenance_set(struct db *db, const struct maintenance *m, const char *action, const char *detail) MUST_CHECK;

#endif
