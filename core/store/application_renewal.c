/* What joins applications: which one renews another or lives in its place, and whether a form has already had its effect. */
#include "store/application_row.h"

enum status application_renewal(struct db *db, struct arena *a, uint64_t id, when now, struct application *ret)
{
	struct db_rows rows;
	struct application_row row;
	/* One that lives comes before a newer one that failed: it is what stands in the way of another. */
	enum status st = db_select(db, a, &rows,
		"SELECT " APPLICATION_COLUMNS " FROM application WHERE renews = ? ORDER BY live_until > ? DESC, id DESC LIMIT 1",
		DB_INT(id), DB_INT(now));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "nothing renews application %llu", (unsigned long long)id);
	if (st != STATUS_OK)
		return st;
	application_fill(&rows, 0, &row);
	*ret = row.app;
	return st;
}

enum status application_renewed(struct db *db, struct arena *a, uint64_t user_id, when now, uint64_t **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT DISTINCT renews FROM application WHERE user_id = ? AND renews <> 0 AND live_until > ?", DB_INT(user_id),
		DB_INT(now));

	if (st != STATUS_OK)
		return st;
	*ret = arena_array(a, rows.rows ? rows.rows : 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (uint64_t)db_int(&rows, i, 0);
	return st;
}

enum status application_has_moved(struct db *db, struct arena *a, uint64_t id, enum event_kind kind, const char *source_key,
	bool *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT moved FROM event WHERE application_id = ? AND kind = ? AND source_key = ?", DB_INT(id),
		DB_TEXT(event_kind_name(kind)), DB_TEXT(source_key));

	if (st == STATUS_OK)
		*ret = rows.rows > 0 && db_int(&rows, 0, 0) != 0;
	return st;
}

enum status application_lives_elsewhere(struct db *db, struct arena *a, uint64_t id, when now, bool *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT other.id FROM application AS this STRAIGHT_JOIN application AS other FORCE INDEX (live_digest)"
		" ON other.live_digest = this.live_digest AND other.live_until > ? WHERE this.id = ? AND other.id <> this.id LIMIT 1",
		DB_INT(now), DB_INT(id));

	if (st == STATUS_OK)
		*ret = rows.rows > 0;
	return st;
}
