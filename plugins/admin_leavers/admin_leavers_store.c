/* The tables of runs for leavers: making, deciding and undoing them. */
#include "leavers_sql.h"

static const char *const state_names[] = {
#define X(name, text) [RUN_##name] = text,
	RUN_STATES(X)
#undef X
};

#define RUN_COLUMNS "id, state, made_by, made_at, how, duplicates, reason, run_at, started_at, ended_at, ended_by, unclaimed"

static enum status run_fill(const struct db_rows *rows, size_t i, struct run *ret)
{
	unsigned state = 0;

	while (state < RUN_STATE_COUNT && !text_same(state_names[state], db_text(rows, i, 1)))
		state++;
	if (state == RUN_STATE_COUNT)
		return cause(STATUS_INTERNAL, "leavers: a run is in state %s", db_text(rows, i, 1));
	*ret = (struct run){
		.id = (uint64_t)db_int(rows, i, 0),
		.state = (enum run_state)state,
		.made_by = db_text(rows, i, 2),
		.made_at = db_int(rows, i, 3),
		.how = db_text(rows, i, 4),
		.duplicates = (unsigned)db_int(rows, i, 5),
		.reason = (int)db_int(rows, i, 6),
		.run_at = db_int(rows, i, 7),
		.started_at = db_int(rows, i, 8),
		.ended_at = db_int(rows, i, 9),
		.ended_by = db_text(rows, i, 10),
		.unclaimed = db_int(rows, i, 11) != 0,
	};
	return STATUS_OK;
}

static const char *object_of(struct arena *a, uint64_t run)
{
	return arena_printf(a, "leavers:%llu", (unsigned long long)run);
}

struct drafting {
	struct arena *arena;
	const char *by, *how;
	const char *const *eppns; /* NULL: the search */
	size_t n, most;
	unsigned duplicates;
	when now, before;
	const char *like;
	uint64_t id;
};

static enum status draft_insert(struct db *db, struct drafting *d)
{
	enum status s = db_exec(db, NULL, "INSERT INTO leavers_run (state, made_by, made_at, how, duplicates) VALUES ('draft', ?, ?, ?, ?)",
		DB_TEXT(d->by), DB_INT(d->now), DB_TEXT(d->how), DB_INT(d->duplicates));

	if (s == STATUS_OK)
		d->id = db_insert_id(db);
	return s;
}

/* Of a list: the user, or an unknown one. */
static enum status draft_add(struct db *db, struct drafting *d, size_t line)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT id FROM user WHERE eppn = ?", DB_TEXT(d->eppns[line]));

	if (s == STATUS_OK && rows.rows)
		s = db_exec(db, NULL, "INSERT INTO leavers_person (run_id, user_id) VALUES (?, ?)", DB_INT(d->id), DB_INT(db_int(&rows, 0, 0)));
	else if (s == STATUS_OK)
		s = db_exec(db, NULL, "INSERT INTO leavers_unknown (run_id, line, eppn) VALUES (?, ?, ?)", DB_INT(d->id), DB_INT(line + 1),
			DB_TEXT(d->eppns[line]));
	arena_free(a);
	return s;
}

static enum status draft_search(struct db *db, struct drafting *d)
{
	uint64_t found = 0;
	enum status s = db_exec(db, &found,
		"INSERT INTO leavers_person (run_id, user_id)"
		" SELECT ?, u.id FROM user u WHERE (? = 0 OR u.seen_at < ?) AND u.eppn LIKE ? ESCAPE '!'"
		" AND EXISTS (SELECT 1 FROM application p WHERE p.user_id = u.id AND p.live_until > ?) LIMIT ?",
		DB_INT(d->id), DB_INT(d->before), DB_INT(d->before), DB_TEXT(d->like), DB_INT(d->now), DB_INT(d->most + 1));

	if (s == STATUS_OK && found > d->most)
		return cause(STATUS_INVALID, "leavers: more than %zu people were found", d->most);
	return s;
}

static enum status draft_body(struct db *db, void *context)
{
	struct drafting *d = context;
	enum status s = draft_insert(db, d);

	if (s == STATUS_OK && !d->eppns)
		s = draft_search(db, d);
	for (size_t i = 0; s == STATUS_OK && d->eppns && i < d->n; i++)
		s = draft_add(db, d, i);
	return s == STATUS_OK ? audit_add(db, "admin.leavers.searched", object_of(d->arena, d->id), d->how) : s;
}

enum status run_draft_list(struct db *db, struct arena *a, const char *by, const char *const *eppns, size_t n, unsigned duplicates,
	when now, uint64_t *ret)
{
	struct drafting d = {.arena = a, .by = by, .how = arena_printf(a, "list of %zu", n), .eppns = eppns, .n = n,
		.duplicates = duplicates, .now = now};
	enum status s = db_transact(db, draft_body, &d);

	if (s == STATUS_OK)
		*ret = d.id;
	return s;
}

/* * is any text; what LIKE would take for more is escaped. */
static char *like_of(struct arena *a, const char *pattern)
{
	struct text t = text_new(a, 2 * strlen(pattern) + 2);

	for (; *pattern; pattern++) {
		if (strchr("%_!", *pattern))
			text_add(&t, "!");
		text_add_bytes(&t, *pattern == '*' ? "%" : pattern, 1);
	}
	return t.len ? t.data : arena_string(a, "%");
}

enum status run_draft_search(struct db *db, struct arena *a, const char *by, when before, const char *pattern, size_t most, when now,
	uint64_t *ret)
{
	struct drafting d = {
		.arena = a,
		.by = by,
		.how = arena_printf(a, "search%s%s%s%.250s", before ? " not seen since " : "", before ? clock_rfc3339(a, before) : "",
			*pattern ? " ePPN " : "", pattern),
		.most = most,
		.now = now,
		.before = before,
		.like = like_of(a, pattern),
	};
	enum status s = db_transact(db, draft_body, &d);

	if (s == STATUS_OK)
		*ret = d.id;
	return s;
}

enum status run_get(struct db *db, struct arena *a, uint64_t id, struct run *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT " RUN_COLUMNS " FROM leavers_run WHERE id = ?", DB_INT(id));

	if (s == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no run %llu for leavers", (unsigned long long)id);
	return s == STATUS_OK ? run_fill(&rows, 0, ret) : s;
}

enum status person_planned(struct db *db, struct arena *a, uint64_t user, uint64_t application, struct run *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT " RUN_COLUMNS " FROM leavers_run AS r WHERE r.state IN ('waiting', 'running') AND (EXISTS (SELECT 1 FROM leavers_person AS l"
		" WHERE l.run_id = r.id AND l.user_id = ? AND l.cancelled_at = 0 AND l.done_at = 0) OR EXISTS (SELECT 1 FROM leavers_item AS i"
		" WHERE i.run_id = r.id AND i.application_id = ? AND " OPEN ")) ORDER BY r.run_at, r.id LIMIT 1",
		DB_INT(user), DB_INT(application));

	if (s == STATUS_OK && rows.rows == 0)
		return STATUS_MISSING; /* no fault: most people stay */
	return s == STATUS_OK ? run_fill(&rows, 0, ret) : s;
}

enum status run_list(struct db *db, struct arena *a, uint64_t below, unsigned limit, struct run **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT " RUN_COLUMNS " FROM leavers_run WHERE id < ? ORDER BY id DESC LIMIT ?",
		DB_INT(below ? below : INT64_MAX), DB_INT(limit));

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++)
		s = run_fill(&rows, i, &(*ret)[i]);
	*ret_n = rows.rows;
	return s;
}

/* --- Deciding and undoing ----------------------------------------------------------------------------------------------------------- */

struct deciding {
	uint64_t id, user;
	enum run_state was;
	const char *by;
	int reason;
	when run_at, now;
	const struct unclaimed_mark *unclaimed;
	bool back;
};

static enum status late(uint64_t changed, const struct deciding *d)
{
	if (changed)
		return STATUS_OK;
	return cause(STATUS_CONFLICT, "leavers: run %llu is no longer what it was", (unsigned long long)d->id);
}

static enum status audit_decision(struct db *db, const struct deciding *d, const char *action, const char *detail)
{
	struct arena *a = arena_new();
	enum status s = audit_add(db, action, object_of(a, d->id), detail);

	arena_free(a);
	return s;
}

static enum status start_body(struct db *db, void *context)
{
	const struct deciding *d = context;
	struct unclaimed_mark mark = {0};
	uint64_t changed = 0;
	char detail[150];
	struct arena *a = arena_new();
	enum status s = db_exec(db, &changed,
		"UPDATE leavers_run SET state = 'waiting', made_by = ?, reason = ?, unclaimed = ?, run_at = ?, made_at = ? WHERE id = ? AND state = 'draft'",
		DB_TEXT(d->by), DB_INT(d->reason), DB_INT(d->unclaimed != NULL), DB_INT(d->run_at), DB_INT(d->now), DB_INT(d->id));

	if (s == STATUS_OK)
		s = late(changed, d);
	if (s == STATUS_OK && d->unclaimed)
		s = items_plan(db, a, d->id, d->now, &mark);
	if (s == STATUS_OK && d->unclaimed && (mark.all != d->unclaimed->all || mark.last != d->unclaimed->last))
		s = cause(STATUS_CONFLICT, "leavers: not the certificates without an owner that were shown");
	snprintf(detail, sizeof detail, "reason %d at %s", d->reason, clock_rfc3339(a, d->run_at));
	if (mark.all)
		snprintf(detail + strlen(detail), sizeof detail - strlen(detail), " unclaimed %llu", (unsigned long long)mark.all);
	arena_free(a);
	return s == STATUS_OK ? audit_decision(db, d, "admin.leavers.started", detail) : s;
}

enum status run_start(struct db *db, uint64_t id, const char *by, int reason, const struct unclaimed_mark *unclaimed, when run_at,
	when now)
{
	struct deciding d = {.id = id, .by = by, .reason = reason, .unclaimed = unclaimed, .run_at = run_at, .now = now};

	return db_transact(db, start_body, &d);
}

static enum status cancel_body(struct db *db, void *context)
{
	const struct deciding *d = context;
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE leavers_run SET state = 'cancelled', ended_at = ?, ended_by = ?, recall = ? WHERE id = ? AND state = ?"
		" AND state IN ('draft', 'waiting')",
		DB_INT(d->now), DB_TEXT(d->by), DB_INT(d->was == RUN_WAITING), DB_INT(d->id), DB_TEXT(state_names[d->was]));

	if (s == STATUS_OK)
		s = late(changed, d);
	return s == STATUS_OK ? audit_decision(db, d, "admin.leavers.cancelled", NULL) : s;
}

enum status run_cancel(struct db *db, uint64_t id, enum run_state was, const char *by, when now)
{
	struct deciding d = {.id = id, .was = was, .by = by, .now = now};

	return db_transact(db, cancel_body, &d);
}

/* The run's row is written first: the job that begins it does so too, and one of the two is too late. It is changed, not only locked: locks
 * do not reach across the nodes of a cluster. */
static enum status person_body(struct db *db, void *context)
{
	const struct deciding *d = context;
	uint64_t changed = 0;
	char detail[40];
	enum status s = db_exec(db, &changed, "UPDATE leavers_run SET turn = turn + 1 WHERE id = ? AND state IN ('draft', 'waiting')", DB_INT(d->id));

	if (s == STATUS_OK)
		s = late(changed, d);
	if (s == STATUS_OK)
		s = db_exec(db, &changed, "UPDATE leavers_person SET cancelled_at = ? WHERE run_id = ? AND user_id = ? AND (cancelled_at > 0) = ?",
			DB_INT(d->back ? 0 : d->now), DB_INT(d->id), DB_INT(d->user), DB_INT(d->back));
	if (s == STATUS_OK)
		s = late(changed, d);
	snprintf(detail, sizeof detail, "user:%llu", (unsigned long long)d->user);
	return s == STATUS_OK
		? audit_decision(db, d, d->back ? "admin.leavers.person_restored" : "admin.leavers.person_cancelled", detail)
		: s;
}

enum status run_cancel_person(struct db *db, uint64_t id, uint64_t user, when now)
{
	struct deciding d = {.id = id, .user = user, .now = now};

	return db_transact(db, person_body, &d);
}

enum status run_restore_person(struct db *db, uint64_t id, uint64_t user)
{
	struct deciding d = {.id = id, .user = user, .back = true};

	return db_transact(db, person_body, &d);
}

/* --- Forgetting --------------------------------------------------------------------------------------------------------------------- */

/* The run goes first: one that was decided on meanwhile stays whole. */
static enum status forget_body(struct db *db, void *context)
{
	const uint64_t *id = context;
	uint64_t gone = 0;
	enum status s = db_exec(db, &gone, "DELETE FROM leavers_run WHERE id = ? AND run_at = 0 AND state IN ('draft', 'cancelled')", DB_INT(*id));

	if (s == STATUS_OK && gone)
		s = db_exec(db, NULL, "DELETE FROM leavers_person WHERE run_id = ?", DB_INT(*id));
	if (s == STATUS_OK && gone)
		s = db_exec(db, NULL, "DELETE FROM leavers_unknown WHERE run_id = ?", DB_INT(*id));
	return s;
}

enum status run_sweep(struct db *db, when before)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT id FROM leavers_run WHERE made_at < ? AND run_at = 0 AND state IN ('draft', 'cancelled') LIMIT 100", DB_INT(before));

	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++) {
		uint64_t id = (uint64_t)db_int(&rows, i, 0);
		s = db_transact(db, forget_body, &id);
	}
	arena_free(a);
	return s;
}

/* The run itself goes last: whoever is killed in the midst of it is followed by somebody who finds it again. */
enum status run_forget(struct db *db, when before, unsigned limit, bool *ret, bool *ret_more)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	uint64_t id = 0, people = 0, unknown = 0, items = 0, gone = 0;
	enum status s = db_select(db, a, &rows,
		"SELECT id FROM leavers_run WHERE state IN ('done', 'cancelled') AND run_at > 0 AND ended_at < ? ORDER BY id LIMIT 1", DB_INT(before));

	bool any = s == STATUS_OK && rows.rows;
	if (any)
		id = (uint64_t)db_int(&rows, 0, 0);
	if (any)
		s = db_exec(db, &people, "DELETE FROM leavers_person WHERE run_id = ? LIMIT ?", DB_INT(id), DB_INT(limit));
	if (any && s == STATUS_OK)
		s = db_exec(db, &unknown, "DELETE FROM leavers_unknown WHERE run_id = ? LIMIT ?", DB_INT(id), DB_INT(limit));
	if (any && s == STATUS_OK)
		s = db_exec(db, &items, "DELETE FROM leavers_item WHERE run_id = ? LIMIT ?", DB_INT(id), DB_INT(limit));
	if (any && s == STATUS_OK && people < limit && unknown < limit && items < limit)
		s = db_exec(db, &gone, "DELETE FROM leavers_run WHERE id = ?", DB_INT(id));
	arena_free(a);
	*ret = gone > 0;
	*ret_more = any;
	return s;
}
