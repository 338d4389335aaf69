/* The service provider: what it starts with, its metadata and requests, what it takes from a genuine response, and use by threads. */
#include <lasso/lasso.h>
#include <lasso/xml/saml-2.0/samlp2_authn_request.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saml/message.h"
#include "saml/xml.h"
#include "support/check.h"
#include "support/saml_forge.h"

#define MD "urn:oasis:names:tc:SAML:2.0:metadata"

static int setup(void **state)
{
	/* Would turn verification off; saml_start must see to that. */
	setenv("LASSO_FLAG", "no-verify-signature", 1);
	check_ok(saml_start(&forge_world()->settings, FORGE_PORTAL));
	return 0;
}

static int teardown(void **state)
{
	saml_stop();
	return 0;
}

static void takes_the_person(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	struct saml_expected expected = forge_expected();
	struct saml_login login;
	const char *check;

	check_ok(saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check));
	assert_string_equal(login.idp, FORGE_IDP);
	assert_string_equal(login.eppn, "taro@u.test");
	assert_string_equal(login.mail, "taro@mail.u.test");
	assert_string_equal(login.name, "山田 太郎");
	assert_string_equal(login.assertion_id, "_assertion");
	assert_string_equal(login.name_id, "_transient");
	assert_string_equal(login.session_index, "_session");
	/* As long as a copy could still be accepted: 5 minutes, and the clocks may differ. */
	assert_true(login.replay_until >= FORGE_NOW + 5 * MINUTE + 3 * MINUTE);
	assert_true(login.replay_until <= FORGE_NOW + HOUR);
	f.ja_name = NULL;
	check_ok(saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check));
	assert_string_equal(login.name, "Taro Yamada");
	arena_free(a);
}

/* An assertion that never ends must not be remembered for ever: its request ends. */
static void replay_memory_is_bounded(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	struct saml_expected expected = forge_expected();
	struct saml_login login;
	const char *check;

	f.confirmed_until = f.conditions_until = "9999-12-31T23:59:59Z";
	check_ok(saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check));
	assert_true(login.replay_until >= expected.asked_at + 15 * MINUTE);
	assert_true(login.replay_until <= expected.asked_at + HOUR);
	arena_free(a);
}

static when end_of(const char *pem)
{
	FILE *file = fopen(pem, "r");
	assert_non_null(file);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	struct tm tm;

	fclose(file);
	assert_non_null(certificate);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm), 1);
	X509_free(certificate);
	return (when)timegm(&tm) * SECOND;
}

static void what_ends_one_day_is_told(void **state)
{
	struct arena *a = arena_new();
	const struct saml_expiry *e = saml_expiries(a);
	unsigned certificates = 0;

	assert_int_equal(e[0].what, SAML_EXPIRY_OWN);
	assert_null(e[0].idp);
	assert_int_equal(e[0].at, end_of(forge_world()->settings.certificate));
	for (e++; e->what; e++) {
		assert_non_null(e->idp);
		assert_true(e->at > 0);
		certificates += e->what == SAML_EXPIRY_IDP && text_same(e->idp->title, FORGE_IDP);
	}
	assert_int_equal(certificates, 1);
	arena_free(a);
}

static void encryption_can_be_demanded(void **state)
{
	struct arena *a = arena_new();
	struct forge_world *w = forge_world();
	struct forge f = forge_genuine(a, w);
	struct saml_expected expected = forge_expected();
	struct saml_login login;
	const char *check;

	w->settings.require_encryption = true;
	check_status(saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "unencrypted");
	f.encryption = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
	check_ok(saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check));
	w->settings.require_encryption = false;
	arena_free(a);
}

static void knows_the_idps(void **state)
{
	const struct identity_provider *idp = saml_idp_find(FORGE_IDP),
				       *other = saml_idp_find(FORGE_OTHER_IDP);

	assert_int_equal(saml_idp_count(), 2);
	assert_ptr_equal(saml_idp(0), idp);
	assert_string_equal(saml_idp_name(idp, LANG_JA), "試験大学");
	assert_string_equal(saml_idp_name(idp, LANG_EN), "Test University");
	assert_string_equal(saml_idp_name(other, LANG_JA), FORGE_OTHER_IDP);
	assert_null(saml_idp_find("https://nobody.test/"));
	assert_null(saml_idp_find(NULL));
}

static void mail_domains(void **state)
{
	struct identity_provider *idp = &forge_world()->idps[0];
	static const char *const domains[] = {"Mail.u.test", NULL};
	const char *const *before = idp->mail_domains;

	assert_true(saml_mail_allowed(idp, "taro@u.test"));
	assert_true(saml_mail_allowed(idp, "taro@CS.u.test"));
	assert_false(saml_mail_allowed(idp, "taro@evil-u.test"));
	assert_false(saml_mail_allowed(idp, "taro@test"));
	assert_false(saml_mail_allowed(idp, "taro@u.test.evil.test"));
	assert_false(saml_mail_allowed(idp, "taro"));
	idp->mail_domains = domains;
	assert_true(saml_mail_allowed(idp, "taro@mail.u.test"));
	assert_false(saml_mail_allowed(idp, "taro@u.test"));
	assert_false(saml_mail_allowed(idp, "taro@x.mail.u.test"));
	idp->mail_domains = before;
}

static void metadata_is_complete(void **state)
{
	struct arena *a = arena_new();
	struct bytes text;
	xmlDoc *doc;

	check_ok(saml_metadata(a, &text));
	check_ok(xml_parse(a, "metadata", text, &doc));
	xmlNode *root = xmlDocGetRootElement(doc), *role = xml_next(root->children, MD, "SPSSODescriptor");
	assert_non_null(role);
	assert_string_equal(xml_attribute(a, root, "entityID"), FORGE_SP);
	assert_string_equal(xml_attribute(a, role, "AuthnRequestsSigned"), "true");
	assert_string_equal(xml_attribute(a, role, "WantAssertionsSigned"), "true");
	xmlNode *acs = xml_next(role->children, MD, "AssertionConsumerService");
	assert_string_equal(xml_attribute(a, acs, "Location"), FORGE_ACS);
	assert_string_equal(
		xml_attribute(a, acs, "Binding"), "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
	xmlNode *attributes = xml_next(role->children, MD, "AttributeConsumingService");
	int n = 0;
	for (xmlNode *i = attributes->children; (i = xml_next(i, MD, "RequestedAttribute")); i = i->next)
		n++;
	assert_int_equal(n, 4);
	for (const char *const *s = (const char *const[]){"use=\"signing\"", "use=\"encryption\"",
		     "xml:lang=\"ja\"", "xml:lang=\"en\"", "mdui:DisplayName", "mailto:help@u.test",
		     "nameid-format:transient", NULL};
		*s; s++) {
		if (!strstr((const char *)text.data, *s))
			fail_msg("the metadata has no %s", *s);
	}
	assert_non_null(strstr((const char *)text.data, forge_world()->sp.base64));
	arena_free(a);
}

static const char *query_part(struct arena *a, const char *url, const char *name, char **ret)
{
	const char *begin = strstr(url, name);

	assert_non_null(begin);
	begin += strlen(name);
	assert_true(text_url_decode(a, begin, strcspn(begin, "&"), ret));
	return *ret;
}

static const char *inflated(struct arena *a, const char *url)
{
	LassoNode *request = lasso_samlp2_authn_request_new();

	assert_int_equal(
		lasso_node_init_from_message(request, strchr(url, '?') + 1), LASSO_MESSAGE_FORMAT_QUERY);
	gchar *xml = lasso_node_export_to_xml(request);
	const char *copy = arena_string(a, xml);
	g_free(xml);
	g_object_unref(request);
	return copy;
}

static bool signature_good(const char *url, const struct forge_key *key, struct bytes signature)
{
	const char *query = strchr(url, '?') + 1, *end = strstr(url, "&Signature=");
	BIO *in = BIO_new_mem_buf(key->certificate, -1);
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) == 1 &&
		    EVP_DigestVerify(context, signature.data, signature.len, (const unsigned char *)query,
			    (size_t)(end - query)) == 1;

	EVP_MD_CTX_free(context);
	X509_free(x);
	BIO_free(in);
	return good;
}

static void requests_are_signed(void **state)
{
	struct arena *a = arena_new();
	const char *url, *id, *other_url, *other_id;
	char *part;
	struct bytes b;

	check_ok(saml_request(a, FORGE_IDP, &url, &id));
	assert_true(text_starts(url, FORGE_IDP "/sso?SAMLRequest="));
	assert_string_equal(
		query_part(a, url, "&SigAlg=", &part), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
	assert_true(text_unbase64(a, query_part(a, url, "&Signature=", &part), &b));
	assert_true(signature_good(url, &forge_world()->sp, b));
	assert_false(signature_good(url, &forge_world()->idp, b));
	const char *xml = inflated(a, url);
	for (const char *const *s = (const char *const[]){id, "Destination=\"" FORGE_IDP "/sso\"", FORGE_ACS,
		     FORGE_SP, "HTTP-POST", "nameid-format:transient", NULL};
		*s; s++) {
		if (!strstr(xml, *s))
			fail_msg("the request has no %s: %s", *s, xml);
	}
	assert_int_equal(strlen(id), 41);
	check_ok(saml_request(a, FORGE_IDP, &other_url, &other_id));
	assert_string_not_equal(id, other_id);
	check_status(saml_request(a, "https://nobody.test/", &url, &id), STATUS_MISSING);
	arena_free(a);
}

/* Each thread keeps asking and consuming: what they share is only read. */
static void *work(void *bad)
{
	for (int round = 0; round < 20; round++) {
		struct arena *a = arena_new();
		struct forge f = forge_genuine(a, forge_world());
		struct saml_expected expected = forge_expected();
		struct saml_login login;
		const char *check, *url, *id;

		f.encryption = round % 2 ? "http://www.w3.org/2001/04/xmlenc#aes128-cbc" : NULL;
		bool good = saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check) ==
				    STATUS_OK &&
			    text_same(login.eppn, "taro@u.test");
		f.sign_assertion = &f.world->other;
		good = good && saml_consume(a, forge_message(&f), &expected, FORGE_NOW, &login, &check) ==
				       STATUS_DENIED;
		good = good &&
		       saml_request(a, round % 3 ? FORGE_IDP : FORGE_OTHER_IDP, &url, &id) == STATUS_OK;
		if (!good)
			__atomic_add_fetch((int *)bad, 1, __ATOMIC_RELAXED);
		arena_free(a);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	pthread_t threads[4];
	int bad = 0;

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &bad), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(bad, 0);
}

/* Starts with one setting changed; the cause must contain these words. Stops again when it does start. */
static void starts(const struct saml_settings *settings, const char *words)
{
	enum status s = saml_start(settings, FORGE_PORTAL);

	if (s == STATUS_OK) {
		saml_stop();
		assert_null(words);
		return;
	}
	if (!words || !strstr(cause_text(), words))
		fail_msg("start: \"%s\" does not say \"%s\"", cause_text(), words ? words : "(anything)");
}

static void with_metadata(const char *entity_id, const char *attributes, const char *more,
	const char *const *scopes, const char *words)
{
	struct forge_world *w = forge_world();
	struct identity_provider idp = w->idps[0];
	struct saml_settings settings = w->settings;

	idp.metadata = forge_file(
		w, "changed.xml", 0644, forge_idp_metadata(w->arena, entity_id, &w->idp, attributes, more));
	if (scopes)
		idp.scopes = scopes;
	settings.idps = (struct setting_sections){1, &idp};
	starts(&settings, words);
}

static void wrong_configuration_is_named(void **state)
{
	static const char *const scopes[] = {"u.test", NULL};
	struct forge_world *w = forge_world();
	struct saml_settings s = w->settings;

	saml_stop();
	starts(&s, NULL);
	s.key = forge_file(w, "other.key", 0600, w->other.pem);
	starts(&s, "do not belong together");
	s.key = "/nonexistent/sp.key";
	starts(&s, "/nonexistent/sp.key");
	s.key = forge_file(w, "open.key", 0644, w->sp.pem);
	chmod(s.key, 0644);
	starts(&s, "open.key");
	s.key = forge_file(w, "text.key", 0600, "not a key");
	starts(&s, "no unencrypted private key");
	s = w->settings;
	s.certificate = s.key;
	starts(&s, "no certificate");

#define SCOPE "<shibmd:Scope>u.test</shibmd:Scope>"
	with_metadata(FORGE_IDP, "", SCOPE, NULL, NULL);
	with_metadata("https://x.test/", "", SCOPE, NULL, "another entity");
	with_metadata(FORGE_IDP, "", "", NULL, "shibmd:Scope");
	with_metadata(FORGE_IDP, "", "", scopes, NULL);
	with_metadata(
		FORGE_IDP, "", "<shibmd:Scope regexp=\"true\">.*</shibmd:Scope>", NULL, "regular expression");
	with_metadata(FORGE_IDP, "", "<shibmd:Scope regexp=\"true\">.*</shibmd:Scope>", scopes, NULL);
	with_metadata(FORGE_IDP, "", "<shibmd:Scope> </shibmd:Scope>", NULL, "empty or malformed");
	with_metadata(FORGE_IDP, "validUntil=\"soon\"", SCOPE, NULL, "not a time");
	with_metadata(FORGE_IDP, "/><x", SCOPE, NULL, "not XML");
	check_ok(saml_start(&w->settings, FORGE_PORTAL));
}

static void metadata_expires(void **state)
{
	struct forge_world *w = forge_world();
	struct arena *a = arena_new();
	struct identity_provider idp = w->idps[0];
	struct saml_settings settings = w->settings;
	struct saml_expected expected = forge_expected();
	struct forge f = forge_genuine(a, w);
	const char *message = forge_message(&f), *check, *url, *id;
	struct saml_login login;

	saml_stop();
	settings.idps = (struct setting_sections){1, &idp};
	idp.metadata = forge_file(w, "ends.xml", 0644,
		forge_idp_metadata(a, FORGE_IDP, &w->idp,
			arena_printf(a, "validUntil=\"%s\"", clock_rfc3339(a, FORGE_NOW + MINUTE)), SCOPE));
	check_ok(saml_start(&settings, FORGE_PORTAL));
	check_ok(saml_consume(a, message, &expected, FORGE_NOW, &login, &check));
	check_status(saml_consume(a, message, &expected, FORGE_NOW + MINUTE, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "metadata-expired");
	saml_stop();
	idp.metadata = forge_file(w, "ended.xml", 0644,
		forge_idp_metadata(a, FORGE_IDP, &w->idp, "validUntil=\"2020-01-01T00:00:00Z\"", SCOPE));
	check_ok(saml_start(&settings, FORGE_PORTAL));
	check_status(saml_request(a, FORGE_IDP, &url, &id), STATUS_UPSTREAM);
	saml_stop();
	check_ok(saml_start(&w->settings, FORGE_PORTAL));
	arena_free(a);
}

/* The self-test must be able to fail: with verification turned off the start is refused. */
extern int lasso_flag_verify_signature;
static void self_test_notices(void **state)
{
	saml_stop();
	assert_int_equal(lasso_flag_verify_signature, 1);
	lasso_flag_verify_signature = 0;
	starts(&forge_world()->settings, "signatures are not verified here");
	lasso_flag_verify_signature = 1;
	check_ok(saml_start(&forge_world()->settings, FORGE_PORTAL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_person),
		cmocka_unit_test(replay_memory_is_bounded),
		cmocka_unit_test(what_ends_one_day_is_told),
		cmocka_unit_test(encryption_can_be_demanded),
		cmocka_unit_test(knows_the_idps),
		cmocka_unit_test(mail_domains),
		cmocka_unit_test(metadata_is_complete),
		cmocka_unit_test(requests_are_signed),
		cmocka_unit_test(threads_share_it),
		cmocka_unit_test(wrong_configuration_is_named),
		cmocka_unit_test(metadata_expires),
		cmocka_unit_test(self_test_notices),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
