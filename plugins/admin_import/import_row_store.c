/* SQL of the staged rows: what they match, what would change, and what did. */
#include "admin_import_store.h"

#define RANGE "r.run_id = ? AND r.row_no > ? AND r.row_no <= ?"
#define RANGE_ARGS DB_INT(run), DB_INT(after), DB_INT(to)
#define IMPORTABLE "r.class IN ('waiting', 'issued', 'renewed', 'revoked')"

#define ROW_ARGS 19

enum status rows_insert(struct db *db, struct arena *a, uint64_t run, const struct item *items, size_t n)
{
	struct db_arg *args = arena_array(a, n * ROW_ARGS + 1, sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		const struct item *item = &items[i];
		const struct db_arg values[ROW_ARGS] = {DB_INT(run), DB_INT(item->row_no), DB_TEXT(import_class_name(item->class)),
			DB_TEXT(item->reason), DB_TEXT(item->detail), DB_TEXT(item->subject), DB_TEXT(item->serial), DB_TEXT(item->old_serial),
			DB_TEXT(item->mail), DB_TEXT(item->upstream_id), DB_TEXT(item->type), DB_TEXT(item->profile), DB_INT(item->months),
			DB_INT(item->requested_at), DB_INT(item->not_before), DB_INT(item->not_after), DB_INT(item->url_until),
			DB_INT(item->revoked_at), DB_BYTES(item->key)};
		memcpy(args + i * ROW_ARGS, values, sizeof(values));
	}
	return db_exec_rows(db,
		"INSERT INTO import_row (run_id, row_no, class, reason, detail, subject, serial, old_serial, mail, upstream_id, type, profile, months,"
		" requested_at, not_before, not_after, url_until, revoked_at, import_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		args, ROW_ARGS, n);
}

enum status rows_clear(struct db *db, uint64_t run, unsigned limit, bool *ret_more)
{
	uint64_t gone = 0;
	enum status s = db_exec(db, &gone, "DELETE FROM import_row WHERE run_id = ? ORDER BY row_no LIMIT ?", DB_INT(run), DB_INT(limit));

	*ret_more = s == STATUS_OK && gone == limit;
	return s;
}

/* Another row of the same certificate came first. The indexes are named, since what the database knows of a table filled a second ago is
 * nothing: by its guess every row would be compared with all before it. */
static enum status twice(struct db *db, uint64_t run, unsigned after, unsigned to)
{
	return db_exec(db, NULL,
		"UPDATE import_row AS r FORCE INDEX (PRIMARY) STRAIGHT_JOIN import_row AS e FORCE INDEX (import_key)"
		" ON e.run_id = r.run_id AND e.import_key = r.import_key AND e.row_no < r.row_no"
		" SET r.class = 'error', r.reason = 'twice', r.detail = e.row_no WHERE " RANGE " AND " IMPORTABLE
		" AND e.class NOT IN ('error', 'progress')",
		RANGE_ARGS);
}

/* By serial number, and by what an earlier import knew it by. */
static enum status match_exact(struct db *db, uint64_t run, const char *upstream, unsigned after, unsigned to)
{
	enum status s = db_exec(db, NULL,
		"UPDATE import_row AS r FORCE INDEX (PRIMARY) STRAIGHT_JOIN application AS a FORCE INDEX (serial) ON a.serial = r.serial AND a.upstream = ?"
		" SET r.application_id = a.id, r.known = 1 WHERE " RANGE,
		DB_TEXT(upstream), RANGE_ARGS);

	if (s == STATUS_OK)
		s = db_exec(db, NULL,
			"UPDATE import_row AS r FORCE INDEX (PRIMARY) STRAIGHT_JOIN application AS a FORCE INDEX (import_key) ON a.import_key = r.import_key"
			" SET r.application_id = a.id, r.known = 1 WHERE " RANGE " AND r.known = 0",
			RANGE_ARGS);
	if (s == STATUS_OK)
		s = db_exec(db, NULL,
			"UPDATE import_row AS r FORCE INDEX (PRIMARY) STRAIGHT_JOIN application AS a FORCE INDEX (upstream_id)"
			" ON a.upstream_id = r.upstream_id AND a.upstream = ? AND (a.serial IS NULL OR r.serial IS NULL)"
			" SET r.application_id = a.id, r.known = 1 WHERE " RANGE " AND r.known = 0 AND r.upstream_id <> ''",
			DB_TEXT(upstream), RANGE_ARGS);
	return s;
}

/* As the column cn of application is made. */
#define CN "IF(LEFT(r.subject, 3) = 'CN=', LEFT(LOWER(SUBSTRING_INDEX(SUBSTRING(r.subject, 4), ',', 1)), 64), '')"

/* By the whole subject (its CN is what has an index), never by a part of it: only applications without a certificate, which cannot be another one's, and no older
 * certificate than they are (a day for clocks and for times without zone). One that is still open is preferred to those in error. */
static enum status match_subject(struct db *db, uint64_t run, const char *upstream, unsigned after, unsigned to)
{
	return db_exec(db, NULL,
		"UPDATE import_row AS r JOIN (SELECT r.row_no AS row_no, COUNT(*) AS n, SUM(a.state <> 'ERROR') AS open_n,"
		" MAX(IF(a.state <> 'ERROR', a.id, 0)) AS open_id, MAX(a.id) AS last_id"
		" FROM import_row AS r FORCE INDEX (PRIMARY) STRAIGHT_JOIN application AS a FORCE INDEX (cn) ON a.cn = " CN
		" AND a.subject = r.subject AND a.upstream = ? AND a.serial IS NULL"
		" AND GREATEST(r.requested_at, r.not_before) + 86400000 >= a.created_at"
		" WHERE " RANGE " AND r.known = 0 AND r.subject <> '' AND r.class <> 'error' GROUP BY r.row_no) AS m ON m.row_no = r.row_no"
		" SET r.known = 1, r.application_id = CASE WHEN m.open_n = 1 THEN m.open_id WHEN m.open_n = 0 AND m.n = 1 THEN m.last_id ELSE 0 END"
		" WHERE " RANGE,
		DB_TEXT(upstream), RANGE_ARGS, RANGE_ARGS);
}

enum status rows_match(struct db *db, uint64_t run, const char *upstream, unsigned after, unsigned to)
{
	enum status s = twice(db, run, after, to);

	if (s == STATUS_OK)
		s = match_exact(db, run, upstream, after, to);
	return s == STATUS_OK ? match_subject(db, run, upstream, after, to) : s;
}

enum status rows_owners(
	struct db *db, struct arena *a, uint64_t run, unsigned after, unsigned to, struct owners **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT DISTINCT u.idp, SUBSTRING_INDEX(u.mail, '@', -1) FROM import_row AS r JOIN user AS u ON u.id = r.user_id WHERE " RANGE,
		RANGE_ARGS);

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows ? rows.rows : 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (struct owners){db_text(&rows, i, 0), db_text(&rows, i, 1)};
	return s;
}

enum status rows_disown(struct db *db, uint64_t run, unsigned after, unsigned to, const struct owners *owners)
{
	return db_exec(db, NULL,
		"UPDATE import_row AS r JOIN user AS u ON u.id = r.user_id SET r.user_id = 0, r.why = 'domain'"
		" WHERE " RANGE " AND u.idp = ? AND SUBSTRING_INDEX(u.mail, '@', -1) = ?",
		RANGE_ARGS, DB_TEXT(owners->idp), DB_TEXT(owners->mail));
}

#define IS_ISSUED "r.class IN ('issued', 'renewed')"

/* What the states of both say: the events of application_apply(), or nothing. */
#define PLAN                                                                                                                \
	"(CASE WHEN NOT (" IMPORTABLE ") THEN 'none' WHEN r.known = 0 THEN 'new' WHEN a.id IS NULL THEN 'stays'"            \
	" WHEN r.class = 'revoked' THEN IF(a.state = 'REVOKED', 'same', 'revoked')"                                         \
	" WHEN " AT_CARD_SERVICE " THEN 'stays'"                                                                            \
	" WHEN " IS_ISSUED " AND a.state IN ('ACCEPTED', 'SENT', 'PIN', 'ERROR') THEN 'taken'"                              \
	" WHEN " IS_ISSUED " AND a.state = 'REVOKED' THEN 'stays'"                                                          \
	" WHEN r.class = 'waiting' AND a.state IN ('ACCEPTED', 'ERROR') THEN 'submitted'"                                   \
	" WHEN r.class = 'waiting' AND a.state NOT IN ('SENT', 'PIN') THEN 'stays' ELSE 'same' END)"
/* The upstream has done its part; that it is taken, the card service alone can say. */
#define AT_CARD_SERVICE "a.handover = 1 AND a.state IN ('ACCEPTED', 'SENT', 'ERROR')"

/* A new one goes to the one user with that address, if there is one; of who has not been here for long it may be somebody else's by now.
 * In one statement, since writing rows is what costs. */
enum status rows_plan(struct db *db, uint64_t run, when seen_since, unsigned after, unsigned to)
{
	return db_exec(db, NULL,
		"UPDATE import_row AS r FORCE INDEX (PRIMARY) LEFT JOIN application AS a ON a.id = r.application_id"
		" LEFT JOIN (SELECT r.row_no AS row_no, COUNT(*) AS n, MIN(u.id) AS id FROM import_row AS r FORCE INDEX (PRIMARY)"
		" STRAIGHT_JOIN user AS u FORCE INDEX (mail_lower) ON u.mail_lower = r.mail AND u.seen_at >= ?"
		" WHERE " RANGE " AND r.known = 0 AND r.mail <> '' AND " IMPORTABLE " GROUP BY r.row_no) AS m ON m.row_no = r.row_no"
		" SET r.user_id = IF(m.n = 1, m.id, 0), r.plan = " PLAN ", r.why = CASE " PLAN
		" WHEN 'new' THEN CASE WHEN r.mail = '' THEN 'no-mail' WHEN m.n = 1 THEN 'owner' WHEN m.n > 1 THEN 'several-users' ELSE 'waits' END"
		" WHEN 'stays' THEN CASE WHEN a.id IS NULL THEN 'several' WHEN " AT_CARD_SERVICE " THEN 'card'"
		" WHEN r.class = 'waiting' THEN 'further' ELSE 'revoked-here' END"
		" ELSE '' END WHERE " RANGE,
		DB_INT(seen_since), RANGE_ARGS, RANGE_ARGS);
}

enum status rows_count(struct db *db, uint64_t run, unsigned after, unsigned to)
{
	return db_exec(db, NULL,
		"INSERT INTO import_count (run_id, class, known, plan, n) SELECT r.run_id, r.class, r.known, r.plan, COUNT(*)"
		" FROM import_row AS r WHERE " RANGE " GROUP BY r.class, r.known, r.plan ON DUPLICATE KEY UPDATE n = n + VALUES(n)",
		RANGE_ARGS);
}

#define ROW_COLUMNS "SELECT " ROW_FIELDS ", r.application_id, r.user_id"
#define ROW_FIELDS                                                                                                                       \
	"r.row_no, r.class, r.reason, r.detail, r.subject, r.serial, r.old_serial, r.mail, r.upstream_id, r.type, r.profile," \
	" r.plan, r.why, r.result, r.months, r.requested_at, r.not_before, r.not_after, r.url_until, r.revoked_at, r.known"

static enum status rows_fill(enum status s, struct arena *a, const struct db_rows *r, struct row **ret, size_t *ret_n)
{
	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, r->rows ? r->rows : 1, sizeof(**ret));
	*ret_n = r->rows;
	for (size_t i = 0; i < r->rows; i++) {
		enum import_class class = CLASS_ERROR;
		ASSERT(import_class_parse(db_text(r, i, 1), &class));
		(*ret)[i] = (struct row){.row_no = (unsigned)db_int(r, i, 0), .class = class, .reason = db_text(r, i, 2),
			.detail = db_text(r, i, 3), .subject = db_text(r, i, 4), .serial = db_text(r, i, 5), .old_serial = db_text(r, i, 6),
			.mail = db_text(r, i, 7), .upstream_id = db_text(r, i, 8), .type = db_text(r, i, 9), .profile = db_text(r, i, 10),
			.plan = db_text(r, i, 11), .why = db_text(r, i, 12), .result = db_text(r, i, 13), .months = (int)db_int(r, i, 14),
			.requested_at = db_int(r, i, 15), .not_before = db_int(r, i, 16), .not_after = db_int(r, i, 17),
			.url_until = db_int(r, i, 18), .revoked_at = db_int(r, i, 19), .known = db_int(r, i, 20) != 0,
			.application_id = (uint64_t)db_int(r, i, 21), .user_id = (uint64_t)db_int(r, i, 22),
			.eppn = r->cols > 23 ? db_text(r, i, 23) : NULL,
			.made = r->cols > 24 && db_int(r, i, 24)};
	}
	return s;
}

/* Of the application that is known or was made by now, or as planned. */
#define JOIN_OWNER                                                                                                              \
	" LEFT JOIN application AS a ON a.id = r.application_id LEFT JOIN application AS made ON made.import_key = r.import_key" \
	" LEFT JOIN user AS u ON u.id = COALESCE(a.user_id, made.user_id, r.user_id)"

enum status rows_list(struct db *db, struct arena *a, uint64_t run, enum import_class class, int known, unsigned after, unsigned limit,
	struct row **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = known < 0 ? db_select(db, a, &rows,
					    ROW_COLUMNS ", u.eppn, made.id IS NOT NULL FROM (SELECT row_no FROM import_row WHERE run_id = ? AND class = ? AND known IN (0, 1)"
							" AND row_no > ? ORDER BY row_no LIMIT ?) AS k"
							" JOIN import_row AS r ON r.run_id = ? AND r.row_no = k.row_no"
							JOIN_OWNER " ORDER BY r.row_no",
					    DB_INT(run), DB_TEXT(import_class_name(class)), DB_INT(after), DB_INT(limit), DB_INT(run))
				  : db_select(db, a, &rows,
					    ROW_COLUMNS ", u.eppn, made.id IS NOT NULL FROM import_row AS r" JOIN_OWNER
							" WHERE r.run_id = ? AND r.class = ? AND r.known = ? AND r.row_no > ? ORDER BY r.row_no LIMIT ?",
					    DB_INT(run), DB_TEXT(import_class_name(class)), DB_INT(known), DB_INT(after), DB_INT(limit));

	return rows_fill(s, a, &rows, ret, ret_n);
}

/* By mail address, so that an owner's rows are all of one part; those without one have no owner. */
#define PART "r.run_id = ? AND r.row_no > ? AND r.row_no <= ? AND MOD(IF(r.mail = '', r.row_no, CRC32(r.mail)), ?) = ?"
#define PART_ARGS DB_INT(part->run), DB_INT(part->position), DB_INT(part->last_row), DB_INT(part->parts), DB_INT(part->number)

enum status rows_planned(struct db *db, struct arena *a, const struct part *part, unsigned limit, struct row **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(
		db, a, &rows, ROW_COLUMNS " FROM import_row AS r WHERE " PART " ORDER BY r.row_no LIMIT ?", PART_ARGS, DB_INT(limit));

	return rows_fill(s, a, &rows, ret, ret_n);
}

enum status rows_renewing(struct db *db, struct arena *a, const struct part *part, unsigned limit, struct row **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT " ROW_FIELDS ", made.id, r.user_id FROM import_row AS r FORCE INDEX (PRIMARY)"
			    " STRAIGHT_JOIN application AS made FORCE INDEX (import_key) ON made.import_key = r.import_key"
			    " WHERE " PART " AND r.old_serial IS NOT NULL AND r.plan = 'new' AND r.result = '' ORDER BY r.row_no LIMIT ?",
		PART_ARGS, DB_INT(limit));

	return rows_fill(s, a, &rows, ret, ret_n);
}

enum status rows_result(struct db *db, struct arena *a, uint64_t run, const struct row_result *results, size_t n)
{
	struct db_arg *args = arena_array(a, n * 4 + 1, sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		args[i * 4] = DB_INT(results[i].application_id);
		args[i * 4 + 1] = DB_TEXT(results[i].result);
		args[i * 4 + 2] = DB_INT(run);
		args[i * 4 + 3] = DB_INT(results[i].row_no);
	}
	return db_exec_rows(db, "UPDATE import_row SET application_id = ?, result = ? WHERE run_id = ? AND row_no = ?", args, 4, n);
}
