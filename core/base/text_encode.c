/* Writes bytes as text and reads them back: hexadecimal, base64 and the percent encoding of URLs and forms. */
#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *text_hex(struct arena *a, struct bytes b)
{
	char *to = arena_array(a, b.len + 1, 2);

	for (size_t i = 0; i < b.len; i++) {
		to[2 * i] = hex_digits[b.data[i] >> 4];
		to[2 * i + 1] = hex_digits[b.data[i] & 15];
	}
	return to;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_unhex(struct arena *a, const char *s, struct bytes *ret)
{
	size_t len = s ? strlen(s) : 0;
	uint8_t *to;

	if (!s || len % 2)
		return false;
	to = arena_alloc(a, len / 2 + 1);
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_value(s[2 * i]), low = hex_value(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	*ret = bytes_of(to, len / 2);
	return true;
}

static char *base64_write(struct arena *a, struct bytes b, const char *digits, bool pad)
{
	char *text = arena_array(a, b.len / 3 + 2, 4), *to = text;

	for (size_t i = 0; i < b.len; i += 3) {
		size_t n = b.len - i < 3 ? b.len - i : 3;
		uint32_t group = (uint32_t)b.data[i] << 16;

		group |= n > 1 ? (uint32_t)b.data[i + 1] << 8 : 0;
		group |= n > 2 ? b.data[i + 2] : 0;
		for (size_t k = 0; k < 4; k++) {
			if (k <= n)
				*to++ = digits[group >> (18 - 6 * k) & 63];
			else if (pad)
				*to++ = '=';
		}
	}
	return text;
}

static int base64_value(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

/* Exactly one text stands for given bytes, blanks aside: bits that carry nothing must be zero, padding is there or it is not. */
static bool base64_read(struct arena *a, const char *s, const char *digits, bool pad, struct bytes *ret)
{
	uint8_t *to;
	uint32_t bits = 0;
	size_t n = 0, len = 0, padding = 0;

	if (!s)
		return false;
	to = arena_alloc(a, strlen(s) / 4 * 3 + 4);
	for (; *s; s++) {
		int value = base64_value(*s, digits);

		if (pad && strchr(" \t\r\n", *s))
			continue;
		if (pad && *s == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (n++ % 4)
			to[len++] = (uint8_t)(bits >> (6 - 2 * ((n - 1) % 4)));
	}
	if (n % 4 == 1 || (n % 4 == 2 && bits & 15) || (n % 4 == 3 && bits & 3))
		return false;
	if (pad && padding != (4 - n % 4) % 4)
		return false;
	*ret = bytes_of(to, len);
	return true;
}

char *text_base64(struct arena *a, struct bytes b)
{
	return base64_write(a, b, base64_digits, true);
}

bool text_unbase64(struct arena *a, const char *s, struct bytes *ret)
{
	return base64_read(a, s, base64_digits, true, ret);
}

char *text_base64url(struct arena *a, struct bytes b)
{
	return base64_write(a, b, base64url_digits, false);
}

bool text_unbase64url(struct arena *a, const char *s, struct bytes *ret)
{
	return base64_read(a, s, base64url_digits, false, ret);
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

char *text_url_encode(struct arena *a, const char *s)
{
	char *text = arena_array(a, strlen(s) + 1, 3), *to = text;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_unreserved(*s)) {
			*to++ = *s;
		} else {
			*to++ = '%';
			*to++ = "0123456789ABCDEF"[c >> 4];
			*to++ = "0123456789ABCDEF"[c & 15];
		}
	}
	return text;
}

void text_add_query(struct text *t, const char *name, const char *value)
{
	if (value && *value)
		text_addf(t, "%c%s=%s", strchr(t->data, '?') ? '&' : '?', name, text_url_encode(t->arena, value));
}

bool text_url_decode(struct arena *a, const char *s, size_t len, char **ret)
{
	char *text = arena_alloc(a, len + 1), *to = text;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%') {
			int high = len - i > 2 ? hex_value(s[i + 1]) : -1,
			    low = high < 0 ? -1 : hex_value(s[i + 2]);

			if (low < 0)
				return false;
			*to++ = (char)(high << 4 | low);
			i += 2;
		} else {
			*to++ = s[i] == '+' ? ' ' : s[i];
		}
	}
	if (!text_utf8_valid(text, (size_t)(to - text)))
		return false;
	*ret = text;
	return true;
}
