/* The way into the administrators' pages, and the tabs on top of each of them. */
#include "pages/handlers.h"

/* Tabs are the menu entries for administrators, in the order of the plugin list. */
static const struct menu_entry *tab_next(const struct plugin **p, size_t *i, const struct menu_entry *last)
{
	const struct menu_entry *e = last ? last + 1 : NULL;

	for (;; e++) {
		while (!e || !e->title) {
			if (*i == plugin_count())
				return NULL;
			*p = plugin_at((*i)++);
			e = (*p)->menu;
		}
		if (e->access == ACCESS_ADMIN)
			return e;
	}
}

bool admin_has_pages(void)
{
	const struct plugin *p;
	size_t i = 0;

	return tab_next(&p, &i, NULL) != NULL;
}

enum status admin_top(struct request *rq)
{
	const struct plugin *p;
	size_t i = 0;

	for (const struct menu_entry *e = NULL; (e = tab_next(&p, &i, e));)
		if (admin_may(rq, e->right))
			return request_redirect(rq, e->path);
	return cause(STATUS_MISSING, "no administrators' page is enabled, or none for this role");
}

static bool path_is_under(const char *path, const char *tab)
{
	size_t len = strlen(tab);

	while (len > 1 && tab[len - 1] == '/')
		len--;
	return strncmp(path, tab, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

void admin_tabs_fill(struct request *rq, struct model *layout)
{
	const struct plugin *p;
	size_t i = 0;
	const char *here = "";

	const struct route *route = request_route(rq);

	if (!route || route->access != ACCESS_ADMIN || !admin_may(rq, RIGHT_LOOK))
		return;
	/* The longest that fits: /admin_users/certificates is not under the tab /admin_users alone. */
	for (const struct menu_entry *e = NULL; (e = tab_next(&p, &i, e));)
		if (path_is_under(rq->path, e->path) && strlen(e->path) > strlen(here))
			here = e->path;
	struct model *tabs = model_section(layout, "ADMIN");
	i = 0;
	for (const struct menu_entry *e = NULL; (e = tab_next(&p, &i, e));) {
		if (!admin_may(rq, e->right))
			continue;
		struct model *tab = model_section(tabs, "TAB");
		model_set(tab, "TAB_TITLE", i18n_text(p->name, e->title));
		model_set(tab, "TAB_PATH", e->path);
		if (text_same(e->path, here))
			model_show(tab, "TAB_HERE");
	}
}
