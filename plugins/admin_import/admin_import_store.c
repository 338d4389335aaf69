/* SQL of the bulk import's runs and counts. */
#include "admin_import_store.h"

#define RUN_COLUMNS                                                                                                                   \
	"SELECT id, open_slot IS NOT NULL, phase, source, upstream, file, owner, why, steps, cleared, total, selected, made, moved,"           \
	" left_out, created_at, changed_at, finished_at, last_row,"                                                                    \
	" (SELECT CAST(SUM((p.last_row - p.position) / p.parts) AS UNSIGNED) FROM import_part AS p WHERE p.run_id = import_run.id)"    \
	" FROM import_run "

static void run_fill(const struct db_rows *r, size_t i, struct run *ret)
{
	*ret = (struct run){
		.id = (uint64_t)db_int(r, i, 0),
		.open = db_int(r, i, 1) != 0,
		.phase = db_text(r, i, 2),
		.source = db_text(r, i, 3),
		.upstream = db_text(r, i, 4),
		.file = db_text(r, i, 5),
		.owner = db_text(r, i, 6),
		.why = db_text(r, i, 7),
		.steps = (uint64_t)db_int(r, i, 8),
		.cleared = db_int(r, i, 9) != 0,
		.total = (unsigned)db_int(r, i, 10),
		.selected = (unsigned)db_int(r, i, 11),
		.made = (unsigned)db_int(r, i, 12),
		.moved = (unsigned)db_int(r, i, 13),
		.left_out = (unsigned)db_int(r, i, 14),
		.created_at = db_int(r, i, 15),
		.changed_at = db_int(r, i, 16),
		.finished_at = db_int(r, i, 17),
		.last_row = (unsigned)db_int(r, i, 18),
		.to_do = (unsigned)db_int(r, i, 19),
		.worked_on = !db_at(r, i, 19)->null,
	};
}

static enum status one(enum status s, const struct db_rows *rows, struct run *ret)
{
	if (s == STATUS_OK && !rows->rows)
		return cause(STATUS_MISSING, "no such import");
	if (s == STATUS_OK)
		run_fill(rows, 0, ret);
	return s;
}

static enum status many(enum status s, struct arena *a, const struct db_rows *rows, struct run **ret, size_t *ret_n)
{
	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows->rows ? rows->rows : 1, sizeof(**ret));
	*ret_n = rows->rows;
	for (size_t i = 0; i < rows->rows; i++)
		run_fill(rows, i, &(*ret)[i]);
	return s;
}

enum status run_start(struct db *db, const struct run *run, when now, uint64_t *ret_id)
{
	enum status s = db_exec(db, NULL,
		"INSERT INTO import_run (open_slot, phase, source, upstream, file, owner, created_at, changed_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
		DB_TEXT(run->phase), DB_TEXT(run->source), DB_TEXT(run->upstream), DB_TEXT(run->file), DB_TEXT(run->owner), DB_INT(now),
		DB_INT(now));

	if (s == STATUS_OK)
		*ret_id = db_insert_id(db);
	return s;
}

enum status run_get(struct db *db, struct arena *a, uint64_t id, struct run *ret)
{
	struct db_rows rows;

	return one(db_select(db, a, &rows, RUN_COLUMNS "WHERE id = ?", DB_INT(id)), &rows, ret);
}

enum status run_open(struct db *db, struct arena *a, struct run *ret)
{
	struct db_rows rows;

	return one(db_select(db, a, &rows, RUN_COLUMNS "WHERE open_slot = 1"), &rows, ret);
}

enum status run_list(struct db *db, struct arena *a, unsigned limit, struct run **ret, size_t *ret_n)
{
	struct db_rows rows;

	return many(db_select(db, a, &rows, RUN_COLUMNS "WHERE open_slot IS NULL ORDER BY id DESC LIMIT ?", DB_INT(limit)), a, &rows, ret,
		ret_n);
}

enum status run_step(struct db *db, const struct run *run, when now)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE import_run SET steps = steps + 1, changed_at = ? WHERE id = ? AND phase = ? AND steps = ?",
		DB_INT(now), DB_INT(run->id), DB_TEXT(run->phase), DB_INT(run->steps));

	return s == STATUS_OK && changed != 1 ? cause(STATUS_CONFLICT, "import %llu: somebody else was first", (unsigned long long)run->id)
					      : s;
}

enum status run_update(struct db *db, const struct run *run)
{
	return db_exec(db, NULL,
		"UPDATE import_run SET phase = ?, total = ?, last_row = ?, selected = ? WHERE id = ?", DB_TEXT(run->phase),
		DB_INT(run->total), DB_INT(run->last_row), DB_INT(run->selected), DB_INT(run->id));
}

struct closing {
	uint64_t id;
	const char *phase, *why;
	when now;
};

static enum status close_body(struct db *db, void *context)
{
	const struct closing *c = context;
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE import_run SET open_slot = NULL, phase = ?, why = ?, steps = steps + 1, changed_at = ?, finished_at = ?"
		" WHERE id = ? AND open_slot = 1",
		DB_TEXT(c->phase), DB_TEXT(c->why), DB_INT(c->now), DB_INT(c->now), DB_INT(c->id));

	if (s == STATUS_OK && changed != 1)
		s = cause(STATUS_CONFLICT, "import %llu is closed already", (unsigned long long)c->id);
	return s == STATUS_OK ? db_exec(db, NULL, "DELETE FROM import_part WHERE run_id = ?", DB_INT(c->id)) : s;
}

enum status run_close(struct db *db, uint64_t id, const char *phase, const char *why, when now)
{
	return db_transact(db, close_body, &(struct closing){id, phase, why, now});
}

enum status run_stale(struct db *db, struct arena *a, when before, struct run **ret, size_t *ret_n)
{
	struct db_rows rows;

	return many(db_select(db, a, &rows, RUN_COLUMNS "WHERE open_slot = 1 AND changed_at < ?", DB_INT(before)), a, &rows, ret, ret_n);
}

enum status run_finished(struct db *db, struct arena *a, when done_before, struct run **ret, size_t *ret_n)
{
	struct db_rows rows;

	return many(db_select(db, a, &rows,
			    RUN_COLUMNS "WHERE phase IN ('DISCARDED', 'FAILED', 'DONE') AND cleared = 0 AND (phase <> 'DONE' OR finished_at < ?)"
					" ORDER BY id LIMIT 20",
			    DB_INT(done_before)),
		a, &rows, ret, ret_n);
}

enum status run_cleared(struct db *db, uint64_t id)
{
	return db_exec(db, NULL, "UPDATE import_run SET cleared = 1 WHERE id = ?", DB_INT(id));
}

enum status counts_get(struct db *db, struct arena *a, uint64_t run, struct counts *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT class, known, plan, n FROM import_count WHERE run_id = ?", DB_INT(run));

	*ret = (struct counts){0};
	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++) {
		enum import_class class;
		if (!import_class_parse(db_text(&rows, i, 0), &class))
			continue;
		int known = db_int(&rows, i, 1) != 0;
		unsigned n = (unsigned)db_int(&rows, i, 3);
		const char *plan = db_text(&rows, i, 2);
		ret->n[class][known] += n;
		if (text_same(plan, "stays"))
			ret->stays[class][known] += n;
		else if (!text_same(plan, "same") && !text_same(plan, "none"))
			ret->todo[class][known] += n;
	}
	return s;
}
