/* The plugin client: certificates that prove who one is to networks and servers. */
#include "plugin.h"

struct client_settings {
	struct certificate_settings common;
};
static struct client_settings client_settings;

static const struct setting settings[] = {
	CERTIFICATE_TYPE_SETTINGS(
		struct client_settings, common, "CN=%u.%n,OU=Inkan Demo,O=Example University,C=JP", "20"),
	{0},
};

/* The profiles of NII's service, for when the configuration names none; the first is the default. */
static struct validity default_validity[] = {
	{"5", 52, "", ""},
	{"14", 25, "", ""},
	{"13", 13, "", ""},
};

/* A template that no value could save is found now, not by the first applicant. */
static enum status template_check(struct arena *a, const char *format)
{
	const struct user sample = {.eppn = "taro@example.ac.jp", .mail = "taro@example.ac.jp"};
	const char *subject, *field, *character;
	if (certificate_subject(a, format, &sample, 1, "1", &subject, &field, &character) == STATUS_OK)
		return STATUS_OK;
	const char *why = arena_string(a, cause_text());
	return cause(STATUS_INVALID, "client.conf: subject: %s", why);
}

static enum status start(struct arena *a, struct db *db)
{
	if (client_settings.common.validity.n == 0)
		client_settings.common.validity =
			(struct setting_sections){COUNT_OF(default_validity), default_validity};
	return template_check(a, client_settings.common.subject);
}

static const struct certificate_type type = {
	.title = N_("Client certificate"),
	.button = N_("Apply for a client certificate"),
	.purpose = N_(
		"Proves who you are when your device connects to the campus network, a VPN or a web service."),
	.settings = &client_settings.common,
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "client",
	.settings = settings,
	.settings_into = &client_settings,
	.type = &type,
	.start = start,
};
