/* Carries runs out when the grace is over: the revocations, person by person. */
#include "leavers.h"

/* A draft that nobody decides on is forgotten. */
#define DRAFT_KEPT DAY
/* Rows that are forgotten in one statement: short locks. */
#define FORGET_STEP 500

struct person_run {
	struct arena *arena;
	const struct run *run;
	uint64_t user; /* 0: of certificates without an owner */
	when now;
};

/* One certificate, in the transaction of its person or its own. ret_again: it may yet be obtained. */
static enum status revoke_one(struct db *db, const struct person_run *p, uint64_t id, bool *ret_again)
{
	struct application app;
	enum application_outcome outcome = APPLIED_IGNORED;
	struct event event = {
		.kind = EVENT_REVOKE_ASKED,
		.source_key = arena_printf(p->arena, "leavers:%llu", (unsigned long long)p->run->id),
		.reason = p->run->reason,
	};
	const char *what = "already";
	enum status s = application_get(db, p->arena, id, &app);

	if (s == STATUS_MISSING) /* deleted since */
		return item_put(db, p->run->id, id, p->user, "ended", p->now);
	if (s != STATUS_OK)
		return s;
	switch (application_phase(&app, p->now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		*ret_again = true;
		what = "untaken";
		break;
	case PHASE_DONE:
	case PHASE_REVOKE_ERROR:
		if (application_certificate(&app, p->now) != CERTIFICATE_VALID) {
			what = "ended";
			break;
		}
		s = application_apply(db, p->arena, id, &event, &outcome);
		what = outcome == APPLIED_MOVED ? "asked" : "already";
		break;
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
	case PHASE_REVOKED:
		break;
	case PHASE_MISSED:
	case PHASE_ERROR:
		what = "ended"; /* there is none, and there will be none */
		break;
	}
	return s == STATUS_OK ? item_put(db, p->run->id, id, p->user, what, p->now) : s;
}

/* All of a person at once: either everything is asked for and recorded, or nothing. */
static enum status person_body(struct db *db, void *context)
{
	const struct person_run *p = context;
	uint64_t *apps;
	size_t n = 0;
	bool mine = false, again = false;
	enum status s = person_take(db, p->run->id, p->user, p->now, &mine);

	if (s != STATUS_OK || !mine)
		return s;
	s = person_live(db, p->arena, p->user, p->now, &apps, &n);
	for (size_t i = 0; s == STATUS_OK && i < n; i++)
		s = revoke_one(db, p, apps[i], &again);
	return s == STATUS_OK ? person_end(db, p->run->id, p->user, p->now, again ? p->now + LEAVERS_AGAIN : 0) : s;
}

struct item_run {
	struct person_run person;
	uint64_t application;
};

static enum status item_body(struct db *db, void *context)
{
	const struct item_run *i = context;
	const struct person_run *p = &i->person;
	bool mine = false, left_out = false, again = false;
	enum status s = item_take(db, p->run->id, i->application, p->now, &mine);

	if (s != STATUS_OK || !mine)
		return s;
	s = item_left_out(db, p->arena, p->run->id, i->application, &left_out);
	if (s == STATUS_OK && left_out)
		return item_put(db, p->run->id, i->application, 0, "left-out", p->now);
	return s == STATUS_OK ? revoke_one(db, p, i->application, &again) : s;
}

/* What has no owner: each for itself. */
static enum status items_carry_out(const struct job_run *job, const struct run *run)
{
	struct arena *a = arena_new();
	enum status s = STATUS_OK;
	size_t n = LEAVERS_STEP;

	while (s == STATUS_OK && n == LEAVERS_STEP && !job_run_over(job)) {
		uint64_t *apps;
		when now = clock_now();
		s = run_items_due(job->db, a, run->id, now, LEAVERS_STEP, &apps, &n);
		for (size_t i = 0; s == STATUS_OK && i < n; i++) {
			struct item_run item = {{.arena = a, .run = run, .now = now}, apps[i]};
			s = db_transact(job->db, item_body, &item);
		}
		arena_reset(a);
	}
	arena_free(a);
	return s;
}

static enum status run_carry_out(const struct job_run *job, const struct run *run)
{
	struct arena *a = arena_new();
	enum status s = STATUS_OK;
	size_t n = LEAVERS_STEP;

	while (s == STATUS_OK && n == LEAVERS_STEP && !job_run_over(job)) {
		uint64_t *users;
		when now = clock_now();
		s = run_people_due(job->db, a, run->id, now, LEAVERS_STEP, &users, &n);
		for (size_t i = 0; s == STATUS_OK && i < n; i++) {
			struct person_run p = {.arena = a, .run = run, .user = users[i], .now = now};
			s = db_transact(job->db, person_body, &p);
		}
		arena_reset(a);
	}
	if (s == STATUS_OK)
		s = items_carry_out(job, run);
	if (s == STATUS_OK)
		s = run_end(job->db, run->id, clock_now());
	arena_free(a);
	return s;
}

/* --- The job ----------------------------------------------------------------------------------------------------------------------- */

static enum status runs_forget(const struct job_run *job)
{
	enum status s = STATUS_OK;
	bool more = leavers_settings.keep_runs > 0, gone;
	unsigned all = 0;

	while (more && s == STATUS_OK && !job_run_over(job)) {
		s = run_forget(job->db, clock_now() - leavers_settings.keep_runs, FORGET_STEP, &gone, &more);
		all += s == STATUS_OK && gone;
	}
	if (!all)
		return s;
	log_info("leavers, %u runs forgotten", all);
	enum status told = audit_add(job->db, "retention.swept", "runs for leavers", arena_printf(job->arena, "%u", all));
	return s == STATUS_OK ? told : s;
}

static enum status leavers_run(const struct job_run *job)
{
	struct run run;
	enum status s = leavers_tell(job);

	if (s == STATUS_OK)
		s = leavers_recall(job);
	if (s == STATUS_OK)
		s = run_sweep(job->db, clock_now() - DRAFT_KEPT);
	if (s == STATUS_OK)
		s = runs_forget(job);
	while (s == STATUS_OK && !job_run_over(job)) {
		s = run_due(job->db, job->arena, clock_now(), &run);
		if (s == STATUS_OK)
			s = run_carry_out(job, &run);
	}
	return s == STATUS_MISSING ? STATUS_OK : s;
}

const struct job_kind leavers_jobs[] = {
	{.name = "admin_leavers.run", .lane = LANE_WAIT, .run = leavers_run, .every = 10 * SECOND},
	{.name = "admin_leavers.mail", .lane = LANE_SEND, .run = leavers_mail, .attempts = LEAVERS_MAIL_ATTEMPTS},
	{.name = "admin_leavers.recall", .lane = LANE_SEND, .run = leavers_recall_mail, .attempts = LEAVERS_MAIL_ATTEMPTS},
	{0},
};
