/* What an administrator enters about maintenance mode. */
#ifndef ADMIN_MAINTENANCE_FORM_H
#define ADMIN_MAINTENANCE_FORM_H

#include "pause.h"

struct form {
	uint64_t version;                /* of the row that the administrator has seen */
	const char *start;               /* "now", "later", or "keep": it goes on since when it does */
	const char *from, *until;        /* as entered */
	bool announced;
	const char *message[LANG_COUNT]; /* trimmed, lines end in \n */
	/* Why a field cannot be taken, as sentences; NULL: it can. */
	const char *from_why, *until_why, *message_why[LANG_COUNT];
};

/* To begin with: what is set, or what was set the last time. */
struct form form_of(struct arena *a, const struct maintenance *row, when now);
/* Reads the fields; from row is known since when it is in force. False: something cannot be taken, and the form says what. */
bool form_read(struct request *rq, const struct maintenance *row, struct form *ret, struct maintenance *ret_wish);
/* The fields as they are shown, and as hidden ones. */
void form_fill(struct request *rq, struct model *m, const struct form *form);

#endif
