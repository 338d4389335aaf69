/* The page of an import: how far it is, what was fetched, and what became of it. */
#include "import.h"

#include "admin_import_store.h"

enum status run_find(struct request *rq, struct run *ret)
{
	unsigned id;

	if (!request_part_number(rq, "run", &id))
		return cause(STATUS_MISSING, "not an import's number");
	return run_get(rq->db, rq->arena, id, ret);
}

static const struct {
	const char *phase, *label;
} works[] = {
	{"RECEIVING", N_("The file is being read.")},
	{"FETCHING", N_("The list of certificates is being fetched from the issuing service.")},
	{"CLASSIFYING", N_("The rows are being compared with the database.")},
	{"REGISTERING", N_("The certificates are being registered.")},
	{"LINKING", N_("The renewals are being linked with what they renew.")},
};

static const char *const whys[][2] = {
	{"no-rows", N_("The issuing service knows no certificates.")},
	{"upstream", N_("The issuing service did not answer. Please try again later.")},
	{"steps", N_("An error occurred on our side. What was registered until then stays; the import can be repeated without harm.")},
};

static bool working_fill(struct model *m, const struct run *run)
{
	for (size_t i = 0; i < COUNT_OF(works); i++) {
		if (!text_same(run->phase, works[i].phase))
			continue;
		struct model *work = model_section(m, "WORKING");
		model_set(work, "WORK", _(works[i].label));
		if (run->last_row > 0)
			model_set_int(model_section(work, "PROGRESS"), "PERCENT", (long long)(run->last_row - run->to_do) * 100 / run->last_row);
		return true;
	}
	return false;
}

static void cell_fill(struct model *m, enum import_class class, bool is_known, unsigned n, unsigned todo, unsigned stays)
{
	model_set_int(m, "N", n);
	if (n && todo && import_class_can(class)) {
		struct model *box = model_section(m, "BOX");
		model_setf(box, "BOX_NAME", "%s_%s", import_class_name(class), is_known ? "known" : "new");
		model_set(box, "BOX_CLASS", _(import_class_label(class)));
	}
	if (is_known && todo)
		model_set_int(model_section(m, "TODO"), "TODO_N", todo);
	if (is_known && n && !todo && !stays && import_class_can(class))
		model_show(m, "UNCHANGED");
	if (stays)
		model_set_int(model_section(m, "STAYS"), "STAYS_N", stays);
}

static void ready_fill(struct request *rq, struct model *m, const struct run *run, const struct counts *c)
{
	struct model *ready = model_section(m, "READY");
	unsigned old = 0;
	bool any = false;

	for (size_t i = 0; i < CLASS_COUNT; i++) {
		enum import_class class = (enum import_class)i;
		unsigned all = c->n[i][0] + c->n[i][1];
		old += c->n[i][1];
		any = any || (import_class_can(class) && (c->todo[i][0] || c->todo[i][1]));
		if (class == CLASS_PROGRESS && !all)
			continue;
		struct model *row = class == CLASS_PROGRESS ? model_section(ready, "APART") : model_section(ready, "CLASS");
		model_set(row, "CLASS_LABEL", _(import_class_label(class)));
		model_set_int(row, "ALL_N", all);
		model_setf(row, "LIST_PATH", "%s/rows/%s", import_path(rq->arena, run->id), import_class_name(class));
		if (all)
			model_show(row, "HAS_LIST");
		if (class == CLASS_ERROR) {
			struct model *error = model_section(row, "IS_ERROR");
			if (all)
				model_setf(model_section(error, "ERRORS"), "ERRORS_PATH", "%s/errors", import_path(rq->arena, run->id));
		}
		cell_fill(model_section(row, "NEW"), class, false, c->n[i][0], c->todo[i][0], c->stays[i][0]);
		cell_fill(model_section(row, "KNOWN"), class, true, c->n[i][1], c->todo[i][1], c->stays[i][1]);
	}
	model_set_int(ready, "TOTAL", run->total);
	model_set_int(ready, "OLD", old);
	model_setf(ready, "CONFIRM_PATH", "%s/confirm", import_path(rq->arena, run->id));
	if (any)
		model_show(ready, "CAN");
	else
		model_show(ready, "NOTHING");
	if (request_query(rq, "none"))
		model_show(ready, "NONE_CHOSEN");
}

static void done_fill(struct request *rq, struct model *m, const struct run *run, const struct counts *c)
{
	struct model *done = model_section(m, "DONE");

	model_set_int(done, "MADE", run->made);
	model_set_int(done, "MOVED", run->moved);
	if (run->left_out)
		model_set_int(model_section(done, "LEFT_OUT"), "LEFT_OUT_N", run->left_out);
	if (c->n[CLASS_ERROR][0] + c->n[CLASS_ERROR][1] && !run->cleared)
		model_setf(model_section(done, "DONE_ERRORS"), "ERRORS_PATH", "%s/errors", import_path(rq->arena, run->id));
}

static void ended_fill(struct model *m, const struct run *run)
{
	struct model *end = text_same(run->phase, "FAILED") ? model_section(m, "FAILED") : model_section(m, "DISCARDED");

	for (size_t i = 0; i < COUNT_OF(whys); i++)
		if (text_same(whys[i][0], run->why))
			model_set(end, "WHY", _(whys[i][1]));
}

/* Fills the part that changes by itself; *ret_waits: it will. */
static enum status result_fill(struct request *rq, struct model *m, const struct run *run, bool *ret_waits)
{
	struct counts counts;
	enum status s = counts_get(rq->db, rq->arena, run->id, &counts);

	if (s != STATUS_OK)
		return s;
	bool waits = working_fill(m, run);
	if (text_same(run->phase, "READY"))
		ready_fill(rq, m, run, &counts);
	else if (text_same(run->phase, "DONE"))
		done_fill(rq, m, run, &counts);
	else if (!waits)
		ended_fill(m, run);
	if (run_discardable(run))
		model_setf(model_section(m, "DISCARD"), "DISCARD_PATH", "%s/discard", import_path(rq->arena, run->id));
	model_set(m, "SELF_PATH", import_path(rq->arena, run->id));
	*ret_waits = waits;
	return STATUS_OK;
}

static const char *etag_of(struct request *rq, const struct run *run)
{
	return arena_printf(rq->arena, "\"%llu-%u-%s-%d\"", (unsigned long long)run->steps, run->to_do, run->phase, (int)rq->lang);
}

enum status run_page(struct request *rq)
{
	struct run run;
	bool waits = false;
	struct model *m = model_new(rq->arena);
	enum status s = run_find(rq, &run);

	if (s == STATUS_OK)
		s = result_fill(rq, model_include(m, "RESULT", "admin_import/result.html"), &run, &waits);
	if (s != STATUS_OK)
		return s;
	if (waits) {
		struct model *news = model_section(m, "NEWS");
		model_setf(news, "NEWS_PATH", "%s/news", import_path(rq->arena, run.id));
		model_set(news, "ETAG", etag_of(rq, &run));
	}
	model_set(m, "OWNER", run.owner);
	model_set(m, "STARTED", clock_show(rq->arena, run.created_at, rq->lang));
	const struct plugin *p = plugin_find(run.upstream);
	model_set(m, "SOURCE", p && p->upstream ? i18n_text(p->name, p->upstream->title) : run.upstream);
	if (text_same(run.source, "file"))
		model_set(model_section(m, "FROM_FILE"), "FILE", run.file);
	return request_page(rq, "admin_import/run.html", _("Bulk import: result"), m);
}

enum status run_news(struct request *rq)
{
	struct run run;
	bool waits = false;
	struct model *m = model_new(rq->arena);
	enum status s = run_find(rq, &run);

	if (s != STATUS_OK)
		return s;
	const char *etag = etag_of(rq, &run), *known = request_header(rq, "HTTP_IF_NONE_MATCH");
	if (known && strstr(known, etag))
		return request_not_modified(rq, etag);
	s = result_fill(rq, model_include(m, "RESULT", "admin_import/result.html"), &run, &waits);
	if (s != STATUS_OK)
		return s;
	if (waits)
		model_show(m, "WAITS");
	request_set_header(rq, "ETag", etag);
	return request_fragment(rq, "admin_import/news.html", m);
}
