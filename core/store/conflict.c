/* Rows of table conflict, for administrators; application_apply() makes them. */
#include "store/conflict.h"

#define COLUMNS "c.id, c.application_id, c.kind, c.state, c.source_key, c.at, c.closed_at, a.type, a.state, c.detail"
#define TABLES "conflict c LEFT JOIN application a ON a.id = c.application_id"
/* A source key has 100 bytes, and each may become four. */
#define KEY_TEXT (100 * 4 + 1)

static struct conflict conflict_of(struct arena *a, const struct db_rows *rows, size_t i)
{
	struct bytes key = db_bytes(rows, i, 4);
	char printable[KEY_TEXT];

	text_escape(printable, sizeof printable, arena_stringn(a, (const char *)key.data, key.len));
	return (struct conflict){
		.id = (uint64_t)db_int(rows, i, 0),
		.application = (uint64_t)db_int(rows, i, 1),
		.kind = db_text(rows, i, 2),
		.state = db_text(rows, i, 3),
		.source_key = arena_string(a, printable),
		.at = db_int(rows, i, 5),
		.closed_at = db_int(rows, i, 6),
		.type = db_text(rows, i, 7),
		.state_now = db_text(rows, i, 8),
		.detail = db_text(rows, i, 9),
	};
}

enum status conflict_list(
	struct db *db, struct arena *a, bool closed, uint64_t below, unsigned limit, struct conflict **ret, size_t *ret_n)
{
	struct db_arg from = DB_INT(below ? below : INT64_MAX);
	struct db_rows rows;
	/* Closed ones are read by the primary key: few are open, so nearly every row is one. */
	enum status st = closed
		? db_select(db, a, &rows,
			  "SELECT " COLUMNS " FROM " TABLES " WHERE c.closed_at > 0 AND c.id < ? ORDER BY c.id DESC LIMIT ?", from, DB_INT(limit))
		: db_select(db, a, &rows,
			  "SELECT " COLUMNS " FROM " TABLES " WHERE c.closed_at = 0 AND c.id < ? ORDER BY c.id DESC LIMIT ?", from, DB_INT(limit));

	if (st != STATUS_OK)
		return st;
	struct conflict *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++)
		all[i] = conflict_of(a, &rows, i);
	*ret = all;
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status conflict_get(struct db *db, struct arena *a, uint64_t id, struct conflict *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT " COLUMNS " FROM " TABLES " WHERE c.id = ?", DB_INT(id));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no event %llu that could not be applied", (unsigned long long)id);
	if (st == STATUS_OK)
		*ret = conflict_of(a, &rows, 0);
	return st;
}

enum status conflict_close(struct db *db, struct arena *a, uint64_t id, when now)
{
	uint64_t changed = 0;
	struct conflict there;
	enum status st = db_exec(db, &changed, "UPDATE conflict SET closed_at = ? WHERE id = ? AND closed_at = 0", DB_INT(now), DB_INT(id));

	if (st != STATUS_OK || changed == 1)
		return st;
	st = conflict_get(db, a, id, &there);
	return st == STATUS_OK ? cause(STATUS_CONFLICT, "event %llu is closed already", (unsigned long long)id) : st;
}
