/* PKCS #12 (RFC 7292): key, certificate and CA in one file under the PIN. */
#include "p12.h"

#include <openssl/pkcs12.h>

/* The PIN has 64 random bits or more, so that rounds add little; these cost 6 ms, and every importer takes them. */
#define MODERN_ROUNDS 10000
/* As OpenSSL 1 wrote; what systems of that age are known to import. */
#define COMPATIBLE_ROUNDS 2048

const char *p12_format_name(enum p12_format format)
{
	return format == P12_COMPATIBLE ? "compatible" : "modern";
}

bool p12_format_parse(const char *name, enum p12_format *ret)
{
	for (enum p12_format f = P12_MODERN; f <= P12_COMPATIBLE; f++) {
		if (text_same(name, p12_format_name(f))) {
			*ret = f;
			return true;
		}
	}
	return false;
}

static PKCS12 *p12_create(const struct p12_content *c, STACK_OF(X509) * chain, enum p12_format format)
{
	bool modern = format == P12_MODERN;
	int cipher = modern ? NID_aes_256_cbc : NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	int rounds = modern ? MODERN_ROUNDS : COMPATIBLE_ROUNDS;
	/* The MAC is set below (-1: none here), since its digest has to follow the format. */
	PKCS12 *p12 = PKCS12_create_ex(c->pin, c->friendly_name, c->key, c->certificate, chain, cipher,
		cipher, rounds, -1, 0, NULL, NULL);
	if (p12 &&
		PKCS12_set_mac(p12, c->pin, -1, NULL, 0, rounds, modern ? EVP_sha256() : EVP_sha1()) != 1) {
		PKCS12_free(p12);
		return NULL;
	}
	return p12;
}

enum status p12_make(
	struct arena *a, const struct p12_content *content, enum p12_format format, struct bytes *ret)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *p12 = NULL;
	unsigned char *der = NULL;
	int len = -1;
	if (chain && sk_X509_push(chain, content->ca) > 0)
		p12 = p12_create(content, chain, format);
	if (p12)
		len = i2d_PKCS12(p12, &der);
	PKCS12_free(p12);
	sk_X509_free(chain);
	if (len < 0)
		return openssl_failed("making a .p12");
	*ret = arena_der(a, der, len);
	return STATUS_OK;
}
