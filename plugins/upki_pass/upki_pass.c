/* The plugin upki_pass: client certificates for UPKI-PASS cards, handed over to the card server instead of the applicant. */
#include "card.h"

struct upki_pass_settings {
	struct certificate_settings common;
	struct card_settings card;
	int64_t id_max;
	const char *id_owner;
};
static struct upki_pass_settings upki_pass_settings;

#define CARD(member) offsetof(struct upki_pass_settings, card.member)

static const struct setting settings[] = {
	CERTIFICATE_TYPE_SETTINGS(struct upki_pass_settings, common,
		"CN=%x %u.%n,OU=Inkan Demo,O=Example University,C=JP", "20"),
	{"id_max", SETTING_INTEGER, offsetof(struct upki_pass_settings, id_max), "20", 1, 64,
		.help = "Longest UPKI-PASS ID in characters; with the rest of the CN it must fit into 64."},
	{"id_owner", SETTING_STRING, offsetof(struct upki_pass_settings, id_owner), "",
		.help = "The only UPKI-PASS ID that an account may ask for, where %u is the local part of its ePPN: \"%u\", \"S%u\"; "
			"letters of either case are the same. Empty: any ID, also somebody else's."},
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
	{"answer_start", SETTING_STRING, CARD(answer_start), "",
		.help = "How the text of an acceptance begins, such as \"ok:\"; empty: HTTP 200 is acceptance unless its text begins with err:."},
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

/* A template without %u would be one ID for all, and any other letter does not tell users apart, or is no account's. */
static enum status owner_check(struct arena *a, const struct user *sample)
{
	const char *owner = upki_pass_settings.id_owner, *subject, *field, *character;
	if (!owner[0])
		return STATUS_OK;
	for (const char *s = owner; (s = strchr(s, '%')); s += 2)
		if (s[1] != 'u')
			return cause(STATUS_INVALID,
				"upki_pass.conf: id_owner may hold %%u, and no other percent sign");
	if (!strstr(owner, "%u"))
		return cause(STATUS_INVALID,
			"upki_pass.conf: id_owner without %%u would be the same ID for everybody");
	if (certificate_subject(a, arena_printf(a, "CN=%s", owner), sample, 1, "", &subject, &field,
		    &character) != STATUS_OK ||
		strpbrk(owner, ",="))
		return cause(
			STATUS_INVALID, "upki_pass.conf: id_owner holds a character that a subject may not");
	return STATUS_OK;
}

static const char *warning(struct arena *a, size_t i)
{
	if (i || upki_pass_settings.id_owner[0])
		return NULL;
	return "id_owner is empty: whoever is logged in may type any UPKI-PASS ID, also somebody else's. The certificate then may end up on that "
	       "person's card, whose own application is refused meanwhile. Where the ID is made of the local part of the ePPN, set "
	       "id_owner = \"%u\"; otherwise have the card office compare the CN with the card's holder.";
}

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
	enum status s = owner_check(a, &sample);
	return s == STATUS_OK ? card_check(&upki_pass_settings.card) : s;
}

/* Puts the value where the sentence has {{VALUE}}. */
static const char *sentence_of(struct arena *a, const char *sentence, const char *value)
{
	static const char marker[] = "{{VALUE}}";
	const char *at = strstr(sentence, marker);
	return at ? arena_printf(a, "%.*s%s%s", (int)(at - sentence), sentence, value, at + sizeof marker - 1)
		  : sentence;
}

/* It stands in the CN, so it may hold what that may; certificate_subject() knows what, and names what does not fit. */
static enum status id_check(struct request *rq, const char *id)
{
	const char *subject, *field, *character = "";
	enum status s =
		certificate_subject(rq->arena, "CN=%x", rq->user, 0, id, &subject, &field, &character);
	if (s == STATUS_OK && strlen(id) <= (size_t)upki_pass_settings.id_max)
		return STATUS_OK;
	if (!character[0])
		return request_refuse(rq, cause(STATUS_INVALID, "UPKI-PASS ID too long"),
			_("The UPKI-PASS ID is too long."));
	return request_refuse(rq,
		cause(STATUS_INVALID, "UPKI-PASS ID with the character \"%s\", which a subject may not hold",
			character),
		sentence_of(rq->arena,
			_("The UPKI-PASS ID holds a character that cannot be used: {{VALUE}}. It may hold half-width letters, digits, blanks and ' ( ) - . / : @ _ only."),
			character));
}

/* With id_owner, an account has exactly one ID. */
static enum status id_check_owner(struct request *rq, const char *id)
{
	const char *own, *field, *character;
	if (!upki_pass_settings.id_owner[0])
		return STATUS_OK;
	if (certificate_subject(rq->arena, arena_printf(rq->arena, "CN=%s", upki_pass_settings.id_owner),
		    rq->user, 0, "", &own, &field, &character) != STATUS_OK)
		return request_refuse(rq, STATUS_INVALID,
			_("No UPKI-PASS ID can be made of your user name. Please contact the administrators."));
	own += strlen("CN=");
	if (text_same(text_lower(rq->arena, own), text_lower(rq->arena, id)))
		return STATUS_OK;
	return request_refuse(rq,
		cause(STATUS_DENIED, "UPKI-PASS ID that is not the account's own (id_owner)"),
		sentence_of(rq->arena,
			_("The UPKI-PASS ID of your account is {{VALUE}}. You cannot apply with another one."),
			own));
}

static enum status order_read(struct request *rq, struct order *order)
{
	const char *id = request_field(rq, "extra-upki_pass");
	id = id ? text_trim(rq->arena, id) : "";
	if (!id[0])
		return request_refuse(rq, cause(STATUS_INVALID, "no UPKI-PASS ID"),
			_("The UPKI-PASS ID is not specified."));
	enum status s = id_check(rq, id);
	if (s == STATUS_OK)
		s = id_check_owner(rq, id);
	if (s == STATUS_OK)
		order->extra = id;
	return s;
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
		"A certificate with this UPKI-PASS ID is already valid or has been applied for. Another one can be issued when it has expired or was revoked. "
		"If you did not apply for it yourself, please check the ID; if it is yours, please contact the administrators."),
	.order = order_read,
	.complete = complete,
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "upki_pass",
	.settings = settings,
	.settings_into = &upki_pass_settings,
	.type = &type,
	.warning = warning,
	.start = start,
};
