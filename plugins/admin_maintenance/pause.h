/* What the pages of this process know of maintenance mode, and what they say about it. */
#ifndef ADMIN_MAINTENANCE_PAUSE_H
#define ADMIN_MAINTENANCE_PAUSE_H

#include "admin_maintenance_store.h"

enum maintenance_state {
	MAINTENANCE_OFF,
	MAINTENANCE_AHEAD, /* its window has not begun */
	MAINTENANCE_ON,
	MAINTENANCE_OVER,  /* its window has ended by itself */
};
enum maintenance_state maintenance_state(const struct maintenance *m, when now);
/* The text of the red banner while it is in force, or before it (ahead), in a language; this thread's language stays as it is. */
char *maintenance_banner(struct arena *a, const struct maintenance *m, bool ahead, enum lang lang);

/* Reads the row for the first time: before threads start. */
enum status pause_start(struct arena *a, struct db *db) MUST_CHECK;
/* The hook plugin.pause. */
enum status pause_ask(struct request *rq, struct site_pause *ret);
/* This process reads the row again with the next page. */
void pause_forget(void);

#endif
