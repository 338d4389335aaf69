/* The rows of an import: lists with what would change and why, and the file of errors. */
#include "import.h"

#include "admin_import_store.h"

#define PAGE_ROWS 20
#define PIECE_ROWS 500 /* of the file */

static const char *result_label(const char *result)
{
	static const char *const labels[][2] = {
		{"made", N_("Registered")},
		{"moved", N_("Brought up to date")},
		{"there", N_("Was registered already")},
		{"same", N_("Was up to date")},
		{"conflict", N_("Could not be applied")},
		{"gone", N_("Was deleted meanwhile")},
	};

	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if (text_same(labels[i][0], result))
			return _(labels[i][1]);
	return "";
}

/* Of what was made nothing is written in its row: its application tells. */
static const char *result_of(const struct run *run, const struct row *row)
{
	if (row->result[0] || !text_same(row->plan, "new") || !(run->selected & import_cell(row->class, false)))
		return row->result;
	return row->made ? "made" : text_same(run->phase, "DONE") ? "gone" : "";
}

static void row_fill(struct request *rq, struct model *m, const struct run *run, const struct row *row)
{
	const char *result = result_of(run, row);

	model_set_int(m, "ROW_NO", row->row_no);
	if (row->known)
		model_show(m, "IS_KNOWN");
	else
		model_show(m, "IS_NEW");
	model_set(m, "REQUESTED", clock_show(rq->arena, row->requested_at, rq->lang));
	if (row->serial) {
		struct model *serial = model_section(m, "SERIAL");
		model_set(serial, "SERIAL_DECIMAL", certificate_serial_decimal(rq->arena, row->serial));
		model_set(serial, "SERIAL_HEX", row->serial);
	}
	model_set(m, "SUBJECT", row->subject);
	if (row->mail[0])
		model_set(model_section(m, "MAIL"), "MAIL_TEXT", row->mail);
	if (row->eppn)
		model_set(model_section(m, "USER"), "EPPN", row->eppn);
	if (row->class == CLASS_ERROR) {
		struct model *error = model_section(m, "ERROR");
		model_set(error, "REASON", _(error_text(row->reason)));
		if (row->detail[0])
			model_set(model_section(error, "HAS_DETAIL"), "DETAIL", row->detail);
	} else if (row->class != CLASS_PROGRESS) {
		model_set(model_section(m, "PLAN"), "PLAN_TEXT", _(plan_text(row->plan, row->why)));
	} else {
		model_show(m, "UNDER_WAY");
	}
	if (result[0])
		model_set(model_section(m, "RESULT"), "RESULT_TEXT", result_label(result));
}

static void links_fill(struct request *rq, struct model *m, const char *path, const char *known, unsigned last, bool more, bool later)
{
	static const char *const filters[][2] = {{"", N_("All")}, {"0", N_("Not in the database")}, {"1", N_("In the database")}};

	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		struct model *filter = model_section(m, "FILTER");
		model_setf(filter, "FILTER_PATH", "%s%s%s", path, filters[i][0][0] ? "?known=" : "", filters[i][0]);
		model_set(filter, "FILTER_LABEL", _(filters[i][1]));
		if (text_same(known, filters[i][0]))
			model_show(filter, "FILTER_HERE");
	}
	const char *separator = known[0] ? "&" : "?";
	const char *kept = known[0] ? arena_printf(rq->arena, "%s?known=%s", path, known) : path;
	if (more)
		model_setf(model_section(m, "NEXT"), "NEXT_PATH", "%s%safter=%u", kept, separator, last);
	if (later)
		model_set(model_section(m, "FIRST"), "FIRST_PATH", kept);
}

enum status rows_page(struct request *rq)
{
	struct run run;
	enum import_class class = CLASS_ERROR;
	struct row *rows;
	size_t n;
	uint64_t after = 0;
	const char *known = request_query(rq, "known");
	enum status s = run_find(rq, &run);

	if (s == STATUS_OK && !import_class_parse(request_part(rq, "class"), &class))
		s = cause(STATUS_MISSING, "no such list");
	if (s == STATUS_OK)
		s = request_query_number(rq, "after", UINT32_MAX, &after);
	known = text_same(known, "0") || text_same(known, "1") ? known : "";
	if (s == STATUS_OK)
		s = rows_list(rq->db, rq->arena, run.id, class, known[0] ? known[0] - '0' : -1, (unsigned)after, PAGE_ROWS + 1, &rows, &n);
	if (s == STATUS_OK)
		s = audit_add(rq->db, "admin.import_listed", arena_printf(rq->arena, "import:%llu", (unsigned long long)run.id),
			arena_printf(rq->arena, "%s behind row %u", import_class_name(class), (unsigned)after));
	if (s != STATUS_OK)
		return s;
	size_t shown = n < PAGE_ROWS ? n : PAGE_ROWS;
	struct model *m = model_new(rq->arena);
	model_set(m, "CLASS_LABEL", _(import_class_label(class)));
	model_set(m, "RUN_PATH", import_path(rq->arena, run.id));
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	for (size_t i = 0; i < shown; i++)
		row_fill(rq, model_section(table, "ROW"), &run, &rows[i]);
	if (!n)
		model_show(m, "EMPTY");
	links_fill(rq, m, arena_printf(rq->arena, "%s/rows/%s", import_path(rq->arena, run.id), import_class_name(class)), known,
		shown ? rows[shown - 1].row_no : 0, n > PAGE_ROWS, after > 0);
	return request_page(rq, "admin_import/rows.html", _("Bulk import: list"), m);
}

/* --- The file of errors ------------------------------------------------------------------------------------------------ */

struct errors {
	uint64_t run;
	unsigned after;
	bool over;
};

static enum status errors_add(struct request *rq, struct arena *a, void *context, struct text *csv)
{
	struct errors *e = context;
	struct row *rows;
	size_t n = 0;
	enum status s = e->over ? STATUS_OK : rows_list(rq->db, a, e->run, CLASS_ERROR, -1, e->after, PIECE_ROWS, &rows, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		const char *const cells[] = {arena_printf(a, "%u", rows[i].row_no), _(error_text(rows[i].reason)), rows[i].detail};
		csv_row(csv, cells, COUNT_OF(cells));
		e->after = rows[i].row_no;
	}
	e->over = e->over || n < PIECE_ROWS;
	return STATUS_OK;
}

enum status rows_errors(struct request *rq)
{
	const char *const titles[] = {_("Row"), _("Error"), _("Column or state")};
	struct run run;
	enum status s = run_find(rq, &run);

	if (s != STATUS_OK)
		return s;
	struct errors *e = arena_alloc(rq->arena, sizeof *e);
	*e = (struct errors){.run = run.id};
	return export_csv(rq, &(struct export){
		.name = arena_printf(rq->arena, "import-%llu-errors", (unsigned long long)run.id),
		.titles = arena_copy(rq->arena, titles, sizeof titles),
		.columns = COUNT_OF(titles),
		.action = "admin.import_errors",
		.object = arena_printf(rq->arena, "import:%llu", (unsigned long long)run.id),
		.rows = errors_add,
		.context = e,
	});
}
