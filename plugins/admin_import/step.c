/* The work of an import: each phase in parts side by side, each part in steps. A step is one transaction of a bounded number of rows, so that a
 * cluster takes it and any host goes on with it. */
#include "import.h"

#include "admin_import_store.h"

#define MATCH_ROWS 5000
#define REGISTER_ROWS IMPORT_ROWS_MAX
#define EVENTS_MAX 100 /* of known applications in one step: each has its own audit row and perhaps a mail */
#define ABANDONED HOUR /* what has not moved for so long was left by a crash, unless there are parts: they move by themselves */

struct stepping {
	struct arena *arena;
	const struct job_run *job;
	struct part part;
	struct run run;
	const char *const *by_mail; /* certificate_types_by_mail() */
};

static enum status step_audit(struct db *db, struct stepping *s, const char *action, const char *detail)
{
	return audit_add(db, action, arena_printf(s->arena, "import:%llu", (unsigned long long)s->run.id), detail);
}

/* Only within the domains of the owner's IdP does an address tell who he is. */
static enum status owners_check(struct db *db, struct stepping *s, unsigned to)
{
	struct owners *owners;
	size_t n;
	enum status st = rows_owners(db, s->arena, s->run.id, s->part.position, to, &owners, &n);

	for (size_t i = 0; st == STATUS_OK && i < n; i++) {
		struct user user = {.idp = owners[i].idp, .mail = arena_printf(s->arena, "x@%s", owners[i].mail)};
		if (!site_mail_allowed(&user))
			st = rows_disown(db, s->run.id, s->part.position, to, &owners[i]);
	}
	return st;
}

static enum status classify(struct db *db, struct stepping *s)
{
	const struct run *run = &s->run;
	struct part *part = &s->part;
	unsigned from = part->position, to = part->last_row - from > MATCH_ROWS ? from + MATCH_ROWS : part->last_row;
	enum status st = rows_match(db, run->id, run->upstream, from, to);

	if (st == STATUS_OK)
		st = rows_plan(db, run->id, clock_now() - import_settings.owner_seen, from, to);
	if (st == STATUS_OK)
		st = owners_check(db, s, to);
	if (st == STATUS_OK)
		st = rows_count(db, run->id, from, to);
	part->position = to;
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
	return import_class_can(row->class) && (run->selected & import_cell(row->class, row->known));
}

static bool is_event(const struct row *row)
{
	return text_same(row->plan, "taken") || text_same(row->plan, "revoked") || text_same(row->plan, "submitted");
}

/* The rows' new applications. ret_n: results, of those that were there. */
static enum status make(struct db *db, struct stepping *s, struct imported *news, const unsigned *row_nos, size_t n,
	struct row_result *results, size_t *ret_n)
{
	enum status st = application_import(
		db, s->arena, s->run.upstream, news, n, arena_printf(s->arena, "import %llu from %s", (unsigned long long)s->run.id, s->run.upstream));

	*ret_n = 0;
	for (size_t i = 0; st == STATUS_OK && i < n; i++) {
		if (!news[i].made)
			results[(*ret_n)++] = (struct row_result){row_nos[i], news[i].id, "there"};
		s->part.made += news[i].made;
	}
	return st;
}

static enum status enter(struct db *db, struct stepping *s)
{
	struct part *part = &s->part;
	struct row *rows;
	size_t n, news_n = 0, there = 0, done = 0, events = 0;
	enum status st = rows_planned(db, s->arena, part, REGISTER_ROWS, &rows, &n);

	if (st != STATUS_OK)
		return st;
	struct imported *news = arena_array(s->arena, n + 1, sizeof *news);
	unsigned *row_nos = arena_array(s->arena, n + 1, sizeof *row_nos);
	struct row_result *results = arena_array(s->arena, n + 1, sizeof *results);
	size_t i = 0;
	for (; st == STATUS_OK && i < n && events < EVENTS_MAX; i++) {
		const char *result = NULL;
		part->position = rows[i].row_no;
		if (!wanted(&s->run, &rows[i]))
			continue;
		if (text_same(rows[i].plan, "new")) {
			row_nos[news_n] = rows[i].row_no;
			news[news_n++] = imported_of(s, &rows[i]);
		} else if (is_event(&rows[i])) {
			st = event_apply(db, s, &rows[i], &result);
			events++;
			if (st == STATUS_OK)
				results[done++] = (struct row_result){rows[i].row_no, rows[i].application_id, result};
			part->moved += text_same(result, "moved");
			part->left_out += text_same(result, "conflict") || text_same(result, "gone");
		} else {
			part->left_out += text_same(rows[i].plan, "stays");
		}
	}
	if (st == STATUS_OK)
		st = make(db, s, news, row_nos, news_n, results + done, &there);
	if (st == STATUS_OK)
		st = rows_result(db, s->arena, part->run, results, done + there);
	if (i >= n && n < REGISTER_ROWS)
		part->position = part->last_row;
	return st;
}

/* Only now are all of them there: which certificate renewed which. */
static enum status link_renewals(struct db *db, struct stepping *s)
{
	struct part *part = &s->part;
	struct row *rows;
	size_t n;
	enum status st = rows_renewing(db, s->arena, part, REGISTER_ROWS, &rows, &n);

	if (st != STATUS_OK)
		return st;
	struct import_link *links = arena_array(s->arena, n + 1, sizeof *links);
	for (size_t i = 0; i < n; i++)
		links[i] = (struct import_link){rows[i].application_id, rows[i].old_serial};
	part->position = n == REGISTER_ROWS ? rows[n - 1].row_no : part->last_row;
	return application_import_link(db, s->arena, links, n);
}

/* What conflicts within a step is a fault, to be tried again and told, and not somebody else who was first. */
static enum status worked(enum status st, struct arena *a)
{
	return st == STATUS_CONFLICT ? cause(STATUS_INTERNAL, "import: %s", arena_string(a, cause_text())) : st;
}

/* --- Phases and their parts ------------------------------------------------------------------------------------------- */

#define CLASSIFYING "CLASSIFYING"
#define LINKING "LINKING"

struct phase {
	const char *name;
	enum status (*work)(struct db *db, struct stepping *s);
};

/* NULL: of the present phase there is nothing to be done in parts. */
static const struct phase *phase_of(const struct run *run)
{
	static const struct phase phases[] = {{CLASSIFYING, classify}, {"REGISTERING", enter}, {LINKING, link_renewals}};

	for (size_t i = 0; i < COUNT_OF(phases); i++)
		if (text_same(run->phase, phases[i].name))
			return &phases[i];
	return NULL;
}

static enum status part_job(struct db *db, struct arena *a, uint64_t part, uint64_t steps)
{
	return job_add(db, IMPORT_PART_JOB, part, "", 0,
		arena_printf(a, IMPORT_PART_JOB ":%llu:%llu", (unsigned long long)part, (unsigned long long)steps));
}

/* Compared are rows that follow each other; registered is by owner, see PART; links depend on those before them. */
enum status work_begin(struct db *db, struct arena *a, const struct run *run)
{
	unsigned n = run->last_row <= MATCH_ROWS || text_same(run->phase, LINKING) ? 1 : (unsigned)import_settings.parallel;
	enum status st = STATUS_OK;

	for (unsigned i = 0; st == STATUS_OK && i < n; i++) {
		struct part part = {.run = run->id, .number = i, .parts = n, .last_row = run->last_row};
		if (text_same(run->phase, CLASSIFYING)) {
			part.number = 0;
			part.parts = 1;
			part.position = (unsigned)((uint64_t)run->last_row * i / n);
			part.last_row = (unsigned)((uint64_t)run->last_row * (i + 1) / n);
		}
		st = part_add(db, &part, &part.id);
		if (st == STATUS_OK)
			st = part_job(db, a, part.id, 0);
	}
	return st;
}

/* All parts are done: the run as they left it goes on. */
static enum status phase_end(struct db *db, struct stepping *s)
{
	struct run *run = &s->run;
	enum status st = run_get(db, s->arena, run->id, run);

	if (st != STATUS_OK)
		return st;
	if (text_same(run->phase, LINKING)) {
		st = step_audit(db, s, "admin.import_registered",
			arena_printf(s->arena, "made %u moved %u left out %u", run->made, run->moved, run->left_out));
		return st == STATUS_OK ? run_close(db, run->id, "DONE", "", clock_now()) : st;
	}
	bool classified = text_same(run->phase, CLASSIFYING);
	run->phase = classified ? "READY" : LINKING;
	st = run_update(db, run);
	if (st != STATUS_OK)
		return st;
	return classified ? step_audit(db, s, "admin.import_classified", NULL) : work_begin(db, s->arena, run);
}

static enum status step_end(struct db *db, struct stepping *s)
{
	bool last = false;

	if (s->part.position < s->part.last_row)
		return part_update(db, &s->part);
	enum status st = part_end(db, s->arena, &s->part, clock_now(), &last);
	return st == STATUS_OK && last ? phase_end(db, s) : st;
}

/* CONFLICT: nothing is to be done any more, or by somebody else. */
static enum status step_body(struct db *db, void *context)
{
	struct stepping *s = context;
	enum status st = part_get(db, s->arena, s->job->job->subject, &s->part);

	if (st == STATUS_OK)
		st = run_get(db, s->arena, s->part.run, &s->run);
	const struct phase *phase = st == STATUS_OK ? phase_of(&s->run) : NULL;
	if (st == STATUS_MISSING || (st == STATUS_OK && !phase))
		return cause(STATUS_CONFLICT, "import: nothing to do");
	if (st == STATUS_OK)
		st = part_step(db, &s->part);
	if (st == STATUS_OK)
		st = worked(phase->work(db, s), s->arena);
	return st == STATUS_OK ? worked(step_end(db, s), s->arena) : st;
}

enum status step_job(const struct job_run *run)
{
	struct stepping s = {.job = run, .arena = arena_new(), .by_mail = certificate_types_by_mail(run->arena)};
	enum status st = STATUS_OK;

	do {
		arena_reset(s.arena);
		st = db_transact(run->db, step_body, &s);
	} while (st == STATUS_OK && !job_run_over(run));
	if (st == STATUS_OK) /* before the lease is over the rest goes to a job of its own */
		st = part_job(run->db, run->arena, s.part.id, s.part.steps + 1);
	arena_free(s.arena);
	return st == STATUS_CONFLICT ? STATUS_OK : st;
}

static enum status fail(const struct job_run *run, uint64_t id, const char *why)
{
	log_warning("import %llu, given up: %s", (unsigned long long)id, why);
	return run_close(run->db, id, "FAILED", "steps", clock_now());
}

enum status step_gave_up(const struct job_run *run, const char *why)
{
	struct part part;
	enum status s = part_get(run->db, run->arena, run->job->subject, &part);

	if (s != STATUS_OK)
		return s == STATUS_MISSING ? STATUS_OK : s;
	s = fail(run, part.run, why);
	return s == STATUS_CONFLICT ? STATUS_OK : s;
}

/* --- What nobody comes back to ---------------------------------------------------------------------------------------- */

static enum status stale_discard(const struct job_run *run, const struct run *stale, const char *why, when now)
{
	enum status s = run_close(run->db, stale->id, "DISCARDED", why, now);

	return s == STATUS_OK ? audit_add(run->db, "admin.import_discarded",
					arena_printf(run->arena, "import:%llu", (unsigned long long)stale->id), why)
			      : s;
}

static enum status stale_end(const struct job_run *run, when now)
{
	struct run *runs;
	size_t n;
	enum status s = run_stale(run->db, run->arena, now - ABANDONED, &runs, &n);

	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		if (text_same(runs[i].phase, "RECEIVING"))
			s = stale_discard(run, &runs[i], "broken", now);
		else if (text_same(runs[i].phase, "READY") && runs[i].changed_at < now - import_settings.keep)
			s = stale_discard(run, &runs[i], "old", now);
		else if (phase_of(&runs[i]) && !runs[i].worked_on) /* left by a version that knew no parts */
			s = fail(run, runs[i].id, "its work is lost");
		if (s == STATUS_CONFLICT)
			s = STATUS_OK;
	}
	return s;
}

/* One job too many does no harm: steps take turns. */
static enum status part_jobs_mend(const struct job_run *run)
{
	struct part *parts;
	size_t n = 0;
	enum status s = part_jobless(run->db, run->arena, &parts, &n);

	for (size_t i = 0; s == STATUS_OK && i < n; i++)
		s = part_job(run->db, run->arena, parts[i].id, parts[i].steps);
	return s;
}

enum status sweep_job(const struct job_run *run)
{
	when now = clock_now();
	struct run *runs;
	size_t n = 0;
	enum status s = part_jobs_mend(run);

	if (s == STATUS_OK)
		s = stale_end(run, now);
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
