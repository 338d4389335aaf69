/* Applications in the database: reading them, their history, memo and marks. */
#include "store/application.h"

#include "store/application_row.h"
#include "store/audit.h"
#include "store/job.h"

#define MEMO_MAX 1000

void application_fill(const struct db_rows *r, size_t i, struct application_row *ret)
{
	enum application_state state = APPLICATION_ERROR;

	ASSERT(application_state_parse(db_text(r, i, 3), &state));
	*ret = (struct application_row){
		.app =
			{
				.id = (uint64_t)db_int(r, i, 0),
				.user_id = (uint64_t)db_int(r, i, 1),
				.number = (unsigned)db_int(r, i, 2),
				.state = state,
				.type = db_text(r, i, 4),
				.upstream = db_text(r, i, 5),
				.profile = db_text(r, i, 6),
				.subject = db_text(r, i, 7),
				.name = db_text(r, i, 8),
				.mail = db_text(r, i, 9),
				.extra = db_text(r, i, 10),
				.memo = db_text(r, i, 11),
				.months = (int)db_int(r, i, 12),
				.renews = (uint64_t)db_int(r, i, 13),
				.created_at = db_int(r, i, 14),
				.changed_at = db_int(r, i, 15),
				.submitted_at = db_int(r, i, 16),
				.pin_at = db_int(r, i, 17),
				.download_until = db_int(r, i, 18),
				.taken_at = db_int(r, i, 19),
				.serial = db_text(r, i, 20),
				.fingerprint = db_text(r, i, 21),
				.not_before = db_int(r, i, 22),
				.not_after = db_int(r, i, 23),
				.revoke_asked_at = db_int(r, i, 24),
				.revoked_at = db_int(r, i, 25),
				.reason = (int)db_int(r, i, 26),
				.error_code = db_text(r, i, 27),
				.error_field = db_text(r, i, 28),
				.error_text = db_text(r, i, 29),
				.issue_mail_at = db_int(r, i, 30),
				.handover = db_int(r, i, 36) != 0,
				.muted = db_int(r, i, 37) != 0,
			},
		.live_digest = db_bytes(r, i, 31),
		.holds_live_key = db_int(r, i, 32) != 0,
		.place = (uint64_t)(db_int(r, i, 33) ? db_int(r, i, 33) : db_int(r, i, 0)),
		.pin = db_bytes(r, i, 34),
		.url = db_bytes(r, i, 35),
	};
	/* One whose time is over but that is not wiped yet is not there. */
	ret->app.has_pin = ret->pin.data && application_pin_until(&ret->app) > clock_now();
}

const char *application_object(struct arena *a, uint64_t id)
{
	return arena_printf(a, "application:%llu", (unsigned long long)id);
}

enum status application_row_get(
	struct db *db, struct arena *a, uint64_t id, bool locked, struct application_row *ret)
{
	struct db_rows rows;
	enum status st =
		locked ? db_select(db, a, &rows,
				 "SELECT " APPLICATION_COLUMNS " FROM application WHERE id = ? FOR UPDATE",
				 DB_INT(id))
		       : db_select(db, a, &rows,
				 "SELECT " APPLICATION_COLUMNS " FROM application WHERE id = ?", DB_INT(id));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no application %llu", (unsigned long long)id);
	if (st == STATUS_OK)
		application_fill(&rows, 0, ret);
	return st;
}

enum status application_get(struct db *db, struct arena *a, uint64_t id, struct application *ret)
{
	struct application_row row;
	enum status st = application_row_get(db, a, id, false, &row);

	if (st == STATUS_OK)
		*ret = row.app;
	return st;
}

enum status application_find(
	struct db *db, struct arena *a, uint64_t user_id, unsigned number, struct application *ret)
{
	struct db_rows rows;
	struct application_row row;
	enum status st = db_select(db, a, &rows,
		"SELECT " APPLICATION_COLUMNS " FROM application WHERE user_id = ? AND number = ?",
		DB_INT(user_id), DB_INT(number));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "user %llu has no application %u", (unsigned long long)user_id,
			number);
	if (st != STATUS_OK)
		return st;
	application_fill(&rows, 0, &row);
	*ret = row.app;
	return st;
}

enum status application_list(struct db *db, struct arena *a, uint64_t user_id, unsigned below, unsigned limit,
	bool live_only, when now, struct application **ret, size_t *ret_n)
{
	struct db_rows rows;
	struct application_row row;
	enum status st = db_select(db, a, &rows,
		"SELECT " APPLICATION_COLUMNS
		" FROM application WHERE user_id = ? AND number < ? AND live_until > ?"
		" ORDER BY number DESC LIMIT ?",
		DB_INT(user_id), DB_INT(below ? (int64_t)below : INT64_MAX), DB_INT(live_only ? now : -1),
		DB_INT(limit));

	if (st != STATUS_OK)
		return st;
	*ret = arena_array(a, rows.rows ? rows.rows : 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++) {
		application_fill(&rows, i, &row);
		(*ret)[i] = row.app;
	}
	return STATUS_OK;
}

enum status application_history(
	struct db *db, struct arena *a, uint64_t id, struct history **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT kind, at FROM event WHERE application_id = ? AND moved = 1 ORDER BY recorded_at",
		DB_INT(id));

	if (st != STATUS_OK)
		return st;
	*ret = arena_array(a, rows.rows ? rows.rows : 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++) {
		unsigned kind = 0;
		while (kind < EVENT_KIND_COUNT &&
			!text_same(db_text(&rows, i, 0), event_kind_name((enum event_kind)kind)))
			kind++;
		ASSERT(kind < EVENT_KIND_COUNT);
		(*ret)[i] = (struct history){(enum event_kind)kind, db_int(&rows, i, 1)};
	}
	return STATUS_OK;
}

static enum status one(enum status st, uint64_t changed, const char *what)
{
	return st == STATUS_OK && changed != 1 ? cause(STATUS_MISSING, "%s: no such application", what) : st;
}

enum status application_set_memo(struct db *db, uint64_t user_id, unsigned number, const char *memo)
{
	uint64_t changed = 0;

	if (*memo && !text_clean(memo, MEMO_MAX))
		return cause(
			STATUS_INVALID, "memo: more than %d characters, or control characters", MEMO_MAX);
	enum status st =
		db_exec(db, &changed, "UPDATE application SET memo = ? WHERE user_id = ? AND number = ?",
			DB_TEXT(memo), DB_INT(user_id), DB_INT(number));
	return one(st, changed, "memo");
}

enum status application_mailed(struct db *db, uint64_t id, when at)
{
	uint64_t changed = 0;
	enum status st = db_exec(db, &changed, "UPDATE application SET issue_mail_at = ? WHERE id = ?",
		DB_INT(at), DB_INT(id));

	return one(st, changed, "mailed");
}

enum status application_event_insert(struct db *db, uint64_t id, const struct event *event, bool moved,
	when recorded_at, const char *detail)
{
	return db_exec(db, NULL,
		"INSERT INTO event (application_id, kind, source_key, at, recorded_at, moved, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
		DB_INT(id), DB_TEXT(event_kind_name(event->kind)), DB_TEXT(event->source_key),
		DB_INT(event->at), DB_INT(recorded_at), DB_INT(moved), DB_TEXT(detail));
}

enum status application_jobs(
	struct db *db, struct arena *a, uint64_t id, enum event_kind kind, const char *source_key)
{
	static const struct {
		const char *kind, *payload;
	} jobs[EVENT_KIND_COUNT] = {
		[EVENT_APPLIED] = {"core.submit", ""},
		[EVENT_RETRIED] = {"core.submit", ""},
		[EVENT_PIN] = {"core.mail", "issued"},
		[EVENT_TAKEN] = {"core.mail", "taken"},
		[EVENT_REVOKE_ASKED] = {"core.revoke", ""},
		[EVENT_REVOKED] = {"core.mail", "revoked"},
	};

	if (!jobs[kind].kind)
		return STATUS_OK;
	return job_add(db, jobs[kind].kind, id, jobs[kind].payload, 0,
		arena_printf(a, "%s:%s:%llu:%s", jobs[kind].kind, event_kind_name(kind),
			(unsigned long long)id, source_key));
}

enum status application_live_key_free(struct db *db, struct bytes live_key, when now)
{
	return db_exec(db, NULL,
		"UPDATE application SET live_key = NULL WHERE live_key = ? AND live_until <= ?",
		DB_BYTES(live_key), DB_INT(now));
}

enum status application_set_issued(struct db *db, uint64_t id, const char *serial, const char *fingerprint)
{
	return serial ? db_exec(db, NULL, "UPDATE application SET serial = ?, fingerprint = ? WHERE id = ? AND serial IS NULL", DB_TEXT(serial),
				DB_TEXT(fingerprint), DB_INT(id))
		      : STATUS_OK;
}
