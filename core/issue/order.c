/* Jobs that carry orders to the upstream, and the door through which its reports come back. */
#include "issue/upstream.h"

#include "base/log.h"
#include "issue/handover.h"
#include "issue/order.h"
#include "store/application_delete.h"
#include "store/health.h"

static const struct upstream *(*find_upstream)(const char *name);

void order_start(const struct upstream *(*find)(const char *name))
{
	find_upstream = find;
}

enum status upstream_report(struct db *db, struct arena *a, const char *upstream, uint64_t application,
	const struct event *event)
{
	enum application_outcome outcome;
	enum status s = STATUS_OK;
	if (event->kind == EVENT_REVOKED) {
		bool held = false;
		s = handover_hold(db, a, application, event, &held);
		if (s == STATUS_MISSING)
			return application_report_lost(db, a, application, event);
		if (s != STATUS_OK || held)
			return s;
	}
	s = application_apply(db, a, application, event, &outcome);
	/* An administrator has deleted it. That we gave up ourselves is no news then. */
	if (s == STATUS_MISSING && event->kind != EVENT_GAVE_UP)
		return application_report_lost(db, a, application, event);
	if (s == STATUS_OK && outcome == APPLIED_CONFLICT)
		log_warning("application %llu, report %s of %s does not fit its state; kept for the administrators",
			(unsigned long long)application, event_kind_name(event->kind), upstream);
	return s;
}

struct submitting {
	const struct job_run *run;
	const struct upstream *upstream;
	const struct upstream_call *call;
	struct upstream_order *order;
};

static enum status submit_joined(struct db *db, void *context)
{
	const struct submitting *s = context;
	s->order->answer = UPSTREAM_UNKNOWN;
	enum status status = s->upstream->submit(s->call, s->order, 1);
	return status == STATUS_OK && s->order->answer == UPSTREAM_TOLD ? job_run_done(s->run) : status;
}

/* One order, one call. The driver itself makes a repetition harmless. */
static enum status order_send(const struct job_run *run, const struct application *app, enum upstream_action action)
{
	const struct upstream *upstream = find_upstream(app->upstream);
	if (!upstream)
		return cause(STATUS_BUSY, "upstream %s of application %llu is not enabled", app->upstream,
			(unsigned long long)app->id);
	struct upstream_call call = {.arena = run->arena, .db = run->db, .deadline = run->deadline};
	struct upstream_order order = {.application = app, .action = action, .reason = app->reason,
		.answer = UPSTREAM_UNKNOWN};
	struct submitting submitting = {run, upstream, &call, &order};
	enum status s = upstream->joins ? db_transact(run->db, submit_joined, &submitting) : upstream->submit(&call, &order, 1);
	bool answered = s == STATUS_OK && order.answer != UPSTREAM_UNKNOWN; /* a refusal is an answer too */
	const char *why = answered ? NULL : arena_string(run->arena, s == STATUS_OK ? "no answer is known" : cause_text());
	health_note(run->db, arena_printf(run->arena, "%s" ORDER_PULSE, app->upstream), answered, why);
	if (s != STATUS_OK)
		return why ? cause(s, "%s", why) : s;
	bool revoke = action == UPSTREAM_REVOKE;
	struct event event = {.source_key = arena_printf(run->arena, "job:%llu:%lld", (unsigned long long)run->job->id,
		(long long)run->job->created_at)};
	switch (order.answer) {
	case UPSTREAM_TOLD:
		return STATUS_OK;
	case UPSTREAM_ACCEPTED:
		event.kind = revoke ? EVENT_REVOKE_SUBMITTED : EVENT_SUBMITTED;
		break;
	case UPSTREAM_REJECTED:
		event.kind = revoke ? EVENT_REVOKE_REJECTED : EVENT_REJECTED;
		event.error_code = order.code;
		event.error_field = order.field;
		event.error_text = order.message;
		break;
	case UPSTREAM_UNKNOWN:
		return cause(STATUS_UPSTREAM, "upstream %s did not tell what became of application %llu", app->upstream,
			(unsigned long long)app->id);
	}
	return upstream_report(run->db, run->arena, app->upstream, app->id, &event);
}

static enum status submit_run(const struct job_run *run)
{
	struct application app;
	enum status s = application_get(run->db, run->arena, run->job->subject, &app);
	if (s == STATUS_MISSING)
		return STATUS_OK; /* deleted by an administrator meanwhile */
	if (s != STATUS_OK)
		return s;
	if (app.state != APPLICATION_ACCEPTED)
		return STATUS_OK; /* a run that was killed after its report, or an answer that came by another way */
	if (app.handover) {
		bool waits = false;
		s = handover_again(run->db, run->arena, &app, &waits);
		if (s != STATUS_OK || waits)
			return s; /* the upstream has done its part: only the card service is missing */
	}
	return order_send(run, &app, app.renews ? UPSTREAM_RENEW : UPSTREAM_ISSUE);
}

static enum status revoke_run(const struct job_run *run)
{
	struct application app;
	enum status s = application_get(run->db, run->arena, run->job->subject, &app);
	if (s == STATUS_MISSING)
		return STATUS_OK;
	if (s != STATUS_OK)
		return s;
	if (app.state != APPLICATION_REVOKE_ACCEPTED)
		return STATUS_OK;
	return order_send(run, &app, UPSTREAM_REVOKE);
}

static enum status order_gave_up(const struct job_run *run, const char *why)
{
	struct event event = {
		.kind = EVENT_GAVE_UP,
		.source_key = arena_printf(run->arena, "job:%llu:%lld", (unsigned long long)run->job->id,
			(long long)run->job->created_at),
		.error_code = "gave-up",
		.error_text = why,
	};
	enum status s = upstream_report(run->db, run->arena, "core", run->job->subject, &event);
	return s == STATUS_MISSING ? STATUS_OK : s;
}

enum status order_collect(const struct job_run *run)
{
	const char *kind = run->job->kind;
	ASSERT(text_ends(kind, ORDER_COLLECT));
	const char *name = arena_stringn(run->arena, kind, strlen(kind) - strlen(ORDER_COLLECT));
	const struct upstream *upstream = find_upstream(name);
	if (!upstream || !upstream->collect)
		return STATUS_OK;
	struct upstream_call call = {.arena = run->arena, .db = run->db, .deadline = run->deadline};
	return upstream->collect(&call);
}

const struct job_kind order_jobs[] = {
	{.name = "core.submit", .lane = LANE_WAIT, .run = submit_run, .gave_up = order_gave_up, .attempts = 40},
	{.name = "core.revoke", .lane = LANE_WAIT, .run = revoke_run, .gave_up = order_gave_up, .attempts = 40},
	{0},
};
