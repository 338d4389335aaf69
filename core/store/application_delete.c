/* Deletes applications in error, as a whole and not without a trace. */
#include "store/application_delete.h"

#include "base/log.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"
#include "store/handover.h"

/* Of table conflict: no application is in this state. */
#define STATE_DELETED "DELETED"
#define DETAIL_MAX 500

enum status application_deletable(struct db *db, struct arena *a, const struct application *app, bool *ret, bool *ret_issued)
{
	bool waits = false;
	enum status st = app->handover ? handover_waits(db, a, app->id, &waits) : STATUS_OK;

	if (st != STATUS_OK)
		return st;
	/* Key and .p12 are wiped after a while; the certificate then still is. */
	*ret_issued = waits || app->serial || (app->handover && (text_same(app->error_code, "card-service") || text_same(app->error_code, "handover-over")));
	*ret = app->state == APPLICATION_ERROR && !*ret_issued;
	return st;
}

struct deleting {
	struct arena *arena;
	uint64_t id;
	const char *note;
};

/* All that somebody would ask later. */
static const char *epitaph(struct arena *a, const struct application *app, const char *note)
{
	const char *owner = app->user_id ? arena_printf(a, "user:%llu number %u", (unsigned long long)app->user_id, app->number)
					 : "owner not known";

	return fit(a,
		arena_printf(a, "%s type %s applied %s code %.64s subject %.250s%s%s", owner, app->type, clock_rfc3339(a, app->created_at),
			app->error_code ? app->error_code : "-", app->subject, note && *note ? " note " : "", note ? note : ""),
		DETAIL_MAX);
}

static enum status delete_body(struct db *db, void *context)
{
	struct deleting *d = context;
	struct application_row row;
	bool may = false, issued = false;
	uint64_t deleted = 0;
	enum status st = application_row_get(db, d->arena, d->id, true, &row);

	if (st == STATUS_OK)
		st = application_deletable(db, d->arena, &row.app, &may, &issued);
	if (st == STATUS_OK && !may)
		return cause(STATUS_CONFLICT, "application %llu in state %s is not deleted", (unsigned long long)d->id,
			application_state_name(row.app.state));
	if (st == STATUS_OK)
		st = db_exec(db, &deleted, "DELETE FROM application WHERE id = ? AND state = 'ERROR' AND serial IS NULL", DB_INT(d->id));
	if (st == STATUS_OK && deleted != 1)
		return db_again(db); /* moved on another node */
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "DELETE FROM event WHERE application_id = ?", DB_INT(d->id));
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "DELETE FROM reminder WHERE application_id = ?", DB_INT(d->id));
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "DELETE FROM conflict WHERE application_id = ?", DB_INT(d->id));
	/* Of the core alone: a plugin's job may count something else by this number, and finds its application gone. */
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "DELETE FROM job WHERE subject = ? AND kind IN ('core.submit', 'core.mail', 'core.revoke', 'core.handover')",
			DB_INT(d->id));
	return st == STATUS_OK ? audit_add(db, "admin.deleted", application_object(d->arena, d->id), epitaph(d->arena, &row.app, d->note))
			       : st;
}

enum status application_delete(struct db *db, struct arena *a, uint64_t id, const char *note)
{
	struct deleting d = {.arena = a, .id = id, .note = note};

	return db_transact(db, delete_body, &d);
}

enum status application_report_lost(struct db *db, struct arena *a, uint64_t id, const struct event *event)
{
	const char *kind = event_kind_name(event->kind);
	const char *detail = arena_printf(a, "%s%s%s%s", event->serial ? "serial " : "", event->serial ? event->serial : "",
		event->error_code ? " code " : "", event->error_code ? event->error_code : "");

	log_warning("application %llu is not there (any more), report %s is kept for the administrators", (unsigned long long)id, kind);
	return db_exec(db, NULL,
		"INSERT INTO conflict (application_id, kind, state, source_key, at, detail) VALUES (?, ?, ?, ?, ?, ?)"
		" ON DUPLICATE KEY UPDATE id = id",
		DB_INT(id), DB_TEXT(kind), DB_TEXT(STATE_DELETED), DB_TEXT(event->source_key), DB_INT(event->at ? event->at : clock_now()),
		DB_TEXT(fit(a, detail, DETAIL_MAX)));
}
