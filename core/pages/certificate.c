/* The pages of one application: applied, details, news for the polling page, memo. */
#include "pages/handlers.h"

/* Code points of a memo: what fits in a line or two, and in its column. */
#define MEMO_MAX 200

enum status certificate_find(struct request *rq, struct application *ret)
{
	unsigned number;
	enum status s;

	if (!request_part_number(rq, "number", &number))
		return cause(STATUS_MISSING, "not an application number");
	s = application_find(rq->db, rq->arena, rq->user->id, number, ret);
	if (s == STATUS_OK && !text_same(ret->type, request_part(rq, "type")))
		return cause(STATUS_MISSING, "application %u is of another type", number);
	return s;
}

enum status certificate_applied(struct request *rq)
{
	struct application app;
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	const struct plugin *plugin = plugin_type(app.type);
	struct model *m = model_new(rq->arena);
	if (request_query(rq, "again"))
		model_show(m, "AGAIN");
	if (plugin && plugin->type->no_pin)
		model_show(m, "WITHOUT_PIN");
	else
		model_set(model_section(m, "WITH_PIN"), "MAIL", app.mail);
	model_set_int(m, "NUMBER", app.number);
	model_set(m, "TYPE", certificate_title(app.type));
	model_setf(m, "DETAILS_PATH", "/%s/%u", app.type, app.number);
	if (app.renews) {
		struct application old;
		s = application_get(rq->db, rq->arena, app.renews, &old);
		if (s == STATUS_OK)
			model_set_int(model_section(m, "RENEWS"), "OLD_NUMBER", old.number);
		else if (s != STATUS_MISSING)
			return s;
	}
	const char *title = app.renews ? _("Renewal application completed") : _("New application completed");
	model_set(m, "HEADING", title);
	return request_page(rq, "core/applied.html", title, m);
}

/* What changes by itself, on the page and in its news. */
static enum status parts_fill(struct request *rq, struct model *m, const struct application *app, struct certificate_failures failures)
{
	struct renewal_links links;
	enum status s = renewal_links_get(rq, app, &links);

	if (s == STATUS_OK)
		s = certificate_status_fill(rq, model_include(m, "STATUS", "core/certificate_status.html"), app, &links, failures);
	if (s == STATUS_OK)
		s = certificate_history_fill(rq, model_include(m, "HISTORY", "core/certificate_history.html"), app);
	if (s == STATUS_OK)
		action_fill(rq, model_include(m, "ACTIONS", "core/certificate_actions.html"), app, &links);
	return s;
}

/* When maintenance begins or ends, the buttons change. */
static char *news_etag(struct request *rq, const struct application *app, struct certificate_failures failures)
{
	char *etag = certificate_etag(rq->arena, app, failures, rq->now, rq->lang);

	return request_pause(rq)->paused ? arena_printf(rq->arena, "\"paused-%s", etag + strlen("\"")) : etag;
}

enum status certificate_page(struct request *rq)
{
	struct application app;
	struct certificate_failures failures;
	enum status s = certificate_find(rq, &app);

	if (s == STATUS_OK)
		s = certificate_failures_get(rq, &app, &failures);
	if (s != STATUS_OK)
		return s;
	request_secret(rq);
	struct model *m = model_new(rq->arena);
	panels_fill(rq, &(struct panel_place){PANEL_CERTIFICATE, rq->user->id, &app}, m);
	s = parts_fill(rq, m, &app, failures);
	if (s != STATUS_OK)
		return s;
	if (certificate_waits(&app, rq->now)) {
		struct model *news = model_section(m, "NEWS");
		model_setf(news, "NEWS_PATH", "/%s/%u/status", app.type, app.number);
		model_set(news, "ETAG", news_etag(rq, &app, failures));
	}
	if (request_query(rq, "saved"))
		model_show(m, "SAVED");
	deadline_notes_fill(rq, m, &app);
	reminders_fill(rq, m, &app);
	model_setf(m, "MEMO_PATH", "/%s/%u/memo", app.type, app.number);
	model_setf(m, "SELF_PATH", "/%s/%u", app.type, app.number);
	model_set(m, "MEMO", app.memo);
	model_set_int(m, "MEMO_MAX", MEMO_MAX);
	if (request_pause(rq)->paused)
		model_show(m, "MEMO_PAUSED");
	model_set(m, "CSRF", rq->csrf);
	return request_page(rq, "core/certificate.html", _("Certificate details"), m);
}

enum status certificate_news(struct request *rq)
{
	struct application app;
	struct certificate_failures failures;
	enum status s = certificate_find(rq, &app);

	if (s == STATUS_OK)
		s = certificate_failures_get(rq, &app, &failures);
	if (s != STATUS_OK)
		return s;
	const char *etag = news_etag(rq, &app, failures);
	const char *known = request_header(rq, "HTTP_IF_NONE_MATCH");
	request_secret(rq);
	if (known && strstr(known, etag))
		return request_not_modified(rq, etag);
	struct model *m = model_new(rq->arena);
	s = parts_fill(rq, m, &app, failures);
	if (s != STATUS_OK)
		return s;
	if (certificate_waits(&app, rq->now))
		model_show(m, "WAITS");
	request_set_header(rq, "ETag", etag);
	return request_fragment(rq, "core/certificate_news.html", m);
}

enum status certificate_memo(struct request *rq)
{
	struct application app;
	const char *memo = request_field(rq, "memo");
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	if (!memo)
		return cause(STATUS_INVALID, "no field memo");
	memo = text_trim(rq->arena, memo);
	if (memo[0] && !text_clean(memo, MEMO_MAX))
		return request_refuse(rq, cause(STATUS_INVALID, "memo too long or with control characters"),
			_("The memo was not saved: it may have at most 200 characters, on one line, without control characters."));
	s = application_set_memo(rq->db, rq->user->id, app.number, memo);
	if (s != STATUS_OK)
		return s;
	return request_redirect(rq, arena_printf(rq->arena, "/%s/%u?saved=1#memo", app.type, app.number));
}
