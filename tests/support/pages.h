/* The page handlers on a real database, asked the way a browser asks; for tests. */
#ifndef INKAN_TEST_PAGES_H
#define INKAN_TEST_PAGES_H

#include "plugin.h"

struct answer {
	int http;
	const char *page, *location, *etag;
};

/* Starts database, texts, views, routes and sessions that outlast any shift of the clock; plugins (NULL-terminated) are added to the
 * core's. Everything lives in a. */
void pages_test_start(struct arena *a, const struct plugin *const *plugins);
void pages_test_end(void);
struct db *pages_test_db(void);

/* A session of this user: the value of the cookie. */
const char *pages_session(const struct user *user);
/* The token of that session's forms. */
const char *pages_csrf(const char *session);
/* path may have a query. lang is that of the browser. */
struct answer pages_get(const char *lang, const char *session, const char *path);
/* form without csrf, which is added; csrf NULL: as the session's. */
struct answer pages_post(const char *session, const char *path, const char *form, const char *csrf);

/* Moves the clock so far from the real one; 0 puts it back. Only in test builds; false elsewhere. */
bool pages_clock(when shift);

#endif
