/* The only door to a change of state: an event is inserted, and moves the application by the table. */
#include <ctype.h>

#include "base/crypto.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"

#define SOURCE_KEY_MAX 100
#define PIN_MAX 256
#define URL_MAX 4000

struct applying {
	struct arena *arena;
	uint64_t id;
	struct event event;
	enum application_outcome outcome;
	/* Of this run: */
	when now;
	when changed_at; /* strictly later than before: an open page compares it to see that something happened */
	struct application_row row; /* as it was; then as it will be */
};

/* Lower-case hexadecimal without leading zeros, at most 20 octets (RFC 5280 4.1.2.2). */
static bool serial_ok(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= 40 && strspn(s, "0123456789abcdef") == len && (s[0] != '0' || len == 1);
}

static enum status check_event(const struct event *e)
{
	if (!e->source_key || !*e->source_key || strlen(e->source_key) > SOURCE_KEY_MAX)
		return cause(
			STATUS_INVALID, "event: source key missing or longer than %d bytes", SOURCE_KEY_MAX);
	if ((e->kind == EVENT_TAKEN && !e->serial) || (e->serial && !serial_ok(e->serial)))
		return cause(STATUS_INVALID, "event %s: no proper serial number", event_kind_name(e->kind));
	if (e->fingerprint &&
		(strlen(e->fingerprint) != 64 || strspn(e->fingerprint, "0123456789abcdef") != 64))
		return cause(STATUS_INVALID, "event %s: no proper fingerprint", event_kind_name(e->kind));
	if ((e->pin && strlen(e->pin) > PIN_MAX) || (e->url && strlen(e->url) > URL_MAX))
		return cause(STATUS_INVALID, "event %s: PIN or address too long", event_kind_name(e->kind));
	return STATUS_OK;
}

static bool opens_to(struct applying *c, const char *purpose, struct bytes sealed, const char *plain)
{
	struct bytes old;
	const char *row = arena_printf(c->arena, "%llu", (unsigned long long)c->id);

	if (!sealed.data || !plain)
		return !plain; /* an event without it does not change it */
	return seal_open(c->arena, "application", row, purpose, sealed, &old) == STATUS_OK &&
	       old.len == strlen(plain) && memcmp(old.data, plain, old.len) == 0;
}

/* A repeated PIN that is older than the one there, or the same, changes nothing. */
static bool pin_is_news(struct applying *c)
{
	const struct event *e = &c->event;

	if (e->at < c->row.app.pin_at)
		return false;
	return !opens_to(c, "pin", c->row.pin, e->pin) || !opens_to(c, "url", c->row.url, e->url) ||
	       (e->download_until && e->download_until != c->row.app.download_until);
}

static bool revives(enum application_state from, enum application_state to)
{
	return from == APPLICATION_ERROR && to != APPLICATION_REVOKED;
}

/* Whether another application lives in the place that this one left when it failed: the same live key, or the same certificate
 * renewed. The renewed row is written, as its next renewal and its revocation do, so that none of them overlooks another. */
static enum status place_is_taken(struct db *db, struct applying *c, bool *ret)
{
	const struct application_row *row = &c->row;
	struct db_rows rows;
	enum status st = STATUS_OK;

	if (row->app.renews)
		st = db_exec(db, NULL, "UPDATE application SET renewals = renewals + 1 WHERE id = ?",
			DB_INT(row->app.renews));
	if (st == STATUS_OK)
		st = db_select(db, c->arena, &rows,
			"SELECT id FROM application WHERE id <> ? AND live_until > ? AND live_digest = ? AND IF(place = 0, id, place) <> ?"
			" UNION ALL SELECT id FROM application WHERE id <> ? AND live_until > ? AND renews = ? AND renews <> 0"
			" UNION ALL SELECT id FROM application WHERE id = ? AND live_until <= ? LIMIT 1",
			DB_INT(c->id), DB_INT(c->now), DB_BYTES(row->live_digest), DB_INT(row->place),
			DB_INT(c->id), DB_INT(c->now), DB_INT(row->app.renews), DB_INT(row->app.renews),
			DB_INT(c->now));
	if (st == STATUS_OK)
		*ret = rows.rows > 0;
	return st;
}

/* The table's rule, with what the table alone cannot tell. */
static enum status decide(struct db *db, struct applying *c, struct rule *ret)
{
	const struct application *app = &c->row.app;
	struct rule rule = application_transitions[app->state][c->event.kind];
	bool taken = false;

	if (rule.action == RULE_SAME)
		rule.action =
			!app->serial || text_same(app->serial, c->event.serial) ? RULE_IGNORE : RULE_CONFLICT;
	if (rule.action == RULE_MOVE && c->event.kind == EVENT_PIN && app->state == APPLICATION_PIN &&
		!pin_is_news(c))
		rule.action = RULE_IGNORE;
	if (app->state == APPLICATION_ERROR && c->event.kind == EVENT_REVOKE_ASKED && !app->serial)
		rule.action = RULE_CONFLICT; /* nothing was issued */
	if (rule.action == RULE_MOVE && c->event.kind == EVENT_RETRIED) {
		enum status st = place_is_taken(db, c, &taken);
		if (st != STATUS_OK)
			return st;
		if (taken)
			rule.action = RULE_CONFLICT;
	}
	*ret = rule;
	return STATUS_OK;
}

static enum status record_conflict(struct db *db, struct applying *c)
{
	struct db_rows rows;
	const char *kind = event_kind_name(c->event.kind);
	enum status st = db_select(db, c->arena, &rows,
		"SELECT moved FROM event WHERE application_id = ? AND kind = ? AND source_key = ?",
		DB_INT(c->id), DB_TEXT(kind), DB_TEXT(c->event.source_key));

	if (st != STATUS_OK)
		return st;
	if (rows.rows) { /* it was in order when it came first */
		c->outcome = APPLIED_IGNORED;
		return st;
	}
	c->outcome = APPLIED_CONFLICT;
	return db_exec(db, NULL,
		"INSERT INTO conflict (application_id, kind, state, source_key, at) VALUES (?, ?, ?, ?, ?)"
		" ON DUPLICATE KEY UPDATE id = id",
		DB_INT(c->id), DB_TEXT(kind), DB_TEXT(application_state_name(c->row.app.state)),
		DB_TEXT(c->event.source_key), DB_INT(c->now));
}

static struct bytes sealed(struct applying *c, const char *purpose, const char *plain)
{
	return seal(c->arena, "application", arena_printf(c->arena, "%llu", (unsigned long long)c->id),
		purpose, bytes_string(plain));
}

static void set_certificate(struct application *app, const struct event *e)
{
	if (e->serial)
		app->serial = e->serial;
	if (e->fingerprint)
		app->fingerprint = e->fingerprint;
	if (e->not_before)
		app->not_before = e->not_before;
	if (e->not_after)
		app->not_after = e->not_after;
}

static void set_error(struct applying *c, const char *code)
{
	struct application *app = &c->row.app;

	app->error_code = fit(c->arena, c->event.error_code ? c->event.error_code : code, 64);
	app->error_field = fit(c->arena, c->event.error_field, 255);
	app->error_text = fit(c->arena, c->event.error_text, 2000);
}

static void set_pin(struct applying *c)
{
	struct application *app = &c->row.app;

	if (c->event.pin)
		c->row.pin = sealed(c, "pin", c->event.pin);
	if (c->event.url)
		c->row.url = sealed(c, "url", c->event.url);
	app->pin_at = c->event.at;
	app->download_until = c->event.download_until ? c->event.download_until : c->event.at + DOWNLOAD_DAYS;
}

/* The row as the event leaves it. */
static void change(struct applying *c, enum application_state to)
{
	struct application *app = &c->row.app;
	const struct event *e = &c->event;

	app->state = to;
	app->error_code = app->error_field = app->error_text = NULL;
	app->changed_at = c->changed_at;
	switch (e->kind) {
	case EVENT_SUBMITTED:
		app->submitted_at = e->at;
		break;
	case EVENT_PIN:
		set_pin(c);
		break;
	case EVENT_TAKEN:
	case EVENT_HANDED_OVER:
		app->taken_at = e->at;
		set_certificate(app, e);
		break;
	case EVENT_REVOKE_ASKED:
		app->revoke_asked_at = e->at;
		app->reason = e->reason;
		break;
	case EVENT_REVOKED:
		app->revoked_at = e->at;
		app->reason = e->reason ? e->reason : app->reason;
		set_certificate(app, e);
		break;
	case EVENT_REJECTED:
	case EVENT_REVOKE_REJECTED:
		set_error(c, "rejected");
		break;
	case EVENT_GAVE_UP:
		set_error(c, "gave-up");
		break;
	case EVENT_RETRIED:
		app->submitted_at = 0;
		break;
	case EVENT_APPLIED:
	case EVENT_REVOKE_SUBMITTED:
	case EVENT_KIND_COUNT:
		break;
	}
	if (c->row.pin.data && application_pin_until(app) <= c->now)
		c->row.pin = bytes_of(NULL, 0);
	if (c->row.url.data && application_url_until(app) <= c->now)
		c->row.url = bytes_of(NULL, 0);
}

/* One that comes back to life takes its live key again, unless another lives there now: what really happened is recorded all the same. */
static enum status regain_live_key(struct db *db, struct applying *c)
{
	bool taken = false;
	enum status st = STATUS_OK;

	if (!c->row.live_digest.data || c->row.app.renews)
		return STATUS_OK;
	st = place_is_taken(db, c, &taken);
	if (st != STATUS_OK || taken)
		return st;
	c->row.holds_live_key = true;
	return application_live_key_free(db, c->row.live_digest, c->now);
}

static enum status row_update(struct db *db, struct applying *c, enum application_state from)
{
	const struct application *app = &c->row.app;
	uint64_t changed = 0;
	enum status st = db_exec(db, &changed,
		"UPDATE application SET state = ?, live_until = ?, live_key = ?, wipe_at = ?, changed_at = ?, submitted_at = ?,"
		" pin_at = ?, download_until = ?, taken_at = ?, serial = ?, fingerprint = ?, not_before = ?, not_after = ?,"
		" revoke_asked_at = ?, revoked_at = ?, reason = ?, error_code = ?, error_field = ?, error_text = ?, pin = ?, url = ?"
		" WHERE id = ? AND state = ?",
		DB_TEXT(application_state_name(app->state)), DB_INT(application_live_until(app)),
		c->row.holds_live_key ? DB_BYTES(c->row.live_digest) : DB_NULL(),
		DB_INT(application_wipe_at(app, c->row.pin.data, c->row.url.data)), DB_INT(app->changed_at),
		DB_INT(app->submitted_at), DB_INT(app->pin_at), DB_INT(app->download_until),
		DB_INT(app->taken_at), DB_TEXT(app->serial), DB_TEXT(app->fingerprint),
		DB_INT(app->not_before), DB_INT(app->not_after), DB_INT(app->revoke_asked_at),
		DB_INT(app->revoked_at), DB_INT(app->reason), DB_TEXT(app->error_code),
		DB_TEXT(app->error_field), DB_TEXT(app->error_text), DB_BYTES(c->row.pin),
		DB_BYTES(c->row.url), DB_INT(c->id), DB_TEXT(application_state_name(from)));

	if (st == STATUS_CONFLICT || (st == STATUS_OK && changed != 1))
		return db_again(db); /* the live key was taken meanwhile, or the state moved */
	return st;
}

/* For event row and audit trail: what happened, without secrets. */
static const char *summary(struct applying *c)
{
	const struct event *e = &c->event;

	switch (e->kind) {
	case EVENT_TAKEN:
	case EVENT_HANDED_OVER:
		return e->serial ? arena_printf(c->arena, "serial %s", e->serial) : "";
	case EVENT_REVOKE_ASKED:
	case EVENT_REVOKED:
		return arena_printf(c->arena, "reason %d", e->reason);
	case EVENT_REJECTED:
	case EVENT_REVOKE_REJECTED:
	case EVENT_GAVE_UP:
		return arena_printf(c->arena, "code %.64s field %.100s", e->error_code ? e->error_code : "-",
			e->error_field ? e->error_field : "-");
	default:
		return "";
	}
}

static enum status move(struct db *db, struct applying *c, enum application_state to)
{
	enum application_state from = c->row.app.state;
	enum status st = STATUS_OK;

	if (revives(from, to))
		st = regain_live_key(db, c);
	else if (to == APPLICATION_ERROR || to == APPLICATION_REVOKED)
		c->row.holds_live_key = false;
	if (st != STATUS_OK)
		return st;
	change(c, to);
	st = row_update(db, c, from);
	if (st == STATUS_OK)
		st = audit_add(db,
			arena_printf(c->arena, "application.%s",
				text_lower(c->arena, event_kind_name(c->event.kind))),
			application_object(c->arena, c->id), fit(c->arena, summary(c), 500));
	if (st == STATUS_OK)
		st = application_jobs(db, c->arena, c->id, c->event.kind, c->event.source_key);
	c->outcome = APPLIED_MOVED;
	return st;
}

static enum status apply_body(struct db *db, void *context)
{
	struct applying *c = context;
	struct rule rule;

	c->now = clock_now();
	enum status st = application_row_get(db, c->arena, c->id, true, &c->row);
	if (st == STATUS_OK)
		st = decide(db, c, &rule);
	if (st != STATUS_OK)
		return st;
	if (rule.action == RULE_CONFLICT)
		return record_conflict(db, c);
	c->changed_at = c->now > c->row.app.changed_at ? c->now : c->row.app.changed_at + 1;
	st = application_event_insert(db, c->id, &c->event, rule.action == RULE_MOVE, c->changed_at,
		fit(c->arena, summary(c), 500));
	if (st == STATUS_CONFLICT || (st == STATUS_OK && rule.action == RULE_IGNORE)) {
		c->outcome = APPLIED_IGNORED;
		return STATUS_OK;
	}
	return st == STATUS_OK ? move(db, c, rule.to) : st;
}

enum status application_apply(
	struct db *db, struct arena *a, uint64_t id, const struct event *event, enum application_outcome *ret)
{
	struct applying c = {.arena = a, .id = id, .event = *event};
	enum status st = check_event(event);

	if (st != STATUS_OK)
		return st;
	if (!c.event.at)
		c.event.at = clock_now();
	st = db_transact(db, apply_body, &c);
	if (st == STATUS_OK)
		*ret = c.outcome;
	return st;
}
