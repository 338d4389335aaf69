/* The IdPs that we trust: reads their metadata, which an administrator has put into files, and gives each a server of lasso. */
#include "saml/federation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/log.h"
#include "saml/file.h"
#include "saml/xml.h"

#define MD "urn:oasis:names:tc:SAML:2.0:metadata"
#define MDUI "urn:oasis:names:tc:SAML:metadata:ui"
#define SHIBMD "urn:mace:shibboleth:metadata:1.0"
#define DS "http://www.w3.org/2000/09/xmldsig#"
#define REDIRECT "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
#define METADATA_BYTES_MAX                                                                                   \
	(1 << 20)      /* one entity has 5 to 50 KB; an aggregate of the federation is not read here */
#define SCOPES_MAX 256 /* of one IdP */

struct reading { /* one IdP under way */
	struct arena *arena;
	const struct identity_provider *config;
	xmlNode *entity, *role; /* EntityDescriptor, IDPSSODescriptor */
	struct federation_idp *idp;
};

static enum status bad(const struct reading *r, const char *what)
{
	return cause(STATUS_INVALID, "idp \"%s\": %s: %s", r->config->title, r->config->metadata, what);
}

static enum status times_read(struct reading *r)
{
	xmlNode *nodes[] = {r->entity, r->role};

	for (size_t i = 0; i < COUNT_OF(nodes); i++) {
		const char *text = xml_attribute(r->arena, nodes[i], "validUntil");
		when until;

		if (!text)
			continue;
		if (!clock_parse(text, &until))
			return bad(r, "validUntil is not a time");
		if (!r->idp->valid_until || until < r->idp->valid_until)
			r->idp->valid_until = until;
	}
	return STATUS_OK;
}

/* Adds the scopes of one Extensions element. */
static enum status scopes_add(struct reading *r, xmlNode *parent, const char **scopes, size_t *n)
{
	xmlNode *extensions = xml_next(parent->children, MD, "Extensions");

	for (xmlNode *node = extensions ? extensions->children : NULL;
		(node = xml_next(node, SHIBMD, "Scope")); node = node->next) {
		const char *regexp = xml_attribute(r->arena, node, "regexp");
		const char *scope = text_lower(r->arena, xml_text(r->arena, node));

		/* One expression too wide would let this IdP speak for other universities, so an administrator writes the scopes out. */
		if (regexp && !text_same(regexp, "false") && !text_same(regexp, "0"))
			return bad(r, "has a scope by regular expression; set scopes in the idp section");
		if (!*scope || strpbrk(scope, "@ \t\r\n"))
			return bad(r, "has a scope that is empty or malformed");
		if (*n == SCOPES_MAX)
			return bad(r, "has too many scopes");
		scopes[(*n)++] = scope;
	}
	return STATUS_OK;
}

static enum status scopes_read(struct reading *r)
{
	const char **scopes = arena_array(r->arena, SCOPES_MAX + 1, sizeof *scopes);
	size_t n = 0;
	enum status s;

	for (const char *const *c = r->config->scopes; c && *c; c++) {
		if (n == SCOPES_MAX)
			return bad(r, "the idp section has too many scopes");
		scopes[n++] = text_lower(r->arena, *c);
	}
	if (n == 0) {
		s = scopes_add(r, r->entity, scopes, &n);
		if (!s)
			s = scopes_add(r, r->role, scopes, &n);
		if (s)
			return s;
	}
	if (n == 0)
		return bad(r,
			"has no shibmd:Scope; set scopes in the idp section, else nobody could log in from there");
	r->idp->scopes = scopes;
	return STATUS_OK;
}

/* mdui:DisplayName in the language, else in the other one, else the entity ID. */
static void names_read(struct reading *r)
{
	const char *configured[LANG_COUNT] = {[LANG_JA] = r->config->name_ja, [LANG_EN] = r->config->name_en};
	const char *found[LANG_COUNT] = {0};
	xmlNode *extensions = xml_next(r->role->children, MD, "Extensions");
	xmlNode *info = extensions ? xml_next(extensions->children, MDUI, "UIInfo") : NULL;

	for (xmlNode *node = info ? info->children : NULL; (node = xml_next(node, MDUI, "DisplayName"));
		node = node->next) {
		const char *code = xml_attribute(r->arena, node, "lang"), *name = xml_text(r->arena, node);
		enum lang lang;

		if (code && lang_parse(code, &lang) && text_clean(name, 200))
			found[lang] = name;
	}
	for (int lang = 0; lang < LANG_COUNT; lang++) {
		const char *other = found[lang == LANG_JA ? LANG_EN : LANG_JA];

		r->idp->names[lang] = configured[lang] && configured[lang][0] ? configured[lang]
				      : found[lang]			      ? found[lang]
				      : other				      ? other
									      : r->config->title;
	}
}

static enum status endpoint_check(struct reading *r)
{
	for (xmlNode *node = r->role->children; (node = xml_next(node, MD, "SingleSignOnService"));
		node = node->next) {
		const char *location = xml_attribute(r->arena, node, "Location");

		if (text_same(xml_attribute(r->arena, node, "Binding"), REDIRECT)) {
			if (!location || !text_starts(location, "https://"))
				return bad(r, "its endpoint for redirects is not https");
			return STATUS_OK;
		}
	}
	return bad(r, "has no SingleSignOnService with binding HTTP-Redirect");
}

when federation_certificate_until(struct bytes der)
{
	const unsigned char *at = der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	struct tm tm;
	bool known = certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1;

	X509_free(certificate);
	return known ? (when)timegm(&tm) * SECOND : 0;
}

/* During a change of keys there are two: log-ins work as long as the later one does. */
static void certificates_read(struct reading *r)
{
	for (xmlNode *key = r->role->children; (key = xml_next(key, MD, "KeyDescriptor")); key = key->next) {
		xmlNode *info = xml_next(key->children, DS, "KeyInfo");
		xmlNode *data = info ? xml_next(info->children, DS, "X509Data") : NULL;
		xmlNode *certificate = data ? xml_next(data->children, DS, "X509Certificate") : NULL;
		struct bytes der;

		if (text_same(xml_attribute(r->arena, key, "use"), "encryption") || !certificate ||
			!text_unbase64(r->arena, xml_text(r->arena, certificate), &der))
			continue;
		when until = federation_certificate_until(der);
		if (until > r->idp->certificate_until)
			r->idp->certificate_until = until;
	}
}

static enum status metadata_read(struct reading *r, struct bytes text)
{
	xmlDoc *doc;
	enum status s = xml_parse(r->arena, r->config->metadata, text, &doc);
	if (s)
		return s;
	r->entity = xmlDocGetRootElement(doc);
	if (!r->entity || !xml_is(r->entity, MD, "EntityDescriptor"))
		return bad(r, "is not an EntityDescriptor");
	if (!text_same(xml_attribute(r->arena, r->entity, "entityID"), r->config->title))
		return bad(r, "is the metadata of another entity");
	r->role = xml_next(r->entity->children, MD, "IDPSSODescriptor");
	if (!r->role)
		return bad(r, "has no IDPSSODescriptor");
	if ((s = times_read(r)) || (s = scopes_read(r)))
		return s;
	names_read(r);
	certificates_read(r);
	return endpoint_check(r);
}

static void server_release(void *server)
{
	g_object_unref(server);
}

enum status federation_server(struct arena *a, const struct federation_self *self, const char *idp,
	const char *metadata, LassoServer **ret)
{
	/* No certificate: lasso takes its text for a file name each time it signs, and a signature in a URL does not carry one. */
	LassoServer *server = lasso_server_new_from_buffers(self->metadata, self->key, NULL, NULL);
	int rc;

	if (!server)
		return cause(STATUS_INVALID, "lasso refuses our own key or metadata");
	arena_defer(a, server_release, server);
	server->signature_method = LASSO_SIGNATURE_METHOD_RSA_SHA256;
	rc = lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_IDP, metadata, NULL, NULL);
	if (rc)
		return cause(STATUS_INVALID, "idp \"%s\": lasso refuses its metadata (%s)", idp,
			lasso_strerror(rc));
	if (!lasso_server_get_provider(server, idp))
		return cause(
			STATUS_INVALID, "idp \"%s\": lasso reads another entity ID in its metadata", idp);
	*ret = server;
	return STATUS_OK;
}

static enum status idp_load(struct arena *a, const struct federation_self *self,
	const struct identity_provider *config, struct federation_idp *ret)
{
	struct reading r = {.arena = a, .config = config, .idp = ret};
	struct bytes text;
	enum status s = file_read(a, config->metadata, METADATA_BYTES_MAX, &text);

	if (s)
		return cause(s, "idp \"%s\": %s", config->title, arena_string(a, cause_text()));
	ret->config = config;
	if ((s = metadata_read(&r, text)))
		return s;
	return federation_server(a, self, config->title, (const char *)text.data, &ret->server);
}

enum status federation_load(struct arena *a, const struct federation_self *self,
	const struct setting_sections *idps, struct federation *ret)
{
	const struct identity_provider *configs = idps->items;
	struct federation f = {.n = idps->n, .idps = arena_array(a, idps->n, sizeof *f.idps)};

	for (size_t i = 0; i < f.n; i++) {
		enum status s = idp_load(a, self, &configs[i], &f.idps[i]);
		if (s)
			return s;
	}
	*ret = f;
	return STATUS_OK;
}

const struct federation_idp *federation_find(const struct federation *f, const char *entity_id)
{
	for (size_t i = 0; i < f->n; i++) {
		if (text_same(f->idps[i].config->title, entity_id))
			return &f->idps[i];
	}
	return NULL;
}
