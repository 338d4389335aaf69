/* An arena: memory and handles that live exactly as long as the request, the job run or the process that owns it. */
#ifndef INKAN_BASE_ARENA_H
#define INKAN_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/gnu.h"

struct arena;

/* Never NULL: out of memory aborts, here and in every function below. An arena belongs to one thread at a time. */
struct arena *arena_new(void) RETURNS_NONNULL;
/* Runs the deferred calls, last first, then wipes and drops all memory; a first block is kept for the next round. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a); /* as reset, and the arena itself; NULL is allowed */

/* Zeroed, aligned for any type. Size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size) RETURNS_NONNULL;
/* n items of size each; aborts on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) RETURNS_NONNULL;
void *arena_copy(struct arena *a, const void *data, size_t len) RETURNS_NONNULL; /* a zero byte is put behind the copy */
char *arena_string(struct arena *a, const char *s);                              /* NULL gives NULL */
char *arena_stringn(struct arena *a, const char *s, size_t len) RETURNS_NONNULL;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3) RETURNS_NONNULL;
char *arena_vprintf(struct arena *a, const char *fmt, va_list args) PRINTF(2, 0) RETURNS_NONNULL;

/* Calls release(handle) when the arena is reset: how OpenSSL, libxml2 and GLib objects get the lifetime of the arena. */
void arena_defer(struct arena *a, void (*release)(void *handle), void *handle);

#endif
