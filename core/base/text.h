/* Text and bytes: growable buffers, checks and encodings of what comes from and goes outside. */
#ifndef INKAN_BASE_TEXT_H
#define INKAN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* A run of bytes owned by somebody else; need not end in a zero byte. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){(const uint8_t *)data, len}; /* the cast is for view.cc */
}
struct bytes bytes_string(const char *s); /* without its zero byte; NULL gives no bytes */

/* A growing text in an arena that never exceeds max bytes: what does not fit is dropped and full is set, to be checked once at the
 * end. data always ends in a zero byte that len does not count. */
struct text {
	struct arena *arena;
	char *data;
	size_t len, room, max;
	bool full;
};
struct text text_new(struct arena *a, size_t max);
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *data, size_t len);
void text_addf(struct text *t, const char *fmt, ...) PRINTF(2, 3);
/* To an address: ?name=value, or &name=value when it has a query already, encoded. Nothing when value is "" or NULL. */
void text_add_query(struct text *t, const char *name, const char *value);

/* Strict UTF-8 (RFC 3629): no surrogates, no overlong forms, no NUL. */
bool text_utf8_valid(const char *s, size_t len);
/* Valid UTF-8 of 1 to max_chars code points with no control characters (C0, DEL, C1, bidi overrides, zero-width, BOM). */
bool text_clean(const char *s, size_t max_chars);
size_t text_utf8_length(const char *s); /* code points of a valid text */

/* Strict decimal: an optional '-', digits only, within min..max. False leaves *ret alone. */
bool text_int(const char *s, int64_t min, int64_t max, int64_t *ret);
char *text_number(struct arena *a, int64_t n); /* for people, in either language: 1,234,567 */
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_same(const char *a, const char *b);            /* strcmp == 0; NULL equals only NULL */
bool text_same_secret(const char *a, const char *b);     /* in constant time for equal lengths */
char *text_lower(struct arena *a, const char *s);        /* ASCII letters only */
/* NFKC and Unicode's case folding: what looks the same to a person who searches is the same. Of valid UTF-8. */
char *text_fold(struct arena *a, const char *s);
char *text_trim(struct arena *a, const char *s);         /* ASCII blanks and U+3000 at both ends */
/* Splits at any of the separators, trims the parts, leaves empty ones out. NULL-terminated. */
char **text_split(struct arena *a, const char *s, const char *separators);
/* One printable line for a log: controls, quotes, backslashes and invalid UTF-8 become \xHH; cut after max bytes. */
char *text_loggable(struct arena *a, const char *s, size_t max);
/* The same into room bytes with a zero byte at the end, for where there is no arena; the length written. NULL is "". */
size_t text_escape(char *to, size_t room, const char *s);

char *text_hex(struct arena *a, struct bytes b);                                 /* lower case */
bool text_unhex(struct arena *a, const char *s, struct bytes *ret);              /* strict, either case */
char *text_base64(struct arena *a, struct bytes b);                              /* RFC 4648 section 4, padded, one line */
bool text_unbase64(struct arena *a, const char *s, struct bytes *ret);           /* strict; blanks and line ends are skipped */
char *text_base64url(struct arena *a, struct bytes b);                           /* RFC 4648 section 5, no padding */
bool text_unbase64url(struct arena *a, const char *s, struct bytes *ret);
char *text_url_encode(struct arena *a, const char *s);                           /* RFC 3986: all but unreserved */
/* application/x-www-form-urlencoded part; false on a bad %, on NUL or on invalid UTF-8. */
bool text_url_decode(struct arena *a, const char *s, size_t len, char **ret);

#endif
