/* Orders from the core: taken in, revoked, swept. */
#include "local.h"
#include "name.h"

#define STEP 500 /* rows that one statement of the sweep touches */

static char *application_row(struct arena *a, uint64_t application)
{
	return arena_printf(a, "%llu", (unsigned long long)application);
}

/* Issue and renew */

static void reject(struct upstream_order *order, const char *code, const char *field, const char *message)
{
	order->answer = UPSTREAM_REJECTED;
	order->code = code;
	order->field = field;
	order->message = message;
}

/* Fills the row from the application; an order that could never be signed is rejected now, not at its download. */
static enum status order_fill(
	const struct upstream_call *call, struct upstream_order *order, struct local_order *to)
{
	const struct application *app = order->application;
	const struct local_profile *profile = local_profile_find(app->type);
	X509_NAME *name;
	if (!profile) {
		reject(order, "no-profile", "type",
			arena_printf(call->arena, "this CA issues nothing of type %s", app->type));
		return STATUS_OK;
	}
	if (name_parse(call->arena, app->subject, &name) != STATUS_OK) {
		reject(order, "subject", "subject", arena_string(call->arena, cause_text()));
		return STATUS_OK;
	}
	*to = (struct local_order){.application = app->id,
		.type = app->type,
		.number = app->number,
		.subject = app->subject,
		.mail = "",
		.upn = "",
		.months = app->months,
		.handover = app->handover,
		.created_at = clock_now()};
	if (text_same(profile->san, "mail") || text_same(profile->san, "both")) {
		if (!app->mail || !ca_mail_ok(app->mail)) {
			reject(order, "mail", "mail", "the mail address cannot stand in a certificate");
			return STATUS_OK;
		}
		to->mail = app->mail;
	}
	if (text_same(profile->san, "upn") || text_same(profile->san, "both")) {
		struct user user;
		enum status s = user_get(call->db, call->arena, app->user_id, &user);
		if (s != STATUS_OK)
			return s;
		to->upn = user.eppn;
	}
	order->answer = UPSTREAM_ACCEPTED;
	return STATUS_OK;
}

struct submit_task {
	struct arena *arena;
	const struct local_order *order;
	bool ready;
};

/* Twice does no harm: there is one row per application, and a job for an order that is ready ends at once. */
static enum status submit_body(struct db *db, void *context)
{
	struct submit_task *t = context;
	uint64_t id = t->order->application;
	bool is_new = false;
	t->ready = false;
	enum status s = local_order_insert(db, t->order, &is_new);
	if (s == STATUS_OK && is_new && !t->order->handover)
		s = order_ready_now(t->arena, db, t->order, &t->ready);
	if (s == STATUS_OK && !t->ready)
		s = job_add(db, LOCAL_KEY_JOB, id, "", 0,
			arena_printf(t->arena, LOCAL_KEY_JOB ":%llu", (unsigned long long)id));
	return s;
}

/* What was given to the core once is not here any more, and the core would not ask if it had it. */
static enum status submit_handover(const struct upstream_call *call, struct upstream_order *order)
{
	struct local_order o;
	enum status s = local_order_get(call->db, call->arena, order->application->id, &o);
	if (s == STATUS_OK && o.ready_at)
		reject(order, "handover-over", "application",
			"key and PIN of this application were wiped; it has to be applied for anew");
	return s == STATUS_MISSING ? STATUS_OK : s;
}

static enum status submit_issue(const struct upstream_call *call, struct upstream_order *order)
{
	struct local_order row;
	enum status s = order_fill(call, order, &row);
	if (s == STATUS_OK && order->answer == UPSTREAM_ACCEPTED && row.handover)
		s = submit_handover(call, order);
	if (s != STATUS_OK || order->answer != UPSTREAM_ACCEPTED)
		return s;
	struct submit_task task = {.arena = call->arena, .order = &row};
	s = db_transact(call->db, submit_body, &task);
	if (s == STATUS_OK && task.ready)
		order->answer = UPSTREAM_TOLD;
	return s;
}

/* Revoke */

struct revoke_task {
	struct arena *arena;
	uint64_t application;
	const char *serial; /* NULL: the core does not know it yet */
	int reason;
	bool unknown;
};

/* The order that the certificate was made by: of one that was deleted and imported again, another application's. */
static enum status revoke_order(struct db *db, const struct revoke_task *t, uint64_t *ret)
{
	struct local_certificate c;
	enum status s = t->serial ? local_certificate_find(db, t->arena, t->serial, &c) : STATUS_MISSING;

	*ret = s == STATUS_OK ? c.application : t->application;
	return s == STATUS_MISSING ? STATUS_OK : s;
}

static enum status revoke_body(struct db *db, void *context)
{
	struct revoke_task *t = context;
	struct local_order o;
	struct local_certificate c;
	struct ca ca;
	uint64_t order = 0;
	when now = clock_now() / SECOND * SECOND;
	t->unknown = false;
	enum status s = revoke_order(db, t, &order);
	if (s == STATUS_OK)
		s = local_order_lock(db, t->arena, order, &o);
	if (s == STATUS_OK)
		s = local_certificate_get(db, t->arena, order, &c);
	if (s == STATUS_OK && t->serial && !text_same(c.serial, t->serial))
		s = STATUS_MISSING;
	if (s == STATUS_MISSING) {
		t->unknown = true;
		return STATUS_OK;
	}
	if (s == STATUS_OK)
		s = local_certificate_revoke(db, order, now, t->reason);
	if (s == STATUS_OK)
		s = local_order_wipe(db, order, now);
	if (s == STATUS_OK)
		s = authority_load(t->arena, db, c.generation, &ca);
	if (s == STATUS_OK)
		s = authority_crl(t->arena, db, &ca, now);
	if (s != STATUS_OK)
		return s;
	struct event event = {.kind = EVENT_REVOKED,
		.source_key = arena_printf(t->arena, "serial:%s", c.serial),
		.at = now,
		.reason = t->reason};
	return upstream_report(db, t->arena, LOCAL_NAME, t->application, &event);
}

static enum status submit_revoke(const struct upstream_call *call, struct upstream_order *order)
{
	struct revoke_task task = {
		.arena = call->arena, .application = order->application->id, .serial = order->application->serial, .reason = order->reason};
	enum status s = db_transact(call->db, revoke_body, &task);
	if (s != STATUS_OK)
		return s;
	if (task.unknown)
		reject(order, "no-certificate", "serial",
			"this CA has signed no certificate for the application");
	else
		order->answer = UPSTREAM_ACCEPTED;
	return STATUS_OK;
}

enum status order_submit_all(const struct upstream_call *call, struct upstream_order *orders, size_t n)
{
	enum status s = STATUS_OK;
	/* After a failure the rest stays UNKNOWN, and is asked again. */
	for (size_t i = 0; s == STATUS_OK && i < n; i++)
		s = orders[i].action == UPSTREAM_REVOKE ? submit_revoke(call, &orders[i])
							: submit_issue(call, &orders[i]);
	return s;
}

/* What time alone brings */

enum status order_report_taken(struct arena *a, struct db *db, const struct local_certificate *c, when now)
{
	struct event event = {
		.kind = EVENT_TAKEN,
		.source_key = arena_printf(a, "serial:%s", c->serial),
		.at = now,
		.serial = c->serial,
		.not_before = c->not_before,
		.not_after = c->not_after,
		.fingerprint = c->fingerprint,
	};
	bool first = false;
	enum status s = local_certificate_reported(db, c->application, now, &first);
	if (s == STATUS_OK && first)
		s = upstream_report(db, a, LOCAL_NAME, c->application, &event);
	return s == STATUS_MISSING ? STATUS_OK : s; /* an application deleted meanwhile */
}

struct confirm_task {
	struct arena *arena;
	uint64_t application;
	when now;
};

static enum status confirm_body(struct db *db, void *context)
{
	const struct confirm_task *t = context;
	struct local_order o;
	struct local_certificate c;
	enum status s = local_order_lock(db, t->arena, t->application, &o);
	if (s == STATUS_OK)
		s = local_certificate_get(db, t->arena, t->application, &c);
	return s == STATUS_OK ? order_report_taken(t->arena, db, &c, t->now) : s;
}

/* Signed, sent perhaps, and then the process or the database was gone: the certificate exists, so the core has to know it. */
static enum status sweep_unconfirmed(const struct job_run *run, when now)
{
	struct local_certificate *list;
	size_t n;
	enum status s = local_certificate_unreported(
		run->db, run->arena, now - local_settings.confirm_time, STEP, &list, &n);
	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		struct confirm_task task = {
			.arena = run->arena, .application = list[i].application, .now = now};
		s = db_transact(run->db, confirm_body, &task);
	}
	return s;
}

enum status order_sweep_job(const struct job_run *run)
{
	when now = clock_now();
	uint64_t wiped = STEP;
	enum status s = sweep_unconfirmed(run, now);
	while (s == STATUS_OK && wiped == STEP && !job_run_over(run))
		s = local_order_wipe_due(run->db, now, STEP, &wiped);
	return s;
}

/* What has no certificate yet: to be downloaded, still without a key, or missed. The last are told of too: an import knows by their date. */
static enum status list_waiting(const struct upstream_call *call, upstream_emit *emit, void *context)
{
	uint64_t after = 0;
	size_t n;
	do {
		struct local_order *list;
		enum status s = local_order_list(call->db, call->arena, after, STEP, &list, &n);
		if (s != STATUS_OK)
			return s;
		for (size_t i = 0; i < n; i++) {
			emit(&(struct upstream_certificate){.state = list[i].ready_at ? UPSTREAM_WAITING : UPSTREAM_PROGRESS,
				     .upstream_id = application_row(call->arena, list[i].application),
				     .type = list[i].type,
				     .subject = list[i].subject,
				     .mail = list[i].mail,
				     .months = list[i].months,
				     .requested_at = list[i].created_at,
				     .url_until = list[i].download_until},
				context);
			after = list[i].application;
		}
		if (clock_monotonic() >= call->deadline)
			return cause(STATUS_BUSY, "the list of orders was not done in time");
	} while (n == STEP);
	return STATUS_OK;
}

enum status order_list_all(const struct upstream_call *call, upstream_emit *emit, void *context)
{
	const char *after = "";
	size_t n;
	do {
		struct local_certificate *list;
		enum status s = local_certificate_list(call->db, call->arena, after, STEP, &list, &n);
		if (s != STATUS_OK)
			return s;
		for (size_t i = 0; i < n; i++) {
			emit(&(struct upstream_certificate){.state = list[i].revoked_at ? UPSTREAM_REVOKED : UPSTREAM_ISSUED,
				     .upstream_id = application_row(call->arena, list[i].application),
				     .type = list[i].type,
				     .subject = list[i].subject,
				     .mail = list[i].mail,
				     .serial = list[i].serial,
				     .months = list[i].months,
				     .requested_at = list[i].ordered_at,
				     .not_before = list[i].not_before,
				     .not_after = list[i].not_after,
				     .revoked_at = list[i].revoked_at},
				context);
			after = list[i].serial;
		}
		if (clock_monotonic() >= call->deadline)
			return cause(STATUS_BUSY, "the list of certificates was not done in time");
	} while (n == STEP);
	return list_waiting(call, emit, context);
}
