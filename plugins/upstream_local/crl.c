/* Certificate revocation lists, RFC 5280 section 5. */
#include "ca.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "key.h"

struct ca_crl {
	X509_CRL *list;
};

static void crl_release(void *list)
{
	X509_CRL_free(list);
}

static bool crl_time(X509_CRL *list, int (*set)(X509_CRL *, const ASN1_TIME *), when t)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(t / SECOND));
	bool ok = time && set(list, time) == 1;
	ASN1_TIME_free(time);
	return ok;
}

static bool crl_number(X509_CRL *list, int64_t number)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	bool ok = n && ASN1_INTEGER_set_int64(n, number) == 1 &&
		  X509_CRL_add1_ext_i2d(list, NID_crl_number, n, 0, X509V3_ADD_APPEND) == 1;
	ASN1_INTEGER_free(n);
	return ok;
}

static bool crl_authority(X509_CRL *list, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	if (authority && id)
		authority->keyid = ASN1_OCTET_STRING_dup(id);
	bool ok = authority && authority->keyid &&
		  X509_CRL_add1_ext_i2d(
			  list, NID_authority_key_identifier, authority, 0, X509V3_ADD_APPEND) == 1;
	AUTHORITY_KEYID_free(authority);
	return ok;
}

enum status ca_crl_new(struct arena *a, const struct ca *ca, int64_t number, when this_update,
	when next_update, struct ca_crl **ret)
{
	struct ca_crl *crl = arena_alloc(a, sizeof *crl);
	crl->list = X509_CRL_new();
	ASSERT(crl->list);
	arena_defer(a, crl_release, crl->list);
	if (!X509_CRL_set_version(crl->list, X509_CRL_VERSION_2) ||
		!X509_CRL_set_issuer_name(crl->list, X509_get_subject_name(ca->certificate)) ||
		!crl_time(crl->list, X509_CRL_set1_lastUpdate, this_update) ||
		!crl_time(crl->list, X509_CRL_set1_nextUpdate, next_update) ||
		!crl_authority(crl->list, ca->certificate) || !crl_number(crl->list, number))
		return openssl_failed("beginning a revocation list");
	*ret = crl;
	return STATUS_OK;
}

/* Reasons that a full list may name: neither hold, which we do not do, nor removal, which only delta lists know. */
static bool reason_is_named(int reason)
{
	return (reason >= 1 && reason <= 5) || reason == 9 || reason == 10;
}

static bool revoked_reason(X509_REVOKED *entry, int reason)
{
	if (!reason_is_named(reason))
		return true;
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	bool ok = value && ASN1_ENUMERATED_set(value, reason) == 1 &&
		  X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, X509V3_ADD_APPEND) == 1;
	ASN1_ENUMERATED_free(value);
	return ok;
}

enum status ca_crl_add(struct ca_crl *crl, const struct ca_revoked *revoked)
{
	BIGNUM *number = NULL;
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(revoked->at / SECOND));
	ASN1_INTEGER *serial =
		BN_hex2bn(&number, revoked->serial) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	bool ok = entry && time && serial && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
		  X509_REVOKED_set_revocationDate(entry, time) == 1 && revoked_reason(entry, revoked->reason);
	ok = ok && X509_CRL_add0_revoked(crl->list, entry) == 1;
	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(time);
	BN_free(number);
	return ok ? STATUS_OK : openssl_failed("adding to a revocation list");
}

enum status ca_crl_sign(struct arena *a, struct ca_crl *crl, const struct ca *ca, struct bytes *ret)
{
	unsigned char *der = NULL;
	int len = -1;
	X509_CRL_sort(crl->list);
	if (X509_CRL_sign(crl->list, ca->key, key_digest(ca->key)) > 0)
		len = i2d_X509_CRL(crl->list, &der);
	if (len < 0)
		return openssl_failed("signing a revocation list");
	*ret = arena_der(a, der, len);
	return STATUS_OK;
}
