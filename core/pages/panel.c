/* Parts of pages that plugins add. */
#include "pages/handlers.h"

static enum status panel_fill(struct request *rq, const struct panel *panel, const struct panel_place *place, struct model *m)
{
	/* On a model of its own: a panel with nothing to say leaves no trace. */
	struct model *own = model_new(rq->arena);
	enum status s = panel->fill ? panel->fill(rq, place, own) : STATUS_OK;

	if (s == STATUS_OK)
		model_adopt(m, MODEL_NAME("PANEL"), panel->view, own);
	return s == STATUS_MISSING ? STATUS_OK : s;
}

enum status panels_fill(struct request *rq, const struct panel_place *place, struct model *m)
{
	enum status s = STATUS_OK;

	for (size_t i = 0; s == STATUS_OK && i < plugin_count(); i++)
		for (const struct panel *panel = plugin_at(i)->panels; s == STATUS_OK && panel && panel->view; panel++)
			if (panel->pages & place->page)
				s = panel_fill(rq, panel, place, m);
	return s;
}
