/* Rows of the demo's mailbox: all its SQL. */
#include "demo_mailbox_store.h"

struct insertion {
	struct arena *arena;
	const char *const *recipients;
	const char *subject;
	struct bytes raw;
};

static enum status insert_body(struct db *db, void *context)
{
	const struct insertion *in = context;
	struct db_rows rows;
	for (const char *const *to = in->recipients; *to; to++) {
		enum status s = db_exec(db, NULL, "INSERT INTO demo_mail (received_at, recipient, subject, raw) VALUES (?, ?, ?, ?)",
			DB_INT(clock_now()), DB_TEXT(*to), DB_TEXT(in->subject), DB_BYTES(in->raw));
		if (s != STATUS_OK)
			return s;
	}
	enum status s = db_select(db, in->arena, &rows, "SELECT id FROM demo_mail ORDER BY id DESC LIMIT 1 OFFSET ?",
		DB_INT(DEMO_MAIL_KEPT));
	if (s != STATUS_OK || rows.rows == 0)
		return s;
	return db_exec(db, NULL, "DELETE FROM demo_mail WHERE id <= ?", DB_INT(db_int(&rows, 0, 0)));
}

enum status demo_mail_insert(struct db *db, struct arena *a, const char *const *recipients, const char *subject,
	struct bytes raw)
{
	return db_transact(db, insert_body, &(struct insertion){a, recipients, subject, raw});
}

static struct demo_mail mail_of(const struct db_rows *rows, size_t row)
{
	return (struct demo_mail){
		.id = (uint64_t)db_int(rows, row, 0),
		.received_at = db_int(rows, row, 1),
		.recipient = db_text(rows, row, 2),
		.subject = db_text(rows, row, 3),
	};
}

enum status demo_mail_list(struct db *db, struct arena *a, uint64_t below, unsigned limit, struct demo_mail **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT id, received_at, recipient, subject FROM demo_mail WHERE id < ? ORDER BY id DESC LIMIT ?",
		DB_INT(below ? (int64_t)below : INT64_MAX), DB_INT(limit));
	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = mail_of(&rows, i);
	return STATUS_OK;
}

enum status demo_mail_get(struct db *db, struct arena *a, uint64_t id, struct demo_mail *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT id, received_at, recipient, subject, raw FROM demo_mail WHERE id = ?",
		DB_INT(id));
	if (s != STATUS_OK)
		return s;
	if (rows.rows == 0)
		return cause(STATUS_MISSING, "no demo mail %llu", (unsigned long long)id);
	*ret = mail_of(&rows, 0);
	ret->raw = db_bytes(&rows, 0, 4);
	return STATUS_OK;
}
