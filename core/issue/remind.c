/* The periodic job that finds certificates whose deadline is near, and has their applicants reminded by mail. */
#include "issue/remind.h"

#include "base/log.h"

#define MARKS_MAX 20    /* of one kind; nobody reads more reminders */
#define DAYS_MAX 3650   /* no certificate lasts longer */
#define STEP 500        /* certificates per step: few enough to stop in time */
#define EVERY (10 * MINUTE) /* marks are days: so exact need a mail not be, and a run without work costs a few look-ups */

static struct {
	struct reminder_mark marks[MARKS_MAX];
	size_t n;
} kinds[DEADLINE_KINDS];
static int64_t mail_pause;

static int falling(const void *left, const void *right)
{
	const struct reminder_mark *l = left, *r = right;

	return (l->days < r->days) - (l->days > r->days);
}

static enum status marks_read(enum deadline_kind kind, const char *name, const char *const *days)
{
	struct reminder_mark *marks = kinds[kind].marks;
	size_t n = 0;

	for (; days && *days; days++) {
		int64_t value;
		if (!text_int(*days, 1, DAYS_MAX, &value))
			return cause(STATUS_INVALID, "inkan.conf: %s holds \"%s\", which is no number of days from 1 to %d", name, *days,
				DAYS_MAX);
		if (n == MARKS_MAX)
			return cause(STATUS_INVALID, "inkan.conf: %s has more than %d marks", name, MARKS_MAX);
		marks[n++] = (struct reminder_mark){.kind = kind, .days = (unsigned)value};
	}
	qsort(marks, n, sizeof(*marks), falling);
	for (size_t i = 0; i + 1 < n; i++) {
		marks[i].nearer = marks[i + 1].days;
		if (marks[i].nearer == marks[i].days)
			return cause(STATUS_INVALID, "inkan.conf: %s holds %u twice", name, marks[i].days);
	}
	kinds[kind].n = n;
	return STATUS_OK;
}

enum status remind_start(const struct remind_settings *settings)
{
	enum status s = marks_read(DEADLINE_DOWNLOAD, "reminder_download_days", settings->download_days);

	if (s == STATUS_OK)
		s = marks_read(DEADLINE_EXPIRY, "reminder_expiry_days", settings->expiry_days);
	mail_pause = settings->mail_pause;
	return s;
}

when remind_near(enum deadline_kind kind)
{
	return kinds[kind].n ? kinds[kind].marks[0].days * DAY : 0;
}

int64_t remind_mail_pause(void)
{
	return mail_pause;
}

static enum status mark_run(const struct job_run *run, const struct reminder_mark *mark)
{
	unsigned all = 0;
	bool more = true;
	enum status s = STATUS_OK;

	/* What is cut off here goes on with the next run. */
	while (s == STATUS_OK && more && !job_run_over(run)) {
		unsigned added = 0;
		s = reminder_step(run->db, mark, clock_now(), STEP, &added, &more);
		all += added;
	}
	if (all)
		log_info("reminders, %u applicants are told that %s ends in %u days or less", all,
			mark->kind == DEADLINE_DOWNLOAD ? "a download window" : "a certificate", mark->days);
	return s;
}

static enum status remind_run(const struct job_run *run)
{
	enum status s = STATUS_OK;

	for (size_t k = 0; k < DEADLINE_KINDS; k++)
		for (size_t i = 0; s == STATUS_OK && i < kinds[k].n; i++)
			s = mark_run(run, &kinds[k].marks[i]);
	return s;
}

const struct job_kind remind_jobs[] = {
	{.name = "core.remind", .lane = LANE_WAIT, .run = remind_run, .every = EVERY},
	{0},
};
