/* A response of an IdP: lasso's verification of it, and all that lasso leaves to the caller. */
#ifndef INKAN_SAML_RESPONSE_H
#define INKAN_SAML_RESPONSE_H

#include "saml/federation.h"
#include "saml/message.h"

struct response_rules { /* what a response is judged by */
	const struct saml_settings *settings;
	const char *entity_id, *acs;	  /* who we are, where responses go */
	const struct federation_idp *idp; /* the one that was asked */
	const struct saml_expected *expected;
	when now;
};

/* lasso reads and verifies a message that message_scan() has passed: the response or the assertion must be signed by the one IdP that
 * the server knows, and neither wrongly. DENIED with ret_check "message", "status", "issuer", "unsigned", "signature". The login lives
 * as long as the arena; what it holds was read from what was verified. */
enum status response_verify(struct arena *a, LassoServer *server, struct bytes xml, LassoLogin **ret,
	const char **ret_check) MUST_CHECK;

/* The other checks, and the person. DENIED with the names that saml.h lists. */
enum status response_judge(struct arena *a, const struct response_rules *rules, LassoLogin *login,
	struct saml_login *ret, const char **ret_check) MUST_CHECK;
/* Of these, those that concern the person. */
enum status response_person(struct arena *a, const struct response_rules *rules,
	LassoSaml2Assertion *assertion, struct saml_login *ret, const char **ret_check) MUST_CHECK;

#endif
