/* The pages of one run: preview, decision, progress. */
#include "leavers.h"

#define REASON_BY_DEFAULT 5 /* cessationOfOperation: its words name those who leave */
#define PAGE_ROWS 20
#define UNKNOWN_ROWS 200
#define UNCLAIMED_ROWS 50
#define GRACE_DAYS_MAX 365
#define PERSON_PATH "/admin_leavers/%llu/person/%llu"

bool leavers_id(struct request *rq, const char *name, uint64_t *ret)
{
	const char *value = request_part(rq, name);
	int64_t id;

	if (!value || value[0] == '0' || !text_int(value, 1, INT64_MAX, &id))
		return false;
	*ret = (uint64_t)id;
	return true;
}

enum status run_of(struct request *rq, struct run *ret)
{
	uint64_t id;

	if (!leavers_id(rq, "run", &id))
		return cause(STATUS_MISSING, "no such run");
	return run_get(rq->db, rq->arena, id, ret);
}

enum status to_run(struct request *rq, const struct run *run, const char *query)
{
	return request_redirect(rq, arena_printf(rq->arena, "/admin_leavers/%llu%s", (unsigned long long)run->id, query));
}

/* Where the language switch of a page that answers a form leads. */
enum status run_again(struct request *rq)
{
	struct run run;
	enum status s = run_of(rq, &run);

	return s == STATUS_OK ? to_run(rq, &run, "") : s;
}

/* --- The page ----------------------------------------------------------------------------------------------------------------------- */

static void counts_fill(struct model *m, const struct run *run, const struct run_counts *c)
{
	model_set_int(m, "PERSONS", c->persons - c->persons_cancelled);
	model_set_int(m, "UNKNOWN_N", c->unknown);
	model_set_int(m, "DUPLICATES", run->duplicates);
	model_set_int(m, "CANCELLED_N", c->persons_cancelled);
	model_set_int(m, "CERTIFICATES", c->certificates);
	model_set_int(m, "UNTAKEN", c->untaken);
	if (run->unclaimed && c->unclaimed && run->state != RUN_CANCELLED)
		model_set_int(model_section(m, "UNCLAIMED_PLAN"), "UNCLAIMED_N", c->unclaimed);
	if (run->state == RUN_RUNNING || run->state == RUN_DONE) {
		struct model *result = model_section(m, "RESULT");
		model_set_int(result, "LEFT_N", c->persons_left);
		model_set_int(result, "ASKED", c->asked);
		model_set_int(result, "REVOKED", c->revoked);
		model_set_int(result, "ALREADY", c->already);
		model_set_int(result, "ENDED", c->ended);
		if (c->failed)
			model_set_int(model_section(result, "FAILURES"), "FAILED", c->failed);
	} else {
		model_show(m, "PLAN");
	}
}

static void person_status(struct request *rq, struct model *row, const struct run *run, const struct person *p)
{
	if (p->cancelled_at)
		model_show(row, "IS_CANCELLED");
	else if (p->done_at)
		model_show(row, "IS_DONE");
	else if (run->state == RUN_CANCELLED)
		model_show(row, "IS_KEPT");
	else if (p->certificates + p->untaken == 0)
		model_show(row, "IS_NOTHING");
	else if (run->state == RUN_DRAFT)
		model_show(row, "IS_FOUND");
	else
		model_show(row, "IS_PLANNED");
	if (run->state == RUN_DRAFT || run->state == RUN_WAITING) {
		struct model *can = p->cancelled_at ? model_section(row, "CAN_BACK") : model_section(row, "CAN_CANCEL");
		model_setf(can, "PERSON_PATH", PERSON_PATH "%s", (unsigned long long)run->id, (unsigned long long)p->user_id,
			p->cancelled_at ? "/back" : "");
	}
	if (p->mailed_at)
		model_set(model_section(row, "MAILED"), "MAILED_AT", clock_show(rq->arena, p->mailed_at, rq->lang));
}

static enum status people_fill(struct request *rq, struct model *m, const struct run *run)
{
	uint64_t after = 0;
	struct person *people;
	size_t n;
	enum status s = request_query_number(rq, "after", INT64_MAX, &after);

	if (s == STATUS_OK)
		s = person_list(rq->db, rq->arena, run->id, after, PAGE_ROWS + 1, rq->now, &people, &n);
	if (s != STATUS_OK)
		return s;
	struct model *table = n ? model_section(m, "PEOPLE") : NULL;
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++) {
		struct model *row = model_section(table, "ROW");
		model_set(row, "EPPN", people[i].eppn);
		model_set(row, "PERSON_NAME", people[i].name);
		model_set(row, "SEEN_ON", clock_show_date(rq->arena, people[i].seen_at, rq->lang));
		model_set_int(row, "PERSON_CERTIFICATES", people[i].certificates);
		if (people[i].untaken)
			model_set_int(model_section(row, "PERSON_WAITS"), "PERSON_UNTAKEN", people[i].untaken);
		person_status(rq, row, run, &people[i]);
		model_set(row, "CSRF", rq->csrf);
		model_set_int(row, "AFTER", (long long)after);
	}
	if (n > PAGE_ROWS)
		model_setf(model_section(m, "MORE"), "MORE_URL", "/admin_leavers/%llu?after=%llu#people", (unsigned long long)run->id,
			(unsigned long long)people[PAGE_ROWS - 1].user_id);
	if (after)
		model_setf(model_section(m, "FIRST"), "FIRST_URL", "/admin_leavers/%llu#people", (unsigned long long)run->id);
	return STATUS_OK;
}

/* What is part of this run only when that is decided, and otherwise not reached, with the way to where it can be revoked. */
static enum status unclaimed_fill(struct request *rq, struct model *m, const struct run *run, struct unclaimed_found *ret)
{
	enum status s = run->unclaimed ? planned_list(rq->db, rq->arena, run->id, UNCLAIMED_ROWS, ret)
				       : unclaimed_list(rq->db, rq->arena, run->id, UNCLAIMED_ROWS, rq->now, ret);

	if (s != STATUS_OK || !ret->n || (run->unclaimed && run->state == RUN_CANCELLED))
		return s;
	struct model *section = model_section(m, "UNCLAIMED");
	if (run->unclaimed)
		model_show(section, "UNCLAIMED_PART");
	else if (run->state == RUN_DRAFT)
		model_show(section, "UNCLAIMED_ASK");
	else
		model_show(section, "UNCLAIMED_NOT");
	for (size_t i = 0; i < ret->n; i++) {
		struct model *row = model_section(section, "UNCLAIMED_ROW");
		model_set(row, "UNCLAIMED_MAIL", ret->list[i].mail);
		model_set(row, "UNCLAIMED_SUBJECT", ret->list[i].subject);
		if (plugin_find("admin_users"))
			model_setf(model_section(row, "UNCLAIMED_LINK"), "UNCLAIMED_URL", "/admin_users/certificates/%llu",
				(unsigned long long)ret->list[i].application);
	}
	if (ret->mark.all > ret->n)
		model_show(section, "UNCLAIMED_MORE");
	return STATUS_OK;
}

static enum status unknown_fill(struct request *rq, struct model *m, const struct run *run, int64_t all)
{
	const char **eppns;
	size_t n;
	unsigned last;
	enum status s = all ? unknown_list(rq->db, rq->arena, run->id, 0, UNKNOWN_ROWS, &eppns, &n, &last) : STATUS_OK;

	if (s != STATUS_OK || !all)
		return s;
	struct model *list = model_section(m, "UNKNOWN");
	for (size_t i = 0; i < n; i++)
		model_set(model_section(list, "UNKNOWN_EPPN"), "EPPN", eppns[i]);
	if ((int64_t)n < all)
		model_set_int(model_section(list, "UNKNOWN_MORE"), "MORE_N", all - (int64_t)n);
	return STATUS_OK;
}

static void decision_fill(struct request *rq, struct model *m, const struct run *run, int64_t unclaimed)
{
	const char *grace = request_field(rq, "grace");
	int code = REASON_BY_DEFAULT;

	(void)reason_read(REASON_ADMINISTRATOR, request_field(rq, "reason"), &code);
	model_setf(m, "CONFIRM_PATH", "/admin_leavers/%llu/confirm", (unsigned long long)run->id);
	model_set(m, "GRACE", grace ? grace : arena_printf(rq->arena, "%lld", (long long)(leavers_settings.grace / DAY)));
	model_set_int(m, "GRACE_MAX", GRACE_DAYS_MAX);
	reason_fill(m, REASON_ADMINISTRATOR, code);
	if (unclaimed) {
		struct model *too = model_section(m, "UNCLAIMED_TOO");
		model_set_int(too, "UNCLAIMED_N", unclaimed);
		if (request_field(rq, "unclaimed"))
			model_show(too, "UNCLAIMED_CHECKED");
	}
	model_set(m, "CSRF", rq->csrf);
}

static void head_fill(struct request *rq, struct model *m, const struct run *run)
{
	model_set_int(m, "ID", (long long)run->id);
	run_state_fill(m, run);
	model_set(m, "MADE_BY", run->made_by);
	model_set(m, "MADE_AT", clock_show(rq->arena, run->made_at, rq->lang));
	if (run->run_at) {
		struct model *decided = model_section(m, "DECIDED");
		const char *reason = reason_text(REASON_ADMINISTRATOR, run->reason);
		model_set(decided, "RUN_AT", clock_show(rq->arena, run->run_at, rq->lang));
		model_set(decided, "REASON_NAME", reason ? reason : "");
	}
	if (run->ended_at) {
		struct model *ended = run->state == RUN_DONE ? model_section(m, "ENDED_DONE") : model_section(m, "ENDED_CANCELLED");
		model_set(ended, "ENDED_AT", clock_show(rq->arena, run->ended_at, rq->lang));
		model_set(ended, "ENDED_BY", run->ended_by);
	}
	if (run->state == RUN_WAITING || run->state == RUN_DRAFT) {
		struct model *cancel = run->state == RUN_DRAFT ? model_section(m, "DISCARD") : model_section(m, "CANCEL");
		model_setf(cancel, "CANCEL_PATH", "/admin_leavers/%llu/cancel", (unsigned long long)run->id);
	}
	if (run->state == RUN_RUNNING || run->state == RUN_DONE || (run->state == RUN_WAITING && run->unclaimed))
		model_setf(model_section(m, "EXPORT"), "EXPORT_URL", "/admin_leavers/%llu/export", (unsigned long long)run->id);
	if (run->state == RUN_RUNNING)
		model_show(m, "GOES_ON");
}

/* Who was just left out, with the way back at hand: in a long list the row itself is far away. */
static enum status left_out_fill(struct request *rq, struct model *m, const struct run *run)
{
	struct person person;
	uint64_t user = 0, after = 0;
	enum status s = request_query_number(rq, "user", INT64_MAX, &user);

	if (s == STATUS_OK)
		s = request_query_number(rq, "after", INT64_MAX, &after);
	if (s == STATUS_OK)
		s = person_get(rq->db, rq->arena, run->id, user, rq->now, &person);
	if (s != STATUS_OK)
		return s == STATUS_MISSING ? STATUS_OK : s;
	if (!person.cancelled_at || (run->state != RUN_DRAFT && run->state != RUN_WAITING))
		return STATUS_OK; /* an old address of this page */
	struct model *out = model_section(m, "DONE_PERSON");
	model_set(out, "EPPN", person.eppn);
	model_setf(out, "PERSON_PATH", PERSON_PATH "/back", (unsigned long long)run->id, (unsigned long long)user);
	model_set(out, "CSRF", rq->csrf);
	model_set_int(out, "AFTER", (long long)after);
	return STATUS_OK;
}

static enum status news_fill(struct request *rq, struct model *m, const struct run *run)
{
	const char *done = request_query(rq, "done");

	if (text_same(done, "started") && run->state != RUN_DRAFT)
		model_show(m, "DONE_STARTED");
	if (text_same(done, "back"))
		model_show(m, "DONE_BACK");
	if (text_same(done, "late"))
		model_show(m, "LATE");
	return text_same(done, "person") ? left_out_fill(rq, m, run) : STATUS_OK;
}

static enum status run_show(struct request *rq, const struct run *run, const char *why)
{
	struct model *m = model_new(rq->arena);
	struct run_counts counts;
	struct unclaimed_found unclaimed = {0};
	enum status s = run_count(rq->db, rq->arena, run->id, rq->now, &counts);

	if (s == STATUS_OK)
		s = people_fill(rq, m, run);
	if (s == STATUS_OK)
		s = unknown_fill(rq, m, run, counts.unknown);
	if (s == STATUS_OK)
		s = unclaimed_fill(rq, m, run, &unclaimed);
	if (s == STATUS_OK)
		s = news_fill(rq, m, run);
	/* Names of people: written before they are shown. */
	if (s == STATUS_OK)
		s = audit_add(rq->db, "admin.looked", arena_printf(rq->arena, "leavers:%llu", (unsigned long long)run->id), NULL);
	if (s != STATUS_OK)
		return s;
	head_fill(rq, m, run);
	counts_fill(m, run, &counts);
	if (why)
		model_set(model_section(m, "WRONG"), "WHY", why);
	if (run->state == RUN_DRAFT && counts.certificates + counts.untaken + (int64_t)unclaimed.mark.all > 0)
		decision_fill(rq, model_section(m, "DECIDE"), run, (int64_t)unclaimed.mark.all);
	else if (run->state == RUN_DRAFT)
		model_show(m, "NOTHING");
	return request_page_code(rq, status_http(why ? STATUS_INVALID : STATUS_OK), "admin_leavers/run.html", _("Revocation for leavers"), m);
}

enum status run_page(struct request *rq)
{
	struct run run;
	enum status s = run_of(rq, &run);

	return s == STATUS_OK ? run_show(rq, &run, NULL) : s;
}

/* --- The decision ------------------------------------------------------------------------------------------------------------------- */

struct decision {
	int reason;
	bool unclaimed;
	struct unclaimed_mark mark; /* of what the confirmation has shown */
	int64_t days;
	when run_at;
};

/* 0: none. */
static uint64_t field_number(struct request *rq, const char *name)
{
	const char *value = request_field(rq, name);
	int64_t n = 0;

	return value && text_int(value, 0, INT64_MAX, &n) ? (uint64_t)n : 0;
}

/* false: what the form says is none; the page tells it. */
static bool decision_read(struct request *rq, struct decision *ret)
{
	const char *grace = request_field(rq, "grace");
	int64_t days;
	int reason;

	if (!grace || !text_int(text_trim(rq->arena, grace), 0, GRACE_DAYS_MAX, &days) ||
		!reason_read(REASON_ADMINISTRATOR, request_field(rq, "reason"), &reason))
		return false;
	*ret = (struct decision){.reason = reason, .unclaimed = text_same(request_field(rq, "unclaimed"), "1"),
		.mark = {field_number(rq, "unclaimed_n"), field_number(rq, "unclaimed_last")}, .days = days, .run_at = days ? clock_add_days(rq->now, (int)days) : rq->now};
	return true;
}

static enum status refuse_form(struct request *rq, const struct run *run)
{
	cause(STATUS_INVALID, "leavers: the decision is incomplete");
	log_status(STATUS_INVALID, "leavers, a form refused");
	return run_show(rq, run, _("Please choose a reason, and a grace period of 0 to 365 days."));
}

enum status run_confirm(struct request *rq)
{
	struct run run;
	struct run_counts counts;
	struct unclaimed_found unclaimed = {0};
	struct decision d;
	struct model *m = model_new(rq->arena);
	enum status s = run_of(rq, &run);

	if (s != STATUS_OK)
		return s;
	if (run.state != RUN_DRAFT)
		return to_run(rq, &run, "?done=late");
	if (!decision_read(rq, &d))
		return refuse_form(rq, &run);
	s = run_count(rq->db, rq->arena, run.id, rq->now, &counts);
	if (s == STATUS_OK && d.unclaimed)
		s = unclaimed_list(rq->db, rq->arena, run.id, 1, rq->now, &unclaimed);
	if (s != STATUS_OK)
		return s;
	model_set_int(m, "ID", (long long)run.id);
	model_set_int(m, "PERSONS", counts.persons - counts.persons_cancelled);
	model_set_int(m, "CERTIFICATES", counts.certificates);
	model_set_int(m, "UNTAKEN", counts.untaken);
	model_set(m, "RUN_AT", clock_show(rq->arena, d.run_at, rq->lang));
	model_set(m, "REASON_NAME", reason_text(REASON_ADMINISTRATOR, d.reason));
	if (!d.days)
		model_show(m, "AT_ONCE");
	else
		model_show(m, "LATER");
	model_set_int(m, "REASON_CODE", d.reason);
	model_set_int(m, "GRACE", d.days);
	if (d.unclaimed) {
		struct model *too = model_section(m, "UNCLAIMED_TOO");
		model_set_int(too, "UNCLAIMED_N", (long long)unclaimed.mark.all);
		model_set_int(too, "UNCLAIMED_LAST", (long long)unclaimed.mark.last);
	}
	model_setf(m, "START_PATH", "/admin_leavers/%llu/start", (unsigned long long)run.id);
	model_setf(m, "BACK_PATH", "/admin_leavers/%llu", (unsigned long long)run.id);
	model_set(m, "CSRF", rq->csrf);
	return request_page(rq, "admin_leavers/confirm.html", _("Revocation for leavers: confirmation"), m);
}

enum status run_begin(struct request *rq)
{
	struct run run;
	struct decision d;
	enum status s = run_of(rq, &run);

	if (s != STATUS_OK)
		return s;
	if (!decision_read(rq, &d))
		return refuse_form(rq, &run);
	s = run_start(rq->db, run.id, rq->user->eppn, d.reason, d.unclaimed ? &d.mark : NULL, d.run_at, rq->now);
	if (s == STATUS_CONFLICT) {
		log_status(s, "leavers, decided before");
		return to_run(rq, &run, "?done=late");
	}
	if (s != STATUS_OK)
		return s;
	log_info("leavers, run %llu decided by user %llu", (unsigned long long)run.id, (unsigned long long)rq->user->id);
	return to_run(rq, &run, "?done=started");
}
