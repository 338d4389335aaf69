/* Opens a .p12 as a card server does that writes it on a card, and reads whose it is. */
#include "certificate.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#define NAME_MAX_BYTES 255 /* of the column; NII allows 250 */
/* Digits of 20 octets, the longest serial number of RFC 5280. */
#define SERIAL_DIGITS 40

static when time_of(const ASN1_TIME *t)
{
	struct tm tm;
	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (when)timegm(&tm) * SECOND : 0;
}

static const char *subject_of(struct arena *a, const X509 *certificate)
{
	const char *subject = "";
	char *data;
	BIO *out = BIO_new(BIO_s_mem());
	ASSERT(out);
	if (X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0,
		    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) > 0) {
		long len = BIO_get_mem_data(out, &data);
		subject = arena_stringn(a, data, (size_t)len);
	}
	BIO_free(out);
	return subject;
}

static const char *serial_of(struct arena *a, X509 *certificate)
{
	const char *serial = "";
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	if (hex)
		serial = text_lower(a, hex);
	OPENSSL_free(hex);
	BN_free(number);
	return serial;
}

/* The demo's template is "CN=%x %u.%n": the UPKI-PASS ID may hold blanks, what follows may not. */
static const char *card_of(struct arena *a, const X509 *certificate)
{
	char name[256] = "";
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
	const char *blank = strrchr(name, ' ');
	return blank ? arena_stringn(a, name, (size_t)(blank - name)) : "";
}

static enum status read_fields(struct arena *a, X509 *certificate, struct demo_card *ret)
{
	struct demo_card card = {
		.card = card_of(a, certificate),
		.serial = serial_of(a, certificate),
		.subject = subject_of(a, certificate),
		.not_before = time_of(X509_get0_notBefore(certificate)),
		.not_after = time_of(X509_get0_notAfter(certificate)),
	};
	if (!card.card[0] || !text_clean(card.card, 64) || !text_clean(card.subject, NAME_MAX_BYTES) ||
		strlen(card.subject) > NAME_MAX_BYTES || !card.serial[0] ||
		strlen(card.serial) > SERIAL_DIGITS)
		return cause(STATUS_INVALID, "the certificate names no card");
	*ret = card;
	return STATUS_OK;
}

enum status certificate_read(struct arena *a, struct bytes p12, struct bytes pin, struct demo_card *ret)
{
	const unsigned char *at = p12.data;
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	char *password =
		arena_stringn(a, (const char *)pin.data, pin.len); /* the arena is wiped with the request */
	PKCS12 *file = d2i_PKCS12(NULL, &at, (long)p12.len);
	enum status s = STATUS_OK;
	if (!file || strlen(password) != pin.len ||
		PKCS12_parse(file, password, &key, &certificate, NULL) != 1)
		s = cause(STATUS_INVALID, "what came is no .p12 that its PIN opens");
	else if (!key || !certificate || X509_check_private_key(certificate, key) != 1)
		s = cause(STATUS_INVALID, "the .p12 has no certificate with its key");
	else
		s = read_fields(a, certificate, ret);
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(certificate);
	PKCS12_free(file);
	if (s == STATUS_OK) {
		ret->p12_bytes = (int64_t)p12.len;
		ret->p12_digest = text_hex(a, crypto_sha256(a, p12));
	}
	return s;
}
