/* Reads what stands in the cells of a list of certificates: states, serial numbers, times, names. */
#include "import.h"

#include <ctype.h>
#include <openssl/bn.h>

#define SERIAL_DIGITS 40 /* hexadecimal, 20 octets: RFC 5280 4.1.2.2 */
#define DECIMAL_DIGITS 49

/* 状態: existing-system.md section 4.7. */
enum import_class value_state(const char *text, const char **ret_reason)
{
	static const struct {
		int64_t state;
		enum import_class class;
		const char *reason;
	} states[] = {
		{0, CLASS_PROGRESS, ""}, {1, CLASS_PROGRESS, ""}, {2, CLASS_PROGRESS, ""}, {3, CLASS_PROGRESS, ""},
		{4, CLASS_WAITING, ""}, {5, CLASS_ISSUED, ""}, {6, CLASS_RENEWED, ""}, {7, CLASS_REVOKED, ""},
		{8, CLASS_PROGRESS, ""}, {9, CLASS_PROGRESS, ""}, {10, CLASS_PROGRESS, ""},
		{-1, CLASS_ERROR, "upstream-format"}, {-2, CLASS_ERROR, "upstream-ca"}, {-3, CLASS_ERROR, "upstream-system"},
	};
	int64_t value;

	for (size_t i = 0; text_int(text, -1000, 1000, &value) && i < COUNT_OF(states); i++) {
		if (states[i].state == value) {
			*ret_reason = states[i].reason;
			return states[i].class;
		}
	}
	*ret_reason = *text ? "state-unknown" : "state-missing";
	return CLASS_ERROR;
}

static const char *hex_trimmed(struct arena *a, const char *hex)
{
	while (hex[0] == '0' && hex[1])
		hex++;
	return strlen(hex) <= SERIAL_DIGITS ? text_lower(a, hex) : NULL;
}

static const char *decimal_to_hex(struct arena *a, const char *digits)
{
	BIGNUM *number = NULL;
	char *hex;

	if (strlen(digits) > DECIMAL_DIGITS || !BN_dec2bn(&number, digits))
		return NULL;
	hex = BN_bn2hex(number);
	BN_free(number);
	const char *trimmed = hex ? hex_trimmed(a, arena_string(a, hex)) : NULL;
	OPENSSL_free(hex);
	return trimmed;
}

/* Digits alone are decimal, as in the notices; the list's own documentation does not say. */
bool value_serial(struct arena *a, const char *text, const char *base, const char **ret)
{
	bool hex = text_same(base, "hexadecimal");

	if (!*text) {
		*ret = NULL;
		return true;
	}
	if (text_starts(text, "0x") || text_starts(text, "0X")) {
		text += 2;
		hex = true;
	}
	if (text_same(base, "auto") && strspn(text, "0123456789") != strlen(text))
		hex = true;
	if (!*text || strspn(text, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(text))
		return false;
	const char *serial = hex ? hex_trimmed(a, text) : decimal_to_hex(a, text);
	if (!serial || text_same(serial, "0"))
		return false;
	*ret = serial;
	return true;
}

/* One or more digits as a number, however the parts are separated. */
static bool part_read(const char **s, size_t most, int *ret)
{
	int value = 0;
	size_t n = 0;

	for (; n < most && isdigit((unsigned char)**s); n++, (*s)++)
		value = value * 10 + (**s - '0');
	*ret = value;
	return n > 0;
}

static void skip(const char **s, const char *any)
{
	while (**s && strchr(any, **s))
		(*s)++;
}

/* 2024/01/31 12:34:56, 2024-01-31 12:34, 2024-01-31T12:34:56, 20240131123456, 2024/1/31; with Z or an offset as RFC 3339 has it. */
bool value_time(const char *text, when *ret)
{
	int part[6] = {0, 1, 1, 0, 0, 0};
	char buffer[40];
	const char *s = text;

	if (!*text) {
		*ret = 0;
		return true;
	}
	if (strchr(text, 'Z') || (strlen(text) > 19 && strchr(text + 19, '+')))
		return clock_parse(text, ret);
	if (!part_read(&s, 4, &part[0]))
		return false;
	skip(&s, "/-");
	for (size_t i = 1; i < 6 && *s; i++) {
		if (!part_read(&s, 2, &part[i]))
			return false;
		skip(&s, i < 2 ? "/-" : i == 2 ? " T" : ":");
		if (i == 5 && *s == '.')
			s += 1 + strspn(s + 1, "0123456789");
	}
	if (*s || part[0] < 1990)
		return false;
	snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d+09:00", part[0], part[1], part[2], part[3], part[4], part[5]);
	return clock_parse(buffer, ret);
}

/* A comma may also belong to a value: only blanks before the name of an attribute are nobody's. */
const char *value_subject(struct arena *a, const char *text)
{
	struct text t = text_new(a, strlen(text) + 1);

	for (const char *s = text; *s;) {
		const char *next = s + 1;
		text_add_bytes(&t, s, 1);
		if (*s == ',') {
			const char *name = next + strspn(next, " ");
			size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
			if (len && name[len] == '=')
				next = name;
		}
		s = next;
	}
	return t.data;
}
