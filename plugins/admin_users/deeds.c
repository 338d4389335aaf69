/* What administrators do for users: revoke, start a failed application again, delete one that came to nothing. */
#include "admin_users.h"

/* Code points of an internal note; the audit trail keeps 500 bytes with what else it says. */
#define NOTE_MAX 100

/* --- What can be done now --------------------------------------------------------------------------------------------------------- */

static const char *upstream_why_not(const struct application *app)
{
	return plugin_upstream(app->upstream) ? NULL : N_("The issuing service of this certificate is not enabled at present.");
}

const char *revoke_why_not(const struct application *app, when now)
{
	if (app->state == APPLICATION_ERROR && app->serial) /* its card service did not take it */
		return upstream_why_not(app);
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		return N_("The certificate has not been issued yet, so there is nothing to revoke.");
	case PHASE_MISSED:
	case PHASE_ERROR:
		return N_("No certificate was issued, so there is nothing to revoke.");
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		return N_("The revocation is already under way.");
	case PHASE_REVOKED:
		return N_("The certificate is revoked already.");
	case PHASE_DONE:
	case PHASE_REVOKE_ERROR:
		break;
	}
	if (application_certificate(app, now) != CERTIFICATE_VALID)
		return N_("The certificate has expired and need not be revoked.");
	return upstream_why_not(app);
}

static const char *retry_why_not(const struct application *app)
{
	if (app->state != APPLICATION_ERROR)
		return N_("The application is not in error (any more), so there is nothing to start again.");
	return upstream_why_not(app);
}

enum status delete_why_not(struct request *rq, const struct application *app, const char **ret)
{
	bool may = false, issued = false;
	enum status s = application_deletable(rq->db, rq->arena, app, &may, &issued);

	if (s != STATUS_OK)
		return s;
	*ret = may      ? NULL
	       : issued ? N_("A certificate was issued for this application and only the card service did not take it, so it cannot be deleted. Start it again, or revoke the certificate.")
			: N_("Only an application in error, for which no certificate was issued, can be deleted.");
	return STATUS_OK;
}

/* --- Questions -------------------------------------------------------------------------------------------------------------------- */

struct model *deed_question(struct request *rq, const struct application *app, const struct user *owner)
{
	struct model *m = model_new(rq->arena);
	const char *form_key = request_field(rq, "form_key");

	row_fill(rq, m, app);
	owner_fill(m, app, owner);
	model_set(m, "SUBJECT", app->subject);
	model_set(m, "MAIL", app->mail);
	model_set_int(m, "NOTE_MAX", NOTE_MAX);
	model_set(m, "NOTE", request_field(rq, "note"));
	model_set(m, "CSRF", rq->csrf);
	model_set(m, "FORM_KEY", form_key_ok(form_key) ? form_key : form_key_new(rq->arena));
	return m;
}

enum status deed_refused(struct request *rq, const struct application *app, const struct user *owner, const char *heading, const char *why)
{
	struct model *m = deed_question(rq, app, owner);

	cause(STATUS_CONFLICT, "application %llu in state %s: %s", (unsigned long long)app->id, application_state_name(app->state), why);
	log_status(STATUS_CONFLICT, "request of an administrator, refused");
	model_set(m, "HEADING", heading);
	model_set(m, "WHY", _(why));
	return request_page_code(rq, status_http(STATUS_CONFLICT), "admin_users/refused.html", heading, m);
}

enum status deed_form(struct request *rq, const char **ret_source_key, const char **ret_note)
{
	const char *form_key = request_field(rq, "form_key"), *note = request_field(rq, "note");

	if (!form_key_ok(form_key))
		return cause(STATUS_INVALID, "form key missing or not of ours");
	note = text_trim(rq->arena, note ? note : "");
	*ret_source_key = arena_printf(rq->arena, "admin:%s", form_key);
	*ret_note = *note && !text_clean(note, NOTE_MAX) ? NULL : note;
	return STATUS_OK;
}

enum status deed_done(struct request *rq, const struct application *app, const char *done, bool again)
{
	return request_redirect(rq, arena_printf(rq->arena, "/admin_users/certificates/%llu?done=%s%s", (unsigned long long)app->id, done,
					    again ? "&again=1" : ""));
}

/* --- A deed: the event and who wanted it, in one transaction ---------------------------------------------------------------------- */

struct deed {
	struct arena *arena;
	uint64_t application;
	struct event event;
	const char *action, *detail;
	enum application_outcome outcome;
};

static enum status deed_body(struct db *db, void *context)
{
	struct deed *d = context;
	enum status s = application_apply(db, d->arena, d->application, &d->event, &d->outcome);

	return s == STATUS_OK && d->outcome == APPLIED_MOVED
		? audit_add(db, d->action, arena_printf(d->arena, "application:%llu", (unsigned long long)d->application), d->detail)
		: s;
}

/* Moved by this form, now or before: done, *ret true. Otherwise somebody or something else was first. */
static enum status deed_do(struct request *rq, struct deed *d, bool *ret)
{
	enum status s = db_transact(rq->db, deed_body, d);

	if (s == STATUS_OK && d->outcome != APPLIED_MOVED)
		return application_has_moved(rq->db, rq->arena, d->application, d->event.kind, d->event.source_key, ret);
	*ret = s == STATUS_OK;
	return s;
}

/* --- Revoke ----------------------------------------------------------------------------------------------------------------------- */

static enum status revoke_show(struct request *rq, const struct application *app, const struct user *owner, enum status s)
{
	struct model *m = deed_question(rq, app, owner);
	int chosen = -1;

	(void)reason_read(REASON_ADMINISTRATOR, request_field(rq, "reason"), &chosen);
	if (s == STATUS_INVALID)
		model_show(m, "INCOMPLETE");
	reason_fill(m, REASON_ADMINISTRATOR, chosen);
	return request_page_code(rq, status_http(s), "admin_users/revoke.html", _("Revocation: confirmation"), m);
}

enum status revoke_question(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s != STATUS_OK)
		return s;
	const char *why = revoke_why_not(&app, rq->now);
	return why ? deed_refused(rq, &app, owner, _("The certificate cannot be revoked"), why) : revoke_show(rq, &app, owner, STATUS_OK);
}

enum status revoke_order(struct request *rq)
{
	struct application app;
	const struct user *owner;
	const char *note;
	bool done = false;
	struct deed deed = {.arena = rq->arena, .event = {.kind = EVENT_REVOKE_ASKED}, .action = "admin.revoked"};
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_OK)
		s = deed_form(rq, &deed.event.source_key, &note);
	if (s != STATUS_OK)
		return s;
	const char *why = revoke_why_not(&app, rq->now);
	if (!why) {
		if (!note || !reason_read(REASON_ADMINISTRATOR, request_field(rq, "reason"), &deed.event.reason) || !text_same(request_field(rq, "understood"), "1"))
			return revoke_show(rq, &app, owner, STATUS_INVALID);
		deed.application = app.id;
		deed.detail = arena_printf(rq->arena, "reason %d%s%s", deed.event.reason, *note ? " note " : "", note);
		s = deed_do(rq, &deed, &done);
	} else {
		s = application_has_moved(rq->db, rq->arena, app.id, EVENT_REVOKE_ASKED, deed.event.source_key, &done);
	}
	if (s != STATUS_OK)
		return s;
	if (done)
		return deed_done(rq, &app, "revoke", why || deed.outcome != APPLIED_MOVED);
	s = application_get(rq->db, rq->arena, app.id, &app); /* somebody was first: as it is now */
	if (s != STATUS_OK)
		return s;
	why = revoke_why_not(&app, rq->now);
	return why ? deed_refused(rq, &app, owner, _("The certificate cannot be revoked"), why)
		   : cause(STATUS_CONFLICT, "application %llu moved twice meanwhile", (unsigned long long)app.id);
}

/* --- Start again ------------------------------------------------------------------------------------------------------------------ */

enum status retry_question(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s != STATUS_OK)
		return s;
	const char *why = retry_why_not(&app);
	if (why)
		return deed_refused(rq, &app, owner, _("The application cannot be started again"), why);
	struct model *m = deed_question(rq, &app, owner);
	model_set(m, "ADVICE", _(trouble_find(&app)->advice));
	return request_page(rq, "admin_users/retry.html", _("Start again: confirmation"), m);
}

enum status retry_order(struct request *rq)
{
	struct application app;
	const struct user *owner;
	const char *note, *why;
	bool done = false;
	struct deed deed = {.arena = rq->arena, .event = {.kind = EVENT_RETRIED}, .action = "admin.retried"};
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_OK)
		s = deed_form(rq, &deed.event.source_key, &note);
	if (s != STATUS_OK)
		return s;
	why = retry_why_not(&app);
	deed.application = app.id;
	deed.detail = arena_printf(rq->arena, "code %.64s", app.error_code ? app.error_code : "-");
	s = why ? application_has_moved(rq->db, rq->arena, app.id, EVENT_RETRIED, deed.event.source_key, &done) : deed_do(rq, &deed, &done);
	if (s != STATUS_OK)
		return s;
	if (done)
		return deed_done(rq, &app, "retry", why || deed.outcome != APPLIED_MOVED);
	s = application_get(rq->db, rq->arena, app.id, &app);
	if (s != STATUS_OK)
		return s;
	why = retry_why_not(&app);
	return deed_refused(rq, &app, owner, _("The application cannot be started again"),
		why ? why : N_("The user has another application in its place by now, so this one cannot come back."));
}

/* --- Delete ----------------------------------------------------------------------------------------------------------------------- */

static enum status delete_show(struct request *rq, const struct application *app, const struct user *owner, enum status s)
{
	struct model *m = deed_question(rq, app, owner);

	if (s == STATUS_INVALID)
		model_show(m, "INCOMPLETE");
	return request_page_code(rq, status_http(s), "admin_users/delete.html", _("Delete the record: confirmation"), m);
}

static enum status delete_refused(struct request *rq, const struct application *app, const struct user *owner, const char *why)
{
	return deed_refused(rq, app, owner, _("The record cannot be deleted"), why);
}

enum status delete_question(struct request *rq)
{
	struct application app;
	const struct user *owner;
	const char *why = NULL;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s == STATUS_OK)
		s = delete_why_not(rq, &app, &why);
	if (s != STATUS_OK)
		return s;
	return why ? delete_refused(rq, &app, owner, why) : delete_show(rq, &app, owner, STATUS_OK);
}

/* Of an application that is not there: whether it was deleted, as the trail tells; then the same form came twice. */
static enum status delete_again(struct request *rq)
{
	struct audit_query query = {
		.action = "admin.deleted", .object = arena_printf(rq->arena, "application:%s", request_part(rq, "id"))};
	struct audit_row *rows;
	size_t n = 0;
	enum status s = audit_find(rq->db, rq->arena, &query, 0, 1, &rows, &n);

	if (s == STATUS_OK && n == 0)
		return cause(STATUS_MISSING, "no such application");
	return s == STATUS_OK ? request_redirect(rq, "/admin_users/certificates?deleted=1") : s;
}

enum status delete_order(struct request *rq)
{
	struct application app;
	const struct user *owner;
	const char *why = NULL, *source_key, *note;
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_MISSING)
		return delete_again(rq);
	if (s == STATUS_OK)
		s = deed_form(rq, &source_key, &note);
	if (s == STATUS_OK)
		s = delete_why_not(rq, &app, &why);
	if (s != STATUS_OK)
		return s;
	if (why)
		return delete_refused(rq, &app, owner, why);
	if (!note || !text_same(request_field(rq, "understood"), "1"))
		return delete_show(rq, &app, owner, STATUS_INVALID);
	s = application_delete(rq->db, rq->arena, app.id, note);
	if (s == STATUS_CONFLICT) {
		s = application_get(rq->db, rq->arena, app.id, &app); /* it moved meanwhile: as it is now */
		return s == STATUS_OK ? delete_refused(rq, &app, owner,
						N_("Only an application in error, for which no certificate was issued, can be deleted."))
				      : s;
	}
	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	return request_redirect(rq, owner ? arena_printf(rq->arena, "/admin_users/user/%llu?deleted=1", (unsigned long long)owner->id)
					  : "/admin_users/certificates?deleted=1");
}
