/* The work of an import in steps: each is one transaction of a bounded number of rows, so that a cluster takes it and any host goes on with it. */
#include "import.h"

#include "admin_import_store.h"

#define MATCH_ROWS 5000
#define REGISTER_ROWS IMPORT_ROWS_MAX
#define EVENTS_MAX 100 /* of known applications in one step: each has its own audit row and perhaps a mail */
#define ABANDONED HOUR /* a step takes a second: what has not moved for so long was left by a crash */

struct stepping {
	struct arena *arena;
	const struct job_run *job;
	struct run run;
	const char *const *by_mail; /* certificate_types_by_mail() */
};

static void phase_to(struct run *run, const char *phase)
{
	run->phase = phase;
	run->position = 0;
}

static enum status step_audit(struct db *db, struct stepping *s, const char *action, const char *detail)
{
	return audit_add(db, action, arena_printf(s->arena, "import:%llu", (unsigned long long)s->run.id), detail);
}

/* Only within the domains of the owner's IdP does an address tell who he is. */
static enum status owners_check(struct db *db, struct stepping *s, unsigned to)
{
	struct owners *owners;
	size_t n;
	enum status st = rows_owners(db, s->arena, s->run.id, s->run.position, to, &owners, &n);

	for (size_t i = 0; st == STATUS_OK && i < n; i++) {
		struct user user = {.idp = owners[i].idp, .mail = arena_printf(s->arena, "x@%s", owners[i].mail)};
		if (!site_mail_allowed(&user))
			st = rows_disown(db, s->run.id, s->run.position, to, &owners[i]);
	}
	return st;
}

static enum status classify(struct db *db, struct stepping *s)
{
	struct run *run = &s->run;
	unsigned from = run->position, to = run->last_row - from > MATCH_ROWS ? from + MATCH_ROWS : run->last_row;
	enum status st = rows_match(db, run->id, run->upstream, from, to);

	if (st == STATUS_OK)
		st = rows_plan(db, run->id, clock_now() - import_settings.owner_seen, from, to);
	if (st == STATUS_OK)
		st = owners_check(db, s, to);
	if (st == STATUS_OK)
		st = rows_count(db, run->id, from, to);
	run->position = to;
	if (st == STATUS_OK && to >= run->last_row) {
		phase_to(run, "READY");
		st = step_audit(db, s, "admin.import_classified", NULL);
	}
	return st;
}

static bool live_by_mail(const struct stepping *s, const char *type)
{
	const char *const *name = s->by_mail;

	while (*name && !text_same(*name, type))
		name++;
	return *name != NULL;
}

static struct imported imported_of(const struct stepping *s, const struct row *row)
{
	static const enum application_state states[CLASS_COUNT] = {
		[CLASS_WAITING] = APPLICATION_PIN,
		[CLASS_ISSUED] = APPLICATION_TAKEN,
		[CLASS_RENEWED] = APPLICATION_TAKEN,
		[CLASS_REVOKED] = APPLICATION_REVOKED,
	};
	return (struct imported){
		.state = states[row->class],
		.type = row->type,
		.profile = row->profile,
		.subject = row->subject,
		.mail = row->mail,
		.upstream_id = row->upstream_id,
		.serial = row->serial,
		.months = row->months,
		.user_id = row->user_id,
		.live_by_mail = live_by_mail(s, row->type),
		.applied_at = row->requested_at,
		.download_until = row->url_until,
		.not_before = row->not_before,
		.not_after = row->not_after,
		.revoked_at = row->revoked_at,
	};
}

/* A known application is brought up to date by an event, as if the upstream's notice had come; nothing is overwritten. */
static enum status event_apply(struct db *db, struct stepping *s, const struct row *row, const char **ret)
{
	enum application_outcome outcome;
	const char *known_by = row->serial ? row->serial : row->upstream_id[0] ? row->upstream_id : "-";
	struct event event = {.source_key = arena_printf(s->arena, "import:%.80s", known_by)};

	if (text_same(row->plan, "submitted")) {
		event.kind = EVENT_SUBMITTED;
		event.at = row->requested_at;
	} else if (text_same(row->plan, "revoked")) {
		event.kind = EVENT_REVOKED;
		event.at = row->revoked_at;
	} else {
		event.kind = EVENT_TAKEN;
		event.at = row->not_before;
	}
	if (event.kind != EVENT_SUBMITTED) {
		event.serial = row->serial;
		event.not_before = row->not_before;
		event.not_after = row->not_after;
	}
	/* As with the upstream's own notice: a card service is told first, and then it is so. */
	bool held = false;
	enum status st = event.kind == EVENT_REVOKED ? handover_hold(db, s->arena, row->application_id, &event, &held) : STATUS_OK;
	if (st == STATUS_OK && held) {
		*ret = "moved";
		return STATUS_OK;
	}
	if (st == STATUS_OK)
		st = application_apply(db, s->arena, row->application_id, &event, &outcome);
	if (st == STATUS_MISSING) { /* deleted since the list was looked through */
		*ret = "gone";
		return STATUS_OK;
	}
	if (st == STATUS_OK)
		*ret = outcome == APPLIED_MOVED ? "moved" : outcome == APPLIED_IGNORED ? "same" : "conflict";
	return st;
}

static bool wanted(const struct run *run, const struct row *row)
{
	return import_class_can(row->class) && (run->selected & import_cell(row->class, row->known)) && !row->result[0];
}

static bool is_event(const struct row *row)
{
	return text_same(row->plan, "taken") || text_same(row->plan, "revoked") || text_same(row->plan, "submitted");
}

/* The rows' new applications. Of those that were made nothing but that is kept, for all of them at once; ret_n: results of the others. */
static enum status make(struct db *db, struct stepping *s, struct imported *news, const unsigned *row_nos, size_t n,
	struct row_result *results, size_t *ret_n)
{
	enum status st = application_import(
		db, s->arena, s->run.upstream, news, n, arena_printf(s->arena, "import %llu from %s", (unsigned long long)s->run.id, s->run.upstream));

	*ret_n = 0;
	for (size_t i = 0; st == STATUS_OK && i < n; i++) {
		if (!news[i].made)
			results[(*ret_n)++] = (struct row_result){row_nos[i], news[i].id, "there"};
		s->run.made += news[i].made;
	}
	return st;
}

/* The classes whose new ones are wanted, as a list for SQL. */
static const char *selected_new(struct stepping *s)
{
	struct text t = text_new(s->arena, 128);

	for (unsigned i = 0; i < CLASS_COUNT; i++)
		if (import_class_can((enum import_class)i) && (s->run.selected & import_cell((enum import_class)i, false)))
			text_addf(&t, "%s%s", t.len ? "," : "", import_class_name((enum import_class)i));
	return t.data;
}

static enum status enter(struct db *db, struct stepping *s)
{
	struct run *run = &s->run;
	struct row *rows;
	size_t n, news_n = 0, there = 0, done = 0, events = 0;
	unsigned from = run->position;
	enum status st = rows_planned(db, s->arena, run->id, run->position, REGISTER_ROWS, &rows, &n);

	if (st != STATUS_OK)
		return st;
	struct imported *news = arena_array(s->arena, n + 1, sizeof *news);
	unsigned *row_nos = arena_array(s->arena, n + 1, sizeof *row_nos);
	struct row_result *results = arena_array(s->arena, n + 1, sizeof *results);
	size_t i = 0;
	for (; st == STATUS_OK && i < n && events < EVENTS_MAX; i++) {
		const char *result = NULL;
		run->position = rows[i].row_no;
		if (!wanted(run, &rows[i]))
			continue;
		if (text_same(rows[i].plan, "new")) {
			row_nos[news_n] = rows[i].row_no;
			news[news_n++] = imported_of(s, &rows[i]);
		} else if (is_event(&rows[i])) {
			st = event_apply(db, s, &rows[i], &result);
			events++;
			if (st == STATUS_OK)
				results[done++] = (struct row_result){rows[i].row_no, rows[i].application_id, result};
			run->moved += text_same(result, "moved");
			run->left_out += text_same(result, "conflict") || text_same(result, "gone");
		} else {
			run->left_out += text_same(rows[i].plan, "stays");
		}
	}
	if (st == STATUS_OK)
		st = make(db, s, news, row_nos, news_n, results + done, &there);
	if (st == STATUS_OK)
		st = rows_result(db, s->arena, run->id, results, done + there);
	if (st == STATUS_OK)
		st = rows_made(db, run->id, selected_new(s), from, run->position);
	if (st == STATUS_OK && i >= n && n < REGISTER_ROWS)
		phase_to(run, "LINKING");
	return st;
}

/* Only now are all of them there: which certificate renewed which. */
static enum status link_renewals(struct db *db, struct stepping *s)
{
	struct run *run = &s->run;
	struct row *rows;
	size_t n;
	enum status st = rows_renewing(db, s->arena, run->id, run->position, REGISTER_ROWS, &rows, &n);

	if (st != STATUS_OK)
		return st;
	struct import_link *links = arena_array(s->arena, n + 1, sizeof *links);
	for (size_t i = 0; i < n; i++)
		links[i] = (struct import_link){rows[i].application_id, rows[i].old_serial};
	st = application_import_link(db, s->arena, links, n);
	if (st != STATUS_OK)
		return st;
	if (n == REGISTER_ROWS) {
		run->position = rows[n - 1].row_no;
		return st;
	}
	st = step_audit(db, s, "admin.import_registered",
		arena_printf(s->arena, "made %u moved %u left out %u", run->made, run->moved, run->left_out));
	phase_to(run, "DONE");
	return st == STATUS_OK ? run_close(db, run->id, "DONE", "", clock_now()) : st;
}

/* What conflicts within a step is a fault, to be tried again and told, and not somebody else who was first. */
static enum status worked(enum status st, struct arena *a)
{
	return st == STATUS_CONFLICT ? cause(STATUS_INTERNAL, "import: %s", arena_string(a, cause_text())) : st;
}

/* CONFLICT: nothing is to be done any more, or by somebody else. */
static enum status step_body(struct db *db, void *context)
{
	static const struct {
		const char *phase;
		enum status (*work)(struct db *db, struct stepping *s);
	} phases[] = {{"CLASSIFYING", classify}, {"REGISTERING", enter}, {"LINKING", link_renewals}};
	struct stepping *s = context;
	size_t i = 0;
	enum status st = run_get(db, s->arena, s->job->job->subject, &s->run);

	while (st == STATUS_OK && i < COUNT_OF(phases) && !text_same(s->run.phase, phases[i].phase))
		i++;
	if (st != STATUS_OK || i == COUNT_OF(phases))
		return st == STATUS_OK || st == STATUS_MISSING ? cause(STATUS_CONFLICT, "import: nothing to do") : st;
	st = run_step(db, &s->run, clock_now());
	if (st == STATUS_OK)
		st = worked(phases[i].work(db, s), s->arena);
	return st == STATUS_OK ? run_update(db, &s->run) : st;
}

/* Before the lease is over the rest goes to a job of its own. */
static enum status hand_on(const struct job_run *run, uint64_t steps)
{
	return job_add(run->db, IMPORT_STEP_JOB, run->job->subject, "", 0,
		arena_printf(run->arena, IMPORT_STEP_JOB ":%llu:%llu", (unsigned long long)run->job->subject, (unsigned long long)steps + 1));
}

enum status step_job(const struct job_run *run)
{
	struct stepping s = {.job = run, .arena = arena_new(), .by_mail = certificate_types_by_mail(run->arena)};
	enum status st = STATUS_OK;

	while (st == STATUS_OK && !job_run_over(run)) {
		arena_reset(s.arena);
		st = db_transact(run->db, step_body, &s);
	}
	if (st == STATUS_OK)
		st = hand_on(run, s.run.steps);
	arena_free(s.arena);
	return st == STATUS_CONFLICT ? STATUS_OK : st;
}

enum status step_gave_up(const struct job_run *run, const char *why)
{
	log_warning("import %llu, given up: %s", (unsigned long long)run->job->subject, why);
	enum status s = run_close(run->db, run->job->subject, "FAILED", "steps", clock_now());
	return s == STATUS_CONFLICT ? STATUS_OK : s;
}

/* --- What nobody comes back to ---------------------------------------------------------------------------------------- */

static enum status stale_end(const struct job_run *run, when now)
{
	struct run *runs;
	size_t n;
	enum status s = run_stale(run->db, run->arena, now - ABANDONED, &runs, &n);

	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		bool receiving = text_same(runs[i].phase, "RECEIVING");
		if (!receiving && !(text_same(runs[i].phase, "READY") && runs[i].changed_at < now - import_settings.keep))
			continue;
		s = run_close(run->db, runs[i].id, "DISCARDED", receiving ? "broken" : "old", now);
		if (s == STATUS_OK)
			s = audit_add(run->db, "admin.import_discarded",
				arena_printf(run->arena, "import:%llu", (unsigned long long)runs[i].id), receiving ? "broken" : "old");
		if (s == STATUS_CONFLICT)
			s = STATUS_OK;
	}
	return s;
}

enum status sweep_job(const struct job_run *run)
{
	when now = clock_now();
	struct run *runs;
	size_t n = 0;
	enum status s = stale_end(run, now);

	if (s == STATUS_OK)
		s = run_finished(run->db, run->arena, now - import_settings.keep, &runs, &n);
	for (size_t i = 0; s == STATUS_OK && i < n && !job_run_over(run); i++) {
		bool more = true;
		while (s == STATUS_OK && more && !job_run_over(run))
			s = rows_clear(run->db, runs[i].id, CLEAR_ROWS, &more);
		if (s == STATUS_OK && !more)
			s = run_cleared(run->db, runs[i].id);
	}
	return s;
}
