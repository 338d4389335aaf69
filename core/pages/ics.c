/* Writes the lines of a calendar file as RFC 5545 wants them. */
#include "pages/ics.h"

#define LINE_MAX_BYTES 75 /* 3.1: without the line end */

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void ics_line(struct text *t, const char *name, const char *value)
{
	const char *line = arena_printf(t->arena, "%s:%s", name, value);
	size_t room = LINE_MAX_BYTES;

	while (strlen(line) > room) {
		size_t len = room;
		while (len > 1 && continues_character(line[len]))
			len--;
		text_add_bytes(t, line, len);
		text_add(t, "\r\n ");
		line += len;
		room = LINE_MAX_BYTES - 1; /* the blank counts */
	}
	text_add(t, line);
	text_add(t, "\r\n");
}

void ics_text(struct text *t, const char *name, const char *value)
{
	struct text escaped = text_new(t->arena, SIZE_MAX);

	for (const char *s = value; *s; s++) {
		if (*s == '\n')
			text_add(&escaped, "\\n");
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			continue;
		else
			text_addf(&escaped, "%s%c", strchr("\\;,", *s) ? "\\" : "", *s);
	}
	ics_line(t, name, escaped.data);
}

void ics_time(struct text *t, const char *name, when at)
{
	char compact[32];
	size_t n = 0;

	for (const char *s = clock_rfc3339(t->arena, at); *s && n + 1 < sizeof(compact); s++)
		if (*s != '-' && *s != ':')
			compact[n++] = *s;
	compact[n] = '\0';
	ics_line(t, name, compact);
}
