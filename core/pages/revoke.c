/* Revocation by the certificate's own user: the question with reason and second confirmation, the request, and its completion page. */
#include "pages/handlers.h"

/* Nothing was issued, or nothing yet. */
static struct obstacle not_issued(const struct application *app)
{
	const char *wait = app->handover
		? N_("You can apply for its revocation once it has been issued.")
		: N_("You can apply for its revocation once it was downloaded. If you no longer want it, just do not download it.");

	return (struct obstacle){N_("The certificate has not been issued yet, so there is nothing to revoke."), wait};
}

struct obstacle revoke_obstacle(const struct application *app, when now)
{
	static const char again[] = N_("You can apply for a new certificate on the dashboard.");

	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		return not_issued(app);
	case PHASE_MISSED:
		return (struct obstacle){N_("The certificate was not downloaded in time, so there is nothing to revoke."), again};
	case PHASE_ERROR:
		return (struct obstacle){N_("No certificate was issued, so there is nothing to revoke."), again};
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		return (struct obstacle){N_("The revocation of this certificate is already under way."),
			N_("The details page shows when it is completed. You need not do anything more.")};
	case PHASE_REVOKED:
		return (struct obstacle){N_("This certificate is revoked already."), again};
	case PHASE_DONE:
	case PHASE_REVOKE_ERROR:
		break;
	}
	if (application_certificate(app, now) != CERTIFICATE_VALID)
		return (struct obstacle){N_("This certificate has expired: it is no longer valid and need not be revoked."), again};
	if (!plugin_upstream(app->upstream))
		return (struct obstacle){N_("The service that issued this certificate cannot be reached from here at present."),
			N_("Please ask the administrators to revoke it.")};
	return (struct obstacle){0};
}

/* What a request without JavaScript, a script and a reload all carry. */
struct wish {
	const char *reason, *form_key;
};

void revoke_form(struct request *rq, struct model *m, const struct application *app, const char *reason, const char *form_key)
{
	int chosen = -1;

	(void)reason_read(REASON_USER, reason, &chosen);
	action_facts_fill(m, app);
	reason_fill(m, REASON_USER, chosen);
	model_set(m, "CSRF", rq->csrf);
	model_set(m, "FORM_KEY", form_key ? form_key : form_key_new(rq->arena));
}

static enum status ask_show(struct request *rq, const struct application *app, enum status s, const struct wish *wish)
{
	struct model *m = model_new(rq->arena);

	if (s == STATUS_BUSY)
		model_show(m, "AGAIN");
	if (s == STATUS_INVALID)
		model_show(m, "INCOMPLETE");
	model_setf(m, "REVOKE_PATH", "/%s/%u/revoke", app->type, app->number);
	model_setf(m, "DETAILS_PATH", "/%s/%u", app->type, app->number);
	revoke_form(rq, model_include(m, "FIELDS", "core/revoke_fields.html"), app, wish->reason, wish->form_key);
	return request_page_code(rq, status_http(s), "core/revoke.html", _("Apply for revocation"), m);
}

static enum status refused(struct request *rq, const struct application *app, struct obstacle obstacle)
{
	return action_refused(rq, app, _("The revocation cannot be applied for"), obstacle, NULL);
}

enum status revoke_ask(struct request *rq)
{
	struct application app;
	struct wish wish = {0};
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	struct obstacle obstacle = revoke_obstacle(&app, rq->now);
	return obstacle.why ? refused(rq, &app, obstacle) : ask_show(rq, &app, STATUS_OK, &wish);
}

/* Moved by this form, now or before: done. Otherwise somebody or something else was first. */
static enum status answer(struct request *rq, const struct application *app, const char *source_key, bool moved)
{
	struct application after = *app;
	bool before = false;
	enum status s = moved ? STATUS_OK
			      : application_has_moved(rq->db, rq->arena, app->id, EVENT_REVOKE_ASKED, source_key, &before);

	if (s != STATUS_OK)
		return s;
	if (moved || before)
		return request_redirect(rq,
			arena_printf(rq->arena, "/%s/%u/revoking%s", app->type, app->number, moved ? "" : "?again=1"));
	s = application_get(rq->db, rq->arena, app->id, &after);
	if (s != STATUS_OK)
		return s;
	struct obstacle obstacle = revoke_obstacle(&after, rq->now);
	return obstacle.why ? refused(rq, &after, obstacle)
			    : cause(STATUS_CONFLICT, "application %llu moved twice meanwhile", (unsigned long long)app->id);
}

enum status revoke_send(struct request *rq)
{
	struct application app;
	enum application_outcome outcome = APPLIED_IGNORED;
	struct wish wish = {request_field(rq, "reason"), request_field(rq, "form_key")};
	struct event event = {.kind = EVENT_REVOKE_ASKED};
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	if (!form_key_ok(wish.form_key))
		return cause(STATUS_INVALID, "form key missing or not of ours");
	event.source_key = arena_printf(rq->arena, "form:%s", wish.form_key);
	if (revoke_obstacle(&app, rq->now).why)
		return answer(rq, &app, event.source_key, false);
	if (!reason_read(REASON_USER, wish.reason, &event.reason) || !text_same(request_field(rq, "understood"), "1"))
		return ask_show(rq, &app, STATUS_INVALID, &wish);
	s = application_apply(rq->db, rq->arena, app.id, &event, &outcome);
	if (s == STATUS_BUSY) {
		/* Whether it was stored is not known when the connection broke during the commit; the form key is what tells. */
		log_status(s, "revocation, not known to be stored");
		return ask_show(rq, &app, s, &wish);
	}
	return s == STATUS_OK ? answer(rq, &app, event.source_key, outcome == APPLIED_MOVED) : s;
}

enum status revoke_done(struct request *rq)
{
	struct application app;
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	if (!app.revoke_asked_at)
		return request_redirect(rq, arena_printf(rq->arena, "/%s/%u", app.type, app.number));
	struct model *m = model_new(rq->arena);
	if (request_query(rq, "again"))
		model_show(m, "AGAIN");
	if (app.handover)
		model_show(m, "ON_CARD");
	else
		model_show(m, "ON_DEVICES");
	model_set_int(m, "NUMBER", app.number);
	model_set(m, "TYPE", certificate_title(app.type));
	model_set(m, "MAIL", app.mail);
	model_setf(m, "DETAILS_PATH", "/%s/%u", app.type, app.number);
	return request_page(rq, "core/revoking.html", _("Revocation application completed"), m);
}
