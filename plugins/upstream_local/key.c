/* Private keys: made by kind, written and read as PKCS #8. */
#include "key.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

const char *const key_kinds[] = {"rsa:2048", "rsa:3072", "rsa:4096", "ec:P-256", "ec:P-384", NULL};

bool key_is_quick(const char *kind)
{
	return text_starts(kind, "ec:");
}

enum status key_make(struct arena *a, const char *kind, EVP_PKEY **ret)
{
	EVP_PKEY *key = NULL;
	int64_t bits;
	if (text_starts(kind, "rsa:") && text_int(kind + 4, 2048, 4096, &bits))
		key = EVP_RSA_gen((unsigned)bits);
	else if (text_starts(kind, "ec:"))
		key = EVP_EC_gen(kind + 3);
	else
		return cause(STATUS_INVALID, "no kind of key is called %s", kind);
	if (!key)
		return openssl_failed("making a key");
	*ret = arena_key(a, key);
	return STATUS_OK;
}

enum status key_write(struct arena *a, const EVP_PKEY *key, struct bytes *ret)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	PKCS8_PRIV_KEY_INFO_free(info);
	if (len < 0)
		return openssl_failed("encoding a key");
	*ret = arena_der(a, der, len);
	return STATUS_OK;
}

enum status key_read(struct arena *a, struct bytes pkcs8, EVP_PKEY **ret)
{
	const unsigned char *at = pkcs8.data;
	EVP_PKEY *key =
		pkcs8.len && pkcs8.len <= 65536 ? d2i_AutoPrivateKey(NULL, &at, (long)pkcs8.len) : NULL;
	if (!key)
		return openssl_failed("reading a key");
	*ret = arena_key(a, key);
	return STATUS_OK;
}

const EVP_MD *key_digest(const EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}
