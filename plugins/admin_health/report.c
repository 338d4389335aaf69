/* Gathers facts about the running system, and judges them by the thresholds that the configuration sets. */
#include "report.h"

#include <openssl/pem.h>

struct health_settings health_settings;

const char *health_name(enum health state)
{
	static const char *const names[] = {[HEALTH_GOOD] = "good", [HEALTH_WARN] = "warn", [HEALTH_BAD] = "bad"};
	return names[state];
}

char *count_show(struct arena *a, int64_t n)
{
	return n > HEALTH_COUNT_MAX ? arena_string(a, _("10,000+")) : arena_printf(a, "%lld", (long long)n);
}

static void fact_add(struct arena *a, struct report *r, struct fact fact)
{
	if (r->n == r->room) {
		struct fact *more = arena_array(a, r->room = r->room ? 2 * r->room : 32, sizeof *more);
		if (r->n)
			memcpy(more, r->facts, r->n * sizeof *more);
		r->facts = more;
	}
	r->facts[r->n++] = fact;
}

static enum health judge(when value, when warn, when bad)
{
	return value >= bad ? HEALTH_BAD : value >= warn ? HEALTH_WARN : HEALTH_GOOD;
}

static when since(when then, when now)
{
	return then && now > then ? now - then : 0;
}

/* What ends is judged by the days that are left, whatever its owner says beside. */
static struct fact fact_of(struct arena *a, const char *plugin, const struct health_item *item, when now)
{
	struct fact fact = {
		.name = arena_printf(a, "%s.%s", plugin, item->name),
		.title = item->title,
		.value = item->value ? item->value : "",
		.state = item->state,
		.expires = item->expires,
	};

	if (item->expires) {
		when left = item->expires - now;
		enum health by_time = left <= health_settings.expiry_bad ? HEALTH_BAD : left <= health_settings.expiry_warn ? HEALTH_WARN : HEALTH_GOOD;
		fact.days = left / DAY - (left < 0);
		fact.state = by_time > fact.state ? by_time : fact.state;
	}
	return fact;
}

/* --- The parts -------------------------------------------------------------------------------------------------------------------- */

const struct health_pulse *report_pulse(const struct report *r, struct arena *a, const char *name)
{
	for (size_t i = 0; i < r->pulses_n; i++)
		if (text_same(r->pulses[i].name, name))
			return &r->pulses[i];
	struct health_pulse *none = arena_alloc(a, sizeof *none);
	*none = (struct health_pulse){.name = name, .why = ""};
	return none;
}

static bool fails_now(const struct health_pulse *p)
{
	return p->failed_at > p->succeeded_at;
}

static void upstreams_add(struct arena *a, struct report *r, when now)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		struct health_pending pending = {.upstream = p->name};

		if (!p->upstream)
			continue;
		for (size_t k = 0; k < r->pendings_n; k++)
			if (text_same(r->pendings[k].upstream, p->name))
				pending = r->pendings[k];
		enum health state = judge(since(pending.oldest, now), health_settings.pending_warn, health_settings.pending_bad);
		if (state == HEALTH_GOOD && (fails_now(report_pulse(r, a, arena_printf(a, "%s.orders", p->name))) ||
						    fails_now(report_pulse(r, a, arena_printf(a, "%s.collect", p->name)))))
			state = HEALTH_WARN;
		fact_add(a, r, (struct fact){.name = arena_printf(a, "upstream.%s", p->name),
				       .title = arena_printf(a, "%s: %s", _("Issuing service"), i18n_text(p->name, p->upstream->title)),
				       .value = arena_printf(a, "%s %s", _("Waiting applications:"), count_show(a, pending.n)),
				       .state = state});
	}
}

static void mail_add(struct arena *a, struct report *r, when now)
{
	const struct health_jobs *mail = NULL;

	for (size_t i = 0; i < r->jobs_n; i++)
		if (text_same(r->jobs[i].kind, "core.mail"))
			mail = &r->jobs[i];
	int64_t waiting = mail ? mail->waiting : 0;
	enum health state = judge(since(mail ? mail->oldest : 0, now), health_settings.mail_warn, health_settings.mail_bad);
	if (state == HEALTH_GOOD && (fails_now(report_pulse(r, a, "core.mail")) || (mail && mail->failed)))
		state = HEALTH_WARN;
	fact_add(a, r, (struct fact){.name = "mail", .title = _("Mail"),
			       .value = arena_printf(a, "%s %s", _("Waiting mails:"), count_show(a, waiting)), .state = state});
}

static void jobs_add(struct arena *a, struct report *r, when now)
{
	int64_t failed = 0;
	when late = 0;

	for (size_t i = 0; i < r->jobs_n; i++) {
		failed += r->jobs[i].failed;
		if (since(r->jobs[i].due, now) > late)
			late = since(r->jobs[i].due, now);
	}
	fact_add(a, r, (struct fact){.name = "jobs.late", .title = _("Jobs that are overdue"),
			       .value = arena_printf(a, "%lld s", (long long)(late / SECOND)),
			       .state = judge(late, health_settings.late_warn, health_settings.late_bad)});
	fact_add(a, r, (struct fact){.name = "jobs.failed", .title = _("Failed jobs"), .value = count_show(a, failed),
			       .state = failed ? HEALTH_WARN : HEALTH_GOOD});
}

static void waiting_add(struct arena *a, struct report *r, when now)
{
	const struct health_facts *c = &r->counts;

	fact_add(a, r, (struct fact){.name = "events", .title = _("Events that could not be applied"), .value = count_show(a, c->conflicts),
			       .state = c->conflicts ? HEALTH_WARN : HEALTH_GOOD});
	fact_add(a, r, (struct fact){.name = "revocations", .title = _("Revocations that failed"), .value = count_show(a, c->unrevoked),
			       .state = c->unrevoked ? HEALTH_WARN : HEALTH_GOOD});
	fact_add(a, r, (struct fact){.name = "handovers", .title = _("Hand-overs to a card service that wait"), .value = count_show(a, c->handovers),
			       .state = since(c->oldest_handover, now) >= health_settings.handover_warn ? HEALTH_WARN : HEALTH_GOOD});
}

/* nginx's certificate, if the configuration names its file: read anew each time, as it is replaced while we run. */
static void tls_add(struct arena *a, struct report *r, when now)
{
	struct health_item item = {.name = "tls", .title = _("Certificate of this web site (TLS)")};
	const char *path = health_settings.tls_certificate;
	struct tm tm;

	if (!path[0])
		return;
	BIO *file = BIO_new_file(path, "r");
	X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
	if (certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1) {
		item.expires = (when)timegm(&tm) * SECOND;
	} else {
		item.value = _("The file cannot be read");
		item.state = HEALTH_BAD;
	}
	X509_free(certificate);
	BIO_free(file);
	fact_add(a, r, fact_of(a, "site", &item, now));
}

static void plugins_add(struct arena *a, struct db *db, struct report *r, when now)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		const struct health_item *item = p->health ? p->health(a, db) : NULL;

		if (p->health && !item) {
			log_status(STATUS_INTERNAL, arena_printf(a, "health, %s cannot tell", p->name));
			fact_add(a, r, (struct fact){.name = p->name, .title = p->name, .value = _("Cannot be told at present"), .state = HEALTH_BAD});
		}
		for (; item && item->name; item++)
			fact_add(a, r, fact_of(a, p->name, item, now));
	}
}

enum status report_make(struct arena *a, struct db *db, when now, struct report *ret)
{
	struct report r = {0};
	enum status s = health_pendings(db, a, &r.pendings, &r.pendings_n);

	if (s == STATUS_OK)
		s = health_pulses(db, a, &r.pulses, &r.pulses_n);
	if (s == STATUS_OK)
		s = health_job_kinds(db, a, now, &r.jobs, &r.jobs_n);
	if (s == STATUS_OK)
		s = health_facts_get(db, a, &r.counts);
	if (s != STATUS_OK)
		return s;
	upstreams_add(a, &r, now);
	mail_add(a, &r, now);
	jobs_add(a, &r, now);
	waiting_add(a, &r, now);
	plugins_add(a, db, &r, now);
	tls_add(a, &r, now);
	*ret = r;
	return STATUS_OK;
}

enum health report_worst(const struct report *r)
{
	enum health worst = HEALTH_GOOD;

	for (size_t i = 0; i < r->n; i++)
		if (r->facts[i].state > worst)
			worst = r->facts[i].state;
	return worst;
}

size_t report_count(const struct report *r, enum health at_least)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->facts[i].state >= at_least;
	return n;
}
