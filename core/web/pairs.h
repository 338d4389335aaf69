/* Names and values as they come in parameters, queries, forms and cookies: parsed once, then found by name. */
#ifndef INKAN_WEB_PAIRS_H
#define INKAN_WEB_PAIRS_H

#include "base/status.h"
#include "base/text.h"

struct pair {
	const char *name;
	const char *value; /* NULL: came twice, and counts as absent */
};

struct pairs {
	struct pair *items; /* sorted by name */
	size_t n;
};

/* NULL when there is none. */
const char *pairs_find(const struct pairs *p, const char *name);

/* NAME=VALUE texts, NULL-terminated (FastCGI parameters). INVALID: more than bytes_max bytes or PARAMS_COUNT_MAX of them. A header
 * that came twice is absent; any other parameter that did is INVALID. The texts must outlive the result. */
#define PARAMS_COUNT_MAX                                                                                     \
	256 /* nginx sends about 20 and one for each header; browsers send about 30 headers */
enum status pairs_params(
	struct arena *a, char *const *params, int64_t bytes_max, struct pairs *ret) MUST_CHECK;
/* application/x-www-form-urlencoded (WHATWG URL standard section 5). INVALID: a bad escape, not UTF-8, a zero byte, a name that comes
 * twice, more than max fields. */
enum status pairs_form(struct arena *a, const char *s, size_t len, int64_t max, struct pairs *ret) MUST_CHECK;
/* A Cookie header (RFC 6265 section 4.2.1). Never fails, since other programs on the host set cookies too: what cannot be read, or
 * came twice, is absent. */
#define COOKIES_MAX 64
struct pairs pairs_cookies(struct arena *a, const char *header);

#endif
