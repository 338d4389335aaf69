/* Sessions in the database, and what may be used only once. */
#include "store/session_store.h"

#include "base/crypto.h"
#include "store/user_row.h"

#define SWEEP 1000 /* rows deleted by one statement: short locks */

enum status session_insert(struct db *db, struct bytes digest, uint64_t user_id, const char *idp)
{
	when now = clock_now();

	ASSERT(digest.len == CRYPTO_DIGEST);
	return db_exec(db, NULL,
		"INSERT INTO session (digest, user_id, idp, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
		DB_BYTES(digest), DB_INT(user_id), DB_TEXT(idp ? idp : ""), DB_INT(now), DB_INT(now));
}

enum status session_find(struct db *db, struct arena *a, struct bytes digest, when idle, when absolute,
	bool quiet, struct session_row *ret)
{
	when now = clock_now();
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT session.created_at, session.seen_at, session.idp, session.admin, " USER_COLUMNS
		" FROM session JOIN user ON user.id = session.user_id WHERE session.digest = ?",
		DB_BYTES(digest));

	if (st != STATUS_OK)
		return st;
	if (rows.rows == 0)
		return cause(STATUS_MISSING, "no such session");
	struct session_row row = {.created_at = db_int(&rows, 0, 0),
		.seen_at = db_int(&rows, 0, 1),
		.idp = db_text(&rows, 0, 2),
		.admin = db_bytes(&rows, 0, 3)};
	user_fill(&rows, 0, 4, &row.user);
	if (now >= row.seen_at + idle || now >= row.created_at + absolute)
		return cause(STATUS_MISSING, "session is too old");
	if (!quiet && now - row.seen_at >= idle / 10) {
		/* Guarded by what was read: of many requests at a time one writes. */
		st = db_exec(db, NULL, "UPDATE session SET seen_at = ? WHERE digest = ? AND seen_at = ?",
			DB_INT(now), DB_BYTES(digest), DB_INT(row.seen_at));
		row.seen_at = now;
	}
	if (st == STATUS_OK)
		*ret = row;
	return st;
}

enum status session_set_admin(struct db *db, struct bytes digest, struct bytes proof)
{
	return db_exec(db, NULL, "UPDATE session SET admin = ? WHERE digest = ?", DB_BYTES(proof), DB_BYTES(digest));
}

enum status session_delete(struct db *db, struct bytes digest)
{
	return db_exec(db, NULL, "DELETE FROM session WHERE digest = ?", DB_BYTES(digest));
}

enum status session_set_lang(struct db *db, uint64_t user_id, enum lang lang)
{
	return db_exec(
		db, NULL, "UPDATE user SET lang = ? WHERE id = ?", DB_TEXT(lang_code(lang)), DB_INT(user_id));
}

static enum status sweep(struct db *db, const char *sql, when before)
{
	uint64_t deleted = SWEEP;
	enum status st = STATUS_OK;

	while (st == STATUS_OK && deleted >= SWEEP)
		st = db_exec(db, &deleted, sql, DB_INT(before));
	return st;
}

enum status session_sweep(struct db *db, when idle, when absolute)
{
	when now = clock_now();
	enum status st =
		sweep(db, "DELETE FROM session WHERE seen_at <= ? ORDER BY seen_at LIMIT 1000", now - idle);

	if (st == STATUS_OK)
		st = sweep(db, "DELETE FROM session WHERE created_at <= ? ORDER BY created_at LIMIT 1000",
			now - absolute);
	if (st == STATUS_OK)
		st = sweep(db, "DELETE FROM once WHERE until <= ? ORDER BY until LIMIT 1000", now);
	if (st == STATUS_OK)
		st = sweep(db, "DELETE FROM attempt WHERE until <= ? ORDER BY until LIMIT 1000", now - DAY);
	return st;
}

enum status once_use(struct db *db, const char *purpose, const char *value, when until)
{
	struct arena *a = arena_new();
	enum status st = db_exec(db, NULL, "INSERT INTO once (purpose, digest, until) VALUES (?, ?, ?)",
		DB_TEXT(purpose), DB_BYTES(crypto_sha256(a, bytes_string(value))), DB_INT(until));

	arena_free(a);
	return st == STATUS_CONFLICT ? cause(st, "%s was used before", purpose) : st;
}
