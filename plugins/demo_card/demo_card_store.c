/* Rows of the demo's card server: all its SQL. */
#include "demo_card_store.h"

struct insertion {
	struct arena *arena;
	const struct demo_card *card;
};

static enum status insert_body(struct db *db, void *context)
{
	const struct insertion *in = context;
	const struct demo_card *c = in->card;
	struct db_rows rows;
	enum status s = db_exec(db, NULL,
		"INSERT INTO demo_card (card, serial, subject, not_before, not_after, p12_bytes, p12_digest, received_at, times,"
		" revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0) ON DUPLICATE KEY UPDATE times = times + 1",
		DB_TEXT(c->card), DB_TEXT(c->serial), DB_TEXT(c->subject), DB_INT(c->not_before),
		DB_INT(c->not_after), DB_INT(c->p12_bytes), DB_TEXT(c->p12_digest), DB_INT(c->received_at));
	if (s == STATUS_OK)
		s = db_select(db, in->arena, &rows,
			"SELECT id FROM demo_card ORDER BY id DESC LIMIT 1 OFFSET ?",
			DB_INT(DEMO_CARDS_KEPT));
	if (s != STATUS_OK || rows.rows == 0)
		return s;
	return db_exec(db, NULL, "DELETE FROM demo_card WHERE id <= ?", DB_INT(db_int(&rows, 0, 0)));
}

enum status demo_card_insert(struct db *db, struct arena *a, const struct demo_card *card)
{
	return db_transact(db, insert_body, &(struct insertion){a, card});
}

enum status demo_card_revoke(struct db *db, const char *card, when now, uint64_t *ret_changed)
{
	return db_exec(db, ret_changed,
		"UPDATE demo_card SET revoked_at = ? WHERE card = ? AND revoked_at = 0", DB_INT(now),
		DB_TEXT(card));
}

enum status demo_card_list(
	struct db *db, struct arena *a, uint64_t below, unsigned limit, struct demo_card **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT id, card, serial, subject, not_before, not_after, p12_bytes, p12_digest, received_at, times, revoked_at"
		" FROM demo_card WHERE id < ? ORDER BY id DESC LIMIT ?",
		DB_INT(below ? (int64_t)below : INT64_MAX), DB_INT(limit));
	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (struct demo_card){
			.id = (uint64_t)db_int(&rows, i, 0),
			.card = db_text(&rows, i, 1),
			.serial = db_text(&rows, i, 2),
			.subject = db_text(&rows, i, 3),
			.not_before = db_int(&rows, i, 4),
			.not_after = db_int(&rows, i, 5),
			.p12_bytes = db_int(&rows, i, 6),
			.p12_digest = db_text(&rows, i, 7),
			.received_at = db_int(&rows, i, 8),
			.times = db_int(&rows, i, 9),
			.revoked_at = db_int(&rows, i, 10),
		};
	return STATUS_OK;
}
