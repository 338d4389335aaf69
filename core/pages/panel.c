/* Parts of pages that plugins add. */
#include "pages/handlers.h"

static void panel_fill(struct request *rq, const struct panel *panel, const struct panel_place *place, struct model *m)
{
	/* On a model of its own: a panel with nothing to say leaves no trace. */
	struct model *own = model_new(rq->arena);
	enum status s = panel->fill ? panel->fill(rq, place, own) : STATUS_OK;

	if (s == STATUS_OK)
		model_adopt(m, MODEL_NAME("PANEL"), panel->view, own);
	/* The page is worth more than what one plugin adds to it. */
	if (s != STATUS_OK && s != STATUS_MISSING)
		log_status(s, arena_printf(rq->arena, "%s, left out", panel->view));
}

void panels_fill(struct request *rq, const struct panel_place *place, struct model *m)
{
	for (size_t i = 0; i < plugin_count(); i++)
		for (const struct panel *panel = plugin_at(i)->panels; panel && panel->view; panel++)
			if (panel->pages & place->page)
				panel_fill(rq, panel, place, m);
}
