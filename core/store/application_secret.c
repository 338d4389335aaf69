/* PIN and download address of an application: opened for their owner, wiped when their time is over. */
#include "base/crypto.h"
#include "store/application_row.h"

static enum status open_text(
	struct arena *a, uint64_t id, const char *purpose, struct bytes sealed, when until, const char **ret)
{
	struct bytes plain;

	if (!sealed.data || until <= clock_now())
		return cause(STATUS_MISSING, "application %llu has no %s", (unsigned long long)id, purpose);
	enum status st = seal_open(
		a, "application", arena_printf(a, "%llu", (unsigned long long)id), purpose, sealed, &plain);
	if (st == STATUS_OK)
		*ret = arena_stringn(a, (const char *)plain.data, plain.len);
	return st;
}

enum status application_pin(struct db *db, struct arena *a, const struct application *app, const char **ret)
{
	struct application_row row;
	enum status st = application_row_get(db, a, app->id, false, &row);

	return st == STATUS_OK ? open_text(a, app->id, "pin", row.pin, application_pin_until(&row.app), ret)
			       : st;
}

enum status application_url(struct db *db, struct arena *a, const struct application *app, const char **ret)
{
	struct application_row row;
	enum status st = application_row_get(db, a, app->id, false, &row);

	return st == STATUS_OK ? open_text(a, app->id, "url", row.url, application_url_until(&row.app), ret)
			       : st;
}

static enum status wipe_one(
	struct db *db, const struct application_row *row, when wipe_at, when now, unsigned *wiped)
{
	const struct application *app = &row->app;
	bool pin = row->pin.data && application_pin_until(app) > now,
	     url = row->url.data && application_url_until(app) > now;
	uint64_t changed = 0;

	/* Guarded by all that the times were computed from: an event in between decides anew. */
	enum status st = db_exec(db, &changed,
		"UPDATE application SET pin = IF(?, pin, NULL), url = IF(?, url, NULL), wipe_at = ?"
		" WHERE id = ? AND wipe_at = ? AND state = ? AND changed_at = ?",
		DB_INT(pin), DB_INT(url), DB_INT(application_wipe_at(app, pin, url)), DB_INT(app->id),
		DB_INT(wipe_at), DB_TEXT(application_state_name(app->state)), DB_INT(app->changed_at));
	if (st == STATUS_OK)
		*wiped += (unsigned)changed;
	return st;
}

enum status application_wipe(struct db *db, when now, unsigned limit, unsigned *ret_wiped)
{
	struct arena *a = arena_new();
	struct db_rows rows;
	unsigned wiped = 0;
	enum status st = db_select(db, a, &rows,
		"SELECT " APPLICATION_COLUMNS
		", wipe_at FROM application WHERE wipe_at > 0 AND wipe_at <= ? ORDER BY wipe_at LIMIT ?",
		DB_INT(now), DB_INT(limit));

	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		struct application_row row;
		application_fill(&rows, i, &row);
		st = wipe_one(db, &row, db_int(&rows, i, rows.cols - 1), now, &wiped);
	}
	arena_free(a);
	if (st == STATUS_OK)
		*ret_wiped = wiped;
	return st;
}
