/* Exports: counts those under way, audits each, and streams its rows as CSV. */
#include "web/export.h"

#include <stdatomic.h>

#include "store/audit.h"

static int64_t most = 2;
static _Atomic int64_t under_way;

void exports_start(int64_t max)
{
	most = max;
}

struct exporting {
	struct export export;
	bool counted, begun;
};

/* After the response, or with the request's arena when the response was never made. */
static void leave(void *context)
{
	struct exporting *e = context;

	if (e->counted)
		atomic_fetch_sub(&under_way, 1);
	e->counted = false;
}

static void left(struct request *rq, bool complete, void *context)
{
	leave(context);
}

static enum status next(struct request *rq, struct arena *a, void *context, struct bytes *ret)
{
	struct exporting *e = context;
	struct text csv = text_new(a, EXPORT_PIECE_MAX);
	enum status s = STATUS_OK;

	if (e->begun) {
		s = e->export.rows(rq, a, e->export.context, &csv);
	} else {
		text_add(&csv, CSV_BOM);
		csv_row(&csv, e->export.titles, e->export.columns);
	}
	e->begun = true;
	ASSERT(!csv.full);
	if (s == STATUS_OK)
		*ret = bytes_of(csv.data, csv.len);
	return s;
}

/* 2026-04-01T09:00 of the configured zone, without its signs and time. */
static char *date_of(struct arena *a, when t)
{
	const char *s = clock_field(a, t);

	return arena_printf(a, "%.4s%.2s%.2s", s, s + 5, s + 8);
}

enum status export_csv(struct request *rq, const struct export *export)
{
	struct exporting *e = arena_alloc(rq->arena, sizeof *e);
	enum status s;

	if (atomic_fetch_add(&under_way, 1) >= most) {
		atomic_fetch_sub(&under_way, 1);
		return request_refuse(rq, cause(STATUS_BUSY, "%lld exports are under way", (long long)most),
			_("Other exports are under way. Please try again in a few minutes."));
	}
	*e = (struct exporting){.export = *export, .counted = true};
	arena_defer(rq->arena, leave, e);
	s = request_stream(rq, "text/csv; charset=utf-8", arena_printf(rq->arena, "%s-%s.csv", export->name, date_of(rq->arena, rq->now)),
		next, e);
	if (s == STATUS_OK)
		s = audit_add(rq->db, export->action, export->object, export->detail);
	if (s == STATUS_OK)
		request_after(rq, left, e);
	return s;
}
