/* Proves at start that signatures are really verified. */
#ifndef INKAN_SAML_SELF_TEST_H
#define INKAN_SAML_SELF_TEST_H

#include "saml/federation.h"

/* Signs a response with our own key, and has lasso verify it, a tampered and an unsigned copy. INTERNAL when the genuine one is
 * refused or one of the others is not. */
enum status self_test(const struct federation_self *self, const char *certificate_base64) MUST_CHECK;

#endif
