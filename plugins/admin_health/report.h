/* How everything is: facts gathered from the core, the plugins, and the queues, each judged. */
#ifndef ADMIN_HEALTH_REPORT_H
#define ADMIN_HEALTH_REPORT_H

#include "plugin.h"

struct health_settings {
	int64_t expiry_warn, expiry_bad;     /* ms before something ends */
	int64_t pending_warn, pending_bad;   /* ms that an application waits for its upstream */
	int64_t mail_warn, mail_bad;         /* ms that a mail waits */
	int64_t handover_warn;               /* ms that a hand-over to a card service waits */
	int64_t late_warn, late_bad;         /* ms that a job is overdue */
	const char *tls_certificate;
	struct secret status_token;
};
extern struct health_settings health_settings;

/* A judged fact. Texts are in this thread's language. */
struct fact {
	const char *name; /* "upstream.upstream_local", "core.database" */
	const char *title, *value;
	enum health state;
	when expires; /* 0: it does not */
	int64_t days; /* with expires: whole days left; negative: over */
};

struct report {
	struct fact *facts;
	size_t n, room;
	/* Behind the facts, for the tables of the page. */
	struct health_pending *pendings;
	struct health_pulse *pulses;
	struct health_jobs *jobs;
	size_t pendings_n, pulses_n, jobs_n;
	struct health_facts counts;
};

/* Everything at once; what cannot be told is a bad fact. Other than OK: not even the queues can be counted. */
enum status report_make(struct arena *a, struct db *db, when now, struct report *ret) MUST_CHECK;
enum health report_worst(const struct report *r);
size_t report_count(const struct report *r, enum health at_least);
const char *health_name(enum health state); /* "good", "warn", "bad" */

/* What is known of something that goes on; never NULL, all 0 when it is not. */
const struct health_pulse *report_pulse(const struct report *r, struct arena *a, const char *name);
/* "17", or "10,000+" when there are more than are counted. */
char *count_show(struct arena *a, int64_t n);

#endif
