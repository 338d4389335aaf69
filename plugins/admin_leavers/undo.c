/* Undoing: a whole run, after a question, or one person, who can be put back. */
#include "leavers.h"

enum status run_ask_cancel(struct request *rq)
{
	struct run run;
	struct run_counts counts;
	struct model *m = model_new(rq->arena);
	enum status s = run_of(rq, &run);

	if (s != STATUS_OK)
		return s;
	if (run.state != RUN_WAITING && run.state != RUN_DRAFT)
		return to_run(rq, &run, "?done=late");
	s = run_count(rq->db, rq->arena, run.id, rq->now, &counts);
	if (s != STATUS_OK)
		return s;
	bool draft = run.state == RUN_DRAFT;
	if (draft) {
		model_show(m, "DRAFT");
		model_show(m, "DISCARD");
	} else {
		model_set(model_section(m, "SCHEDULED"), "RUN_AT", clock_show(rq->arena, run.run_at, rq->lang));
		model_show(m, "CANCEL");
	}
	model_set_int(m, "ID", (long long)run.id);
	model_set_int(m, "PERSONS", counts.persons - counts.persons_cancelled);
	model_set(m, "MADE_BY", run.made_by);
	model_set(m, "STATE_NAME", draft ? "draft" : "waiting");
	model_setf(m, "CANCEL_PATH", "/admin_leavers/%llu/cancel", (unsigned long long)run.id);
	model_setf(m, "BACK_PATH", "/admin_leavers/%llu", (unsigned long long)run.id);
	model_set(m, "CSRF", rq->csrf);
	return request_page(rq, "admin_leavers/cancel.html", _("Revocation for leavers: confirmation"), m);
}

/* The form says what was asked about: a list that was decided on meanwhile is no longer the one to be discarded. */
enum status run_send_cancel(struct request *rq)
{
	struct run run;
	enum run_state was = text_same(request_field(rq, "state"), "draft") ? RUN_DRAFT : RUN_WAITING;
	enum status s = run_of(rq, &run);

	if (s != STATUS_OK)
		return s;
	s = run_cancel(rq->db, run.id, was, rq->user->eppn, rq->now);
	if (s == STATUS_CONFLICT) {
		log_status(s, "leavers, too late to cancel");
		return to_run(rq, &run, "?done=late");
	}
	return s == STATUS_OK ? request_redirect(rq, was == RUN_DRAFT ? "/admin_leavers?done=discarded" : "/admin_leavers?done=cancelled") : s;
}

/* --- One person --------------------------------------------------------------------------------------------------------------------- */

/* Back to the page of the list that the form stood on. */
static enum status to_person(struct request *rq, const struct run *run, const char *done, uint64_t user)
{
	const char *field = request_field(rq, "after");
	int64_t after = 0;

	if (field && text_int(field, 1, INT64_MAX, &after))
		return to_run(rq, run,
			arena_printf(rq->arena, "?done=%s&user=%llu&after=%lld", done, (unsigned long long)user, (long long)after));
	return to_run(rq, run, arena_printf(rq->arena, "?done=%s&user=%llu", done, (unsigned long long)user));
}

static enum status person_send(struct request *rq, bool back)
{
	struct run run;
	uint64_t user;
	enum status s = run_of(rq, &run);

	if (s == STATUS_OK && !leavers_id(rq, "user", &user))
		s = cause(STATUS_MISSING, "no such person");
	if (s != STATUS_OK)
		return s;
	s = back ? run_restore_person(rq->db, run.id, user) : run_cancel_person(rq->db, run.id, user, rq->now);
	if (s == STATUS_CONFLICT) {
		log_status(s, "leavers, too late for one person");
		return to_run(rq, &run, "?done=late");
	}
	return s == STATUS_OK ? to_person(rq, &run, back ? "back" : "person", user) : s;
}

enum status run_send_cancel_person(struct request *rq)
{
	return person_send(rq, false);
}

enum status run_send_restore_person(struct request *rq)
{
	return person_send(rq, true);
}
