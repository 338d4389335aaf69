/* What a user may do with a certificate: the two buttons of the details page, and the page that says why not. */
#include "pages/handlers.h"

void action_facts_fill(struct model *m, const struct application *app)
{
	model_set_int(m, "NUMBER", app->number);
	model_set(m, "TYPE", certificate_title(app->type));
	model_set(m, "SUBJECT", app->subject);
}

enum status action_refused(struct request *rq, const struct application *app, const char *heading, struct obstacle obstacle,
	const struct application *next)
{
	struct model *m = model_new(rq->arena);

	cause(STATUS_CONFLICT, "application %llu in state %s: %s", (unsigned long long)app->id,
		application_state_name(app->state), obstacle.why);
	log_status(STATUS_CONFLICT, "request of a user, refused");
	model_set(m, "HEADING", heading);
	model_set(m, "WHY", _(obstacle.why));
	model_set(m, "INSTEAD", _(obstacle.instead));
	model_set_int(m, "NUMBER", app->number);
	model_set(m, "TYPE", certificate_title(app->type));
	model_setf(m, "DETAILS_PATH", "/%s/%u", app->type, app->number);
	if (next) {
		struct model *other = model_section(m, "NEXT");
		model_set_int(other, "NEXT_NUMBER", next->number);
		model_setf(other, "NEXT_PATH", "/%s/%u", next->type, next->number);
	}
	return request_page_code(rq, status_http(STATUS_CONFLICT), "core/action_refused.html", heading, m);
}

/* For now; what stands in the way for good is more worth knowing. */
static struct obstacle or_paused(struct request *rq, struct obstacle obstacle, const char *why)
{
	return obstacle.why || !request_pause(rq)->paused ? obstacle : (struct obstacle){.why = why};
}

void action_fill(struct request *rq, struct model *m, const struct application *app, const struct renewal_links *links)
{
	struct obstacle revoke = revoke_obstacle(app, rq->now), renew = renew_obstacle(app, links, rq->now);

	revoke = or_paused(rq, revoke, N_("Not possible during maintenance. In urgent cases, such as a lost certificate, please contact the administrators: they can revoke it."));
	renew = or_paused(rq, renew, N_("Not possible during maintenance."));
	model_setf(m, "REVOKE_PATH", "/%s/%u/revoke", app->type, app->number);
	model_setf(m, "RENEW_PATH", "/%s/%u/renew", app->type, app->number);
	if (revoke.why) {
		model_set(model_section(m, "REVOKE_NOT"), "REVOKE_WHY", _(revoke.why));
		model_show(m, "REVOKE_OFF");
	} else {
		struct model *ask = model_section(m, "REVOKE_CAN");
		revoke_form(rq, model_include(ask, "REVOKE_FIELDS", "core/revoke_fields.html"), app, NULL, NULL);
	}
	if (renew.why) {
		model_set(model_section(m, "RENEW_NOT"), "RENEW_WHY", _(renew.why));
		model_show(m, "RENEW_OFF");
	} else {
		struct model *ask = model_section(m, "RENEW_CAN");
		renew_form(rq, model_include(ask, "RENEW_FIELDS", "core/renew_fields.html"), app, NULL);
	}
}
