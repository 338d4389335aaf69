/* Failed jobs: the list, trying one again, and discarding one. */
#include "lists.h"

#define PAGE_ROWS 20

/* Jobs of administrators' plugins count runs of their own, not applications. 0: it is about none. */
static uint64_t application_of(const struct job_failure *job)
{
	return text_starts(job->kind, "admin_") ? 0 : job->subject;
}

/* As the audit trail names it. */
static char *object_of(struct arena *a, const struct job_failure *job)
{
	uint64_t application = application_of(job);

	return application ? arena_printf(a, "application:%llu", (unsigned long long)application)
			   : arena_printf(a, "job:%llu", (unsigned long long)job->id);
}

const char *job_words(const char *kind)
{
	static const struct {
		const char *end, *words;
	} known[] = {
		{"core.submit", N_("Sending applications to the issuing service")},
		{"core.revoke", N_("Sending revocations to the issuing service")},
		{"core.mail", N_("Sending mails")},
		{"core.handover", N_("Handing certificates over to a card service")},
		{"core.handover_revoked", N_("Telling a card service of revocations")},
		{"core.sweep", N_("Deleting what is over")},
		{"core.chain", N_("Sealing the audit trail")},
		{"core.verify", N_("Verifying the audit trail")},
		{"core.verify_now", N_("Verifying the audit trail")},
		{"core.reseal", N_("Sealing stored secrets under a new key")},
		{"core.remind", N_("Deciding on reminders")},
		{"core.retention", N_("Deleting and erasing what is old enough")},
		{"admin_import.fetch", N_("Bulk import: asking the issuing service")},
		{"admin_import.part", N_("Bulk import: comparing and registering")},
		{"admin_leavers.run", N_("Revoking the certificates of people who have left")},
		{"admin_leavers.mail", N_("Telling people who have left")},
		{"admin_leavers.recall", N_("Telling people that nothing is revoked")},
		{"admin_statistics.count", N_("Counting for the statistics")},
		{"admin_users.search", N_("Preparing the search for users")},
		{".collect", N_("Fetching the issuing service's answers")},
		{".crl", N_("Making the revocation list")},
		{".key", N_("Making users' keys")},
		{".stock", N_("Making keys ahead")},
		{".sweep", N_("Deleting what is over")},
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].end[0] == '.' ? text_ends(kind, known[i].end) : text_same(kind, known[i].end))
			return _(known[i].words);
	return NULL;
}

struct route_search {
	const char *path;
	bool found;
};

static void route_look(const char *owner, const struct route *route, void *context)
{
	struct route_search *search = context;
	search->found = search->found || text_same(route->path, search->path);
}

void application_fill(struct model *m, uint64_t id, bool deleted)
{
	static const char page[] = "/admin_users/certificates/";
	struct route_search search = {.path = "/admin_users/certificates/:id"};

	if (!id)
		return;
	if (!deleted && plugin_find("admin_users"))
		router_each(route_look, &search);
	struct model *application = model_section(m, "HAS_APPLICATION");
	model_set_int(application, "APPLICATION", (long long)id);
	if (search.found)
		model_setf(model_section(application, "LINKED"), "APPLICATION_PATH", "%s%llu", page, (unsigned long long)id);
	else
		model_show(application, "NOT_LINKED");
}

static void job_fill(struct request *rq, struct model *m, const struct job_failure *job)
{
	const char *words = job_words(job->kind);

	model_set_int(m, "JOB", (long long)job->id);
	model_set(m, "KIND_NAME", job->kind);
	if (words)
		model_set(model_section(m, "KIND_WORDS"), "WORDS", words);
	if (job->payload[0])
		model_set(model_section(m, "HAS_PAYLOAD"), "PAYLOAD", job->payload);
	application_fill(m, application_of(job), false);
	model_set(m, "WHY", job->why);
	model_set(m, "MADE_AT", clock_show(rq->arena, job->created_at, rq->lang));
	model_set(m, "CSRF", rq->csrf);
}

/* The card service must be told of a revocation: nothing else ever ends it, and it would be pending for good. */
static bool discardable(const struct job_failure *job)
{
	return !text_same(job->kind, "core.handover_revoked");
}

enum status jobs_page(struct request *rq)
{
	const char *done = request_query(rq, "done");
	struct job_failure *jobs;
	uint64_t below = 0;
	size_t n;
	enum status s = request_query_number(rq, "below", INT64_MAX, &below);

	if (s == STATUS_OK)
		s = job_failures_below(rq->db, rq->arena, below, PAGE_ROWS + 1, &jobs, &n);
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	if (text_same(done, "restarted"))
		model_show(m, "RESTARTED");
	if (text_same(done, "discarded"))
		model_show(m, "DISCARDED");
	if (text_same(done, "gone"))
		model_show(m, "GONE");
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	if (!n)
		model_show(m, "NONE");
	bool change = admin_may(rq, RIGHT_CHANGE);
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++) {
		struct model *row = model_section(table, "ROW");
		job_fill(rq, row, &jobs[i]);
		if (change) {
			struct model *deeds = model_section(row, "CHANGE");
			if (discardable(&jobs[i]))
				model_show(deeds, "DISCARD");
		}
	}
	if (n > PAGE_ROWS)
		model_setf(model_section(m, "OLDER"), "OLDER_PATH", "/admin_health/jobs?below=%llu", (unsigned long long)jobs[PAGE_ROWS - 1].id);
	if (below)
		model_show(m, "NEWEST");
	return request_page(rq, "admin_health/jobs.html", _("Failed jobs"), m);
}

static enum status job_find(struct request *rq, struct job_failure *ret)
{
	int64_t id;

	if (!text_int(request_part(rq, "id"), 1, INT64_MAX, &id))
		return cause(STATUS_MISSING, "not a job's number");
	return job_failure_get(rq->db, rq->arena, (uint64_t)id, ret);
}

struct deed {
	struct request *rq;
	const struct job_failure *job;
	const char *action;
	enum status (*change)(struct db *db, uint64_t id);
};

static enum status deed_body(struct db *db, void *context)
{
	const struct deed *d = context;
	enum status s = d->change(db, d->job->id);

	return s == STATUS_OK ? audit_add(db, d->action, object_of(d->rq->arena, d->job), arena_printf(d->rq->arena, "job %llu, %s %s",
					       (unsigned long long)d->job->id, d->job->kind, d->job->payload))
			      : s;
}

/* Gone meanwhile: another administrator was quicker, or the form was sent twice. The list tells what there is. */
static enum status deed_do(struct request *rq, const char *action, enum status (*change)(struct db *db, uint64_t id), const char *done)
{
	struct job_failure job;
	enum status s = job_find(rq, &job);

	if (s == STATUS_OK)
		s = db_transact(rq->db, deed_body, &(struct deed){rq, &job, action, change});
	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	return request_redirect(rq, arena_printf(rq->arena, "/admin_health/jobs?done=%s", s == STATUS_OK ? done : "gone"));
}

enum status job_restart_send(struct request *rq)
{
	return deed_do(rq, "admin.job.restarted", job_restart, "restarted");
}

static enum status keep(struct request *rq)
{
	cause(STATUS_CONFLICT, "a job that something waits for cannot be discarded");
	return request_refuse(rq, STATUS_CONFLICT,
		_("This job cannot be discarded: a revocation is pending until the card service was told of it. Mend the cause, then try again."));
}

enum status job_discard_send(struct request *rq)
{
	struct job_failure job;

	if (job_find(rq, &job) == STATUS_OK && !discardable(&job))
		return keep(rq);
	return deed_do(rq, "admin.job.discarded", job_discard, "discarded");
}

enum status job_discard_ask(struct request *rq)
{
	struct job_failure job;
	enum status s = job_find(rq, &job);

	if (s == STATUS_MISSING)
		return request_redirect(rq, "/admin_health/jobs?done=gone");
	if (s != STATUS_OK)
		return s;
	if (!discardable(&job))
		return keep(rq);
	struct model *m = model_new(rq->arena);
	job_fill(rq, m, &job);
	return request_page(rq, "admin_health/discard.html", _("Discard a failed job"), m);
}
