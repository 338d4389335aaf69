/* Retention: deletes and blanks what is old enough, in steps, as often as needed and no longer than the job may. */
#include "issue/retention_job.h"

#include "base/log.h"
#include "store/audit.h"
#include "store/retention.h"

#define EVERY (6 * HOUR)
#define STEP 500

static struct retention_settings settings;

void retention_start(const struct retention_settings *given)
{
	settings = *given;
}

static enum status sweep(const struct job_run *run, const char *what, int64_t age,
	enum status (*step)(struct db *db, when before, unsigned limit, uint64_t *ret))
{
	uint64_t n = STEP, all = 0;
	enum status s = STATUS_OK;

	while (age && s == STATUS_OK && n == STEP && !job_run_over(run)) {
		s = step(run->db, clock_now() - age, STEP, &n);
		all += s == STATUS_OK ? n : 0;
	}
	if (!all)
		return s;
	log_info("retention, %llu %s deleted", (unsigned long long)all, what);
	enum status told = audit_add(run->db, "retention.swept", what, arena_printf(run->arena, "%llu", (unsigned long long)all));
	return s == STATUS_OK ? told : s;
}

static enum status events_run(const struct job_run *run)
{
	struct event_place place = {0};
	uint64_t all = 0, n;
	bool more = settings.event_details != 0;
	enum status s = STATUS_OK;

	while (more && s == STATUS_OK && !job_run_over(run)) {
		s = retention_events(run->db, clock_now() - settings.event_details, STEP, &place, &n, &more);
		all += s == STATUS_OK ? n : 0;
	}
	if (all)
		log_info("retention, particulars of %llu events blanked", (unsigned long long)all);
	return s;
}

/* Each user is in the audit trail. */
static enum status users_run(const struct job_run *run)
{
	uint64_t after = 0, all = 0, n;
	bool more = settings.users != 0;
	enum status s = STATUS_OK;

	while (more && s == STATUS_OK && !job_run_over(run)) {
		s = retention_users(run->db, clock_now() - settings.users, STEP, &after, &n, &more);
		all += s == STATUS_OK ? n : 0;
	}
	if (all)
		log_info("retention, names and mail addresses of %llu users blanked", (unsigned long long)all);
	return s;
}

static enum status retention_run(const struct job_run *run)
{
	enum status s = sweep(run, "failed jobs", settings.failed_jobs, retention_jobs);

	if (s == STATUS_OK)
		s = sweep(run, "conflicts", settings.conflicts, retention_conflicts);
	if (s == STATUS_OK)
		s = sweep(run, "reminders", settings.reminders, retention_reminders);
	if (s == STATUS_OK)
		s = events_run(run);
	return s == STATUS_OK ? users_run(run) : s;
}

const struct job_kind retention_job[] = {
	{.name = "core.retention", .lane = LANE_WAIT, .run = retention_run, .every = EVERY, .lease = HOUR},
	{0},
};
