/* The result of a run as CSV. */
#include "leavers.h"

/* Rows read at a time; see the exports of the core. */
#define PIECE_ROWS 500

struct exporting {
	uint64_t run, after;
	unsigned line;
	bool unknown, over; /* first the certificates, then those whom nobody knows */
};

static const char *outcome_words(const struct result *r)
{
	if (text_same(r->outcome, "untaken"))
		return _("Not obtained yet: looked at again every day");
	if (text_same(r->outcome, "left-out"))
		return _("Left out");
	if (text_same(r->outcome, "planned"))
		return _("To be revoked");
	if (text_same(r->outcome, "ended"))
		return _("No longer valid by itself");
	if (text_same(r->outcome, "already"))
		return text_same(r->state, "REVOKED") ? _("Was revoked already") : _("Was being revoked already");
	if (text_same(r->state, "REVOKED"))
		return _("Revoked");
	return text_same(r->state, "REVOKE_ERROR") ? _("Revocation failed: still valid") : _("Revocation applied for");
}

static enum status results_add(struct request *rq, struct arena *a, struct exporting *x, struct text *csv)
{
	struct result *rows;
	size_t n;
	enum status s = result_list(rq->db, a, x->run, x->after, PIECE_ROWS, &rows, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		const struct result *r = &rows[i];
		const char *const cells[] = {r->eppn, outcome_words(r), arena_printf(a, "%llu", (unsigned long long)r->application),
			arena_printf(a, "%u", r->number), *r->type ? certificate_title(r->type) : "", r->subject,
			r->serial ? certificate_hex_groups(a, r->serial) : "", clock_show(a, r->at, rq->lang),
			r->revoked_at ? clock_show(a, r->revoked_at, rq->lang) : ""};
		csv_row(csv, cells, COUNT_OF(cells));
		x->after = r->application;
	}
	x->unknown = n < PIECE_ROWS;
	return STATUS_OK;
}

static enum status rows_add(struct request *rq, struct arena *a, void *context, struct text *csv)
{
	struct exporting *x = context;
	const char **eppns;
	size_t n;
	enum status s = x->unknown ? STATUS_OK : results_add(rq, a, x, csv);

	if (s != STATUS_OK || csv->len || x->over)
		return s;
	s = unknown_list(rq->db, a, x->run, x->line, PIECE_ROWS, &eppns, &n, &x->line);
	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		const char *const cells[9] = {eppns[i], _("No user of this system")};
		csv_row(csv, cells, COUNT_OF(cells));
	}
	x->over = n < PIECE_ROWS;
	return s;
}

enum status run_export(struct request *rq)
{
	struct run run;
	const char *const titles[] = {_("ePPN"), _("Result"), _("ID"), _("Application number"), _("Certificate type"), _("DN (distinguished name)"),
		_("Serial number"), _("Time"), _("Revoked on")};
	struct exporting *x = arena_alloc(rq->arena, sizeof *x);
	enum status s = run_of(rq, &run);

	if (s != STATUS_OK)
		return s;
	x->run = run.id;
	return export_csv(rq, &(struct export){
		.name = "leavers",
		.titles = arena_copy(rq->arena, titles, sizeof titles),
		.columns = COUNT_OF(titles),
		.action = "admin.leavers.exported",
		.object = arena_printf(rq->arena, "leavers:%llu", (unsigned long long)run.id),
		.rows = rows_add,
		.context = x,
	});
}
