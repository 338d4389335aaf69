/* The demo's card server: takes certificates for UPKI-PASS cards and their revocations, and shows them. Only for ./demo. */
#include "certificate.h"

#define PAGE_ROWS 50
/* Two parts of up to HANDOVER_MAX in base64, which is percent-encoded at worst here and there; nginx lets no more through. */
#define BODY_MAX (256 * 1024)
#define DIGEST_SHOWN 16 /* digits: enough to compare by eye */
/* Of a form's ID: the columns and subjects have no room for more. */
#define ID_MAX 64

static struct card_settings {
	struct secret issue_key, revoke_key;
} settings;

static const struct setting settings_list[] = {
	{"issue_key", SETTING_SECRET, offsetof(struct card_settings, issue_key), NULL,
		.help = "Shared key 1: comes with certificates; upki_pass.conf names the same."},
	{"revoke_key", SETTING_SECRET, offsetof(struct card_settings, revoke_key), NULL,
		.help = "Shared key 2: comes with revocations."},
	{0},
};

/* An empty key in the file would let everybody in. */
static enum status card_start(struct arena *a, struct db *db)
{
	return settings.issue_key.value[0] && settings.revoke_key.value[0]
		       ? STATUS_OK
		       : cause(STATUS_INVALID, "demo_card.conf: a shared key is empty");
}

static enum status key_check(struct request *rq, const struct secret *key)
{
	const char *given = request_field(rq, "key");
	return given && text_same_secret(given, key->value) ? STATUS_OK
							    : cause(STATUS_DENIED, "not the shared key");
}

static enum status accept(struct request *rq, const char *what)
{
	request_secret(rq);
	return request_send(rq, "text/plain; charset=utf-8", NULL, bytes_string(what));
}

static enum status part_read(struct request *rq, const char *name, struct bytes *ret)
{
	const char *value = request_field(rq, name);
	if (!value || !text_unbase64(rq->arena, value, ret) || ret->len == 0 || ret->len > HANDOVER_MAX)
		return cause(STATUS_INVALID, "field %s is missing, too long, or not base64", name);
	return STATUS_OK;
}

static enum status card_receive(struct request *rq)
{
	struct bytes p12, pin;
	struct demo_card card;
	enum status s = key_check(rq, &settings.issue_key);
	if (s == STATUS_OK)
		s = part_read(rq, "certfile", &p12);
	if (s == STATUS_OK)
		s = part_read(rq, "passwdfile", &pin);
	if (s == STATUS_OK)
		s = certificate_read(rq->arena, p12, pin, &card);
	if (s != STATUS_OK)
		return s;
	card.received_at = rq->now;
	s = demo_card_insert(rq->db, rq->arena, &card);
	return s == STATUS_OK ? accept(rq, "ok: UPKI-PASS recvcert.\n") : s;
}

/* An ID without a card is accepted too: what was to be revoked may never have come, or the answer to this very call was lost. */
static enum status card_revoke(struct request *rq)
{
	const char *id = request_field(rq, "id");
	uint64_t changed;
	enum status s = key_check(rq, &settings.revoke_key);
	if (s == STATUS_OK && (!id || !text_clean(id, ID_MAX)))
		s = cause(STATUS_INVALID, "no UPKI-PASS ID");
	if (s == STATUS_OK)
		s = demo_card_revoke(rq->db, id, rq->now, &changed);
	return s == STATUS_OK ? accept(rq, "ok: UPKI-PASS recvrevocation.\n") : s;
}

static void card_fill(struct request *rq, struct model *row, const struct demo_card *c)
{
	model_set(row, "CARD", c->card);
	model_set(row, "SUBJECT", c->subject);
	model_set(row, "SERIAL", c->serial);
	model_set(row, "RECEIVED", clock_show(rq->arena, c->received_at, rq->lang));
	model_set(row, "NOT_AFTER", clock_show_date(rq->arena, c->not_after, rq->lang));
	model_set_int(row, "BYTES", c->p12_bytes);
	model_setf(row, "DIGEST", "%.*s…", DIGEST_SHOWN, c->p12_digest);
	if (c->times > 1)
		model_set_int(model_section(row, "AGAIN"), "TIMES", c->times);
	if (c->revoked_at)
		model_set(model_section(row, "REVOKED"), "REVOKED_AT",
			clock_show(rq->arena, c->revoked_at, rq->lang));
	else if (c->not_after <= rq->now)
		model_show(row, "EXPIRED");
	else
		model_show(row, "IN_USE");
}

static enum status card_list(struct request *rq)
{
	struct demo_card *cards;
	size_t n;
	int64_t below = 0;
	const char *asked = request_query(rq, "below");
	if (asked && !text_int(asked, 1, INT64_MAX, &below))
		return cause(STATUS_INVALID, "below is no number");
	enum status s = demo_card_list(rq->db, rq->arena, (uint64_t)below, PAGE_ROWS + 1, &cards, &n);
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++)
		card_fill(rq, model_section(m, "CARD_ROW"), &cards[i]);
	if (n == 0)
		model_show(m, "NONE");
	else
		model_show(m, "ANY");
	if (n > PAGE_ROWS)
		model_set_int(model_section(m, "OLDER"), "BELOW", (long long)cards[PAGE_ROWS - 1].id);
	return request_page(rq, "demo_card/list.html", _("Demo card server"), m);
}

static enum status card_home(struct request *rq)
{
	return request_redirect(rq, "/demo_card/");
}

static const char called_by_a_program[] =
	"called by the portal's own job, never by a browser: there is no session, and a shared key proves the caller";

static const struct route routes[] = {
	{"GET", "/demo_card", ACCESS_ANYONE, card_home},
	{"GET", "/demo_card/", ACCESS_ANYONE, card_list},
	{"POST", "/demo_card/recvcert", ACCESS_ANYONE, card_receive, .no_csrf_because = called_by_a_program,
		.body_max = BODY_MAX},
	{"POST", "/demo_card/recvrevocation", ACCESS_ANYONE, card_revoke,
		.no_csrf_because = called_by_a_program},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Demo card server"), "/demo_card/", ACCESS_ANYONE},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "demo_card",
	.demo = true,
	.settings = settings_list,
	.settings_into = &settings,
	.routes = routes,
	.menu = menu,
	.start = card_start,
};
