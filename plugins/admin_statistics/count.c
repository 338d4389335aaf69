/* Keeps the counts: this month and the one before every few minutes, all months once a day, since late reports and imports reach back. */
#include "count.h"

#include "admin_statistics_store.h"

/* Nobody needs newer figures, and each count reads two months of the indexes. */
#define EVERY (5 * MINUTE)
/* All months: reads everything, so no more often than late reports and imports need. */
#define REBUILT_EVERY DAY

/* Goes on downwards where the run before was cut off. */
static enum status rebuild(const struct job_run *run, struct count_notes *notes, when now)
{
	unsigned first, last = month_of(run->arena, now);
	enum status s = count_first_month(run->db, run->arena, now, &first);

	if (s == STATUS_OK && !notes->todo)
		notes->todo = last;
	while (s == STATUS_OK && notes->todo >= first && !job_run_over(run)) {
		s = count_month(run->db, notes->todo, now);
		notes->todo--;
	}
	if (s == STATUS_OK && notes->todo < first) {
		notes->todo = 0;
		notes->rebuilt_at = now;
	}
	return s;
}

static enum status count_run(const struct job_run *run)
{
	struct count_notes notes;
	when now = clock_now();
	unsigned month = month_of(run->arena, now);
	enum status s = count_notes_get(run->db, run->arena, &notes);

	if (s == STATUS_OK)
		s = count_now(run->db, now);
	if (s == STATUS_OK)
		s = count_month(run->db, month, now);
	if (s == STATUS_OK)
		s = count_month(run->db, month - 1, now);
	if (s == STATUS_OK && (notes.todo || now - notes.rebuilt_at >= REBUILT_EVERY || now < notes.rebuilt_at))
		s = rebuild(run, &notes, now);
	notes.counted_at = now;
	return s == STATUS_OK ? count_notes_set(run->db, &notes) : s;
}

const struct job_kind count_jobs[] = {
	{.name = "admin_statistics.count", .lane = LANE_WAIT, .run = count_run, .every = EVERY},
	{0},
};
