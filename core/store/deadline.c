/* Finds deadlines by their indexes, and decides on reminders, each once. */
#include "store/deadline.h"

#include "store/application_row.h"
#include "store/audit.h"
#include "store/job.h"

/* Far more than the clocks of two hosts may differ: only a clock that was set back looks like this. */
#define CLOCK_SET_BACK DAY

static const char *const names[DEADLINE_KINDS] = {[DEADLINE_DOWNLOAD] = "download", [DEADLINE_EXPIRY] = "expiry"};

const char *deadline_kind_name(enum deadline_kind kind)
{
	ASSERT((unsigned)kind < DEADLINE_KINDS);
	return names[kind];
}

bool deadline_of(const struct application *app, when now, enum deadline_kind *ret_kind, when *ret_at)
{
	enum deadline_kind kind;
	when at;

	switch (app->state) {
	case APPLICATION_PIN:
		kind = DEADLINE_DOWNLOAD;
		at = app->download_until;
		break;
	case APPLICATION_TAKEN:
	case APPLICATION_DELIVERED:
		kind = DEADLINE_EXPIRY;
		at = app->not_after;
		break;
	default:
		return false;
	}
	if (at <= now)
		return false;
	*ret_kind = kind;
	*ret_at = at;
	return true;
}

/* The states are those of deadline_of(). */
#define CAN_BE_TAKEN "application.state = 'PIN'"
/* Counted, because EXISTS is turned into a scan of the whole table. */
#define RENEWED                                                                                                \
	"((SELECT COUNT(*) FROM application AS newer FORCE INDEX (renews) WHERE newer.renews = application.id"        \
	" AND newer.taken_at > 0 AND newer.state <> 'REVOKED') > 0)"
#define CAN_BE_RENEWED "application.state IN ('TAKEN', 'DELIVERED') AND NOT " RENEWED

enum status deadline_list(struct db *db, struct arena *a, uint64_t user_id, when now, when download_until, when expiry_until,
	unsigned limit, struct deadline **ret, size_t *ret_n)
{
	struct db_rows rows;
	struct application_row row;
	size_t n = 0;
	enum status st = db_select(db, a, &rows,
		"SELECT " APPLICATION_COLUMNS " FROM application FORCE INDEX (user_number) WHERE user_id = ? AND live_until > ?"
		" AND ((" CAN_BE_TAKEN " AND download_until <= ?) OR (" CAN_BE_RENEWED " AND not_after <= ? AND not_after > 0))"
		" ORDER BY live_until, id LIMIT ?",
		DB_INT(user_id), DB_INT(now), DB_INT(download_until), DB_INT(expiry_until), DB_INT(limit));

	if (st != STATUS_OK)
		return st;
	struct deadline *list = arena_array(a, rows.rows ? rows.rows : 1, sizeof(*list));
	for (size_t i = 0; i < rows.rows; i++) {
		application_fill(&rows, i, &row);
		list[n].app = row.app;
		if (deadline_of(&row.app, now, &list[n].kind, &list[n].at))
			n++;
	}
	*ret = list;
	*ret_n = n;
	return STATUS_OK;
}

enum status reminder_check(struct db *db, struct arena *a, const struct application *app, enum deadline_kind kind, when now)
{
	enum deadline_kind present;
	struct db_rows rows;
	when at;

	if (app->muted || !deadline_of(app, now, &present, &at) || present != kind)
		return cause(STATUS_MISSING, "application %llu needs no reminder", (unsigned long long)app->id);
	if (kind != DEADLINE_EXPIRY)
		return STATUS_OK;
	enum status st = db_select(db, a, &rows, "SELECT " RENEWED " FROM application WHERE id = ?", DB_INT(app->id));
	if (st == STATUS_OK && (rows.rows == 0 || db_int(&rows, 0, 0)))
		return cause(STATUS_MISSING, "application %llu was renewed", (unsigned long long)app->id);
	return st;
}

/* A place in the order of an index on a time: rows of one time come by their id, as the index itself has them. */
struct place {
	when until;
	uint64_t id;
};

static enum status place_read(struct db *db, struct arena *a, const struct reminder_mark *mark, struct place *ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT until, application_id FROM reminder_mark WHERE kind = ? AND days = ?",
		DB_TEXT(names[mark->kind]), DB_INT(mark->days));

	if (st == STATUS_OK)
		*ret = rows.rows ? (struct place){db_int(&rows, 0, 0), (uint64_t)db_int(&rows, 0, 1)} : (struct place){0, 0};
	return st;
}

/* Two runs at once may write it in any order: what is looked at twice is still reminded of once. */
static enum status place_write(struct db *db, const struct reminder_mark *mark, struct place place)
{
	return db_exec(db, NULL,
		"INSERT INTO reminder_mark (kind, days, until, application_id) VALUES (?, ?, ?, ?)"
		" ON DUPLICATE KEY UPDATE until = VALUES(until), application_id = VALUES(application_id)",
		DB_TEXT(names[mark->kind]), DB_INT(mark->days), DB_INT(place.until), DB_INT(place.id));
}

/* Imported rows without an owner are passed over: whoever they are attached to is reminded by the marks that are still to come. */
#define AT_THIS_TIME(time, condition)                                                                          \
	"SELECT id, " time " FROM application FORCE INDEX (" time ") WHERE " time " = ? AND id > ? AND muted = 0 AND user_id IS NOT NULL AND " \
	condition " ORDER BY id LIMIT ?"
#define LATER(time, condition)                                                                                 \
	"SELECT id, " time " FROM application FORCE INDEX (" time ") WHERE " time " > ? AND " time " <= ? AND muted = 0 AND user_id IS NOT NULL" \
	" AND " condition " ORDER BY " time ", id LIMIT ?"

/* The next certificates behind the place, up to a time. First those of its very time: many expire at the same second. */
static enum status candidates(struct db *db, struct arena *a, enum deadline_kind kind, struct place from, when to, unsigned limit,
	struct db_rows *ret)
{
	bool download = kind == DEADLINE_DOWNLOAD;
	const struct db_arg same[] = {DB_INT(from.until), DB_INT(from.id), DB_INT(limit)};
	const struct db_arg later[] = {DB_INT(from.until), DB_INT(to), DB_INT(limit)};
	enum status st = download ? db_select_n(db, a, ret, AT_THIS_TIME("download_until", CAN_BE_TAKEN), same, COUNT_OF(same))
				  : db_select_n(db, a, ret, AT_THIS_TIME("not_after", CAN_BE_RENEWED), same, COUNT_OF(same));

	if (st != STATUS_OK || ret->rows > 0)
		return st;
	return download ? db_select_n(db, a, ret, LATER("download_until", CAN_BE_TAKEN), later, COUNT_OF(later))
			: db_select_n(db, a, ret, LATER("not_after", CAN_BE_RENEWED), later, COUNT_OF(later));
}

struct reminding {
	const struct reminder_mark *mark;
	uint64_t id;
	when now;
};

static enum status remind_body(struct db *db, void *context)
{
	struct reminding *r = context;
	const char *kind = names[r->mark->kind];
	char payload[32], key[80];
	enum status st = db_exec(db, NULL, "INSERT INTO reminder (application_id, kind, days, at) VALUES (?, ?, ?, ?)", DB_INT(r->id),
		DB_TEXT(kind), DB_INT(r->mark->days), DB_INT(r->now));

	if (st != STATUS_OK)
		return st; /* CONFLICT: another process, or an earlier run, was first */
	snprintf(payload, sizeof(payload), "remind_%s", kind);
	snprintf(key, sizeof(key), "core.mail:remind:%s:%llu:%u", kind, (unsigned long long)r->id, r->mark->days);
	return job_add(db, "core.mail", r->id, payload, 0, key);
}

static enum status remind_all(struct db *db, const struct reminder_mark *mark, const struct db_rows *rows, when now, unsigned *added)
{
	for (size_t i = 0; i < rows->rows; i++) {
		struct reminding r = {.mark = mark, .id = (uint64_t)db_int(rows, i, 0), .now = now};
		enum status st = db_transact(db, remind_body, &r);
		if (st != STATUS_OK && st != STATUS_CONFLICT)
			return st;
		*added += st == STATUS_OK;
	}
	return STATUS_OK;
}

enum status reminder_step(struct db *db, const struct reminder_mark *mark, when now, unsigned limit, unsigned *ret_added, bool *ret_more)
{
	struct arena *a = arena_new();
	when to = now + (when)mark->days * DAY, nearer = now + (when)mark->nearer * DAY;
	struct db_rows rows = {0};
	struct place place;
	unsigned added = 0;
	enum status st = place_read(db, a, mark, &place);

	/* What is nearer than the nearer mark belongs to that one, or is over. */
	if (st == STATUS_OK && (place.until < nearer || place.until > to + CLOCK_SET_BACK))
		place = (struct place){nearer, UINT64_MAX >> 1};
	if (st == STATUS_OK && place.until <= to)
		st = candidates(db, a, mark->kind, place, to, limit, &rows);
	if (st == STATUS_OK)
		st = remind_all(db, mark, &rows, now, &added);
	if (st == STATUS_OK && rows.rows)
		place = (struct place){db_int(&rows, rows.rows - 1, 1), (uint64_t)db_int(&rows, rows.rows - 1, 0)};
	else if (st == STATUS_OK && place.until < to)
		place = (struct place){to, UINT64_MAX >> 1};
	if (st == STATUS_OK)
		st = place_write(db, mark, place);
	if (st == STATUS_OK) {
		*ret_added = added;
		*ret_more = rows.rows > 0;
	}
	arena_free(a);
	return st;
}

struct muting {
	struct arena *arena;
	uint64_t user_id;
	unsigned number;
	bool muted;
};

static enum status mute_body(struct db *db, void *context)
{
	struct muting *m = context;
	struct application app;
	enum status st = application_find(db, m->arena, m->user_id, m->number, &app);

	if (st != STATUS_OK || app.muted == m->muted)
		return st;
	st = db_exec(db, NULL, "UPDATE application SET muted = ? WHERE id = ?", DB_INT(m->muted), DB_INT(app.id));
	if (st == STATUS_OK)
		st = audit_add(db, m->muted ? "application.muted" : "application.unmuted", application_object(m->arena, app.id), NULL);
	return st;
}

enum status reminder_mute(struct db *db, struct arena *a, uint64_t user_id, unsigned number, bool muted)
{
	struct muting m = {.arena = a, .user_id = user_id, .number = number, .muted = muted};

	return db_transact(db, mute_body, &m);
}
