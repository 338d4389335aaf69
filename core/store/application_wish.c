/* A search for applications as conditions on columns: what people are told is computed from these, so it can be looked for by them. */
#include "store/application_wish.h"

#include "base/i18n.h"

#define BIT(name) (1U << APPLICATION_##name)
#define ALL_STATES ((1U << APPLICATION_STATE_COUNT) - 1)
#define ISSUED (BIT(TAKEN) | BIT(DELIVERED) | BIT(REVOKE_ACCEPTED) | BIT(REVOKE_SENT) | BIT(REVOKE_ERROR))

/* By when the row counts as live, as of now. */
enum end { END_ANY, END_AHEAD, END_OVER };
/* What was asked for. */
enum asked { ASKED_ANY, ASKED_NEW, ASKED_ISSUE, ASKED_RENEW, ASKED_CARD };

struct meaning {
	unsigned states;
	enum end end;
	enum asked asked;
};

#define STATUS_CHOICES(X)                                                                                                       \
	X("before", N_("New request, not yet sent"), BIT(ACCEPTED), END_ANY, ASKED_NEW)                                          \
	X("pending", N_("New request in progress"), BIT(SENT), END_ANY, ASKED_ISSUE)                                             \
	X("pin", N_("New request, PIN received"), BIT(PIN), END_AHEAD, ASKED_NEW)                                                \
	X("valid", N_("Valid"), BIT(TAKEN) | BIT(DELIVERED), END_AHEAD, ASKED_ISSUE)                                             \
	X("missed", N_("Not downloaded in time"), BIT(PIN), END_OVER, ASKED_NEW)                                                 \
	X("renew-before", N_("Renewal, not yet sent"), BIT(ACCEPTED), END_ANY, ASKED_RENEW)                                      \
	X("renew-pending", N_("Renewal in progress"), BIT(SENT), END_ANY, ASKED_RENEW)                                           \
	X("renew-pin", N_("Renewal, PIN received"), BIT(PIN), END_AHEAD, ASKED_RENEW)                                            \
	X("renew-valid", N_("Valid (renewed)"), BIT(TAKEN) | BIT(DELIVERED), END_AHEAD, ASKED_RENEW)                             \
	X("renew-missed", N_("Renewal not downloaded in time"), BIT(PIN), END_OVER, ASKED_RENEW)                                 \
	X("card-pending", N_("New UPKI-PASS request in progress"), BIT(SENT), END_ANY, ASKED_CARD)                               \
	X("card-done", N_("New UPKI-PASS request completed"), BIT(TAKEN) | BIT(DELIVERED), END_AHEAD, ASKED_CARD)                \
	X("expired", N_("Expired"), BIT(TAKEN) | BIT(DELIVERED), END_OVER, ASKED_ANY)                                            \
	X("revoke-before", N_("Revocation, not yet sent"), BIT(REVOKE_ACCEPTED), END_ANY, ASKED_ANY)                             \
	X("revoke-pending", N_("Revocation in progress"), BIT(REVOKE_SENT), END_ANY, ASKED_ANY)                                  \
	X("revoked", N_("Revocation completed"), BIT(REVOKED), END_ANY, ASKED_ANY)                                               \
	X("error", N_("Error"), BIT(ERROR) | BIT(REVOKE_ERROR), END_ANY, ASKED_ANY)

#define X(name, label, states, end, asked) {name, label},
const struct status_choice status_choices[] = {STATUS_CHOICES(X)};
#undef X
#define X(name, label, states, end, asked) {states, end, asked},
static const struct meaning status_meanings[] = {STATUS_CHOICES(X)};
#undef X
const size_t status_choices_n = COUNT_OF(status_choices);

static const struct meaning certificate_meanings[] = {
	[CERTIFICATE_REQUESTED] = {BIT(ACCEPTED) | BIT(SENT), END_ANY, ASKED_ANY},
	[CERTIFICATE_NOT_TAKEN] = {BIT(PIN), END_ANY, ASKED_ANY},
	[CERTIFICATE_VALID] = {ISSUED, END_AHEAD, ASKED_ANY},
	[CERTIFICATE_EXPIRED] = {ISSUED, END_OVER, ASKED_ANY},
	[CERTIFICATE_REVOKED] = {BIT(REVOKED), END_ANY, ASKED_ANY},
	[CERTIFICATE_ERROR] = {BIT(ERROR), END_ANY, ASKED_ANY},
};

bool range_is_open(struct range range)
{
	return range.from <= 0 && range.to == INT64_MAX;
}

static void narrow(struct range *range, int64_t from, int64_t to)
{
	if (from > range->from)
		range->from = from;
	if (to < range->to)
		range->to = to;
}

static void mean(struct conditions *c, unsigned *states, const struct meaning *meaning, when now)
{
	*states &= meaning->states;
	if (meaning->end == END_AHEAD)
		narrow(&c->live, now + 1, INT64_MAX);
	if (meaning->end == END_OVER)
		narrow(&c->live, 1, now); /* 0: over for another reason */
	if (meaning->asked == ASKED_RENEW)
		narrow(&c->renews, 1, INT64_MAX);
	else if (meaning->asked != ASKED_ANY)
		narrow(&c->renews, 0, 0);
	if (meaning->asked == ASKED_CARD)
		narrow(&c->card, 1, INT64_MAX);
	else if (meaning->asked == ASKED_ISSUE)
		narrow(&c->card, 0, 0);
}

const char *serial_of_decimal(struct arena *a, const char *digits)
{
	uint8_t octets[20] = {0}; /* RFC 5280 4.1.2.2 */

	for (; *digits; digits++) {
		unsigned carry = (unsigned)(*digits - '0');
		for (size_t i = sizeof octets; i > 0; i--) {
			carry += octets[i - 1] * 10U;
			octets[i - 1] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return "";
	}
	const char *hex = text_hex(a, bytes_of(octets, sizeof octets));
	return hex + strspn(hex, "0");
}

/* Digits alone may be meant either way, so both are looked for. */
static enum status serial_read(struct arena *a, const char *text, struct conditions *c)
{
	struct text plain = text_new(a, strlen(text) + 1);

	for (const char *s = text; *s; s++)
		if (!strchr(": -", *s))
			text_add_bytes(&plain, s, 1);
	const char *hex = plain.data;
	if (text_starts(hex, "0x"))
		hex += 2;
	size_t len = strlen(hex);
	if (len == 0 || strspn(hex, "0123456789abcdef") != len)
		return cause(STATUS_INVALID, "search: neither a decimal nor a hexadecimal number");
	hex += strspn(hex, "0");
	c->serials[0] = strlen(hex) <= 40 ? hex : "";
	if (hex[strspn(hex, "0123456789")] == '\0')
		c->serials[1] = serial_of_decimal(a, hex);
	c->nothing = !c->serials[0][0] && !c->serials[1][0];
	return STATUS_OK;
}

enum status wish_read(struct arena *a, const struct application_wish *wish, when now, struct conditions *ret)
{
	unsigned states = ALL_STATES;
	const char *serial = text_trim(a, text_fold(a, wish->serial)), *cn = text_trim(a, text_fold(a, wish->cn));
	struct conditions c = {
		.live = {-1, INT64_MAX},
		.created = {wish->applied_from, wish->applied_until ? wish->applied_until - 1 : INT64_MAX},
		.expiry = {wish->expires_from, wish->expires_until ? wish->expires_until - 1 : INT64_MAX},
		.renews = {0, INT64_MAX},
		.card = {0, INT64_MAX},
		.serials = {"", ""},
		.upstream_id = text_trim(a, wish->upstream_id),
		.cn = cn,
		/* Behind all that begin so: no letter is beyond U+10FFFF. */
		.cn_end = arena_printf(a, "%s\xF4\x8F\xBF\xBF", cn),
	};

	/* "Until" without "from" is not about those that have no such date yet. */
	if (wish->expires_until && !wish->expires_from)
		c.expiry.from = 1;
	if (wish->status >= 0 && (size_t)wish->status < status_choices_n)
		mean(&c, &states, &status_meanings[wish->status], now);
	if (wish->certificate >= 0 && (size_t)wish->certificate < COUNT_OF(certificate_meanings))
		mean(&c, &states, &certificate_meanings[wish->certificate], now);
	for (size_t i = 0; i < APPLICATION_STATE_COUNT; i++) {
		c.states[i] = states >> i & 1;
		c.n_states += c.states[i];
	}
	enum status st = serial[0] ? serial_read(a, serial, &c) : STATUS_OK;
	c.nothing = c.nothing || c.n_states == 0 || c.live.from > c.live.to || c.created.from > c.created.to ||
		    c.expiry.from > c.expiry.to || c.renews.from > c.renews.to || c.card.from > c.card.to;
	if (st == STATUS_OK)
		*ret = c;
	return st;
}
