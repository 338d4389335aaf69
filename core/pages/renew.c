/* Renewal by the certificate's own user: what it renews and what renews it, the question, and the new application. */
#include "pages/handlers.h"

enum status renewal_links_get(struct request *rq, const struct application *app, struct renewal_links *ret)
{
	struct renewal_links links = {0};
	struct application other;
	enum status s = STATUS_OK;

	if (app->renews) {
		s = application_get(rq->db, rq->arena, app->renews, &other);
		if (s == STATUS_OK)
			links.old = arena_copy(rq->arena, &other, sizeof other);
	}
	if (s == STATUS_OK || s == STATUS_MISSING) { /* deleted by an administrator */
		s = application_renewal(rq->db, rq->arena, app->id, rq->now, &other);
		if (s == STATUS_OK)
			links.next = arena_copy(rq->arena, &other, sizeof other);
	}
	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	*ret = links;
	return STATUS_OK;
}

static const char apply_anew[] = N_("You can apply for a new certificate on the dashboard.");

/* A renewal that is open or has been taken stands in the way of another one; one that failed does not. */
static struct obstacle next_obstacle(const struct application *next, when now)
{
	switch (application_phase(next, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		return (struct obstacle){N_("A renewal of this certificate is already under way."),
			N_("Go on with that one. Another renewal is possible when it has ended without a certificate.")};
	case PHASE_MISSED:
	case PHASE_ERROR:
	case PHASE_REVOKED:
		return (struct obstacle){0};
	default:
		break;
	}
	if (application_certificate(next, now) == CERTIFICATE_VALID)
		return (struct obstacle){N_("This certificate has been renewed already."), N_("You can renew the new certificate.")};
	return (struct obstacle){0};
}

/* What the configuration does not allow, whatever the state. */
static struct obstacle type_obstacle(const struct application *app)
{
	const struct plugin *plugin = plugin_type(app->type);

	if (!plugin)
		return (struct obstacle){N_("Certificates of this type are not issued here at present."),
			N_("The certificate stays valid until it expires, and can still be revoked.")};
	if (plugin->type->no_renewal)
		return (struct obstacle){N_("Certificates of this type cannot be renewed."),
			N_("Apply for a new certificate when you need one.")};
	if (!plugin_upstream(app->upstream))
		return (struct obstacle){N_("The service that issued this certificate cannot be reached from here at present."), apply_anew};
	return (struct obstacle){0};
}

struct obstacle renew_obstacle(const struct application *app, const struct renewal_links *links, when now)
{
	struct obstacle obstacle = type_obstacle(app);

	if (obstacle.why)
		return obstacle;
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		return (struct obstacle){N_("The certificate has not been issued yet, so there is nothing to renew."),
			N_("You can apply for its renewal once it was downloaded.")};
	case PHASE_MISSED:
		if (app->renews)
			return (struct obstacle){N_("The certificate was not downloaded in time, so there is nothing to renew."),
				N_("The certificate it was to replace is unchanged: apply for its renewal once more.")};
		return (struct obstacle){N_("The certificate was not downloaded in time, so there is nothing to renew."), apply_anew};
	case PHASE_ERROR:
		return (struct obstacle){N_("No certificate was issued, so there is nothing to renew."), apply_anew};
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		return (struct obstacle){N_("The revocation of this certificate is already under way."), apply_anew};
	case PHASE_REVOKED:
		return (struct obstacle){N_("This certificate is revoked already."), apply_anew};
	case PHASE_DONE:
	case PHASE_REVOKE_ERROR:
		break;
	}
	if (application_certificate(app, now) != CERTIFICATE_VALID)
		return (struct obstacle){N_("This certificate has expired and can no longer be renewed."), apply_anew};
	return links->next ? next_obstacle(links->next, now) : (struct obstacle){0};
}

bool renew_is_near(const struct application *app, when now)
{
	const struct plugin *plugin = plugin_type(app->type);
	const struct renewal_links unknown = {0};

	return app->not_after && !renew_obstacle(app, &unknown, now).why &&
	       app->not_after - now <= plugin->type->settings->renew_days * DAY;
}

void renew_form(struct request *rq, struct model *m, const struct application *app, const char *form_key)
{
	const struct plugin *plugin = plugin_type(app->type);
	const struct validity *v = plugin ? apply_validity(plugin->type->settings, app->profile) : NULL;

	action_facts_fill(m, app);
	if (v)
		validity_fill(m, v, rq->lang);
	model_set(m, "RENEWAL_MAIL", rq->user->mail);
	model_set(m, "CSRF", rq->csrf);
	model_set(m, "FORM_KEY", form_key ? form_key : form_key_new(rq->arena));
}

static enum status ask_show(struct request *rq, const struct application *app, const char *form_key)
{
	struct model *m = model_new(rq->arena);

	if (form_key)
		model_show(m, "AGAIN");
	model_setf(m, "RENEW_PATH", "/%s/%u/renew", app->type, app->number);
	model_setf(m, "DETAILS_PATH", "/%s/%u", app->type, app->number);
	renew_form(rq, model_include(m, "FIELDS", "core/renew_fields.html"), app, form_key);
	return request_page_code(rq, status_http(form_key ? STATUS_BUSY : STATUS_OK), "core/renew.html",
		_("Apply for renewal"), m);
}

static enum status refused(struct request *rq, const struct application *app, struct obstacle obstacle,
	const struct application *next)
{
	return action_refused(rq, app, _("The renewal cannot be applied for"), obstacle, next);
}

enum status renew_ask(struct request *rq)
{
	struct application app;
	struct renewal_links links;
	enum status s = certificate_find(rq, &app);

	if (s == STATUS_OK)
		s = renewal_links_get(rq, &app, &links);
	if (s != STATUS_OK)
		return s;
	struct obstacle obstacle = renew_obstacle(&app, &links, rq->now);
	return obstacle.why ? refused(rq, &app, obstacle, links.next) : ask_show(rq, &app, NULL);
}

struct completion {
	const struct plugin *plugin;
	const struct user *user;
	const struct application *old;
};

/* The subject is that of the old certificate, whatever the template says today; what is unique about it is asked of the type. */
static enum status complete(struct arena *a, unsigned number, struct order *order, void *context)
{
	const struct completion *c = context;
	const struct certificate_type *type = c->plugin->type;

	order->subject = c->old->subject;
	return type->complete ? type->complete(a, number, c->user, order) : STATUS_OK;
}

/* A form of its own has nobody to fill it in here: then what was asked for the first time stays. */
static enum status order_make(struct request *rq, const struct plugin *plugin, const struct application *old, struct order *ret)
{
	const struct validity *v = apply_validity(plugin->type->settings, old->profile);

	if (!v)
		return cause(STATUS_INTERNAL, "certificate type %s has no profile", plugin->name);
	*ret = (struct order){
		.type = old->type,
		.upstream = old->upstream, /* it alone knows what there is to renew */
		.profile = v->title,
		.months = (int)v->months,
		.name = rq->user->name,
		.mail = rq->user->mail,
		.extra = old->extra,
		.renews = old->id,
		.day_max = apply_day_max(),
		.form_key = request_field(rq, "form_key"),
	};
	return plugin->type->order && !plugin->type->form_view ? plugin->type->order(rq, ret) : STATUS_OK;
}

/* application_create() has refused: why, in words. */
static enum status conflict_show(struct request *rq, const struct application *app, const char *why)
{
	struct application now = *app;
	struct renewal_links links;
	struct obstacle obstacle;
	enum status s = application_get(rq->db, rq->arena, app->id, &now);

	if (s == STATUS_OK)
		s = renewal_links_get(rq, &now, &links);
	if (s != STATUS_OK)
		return s;
	if (text_same(why, "address"))
		obstacle = (struct obstacle){
			N_("This certificate was issued for another mail address than yours is now."),
			N_("The certificate stays valid. Apply for a new one for your new address on the dashboard.")};
	else
		obstacle = renew_obstacle(&now, &links, rq->now);
	if (!obstacle.why)
		return cause(STATUS_CONFLICT, "the renewal of application %llu was refused: %s", (unsigned long long)app->id, why);
	return refused(rq, &now, obstacle, links.next);
}

enum status renew_send(struct request *rq)
{
	struct application app, made;
	struct order order;
	bool again = false;
	const char *why = NULL;
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	if (!form_key_ok(request_field(rq, "form_key")))
		return cause(STATUS_INVALID, "form key missing or not of ours");
	/* States are application_create()'s to judge: it knows the same form sent twice. */
	struct obstacle obstacle = type_obstacle(&app);
	if (obstacle.why)
		return refused(rq, &app, obstacle, NULL);
	struct completion c = {.plugin = plugin_type(app.type), .user = rq->user, .old = &app};
	s = order_make(rq, c.plugin, &app, &order);
	if (s == STATUS_OK)
		s = application_create(rq->db, rq->arena, rq->user, &order, (struct order_completion){complete, &c}, &made,
			&again, &why);
	if (s == STATUS_BUSY) {
		/* Whether it was stored is not known when the connection broke during the commit; the form key is what tells. */
		log_status(s, "renewal, not known to be stored");
		return ask_show(rq, &app, order.form_key);
	}
	if (s == STATUS_CONFLICT && text_same(why, "day")) {
		log_status(s, "renewal, refused");
		return apply_day_refused(rq, app.type);
	}
	if (s == STATUS_CONFLICT && why)
		return conflict_show(rq, &app, why);
	if (s != STATUS_OK)
		return s;
	return request_redirect(rq,
		arena_printf(rq->arena, "/%s/%u/applied%s", made.type, made.number, again ? "?again=1" : ""));
}
