/* Private keys: made by kind, written and read as PKCS #8. */
#ifndef UPSTREAM_LOCAL_KEY_H
#define UPSTREAM_LOCAL_KEY_H

#include "openssl.h"

/* "rsa:2048", "rsa:3072", "rsa:4096", "ec:P-256", "ec:P-384"; NULL-terminated, for the settings. */
extern const char *const key_kinds[];
/* One of the kinds that are made in less time than a key of the stock is fetched: elliptic curves. */
bool key_is_quick(const char *kind);

/* A new key of the kind. RSA takes 0.2 s (2048 bits) to 1 s (4096) on average: never on a request's thread. */
enum status key_make(struct arena *a, const char *kind, EVP_PKEY **ret) MUST_CHECK;
/* PKCS #8 (RFC 5208), unencrypted, DER: only ever sealed, or into a .p12. */
enum status key_write(struct arena *a, const EVP_PKEY *key, struct bytes *ret) MUST_CHECK;
enum status key_read(struct arena *a, struct bytes pkcs8, EVP_PKEY **ret) MUST_CHECK;
/* The digest that suits the key: SHA-384 for P-384, SHA-256 otherwise. Static. */
const EVP_MD *key_digest(const EVP_PKEY *key);

#endif
