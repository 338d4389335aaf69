/* What an IdP may say of a person: the rules for ePPN, its scope, mail address and name. */
#ifndef INKAN_SAML_IDENTITY_H
#define INKAN_SAML_IDENTITY_H

#include "base/text.h"

#define IDENTITY_EPPN_MAX 255 /* bytes; eduPerson sets no limit, no real one comes near */
#define IDENTITY_MAIL_MAX 254 /* bytes; RFC 5321 section 4.5.3.1.3, without the angle brackets */
#define IDENTITY_NAME_MAX 128 /* characters */

/* One '@', printable ASCII, at most so long; in lower case, as the user's key. The scope, behind the '@', must be one of these, whole:
 * neither a parent nor a child domain of one. DENIED with ret_check "eppn" or "scope". */
enum status identity_eppn(struct arena *a, const char *value, const char *const *scopes, const char **ret,
	const char **ret_check) MUST_CHECK;
/* An address as mail servers take it without quotes: dot-atom@domain (RFC 5322 section 3.2.3, ASCII). DENIED, "mail". */
enum status identity_mail(
	struct arena *a, const char *value, const char **ret, const char **ret_check) MUST_CHECK;
/* Clean text, trimmed. DENIED, "name". */
enum status identity_name(
	struct arena *a, const char *value, const char **ret, const char **ret_check) MUST_CHECK;

/* Whether the address is in one of the domains, or also below them. */
bool identity_mail_in(const char *mail, const char *const *domains, bool below);

#endif
