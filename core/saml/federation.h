/* The IdPs that we trust: what their metadata says, and a lasso server for each, made once. */
#ifndef INKAN_SAML_FEDERATION_H
#define INKAN_SAML_FEDERATION_H

#include <lasso/lasso.h>

#include "saml/saml.h"

struct federation_idp {
	const struct identity_provider *config;
	/* Knows this IdP and no other: a message of another one has nothing to be verified with. Read-only once made, so threads share it. */
	LassoServer *server;
	const char *const *scopes; /* lower case; never empty */
	const char *names[LANG_COUNT];
	when valid_until; /* 0: its metadata does not say */
	when certificate_until; /* of the signing certificate that is valid longest; 0: its keys have none */
};

struct federation {
	size_t n;
	struct federation_idp *idps;
};

/* What lasso must know of ourselves. */
struct federation_self {
	const char *metadata, *key; /* texts: XML, PEM */
};

/* Reads the metadata of each. INVALID with a cause that names the IdP: file missing, not of this entity, no https redirect endpoint, no
 * signing key, no scope, scopes by regular expression. All of it lives as long as the arena. */
enum status federation_load(struct arena *a, const struct federation_self *self,
	const struct setting_sections *idps, struct federation *ret) MUST_CHECK;
/* A server of lasso for ourselves that trusts one IdP. */
enum status federation_server(struct arena *a, const struct federation_self *self, const char *idp,
	const char *metadata, LassoServer **ret) MUST_CHECK;
/* Until when a certificate (DER) is valid; 0: it is none. */
when federation_certificate_until(struct bytes der);
/* NULL when there is none of that name. */
const struct federation_idp *federation_find(const struct federation *f, const char *entity_id);

#endif
