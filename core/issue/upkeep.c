/* Periodic jobs of the house itself: sweeping what is over, chaining the audit trail. */
#include "issue/upkeep.h"

#include "base/log.h"
#include "store/application.h"
#include "store/audit.h"
#include "store/audit_find.h"
#include "store/handover.h"
#include "store/session_store.h"

#define SESSION_KEPT (31 * DAY) /* above any limit that the settings allow; each request enforces the configured ones */
#define WIPE_STEP 500
#define CHAIN_STEP 1000

#define RESEAL_STEP 200

const struct sealed_column core_sealed[] = {
	{"application", "id", "pin"},
	{"application", "id", "url"},
	{"handover", "application_id", "p12"},
	{"handover", "application_id", "pin"},
	{0},
};

static struct bytes chain_key;
static const struct sealed_column *const *sealed_columns;

void upkeep_start(struct bytes audit_key, const struct sealed_column *const *sealed)
{
	chain_key = audit_key;
	sealed_columns = sealed;
}

static enum status sweep_run(const struct job_run *run)
{
	enum status s = session_sweep(run->db, SESSION_KEPT, SESSION_KEPT);
	if (s == STATUS_OK)
		s = handover_sweep(run->db, clock_now());
	while (s == STATUS_OK && !job_run_over(run)) {
		unsigned wiped = 0;
		s = application_wipe(run->db, clock_now(), WIPE_STEP, &wiped);
		if (wiped < WIPE_STEP)
			break;
	}
	return s;
}

/* Once an hour the head goes to the log, where a change of the database cannot reach it. */
static void log_head(const char *head)
{
	static when logged; /* one leased job at a time in the cluster, so at worst a line more */
	when now = clock_monotonic();
	if (head && *head && (!logged || now - logged > HOUR)) {
		logged = now;
		log_info("audit trail, head is %s", head);
	}
}

static enum status chain_run(const struct job_run *run)
{
	unsigned chained;
	do {
		char *head = NULL;
		chained = 0;
		enum status s = audit_chain(run->db, run->arena, chain_key, CHAIN_STEP, &chained, &head);
		if (s != STATUS_OK)
			return s;
		if (chained)
			log_head(head);
	} while (chained == CHAIN_STEP && !job_run_over(run));
	return STATUS_OK;
}

#define KEY_MAX 256 /* bytes of a primary key as text; ours are numbers and digests */

static enum status column_reseal(const struct job_run *run, const struct sealed_column *column, unsigned *bad)
{
	char after[KEY_MAX] = "";
	struct arena *a = arena_new(); /* of one step: the table may be long */
	unsigned seen = RESEAL_STEP;
	enum status s = STATUS_OK;
	while (s == STATUS_OK && seen == RESEAL_STEP) {
		const char *last;
		unsigned bad_here;
		s = reseal_step(run->db, a, column, after, RESEAL_STEP, &last, &seen, &bad_here);
		if (s == STATUS_OK) {
			ASSERT((size_t)snprintf(after, sizeof after, "%s", last) < sizeof after);
			if (bad_here)
				log_error("keys, %u values passed over (%s)", bad_here, cause_text());
			*bad += bad_here;
			if (job_run_over(run))
				s = cause(STATUS_BUSY, "keys, %s.%s is not done yet", column->table, column->column);
		}
		arena_reset(a);
	}
	arena_free(a);
	return s;
}

/* Walks everything; what an earlier, cut off walk did already is passed over quickly. */
static enum status reseal_run(const struct job_run *run)
{
	unsigned bad = 0;
	for (const struct sealed_column *const *list = sealed_columns; *list; list++)
		for (const struct sealed_column *c = *list; c->table; c++) {
			enum status s = column_reseal(run, c, &bad);
			if (s != STATUS_OK)
				return s;
		}
	if (bad) /* a final failure that an administrator sees: trying again would not open them */
		return cause(STATUS_INVALID, "%u sealed values do not open; the log names them", bad);
	log_info("keys, every sealed value of the core and of the enabled plugins is under the first key now");
	return audit_add(run->db, "keys.rotated", "keys", NULL);
}

/* payload: the ePPN of the administrator who asked for it; "" once a day. A broken trail is no failure of the job: the result says it. */
static enum status verify_run(const struct job_run *run)
{
	struct audit_check check;
	enum status s = audit_check_run(run->db, run->arena, chain_key, run->job->payload, &check);

	if (s != STATUS_OK)
		return s;
	if (check.whole)
		log_info("audit trail, unbroken: %llu rows", (unsigned long long)check.rows);
	else
		log_error("audit trail, BROKEN (%s)", check.why);
	return STATUS_OK;
}

const struct job_kind upkeep_jobs[] = {
	{.name = "core.sweep", .lane = LANE_WAIT, .run = sweep_run, .every = 10 * MINUTE},
	{.name = "core.chain", .lane = LANE_WAIT, .run = chain_run, .every = 1 * SECOND},
	{.name = "core.verify", .lane = LANE_COMPUTE, .run = verify_run, .every = DAY, .lease = 6 * HOUR},
	{.name = "core.verify_now", .lane = LANE_COMPUTE, .run = verify_run, .lease = 6 * HOUR, .attempts = 3},
	{.name = "core.reseal", .lane = LANE_WAIT, .run = reseal_run, .lease = HOUR},
	{0},
};
