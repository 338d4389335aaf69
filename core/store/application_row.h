/* Inside of the store: the whole row of an application, and what follows from state and times. */
#ifndef INKAN_STORE_APPLICATION_ROW_H
#define INKAN_STORE_APPLICATION_ROW_H

#include "store/application.h"

#define PIN_DAYS (28 * DAY)	 /* how long a PIN is kept after the certificate was taken */
#define LIVE_WITHOUT_END INT64_MAX

struct application_row {
	struct application app;
	struct bytes live_digest; /* data NULL: may live beside others */
	bool holds_live_key;
	uint64_t place;	       /* the first of the chain of renewals; never 0 */
	struct bytes pin, url; /* sealed; data NULL: none */
};

#define APPLICATION_COLUMNS                                                                                         \
	"id, user_id, number, state, type, upstream, profile, subject, name, mail, extra, memo, months, renews,"    \
	" created_at, changed_at, submitted_at, pin_at, download_until, taken_at, serial, fingerprint, not_before," \
	" not_after, revoke_asked_at, revoked_at, reason, error_code, error_field, error_text, issue_mail_at,"      \
	" live_digest, live_key IS NOT NULL, place, pin, url, handover, muted"
void application_fill(const struct db_rows *rows, size_t i, struct application_row *ret);
/* The row with this id; locked: until the end of the transaction. MISSING. */
enum status application_row_get(
	struct db *db, struct arena *a, uint64_t id, bool locked, struct application_row *ret) MUST_CHECK;
bool application_state_parse(const char *name, enum application_state *ret);

/* What an event does in a state. 0, what the table does not list, is a conflict. RULE_SAME: IGNORE when the certificate is the one
 * the row has, else CONFLICT. */
enum rule_action { RULE_CONFLICT, RULE_IGNORE, RULE_SAME, RULE_MOVE };
struct rule {
	enum rule_action action;
	enum application_state to;
};
extern const struct rule application_transitions[APPLICATION_STATE_COUNT][EVENT_KIND_COUNT];

/* By time alone: until when the row counts as live (0: not at all), until when the certificate is valid, and until when PIN and
 * download address are kept (0: no longer). */
when application_live_until(const struct application *app);
when application_valid_until(const struct application *app);
when application_pin_until(const struct application *app);
when application_url_until(const struct application *app);
/* When something of the row has to be wiped next; 0: nothing is there. */
when application_wipe_at(const struct application *app, bool has_pin, bool has_url);

/* The jobs that follow an event, each once. */
enum status application_jobs(
	struct db *db, struct arena *a, uint64_t id, enum event_kind kind, const char *source_key) MUST_CHECK;
/* recorded_at of an event that moves: the row's new changed_at, so that two in one millisecond keep their order. */
enum status application_event_insert(struct db *db, uint64_t id, const struct event *event, bool moved,
	when recorded_at, const char *detail) MUST_CHECK;
/* Clears the key at a row that holds it but is no longer live: time alone does not write. One that is live, perhaps since a moment
 * ago, keeps it: the unique key then refuses the second. */
enum status application_live_key_free(struct db *db, struct bytes live_key, when now) MUST_CHECK;
/* "application:17", as the audit trail names it. */
const char *application_object(struct arena *a, uint64_t id);

#endif
