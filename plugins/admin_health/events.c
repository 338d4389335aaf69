/* Events that could not be applied: the list, one in detail, and being done with it. */
#include "lists.h"

#define PAGE_ROWS 20

struct word {
	const char *name, *text;
};

/* What was reported. */
static const struct word kinds[] = {
	{"SUBMITTED", N_("The issuing service accepted the application")},
	{"REJECTED", N_("The issuing service refused the application")},
	{"PIN", N_("The PIN was issued")},
	{"TAKEN", N_("The certificate was downloaded")},
	{"HANDED_OVER", N_("The certificate was handed over to the card service")},
	{"REVOKE_ASKED", N_("The revocation was applied for")},
	{"REVOKE_SUBMITTED", N_("The issuing service accepted the revocation")},
	{"REVOKE_REJECTED", N_("The issuing service refused the revocation")},
	{"REVOKED", N_("The certificate was revoked")},
	{"GAVE_UP", N_("It was tried in vain and given up")},
	{"RETRIED", N_("It was put back to be tried again")},
};

/* In which state the application was. */
static const struct word states[] = {
	{"ACCEPTED", N_("Accepted, not yet sent")},
	{"SENT", N_("Sent to the issuing service")},
	{"PIN", N_("PIN issued, not downloaded")},
	{"TAKEN", N_("Downloaded")},
	{"DELIVERED", N_("Handed over to the card service")},
	{"ERROR", N_("Error")},
	{"REVOKE_ACCEPTED", N_("Revocation accepted, not yet sent")},
	{"REVOKE_SENT", N_("Revocation sent to the issuing service")},
	{"REVOKE_ERROR", N_("Error of the revocation")},
	{"REVOKED", N_("Revoked")},
	{"DELETED", N_("Deleted before the report came")},
};

static const char *word_of(const struct word *words, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (text_same(words[i].name, name))
			return _(words[i].text);
	return name ? name : "";
}

static void event_fill(struct request *rq, struct model *m, const struct conflict *c)
{
	model_set_int(m, "EVENT", (long long)c->id);
	model_setf(m, "EVENT_PATH", "/admin_health/events/%llu", (unsigned long long)c->id);
	model_set(m, "KIND", word_of(kinds, COUNT_OF(kinds), c->kind));
	model_set(m, "STATE", word_of(states, COUNT_OF(states), c->state));
	model_set(m, "AT", clock_show(rq->arena, c->at, rq->lang));
	if (*c->detail)
		model_set(model_section(m, "HAS_DETAIL"), "DETAIL", c->detail);
	application_fill(m, c->application, !c->type);
}

enum status events_page(struct request *rq)
{
	bool closed = text_same(request_query(rq, "closed"), "1");
	struct conflict *events;
	uint64_t below = 0;
	size_t n;
	enum status s = request_query_number(rq, "below", INT64_MAX, &below);

	if (s == STATUS_OK)
		s = conflict_list(rq->db, rq->arena, closed, below, PAGE_ROWS + 1, &events, &n);
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	if (closed)
		model_show(m, "CLOSED");
	else
		model_show(m, "OPEN");
	if (text_same(request_query(rq, "done"), "closed"))
		model_show(m, "DONE");
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	if (!n)
		model_show(m, "NONE");
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++)
		event_fill(rq, model_section(table, "ROW"), &events[i]);
	if (n > PAGE_ROWS)
		model_setf(model_section(m, "OLDER"), "OLDER_PATH", "/admin_health/events?%sbelow=%llu", closed ? "closed=1&" : "",
			(unsigned long long)events[PAGE_ROWS - 1].id);
	return request_page(rq, "admin_health/events.html", _("Events that could not be applied"), m);
}

static bool event_id(struct request *rq, int64_t *ret)
{
	return text_int(request_part(rq, "id"), 1, INT64_MAX, ret);
}

static char *object_of(struct request *rq, const struct conflict *c)
{
	return arena_printf(rq->arena, "application:%llu", (unsigned long long)c->application);
}

enum status event_page(struct request *rq)
{
	struct conflict c;
	int64_t id;

	if (!event_id(rq, &id))
		return cause(STATUS_MISSING, "not an event's number");
	enum status s = conflict_get(rq->db, rq->arena, (uint64_t)id, &c);
	if (s == STATUS_OK)
		s = audit_add(rq->db, "admin.event.viewed", object_of(rq, &c), arena_printf(rq->arena, "event %lld", (long long)id));
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	event_fill(rq, m, &c);
	model_set(m, "SOURCE", c.source_key);
	if (c.state_now)
		model_set(model_section(m, "NOW"), "STATE_NOW", word_of(states, COUNT_OF(states), c.state_now));
	else
		model_show(m, "DELETED");
	if (c.closed_at)
		model_set(model_section(m, "CLOSED"), "CLOSED_AT", clock_show(rq->arena, c.closed_at, rq->lang));
	else if (admin_may(rq, RIGHT_CHANGE))
		model_set(model_section(m, "CAN_CLOSE"), "CSRF", rq->csrf);
	return request_page(rq, "admin_health/event.html", _("Event that could not be applied"), m);
}

struct closing {
	struct request *rq;
	uint64_t id;
};

static enum status close_body(struct db *db, void *context)
{
	const struct closing *c = context;
	struct arena *a = c->rq->arena;
	struct conflict event;
	enum status s = conflict_close(db, a, c->id, c->rq->now);

	if (s == STATUS_OK)
		s = conflict_get(db, a, c->id, &event);
	return s == STATUS_OK ? audit_add(db, "admin.event.closed", object_of(c->rq, &event),
					arena_printf(a, "event %llu, %s in state %s", (unsigned long long)c->id, event.kind, event.state))
			      : s;
}

/* Closed by somebody else meanwhile is closed too. */
enum status event_close(struct request *rq)
{
	int64_t id;

	if (!event_id(rq, &id))
		return cause(STATUS_MISSING, "not an event's number");
	enum status s = db_transact(rq->db, close_body, &(struct closing){rq, (uint64_t)id});
	return s == STATUS_OK || s == STATUS_CONFLICT ? request_redirect(rq, "/admin_health/events?done=closed") : s;
}
