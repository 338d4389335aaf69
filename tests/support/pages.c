/* Asks the page handlers as a browser would, without nginx between. */
#include "support/pages.h"

#include <stdlib.h>
#include <unistd.h>

#include "pages/handlers.h"
#include "support/mariadb.h"
#include "support/view_strings.h"
#include "web/request_internal.h"
#include "web/session.h"

#define MUST(expr) ((expr) == STATUS_OK ? (void)0 : must(#expr))

static struct arena *arena;
static struct db *db;
static char clock_file[] = "/tmp/inkan-clock-XXXXXX";
static const char *body_rest;

static void must(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, cause_text());
	abort();
}

void pages_test_start(struct arena *a, const struct plugin *const *plugins)
{
	static const char *const domains[] = {"core", NULL};
	static const struct session_settings session = {.idle = 3650 * DAY, .absolute = 3650 * DAY};

	mariadb_start();
	arena = a;
	db = mariadb_db();
	view_strings_start(a);
	MUST(i18n_start(BINARY_DIR "/locales"));
	site_set(&(struct site){.base_url = "https://localhost:8443", .title_ja = "発行システム", .title_en = "Portal", .contact = ""});
	MUST(plugin_add(&core_plugin));
	for (; *plugins; plugins++)
		MUST(plugin_add(*plugins));
	MUST(view_start(SOURCE_DIR "/views", domains));
	MUST(router_add("core", core_plugin.routes));
	session_start(&session);
	pages_start();
	int file = mkstemp(clock_file);
	if (file < 0)
		must("mkstemp");
	close(file);
}

void pages_test_end(void)
{
	(void)pages_clock(0);
	unlink(clock_file);
	db_free(db);
	view_strings_end();
}

struct db *pages_test_db(void)
{
	return db;
}

bool pages_clock(when shift)
{
#ifdef INKAN_TEST
	FILE *file = fopen(clock_file, "w");

	if (!file)
		must("clock file");
	fprintf(file, "%lld\n", (long long)shift);
	fclose(file);
	clock_shift_file(clock_file);
	return true;
#else
	return shift == 0;
#endif
}

const char *pages_session(const struct user *user)
{
	char *token = crypto_token(arena, 32);

	MUST(session_insert(db, crypto_sha256(arena, bytes_string(token)), user->id, user->idp));
	return token;
}

const char *pages_csrf(const char *session)
{
	return text_base64url(arena, crypto_hmac(arena, bytes_string(session), bytes_string("csrf")));
}

static size_t body_read(void *from, char *to, size_t len)
{
	size_t n = strlen(body_rest);

	n = n < len ? n : len;
	memcpy(to, body_rest, n);
	body_rest += n;
	return n;
}

static struct answer ask(const char *lang, const char *session, const char *method, const char *uri, const char *body)
{
	const struct request_limits limits = {.body_max = 65536, .fields_max = 100, .params_max = 65536};
	const char *query = strchr(uri, '?');
	const char *path = query ? arena_stringn(arena, uri, (size_t)(query - uri)) : uri;
	char *params[] = {arena_printf(arena, "REQUEST_METHOD=%s", method), arena_printf(arena, "REQUEST_URI=%s", uri),
		arena_printf(arena, "DOCUMENT_URI=%s", path), arena_printf(arena, "QUERY_STRING=%s", query ? query + 1 : ""),
		arena_printf(arena, "HTTP_ACCEPT_LANGUAGE=%s", lang), arena_printf(arena, "HTTP_COOKIE=__Host-session=%s", session),
		*body ? arena_printf(arena, "CONTENT_LENGTH=%zu", strlen(body)) : arena_string(arena, "CONTENT_LENGTH="),
		"CONTENT_TYPE=application/x-www-form-urlencoded", "REMOTE_ADDR=192.0.2.1",
		"REQUEST_ID=0123456789abcdef0123456789abcdef", NULL};
	struct answer answer = {0};

	body_rest = body;
	struct request *rq = request_new(arena, db, &limits, params, (struct request_source){body_read, NULL});
	router_run(rq);
	answer.http = rq->parts->http;
	answer.page = arena_stringn(arena, (const char *)rq->parts->body.data, rq->parts->body.len);
	for (const struct header *h = rq->parts->headers; h; h = h->next) {
		if (text_same(h->name, "Location"))
			answer.location = h->value;
		if (text_same(h->name, "ETag"))
			answer.etag = h->value;
	}
	i18n_use(LANG_EN);
	return answer;
}

struct answer pages_get(const char *lang, const char *session, const char *path)
{
	return ask(lang, session, "GET", path, "");
}

struct answer pages_post(const char *session, const char *path, const char *form, const char *csrf)
{
	return ask("en", session, "POST", path,
		arena_printf(arena, "csrf=%s&%s", csrf ? csrf : pages_csrf(session), form));
}
