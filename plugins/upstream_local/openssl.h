/* OpenSSL objects with the lifetime of an arena, and OpenSSL's failures as causes. */
#ifndef UPSTREAM_LOCAL_OPENSSL_H
#define UPSTREAM_LOCAL_OPENSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "plugin.h"

/* Sets the cause to what failed and OpenSSL's own reason, and empties its queue of errors. Returns INTERNAL. */
enum status openssl_failed(const char *what);
/* Gives the object to the arena; NULL, which only a lack of memory can cause here, aborts. */
EVP_PKEY *arena_key(struct arena *a, EVP_PKEY *key) RETURNS_NONNULL;
X509 *arena_certificate(struct arena *a, X509 *certificate) RETURNS_NONNULL;
/* A copy in the arena of what an i2d function allocated; the original is wiped and freed. */
struct bytes arena_der(struct arena *a, unsigned char *der, int len);

enum status x509_der(struct arena *a, const X509 *certificate, struct bytes *ret) MUST_CHECK;
/* INTERNAL when the bytes are no certificate. */
enum status x509_read(struct arena *a, struct bytes der, X509 **ret) MUST_CHECK;

#endif
