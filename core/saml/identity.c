/* What an IdP may say of a person: the rules for ePPN, its scope, mail address and name. */
#include "saml/identity.h"

#include <strings.h>

#include "saml/refuse.h"

static bool printable(const char *s)
{
	for (; *s; s++) {
		if (*s <= ' ' || *s >= 0x7f)
			return false;
	}
	return true;
}

enum status identity_eppn(struct arena *a, const char *value, const char *const *scopes, const char **ret,
	const char **ret_check)
{
	const char *at = strchr(value, '@');

	if (strlen(value) > IDENTITY_EPPN_MAX)
		return REFUSE(ret_check, "eppn", "the ePPN has %zu bytes, %d are allowed", strlen(value),
			IDENTITY_EPPN_MAX);
	if (!printable(value))
		return REFUSE(ret_check, "eppn", "the ePPN \"%s\" has characters other than printable ASCII",
			value);
	if (at == value || (at && strchr(at + 1, '@')))
		return REFUSE(ret_check, "eppn", "the ePPN \"%s\" is not NAME@SCOPE", value);
	if (!at || !at[1])
		return REFUSE(ret_check, "scope", "the ePPN \"%s\" has no scope", value);
	const char *eppn = text_lower(a, value), *scope = eppn + (at - value) + 1;
	for (; *scopes; scopes++) {
		if (strcmp(*scopes, scope) == 0) {
			*ret = eppn;
			return STATUS_OK;
		}
	}
	return REFUSE(
		ret_check, "scope", "the ePPN \"%s\" has a scope that does not belong to this IdP", value);
}

/* dot-atom-text: atoms with single dots between them. */
static bool dot_atom(const char *s, size_t len)
{
	bool atom = false;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '.' && !atom)
			return false;
		atom = c != '.';
		if (atom && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
				    (c && strchr("!#$%&'*+-/=?^_`{|}~", c))))
			return false;
	}
	return atom;
}

/* Labels of letters, digits and inner hyphens, at most 63 bytes each (RFC 1123). */
static bool domain(const char *s)
{
	size_t label = 0;

	for (const char *c = s;; c++) {
		if (*c == '.' || *c == '\0') {
			if (label == 0 || label > 63 || c[-1] == '-' || c[-(ptrdiff_t)label] == '-')
				return false;
			if (*c == '\0')
				return true;
			label = 0;
			continue;
		}
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
			    *c == '-'))
			return false;
		label++;
	}
}

enum status identity_mail(struct arena *a, const char *value, const char **ret, const char **ret_check)
{
	const char *at = strrchr(value, '@');

	if (strlen(value) > IDENTITY_MAIL_MAX)
		return REFUSE(ret_check, "mail", "the mail address has %zu bytes, %d are allowed",
			strlen(value), IDENTITY_MAIL_MAX);
	if (!at || at - value > 64 || !dot_atom(value, (size_t)(at - value)) || !domain(at + 1))
		return REFUSE(ret_check, "mail", "the mail address \"%s\" is malformed", value);
	*ret = arena_string(a, value);
	return STATUS_OK;
}

enum status identity_name(struct arena *a, const char *value, const char **ret, const char **ret_check)
{
	const char *name = text_trim(a, value);

	if (!text_clean(name, IDENTITY_NAME_MAX))
		return REFUSE(ret_check, "name",
			"the name is empty, has more than %d characters, or has invisible ones",
			IDENTITY_NAME_MAX);
	*ret = name;
	return STATUS_OK;
}

bool identity_mail_in(const char *mail, const char *const *domains, bool below)
{
	const char *at = mail ? strrchr(mail, '@') : NULL;

	if (!at)
		return false;
	for (; domains && *domains; domains++) {
		size_t have = strlen(at + 1), want = strlen(*domains);

		if (want == 0 || have < want || strcasecmp(at + 1 + (have - want), *domains) != 0)
			continue;
		if (have == want || (below && at[have - want] == '.'))
			return true;
	}
	return false;
}
