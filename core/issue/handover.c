/* Jobs that hand certificates over to a card service, and hold a revocation back until that service was told. */
#include "issue/handover.h"

#include "base/log.h"
#include "issue/upstream.h"
#include "store/job.h"

#define DELIVER_JOB "core.handover"
#define REVOKED_JOB "core.handover_revoked"

static const struct card_service *(*find_service)(const char *type);

void handover_start(const struct card_service *(*find)(const char *type))
{
	find_service = find;
}

static enum status service_of(const struct application *app, const struct card_service **ret)
{
	*ret = find_service ? find_service(app->type) : NULL;
	return *ret ? STATUS_OK
		    : cause(STATUS_BUSY,
			      "certificate type %s of application %llu is not enabled, or has no card service",
			      app->type, (unsigned long long)app->id);
}

static char *job_source(const struct job_run *run)
{
	return arena_printf(run->arena, "job:%llu:%lld", (unsigned long long)run->job->id,
		(long long)run->job->created_at);
}

/* Still on its way: afterwards there is nothing to hand over any more. */
static bool is_open(const struct application *app)
{
	return app->state == APPLICATION_ACCEPTED || app->state == APPLICATION_SENT ||
	       app->state == APPLICATION_ERROR;
}

/* What the upstream gives */

struct giving {
	struct arena *arena;
	uint64_t application;
	const struct handover *handover;
};

static enum status give_body(struct db *db, void *context)
{
	const struct giving *g = context;
	struct application app;
	enum status s = application_get(db, g->arena, g->application, &app);

	if (s == STATUS_OK && !app.handover)
		return cause(STATUS_INVALID, "application %llu has no card service to be handed over to",
			(unsigned long long)app.id);
	if (s != STATUS_OK || !is_open(&app))
		return s;
	s = handover_insert(db, g->arena, app.id, g->handover, clock_now());
	if (s == STATUS_OK) /* from now on there is something to be revoked, whatever becomes of the delivery */
		s = application_set_issued(db, app.id, g->handover->serial, g->handover->fingerprint);
	return s == STATUS_OK ? job_add(db, DELIVER_JOB, app.id, "", 0,
					arena_printf(g->arena, DELIVER_JOB ":%llu:%lld",
						(unsigned long long)app.id, (long long)app.created_at))
			      : s;
}

enum status upstream_hand_over(
	struct db *db, struct arena *a, uint64_t application, const struct handover *handover)
{
	struct giving g = {.arena = a, .application = application, .handover = handover};

	return db_transact(db, give_body, &g);
}

/* Delivery */

struct ending {
	const struct job_run *run;
	struct event event;
	enum application_outcome outcome;
};

/* What happened and the end of the secrets are one thing. */
static enum status end_body(struct db *db, void *context)
{
	struct ending *e = context;
	uint64_t id = e->run->job->subject;
	enum status s = application_apply(db, e->run->arena, id, &e->event, &e->outcome);

	return s == STATUS_OK ? handover_wipe(db, id) : s;
}

static enum status end(const struct job_run *run, struct event event)
{
	struct ending e = {.run = run, .event = event};
	enum status s = db_transact(run->db, end_body, &e);

	if (s == STATUS_OK && e.outcome == APPLIED_CONFLICT)
		log_warning("application %llu, %s does not fit its state; kept for the administrators",
			(unsigned long long)run->job->subject, event_kind_name(event.kind));
	return s;
}

static enum status deliver_run(const struct job_run *run)
{
	uint64_t id = run->job->subject;
	const struct card_service *service;
	struct application app;
	struct handover h;
	enum status s = application_get(run->db, run->arena, id, &app);

	if (s == STATUS_MISSING || (s == STATUS_OK && !is_open(&app)))
		return handover_wipe(
			run->db, id); /* deleted meanwhile; or a run that was killed after its end */
	if (s == STATUS_OK)
		s = service_of(&app, &service);
	if (s == STATUS_OK)
		s = handover_get(run->db, run->arena, id, &h);
	if (s == STATUS_MISSING)
		return cause(STATUS_INVALID, "what had to be handed over was wiped after %d days",
			(int)(HANDOVER_KEPT / DAY));
	if (s == STATUS_OK)
		s = service->deliver(run, &app, &h);
	if (s != STATUS_OK)
		return s == STATUS_INVALID ? STATUS_UPSTREAM
					   : s; /* that it can never succeed is not the service's to say */
	return end(run, (struct event){
				.kind = EVENT_HANDED_OVER,
				.source_key = job_source(run),
				.serial = h.serial,
				.fingerprint = h.fingerprint,
				.not_before = h.not_before,
				.not_after = h.not_after,
			});
}

/* The sealed .p12 stays for the administrator's second try. */
static enum status deliver_gave_up(const struct job_run *run, const char *why)
{
	struct event event = {
		.kind = EVENT_GAVE_UP,
		.source_key = job_source(run),
		.error_code = "card-service",
		.error_text = why,
	};
	enum application_outcome outcome;
	enum status s = application_apply(run->db, run->arena, run->job->subject, &event, &outcome);

	return s == STATUS_MISSING ? STATUS_OK : s;
}

struct repeating {
	struct arena *arena;
	const struct application *app;
	bool waits;
};

static enum status again_body(struct db *db, void *context)
{
	struct repeating *r = context;
	enum application_outcome outcome;
	const char *when_put_back = arena_printf(
		r->arena, "%llu:%lld", (unsigned long long)r->app->id, (long long)r->app->changed_at);
	enum status s = handover_waits(db, r->arena, r->app->id, &r->waits);

	if (s != STATUS_OK || !r->waits)
		return s;
	struct event event = {
		.kind = EVENT_SUBMITTED, .source_key = arena_printf(r->arena, "handover:%s", when_put_back)};
	s = application_apply(db, r->arena, r->app->id, &event, &outcome);
	return s == STATUS_OK ? job_add(db, DELIVER_JOB, r->app->id, "", 0,
					arena_printf(r->arena, DELIVER_JOB ":%s", when_put_back))
			      : s;
}

enum status handover_again(struct db *db, struct arena *a, const struct application *app, bool *ret)
{
	struct repeating r = {.arena = a, .app = app};
	enum status s = db_transact(db, again_body, &r);

	if (s == STATUS_OK)
		*ret = r.waits;
	return s;
}

/* Revocation */

/* A card service that may have the certificate has to be told: also when nothing is known but that the delivery was under way. */
static enum status service_may_have_it(
	struct db *db, struct arena *a, const struct application *app, bool *ret)
{
	if (!app->handover || app->state == APPLICATION_REVOKED) {
		*ret = false;
		return STATUS_OK;
	}
	if (is_open(app))
		return handover_waits(db, a, app->id, ret);
	*ret = true;
	return STATUS_OK;
}

enum status handover_hold(
	struct db *db, struct arena *a, uint64_t application, const struct event *event, bool *ret_held)
{
	struct application app;
	bool held = false;
	enum status s = application_get(db, a, application, &app);

	if (s == STATUS_OK)
		s = service_may_have_it(db, a, &app, &held);
	if (s == STATUS_OK && held)
		s = job_add(db, REVOKED_JOB, application,
			arena_printf(a, "%lld %d %s", (long long)(event->at ? event->at : clock_now()),
				event->reason, event->source_key),
			0, arena_printf(a, REVOKED_JOB ":%llu", (unsigned long long)application));
	if (s == STATUS_OK)
		*ret_held = held;
	return s;
}

/* Payload: when, reason, source key. */
static struct event revoked_event(const struct job_run *run)
{
	struct event event = {.kind = EVENT_REVOKED, .source_key = job_source(run)};
	const char *payload = run->job->payload, *reason = strchr(payload, ' '),
		   *key = reason ? strchr(reason + 1, ' ') : NULL;
	int64_t at = 0, number = 0;

	if (key &&
		text_int(arena_stringn(run->arena, payload, (size_t)(reason - payload)), 0, INT64_MAX, &at) &&
		text_int(arena_stringn(run->arena, reason + 1, (size_t)(key - reason - 1)), 0, INT32_MAX,
			&number)) {
		event.at = at;
		event.reason = (int)number;
		event.source_key = key + 1;
	}
	return event;
}

/* A service knows its cards, not their certificates: when this card has another one by now, the end of the old one would be that one's. */
static enum status revoked_run(const struct job_run *run)
{
	const struct card_service *service;
	struct application app;
	bool replaced = false;
	enum status s = application_get(run->db, run->arena, run->job->subject, &app);

	if (s == STATUS_MISSING || (s == STATUS_OK && app.state == APPLICATION_REVOKED))
		return STATUS_OK;
	if (s == STATUS_OK)
		s = service_of(&app, &service);
	if (s == STATUS_OK)
		s = application_lives_elsewhere(run->db, run->arena, app.id, clock_now(), &replaced);
	if (s == STATUS_OK && !replaced)
		s = service->revoked(run, &app);
	if (s != STATUS_OK)
		return s == STATUS_INVALID ? STATUS_UPSTREAM : s;
	return end(run, revoked_event(run));
}

const struct job_kind handover_jobs[] = {
	{.name = DELIVER_JOB,
		.lane = LANE_SEND,
		.run = deliver_run,
		.gave_up = deliver_gave_up,
		.attempts = 40},
	/* Never turned into an event: "the certificate is still valid" would be untrue, and "revoked" too soon. After two weeks it stays as
	 * a failed job that administrators see and start again. */
	{.name = REVOKED_JOB, .lane = LANE_SEND, .run = revoked_run, .attempts = 340},
	{0},
};
