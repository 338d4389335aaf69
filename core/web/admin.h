/* Administrators: the ePPN stands in the configuration, and this session has shown the Basic password. Both are asked on every route. */
#ifndef INKAN_WEB_ADMIN_H
#define INKAN_WEB_ADMIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

struct request;

/* What a role allows. A route with ACCESS_ADMIN names the one that it needs. */
enum right {
	RIGHT_LOOK,   /* look at users and certificates: every role */
	RIGHT_REVOKE, /* revoke for somebody else: full, help desk */
	RIGHT_AUDIT,  /* read and verify the audit trail: full, auditor */
	RIGHT_CHANGE, /* everything else: full */
	RIGHT_COUNT
};

struct admin_settings {
	const char *const *full, *const *help_desk, *const *auditors; /* ePPNs; one that stands in several lists has all their rights */
	const char *passwords; /* file of NAME:HASH lines (base/password.h), read at each log-in and each admin page; "": nobody gets in */
};
/* INVALID: names in the lists, but no file of passwords. */
enum status admin_start(const struct admin_settings *settings) MUST_CHECK;

/* Whether the user's ePPN stands in one of the lists, so that the way in is shown. */
bool admin_listed(const struct request *rq);
/* Whether the user may, now and here: the role has the right, and the password was shown in this session. For buttons and for handlers
 * that serve more than one right; a route's own right is checked before its handler. */
bool admin_may(const struct request *rq, enum right right);
/* Whether the lists give this ePPN the right, with or without a password. For what is told about a user. */
bool admin_eppn_has(struct arena *a, const char *eppn, enum right right);
/* The router's check of a route: MISSING (404) for whoever is not listed; DENIED with a challenge (401) until the password was shown, with
 * Retry-After (429) while wrong ones slow it down, with a sentence (403) when the role lacks the right. */
enum status admin_enter(struct request *rq, enum right right) MUST_CHECK;
/* Of a page that was made: writes what was looked for to the audit trail, when any of these parameters of the query (NULL-terminated) says
 * so. For the router, by a route's .words. */
enum status admin_searched(struct request *rq, const char *const *words) MUST_CHECK;

#endif
