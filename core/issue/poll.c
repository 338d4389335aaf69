/* The poll loop: threads that claim jobs, run them, and retry them until they are done or visibly failed. */
#include "issue/poll.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/i18n.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/health.h"

#define ATTEMPTS 12
#define LEASE (5 * MINUTE)
#define FIRST_PAUSE (5 * SECOND)
#define PAUSE_MAX (1 * HOUR)
#define KINDS_MAX 128
#define THREADS_MAX 256

/* Of the idle threads of a lane one, the scout, looks at the table when something may be due; it wakes the next one as soon as it
 * has found a job. So a quiet lane costs one look per interval, and a burst gets every thread. */
struct lane {
	pthread_mutex_t lock;
	pthread_cond_t news;
	const char *names[KINDS_MAX + 1];
	const struct job_kind *kinds[KINDS_MAX];
	size_t n;
	when leases[KINDS_MAX];
	unsigned wakes;  /* counts poll_wake(), so that none is lost while the scout looks */
	bool scouted;    /* some thread is the scout */
};

struct poller {
	pthread_t thread;
	struct lane *lane;
	char owner[96];
	bool joined;
};

static struct lane lanes[LANE_COUNT];
static struct poller pollers[THREADS_MAX];
static size_t poller_count;
static atomic_bool stopping;
static const struct db_settings *db_settings;
static when interval;

static const struct job_kind *kind_find(const struct lane *lane, const char *name)
{
	for (size_t i = 0; i < lane->n; i++)
		if (text_same(lane->names[i], name))
			return lane->kinds[i];
	return NULL;
}

static when pause_after(const struct job_kind *kind, unsigned attempts)
{
	when pause = kind->first_pause ? kind->first_pause : FIRST_PAUSE;
	for (unsigned i = 1; i < attempts && pause < PAUSE_MAX; i++)
		pause *= 2;
	if (pause > PAUSE_MAX)
		pause = PAUSE_MAX;
	uint16_t dice;
	crypto_random(&dice, sizeof dice);
	return pause * (80 + dice % 41) / 100;
}

/* What becomes of a job whose run failed. */
static enum status job_after_failure(const struct job_run *run, const struct job_kind *kind, const char *owner, enum status s)
{
	const char *why = arena_printf(run->arena, "%s: %s", status_name(s), cause_text());
	unsigned most = kind->attempts ? kind->attempts : ATTEMPTS;
	if (kind->every)
		return job_again(run->db, run->job, owner, clock_now() + kind->every);
	if (s != STATUS_INVALID && run->job->attempts < most)
		return job_retry(run->db, run->job, owner, clock_now() + pause_after(kind, run->job->attempts), why);
	log_error("job %s, given up after %u attempts (%s)", kind->name, run->job->attempts, why);
	if (!kind->gave_up)
		return job_fail(run->db, run->job, owner, why);
	s = kind->gave_up(run, why);
	if (s != STATUS_OK) /* the end itself must not be lost */
		return job_retry(run->db, run->job, owner, clock_now() + PAUSE_MAX, why);
	return job_done(run->db, run->job, owner);
}

static void job_carry_out(const struct lane *lane, struct poller *p, struct db *db, struct arena *a, const struct job *job)
{
	const struct job_kind *kind = kind_find(lane, job->kind);
	ASSERT(kind);
	char id[64];
	snprintf(id, sizeof id, "job-%llu", (unsigned long long)job->id);
	log_context(id);
	const char *actor = arena_printf(a, "job:%s", job->kind);
	audit_context(actor, id);
	cause_clear();

	when lease = kind->lease ? kind->lease : LEASE;
	bool ended = false;
	struct job_run run = {.job = job, .arena = a, .db = db, .deadline = clock_monotonic() + lease * 3 / 4, .owner = p->owner,
		.ended = &ended};
	unsigned most = kind->attempts ? kind->attempts : ATTEMPTS;
	enum status s;
	const char *why = NULL;
	if (!kind->every && job->attempts > most + 1) /* each run ended the process: the count grows with the claim */
		s = cause(STATUS_INVALID, "every attempt ended without a result");
	else
		s = kind->run(&run);
	bool succeeded = s == STATUS_OK;
	if (s == STATUS_OK && !ended)
		s = kind->every ? job_again(db, job, p->owner, clock_now() + kind->every) : job_done(db, job, p->owner);
	else if (s != STATUS_OK) {
		why = arena_printf(a, "%s: %s", status_name(s), cause_text());
		log_warning("job %s for %llu, attempt %u failed (%s: %s)", job->kind, (unsigned long long)job->subject,
			job->attempts, status_name(s), cause_text());
		s = job_after_failure(&run, kind, p->owner, s);
	}
	if (s != STATUS_OK)
		log_warning("job %s, its end is not recorded and it will run again (%s: %s)", job->kind, status_name(s),
			cause_text());
	health_note(db, job->kind, succeeded, why);
	log_context(NULL);
	audit_context("system", NULL);
}

/* Until when the scout may sleep: the next due job of the lane, but no longer than the interval. */
static when scout_sleep(when due)
{
	if (!due)
		return interval;
	when rest = due - clock_now();
	return rest < 10 ? 10 : rest < interval ? rest : interval;
}

static void wait_for(struct lane *lane, when ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&lane->news, &lane->lock, &until);
}

static void *poller_run(void *argument)
{
	struct poller *p = argument;
	struct lane *lane = p->lane;
	struct db *db = db_new(db_settings);
	struct arena *a = arena_new();
	i18n_use(LANG_EN);
	audit_context("system", NULL);

	pthread_mutex_lock(&lane->lock);
	while (!stopping) {
		if (lane->scouted) {
			pthread_cond_wait(&lane->news, &lane->lock);
			continue;
		}
		lane->scouted = true;
		unsigned wakes = lane->wakes;
		pthread_mutex_unlock(&lane->lock);

		struct job job;
		when due = 0;
		enum status s = job_claim_or_due(db, a, lane->names, lane->leases, p->owner, &job, &due);
		when sleep = s == STATUS_OK ? 0 : s == STATUS_MISSING ? scout_sleep(due) : interval;
		if (s != STATUS_OK && s != STATUS_MISSING)
			log_status(s, "jobs, none could be claimed");

		pthread_mutex_lock(&lane->lock);
		if (s == STATUS_OK) {
			lane->scouted = false;
			pthread_cond_signal(&lane->news);
			pthread_mutex_unlock(&lane->lock);
			job_carry_out(lane, p, db, a, &job);
			arena_reset(a);
			pthread_mutex_lock(&lane->lock);
			continue;
		}
		if (!stopping && wakes == lane->wakes)
			wait_for(lane, sleep);
		lane->scouted = false;
		arena_reset(a);
	}
	pthread_cond_signal(&lane->news);
	pthread_mutex_unlock(&lane->lock);
	arena_free(a);
	db_free(db);
	return NULL;
}

enum status job_run_done(const struct job_run *run)
{
	if (!run->ended)
		return STATUS_OK;
	ASSERT(db_in_transaction(run->db));
	enum status s = job_done(run->db, run->job, run->owner);
	if (s == STATUS_OK)
		*run->ended = true; /* should the transaction fail after all, run() fails too, and this is not looked at */
	return s;
}

bool job_run_over(const struct job_run *run)
{
	return stopping || clock_monotonic() > run->deadline;
}

static unsigned lanes_of(const char *kind)
{
	for (size_t i = 0; i < LANE_COUNT; i++)
		if (kind_find(&lanes[i], kind))
			return 1u << i;
	return 0; /* of a plugin that is not enabled here */
}

static void lanes_wake(unsigned which)
{
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (!lanes[i].n || !(which & 1u << i))
			continue;
		pthread_mutex_lock(&lanes[i].lock);
		lanes[i].wakes++;
		pthread_cond_broadcast(&lanes[i].news);
		pthread_mutex_unlock(&lanes[i].lock);
	}
}

void poll_wake(void)
{
	lanes_wake(~0u);
}

static enum status lanes_fill(const struct job_kind *const *kinds)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	for (size_t i = 0; i < LANE_COUNT; i++) {
		lanes[i] = (struct lane){0};
		pthread_mutex_init(&lanes[i].lock, NULL);
		pthread_cond_init(&lanes[i].news, &monotonic);
	}
	pthread_condattr_destroy(&monotonic);
	for (; *kinds; kinds++)
		for (const struct job_kind *k = *kinds; k->name; k++) {
			struct lane *lane = &lanes[k->lane];
			if (lane->n == KINDS_MAX)
				return cause(STATUS_INVALID, "more than %d kinds of job", KINDS_MAX);
			for (size_t i = 0; i < LANE_COUNT; i++)
				if (kind_find(&lanes[i], k->name))
					return cause(STATUS_INVALID, "two kinds of job are named %s", k->name);
			lane->leases[lane->n] = k->lease ? k->lease : LEASE;
			lane->names[lane->n] = k->name;
			lane->kinds[lane->n++] = k;
		}
	return STATUS_OK;
}

static enum status periodic_ensure(void)
{
	struct db *db = db_new(db_settings);
	struct arena *a = arena_new();
	enum status s = STATUS_OK;
	for (size_t i = 0; i < LANE_COUNT; i++)
		for (size_t k = 0; s == STATUS_OK && k < lanes[i].n; k++)
			if (lanes[i].kinds[k]->every)
				s = job_add(db, lanes[i].names[k], 0, "", 0, arena_printf(a, "every:%s", lanes[i].names[k]));
	arena_free(a);
	db_free(db);
	return s;
}

static void poller_start(struct lane *lane, size_t index)
{
	if (!lane->n)
		return;
	struct poller *p = &pollers[poller_count++];
	char host[48] = "";
	gethostname(host, sizeof host - 1);
	uint32_t dice;
	crypto_random(&dice, sizeof dice);
	*p = (struct poller){.lane = lane};
	snprintf(p->owner, sizeof p->owner, "%s:%ld:%08x:%zu", host, (long)getpid(), dice, index);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&p->thread, NULL, poller_run, p) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

enum status poll_start(const struct poll_settings *settings, const struct db_settings *db, const struct job_kind *const *kinds)
{
	db_settings = db;
	interval = settings->interval;
	stopping = false;
	poller_count = 0;
	enum status s = lanes_fill(kinds);
	if (s == STATUS_OK)
		s = periodic_ensure();
	if (s != STATUS_OK)
		return s;
	job_wake_with(lanes_wake, lanes_of);
	ASSERT(settings->wait_threads + settings->send_threads + settings->compute_threads <= THREADS_MAX);
	for (int64_t i = 0; i < settings->wait_threads; i++)
		poller_start(&lanes[LANE_WAIT], (size_t)i);
	for (int64_t i = 0; i < settings->send_threads; i++)
		poller_start(&lanes[LANE_SEND], (size_t)i);
	for (int64_t i = 0; i < settings->compute_threads; i++)
		poller_start(&lanes[LANE_COMPUTE], (size_t)i);
	return STATUS_OK;
}

bool poll_stop(int64_t ms)
{
	bool all = true;
	job_wake_with(NULL, NULL);
	for (size_t i = 0; i < LANE_COUNT; i++)
		pthread_mutex_lock(&lanes[i].lock);
	stopping = true;
	for (size_t i = 0; i < LANE_COUNT; i++) {
		pthread_cond_broadcast(&lanes[i].news);
		pthread_mutex_unlock(&lanes[i].lock);
	}
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000 + 1;
	for (size_t i = 0; i < poller_count; i++)
		if (pthread_timedjoin_np(pollers[i].thread, NULL, &until) == ETIMEDOUT) {
			log_warning("job thread %zu, still busy at the end; its lease covers it", i);
			all = false;
		}
	poller_count = 0;
	return all;
}
