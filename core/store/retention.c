/* Deletes and blanks what is old enough, in short steps. */
#include "store/retention.h"

#include "store/audit.h"
#include "store/user_find.h"

enum status retention_jobs(struct db *db, when before, unsigned limit, uint64_t *ret)
{
	/* A card service that was not told of a revocation: without the job nobody ever would, and the revocation would never end. */
	return db_exec(db, ret, "DELETE FROM job WHERE state = 'failed' AND created_at < ? AND kind <> 'core.handover_revoked' ORDER BY id LIMIT ?",
		DB_INT(before), DB_INT(limit));
}

enum status retention_conflicts(struct db *db, when before, unsigned limit, uint64_t *ret)
{
	return db_exec(db, ret, "DELETE FROM conflict WHERE closed_at > 0 AND closed_at < ? ORDER BY closed_at LIMIT ?", DB_INT(before),
		DB_INT(limit));
}

enum status retention_reminders(struct db *db, when before, unsigned limit, uint64_t *ret)
{
	/* A deadline lies at most `days` after its reminder. */
	return db_exec(db, ret, "DELETE FROM reminder WHERE at + days * 86400000 < ? LIMIT ?", DB_INT(before), DB_INT(limit));
}

enum status retention_events(struct db *db, when before, unsigned limit, struct event_place *place, uint64_t *ret, bool *ret_more)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT DISTINCT application_id FROM event WHERE application_id > ? ORDER BY application_id LIMIT ?", DB_INT(place->application),
		DB_INT(limit));

	if (st == STATUS_OK && rows.rows)
		st = db_exec(db, ret, "UPDATE event SET detail = '' WHERE application_id > ? AND application_id <= ? AND recorded_at < ? AND detail <> ''",
			DB_INT(place->application), DB_INT(db_int(&rows, rows.rows - 1, 0)), DB_INT(before));
	else
		*ret = 0;
	if (st == STATUS_OK) {
		*ret_more = rows.rows == limit;
		place->application = rows.rows ? (uint64_t)db_int(&rows, rows.rows - 1, 0) : 0;
	}
	arena_free(a);
	return st;
}

struct blanking {
	struct arena *arena;
	uint64_t id;
	when before;
	bool blanked;
};

/* The row is written first and only if nobody has logged in meanwhile: a log-in writes it too. */
static enum status blank_body(struct db *db, void *context)
{
	struct blanking *b = context;
	struct user user;
	uint64_t changed = 0;
	enum status st = user_get(db, b->arena, b->id, &user);

	b->blanked = false;
	if (st != STATUS_OK)
		return st == STATUS_MISSING ? STATUS_OK : st;
	user.name = user.mail = "";
	st = db_exec(db, &changed, "UPDATE user SET name = '', mail = '', search = ? WHERE id = ? AND seen_at < ?"
		" AND NOT EXISTS (SELECT 1 FROM application WHERE user_id = ? AND live_until > ?)",
		DB_TEXT(user_search_text(b->arena, &user)), DB_INT(b->id), DB_INT(b->before), DB_INT(b->id), DB_INT(clock_now()));
	if (st != STATUS_OK || !changed)
		return st;
	st = db_exec(db, NULL, "UPDATE application SET name = '', mail = '', memo = '' WHERE user_id = ?", DB_INT(b->id));
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "DELETE FROM calendar WHERE user_id = ?", DB_INT(b->id));
	b->blanked = true;
	return st == STATUS_OK ? audit_add(db, "user.blanked", arena_printf(b->arena, "user:%llu", (unsigned long long)b->id), NULL) : st;
}

enum status retention_users(struct db *db, when before, unsigned limit, uint64_t *after, uint64_t *ret, bool *ret_more)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	uint64_t blanked = 0;
	enum status st = db_select(db, a, &rows,
		"SELECT u.id FROM user u FORCE INDEX (PRIMARY) WHERE u.id > ? AND u.seen_at < ? AND (u.name <> '' OR u.mail <> '')"
		" AND NOT EXISTS (SELECT 1 FROM application p WHERE p.user_id = u.id AND (p.live_until > ? OR p.changed_at > ?))"
		" ORDER BY u.id LIMIT ?",
		DB_INT(*after), DB_INT(before), DB_INT(before), DB_INT(before), DB_INT(limit));

	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		struct blanking b = {.arena = a, .id = (uint64_t)db_int(&rows, i, 0), .before = before};
		st = db_transact(db, blank_body, &b);
		blanked += b.blanked;
	}
	if (st == STATUS_OK) {
		*ret = blanked;
		*ret_more = rows.rows == limit;
		*after = rows.rows ? (uint64_t)db_int(&rows, rows.rows - 1, 0) : 0;
	}
	arena_free(a);
	return st;
}
