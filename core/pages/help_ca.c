/* The CA certificates that the install guide offers: those of the configuration, else those that the upstreams name. */
#include "pages/handlers.h"

static const struct setting_sections *configured;

void pages_ca(const struct setting_sections *sections)
{
	configured = sections;
}

static void link_fill(struct request *rq, struct model *list, const struct ca_link *link)
{
	struct model *m = model_section(list, "CA");

	model_set(m, "CA_TITLE", link->title);
	model_set(m, "CA_URL", link->url);
	if (link->root)
		model_show(m, "CA_ROOT");
	else
		model_show(m, "CA_INTERMEDIATE");
	if (link->fingerprint && link->fingerprint[0])
		model_set(model_section(m, "CA_FINGERPRINT"), "FINGERPRINT",
			certificate_hex_groups(rq->arena, link->fingerprint));
}

/* The list is in the page only when there is something in it. */
static struct model *list_open(struct model *page, struct model *list)
{
	return list ? list : model_include(page, "CA_LIST", "core/help_ca.html");
}

static struct model *configured_fill(struct request *rq, struct model *page, bool *ret_root)
{
	const struct ca_setting *ca = configured ? configured->items : NULL;
	struct model *list = NULL;

	for (size_t i = 0; ca && i < configured->n; i++) {
		bool english = rq->lang == LANG_EN && ca[i].title_en[0];
		struct ca_link link = {
			.title = english ? ca[i].title_en : ca[i].title,
			.url = ca[i].url,
			.fingerprint = text_lower(rq->arena, ca[i].sha256),
			.root = ca[i].root,
		};
		list = list_open(page, list);
		link_fill(rq, list, &link);
		*ret_root = *ret_root || link.root;
	}
	return list;
}

void ca_list_fill(struct request *rq, struct model *page)
{
	bool any_root = false;
	struct model *list = configured_fill(rq, page, &any_root);

	for (size_t i = 0; !(configured && configured->n) && i < plugin_count(); i++) {
		const struct upstream *upstream = plugin_at(i)->upstream;

		if (!upstream || !upstream->ca_links)
			continue;
		for (const struct ca_link *link = upstream->ca_links(rq->arena); link->title; link++) {
			list = list_open(page, list);
			link_fill(rq, list, link);
			any_root = any_root || link->root;
		}
	}
	if (list && any_root)
		model_show(list, "ANY_ROOT");
}
