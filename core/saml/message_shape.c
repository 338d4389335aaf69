/* The elements and algorithms that a SAML response may contain, and where: data for the scan in message.c. */
#include "saml/message_shape.h"

#include "base/gnu.h"
#include "base/text.h"

#define SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define SAMLP "urn:oasis:names:tc:SAML:2.0:protocol"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define XENC11 "http://www.w3.org/2009/xmlenc11#"

#define ROOT PART_BIT(PART_NONE)
#define IN(part) PART_BIT(PART_##part)

static const struct shape shapes[] = {
	{SAMLP, "Response", PART_RESPONSE, ROOT, 1, false},
	{SAML, "Assertion", PART_ASSERTION, ROOT | IN(RESPONSE), 1, false},
	{SAML, "EncryptedAssertion", PART_ENCRYPTED_ASSERTION, IN(RESPONSE), 1, false},
	{DSIG, "Signature", PART_SIGNATURE, IN(RESPONSE) | IN(ASSERTION), 1, false},
	{DSIG, "SignedInfo", PART_SIGNED_INFO, IN(SIGNATURE), 1, false},
	{DSIG, "CanonicalizationMethod", PART_CANONICALIZATION, IN(SIGNED_INFO), 1, true},
	{DSIG, "SignatureMethod", PART_SIGNATURE_METHOD, IN(SIGNED_INFO), 1, true},
	/* lasso compares only the first Reference with the element that it takes for signed. */
	{DSIG, "Reference", PART_REFERENCE, IN(SIGNED_INFO), 1, false},
	{DSIG, "Transforms", PART_TRANSFORMS, IN(REFERENCE), 1, false},
	{DSIG, "Transform", PART_TRANSFORM, IN(TRANSFORMS), 2, true},
	{DSIG, "DigestMethod", PART_DIGEST_METHOD, IN(REFERENCE) | IN(ENCRYPTION_METHOD), 1, true},
	{DSIG, "KeyInfo", PART_KEY_INFO, IN(SIGNATURE) | IN(ENCRYPTED_DATA) | IN(ENCRYPTED_KEY), 1, false},
	{XENC, "EncryptedData", PART_ENCRYPTED_DATA, IN(ENCRYPTED_ASSERTION), 1, false},
	{XENC, "EncryptedKey", PART_ENCRYPTED_KEY, IN(ENCRYPTED_ASSERTION) | IN(KEY_INFO), 1, false},
	{XENC, "EncryptionMethod", PART_ENCRYPTION_METHOD, IN(ENCRYPTED_DATA) | IN(ENCRYPTED_KEY), 1, true},
};

/* Of these two vocabularies nothing else may appear: not Object and Manifest, which carry wrapped assertions, nor RetrievalMethod and
 * CipherReference, which fetch files and addresses, nor XPath. */
static const char *const harmless_dsig[] = {"SignatureValue", "DigestValue", "KeyName", "KeyValue",
	"RSAKeyValue", "Modulus", "Exponent", "X509Data", "X509Certificate", "X509IssuerSerial",
	"X509IssuerName", "X509SerialNumber", "X509SubjectName", "X509SKI"};
static const char *const harmless_xenc[] = {
	"CipherData", "CipherValue", "ReferenceList", "DataReference", "CarriedKeyName"};

static const struct shape other = {NULL, NULL, PART_OTHER, 0, 0, false};

static bool among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

const struct shape *shape_of(const char *ns, const char *name)
{
	if (!ns)
		return &other;
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		if (strcmp(ns, shapes[i].ns) == 0 && strcmp(name, shapes[i].name) == 0)
			return &shapes[i];
	}
	if (strcmp(ns, DSIG) == 0)
		return among(name, harmless_dsig, COUNT_OF(harmless_dsig)) ? &other : NULL;
	if (strcmp(ns, XENC) == 0)
		return among(name, harmless_xenc, COUNT_OF(harmless_xenc)) ? &other : NULL;
	/* What is encrypted elsewhere would stay unseen by every check. */
	if (strcmp(ns, SAML) == 0 &&
		(strcmp(name, "EncryptedID") == 0 || strcmp(name, "EncryptedAttribute") == 0))
		return NULL;
	return &other;
}

/* SHA-1, RSA with PKCS #1 version 1.5 as key transport, and 3DES are what this list keeps out; HMAC too, which would be keyed with a
 * public key. lasso 2.8.1 verifies RSA only. */
static const struct {
	enum part part, parent; /* parent PART_NONE: in any */
	const char *algorithm;
} algorithms[] = {
	{PART_CANONICALIZATION, PART_NONE, "http://www.w3.org/2001/10/xml-exc-c14n#"},
	{PART_SIGNATURE_METHOD, PART_NONE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
	{PART_SIGNATURE_METHOD, PART_NONE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"},
	{PART_SIGNATURE_METHOD, PART_NONE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"},
	{PART_TRANSFORM, PART_NONE, DSIG "enveloped-signature"},
	{PART_TRANSFORM, PART_NONE, "http://www.w3.org/2001/10/xml-exc-c14n#"},
	{PART_DIGEST_METHOD, PART_REFERENCE, XENC "sha256"},
	{PART_DIGEST_METHOD, PART_REFERENCE, "http://www.w3.org/2001/04/xmldsig-more#sha384"},
	{PART_DIGEST_METHOD, PART_REFERENCE, XENC "sha512"},
	/* Inside OAEP SHA-1 needs no collision resistance, and xmlsec 1.2.37 can do no other. */
	{PART_DIGEST_METHOD, PART_ENCRYPTION_METHOD, DSIG "sha1"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_KEY, XENC "rsa-oaep-mgf1p"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC "aes128-cbc"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC "aes192-cbc"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC "aes256-cbc"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC11 "aes128-gcm"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC11 "aes192-gcm"},
	{PART_ENCRYPTION_METHOD, PART_ENCRYPTED_DATA, XENC11 "aes256-gcm"},
};

bool shape_algorithm(enum part part, enum part parent, const char *algorithm, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		if (algorithms[i].part == part &&
			(algorithms[i].parent == PART_NONE || algorithms[i].parent == parent) &&
			strlen(algorithms[i].algorithm) == len &&
			memcmp(algorithms[i].algorithm, algorithm, len) == 0)
			return true;
	}
	return false;
}
