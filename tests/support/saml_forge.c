/* Makes responses of an IdP, genuine ones and ones that are wrong in exactly one way, without lasso. */
#include "support/saml_forge.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlenc.h>
#include <xmlsec/xmltree.h>

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"

static char world_dir[] = "/tmp/inkan-saml-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void world_remove(void)
{
	nftw(world_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *bio_text(struct arena *a, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	const char *text = arena_stringn(a, data, (size_t)len);

	BIO_free(bio);
	return text;
}

static struct forge_key key_make(struct arena *a, const char *name)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem()), *certificate = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	struct forge_key k;

	ASSERT(key && x && pem && certificate);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600L * 24 * 3650);
	X509_NAME_add_entry_by_txt(
		X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	ASSERT(X509_sign(x, key, EVP_sha256()) > 0);
	PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_X509(certificate, x);
	int len = i2d_X509(x, &der);
	k.pem = bio_text(a, pem);
	k.certificate = bio_text(a, certificate);
	k.base64 = text_base64(a, bytes_of(der, (size_t)len));
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
	return k;
}

const char *forge_file(struct forge_world *w, const char *name, mode_t mode, const char *text)
{
	const char *path = arena_printf(w->arena, "%s/%s", w->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ASSERT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	return path;
}

const char *forge_idp_metadata(struct arena *a, const char *entity_id, const struct forge_key *key,
	const char *attributes, const char *more)
{
	return arena_printf(a,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"" DSIG
		"\" entityID=\"%s\" %s>\n"
		"<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n"
		"<md:Extensions xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">%s"
		"</md:Extensions>\n<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate>"
		"</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
		"<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"%s/sso\"/>\n"
		"</md:IDPSSODescriptor></md:EntityDescriptor>\n",
		entity_id, attributes, more, key->base64, entity_id);
}

static struct forge_world *world_make(void)
{
	static const char *const names[] = {FORGE_JA_NAME, FORGE_NAME, NULL};
	static const char *const nothing[] = {NULL};
	struct arena *a = arena_new();
	struct forge_world *w = arena_alloc(a, sizeof *w);

	ASSERT(mkdtemp(world_dir));
	atexit(world_remove);
	*w = (struct forge_world){
		.arena = a,
		.dir = world_dir,
		.sp = key_make(a, "portal"),
		.idp = key_make(a, "idp"),
		.other = key_make(a, "other idp"),
	};
	w->idps[0] = (struct identity_provider){
		.title = FORGE_IDP, .scopes = nothing, .mail_domains = nothing, .name_ja = "", .name_en = ""};
	w->idps[1] = (struct identity_provider){.title = FORGE_OTHER_IDP,
		.scopes = nothing,
		.mail_domains = nothing,
		.name_ja = "",
		.name_en = ""};
	w->idps[0].metadata = forge_file(w, "idp.xml", 0644,
		forge_idp_metadata(a, FORGE_IDP, &w->idp, "",
			"<shibmd:Scope regexp=\"false\">" FORGE_SCOPE "</shibmd:Scope><mdui:UIInfo>"
			"<mdui:DisplayName xml:lang=\"ja\">試験大学</mdui:DisplayName>"
			"<mdui:DisplayName xml:lang=\"en\">Test University</mdui:DisplayName></mdui:UIInfo>"));
	w->idps[1].metadata = forge_file(w, "other.xml", 0644,
		forge_idp_metadata(
			a, FORGE_OTHER_IDP, &w->other, "", "<shibmd:Scope>other.test</shibmd:Scope>"));
	w->settings = (struct saml_settings){
		.entity_id = "",
		.key = forge_file(w, "sp.key", 0600, w->sp.pem),
		.certificate = forge_file(w, "sp.crt", 0644, w->sp.certificate),
		.idps = {2, w->idps},
		.attribute_eppn = FORGE_EPPN,
		.attribute_mail = FORGE_MAIL,
		.attribute_name = names,
		.skew = 3 * MINUTE,
		.login_time = 15 * MINUTE,
		.logo = "",
		.contact_mail = "help@u.test",
		.organization_ja = "",
		.organization_en = "",
	};
	return w;
}

struct forge_world *forge_world(void)
{
	static struct forge_world *w;

	if (!w)
		w = world_make();
	return w;
}

struct saml_expected forge_expected(void)
{
	return (struct saml_expected){
		.request_id = FORGE_REQUEST, .idp = FORGE_IDP, .asked_at = FORGE_NOW - MINUTE};
}

const char *forge_value(struct arena *a, const char *text)
{
	return arena_printf(a, "<saml:AttributeValue>%s</saml:AttributeValue>", text);
}

const char *forge_replace(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	ASSERT(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

const char *forge_part(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *begin = strstr(text, from), *end = begin ? strstr(begin, to) : NULL;

	ASSERT(begin && end);
	return arena_stringn(a, begin, (size_t)(end - begin) + strlen(to));
}

const char *forge_repeat(struct arena *a, const char *text, size_t n)
{
	struct text t = text_new(a, n * strlen(text));

	for (size_t i = 0; i < n; i++)
		text_add(&t, text);
	return t.data;
}

struct forge forge_genuine(struct arena *a, const struct forge_world *w)
{
	const char *now = clock_rfc3339(a, FORGE_NOW), *soon = clock_rfc3339(a, FORGE_NOW + 5 * MINUTE);

	return (struct forge){
		.arena = a,
		.world = w,
		.response_id = "_response",
		.response_version = "2.0",
		.response_instant = now,
		.destination = FORGE_ACS,
		.in_response_to = FORGE_REQUEST,
		.response_issuer = FORGE_IDP,
		.status = "urn:oasis:names:tc:SAML:2.0:status:Success",
		.assertion = true,
		.assertion_id = "_assertion",
		.assertion_version = "2.0",
		.assertion_instant = now,
		.assertion_issuer = FORGE_IDP,
		.name_id = "_transient",
		.method = "urn:oasis:names:tc:SAML:2.0:cm:bearer",
		.recipient = FORGE_ACS,
		.confirmed_request = FORGE_REQUEST,
		.confirmed_until = soon,
		.subject = true,
		.conditions = true,
		.conditions_from = now,
		.conditions_until = soon,
		.audience = "<saml:AudienceRestriction><saml:Audience>" FORGE_SP
			    "</saml:Audience></saml:AudienceRestriction>",
		.authentication = arena_printf(a,
			"<saml:AuthnStatement AuthnInstant=\"%s\" SessionIndex=\"_session\"><saml:AuthnContext><saml:AuthnContextClassRef>"
			"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>"
			"</saml:AuthnStatement>",
			now),
		.eppn = forge_value(a, "Taro@" FORGE_SCOPE),
		.mail = forge_value(a, "taro@mail." FORGE_SCOPE),
		.name = forge_value(a, "Taro Yamada"),
		.ja_name = forge_value(a, "山田 太郎"),
		.sign_assertion = &w->idp,
		.signature_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		.digest_method = XENC "sha256",
		.canonicalization = EXCLUSIVE,
		.transforms = "<ds:Transform Algorithm=\"" DSIG
			      "enveloped-signature\"/><ds:Transform Algorithm=\"" EXCLUSIVE "\"/>",
		.transport = XENC "rsa-oaep-mgf1p",
	};
}

/* NAME="value" with a blank in front; nothing for NULL. */
static const char *attribute(struct arena *a, const char *name, const char *value)
{
	return value ? arena_printf(a, " %s=\"%s\"", name, value) : "";
}

static const char *or_nothing(const char *s)
{
	return s ? s : "";
}

static const char *signature_template(struct forge *f, const char *id, const struct forge_key *key)
{
	if (!key)
		return "";
	return arena_printf(f->arena,
		"<ds:Signature xmlns:ds=\"" DSIG
		"\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"%s\"/>"
		"<ds:SignatureMethod Algorithm=\"%s\"/><ds:Reference URI=\"#%s\"><ds:Transforms>%s</ds:Transforms>"
		"<ds:DigestMethod Algorithm=\"%s\"/><ds:DigestValue/></ds:Reference>%s</ds:SignedInfo><ds:SignatureValue/>"
		"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
		f->canonicalization, f->signature_method, or_nothing(id), f->transforms, f->digest_method,
		or_nothing(f->references), key->base64);
}

static xmlSecKeyPtr key_load(const char *pem, xmlSecKeyDataFormat format)
{
	xmlSecKeyPtr key = xmlSecCryptoAppKeyLoadMemory(
		(const xmlSecByte *)pem, (xmlSecSize)strlen(pem), format, NULL, NULL, NULL);

	ASSERT(key);
	return key;
}

static void note_ids(xmlDoc *doc, xmlNode *node)
{
	for (; node; node = node->next) {
		xmlAttr *id = node->type == XML_ELEMENT_NODE ? xmlHasProp(node, (const xmlChar *)"ID") : NULL;

		if (id && id->children && id->children->content)
			xmlAddID(NULL, doc, id->children->content, id);
		note_ids(doc, node->children);
	}
}

/* Fills the signature that stands as child of the root; the text keeps its declaration away. */
static const char *sign(struct arena *a, const char *xml, const struct forge_key *key)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
	ASSERT(doc);
	xmlNode *root = xmlDocGetRootElement(doc),
		*signature = xmlSecFindChild(root, xmlSecNodeSignature, xmlSecDSigNs);
	xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
	xmlBuffer *out = xmlBufferCreate();

	note_ids(doc, root);
	context->signKey = key_load(key->pem, xmlSecKeyDataFormatPem);
	ASSERT(signature && xmlSecDSigCtxSign(context, signature) == 0);
	ASSERT(xmlNodeDump(out, doc, root, 0, 0) > 0);
	const char *text = arena_string(a, (const char *)xmlBufferContent(out));
	xmlBufferFree(out);
	xmlSecDSigCtxDestroy(context);
	xmlFreeDoc(doc);
	return text;
}

static const char *encrypt_data(
	struct arena *a, const char *plain, const char *template, const struct forge_key *recipient)
{
	xmlDoc *doc = xmlReadMemory(template, (int)strlen(template), NULL, NULL, XML_PARSE_NONET);
	xmlSecKeysMngrPtr keys = xmlSecKeysMngrCreate();
	xmlBuffer *out = xmlBufferCreate();

	ASSERT(doc && keys && xmlSecCryptoAppDefaultKeysMngrInit(keys) == 0);
	ASSERT(xmlSecCryptoAppDefaultKeysMngrAdoptKey(
		       keys, key_load(recipient->certificate, xmlSecKeyDataFormatCertPem)) == 0);
	xmlSecEncCtxPtr context = xmlSecEncCtxCreate(keys);
	bool des = strstr(template, "tripledes");
	context->encKey = des ? xmlSecKeyGenerate(xmlSecKeyDataDesId, 192, xmlSecKeyDataTypeSession)
			      : xmlSecKeyGenerate(xmlSecKeyDataAesId, strstr(template, "aes256") ? 256 : 128,
					xmlSecKeyDataTypeSession);
	ASSERT(xmlSecEncCtxBinaryEncrypt(context, xmlDocGetRootElement(doc), (const xmlSecByte *)plain,
		       (xmlSecSize)strlen(plain)) == 0);
	xmlNodeDump(out, doc, xmlDocGetRootElement(doc), 0, 0);
	const char *text = arena_string(a, (const char *)xmlBufferContent(out));
	xmlBufferFree(out);
	xmlSecEncCtxDestroy(context);
	xmlSecKeysMngrDestroy(keys);
	xmlFreeDoc(doc);
	return text;
}

static const char *encrypt(struct forge *f, const char *plain)
{
	const char *template = arena_printf(f->arena,
		"<xenc:EncryptedData xmlns:xenc=\"" XENC "\" xmlns:ds=\"" DSIG "\" Type=\"" XENC "Element\">"
		"<xenc:EncryptionMethod Algorithm=\"%s\"/><ds:KeyInfo><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"%s\"/>"
		"<ds:KeyInfo/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
		"<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>",
		f->encryption, f->transport);

	return arena_printf(f->arena,
		"<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">%s</saml:EncryptedAssertion>",
		encrypt_data(f->arena, plain, template, &f->world->sp));
}

static const char *one_attribute(struct arena *a, const char *name, const char *values)
{
	if (!values)
		return "";
	return arena_printf(a,
		"<saml:Attribute Name=\"%s\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\">%s</saml:Attribute>",
		name, values);
}

static const char *conditions_xml(struct forge *f)
{
	struct arena *a = f->arena;

	if (!f->conditions)
		return "";
	return arena_printf(a, "<saml:Conditions%s%s>%s</saml:Conditions>",
		attribute(a, "NotBefore", f->conditions_from),
		attribute(a, "NotOnOrAfter", f->conditions_until), or_nothing(f->audience));
}

static const char *subject_xml(struct forge *f)
{
	struct arena *a = f->arena;

	if (!f->subject)
		return "";
	return arena_printf(a,
		"<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">%s</saml:NameID>"
		"<saml:SubjectConfirmation%s><saml:SubjectConfirmationData%s%s%s%s/></saml:SubjectConfirmation></saml:Subject>",
		f->name_id, attribute(a, "Method", f->method), attribute(a, "Recipient", f->recipient),
		attribute(a, "InResponseTo", f->confirmed_request),
		attribute(a, "NotBefore", f->confirmed_from),
		attribute(a, "NotOnOrAfter", f->confirmed_until));
}

static const char *assertion_xml(struct forge *f)
{
	struct arena *a = f->arena;
	const char *xml = arena_printf(a,
		"<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"%s%s%s><saml:Issuer>%s</saml:Issuer>%s"
		"%s%s%s<saml:AttributeStatement>%s%s%s%s%s</saml:AttributeStatement></saml:Assertion>",
		attribute(a, "ID", f->assertion_id), attribute(a, "Version", f->assertion_version),
		attribute(a, "IssueInstant", f->assertion_instant), f->assertion_issuer,
		signature_template(f, f->assertion_id, f->sign_assertion), subject_xml(f), conditions_xml(f),
		or_nothing(f->authentication), one_attribute(a, FORGE_EPPN, f->eppn),
		one_attribute(a, FORGE_MAIL, f->mail), one_attribute(a, FORGE_NAME, f->name),
		one_attribute(a, FORGE_JA_NAME, f->ja_name), or_nothing(f->attributes));

	if (f->sign_assertion)
		xml = sign(a, xml, f->sign_assertion);
	if (f->alter_assertion)
		xml = f->alter_assertion(f, xml);
	return f->encryption ? encrypt(f, xml) : xml;
}

const char *forge_xml(struct forge *f)
{
	struct arena *a = f->arena;
	const char *issuer =
		f->response_issuer
			? arena_printf(a,
				  "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">%s"
				  "</saml:Issuer>",
				  f->response_issuer)
			: "";
	const char *xml = arena_printf(a,
		"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"%s%s%s%s%s>%s%s%s"
		"<samlp:Status><samlp:StatusCode%s/></samlp:Status>%s%s</samlp:Response>",
		attribute(a, "ID", f->response_id), attribute(a, "Version", f->response_version),
		attribute(a, "IssueInstant", f->response_instant),
		attribute(a, "Destination", f->destination), attribute(a, "InResponseTo", f->in_response_to),
		issuer, signature_template(f, f->response_id, f->sign_response), or_nothing(f->extensions),
		attribute(a, "Value", f->status), f->assertion ? assertion_xml(f) : "",
		or_nothing(f->beside));

	if (f->sign_response)
		xml = sign(a, xml, f->sign_response);
	if (f->prolog)
		xml = arena_printf(a, "%s%s", f->prolog, xml);
	return f->alter_response ? f->alter_response(f, xml) : xml;
}

const char *forge_message(struct forge *f)
{
	return text_base64(f->arena, bytes_string(forge_xml(f)));
}
