/* Room for another application: places that are taken, and how many a user has made lately. */
#include "base/crypto.h"
#include "store/application_row.h"

/* A chain of renewals has one live key, so no place is counted in two rows. */
static void place_count(struct application_place *place, const struct db_rows *rows, size_t i, struct bytes key)
{
	struct bytes held = db_bytes(rows, i, 1);
	unsigned number = (unsigned)db_int(rows, i, 3);

	place->live += (unsigned)db_int(rows, i, 2);
	place->newest = number > place->newest ? number : place->newest;
	if (key.len && held.len == key.len && memcmp(held.data, key.data, key.len) == 0)
		place->holder = number;
}

enum status application_places(
	struct db *db, struct arena *a, uint64_t user_id, when now, struct application_place *places, size_t n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT type, live_digest, COUNT(DISTINCT IF(place = 0, id, place)), MAX(number) FROM application FORCE INDEX (user_number)"
		" WHERE user_id = ? AND live_until > ? GROUP BY type, live_digest",
		DB_INT(user_id), DB_INT(now));

	if (st != STATUS_OK)
		return st;
	for (size_t p = 0; p < n; p++) {
		const char *live_key = places[p].live_key;
		struct bytes key = live_key ? crypto_sha256(a, bytes_string(live_key)) : bytes_of(NULL, 0);
		places[p].live = places[p].newest = places[p].holder = 0;
		for (size_t i = 0; i < rows.rows; i++)
			if (text_same(db_text(&rows, i, 0), places[p].type))
				place_count(&places[p], &rows, i, key);
	}
	return STATUS_OK;
}

enum status application_day_full(
	struct db *db, struct arena *a, uint64_t user_id, unsigned day_max, when now, when *ret_until)
{
	struct db_rows rows;
	when until = 0;

	if (day_max) {
		/* The one that has to become a day old before another can be made. What was imported was applied for elsewhere. */
		enum status st = db_select(db, a, &rows,
			"SELECT created_at FROM application FORCE INDEX (user_number) WHERE user_id = ? AND created_at > ? AND import_key IS NULL"
			" ORDER BY created_at DESC LIMIT 1 OFFSET ?",
			DB_INT(user_id), DB_INT(now - DAY), DB_INT(day_max - 1));
		if (st != STATUS_OK)
			return st;
		until = rows.rows ? db_int(&rows, 0, 0) + DAY : 0;
	}
	*ret_until = until;
	return STATUS_OK;
}
