/* Giving an imported certificate that waits to the owner whom an administrator names: where the address does not tell, or tells of two. */
#include "admin_users.h"

#define EPPN_MAX 255 /* as of a user's */

static const char *why_not(const struct application *app, const struct application_detachment *d)
{
	if (!d->imported)
		return N_("Only an imported certificate can be given to an owner; this one was applied for here.");
	if (app->user_id)
		return N_("The certificate has an owner already.");
	return NULL;
}

static enum status not_now(struct request *rq, const struct application *app, const struct user *owner, const char *why)
{
	return deed_refused(rq, app, owner, _("The certificate cannot be given to an owner"), why);
}

static struct model *question(struct request *rq, const struct application *app)
{
	struct model *m = deed_question(rq, app, NULL);

	model_set_int(m, "EPPN_MAX", EPPN_MAX);
	return m;
}

static enum status show(struct request *rq, struct model *m, enum status s)
{
	return request_page_code(rq, status_http(s), "admin_users/give.html", _("Give to an owner"), m);
}

/* eppn: whom the form has named so far. */
static enum status ask(struct request *rq, const struct application *app, const char *eppn, bool unknown, bool incomplete)
{
	struct model *m = question(rq, app);

	model_set(m, "EPPN", eppn);
	model_show(m, "ASK");
	if (unknown)
		model_show(m, "UNKNOWN");
	if (incomplete)
		model_show(m, "INCOMPLETE");
	return show(rq, m, unknown || incomplete ? STATUS_INVALID : STATUS_OK);
}

/* Who it is, before it is done: an ePPN is soon mistyped. That is a look at a person. */
static enum status confirm(struct request *rq, const struct application *app, const struct user *user)
{
	enum status s = audit_add(rq->db, "admin.looked", arena_printf(rq->arena, "user:%llu", (unsigned long long)user->id), NULL);
	struct model *m = question(rq, app), *to = model_section(m, "CONFIRM");

	if (s != STATUS_OK)
		return s;
	model_set_int(to, "TO_ID", (long long)user->id);
	model_set(to, "TO_EPPN", user->eppn);
	model_set(to, "TO_NAME", user->name);
	model_set(to, "TO_MAIL", user->mail);
	if (!text_same(text_lower(rq->arena, user->mail), app->mail))
		model_show(to, "OTHER_MAIL");
	return show(rq, m, STATUS_OK);
}

enum status give_question(struct request *rq)
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
	return why ? not_now(rq, &app, owner, why) : ask(rq, &app, NULL, false, false);
}

/* Whom the form names: by ePPN first, and by number when that was confirmed. MISSING: nobody. */
static enum status named(struct request *rq, struct user *ret, bool *ret_confirmed)
{
	const char *to = request_field(rq, "to"), *eppn = request_field(rq, "eppn");
	int64_t id = 0;

	*ret_confirmed = to != NULL;
	if (to)
		return text_int(to, 1, INT64_MAX, &id) ? user_get(rq->db, rq->arena, (uint64_t)id, ret)
						       : cause(STATUS_INVALID, "give: not a number of a user");
	eppn = text_fold(rq->arena, text_trim(rq->arena, eppn ? eppn : "")); /* 全角 and capitals too */
	return text_clean(eppn, EPPN_MAX) ? user_get_eppn(rq->db, rq->arena, eppn, ret) : STATUS_MISSING;
}

enum status give_order(struct request *rq)
{
	struct application app;
	struct application_detachment d;
	const struct user *owner;
	struct user to;
	const char *source_key, *note;
	bool confirmed = false;
	enum status s = application_asked_for(rq, &app, &owner);

	if (s == STATUS_OK)
		s = deed_form(rq, &source_key, &note);
	if (s == STATUS_OK)
		s = application_detachment(rq->db, rq->arena, &app, &d);
	if (s != STATUS_OK)
		return s;
	s = named(rq, &to, &confirmed);
	if (s != STATUS_OK && (s != STATUS_MISSING || confirmed))
		return s;
	if (s == STATUS_OK && confirmed && app.user_id == to.id)
		return deed_done(rq, &app, "give", true);
	const char *why = why_not(&app, &d);
	if (why)
		return not_now(rq, &app, owner, why);
	if (s == STATUS_MISSING || !note)
		return ask(rq, &app, s == STATUS_MISSING ? request_field(rq, "eppn") : to.eppn, s == STATUS_MISSING, !note);
	if (!confirmed)
		return confirm(rq, &app, &to);
	s = application_give(rq->db, rq->arena, app.id, &to, certificate_types_by_mail(rq->arena), note);
	if (s == STATUS_CONFLICT)
		return not_now(rq, &app, owner, N_("The owner has changed meanwhile. Please look at it again."));
	return s == STATUS_OK ? deed_done(rq, &app, "give", false) : s;
}
