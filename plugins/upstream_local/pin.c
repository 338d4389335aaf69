/* PINs: how they are made, how they may be typed, and how guessing is slowed down. */
#include "local.h"

/* Without what looks alike in some typeface or handwriting: 0 o, 1 i l, 2 z, 5 s, 6 b, 9 q, u v. Small letters alone, so that a phone's
 * keyboard needs no shift. 26 characters: 4.7 bits each. */
static const char alphabet[] = "23456789acdefghjkmnprtuwxy";

#define TYPED_MAX 400 /* bytes; the longest PIN, each character full-width, each followed by a blank */

const char *pin_new(struct arena *a, size_t length)
{
	return crypto_random_text(a, alphabet, length);
}

/* The ASCII character that the UTF-8 text begins with, also when it is its full-width form (U+FF01 to U+FF5E); ' ' for U+3000;
 * 0 for anything else. */
static char plain_of(const unsigned char *s, size_t *ret_len)
{
	*ret_len = 1;
	if (s[0] < 0x80)
		return (char)s[0];
	*ret_len = 3;
	if (s[0] == 0xe3 && s[1] == 0x80 && s[2] == 0x80)
		return ' ';
	if (s[0] != 0xef || (s[1] & 0xfe) != 0xbc || (s[2] & 0xc0) != 0x80)
		return 0;
	unsigned code = 0xf000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	return code >= 0xff01 && code <= 0xff5e ? (char)(code - 0xff01 + '!') : 0;
}

const char *pin_normal(struct arena *a, const char *typed)
{
	if (strlen(typed) > TYPED_MAX)
		return NULL;
	struct text pin = text_new(a, TYPED_MAX);
	size_t len;
	for (const unsigned char *s = (const unsigned char *)typed; *s; s += len) {
		char c = plain_of(s, &len);
		if (c == ' ' || c == '-' || c == '\t')
			continue;
		if (c < '!' || c > '~')
			return NULL;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		text_add_bytes(&pin, &c, 1);
	}
	return pin.len ? pin.data : NULL;
}

when pin_pause(unsigned failures, int64_t free, when first, when most)
{
	if (failures < free)
		return 0;
	when pause = first;
	for (unsigned i = (unsigned)free; i < failures && pause < most; i++)
		pause *= 2;
	return pause < most ? pause : most;
}
