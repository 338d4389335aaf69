/* Reads a request: checks the parameters that nginx passes, the query, the cookies and the form. */
#include "web/request_internal.h"

#include "base/crypto.h"
#include "web/upload.h"

/* nginx logs the same id; longer or other text than it makes is not from nginx. */
#define ID_DIGITS 32
#define ID_BYTES 16
/* Ours are far shorter; browsers and proxies are only sure to carry 2,000. */
#define PATH_BYTES_MAX 2048
#define QUERY_BYTES_MAX 8192
#define REMOTE_BYTES_MAX 64

/* For the few that are needed whether or not the request is in order. */
static const char *param_scan(char *const *params, const char *name)
{
	size_t len = strlen(name);

	for (; *params; params++)
		if (strncmp(*params, name, len) == 0 && (*params)[len] == '=')
			return *params + len + 1;
	return NULL;
}

static const char *id_checked(struct arena *a, const char *id)
{
	uint8_t made[ID_BYTES];

	if (id && *id && strlen(id) <= ID_DIGITS && strspn(id, "0123456789abcdefABCDEF") == strlen(id))
		return arena_string(a, id);
	crypto_random(made, sizeof made);
	return text_hex(a, bytes_of(made, sizeof made));
}

static const char *remote_checked(struct arena *a, const char *remote)
{
	if (remote && *remote && strlen(remote) <= REMOTE_BYTES_MAX &&
		strspn(remote, "0123456789abcdefABCDEF.:%") == strlen(remote))
		return arena_string(a, remote);
	return "-";
}

struct request *request_new(struct arena *a, struct db *db, const struct request_limits *limits,
	char *const *params, struct request_source source)
{
	struct request *rq = arena_alloc(a, sizeof *rq);

	rq->parts = arena_alloc(a, sizeof *rq->parts);
	*rq->parts = (struct request_parts){
		.limits = *limits,
		.source = source,
		.envp = params,
		.raw_path = "/",
		.query_string = "",
		.form_origins = "",
	};
	rq->arena = a;
	rq->db = db;
	rq->id = id_checked(a, param_scan(params, "REQUEST_ID"));
	rq->remote = remote_checked(a, param_scan(params, "REMOTE_ADDR"));
	rq->lang = lang_accept(param_scan(params, "HTTP_ACCEPT_LANGUAGE"), LANG_JA);
	rq->now = clock_now();
	rq->method = "-";
	rq->path = "/";
	rq->csrf = "";
	return rq;
}

static enum status method_parse(struct request *rq)
{
	const char *method = pairs_find(&rq->parts->params, "REQUEST_METHOD");

	if (text_same(method, "HEAD")) {
		rq->parts->head = true;
		rq->method = "GET";
	} else if (text_same(method, "GET")) {
		rq->method = "GET";
	} else if (text_same(method, "POST")) {
		rq->method = "POST";
	} else if (method && *method) {
		rq->method =
			"other"; /* the router answers 405; its name is the sender's and no use in the log */
	} else {
		return cause(STATUS_INVALID, "no REQUEST_METHOD");
	}
	return STATUS_OK;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 section 2.1. Unlike in a form, a plus is a plus. NULL: a bad escape. */
static char *segment_decode(struct arena *a, const char *s, size_t len)
{
	char *text = arena_alloc(a, len + 1), *to = text;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			*to++ = s[i];
			continue;
		}
		if (len - i < 3)
			return NULL;
		high = hex_digit(s[i + 1]);
		low = hex_digit(s[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		*to++ = (char)(high << 4 | low);
		i += 2;
	}
	return text;
}

/* A segment that could mean another path to somebody on the way (dots, slashes of either kind, controls) is refused. */
static bool segment_valid(const char *s)
{
	return text_utf8_valid(s, strlen(s)) && text_clean(s, PATH_BYTES_MAX) && !strpbrk(s, "/\\") &&
	       !text_same(s, ".") && !text_same(s, "..");
}

static enum status path_parse(struct request *rq, const char *raw, size_t len)
{
	struct text path = text_new(rq->arena, PATH_BYTES_MAX);

	if (len == 0 || len > PATH_BYTES_MAX || raw[0] != '/')
		return cause(STATUS_INVALID, "path is not absolute, or longer than %d bytes", PATH_BYTES_MAX);
	rq->parts->raw_path = arena_stringn(rq->arena, raw, len);
	for (const char *s = rq->parts->raw_path; *s;) {
		size_t segment = strcspn(++s, "/"); /* s stood on a slash */
		char *decoded = segment_decode(rq->arena, s, segment);
		bool last = s[segment] == '\0';

		/* Only the last one may be empty: that is a final slash. */
		if (!decoded || (segment ? !segment_valid(decoded) : !last))
			return cause(
				STATUS_INVALID, "path has a bad escape, or a segment that is not allowed");
		text_add(&path, "/");
		text_add(&path, decoded);
		s += segment;
	}
	rq->path = path.data;
	return STATUS_OK;
}

static enum status uri_parse(struct request *rq)
{
	const char *uri = pairs_find(&rq->parts->params, "REQUEST_URI");
	size_t path;

	if (!uri)
		return cause(STATUS_INVALID, "no REQUEST_URI");
	for (const char *s = uri; *s; s++)
		if (*s <= 0x20 || *s > 0x7e)
			return cause(
				STATUS_INVALID, "REQUEST_URI has bytes that must be escaped in an address");
	path = strcspn(uri, "?");
	if (uri[path] == '?') {
		const char *query = uri + path + 1;

		if (strlen(query) > QUERY_BYTES_MAX)
			return cause(STATUS_INVALID, "query longer than %d bytes", QUERY_BYTES_MAX);
		rq->parts->query_string = arena_string(rq->arena, query);
	}
	return path_parse(rq, uri, path);
}

enum status request_parse(struct request *rq)
{
	struct request_parts *p = rq->parts;
	const char *cookies;
	enum status s = pairs_params(rq->arena, p->envp, p->limits.params_max, &p->params);

	if (s == STATUS_OK)
		s = method_parse(rq);
	if (s == STATUS_OK)
		s = uri_parse(rq);
	if (s != STATUS_OK)
		return s;
	cookies = pairs_find(&p->params, "HTTP_COOKIE");
	p->cookies = pairs_cookies(rq->arena, cookies ? cookies : "");
	return pairs_form(
		rq->arena, p->query_string, strlen(p->query_string), p->limits.fields_max, &p->query);
}

enum status request_fail(struct request *rq, enum status s, int http, const char *sentence)
{
	rq->parts->refuse_http = http;
	rq->parts->sentence = sentence ? arena_string(rq->arena, sentence) : NULL;
	return s;
}

enum status request_refuse(struct request *rq, enum status s, const char *sentence)
{
	return request_fail(rq, s, 0, sentence);
}

static bool form_type(const char *type)
{
	static const char form[] = "application/x-www-form-urlencoded";
	size_t len = sizeof form - 1;

	return type && strncasecmp(type, form, len) == 0 && (!type[len] || strchr("; \t", type[len]));
}

enum status request_read_form(struct request *rq, int64_t max)
{
	struct request_parts *p = rq->parts;
	const char *length = pairs_find(&p->params, "CONTENT_LENGTH");
	int64_t len = 0;
	char *data, more;

	if (length && *length && !text_int(length, 0, INT64_MAX, &len))
		return cause(STATUS_INVALID, "CONTENT_LENGTH is not a number");
	if (len > max) {
		cause(STATUS_INVALID, "body of %lld bytes, %lld are allowed", (long long)len, (long long)max);
		return request_fail(
			rq, STATUS_INVALID, 413, _("What was sent is too large. Nothing was changed."));
	}
	if (len && p->route && p->route->upload && upload_type(pairs_find(&p->params, "CONTENT_TYPE")))
		return upload_read(rq, &p->source, pairs_find(&p->params, "CONTENT_TYPE"), (size_t)len, &p->fields);
	if (len && !form_type(pairs_find(&p->params, "CONTENT_TYPE"))) {
		cause(STATUS_INVALID, "body is not a form");
		return request_fail(rq, STATUS_INVALID, 415, NULL);
	}
	data = arena_alloc(rq->arena, (size_t)len + 1);
	if (len && p->source.read(p->source.from, data, (size_t)len) < (size_t)len)
		return cause(STATUS_INVALID, "body ended before its %lld bytes were there", (long long)len);
	/* A body of unknown length has none announced; nginx counts chunked ones before it sends them. */
	if (p->source.read(p->source.from, &more, 1) > 0) {
		cause(STATUS_INVALID, "body is longer than the %lld bytes announced", (long long)len);
		return request_fail(rq, STATUS_INVALID, 411, NULL);
	}
	return pairs_form(rq->arena, data, (size_t)len, p->limits.fields_max, &p->fields);
}

const char *request_query(const struct request *rq, const char *name)
{
	return pairs_find(&rq->parts->query, name);
}

enum status request_query_number(const struct request *rq, const char *name, int64_t max, uint64_t *ret)
{
	const char *value = request_query(rq, name);
	int64_t number = 0;

	if (value && !text_int(value, 1, max, &number))
		return cause(STATUS_INVALID, "query %s is not a number", name);
	*ret = (uint64_t)number;
	return STATUS_OK;
}

const char *request_field(const struct request *rq, const char *name)
{
	return pairs_find(&rq->parts->fields, name);
}

const char *request_cookie(const struct request *rq, const char *name)
{
	return pairs_find(&rq->parts->cookies, arena_printf(rq->arena, "__Host-%s", name));
}

const char *request_header(const struct request *rq, const char *fcgi_name)
{
	const char *value = pairs_find(&rq->parts->params, fcgi_name);

	return value && text_utf8_valid(value, strlen(value)) ? value : NULL;
}

const char *request_part(const struct request *rq, const char *name)
{
	const struct pairs *parts = &rq->parts->path_parts;

	for (size_t i = 0; i < parts->n; i++)
		if (text_same(parts->items[i].name, name))
			return parts->items[i].value;
	return NULL;
}

bool request_part_number(const struct request *rq, const char *name, unsigned *ret)
{
	const char *value = request_part(rq, name);
	int64_t number;

	/* One spelling only: a thing has one address. */
	if (!value || (value[0] == '0' && value[1]) || !text_int(value, 0, UINT32_MAX, &number) ||
		value[0] == '-')
		return false;
	*ret = (unsigned)number;
	return true;
}

const char *request_query_string(const struct request *rq)
{
	return rq->parts->query_string;
}
