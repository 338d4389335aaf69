/* Makes responses: pages in the layout, fragments, redirects, files, and the headers around them. */
#include "web/request_internal.h"

#include "base/log.h"

/* What all response headers together may have: nginx reads them into fastcgi_buffer_size, which must not be less. */
#define HEADERS_BYTES_MAX 16384
/* A signed SAML request takes about 3 KB. */
#define LOCATION_BYTES_MAX 8192
#define TYPE_HTML "text/html; charset=utf-8"

static void (*fill_layout)(struct request *rq, struct model *layout);

void router_layout(void (*fill)(struct request *rq, struct model *layout))
{
	fill_layout = fill;
}

void response_body(struct request *rq, int http, const char *content_type, struct bytes body)
{
	rq->parts->http = http;
	rq->parts->body = body;
	if (content_type)
		request_set_header(rq, "Content-Type", content_type);
}

void response_drop(struct request *rq)
{
	rq->parts->http = 0;
	rq->parts->headers = NULL;
	rq->parts->body = (struct bytes){0};
	rq->parts->stream = NULL;
	rq->parts->form_origins = "";
	/* Of a response that is not sent nothing must be recorded as sent. */
	rq->parts->after = NULL;
}

static struct model *model_common(struct request *rq)
{
	struct model *m = model_new(rq->arena);

	model_set(m, "LANG", lang_code(rq->lang));
	model_set(m, "CSRF", rq->csrf);
	return m;
}

enum status response_page(struct request *rq, int http, const char *view, const char *title, struct model *m)
{
	struct model *layout = model_common(rq);
	struct bytes body;
	enum status s;

	model_set(layout, "TITLE", title);
	if (fill_layout)
		fill_layout(rq, layout);
	model_adopt(layout, MODEL_NAME("BODY"), view, m ? m : model_new(rq->arena));
	s = view_render(rq->arena, "core/layout.html", rq->lang, layout, &body);
	if (s == STATUS_OK)
		response_body(rq, http, TYPE_HTML, body);
	return s;
}

enum status request_page(struct request *rq, const char *view, const char *title, struct model *m)
{
	return response_page(rq, 200, view, title, m);
}

enum status request_page_code(
	struct request *rq, int http, const char *view, const char *title, struct model *m)
{
	ASSERT(http >= 200 && http <= 599);
	return response_page(rq, http, view, title, m);
}

enum status request_fragment(struct request *rq, const char *view, struct model *m)
{
	struct model *root = m ? m : model_new(rq->arena);
	struct bytes body;
	enum status s;

	model_inherit(root, model_common(rq));
	s = view_render(rq->arena, view, rq->lang, root, &body);
	if (s == STATUS_OK)
		response_body(rq, 200, TYPE_HTML, body);
	return s;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s <= 0x20 || *s > 0x7e)
			return false;
	return true;
}

static enum status redirect(struct request *rq, const char *url)
{
	if (strlen(url) > LOCATION_BYTES_MAX)
		return cause(
			STATUS_INVALID, "redirect to an address longer than %d bytes", LOCATION_BYTES_MAX);
	request_set_header(rq, "Location", url);
	response_body(rq, 303, NULL, (struct bytes){0});
	return STATUS_OK;
}

enum status request_redirect(struct request *rq, const char *to)
{
	/* "//host" and "/\host" are other hosts to a browser. */
	if (to[0] != '/' || to[1] == '/' || to[1] == '\\' || !printable(to))
		return cause(STATUS_INTERNAL, "redirect to what is not a path of ours");
	return redirect(rq, to);
}

enum status request_redirect_out(struct request *rq, const char *url)
{
	if (!text_starts(url, "https://") || !printable(url))
		return cause(STATUS_INTERNAL, "redirect to what is not an https address");
	return redirect(rq, url);
}

static void attachment(struct request *rq, const char *filename)
{
	char *safe = arena_string(rq->arena, filename);

	for (char *s = safe; *s; s++)
		if (*s <= 0x20 || *s > 0x7e || strchr("\"\\/%;", *s))
			*s = '_';
	request_set_header(
		rq, "Content-Disposition", arena_printf(rq->arena, "attachment; filename=\"%s\"", safe));
}

enum status request_send(
	struct request *rq, const char *content_type, const char *filename, struct bytes body)
{
	if (filename)
		attachment(rq, filename);
	response_body(rq, 200, content_type, body);
	return STATUS_OK;
}

/* Whether the browser says that a page of another site led here (Fetch Metadata): no link or picture there may hold workers, or fill the
 * places of those who want an export. A browser that says nothing, as old ones and programs do, is served. */
static bool led_by_another_site(const struct request *rq)
{
	const char *site = request_header(rq, "HTTP_SEC_FETCH_SITE");

	return site && !text_same(site, "same-origin") && !text_same(site, "none");
}

enum status request_stream(struct request *rq, const char *content_type, const char *filename,
	enum status (*next)(struct request *rq, struct arena *a, void *context, struct bytes *ret), void *context)
{
	if (led_by_another_site(rq))
		return request_refuse(rq, cause(STATUS_DENIED, "a long answer, asked for from a page of another site"),
			_("This file can be asked for on its own page only. Please open that page and choose it there."));
	if (filename)
		attachment(rq, filename);
	response_body(rq, 200, content_type, (struct bytes){0});
	rq->parts->stream = next;
	rq->parts->stream_context = context;
	return STATUS_OK;
}

enum status request_not_modified(struct request *rq, const char *etag)
{
	request_set_header(rq, "ETag", etag);
	response_body(rq, 304, NULL, (struct bytes){0});
	return STATUS_OK;
}

static bool header_valid(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static void header_put(struct request *rq, struct header **list, const char *name, const char *value)
{
	struct header **at = list;

	ASSERT(header_valid(name) && header_valid(value));
	while (*at && strcasecmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at)
		*at = arena_alloc(rq->arena, sizeof **at);
	(*at)->name = arena_string(rq->arena, name);
	(*at)->value = arena_string(rq->arena, value);
}

void request_set_header(struct request *rq, const char *name, const char *value)
{
	header_put(rq, &rq->parts->headers, name, value);
}

void request_set_cookie(
	struct request *rq, const char *name, const char *value, when age, enum cookie_site site)
{
	const char *full = arena_printf(rq->arena, "__Host-%s", name);
	const char *lifetime = "";

	ASSERT(!value || (printable(value) && !strpbrk(value, "\",;\\")));
	if (!value)
		lifetime = "; Max-Age=0";
	else if (age > 0)
		lifetime = arena_printf(rq->arena, "; Max-Age=%lld", (long long)(age / SECOND));
	header_put(rq, &rq->parts->cookies_set, full,
		arena_printf(rq->arena, "%s=%s; Path=/; Secure; HttpOnly; SameSite=%s%s", full,
			value ? value : "", site == COOKIE_NONE ? "None" : "Lax", lifetime));
}

void request_secret(struct request *rq)
{
	rq->parts->secret = true;
}

void request_allow_form(struct request *rq, const char *origin)
{
	ASSERT(text_starts(origin, "https://") && printable(origin) && !strpbrk(origin, ";,'\"*"));
	rq->parts->form_origins = arena_printf(rq->arena, "%s %s", rq->parts->form_origins, origin);
}

void request_after(
	struct request *rq, void (*call)(struct request *rq, bool complete, void *context), void *context)
{
	struct after **at = &rq->parts->after;

	while (*at)
		at = &(*at)->next;
	*at = arena_alloc(rq->arena, sizeof **at);
	**at = (struct after){.call = call, .context = context};
}

void response_after(struct request *rq, bool complete)
{
	/* To HEAD only the headers went out: whoever counts deliveries must not count that. */
	for (const struct after *after = rq->parts->after; after; after = after->next)
		after->call(rq, complete && !rq->parts->head, after->context);
}

static const char *reason_phrase(int http)
{
	static const struct {
		int http;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{411, "Length Required"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < COUNT_OF(phrases); i++)
		if (phrases[i].http == http)
			return phrases[i].phrase;
	return "Other";
}

/* Headers that every response has; what the handler set itself stands, but for secret pages. */
static void headers_complete(struct request *rq)
{
	struct request_parts *p = rq->parts;
	const struct header defaults[] = {
		{.name = "Cache-Control", .value = p->secret ? "no-store" : "no-cache, private"},
		{.name = "Referrer-Policy", .value = p->secret ? "no-referrer" : "same-origin"},
		{.name = "X-Content-Type-Options", .value = "nosniff"},
		{.name = "Content-Security-Policy",
			.value = arena_printf(rq->arena,
				"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
				"font-src 'self'; connect-src 'self'; form-action 'self'%s; frame-ancestors 'none'; "
				"base-uri 'none'",
				p->form_origins)},
	};

	for (size_t i = 0; i < COUNT_OF(defaults); i++) {
		const struct header *set = p->headers;

		while (set && strcasecmp(set->name, defaults[i].name) != 0)
			set = set->next;
		if (!set || p->secret)
			request_set_header(rq, defaults[i].name, defaults[i].value);
	}
	if (p->http != 304 && !p->stream)
		request_set_header(rq, "Content-Length", arena_printf(rq->arena, "%zu", p->body.len));
}

static bool stream_write(struct request *rq, struct request_sink sink)
{
	struct request_parts *p = rq->parts;
	struct arena *a = arena_new();
	bool written = true;

	for (struct bytes piece = {0}; written && !p->cut; p->streamed += piece.len) {
		arena_reset(a);
		piece = (struct bytes){0};
		enum status s = p->stream(rq, a, p->stream_context, &piece);
		if (s != STATUS_OK) {
			log_status(s, "a long answer, cut off");
			p->cut = true;
		}
		if (p->cut || piece.len == 0)
			break;
		written = sink.write(sink.to, piece.data, piece.len);
	}
	arena_free(a);
	return written && !p->cut;
}

bool response_write(struct request *rq, struct request_sink sink)
{
	struct request_parts *p = rq->parts;
	struct text head = text_new(rq->arena, HEADERS_BYTES_MAX);
	static const char too_large[] = "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

	headers_complete(rq);
	text_addf(&head, "Status: %d %s\r\n", p->http, reason_phrase(p->http));
	for (const struct header *h = p->headers; h; h = h->next)
		text_addf(&head, "%s: %s\r\n", h->name, h->value);
	for (const struct header *h = p->cookies_set; h; h = h->next)
		text_addf(&head, "Set-Cookie: %s\r\n", h->value);
	text_add(&head, "\r\n");
	if (head.full) {
		log_error("response, its headers have more than %d bytes", HEADERS_BYTES_MAX);
		return sink.write(sink.to, too_large, sizeof too_large - 1);
	}
	if (p->stream && !p->head)
		return sink.write(sink.to, head.data, head.len) && stream_write(rq, sink);
	return sink.write(sink.to, head.data, head.len) &&
	       (p->head || sink.write(sink.to, p->body.data, p->body.len));
}
