/* What became of each certificate of a run for leavers; and those that have no owner, which may be part of it. */
#include "leavers_sql.h"

enum status leavers_ids(struct arena *a, const struct db_rows *rows, uint64_t **ret, size_t *ret_n)
{
	*ret = arena_array(a, rows->rows, sizeof **ret);
	for (size_t i = 0; i < rows->rows; i++)
		(*ret)[i] = (uint64_t)db_int(rows, i, 0);
	*ret_n = rows->rows;
	return STATUS_OK;
}

enum status item_put(struct db *db, uint64_t run, uint64_t application, uint64_t user, const char *outcome, when now)
{
	/* What was asked for once stays so, whatever a later look finds. */
	return db_exec(db, NULL,
		"INSERT INTO leavers_item (run_id, application_id, user_id, outcome, at) VALUES (?, ?, ?, ?, ?)"
		" ON DUPLICATE KEY UPDATE at = IF(outcome IN ('untaken', 'planned'), VALUES(at), at),"
		" outcome = IF(outcome IN ('untaken', 'planned'), VALUES(outcome), outcome)",
		DB_INT(run), DB_INT(application), DB_INT(user), DB_TEXT(outcome), DB_INT(now));
}

/* Only when it can be told whose they are, as at a log-in: nobody else has the address, and they were not taken from that person. Parameters:
 * the run, the time, and both again. */
#define LIVES "p.user_id IS NULL AND p.live_until > ? AND (p." VALID " OR p." UNTAKEN ")"
#define UNCLAIMED                                                                                                                        \
	"SELECT p.id, p.mail, p.subject FROM leavers_unknown n STRAIGHT_JOIN application p FORCE INDEX (mail) ON p.mail = n.eppn"         \
	" WHERE n.run_id = ? AND " LIVES " AND NOT EXISTS (SELECT 1 FROM user o WHERE o.mail_lower = p.mail)"                             \
	" UNION SELECT p.id, p.mail, p.subject FROM leavers_person l STRAIGHT_JOIN user u ON u.id = l.user_id"                            \
	" STRAIGHT_JOIN application p FORCE INDEX (mail) ON p.mail = u.mail_lower AND u.mail_lower <> ''"                                 \
	" WHERE l.run_id = ? AND l.cancelled_at = 0 AND " LIVES " AND p.detached_from <> u.id"                                            \
	" AND NOT EXISTS (SELECT 1 FROM user o WHERE o.mail_lower = p.mail AND o.id <> u.id)"
#define UNCLAIMED_ARGS DB_INT(run), DB_INT(now), DB_INT(run), DB_INT(now)
/* All are counted in the same look at them: with thousands of people it is what the page costs. */
#define COUNTED "SELECT c.id, c.mail, c.subject, COUNT(*) OVER (), MAX(c.id) OVER () FROM ("
#define PIECE ") AS c ORDER BY c.id LIMIT ?"

static enum status unclaimed_fill(enum status s, struct arena *a, const struct db_rows *rows, struct unclaimed_found *ret)
{
	if (s != STATUS_OK)
		return s;
	struct unclaimed *list = arena_array(a, rows->rows + 1, sizeof *list);
	for (size_t i = 0; i < rows->rows; i++)
		list[i] = (struct unclaimed){(uint64_t)db_int(rows, i, 0), db_text(rows, i, 1), db_text(rows, i, 2)};
	*ret = (struct unclaimed_found){.list = list, .n = rows->rows};
	if (rows->rows)
		ret->mark = (struct unclaimed_mark){(uint64_t)db_int(rows, 0, 3), (uint64_t)db_int(rows, 0, 4)};
	return STATUS_OK;
}

enum status unclaimed_list(struct db *db, struct arena *a, uint64_t run, unsigned limit, when now, struct unclaimed_found *ret)
{
	struct db_rows rows;

	return unclaimed_fill(db_select(db, a, &rows, COUNTED UNCLAIMED PIECE, UNCLAIMED_ARGS, DB_INT(limit)), a, &rows, ret);
}

enum status planned_list(struct db *db, struct arena *a, uint64_t run, unsigned limit, struct unclaimed_found *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		COUNTED "SELECT p.id, p.mail, p.subject FROM leavers_item i JOIN application p ON p.id = i.application_id"
			" WHERE i.run_id = ? AND i." OPEN PIECE,
		DB_INT(run), DB_INT(limit));

	return unclaimed_fill(s, a, &rows, ret);
}

enum status items_plan(struct db *db, struct arena *a, uint64_t run, when now, struct unclaimed_mark *ret)
{
	struct db_rows rows;
	enum status s = db_exec(db, NULL,
		"INSERT INTO leavers_item (run_id, application_id, user_id, outcome, at) SELECT ?, c.id, 0, 'planned', 0 FROM (" UNCLAIMED ") AS c",
		DB_INT(run), UNCLAIMED_ARGS);

	if (s == STATUS_OK)
		s = db_select(db, a, &rows, "SELECT COUNT(*), COALESCE(MAX(application_id), 0) FROM leavers_item WHERE run_id = ?", DB_INT(run));
	if (s == STATUS_OK)
		*ret = (struct unclaimed_mark){(uint64_t)db_int(&rows, 0, 0), (uint64_t)db_int(&rows, 0, 1)};
	return s;
}

enum status run_items_due(struct db *db, struct arena *a, uint64_t run, when now, unsigned limit, uint64_t **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT application_id FROM leavers_item WHERE run_id = ? AND " DUE " ORDER BY application_id LIMIT ?",
		DB_INT(run), DB_INT(now - LEAVERS_AGAIN), DB_INT(limit));

	return s == STATUS_OK ? leavers_ids(a, &rows, ret, ret_n) : s;
}

/* Changed, not only locked: locks do not reach across the nodes of a cluster. */
enum status item_take(struct db *db, uint64_t run, uint64_t application, when now, bool *ret)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE leavers_item SET outcome = 'untaken', at = ? WHERE run_id = ? AND application_id = ? AND " DUE,
		DB_INT(now), DB_INT(run), DB_INT(application), DB_INT(now - LEAVERS_AGAIN));

	if (s == STATUS_OK)
		*ret = changed == 1;
	return s;
}

/* By leaving out the person whose address it has, or whose it is by now. */
enum status item_left_out(struct db *db, struct arena *a, uint64_t run, uint64_t application, bool *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT 1 FROM application AS p STRAIGHT_JOIN leavers_person AS l ON l.run_id = ? AND l.cancelled_at > 0 STRAIGHT_JOIN user AS u"
		" ON u.id = l.user_id WHERE p.id = ? AND (u.id = p.user_id OR (p.mail <> '' AND u.mail_lower = p.mail)) LIMIT 1",
		DB_INT(run), DB_INT(application));

	if (s == STATUS_OK)
		*ret = rows.rows > 0;
	return s;
}
