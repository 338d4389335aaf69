/* The row of maintenance mode: all its SQL. */
#include "admin_maintenance_store.h"

enum status maintenance_get(struct db *db, struct arena *a, struct maintenance *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT version, from_at, until_at, announced, message_ja, message_en, set_by, set_at FROM maintenance WHERE id = 1");

	if (s != STATUS_OK)
		return s;
	*ret = (struct maintenance){.message = {"", ""}, .set_by = ""};
	if (rows.rows == 0)
		return STATUS_OK;
	*ret = (struct maintenance){
		.version = (uint64_t)db_int(&rows, 0, 0),
		.from = db_int(&rows, 0, 1),
		.until = db_int(&rows, 0, 2),
		.announced = db_int(&rows, 0, 3),
		.message = {[LANG_JA] = db_text(&rows, 0, 4), [LANG_EN] = db_text(&rows, 0, 5)},
		.set_by = db_text(&rows, 0, 6),
		.set_at = db_int(&rows, 0, 7),
	};
	return STATUS_OK;
}

struct setting_of {
	const struct maintenance *m;
	const char *action, *detail;
};

/* The first one inserts, and the primary key lets only one do so; later ones name the version that they saw. */
static enum status row_write(struct db *db, const struct maintenance *m)
{
	uint64_t changed = 0;
	enum status s;

	if (m->version == 0)
		return db_exec(db, NULL,
			"INSERT INTO maintenance (id, version, from_at, until_at, announced, message_ja, message_en, set_by, set_at)"
			" VALUES (1, 1, ?, ?, ?, ?, ?, ?, ?)",
			DB_INT(m->from), DB_INT(m->until), DB_INT(m->announced), DB_TEXT(m->message[LANG_JA]),
			DB_TEXT(m->message[LANG_EN]), DB_TEXT(m->set_by), DB_INT(m->set_at));
	s = db_exec(db, &changed,
		"UPDATE maintenance SET version = version + 1, from_at = ?, until_at = ?, announced = ?, message_ja = ?, message_en = ?,"
		" set_by = ?, set_at = ? WHERE id = 1 AND version = ?",
		DB_INT(m->from), DB_INT(m->until), DB_INT(m->announced), DB_TEXT(m->message[LANG_JA]), DB_TEXT(m->message[LANG_EN]),
		DB_TEXT(m->set_by), DB_INT(m->set_at), DB_INT(m->version));
	if (s == STATUS_OK && changed != 1)
		return cause(STATUS_CONFLICT, "maintenance mode is no longer version %llu", (unsigned long long)m->version);
	return s;
}

static enum status set_body(struct db *db, void *context)
{
	const struct setting_of *c = context;
	enum status s = row_write(db, c->m);

	return s == STATUS_OK ? audit_add(db, c->action, "site", c->detail) : s;
}

enum status maintenance_set(struct db *db, const struct maintenance *m, const char *action, const char *detail)
{
	return db_transact(db, set_body, &(struct setting_of){m, action, detail});
}
