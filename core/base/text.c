/* Growable texts, and what is asked of text that comes from outside: is it valid, is it clean, is it a number. */
#include "base/text.h"

#include <openssl/crypto.h>

#define TEXT_FIRST ((size_t)256)

struct bytes bytes_string(const char *s)
{
	return bytes_of(s, s ? strlen(s) : 0);
}

struct text text_new(struct arena *a, size_t max)
{
	size_t room = (max < TEXT_FIRST ? max : TEXT_FIRST) + 1;

	return (struct text){.arena = a, .data = arena_alloc(a, room), .room = room, .max = max};
}

static void text_grow(struct text *t, size_t len)
{
	size_t room = t->room;
	char *data;

	while (room <= len)
		room *= 2;
	if (room > t->max)
		room = t->max + 1;
	data = arena_alloc(t->arena, room);
	memcpy(data, t->data, t->len);
	t->data = data;
	t->room = room;
}

void text_add(struct text *t, const char *s)
{
	if (s)
		text_add_bytes(t, s, strlen(s));
}

void text_add_bytes(struct text *t, const void *data, size_t len)
{
	/* Once something was dropped nothing more is added: the text stays a beginning of what was meant. */
	if (t->full || len == 0)
		return;
	if (len > t->max - t->len) {
		len = t->max - t->len;
		t->full = true;
	}
	if (t->len + len >= t->room)
		text_grow(t, t->len + len);
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_addf(struct text *t, const char *fmt, ...)
{
	char small[512];
	va_list args, again;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(small, sizeof small, fmt, args);
	ASSERT(len >= 0);
	if ((size_t)len < sizeof small)
		text_add_bytes(t, small, (size_t)len);
	else
		text_add_bytes(t, arena_vprintf(t->arena, fmt, again), (size_t)len);
	va_end(again);
	va_end(args);
}

/* The bytes of the code point at s (RFC 3629), 0 when there is none that is valid; NUL is not valid here. */
static size_t utf8_next(const char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t n;
	uint32_t c;

	if (len == 0)
		return 0;
	n = u[0] < 0x80 ? 1 : u[0] < 0xc0 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf8 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	c = n == 1 ? u[0] : u[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool text_utf8_valid(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* What is not seen, or changes how its neighbours are seen. Variation selectors stay allowed: names of people need them. */
static bool is_control(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{0x00, 0x1f}, {0x7f, 0x9f}, /* C0, DEL, C1 */
		{0xad, 0xad},		    /* soft hyphen */
		{0x61c, 0x61c},		    /* Arabic letter mark */
		{0x180e, 0x180e},	    /* Mongolian vowel separator */
		{0x200b, 0x200f},	    /* zero width, left-to-right and right-to-left marks */
		{0x2028, 0x202e},	    /* line and paragraph separators, bidi embeddings and overrides */
		{0x2060, 0x206f},	    /* word joiner, invisible operators, bidi isolates */
		{0xfeff, 0xfeff},	    /* byte order mark */
		{0xfff9, 0xfffb},	    /* interlinear annotations */
		{0xfffe, 0xffff},	    /* no characters */
		{0xe0000, 0xe007f},	    /* tags */
	};

	if (c >= 0x20 && c < 0x7f) /* nearly always */
		return false;
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	}
	return false;
}

bool text_clean(const char *s, size_t max_chars)
{
	size_t len = s ? strlen(s) : 0, chars = 0;

	for (size_t i = 0; i < len; chars++) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);

		if (n == 0 || is_control(c) || chars == max_chars)
			return false;
		i += n;
	}
	return chars > 0;
}

size_t text_utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

bool text_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s && *s == '-';
	int64_t value = 0;

	if (!s)
		return false;
	s += negative;
	if (!*s)
		return false;
	/* Summed up below zero, where there is room for one value more. */
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) ||
			__builtin_sub_overflow(value, (int64_t)(*s - '0'), &value))
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
		return false;
	if (value < min || value > max)
		return false;
	*ret = value;
	return true;
}

char *text_number(struct arena *a, int64_t n)
{
	const char *plain = arena_printf(a, "%lld", (long long)n);
	size_t left = strlen(plain);
	char *shown = arena_alloc(a, 2 * left + 1), *to = shown;

	for (; *plain; plain++) {
		*to++ = *plain;
		left--;
		if (left && left % 3 == 0 && *plain != '-')
			*to++ = ',';
	}
	return shown;
}

bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && strcmp(s + len - tail, suffix) == 0;
}

bool text_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_same_secret(const char *a, const char *b)
{
	size_t len = a ? strlen(a) : 0;

	return a && b && strlen(b) == len && CRYPTO_memcmp(a, b, len) == 0;
}

char *text_lower(struct arena *a, const char *s)
{
	char *lower = arena_string(a, s);

	for (char *c = lower; c && *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return lower;
}

#define IDEOGRAPHIC_SPACE "\xe3\x80\x80" /* U+3000 */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *trimmed(struct arena *a, const char *s, size_t len)
{
	for (;;) {
		if (len >= 1 && is_blank(s[0]))
			s += 1, len -= 1;
		else if (len >= 3 && memcmp(s, IDEOGRAPHIC_SPACE, 3) == 0)
			s += 3, len -= 3;
		else if (len >= 1 && is_blank(s[len - 1]))
			len -= 1;
		else if (len >= 3 && memcmp(s + len - 3, IDEOGRAPHIC_SPACE, 3) == 0)
			len -= 3;
		else
			return arena_stringn(a, s, len);
	}
}

char *text_trim(struct arena *a, const char *s)
{
	return s ? trimmed(a, s, strlen(s)) : NULL;
}

char **text_split(struct arena *a, const char *s, const char *separators)
{
	size_t most = 2, n = 0;
	char **parts;

	for (const char *c = s; c && *c; c++)
		most += strchr(separators, *c) != NULL;
	parts = arena_array(a, most, sizeof *parts);
	while (s && *s) {
		size_t len = strcspn(s, separators);
		char *part = trimmed(a, s, len);

		if (*part)
			parts[n++] = part;
		s += len;
		s += *s != '\0';
	}
	return parts;
}

size_t text_escape(char *to, size_t room, const char *s)
{
	size_t len = s ? strlen(s) : 0, at = 0;

	ASSERT(room > 0);
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);
		bool plain = n > 0 && !is_control(c) && c != '"' && c != '\\';
		size_t from = n > 0 ? n : 1, need = plain ? from : from * 4;

		if (need >= room - at)
			break;
		if (plain)
			memcpy(to + at, s + i, from);
		for (size_t k = 0; !plain && k < from; k++)
			snprintf(to + at + 4 * k, 5, "\\x%02x", (unsigned char)s[i + k]);
		at += need;
		i += from;
	}
	to[at] = '\0';
	return at;
}

char *text_loggable(struct arena *a, const char *s, size_t max)
{
	size_t len = s ? strlen(s) : 0, room = (len < max / 4 ? len * 4 : max) + 1;
	char *to = arena_alloc(a, room);

	text_escape(to, room, s);
	return to;
}
