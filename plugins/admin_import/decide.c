/* The end of an import: the question, the registration in the database, or the discarding of what was fetched. */
#include "import.h"

#include "admin_import_store.h"

/* A ticked cell: "waiting_new", "issued_known". */
static unsigned selection_read(struct request *rq, const char *(*get)(const struct request *rq, const char *name))
{
	unsigned selected = 0;

	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		enum import_class class = (enum import_class)i;
		for (int known = 0; known < 2 && import_class_can(class); known++)
			if (text_same(get(rq, arena_printf(rq->arena, "%s_%s", import_class_name(class), known ? "known" : "new")), "1"))
				selected |= import_cell(class, known);
	}
	return selected;
}

/* Until it is decided on. */
bool run_discardable(const struct run *run)
{
	return run->open && !text_same(run->phase, "REGISTERING") && !text_same(run->phase, "LINKING");
}

enum status decide_ask(struct request *rq)
{
	struct run run;
	struct counts counts;
	unsigned selected = selection_read(rq, request_query), made = 0, moved = 0;
	enum status s = run_find(rq, &run);

	if (s == STATUS_OK)
		s = counts_get(rq->db, rq->arena, run.id, &counts);
	if (s != STATUS_OK)
		return s;
	if (!text_same(run.phase, "READY"))
		return request_redirect(rq, import_path(rq->arena, run.id));
	if (!selected)
		return request_redirect(rq, arena_printf(rq->arena, "%s?none=1", import_path(rq->arena, run.id)));
	struct model *m = model_new(rq->arena);
	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		for (int known = 0; known < 2; known++) {
			if (!(selected & import_cell((enum import_class)i, known)))
				continue;
			unsigned n = counts.todo[i][known];
			struct model *cell = model_section(m, "CELL");
			model_setf(cell, "CELL_NAME", "%s_%s", import_class_name((enum import_class)i), known ? "known" : "new");
			model_set(cell, "CELL_CLASS", _(import_class_label((enum import_class)i)));
			if (known)
				model_show(cell, "CELL_KNOWN");
			else
				model_show(cell, "CELL_NEW");
			model_set_int(cell, "CELL_N", n);
			*(known ? &moved : &made) += n;
		}
	}
	model_set_int(m, "MADE", made);
	model_set_int(m, "MOVED", moved);
	model_set(m, "CSRF", rq->csrf);
	model_set(m, "RUN_PATH", import_path(rq->arena, run.id));
	return request_page(rq, "admin_import/confirm.html", _("Bulk import: confirmation"), m);
}

struct deciding {
	struct request *rq;
	uint64_t id;
	unsigned selected;
	const char *phase; /* as it was found */
};

static enum status register_body(struct db *db, void *context)
{
	struct deciding *d = context;
	struct arena *a = d->rq->arena;
	struct run run;
	enum status s = run_get(db, a, d->id, &run);

	if (s == STATUS_OK && !text_same(run.phase, "READY"))
		return cause(STATUS_CONFLICT, "import %llu is in phase %s", (unsigned long long)d->id, run.phase);
	if (s == STATUS_OK)
		s = run_step(db, &run, d->rq->now);
	run.phase = "REGISTERING";
	run.selected = d->selected;
	if (s == STATUS_OK)
		s = run_update(db, &run);
	if (s == STATUS_OK)
		s = audit_add(db, "admin.import_decided", arena_printf(a, "import:%llu", (unsigned long long)d->id),
			arena_printf(a, "cells %#x", d->selected));
	if (s == STATUS_OK)
		s = work_begin(db, a, &run);
	return s;
}

enum status decide_register(struct request *rq)
{
	struct run run;
	struct deciding d = {.rq = rq, .selected = selection_read(rq, request_field)};
	enum status s = run_find(rq, &run);

	if (s != STATUS_OK)
		return s;
	if (!d.selected)
		return request_redirect(rq, arena_printf(rq->arena, "%s?none=1", import_path(rq->arena, run.id)));
	d.id = run.id;
	s = db_transact(rq->db, register_body, &d);
	/* Pressed twice, or by two: the page shows what is going on. */
	if (s == STATUS_OK || s == STATUS_CONFLICT)
		return request_redirect(rq, import_path(rq->arena, run.id));
	return s;
}

enum status decide_discard_ask(struct request *rq)
{
	struct run run;
	enum status s = run_find(rq, &run);

	if (s != STATUS_OK)
		return s;
	if (!run_discardable(&run))
		return request_redirect(rq, import_path(rq->arena, run.id));
	struct model *m = model_new(rq->arena);
	model_set_int(m, "TOTAL", run.total);
	model_set(m, "OWNER", run.owner);
	model_set(m, "CSRF", rq->csrf);
	model_set(m, "RUN_PATH", import_path(rq->arena, run.id));
	return request_page(rq, "admin_import/discard.html", _("Bulk import: confirmation"), m);
}

static enum status discard_body(struct db *db, void *context)
{
	struct deciding *d = context;
	struct arena *a = d->rq->arena;
	struct run run;
	enum status s = run_get(db, a, d->id, &run);

	if (s == STATUS_OK && (!run.open || text_same(run.phase, "REGISTERING") || text_same(run.phase, "LINKING")))
		return cause(STATUS_CONFLICT, "import %llu is in phase %s", (unsigned long long)d->id, run.phase);
	if (s == STATUS_OK)
		s = run_step(db, &run, d->rq->now);
	if (s == STATUS_OK)
		s = run_close(db, run.id, "DISCARDED", "", d->rq->now);
	if (s == STATUS_OK)
		s = audit_add(db, "admin.import_discarded", arena_printf(a, "import:%llu", (unsigned long long)d->id), NULL);
	return s;
}

enum status decide_discard(struct request *rq)
{
	struct run run;
	struct deciding d = {.rq = rq};
	enum status s = run_find(rq, &run);

	if (s != STATUS_OK)
		return s;
	d.id = run.id;
	/* A step may have moved it between the reading and the writing: then it is tried once more. */
	s = db_transact(rq->db, discard_body, &d);
	if (s == STATUS_CONFLICT)
		s = db_transact(rq->db, discard_body, &d);
	if (s == STATUS_CONFLICT)
		return request_redirect(rq, import_path(rq->arena, run.id));
	return s == STATUS_OK ? request_redirect(rq, "/admin_import?discarded=1") : s;
}
