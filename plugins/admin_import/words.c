/* The words for what is wrong with a row, and for what the import would do with it. */
#include "import.h"

struct word {
	const char *code, *why, *text;
};

static const struct word reasons[] = {
	{"bytes", "", N_("The row holds bytes that are not text in the file's encoding.")},
	{"long", "", N_("The row is longer than any row of the list can be.")},
	{"columns", "", N_("The number of columns differs from that of the first line: a tab is missing or too many.")},
	{"state-missing", "", N_("The state is missing.")},
	{"state-unknown", "", N_("The state is none that is known.")},
	{"upstream-format", "", N_("The issuing service says: format error.")},
	{"upstream-ca", "", N_("The issuing service says: error of the certificate authority's interface.")},
	{"upstream-system", "", N_("The issuing service says: error while it was executed.")},
	{"serial", "", N_("The serial number is none.")},
	{"serial-missing", "", N_("The serial number is missing.")},
	{"subject", "", N_("The subject DN is missing, or is none.")},
	{"end-missing", "", N_("The end of the validity is missing.")},
	{"time", "", N_("A date cannot be read.")},
	{"times", "", N_("The validity ends before it begins.")},
	{"cell", "", N_("A text is too long, or holds control characters.")},
	{"twice", "", N_("The certificate stands in the list twice; the first row counts.")},
};

static const struct word plans[] = {
	{"new", "owner", N_("Is registered for the user with this mail address.")},
	{"new", "waits", N_("Is registered, and given to the user who logs in with this mail address.")},
	{"new", "several-users", N_("Is registered without an owner: several users have this mail address. It waits as long as they do.")},
	{"new", "domain", N_("Is registered without an owner: the user's institution may not vouch for this mail address.")},
	{"new", "no-mail", N_("Is registered without an owner: the list has no mail address for it.")},
	{"same", "", N_("Nothing changes: it is registered as it is.")},
	{"submitted", "", N_("The application becomes \"in progress\": the issuing service has it.")},
	{"taken", "", N_("The application becomes valid: the certificate was downloaded.")},
	{"revoked", "", N_("The application becomes revoked.")},
	{"stays", "several", N_("Nothing is done: several applications have this DN, so that it cannot be told which one this is.")},
	{"stays", "card", N_("Nothing is done: the certificate is still to be handed over to the card service.")},
	{"stays", "further", N_("Nothing is done: the application is further here than in the list.")},
	{"stays", "revoked-here", N_("Nothing is done: it is revoked here, and a revocation cannot be undone.")},
	{"none", "", N_("Cannot be registered.")},
};

static const char *find(const struct word *words, size_t n, const char *code, const char *why)
{
	for (size_t i = 0; i < n; i++)
		if (text_same(words[i].code, code) && text_same(words[i].why, why))
			return words[i].text;
	return "";
}

const char *error_text(const char *reason)
{
	return find(reasons, COUNT_OF(reasons), reason, "");
}

const char *plan_text(const char *plan, const char *why)
{
	return find(plans, COUNT_OF(plans), plan, why);
}
