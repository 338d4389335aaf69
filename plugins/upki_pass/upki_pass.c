/* The plugin upki_pass: client certificates for UPKI-PASS cards, handed over to the card server instead of the applicant. */
#include "card.h"

struct upki_pass_settings {
	struct certificate_settings common;
	struct card_settings card;
	int64_t id_max;
};
static struct upki_pass_settings upki_pass_settings;

#define CARD(member) offsetof(struct upki_pass_settings, card.member)

static const struct setting settings[] = {
	CERTIFICATE_TYPE_SETTINGS(struct upki_pass_settings, common,
		"CN=%x %u.%n,OU=Inkan Demo,O=Example University,C=JP", "20"),
	{"id_max", SETTING_INTEGER, offsetof(struct upki_pass_settings, id_max), "20", 1, 64,
		.help = "Longest UPKI-PASS ID in characters; with the rest of the CN it must fit into 64."},
	{"url", SETTING_STRING, CARD(url), NULL, .help = "The card server: https address, no final slash."},
	{"issue_path", SETTING_STRING, CARD(issue_path), "recvcert",
		.help = "Below url: where certificates are handed over."},
	{"revoke_path", SETTING_STRING, CARD(revoke_path), "recvrevocation",
		.help = "Below url: where revocations are told."},
	{"issue_key", SETTING_SECRET, CARD(issue_key), NULL, .help = "Shared key 1: sent with certificates."},
	{"revoke_key", SETTING_SECRET, CARD(revoke_key), NULL,
		.help = "Shared key 2: sent with revocations."},
	{"key_field", SETTING_STRING, CARD(key_field), "key", .help = "Form field of the shared key."},
	{"p12_field", SETTING_STRING, CARD(p12_field), "certfile",
		.help = "Form field of the .p12 in base64. The system in use at one university has this and the next the other way round: "
			"ask who runs the card server."},
	{"pin_field", SETTING_STRING, CARD(pin_field), "passwdfile",
		.help = "Form field of the PIN in base64."},
	{"id_field", SETTING_STRING, CARD(id_field), "id",
		.help = "Form field of the UPKI-PASS ID in a revocation."},
	{"ca_file", SETTING_PATH, CARD(ca_file), "/etc/ssl/certs/ca-certificates.crt",
		.help = "PEM file of the CAs that may have signed the card server's certificate; it is always verified."},
	{"timeout", SETTING_DURATION, CARD(timeout), "30s", 1 * SECOND, 4 * MINUTE,
		.help = "How long one call may take; it is repeated later."},
	{0},
};

/* For when client is not enabled, so that there is no form whose validities count. */
static struct validity default_validity[] = {
	{"5", 52, "", ""},
	{"14", 25, "", ""},
	{"13", 13, "", ""},
};

static enum status start(struct arena *a, struct db *db)
{
	const struct user sample = {.eppn = "taro@example.ac.jp", .mail = "taro@example.ac.jp"};
	const char *subject, *field, *character;
	struct certificate_settings *common = &upki_pass_settings.common;
	if (common->validity.n == 0)
		common->validity = (struct setting_sections){COUNT_OF(default_validity), default_validity};
	if (certificate_subject(a, common->subject, &sample, 1, "1", &subject, &field, &character) !=
		STATUS_OK) {
		const char *why = arena_string(a, cause_text());
		return cause(STATUS_INVALID, "upki_pass.conf: subject: %s", why);
	}
	return card_check(&upki_pass_settings.card);
}

/* What a common name may hold (NII's rules). */
static bool id_fits(const char *id)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()-./:@_";
	return strspn(id, allowed) == strlen(id);
}

static enum status order_read(struct request *rq, struct order *order)
{
	const char *id = request_field(rq, "extra-upki_pass");
	id = id ? text_trim(rq->arena, id) : "";
	if (!id[0])
		return request_refuse(rq, cause(STATUS_INVALID, "no UPKI-PASS ID"),
			_("The UPKI-PASS ID is not specified."));
	if (!id_fits(id))
		return request_refuse(rq,
			cause(STATUS_INVALID, "UPKI-PASS ID with characters that a subject may not hold"),
			_("The UPKI-PASS ID may hold half-width letters, digits, blanks and ' ( ) - . / : @ _ only."));
	if (strlen(id) > (size_t)upki_pass_settings.id_max)
		return request_refuse(rq, cause(STATUS_INVALID, "UPKI-PASS ID too long"),
			_("The UPKI-PASS ID is too long."));
	order->extra = id;
	return STATUS_OK;
}

/* The card server revokes by the ID alone: were there two live ones, the end of one would be that of the other, perhaps somebody else's. */
static enum status complete(struct arena *a, unsigned number, const struct user *user, struct order *order)
{
	order->live_key = arena_printf(a, "upki_pass:%s", text_lower(a, order->extra));
	return STATUS_OK;
}

static enum status deliver(
	const struct job_run *run, const struct application *app, const struct handover *handover)
{
	return card_deliver(&upki_pass_settings.card, run, handover);
}

static enum status revoked(const struct job_run *run, const struct application *app)
{
	return card_revoked(&upki_pass_settings.card, run, app->extra);
}

static const struct card_service card = {.deliver = deliver, .revoked = revoked};

static const struct certificate_type type = {
	.title = N_("Client certificate (UPKI-PASS)"),
	.button = N_("Apply for a client certificate for UPKI-PASS"),
	.purpose = N_("A client certificate that is stored on your UPKI-PASS ID card."),
	.variant_of = "client",
	.box = N_("Issue a client certificate for UPKI-PASS"),
	.form_view = "upki_pass/fields.html",
	.settings = &upki_pass_settings.common,
	.card = &card,
	.no_pin = true,
	.no_renewal = true,
	.live_why = N_(
		"A certificate with this UPKI-PASS ID is already valid or has been applied for. Another one can be issued when it has expired or was revoked."),
	.order = order_read,
	.complete = complete,
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "upki_pass",
	.settings = settings,
	.settings_into = &upki_pass_settings,
	.type = &type,
	.start = start,
};
