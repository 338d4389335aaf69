/* Makes text from outside fit a column, so that a long or broken one cannot keep a fact from being stored. */
#include "store/fit.h"

const char *fit(struct arena *a, const char *s, size_t max_chars)
{
	size_t len = 0, chars = 0;

	if (!s)
		return NULL;
	if (!text_utf8_valid(s, strlen(s)))
		s = text_loggable(a, s, max_chars * 4);
	for (; s[len]; len++) {
		bool starts = ((unsigned char)s[len] & 0xc0) != 0x80;
		if (starts && chars++ == max_chars)
			break;
	}
	return arena_stringn(a, s, len);
}
