/* The start page: what visitors see, and the dashboard of those who are logged in. */
#include "pages/handlers.h"

/* Applications on one page of the list. */
#define PAGE_ROWS 50

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
static void forms_fill(struct request *rq, struct model *m)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		if (!p->type || (p->type->variant_of && plugin_type(p->type->variant_of)))
			continue;
		struct model *form = model_section(m, "FORM");
		apply_form(rq, form, p, NULL);
	}
}

static enum status panels_fill(struct request *rq, struct model *m)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		for (const struct panel *panel = plugin_at(i)->panels; panel && panel->view; panel++) {
			/* On a model of its own: a panel with nothing to say leaves no trace. */
			struct model *own = model_new(rq->arena);
			enum status s = panel->fill ? panel->fill(rq, own) : STATUS_OK;
			if (s == STATUS_MISSING)
				continue;
			if (s != STATUS_OK)
				return s;
			model_adopt(m, MODEL_NAME("PANEL"), panel->view, own);
		}
	}
	return STATUS_OK;
}

static void row_fill(struct request *rq, struct model *row, const struct application *app)
{
	model_setf(row, "ROW_PATH", "/%s/%u", app->type, app->number);
	model_set_int(row, "NUMBER", app->number);
	model_set(row, "TYPE", certificate_title(app->type));
	model_set(row, "APPLIED_ON", clock_show_date(rq->arena, app->created_at, rq->lang));
	model_set(row, "PHASE", _(application_phase_label(app, rq->now)));
	model_set(row, "PHASE_CLASS", certificate_phase_class(app, rq->now));
	model_set(row, "STATE", _(application_certificate_label(app, rq->now)));
	model_set(row, "STATE_CLASS", certificate_state_class(app, rq->now));
	if (app->not_after)
		model_set(model_section(row, "HAS_EXPIRY"), "EXPIRES_ON",
			clock_show_date(rq->arena, app->not_after, rq->lang));
	if (app->memo && app->memo[0])
		model_set(model_section(row, "HAS_MEMO"), "MEMO", app->memo);
}

/* The way to renewal, on the rows whose certificate ends soon and is not being renewed. */
static enum status renewals_fill(struct request *rq, struct model *const *rows, const struct application *apps, size_t n)
{
	uint64_t *renewed = NULL;
	size_t count = 0, i = 0;

	while (i < n && !renew_is_near(&apps[i], rq->now))
		i++;
	if (i == n)
		return STATUS_OK; /* as nearly always: nothing is asked of the database */
	enum status s = application_renewed(rq->db, rq->arena, rq->user->id, rq->now, &renewed, &count);
	for (; s == STATUS_OK && i < n; i++) {
		bool is_renewed = !renew_is_near(&apps[i], rq->now);
		for (size_t k = 0; k < count; k++)
			is_renewed = is_renewed || renewed[k] == apps[i].id;
		if (!is_renewed)
			model_setf(model_section(rows[i], "RENEW"), "RENEW_PATH", "/%s/%u/renew", apps[i].type, apps[i].number);
	}
	return s;
}

static enum status list_fill(struct request *rq, struct model *m)
{
	bool valid = text_same(request_query(rq, "valid"), "1");
	const char *below_text = request_query(rq, "below");
	struct application *apps;
	int64_t below = 0;
	size_t n;

	if (below_text && !text_int(below_text, 1, UINT32_MAX, &below))
		return cause(STATUS_INVALID, "query below is not a number");
	enum status s = application_list(
		rq->db, rq->arena, rq->user->id, (unsigned)below, PAGE_ROWS + 1, valid, rq->now, &apps, &n);
	if (s != STATUS_OK)
		return s;
	if (n == 0 && !valid && !below) {
		model_show(m, "FIRST_TIME");
		return STATUS_OK;
	}
	struct model *list = model_section(m, "LIST");
	if (valid)
		model_show(list, "VALID_ONLY");
	else
		model_show(list, "ALL");
	if (n == 0)
		model_show(list, "EMPTY");
	struct model *table = n ? model_section(list, "TABLE") : NULL;
	struct model *rows[PAGE_ROWS];
	size_t shown = n < PAGE_ROWS ? n : PAGE_ROWS;
	for (size_t i = 0; i < shown; i++) {
		rows[i] = model_section(table, "ROW");
		row_fill(rq, rows[i], &apps[i]);
	}
	s = renewals_fill(rq, rows, apps, shown);
	if (s != STATUS_OK)
		return s;
	if (n > PAGE_ROWS)
		model_setf(model_section(list, "OLDER"), "OLDER_URL", "/?%sbelow=%u#applications",
			valid ? "valid=1&" : "", apps[PAGE_ROWS - 1].number);
	if (below)
		model_setf(model_section(list, "NEWEST"), "NEWEST_URL", "/%s#applications",
			valid ? "?valid=1" : "");
	return STATUS_OK;
}

enum status home_page(struct request *rq)
{
	if (!rq->user)
		return landing_page(rq);
	struct model *m = model_new(rq->arena);
	enum status s = list_fill(rq, m);
	if (s == STATUS_OK)
		s = panels_fill(rq, m);
	if (s != STATUS_OK)
		return s;
	forms_fill(rq, m);
	return request_page(rq, "core/dashboard.html", _("Client certificate application dashboard"), m);
}
