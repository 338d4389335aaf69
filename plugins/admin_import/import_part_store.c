/* SQL of the parts in which the rows of a run are worked on. */
#include "admin_import_store.h"

enum status part_add(struct db *db, const struct part *part, uint64_t *ret_id)
{
	enum status s = db_exec(db, NULL, "INSERT INTO import_part (run_id, number, parts, position, last_row) VALUES (?, ?, ?, ?, ?)",
		DB_INT(part->run), DB_INT(part->number), DB_INT(part->parts), DB_INT(part->position), DB_INT(part->last_row));

	if (s == STATUS_OK)
		*ret_id = db_insert_id(db);
	return s;
}

enum status part_get(struct db *db, struct arena *a, uint64_t id, struct part *ret)
{
	struct db_rows r;
	enum status s = db_select(db, a, &r,
		"SELECT run_id, steps, number, parts, position, last_row, made, moved, left_out FROM import_part WHERE id = ?", DB_INT(id));

	if (s == STATUS_OK && !r.rows)
		return cause(STATUS_MISSING, "no such part of an import");
	if (s != STATUS_OK)
		return s;
	*ret = (struct part){
		.id = id,
		.run = (uint64_t)db_int(&r, 0, 0),
		.steps = (uint64_t)db_int(&r, 0, 1),
		.number = (unsigned)db_int(&r, 0, 2),
		.parts = (unsigned)db_int(&r, 0, 3),
		.position = (unsigned)db_int(&r, 0, 4),
		.last_row = (unsigned)db_int(&r, 0, 5),
		.made = (unsigned)db_int(&r, 0, 6),
		.moved = (unsigned)db_int(&r, 0, 7),
		.left_out = (unsigned)db_int(&r, 0, 8),
	};
	return STATUS_OK;
}

enum status part_step(struct db *db, const struct part *part)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE import_part SET steps = steps + 1 WHERE id = ? AND steps = ?", DB_INT(part->id),
		DB_INT(part->steps));

	return s == STATUS_OK && changed != 1 ? cause(STATUS_CONFLICT, "import %llu: somebody else was first", (unsigned long long)part->run)
					      : s;
}

enum status part_update(struct db *db, const struct part *part)
{
	return db_exec(db, NULL, "UPDATE import_part SET position = ?, made = ?, moved = ?, left_out = ? WHERE id = ?", DB_INT(part->position),
		DB_INT(part->made), DB_INT(part->moved), DB_INT(part->left_out), DB_INT(part->id));
}

enum status part_jobless(struct db *db, struct arena *a, struct part **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT p.id, p.steps FROM import_part AS p LEFT JOIN job AS j ON j.kind = '" IMPORT_PART_JOB "' AND j.subject = p.id WHERE j.id IS NULL");

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows + 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (struct part){.id = (uint64_t)db_int(&rows, i, 0), .steps = (uint64_t)db_int(&rows, i, 1)};
	return s;
}

/* The run's row first: of two parts that end at once the second one sees that the first is gone. */
enum status part_end(struct db *db, struct arena *a, const struct part *part, when now, bool *ret_last)
{
	struct db_rows rows;
	enum status s = db_exec(db, NULL,
		"UPDATE import_run SET steps = steps + 1, changed_at = ?, made = made + ?, moved = moved + ?, left_out = left_out + ? WHERE id = ?",
		DB_INT(now), DB_INT(part->made), DB_INT(part->moved), DB_INT(part->left_out), DB_INT(part->run));

	if (s == STATUS_OK)
		s = db_exec(db, NULL, "DELETE FROM import_part WHERE id = ?", DB_INT(part->id));
	if (s == STATUS_OK)
		s = db_select(db, a, &rows, "SELECT 1 FROM import_part WHERE run_id = ? LIMIT 1", DB_INT(part->run));
	*ret_last = s == STATUS_OK && !rows.rows;
	return s;
}
