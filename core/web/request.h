/* A request and its response: what came from the browser, checked, and what goes back. */
#ifndef INKAN_WEB_REQUEST_H
#define INKAN_WEB_REQUEST_H

#include "base/clock.h"
#include "base/i18n.h"
#include "store/db.h"
#include "store/user.h"
#include "web/view.h"

struct session; /* session.h */
struct request_parts; /* parsed parameters and the response under way; request.c */

struct request {
	struct arena *arena; /* everything made for this request; gone after the response */
	struct db *db;
	const char *id;      /* nginx's request id, checked: up to 32 hex digits; made here when missing */
	const char *method;  /* "GET", "POST"; HEAD is handled as GET without a body */
	const char *path;    /* decoded, absolute, no "//", no "." segments: others were refused */
	const char *remote;  /* address of the browser as nginx says, for the log and the audit trail */
	when now;            /* the one "now" of this request */
	enum lang lang;
	struct user *user;   /* NULL: nobody is logged in */
	const char *csrf;    /* token for forms of this session; "" when anonymous */
	bool quiet;          /* route attribute: does not extend the session */
	struct request_parts *parts;
};

/* Input. NULL when absent. All values are valid UTF-8 without NUL; a field that comes twice had the request refused (INVALID). */
const char *request_query(const struct request *rq, const char *name);
/* A number of the query, 1 to max: behind which row a page of a list goes on. 0 when absent. INVALID. */
enum status request_query_number(const struct request *rq, const char *name, int64_t max, uint64_t *ret) MUST_CHECK;
const char *request_field(const struct request *rq, const char *name); /* of a urlencoded POST body */
const char *request_cookie(const struct request *rq, const char *name);
const char *request_header(const struct request *rq, const char *fcgi_name); /* "HTTP_ACCEPT_LANGUAGE" */
/* The part of the path that the route's :name matched. */
const char *request_part(const struct request *rq, const char *name);
bool request_part_number(const struct request *rq, const char *name, unsigned *ret);
const char *request_query_string(const struct request *rq); /* raw, "" when none */
/* The system that the browser says it runs on: "windows", "macos", "ios", "android", "linux"; NULL: another, or none is told. */
const char *request_system(const struct request *rq);
/* The same by its Sec-CH-UA-Platform and its User-Agent (either may be NULL). */
const char *browser_system(const char *hint, const char *agent);

/* Output: each handler ends with exactly one of these, or returns other than OK and leaves the page to the core. */

/* The page: view inside core/layout.html with title (already translated), HTTP code 200. */
enum status request_page(struct request *rq, const char *view, const char *title, struct model *m) MUST_CHECK;
enum status request_page_code(struct request *rq, int http, const char *view, const char *title, struct model *m) MUST_CHECK;
/* A fragment: the view alone, without layout (what polling pages fetch). */
enum status request_fragment(struct request *rq, const char *view, struct model *m) MUST_CHECK;
/* 303 See Other; to is a path of ours ("/client/7") or, with request_redirect_out, an absolute https URL of somebody else's. */
enum status request_redirect(struct request *rq, const char *to) MUST_CHECK;
enum status request_redirect_out(struct request *rq, const char *url) MUST_CHECK;
/* Bytes of some type; filename not NULL: as an attachment (ASCII name). */
enum status request_send(struct request *rq, const char *content_type, const char *filename, struct bytes body) MUST_CHECK;
/* A long answer in pieces (an export): next() is called while it is sent until it gives no bytes, with an arena that is emptied after each
 * piece. Other than OK cuts the answer off, and the browser sees that it is not whole. The worker is held meanwhile. DENIED, with a sentence:
 * a page of another site asked for it. */
enum status request_stream(struct request *rq, const char *content_type, const char *filename,
	enum status (*next)(struct request *rq, struct arena *a, void *context, struct bytes *ret), void *context) MUST_CHECK;
enum status request_not_modified(struct request *rq, const char *etag) MUST_CHECK; /* 304 */
/* Refuses with a sentence of the handler's own for the user (translated); the cause for the log is set with cause(). Returns s. */
enum status request_refuse(struct request *rq, enum status s, const char *sentence) MUST_CHECK;

/* Headers. A line end in name or value is an assertion failure. */
void request_set_header(struct request *rq, const char *name, const char *value);
enum cookie_site { COOKIE_LAX, COOKIE_NONE };
/* Always Secure, HttpOnly, Path=/ (the name gets __Host- in front); age in ms, 0: until the browser ends; value NULL deletes. */
void request_set_cookie(struct request *rq, const char *name, const char *value, when age, enum cookie_site site);
/* Pages with secrets: Cache-Control: no-store, Referrer-Policy: no-referrer. (All pages are no-cache, private.) */
void request_secret(struct request *rq);
/* Where a form of this page may lead besides 'self' (Content-Security-Policy form-action). */
void request_allow_form(struct request *rq, const char *origin);
/* Called after the response was handed to nginx: complete is false when nginx did not take all of it. */
void request_after(struct request *rq, void (*call)(struct request *rq, bool complete, void *context), void *context);

#endif
