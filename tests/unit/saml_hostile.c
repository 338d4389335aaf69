/* Responses that are wrong in exactly one way: each is refused by the check that is meant for it, quickly, and its genuine twin is not. */
#include "support/check.h"
#include "support/saml_forge.h"

#define REFUSAL_MAX 50 /* ms of this thread's CPU time, under a sanitizer; the widely used service providers took 2 to 100 and, at worst, 4,500 */

#define SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define XENC11 "http://www.w3.org/2009/xmlenc11#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

#define SET(name, field, value)                                                                                \
	static void name(struct forge *f)                                                                      \
	{                                                                                                      \
		f->field = value;                                                                              \
	}
#define NOTHING NULL

/* Time */
static const char *at(struct forge *f, when offset)
{
	return clock_rfc3339(f->arena, FORGE_NOW + offset);
}
SET(issued_in_future, assertion_instant, at(f, 4 * MINUTE))
SET(issued_before_request, assertion_instant, at(f, -5 * MINUTE))
SET(issued_never, assertion_instant, NOTHING)
SET(issued_never_response, response_instant, NOTHING)
SET(issued_in_future_response, response_instant, at(f, 4 * MINUTE))
SET(expired_conditions, conditions_until, at(f, -4 * MINUTE))
SET(expired_confirmation, confirmed_until, at(f, -4 * MINUTE))
SET(not_yet_valid, conditions_from, at(f, 4 * MINUTE))
SET(no_time_at_all, conditions_until, "tomorrow")
SET(just_expired, conditions_until, at(f, -2 * MINUTE))
SET(just_not_valid, conditions_from, at(f, 2 * MINUTE))
SET(confirmation_with_start, confirmed_from, at(f, -MINUTE))
SET(confirmation_without_end, confirmed_until, NOTHING)
SET(conditions_without_start, conditions_from, NOTHING)
SET(conditions_without_end, conditions_until, NOTHING)

/* For whom, in answer to what */
SET(no_conditions, conditions, false)
SET(no_audience, audience, "")
SET(wrong_audience, audience, "<saml:AudienceRestriction><saml:Audience>https://other.test/sp</saml:Audience></saml:AudienceRestriction>")
SET(unknown_condition, audience,
	"<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"urn:x\" xsi:type=\"x:Weather\"/>"
	"<saml:AudienceRestriction><saml:Audience>" FORGE_SP "</saml:Audience></saml:AudienceRestriction>")
SET(second_audience_wrong, audience,
	"<saml:AudienceRestriction><saml:Audience>" FORGE_SP "</saml:Audience></saml:AudienceRestriction>"
	"<saml:AudienceRestriction><saml:Audience>https://other.test/sp</saml:Audience></saml:AudienceRestriction>")
SET(wrong_destination, destination, "https://other.test/saml/acs")
SET(longer_destination, destination, FORGE_ACS "/x")
SET(no_destination, destination, NOTHING)
SET(wrong_recipient, recipient, "https://other.test/saml/acs")
SET(no_recipient, recipient, NOTHING)
SET(wrong_request, in_response_to, "_other")
SET(no_request, in_response_to, NOTHING)
SET(wrong_confirmed_request, confirmed_request, "_other")
SET(no_confirmed_request, confirmed_request, NOTHING)
SET(holder_of_key, method, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
SET(no_method, method, NOTHING)
SET(version_1_1, response_version, "1.1")
SET(assertion_version_1_1, assertion_version, "1.1")
SET(no_authentication, authentication, NOTHING)
SET(status_responder, status, "urn:oasis:names:tc:SAML:2.0:status:Responder")
SET(no_status, status, NOTHING)
static void session_over(struct forge *f)
{
	f->authentication = forge_replace(f->arena, f->authentication, " SessionIndex",
		arena_printf(f->arena, " SessionNotOnOrAfter=\"%s\" SessionIndex", at(f, -4 * MINUTE)));
}
static void authenticated_in_future(struct forge *f)
{
	f->authentication = forge_replace(f->arena, f->authentication, at(f, 0), at(f, 4 * MINUTE));
}
static void status_denied_without_assertion(struct forge *f)
{
	f->status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
	f->assertion = false;
}

/* Who says it */
static void another_known_idp(struct forge *f)
{
	f->response_issuer = f->assertion_issuer = FORGE_OTHER_IDP;
	f->sign_assertion = &f->world->other;
	f->eppn = forge_value(f->arena, "taro@other.test");
}
static void another_name_same_key(struct forge *f)
{
	f->response_issuer = f->assertion_issuer = "https://idp.unknown.test/";
}
SET(assertion_of_another, assertion_issuer, FORGE_OTHER_IDP)
SET(response_of_another, response_issuer, FORGE_OTHER_IDP)
SET(response_of_nobody, response_issuer, NOTHING)
SET(key_of_another, sign_assertion, &f->world->other)
SET(unsigned_response, sign_assertion, NULL)
static void response_signed_wrongly(struct forge *f)
{
	f->sign_response = &f->world->other;
}

/* Algorithms */
SET(rsa_sha1, signature_method, DSIG "rsa-sha1")
SET(digest_sha1, digest_method, DSIG "sha1")
SET(canonical_inclusive, canonicalization, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
SET(transform_inclusive, transforms,
	"<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/>"
	"<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>")
SET(transform_xpath, transforms,
	"<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
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
	f->extensions = arena_printf(f->arena, "<samlp:Extensions>%s</samlp:Extensions>", forge_repeat(f->arena, "<a/>", 40000));
}
static void elements_25000(struct forge *f)
{
	f->extensions = arena_printf(f->arena, "<samlp:Extensions>%s</samlp:Extensions>", forge_repeat(f->arena, "<a/>", 25000));
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
	f->extensions = arena_printf(f->arena, "<samlp:Extensions>%s%s</samlp:Extensions>", forge_repeat(f->arena, "<a>", 40),
		forge_repeat(f->arena, "</a>", 40));
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
		"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>%s</s:Body></s:Envelope>", xml);
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

/* Who the person is */
#define EPPN(name, text) SET(name, eppn, forge_value(f->arena, text))
EPPN(eppn_without_scope, "taro")
EPPN(eppn_empty_scope, "taro@")
EPPN(eppn_without_name, "@" FORGE_SCOPE)
EPPN(eppn_two_ats, "taro@x@" FORGE_SCOPE)
EPPN(eppn_parent, "taro@test")
EPPN(eppn_child, "taro@cs." FORGE_SCOPE)
EPPN(eppn_lookalike, "taro@evil-" FORGE_SCOPE)
EPPN(eppn_of_another_idp, "taro@other.test")
EPPN(eppn_newline, "taro&#10;@" FORGE_SCOPE)
EPPN(eppn_blank, "ta ro@" FORGE_SCOPE)
EPPN(eppn_invisible, "taro\xe2\x80\x8b@" FORGE_SCOPE)
EPPN(eppn_cyrillic, "t\xd0\xb0ro@" FORGE_SCOPE)
EPPN(eppn_empty, "")
EPPN(eppn_element, "<b xmlns=\"urn:x\">taro@" FORGE_SCOPE "</b>")
EPPN(eppn_mixed, "taro@" FORGE_SCOPE "<b xmlns=\"urn:x\"/>")
SET(eppn_5000, eppn, forge_value(f->arena, arena_printf(f->arena, "%s@" FORGE_SCOPE, forge_repeat(f->arena, "a", 5000))))
SET(eppn_missing, eppn, NOTHING)
SET(eppn_no_value, eppn, "")
SET(eppn_two_values, eppn,
	arena_printf(f->arena, "%s%s", forge_value(f->arena, "taro@" FORGE_SCOPE), forge_value(f->arena, "jiro@" FORGE_SCOPE)))
SET(eppn_twice, attributes,
	arena_printf(f->arena, "<saml:Attribute Name=\"" FORGE_EPPN "\">%s</saml:Attribute>", forge_value(f->arena, "jiro@" FORGE_SCOPE)))
SET(other_twice, attributes, "<saml:Attribute Name=\"x\"/><saml:Attribute Name=\"x\"/>")
SET(other_attributes, attributes, "<saml:Attribute Name=\"x\"/><saml:Attribute Name=\"y\"/>")
SET(encrypted_attribute, attributes, "<saml:EncryptedAttribute/>")
SET(mail_missing, mail, NOTHING)
SET(mail_two, mail, arena_printf(f->arena, "%s%s", forge_value(f->arena, "a@u.test"), forge_value(f->arena, "b@u.test")))
#define MAIL(name, text) SET(name, mail, forge_value(f->arena, text))
MAIL(mail_newline, "taro@u.test&#10;Bcc: x@y.test")
MAIL(mail_comma, "taro@u.test,jiro@u.test")
MAIL(mail_quoted, "&quot;taro yamada&quot;@u.test")
MAIL(mail_no_at, "taro")
MAIL(mail_dots, "taro..yamada@u.test")
MAIL(mail_hyphen, "taro@-u.test")
MAIL(mail_angle, "&lt;taro@u.test&gt;")
SET(mail_long, mail, forge_value(f->arena, arena_printf(f->arena, "taro@%s.test", forge_repeat(f->arena, "a.", 130))))
static void name_missing(struct forge *f)
{
	f->name = f->ja_name = NULL;
}
#define NAME(n, text) SET(n, ja_name, forge_value(f->arena, text))
NAME(name_tab, "Taro&#9;Yamada")
NAME(name_bidi, "Taro\xe2\x80\xae Yamada")
NAME(name_blank, "  ")
SET(name_long, ja_name, forge_value(f->arena, forge_repeat(f->arena, "山", 129)))
SET(name_two, ja_name, arena_printf(f->arena, "%s%s", forge_value(f->arena, "a"), forge_value(f->arena, "b")))
SET(name_english_only, ja_name, NOTHING)

/* How many assertions */
SET(no_assertion, assertion, false)
SET(second_assertion, beside, "<saml:Assertion xmlns:saml=\"" SAML "\" ID=\"_second\"/>")
SET(second_encrypted, beside, "<saml:EncryptedAssertion xmlns:saml=\"" SAML "\"/>")
static const char *twin(struct forge *f, const char *xml)
{
	return arena_printf(f->arena, "%s%s", xml,
		forge_replace(f->arena, forge_replace(f->arena, xml, "ID=\"_assertion\"", "ID=\"_twin\""), "Taro@", "jiro@"));
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
	const char *bare = forge_replace(f->arena, assertion, forge_part(f->arena, assertion, "<ds:Signature", "</ds:Signature>"), "");

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
	const char *other = forge_replace(f->arena, forge_replace(f->arena, bare, "_response", "_evil"), "Taro@", "jiro@");
	const char *kept = inside ? forge_replace(f->arena, signature, "</ds:Signature>",
					    arena_printf(f->arena, "<ds:Object>%s</ds:Object></ds:Signature>", bare))
				  : arena_printf(f->arena, "%s%s", bare, signature);

	return forge_replace(f->arena, other, "<samlp:Status>", arena_printf(f->arena, "%s<samlp:Status>", kept));
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

	return forge_replace(f->arena, xml, good, arena_printf(f->arena, "%s%s", evil(f, good, "_evil"), good));
}
static const char *xsw4(struct forge *f, const char *xml) /* the genuine one inside the evil one */
{
	const char *good = the_assertion(f, xml);

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_evil"), "</saml:Assertion>", arena_printf(f->arena, "%s</saml:Assertion>", good)));
}
static const char *xsw5(struct forge *f, const char *xml) /* the evil one carries the signature, the genuine one stands behind */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *bad = forge_replace(f->arena, evil(f, good, "_evil"), "<saml:Subject>", arena_printf(f->arena, "%s<saml:Subject>", signature));

	return forge_replace(f->arena, xml, good, arena_printf(f->arena, "%s%s", bad, forge_replace(f->arena, good, signature, "")));
}
static const char *xsw6(struct forge *f, const char *xml) /* as 5, the genuine one inside the signature */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *full = forge_replace(f->arena, signature, "</ds:Signature>",
		arena_printf(f->arena, "%s</ds:Signature>", forge_replace(f->arena, good, signature, "")));

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_evil"), "<saml:Subject>", arena_printf(f->arena, "%s<saml:Subject>", full)));
}
static const char *xsw7(struct forge *f, const char *xml) /* the evil one in Extensions, of the same ID */
{
	const char *good = the_assertion(f, xml);

	return forge_replace(f->arena, xml, "<samlp:Status>",
		arena_printf(f->arena, "<samlp:Extensions>%s</samlp:Extensions><samlp:Status>", evil(f, good, "_assertion")));
}
static const char *xsw8(struct forge *f, const char *xml) /* the genuine one in an Object of the evil one's signature */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *full = forge_replace(f->arena, signature, "</ds:Signature>",
		arena_printf(f->arena, "<ds:Object>%s</ds:Object></ds:Signature>", forge_replace(f->arena, good, signature, "")));

	return forge_replace(f->arena, xml, good,
		forge_replace(f->arena, evil(f, good, "_assertion"), "<saml:Subject>", arena_printf(f->arena, "%s<saml:Subject>", full)));
}
static const char *id_twice(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<saml:Subject>", "<saml:Subject Id=\"_assertion\">");
}
static const char *signed_elsewhere(struct forge *f, const char *xml) /* the response's signature signs the assertion */
{
	const char *good = the_assertion(f, xml), *signature = the_signature(f, good);
	const char *moved = forge_replace(f->arena, xml, signature, "");

	return forge_replace(f->arena, moved, "<samlp:Status>", arena_printf(f->arena, "%s<samlp:Status>", signature));
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
#define ALTER(name)                                                                                            \
	static void alter_##name(struct forge *f)                                                              \
	{                                                                                                      \
		f->alter_response = name;                                                                      \
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
	"<ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/></ds:Transforms>"
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
#define TYPED(text)                                                                                            \
	"<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"" \
	" xsi:type=\"xsd:string\">" text "</saml:AttributeValue>"
static const char *oaep_digest(struct forge *f, const char *xml)
{
	return forge_replace(f->arena, xml, "<xenc:EncryptionMethod Algorithm=\"" XENC "rsa-oaep-mgf1p\"/>",
		"<xenc:EncryptionMethod Algorithm=\"" XENC "rsa-oaep-mgf1p\"><ds:DigestMethod Algorithm=\"" DSIG "sha1\"/></xenc:EncryptionMethod>");
}
static void as_shibboleth(struct forge *f)
{
	encrypted_gcm(f);
	f->sign_response = NULL;
	f->alter_response = oaep_digest;
	f->eppn = TYPED("taro@" FORGE_SCOPE);
	f->mail = TYPED("taro@" FORGE_SCOPE);
	f->ja_name = TYPED("山田 太郎");
	f->transforms = "<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">"
			"<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xsd\"/></ds:Transform>";
	f->authentication = forge_replace(f->arena, f->authentication, "<saml:AuthnContext>", "<saml:SubjectLocality Address=\"192.0.2.1\"/><saml:AuthnContext>");
}
static void sha512(struct forge *f)
{
	f->signature_method = MORE "rsa-sha512";
	f->digest_method = XENC "sha512";
}

static const struct hostile {
	const char *check; /* NULL: this one is genuine */
	const char *name;
	void (*make)(struct forge *f);
} table[] = {
#define CASE(check, make) {check, #make, make}
	{NULL, "as it is", NULL},
	CASE(NULL, response_signed), CASE(NULL, both_signed), CASE(NULL, both_signed_encrypted), CASE(NULL, encrypted_in_signed),
	CASE(NULL, encrypted_gcm), CASE(NULL, encrypted_cbc), CASE(NULL, sha512), CASE(NULL, as_shibboleth), CASE(NULL, just_expired), CASE(NULL, just_not_valid),
	CASE(NULL, declared_utf8), CASE(NULL, harmless_extension), CASE(NULL, other_attributes), CASE(NULL, name_english_only),

	CASE("issue-instant", issued_in_future), CASE("issue-instant", issued_before_request), CASE("issue-instant", issued_never),
	CASE("issue-instant", issued_never_response), CASE("issue-instant", issued_in_future_response),
	CASE("expired", expired_conditions), CASE("expired", expired_confirmation), CASE("not-yet-valid", not_yet_valid),
	CASE("expired", no_time_at_all), CASE("confirmation", confirmation_with_start), CASE("confirmation", confirmation_without_end),
	CASE("conditions", conditions_without_start), CASE("conditions", conditions_without_end), CASE("conditions", no_conditions),
	CASE("conditions", unknown_condition), CASE("audience", no_audience), CASE("audience", wrong_audience),
	CASE("audience", second_audience_wrong), CASE("destination", wrong_destination), CASE("destination", longer_destination),
	CASE("destination", no_destination), CASE("recipient", wrong_recipient), CASE("recipient", no_recipient),
	CASE("in-response-to", wrong_request), CASE("in-response-to", no_request), CASE("in-response-to", wrong_confirmed_request),
	CASE("in-response-to", no_confirmed_request), CASE("confirmation", holder_of_key), CASE("confirmation", no_method),
	CASE("version", version_1_1), CASE("version", assertion_version_1_1), CASE("authentication", no_authentication),
	CASE("authentication", authenticated_in_future), CASE("session-expired", session_over), CASE("status", status_responder),
	CASE("status", no_status), CASE("status", status_denied_without_assertion),

	CASE("issuer", another_known_idp), CASE("issuer", another_name_same_key), CASE("issuer", assertion_of_another),
	CASE("issuer", response_of_another), CASE("issuer", response_of_nobody), CASE("signature", key_of_another),
	CASE("unsigned", unsigned_response), CASE("signature", response_signed_wrongly),

	CASE("algorithm", rsa_sha1), CASE("algorithm", digest_sha1), CASE("algorithm", canonical_inclusive),
	CASE("algorithm", transform_inclusive), CASE("algorithm", transform_xpath), CASE("algorithm", encrypted_3des),
	CASE("algorithm", transport_1_5), CASE("decryption", encrypted_sha1_inside), CASE("algorithm", alter_hmac),
	CASE("structure", alter_algorithm_twice),

	CASE("comment", alter_comment), CASE("scope", genuine_but_longer), CASE("cdata", alter_cdata),
	CASE("instruction", alter_instruction), CASE("doctype", doctype), CASE("doctype", xxe), CASE("doctype", external_dtd),
	CASE("doctype", laughs), CASE("encoding", other_encoding), CASE("encoding", alter_latin1), CASE("entity", alter_entity),
	CASE("xml", alter_truncated), CASE("xml", alter_unbound), CASE("size", elements_40000), CASE("nodes", elements_25000),
	CASE("decryption", elements_hidden), CASE("nodes", attributes_20000), CASE("depth", depth_40), CASE("size", oversize),
	CASE("structure", alter_soap), CASE("decryption", hidden_comment), CASE("decryption", alter_two_hidden),
	CASE("decryption", alter_garbled), CASE("decryption", alter_garbled_cbc), CASE("structure", alter_fetched),

	CASE("scope", eppn_without_scope), CASE("scope", eppn_empty_scope), CASE("eppn", eppn_without_name), CASE("eppn", eppn_two_ats),
	CASE("scope", eppn_parent), CASE("scope", eppn_child), CASE("scope", eppn_lookalike), CASE("scope", eppn_of_another_idp),
	CASE("eppn", eppn_newline), CASE("eppn", eppn_blank), CASE("eppn", eppn_invisible), CASE("eppn", eppn_cyrillic),
	CASE("eppn", eppn_empty), CASE("eppn", eppn_element), CASE("eppn", eppn_mixed), CASE("eppn", eppn_5000),
	CASE("missing-eppn", eppn_missing), CASE("eppn", eppn_no_value), CASE("eppn", eppn_two_values), CASE("attributes", eppn_twice),
	CASE("attributes", other_twice), CASE("structure", encrypted_attribute), CASE("missing-mail", mail_missing),
	CASE("mail", mail_two), CASE("mail", mail_newline), CASE("mail", mail_comma), CASE("mail", mail_quoted), CASE("mail", mail_no_at),
	CASE("mail", mail_dots), CASE("mail", mail_hyphen), CASE("mail", mail_angle), CASE("mail", mail_long),
	CASE("missing-name", name_missing), CASE("name", name_tab), CASE("name", name_bidi), CASE("name", name_blank),
	CASE("name", name_long), CASE("name", name_two),

	CASE("assertions", no_assertion), CASE("assertions", second_assertion), CASE("assertions", second_encrypted),
	CASE("assertions", alter_twin),

	CASE("structure", alter_xsw1), CASE("structure", alter_xsw2), CASE("assertions", alter_xsw3), CASE("structure", alter_xsw4),
	CASE("structure", alter_xsw5), CASE("structure", alter_xsw6), CASE("structure", alter_xsw7), CASE("structure", alter_xsw8),
	CASE("structure", alter_id_twice), CASE("structure", alter_signed_elsewhere), CASE("structure", alter_empty_reference),
	CASE("signature", alter_forged_eppn), CASE("signature", alter_forged_response), CASE("unsigned", alter_signature_cut),
	CASE("structure", second_reference),
};

static int setup(void **state)
{
	struct forge_world *w = forge_world();

	check_ok(saml_start(&w->settings, FORGE_PORTAL));
	return 0;
}

static int teardown(void **state)
{
	saml_stop();
	return 0;
}

static enum status consume(struct arena *a, const char *message, struct saml_login *ret, const char **ret_check)
{
	struct saml_expected expected = forge_expected();

	*ret_check = "(none)";
	return saml_consume(a, message, &expected, FORGE_NOW, ret, ret_check);
}

/* Prints one line for each, with the time the refusal took. */
static bool judge(const struct hostile *h)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	struct saml_login login = {0};
	const char *check, *message;

	if (h->make)
		h->make(&f);
	message = forge_message(&f);
	cause_clear();
	struct timespec begin, end;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	enum status s = consume(a, message, &login, &check);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	double ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
	bool right = h->check ? s == STATUS_DENIED && text_same(check, h->check) && cause_text()[0] : s == STATUS_OK;
	right = right && (!h->check || ms < REFUSAL_MAX);

	print_message("%s %6.2f ms  %-26s %-16s %s\n", right ? "ok  " : "BAD ", ms, h->name, s ? check : "accepted", s ? cause_text() : "");
	if (s != STATUS_OK && login.eppn)
		right = false; /* outputs stay untouched on failure */
	arena_free(a);
	return right;
}

static void each_is_refused_by_its_check(void **state)
{
	int bad = 0;

	for (size_t i = 0; i < COUNT_OF(table); i++)
		bad += !judge(&table[i]);
	assert_int_equal(bad, 0);
}

static void not_base64(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	const char *good = forge_message(&f), *check;
	struct saml_login login;

	check_status(consume(a, forge_xml(&f), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(consume(a, arena_printf(a, "%s*", good), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(consume(a, "", &login, &check), STATUS_DENIED);
	assert_string_equal(check, "base64");
	check_status(consume(a, forge_repeat(a, "QUFB", 100000), &login, &check), STATUS_DENIED);
	assert_string_equal(check, "size");
	check_status(consume(a, "AAAA", &login, &check), STATUS_DENIED);
	assert_string_equal(check, "encoding");
	/* Line ends are allowed: some IdPs send them. */
	struct text t = text_new(a, 1 << 20);
	for (size_t i = 0; i < strlen(good); i += 76)
		text_addf(&t, "%.76s\r\n", good + i);
	check_ok(consume(a, t.data, &login, &check));
	arena_free(a);
}

static void the_request_counts(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	const char *message = forge_message(&f), *check;
	struct saml_login login;
	struct saml_expected expected = forge_expected();

	expected.asked_at = FORGE_NOW - 16 * MINUTE;
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "login-time");
	expected = forge_expected();
	expected.idp = FORGE_OTHER_IDP;
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "issuer");
	expected.idp = "https://gone.test/";
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "issuer");
	expected = forge_expected();
	check_ok(saml_consume(a, message, &expected, FORGE_NOW, &login, &check));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_refused_by_its_check),
		cmocka_unit_test(not_base64),
		cmocka_unit_test(the_request_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
