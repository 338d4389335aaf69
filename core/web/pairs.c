/* Parses names and values, sorts them, and finds them by name. */
#include "web/pairs.h"

static int pair_compare(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

const char *pairs_find(const struct pairs *p, const char *name)
{
	const struct pair wanted = {.name = name};
	const struct pair *found =
		p->n ? bsearch(&wanted, p->items, p->n, sizeof wanted, pair_compare) : NULL;

	return found ? found->value : NULL;
}

/* Sorts, and leaves one of each name, without a value where there were several. The first name that came twice, or NULL. */
static const char *pairs_settle(struct pairs *p)
{
	const char *twice = NULL;
	size_t kept = 0;

	if (p->n)
		qsort(p->items, p->n, sizeof *p->items, pair_compare);
	for (size_t i = 0; i < p->n; i++) {
		if (kept && text_same(p->items[kept - 1].name, p->items[i].name)) {
			p->items[kept - 1].value = NULL;
			twice = twice ? twice : p->items[i].name;
		} else {
			p->items[kept++] = p->items[i];
		}
	}
	p->n = kept;
	return twice;
}

enum status pairs_params(struct arena *a, char *const *params, int64_t bytes_max, struct pairs *ret)
{
	struct pairs p = {.items = arena_array(a, PARAMS_COUNT_MAX, sizeof *p.items)};
	int64_t bytes = 0;

	for (; *params; params++) {
		const char *equals = strchr(*params, '=');

		bytes += (int64_t)strlen(*params);
		if (p.n == PARAMS_COUNT_MAX || bytes > bytes_max)
			return cause(STATUS_INVALID, "parameters, more than %d or than %lld bytes",
				PARAMS_COUNT_MAX, (long long)bytes_max);
		if (equals)
			p.items[p.n++] = (struct pair){
				.name = arena_stringn(a, *params, (size_t)(equals - *params)),
				.value = equals + 1,
			};
	}
	pairs_settle(&p);
	for (size_t i = 0; i < p.n; i++)
		if (!p.items[i].value && !text_starts(p.items[i].name, "HTTP_"))
			return cause(STATUS_INVALID, "parameter %s came twice", p.items[i].name);
	*ret = p;
	return STATUS_OK;
}

static size_t count_of(const char *s, size_t len, char wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == wanted;
	return n;
}

enum status pairs_form(struct arena *a, const char *s, size_t len, int64_t max, struct pairs *ret)
{
	size_t parts = len ? count_of(s, len, '&') + 1 : 0;
	struct pairs p = {0};

	if (parts > (size_t)max)
		return cause(STATUS_INVALID, "form or query with more than %lld fields", (long long)max);
	p.items = arena_array(a, parts, sizeof *p.items);
	while (len) {
		const char *end = memchr(s, '&', len);
		size_t part = end ? (size_t)(end - s) : len;
		const char *equals = memchr(s, '=', part);
		size_t name = equals ? (size_t)(equals - s) : part;
		char *decoded_name, *value = arena_stringn(a, "", 0);

		if (part) {
			if (!text_url_decode(a, s, name, &decoded_name) ||
				(equals && !text_url_decode(a, equals + 1, part - name - 1, &value)))
				return cause(STATUS_INVALID,
					"form or query, a field is not well encoded or not UTF-8");
			p.items[p.n++] = (struct pair){.name = decoded_name, .value = value};
		}
		s += part + (end != NULL);
		len -= part + (end != NULL);
	}
	/* The name is the sender's, and could be a pasted secret. */
	if (pairs_settle(&p))
		return cause(STATUS_INVALID, "form or query, a field comes twice");
	*ret = p;
	return STATUS_OK;
}

/* The octets RFC 6265 allows in a value; quotes around it are no part of ours. */
static bool cookie_value_valid(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e || strchr("\",;\\", *s))
			return false;
	return true;
}

struct pairs pairs_cookies(struct arena *a, const char *header)
{
	struct pairs p = {.items = arena_array(a, COOKIES_MAX, sizeof *p.items)};

	while (*header && p.n < COOKIES_MAX) {
		size_t len = strcspn(header, ";");
		const char *equals = memchr(header, '=', len);

		if (equals) {
			char *name = text_trim(a, arena_stringn(a, header, (size_t)(equals - header)));
			char *value = text_trim(
				a, arena_stringn(a, equals + 1, len - (size_t)(equals + 1 - header)));

			if (*name && cookie_value_valid(name) && cookie_value_valid(value))
				p.items[p.n++] = (struct pair){.name = name, .value = value};
		}
		header += len;
		header += *header == ';';
	}
	pairs_settle(&p);
	return p;
}
