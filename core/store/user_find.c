/* Looking for users: by parts of ePPN, name and mail, in an index that holds nothing else. */
#include "store/user_find.h"

#include "store/fit.h"
#include "store/user_row.h"

#define WORDS_MAX 4
/* Of the column, in characters of up to four bytes. */
#define SEARCH_MAX 767

const char *user_search_text(struct arena *a, const struct user *user)
{
	return fit(a,
		arena_printf(a, "%s\n%s\n%s", text_fold(a, user->eppn), text_fold(a, user->name ? user->name : ""),
			text_fold(a, user->mail ? user->mail : "")),
		SEARCH_MAX);
}

/* Bytes within bytes: nothing in a word is a pattern, and UTF-8 matches at letters alone. An empty word stands everywhere. */
#define WORDS "INSTR(search, ?) > 0 AND INSTR(search, ?) > 0 AND INSTR(search, ?) > 0 AND INSTR(search, ?) > 0"
#define IN(part) " AND INSTR(" part ", ?) > 0 AND INSTR(" part ", ?) > 0 AND INSTR(" part ", ?) > 0 AND INSTR(" part ", ?) > 0"
#define EPPN "SUBSTRING_INDEX(search, '\\n', 1)"
#define NAME "SUBSTRING_INDEX(SUBSTRING_INDEX(search, '\\n', 2), '\\n', -1)"
#define MAIL "SUBSTRING_INDEX(search, '\\n', -1)"
/* The whole index is read, and nothing but the index. */
#define ALL_IDS "SELECT id FROM user FORCE INDEX (search) WHERE " WORDS
#define AT_MOST " LIMIT 10001"
/* For so many that the newest are found at once. */
#define NEWEST "SELECT " USER_COLUMNS " FROM user FORCE INDEX (PRIMARY) WHERE id < ? AND " WORDS
#define IN_ORDER " ORDER BY id DESC LIMIT ?"

struct looking {
	struct db *db;
	struct arena *arena;
	const struct user_query *query;
	const char *words[WORDS_MAX]; /* folded; "" when unused */
	size_t n_words;
};

static enum status words_read(struct looking *l)
{
	for (size_t i = 0; i < WORDS_MAX; i++)
		l->words[i] = "";
	/* After folding: the blank U+3000 is a plain one then. */
	for (char **parts = text_split(l->arena, text_fold(l->arena, l->query->words), " \t"); *parts; parts++) {
		if (l->n_words == WORDS_MAX)
			return cause(STATUS_INVALID, "search: more than %d words", WORDS_MAX);
		l->words[l->n_words++] = *parts;
	}
	return STATUS_OK;
}

#define FOUR(w) DB_TEXT((w)[0]), DB_TEXT((w)[1]), DB_TEXT((w)[2]), DB_TEXT((w)[3])

static enum status ids_of_all(struct looking *l, struct db_rows *ret)
{
	const char *const *w = l->words;

	switch (l->query->field) {
	case USER_FIELD_EPPN:
		return db_select(l->db, l->arena, ret, ALL_IDS IN(EPPN) AT_MOST, FOUR(w), FOUR(w));
	case USER_FIELD_NAME:
		return db_select(l->db, l->arena, ret, ALL_IDS IN(NAME) AT_MOST, FOUR(w), FOUR(w));
	case USER_FIELD_MAIL:
		return db_select(l->db, l->arena, ret, ALL_IDS IN(MAIL) AT_MOST, FOUR(w), FOUR(w));
	case USER_FIELD_ANY:
	case USER_FIELD_COUNT:
		break;
	}
	return db_select(l->db, l->arena, ret, ALL_IDS AT_MOST, FOUR(w));
}

static enum status newest(struct looking *l, struct db_rows *ret)
{
	const char *const *w = l->words;
	int64_t below = l->query->below ? (int64_t)l->query->below : INT64_MAX;
	unsigned limit = l->query->limit;

	if (l->n_words == 0) /* also those whose text is still to be computed */
		return db_select(l->db, l->arena, ret, "SELECT " USER_COLUMNS " FROM user FORCE INDEX (PRIMARY) WHERE id < ?" IN_ORDER,
			DB_INT(below), DB_INT(limit));
	switch (l->query->field) {
	case USER_FIELD_EPPN:
		return db_select(l->db, l->arena, ret, NEWEST IN(EPPN) IN_ORDER, DB_INT(below), FOUR(w), FOUR(w), DB_INT(limit));
	case USER_FIELD_NAME:
		return db_select(l->db, l->arena, ret, NEWEST IN(NAME) IN_ORDER, DB_INT(below), FOUR(w), FOUR(w), DB_INT(limit));
	case USER_FIELD_MAIL:
		return db_select(l->db, l->arena, ret, NEWEST IN(MAIL) IN_ORDER, DB_INT(below), FOUR(w), FOUR(w), DB_INT(limit));
	case USER_FIELD_ANY:
	case USER_FIELD_COUNT:
		break;
	}
	return db_select(l->db, l->arena, ret, NEWEST IN_ORDER, DB_INT(below), FOUR(w), DB_INT(limit));
}

static void users_read(struct arena *a, const struct db_rows *rows, struct user **ret, size_t *ret_n)
{
	*ret = arena_array(a, rows->rows ? rows->rows : 1, sizeof(**ret));
	*ret_n = rows->rows;
	for (size_t i = 0; i < rows->rows; i++)
		user_fill(rows, i, 0, &(*ret)[i]);
}

static int newer_id(const void *left, const void *right)
{
	const uint64_t *l = left, *r = right;

	return (*l < *r) - (*l > *r);
}

static int newer_user(const void *left, const void *right)
{
	const struct user *l = left, *r = right;

	return newer_id(&l->id, &r->id);
}

/* The page out of all that were found. */
static enum status page_of(struct looking *l, const struct db_rows *all, struct user **ret, size_t *ret_n)
{
	uint64_t *ids = arena_array(l->arena, all->rows + 1, sizeof(*ids));
	size_t first = 0, n = all->rows;

	for (size_t i = 0; i < n; i++)
		ids[i] = (uint64_t)db_int(all, i, 0);
	qsort(ids, n, sizeof(*ids), newer_id);
	while (l->query->below && first < n && ids[first] >= l->query->below)
		first++;
	n = n - first < l->query->limit ? n - first : l->query->limit;
	struct user *users = arena_array(l->arena, n ? n : 1, sizeof(*users));
	size_t read = 0;
	for (size_t i = 0; i < n; i += USERS_BY_ID) {
		struct user *part;
		size_t n_part;
		enum status st = user_by_ids(l->db, l->arena, ids + first + i, n - i < USERS_BY_ID ? n - i : USERS_BY_ID, &part, &n_part);
		if (st != STATUS_OK)
			return st;
		memcpy(users + read, part, n_part * sizeof(*part));
		read += n_part;
	}
	qsort(users, read, sizeof(*users), newer_user);
	*ret = users;
	*ret_n = read;
	return STATUS_OK;
}

enum status user_find(struct db *db, struct arena *a, const struct user_query *query, struct user **ret, size_t *ret_n,
	unsigned *ret_count)
{
	struct looking l = {.db = db, .arena = a, .query = query};
	struct db_rows rows, count;
	enum status st = words_read(&l);

	if (st != STATUS_OK)
		return st;
	if (l.n_words > 0) {
		st = ids_of_all(&l, &rows);
		if (st != STATUS_OK)
			return st;
		*ret_count = (unsigned)rows.rows;
		if (rows.rows <= COUNT_MAX)
			return page_of(&l, &rows, ret, ret_n);
	} else {
		st = db_select(db, a, &count, "SELECT COUNT(*) FROM (SELECT 1 FROM user FORCE INDEX (seen_at) LIMIT 10001) AS some");
		if (st == STATUS_OK)
			*ret_count = (unsigned)db_int(&count, 0, 0);
	}
	if (st == STATUS_OK)
		st = newest(&l, &rows);
	if (st == STATUS_OK)
		users_read(a, &rows, ret, ret_n);
	return st;
}

enum status user_by_ids(struct db *db, struct arena *a, const uint64_t *ids, size_t n, struct user **ret, size_t *ret_n)
{
	struct db_arg args[USERS_BY_ID];
	struct db_rows rows;

	ASSERT(n <= USERS_BY_ID);
	for (size_t i = 0; i < USERS_BY_ID; i++)
		args[i] = DB_INT(i < n ? ids[i] : 0);
	enum status st = db_select_n(db, a, &rows,
		"SELECT " USER_COLUMNS " FROM user WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args,
		USERS_BY_ID);
	if (st == STATUS_OK)
		users_read(a, &rows, ret, ret_n);
	return st;
}

enum status user_same_mail(struct db *db, struct arena *a, const struct user *user, when since, unsigned limit, struct user **ret,
	size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT " USER_COLUMNS " FROM user FORCE INDEX (mail_lower) WHERE mail_lower = LOWER(?) AND id <> ? AND seen_at >= ? LIMIT ?",
		DB_TEXT(user->mail), DB_INT(user->id), DB_INT(since), DB_INT(limit));

	if (st == STATUS_OK)
		users_read(a, &rows, ret, ret_n);
	return st;
}

/* A log-in meanwhile writes the same column from newer facts: the guard leaves what it wrote alone. */
enum status user_search_fill(struct db *db, struct arena *a, unsigned limit, unsigned *ret_filled)
{
	struct db_rows rows;
	struct user user;
	enum status st = db_select(db, a, &rows, "SELECT " USER_COLUMNS " FROM user WHERE search IS NULL LIMIT ?", DB_INT(limit));

	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		user_fill(&rows, i, 0, &user);
		st = db_exec(db, NULL, "UPDATE user SET search = ? WHERE id = ? AND search IS NULL", DB_TEXT(user_search_text(a, &user)),
			DB_INT(user.id));
	}
	if (st == STATUS_OK)
		*ret_filled = (unsigned)rows.rows;
	return st;
}
