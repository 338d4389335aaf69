/* Whether there is a place for another application of a certificate type, and in words why not. */
#include "pages/handlers.h"

struct places {
	size_t n;
	const struct plugin **plugins;
	struct application_place *held;
};

/* What tells the user's next application from others, as far as it is known before the form is filled in. */
static const char *live_key(struct request *rq, const struct plugin *p)
{
	struct order order = {.type = p->name, .name = rq->user->name, .mail = rq->user->mail, .extra = ""};

	if (!p->type->complete || p->type->form_view)
		return NULL;
	return p->type->complete(rq->arena, 0, rq->user, &order) == STATUS_OK ? order.live_key : NULL;
}

/* Too few applications of the type, living or not, are in sight to fill it. */
static bool surely_free(const struct plugin *p, const struct application_place *held, const struct own_list *own)
{
	int64_t most = held->live_key ? 1 : p->type->settings->live_max, seen = 0;

	if (!most)
		return true;
	for (size_t i = 0; i < own->n; i++)
		seen += text_same(own->apps[i].type, p->name);
	return own->complete && seen < most;
}

enum status places_get(struct request *rq, const struct own_list *own, struct places **ret)
{
	struct places *all = arena_alloc(rq->arena, sizeof *all);
	bool ask = false;

	*all = (struct places){
		.plugins = arena_array(rq->arena, plugin_count() + 1, sizeof *all->plugins),
		.held = arena_array(rq->arena, plugin_count() + 1, sizeof *all->held),
	};
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		if (!p->type)
			continue;
		all->plugins[all->n] = p;
		all->held[all->n] = (struct application_place){.type = p->name, .live_key = live_key(rq, p)};
		ask = ask || !surely_free(p, &all->held[all->n], own);
		all->n++;
	}
	/* As nearly always: nothing is asked of the database. */
	enum status s = ask ? application_places(rq->db, rq->arena, rq->user->id, rq->now, all->held, all->n) : STATUS_OK;
	if (s == STATUS_OK)
		*ret = all;
	return s;
}

struct place place_of(const struct places *places, const struct plugin *plugin)
{
	for (size_t i = 0; places && i < places->n; i++) {
		const struct application_place *held = &places->held[i];
		int64_t most = plugin->type->settings->live_max;
		if (places->plugins[i] != plugin)
			continue;
		if (held->holder)
			return (struct place){.taken = PLACE_LIVE, .number = held->holder};
		if (most && held->live >= most)
			return (struct place){.taken = PLACE_LIMIT, .number = most == 1 ? held->newest : 0};
	}
	return (struct place){.taken = PLACE_FREE};
}

void place_fill(struct model *m, const struct plugin *plugin, struct place place)
{
	const struct certificate_type *type = plugin->type;

	if (place.taken == PLACE_LIVE && type->live_why)
		model_set(model_section(m, "LIVE_WHY"), "WHY", i18n_text(plugin->name, type->live_why));
	else if (place.taken == PLACE_LIVE)
		model_show(m, "LIVE");
	else if (type->settings->live_max == 1)
		model_show(m, "LIMIT_ONE");
	else
		model_set_int(model_section(m, "LIMIT"), "LIVE_MAX", type->settings->live_max);
	if (place.number) {
		struct model *held = model_section(m, "HELD");
		model_set_int(held, "HELD_NUMBER", place.number);
		model_setf(held, "HELD_PATH", "/%s/%u", plugin->name, place.number);
	} else if (place.taken == PLACE_LIMIT) {
		model_show(m, "HELD_LIST");
	}
}
