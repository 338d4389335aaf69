/* Makes users and applications for tests. */
#include "support/applications.h"

#include "base/crypto.h"

#define MUST(expr) ((expr) == STATUS_OK ? (void)0 : must(#expr))

static void must(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, cause_text());
	abort();
}

struct user test_user(struct db *db, struct arena *a, const char *name)
{
	struct user user;

	MUST(user_login(db, a, arena_printf(a, "%s@example.ac.jp", name), "https://idp.example.ac.jp/idp",
		name, arena_printf(a, "%s@mail.example.ac.jp", name), LANG_JA, &user));
	return user;
}

struct order test_order(const struct user *user)
{
	return (struct order){.type = "client",
		.upstream = "upstream_local",
		.profile = "5",
		.months = 52,
		.name = user->name,
		.mail = user->mail,
		.extra = ""};
}

static enum status complete(struct arena *a, unsigned number, struct order *order, void *context)
{
	order->subject = arena_printf(a, "CN=%s-%u,O=Example", order->mail, number);
	order->live_key = context;
	return STATUS_OK;
}

struct order_completion test_completion(const char *live_key)
{
	return (struct order_completion){complete, (void *)(uintptr_t)live_key};
}

struct application test_application(struct db *db, struct arena *a, const struct user *user)
{
	struct order order = test_order(user);
	struct application app;
	bool again;
	const char *why = "";

	MUST(application_create(db, a, user, &order, test_completion(NULL), &app, &again, &why));
	return app;
}

enum application_outcome test_apply(struct db *db, struct arena *a, uint64_t id, struct event event)
{
	enum application_outcome outcome;

	if (!event.source_key)
		event.source_key = crypto_token(a, 12);
	MUST(application_apply(db, a, id, &event, &outcome));
	return outcome;
}

void test_moves(struct db *db, struct arena *a, uint64_t id, enum event_kind kind)
{
	struct event event = {.kind = kind};

	if (kind == EVENT_TAKEN) {
		event.serial = "ff00ff";
		event.not_after = clock_now() + 365 * DAY;
	}
	if (test_apply(db, a, id, event) != APPLIED_MOVED)
		must(event_kind_name(kind));
}

struct application test_in_state(
	struct db *db, struct arena *a, const struct user *user, enum application_state state)
{
	static const enum event_kind paths[][6] = {
		[APPLICATION_ACCEPTED] = {EVENT_KIND_COUNT},
		[APPLICATION_SENT] = {EVENT_SUBMITTED, EVENT_KIND_COUNT},
		[APPLICATION_PIN] = {EVENT_SUBMITTED, EVENT_PIN, EVENT_KIND_COUNT},
		[APPLICATION_TAKEN] = {EVENT_SUBMITTED, EVENT_PIN, EVENT_TAKEN, EVENT_KIND_COUNT},
		[APPLICATION_DELIVERED] = {EVENT_SUBMITTED, EVENT_HANDED_OVER, EVENT_KIND_COUNT},
		[APPLICATION_ERROR] = {EVENT_SUBMITTED, EVENT_REJECTED, EVENT_KIND_COUNT},
		[APPLICATION_REVOKE_ACCEPTED] = {EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED,
			EVENT_KIND_COUNT},
		[APPLICATION_REVOKE_SENT] = {EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED,
			EVENT_REVOKE_SUBMITTED, EVENT_KIND_COUNT},
		[APPLICATION_REVOKE_ERROR] = {EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED,
			EVENT_REVOKE_REJECTED, EVENT_KIND_COUNT},
		[APPLICATION_REVOKED] = {EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED, EVENT_REVOKED,
			EVENT_KIND_COUNT},
	};
	struct application app = test_application(db, a, user);
	when now = clock_now();

	for (size_t i = 0; paths[state][i] != EVENT_KIND_COUNT; i++) {
		struct event e = {.kind = paths[state][i]};
		if (e.kind == EVENT_PIN) {
			e.pin = "first PIN";
			e.url = "https://download.example/first";
		}
		if (e.kind == EVENT_TAKEN) {
			e.serial = arena_printf(a, "a%llx", (unsigned long long)app.id);
			e.not_before = now - DAY;
			e.not_after = now + 365 * DAY;
		}
		if (test_apply(db, a, app.id, e) != APPLIED_MOVED)
			must("test_in_state");
	}
	MUST(application_get(db, a, app.id, &app));
	if (app.state != state)
		must(application_state_name(state));
	return app;
}
