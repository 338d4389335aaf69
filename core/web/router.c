/* Finds who answers a request, decides whether it may be answered, and makes the page when something went wrong. */
#include "web/router.h"

#include "base/log.h"
#include "store/audit.h"
#include "store/session_store.h"
#include "web/request_internal.h"
#include "web/session.h"

/* Seconds after which a browser, or a program, may try again: database restarts take about that long. */
#define RETRY_AFTER "10"
#define LANG_COOKIE "lang"
#define LANG_COOKIE_AGE (365 * DAY)

static enum status (*pause_ask)(struct request *rq, struct site_pause *ret);

void router_pause(enum status (*ask)(struct request *rq, struct site_pause *ret))
{
	pause_ask = ask;
}

const struct route *request_route(const struct request *rq)
{
	return rq->parts->route;
}

const struct site_pause *request_pause(struct request *rq)
{
	struct site_pause *pause;

	if (rq->parts->pause)
		return rq->parts->pause;
	pause = arena_alloc(rq->arena, sizeof *pause);
	*pause = (struct site_pause){0};
	rq->parts->pause = pause; /* before asking: the answer may be an error page, which asks too */
	enum status s = pause_ask ? pause_ask(rq, pause) : STATUS_OK;
	if (s != STATUS_OK) {
		log_status(s, "whether the site is paused");
		*pause = (struct site_pause){0};
	}
	return pause;
}

/* --- The steps of a request ------------------------------------------------------------------------------------------------------ */

static bool is_get(const struct request *rq)
{
	return text_same(rq->method, "GET");
}

static void lang_choose(struct request *rq)
{
	enum lang lang;

	if (lang_parse(request_cookie(rq, LANG_COOKIE), &lang))
		rq->lang = lang;
	i18n_use(rq->lang);
}

/* The address of this page without ?lang=, as the browser wrote it. */
static char *path_without_lang(struct request *rq)
{
	struct text to = text_new(rq->arena, SIZE_MAX);
	const char *query = rq->parts->query_string;
	const char *separator = "?";

	text_add(&to, rq->parts->raw_path);
	while (*query) {
		size_t len = strcspn(query, "&");

		if (len && strncmp(query, "lang=", 5) != 0 && !(len == 4 && strncmp(query, "lang", 4) == 0)) {
			text_add(&to, separator);
			text_add_bytes(&to, query, len);
			separator = "&";
		}
		query += len;
		query += *query == '&';
	}
	return to.data;
}

/* ?lang=: the switch on every page. True: the response is a redirect to the same page without it. */
static bool lang_switch(struct request *rq, enum status *ret)
{
	const char *wanted = is_get(rq) ? request_query(rq, "lang") : NULL;
	/* Written with escapes it could not be taken out again, and would redirect for ever. */
	bool plain = strncmp(rq->parts->query_string, "lang=", 5) == 0 ||
		     strstr(rq->parts->query_string, "&lang=");
	enum lang lang;

	if (!wanted || !plain || !lang_parse(wanted, &lang))
		return false;
	request_set_cookie(rq, LANG_COOKIE, lang_code(lang), LANG_COOKIE_AGE, COOKIE_LAX);
	/* Mails follow the switch; if that cannot be stored now, the page still does. */
	if (rq->user && rq->user->lang != lang) {
		enum status s = session_set_lang(rq->db, rq->user->id, lang);

		if (s != STATUS_OK)
			log_status(s, "language of the mails");
	}
	rq->lang = lang;
	*ret = request_redirect(rq, path_without_lang(rq));
	return true;
}

static const char *address_here(const struct request *rq)
{
	const char *query = rq->parts->query_string;

	return arena_printf(rq->arena, "%s%s%s", rq->parts->raw_path, *query ? "?" : "", query);
}

static enum status log_in_first(struct request *rq)
{

	if (!is_get(rq)) {
		cause(STATUS_DENIED, "form without a session");
		rq->parts->log_in_again = true;
		return request_refuse(rq, STATUS_DENIED,
			_("Your session has ended, and nothing was done. Please log in and try again."));
	}
	/* A script that asks for news has no use for the log-in page. */
	if (rq->quiet) {
		cause(STATUS_DENIED, "news asked for without a session");
		return request_refuse(rq, STATUS_DENIED, _("Your session has ended. Please log in again."));
	}
	return request_redirect(
		rq, arena_printf(rq->arena, "/login?to=%s", text_url_encode(rq->arena, address_here(rq))));
}

/* Reads the form and checks its token. */
static enum status form_take(struct request *rq, const struct route *route)
{
	enum status s = request_read_form(rq, route->body_max ? route->body_max : rq->parts->limits.body_max);

	if (s != STATUS_OK || route->no_csrf_because || session_csrf_ok(rq))
		return s;
	cause(STATUS_DENIED, "the token of the form is missing or wrong");
	return request_refuse(rq, STATUS_DENIED,
		_("This form is no longer valid, and nothing was done. Please open the page again and repeat the step."));
}

/* With or without a final slash: what exists one way is found the other way too. */
static const char *path_twin(struct request *rq)
{
	const char *path = rq->path, *raw = rq->parts->raw_path;
	size_t len = strlen(path);
	bool slash = len > 1 && path[len - 1] == '/';
	const char *twin =
		slash ? arena_stringn(rq->arena, path, len - 1) : arena_printf(rq->arena, "%s/", path);
	const struct route *route = route_find("GET", twin);

	if (!is_get(rq) || !route || route->access == ACCESS_ADMIN)
		return NULL;
	return slash ? arena_stringn(rq->arena, raw, strlen(raw) - 1) : arena_printf(rq->arena, "%s/", raw);
}

/* To others an administrators' page does not exist by any method. */
static bool exists(const struct request *rq, const char *method)
{
	const struct route *route = route_find(method, rq->path);

	return route && (route->access != ACCESS_ADMIN || admin_listed(rq));
}

static enum status not_routed(struct request *rq)
{
	const char *query = rq->parts->query_string, *twin = path_twin(rq);
	bool get = exists(rq, "GET"), post = exists(rq, "POST");

	if (twin)
		return request_redirect(
			rq, arena_printf(rq->arena, "%s%s%s", twin, *query ? "?" : "", query));
	if (!get && !post)
		return cause(STATUS_MISSING, "no such page");
	request_set_header(rq, "Allow", get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST");
	cause(STATUS_INVALID, "the method is not allowed here");
	return request_fail(rq, STATUS_INVALID, 405, NULL);
}

static enum status paused(struct request *rq)
{
	const struct site_pause *pause = request_pause(rq);

	if (pause->until > rq->now)
		request_set_header(rq, "Retry-After", arena_printf(rq->arena, "%lld", (long long)((pause->until - rq->now) / SECOND + 1)));
	cause(STATUS_BUSY, "the site is paused");
	return request_fail(rq, STATUS_BUSY, 503,
		_("The site is under maintenance: this cannot be done at the moment, and nothing was done."));
}

static enum status route_run(struct request *rq, const struct route *route)
{
	enum status s;

	rq->parts->path_parts = route_parts(rq->arena, route->path, rq->path);
	if (route->access == ACCESS_ADMIN) {
		s = admin_enter(rq, route->right);
		if (s != STATUS_OK)
			return s;
	}
	if (route->access == ACCESS_USER && !rq->user)
		return log_in_first(rq);
	if (route->pauses && request_pause(rq)->paused)
		return paused(rq);
	if (!is_get(rq)) {
		s = form_take(rq, route);
		if (s != STATUS_OK)
			return s;
	}
	s = route->handle(rq);
	ASSERT(!rq->db || !db_in_transaction(rq->db));
	if (s == STATUS_OK && !rq->parts->http)
		return cause(STATUS_INTERNAL, "the handler made no response");
	/* Made, but not sent yet: without the trace it is not shown. */
	return s == STATUS_OK && route->words ? admin_searched(rq, route->words) : s;
}

static enum status request_run(struct request *rq)
{
	const struct route *route;
	enum status s = request_parse(rq), switched;

	if (s != STATUS_OK)
		return s;
	lang_choose(rq);
	route = route_find(rq->method, rq->path);
	rq->parts->route = route;
	rq->quiet = route && route->quiet;
	s = session_load(rq);
	if (s != STATUS_OK)
		return s;
	audit_context(rq->user ? rq->user->eppn : "anonymous", rq->id);
	if (lang_switch(rq, &switched))
		return switched;
	return route ? route_run(rq, route) : not_routed(rq);
}

/* --- Errors ---------------------------------------------------------------------------------------------------------------------- */

static const char *error_title(int http)
{
	switch (http) {
	case 401:
		return _("Administrators' password");
	case 403:
		return _("Not allowed");
	case 404:
		return _("Page not found");
	case 409:
		return _("Not possible now");
	case 502:
	case 503:
		return _("Not available at the moment");
	default:
		return http < 500 ? _("The request was not accepted") : _("An error occurred");
	}
}

static bool refused_by_pause(struct request *rq, int http)
{
	return http == 503 && rq->parts->route && rq->parts->route->pauses && request_pause(rq)->paused;
}

static void error_page(struct request *rq, int http, const char *sentence)
{
	struct model *m = model_new(rq->arena);

	model_set(m, "MESSAGE", sentence);
	model_set(m, "REFERENCE", rq->id);
	model_set_int(m, "CODE", http);
	if (rq->parts->log_in_again)
		model_show(m, "LOG_IN");
	if (http == 404)
		model_show(m, "NOT_FOUND");
	/* The same for every page that is not there, so it tells nothing of those that others would see. */
	if (http == 404 && !rq->user && is_get(rq))
		model_set(model_section(m, "LOG_IN_FIRST"), "TO", address_here(rq));
	if (refused_by_pause(rq, http))
		model_show(m, "PAUSED");
	else if (http >= 500)
		model_show(m, "OUR_FAULT");
	if (response_page(rq, http, "core/error.html", error_title(http), m) == STATUS_OK)
		return;
	/* Not even that page could be made: words alone are better than nothing. */
	log_status(STATUS_INTERNAL, "error page");
	const char *plain = arena_printf(rq->arena, "%s\n\n%s\n\n%s\n", error_title(http), sentence, rq->id);
	response_body(rq, http, "text/plain; charset=utf-8", bytes_string(plain));
}

static void request_failed(struct request *rq, enum status s)
{
	int http = rq->parts->refuse_http ? rq->parts->refuse_http : status_http(s);
	const char *method = rq->parts->head ? "HEAD" : rq->method;
	const struct route *route = rq->parts->route;
	static const char *const kept[] = {"Allow", "Retry-After", "WWW-Authenticate"}; /* they belong to the refusal itself */
	const struct header *headers = rq->parts->headers;

	/* The pattern, not the path: some paths are secrets. */
	log_status(s, arena_printf(rq->arena, "%s %s", method, route ? route->path : "(no route)"));
	response_drop(rq);
	if (http == 503)
		request_set_header(rq, "Retry-After", RETRY_AFTER);
	for (const struct header *h = headers; h; h = h->next)
		for (size_t i = 0; i < COUNT_OF(kept) && rq->parts->refuse_http; i++)
			if (text_same(h->name, kept[i]))
				request_set_header(rq, h->name, h->value);
	i18n_use(rq->lang);
	error_page(
		rq, http, rq->parts->sentence ? rq->parts->sentence : i18n_text("core", status_sentence(s)));
}

void router_run(struct request *rq)
{
	enum status s;

	log_context(rq->id);
	audit_context("anonymous", rq->id);
	cause_clear();
	i18n_use(rq->lang);
	s = request_run(rq);
	if (s != STATUS_OK)
		request_failed(rq, s);
}
