/* Finds those who have left: by a pasted list, or by a search; and the page of all runs. */
#include "leavers.h"

#define PAGE_ROWS 20
/* Columns of a pasted table that are looked at for the one named eppn. */
#define COLUMNS_MAX 50
#define PATTERN_MAX 255

/* --- A list ------------------------------------------------------------------------------------------------------------------------- */

/* The column named eppn; -1: the first row is no header. */
static int header_column(struct arena *a, char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = text_lower(a, cells[i]);
		if (text_same(name, "eppn") || text_same(name, "edupersonprincipalname"))
			return (int)i;
	}
	return -1;
}

static int compare(const void *l, const void *r)
{
	const char *const *left = l, *const *right = r;

	return strcmp(*left, *right);
}

struct list {
	const char **eppns;
	size_t n;
	unsigned duplicates;
	bool full, bad;
};

/* Each once, in alphabetical order: what is told about them is read by people. */
static void list_fold(struct list *l)
{
	size_t kept = 0;

	qsort(l->eppns, l->n, sizeof *l->eppns, compare);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && text_same(l->eppns[kept - 1], l->eppns[i]))
			l->duplicates++;
		else
			l->eppns[kept++] = l->eppns[i];
	}
	l->n = kept;
}

static struct list list_read(struct arena *a, const char *text)
{
	size_t most = (size_t)leavers_settings.people_max, n;
	/* Repeated lines are folded below; beyond twice as many it is no list that somebody has looked at. */
	struct list l = {.eppns = arena_array(a, 2 * most, sizeof *l.eppns)};
	char **cells;
	int column = -1;

	for (bool first = true; (cells = csv_read(a, &text, COLUMNS_MAX, &n)); first = false) {
		if (first && (column = header_column(a, cells, n)) >= 0)
			continue;
		size_t at = column < 0 ? 0 : (size_t)column;
		if (at >= n || !*cells[at])
			continue;
		if (l.n == 2 * most) {
			l.full = true;
			return l;
		}
		l.bad = l.bad || !text_clean(cells[at], 255);
		l.eppns[l.n++] = text_lower(a, cells[at]);
	}
	list_fold(&l);
	l.full = l.n > most;
	return l;
}

static enum status leads_to(struct request *rq, uint64_t run)
{
	return request_redirect(rq, arena_printf(rq->arena, "/admin_leavers/%llu", (unsigned long long)run));
}

static char *too_many(struct request *rq)
{
	const char *text = _("At most {{MAX}} people at a time. Please divide the list.");
	const char *mark = strstr(text, "{{MAX}}");

	return arena_printf(rq->arena, "%.*s%lld%s", (int)(mark - text), text, (long long)leavers_settings.people_max, mark + strlen("{{MAX}}"));
}

enum status find_list(struct request *rq)
{
	const char *text = request_field(rq, "list");
	struct list l = list_read(rq->arena, text ? text : "");
	uint64_t run;

	if (l.full)
		return runs_show(rq, too_many(rq));
	if (l.bad)
		return runs_show(rq, _("The list holds a line that cannot be an ePPN. One ePPN stands on each line."));
	if (l.n == 0)
		return runs_show(rq, _("The list is empty."));
	enum status s = run_draft_list(rq->db, rq->arena, rq->user->eppn, l.eppns, l.n, l.duplicates, rq->now, &run);
	return s == STATUS_OK ? leads_to(rq, run) : s;
}

/* --- A search ----------------------------------------------------------------------------------------------------------------------- */

enum status find_search(struct request *rq)
{
	const char *day = request_field(rq, "before"), *pattern = request_field(rq, "pattern");
	when before = 0;
	uint64_t run;

	pattern = text_fold(rq->arena, text_trim(rq->arena, pattern ? pattern : ""));
	if (day && *day && !clock_parse_day(text_fold(rq->arena, day), &before))
		return runs_show(rq, _("A date must be written like 2026-04-01."));
	if (*pattern && !text_clean(pattern, PATTERN_MAX))
		return runs_show(rq, _("A word to look for may have at most 255 characters."));
	if (!before && !*pattern)
		return runs_show(rq, _("Please give a date or a part of the ePPN: everybody would be found."));
	enum status s = run_draft_search(rq->db, rq->arena, rq->user->eppn, before, pattern, (size_t)leavers_settings.people_max, rq->now, &run);
	if (s == STATUS_INVALID)
		return runs_show(rq, too_many(rq));
	return s == STATUS_OK ? leads_to(rq, run) : s;
}

/* --- All runs ----------------------------------------------------------------------------------------------------------------------- */

void run_state_fill(struct model *m, const struct run *run)
{
	static const struct {
		const char *text, *class;
	} states[] = {
		[RUN_DRAFT] = {N_("Not decided"), "is-over"},
		[RUN_WAITING] = {N_("Scheduled"), "is-asking"},
		[RUN_RUNNING] = {N_("Running"), "is-waiting"},
		[RUN_DONE] = {N_("Done"), "is-good"},
		[RUN_CANCELLED] = {N_("Cancelled"), "is-over"},
	};

	model_set(m, "STATE", _(states[run->state].text));
	model_set(m, "STATE_CLASS", states[run->state].class);
}

static enum status list_fill(struct request *rq, struct model *m, uint64_t below)
{
	struct run *runs;
	size_t n;
	enum status s = run_list(rq->db, rq->arena, below, PAGE_ROWS + 1, &runs, &n);

	if (s != STATUS_OK)
		return s;
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++) {
		struct model *row = model_section(table, "ROW");
		model_set_int(row, "ID", (long long)runs[i].id);
		model_setf(row, "ROW_PATH", "/admin_leavers/%llu", (unsigned long long)runs[i].id);
		model_set(row, "MADE_AT", clock_show(rq->arena, runs[i].made_at, rq->lang));
		model_set(row, "MADE_BY", runs[i].made_by);
		if (runs[i].run_at)
			model_set(model_section(row, "DATED"), "RUN_AT", clock_show(rq->arena, runs[i].run_at, rq->lang));
		run_state_fill(row, &runs[i]);
	}
	if (n > PAGE_ROWS)
		model_setf(model_section(m, "OLDER"), "OLDER_URL", "/admin_leavers?below=%llu", (unsigned long long)runs[PAGE_ROWS - 1].id);
	if (below)
		model_show(m, "NEWEST");
	return STATUS_OK;
}

enum status runs_show(struct request *rq, const char *why)
{
	struct model *m = model_new(rq->arena);
	const char *list = request_field(rq, "list"), *pattern = request_field(rq, "pattern"),
		   *before = request_field(rq, "before");
	uint64_t below = 0;
	enum status s = request_query_number(rq, "below", INT64_MAX, &below);

	if (s == STATUS_OK)
		s = list_fill(rq, m, below);
	if (s != STATUS_OK)
		return s;
	if (why)
		model_set(model_section(m, "WRONG"), "WHY", why);
	if (text_same(request_query(rq, "done"), "cancelled"))
		model_show(m, "DONE_CANCELLED");
	if (text_same(request_query(rq, "done"), "discarded"))
		model_show(m, "DONE_DISCARDED");
	model_set(m, "LIST", list ? list : "");
	model_set(m, "PATTERN", pattern ? pattern : "");
	model_set(m, "BEFORE", before ? before : "");
	model_set_int(m, "PEOPLE_MAX", leavers_settings.people_max);
	model_set(m, "CSRF", rq->csrf);
	return request_page_code(rq, status_http(why ? STATUS_INVALID : STATUS_OK), "admin_leavers/runs.html", _("Revocation for leavers"), m);
}

enum status runs_page(struct request *rq)
{
	return runs_show(rq, NULL);
}
