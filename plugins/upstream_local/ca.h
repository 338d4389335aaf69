/* X.509 as RFC 5280 has it: the CA's certificate, users' certificates, revocation lists. Pure: nothing here knows of rows or requests. */
#ifndef UPSTREAM_LOCAL_CA_H
#define UPSTREAM_LOCAL_CA_H

#include "openssl.h"

/* Of a serial number: positive, far below the 20 octets of RFC 5280 4.1.2.2, 126 random bits (64 are demanded by the CA/Browser
 * Forum's requirements), and always 32 hexadecimal digits without leading zeros, so that text compares like number. */
#define SERIAL_OCTETS 16

/* The issuer: certificate and key, with the number of its generation. */
struct ca {
	unsigned generation;
	X509 *certificate;
	EVP_PKEY *key;
};

/* A CA that signs itself: basicConstraints critical, CA, path length 0; keyUsage critical, keyCertSign and cRLSign. INVALID when
 * the name is none. */
enum status ca_make(struct arena *a, const char *name, EVP_PKEY *key, when not_before, when not_after,
	X509 **ret) MUST_CHECK;

/* What a user's certificate is to say. */
struct ca_request {
	const char *subject;
	EVP_PKEY *key;
	const char *const *key_usage; /* NULL-terminated, names of RFC 5280 4.2.1.3 */
	const char *const *eku;	      /* NULL-terminated, short names of OpenSSL or dotted OIDs */
	const char *mail;	      /* SAN rfc822Name; NULL or "": none */
	const char *upn;	      /* SAN otherName userPrincipalName; NULL or "": none */
	when not_before, not_after;   /* whole seconds; not_after is cut at the CA's */
	const char *crl_url, *ca_url; /* distribution point; caIssuers */
};

/* Whether names of key usages and of extended ones are known: INVALID names the first that is not. */
enum status ca_check_usages(const char *const *key_usage, const char *const *eku) MUST_CHECK;
/* Whether it fits into an rfc822Name: one @, printable ASCII, no blanks, at most 254 bytes. */
bool ca_mail_ok(const char *mail);
/* Signs with a new random serial. INVALID: subject, usage or mail cannot stand in a certificate. */
enum status ca_sign(
	struct arena *a, const struct ca *ca, const struct ca_request *request, X509 **ret) MUST_CHECK;

struct ca_revoked {
	const char *serial; /* hexadecimal */
	when at;
	int reason; /* RFC 5280 5.3.1; 0 is left out, as that section asks */
};
/* A list under construction: entries come in steps, so that a long list is never held as rows. */
struct ca_crl;
enum status ca_crl_new(struct arena *a, const struct ca *ca, int64_t number, when this_update,
	when next_update, struct ca_crl **ret) MUST_CHECK;
enum status ca_crl_add(struct ca_crl *crl, const struct ca_revoked *revoked) MUST_CHECK;
enum status ca_crl_sign(
	struct arena *a, struct ca_crl *crl, const struct ca *ca, struct bytes *ret) MUST_CHECK;

/* Facts of a certificate, as the core and the tables have them. */
const char *x509_serial(struct arena *a, const X509 *certificate); /* lower-case hexadecimal */
const char *x509_fingerprint(struct arena *a, struct bytes der);   /* SHA-256, 64 hexadecimal digits */
when x509_not_after(const X509 *certificate);
when x509_not_before(const X509 *certificate);
/* The subject's CN, UTF-8; "CA" when it has none. */
const char *x509_common_name(struct arena *a, const X509 *certificate);

#endif
