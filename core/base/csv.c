/* CSV for spreadsheets: rows written so that no cell is taken for a formula, and rows read. */
#include "base/csv.h"

#include <string.h>

/* OWASP, "CSV Injection"; a Japanese Excel reads the full-width ones as formulas too. */
static bool begins_formula(const char *s)
{
	static const char *const wide[] = {"＝", "＋", "－", "＠"};

	if (*s && strchr("=+-@\t\r\n", *s))
		return true;
	for (size_t i = 0; i < COUNT_OF(wide); i++)
		if (text_starts(s, wide[i]))
			return true;
	return false;
}

static void add_cell(struct text *t, const char *s)
{
	text_add(t, begins_formula(s) ? "\"'" : "\"");
	for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
		text_add_bytes(t, s, (size_t)(quote - s));
		text_add(t, "\"\"");
	}
	text_add(t, s);
	text_add(t, "\"");
}

void csv_row(struct text *t, const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_add(t, ",");
		add_cell(t, cells[i] ? cells[i] : "");
	}
	text_add(t, "\r\n");
}

/* The cell at *at, which is left at the separator or line end behind it. A quote that never ends takes the rest of the text. */
static char *read_cell(struct arena *a, const char **at)
{
	const char *s = *at + strspn(*at, " ");
	size_t len = 0;

	if (*s != '"') {
		len = strcspn(*at, ",\t\r\n");
		char *cell = arena_stringn(a, *at, len);
		*at += len;
		return text_trim(a, cell);
	}
	const char *end = ++s;
	while (*end && (*end != '"' || end[1] == '"'))
		end += *end == '"' ? 2 : 1;
	char *cell = arena_alloc(a, (size_t)(end - s) + 1); /* not the whole rest: pasted lists have thousands of cells */
	for (; s < end; s++) {
		s += *s == '"';
		cell[len++] = *s;
	}
	cell[len] = '\0';
	s += *s == '"';
	*at = s + strcspn(s, ",\t\r\n");
	return text_trim(a, cell);
}

char **csv_read(struct arena *a, const char **at, size_t max, size_t *ret_n)
{
	char **cells = arena_array(a, max + 1, sizeof *cells);
	size_t n = 0;

	if (!**at)
		return NULL;
	for (bool more = true; more;) {
		char *cell = read_cell(a, at);
		if (n < max)
			cells[n++] = cell;
		more = **at == ',' || **at == '\t';
		*at += more;
	}
	*at += **at == '\r' && (*at)[1] == '\n' ? 2 : **at != '\0';
	*ret_n = n;
	return cells;
}
