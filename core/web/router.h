/* Routes: who may call what, as data. */
#ifndef INKAN_WEB_ROUTER_H
#define INKAN_WEB_ROUTER_H

#include "web/admin.h"
#include "web/request.h"

enum access {
	ACCESS_ANYONE, /* no log-in needed */
	ACCESS_USER,   /* a visitor is sent to log in and comes back (GET), or told so (POST) */
	ACCESS_ADMIN,  /* does not exist (404) for others; see web/admin.h */
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
	enum right right;   /* with ACCESS_ADMIN: what the administrator's role must allow */
	/* With ACCESS_ADMIN: parameters of the query that say what is looked for, NULL-terminated; a page that answers any of them is a row of
	 * the audit trail (admin.searched). */
	const char *const *words;
	bool upload;        /* a POST that may be multipart/form-data, with files: see web/upload.h; its body_max bounds their memory */
	bool pauses;        /* refused (503) while the site is paused: what users do, not what they look at */
};

/* Two routes of the same method and pattern, or a path that does not start with "/": INVALID. Before threads start. */
enum status router_add(const char *owner, const struct route *routes) MUST_CHECK;
/* The whole life of one request but for the transport: language, session, route, access, CSRF, handler, error page. */
void router_run(struct request *rq);
/* Calls for each route: tests and `inkan check` list them. */
void router_each(void (*call)(const char *owner, const struct route *route, void *context), void *context);

/* The route under way; NULL: none matched. */
const struct route *request_route(const struct request *rq);

/* Set by the page layer, once: fills the layout around every page (menu, user, language switch). */
void router_layout(void (*fill)(struct request *rq, struct model *layout));

/* What the whole site is told in red, and whether it pauses (maintenance). */
struct site_pause {
	bool paused;         /* routes with .pauses are refused, their buttons are shown disabled */
	when until;          /* when that is expected to end; 0: not known */
	const char *message; /* in the request's language, shown on every page; NULL: none */
};
/* Set by the page layer, once: asks the plugins. Without it nothing ever pauses. */
void router_pause(enum status (*ask)(struct request *rq, struct site_pause *ret));
/* Never NULL; asked once a request. When it cannot be told (database away), the site does not pause. */
const struct site_pause *request_pause(struct request *rq);

#endif
