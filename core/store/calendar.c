/* Addresses of calendars in the database: made, renewed, ended, and found by their digest. */
#include "store/calendar.h"

#include "base/crypto.h"
#include "store/audit.h"
#include "store/user_row.h"

struct changing {
	struct arena *arena;
	uint64_t user_id;
	const char *token; /* NULL: removed */
};

static struct bytes digest_of(struct arena *a, const char *token)
{
	return crypto_sha256(a, bytes_string(token));
}

static enum status change_body(struct db *db, void *context)
{
	struct changing *c = context;
	uint64_t changed = 0;
	enum status st;

	if (c->token)
		st = db_exec(db, &changed,
			"INSERT INTO calendar (user_id, digest, created_at) VALUES (?, ?, ?)"
			" ON DUPLICATE KEY UPDATE digest = VALUES(digest), created_at = VALUES(created_at)",
			DB_INT(c->user_id), DB_BYTES(digest_of(c->arena, c->token)), DB_INT(clock_now()));
	else
		st = db_exec(db, &changed, "DELETE FROM calendar WHERE user_id = ?", DB_INT(c->user_id));
	if (st != STATUS_OK || !changed)
		return st;
	return audit_add(db, c->token ? "calendar.renewed" : "calendar.removed",
		arena_printf(c->arena, "user:%llu", (unsigned long long)c->user_id), NULL);
}

enum status calendar_renew(struct db *db, struct arena *a, uint64_t user_id, const char **ret_token)
{
	struct changing c = {.arena = a, .user_id = user_id, .token = crypto_token(a, 32)};
	enum status st = db_transact(db, change_body, &c);

	if (st == STATUS_OK)
		*ret_token = c.token;
	return st;
}

enum status calendar_remove(struct db *db, struct arena *a, uint64_t user_id)
{
	struct changing c = {.arena = a, .user_id = user_id};

	return db_transact(db, change_body, &c);
}

enum status calendar_made(struct db *db, struct arena *a, uint64_t user_id, when *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT created_at FROM calendar WHERE user_id = ?", DB_INT(user_id));

	if (st == STATUS_OK)
		*ret = rows.rows ? db_int(&rows, 0, 0) : 0;
	return st;
}

enum status calendar_owner(struct db *db, struct arena *a, const char *token, struct user *ret)
{
	struct db_rows rows;

	if (strlen(token) != CALENDAR_TOKEN_CHARS)
		return cause(STATUS_MISSING, "calendar: not an address of ours");
	enum status st = db_select(db, a, &rows,
		"SELECT " USER_COLUMNS " FROM calendar JOIN user ON user.id = calendar.user_id WHERE calendar.digest = ?",
		DB_BYTES(digest_of(a, token)));
	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "calendar: nobody's address, or no longer");
	if (st == STATUS_OK)
		user_fill(&rows, 0, 0, ret);
	return st;
}
