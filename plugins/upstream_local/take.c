/* The pages behind a download address, up to the right PIN. */
#include "local.h"

#define TOKEN_LENGTH 43 /* 256 bits in base64url */

enum take_state take_state(const struct local_order *order, struct bytes cookie_digest, when now)
{
	if (!order->ready_at)
		return TAKE_UNKNOWN;
	if (order->taken_at) {
		bool same = order->taken_digest.len && cookie_digest.len == order->taken_digest.len &&
			    memcmp(cookie_digest.data, order->taken_digest.data, cookie_digest.len) == 0;
		return same && now < order->repeat_until && !order->wiped_at ? TAKE_REPEAT : TAKE_TAKEN;
	}
	if (now >= order->download_until)
		return TAKE_EXPIRED;
	return order->wiped_at ? TAKE_REVOKED : TAKE_OPEN;
}

static struct bytes token_digest(struct request *rq)
{
	const char *token = request_part(rq, "token");
	return crypto_sha256(rq->arena, bytes_string(token ? token : ""));
}

static enum status token_check(struct request *rq)
{
	const char *token = request_part(rq, "token");
	if (!token || strlen(token) != TOKEN_LENGTH)
		return cause(STATUS_MISSING, "the address holds no token");
	return STATUS_OK;
}

enum status take_find(struct request *rq, struct local_order *ret)
{
	enum status s = token_check(rq);
	return s == STATUS_OK ? local_order_find(rq->db, rq->arena, token_digest(rq), ret) : s;
}

enum status take_lock(struct request *rq, struct local_order *ret)
{
	enum status s = token_check(rq);
	return s == STATUS_OK ? local_order_lock_token(rq->db, rq->arena, token_digest(rq), ret) : s;
}

/* Each address has a cookie of its own: a browser may have two of them open. */
static const char *cookie_name(struct request *rq)
{
	return arena_printf(rq->arena, "take-%.16s", text_hex(rq->arena, token_digest(rq)));
}

struct bytes take_cookie_digest(struct request *rq)
{
	const char *cookie = request_cookie(rq, cookie_name(rq));
	return cookie ? crypto_sha256(rq->arena, bytes_string(cookie)) : bytes_of(NULL, 0);
}

static char *take_path(struct request *rq, const char *behind)
{
	return arena_printf(rq->arena, "/" LOCAL_NAME "/take/%s%s", request_part(rq, "token"), behind);
}

enum status take_ended(struct request *rq, enum take_state state)
{
	struct model *m = model_new(rq->arena);
	const char *title = _("This address is not valid");
	int http = 410;
	switch (state) {
	case TAKE_TAKEN:
	case TAKE_OPEN:
	case TAKE_REPEAT:
		model_show(m, "TAKEN");
		title = _("The certificate has already been taken");
		break;
	case TAKE_EXPIRED:
		model_show(m, "EXPIRED");
		title = _("The time for the download is over");
		break;
	case TAKE_REVOKED:
		model_show(m, "REVOKED");
		title = _("The certificate has been revoked");
		break;
	case TAKE_UNKNOWN:
		model_show(m, "UNKNOWN");
		http = 404;
		break;
	}
	model_set(m, "HEADING", title);
	if (site_contact() && site_contact()[0])
		model_set(model_section(m, "CONTACT"), "ADDRESS", site_contact());
	request_secret(rq);
	return request_page_code(rq, http, "upstream_local/ended.html", title, m);
}

enum pin_outcome { PIN_ASKED, PIN_AGAIN, PIN_WRONG, PIN_WAIT, PIN_EMPTY, PIN_RIGHT, PIN_ENDED };

/* The time that a person is told: minutes are shown, so the next full one. */
static char *wait_shown(struct request *rq, when until)
{
	return clock_show(rq->arena, (until + MINUTE - 1) / MINUTE * MINUTE, rq->lang);
}

static enum status pin_form(struct request *rq, enum pin_outcome outcome, when wait_until)
{
	struct model *m = model_new(rq->arena);
	int http = 200;
	model_set(m, "ACTION", take_path(rq, ""));
	model_show(model_include(m, "STAGES", "upstream_local/stages.html"), "AT_PIN");
	if (outcome != PIN_ASKED)
		model_show(m, "FAILED");
	if (outcome == PIN_AGAIN)
		model_show(m, "AGAIN");
	if (outcome == PIN_EMPTY)
		model_show(m, "EMPTY");
	if (outcome == PIN_WRONG)
		model_show(m, "WRONG");
	if (outcome == PIN_WRONG || outcome == PIN_EMPTY)
		http = 403;
	if (wait_until > rq->now) {
		model_set(model_section(m, "WAIT"), "UNTIL", wait_shown(rq, wait_until));
		request_set_header(rq, "Retry-After",
			arena_printf(rq->arena, "%lld", (long long)((wait_until - rq->now) / SECOND + 1)));
		http = 429;
	}
	request_secret(rq);
	return request_page_code(rq, http, "upstream_local/pin.html", _("Access PIN"), m);
}

enum status take_pin_page(struct request *rq)
{
	struct local_order order;
	enum status s = take_find(rq, &order);
	if (s == STATUS_MISSING)
		return take_ended(rq, TAKE_UNKNOWN);
	if (s != STATUS_OK)
		return s;
	enum take_state state = take_state(&order, take_cookie_digest(rq), rq->now);
	request_secret(rq);
	if (state == TAKE_REPEAT)
		return request_redirect(rq, take_path(rq, "/download"));
	if (state != TAKE_OPEN)
		return take_ended(rq, state);
	return pin_form(rq, request_query(rq, "again") ? PIN_AGAIN : PIN_ASKED, order.pin_wait_until);
}

struct pin_task {
	struct request *rq;
	const char *pin;     /* as typed, made normal; NULL: it cannot be one */
	struct bytes cookie; /* digest of the new cookie */
	enum pin_outcome outcome;
	enum take_state state;
	when wait_until;
};

static enum status pin_wrong(struct db *db, struct pin_task *t, const struct local_order *order)
{
	const struct local_settings *c = &local_settings;
	unsigned failures = order->pin_failures < 1000000 ? order->pin_failures + 1 : order->pin_failures;
	when pause = pin_pause(failures, c->pin_free, c->pin_pause, c->pin_pause_max);
	t->outcome = PIN_WRONG;
	t->wait_until = pause ? t->rq->now + pause : 0;
	enum status s = local_order_pin_failed(db, order->application, failures, t->wait_until);
	if (s == STATUS_OK)
		s = audit_add(db, "pin.refused",
			arena_printf(t->rq->arena, "application:%llu", (unsigned long long)order->application),
			arena_printf(t->rq->arena, "wrong PIN number %u in a row", failures));
	return s;
}

/* One try at a time for each address, on whichever process: the count is read and raised under the row's lock, and the PIN is only
 * looked at when no pause is on. */
static enum status pin_body(struct db *db, void *context)
{
	struct pin_task *t = context;
	struct local_order order;
	const char *pin;
	t->wait_until = 0;
	enum status s = take_lock(t->rq, &order);
	if (s != STATUS_OK)
		return s;
	t->state = take_state(&order, bytes_of(NULL, 0), t->rq->now);
	if (t->state != TAKE_OPEN) {
		t->outcome = PIN_ENDED;
		return STATUS_OK;
	}
	if (order.pin_wait_until > t->rq->now) {
		t->outcome = PIN_WAIT;
		t->wait_until = order.pin_wait_until;
		return STATUS_OK;
	}
	s = order_pin(t->rq->arena, &order, &pin);
	if (s != STATUS_OK)
		return s;
	if (!t->pin || !text_same_secret(t->pin, pin))
		return pin_wrong(db, t, &order);
	t->outcome = PIN_RIGHT;
	s = local_order_unlock(db, order.application, t->cookie, t->rq->now + local_settings.unlock_time);
	if (s == STATUS_OK)
		s = audit_add(db, "pin.accepted",
			arena_printf(t->rq->arena, "application:%llu", (unsigned long long)order.application),
			NULL);
	return s;
}

static enum status pin_empty(struct request *rq)
{
	struct local_order order;
	enum status s = take_find(rq, &order);
	if (s == STATUS_MISSING)
		return take_ended(rq, TAKE_UNKNOWN);
	return s == STATUS_OK ? pin_form(rq, PIN_EMPTY, 0) : s;
}

enum status take_pin_sent(struct request *rq)
{
	const char *typed = request_field(rq, "pin");
	if (!typed || !*text_trim(rq->arena, typed))
		return pin_empty(rq);
	const char *cookie = crypto_token(rq->arena, 32);
	struct pin_task task = {.rq = rq,
		.pin = pin_normal(rq->arena, typed),
		.cookie = crypto_sha256(rq->arena, bytes_string(cookie))};
	enum status s = db_transact(rq->db, pin_body, &task);
	if (s == STATUS_MISSING)
		return take_ended(rq, TAKE_UNKNOWN);
	if (s != STATUS_OK)
		return s;
	if (task.outcome == PIN_ENDED)
		return take_ended(rq, task.state);
	if (task.outcome != PIN_RIGHT)
		return pin_form(rq, task.outcome, task.wait_until);
	request_set_cookie(rq, cookie_name(rq), cookie,
		local_settings.unlock_time + local_settings.repeat_time, COOKIE_LAX);
	request_secret(rq);
	return request_redirect(rq, take_path(rq, "/download"));
}
