/* The plugin smime: certificates that sign and encrypt mail, one at a time per user and address. */
#include "plugin.h"

struct smime_settings {
	struct certificate_settings common;
};
static struct smime_settings smime_settings;

static const struct setting settings[] = {
	/* The number of live ones is bounded by live_key: as many as the user has had addresses. */
	CERTIFICATE_TYPE_SETTINGS(
		struct smime_settings, common, "CN=%m,OU=No %n,O=Example University,C=JP", "20"),
	{0},
};

/* The profiles of NII's service, for when the configuration names none; the first is the default. */
static struct validity default_validity[] = {
	{"7", 27, "", ""},
	{"16", 25, "", ""},
	{"15", 13, "", ""},
};

/* A template that no value could save is found now, not by the first applicant; and one without the address would be of no use, since
 * mail programs look for it. */
static enum status template_check(struct arena *a, const char *format)
{
	const struct user sample = {.eppn = "taro@example.ac.jp", .mail = "taro@example.ac.jp"};
	const char *subject, *field, *character;
	if (certificate_subject(a, format, &sample, 1, "1", &subject, &field, &character) != STATUS_OK) {
		const char *why = arena_string(a, cause_text());
		return cause(STATUS_INVALID, "smime.conf: subject: %s", why);
	}
	if (!text_starts(format, "CN=%m,") && !text_same(format, "CN=%m"))
		return cause(STATUS_INVALID, "smime.conf: subject: CN must be the mail address: CN=%%m,...");
	return STATUS_OK;
}

static enum status start(struct arena *a, struct db *db)
{
	if (smime_settings.common.validity.n == 0)
		smime_settings.common.validity =
			(struct setting_sections){COUNT_OF(default_validity), default_validity};
	return template_check(a, smime_settings.common.subject);
}

/* Whoever runs an IdP could else have certificates made for addresses of others. */
static enum status order_check(struct request *rq, struct order *order)
{
	if (!order->mail || !order->mail[0])
		return request_refuse(rq, cause(STATUS_DENIED, "the user has no mail address"),
			_("Your campus account has no e-mail address, so no S/MIME certificate can be issued. Please contact the administrators of your institution."));
	if (!site_mail_allowed(rq->user))
		return request_refuse(rq,
			cause(STATUS_DENIED, "the mail address is not in a domain allowed to the user's IdP"),
			_("Your e-mail address does not belong to a domain of your institution, so no S/MIME certificate can be issued for it. Please contact the administrators of your institution."));
	return STATUS_OK;
}

/* Folded, since no system in use tells Taro@ and taro@ apart. */
static enum status complete(struct arena *a, unsigned number, const struct user *user, struct order *order)
{
	order->live_key =
		arena_printf(a, "smime:%llu:%s", (unsigned long long)user->id, text_lower(a, order->mail));
	return STATUS_OK;
}

static const struct certificate_type type = {
	.title = N_("S/MIME certificate"),
	.button = N_("Apply for an S/MIME certificate"),
	.purpose = N_("Signs your e-mail, and lets others send you encrypted e-mail."),
	.settings = &smime_settings.common,
	.live_why = N_(
		"You already have an S/MIME certificate for this e-mail address, or have applied for one. Another one can be issued when it has expired, was revoked, or was not downloaded in time."),
	.order = order_check,
	.complete = complete,
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "smime",
	.settings = settings,
	.settings_into = &smime_settings,
	.type = &type,
	.start = start,
};
