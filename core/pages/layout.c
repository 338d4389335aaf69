/* The layout around every page: site, user, account menu, language switch, addresses of the static files. */
#include "pages/handlers.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* Digits of the digest in the addresses of static files: enough to differ from one release to the next. */
#define VERSION_DIGITS 12
/* No static file of ours is larger; what is, counts with its beginning. */
#define STATIC_MAX (1024 * 1024)

static char version[VERSION_DIGITS + 1] = "0";

static bool file_digest(struct arena *a, int dir, const char *name, uint8_t *sum)
{
	uint8_t *data = arena_alloc(a, STATIC_MAX);
	size_t len = 0;
	ssize_t n;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while (len < STATIC_MAX && (n = read(fd, data + len, STATIC_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	/* Added up, because the order of a directory is any. */
	const uint8_t *digest = crypto_sha256(a, bytes_of(data, len)).data;
	for (size_t i = 0; i < CRYPTO_DIGEST; i++)
		sum[i] = (uint8_t)(sum[i] + digest[i]);
	return true;
}

void layout_start(void)
{
	snprintf(version, sizeof version, "%llx", (unsigned long long)(clock_now() / SECOND));
}

void layout_assets(const char *view_dir)
{
	struct arena *a = arena_new();
	uint8_t sum[CRYPTO_DIGEST] = {0};
	DIR *dir = opendir(arena_printf(a, "%s/core/static", view_dir));
	bool any = false;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			any = file_digest(a, dirfd(dir), entry->d_name, sum) || any;
	if (dir)
		closedir(dir);
	if (any)
		snprintf(version, sizeof version, "%.*s", VERSION_DIGITS,
			text_hex(a, bytes_of(sum, sizeof sum)));
	arena_free(a);
}

/* Far longer than nginx lets an address be. */
#define URL_MAX ((size_t)32 * 1024)

static void path_encode(struct arena *a, struct text *t, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		text_add(t, text_url_encode(a, arena_stringn(a, path, len)));
		path += len;
		if (*path) {
			text_add(t, "/");
			path++;
		}
	}
}

char *layout_lang_url(struct arena *a, const char *path, const char *query, enum lang lang)
{
	struct text t = text_new(a, URL_MAX);
	char separator[2] = "?";

	path_encode(a, &t, path);
	while (*query) {
		size_t len = strcspn(query, "&");

		/* A percent sign could hide another name for lang: only the plain name is one. */
		if (len > 0 && !text_starts(query, "lang=") && !(len == 4 && text_starts(query, "lang"))) {
			text_add(&t, separator);
			text_add_bytes(&t, query, len);
			separator[0] = '&';
		}
		query += len;
		query += *query == '&';
	}
	text_addf(&t, "%slang=%s", separator, lang_code(lang));
	return t.full ? arena_printf(a, "/?lang=%s", lang_code(lang)) : t.data;
}

struct page_search {
	const char *path;
	bool found;
};

static bool pattern_matches(const char *pattern, const char *path)
{
	for (;;) {
		size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");

		if (*pattern == ':' ? have == 0 : want != have || memcmp(pattern, path, want) != 0)
			return false;
		pattern += want;
		path += have;
		if (!*pattern || !*path)
			return !*pattern && !*path;
		pattern++;
		path++;
	}
}

static void page_look(const char *owner, const struct route *route, void *context)
{
	struct page_search *search = context;

	if (text_same(route->method, "GET") && pattern_matches(route->path, search->path))
		search->found = true;
}

/* A page that answers a POST is shown in the other language by asking for its address again; where there is nothing to ask for, by
 * the start page. */
static const char *lang_path(const struct request *rq)
{
	struct page_search search = {.path = rq->path};

	if (!text_same(rq->method, "POST"))
		return rq->path;
	router_each(page_look, &search);
	return search.found ? rq->path : "/";
}

static void menu_fill(struct request *rq, struct model *user)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		for (const struct menu_entry *e = p->menu; e && e->title; e++) {
			if (e->access == ACCESS_ADMIN)
				continue;
			struct model *entry = model_section(user, "ENTRY");
			model_set(entry, "ENTRY_TITLE", i18n_text(p->name, e->title));
			model_set(entry, "ENTRY_PATH", e->path);
		}
	}
	if (admin_listed(rq) && admin_has_pages()) {
		struct model *entry = model_section(user, "ENTRY");
		model_set(entry, "ENTRY_TITLE", _("Administrator interface"));
		model_set(entry, "ENTRY_PATH", "/admin");
	}
}

void layout_fill(struct request *rq, struct model *layout)
{
	enum lang other = rq->lang == LANG_JA ? LANG_EN : LANG_JA;
	const char *query = text_same(rq->method, "POST") ? "" : request_query_string(rq);
	const char *url = layout_lang_url(rq->arena, lang_path(rq), query, other);
	struct model *lang =
		rq->lang == LANG_JA ? model_section(layout, "IN_JA") : model_section(layout, "IN_EN");

	model_set(lang, "LANG_URL", url);
	model_set(layout, "SITE", site_title(rq->lang));
	model_set(layout, "VERSION", version);
	if (site_demo())
		model_show(layout, "DEMO");
	const struct site_pause *pause = request_pause(rq);
	if (pause->message)
		model_set(model_section(layout, "PAUSE"), "PAUSE_MESSAGE", pause->message);
	admin_tabs_fill(rq, layout);
	if (!rq->user) {
		model_show(layout, "VISITOR");
		return;
	}
	struct model *user = model_section(layout, "USER");
	model_set(user, "USER_NAME", rq->user->name);
	model_set(user, "USER_EPPN", rq->user->eppn);
	model_set(user, "CSRF", rq->csrf);
	menu_fill(rq, user);
}
