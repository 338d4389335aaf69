/* The install guide. */
#include "pages/handlers.h"

enum status help_page(struct request *rq)
{
	struct model *m = model_new(rq->arena);

	return request_page(rq, "core/help.html", _("Install guide"), m);
}
