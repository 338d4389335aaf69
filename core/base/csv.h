/* CSV for spreadsheets: RFC 4180 with a byte order mark, and no cell that a spreadsheet would take for a formula. */
#ifndef INKAN_BASE_CSV_H
#define INKAN_BASE_CSV_H

#include "base/text.h"

/* What a file begins with: without it Excel takes UTF-8 for the system's own encoding. */
#define CSV_BOM "\xef\xbb\xbf"

/* Adds a row that ends in CRLF. Every cell is quoted; NULL is an empty one. A cell that begins with what makes a formula (= + - @, their
 * full-width forms, tab, CR, LF) gets an apostrophe in front. */
void csv_row(struct text *t, const char *const *cells, size_t n);

/* Reads the next row of text that stands at *at, and moves *at behind it: cells are trimmed and at most max of them kept. Separators are
 * comma and tab, quotes as RFC 4180 has them. NULL: the text is over. */
char **csv_read(struct arena *a, const char **at, size_t max, size_t *ret_n);

#endif
