/* Looks into an encrypted assertion before lasso decrypts it a second time. */
#ifndef INKAN_SAML_DECRYPT_H
#define INKAN_SAML_DECRYPT_H

#include "base/text.h"

/* The private key of this service provider, from PEM; lives as long as the arena. INVALID when it is no RSA key. */
struct decrypt_key;
enum status decrypt_key_load(struct arena *a, struct bytes pem, struct decrypt_key **ret) MUST_CHECK;

/* The text inside the one EncryptedAssertion of a response that message_scan() has passed. DENIED: it does not decrypt. The key is only
 * read: any number of threads may use it. */
enum status decrypt_assertion(
	struct arena *a, const struct decrypt_key *key, struct bytes response, struct bytes *ret) MUST_CHECK;

#endif
