/* The page handlers on a real database, asked the way a browser asks; for tests. */
#ifndef INKAN_TEST_PAGES_H
#define INKAN_TEST_PAGES_H

#include "plugin.h"

struct answer {
	int http;
	const char *page, *location, *etag;
	const char *retry_after, *challenge; /* Retry-After, WWW-Authenticate */
	const char *disposition;             /* Content-Disposition */
	size_t len;                          /* of page; of a streamed answer all of it */
};

/* Its page has this text. */
bool says(struct answer answer, const char *text);

/* For a group's set-up: starts database, texts, views, routes and sessions that outlast any shift of the clock. Plugins are added to the
 * core's, and others are loaded from the build by name, with their tables, views and routes (both NULL-terminated; NULL: none). Returns
 * the arena in which everything lives until pages_test_close(), the group's tear-down. */
struct arena *pages_test_open(const struct plugin *const *plugins, const char *const *names, struct db **ret_db);
int pages_test_close(void **state);
/* The next requests are answered on this connection; NULL: on that of the test. */
void pages_test_use(struct db *db);

/* A session of this user: the value of the cookie. */
const char *pages_session(const struct user *user);
/* The same, in which the administrators' password was shown. These ePPNs are administrators (full, help desk, auditor): */
#define PAGES_ADMIN "admin@example.ac.jp"
#define PAGES_HELP_DESK "helpdesk@example.ac.jp"
#define PAGES_AUDITOR "auditor@example.ac.jp"
/* and this is the name and the password that the pages ask for: */
#define PAGES_BASIC_NAME "kanri"
#define PAGES_BASIC_PASSWORD "correct horse battery"
const char *pages_admin_session(const struct user *user);
/* The next requests bring this header Authorization; NULL: none. */
void pages_authorization(const char *value);
/* The next requests bring this header Sec-Fetch-Site; NULL: none. */
void pages_fetch_site(const char *value);
/* The next requests bring this header If-None-Match; NULL: none. */
void pages_none_match(const char *value);
/* The token of that session's forms. */
const char *pages_csrf(const char *session);
/* path may have a query. lang is that of the browser. */
struct answer pages_get(const char *lang, const char *session, const char *path);
/* form without csrf, which is added; csrf NULL: as the session's. */
struct answer pages_post(const char *session, const char *path, const char *form, const char *csrf);

/* A POST of any bytes and type, as they are. */
struct answer pages_send(const char *session, const char *path, const char *type, struct bytes body);

/* Moves the clock so far from the real one; 0 puts it back. Only in test builds; false elsewhere. */
bool pages_clock(when shift);

#endif
