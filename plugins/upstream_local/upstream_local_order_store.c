/* Rows of orders: from the order until its key, PIN and file are wiped. */
#include "upstream_local_store.h"

#define ORDER_COLUMNS                                                                                                      \
	"SELECT application, type, subject, mail, upn, number, months, created_at, ready_at, download_until, key_sealed, " \
	"pin_sealed, pin_failures, pin_wait_until, unlock_digest, unlock_until, taken_at, taken_digest, repeat_until, "    \
	"p12_format, p12_sealed, wiped_at, handover FROM local_order "

static enum status order_row(const struct db_rows *rows, struct local_order *to)
{
	if (!rows->rows)
		return cause(STATUS_MISSING, "no such order");
	*to = (struct local_order){
		.application = (uint64_t)db_int(rows, 0, 0),
		.type = db_text(rows, 0, 1),
		.subject = db_text(rows, 0, 2),
		.mail = db_text(rows, 0, 3),
		.upn = db_text(rows, 0, 4),
		.number = (unsigned)db_int(rows, 0, 5),
		.months = (int)db_int(rows, 0, 6),
		.created_at = db_int(rows, 0, 7),
		.ready_at = db_int(rows, 0, 8),
		.download_until = db_int(rows, 0, 9),
		.key_sealed = db_bytes(rows, 0, 10),
		.pin_sealed = db_bytes(rows, 0, 11),
		.pin_failures = (unsigned)db_int(rows, 0, 12),
		.pin_wait_until = db_int(rows, 0, 13),
		.unlock_digest = db_bytes(rows, 0, 14),
		.unlock_until = db_int(rows, 0, 15),
		.taken_at = db_int(rows, 0, 16),
		.taken_digest = db_bytes(rows, 0, 17),
		.repeat_until = db_int(rows, 0, 18),
		.p12_format = db_text(rows, 0, 19),
		.p12_sealed = db_bytes(rows, 0, 20),
		.wiped_at = db_int(rows, 0, 21),
		.handover = db_int(rows, 0, 22) != 0,
	};
	return STATUS_OK;
}

enum status local_order_insert(struct db *db, const struct local_order *o, bool *ret_new)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"INSERT INTO local_order (application, type, number, subject, mail, upn, months, handover, created_at) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE changed = changed + 1",
		DB_INT(o->application), DB_TEXT(o->type), DB_INT(o->number), DB_TEXT(o->subject),
		DB_TEXT(o->mail), DB_TEXT(o->upn), DB_INT(o->months), DB_INT(o->handover),
		DB_INT(o->created_at));
	if (s == STATUS_OK)
		*ret_new = changed == 1; /* 2: the row was there */
	return s;
}

enum status local_order_get(struct db *db, struct arena *a, uint64_t application, struct local_order *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, ORDER_COLUMNS "WHERE application = ?", DB_INT(application));
	return s == STATUS_OK ? order_row(&rows, ret) : s;
}

enum status local_order_find(
	struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret)
{
	struct db_rows rows;
	enum status s =
		db_select(db, a, &rows, ORDER_COLUMNS "WHERE token_digest = ?", DB_BYTES(token_digest));
	return s == STATUS_OK ? order_row(&rows, ret) : s;
}

enum status local_order_lock(struct db *db, struct arena *a, uint64_t application, struct local_order *ret)
{
	enum status s = db_exec(db, NULL,
		"UPDATE local_order SET changed = changed + 1 WHERE application = ?", DB_INT(application));
	return s == STATUS_OK ? local_order_get(db, a, application, ret) : s;
}

enum status local_order_lock_token(struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE local_order SET changed = changed + 1 WHERE token_digest = ?",
		DB_BYTES(token_digest));
	if (s == STATUS_OK && !changed)
		return cause(STATUS_MISSING, "no such order");
	return s == STATUS_OK ? local_order_find(db, a, token_digest, ret) : s;
}

enum status local_order_ready(struct db *db, uint64_t application, struct bytes key_sealed,
	struct bytes pin_sealed, struct bytes token_digest, when ready_at, when download_until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET key_sealed = ?, pin_sealed = ?, token_digest = ?, ready_at = ?, download_until = ? "
		"WHERE application = ?",
		DB_BYTES(key_sealed), DB_BYTES(pin_sealed), DB_BYTES(token_digest), DB_INT(ready_at),
		DB_INT(download_until), DB_INT(application));
}

enum status local_order_pin_failed(struct db *db, uint64_t application, unsigned failures, when wait_until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET pin_failures = ?, pin_wait_until = ? WHERE application = ?",
		DB_INT(failures), DB_INT(wait_until), DB_INT(application));
}

enum status local_order_unlock(struct db *db, uint64_t application, struct bytes cookie_digest, when until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET unlock_digest = ?, unlock_until = ?, pin_failures = 0, pin_wait_until = 0, "
		"p12_format = '', p12_sealed = NULL WHERE application = ?",
		DB_BYTES(cookie_digest), DB_INT(until), DB_INT(application));
}

enum status local_order_set_p12(struct db *db, uint64_t application, const char *format, struct bytes sealed)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET p12_format = ?, p12_sealed = ? WHERE application = ?",
		DB_TEXT(format), DB_BYTES(sealed), DB_INT(application));
}

enum status local_order_forget_p12(struct db *db, uint64_t application, struct bytes p12_sealed)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET changed = changed + 1, p12_format = '', p12_sealed = NULL "
		"WHERE application = ? AND taken_at = 0 AND p12_sealed = ?",
		DB_INT(application), DB_BYTES(p12_sealed));
}

enum status local_order_taken(struct db *db, uint64_t application, struct bytes cookie_digest, when at,
	when repeat_until, const char *format, struct bytes p12_sealed, bool *ret_first)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE local_order SET changed = changed + 1, taken_at = ?, taken_digest = ?, repeat_until = ?, p12_format = ?, "
		"p12_sealed = ? WHERE application = ? AND taken_at = 0 AND wiped_at = 0",
		DB_INT(at), DB_BYTES(cookie_digest), DB_INT(repeat_until), DB_TEXT(format),
		DB_BYTES(p12_sealed), DB_INT(application));
	if (s == STATUS_OK)
		*ret_first = changed == 1;
	return s;
}

#define WIPE                                                                                                      \
	"UPDATE local_order SET changed = changed + 1, key_sealed = NULL, pin_sealed = NULL, p12_sealed = NULL, " \
	"unlock_digest = NULL, taken_digest = NULL, wiped_at = ? "

enum status local_order_list(
	struct db *db, struct arena *a, uint64_t after, unsigned limit, struct local_order **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT o.application, o.type, o.subject, o.mail, o.months, o.created_at, o.ready_at, o.download_until FROM local_order AS o "
		"LEFT JOIN local_certificate AS c ON c.application = o.application "
		"WHERE o.application > ? AND c.application IS NULL AND o.handover = 0 ORDER BY o.application LIMIT ?",
		DB_INT(after), DB_INT(limit));
	if (s != STATUS_OK)
		return s;
	struct local_order *list = arena_array(a, rows.rows, sizeof *list);
	for (size_t i = 0; i < rows.rows; i++)
		list[i] = (struct local_order){
			.application = (uint64_t)db_int(&rows, i, 0),
			.type = db_text(&rows, i, 1),
			.subject = db_text(&rows, i, 2),
			.mail = db_text(&rows, i, 3),
			.months = (int)db_int(&rows, i, 4),
			.created_at = db_int(&rows, i, 5),
			.ready_at = db_int(&rows, i, 6),
			.download_until = db_int(&rows, i, 7),
		};
	*ret = list;
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status local_order_wipe(struct db *db, uint64_t application, when at)
{
	return db_exec(
		db, NULL, WIPE "WHERE application = ? AND wiped_at = 0", DB_INT(at), DB_INT(application));
}

enum status local_order_wipe_due(struct db *db, when now, unsigned limit, uint64_t *ret_wiped)
{
	return db_exec(db, ret_wiped,
		WIPE "WHERE wiped_at = 0 AND ready_at > 0 AND ((taken_at > 0 AND repeat_until <= ?) OR "
		     "(taken_at = 0 AND download_until <= ?)) ORDER BY application LIMIT ?",
		DB_INT(now), DB_INT(now), DB_INT(now), DB_INT(limit));
}
