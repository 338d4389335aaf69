/* The plugin admin_statistics: figures per month and type with a chart, and exports. */
#include "admin_statistics_store.h"
#include "chart.h"
#include "count.h"
#include "export.h"

/* Shown unless a year is chosen: each month beside the same one of the year before; the chart has room for no more. */
#define MONTHS 24
/* Fiscal years that are offered: longer than certificates are valid and records are usually kept. */
#define YEARS 10
/* Fiscal years that an address may name: four digits, and none long before there were such certificates. */
#define YEAR_FIRST 2000
#define YEAR_LAST 2999
#define FISCAL_START 3 /* April, from 0 */
/* A count that is older was not kept: the job does not run. */
#define STALE (30 * MINUTE)

/* What the address says: months from <= m < until. */
struct choice {
	unsigned now, from, until;
	unsigned year; /* fiscal; 0: the last MONTHS */
	const char *type; /* "": all */
};

static unsigned fiscal_year(unsigned month)
{
	return month / 12 - (month % 12 < FISCAL_START);
}

static enum status choice_read(struct request *rq, struct choice *ret)
{
	const char *year = request_query(rq, "year"), *type = request_query(rq, "type");
	struct choice c = {.now = month_of(rq->arena, rq->now), .type = type ? type : ""};
	int64_t number = 0;

	if (year && *year && !text_int(year, YEAR_FIRST, YEAR_LAST, &number))
		return cause(STATUS_INVALID, "query year is none");
	if (strlen(c.type) > TYPE_MAX)
		return cause(STATUS_INVALID, "query type is too long");
	c.year = (unsigned)number;
	c.from = c.year ? c.year * 12 + FISCAL_START : c.now + 1 - MONTHS;
	c.until = c.year ? c.from + 12 : c.now + 1;
	*ret = c;
	return STATUS_OK;
}

/* Sums by month and kind, of one type or of all. */
struct sums {
	int64_t n[MONTHS][COUNT_KIND_COUNT], total[COUNT_KIND_COUNT];
};

static enum status sums_get(struct request *rq, const struct choice *c, struct sums *ret)
{
	struct count *counts;
	size_t n;
	enum status s = counts_get(rq->db, rq->arena, c->from, c->until, &counts, &n);

	if (s != STATUS_OK)
		return s;
	*ret = (struct sums){0};
	for (size_t i = 0; i < n; i++) {
		if (*c->type && !text_same(c->type, counts[i].type))
			continue;
		ret->n[counts[i].month - c->from][counts[i].kind] += counts[i].n;
		ret->total[counts[i].kind] += counts[i].n;
	}
	return STATUS_OK;
}

static const char *month_label(struct arena *a, unsigned month)
{
	return arena_printf(a, "%u/%02u", month / 12, month % 12 + 1);
}

static void figures_fill(struct arena *a, struct model *m, const int64_t *n)
{
	model_set(m, "APPLIED", text_number(a, n[COUNT_APPLIED]));
	model_set(m, "ISSUED", text_number(a, n[COUNT_ISSUED]));
	model_set(m, "RENEWED", text_number(a, n[COUNT_RENEWED]));
	model_set(m, "REVOKED", text_number(a, n[COUNT_REVOKED]));
	model_set(m, "EXPIRED", text_number(a, n[COUNT_EXPIRED]));
	model_set(m, "MISSED", text_number(a, n[COUNT_MISSED]));
}

static void months_fill(struct request *rq, struct model *m, const struct choice *c, const struct sums *sums)
{
	struct chart_month chart[MONTHS];
	size_t n = c->until - c->from;

	for (size_t i = 0; i < n; i++)
		chart[i] = (struct chart_month){month_label(rq->arena, c->from + (unsigned)i), sums->n[i][COUNT_ISSUED],
			sums->n[i][COUNT_RENEWED], sums->n[i][COUNT_REVOKED]};
	chart_fill(rq->arena, model_include(m, "CHART", "admin_statistics/chart.html"), chart, n);
	for (size_t i = n; i-- > 0;) {
		struct model *row = model_section(m, "ROW");
		model_set(row, "MONTH_LABEL", chart[i].label);
		figures_fill(rq->arena, row, sums->n[i]);
	}
	figures_fill(rq->arena, model_section(m, "TOTAL"), sums->total);
	model_set(m, "FIRST", month_label(rq->arena, c->from));
	model_set(m, "LAST", month_label(rq->arena, c->until - 1));
}

/* The enabled types, and those of which there are certificates all the same. */
static void types_fill(struct model *m, const struct choice *c, const struct count_present *present, size_t n)
{
	bool known = !*c->type;

	for (size_t i = 0; i < plugin_count(); i++) {
		if (!plugin_at(i)->type)
			continue;
		struct model *option = model_section(m, "TYPE_OPTION");
		model_set(option, "TYPE", plugin_at(i)->name);
		model_set(option, "TYPE_TITLE", certificate_title(plugin_at(i)->name));
		if (text_same(plugin_at(i)->name, c->type)) {
			model_show(option, "SELECTED");
			known = true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		bool chosen = text_same(present[i].type, c->type);
		if (plugin_type(present[i].type))
			continue;
		struct model *option = model_section(m, "TYPE_OPTION");
		model_set(option, "TYPE", present[i].type);
		model_set(option, "TYPE_TITLE", present[i].type);
		if (chosen)
			model_show(option, "SELECTED");
		known = known || chosen;
	}
	if (!known) {
		struct model *option = model_section(m, "TYPE_OPTION");
		model_set(option, "TYPE", c->type);
		model_set(option, "TYPE_TITLE", c->type);
		model_show(option, "SELECTED");
	}
}

static enum status present_fill(struct request *rq, struct model *m, const struct choice *c)
{
	struct count_present *present;
	struct count_notes notes;
	size_t n;
	int64_t users, all = 0;
	enum status s = counts_now(rq->db, rq->arena, &present, &n, &users);

	if (s == STATUS_OK)
		s = count_notes_get(rq->db, rq->arena, &notes);
	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		struct model *type = model_section(m, "PRESENT");
		model_set(type, "TYPE_TITLE", certificate_title(present[i].type));
		model_set(type, "VALID", text_number(rq->arena, present[i].valid));
		all += present[i].valid;
	}
	model_set(m, "VALID_ALL", text_number(rq->arena, all));
	model_set(m, "USERS", text_number(rq->arena, users));
	types_fill(m, c, present, n);
	if (!notes.counted_at)
		model_show(m, "UNCOUNTED");
	else
		model_set(rq->now - notes.counted_at > STALE ? model_section(m, "STALE") : model_section(m, "COUNTED"), "COUNTED_AT",
			clock_show(rq->arena, notes.counted_at, rq->lang));
	return STATUS_OK;
}

static void years_fill(struct model *m, const struct choice *c)
{
	unsigned last = fiscal_year(c->now);

	for (unsigned year = last; year > last - YEARS; year--) {
		struct model *option = model_section(m, "YEAR_OPTION");
		model_set_int(option, "YEAR", year);
		if (year == c->year)
			model_show(option, "SELECTED");
	}
}

static enum status statistics_page(struct request *rq)
{
	struct choice c;
	struct sums sums;
	struct model *m = model_new(rq->arena);
	enum status s = choice_read(rq, &c);

	if (s == STATUS_OK)
		s = sums_get(rq, &c, &sums);
	if (s == STATUS_OK)
		s = present_fill(rq, m, &c);
	if (s != STATUS_OK)
		return s;
	years_fill(m, &c);
	months_fill(rq, m, &c, &sums);
	if (admin_may(rq, RIGHT_CHANGE)) {
		struct model *export = model_section(m, "EXPORT");
		model_set(export, "CERTIFICATES_URL",
			*c.type ? arena_printf(rq->arena, "/admin_statistics/certificates?type=%s", text_url_encode(rq->arena, c.type))
				: "/admin_statistics/certificates");
	}
	model_set(m, "FIGURES_URL",
		arena_printf(rq->arena, "/admin_statistics/figures?year=%s&type=%s", c.year ? arena_printf(rq->arena, "%u", c.year) : "",
			text_url_encode(rq->arena, c.type)));
	return request_page(rq, "admin_statistics/statistics.html", _("Statistics"), m);
}

/* --- The table as CSV -------------------------------------------------------------------------------------------------------------- */

struct figures {
	struct choice choice;
	struct sums sums;
	unsigned next; /* month */
};

static enum status figures_rows(struct request *rq, struct arena *a, void *context, struct text *csv)
{
	struct figures *f = context;

	for (; f->next < f->choice.until; f->next++) {
		const char *cells[1 + COUNT_KIND_COUNT] = {arena_printf(a, "%04u-%02u", f->next / 12, f->next % 12 + 1)};
		for (unsigned kind = 0; kind < COUNT_KIND_COUNT; kind++)
			cells[1 + kind] = arena_printf(a, "%lld", (long long)f->sums.n[f->next - f->choice.from][kind]);
		csv_row(csv, cells, COUNT_OF(cells));
	}
	return STATUS_OK;
}

static enum status figures_export(struct request *rq)
{
	const char *const titles[] = {_("Month"), _("Applications"), _("Issued"), _("Renewed"), _("Revoked"), _("Expired"), _("Not obtained in time")};
	struct figures *f = arena_alloc(rq->arena, sizeof *f);
	enum status s = choice_read(rq, &f->choice);

	if (s == STATUS_OK)
		s = sums_get(rq, &f->choice, &f->sums);
	if (s != STATUS_OK)
		return s;
	f->next = f->choice.from;
	return export_csv(rq, &(struct export){
		.name = "statistics",
		.titles = arena_copy(rq->arena, titles, sizeof titles),
		.columns = COUNT_OF(titles),
		.action = "admin.statistics.figures_exported",
		.object = "statistics",
		.rows = figures_rows,
		.context = f,
	});
}

static const struct route routes[] = {
	{"GET", "/admin_statistics", ACCESS_ADMIN, statistics_page, .right = RIGHT_LOOK},
	{"GET", "/admin_statistics/figures", ACCESS_ADMIN, figures_export, .right = RIGHT_LOOK},
	/* Every person's certificates at once: more than a look. */
	{"GET", "/admin_statistics/certificates", ACCESS_ADMIN, certificates_export, .right = RIGHT_CHANGE},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Statistics"), "/admin_statistics", ACCESS_ADMIN, RIGHT_LOOK},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_statistics",
	.routes = routes,
	.menu = menu,
	.jobs = count_jobs,
};
