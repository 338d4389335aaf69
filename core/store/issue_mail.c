/* Decides whether the issue mail may be sent again, and adds the job. */
#include "store/issue_mail.h"

#include "store/application_row.h"
#include "store/audit.h"
#include "store/job.h"

struct asking {
	struct arena *arena;
	uint64_t id;
	when pause;
	enum issue_mail_answer answer;
	when from;
};

/* A job that failed for good is started again: what was wrong may be mended. */
static enum status job_under_way(struct db *db, struct asking *k, bool *ret_any)
{
	struct db_rows rows;
	enum status st = db_select(db, k->arena, &rows,
		"SELECT id, state FROM job WHERE subject = ? AND kind = 'core.mail' AND payload = 'issued' LIMIT 1", DB_INT(k->id));

	*ret_any = st == STATUS_OK && rows.rows > 0;
	if (!*ret_any)
		return st;
	k->answer = ISSUE_MAIL_WAITS;
	if (!text_same(db_text(&rows, 0, 1), "failed"))
		return st;
	st = job_restart(db, (uint64_t)db_int(&rows, 0, 0));
	k->answer = ISSUE_MAIL_ASKED;
	return st == STATUS_MISSING ? db_again(db) : st;
}

static enum status ask_body(struct db *db, void *context)
{
	struct asking *k = context;
	struct application_row row;
	when now = clock_now();
	bool any = false;
	enum status st = application_row_get(db, k->arena, k->id, true, &row);

	if (st != STATUS_OK)
		return st;
	k->answer = ISSUE_MAIL_OVER;
	if (!row.url.data || application_url_until(&row.app) <= now)
		return STATUS_OK;
	st = job_under_way(db, k, &any);
	if (st != STATUS_OK || any)
		return st;
	k->from = row.app.issue_mail_at + k->pause;
	k->answer = ISSUE_MAIL_SOON;
	if (row.app.issue_mail_at && now < k->from)
		return STATUS_OK;
	k->answer = ISSUE_MAIL_ASKED;
	/* The key holds when the last one was sent: two that ask at once, on any node of a cluster, ask for the same one. */
	st = job_add(db, "core.mail", k->id, "issued", 0,
		arena_printf(k->arena, "core.mail:again:%llu:%lld", (unsigned long long)k->id, (long long)row.app.issue_mail_at));
	return st == STATUS_OK ? audit_add(db, "mail.asked", application_object(k->arena, k->id), NULL) : st;
}

enum status issue_mail_again(struct db *db, struct arena *a, uint64_t application_id, when pause, enum issue_mail_answer *ret,
	when *ret_from)
{
	struct asking k = {.arena = a, .id = application_id, .pause = pause};
	enum status st = db_transact(db, ask_body, &k);

	if (st != STATUS_OK)
		return st;
	*ret = k.answer;
	*ret_from = k.from;
	return st;
}
