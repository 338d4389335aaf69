/* The table of counts and what it is made of: all SQL of the statistics. */
#include "admin_statistics_store.h"

static const char *const kind_names[] = {
#define X(name) [COUNT_##name] = #name,
	COUNT_KINDS(X)
#undef X
};

/* States of an application whose certificate exists and is not known to be revoked. */
#define EXISTS "state IN ('TAKEN', 'DELIVERED', 'REVOKE_ACCEPTED', 'REVOKE_SENT', 'REVOKE_ERROR')"

/* Clocks skip an hour or two at a time; where they skip midnight, the day begins before this hour. */
#define SKIPPED_HOURS_MAX 4

unsigned month_of(struct arena *a, when t)
{
	const char *field = clock_field(a, t);
	int64_t year = 1970, month = 1;

	ASSERT(text_int(arena_stringn(a, field, 4), 0, 9999, &year) && text_int(arena_stringn(a, field + 5, 2), 1, 12, &month));
	return (unsigned)(year * 12 + month - 1);
}

when month_start(struct arena *a, unsigned month)
{
	when t = 0;
	bool found = false;

	/* Where clocks skip midnight that day the month begins later. */
	for (unsigned hour = 0; !found && hour < SKIPPED_HOURS_MAX; hour++)
		found = clock_parse_field(arena_printf(a, "%04u-%02u-01T%02u:00", month / 12, month % 12 + 1, hour), &t);
	ASSERT(found);
	return t;
}

static enum status write_kind(struct db *db, unsigned month, const char *kind, const struct db_rows *rows)
{
	enum status st = STATUS_OK;

	for (size_t i = 0; st == STATUS_OK && i < rows->rows; i++)
		st = db_exec(db, NULL, "INSERT INTO statistics (month, kind, type, n) VALUES (?, ?, ?, ?)", DB_INT(month), DB_TEXT(kind),
			DB_TEXT(db_text(rows, i, 0)), DB_INT(db_int(rows, i, 1)));
	return st;
}

static enum status count_kind(struct db *db, struct arena *a, enum count_kind kind, when from, when until, when now, struct db_rows *ret)
{
	const struct db_arg args[] = {DB_INT(from), DB_INT(until), DB_INT(now)};

	switch (kind) {
	case COUNT_APPLIED: /* what was imported was applied for elsewhere */
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (created_at)"
			" WHERE created_at >= ? AND created_at < ? AND import_key IS NULL GROUP BY type",
			args, 2);
	case COUNT_ISSUED:
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_taken)"
			" WHERE taken_at >= ? AND taken_at < ? AND renews = 0 GROUP BY type",
			args, 2);
	case COUNT_RENEWED:
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_taken)"
			" WHERE taken_at >= ? AND taken_at < ? AND renews <> 0 GROUP BY type",
			args, 2);
	case COUNT_REVOKED:
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_revoked)"
			" WHERE revoked_at >= ? AND revoked_at < ? GROUP BY type",
			args, 2);
	case COUNT_EXPIRED:
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_ended)"
			" WHERE live_until >= ? AND live_until < ? AND live_until <= ? AND " EXISTS " GROUP BY type",
			args, 3);
	case COUNT_MISSED:
		return db_select_n(db, a, ret,
			"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_ended)"
			" WHERE live_until >= ? AND live_until < ? AND live_until <= ? AND state = 'PIN' GROUP BY type",
			args, 3);
	case COUNT_KIND_COUNT:
		break;
	}
	return cause(STATUS_INTERNAL, "no kind of count");
}

struct counting {
	struct arena *arena;
	unsigned month;
	when now;
	struct db_rows rows[COUNT_KIND_COUNT];
};

static enum status month_body(struct db *db, void *context)
{
	const struct counting *c = context;
	enum status st = db_exec(db, NULL, "DELETE FROM statistics WHERE month = ?", DB_INT(c->month));

	for (unsigned kind = 0; st == STATUS_OK && kind < COUNT_KIND_COUNT; kind++)
		st = write_kind(db, c->month, kind_names[kind], &c->rows[kind]);
	return st;
}

enum status count_month(struct db *db, unsigned month, when now)
{
	struct arena *a = arena_new();
	struct counting c = {.arena = a, .month = month, .now = now};
	when from = month_start(a, month), until = month_start(a, month + 1);
	enum status st = STATUS_OK;

	/* Counted outside the transaction: what is locked is the small table alone. */
	for (unsigned kind = 0; st == STATUS_OK && kind < COUNT_KIND_COUNT; kind++)
		st = count_kind(db, a, (enum count_kind)kind, from, until, now, &c.rows[kind]);
	if (st == STATUS_OK)
		st = db_transact(db, month_body, &c);
	arena_free(a);
	return st;
}

struct present {
	struct db_rows valid, users;
};

static enum status now_body(struct db *db, void *context)
{
	const struct present *p = context;
	enum status st = db_exec(db, NULL, "DELETE FROM statistics WHERE month = 0 AND kind IN ('VALID', 'USERS')");

	if (st == STATUS_OK)
		st = write_kind(db, 0, "VALID", &p->valid);
	return st == STATUS_OK ? write_kind(db, 0, "USERS", &p->users) : st;
}

enum status count_now(struct db *db, when now)
{
	struct arena *a = arena_new();
	struct present p;
	enum status st = db_select(db, a, &p.valid,
		"SELECT type, COUNT(*) FROM application FORCE INDEX (statistics_ended) WHERE live_until > ? AND " EXISTS " GROUP BY type",
		DB_INT(now));

	if (st == STATUS_OK)
		st = db_select(db, a, &p.users, "SELECT '', COUNT(*) FROM user");
	if (st == STATUS_OK)
		st = db_transact(db, now_body, &p);
	arena_free(a);
	return st;
}

enum status count_first_month(struct db *db, struct arena *a, when now, unsigned *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT (SELECT MIN(created_at) FROM application), (SELECT MIN(taken_at) FROM application WHERE taken_at > 0),"
		" (SELECT MIN(revoked_at) FROM application WHERE revoked_at > 0)");
	when first = now;

	if (st != STATUS_OK)
		return st;
	for (size_t i = 0; i < rows.cols; i++)
		if (!db_at(&rows, 0, i)->null && db_int(&rows, 0, i) < first)
			first = db_int(&rows, 0, i);
	*ret = month_of(a, first);
	return STATUS_OK;
}

enum status count_notes_get(struct db *db, struct arena *a, struct count_notes *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT type, n FROM statistics WHERE month = 0 AND kind = 'NOTE'");

	if (st != STATUS_OK)
		return st;
	*ret = (struct count_notes){0};
	for (size_t i = 0; i < rows.rows; i++) {
		const char *name = db_text(&rows, i, 0);
		if (text_same(name, "counted"))
			ret->counted_at = db_int(&rows, i, 1);
		else if (text_same(name, "rebuilt"))
			ret->rebuilt_at = db_int(&rows, i, 1);
		else if (text_same(name, "todo"))
			ret->todo = (unsigned)db_int(&rows, i, 1);
	}
	return STATUS_OK;
}

enum status count_notes_set(struct db *db, const struct count_notes *notes)
{
	return db_exec(db, NULL,
		"INSERT INTO statistics (month, kind, type, n) VALUES (0, 'NOTE', 'counted', ?), (0, 'NOTE', 'rebuilt', ?),"
		" (0, 'NOTE', 'todo', ?) ON DUPLICATE KEY UPDATE n = VALUES(n)",
		DB_INT(notes->counted_at), DB_INT(notes->rebuilt_at), DB_INT(notes->todo));
}

enum status counts_get(struct db *db, struct arena *a, unsigned from, unsigned until, struct count **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT month, kind, type, n FROM statistics WHERE month >= ? AND month < ? AND month > 0",
		DB_INT(from), DB_INT(until));

	if (st != STATUS_OK)
		return st;
	struct count *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++) {
		unsigned kind = 0;
		while (kind < COUNT_KIND_COUNT && !text_same(kind_names[kind], db_text(&rows, i, 1)))
			kind++;
		if (kind == COUNT_KIND_COUNT)
			return cause(STATUS_INTERNAL, "statistics has the kind %s", db_text(&rows, i, 1));
		all[i] = (struct count){.month = (unsigned)db_int(&rows, i, 0), .kind = (enum count_kind)kind, .type = db_text(&rows, i, 2),
			.n = db_int(&rows, i, 3)};
	}
	*ret = all;
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status counts_now(struct db *db, struct arena *a, struct count_present **ret, size_t *ret_n, int64_t *ret_users)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT kind = 'VALID', type, n FROM statistics WHERE month = 0 AND kind IN ('VALID', 'USERS') ORDER BY type");

	if (st != STATUS_OK)
		return st;
	struct count_present *all = arena_array(a, rows.rows, sizeof *all);
	size_t n = 0;
	*ret_users = 0;
	for (size_t i = 0; i < rows.rows; i++) {
		if (db_int(&rows, i, 0))
			all[n++] = (struct count_present){db_text(&rows, i, 1), db_int(&rows, i, 2)};
		else
			*ret_users = db_int(&rows, i, 2);
	}
	*ret = all;
	*ret_n = n;
	return STATUS_OK;
}

enum status export_read(struct db *db, struct arena *a, uint64_t after, unsigned limit, const char *type, struct exported **ret,
	size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT p.id, COALESCE(p.number, 0), p.state, p.type, p.upstream, p.profile, p.subject, p.name, p.mail, p.memo, p.months,"
		" p.renews, p.created_at, p.download_until, p.taken_at, p.serial, p.not_before, p.not_after, p.revoke_asked_at,"
		" p.revoked_at, p.reason, p.issue_mail_at, p.handover, COALESCE(u.eppn, '')"
		" FROM application p LEFT JOIN user u ON u.id = p.user_id"
		" WHERE p.id > ? AND (? = '' OR p.type = ?) ORDER BY p.id LIMIT ?",
		DB_INT(after), DB_TEXT(type), DB_TEXT(type), DB_INT(limit));

	if (st != STATUS_OK)
		return st;
	struct exported *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++) {
		struct application *app = &all[i].app;
		*app = (struct application){
			.id = (uint64_t)db_int(&rows, i, 0),
			.number = (unsigned)db_int(&rows, i, 1),
			.type = db_text(&rows, i, 3),
			.upstream = db_text(&rows, i, 4),
			.profile = db_text(&rows, i, 5),
			.subject = db_text(&rows, i, 6),
			.name = db_text(&rows, i, 7),
			.mail = db_text(&rows, i, 8),
			.memo = db_text(&rows, i, 9),
			.months = (int)db_int(&rows, i, 10),
			.renews = (uint64_t)db_int(&rows, i, 11),
			.created_at = db_int(&rows, i, 12),
			.download_until = db_int(&rows, i, 13),
			.taken_at = db_int(&rows, i, 14),
			.serial = db_text(&rows, i, 15),
			.not_before = db_int(&rows, i, 16),
			.not_after = db_int(&rows, i, 17),
			.revoke_asked_at = db_int(&rows, i, 18),
			.revoked_at = db_int(&rows, i, 19),
			.reason = (int)db_int(&rows, i, 20),
			.issue_mail_at = db_int(&rows, i, 21),
			.handover = db_int(&rows, i, 22),
		};
		while (app->state < APPLICATION_STATE_COUNT && !text_same(application_state_name(app->state), db_text(&rows, i, 2)))
			if (++app->state == APPLICATION_STATE_COUNT)
				return cause(STATUS_INTERNAL, "application %llu is in state %s", (unsigned long long)app->id, db_text(&rows, i, 2));
		all[i].eppn = db_text(&rows, i, 23);
	}
	*ret = all;
	*ret_n = rows.rows;
	return STATUS_OK;
}
