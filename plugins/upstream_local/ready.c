/* Orders made ready: with key, PIN and address for a user, or with everything at once for a card service; and the stock of keys. */
#include "key.h"
#include "local.h"

/* One that does not open (its seal key was removed) is thrown away: the next one may. */
static enum status stock_take(struct db *db, struct arena *a, const char *kind, struct bytes *ret_pkcs8)
{
	const char *id;
	struct bytes sealed;
	enum status s;
	do
		s = local_key_take(db, a, kind, &id, &sealed);
	while (s == STATUS_OK && seal_open(a, "local_key", id, "key_sealed", sealed, ret_pkcs8) != STATUS_OK);
	return s;
}

static enum status key_fresh(struct arena *a, const char *kind, struct bytes *ret_pkcs8)
{
	EVP_PKEY *key;
	enum status s = key_make(a, kind, &key);
	return s == STATUS_OK ? key_write(a, key, ret_pkcs8) : s;
}

struct key_task {
	struct arena *arena;
	uint64_t application;
	const char *kind;   /* of the key it gets */
	struct bytes pkcs8; /* made for this order, because the stock was empty */
	bool stock_empty;
};

/* MISSING: it has to be made first, outside of the transaction. */
static enum status key_find(struct db *db, struct key_task *t, const struct local_order *o, struct bytes *ret)
{
	const struct local_profile *profile = local_profile_find(o->type);
	if (!profile)
		return cause(STATUS_INVALID, "upstream_local.conf has no profile \"%s\" any more", o->type);
	t->kind = local_key_kind(profile);
	if (key_is_quick(t->kind))
		return key_fresh(t->arena, t->kind, ret);
	*ret = t->pkcs8;
	return ret->len ? STATUS_OK : stock_take(db, t->arena, t->kind, ret);
}

/* The user gets PIN and address, and the certificate once he comes. */
static enum status ready_for_user(
	struct db *db, struct key_task *t, struct bytes pkcs8, const char *pin, when now)
{
	struct arena *a = t->arena;
	const char *row = arena_printf(a, "%llu", (unsigned long long)t->application);
	const char *token = crypto_token(a, 32);
	struct bytes digest = crypto_sha256(a, bytes_string(token));
	when until = now + local_settings.download_time;
	enum status s =
		local_order_ready(db, t->application, seal(a, "local_order", row, "key_sealed", pkcs8),
			seal(a, "local_order", row, "pin_sealed", bytes_string(pin)), digest, now, until);
	if (s != STATUS_OK)
		return s;
	struct event event = {
		.kind = EVENT_PIN,
		.source_key = arena_printf(a, "pin:%.32s", text_hex(a, digest)),
		.at = now,
		.pin = pin,
		.url = local_url(a, arena_printf(a, "take/%s", token)),
		.download_until = until,
	};
	return upstream_report(db, a, LOCAL_NAME, t->application, &event);
}

enum status order_ready_now(struct arena *a, struct db *db, const struct local_order *order, bool *ret_ready)
{
	struct key_task t = {.arena = a, .application = order->application};
	struct bytes pkcs8;
	enum status s = key_find(db, &t, order, &pkcs8);
	*ret_ready = s == STATUS_OK;
	if (s == STATUS_MISSING)
		return STATUS_OK;
	if (s != STATUS_OK)
		return s;
	return ready_for_user(db, &t, pkcs8, pin_new(a, (size_t)local_settings.pin_length), clock_now());
}

/* A card service gets everything at once: the core keeps it, and of what is secret nothing is stored here. */
static enum status ready_for_card(struct db *db, struct key_task *t, struct local_order *o,
	struct bytes pkcs8, const char *pin, when now)
{
	struct arena *a = t->arena;
	const char *row = arena_printf(a, "%llu", (unsigned long long)t->application);
	struct local_certificate c;
	struct bytes p12, nothing = {0};
	bool first;
	o->key_sealed = seal(a, "local_order", row, "key_sealed", pkcs8);
	o->pin_sealed = seal(a, "local_order", row, "pin_sealed", bytes_string(pin));
	enum status s = issue_certificate(a, db, o, now, &c);
	if (s == STATUS_OK)
		s = issue_p12_only(a, db, o, &c, local_settings.handover_format, &p12);
	if (s == STATUS_OK)
		s = local_order_ready(db, t->application, nothing, nothing, nothing, now, 0);
	if (s == STATUS_OK)
		s = local_order_wipe(db, t->application, now);
	if (s == STATUS_OK) /* not to be counted as taken by the sweep */
		s = local_certificate_reported(db, t->application, now, &first);
	if (s != STATUS_OK)
		return s;
	return upstream_hand_over(db, a, t->application,
		&(struct handover){.p12 = p12,
			.pin = bytes_string(pin),
			.serial = c.serial,
			.fingerprint = c.fingerprint,
			.not_before = c.not_before,
			.not_after = c.not_after});
}

static enum status key_body(struct db *db, void *context)
{
	struct key_task *t = context;
	struct local_order o;
	struct bytes pkcs8;
	t->stock_empty = false;
	enum status s = local_order_lock(db, t->arena, t->application, &o);
	if (s == STATUS_MISSING || (s == STATUS_OK && o.ready_at))
		return STATUS_OK; /* a run that was killed after its commit */
	if (s == STATUS_OK)
		s = key_find(db, t, &o, &pkcs8);
	t->stock_empty = s == STATUS_MISSING;
	if (t->stock_empty)
		return STATUS_OK; /* commits what stock_take() threw away */
	if (s != STATUS_OK)
		return s;
	const char *pin = pin_new(t->arena, (size_t)local_settings.pin_length);
	when now = clock_now();
	return o.handover ? ready_for_card(db, t, &o, pkcs8, pin, now)
			  : ready_for_user(db, t, pkcs8, pin, now);
}

enum status order_key_job(const struct job_run *run)
{
	struct key_task task = {.arena = run->arena, .application = run->job->subject};
	enum status s = db_transact(run->db, key_body, &task);
	if (s == STATUS_OK && task.stock_empty) {
		s = key_fresh(run->arena, task.kind, &task.pkcs8);
		if (s == STATUS_OK)
			s = db_transact(run->db, key_body, &task);
	}
	return s;
}

enum status order_key_gave_up(const struct job_run *run, const char *why)
{
	struct event event = {
		.kind = EVENT_GAVE_UP,
		.source_key = arena_printf(run->arena, "job:%llu", (unsigned long long)run->job->id),
		.error_code = "gave-up",
		.error_text = why,
	};
	enum status s = upstream_report(run->db, run->arena, LOCAL_NAME, run->job->subject, &event);
	return s == STATUS_MISSING ? STATUS_OK : s;
}

/* Some enabled type gets such keys, and they take long to make. */
static bool kind_is_wanted(const char *kind)
{
	if (key_is_quick(kind))
		return false;
	if (text_same(kind, local_settings.user_key))
		return true;
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);
		if (!p->type || !text_same(p->type->settings->upstream, LOCAL_NAME))
			continue;
		const struct local_profile *profile = local_profile_find(p->name);
		if (profile && text_same(local_key_kind(profile), kind))
			return true;
	}
	return false;
}

static enum status stock_fill(const struct job_run *run, const char *kind)
{
	int64_t have = 0;
	enum status s = local_key_count(run->db, run->arena, kind, &have);
	for (; s == STATUS_OK && have < local_settings.key_stock && !job_run_over(run);
		have++) {
		uint8_t random[16];
		crypto_random(random, sizeof random);
		const char *id = text_hex(run->arena, bytes_of(random, sizeof random));
		struct bytes pkcs8;
		s = key_fresh(run->arena, kind, &pkcs8);
		if (s == STATUS_OK)
			s = local_key_insert(run->db, id, kind,
				seal(run->arena, "local_key", id, "key_sealed", pkcs8), clock_now());
	}
	return s;
}

enum status order_stock_job(const struct job_run *run)
{
	enum status s = STATUS_OK;
	for (const char *const *kind = key_kinds; s == STATUS_OK && *kind; kind++)
		s = kind_is_wanted(*kind) ? stock_fill(run, *kind) : local_key_drop(run->db, *kind);
	return s;
}
