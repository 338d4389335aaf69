/* How an import begins: the first page, the question to the upstream, and the uploaded file. */
#include "import.h"

#include "admin_import_store.h"

#define RUNS_SHOWN 10

/* --- The first page ------------------------------------------------------------------------------------------------- */

static void sources_fill(struct model *m)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		if (!p->upstream || !p->upstream->list)
			continue;
		struct model *source = model_section(m, "SOURCE");
		model_set(source, "SOURCE_NAME", p->name);
		model_set(source, "SOURCE_TITLE", i18n_text(p->name, p->upstream->title));
	}
}

static void discarded_fill(struct model *m, const struct run *run)
{
	if (text_same(run->why, "file"))
		model_show(m, "BY_FILE");
	else if (text_same(run->why, "broken"))
		model_show(m, "BY_BREAK");
	else if (text_same(run->why, "old"))
		model_show(m, "BY_AGE");
}

static void run_line_fill(struct request *rq, struct model *m, const struct run *run)
{
	model_set(m, "RUN_PATH", import_path(rq->arena, run->id));
	model_set_int(m, "RUN", (long long)run->id);
	model_set(m, "OWNER", run->owner);
	model_set(m, "STARTED", clock_show(rq->arena, run->created_at, rq->lang));
	model_set_int(m, "MADE", run->made);
	model_set_int(m, "MOVED", run->moved);
	if (text_same(run->source, "file"))
		model_set(model_section(m, "FROM_FILE"), "FILE", run->file);
	else
		model_show(m, "FROM_UPSTREAM");
	if (text_same(run->phase, "DONE"))
		model_show(m, "IS_DONE");
	else if (text_same(run->phase, "DISCARDED"))
		discarded_fill(model_section(m, "IS_DISCARDED"), run);
	else
		model_show(m, "IS_FAILED");
}

enum status intake_page(struct request *rq)
{
	struct model *m = model_new(rq->arena);
	struct run open, *runs;
	size_t n = 0;
	enum status s = run_open(rq->db, rq->arena, &open);

	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	if (s == STATUS_OK) {
		struct model *section = model_section(m, "OPEN");
		run_line_fill(rq, section, &open);
	} else {
		struct model *start = model_section(m, "START");
		model_set(start, "CSRF", rq->csrf);
		model_set_int(start, "UPLOAD_MB", import_settings.upload_max / (1024 * 1024));
		sources_fill(start);
		for (size_t i = 0; table_heading(i); i++)
			model_set(model_section(start, "COLUMN"), "COLUMN_NAME", table_heading(i));
	}
	if (request_query(rq, "busy"))
		model_show(m, "BUSY");
	if (request_query(rq, "discarded"))
		model_show(m, "DISCARDED");
	s = run_list(rq->db, rq->arena, RUNS_SHOWN, &runs, &n);
	if (s != STATUS_OK)
		return s;
	struct model *past = n ? model_section(m, "PAST") : NULL;
	for (size_t i = 0; i < n; i++)
		run_line_fill(rq, model_section(past, "PAST_RUN"), &runs[i]);
	return request_page(rq, "admin_import/start.html", _("Bulk import"), m);
}

/* --- From the upstream ------------------------------------------------------------------------------------------------ */

struct starting {
	struct request *rq;
	struct run run;
};

static enum status start_body(struct db *db, void *context)
{
	struct starting *s = context;
	struct arena *a = s->rq->arena;
	enum status st = run_start(db, &s->run, s->rq->now, &s->run.id);

	if (st == STATUS_OK)
		st = audit_add(db, "admin.import_started", arena_printf(a, "import:%llu", (unsigned long long)s->run.id),
			arena_printf(a, "%s %s", s->run.source, s->run.upstream));
	if (st == STATUS_OK && text_same(s->run.phase, "FETCHING"))
		st = job_add(db, IMPORT_FETCH_JOB, s->run.id, "", 0, arena_printf(a, IMPORT_FETCH_JOB ":%llu", (unsigned long long)s->run.id));
	return st;
}

static enum status busy(struct request *rq)
{
	log_info("import, another one is open");
	return request_redirect(rq, "/admin_import?busy=1");
}

enum status intake_fetch(struct request *rq)
{
	const char *name = request_field(rq, "upstream");
	const struct upstream *upstream = name ? plugin_upstream(name) : NULL;

	if (!upstream || !upstream->list)
		return cause(STATUS_INVALID, "import from an upstream that gives no list");
	struct starting s = {.rq = rq,
		.run = {.phase = "FETCHING", .source = "upstream", .upstream = name, .file = "", .owner = rq->user->eppn}};
	enum status st = db_transact(rq->db, start_body, &s);
	if (st == STATUS_CONFLICT)
		return busy(rq);
	return st == STATUS_OK ? request_redirect(rq, import_path(rq->arena, s.run.id)) : st;
}

struct fetching {
	struct batch *batch;
	unsigned row_no;
};

static const char *known(const char *s)
{
	return s ? s : "";
}

static void fetched(const struct upstream_certificate *c, void *context)
{
	static const enum import_class classes[] = {
		[UPSTREAM_PROGRESS] = CLASS_PROGRESS,
		[UPSTREAM_WAITING] = CLASS_WAITING,
		[UPSTREAM_ISSUED] = CLASS_ISSUED,
		[UPSTREAM_RENEWED] = CLASS_RENEWED,
		[UPSTREAM_REVOKED] = CLASS_REVOKED,
		[UPSTREAM_FAILED] = CLASS_ERROR,
	};
	struct fetching *f = context;
	struct arena *a = arena_new();
	struct item item = {
		.row_no = ++f->row_no,
		.class = classes[c->state],
		.reason = c->state == UPSTREAM_FAILED ? "upstream-system" : "",
		.detail = "",
		.subject = value_subject(a, known(c->subject)),
		.mail = text_lower(a, known(c->mail)),
		.upstream_id = known(c->upstream_id),
		.type = known(c->type),
		.profile = known(c->profile),
		.serial = c->serial,
		.old_serial = c->old_serial,
		.months = c->months,
		.requested_at = c->requested_at,
		.not_before = c->not_before,
		.not_after = c->not_after,
		.url_until = c->url_until,
		.revoked_at = c->revoked_at,
	};

	batch_add(f->batch, &item);
	arena_free(a);
}

struct handing {
	struct arena *arena;
	struct run run;
};

/* All rows are there: from here on steps do the work. */
static enum status hand_body(struct db *db, void *context)
{
	struct handing *h = context;
	struct run run = h->run;
	enum status s = run_step(db, &run, clock_now());

	run.phase = "CLASSIFYING";
	if (s == STATUS_OK)
		s = run_update(db, &run);
	if (s == STATUS_OK)
		s = audit_add(db, "admin.import_staged", arena_printf(h->arena, "import:%llu", (unsigned long long)run.id),
			arena_printf(h->arena, "rows %u", run.total));
	if (s == STATUS_OK)
		s = work_begin(db, h->arena, &run);
	return s;
}

static enum status fetch_failed(struct db *db, uint64_t id, const char *why)
{
	enum status s = run_close(db, id, "FAILED", why, clock_now());

	return s == STATUS_CONFLICT ? STATUS_OK : s; /* discarded meanwhile */
}

/* The run becomes this job's own, so that one that was taken for dead adds nothing any more; and what that one left goes. */
static enum status fetch_begin(struct db *db, struct run *run)
{
	bool more = true;
	enum status s = run_step(db, run, clock_now());

	run->steps++;
	while (s == STATUS_OK && more)
		s = rows_clear(db, run->id, CLEAR_ROWS, &more);
	return s;
}

enum status fetch_job(const struct job_run *run)
{
	struct handing h = {.arena = run->arena};
	enum status s = run_get(run->db, run->arena, run->job->subject, &h.run);

	if (s == STATUS_MISSING || (s == STATUS_OK && !text_same(h.run.phase, "FETCHING")))
		return STATUS_OK;
	const struct upstream *upstream = s == STATUS_OK ? plugin_upstream(h.run.upstream) : NULL;
	if (s == STATUS_OK && (!upstream || !upstream->list))
		s = cause(STATUS_INVALID, "upstream %s is not enabled", h.run.upstream);
	if (s == STATUS_OK)
		s = fetch_begin(run->db, &h.run);
	if (s != STATUS_OK)
		return s == STATUS_CONFLICT ? STATUS_OK : s;
	struct fetching f = {.batch = batch_new(run->arena, run->db, &h.run)};
	const struct upstream_call call = {.arena = run->arena, .db = run->db, .deadline = run->deadline};
	s = upstream->list(&call, fetched, &f);
	if (s == STATUS_OK)
		s = batch_end(f.batch);
	if (s == STATUS_OK && !h.run.total)
		return fetch_failed(run->db, h.run.id, "no-rows");
	if (s == STATUS_OK)
		s = db_transact(run->db, hand_body, &h);
	return s == STATUS_CONFLICT ? STATUS_OK : s; /* discarded, or another one goes on with it */
}

enum status fetch_gave_up(const struct job_run *run, const char *why)
{
	log_warning("import %llu, the upstream's list could not be had: %s", (unsigned long long)run->job->subject, why);
	return fetch_failed(run->db, run->job->subject, "upstream");
}

/* --- From a file ------------------------------------------------------------------------------------------------------ */

static const char *const faults[] = {
	[TABLE_UTF16] = N_("The file is in UTF-16. Please save it as tab separated text in UTF-8 or Shift_JIS (CP932), and upload it again."),
	[TABLE_BINARY] = N_("This is not a text file. Please upload the list of all certificates as it was downloaded: tab separated text."),
	[TABLE_NO_ROWS] = N_("The file holds no certificates."),
	[TABLE_NO_COLUMNS] = N_("The columns of the file are not those of the list of all certificates: the subject DN and the state cannot be found."),
	[TABLE_TOO_MANY] = N_("The file has more than 1,000,000 rows. Please split it, and import the parts one after the other."),
};

static void taken(struct item *item, void *context)
{
	batch_add(context, item);
}

static enum status upload_refuse(struct request *rq, uint64_t id, enum table_fault fault)
{
	enum status s = run_close(rq->db, id, "DISCARDED", "file", rq->now);

	if (s != STATUS_OK && s != STATUS_CONFLICT)
		return s;
	cause(STATUS_INVALID, "import, the file cannot be read (%d)", (int)fault);
	return request_refuse(rq, STATUS_INVALID, _(faults[fault]));
}

/* Only words of the file's last part, for people to know it by. */
static const char *file_shown(const char *name)
{
	const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
	const char *last = back > slash ? back : slash;

	return last ? last + 1 : name;
}

enum status intake_upload(struct request *rq)
{
	const struct upload *file = request_upload(rq, "file");

	if (!file)
		return request_refuse(rq, cause(STATUS_INVALID, "import without a file"), _("No file was chosen, or it is empty."));
	struct starting s = {.rq = rq,
		.run = {.phase = "RECEIVING", .source = "file", .upstream = import_settings.upstream, .file = file_shown(file->filename),
			.owner = rq->user->eppn}};
	enum status st = db_transact(rq->db, start_body, &s);
	if (st == STATUS_CONFLICT)
		return busy(rq);
	if (st != STATUS_OK)
		return st;
	struct handing h = {.arena = rq->arena, .run = s.run};
	struct batch *batch = batch_new(rq->arena, rq->db, &h.run);
	enum table_fault fault = table_read(file->content, taken, batch);
	if (fault != TABLE_FINE)
		return upload_refuse(rq, s.run.id, fault);
	st = batch_end(batch);
	if (st == STATUS_OK)
		st = db_transact(rq->db, hand_body, &h);
	if (st == STATUS_OK || st == STATUS_CONFLICT) /* discarded by another administrator: its page says so */
		return request_redirect(rq, import_path(rq->arena, s.run.id));
	/* Nothing half read stays open; if that cannot be written either, the sweep ends it. */
	const char *why = arena_string(rq->arena, cause_text());
	(void)!run_close(rq->db, s.run.id, "DISCARDED", "broken", rq->now);
	return cause(st, "%s", why);
}
