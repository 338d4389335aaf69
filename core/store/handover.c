/* Rows of table handover: sealed when they come, opened for the card service, deleted once it accepted. */
#include "store/handover.h"

#include "base/crypto.h"

static char *row_key(struct arena *a, uint64_t application)
{
	return arena_printf(a, "%llu", (unsigned long long)application);
}

enum status handover_insert(
	struct db *db, struct arena *a, uint64_t application, const struct handover *h, when now)
{
	const char *row = row_key(a, application);

	if (!h->p12.len || !h->pin.len || h->p12.len > HANDOVER_MAX || h->pin.len > HANDOVER_MAX / 2)
		return cause(STATUS_INVALID,
			"hand-over of application %s: .p12 or PIN is missing or too long", row);
	return db_exec(db, NULL,
		"INSERT INTO handover (application_id, p12, pin, serial, fingerprint, not_before, not_after, created_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE application_id = application_id",
		DB_INT(application), DB_BYTES(seal(a, "handover", row, "p12", h->p12)),
		DB_BYTES(seal(a, "handover", row, "pin", h->pin)), DB_TEXT(h->serial),
		DB_TEXT(h->fingerprint), DB_INT(h->not_before), DB_INT(h->not_after), DB_INT(now));
}

enum status handover_get(struct db *db, struct arena *a, uint64_t application, struct handover *ret)
{
	const char *row = row_key(a, application);
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT p12, pin, serial, fingerprint, not_before, not_after FROM handover WHERE application_id = ?",
		DB_INT(application));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "nothing waits to be handed over for application %s", row);
	if (st != STATUS_OK)
		return st;
	struct handover h = {
		.serial = db_text(&rows, 0, 2),
		.fingerprint = db_text(&rows, 0, 3),
		.not_before = db_int(&rows, 0, 4),
		.not_after = db_int(&rows, 0, 5),
	};
	st = seal_open(a, "handover", row, "p12", db_bytes(&rows, 0, 0), &h.p12);
	if (st == STATUS_OK)
		st = seal_open(a, "handover", row, "pin", db_bytes(&rows, 0, 1), &h.pin);
	if (st == STATUS_OK)
		*ret = h;
	return st;
}

enum status handover_waits(struct db *db, struct arena *a, uint64_t application, bool *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT application_id FROM handover WHERE application_id = ?", DB_INT(application));

	if (st == STATUS_OK)
		*ret = rows.rows > 0;
	return st;
}

enum status handover_wipe(struct db *db, uint64_t application)
{
	return db_exec(db, NULL, "DELETE FROM handover WHERE application_id = ?", DB_INT(application));
}

enum status handover_sweep(struct db *db, when now)
{
	return db_exec(db, NULL, "DELETE FROM handover WHERE created_at <= ?", DB_INT(now - HANDOVER_KEPT));
}
