/* The upstream: the service that issues, as a driver that turns orders into calls, and answers into events. */
#ifndef INKAN_ISSUE_UPSTREAM_H
#define INKAN_ISSUE_UPSTREAM_H

#include "store/application.h"
#include "store/db.h"
#include "store/handover.h"

struct upstream_call {
	struct arena *arena;
	struct db *db;  /* for the driver's own tables */
	when deadline;  /* clock_monotonic() by which the driver must have returned */
};

enum upstream_action { UPSTREAM_ISSUE, UPSTREAM_RENEW, UPSTREAM_REVOKE };

enum upstream_answer {
	UPSTREAM_ACCEPTED,
	UPSTREAM_TOLD,     /* accepted, and the driver (one that joins) has reported already what came of it */
	UPSTREAM_REJECTED, /* final: code, field, message are set */
	UPSTREAM_UNKNOWN,  /* nothing is known: the job asks again, or repeats when that is harmless */
};

struct upstream_order {
	const struct application *application;
	enum upstream_action action;
	int reason; /* of a revocation, RFC 5280 5.3.1 */
	/* Set by the driver: */
	enum upstream_answer answer;
	const char *code, *field, *message;
};

/* Reports what happened to an application; a driver calls it from collect(), its own jobs and its routes. That a certificate is
 * revoked which a card service may have is kept until that service was told. */
enum status upstream_report(struct db *db, struct arena *a, const char *upstream, uint64_t application,
	const struct event *event) MUST_CHECK;

/* For an application with the mark handover there is neither a PIN for the user nor a download: as soon as key, certificate, .p12 and
 * PIN are there (both, if they come one after the other), the driver gives them to the core with this, instead of EVENT_PIN and
 * EVENT_TAKEN, and forgets them. The core keeps them sealed, hands them over, and wipes them. Harmless when repeated. Joins the
 * caller's transaction. INVALID: too long, or the application has no such mark. */
enum status upstream_hand_over(struct db *db, struct arena *a, uint64_t application, const struct handover *handover) MUST_CHECK;

/* What the upstream says of a certificate; what is under way there is no error. */
enum upstream_state {
	UPSTREAM_PROGRESS, /* it is at work on it */
	UPSTREAM_WAITING,  /* to be downloaded by its applicant */
	UPSTREAM_ISSUED,
	UPSTREAM_RENEWED,  /* issued, as the renewal of another one */
	UPSTREAM_REVOKED,
	UPSTREAM_FAILED,
};
struct upstream_certificate { /* one certificate that the upstream knows, for import and reconciliation */
	enum upstream_state state;
	const char *upstream_id; /* its own id of the application; NULL: none */
	const char *type;	 /* certificate type; NULL: to be told from the profile */
	const char *profile, *subject, *mail; /* NULL: not known */
	const char *serial, *old_serial; /* lower-case hexadecimal; NULL: none. old_serial: of the one it renews */
	int months;			 /* 0: to be told from the profile */
	when requested_at, not_before, not_after, url_until, revoked_at; /* 0: not known */
};
typedef void upstream_emit(const struct upstream_certificate *certificate, void *context);

/* A certificate above the users' own, for the install guide. */
struct ca_link {
	const char *title; /* as it calls itself; shown as it is */
	const char *url;   /* a path of ours, or an http or https address */
	const char *fingerprint; /* SHA-256, hexadecimal; "": not told */
	bool root;	   /* it signs itself: devices trust it only when told to */
};

/* A driver never touches shared tables, never retries, never sleeps. Same order twice (after a crash): the same application id must
 * not be issued twice; the driver tells by its own table or by asking. */
struct upstream {
	const char *title; /* msgid: 発行元 as users are told */
	bool mails_issued, mails_taken, mails_revoked; /* the mails it sends to applicants itself */
	/* It is nothing but rows in our own database: submit() is called inside a transaction, and what it writes counts with its answer. */
	bool joins;
	/* Fills answer of each order. Other than OK: nothing was sent at all; the job is retried. */
	enum status (*submit)(const struct upstream_call *call, struct upstream_order *orders, size_t n);
	enum status (*collect)(const struct upstream_call *call); /* may be NULL */
	int64_t collect_every;                                    /* ms */
	enum status (*list)(const struct upstream_call *call, upstream_emit *emit, void *context); /* may be NULL */
	/* The chain above the users' certificates, the one next to them first, ended by {0}; may be NULL. Asked by many threads at once. */
	const struct ca_link *(*ca_links)(struct arena *a);
};

#endif
