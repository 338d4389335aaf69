/* Applications: the rows users see, and the state machine that alone moves them. */
#ifndef INKAN_STORE_APPLICATION_H
#define INKAN_STORE_APPLICATION_H

#include "base/clock.h"
#include "store/db.h"
#include "store/user.h"

/* The one stored projection of the events. Labels, expiry and a missed download are computed from it and from times. */
#define APPLICATION_STATE_MAP(X)                                                                               \
	X(ACCEPTED)       /* stored, not yet sent to the upstream */                                           \
	X(SENT)           /* the upstream has it */                                                            \
	X(PIN)            /* PIN there, .p12 not taken */                                                      \
	X(TAKEN)          /* .p12 taken: the certificate exists */                                             \
	X(DELIVERED)      /* handed over to the card server (UPKI-PASS): the certificate exists */             \
	X(ERROR)          /* refused or given up; no certificate */                                            \
	X(REVOKE_ACCEPTED)                                                                                     \
	X(REVOKE_SENT)                                                                                         \
	X(REVOKE_ERROR)   /* the certificate is still valid */                                                 \
	X(REVOKED)
enum application_state {
#define X(name) APPLICATION_##name,
	APPLICATION_STATE_MAP(X)
#undef X
		APPLICATION_STATE_COUNT
};
const char *application_state_name(enum application_state s); /* "ACCEPTED" */

#define EVENT_KIND_MAP(X)                                                                                      \
	X(APPLIED)           /* by application_create alone */                                                 \
	X(SUBMITTED)         /* the upstream accepted the order */                                             \
	X(REJECTED)          /* error_* set */                                                                 \
	X(PIN)               /* pin, url, download_until */                                                    \
	X(TAKEN)             /* serial, not_before, not_after, fingerprint */                                  \
	X(HANDED_OVER)                                                                                         \
	X(REVOKE_ASKED)      /* reason */                                                                      \
	X(REVOKE_SUBMITTED)                                                                                    \
	X(REVOKE_REJECTED)   /* error_* set */                                                                 \
	X(REVOKED)           /* reason */                                                                      \
	X(GAVE_UP)           /* a job ended without success: error_* set */                                    \
	X(RETRIED)           /* an administrator puts an application in error back */
enum event_kind {
#define X(name) EVENT_##name,
	EVENT_KIND_MAP(X)
#undef X
		EVENT_KIND_COUNT
};
const char *event_kind_name(enum event_kind k);

struct event {
	enum event_kind kind;
	const char *source_key; /* unique per application and kind: what makes a repeated report harmless; at most 100 bytes */
	when at;                /* when it happened at its source; 0: now */
	const char *pin;        /* plain; sealed before it is stored */
	const char *url;        /* download address; sealed before it is stored */
	when download_until;
	const char *serial;     /* lower-case hexadecimal, no leading zeros, at most 40 digits (20 octets, RFC 5280 4.1.2.2) */
	when not_before, not_after;
	const char *fingerprint; /* SHA-256 of the certificate, 64 hex digits */
	int reason;              /* RFC 5280 5.3.1 CRLReason */
	const char *error_code, *error_field, *error_text; /* code of ours or of the upstream; raw message */
};

/* What is asked for; made by a certificate type from its form, completed inside the transaction by complete(). */
struct order {
	const char *type, *upstream; /* plugin names */
	const char *profile;         /* profile id of the validity table */
	int months;
	const char *name, *mail;     /* of the applicant, at this time */
	const char *extra;           /* the type's own field (UPKI-PASS id); "" when none */
	uint64_t renews;             /* id of the application it renews, or 0 */
	bool handover;               /* key, .p12 and PIN go to a card service, never to the applicant */
	unsigned live_max;           /* upper limit of the user's live certificates of this type; 0: none */
	unsigned day_max;            /* upper limit of the user's applications of all types, renewals included, within a day; 0: none */
	const char *form_key;        /* one-time key of the form: a second order with it is the first one again */
	/* Set by complete(), once the number is known: */
	const char *subject;         /* RFC 4514 string, as the upstream gets it */
	const char *live_key;        /* not NULL: at most one live application with this key ("smime:3:taro@example.ac.jp") */
};

#define DOWNLOAD_DAYS (28 * DAY) /* life of a download address, when the upstream does not say */

struct application {
	uint64_t id, user_id;
	unsigned number; /* 申請番号: the user's own */
	enum application_state state;
	const char *type, *upstream, *profile, *subject, *name, *mail, *extra, *memo;
	int months;
	bool handover; /* goes to a card service: neither PIN nor issue mail */
	uint64_t renews;
	bool muted;         /* the applicant wants no reminders for it */
	bool has_pin;       /* the sealed PIN itself is got with application_pin() */
	when created_at, changed_at, submitted_at, pin_at, download_until, taken_at;
	const char *serial; /* NULL until taken */
	const char *fingerprint;
	when not_before, not_after;
	when revoke_asked_at, revoked_at;
	int reason;
	const char *error_code, *error_field, *error_text; /* NULL when no error */
	when issue_mail_at; /* 0: not sent */
};

/* Draws the number, stores application and event, adds job "core.submit", in one transaction.
 * complete() is called inside it (again on every retry) with the drawn number; it sets subject and live_key, or refuses: INVALID.
 * CONFLICT: live_key is taken, the subject was used, or live_max or day_max is reached; ret_why tells which ("live", "subject",
 * "limit", "day").
 * The same form_key again: OK with the application made first, *ret_again true, nothing stored. */
struct order_completion {
	enum status (*complete)(struct arena *a, unsigned number, struct order *order, void *context);
	void *context;
};
enum status application_create(struct db *db, struct arena *a, const struct user *user, const struct order *order,
	struct order_completion completion, struct application *ret, bool *ret_again, const char **ret_why) MUST_CHECK;

/* What a user holds of a certificate type, for pages: application_create() looks for itself. */
struct application_place {
	const char *type;
	const char *live_key;    /* what the user's next order would have; NULL: none, or not known */
	/* Set by application_places(): */
	unsigned live;           /* places that are taken; a chain of renewals is one */
	unsigned newest, holder; /* numbers of the newest live one, and of the one that has live_key; 0: none */
};
/* For all types in one statement. */
enum status application_places(struct db *db, struct arena *a, uint64_t user_id, when now, struct application_place *places,
	size_t n) MUST_CHECK;
/* When the user may apply again who has made day_max applications within the day before now; 0: at once. */
enum status application_day_full(struct db *db, struct arena *a, uint64_t user_id, unsigned day_max, when now,
	when *ret_until) MUST_CHECK;

enum application_outcome { APPLIED_MOVED, APPLIED_IGNORED, APPLIED_CONFLICT };
/* The only door to a change of state: inserts the event, moves state and times by the table state × event, inserts the audit row and
 * the jobs that follow, in one transaction (or in the caller's). IGNORED: seen before (same source key) or without effect in this
 * state. CONFLICT as an outcome: the pair is impossible; it is recorded in table `conflict` for administrators and changes nothing.
 * MISSING: no such application. */
enum status application_apply(struct db *db, struct arena *a, uint64_t id, const struct event *event,
	enum application_outcome *ret) MUST_CHECK;

enum status application_get(struct db *db, struct arena *a, uint64_t id, struct application *ret) MUST_CHECK;
enum status application_find(struct db *db, struct arena *a, uint64_t user_id, unsigned number, struct application *ret) MUST_CHECK;
/* Newest first, numbers below `below` (0: from the newest), at most limit rows. live_only leaves out errors, missed downloads, expired
 * and revoked ones as of now. */
enum status application_list(struct db *db, struct arena *a, uint64_t user_id, unsigned below, unsigned limit, bool live_only,
	when now, struct application **ret, size_t *ret_n) MUST_CHECK;
/* The application that renews the one with this id: one that lives as of now, else the newest. MISSING: none. */
enum status application_renewal(struct db *db, struct arena *a, uint64_t id, when now, struct application *ret) MUST_CHECK;
/* Ids of the user's applications that a live one renews. */
enum status application_renewed(struct db *db, struct arena *a, uint64_t user_id, when now, uint64_t **ret, size_t *ret_n) MUST_CHECK;
/* Whether an event with this source key has moved the application before: a form that is sent again has had its effect. */
enum status application_has_moved(struct db *db, struct arena *a, uint64_t id, enum event_kind kind, const char *source_key,
	bool *ret) MUST_CHECK;
/* Whether another application lives that holds the same: address, or card. */
enum status application_lives_elsewhere(struct db *db, struct arena *a, uint64_t id, when now, bool *ret) MUST_CHECK;
/* The upstream has issued it, although the applicant or his card does not have it yet. NULL: not known; what is known is not changed. */
enum status application_set_issued(struct db *db, uint64_t id, const char *serial, const char *fingerprint) MUST_CHECK;
/* Opens the PIN for its owner: MISSING when there is none (any more); the caller shows it to that user alone. */
enum status application_pin(struct db *db, struct arena *a, const struct application *app, const char **ret) MUST_CHECK;
/* Until when the PIN is kept and shown; 0: there is none to show. */
when application_pin_until(const struct application *app);
enum status application_url(struct db *db, struct arena *a, const struct application *app, const char **ret) MUST_CHECK;
enum status application_set_memo(struct db *db, uint64_t user_id, unsigned number, const char *memo) MUST_CHECK;
enum status application_mailed(struct db *db, uint64_t id, when at) MUST_CHECK;
/* Wipes PINs and addresses whose time is over (PIN: until 28 days after taken, or revocation, or expiry; url: once taken or over). */
enum status application_wipe(struct db *db, when now, unsigned limit, unsigned *ret_wiped) MUST_CHECK;

struct history {
	enum event_kind kind;
	when at;
};
enum status application_history(struct db *db, struct arena *a, uint64_t id, struct history **ret, size_t *ret_n) MUST_CHECK;

/* What a person is told; computed, never stored. */
enum application_phase { /* 申請状況 */
	PHASE_BEFORE, PHASE_PENDING, PHASE_PIN, PHASE_DONE, PHASE_MISSED, PHASE_ERROR,
	PHASE_REVOKE_BEFORE, PHASE_REVOKE_PENDING, PHASE_REVOKED, PHASE_REVOKE_ERROR,
};
enum certificate_state { /* 証明書の状態 */
	CERTIFICATE_REQUESTED, CERTIFICATE_NOT_TAKEN, CERTIFICATE_VALID, CERTIFICATE_EXPIRED, CERTIFICATE_REVOKED, CERTIFICATE_ERROR,
};
enum application_phase application_phase(const struct application *app, when now);
enum certificate_state application_certificate(const struct application *app, when now);
/* msgids of domain "core": 新規申請中, 更新申請中, ... by what was asked for. */
const char *application_phase_label(const struct application *app, when now);
const char *application_certificate_label(const struct application *app, when now);
const char *certificate_state_label(enum certificate_state state);

/* What a user looks for among the own applications. */
struct application_query {
	/* Each one has to occur: as the number, in the memo, in the subject, in the serial (hexadecimal, from 6 digits on) or as the whole
	 * serial in decimal; folded (text_fold). "": all. */
	const char *words;
	bool any_state;
	enum certificate_state state; /* unless any_state */
	bool live_only;		      /* as in application_list */
	unsigned below, limit;
};
/* As application_list. Reads the user's rows until the page is full. INVALID: too many words. */
enum status application_search(struct db *db, struct arena *a, uint64_t user_id, const struct application_query *query,
	when now, struct application **ret, size_t *ret_n) MUST_CHECK;

#endif
