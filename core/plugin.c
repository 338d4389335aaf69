/* Plugins: finds, checks, configures, starts and stops them. */
#include "plugin.h"

#include <dlfcn.h>
#include <unistd.h>

#include "issue/order.h"
#include "issue/upkeep.h"
#include "saml/saml.h"

#define PLUGINS_MAX 64 /* far more than a deployment enables; the list lives as long as the process */

static const struct plugin *plugins[PLUGINS_MAX];
static size_t plugins_n, started_n;
static struct site the_site;

void site_set(const struct site *site)
{
	the_site = *site;
}

const char *site_base_url(void)
{
	return the_site.base_url;
}

bool site_demo(void)
{
	return the_site.demo;
}

const char *site_contact(void)
{
	return the_site.contact;
}

const char *site_title(enum lang lang)
{
	return lang == LANG_JA ? the_site.title_ja : the_site.title_en;
}

bool site_mail_allowed(const struct user *user)
{
	const struct identity_provider *idp = user->idp ? saml_idp_find(user->idp) : NULL;
	return idp && user->mail && saml_mail_allowed(idp, user->mail);
}

/* "/client" or "/client/...": a plugin's routes stand under its own name. */
static bool path_is_own(const char *path, const char *name)
{
	size_t len = strlen(name);
	return path[0] == '/' && strncmp(path + 1, name, len) == 0 && (path[1 + len] == '/' || path[1 + len] == '\0');
}

static enum status plugin_check_names(const struct plugin *p)
{
	for (const struct route *r = p->routes; r && r->path; r++)
		if (!path_is_own(r->path, p->name))
			return cause(STATUS_INVALID, "plugin %s: route %s does not stand under /%s", p->name, r->path, p->name);
	for (const struct job_kind *k = p->jobs; k && k->name; k++)
		if (!text_starts(k->name, p->name) || k->name[strlen(p->name)] != '.')
			return cause(STATUS_INVALID, "plugin %s: job %s is not named %s.something", p->name, k->name, p->name);
	if (p->type && !p->type->settings)
		return cause(STATUS_INVALID, "plugin %s: a certificate type without settings", p->name);
	if (p->type && p->type->card && !p->type->no_pin)
		return cause(STATUS_INVALID, "plugin %s: a certificate type with a card service, but with a PIN for the user", p->name);
	if (p->upstream && !p->upstream->submit)
		return cause(STATUS_INVALID, "plugin %s: an upstream without submit", p->name);
	if (p->settings && !p->settings_into)
		return cause(STATUS_INVALID, "plugin %s: settings without a place to put them", p->name);
	return STATUS_OK;
}

enum status plugin_add(const struct plugin *p)
{
	if (plugin_find(p->name))
		return cause(STATUS_INVALID, "plugin %s is listed twice", p->name);
	if (plugins_n == PLUGINS_MAX)
		return cause(STATUS_INVALID, "more than %d plugins", PLUGINS_MAX);
	if (!text_same(p->name, "core")) {
		enum status s = plugin_check_names(p);
		if (s != STATUS_OK)
			return s;
	}
	plugins[plugins_n++] = p;
	return STATUS_OK;
}

static bool name_is_plain(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return len > 0 && len <= 32 && !name[len];
}

static enum status plugin_open(const char *dir, const char *name, bool demo)
{
	char path[4096];
	if (!name_is_plain(name))
		return cause(STATUS_INVALID, "plugin \"%s\": a name is 1 to 32 characters of a-z, 0-9 and _", name);
	if ((size_t)snprintf(path, sizeof path, "%s/%s.so", dir, name) >= sizeof path)
		return cause(STATUS_INVALID, "plugin %s: the path of plugin_dir is too long", name);
	if (access(path, F_OK) != 0)
		return cause(STATUS_INVALID, "plugin %s is enabled, but there is no file %s", name, path);
	/* NODELETE: what is linked to lasso must never be unmapped. */
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return cause(STATUS_INVALID, "plugin %s cannot be loaded (%s)", name, dlerror());
	const uint32_t *abi = dlsym(handle, "inkan_plugin");
	if (!abi)
		return cause(STATUS_INVALID, "plugin %s: %s has no symbol inkan_plugin", name, path);
	if (*abi != INKAN_ABI) /* nothing behind the number may be read */
		return cause(STATUS_INVALID, "plugin %s was built for plugin interface %u, this program has %u", name, *abi,
			INKAN_ABI);
	const struct plugin *p = (const struct plugin *)abi;
	if (!text_same(p->name, name))
		return cause(STATUS_INVALID, "plugin %s: %s calls itself %s", name, path, p->name ? p->name : "nothing");
	if (p->demo && !demo)
		return cause(STATUS_INVALID, "plugin %s is for demonstrations only and demands demo = yes", name);
	return plugin_add(p);
}

enum status plugin_load(const char *dir, const char *const *names, bool demo)
{
	for (; *names; names++) {
		enum status s = plugin_open(dir, *names, demo);
		if (s != STATUS_OK)
			return s;
	}
	return STATUS_OK;
}

enum status plugin_configure(struct arena *a, const char *config_dir)
{
	for (size_t i = 0; i < plugins_n; i++) {
		const struct plugin *p = plugins[i];
		if (!p->settings)
			continue;
		enum status s = config_read(a, arena_printf(a, "%s/%s.conf", config_dir, p->name), p->settings,
			p->settings_into);
		if (s != STATUS_OK)
			return s;
	}
	return STATUS_OK;
}

/* What can only be judged when all are loaded. */
static enum status types_check(void)
{
	for (size_t i = 0; i < plugins_n; i++) {
		const struct certificate_type *type = plugins[i]->type;
		if (!type)
			continue;
		if (!plugin_upstream(type->settings->upstream))
			return cause(STATUS_INVALID, "%s.conf: upstream = \"%s\", but no enabled plugin of this name issues",
				plugins[i]->name, type->settings->upstream);
	}
	return STATUS_OK;
}

enum status plugin_start(struct arena *a, struct db *db)
{
	enum status s = types_check();
	for (size_t i = 0; s == STATUS_OK && i < plugins_n; i++) {
		const struct plugin *p = plugins[i];
		if (p->routes)
			s = router_add(p->name, p->routes);
		if (s == STATUS_OK && p->start)
			s = p->start(a, db);
		if (s == STATUS_OK)
			started_n = i + 1;
	}
	if (s != STATUS_OK)
		plugin_stop();
	return s;
}

void plugin_stop(void)
{
	for (; started_n > 0; started_n--)
		if (plugins[started_n - 1]->stop)
			plugins[started_n - 1]->stop();
}

size_t plugin_count(void)
{
	return plugins_n;
}

const struct plugin *plugin_at(size_t i)
{
	ASSERT(i < plugins_n);
	return plugins[i];
}

const struct plugin *plugin_find(const char *name)
{
	for (size_t i = 0; i < plugins_n; i++)
		if (text_same(plugins[i]->name, name))
			return plugins[i];
	return NULL;
}

const struct plugin *plugin_type(const char *name)
{
	const struct plugin *p = plugin_find(name);
	return p && p->type ? p : NULL;
}

const struct upstream *plugin_upstream(const char *name)
{
	const struct plugin *p = plugin_find(name);
	return p ? p->upstream : NULL;
}

const struct card_service *plugin_card(const char *type)
{
	const struct plugin *p = plugin_type(type);
	return p ? p->type->card : NULL;
}

bool plugin_upstream_mails(const char *upstream, const char *what)
{
	const struct upstream *u = plugin_upstream(upstream);
	if (!u)
		return false;
	return text_same(what, "issued") ? u->mails_issued
		: text_same(what, "taken") ? u->mails_taken
		: text_same(what, "revoked") ? u->mails_revoked
		: false;
}

/* An upstream that is to be asked regularly needs no job of its own. */
static const struct job_kind *collect_job(struct arena *a, const struct plugin *p)
{
	struct job_kind *kinds = arena_array(a, 2, sizeof *kinds);
	kinds[0] = (struct job_kind){
		.name = arena_printf(a, "%s" ORDER_COLLECT, p->name),
		.lane = LANE_WAIT,
		.run = order_collect,
		.every = p->upstream->collect_every ? p->upstream->collect_every : MINUTE,
	};
	return kinds;
}

const struct job_kind *const *plugin_jobs(struct arena *a, const struct job_kind *const *extra)
{
	size_t n = 0, room = 2 * plugins_n + 1;
	for (const struct job_kind *const *e = extra; *e; e++)
		room++;
	const struct job_kind **all = arena_array(a, room, sizeof *all);
	for (; *extra; extra++)
		all[n++] = *extra;
	for (size_t i = 0; i < plugins_n; i++) {
		if (plugins[i]->jobs)
			all[n++] = plugins[i]->jobs;
		if (plugins[i]->upstream && plugins[i]->upstream->collect)
			all[n++] = collect_job(a, plugins[i]);
	}
	return all;
}

const struct sealed_column *const *plugin_sealed(struct arena *a)
{
	const struct sealed_column **all = arena_array(a, plugins_n + 2, sizeof *all);
	size_t n = 0;
	all[n++] = core_sealed;
	for (size_t i = 0; i < plugins_n; i++)
		if (plugins[i]->sealed)
			all[n++] = plugins[i]->sealed;
	return all;
}

const char *const *plugin_names(struct arena *a)
{
	const char **names = arena_array(a, plugins_n + 1, sizeof *names);
	for (size_t i = 0; i < plugins_n; i++)
		names[i] = plugins[i]->name;
	return names;
}
