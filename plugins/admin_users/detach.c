/* Taking an imported certificate from an owner who was given it by mistake, and giving it back. */
#include "admin_users.h"

static const char *why_not(const struct application *app, const struct application_detachment *d)
{
	if (!d->imported)
		return N_("Only an imported certificate can be taken from its owner; this one was applied for here.");
	if (!app->user_id)
		return N_("The certificate has no owner at present.");
	if (d->renewed)
		return N_("The owner has applied for its renewal here, so the certificate cannot be taken away. If it is not the owner's, revoke it.");
	return NULL;
}

enum status detach_fill(struct request *rq, struct model *deeds, const struct application *app)
{
	struct application_detachment d;
	struct user from;
	enum status s = application_detachment(rq->db, rq->arena, app, &d);

	if (s != STATUS_OK || !d.imported)
		return s;
	const char *why = why_not(app, &d);
	if (app->user_id && why) {
		struct model *detach = model_section(deeds, "DETACH");
		model_show(detach, "DETACH_OFF");
		model_set(model_section(detach, "DETACH_NOT"), "DETACH_WHY", _(why));
	} else if (app->user_id) {
		model_show(model_section(deeds, "DETACH"), "DETACH_CAN");
	} else {
		model_show(deeds, "GIVE");
	}
	if (!app->user_id && d.from) {
		s = user_get(rq->db, rq->arena, d.from, &from);
		if (s != STATUS_OK)
			return s == STATUS_MISSING ? STATUS_OK : s;
		struct model *undo = model_section(deeds, "DETACH_UNDO");
		model_set(undo, "FROM_EPPN", from.eppn);
		model_set(undo, "CSRF", rq->csrf);
	}
	return STATUS_OK;
}

static enum status not_now(struct request *rq, const struct application *app, const struct user *owner, const char *why)
{
	return deed_refused(rq, app, owner, _("The certificate cannot be taken from its owner"), why);
}

static enum status ask(struct request *rq, const struct application *app, const struct user *owner, enum status s)
{
	struct model *m = deed_question(rq, app, owner);

	model_set_int(m, "OWNER_ID", (long long)app->user_id);
	if (s == STATUS_INVALID)
		model_show(m, "INCOMPLETE");
	return request_page_code(rq, status_http(s), "admin_users/detach.html", _("Take from the owner: confirmation"), m);
}

enum status detach_question(struct request *rq)
{
	struct application app;
	struct application_detachment d;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s == STATUS_OK)
		s = application_detachment(rq->db, rq->arena, &app, &d);
	if (s != STATUS_OK)
		return s;
	const char *why = why_not(&app, &d);
	return why ? not_now(rq, &app, owner, why) : ask(rq, &app, owner, STATUS_OK);
}

/* The form names the owner whom the question was about. */
enum status detach_order(struct request *rq)
{
	struct application app;
	struct application_detachment d;
	const struct user *owner;
	const char *source_key, *note, *asked = request_field(rq, "owner");
	int64_t whose = 0;
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_OK)
		s = deed_form(rq, &source_key, &note);
	if (s == STATUS_OK && (!asked || !text_int(asked, 1, INT64_MAX, &whose)))
		s = cause(STATUS_INVALID, "detach: no owner named");
	if (s == STATUS_OK)
		s = application_detachment(rq->db, rq->arena, &app, &d);
	if (s != STATUS_OK)
		return s;
	if (!app.user_id && d.from == (uint64_t)whose)
		return deed_done(rq, &app, "detach", true);
	const char *why = why_not(&app, &d);
	if (!why && !note)
		return ask(rq, &app, owner, STATUS_INVALID);
	if (!why)
		s = application_detach(rq->db, rq->arena, app.id, (uint64_t)whose, note);
	if (s == STATUS_CONFLICT)
		why = N_("The owner has changed meanwhile. Please look at it again.");
	else if (s != STATUS_OK)
		return s;
	return why ? not_now(rq, &app, owner, why) : deed_done(rq, &app, "detach", false);
}

/* Nothing is lost by it, so nothing is asked. */
enum status detach_undo(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_OK)
		s = application_detach_undo(rq->db, rq->arena, app.id);
	if (s == STATUS_CONFLICT) {
		log_status(s, "giving an imported certificate back");
		return deed_done(rq, &app, "none", false);
	}
	return s == STATUS_OK ? deed_done(rq, &app, "undo", false) : s;
}
