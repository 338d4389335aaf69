/* Tests of the state machine: every state with every event, repeated, late and racing reports, times, secrets and labels. */
#include <pthread.h>

#include "base/crypto.h"
#include "store/audit.h"
#include "store/job.h"
#include "support/applications.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;
static struct user taro;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	taro = test_user(db, a, "taro");
	return 0;
}

static int64_t count(const char *table, uint64_t id)
{
	const char *column = strcmp(table, "job") == 0 ? "subject" : "application_id";

	return mariadb_number(arena_printf(
		a, "SELECT COUNT(*) FROM %s WHERE %s = %llu", table, column, (unsigned long long)id));
}

static int64_t audits(uint64_t id)
{
	return mariadb_number(arena_printf(
		a, "SELECT COUNT(*) FROM audit WHERE object = 'application:%llu'", (unsigned long long)id));
}

static struct application again(uint64_t id)
{
	struct application app;

	check_ok(application_get(db, a, id, &app));
	return app;
}

/* The table as it was agreed, one line a state, in the order of the events: a state, "." ignored, "!" conflict. */
static const char *const expected[] = {
	/* applied submitted rejected pin taken handed_over revoke_asked revoke_submitted revoke_rejected revoked gave_up retried */
	[APPLICATION_ACCEPTED] = "! SENT ERROR PIN TAKEN DELIVERED ! ! ! REVOKED ERROR .",
	[APPLICATION_SENT] = "! . ERROR PIN TAKEN DELIVERED ! ! ! REVOKED ERROR .",
	[APPLICATION_PIN] = "! . ! PIN TAKEN ! ! ! ! REVOKED . !",
	[APPLICATION_TAKEN] = "! . ! . . ! REVOKE_ACCEPTED ! ! REVOKED . !",
	[APPLICATION_DELIVERED] = "! . ! ! . . REVOKE_ACCEPTED ! ! REVOKED . !",
	[APPLICATION_ERROR] = "! SENT . PIN TAKEN DELIVERED ! ! ! REVOKED . ACCEPTED",
	[APPLICATION_REVOKE_ACCEPTED] = "! . ! . . . . REVOKE_SENT REVOKE_ERROR REVOKED REVOKE_ERROR !",
	[APPLICATION_REVOKE_SENT] = "! . ! . . . . . REVOKE_ERROR REVOKED REVOKE_ERROR !",
	[APPLICATION_REVOKE_ERROR] = "! . ! . . . REVOKE_ACCEPTED REVOKE_SENT . REVOKED . !",
	[APPLICATION_REVOKED] = "! . ! . . . . . . . . !",
};

static const char *followed_by(enum event_kind kind)
{
	return kind == EVENT_RETRIED						   ? "core.submit"
	       : kind == EVENT_REVOKE_ASKED					   ? "core.revoke"
	       : kind == EVENT_PIN || kind == EVENT_TAKEN || kind == EVENT_REVOKED ? "core.mail"
										   : NULL;
}

static void try_pair(enum application_state state, enum event_kind kind, const char *want)
{
	struct application before = test_in_state(db, a, &taro, state);
	uint64_t id = before.id;
	struct event e = {.kind = kind, .source_key = "the event", .error_code = "E1"};
	int64_t events = count("event", id), jobs = count("job", id), trail = audits(id);

	if (kind == EVENT_TAKEN)
		e.serial = before.serial ? before.serial : "77";
	if (kind == EVENT_PIN)
		e.pin = "second PIN";
	enum application_outcome outcome = test_apply(db, a, id, e);
	struct application after = again(id);
	bool moves = *want != '.' && *want != '!';
	enum application_outcome wanted = moves		 ? APPLIED_MOVED
					  : *want == '.' ? APPLIED_IGNORED
							 : APPLIED_CONFLICT;
	if (outcome != wanted ||
		!text_same(application_state_name(after.state), moves ? want : application_state_name(state)))
		fail_msg("%s with %s: outcome %d, state %s; expected %s", application_state_name(state),
			event_kind_name(kind), outcome, application_state_name(after.state), want);
	assert_int_equal(count("conflict", id), outcome == APPLIED_CONFLICT);
	assert_int_equal(count("event", id) - events, outcome != APPLIED_CONFLICT);
	assert_int_equal(audits(id) - trail, moves);
	assert_int_equal(count("job", id) - jobs, moves && followed_by(kind));
	assert_true(moves ? after.changed_at > before.changed_at : after.changed_at == before.changed_at);
	/* The same report once more changes nothing at all. */
	enum application_outcome second = test_apply(db, a, id, e);
	assert_int_equal(second, outcome == APPLIED_CONFLICT ? APPLIED_CONFLICT : APPLIED_IGNORED);
	struct application last = again(id);
	assert_int_equal(last.state, after.state);
	assert_int_equal(last.changed_at, after.changed_at);
	assert_int_equal(count("conflict", id), outcome == APPLIED_CONFLICT);
	assert_int_equal(count("event", id) - events, outcome != APPLIED_CONFLICT);
	assert_int_equal(count("job", id) - jobs, moves && followed_by(kind));
	assert_int_equal(audits(id) - trail, moves);
}

static void every_state_with_every_event(void **state)
{
	for (unsigned s = 0; s < APPLICATION_STATE_COUNT; s++) {
		char **cells = text_split(a, expected[s], " ");
		for (unsigned k = 0; k < EVENT_KIND_COUNT; k++) {
			assert_non_null(cells[k]);
			try_pair((enum application_state)s, (enum event_kind)k, cells[k]);
		}
		assert_null(cells[EVENT_KIND_COUNT]);
	}
}

static void jobs_that_follow(void **state)
{
	static const char *const kinds[] = {"core.submit", "core.mail", "core.revoke", NULL};
	struct application app = test_in_state(db, a, &taro, APPLICATION_REVOKED);
	int submit = 0, revoke = 0, issued = 0, taken = 0, revoked = 0;
	struct job job;

	while (job_claim(db, a, kinds, LEASES(MINUTE), "me", &job) == STATUS_OK) {
		assert_int_equal(job.subject, app.id);
		submit += text_same(job.kind, "core.submit");
		revoke += text_same(job.kind, "core.revoke");
		issued += text_same(job.kind, "core.mail") && text_same(job.payload, "issued");
		taken += text_same(job.kind, "core.mail") && text_same(job.payload, "taken");
		revoked += text_same(job.kind, "core.mail") && text_same(job.payload, "revoked");
	}
	assert_true(submit == 1 && revoke == 1 && issued == 1 && taken == 1 && revoked == 1);
}

static void fields_are_set(void **state)
{
	struct application app = test_application(db, a, &taro);
	when now = clock_now();
	const char *fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

	assert_int_equal(app.number, 1);
	assert_int_equal(app.state, APPLICATION_ACCEPTED);
	assert_int_equal(app.user_id, taro.id);
	assert_string_equal(app.subject, "CN=taro@mail.example.ac.jp-1,O=Example");
	assert_string_equal(app.type, "client");
	assert_string_equal(app.upstream, "upstream_local");
	assert_string_equal(app.profile, "5");
	assert_string_equal(app.memo, "");
	assert_int_equal(app.months, 52);
	assert_null(app.serial);
	assert_null(app.error_code);
	assert_false(app.has_pin);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_SUBMITTED, .at = now - 5000});
	test_apply(
		db, a, app.id, (struct event){.kind = EVENT_PIN, .at = now - 4000, .pin = "p", .url = "u"});
	app = again(app.id);
	assert_int_equal(app.submitted_at, now - 5000);
	assert_int_equal(app.pin_at, now - 4000);
	assert_int_equal(app.download_until, now - 4000 + 28 * DAY);
	assert_true(app.has_pin);
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_TAKEN,
			.at = now - 3000,
			.serial = "ffffffffffffffffffffffffffffffffffffffff",
			.not_before = now - 9000,
			.not_after = now + DAY,
			.fingerprint = fingerprint});
	app = again(app.id);
	assert_string_equal(app.serial, "ffffffffffffffffffffffffffffffffffffffff");
	assert_string_equal(app.fingerprint, fingerprint);
	assert_true(app.taken_at == now - 3000 && app.not_before == now - 9000 && app.not_after == now + DAY);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED, .at = now - 2000, .reason = 4});
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_REVOKE_REJECTED,
			.error_code = "212",
			.error_field = "dn",
			.error_text = "エラー \xff raw"});
	app = again(app.id);
	assert_true(app.revoke_asked_at == now - 2000 && app.reason == 4);
	assert_string_equal(app.error_code, "212");
	assert_string_equal(app.error_field, "dn");
	assert_non_null(strstr(app.error_text, "raw"));
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED, .at = now - 1000});
	app = again(app.id);
	assert_true(app.revoked_at == now - 1000 && app.reason == 4);
	assert_null(app.error_code);
	assert_null(app.error_text);
	assert_false(app.has_pin);
	check_ok(application_mailed(db, app.id, 99));
	assert_int_equal(again(app.id).issue_mail_at, 99);
	check_status(application_mailed(db, app.id + 1, 99), STATUS_MISSING);
}

static void bad_events_are_refused(void **state)
{
	struct application app = test_application(db, a, &taro);
	enum application_outcome outcome;
	static const char *const serials[] = {
		NULL, "", "0a", "A1", "0x1", "12 ", "11111111111111111111111111111111111111111"};

	for (size_t i = 0; i < COUNT_OF(serials); i++) {
		struct event e = {.kind = EVENT_TAKEN, .source_key = "k", .serial = serials[i]};
		check_status(application_apply(db, a, app.id, &e, &outcome), STATUS_INVALID);
	}
	struct event e = {.kind = EVENT_SUBMITTED};
	check_status(application_apply(db, a, app.id, &e, &outcome), STATUS_INVALID);
	char key[102];
	memset(key, 'k', 101);
	key[101] = '\0';
	e.source_key = key;
	check_status(application_apply(db, a, app.id, &e, &outcome), STATUS_INVALID);
	e.source_key = key + 1;
	check_status(application_apply(db, a, app.id + 1, &e, &outcome), STATUS_MISSING);
	check_ok(application_apply(db, a, app.id, &e, &outcome));
	assert_int_equal(count("event", app.id), 2);
	assert_int_equal(count("event", app.id + 1), 0);
}

/* One application is one certificate: another serial is nothing that could be true. */
static void another_serial_is_a_conflict(void **state)
{
	static const enum application_state states[] = {APPLICATION_TAKEN, APPLICATION_REVOKE_ACCEPTED,
		APPLICATION_REVOKE_SENT, APPLICATION_REVOKE_ERROR, APPLICATION_REVOKED};

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct application app = test_in_state(db, a, &taro, states[i]);
		assert_int_equal(
			test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "bbbb"}),
			APPLIED_CONFLICT);
		assert_string_equal(again(app.id).serial, app.serial);
	}
}

/* A report that was in order when it came first is ignored when it comes again, whatever the state is by then. */
static void repeated_later_is_ignored(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);
	struct event error = {.kind = EVENT_REJECTED, .source_key = "answer 1", .error_code = "1"};

	assert_int_equal(test_apply(db, a, app.id, error), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, app.id, error), APPLIED_IGNORED);
	assert_int_equal(again(app.id).state, APPLICATION_ACCEPTED);
	assert_null(again(app.id).error_code);
	assert_int_equal(
		test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .pin = "p"}), APPLIED_MOVED);
	assert_int_equal(
		test_apply(db, a, app.id, error), APPLIED_IGNORED); /* in PIN the pair itself is a conflict */
	assert_int_equal(count("conflict", app.id), 0);
}

static void pin_is_sealed_replaced_wiped(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);
	when now = clock_now();
	const char *pin = NULL, *url = NULL;
	unsigned wiped = 9;

	check_status(application_pin(db, a, &app, &pin), STATUS_MISSING);
	test_apply(db, a, app.id,
		(struct event){
			.kind = EVENT_PIN, .at = now - 900, .pin = "SECRET-1", .url = "https://x/SECRET"});
	check_ok(application_pin(db, a, &app, &pin));
	assert_string_equal(pin, "SECRET-1");
	check_ok(application_url(db, a, &app, &url));
	assert_string_equal(url, "https://x/SECRET");
	/* nowhere in clear */
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM application WHERE pin LIKE '%SECRET%' OR url LIKE '%SECRET%'"),
		0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event WHERE detail LIKE '%SECRET%'"), 0);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM audit WHERE CONCAT(object, IFNULL(detail, '')) LIKE '%SECRET%'"),
		0);
	/* the same notice by another way, and an older one, change nothing and send no mail */
	assert_int_equal(test_apply(db, a, app.id,
				 (struct event){.kind = EVENT_PIN,
					 .at = now - 800,
					 .pin = "SECRET-1",
					 .url = "https://x/SECRET"}),
		APPLIED_IGNORED);
	assert_int_equal(
		test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .at = now - 1000, .pin = "OLD"}),
		APPLIED_IGNORED);
	assert_int_equal(test_apply(db, a, app.id,
				 (struct event){.kind = EVENT_PIN, .at = now - 700, .pin = "SECRET-2"}),
		APPLIED_MOVED);
	check_ok(application_pin(db, a, &app, &pin));
	assert_string_equal(pin, "SECRET-2");
	/* moved to another row it does not open */
	struct application other = test_in_state(db, a, &taro, APPLICATION_PIN);
	mariadb_exec(arena_printf(a,
		"UPDATE application SET pin = (SELECT pin FROM (SELECT pin FROM application WHERE id = %llu) x) WHERE id = %llu",
		(unsigned long long)app.id, (unsigned long long)other.id));
	check_status(application_pin(db, a, &other, &pin), STATUS_INTERNAL);
	/* taken: the address goes at once, the PIN after 28 days */
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_TAKEN,
			.at = now - 28 * DAY + 5000,
			.serial = "1",
			.not_after = now + 99 * DAY});
	check_status(application_url(db, a, &app, &url), STATUS_MISSING);
	check_ok(application_pin(db, a, &app, &pin));
	check_ok(application_wipe(db, now, 100, &wiped));
	assert_int_equal(wiped, 0);
	check_ok(application_wipe(db, now + 6000, 100, &wiped));
	assert_int_equal(wiped, 1);
	check_status(application_pin(db, a, &app, &pin), STATUS_MISSING);
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT pin IS NULL AND wipe_at = 0 FROM application WHERE id = %llu",
				 (unsigned long long)app.id)),
		1);
	check_ok(application_wipe(db, now + 6000, 100, &wiped));
	assert_int_equal(wiped, 0);
}

/* PIN and address end by time: missed, expired, revoked. */
static void secrets_end_in_time(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);
	when now = clock_now();
	const char *text;
	unsigned wiped;

	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_PIN, .pin = "p", .url = "u", .download_until = now + 300});
	check_ok(application_wipe(db, now + 400, 10, &wiped));
	assert_int_equal(wiped, 1);
	check_status(application_url(db, a, &app, &text), STATUS_MISSING);
	check_ok(application_pin(db, a, &app, &text)); /* the notice that it was taken may be late */
	check_ok(application_wipe(db, now + 300 + 28 * DAY, 10, &wiped));
	assert_int_equal(wiped, 1);
	check_status(application_pin(db, a, &app, &text), STATUS_MISSING);
	app = test_in_state(db, a, &taro, APPLICATION_PIN);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "2", .not_after = now - 1});
	check_status(application_pin(db, a, &app, &text), STATUS_MISSING); /* expired */
	app = test_in_state(db, a, &taro, APPLICATION_PIN);
	now = clock_now();
	test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "3", .not_after = now + 300});
	check_ok(application_pin(db, a, &app, &text));
	nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
	check_status(application_pin(db, a, &app, &text), STATUS_MISSING); /* over, though not wiped yet */
	assert_false(again(app.id).has_pin);
	app = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	check_ok(application_pin(db, a, &app, &text));
	assert_true(again(app.id).has_pin);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED});
	check_status(application_pin(db, a, &app, &text), STATUS_MISSING);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM application WHERE state = 'REVOKED' AND (pin IS NOT NULL OR url IS NOT NULL)"),
		0);
}

static const char *label(struct application *app, when now)
{
	return arena_printf(
		a, "%s / %s", application_phase_label(app, now), application_certificate_label(app, now));
}

static void labels(void **state)
{
	static const char *const plain[] = {
		[APPLICATION_ACCEPTED] = "New request, not yet sent / Requested",
		[APPLICATION_SENT] = "New request in progress / Requested",
		[APPLICATION_PIN] = "New request, PIN received / Not downloaded",
		[APPLICATION_TAKEN] = "Valid / Valid",
		[APPLICATION_DELIVERED] = "New UPKI-PASS request completed / Valid",
		[APPLICATION_ERROR] = "Error / Error",
		[APPLICATION_REVOKE_ACCEPTED] = "Revocation, not yet sent / Valid",
		[APPLICATION_REVOKE_SENT] = "Revocation in progress / Valid",
		[APPLICATION_REVOKE_ERROR] = "Error / Valid",
		[APPLICATION_REVOKED] = "Revocation completed / Revoked",
	};
	when now = clock_now(), far = now + 5000 * DAY;

	for (unsigned s = 0; s < APPLICATION_STATE_COUNT; s++) {
		struct application app = test_in_state(db, a, &taro, (enum application_state)s);
		assert_string_equal(label(&app, now), plain[s]);
	}
	struct application app = {.state = APPLICATION_PIN, .download_until = now, .type = "client"};
	assert_string_equal(label(&app, now - 1), "New request, PIN received / Not downloaded");
	assert_string_equal(label(&app, now), "Not downloaded in time / Not downloaded");
	app.renews = 3;
	assert_string_equal(label(&app, now - 1), "Renewal, PIN received / Not downloaded");
	assert_string_equal(label(&app, now), "Renewal not downloaded in time / Not downloaded");
	app.state = APPLICATION_ACCEPTED;
	assert_string_equal(label(&app, now), "Renewal, not yet sent / Requested");
	app.state = APPLICATION_SENT;
	assert_string_equal(label(&app, now), "Renewal in progress / Requested");
	app.state = APPLICATION_TAKEN;
	app.not_after = far;
	assert_string_equal(label(&app, far - 1), "Valid (renewed) / Valid");
	assert_string_equal(label(&app, far), "Expired / Expired");
	app = (struct application){.state = APPLICATION_SENT, .type = "card", .handover = true, .months = 13};
	assert_string_equal(label(&app, now), "New UPKI-PASS request in progress / Requested");
	app.state =
		APPLICATION_DELIVERED; /* what became of the card's certificate is not told: its ordered life counts */
	app.taken_at = now;
	assert_string_equal(
		label(&app, clock_add_months(now, 13) - 1), "New UPKI-PASS request completed / Valid");
	assert_string_equal(label(&app, clock_add_months(now, 13)), "Expired / Expired");
	app.state = APPLICATION_REVOKE_ERROR;
	assert_string_equal(label(&app, far), "Error / Expired");
}

static void missed_then_taken_late(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);
	when now = clock_now();

	test_apply(db, a, app.id, (struct event){.kind = EVENT_PIN, .pin = "p", .at = now - 40 * DAY});
	app = again(app.id);
	assert_int_equal(application_phase(&app, now), PHASE_MISSED);
	assert_int_equal(test_apply(db, a, app.id,
				 (struct event){.kind = EVENT_TAKEN, .serial = "5", .not_after = now + DAY}),
		APPLIED_MOVED);
	app = again(app.id);
	assert_int_equal(application_phase(&app, now), PHASE_DONE);
	assert_int_equal(application_certificate(&app, now), CERTIFICATE_VALID);
}

static void lists_and_history(void **state)
{
	struct user hanako = test_user(db, a, "hanako");
	struct application *list, app;
	struct history *history;
	size_t n;
	when now = clock_now();

	for (unsigned s = 0; s < APPLICATION_STATE_COUNT; s++)
		test_in_state(db, a, &taro, (enum application_state)s);
	struct application expired = test_in_state(db, a, &taro, APPLICATION_PIN);
	test_apply(
		db, a, expired.id, (struct event){.kind = EVENT_TAKEN, .serial = "5", .not_after = now - 1});
	struct application missed = test_in_state(db, a, &taro, APPLICATION_SENT);
	test_apply(
		db, a, missed.id, (struct event){.kind = EVENT_PIN, .pin = "p", .download_until = now - 1});
	app = test_application(db, a, &hanako);
	assert_int_equal(app.number, 1);
	check_ok(application_list(db, a, taro.id, 0, 100, false, now, &list, &n));
	assert_int_equal(n, 12);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i].number, 12 - i);
	check_ok(application_list(db, a, taro.id, 5, 2, false, now, &list, &n));
	assert_int_equal(n, 2);
	assert_int_equal(list[0].number, 4);
	check_ok(application_list(db, a, taro.id, 0, 100, true, now, &list, &n));
	assert_int_equal(n, 8); /* all but error, revoked, expired, missed */
	for (size_t i = 0; i < n; i++)
		assert_true(list[i].state != APPLICATION_ERROR && list[i].state != APPLICATION_REVOKED);
	check_ok(application_list(db, a, taro.id, 0, 100, true, now + 5000 * DAY, &list, &n));
	assert_int_equal(n, 2); /* those that nobody has sent or answered */
	check_ok(application_find(db, a, taro.id, 10, &app));
	assert_int_equal(app.state, APPLICATION_REVOKED);
	check_status(application_find(db, a, hanako.id, 10, &app), STATUS_MISSING);
	check_status(application_get(db, a, 999999, &app), STATUS_MISSING);
	check_ok(application_history(db, a, app.id, &history, &n));
	static const enum event_kind path[] = {
		EVENT_APPLIED, EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED, EVENT_REVOKED};
	assert_int_equal(n, COUNT_OF(path));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(history[i].kind, path[i]);
	check_ok(application_set_memo(db, taro.id, 10, "ノートPC"));
	check_ok(application_set_memo(db, taro.id, 10, "ノートPC"));
	check_ok(application_get(db, a, app.id, &app));
	assert_string_equal(app.memo, "ノートPC");
	check_status(application_set_memo(db, hanako.id, 10, "x"), STATUS_MISSING);
	check_status(application_set_memo(db, taro.id, 10, "a\nb"), STATUS_INVALID);
	check_ok(application_set_memo(db, taro.id, 10, ""));
}

static enum status apply_then_fail(struct db *d, void *context)
{
	struct application *app = context;
	struct event e = {.kind = EVENT_SUBMITTED, .source_key = "joined"};
	enum application_outcome outcome;
	enum status st = application_apply(d, a, app->id, &e, &outcome);

	assert_int_equal(outcome, APPLIED_MOVED);
	return st == STATUS_OK ? app->number == 1 ? STATUS_DENIED : STATUS_OK : st;
}

static void joins_a_transaction(void **state)
{
	struct application app = test_application(db, a, &taro);
	int64_t trail = audits(app.id);

	check_status(db_transact(db, apply_then_fail, &app), STATUS_DENIED);
	assert_int_equal(again(app.id).state, APPLICATION_ACCEPTED);
	assert_int_equal(audits(app.id), trail);
	app.number = 2;
	check_ok(db_transact(db, apply_then_fail, &app));
	assert_int_equal(again(app.id).state, APPLICATION_SENT);
}

#define THREADS 8
struct racer {
	uint64_t id;
	struct event event;
	int moved, others, failed;
	pthread_barrier_t *barrier;
};

static void *race(void *context)
{
	struct racer *r = context;
	struct db *d = mariadb_db();
	struct arena *mine = arena_new();
	enum application_outcome outcome;

	pthread_barrier_wait(r->barrier);
	if (application_apply(d, mine, r->id, &r->event, &outcome) != STATUS_OK)
		r->failed++;
	else if (outcome == APPLIED_MOVED)
		r->moved++;
	else
		r->others++;
	arena_free(mine);
	db_free(d);
	return NULL;
}

static int race_all(struct racer *racers)
{
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	int moved = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		racers[i].barrier = &barrier;
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(racers[i].failed, 0);
		moved += racers[i].moved;
	}
	pthread_barrier_destroy(&barrier);
	return moved;
}

static void racing_reports(void **state)
{
	for (int round = 0; round < 10; round++) {
		struct application app = test_in_state(db, a, &taro, APPLICATION_PIN);
		struct racer same[THREADS] = {0}, mixed[THREADS] = {0};
		for (int i = 0; i < THREADS; i++)
			same[i] = (struct racer){.id = app.id,
				.event = {.kind = EVENT_TAKEN, .source_key = "one notice", .serial = "9"}};
		assert_int_equal(race_all(same), 1);
		assert_int_equal(count("job", app.id), 3); /* submit, two mails */
		for (int i = 0; i < THREADS; i++) {
			mixed[i] = (struct racer){
				.id = app.id, .event = {.kind = i % 2 ? EVENT_REVOKE_ASKED : EVENT_REVOKED}};
			mixed[i].event.source_key = arena_printf(a, "%d", i);
		}
		race_all(mixed);
		assert_int_equal(again(app.id).state, APPLICATION_REVOKED);
		assert_int_equal(count("conflict", app.id), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_state_with_every_event),
		T(jobs_that_follow),
		T(fields_are_set),
		T(bad_events_are_refused),
		T(another_serial_is_a_conflict),
		T(repeated_later_is_ignored),
		T(pin_is_sealed_replaced_wiped),
		T(secrets_end_in_time),
		T(labels),
		T(missed_then_taken_late),
		T(lists_and_history),
		T(joins_a_transaction),
		T(racing_reports),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
