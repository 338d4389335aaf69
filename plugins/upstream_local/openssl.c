/* OpenSSL objects with the lifetime of an arena, and OpenSSL's failures as causes. */
#include "openssl.h"

#include <openssl/err.h>

enum status openssl_failed(const char *what)
{
	char why[256] = "no reason given";
	unsigned long e = ERR_get_error();
	if (e)
		ERR_error_string_n(e, why, sizeof why);
	ERR_clear_error();
	return cause(STATUS_INTERNAL, "OpenSSL, %s failed (%s)", what, why);
}

static void key_release(void *key)
{
	EVP_PKEY_free(key);
}

static void certificate_release(void *certificate)
{
	X509_free(certificate);
}

EVP_PKEY *arena_key(struct arena *a, EVP_PKEY *key)
{
	ASSERT(key);
	arena_defer(a, key_release, key);
	return key;
}

X509 *arena_certificate(struct arena *a, X509 *certificate)
{
	ASSERT(certificate);
	arena_defer(a, certificate_release, certificate);
	return certificate;
}

struct bytes arena_der(struct arena *a, unsigned char *der, int len)
{
	ASSERT(der && len >= 0);
	struct bytes copy = bytes_of(arena_copy(a, der, (size_t)len), (size_t)len);
	OPENSSL_clear_free(der, (size_t)len);
	return copy;
}

enum status x509_der(struct arena *a, const X509 *certificate, struct bytes *ret)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	if (len < 0)
		return openssl_failed("encoding a certificate");
	*ret = arena_der(a, der, len);
	return STATUS_OK;
}

enum status x509_read(struct arena *a, struct bytes der, X509 **ret)
{
	const unsigned char *at = der.data;
	X509 *certificate = der.len && der.len <= 65536 ? d2i_X509(NULL, &at, (long)der.len) : NULL;
	if (!certificate)
		return openssl_failed("reading a certificate");
	*ret = arena_certificate(a, certificate);
	return STATUS_OK;
}
