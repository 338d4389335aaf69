/* The SAML 2.0 service provider: starts lasso, makes requests, and puts the checks of a response in their order. */
#include "saml/saml.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <lasso/lasso.h>
#include <lasso/xml/saml-2.0/samlp2_authn_request.h>
#include <pthread.h>

#include "base/crypto.h"
#include "base/log.h"
#include "saml/decrypt.h"
#include "saml/federation.h"
#include "saml/file.h"
#include "saml/identity.h"
#include "saml/message.h"
#include "saml/refuse.h"
#include "saml/response.h"
#include "saml/saml_metadata.h"
#include "saml/self_test.h"
#include "saml/xml.h"

#define CERTIFICATE_BYTES_MAX 65536
#define RSA_BITS_MIN 2048   /* NIST SP 800-131A; GakuNin asks for the same */
#define REQUEST_ID_BYTES 20 /* 160 bits, as SAML Core 2.0 section 1.3.4 recommends */

static struct provider {
	struct arena *arena; /* NULL: not started */
	const struct saml_settings *settings;
	const char *entity_id, *acs;
	struct federation_self self;
	struct bytes metadata;
	struct federation federation;
	struct decrypt_key *key;
	when certificate_until;
} sp;

/* lasso keeps times in static buffers while it builds a message. While it reads one there is only the date of its log lines, which
 * on_glib_log() drops, so responses are verified without a lock. */
static pthread_mutex_t building = PTHREAD_MUTEX_INITIALIZER;

/* What the libraries report about a hostile message is detail; that one was refused is logged by who asked. */
static void on_glib_log(const char *domain, GLogLevelFlags level, const char *message, void *context)
{
	const char *tab = strchr(message, '\t'); /* lasso puts a date in front */
	bool severe = level & (G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL);

	log_line(severe ? LOG_ERROR : LOG_DEBUG, "library %s, %.500s", domain ? domain : "(unnamed)",
		tab ? tab + 1 : message);
}

static enum status lasso_begin(void)
{
	static bool begun;

	if (begun)
		return STATUS_OK;
	/* no-verify-signature in it would accept anything; the other would change the key transport. */
	unsetenv("LASSO_FLAG");
	unsetenv("LASSO_DEFAULT_KEY_ENCRYPTION_METHOD");
	/* Whatever G_DEBUG says: a critical message about bad input must not end the process. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_FLAG_RECURSION);
	/* xmlsec trusts keys from metadata alone; without these it reads the system's CA bundle again for every key (17 ms). */
	if (setenv("SSL_CERT_FILE", "/dev/null", 1) || setenv("SSL_CERT_DIR", "/dev/null", 1))
		abort();
	g_log_set_default_handler(on_glib_log, NULL);
	if (lasso_init() != 0)
		return cause(STATUS_INTERNAL, "lasso does not start");
	lasso_set_default_key_encryption_method(LASSO_KEY_ENCRYPTION_METHOD_OAEP);
	xml_silence();
	begun = true;
	return STATUS_OK;
}

static void x509_release(void *certificate)
{
	X509_free(certificate);
}

static void pkey_release(void *key)
{
	EVP_PKEY_free(key);
}

/* Key and certificate must be RSA and belong together, or every log-in would fail later. */
static enum status pair_check(struct arena *a, const struct saml_settings *settings, const char *key_pem,
	struct bytes certificate_pem, struct bytes *ret_der)
{
	BIO *in = BIO_new_mem_buf(certificate_pem.data, (int)certificate_pem.len);
	X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
	BIO_free(in);
	if (!certificate)
		return cause(STATUS_INVALID, "saml_certificate: %s holds no certificate in PEM",
			settings->certificate);
	arena_defer(a, x509_release, certificate);
	in = BIO_new_mem_buf(key_pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)"");
	BIO_free(in);
	if (!key)
		return cause(STATUS_INVALID, "saml_key: %s holds no unencrypted private key in PEM",
			settings->key);
	arena_defer(a, pkey_release, key);
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		return cause(STATUS_INVALID, "saml_key: %s is not an RSA key of %d bits or more",
			settings->key, RSA_BITS_MIN);
	if (X509_check_private_key(certificate, key) != 1)
		return cause(STATUS_INVALID, "saml_key and saml_certificate do not belong together");
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	ASSERT(len > 0);
	*ret_der = bytes_of(arena_copy(a, der, (size_t)len), (size_t)len);
	OPENSSL_free(der);
	return STATUS_OK;
}

static enum status start(struct provider *p, const struct saml_settings *settings, const char *base_url)
{
	struct arena *a = p->arena;
	struct secret key;
	struct bytes certificate, der;
	enum status s = secret_read(a, settings->key, &key);

	if (s)
		return cause(s, "saml_key: %s", arena_string(a, cause_text()));
	if ((s = file_read(a, settings->certificate, CERTIFICATE_BYTES_MAX, &certificate)))
		return cause(s, "saml_certificate: %s", arena_string(a, cause_text()));
	p->settings = settings;
	p->entity_id = settings->entity_id && settings->entity_id[0]
			       ? settings->entity_id
			       : arena_printf(a, "%s/saml/metadata", base_url);
	p->acs = arena_printf(a, "%s/saml/acs", base_url);
	p->self.key = key.value;
	if ((s = pair_check(a, settings, key.value, certificate, &der)))
		return s;
	p->certificate_until = federation_certificate_until(der);
	p->metadata = metadata_build(a, settings, base_url, p->entity_id, der);
	p->self.metadata = (const char *)p->metadata.data;
	if ((s = decrypt_key_load(a, bytes_string(key.value), &p->key)) ||
		(s = federation_load(a, &p->self, &settings->idps, &p->federation)))
		return s;
	return self_test(&p->self, text_base64(a, der));
}

enum status saml_start(const struct saml_settings *settings, const char *base_url)
{
	struct provider p = {.arena = NULL};
	enum status s = lasso_begin();

	ASSERT(!sp.arena);
	if (s)
		return s;
	p.arena = arena_new();
	s = start(&p, settings, base_url);
	if (s) {
		arena_free(p.arena);
		return s;
	}
	sp = p;
	return STATUS_OK;
}

void saml_stop(void)
{
	arena_free(sp.arena);
	sp = (struct provider){.arena = NULL};
}

size_t saml_idp_count(void)
{
	return sp.federation.n;
}

const struct identity_provider *saml_idp(size_t i)
{
	ASSERT(i < sp.federation.n);
	return sp.federation.idps[i].config;
}

const struct identity_provider *saml_idp_find(const char *entity_id)
{
	const struct federation_idp *idp = federation_find(&sp.federation, entity_id);

	return idp ? idp->config : NULL;
}

const char *saml_idp_name(const struct identity_provider *idp, enum lang lang)
{
	const struct federation_idp *known = federation_find(&sp.federation, idp->title);

	return known ? known->names[lang] : idp->title;
}

bool saml_mail_allowed(const struct identity_provider *idp, const char *mail)
{
	const struct federation_idp *known = federation_find(&sp.federation, idp->title);

	if (!known)
		return false;
	if (idp->mail_domains && idp->mail_domains[0])
		return identity_mail_in(mail, idp->mail_domains, false);
	return identity_mail_in(mail, known->scopes, true);
}

enum status saml_metadata(struct arena *a, struct bytes *ret)
{
	ASSERT(sp.arena);
	*ret = bytes_of(arena_copy(a, sp.metadata.data, sp.metadata.len), sp.metadata.len);
	return STATUS_OK;
}

static enum status metadata_fresh(const struct federation_idp *idp, when now)
{
	if (idp->valid_until && now >= idp->valid_until)
		return cause(STATUS_DENIED, "the metadata of idp \"%s\" is no longer valid; fetch it anew",
			idp->config->title);
	return STATUS_OK;
}

/* lasso draws its IDs from a generator that is not meant for secrets, and its times from the system's clock: both are set here. */
static int request_fill(LassoLogin *login, const char *id, const char *instant)
{
	LassoSamlp2RequestAbstract *request = LASSO_SAMLP2_REQUEST_ABSTRACT(LASSO_PROFILE(login)->request);
	LassoSamlp2AuthnRequest *authn = LASSO_SAMLP2_AUTHN_REQUEST(LASSO_PROFILE(login)->request);

	g_free(request->ID);
	request->ID = g_strdup(id);
	g_free(request->IssueInstant);
	request->IssueInstant = g_strdup(instant);
	g_free(authn->ProtocolBinding);
	authn->ProtocolBinding = g_strdup(LASSO_SAML2_METADATA_BINDING_POST);
	g_free(authn->AssertionConsumerServiceURL);
	authn->AssertionConsumerServiceURL = g_strdup(sp.acs);
	authn->NameIDPolicy->AllowCreate = TRUE;
	return lasso_login_build_authn_request_msg(login);
}

static enum status request_build(
	struct arena *a, const struct federation_idp *idp, const char **ret_url, const char **ret_id)
{
	LassoLogin *login = lasso_login_new(idp->server);
	const char *id = arena_printf(
		a, "_%s", crypto_random_text(a, "0123456789abcdef", (size_t)2 * REQUEST_ID_BYTES));
	int rc;

	ASSERT(login);
	rc = lasso_login_init_authn_request(login, idp->config->title, LASSO_HTTP_METHOD_REDIRECT);
	if (rc == 0)
		rc = request_fill(login, id, clock_rfc3339(a, clock_now()));
	if (rc == 0)
		*ret_url = arena_string(a, LASSO_PROFILE(login)->msg_url);
	g_object_unref(login);
	if (rc != 0 || !*ret_url)
		return cause(STATUS_INTERNAL, "lasso makes no request for idp \"%s\" (%s)",
			idp->config->title, lasso_strerror(rc));
	*ret_id = id;
	return STATUS_OK;
}

enum status saml_request(struct arena *a, const char *idp_name, const char **ret_url, const char **ret_id)
{
	const struct federation_idp *idp = federation_find(&sp.federation, idp_name);
	const char *url = NULL, *id = NULL;
	enum status s;

	if (!idp)
		return cause(STATUS_MISSING, "there is no idp \"%s\"", idp_name);
	if (metadata_fresh(idp, clock_now()))
		return STATUS_UPSTREAM;
	pthread_mutex_lock(&building);
	s = request_build(a, idp, &url, &id);
	pthread_mutex_unlock(&building);
	if (s)
		return s;
	*ret_url = url;
	*ret_id = id;
	return STATUS_OK;
}

/* An encrypted assertion passes the same scan once it is open. All that goes wrong in there has one name: an answer that told a failed
 * decryption from a wrong content would decrypt for who asks often enough. */
static enum status hidden_scan(struct arena *a, struct bytes xml, const char **ret_check)
{
	struct bytes plain;
	struct message inner;
	const char *check = NULL;
	enum status s = decrypt_assertion(a, sp.key, xml, &plain);

	if (s)
		return REFUSE(ret_check, "decryption", "%s", arena_string(a, cause_text()));
	s = message_scan(plain, MESSAGE_ASSERTION, &inner, &check);
	if (s)
		return REFUSE(ret_check, "decryption", "inside the encryption: %s: %s", check,
			arena_string(a, cause_text()));
	return STATUS_OK;
}

static enum status judge_expected(const struct response_rules *rules, const char **ret_check)
{
	when waited = rules->now - rules->expected->asked_at;

	if (metadata_fresh(rules->idp, rules->now)) {
		*ret_check = "metadata-expired";
		return STATUS_DENIED;
	}
	if (waited > rules->settings->login_time || waited < -rules->settings->skew)
		return REFUSE(ret_check, "login-time", "the answer came %lld s after the request",
			(long long)(waited / SECOND));
	return STATUS_OK;
}

enum status saml_consume(struct arena *a, const char *response, const struct saml_expected *expected,
	when now, struct saml_login *ret, const char **ret_check)
{
	struct response_rules rules = {
		.settings = sp.settings,
		.entity_id = sp.entity_id,
		.acs = sp.acs,
		.idp = federation_find(&sp.federation, expected->idp),
		.expected = expected,
		.now = now,
	};
	struct bytes xml;
	struct message found;
	LassoLogin *login;
	enum status s;

	if (!rules.idp)
		return REFUSE(ret_check, "issuer", "there is no idp \"%s\" any more", expected->idp);
	if ((s = judge_expected(&rules, ret_check)) || (s = message_decode(a, response, &xml, ret_check)) ||
		(s = message_scan(xml, MESSAGE_RESPONSE, &found, ret_check)))
		return s;
	if (sp.settings->require_encryption && found.assertions > 0 && found.encrypted == 0)
		return REFUSE(ret_check, "unencrypted", "the assertion is not encrypted");
	if (found.encrypted && (s = hidden_scan(a, xml, ret_check)))
		return s;
	if ((s = response_verify(a, rules.idp->server, xml, &login, ret_check)))
		return s;
	return response_judge(a, &rules, login, ret, ret_check);
}

const struct saml_expiry *saml_expiries(struct arena *a)
{
	const struct federation *f = &sp.federation;
	struct saml_expiry *all = arena_array(a, 2 + 2 * f->n, sizeof *all);
	size_t n = 0;

	if (!sp.arena)
		return all;
	all[n++] = (struct saml_expiry){SAML_EXPIRY_OWN, NULL, sp.certificate_until};
	for (size_t i = 0; i < f->n; i++) {
		const struct federation_idp *idp = &f->idps[i];
		if (idp->certificate_until)
			all[n++] = (struct saml_expiry){SAML_EXPIRY_IDP, idp->config, idp->certificate_until};
		if (idp->valid_until)
			all[n++] = (struct saml_expiry){SAML_EXPIRY_METADATA, idp->config, idp->valid_until};
	}
	return all;
}
