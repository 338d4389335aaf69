/* The plugin admin_health: how everything is, on one page and as text for monitoring, and the work that failed and waits for a person. */
#include "lists.h"
#include "report.h"

#define AT(member) offsetof(struct health_settings, member)

static const struct setting settings[] = {
	{"expiry_warn", SETTING_DURATION, AT(expiry_warn), "30d", 0, 3650 * DAY,
		.help = "So long before a key, certificate or metadata of our own ends, the page warns; a new one takes days to get."},
	{"expiry_bad", SETTING_DURATION, AT(expiry_bad), "7d", 0, 3650 * DAY, .help = "The same, from when on it counts as bad."},
	{"pending_warn", SETTING_DURATION, AT(pending_warn), "1d", 1 * MINUTE, 365 * DAY,
		.help = "An application that waits so long for its issuing service is worth a look; a service that people work at may need more."},
	{"pending_bad", SETTING_DURATION, AT(pending_bad), "3d", 1 * MINUTE, 365 * DAY, .help = "The same, from when on it counts as bad."},
	{"mail_warn", SETTING_DURATION, AT(mail_warn), "30m", 1 * MINUTE, 30 * DAY,
		.help = "A mail that waits so long to be sent is worth a look; mail servers put off by some minutes on purpose."},
	{"mail_bad", SETTING_DURATION, AT(mail_bad), "6h", 1 * MINUTE, 30 * DAY, .help = "The same, from when on it counts as bad."},
	{"handover_warn", SETTING_DURATION, AT(handover_warn), "1d", 1 * MINUTE, 28 * DAY,
		.help = "A hand-over to a card service that waits so long is worth a look; after 28 days it is wiped."},
	{"late_warn", SETTING_DURATION, AT(late_warn), "2m", 1 * SECOND, 1 * DAY,
		.help = "A job that should have begun so long ago shows that too little works on jobs."},
	{"late_bad", SETTING_DURATION, AT(late_bad), "15m", 1 * SECOND, 1 * DAY, .help = "The same, from when on it counts as bad."},
	{"tls_certificate", SETTING_PATH, AT(tls_certificate), "",
		.help = "PEM file of the web server's certificate, whose end is watched too; empty: not watched."},
	{"status_token", SETTING_SECRET, AT(status_token), "",
		.help = "File with the token with which monitoring may read /admin_health/status; empty: there is no such page."},
	{0},
};

/* Shorter ones can be tried out. */
#define TOKEN_MIN 20

static enum status start(struct arena *a, struct db *db)
{
	const struct health_settings *c = &health_settings;
	size_t token = c->status_token.value ? strlen(c->status_token.value) : 0;

	if (c->expiry_bad > c->expiry_warn || c->pending_bad < c->pending_warn || c->mail_bad < c->mail_warn || c->late_bad < c->late_warn)
		return cause(STATUS_INVALID, "admin_health.conf: a warning must come before what it warns of (*_warn, *_bad)");
	if (token && token < TOKEN_MIN)
		return cause(STATUS_INVALID, "admin_health.conf: the token in status_token is shorter than %d characters", TOKEN_MIN);
	return STATUS_OK;
}

/* --- The page --------------------------------------------------------------------------------------------------------------------- */

static void state_fill(struct model *m, enum health state)
{
	static const char *const words[] = {[HEALTH_GOOD] = N_("Good"), [HEALTH_WARN] = N_("Attention"), [HEALTH_BAD] = N_("Problem")};
	static const char *const classes[] = {[HEALTH_GOOD] = "is-good", [HEALTH_WARN] = "is-asking", [HEALTH_BAD] = "is-bad"};

	model_set(m, "HEALTH", _(words[state]));
	model_set(m, "HEALTH_CLASS", classes[state]);
}

/* The later of success and failure is what counts now. */
static void pulse_fill(struct request *rq, struct model *m, const struct health_pulse *p)
{
	if (!p->succeeded_at && !p->failed_at)
		model_show(m, "NEVER");
	if (p->succeeded_at)
		model_set(model_section(m, "SUCCEEDED"), "SUCCEEDED_AT", clock_show(rq->arena, p->succeeded_at, rq->lang));
	if (!p->failed_at)
		return;
	struct model *failed = model_section(m, "FAILED");
	model_set(failed, "FAILED_AT", clock_show(rq->arena, p->failed_at, rq->lang));
	model_set(failed, "WHY", p->why);
	if (p->failed_at > p->succeeded_at)
		model_show(failed, "IS_NEWEST");
}

#define PULSE(rq, m, marker, pulse) pulse_fill(rq, model_include(m, marker, "admin_health/pulse.html"), pulse)

static const struct fact *fact_find(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (text_same(r->facts[i].name, name))
			return &r->facts[i];
	return NULL;
}

static void upstreams_fill(struct request *rq, struct model *m, const struct report *r)
{
	struct arena *a = rq->arena;

	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		struct health_pending pending = {0};

		if (!p->upstream)
			continue;
		for (size_t k = 0; k < r->pendings_n; k++)
			if (text_same(r->pendings[k].upstream, p->name))
				pending = r->pendings[k];
		struct model *row = model_section(m, "UPSTREAM");
		model_set(row, "UPSTREAM_TITLE", i18n_text(p->name, p->upstream->title));
		model_set(row, "PENDING", count_show(a, pending.n));
		model_set(row, "OLDEST", pending.oldest ? clock_show(a, pending.oldest, rq->lang) : "–");
		PULSE(rq, row, "ORDERS", report_pulse(r, a, arena_printf(a, "%s.orders", p->name)));
		PULSE(rq, row, "COLLECT", report_pulse(r, a, arena_printf(a, "%s.collect", p->name)));
		state_fill(row, fact_find(r, arena_printf(a, "upstream.%s", p->name))->state);
	}
}

static void mail_fill(struct request *rq, struct model *m, const struct report *r)
{
	struct health_jobs mail = {0};

	for (size_t i = 0; i < r->jobs_n; i++)
		if (text_same(r->jobs[i].kind, "core.mail"))
			mail = r->jobs[i];
	model_set(m, "MAILS_WAITING", count_show(rq->arena, mail.waiting + mail.running));
	if (mail.oldest)
		model_set(model_section(m, "MAIL_OLDEST"), "OLDEST_AT", clock_show(rq->arena, mail.oldest, rq->lang));
	model_set(m, "MAILS_FAILED", count_show(rq->arena, mail.failed));
	PULSE(rq, m, "MAIL_PULSE", report_pulse(r, rq->arena, "core.mail"));
	state_fill(m, fact_find(r, "mail")->state);
}

static void jobs_fill(struct request *rq, struct model *m, const struct report *r)
{
	for (size_t i = 0; i < r->jobs_n; i++) {
		const struct health_jobs *kind = &r->jobs[i];
		struct model *row = model_section(m, "KIND");
		const char *words = job_words(kind->kind);

		model_set(row, "KIND_NAME", kind->kind);
		if (words)
			model_set(model_section(row, "KIND_WORDS"), "WORDS", words);
		model_set(row, "WAITING", kind->periodic ? "–" : count_show(rq->arena, kind->waiting));
		model_set(row, "RUNNING", count_show(rq->arena, kind->running));
		model_set(row, "JOBS_FAILED", count_show(rq->arena, kind->failed));
		PULSE(rq, row, "PULSE", report_pulse(r, rq->arena, kind->kind));
	}
}

static void waiting_fill(struct request *rq, struct model *m, const struct report *r)
{
	const struct health_facts *c = &r->counts;

	model_set(m, "EVENTS", count_show(rq->arena, c->conflicts));
	model_set(m, "UNREVOKED", count_show(rq->arena, c->unrevoked));
	if (c->unrevoked && plugin_find("admin_users"))
		model_show(m, "UNREVOKED_LIST");
	model_set(m, "HANDOVERS", count_show(rq->arena, c->handovers));
	if (c->oldest_conflict)
		model_set(model_section(m, "EVENT_OLDEST"), "OLDEST_AT", clock_show(rq->arena, c->oldest_conflict, rq->lang));
	if (c->oldest_handover)
		model_set(model_section(m, "HANDOVER_OLDEST"), "OLDEST_AT", clock_show(rq->arena, c->oldest_handover, rq->lang));
}

static void facts_fill(struct request *rq, struct model *m, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct fact *f = &r->facts[i];
		bool plain = strchr(f->name, '.') && !text_starts(f->name, "upstream.") && !text_starts(f->name, "jobs.");
		struct model *row = f->expires ? model_section(m, "ENDING") : plain ? model_section(m, "FACT") : NULL;

		if (f->state > HEALTH_GOOD) {
			struct model *attention = model_section(m, "ATTENTION");
			model_set(attention, "TITLE_OF", f->title);
			model_set(attention, "VALUE", f->expires ? clock_show(rq->arena, f->expires, rq->lang) : f->value);
			state_fill(attention, f->state);
		}
		if (!row)
			continue;
		model_set(row, "TITLE_OF", f->title);
		model_set(row, "VALUE", f->value);
		state_fill(row, f->state);
		if (!f->expires)
			continue;
		model_set(row, "ENDS_AT", clock_show(rq->arena, f->expires, rq->lang));
		if (f->days < 0)
			model_show(row, "ENDED");
		else
			model_set_int(model_section(row, "LEFT"), "DAYS", f->days);
	}
}

static enum status health_page(struct request *rq)
{
	struct report r;
	enum status s = report_make(rq->arena, rq->db, rq->now, &r);

	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	size_t n = report_count(&r, HEALTH_WARN);
	if (n == 0)
		model_show(m, "WELL");
	else
		model_set_int(report_worst(&r) == HEALTH_BAD ? model_section(m, "BAD") : model_section(m, "WARN"), "COUNT", (long long)n);
	upstreams_fill(rq, m, &r);
	mail_fill(rq, model_section(m, "MAIL"), &r);
	jobs_fill(rq, m, &r);
	waiting_fill(rq, m, &r);
	facts_fill(rq, m, &r);
	model_set(m, "AT", clock_show(rq->arena, rq->now, rq->lang));
	return request_page(rq, "admin_health/health.html", _("System health"), m);
}

/* --- Monitoring ------------------------------------------------------------------------------------------------------------------- */

static bool token_shown(struct request *rq)
{
	const char *header = request_header(rq, "HTTP_AUTHORIZATION"), *token = health_settings.status_token.value;

	return token && token[0] && header && strncasecmp(header, "Bearer ", 7) == 0 && text_same_secret(header + 7, token);
}

/* The worst first, then each fact by its name: no counts, no times, no texts from elsewhere. */
static enum status status_text(struct request *rq)
{
	struct text t = text_new(rq->arena, (size_t)64 * 1024);
	struct report r;

	if (!token_shown(rq))
		return cause(STATUS_MISSING, "the state for monitoring, asked for without its token");
	enum status s = report_make(rq->arena, rq->db, rq->now, &r);
	if (s != STATUS_OK) {
		log_status(s, "health, for monitoring");
		text_add(&t, "bad\nbad core.database\n");
	} else {
		text_addf(&t, "%s\n", health_name(report_worst(&r)));
		for (size_t i = 0; i < r.n; i++)
			text_addf(&t, "%s %s\n", health_name(r.facts[i].state), r.facts[i].name);
	}
	request_set_header(rq, "Cache-Control", "no-store");
	return request_send(rq, "text/plain; charset=utf-8", NULL, bytes_of(t.data, t.len));
}

static const struct route routes[] = {
	{"GET", "/admin_health", ACCESS_ADMIN, health_page, .right = RIGHT_LOOK},
	{"GET", "/admin_health/status", ACCESS_ANYONE, status_text, .quiet = true},
	{"GET", "/admin_health/jobs", ACCESS_ADMIN, jobs_page, .right = RIGHT_LOOK},
	{"POST", "/admin_health/jobs/:id/restart", ACCESS_ADMIN, job_restart_send, .right = RIGHT_CHANGE},
	{"GET", "/admin_health/jobs/:id/discard", ACCESS_ADMIN, job_discard_ask, .right = RIGHT_CHANGE},
	{"POST", "/admin_health/jobs/:id/discard", ACCESS_ADMIN, job_discard_send, .right = RIGHT_CHANGE},
	{"GET", "/admin_health/events", ACCESS_ADMIN, events_page, .right = RIGHT_LOOK},
	{"GET", "/admin_health/events/:id", ACCESS_ADMIN, event_page, .right = RIGHT_LOOK},
	{"POST", "/admin_health/events/:id/close", ACCESS_ADMIN, event_close, .right = RIGHT_CHANGE},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("System health"), "/admin_health", ACCESS_ADMIN, RIGHT_LOOK},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_health",
	.settings = settings,
	.settings_into = &health_settings,
	.routes = routes,
	.menu = menu,
	.start = start,
};
