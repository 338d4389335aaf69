/* The table of routes: what is in it, and which of them a path means. */
#include "web/router.h"

#include "web/request_internal.h"

/* About ten plugins with ten routes each exist. */
#define ROUTES_MAX 512
#define PATH_PARTS_MAX 16

struct entry {
	const char *owner;
	const struct route *route;
};

static struct entry entries[ROUTES_MAX];
static size_t entry_count;

static size_t segment_length(const char *s)
{
	return strcspn(s, "/");
}

/* Compares which of two patterns that match the same path says more, from the left: a literal beats a part. 0: the same shape. */
static int pattern_compare(const char *a, const char *b)
{
	while (*a && *b) {
		size_t length_a = segment_length(++a), length_b = segment_length(++b);
		bool part_a = *a == ':', part_b = *b == ':';

		if (part_a != part_b)
			return part_a ? 1 : -1;
		if (!part_a && (length_a != length_b || memcmp(a, b, length_a) != 0))
			return -1; /* they never match the same path */
		a += length_a;
		b += length_b;
	}
	return *a || *b ? -1 : 0;
}

static bool pattern_matches(const char *pattern, const char *path)
{
	while (*pattern && *path) {
		size_t wanted = segment_length(++pattern), given = segment_length(++path);

		if (*pattern == ':' ? given == 0 : wanted != given || memcmp(pattern, path, wanted) != 0)
			return false;
		pattern += wanted;
		path += given;
	}
	return !*pattern && !*path;
}

struct pairs route_parts(struct arena *a, const char *pattern, const char *path)
{
	struct pairs p = {.items = arena_array(a, PATH_PARTS_MAX, sizeof *p.items)};

	while (*pattern && *path) {
		size_t wanted = segment_length(++pattern), given = segment_length(++path);

		if (*pattern == ':')
			p.items[p.n++] = (struct pair){
				.name = arena_stringn(a, pattern + 1, wanted - 1),
				.value = arena_stringn(a, path, given),
			};
		pattern += wanted;
		path += given;
	}
	return p;
}

static enum status route_check(const char *owner, const struct route *r)
{
	bool post = text_same(r->method, "POST");
	size_t parts = 0;

	for (const char *s = r->path; (s = strstr(s, "/:")); s++)
		parts++;
	if (!post && !text_same(r->method, "GET"))
		return cause(STATUS_INVALID, "plugin %s, route %s: its method is neither GET nor POST", owner,
			r->path);
	if (!r->path || r->path[0] != '/' || parts > PATH_PARTS_MAX || !r->handle)
		return cause(STATUS_INVALID,
			"plugin %s, route %s: needs a path that begins with / and a handler", owner,
			r->path ? r->path : "(none)");
	if (!post && (r->no_csrf_because || r->body_max))
		return cause(STATUS_INVALID, "plugin %s, route %s: only a POST has a body or a token", owner,
			r->path);
	if (r->words && (post || r->access != ACCESS_ADMIN))
		return cause(STATUS_INVALID, "plugin %s, route %s: only an administrators' page tells what was looked for", owner, r->path);
	for (size_t i = 0; i < entry_count; i++)
		if (text_same(entries[i].route->method, r->method) &&
			pattern_compare(entries[i].route->path, r->path) == 0)
			return cause(STATUS_INVALID, "plugins %s and %s have the same route %s %s",
				entries[i].owner, owner, r->method, r->path);
	return STATUS_OK;
}

enum status router_add(const char *owner, const struct route *routes)
{
	for (; routes && routes->method; routes++) {
		enum status s = route_check(owner, routes);

		if (s != STATUS_OK)
			return s;
		if (entry_count == ROUTES_MAX)
			return cause(STATUS_INVALID, "more than %d routes", ROUTES_MAX);
		entries[entry_count++] = (struct entry){.owner = owner, .route = routes};
	}
	return STATUS_OK;
}

void router_each(void (*call)(const char *owner, const struct route *route, void *context), void *context)
{
	for (size_t i = 0; i < entry_count; i++)
		call(entries[i].owner, entries[i].route, context);
}

const struct route *route_find(const char *method, const char *path)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < entry_count; i++) {
		const struct route *r = entries[i].route;

		if (text_same(r->method, method) && pattern_matches(r->path, path) &&
			(!best || pattern_compare(r->path, best->path) < 0))
			best = r;
	}
	return best;
}
