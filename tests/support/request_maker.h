/* Requests and responses without FastCGI, for tests of what lies between. */
#ifndef INKAN_TESTS_REQUEST_MAKER_H
#define INKAN_TESTS_REQUEST_MAKER_H

#include "web/request_internal.h"

/* A request with these parameters ("NAME=VALUE", NULL-terminated) and this body of len bytes; limits as request_maker_limits. */
struct request *request_make_raw(
	struct arena *a, struct db *db, const void *body, size_t len, const char *const *params);
extern struct request_limits request_maker_limits;
/* "GET /path?query", cookies "__Host-a=b; ..." or NULL. */
struct request *request_make_get(struct arena *a, struct db *db, const char *uri, const char *cookies);
/* A form. */
struct request *request_make_post(
	struct arena *a, struct db *db, const char *uri, const char *cookies, const char *form);
/* The whole response, as it goes to nginx. */
const char *response_text(struct request *rq);
/* The value of a header in such a text, or NULL; of the nth when there are several. */
const char *response_header(struct arena *a, const char *response, const char *name, unsigned n);

#endif
