/* Proves at start that signatures are really verified: a variable in the environment, or a library built in another way, would turn
 * verification off without a word. */
#include "saml/self_test.h"

#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include "saml/response.h"
#include "saml/xml.h"

#define SELF "urn:inkan:self-test"

/* %s: our certificate. */
static const char metadata_format[] =
	"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"" SELF "\">"
	"<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">"
	"<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>"
	"<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
	"<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://self.test.invalid/\"/>"
	"</md:IDPSSODescriptor></md:EntityDescriptor>";

static const char response_text[] =
	"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\""
	" ID=\"_r\" Version=\"2.0\" IssueInstant=\"2020-01-01T00:00:00Z\"><saml:Issuer>" SELF "</saml:Issuer>"
	"<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>"
	"<saml:Assertion ID=\"_a\" Version=\"2.0\" IssueInstant=\"2020-01-01T00:00:00Z\"><saml:Issuer>" SELF
	"</saml:Issuer>"
	"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
	"<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>"
	"<ds:Reference URI=\"#_a\"><ds:Transforms>"
	"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"
	"<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>"
	"<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>"
	"<ds:SignatureValue/></ds:Signature>"
	"<saml:Subject><saml:NameID>genuine</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>";

/* Puts the signature into the document. */
static bool sign(xmlDoc *doc, const struct federation_self *self)
{
	const char *saml = "urn:oasis:names:tc:SAML:2.0:assertion";
	xmlNode *assertion = xml_next(xmlDocGetRootElement(doc)->children, saml, "Assertion");
	xmlNode *signature = xml_next(assertion->children, "http://www.w3.org/2000/09/xmldsig#", "Signature");
	xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
	bool done;

	ASSERT(context);
	xmlAddID(NULL, doc, (const xmlChar *)"_a", xmlHasProp(assertion, (const xmlChar *)"ID"));
	context->signKey = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)self->key,
		(xmlSecSize)strlen(self->key), xmlSecKeyDataFormatPem, NULL, NULL, NULL);
	done = context->signKey && xmlSecDSigCtxSign(context, signature) == 0;
	xmlSecDSigCtxDestroy(context);
	return done;
}

static char *replace(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	ASSERT(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static char *without_signature(struct arena *a, const char *text)
{
	const char *begin = strstr(text, "<ds:Signature "), *end = strstr(text, "</ds:Signature>");

	ASSERT(begin && end);
	return arena_printf(a, "%.*s%s", (int)(begin - text), text, end + strlen("</ds:Signature>"));
}

static enum status verify(struct arena *a, LassoServer *server, const char *text)
{
	LassoLogin *login;
	const char *check;

	return response_verify(a, server, bytes_string(text), &login, &check);
}

static enum status run(struct arena *a, const struct federation_self *self, const char *certificate_base64)
{
	LassoServer *server;
	xmlDoc *doc;
	xmlChar *dump = NULL;
	int len = 0;
	enum status s = federation_server(
		a, self, SELF, arena_printf(a, metadata_format, certificate_base64), &server);

	if (s)
		return s;
	if ((s = xml_parse(a, "self-test", bytes_string(response_text), &doc)))
		return s;
	if (!sign(doc, self))
		return cause(STATUS_INTERNAL, "SAML self-test: a message cannot be signed with our key");
	xmlDocDumpMemory(doc, &dump, &len);
	const char *genuine = arena_stringn(a, (const char *)dump, (size_t)len);
	xmlFree(dump);
	if (verify(a, server, genuine))
		return cause(STATUS_INTERNAL, "SAML self-test: a genuine signature is refused (%s)",
			arena_string(a, cause_text()));
	if (!verify(a, server, replace(a, genuine, ">genuine<", ">forged<")))
		return cause(STATUS_INTERNAL,
			"SAML self-test: a tampered message is accepted; signatures are not verified here");
	if (!verify(a, server, without_signature(a, genuine)))
		return cause(STATUS_INTERNAL,
			"SAML self-test: an unsigned message is accepted; signatures are not verified here");
	return STATUS_OK;
}

enum status self_test(const struct federation_self *self, const char *certificate_base64)
{
	struct arena *a = arena_new();
	enum status s = run(a, self, certificate_base64);

	arena_free(a);
	if (!s)
		cause_clear();
	return s;
}
