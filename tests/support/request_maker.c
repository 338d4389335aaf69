/* Makes requests from parameters and catches what is written as response. */
#include "support/request_maker.h"

struct request_limits request_maker_limits = {.body_max = 1024, .fields_max = 8, .params_max = 4096};

struct body {
	const char *data;
	size_t len;
};

static size_t body_read(void *from, char *to, size_t len)
{
	struct body *b = from;
	size_t n = len < b->len ? len : b->len;

	memcpy(to, b->data, n);
	b->data += n;
	b->len -= n;
	return n;
}

struct request *request_make_raw(
	struct arena *a, struct db *db, const void *body, size_t len, const char *const *params)
{
	size_t n = 0;
	struct body *b = arena_alloc(a, sizeof *b);
	char **copies;

	while (params[n])
		n++;
	copies = arena_array(a, n + 1, sizeof *copies);
	for (size_t i = 0; i < n; i++)
		copies[i] = arena_string(a, params[i]);
	*b = (struct body){.data = arena_copy(a, body, len), .len = len};
	return request_new(
		a, db, &request_maker_limits, copies, (struct request_source){.read = body_read, .from = b});
}

static struct request *make(struct arena *a, struct db *db, const char *method, const char *uri,
	const char *cookies, const char *form)
{
	const char *const params[] = {
		arena_printf(a, "REQUEST_METHOD=%s", method),
		arena_printf(a, "REQUEST_URI=%s", uri),
		arena_printf(a, "CONTENT_LENGTH=%zu", strlen(form)),
		"CONTENT_TYPE=application/x-www-form-urlencoded",
		"REMOTE_ADDR=192.0.2.7",
		"REQUEST_ID=0123456789abcdef0123456789abcdef",
		"HTTP_ACCEPT_LANGUAGE=en",
		cookies ? arena_printf(a, "HTTP_COOKIE=%s", cookies) : NULL,
		NULL,
	};

	return request_make_raw(a, db, form, strlen(form), params);
}

struct request *request_make_get(struct arena *a, struct db *db, const char *uri, const char *cookies)
{
	return make(a, db, "GET", uri, cookies, "");
}

struct request *request_make_post(
	struct arena *a, struct db *db, const char *uri, const char *cookies, const char *form)
{
	return make(a, db, "POST", uri, cookies, form);
}

static bool text_write(void *to, const void *data, size_t len)
{
	text_add_bytes(to, data, len);
	return true;
}

const char *response_text(struct request *rq)
{
	struct text t = text_new(rq->arena, 1 << 20);

	if (!response_write(rq, (struct request_sink){.write = text_write, .to = &t}))
		abort();
	return t.data;
}

const char *response_header(struct arena *a, const char *response, const char *name, unsigned n)
{
	const char *end = strstr(response, "\r\n\r\n");
	size_t len = strlen(name);

	for (const char *s = response; end && s < end + 2; s = strstr(s, "\r\n") + 2)
		if (strncasecmp(s, name, len) == 0 && s[len] == ':' && n-- == 0)
			return arena_stringn(a, s + len + 2, strcspn(s + len + 2, "\r"));
	return NULL;
}
