/* Responses built to get past a service provider: weak algorithms, XML that hides or explodes, wrapped signatures. Each is refused by the
 * check that is meant for it, quickly, and its genuine twin is not. */
#include "support/check.h"
#include "support/saml_judge.h"

#define SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define XENC11 "http://www.w3.org/2009/xmlenc11#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

/* Algorithms */
SET(rsa_sha1, signature_method, DSIG "rsa-sha1")
SET(digest_sha1, digest_method, DSIG "sha1")
SET(canonical_inclusive, canonicalization, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
SET(transform_inclusive, transforms,
	"<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/>"
	"<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>")
SET(transform_xpath, transforms,
	"<ds:Transform Algorithm=\"" DSIG
	"enveloped-signature\"/><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
	"<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>")
static void encrypted_gcm(struct forge *f)
{
	f->encryption = XENC11 "aes256-gcm";
}
static void encrypted_cbc(struct forge *f)
{
	f->encryption = XENC "aes128-cbc";
}
SET(encrypted_3des, encryption, XENC "tripledes-cbc")
static void transport_1_5(struct forge *f)
{
	encrypted_gcm(f);
	f->transport = XENC "rsa-1_5";
}
static void encrypted_sha1_inside(struct forge *f)
{
	encrypted_gcm(f);
	rsa_sha1(f);
}
static const char *hmac(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, MORE "rsa-sha256", MORE "hmac-sha256");
}
static void alter_hmac(struct forge *f)
{
	f->alter_assertion = hmac;
}
/* xmlsec reads an attribute by its local name: of two it could take either. */
static const char *algorithm_twice(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<ds:SignatureMethod Algorithm=",
		"<ds:SignatureMethod xmlns:x=\"urn:x\" x:Algorithm=\"" DSIG "rsa-sha1\" Algorithm=");
}
static void alter_algorithm_twice(struct forge *f)
{
	f->alter_assertion = algorithm_twice;
}

/* XML that hides, or explodes */
static const char *comment_in_eppn(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro@" FORGE_SCOPE, "Taro@" FORGE_SCOPE "<!-- -->.evil.test");
}
static void alter_comment(struct forge *f)
{
	f->alter_assertion = comment_in_eppn;
}
/* The attack: the IdP signs taro@u.test.evil.test for an honest owner of that name; the comment cuts it, and the signature stays good. */
static void genuine_but_longer(struct forge *f)
{
	f->eppn = forge_value(f->arena, "taro@" FORGE_SCOPE ".evil.test");
	f->alter_assertion = NULL;
}
static const char *cdata_in_eppn(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro@", "<![CDATA[Taro]]>@");
}
static void alter_cdata(struct forge *f)
{
	f->alter_assertion = cdata_in_eppn;
}
static const char *instruction(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro@", "Taro<?x y?>@");
}
static void alter_instruction(struct forge *f)
{
	f->alter_assertion = instruction;
}
SET(doctype, prolog, "<!DOCTYPE r [<!ELEMENT r ANY>]>")
SET(xxe, prolog, "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>")
SET(external_dtd, prolog, "<!DOCTYPE r SYSTEM \"http://127.0.0.1:9/x.dtd\">")
SET(laughs, prolog,
	"<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;\">]>")
SET(other_encoding, prolog, "<?xml version=\"1.0\" encoding=\"ISO-2022-JP\"?>")
SET(declared_utf8, prolog, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
static const char *entity(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro@", "&taro;@");
}
static void alter_entity(struct forge *f)
{
	f->alter_response = entity;
}
static const char *latin1(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro Yamada", "Tar\xf4 Yamada");
}
static void alter_latin1(struct forge *f)
{
	f->alter_response = latin1;
}
static const char *truncated(struct forge *f, const char *xml)
{
	return arena_stringn(f->arena, xml, strlen(xml) - 3);
}
static void alter_truncated(struct forge *f)
{
	f->alter_response = truncated;
}
static const char *unbound(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<saml:Subject>", "<saml:Subject x:y=\"z\">");
}
static void alter_unbound(struct forge *f)
{
	f->alter_response = unbound;
}
static void elements_40000(struct forge *f)
{
	f->extensions = arena_printf(
		f->arena, "<samlp:Extensions>%s</samlp:Extensions>", forge_repeat(f->arena, "<a/>", 40000));
}
static void elements_25000(struct forge *f)
{
	f->extensions = arena_printf(
		f->arena, "<samlp:Extensions>%s</samlp:Extensions>", forge_repeat(f->arena, "<a/>", 25000));
}
static void elements_hidden(struct forge *f)
{
	encrypted_gcm(f);
	f->attributes = forge_repeat(f->arena, "<a/>", 15000);
}
static void attributes_20000(struct forge *f)
{
	struct text t = text_new(f->arena, 1 << 20);

	for (int i = 0; t.len < 100000; i++)
		text_addf(&t, " a%x=\"\"", (unsigned)i);
	f->extensions = arena_printf(f->arena, "<samlp:Extensions><a%s/></samlp:Extensions>", t.data);
}
static void depth_40(struct forge *f)
{
	f->extensions = arena_printf(f->arena, "<samlp:Extensions>%s%s</samlp:Extensions>",
		forge_repeat(f->arena, "<a>", 40), forge_repeat(f->arena, "</a>", 40));
}
static void oversize(struct forge *f)
{
	f->attributes = arena_printf(f->arena, "<saml:Attribute Name=\"x\">%s</saml:Attribute>",
		forge_value(f->arena, forge_repeat(f->arena, "A", 140000)));
}
static void harmless_extension(struct forge *f)
{
	f->extensions = "<samlp:Extensions><x:a xmlns:x=\"urn:x\">b</x:a></samlp:Extensions>";
}
static const char *soap(struct forge *f, const char *xml)
{
	return arena_printf(f->arena,
		"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>%s</s:Body></s:Envelope>",
		xml);
}
static void alter_soap(struct forge *f)
{
	f->alter_response = soap;
}
static void hidden_comment(struct forge *f)
{
	encrypted_gcm(f);
	alter_comment(f);
}
static const char *two_hidden(struct forge *f, const char *xml)
{
	return arena_printf(f->arena, "%s%s", xml, xml);
}
static void alter_two_hidden(struct forge *f)
{
	encrypted_gcm(f);
	f->alter_assertion = two_hidden;
}
static const char *garbled(struct forge *f, const char *xml)
{
	const char *data = strstr(strstr(xml, "</xenc:EncryptedKey>"), "<xenc:CipherValue>") + 40;
	char *copy = arena_string(f->arena, xml);

	copy[data - xml] = copy[data - xml] == 'A' ? 'B' : 'A';
	return copy;
}
static void alter_garbled(struct forge *f)
{
	encrypted_gcm(f);
	f->alter_response = garbled;
}
static void alter_garbled_cbc(struct forge *f)
{
	encrypted_cbc(f);
	f->alter_response = garbled;
}
static const char *fetched(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "</xenc:EncryptedKey>",
		"</xenc:EncryptedKey><ds:RetrievalMethod xmlns:ds=\"" DSIG "\" URI=\"file:///etc/passwd\"/>");
}
static void alter_fetched(struct forge *f)
{
	encrypted_gcm(f);
	f->alter_response = fetched;
}

/* How many assertions */
SET(no_assertion, assertion, false)
SET(second_assertion, beside, "<saml:Assertion xmlns:saml=\"" SAML "\" ID=\"_second\"/>")
SET(second_encrypted, beside, "<saml:EncryptedAssertion xmlns:saml=\"" SAML "\"/>")
static const char *twin(struct forge *f, const char *xml)
{
	return arena_printf(f->arena, "%s%s", xml,
		forge_replace(f->arena, forge_replace(f->arena, xml, "ID=\"_assertion\"", "ID=\"_twin\""),
			"Taro@", "jiro@"));
}
static void alter_twin(struct forge *f)
{
	f->sign_response = &f->world->idp;
	f->sign_assertion = NULL;
	f->alter_assertion = twin;
}

/* Signature wrapping, XSW 1 to 8 as in "On Breaking SAML" (Somorovsky et al., 2012), and relatives. evil() is the assertion that the
 * attacker wants to be read. */
static const char *evil(struct forge *f, const char *assertion, const char *id)
{
	const char *bare = forge_replace(
		f->arena, assertion, forge_part(f->arena, assertion, "<ds:Signature", "</ds:Signature>"), "");

	return forge_replace(f->arena, forge_replace(f->arena, bare, "Taro@", "jiro@"), "ID=\"_assertion\"",
		arena_printf(f->arena, "ID=\"%s\"", id));
}
static const char *the_assertion(struct forge *f, const char *xml)
{
	return forge_part(f->arena, xml, "<saml:Assertion ", "</saml:Assertion>");
}
static const char *the_signature(struct forge *f, const char *xml)
{
	return forge_part(f->arena, xml, "<ds:Signature", "</ds:Signature>");
}
/* XSW1, 2: the whole genuine response is moved into (1) or beside (2) the signature of an evil one. */
static const char *wrap_response(struct forge *f, const char *xml, bool inside)
{
	const char *signature = the_signature(f, xml), *bare = forge_replace(f->arena, xml, signature, "");
	const char *other = forge_replace(
		f->arena, forge_replace(f->arena, bare, "_response", "_evil"), "Taro@", "jiro@");
	const char *kept =
		inside ? forge_replace(f->arena, signature, "</ds:Signature>",
				 arena_printf(f->arena, "<ds:Object>%s</ds:Object></ds:Signature>", bare))
		       : arena_printf(f->arena, "%s%s", bare, signature);

	return forge_replace(
		f->arena, other, "<samlp:Status>", arena_printf(f->arena, "%s<samlp:Status>", kept));
}
static const char *xsw1(struct forge *f, const char *xml)
{
	return wrap_response(f, xml, true);
}
static const char *xsw2(struct forge *f, const char *xml)
{
	return wrap_response(f, xml, false);
}
static const char *xsw3(struct forge *f, const char *xml) /* evil assertion before the genuine one */
{
	const char *good = the_assertion(f, xml);

	return forge_replace(
		f->arena, xml, good, arena_printf(f->arena, "%s%s", evil(f, good, "_evil"), good));
}
static const char *xsw4(struct forge *f, const char *xml) /* the genuine one inside the evil one */
{
	const char *good = the_assertion(f, xml);

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_evil"), "</saml:Assertion>",
			arena_printf(f->arena, "%s</saml:Assertion>", good)));
}
static const char *xsw5(struct forge *f,
	const char *xml) /* the evil one carries the signature, the genuine one stands behind */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *bad = forge_replace(f->arena, evil(f, good, "_evil"), "<saml:Subject>",
		arena_printf(f->arena, "%s<saml:Subject>", signature));

	return forge_replace(f->arena, xml, good,
		arena_printf(f->arena, "%s%s", bad, forge_replace(f->arena, good, signature, "")));
}
static const char *xsw6(struct forge *f, const char *xml) /* as 5, the genuine one inside the signature */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *full = forge_replace(f->arena, signature, "</ds:Signature>",
		arena_printf(f->arena, "%s</ds:Signature>", forge_replace(f->arena, good, signature, "")));

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_evil"), "<saml:Subject>",
			arena_printf(f->arena, "%s<saml:Subject>", full)));
}
static const char *xsw7(struct forge *f, const char *xml) /* the evil one in Extensions, of the same ID */
{
	const char *good = the_assertion(f, xml);

	return forge_replace(f->arena, xml, "<samlp:Status>",
		arena_printf(f->arena, "<samlp:Extensions>%s</samlp:Extensions><samlp:Status>",
			evil(f, good, "_assertion")));
}
static const char *xsw8(
	struct forge *f, const char *xml) /* the genuine one in an Object of the evil one's signature */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *full = forge_replace(f->arena, signature, "</ds:Signature>",
		arena_printf(f->arena, "<ds:Object>%s</ds:Object></ds:Signature>",
			forge_replace(f->arena, good, signature, "")));

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_assertion"), "<saml:Subject>",
			arena_printf(f->arena, "%s<saml:Subject>", full)));
}
static const char *id_twice(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<saml:Subject>", "<saml:Subject Id=\"_assertion\">");
}
static const char *signed_elsewhere(
	struct forge *f, const char *xml) /* the response's signature signs the assertion */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *moved = forge_replace(f->arena, xml, signature, "");

	return forge_replace(
		f->arena, moved, "<samlp:Status>", arena_printf(f->arena, "%s<samlp:Status>", signature));
}
static const char *empty_reference(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "URI=\"#_assertion\"", "URI=\"\"");
}
static const char *forged_eppn(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "Taro@", "jiro@");
}
static const char *signature_cut(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, the_signature(f, xml), "");
}
#define ALTER(name)                                                                                          \
	static void alter_##name(struct forge *f)                                                            \
	{                                                                                                    \
		f->alter_response = name;                                                                    \
	}
ALTER(xsw3)
ALTER(xsw4)
ALTER(xsw5)
ALTER(xsw6)
ALTER(xsw7)
ALTER(xsw8)
ALTER(id_twice)
ALTER(signed_elsewhere)
ALTER(empty_reference)
ALTER(forged_eppn)
ALTER(signature_cut)
static void response_signed(struct forge *f)
{
	f->sign_assertion = NULL;
	f->sign_response = &f->world->idp;
}
static void alter_xsw1(struct forge *f)
{
	response_signed(f);
	f->alter_response = xsw1;
}
static void alter_xsw2(struct forge *f)
{
	response_signed(f);
	f->alter_response = xsw2;
}
static void alter_forged_response(struct forge *f)
{
	response_signed(f);
	f->alter_response = forged_eppn;
}
/* lasso compares only the first of several references with what it takes for signed. */
SET(second_reference, references,
	"<ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"" DSIG
	"enveloped-signature\"/></ds:Transforms>"
	"<ds:DigestMethod Algorithm=\"" XENC "sha256\"/><ds:DigestValue/></ds:Reference>")
static void both_signed(struct forge *f)
{
	f->sign_response = &f->world->idp;
}
static void both_signed_encrypted(struct forge *f)
{
	both_signed(f);
	encrypted_cbc(f);
}
static void encrypted_in_signed(struct forge *f)
{
	response_signed(f);
	encrypted_gcm(f);
}
/* As Shibboleth writes them: types of values, a list of prefixes for canonicalization, a digest inside OAEP, an address. */
#define TYPED(text)                                                                                                                   \
	"<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"" \
	" xsi:type=\"xsd:string\">" text "</saml:AttributeValue>"
static const char *oaep_digest(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<xenc:EncryptionMethod Algorithm=\"" XENC "rsa-oaep-mgf1p\"/>",
		"<xenc:EncryptionMethod Algorithm=\"" XENC
		"rsa-oaep-mgf1p\"><ds:DigestMethod Algorithm=\"" DSIG "sha1\"/></xenc:EncryptionMethod>");
}
static void as_shibboleth(struct forge *f)
{
	encrypted_gcm(f);
	f->sign_response = NULL;
	f->alter_response = oaep_digest;
	f->eppn = TYPED("taro@" FORGE_SCOPE);
	f->mail = TYPED("taro@" FORGE_SCOPE);
	f->ja_name = TYPED("山田 太郎");
	f->transforms =
		"<ds:Transform Algorithm=\"" DSIG
		"enveloped-signature\"/><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">"
		"<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xsd\"/></ds:Transform>";
	f->authentication = forge_replace(f->arena, f->authentication, "<saml:AuthnContext>",
		"<saml:SubjectLocality Address=\"192.0.2.1\"/><saml:AuthnContext>");
}
static void sha512(struct forge *f)
{
	f->signature_method = MORE "rsa-sha512";
	f->digest_method = XENC "sha512";
}

/* Shapes that no IdP makes */
SET(not_by_the_schema, beside, "<samlp:Status/>")
SET(algorithm_in_extension, extensions,
	"<samlp:Extensions><x:a xmlns:x=\"urn:x\" Algorithm=\"urn:y\"/></samlp:Extensions>")
SET(id_empty, extensions, "<samlp:Extensions><x:a xmlns:x=\"urn:x\" ID=\"\"/></samlp:Extensions>")
SET(id_long, extensions,
	arena_printf(f->arena, "<samlp:Extensions><x:a xmlns:x=\"urn:x\" ID=\"%s\"/></samlp:Extensions>",
		forge_repeat(f->arena, "a", 300)))
static const char *other_root(struct forge *f, const char *xml)
{
	return "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
}
ALTER(other_root)
static const char *two_keys(struct forge *f, const char *xml)
{
	const char *key = forge_part(f->arena, xml, "<xenc:EncryptedKey", "</xenc:EncryptedKey>");

	return forge_replace(f->arena, xml, "</xenc:EncryptedData>",
		arena_printf(f->arena,
			"</xenc:EncryptedData><xenc:EncryptedKey xmlns:xenc=\"" XENC "\" xmlns:ds=\"" DSIG
			"\"%s",
			key + strlen("<xenc:EncryptedKey")));
}
static void alter_two_keys(struct forge *f)
{
	encrypted_gcm(f);
	f->alter_response = two_keys;
}
static const char *empty_signature(struct forge *f, const char *xml)
{
	return forge_replace(
		f->arena, xml, "<samlp:Status>", "<ds:Signature xmlns:ds=\"" DSIG "\"/><samlp:Status>");
}
ALTER(empty_signature)
static const char *half_signature(struct forge *f, const char *xml)
{
	return forge_replace(
		f->arena, xml, forge_part(f->arena, xml, "<ds:SignatureMethod", "rsa-sha256\"/>"), "");
}
ALTER(half_signature)
static const char *no_transforms(struct forge *f, const char *xml)
{
	return forge_replace(
		f->arena, xml, forge_part(f->arena, xml, "<ds:Transforms>", "</ds:Transforms>"), "");
}
ALTER(no_transforms)
static const char *no_encryption_method(struct forge *f, const char *xml)
{
	return forge_replace(
		f->arena, xml, forge_part(f->arena, xml, "<xenc:EncryptionMethod", "aes256-gcm\"/>"), "");
}
static void alter_no_encryption_method(struct forge *f)
{
	encrypted_gcm(f);
	f->alter_response = no_encryption_method;
}

/* clang-format off */
static const struct hostile table[] = {
	{NULL, "as it is", NULL},
	CASE(NULL, response_signed), CASE(NULL, both_signed), CASE(NULL, both_signed_encrypted),
	CASE(NULL, encrypted_in_signed), CASE(NULL, encrypted_gcm), CASE(NULL, encrypted_cbc), CASE(NULL, sha512),
	CASE(NULL, as_shibboleth), CASE(NULL, declared_utf8), CASE(NULL, harmless_extension),

	CASE("message", not_by_the_schema), CASE("algorithm", algorithm_in_extension), CASE("structure", id_empty),
	CASE("structure", id_long), CASE("structure", alter_other_root), CASE("structure", alter_two_keys),
	CASE("structure", alter_empty_signature), CASE("structure", alter_half_signature),
	CASE("structure", alter_no_transforms), CASE("algorithm", alter_no_encryption_method),
	CASE("algorithm", rsa_sha1), CASE("algorithm", digest_sha1), CASE("algorithm", canonical_inclusive),
	CASE("algorithm", transform_inclusive), CASE("algorithm", transform_xpath), CASE("algorithm", encrypted_3des),
	CASE("algorithm", transport_1_5), CASE("decryption", encrypted_sha1_inside), CASE("algorithm", alter_hmac),
	CASE("structure", alter_algorithm_twice), CASE("comment", alter_comment), CASE("scope", genuine_but_longer),
	CASE("cdata", alter_cdata), CASE("instruction", alter_instruction), CASE("doctype", doctype), CASE("doctype", xxe),
	CASE("doctype", external_dtd), CASE("doctype", laughs), CASE("encoding", other_encoding),
	CASE("encoding", alter_latin1), CASE("entity", alter_entity), CASE("xml", alter_truncated),
	CASE("xml", alter_unbound), CASE("size", elements_40000), CASE("nodes", elements_25000),
	CASE("decryption", elements_hidden), CASE("nodes", attributes_20000), CASE("depth", depth_40),
	CASE("size", oversize), CASE("structure", alter_soap), CASE("decryption", hidden_comment),
	CASE("decryption", alter_two_hidden), CASE("decryption", alter_garbled), CASE("decryption", alter_garbled_cbc),
	CASE("structure", alter_fetched), CASE("assertions", no_assertion), CASE("assertions", second_assertion),
	CASE("assertions", second_encrypted), CASE("assertions", alter_twin), CASE("structure", alter_xsw1),
	CASE("structure", alter_xsw2), CASE("assertions", alter_xsw3), CASE("structure", alter_xsw4),
	CASE("structure", alter_xsw5), CASE("structure", alter_xsw6), CASE("structure", alter_xsw7),
	CASE("structure", alter_xsw8), CASE("structure", alter_id_twice), CASE("structure", alter_signed_elsewhere),
	CASE("structure", alter_empty_reference), CASE("signature", alter_forged_eppn),
	CASE("signature", alter_forged_response), CASE("unsigned", alter_signature_cut),
	CASE("structure", second_reference),
};
/* clang-format on */

static void each_is_refused_by_its_check(void **state)
{
	assert_int_equal(judge_all(table, COUNT_OF(table)), 0);
}

static void not_base64(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	const char *good = forge_message(&f), *check;
	struct saml_login login;

	check_status(judge_consume(a, forge_xml(&f), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(judge_consume(a, arena_printf(a, "%s*", good), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(judge_consume(a, "", &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(judge_consume(a, forge_repeat(a, "QUFB", 100000), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "size");
	check_status(judge_consume(a, "AAAA", &login, &check), STATUS_DENIED);
	assert_string_equal(check, "encoding");
	/* Line ends are allowed: some IdPs send them. */
	struct text t = text_new(a, 1 << 20);
	for (size_t i = 0; i < strlen(good); i += 76)
		text_addf(&t, "%.76s\r\n", good + i);
	check_ok(judge_consume(a, t.data, &login, &check));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_refused_by_its_check),
		cmocka_unit_test(not_base64),
	};

	return cmocka_run_group_tests(tests, judge_setup, judge_teardown);
}
