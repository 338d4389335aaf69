/* Reads the audit trail by filter, newest first, and the results of its verifications. */
#include "store/audit_find.h"

#include "store/audit.h"

/* Ids grow with time, but not strictly: rows of transactions and hosts that overlap. By how much at most. */
#define OVERLAP HOUR

#define COLUMNS "SELECT id, at, actor, context, action, object, detail FROM audit "
/* The rest of the filter, whatever index leads. */
#define AND_REST                                                                                               \
	" AND id < ? AND id >= ? AND (? = '' OR object = ?) AND (? = '' OR actor = ?) AND (? = '' OR action = ?)" \
	" AND at >= ? AND at < ?"
#define NEWEST " ORDER BY id DESC LIMIT ?"
#define COUNT(from) "SELECT COUNT(*) FROM (SELECT 1 FROM audit " from AND_REST " LIMIT ?) some"

#define BY_OBJECT "FORCE INDEX (object) WHERE object = ?"
#define BY_ACTOR "FORCE INDEX (actor) WHERE actor = ?"
#define BY_ACTION "FORCE INDEX (action) WHERE action = ?"
#define BY_ID "FORCE INDEX (PRIMARY) WHERE ? = ''"

/* The ids between which the times lie, by one look at an index each: a year in the past is found without reading what came since. */
static enum status bounds(struct db *db, struct arena *a, const struct audit_query *q, uint64_t *from, uint64_t *below)
{
	struct db_rows rows;
	enum status st = STATUS_OK;

	if (q->from) {
		st = db_select(db, a, &rows, "SELECT id FROM audit FORCE INDEX (at) WHERE at >= ? ORDER BY at LIMIT 1", DB_INT(q->from - OVERLAP));
		if (st == STATUS_OK)
			*from = rows.rows ? (uint64_t)db_int(&rows, 0, 0) : *below;
	}
	if (st == STATUS_OK && q->until) {
		st = db_select(db, a, &rows, "SELECT id FROM audit FORCE INDEX (at) WHERE at >= ? ORDER BY at LIMIT 1", DB_INT(q->until + OVERLAP));
		if (st == STATUS_OK && rows.rows && (uint64_t)db_int(&rows, 0, 0) < *below)
			*below = (uint64_t)db_int(&rows, 0, 0);
	}
	return st;
}

#define ARGS 12
struct leading {
	enum { LEADS_OBJECT, LEADS_ACTOR, LEADS_ACTION, LEADS_ID } index;
	struct db_arg args[ARGS];
};

/* The most telling index first. */
static enum status prepare(struct db *db, struct arena *a, const struct audit_query *q, uint64_t below, int64_t limit, struct leading *ret)
{
	const char *object = q->object ? q->object : "", *actor = q->actor ? q->actor : "", *action = q->action ? q->action : "";
	uint64_t from = 0, end = below ? below : INT64_MAX;
	enum status st = bounds(db, a, q, &from, &end);

	if (st != STATUS_OK)
		return st;
	*ret = (struct leading){
		.index = *object ? LEADS_OBJECT : *actor ? LEADS_ACTOR : *action ? LEADS_ACTION : LEADS_ID,
		.args = {DB_TEXT(*object ? object : *actor ? actor : action), DB_INT(end), DB_INT(from), DB_TEXT(object), DB_TEXT(object),
			DB_TEXT(actor), DB_TEXT(actor), DB_TEXT(action), DB_TEXT(action), DB_INT(q->from),
			DB_INT(q->until ? q->until : INT64_MAX), DB_INT(limit)},
	};
	return STATUS_OK;
}

/* One condition alone is counted in its index, without reading a row. false: there are more. */
static bool count_alone(struct db *db, struct arena *a, const struct audit_query *q, int64_t most, struct db_rows *ret, enum status *ret_status)
{
	if (q->from || q->until || !!q->object + !!q->actor + !!q->action != 1)
		return false;
	if (q->object)
		*ret_status = db_select(db, a, ret, "SELECT COUNT(*) FROM (SELECT 1 FROM audit FORCE INDEX (object) WHERE object = ? LIMIT ?) some",
			DB_TEXT(q->object), DB_INT(most));
	else if (q->actor)
		*ret_status = db_select(db, a, ret, "SELECT COUNT(*) FROM (SELECT 1 FROM audit FORCE INDEX (actor) WHERE actor = ? LIMIT ?) some",
			DB_TEXT(q->actor), DB_INT(most));
	else
		*ret_status = db_select(db, a, ret, "SELECT COUNT(*) FROM (SELECT 1 FROM audit FORCE INDEX (action) WHERE action = ? LIMIT ?) some",
			DB_TEXT(q->action), DB_INT(most));
	return true;
}

enum status audit_count(struct db *db, struct arena *a, const struct audit_query *query, int64_t most, int64_t *ret)
{
	struct leading l;
	struct db_rows rows;
	enum status st;

	if (count_alone(db, a, query, most, &rows, &st)) {
		if (st == STATUS_OK)
			*ret = db_int(&rows, 0, 0);
		return st;
	}
	st = prepare(db, a, query, 0, most, &l);
	if (st != STATUS_OK)
		return st;
	st = l.index == LEADS_OBJECT ? db_select_n(db, a, &rows, COUNT(BY_OBJECT), l.args, ARGS)
	   : l.index == LEADS_ACTOR  ? db_select_n(db, a, &rows, COUNT(BY_ACTOR), l.args, ARGS)
	   : l.index == LEADS_ACTION ? db_select_n(db, a, &rows, COUNT(BY_ACTION), l.args, ARGS)
				     : db_select_n(db, a, &rows, COUNT(BY_ID), l.args, ARGS);
	if (st == STATUS_OK)
		*ret = db_int(&rows, 0, 0);
	return st;
}

enum status audit_find(struct db *db, struct arena *a, const struct audit_query *query, uint64_t below, unsigned limit,
	struct audit_row **ret, size_t *ret_n)
{
	struct leading l;
	struct db_rows rows;
	enum status st = prepare(db, a, query, below, limit, &l);

	if (st != STATUS_OK)
		return st;
	st = l.index == LEADS_OBJECT ? db_select_n(db, a, &rows, COLUMNS BY_OBJECT AND_REST NEWEST, l.args, ARGS)
	   : l.index == LEADS_ACTOR  ? db_select_n(db, a, &rows, COLUMNS BY_ACTOR AND_REST NEWEST, l.args, ARGS)
	   : l.index == LEADS_ACTION ? db_select_n(db, a, &rows, COLUMNS BY_ACTION AND_REST NEWEST, l.args, ARGS)
				     : db_select_n(db, a, &rows, COLUMNS BY_ID AND_REST NEWEST, l.args, ARGS);
	if (st != STATUS_OK)
		return st;
	struct audit_row *found = arena_array(a, rows.rows, sizeof *found);
	for (size_t i = 0; i < rows.rows; i++)
		found[i] = (struct audit_row){
			.id = (uint64_t)db_int(&rows, i, 0),
			.at = db_int(&rows, i, 1),
			.actor = db_text(&rows, i, 2),
			.context = db_text(&rows, i, 3),
			.action = db_text(&rows, i, 4),
			.object = db_text(&rows, i, 5),
			.detail = db_text(&rows, i, 6),
		};
	*ret = found;
	*ret_n = rows.rows;
	return st;
}

enum status audit_check_list(struct db *db, struct arena *a, unsigned limit, struct audit_check **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT id, asked_by, started_at, ended_at, whole, checked_rows, tail, last_id, last_at, broken_id, why"
		" FROM audit_check ORDER BY id DESC LIMIT ?",
		DB_INT(limit));

	if (st != STATUS_OK)
		return st;
	struct audit_check *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++)
		all[i] = (struct audit_check){
			.id = (uint64_t)db_int(&rows, i, 0),
			.asked_by = db_text(&rows, i, 1),
			.started_at = db_int(&rows, i, 2),
			.ended_at = db_int(&rows, i, 3),
			.whole = db_int(&rows, i, 4),
			.rows = (uint64_t)db_int(&rows, i, 5),
			.tail = (uint64_t)db_int(&rows, i, 6),
			.last_id = (uint64_t)db_int(&rows, i, 7),
			.last_at = db_int(&rows, i, 8),
			.broken_id = (uint64_t)db_int(&rows, i, 9),
			.why = db_text(&rows, i, 10),
		};
	*ret = all;
	*ret_n = rows.rows;
	return st;
}
