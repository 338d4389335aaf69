/* What router and server know of a request besides its handlers: its making, its body, its response. */
#ifndef INKAN_WEB_REQUEST_INTERNAL_H
#define INKAN_WEB_REQUEST_INTERNAL_H

#include "web/pairs.h"
#include "web/request.h"
#include "web/router.h"

struct request_limits {
	int64_t body_max, fields_max, params_max; /* see struct server_settings */
};

/* Where the body comes from. Returns the bytes read, fewer than len at the end only. */
struct request_source {
	size_t (*read)(void *from, char *to, size_t len);
	void *from;
};

/* Where the response goes to; false when it cannot be written. */
struct request_sink {
	bool (*write)(void *to, const void *data, size_t len);
	void *to;
};

struct header {
	struct header *next;
	const char *name, *value;
};

struct after {
	struct after *next;
	void (*call)(struct request *rq, bool complete, void *context);
	void *context;
};

struct request_parts {
	struct request_limits limits;
	struct request_source source;
	char *const *envp;
	struct pairs params, query, fields, cookies, path_parts;
	const char *raw_path, *query_string;
	bool head; /* the browser asked with HEAD */
	const struct route *route;
	const char *admin_proof; /* what this session showed of the administrators' password; NULL: nothing */
	bool admin_known, admin_proven;
	const struct site_pause *pause; /* NULL: not asked yet */
	const struct uploads *uploads;  /* files of the form; upload.c */

	/* The response under way. */
	int http; /* 0: there is none yet */
	struct header *headers, *cookies_set;
	struct bytes body;
	enum status (*stream)(struct request *rq, struct arena *a, void *context, struct bytes *ret); /* NULL: body is all */
	void *stream_context;
	size_t streamed; /* bytes so far */
	bool cut;        /* the stream failed: nginx must not take what went out for the whole */
	bool secret;
	const char *form_origins;
	struct after *after;

	/* A refusal with words of its own. */
	const char *sentence; /* translated; NULL: the status's */
	int refuse_http;      /* 0: the status's */
	bool log_in_again;    /* the error page offers the log-in */
};

/* params: NAME=VALUE, NULL-terminated; params and source must live as long as the request. What cannot fail is set: id, now,
 * language by the headers; request_parse() sets the rest. */
struct request *request_new(struct arena *a, struct db *db, const struct request_limits *limits,
	char *const *params, struct request_source source);
/* Checks request line, query, cookies. INVALID (400): nothing but id, remote, now and lang may be used then. */
enum status request_parse(struct request *rq) MUST_CHECK;
/* Reads and parses the form of a POST: at most max bytes. */
enum status request_read_form(struct request *rq, int64_t max) MUST_CHECK;
/* Refuses with an HTTP code and a (translated) sentence of its own, either of which may be missing (0, NULL). Returns s. */
enum status request_fail(struct request *rq, enum status s, int http, const char *sentence) MUST_CHECK;

/* Drops the response under way but for its cookies, which tell what has already happened (log-in, log-out). */
void response_drop(struct request *rq);
/* A page in the layout; like request_page_code. */
enum status response_page(
	struct request *rq, int http, const char *view, const char *title, struct model *m) MUST_CHECK;
void response_body(struct request *rq, int http, const char *content_type, struct bytes body);
/* Writes status, headers and body. False when the sink did not take all of it. */
bool response_write(struct request *rq, struct request_sink sink);
/* Calls what request_after() asked for. */
void response_after(struct request *rq, bool complete);

/* route.c: the route that the path means, the one that says most; NULL: none. And the parts of the path that its pattern names. */
const struct route *route_find(const char *method, const char *path);
struct pairs route_parts(struct arena *a, const char *pattern, const char *path);

#endif
