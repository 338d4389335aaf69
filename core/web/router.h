/* Routes: who may call what, as data. */
#ifndef INKAN_WEB_ROUTER_H
#define INKAN_WEB_ROUTER_H

#include "web/request.h"

enum access {
	ACCESS_ANYONE, /* no log-in needed */
	ACCESS_USER,   /* a visitor is sent to log in and comes back (GET), or told so (POST) */
	ACCESS_ADMIN,  /* does not exist (404) for others */
};

/* A list of routes ends with {0}. */
struct route {
	const char *method; /* "GET" or "POST" */
	const char *path;   /* "/client/:number": a :part matches one non-empty segment; literal segments win over parts */
	enum access access;
	enum status (*handle)(struct request *rq);
	/* A POST without CSRF token needs a reason why that is right; NULL: the token is checked. A test lists these. */
	const char *no_csrf_because;
	bool quiet;         /* a page asking for news: does not extend the session */
	int64_t body_max;   /* bytes; 0: the configured default */
};

/* Two routes of the same method and pattern, or a path that does not start with "/": INVALID. Before threads start. */
enum status router_add(const char *owner, const struct route *routes) MUST_CHECK;
/* The whole life of one request but for the transport: language, session, route, access, CSRF, handler, error page. */
void router_run(struct request *rq);
/* Calls for each route: tests and `inkan check` list them. */
void router_each(void (*call)(const char *owner, const struct route *route, void *context), void *context);

/* Set by the page layer, once: fills the layout around every page (menu, user, language switch). */
void router_layout(void (*fill)(struct request *rq, struct model *layout));
/* Set by the admin plugins: who is an administrator. Nobody when not set. */
void router_admin(bool (*is_admin)(struct request *rq));
bool router_is_admin(struct request *rq);

#endif
