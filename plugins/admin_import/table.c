/* Reads the file of all certificates as NII's service writes it: tab separated, CP932 or UTF-8. What cannot be read is an error of its row alone. */
#include "import.h"

#include <iconv.h>

#define COLUMNS_MAX 128	      /* the widest known list has 46 */
#define LINE_MAX ((size_t)64 * 1024) /* a row with a certificate in it has 4,000 bytes */
#define ROWS_MAX 1000000      /* the size this portal is made for */

enum column {
	COLUMN_ID, COLUMN_SUBJECT, COLUMN_REQUESTED, COLUMN_PROFILE, COLUMN_STATE, COLUMN_MAIL, COLUMN_SERIAL, COLUMN_BEGIN, COLUMN_END,
	COLUMN_URL, COLUMN_REVOKED, COLUMN_OLD, COLUMN_COUNT,
};

/* By header, else by position (from 0): nii-upstream.md section 5.4, existing-system.md 4.6. */
static const struct {
	const char *names[3];
	int position;
} columns[COLUMN_COUNT] = {
	[COLUMN_ID] = {{"発行・更新申請-申請ID", "申請ID"}, 0},
	[COLUMN_SUBJECT] = {{"主体者DN", "DN"}, 3},
	[COLUMN_REQUESTED] = {{"発行・更新申請-日時", "申請日時"}, 5},
	[COLUMN_PROFILE] = {{"証明書プロファイルID", "プロファイルID"}, 10},
	[COLUMN_STATE] = {{"状態"}, 11},
	[COLUMN_MAIL] = {{"利用者メールアドレス", "利用者mail", "利用管理者mail"}, 14},
	[COLUMN_SERIAL] = {{"発行・更新申請-シリアル番号", "シリアル番号"}, 23},
	[COLUMN_BEGIN] = {{"発行・更新申請-証明書有効開始", "証明書有効開始"}, 25},
	[COLUMN_END] = {{"発行・更新申請-証明書有効期限", "証明書有効期限"}, 26},
	[COLUMN_URL] = {{"証明書取得URL有効期限", "取得URL有効期限", "URL有効期限"}, 27},
	[COLUMN_REVOKED] = {{"失効申請-完了日時", "失効日時", "失効申請-日時"}, 34},
	[COLUMN_OLD] = {{"旧証明書シリアル番号"}, 42},
};
/* The PIN (position 28) is none of them: it is dropped here, before anything is kept. */
/* So many columns has a list that is known by its positions. */
#define POSITIONS_MIN 27

const char *table_heading(size_t i)
{
	static const enum column order[] = {COLUMN_SUBJECT, COLUMN_STATE, COLUMN_SERIAL, COLUMN_END, COLUMN_MAIL, COLUMN_ID, COLUMN_REQUESTED,
		COLUMN_BEGIN, COLUMN_URL, COLUMN_REVOKED, COLUMN_PROFILE, COLUMN_OLD};

	return i < COUNT_OF(order) ? columns[order[i]].names[0] : NULL;
}

struct table {
	struct arena *arena; /* of one row */
	iconv_t conv;	     /* (iconv_t)-1: the file is UTF-8 */
	int at[COLUMN_COUNT]; /* -1: there is none */
	size_t width;
	struct bytes rest;
	unsigned row_no;
};

static bool line_next(struct table *t, struct bytes *ret)
{
	if (!t->rest.len)
		return false;
	const uint8_t *end = memchr(t->rest.data, '\n', t->rest.len);
	size_t len = end ? (size_t)(end - t->rest.data) : t->rest.len, skip = end ? len + 1 : len;

	*ret = bytes_of(t->rest.data, len && t->rest.data[len - 1] == '\r' ? len - 1 : len);
	t->rest = bytes_of(t->rest.data + skip, t->rest.len - skip);
	return true;
}

/* NULL: bytes that are none of the encoding's characters, or a zero byte. */
static char *line_decode(struct table *t, struct bytes line)
{
	size_t room = line.len * 3 + 1, left = line.len, free = room;

	if (line.len > LINE_MAX || memchr(line.data, 0, line.len))
		return NULL;
	char *text = arena_alloc(t->arena, room + 1), *to = text, *from = (char *)(uintptr_t)line.data;
	if (t->conv == (iconv_t)-1) {
		memcpy(text, line.data, line.len);
		return text_utf8_valid(text, line.len) ? text : NULL;
	}
	iconv(t->conv, NULL, NULL, NULL, NULL);
	if (iconv(t->conv, &from, &left, &to, &free) == (size_t)-1)
		return NULL;
	*to = '\0';
	return text;
}

/* Programs that know tables put quotes around what they think needs them; the format itself has none. */
static char *cell_clean(struct arena *a, char *cell)
{
	size_t len = strlen(cell);

	if (len >= 2 && cell[0] == '"' && cell[len - 1] == '"') {
		char *to = cell;
		cell[len - 1] = '\0';
		for (const char *s = cell + 1; *s; s++) {
			*to++ = *s;
			if (s[0] == '"' && s[1] == '"')
				s++;
		}
		*to = '\0';
	}
	return text_trim(a, cell);
}

static size_t line_split(struct arena *a, char *line, char **cells)
{
	size_t n = 0;

	for (char *s = line; n < COLUMNS_MAX;) {
		char *tab = strchr(s, '\t');
		if (tab)
			*tab = '\0';
		cells[n++] = cell_clean(a, s);
		if (!tab)
			break;
		s = tab + 1;
	}
	return n;
}

/* Whether most of the lines with other than ASCII are UTF-8: a wrong byte here and there does not make the file another one. */
static bool is_utf8(struct bytes file)
{
	struct table t = {.rest = file};
	struct bytes line;
	size_t good = 0, bad = 0;

	while (line_next(&t, &line)) {
		bool plain = true;
		for (size_t i = 0; plain && i < line.len; i++)
			plain = line.data[i] < 0x80;
		if (!plain && text_utf8_valid((const char *)line.data, line.len))
			good++;
		else if (!plain)
			bad++;
	}
	return good >= bad;
}

static bool is_pin(const char *header)
{
	return strstr(header, "PIN") || strstr(header, "ＰＩＮ") || strstr(header, "pin") || strstr(header, "パス");
}

static bool named(enum column column, const char *header)
{
	for (size_t i = 0; i < COUNT_OF(columns[column].names) && columns[column].names[i]; i++)
		if (text_same(columns[column].names[i], header))
			return true;
	return false;
}

/* Whether the header is some column's name, so that nothing else can stand there. */
static bool claimed(const char *header)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (named((enum column)i, header))
			return true;
	return is_pin(header);
}

/* False: the row is no header. */
static bool header_read(struct table *t, char **cells, size_t n)
{
	bool any = false;

	for (size_t c = 0; c < COLUMN_COUNT; c++) {
		t->at[c] = -1;
		for (size_t i = 0; i < n && t->at[c] < 0; i++)
			if (named((enum column)c, cells[i]))
				t->at[c] = (int)i;
		any = any || t->at[c] >= 0;
	}
	for (size_t c = 0; any && c < COLUMN_COUNT; c++) {
		int position = columns[c].position;
		if (t->at[c] < 0 && n >= POSITIONS_MIN && (size_t)position < n && !claimed(cells[position]))
			t->at[c] = position;
	}
	return any;
}

static void positions_use(struct table *t, size_t n)
{
	for (size_t c = 0; c < COLUMN_COUNT; c++)
		t->at[c] = (size_t)columns[c].position < n ? columns[c].position : -1;
}

static const char *cell(const struct table *t, char **cells, size_t n, enum column column)
{
	int at = t->at[column];

	return at >= 0 && (size_t)at < n ? cells[at] : "";
}

static void fault(struct item *item, const char *reason, const char *detail)
{
	if (item->class == CLASS_ERROR && item->reason[0])
		return; /* the first one counts */
	item->class = CLASS_ERROR;
	item->reason = reason;
	item->detail = detail;
}

static void times_read(const struct table *t, char **cells, size_t n, struct item *item)
{
	const struct {
		enum column column;
		when *to;
	} times[] = {
		{COLUMN_REQUESTED, &item->requested_at}, {COLUMN_BEGIN, &item->not_before}, {COLUMN_END, &item->not_after},
		{COLUMN_URL, &item->url_until}, {COLUMN_REVOKED, &item->revoked_at},
	};

	for (size_t i = 0; i < COUNT_OF(times); i++)
		if (!value_time(cell(t, cells, n, times[i].column), times[i].to))
			fault(item, "time", columns[times[i].column].names[0]);
}

static void row_read(const struct table *t, char **cells, size_t n, struct item *item)
{
	struct arena *a = t->arena;
	const char *subject = cell(t, cells, n, COLUMN_SUBJECT);

	item->class = value_state(cell(t, cells, n, COLUMN_STATE), &item->reason);
	item->detail = text_starts(item->reason, "upstream-") ? cell(t, cells, n, COLUMN_STATE) : "";
	item->upstream_id = cell(t, cells, n, COLUMN_ID);
	item->profile = cell(t, cells, n, COLUMN_PROFILE);
	item->mail = text_lower(a, cell(t, cells, n, COLUMN_MAIL));
	item->subject = value_subject(a, subject);
	if (!value_serial(a, cell(t, cells, n, COLUMN_SERIAL), import_settings.serials, &item->serial))
		fault(item, "serial", columns[COLUMN_SERIAL].names[0]);
	/* Of an old certificate only the link is lost. */
	if (!value_serial(a, cell(t, cells, n, COLUMN_OLD), import_settings.serials, &item->old_serial))
		item->old_serial = NULL;
	times_read(t, cells, n, item);
}

/* A tab too many or too few moves cells, and a PIN, into columns of others: nothing of such a row is read. One at the very end does no harm. */
static bool width_fits(const struct table *t, char **cells, size_t n)
{
	return n == t->width || (n == t->width + 1 && !cells[n - 1][0]);
}

static bool line_blank(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if (!strchr(" \t", line.data[i]) || !line.data[i])
			return false;
	return true;
}

static void row_emit(struct table *t, struct bytes line, void (*emit)(struct item *item, void *context), void *context)
{
	char *cells[COLUMNS_MAX], *text = line_decode(t, line);
	struct item item = {.row_no = t->row_no, .class = CLASS_ERROR, .reason = "", .detail = "", .subject = "", .mail = "",
		.upstream_id = "", .type = "", .profile = ""};

	if (!text)
		fault(&item, line.len > LINE_MAX ? "long" : "bytes", "");
	else {
		size_t n = line_split(t->arena, text, cells);
		if (width_fits(t, cells, n))
			row_read(t, cells, n, &item);
		else
			fault(&item, "columns", "");
	}
	emit(&item, context);
}

static enum table_fault begin(struct table *t, struct bytes file)
{
	bool mark = file.len >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0;

	if (file.len >= 2 && (memcmp(file.data, "\xff\xfe", 2) == 0 || memcmp(file.data, "\xfe\xff", 2) == 0))
		return TABLE_UTF16;
	const uint8_t *end = memchr(file.data, '\n', file.len);
	if (memchr(file.data, 0, end ? (size_t)(end - file.data) : file.len))
		return TABLE_BINARY;
	t->rest = mark ? bytes_of(file.data + 3, file.len - 3) : file;
	if (!mark && !is_utf8(file)) {
		t->conv = iconv_open("UTF-8", "CP932");
		ASSERT(t->conv != (iconv_t)-1);
	}
	return TABLE_FINE;
}

/* The first line tells the columns; a file without a header has certificates from its first line on. */
static enum table_fault first_line(struct table *t, struct bytes *ret_row, bool *ret_any)
{
	char *cells[COLUMNS_MAX], *text;
	struct bytes line;

	do {
		if (!line_next(t, &line))
			return TABLE_NO_ROWS;
		t->row_no++;
	} while (line_blank(line));
	text = line_decode(t, line);
	size_t n = text ? line_split(t->arena, text, cells) : 0;
	*ret_row = line;
	*ret_any = !text || !header_read(t, cells, n);
	t->width = n;
	if (*ret_any && n < POSITIONS_MIN)
		return TABLE_NO_COLUMNS;
	if (*ret_any)
		positions_use(t, n);
	return t->at[COLUMN_SUBJECT] < 0 || t->at[COLUMN_STATE] < 0 ? TABLE_NO_COLUMNS : TABLE_FINE;
}

enum table_fault table_read(struct bytes file, void (*emit)(struct item *item, void *context), void *context)
{
	struct table t = {.arena = arena_new(), .conv = (iconv_t)-1};
	struct bytes line;
	bool again = false;
	size_t rows = 0;
	enum table_fault fault_found = file.len ? begin(&t, file) : TABLE_NO_ROWS;

	if (fault_found == TABLE_FINE)
		fault_found = first_line(&t, &line, &again);
	while (fault_found == TABLE_FINE) {
		if (!again && !line_next(&t, &line))
			break;
		t.row_no += !again;
		again = false;
		if (line_blank(line))
			continue;
		if (++rows > ROWS_MAX)
			fault_found = TABLE_TOO_MANY;
		else
			row_emit(&t, line, emit, context);
		arena_reset(t.arena);
	}
	if (t.conv != (iconv_t)-1)
		iconv_close(t.conv);
	arena_free(t.arena);
	return fault_found == TABLE_FINE && !rows ? TABLE_NO_ROWS : fault_found;
}
