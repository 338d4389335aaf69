/* The export of certificates: what the details page shows of each, but for PIN and download address. */
#include "export.h"

#include "admin_statistics_store.h"

/* Rows read at a time: a slow browser takes the piece that they make within the time that one write may last. */
#define PIECE_ROWS 500

struct exporting {
	const char *type;
	uint64_t after;
	bool over;
};

/* Labels of the core, in this thread's language. */
static const char *core_text(const char *msgid)
{
	return i18n_text("core", msgid);
}

static const char *time_cell(struct request *rq, struct arena *a, when t)
{
	return t ? clock_show(a, t, rq->lang) : "";
}

/* In the order of the titles below. */
static void row_add(struct request *rq, struct arena *a, const struct exported *e, struct text *csv)
{
	const struct application *app = &e->app;
	const char *const cells[] = {
		arena_printf(a, "%llu", (unsigned long long)app->id),
		e->eppn,
		app->number ? arena_printf(a, "%u", app->number) : "",
		certificate_title(app->type),
		core_text(application_phase_label(app, rq->now)),
		core_text(application_certificate_label(app, rq->now)),
		time_cell(rq, a, app->revoke_asked_at),
		time_cell(rq, a, app->revoked_at),
		app->revoke_asked_at || app->revoked_at ? arena_printf(a, "%d", app->reason) : "",
		time_cell(rq, a, app->created_at),
		app->name,
		app->mail,
		time_cell(rq, a, app->issue_mail_at),
		time_cell(rq, a, app->taken_at),
		app->serial ? certificate_serial_decimal(a, app->serial) : "",
		app->serial ? certificate_hex_groups(a, app->serial) : "",
		app->subject,
		time_cell(rq, a, app->not_before),
		time_cell(rq, a, app->not_after),
		app->renews ? arena_printf(a, "%llu", (unsigned long long)app->renews) : "",
		app->upstream,
		app->profile,
		app->memo,
	};

	csv_row(csv, cells, COUNT_OF(cells));
}

static enum status rows_add(struct request *rq, struct arena *a, void *context, struct text *csv)
{
	struct exporting *x = context;
	struct exported *rows;
	size_t n = 0;
	enum status s = x->over ? STATUS_OK : export_read(rq->db, a, x->after, PIECE_ROWS, x->type, &rows, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++)
		row_add(rq, a, &rows[i], csv);
	if (n)
		x->after = rows[n - 1].app.id;
	x->over = x->over || n < PIECE_ROWS;
	return STATUS_OK;
}

enum status certificates_export(struct request *rq)
{
	const char *type = request_query(rq, "type");
	const char *const titles[] = {_("ID"), _("ePPN"), _("Application number"), _("Certificate type"), _("Application status"),
		_("Certificate state"), _("Revocation applied for"), _("Revoked"), _("Revocation reason (RFC 5280)"), _("Application date"),
		_("Name"), _("Mail address"), _("Mail sent"), _("Obtained"), _("Serial number (decimal)"), _("Serial number (hexadecimal)"),
		_("DN (distinguished name)"), _("Valid from"), _("Valid until"), _("Renews (ID)"), _("Issuing service"), _("Profile"), _("Memo")};
	struct exporting *x = arena_alloc(rq->arena, sizeof *x);

	if (type && strlen(type) > TYPE_MAX)
		return cause(STATUS_INVALID, "query type is too long");
	*x = (struct exporting){.type = type ? type : ""};
	return export_csv(rq, &(struct export){
		.name = "certificates",
		.titles = arena_copy(rq->arena, titles, sizeof titles),
		.columns = COUNT_OF(titles),
		.action = "admin.statistics.exported",
		.object = "certificates",
		.detail = *x->type ? arena_printf(rq->arena, "type %s", x->type) : "all",
		.rows = rows_add,
		.context = x,
	});
}
