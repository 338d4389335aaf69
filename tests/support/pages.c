/* Asks the page handlers as a browser would, without nginx between. */
#include "support/pages.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/password.h"
#include "pages/handlers.h"
#include "support/mariadb.h"
#include "support/view_strings.h"
#include "web/request_internal.h"
#include "web/session.h"

#define MUST(expr) ((expr) == STATUS_OK ? (void)0 : must(#expr))

static struct arena *arena;
static struct db *db, *used;
static const char *body_rest, *authorization, *fetch_site, *none_match, *body_type;
static size_t body_left;
static char *passwords;

static void must(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, cause_text());
	abort();
}

/* Who is an administrator, and with what password. */
static void admins_start(void)
{
	static const char *const full[] = {PAGES_ADMIN, NULL}, *const help_desk[] = {PAGES_HELP_DESK, NULL},
				*const auditors[] = {PAGES_AUDITOR, NULL};

	passwords = arena_printf(arena, "%s/passwords", mariadb_dir());
	MUST(password_set(arena, passwords, PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD));
	const struct admin_settings settings = {.full = full, .help_desk = help_desk, .auditors = auditors, .passwords = passwords};
	MUST(admin_start(&settings));
}

static bool has_views(const char *name)
{
	return access(arena_printf(arena, SOURCE_DIR "/views/%s", name), F_OK) == 0;
}

/* The views, texts, tables and routes of every plugin that has some. */
static void plugins_start(void)
{
	const char **domains = arena_array(arena, plugin_count() + 1, sizeof *domains);
	size_t n = 0;

	for (size_t i = 0; i < plugin_count(); i++) {
		const char *name = plugin_at(i)->name;
		if (has_views(name))
			domains[n++] = name;
		if (access(arena_printf(arena, SOURCE_DIR "/migrations/%s", name), F_OK) == 0)
			mariadb_migrate(name);
		i18n_domain(name);
		MUST(router_add(name, plugin_at(i)->routes));
	}
	domains[n] = NULL;
	MUST(view_start(SOURCE_DIR "/views", domains));
}

struct arena *pages_test_open(const struct plugin *const *plugins, const char *const *names, struct db **ret_db)
{
	static const struct session_settings session = {.idle = 3650 * DAY, .absolute = 3650 * DAY};

	mariadb_start();
	arena = arena_new();
	db = mariadb_db();
	view_strings_start(arena);
	MUST(i18n_start(BINARY_DIR "/locales"));
	site_set(&(struct site){.base_url = "https://localhost:8443", .title_ja = "発行システム", .title_en = "Portal", .contact = ""});
	MUST(plugin_add(&core_plugin));
	for (; plugins && *plugins; plugins++)
		MUST(plugin_add(*plugins));
	if (names)
		MUST(plugin_load(BINARY_DIR "/plugins", names, true));
	plugins_start();
	admins_start();
	session_start(&session);
	pages_start();
	*ret_db = db;
	return arena;
}

int pages_test_close(void **state)
{
	(void)pages_clock(0);
	db_free(db);
	view_strings_end();
	arena_free(arena);
	return 0;
}

void pages_test_use(struct db *other)
{
	used = other;
}

bool pages_clock(when shift)
{
#ifdef INKAN_TEST
	struct arena *a = arena_new();

	clock_shift_file(mariadb_file(a, "shift", arena_printf(a, "%lld\n", (long long)shift)));
	arena_free(a);
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

const char *pages_admin_session(const struct user *user)
{
	const char *token = pages_session(user);
	char *proof;
	struct bytes digest;

	MUST(password_check(arena, passwords, PAGES_BASIC_NAME, PAGES_BASIC_PASSWORD, &proof));
	if (!text_unhex(arena, proof, &digest))
		must("proof");
	MUST(session_set_admin(db, crypto_sha256(arena, bytes_string(token)), digest));
	return token;
}

void pages_authorization(const char *value)
{
	authorization = value;
}

void pages_fetch_site(const char *value)
{
	fetch_site = value;
}

void pages_none_match(const char *value)
{
	none_match = value;
}

const char *pages_csrf(const char *session)
{
	return text_base64url(arena, crypto_hmac(arena, bytes_string(session), bytes_string("csrf")));
}

static size_t body_read(void *from, char *to, size_t len)
{
	size_t n = body_left < len ? body_left : len;

	memcpy(to, body_rest, n);
	body_rest += n;
	body_left -= n;
	return n;
}

/* A streamed answer, whole: as the worker would send it. */
static void stream_drain(struct request *rq, struct answer *ret)
{
	struct text all = text_new(arena, (size_t)64 << 20);
	struct arena *piece = arena_new();
	struct bytes bytes = {0};

	do {
		arena_reset(piece);
		bytes = (struct bytes){0};
		if (rq->parts->stream(rq, piece, rq->parts->stream_context, &bytes) != STATUS_OK)
			must("a stream");
		text_add_bytes(&all, bytes.data, bytes.len);
	} while (bytes.len);
	arena_free(piece);
	ret->page = all.data;
	ret->len = all.len;
	response_after(rq, true);
}

static struct answer ask(const char *lang, const char *session, const char *method, const char *uri, const char *body, size_t len)
{
	const struct request_limits limits = {.body_max = 65536, .fields_max = 100, .params_max = 65536};
	const char *query = strchr(uri, '?');
	const char *path = query ? arena_stringn(arena, uri, (size_t)(query - uri)) : uri;
	char *params[] = {arena_printf(arena, "REQUEST_METHOD=%s", method), arena_printf(arena, "REQUEST_URI=%s", uri),
		arena_printf(arena, "DOCUMENT_URI=%s", path), arena_printf(arena, "QUERY_STRING=%s", query ? query + 1 : ""),
		arena_printf(arena, "HTTP_ACCEPT_LANGUAGE=%s", lang), arena_printf(arena, "HTTP_COOKIE=__Host-session=%s", session),
		len ? arena_printf(arena, "CONTENT_LENGTH=%zu", len) : arena_string(arena, "CONTENT_LENGTH="),
		arena_printf(arena, "CONTENT_TYPE=%s", body_type ? body_type : "application/x-www-form-urlencoded"), "REMOTE_ADDR=192.0.2.1",
		"REQUEST_ID=0123456789abcdef0123456789abcdef",
		authorization ? arena_printf(arena, "HTTP_AUTHORIZATION=%s", authorization) : arena_string(arena, "HTTP_X_NONE="),
		fetch_site ? arena_printf(arena, "HTTP_SEC_FETCH_SITE=%s", fetch_site) : arena_string(arena, "HTTP_X_NONE="),
		none_match ? arena_printf(arena, "HTTP_IF_NONE_MATCH=%s", none_match) : NULL, NULL};
	struct answer answer = {0};

	body_rest = body;
	body_left = len;
	struct arena *own = arena_new(); /* a request's, gone with what it holds */
	struct request *rq = request_new(own, used ? used : db, &limits, params, (struct request_source){body_read, NULL});
	router_run(rq);
	answer.http = rq->parts->http;
	answer.page = arena_stringn(arena, (const char *)rq->parts->body.data, rq->parts->body.len);
	for (const struct header *h = rq->parts->headers; h; h = h->next) {
		if (text_same(h->name, "Location"))
			answer.location = arena_string(arena, h->value);
		if (text_same(h->name, "ETag"))
			answer.etag = arena_string(arena, h->value);
		if (text_same(h->name, "Retry-After"))
			answer.retry_after = arena_string(arena, h->value);
		if (text_same(h->name, "WWW-Authenticate"))
			answer.challenge = arena_string(arena, h->value);
		if (text_same(h->name, "Content-Disposition"))
			answer.disposition = arena_string(arena, h->value);
	}
	answer.len = rq->parts->body.len;
	if (rq->parts->stream)
		stream_drain(rq, &answer);
	arena_free(own);
	i18n_use(LANG_EN);
	return answer;
}

bool says(struct answer answer, const char *text)
{
	return strstr(answer.page, text) != NULL;
}

struct answer pages_get(const char *lang, const char *session, const char *path)
{
	return ask(lang, session, "GET", path, "", 0);
}

struct answer pages_post(const char *session, const char *path, const char *form, const char *csrf)
{
	const char *body = arena_printf(arena, "csrf=%s&%s", csrf ? csrf : pages_csrf(session), form);

	return ask("en", session, "POST", path, body, strlen(body));
}

struct answer pages_send(const char *session, const char *path, const char *type, struct bytes body)
{
	body_type = type;
	struct answer answer = ask("en", session, "POST", path, (const char *)body.data, body.len);
	body_type = NULL;
	return answer;
}
