/* The identity provider itself, made of lasso: reads signed requests, writes signed and encrypted responses. */
#include "idp.h"

#include <errno.h>
#include <lasso/lasso.h>
#include <lasso/xml/saml-2.0/saml2_attribute.h>
#include <lasso/xml/saml-2.0/saml2_attribute_statement.h>
#include <lasso/xml/saml-2.0/saml2_attribute_value.h>
#include <lasso/xml/saml-2.0/saml2_authn_statement.h>
#include <lasso/xml/saml-2.0/samlp2_authn_request.h>
#include <lasso/xml/saml-2.0/samlp2_status_response.h>
#include <lasso/xml/misc_text_node.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/stat.h>

#define METADATA_MAX 65536
#define QUERY_MAX 8192		  /* a signed request has about 1,000 bytes */
#define REQUEST_AGE (20 * MINUTE) /* somebody may take a while to find the password */
#define ASSERTION_AGE (5 * MINUTE)
#define SKEW (1 * MINUTE)
#define ID_BYTES 20
#define FORMAT_URI "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

static LassoServer *server;
/* lasso keeps times in static buffers while it builds a message, and notes roles in the shared providers while it reads a request. */
static pthread_mutex_t lasso = PTHREAD_MUTEX_INITIALIZER;

static const char *escape(struct arena *a, const char *s)
{
	static const char *const entities[] = {
		['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"};
	struct text t = text_new(a, METADATA_MAX);

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < COUNT_OF(entities) && entities[c])
			text_add(&t, entities[c]);
		else
			text_add_bytes(&t, s, 1);
	}
	return t.data;
}

/* The certificate as base64 of DER. */
static enum status certificate_read(struct arena *a, const char *path, const char **ret)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return cause(STATUS_INVALID, "demo_idp: certificate: %s: %s", path, strerror(errno));
	X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (!certificate)
		return cause(STATUS_INVALID, "demo_idp: %s holds no certificate in PEM", path);
	unsigned char *der = NULL;
	int n = i2d_X509(certificate, &der);
	X509_free(certificate);
	ASSERT(n > 0);
	*ret = text_base64(a, bytes_of(der, (size_t)n));
	OPENSSL_free(der);
	return STATUS_OK;
}

#define METADATA "/metadata"

/* "https://127.0.0.1:8443/demo_idp" */
static enum status address(struct arena *a, const struct idp_settings *s, const char **ret)
{
	if (!text_starts(s->entity_id, "https://") || !text_ends(s->entity_id, "/demo_idp" METADATA))
		return cause(STATUS_INVALID, "demo_idp: entity_id must be https://HOST/demo_idp/metadata");
	*ret = arena_stringn(a, s->entity_id, strlen(s->entity_id) - strlen(METADATA));
	return STATUS_OK;
}

enum status idp_metadata(struct arena *a, const struct idp_settings *s, struct bytes *ret)
{
	const char *base = NULL, *certificate = NULL;
	struct text t = text_new(a, METADATA_MAX);
	enum status status = address(a, s, &base);

	if (!status)
		status = certificate_read(a, s->certificate, &certificate);
	if (status)
		return status;
	text_addf(&t,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""
		" entityID=\"%s\">\n"
		"<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n"
		"<md:Extensions>\n<shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" regexp=\"false\">%s</shibmd:Scope>\n",
		escape(a, s->entity_id), escape(a, s->scope));
	text_addf(&t,
		"<mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\n<mdui:DisplayName xml:lang=\"ja\">%s</mdui:DisplayName>\n"
		"<mdui:DisplayName xml:lang=\"en\">%s</mdui:DisplayName>\n</mdui:UIInfo>\n</md:Extensions>\n",
		escape(a, s->name_ja), escape(a, s->name_en));
	text_addf(&t,
		"<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data>"
		"</ds:KeyInfo></md:KeyDescriptor>\n"
		"<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n"
		"<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"%s/sso\"/>\n"
		"</md:IDPSSODescriptor>\n</md:EntityDescriptor>\n",
		certificate, escape(a, base));
	if (t.full)
		return cause(STATUS_INVALID, "demo_idp: the settings make metadata of more than %d bytes",
			METADATA_MAX);
	*ret = bytes_of(t.data, t.len);
	return STATUS_OK;
}

static void server_release(void *handle)
{
	server = NULL;
	g_object_unref(handle);
}

enum status idp_start(struct arena *a, const struct idp_settings *s, struct bytes sp_metadata)
{
	struct bytes own;
	enum status status = idp_metadata(a, s, &own);

	if (status)
		return status;
	/* No certificate: lasso takes its text for a file name each time it signs, and the portal knows ours from the metadata. */
	server = lasso_server_new_from_buffers((const char *)own.data, s->key.value, NULL, NULL);
	if (!server)
		return cause(STATUS_INVALID, "demo_idp: lasso refuses key or metadata");
	arena_defer(a, server_release, server);
	server->signature_method = LASSO_SIGNATURE_METHOD_RSA_SHA256;
	if (lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_SP,
		    arena_stringn(a, (const char *)sp_metadata.data, sp_metadata.len), NULL, NULL) != 0)
		return cause(STATUS_INTERNAL, "demo_idp: lasso refuses the portal's metadata");
	GList *names = g_hash_table_get_values(server->providers);
	LassoProvider *sp = names->data;
	g_list_free(names);
	/* The best that lasso 2.8.1 can write: GCM it only reads. */
	lasso_provider_set_encryption_mode(
		sp, s->encrypt ? LASSO_ENCRYPTION_MODE_ASSERTION : LASSO_ENCRYPTION_MODE_NONE);
	lasso_provider_set_encryption_sym_key_type(sp, LASSO_ENCRYPTION_SYM_KEY_TYPE_AES_256);
	lasso_provider_set_key_encryption_method(sp, LASSO_KEY_ENCRYPTION_METHOD_OAEP);
	return STATUS_OK;
}

static void login_release(void *login)
{
	g_object_unref(login);
}

static enum status request_judge(const LassoSamlp2RequestAbstract *request, when now)
{
	when at;

	if (!request->ID || !request->ID[0] || !clock_parse(request->IssueInstant, &at))
		return cause(STATUS_INVALID, "demo_idp: the request has no ID or no time");
	if (now - at > REQUEST_AGE || at - now > SKEW)
		return cause(STATUS_INVALID, "demo_idp: the request is too old, or from the future (%s)",
			request->IssueInstant);
	return STATUS_OK;
}

/* With the mutex held. */
static enum status request_read(struct arena *a, const char *query, when now, LassoLogin **ret)
{
	LassoLogin *login;
	int rc;

	ASSERT(server);
	if (strlen(query) > QUERY_MAX)
		return cause(STATUS_INVALID, "demo_idp: the request has more than %d bytes", QUERY_MAX);
	login = lasso_login_new(server);
	ASSERT(login);
	arena_defer(a, login_release, login);
	lasso_profile_set_signature_verify_hint(
		LASSO_PROFILE(login), LASSO_PROFILE_SIGNATURE_VERIFY_HINT_FORCE);
	rc = lasso_login_process_authn_request_msg(login, query);
	if (rc != 0)
		return cause(STATUS_INVALID, "demo_idp: lasso refuses the request (%s)", lasso_strerror(rc));
	if (!LASSO_IS_SAMLP2_AUTHN_REQUEST(LASSO_PROFILE(login)->request))
		return cause(STATUS_INVALID, "demo_idp: that is no request to authenticate");
	enum status s = request_judge(LASSO_SAMLP2_REQUEST_ABSTRACT(LASSO_PROFILE(login)->request), now);
	if (s)
		return s;
	*ret = login;
	return STATUS_OK;
}

enum status idp_read(struct arena *a, const char *query, when now, struct idp_request *ret)
{
	LassoLogin *login;
	enum status s;

	pthread_mutex_lock(&lasso);
	s = request_read(a, query, now, &login);
	pthread_mutex_unlock(&lasso);
	if (s)
		return s;
	const LassoProfile *profile = LASSO_PROFILE(login);
	*ret = (struct idp_request){
		.id = arena_string(a, LASSO_SAMLP2_REQUEST_ABSTRACT(profile->request)->ID),
		.issuer = arena_string(a, profile->remote_providerID),
		.relay_state = profile->msg_relayState ? arena_string(a, profile->msg_relayState) : "",
	};
	return STATUS_OK;
}

static void string_set(char **at, const char *value)
{
	g_free(*at);
	*at = g_strdup(value);
}

/* lasso draws its own from a generator that can be predicted. */
static const char *id_make(struct arena *a)
{
	return arena_printf(a, "_%s", crypto_random_text(a, "0123456789abcdef", (size_t)2 * ID_BYTES));
}

static void attribute_add(
	LassoSaml2AttributeStatement *statement, const char *name, const char *friendly, const char *text)
{
	LassoSaml2Attribute *attribute = LASSO_SAML2_ATTRIBUTE(lasso_saml2_attribute_new());
	LassoSaml2AttributeValue *value = LASSO_SAML2_ATTRIBUTE_VALUE(lasso_saml2_attribute_value_new());
	LassoMiscTextNode *node = LASSO_MISC_TEXT_NODE(lasso_misc_text_node_new_with_string(text));

	node->text_child = TRUE;
	value->any = g_list_append(NULL, node);
	attribute->Name = g_strdup(name);
	attribute->NameFormat = g_strdup(FORMAT_URI);
	attribute->FriendlyName = g_strdup(friendly);
	attribute->AttributeValue = g_list_append(NULL, value);
	statement->Attribute = g_list_append(statement->Attribute, attribute);
}

static void assertion_fill(
	struct arena *a, LassoSaml2Assertion *assertion, const struct account *account, const char *now)
{
	LassoSaml2AttributeStatement *statement =
		LASSO_SAML2_ATTRIBUTE_STATEMENT(lasso_saml2_attribute_statement_new());
	LassoSaml2AuthnStatement *authn = assertion->AuthnStatement->data;

	string_set(&assertion->ID, id_make(a));
	string_set(&assertion->IssueInstant, now);
	string_set(&assertion->Subject->NameID->content, id_make(a));
	string_set(&authn->SessionIndex, id_make(a));
	attribute_add(statement, "urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "eduPersonPrincipalName", account->eppn);
	attribute_add(statement, "urn:oid:0.9.2342.19200300.100.1.3", "mail", account->mail);
	if (account->display_name[0])
		attribute_add(
			statement, "urn:oid:2.16.840.1.113730.3.1.241", "displayName", account->display_name);
	if (account->ja_display_name[0])
		attribute_add(statement, "urn:oid:1.3.6.1.4.1.32264.1.1.3", "jaDisplayName",
			account->ja_display_name);
	assertion->AttributeStatement = g_list_append(NULL, statement);
}

/* With the mutex held. */
static int response_build(struct arena *a, LassoLogin *login, const struct account *account, when t)
{
	const char *now = clock_rfc3339(a, t), *until = clock_rfc3339(a, t + ASSERTION_AGE);
	LassoProfile *profile = LASSO_PROFILE(login);
	LassoSamlp2StatusResponse *response;
	int rc = lasso_login_validate_request_msg(login, TRUE, TRUE);

	if (rc == 0)
		rc = lasso_login_build_assertion(
			login, LASSO_SAML2_AUTHN_CONTEXT_PASSWORD_PROTECTED_TRANSPORT, now, NULL, now, until);
	if (rc != 0)
		return rc;
	assertion_fill(a, LASSO_SAML2_ASSERTION(lasso_login_get_assertion(login)), account, now);
	response = LASSO_SAMLP2_STATUS_RESPONSE(profile->response);
	string_set(&response->ID, id_make(a));
	string_set(&response->IssueInstant, now);
	return lasso_login_build_authn_response_msg(login);
}

enum status idp_answer(
	struct arena *a, const char *query, const struct account *account, when now, struct idp_answer *ret)
{
	LassoLogin *login;
	int rc = 0;

	pthread_mutex_lock(&lasso);
	enum status s = request_read(a, query, now, &login);
	if (!s)
		rc = response_build(a, login, account, now);
	pthread_mutex_unlock(&lasso);
	if (s)
		return s;
	const LassoProfile *profile = LASSO_PROFILE(login);
	if (rc != 0 || !profile->msg_url || !profile->msg_body)
		return cause(STATUS_INTERNAL, "demo_idp: lasso makes no response (%s)", lasso_strerror(rc));
	*ret = (struct idp_answer){
		.url = arena_string(a, profile->msg_url),
		.response = arena_string(a, profile->msg_body),
		.relay_state = profile->msg_relayState ? arena_string(a, profile->msg_relayState) : "",
	};
	return STATUS_OK;
}
