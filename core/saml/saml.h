/* The SAML 2.0 service provider: requests, metadata, and every check of a response that lasso leaves to the caller. */
#ifndef INKAN_SAML_SAML_H
#define INKAN_SAML_SAML_H

#include "base/clock.h"
#include "base/config.h"
#include "base/i18n.h"
#include "base/text.h"

/* One IdP we trust. Section idp "ENTITY ID" { ... }. */
struct identity_provider {
	const char *title;    /* entity ID */
	const char *metadata; /* path of its metadata file */
	const char *const
		*scopes; /* scopes it may assert in ePPN; empty: those of shibmd:Scope in its metadata */
	const char *const *
		mail_domains; /* domains in which its mail addresses count; empty: as scopes and their subdomains */
	const char *name_ja, *name_en; /* shown in the chooser; empty: mdui:DisplayName, else the entity ID */
};

struct saml_settings {
	const char *entity_id;			     /* default: base_url + "/saml/metadata" */
	const char *key, *certificate;		     /* PEM; signs requests, decrypts assertions */
	struct setting_sections idps;		     /* struct identity_provider */
	const char *attribute_eppn, *attribute_mail; /* attribute names (OID form) */
	const char *const *attribute_name;	     /* the first that is there: jaDisplayName, displayName */
	int64_t skew;				     /* ms by which an IdP's clock may differ */
	int64_t login_time;			     /* ms a log-in may take at the IdP */
	bool require_encryption;
	const char *logo, *contact_mail, *organization_ja, *organization_en;
	const char *title_ja, *title_en; /* of the site, for the metadata; NULL or "": a general name */
};

/* Loads key, certificate and the IdPs' metadata, and tests itself with a tampered message. Call before threads start, before any other
 * user of xmlsec; sets and unsets the environment that lasso reads. */
enum status saml_start(const struct saml_settings *settings, const char *base_url) MUST_CHECK;
void saml_stop(void);

/* The IdPs for the chooser; static. */
size_t saml_idp_count(void);
const struct identity_provider *saml_idp(size_t i);
const struct identity_provider *saml_idp_find(const char *entity_id); /* NULL */
const char *saml_idp_name(const struct identity_provider *idp, enum lang lang);
bool saml_mail_allowed(const struct identity_provider *idp, const char *mail);

/* What ends one day, and log-ins with it: our certificate, each IdP's newest signing certificate, each IdP's metadata. Ended by {0}. */
struct saml_expiry {
	enum { SAML_EXPIRY_END, SAML_EXPIRY_OWN, SAML_EXPIRY_IDP, SAML_EXPIRY_METADATA } what;
	const struct identity_provider *idp; /* NULL: ourselves */
	when at;
};
const struct saml_expiry *saml_expiries(struct arena *a);

/* Our metadata (signed requests, ACS over POST, encryption certificate, requested attributes, both languages). */
enum status saml_metadata(struct arena *a, struct bytes *ret) MUST_CHECK;
/* A signed AuthnRequest (RSA-SHA256) for the redirect binding: where to send the browser, and the request's ID. */
enum status saml_request(
	struct arena *a, const char *idp, const char **ret_url, const char **ret_id) MUST_CHECK;

struct saml_expected { /* what the log-in cookie remembers */
	const char *request_id, *idp;
	when asked_at;
};
struct saml_login {
	const char *idp, *eppn /* lower case */, *mail, *name, *assertion_id, *name_id, *session_index;
	when replay_until; /* assertion_id must be remembered until then */
};
/* Judges a SAMLResponse of the POST binding. DENIED: refused; ret_check is a short stable name of the check that failed, the cause has
 * the details. In the order in which they are made:
 *   metadata-expired login-time size base64 encoding nodes depth comment instruction cdata doctype entity xml algorithm structure
 *   assertions unencrypted decryption status message issuer unsigned signature version destination in-response-to issue-instant
 *   confirmation recipient expired not-yet-valid conditions audience authentication session-expired
 *   attributes missing-eppn eppn scope missing-mail mail missing-name name
 * Pages must not tell "decryption" from "signature": who can alter a message could read it by our answers. Replay (once_use of
 * assertion_id and request_id) is the caller's. Any number of threads may call this. */
enum status saml_consume(struct arena *a, const char *response, const struct saml_expected *expected,
	when now, struct saml_login *ret, const char **ret_check) MUST_CHECK;

#endif
