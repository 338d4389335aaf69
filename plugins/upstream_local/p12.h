/* PKCS #12 (RFC 7292): key, certificate and CA in one file under the PIN. */
#ifndef UPSTREAM_LOCAL_P12_H
#define UPSTREAM_LOCAL_P12_H

#include "openssl.h"

enum p12_format {
	P12_MODERN, /* AES-256-CBC, PBKDF2 with HMAC-SHA256; MAC with SHA-256 */
	P12_COMPATIBLE, /* 3DES and SHA-1 throughout: what older systems need, who call anything else a wrong password */
};
const char *p12_format_name(enum p12_format format); /* "modern", "compatible" */
bool p12_format_parse(const char *name, enum p12_format *ret);

struct p12_content {
	const char *pin;
	const char *friendly_name; /* UTF-8; how the certificate is called in the user's store */
	EVP_PKEY *key;
	X509 *certificate, *ca;
};
/* The bytes live in the arena, which wipes them. */
enum status p12_make(struct arena *a, const struct p12_content *content, enum p12_format format,
	struct bytes *ret) MUST_CHECK;

#endif
