/* Writes our metadata: what an IdP must know of this service provider (SAML Metadata 2.0, MDUI 1.0, GakuNin's technical profile). */
#include "saml/saml_metadata.h"

#include "saml/xml.h"

#define METADATA_MAX (256 << 10) /* two copies of a certificate of at most 64 KB, and text */
#define URI_NAME_FORMAT "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

struct writing {
	struct arena *arena;
	struct text out;
	const struct saml_settings *settings;
	const char *base_url, *entity_id, *certificate; /* base64 */
};

static void add(struct writing *w, const char *text)
{
	text_add(&w->out, text);
}

/* <TAG xml:lang="..">text</TAG> for both languages. */
static void add_both(struct writing *w, const char *tag, const char *ja, const char *en)
{
	text_addf(&w->out, "<%s xml:lang=\"ja\">%s</%s>\n", tag, xml_escape(w->arena, ja), tag);
	text_addf(&w->out, "<%s xml:lang=\"en\">%s</%s>\n", tag, xml_escape(w->arena, en), tag);
}

static const char *either(const char *text, const char *otherwise)
{
	return text && text[0] ? text : otherwise;
}

static const char *title(const struct writing *w, enum lang lang)
{
	return lang == LANG_JA ? either(w->settings->title_ja, "クライアント証明書発行システム")
			       : either(w->settings->title_en, "Client Certificate Portal");
}

static void add_interface(struct writing *w)
{
	add(w, "<md:Extensions>\n<mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\n");
	add_both(w, "mdui:DisplayName", title(w, LANG_JA), title(w, LANG_EN));
	add_both(w, "mdui:Description",
		"個人用のクライアント証明書およびS/MIME証明書の発行を申請するためのサービスです。",
		"Applications for personal client and S/MIME certificates.");
	add_both(w, "mdui:InformationURL", w->base_url, w->base_url);
	/* The size is required by the schema; chooser pages scale the picture. */
	if (w->settings->logo && w->settings->logo[0])
		text_addf(&w->out, "<mdui:Logo height=\"60\" width=\"60\">%s</mdui:Logo>\n",
			xml_escape(w->arena, w->settings->logo));
	add(w, "</mdui:UIInfo>\n</md:Extensions>\n");
}

static void add_key(struct writing *w, const char *use)
{
	text_addf(&w->out,
		"<md:KeyDescriptor use=\"%s\">\n<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate>"
		"</ds:X509Data></ds:KeyInfo>\n",
		use, w->certificate);
	/* GCM first: CBC lets who can alter a message learn from our answers. */
	if (text_same(use, "encryption"))
		add(w, "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\n"
		       "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>\n"
		       "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"/>\n"
		       "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>\n"
		       "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\n");
	add(w, "</md:KeyDescriptor>\n");
}

/* The name that people know an attribute by; "" for one that is not in the federation's list. */
static const char *friendly_name(const char *attribute)
{
	static const char *const known[][2] = {
		{"urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "eduPersonPrincipalName"},
		{"urn:oid:0.9.2342.19200300.100.1.3", "mail"},
		{"urn:oid:2.16.840.1.113730.3.1.241", "displayName"},
		{"urn:oid:1.3.6.1.4.1.32264.1.1.3", "jaDisplayName"},
	};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (text_same(known[i][0], attribute))
			return known[i][1];
	}
	return "";
}

static void add_attribute(struct writing *w, const char *name, bool required)
{
	const char *friendly = friendly_name(name);

	text_addf(&w->out, "<md:RequestedAttribute Name=\"%s\" NameFormat=\"" URI_NAME_FORMAT "\"",
		xml_escape(w->arena, name));
	if (*friendly)
		text_addf(&w->out, " FriendlyName=\"%s\"", friendly);
	text_addf(&w->out, " isRequired=\"%s\"/>\n", required ? "true" : "false");
}

static void add_attributes(struct writing *w)
{
	const char *const *names = w->settings->attribute_name;

	add(w, "<md:AttributeConsumingService index=\"0\" isDefault=\"true\">\n");
	add_both(w, "md:ServiceName", title(w, LANG_JA), title(w, LANG_EN));
	add_attribute(w, w->settings->attribute_eppn, true);
	add_attribute(w, w->settings->attribute_mail, true);
	/* One of these is enough, which the schema cannot say. */
	for (const char *const *name = names; name && *name; name++)
		add_attribute(w, *name, !names[1]);
	add(w, "</md:AttributeConsumingService>\n");
}

static void add_people(struct writing *w)
{
	const char *ja = either(w->settings->organization_ja, title(w, LANG_JA));
	const char *en = either(w->settings->organization_en, title(w, LANG_EN));

	add(w, "<md:Organization>\n");
	add_both(w, "md:OrganizationName", ja, en);
	add_both(w, "md:OrganizationDisplayName", ja, en);
	add_both(w, "md:OrganizationURL", w->base_url, w->base_url);
	add(w, "</md:Organization>\n");
	if (w->settings->contact_mail && w->settings->contact_mail[0])
		text_addf(&w->out,
			"<md:ContactPerson contactType=\"technical\">\n<md:EmailAddress>mailto:%s</md:EmailAddress>\n"
			"</md:ContactPerson>\n",
			xml_escape(w->arena, w->settings->contact_mail));
}

struct bytes metadata_build(struct arena *a, const struct saml_settings *settings, const char *base_url,
	const char *entity_id, struct bytes certificate)
{
	struct writing w = {
		.arena = a,
		.out = text_new(a, METADATA_MAX),
		.settings = settings,
		.base_url = base_url,
		.entity_id = entity_id,
		.certificate = text_base64(a, certificate),
	};

	text_addf(&w.out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""
		" entityID=\"%s\">\n"
		"<md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\""
		" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n",
		xml_escape(a, entity_id));
	add_interface(&w);
	add_key(&w, "signing");
	add_key(&w, "encryption");
	text_addf(&w.out,
		"<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n"
		"<md:AssertionConsumerService index=\"0\" isDefault=\"true\""
		" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"%s/saml/acs\"/>\n",
		xml_escape(a, base_url));
	add_attributes(&w);
	add(&w, "</md:SPSSODescriptor>\n");
	add_people(&w);
	add(&w, "</md:EntityDescriptor>\n");
	ASSERT(!w.out.full);
	return bytes_of(w.out.data, w.out.len);
}
