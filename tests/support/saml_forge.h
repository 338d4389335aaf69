/* Makes responses of an IdP, genuine ones and ones that are wrong in exactly one way, without lasso. */
#ifndef INKAN_TEST_SAML_FORGE_H
#define INKAN_TEST_SAML_FORGE_H

#include "saml/saml.h"

#define FORGE_PORTAL "https://portal.test"
#define FORGE_ACS FORGE_PORTAL "/saml/acs"
#define FORGE_SP FORGE_PORTAL "/saml/metadata"
#define FORGE_IDP "https://idp.u.test/idp"
#define FORGE_OTHER_IDP "https://idp.other.test/idp"
#define FORGE_SCOPE "u.test"
#define FORGE_REQUEST "_4b1d0000000000000000000000000000000000aa"
#define FORGE_NOW ((when)1800000000000) /* 2027-01-15T08:00:00Z */

#define FORGE_EPPN "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
#define FORGE_MAIL "urn:oid:0.9.2342.19200300.100.1.3"
#define FORGE_NAME "urn:oid:2.16.840.1.113730.3.1.241"
#define FORGE_JA_NAME "urn:oid:1.3.6.1.4.1.32264.1.1.3"

struct forge_key {
	const char *pem, *certificate,
		*base64; /* private key, certificate; the certificate as it stands in metadata */
};

/* A directory of keys and metadata of a portal and two IdPs; gone when the program ends. */
struct forge_world {
	struct arena *arena;
	const char *dir;
	struct forge_key sp, idp, other;
	struct identity_provider idps[2];
	struct saml_settings settings;
};
struct forge_world *forge_world(void);
/* Writes a file into the directory; its path. */
const char *forge_file(struct forge_world *w, const char *name, mode_t mode, const char *text);
/* The metadata of an IdP; more is put inside its IDPSSODescriptor's Extensions, attributes into EntityDescriptor. */
const char *forge_idp_metadata(struct arena *a, const char *entity_id, const struct forge_key *key,
	const char *attributes, const char *more);

/* All that a response consists of. NULL leaves a part out. What is named XML is taken as it stands. */
struct forge {
	struct arena *arena;
	const struct forge_world *world;

	const char *response_id, *response_version, *response_instant, *destination, *in_response_to;
	const char *response_issuer, *status;
	const char *extensions; /* XML, inside samlp:Response before Status */
	const char *prolog;	/* XML, before the root */
	const char *beside;	/* XML, behind the assertion */

	bool assertion; /* whether there is one */
	const char *assertion_id, *assertion_version, *assertion_instant, *assertion_issuer, *name_id;
	const char *method, *recipient, *confirmed_request, *confirmed_from, *confirmed_until;
	bool subject, conditions;
	const char *conditions_from, *conditions_until;
	const char *audience;			  /* XML, inside Conditions */
	const char *authentication;		  /* XML, the AuthnStatement */
	const char *eppn, *mail, *name, *ja_name; /* XML: all AttributeValue elements */
	const char *attributes;			  /* XML, more of them */

	const struct forge_key *sign_assertion, *sign_response; /* NULL: not signed */
	const char *signature_method, *digest_method, *canonicalization;
	const char *transforms; /* XML */
	const char *references; /* XML, more Reference elements */

	const char *encryption, *transport; /* algorithms; encryption NULL: not encrypted */
	/* Last touches: to the signed assertion before it is encrypted, and to the whole message. */
	const char *(*alter_assertion)(struct forge *f, const char *xml);
	const char *(*alter_response)(struct forge *f, const char *xml);
};

/* Genuine: the assertion is signed, not encrypted. */
struct forge forge_genuine(struct arena *a, const struct forge_world *w);
/* The message as XML, and as it is posted. */
const char *forge_xml(struct forge *f);
const char *forge_message(struct forge *f);
struct saml_expected forge_expected(void);

/* For alterations. forge_replace aborts when from is not there. */
const char *forge_value(struct arena *a, const char *text);
const char *forge_replace(struct arena *a, const char *text, const char *from, const char *to);
const char *forge_part(struct arena *a, const char *text, const char *from,
	const char *to); /* from the first to the end of the last */
const char *forge_repeat(struct arena *a, const char *text, size_t n);

#endif
