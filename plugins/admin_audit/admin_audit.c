/* The plugin admin_audit: the audit trail, to be read, exported and verified. */
#include "words.h"

/* Rows on one page, as on all lists of administrators. */
#define PAGE_ROWS 20
/* Rows of an export read at a time: a slow browser takes the piece that they make within the time that one write may last. */
#define EXPORT_ROWS 500
/* Characters of a word to look for, and bytes of an action: columns actor and object, and action, of table audit hold no more. */
#define WORD_MAX 255
#define ACTION_MAX 64
/* Of an address that keeps a filter: two words whose characters have four bytes at most, each of which may become three; and what is short. */
#define URL_MAX (2 * WORD_MAX * 4 * 3 + 1024)
/* Only the latest verification is shown. */
#define CHECKS 1

/* What the address says. Texts are as entered; the query is what they mean. */
struct filter {
	const char *actor, *object, *action, *from, *until;
	struct audit_query query;
	uint64_t below;
};

static const char *text_of(struct request *rq, const char *name)
{
	const char *value = request_query(rq, name);

	return text_trim(rq->arena, value ? value : "");
}

/* What is stored is lower case and half width: it is found however a person types it. NULL: any. */
static const char *wanted(struct request *rq, const char *s)
{
	return *s ? text_fold(rq->arena, s) : NULL;
}

static bool day_read(struct request *rq, const char *s, when *ret)
{
	return !*s || clock_parse_day(text_fold(rq->arena, s), ret);
}

static enum status filter_read(struct request *rq, struct filter *ret)
{
	struct filter f = {
		.actor = text_of(rq, "actor"),
		.object = text_of(rq, "object"),
		.action = text_of(rq, "action"),
		.from = text_of(rq, "from"),
		.until = text_of(rq, "until"),
	};

	if ((*f.actor && !text_clean(f.actor, WORD_MAX)) || (*f.object && !text_clean(f.object, WORD_MAX)) || strlen(f.action) > ACTION_MAX)
		return request_refuse(rq, cause(STATUS_INVALID, "audit: a filter is too long"),
			_("A word to look for may have at most 255 characters."));
	enum status s = request_query_number(rq, "below", INT64_MAX, &f.below);
	if (s != STATUS_OK)
		return s;
	f.query = (struct audit_query){
		.actor = wanted(rq, f.actor),
		.object = *f.object ? object_wanted(rq->arena, f.object) : NULL,
		.action = *f.action ? f.action : NULL,
	};
	if (!day_read(rq, f.from, &f.query.from) || !day_read(rq, f.until, &f.query.until))
		return request_refuse(rq, cause(STATUS_INVALID, "audit: no date"), _("A date must be written like 2026-04-01."));
	if (f.query.until)
		f.query.until = clock_add_days(f.query.until, 1);
	*ret = f;
	return STATUS_OK;
}

/* The address with this filter. */
static char *filter_url(struct request *rq, const char *path, const struct filter *f, uint64_t below)
{
	const char *const parts[][2] = {{"actor", f->actor}, {"object", f->object}, {"action", f->action}, {"from", f->from}, {"until", f->until}};
	struct text t = text_new(rq->arena, URL_MAX);

	text_add(&t, path);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		text_add_query(&t, parts[i][0], parts[i][1]);
	if (below)
		text_add_query(&t, "below", arena_printf(rq->arena, "%llu", (unsigned long long)below));
	return t.data;
}

static void filter_fill(struct request *rq, struct model *m, const struct filter *f)
{
	model_set(m, "ACTOR", f->actor);
	model_set(m, "OBJECT", f->object);
	model_set(m, "FROM_DAY", f->from);
	model_set(m, "UNTIL_DAY", f->until);
	bool known = !*f->action;
	for (size_t i = 0; action_at(i); i++) {
		struct model *option = model_section(m, "ACTION_OPTION");
		model_set(option, "ACTION", action_at(i));
		model_set(option, "ACTION_WORDS", action_words(action_at(i)));
		if (text_same(action_at(i), f->action)) {
			model_show(option, "SELECTED");
			known = true;
		}
	}
	if (!known) /* of a plugin that has no words here */
		model_set(model_section(m, "ACTION_OTHER"), "ACTION", f->action);
	if (*f->actor || *f->object || *f->action || *f->from || *f->until)
		model_show(m, "FILTERED");
	model_set(m, "EXPORT_URL", filter_url(rq, "/admin_audit/export", f, 0));
}

/* A row of the result of the latest verification. */
static void check_fill(struct request *rq, struct model *m, const struct audit_check *c)
{
	struct model *check = c->whole ? model_section(m, "WHOLE") : model_section(m, "BROKEN");

	model_set(check, "CHECKED_AT", clock_show(rq->arena, c->ended_at, rq->lang));
	model_set_int(check, "CHECKED_ROWS", (long long)c->rows);
	model_set_int(check, "CHECKED_TAIL", (long long)c->tail);
	if (c->last_id) {
		struct model *last = model_section(check, "LAST");
		model_set_int(last, "LAST_ID", (long long)c->last_id);
		model_set(last, "LAST_AT", clock_show(rq->arena, c->last_at, rq->lang));
	}
	if (c->broken_id) {
		struct model *row = model_section(check, "BROKEN_ROW");
		model_set_int(row, "BROKEN_ID", (long long)c->broken_id);
		model_setf(row, "BROKEN_URL", "/admin_audit?below=%llu", (unsigned long long)c->broken_id + 1);
	}
	model_set(check, "WHY", c->why);
	if (*c->asked_by)
		model_set(model_section(check, "ASKED"), "ASKED_BY", c->asked_by);
}

static enum status checks_fill(struct request *rq, struct model *m, uint64_t *ret_broken)
{
	struct audit_check *checks;
	size_t n;
	bool failed = false;
	enum status s = audit_check_list(rq->db, rq->arena, CHECKS, &checks, &n);

	if (s == STATUS_OK)
		s = job_has_failed(rq->db, rq->arena, "core.verify_now", 0, NULL, &failed);
	if (s != STATUS_OK)
		return s;
	if (n)
		check_fill(rq, m, &checks[0]);
	else
		model_show(m, "UNCHECKED");
	if (failed)
		model_show(m, "FAILED");
	if (request_query(rq, "asked"))
		model_show(m, "ASKED_NOW");
	*ret_broken = n ? checks[0].broken_id : 0;
	return STATUS_OK;
}

static void row_fill(struct request *rq, struct model *row, const struct audit_row *r, uint64_t broken)
{
	const char *words = action_words(r->action);

	model_set_int(row, "ROW_ID", (long long)r->id);
	model_set(row, "ROW_AT", clock_show(rq->arena, r->at, rq->lang));
	model_set(row, "ROW_ACTOR", r->actor);
	model_set(row, "ROW_ACTION", r->action);
	if (words)
		model_set(model_section(row, "WORDED"), "ROW_WORDS", words);
	model_set(row, "ROW_OBJECT", object_words(rq->arena, r->object));
	model_set(row, "ROW_OBJECT_URL",
		arena_printf(rq->arena, "/admin_audit?object=%s", text_url_encode(rq->arena, r->object)));
	if (r->detail && *r->detail && !particulars_fill(rq, row, r->detail))
		model_set(model_section(row, "DETAILED"), "ROW_DETAIL", r->detail);
	if (*r->context)
		model_set(model_section(row, "CONTEXT"), "ROW_CONTEXT", r->context);
	if (r->id == broken)
		model_show(row, "ROW_BROKEN");
}

static enum status rows_fill(struct request *rq, struct model *m, const struct filter *f, uint64_t broken)
{
	struct audit_row *rows;
	size_t n;
	int64_t count = 0;
	enum status s = audit_find(rq->db, rq->arena, &f->query, f->below, PAGE_ROWS + 1, &rows, &n);

	if (s == STATUS_OK)
		s = audit_count(rq->db, rq->arena, &f->query, COUNT_MAX + 1, &count);
	if (s != STATUS_OK)
		return s;
	if (count > COUNT_MAX)
		model_show(m, "COUNT_MORE");
	else
		model_set_int(model_section(m, "COUNT_EXACT"), "COUNT", count);
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++)
		row_fill(rq, model_section(table, "ROW"), &rows[i], broken);
	if (n == 0)
		model_show(m, "EMPTY");
	if (n > PAGE_ROWS)
		model_set(model_section(m, "OLDER"), "OLDER_URL", filter_url(rq, "/admin_audit", f, rows[PAGE_ROWS - 1].id));
	if (f->below)
		model_set(model_section(m, "NEWEST"), "NEWEST_URL", filter_url(rq, "/admin_audit", f, 0));
	return STATUS_OK;
}

static enum status trail_page(struct request *rq)
{
	struct filter f;
	struct model *m = model_new(rq->arena);
	uint64_t broken = 0;
	enum status s = filter_read(rq, &f);

	if (s == STATUS_OK)
		s = checks_fill(rq, m, &broken);
	if (s == STATUS_OK)
		s = rows_fill(rq, m, &f, broken);
	if (s != STATUS_OK)
		return s;
	filter_fill(rq, m, &f);
	model_set(m, "CSRF", rq->csrf);
	return request_page(rq, "admin_audit/trail.html", _("Audit trail"), m);
}

/* --- Verification ------------------------------------------------------------------------------------------------------------------ */

static enum status verify_body(struct db *db, void *context)
{
	const struct request *rq = context;
	enum status s = job_add(db, "core.verify_now", 0, rq->user->eppn, 0, "core.verify_now");

	return s == STATUS_OK ? audit_add(db, "admin.audit.verify", "audit", NULL) : s;
}

static enum status verify_send(struct request *rq)
{
	enum status s = db_transact(rq->db, verify_body, rq);

	return s == STATUS_OK ? request_redirect(rq, "/admin_audit?asked=1") : s;
}

/* --- Export ------------------------------------------------------------------------------------------------------------------------ */

struct exporting {
	struct audit_query query;
	uint64_t below;
	bool over;
};

static enum status export_rows(struct request *rq, struct arena *a, void *context, struct text *csv)
{
	struct exporting *e = context;
	struct audit_row *rows;
	size_t n = 0;
	enum status s = e->over ? STATUS_OK : audit_find(rq->db, a, &e->query, e->below, EXPORT_ROWS, &rows, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		const struct audit_row *r = &rows[i];
		const char *const cells[] = {arena_printf(a, "%llu", (unsigned long long)r->id), clock_rfc3339(a, r->at), r->actor, r->action,
			action_words(r->action), r->object, r->detail, r->context};
		csv_row(csv, cells, COUNT_OF(cells));
		e->below = r->id;
	}
	e->over = e->over || n < EXPORT_ROWS;
	return STATUS_OK;
}

static enum status export_send(struct request *rq)
{
	struct filter f;
	enum status s = filter_read(rq, &f);

	if (s != STATUS_OK)
		return s;
	struct exporting *e = arena_alloc(rq->arena, sizeof *e);
	*e = (struct exporting){.query = f.query};
	const char *const titles[] = {_("Number"), _("Time (UTC)"), _("Who"), _("Action"), _("Action in words"), _("Object"), _("Particulars"),
		_("Request or job")};
	return export_csv(rq, &(struct export){
		.name = "audit",
		.titles = arena_copy(rq->arena, titles, sizeof titles),
		.columns = COUNT_OF(titles),
		.action = "admin.audit.exported",
		.object = "audit",
		.detail = filter_url(rq, "", &f, 0),
		.rows = export_rows,
		.context = e,
	});
}

/* Of whom somebody reads. */
static const char *const words[] = {"actor", "object", NULL};

static const struct route routes[] = {
	{"GET", "/admin_audit", ACCESS_ADMIN, trail_page, .right = RIGHT_AUDIT, .words = words},
	{"POST", "/admin_audit/verify", ACCESS_ADMIN, verify_send, .right = RIGHT_AUDIT},
	{"GET", "/admin_audit/export", ACCESS_ADMIN, export_send, .right = RIGHT_AUDIT},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Audit trail"), "/admin_audit", ACCESS_ADMIN, RIGHT_AUDIT},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_audit",
	.routes = routes,
	.menu = menu,
};
