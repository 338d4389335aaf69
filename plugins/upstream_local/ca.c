/* X.509 certificates as RFC 5280 has them: the CA's own and those of users. */
#include "ca.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "key.h"
#include "name.h"

#define MAIL_MAX 254 /* RFC 5321 4.5.3.1.3: a path of 256 with its angle brackets */

#define KEY_ENCIPHERMENT 2
#define KEY_AGREEMENT 4

struct key_usage {
	const char *name;
	int bit; /* RFC 5280 4.2.1.3 */
};

static const struct key_usage key_usages[] = {
	{"digitalSignature", 0},
	{"nonRepudiation", 1},
	{"contentCommitment", 1},
	{"keyEncipherment", KEY_ENCIPHERMENT},
	{"dataEncipherment", 3},
	{"keyAgreement", KEY_AGREEMENT},
};
#define KEY_CERT_SIGN 5
#define CRL_SIGN 6

static int key_usage_bit(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(key_usages); i++)
		if (text_same(key_usages[i].name, name))
			return key_usages[i].bit;
	return -1;
}

/* An elliptic curve cannot encrypt a key, only agree on one: RFC 8813 section 3 forbids the one bit and has the other instead. So one
 * configuration fits both kinds of keys. */
static unsigned usage_of_key(unsigned usage, const EVP_PKEY *key)
{
	unsigned encipher = 1u << KEY_ENCIPHERMENT;
	return (usage & encipher) && EVP_PKEY_is_a(key, "EC") ? (usage & ~encipher) | 1u << KEY_AGREEMENT
							      : usage;
}

static ASN1_OBJECT *eku_object(const char *name)
{
	int nid = OBJ_sn2nid(name);
	return nid != NID_undef ? OBJ_nid2obj(nid) : OBJ_txt2obj(name, 1);
}

enum status ca_check_usages(const char *const *key_usage, const char *const *eku)
{
	for (; *key_usage; key_usage++)
		if (key_usage_bit(*key_usage) < 0)
			return cause(
				STATUS_INVALID, "%s is no key usage of a user's certificate", *key_usage);
	for (; *eku; eku++) {
		ASN1_OBJECT *object = eku_object(*eku);
		ASN1_OBJECT_free(object);
		if (!object)
			return cause(STATUS_INVALID, "%s is no extended key usage that is known, and no OID",
				*eku);
	}
	return STATUS_OK;
}

bool ca_mail_ok(const char *mail)
{
	const char *at = strchr(mail, '@');
	if (!at || at == mail || !at[1] || strchr(at + 1, '@') || strlen(mail) > MAIL_MAX)
		return false;
	for (; *mail; mail++)
		if (*mail <= ' ' || *mail > '~')
			return false;
	return true;
}

/* Adds and gives away; false on any failure, so that a row of them can be chained. */
static bool extension_add(X509 *x, int nid, void *value, bool critical)
{
	return value && X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

static bool add_basic_constraints(X509 *x, bool is_ca)
{
	BASIC_CONSTRAINTS *b = BASIC_CONSTRAINTS_new();
	if (b && is_ca) {
		b->ca = 0xff;
		b->pathlen = ASN1_INTEGER_new();
	}
	bool ok = b && (!is_ca || (b->pathlen && ASN1_INTEGER_set(b->pathlen, 0))) &&
		  extension_add(x, NID_basic_constraints, b, is_ca);
	BASIC_CONSTRAINTS_free(b);
	return ok;
}

static bool add_key_usage(X509 *x, unsigned bits)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool ok = usage;
	for (int i = 0; ok && i < 9; i++)
		if (bits & 1u << i)
			ok = ASN1_BIT_STRING_set_bit(usage, i, 1);
	ok = ok && extension_add(x, NID_key_usage, usage, true);
	ASN1_BIT_STRING_free(usage);
	return ok;
}

static bool add_eku(X509 *x, const char *const *names)
{
	if (!*names)
		return true;
	EXTENDED_KEY_USAGE *eku = sk_ASN1_OBJECT_new_null();
	bool ok = eku;
	for (; ok && *names; names++) {
		ASN1_OBJECT *object = eku_object(*names);
		ok = object && sk_ASN1_OBJECT_push(eku, object) > 0;
		if (!ok)
			ASN1_OBJECT_free(object);
	}
	ok = ok && extension_add(x, NID_ext_key_usage, eku, false);
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	return ok;
}

/* Method (1) of RFC 5280 4.2.1.2: SHA-1 of the key's bits; a name, not a protection. */
static bool add_subject_key(X509 *x)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	bool ok = id && X509_pubkey_digest(x, EVP_sha1(), digest, &len) == 1 &&
		  ASN1_OCTET_STRING_set(id, digest, (int)len) == 1 &&
		  extension_add(x, NID_subject_key_identifier, id, false);
	ASN1_OCTET_STRING_free(id);
	return ok;
}

static bool add_authority_key(X509 *x, const X509 *issuer)
{
	/* Read from the extension: OpenSSL's cached copy is not there before a certificate that signs itself is signed. */
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	if (authority)
		authority->keyid = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
	bool ok = authority && authority->keyid &&
		  extension_add(x, NID_authority_key_identifier, authority, false);
	AUTHORITY_KEYID_free(authority);
	return ok;
}

static GENERAL_NAME *uri_name(const char *url)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
	if (!name || !uri || ASN1_STRING_set(uri, url, -1) != 1) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(uri);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_URI, uri);
	return name;
}

static bool add_crl_point(X509 *x, const char *url)
{
	CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
	DIST_POINT *point = DIST_POINT_new();
	GENERAL_NAME *name = uri_name(url);
	bool ok = points && point && name && sk_DIST_POINT_push(points, point) > 0;
	if (ok) {
		ok = (point->distpoint = DIST_POINT_NAME_new()) != NULL;
		if (ok) {
			point->distpoint->type = 0;
			point->distpoint->name.fullname = sk_GENERAL_NAME_new_null();
			ok = point->distpoint->name.fullname &&
			     sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) > 0;
			if (ok)
				name = NULL;
		}
		point = NULL;
	}
	ok = ok && extension_add(x, NID_crl_distribution_points, points, false);
	GENERAL_NAME_free(name);
	DIST_POINT_free(point);
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
	return ok;
}

static bool add_issuer_url(X509 *x, const char *url)
{
	AUTHORITY_INFO_ACCESS *access = sk_ACCESS_DESCRIPTION_new_null();
	ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
	GENERAL_NAME *name = uri_name(url);
	bool ok = access && one && name && sk_ACCESS_DESCRIPTION_push(access, one) > 0;
	if (ok) {
		one->method = OBJ_nid2obj(NID_ad_ca_issuers);
		GENERAL_NAME_free(one->location);
		one->location = name;
		ok = extension_add(x, NID_info_access, access, false);
	} else {
		GENERAL_NAME_free(name);
		ACCESS_DESCRIPTION_free(one);
	}
	sk_ACCESS_DESCRIPTION_pop_free(access, ACCESS_DESCRIPTION_free);
	return ok;
}

static GENERAL_NAME *mail_name(const char *mail)
{
	GENERAL_NAME *name = uri_name(mail);
	if (name)
		name->type = GEN_EMAIL; /* both are an IA5String */
	return name;
}

static GENERAL_NAME *upn_name(const char *upn)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
	if (!name || !value || !text || ASN1_STRING_set(text, upn, -1) != 1) {
		GENERAL_NAME_free(name);
		ASN1_TYPE_free(value);
		ASN1_UTF8STRING_free(text);
		return NULL;
	}
	ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
	if (GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_ms_upn), value) != 1) {
		GENERAL_NAME_free(name);
		ASN1_TYPE_free(value);
		return NULL;
	}
	return name;
}

static bool add_alternative_names(X509 *x, const char *mail, const char *upn)
{
	if ((!mail || !*mail) && (!upn || !*upn))
		return true;
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool ok = names;
	GENERAL_NAME *made[2] = {mail && *mail ? mail_name(mail) : NULL, upn && *upn ? upn_name(upn) : NULL};
	ok = ok && (made[0] || !mail || !*mail) && (made[1] || !upn || !*upn);
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		if (made[i] && (!ok || sk_GENERAL_NAME_push(names, made[i]) <= 0)) {
			GENERAL_NAME_free(made[i]);
			ok = false;
		}
	}
	ok = ok && extension_add(x, NID_subject_alt_name, names, false);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return ok;
}

static bool set_serial(X509 *x)
{
	unsigned char random[SERIAL_OCTETS];
	crypto_random(random, sizeof random);
	random[0] = (unsigned char)((random[0] & 0x7f) | 0x40); /* positive, and never shorter */
	BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	return ok;
}

/* What all our certificates have in common. */
static bool fill(
	X509 *x, const X509_NAME *subject, const X509_NAME *issuer, EVP_PKEY *key, when from, when to)
{
	/* ASN1_TIME_set writes UTCTime until 2049 and GeneralizedTime from then on, as RFC 5280 4.1.2.5 demands. */
	return X509_set_version(x, X509_VERSION_3) && set_serial(x) && X509_set_subject_name(x, subject) &&
	       X509_set_issuer_name(x, issuer) && X509_set_pubkey(x, key) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(from / SECOND)) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(to / SECOND));
}

enum status ca_make(
	struct arena *a, const char *name, EVP_PKEY *key, when not_before, when not_after, X509 **ret)
{
	X509_NAME *subject;
	enum status s = name_parse(a, name, &subject);
	if (s != STATUS_OK)
		return s;
	X509 *x = arena_certificate(a, X509_new());
	if (!fill(x, subject, subject, key, not_before, not_after) || !add_basic_constraints(x, true) ||
		!add_key_usage(x, 1u << KEY_CERT_SIGN | 1u << CRL_SIGN) || !add_subject_key(x) ||
		!add_authority_key(x, x) || X509_sign(x, key, key_digest(key)) <= 0)
		return openssl_failed("making the certificate of the CA");
	*ret = x;
	return STATUS_OK;
}

enum status ca_sign(struct arena *a, const struct ca *ca, const struct ca_request *request, X509 **ret)
{
	X509_NAME *subject;
	enum status s = name_parse(a, request->subject, &subject);
	if (s == STATUS_OK)
		s = ca_check_usages(request->key_usage, request->eku);
	if (s != STATUS_OK)
		return s;
	if (request->mail && *request->mail && !ca_mail_ok(request->mail))
		return cause(
			STATUS_INVALID, "mail address \"%s\" cannot stand in a certificate", request->mail);
	unsigned usage = 0;
	for (const char *const *name = request->key_usage; *name; name++)
		usage |= 1u << key_usage_bit(*name);
	usage = usage_of_key(usage, request->key);
	when end = x509_not_after(ca->certificate);
	end = request->not_after < end ? request->not_after : end;

	X509 *x = arena_certificate(a, X509_new());
	if (!fill(x, subject, X509_get_subject_name(ca->certificate), request->key, request->not_before,
		    end) ||
		!add_basic_constraints(x, false) || (usage && !add_key_usage(x, usage)) ||
		!add_eku(x, request->eku) || !add_alternative_names(x, request->mail, request->upn) ||
		!add_subject_key(x) || !add_authority_key(x, ca->certificate) ||
		!add_crl_point(x, request->crl_url) || !add_issuer_url(x, request->ca_url) ||
		X509_sign(x, ca->key, key_digest(ca->key)) <= 0)
		return openssl_failed("signing a certificate");
	*ret = x;
	return STATUS_OK;
}

const char *x509_serial(struct arena *a, const X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	return text_hex(a, bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

const char *x509_fingerprint(struct arena *a, struct bytes der)
{
	return text_hex(a, crypto_sha256(a, der));
}

static when time_read(const ASN1_TIME *t)
{
	struct tm tm = {0};
	ASSERT(ASN1_TIME_to_tm(t, &tm) == 1);
	return (when)timegm(&tm) * SECOND;
}

when x509_not_before(const X509 *certificate)
{
	return time_read(X509_get0_notBefore(certificate));
}

when x509_not_after(const X509 *certificate)
{
	return time_read(X509_get0_notAfter(certificate));
}

const char *x509_common_name(struct arena *a, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len = at < 0 ? -1 : ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	const char *name = len > 0 ? arena_stringn(a, (const char *)utf8, (size_t)len) : "CA";
	OPENSSL_free(utf8);
	return name;
}
