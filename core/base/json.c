/* Writes JSON texts. */
#include "base/json.h"

void json_add(struct text *t, const char *s)
{
	if (!s) {
		text_add(t, "null");
		return;
	}
	text_add(t, "\"");
	while (*s) {
		size_t plain = 0;

		while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
			plain++;
		text_add_bytes(t, s, plain);
		s += plain;
		if (*s)
			text_addf(t, "\\u%04x", (unsigned)(unsigned char)*s++);
	}
	text_add(t, "\"");
}
