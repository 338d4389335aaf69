/* Keeps the memory and the handles of one request, job run or process, and gives them all back at once. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/status.h"

#define FIRST_BLOCK ((size_t)16 * 1024)
#define NEXT_BLOCK ((size_t)64 * 1024)
#define ALIGNMENT alignof(max_align_t)

/* With the address sanitizer every allocation is fenced, as malloc's would be. */
#if ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define FENCE(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define OPEN(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define FENCE_SIZE ALIGNMENT
#else
#define FENCE(p, n) ((void)0)
#define OPEN(p, n) ((void)0)
#define FENCE_SIZE 0
#endif

struct block {
	struct block *next;
	size_t room, used;
	alignas(max_align_t) unsigned char data[];
};

struct deferred {
	struct deferred *next;
	void (*release)(void *handle);
	void *handle;
};

struct arena {
	struct block *first;
	struct block *current;
	struct deferred *deferred;
};

static NORETURN void out_of_memory(size_t size)
{
	log_error("memory, %zu bytes could not be had", size);
	abort();
}

static struct block *block_new(size_t room)
{
	struct block *b = room < SIZE_MAX - sizeof *b ? calloc(1, sizeof *b + room) : NULL;

	if (!b)
		out_of_memory(room);
	b->room = room;
	FENCE(b->data, room);
	return b;
}

/* Whatever was in it may have been a secret; wiped memory is also what the next allocation must be. */
static void block_wipe(struct block *b)
{
	OPEN(b->data, b->room);
	OPENSSL_cleanse(b->data, b->used);
	b->used = 0;
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof *a);

	if (!a)
		out_of_memory(sizeof *a);
	a->first = a->current = block_new(FIRST_BLOCK);
	return a;
}

void arena_reset(struct arena *a)
{
	/* A release may itself use the arena, so each is taken off the list before it is called. */
	while (a->deferred) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->release(d->handle);
	}
	while (a->first->next) {
		struct block *b = a->first->next;

		a->first->next = b->next;
		block_wipe(b);
		free(b);
	}
	block_wipe(a->first);
	FENCE(a->first->data, a->first->room);
	a->current = a->first;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	OPEN(a->first->data, a->first->room);
	free(a->first);
	free(a);
}

/* The block that has room for so much, a new one if need be. */
static struct block *block_for(struct arena *a, size_t size)
{
	struct block *b = a->current, *fresh;

	if (b->room - b->used >= size)
		return b;
	fresh = block_new(size > NEXT_BLOCK ? size : NEXT_BLOCK);
	fresh->next = b->next;
	b->next = fresh;
	/* A large item gets a block of its own, and small ones go on filling the present one. */
	if (size <= NEXT_BLOCK / 4)
		a->current = fresh;
	return fresh;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t whole = size ? size : 1;
	struct block *b;
	void *p;

	if (whole > SIZE_MAX / 2)
		out_of_memory(size);
	whole = (whole + FENCE_SIZE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	b = block_for(a, whole);
	p = b->data + b->used;
	b->used += whole;
	OPEN(p, size);
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory(SIZE_MAX);
	return arena_alloc(a, total);
}

void *arena_copy(struct arena *a, const void *data, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory(len);
	copy = arena_alloc(a, len + 1);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *arena_string(struct arena *a, const char *s)
{
	return s ? arena_copy(a, s, strlen(s)) : NULL;
}

char *arena_stringn(struct arena *a, const char *s, size_t len)
{
	return arena_copy(a, s, len);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(a, fmt, args);
	va_end(args);
	return s;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;
	char *s;
	int len;

	ASSERT(fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	ASSERT(len >= 0);
	s = arena_alloc(a, (size_t)len + 1);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	return s;
}

void arena_defer(struct arena *a, void (*release)(void *handle), void *handle)
{
	struct deferred *d = arena_alloc(a, sizeof *d);

	*d = (struct deferred){.next = a->deferred, .release = release, .handle = handle};
	a->deferred = d;
}
