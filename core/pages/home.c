/* The start page: what visitors see, and the dashboard of those who are logged in. */
#include "pages/handlers.h"

static enum status landing_page(struct request *rq)
{
	struct model *m = model_new(rq->arena);

	if (request_query(rq, "left"))
		model_show(m, "LEFT");
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		if (!p->type || p->type->variant_of)
			continue;
		struct model *type = model_section(m, "TYPE");
		model_set(type, "TYPE_TITLE", i18n_text(p->name, p->type->title));
		model_set(type, "TYPE_PURPOSE", i18n_text(p->name, p->type->purpose));
	}
	return request_page(rq, "core/landing.html", _("Start page"), m);
}

/* A type has a form of its own unless it is a variant of an enabled one. */
static void forms_fill(struct request *rq, struct model *m, const struct places *places)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		if (!p->type || (p->type->variant_of && plugin_type(p->type->variant_of)))
			continue;
		struct model *form = model_section(m, "FORM");
		apply_form(rq, form, p, places);
	}
}

static bool was_taken(const struct application *app, when now)
{
	enum certificate_state state = application_certificate(app, now);

	return state == CERTIFICATE_VALID || state == CERTIFICATE_EXPIRED || state == CERTIFICATE_REVOKED;
}

/* Who has not had a certificate yet is told the steps to the first one, and which comes next. */
static void first_time_fill(struct request *rq, struct model *m, const struct own_list *own)
{
	const struct application *open = NULL; /* the newest that is ready, else the newest that waits */

	if (!own->whole)
		return;
	for (size_t i = 0; i < own->n; i++) {
		const struct application *app = &own->apps[i];
		if (was_taken(app, rq->now) || app->handover) /* the steps are not those to a card */
			return;
		bool ready = application_phase(app, rq->now) == PHASE_PIN;
		bool before = open && (!ready || application_phase(open, rq->now) == PHASE_PIN);
		if (!before && certificate_waits(app, rq->now))
			open = app;
	}
	struct model *first = model_section(m, "FIRST_TIME");
	if (!open) {
		model_show(first, "AT_APPLY");
		return;
	}
	struct model *at = application_phase(open, rq->now) == PHASE_PIN ? model_section(first, "AT_DOWNLOAD")
									 : model_section(first, "AT_PIN");
	model_set_int(at, "OPEN_NUMBER", open->number);
	model_setf(at, "OPEN_PATH", "/%s/%u", open->type, open->number);
}

enum status home_page(struct request *rq)
{
	if (!rq->user)
		return landing_page(rq);
	struct model *m = model_new(rq->arena);
	struct own_list own;
	struct places *places;
	enum status s = home_list_fill(rq, m, &own);
	if (s == STATUS_OK)
		s = places_get(rq, &own, &places);
	if (s != STATUS_OK)
		return s;
	panels_fill(rq, &(struct panel_place){.page = PANEL_DASHBOARD, .user_id = rq->user->id}, m);
	first_time_fill(rq, m, &own);
	forms_fill(rq, m, places);
	return request_page(rq, "core/dashboard.html", _("Client certificate application dashboard"), m);
}
