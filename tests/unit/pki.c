/* Tests of the embedded CA's pure parts: keys, names, certificates, revocation lists and .p12 files, judged by other programs too. */
#include "support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../../plugins/upstream_local/ca.c"
#include "../../plugins/upstream_local/crl.c"
#include "../../plugins/upstream_local/key.c"
#include "../../plugins/upstream_local/name.c"
#include "../../plugins/upstream_local/openssl.c"
#include "../../plugins/upstream_local/p12.c"
#include "../../plugins/upstream_local/pin.c"

#define NOW (1763800000 * SECOND) /* 2025-11-22 */
#define SUBJECT "CN=taro.7,OU=Staff,O=Example University,C=JP"
#define PIN "a3c4d5e6f7g8h9"

static struct arena *a;
static char dir[] = "/tmp/inkan-pki-XXXXXX";
static struct ca ca;
static const char *const sign_usage[] = {"digitalSignature", NULL};
static const char *const client_eku[] = {"clientAuth", NULL};

static const char *file(const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

static void file_write(const char *name, struct bytes b)
{
	FILE *f = fopen(file(name), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
	assert_int_equal(fclose(f), 0);
}

/* What a command in the directory prints; *ret_rc: how it ended. */
static const char *output(const char *command, int *ret_rc)
{
	char *out = arena_alloc(a, 65536);
	FILE *f = popen(arena_printf(a, "cd %s && { %s; } 2>&1", dir, command), "r");
	assert_non_null(f);
	size_t n = fread(out, 1, 65535, f);
	out[n] = '\0';
	*ret_rc = pclose(f);
	return out;
}

static void must_run(const char *command, const char *expected)
{
	int rc;
	const char *out = output(command, &rc);
	if (rc != 0 || (expected && !strstr(out, expected)))
		fail_msg("%s ended with %d and printed\n%s\nwithout \"%s\"", command, rc, out,
			expected ? expected : "");
}

static void must_fail(const char *command, const char *expected)
{
	int rc;
	const char *out = output(command, &rc);
	if (rc == 0 || !strstr(out, expected))
		fail_msg("%s ended with %d and printed\n%s\nwithout \"%s\"", command, rc, out, expected);
}

static struct ca ca_new(const char *name, const char *kind)
{
	struct ca made = {.generation = 1};
	check_ok(key_make(a, kind, &made.key));
	check_ok(ca_make(a, name, made.key, NOW, NOW + 3650 * DAY, &made.certificate));
	return made;
}

static int set_up(void **state)
{
	struct bytes der;
	a = arena_new();
	if (!mkdtemp(dir))
		return -1;
	ca = ca_new("CN=Test CA,O=Example University,C=JP", "ec:P-256");
	check_ok(x509_der(a, ca.certificate, &der));
	file_write("ca.der", der);
	must_run("openssl x509 -inform der -in ca.der -out ca.pem", NULL);
	return 0;
}

static int tear_down(void **state)
{
	int rc;
	output("rm -f -- *", &rc);
	rmdir(dir);
	arena_free(a);
	return 0;
}

static struct ca_request request_of(EVP_PKEY *key)
{
	return (struct ca_request){
		.subject = SUBJECT,
		.key = key,
		.key_usage = sign_usage,
		.eku = client_eku,
		.mail = "taro@example.ac.jp",
		.not_before = NOW - 300 * SECOND,
		.not_after = NOW + 365 * DAY,
		.crl_url = "https://portal.example.ac.jp/upstream_local/ca/1/ca.crl",
		.ca_url = "https://portal.example.ac.jp/upstream_local/ca/1/ca.cer",
	};
}

static X509 *signed_one(EVP_PKEY *key, const char *name)
{
	struct ca_request request = request_of(key);
	X509 *x;
	struct bytes der;
	check_ok(ca_sign(a, &ca, &request, &x));
	check_ok(x509_der(a, x, &der));
	file_write(arena_printf(a, "%s.der", name), der);
	must_run(arena_printf(a, "openssl x509 -inform der -in %s.der -out %s.pem", name, name), NULL);
	return x;
}

static EVP_PKEY *ec_key(void)
{
	EVP_PKEY *key;
	check_ok(key_make(a, "ec:P-256", &key));
	return key;
}

static void keys_of_each_kind(void **state)
{
	static const struct {
		const char *kind;
		int bits;
	} kinds[] = {{"rsa:2048", 2048}, {"ec:P-256", 256}, {"ec:P-384", 384}};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		EVP_PKEY *key, *again;
		struct bytes pkcs8;
		check_ok(key_make(a, kinds[i].kind, &key));
		assert_int_equal(EVP_PKEY_get_bits(key), kinds[i].bits);
		check_ok(key_write(a, key, &pkcs8));
		check_ok(key_read(a, pkcs8, &again));
		assert_int_equal(EVP_PKEY_eq(key, again), 1);
		assert_int_not_equal(EVP_PKEY_eq(key, ca.key), 1);
		check_status(key_read(a, bytes_of(pkcs8.data, pkcs8.len - 1), &again), STATUS_INTERNAL);
	}
	EVP_PKEY *key;
	check_status(key_make(a, "rsa:1024", &key), STATUS_INVALID);
	check_status(key_make(a, "dsa:2048", &key), STATUS_INVALID);
	assert_ptr_equal(key_digest(ca.key), EVP_sha256());
}

static void names(void **state)
{
	static const char *const bad[] = {"", "CN", "=x", "CN=", "CN=a,,O=b", "XX=a", "CN=a\\,b", "CN=a+OU=b",
		"CN=a;b", "CN=\"a\"", "CN=a\tb", "CN=a,C=JPN", "CN=a,C=\u65e5", "CN=a\xff",
		"CN=0123456789012345678901234567890123456789012345678901234567890123456789"};
	X509_NAME *name;
	check_ok(name_parse(a, SUBJECT, &name));
	/* in the certificate the country comes first */
	assert_int_equal(X509_NAME_entry_count(name), 4);
	const X509_NAME_ENTRY *first = X509_NAME_get_entry(name, 0);
	assert_int_equal(OBJ_obj2nid(X509_NAME_ENTRY_get_object(first)), NID_countryName);
	assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(first)), V_ASN1_PRINTABLESTRING);
	const X509_NAME_ENTRY *last = X509_NAME_get_entry(name, 3);
	assert_int_equal(OBJ_obj2nid(X509_NAME_ENTRY_get_object(last)), NID_commonName);
	assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(last)), V_ASN1_UTF8STRING);
	check_ok(name_parse(a, "CN=\u5c71\u7530 \u592a\u90ce,O=\u4f8b\u5927\u5b66", &name));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (name_parse(a, bad[i], &name) != STATUS_INVALID)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_string_equal(name_common(a, SUBJECT), "taro.7");
}

static void ca_certificate(void **state)
{
	must_run("openssl x509 -in ca.pem -noout -text", "CA:TRUE, pathlen:0");
	must_run(
		"openssl x509 -in ca.pem -noout -ext basicConstraints", "X509v3 Basic Constraints: critical");
	must_run("openssl x509 -in ca.pem -noout -ext keyUsage",
		"X509v3 Key Usage: critical\n    Certificate Sign, CRL Sign\n");
	must_run("openssl x509 -in ca.pem -noout -subject -nameopt RFC2253",
		"subject=CN=Test CA,O=Example University,C=JP");
	must_run("openssl verify -attime 1763800060 -check_ss_sig -x509_strict -CAfile ca.pem ca.pem", "OK");
}

static void user_certificate(void **state)
{
	X509 *x = signed_one(ec_key(), "user");
	struct bytes der;
	check_ok(x509_der(a, x, &der));
	must_run("openssl verify -attime 1763800060 -x509_strict -purpose sslclient -CAfile ca.pem user.pem",
		"OK");
	must_fail("openssl verify -attime 1763800060 -purpose sslserver -CAfile ca.pem user.pem",
		"unsuitable certificate purpose");
	must_run("openssl x509 -in user.pem -noout -subject -nameopt RFC2253", "subject=" SUBJECT);
	must_run("openssl x509 -in user.pem -noout -ext keyUsage", "critical\n    Digital Signature\n");
	must_run("openssl x509 -in user.pem -noout -ext extendedKeyUsage",
		"\n    TLS Web Client Authentication\n");
	must_run("openssl x509 -in user.pem -noout -ext subjectAltName", "\n    email:taro@example.ac.jp\n");
	must_run("openssl x509 -in user.pem -noout -ext basicConstraints", "CA:FALSE");
	must_run("openssl x509 -in user.pem -noout -ext crlDistributionPoints",
		"URI:https://portal.example.ac.jp/upstream_local/ca/1/ca.crl");
	must_run("openssl x509 -in user.pem -noout -ext authorityInfoAccess",
		"CA Issuers - URI:https://portal.example.ac.jp/upstream_local/ca/1/ca.cer");
	must_run("openssl x509 -in user.pem -noout -serial", text_lower(a, "serial="));
	assert_int_equal(x509_not_before(x), NOW - 300 * SECOND);
	assert_int_equal(x509_not_after(x), NOW + 365 * DAY);
	assert_int_equal(strlen(x509_fingerprint(a, der)), 64);
	must_run("openssl x509 -in user.pem -noout -fingerprint -sha256 | tr -d : | tr A-Z a-z",
		x509_fingerprint(a, der));
	/* another CA of the same name does not verify it: the test above can fail */
	struct ca other = ca_new("CN=Test CA,O=Example University,C=JP", "ec:P-256");
	check_ok(x509_der(a, other.certificate, &der));
	file_write("other.der", der);
	must_run("openssl x509 -inform der -in other.der -out other.pem", NULL);
	must_fail("openssl verify -attime 1763800060 -CAfile other.pem user.pem", "error");
}

static void serials(void **state)
{
	const char *last = "";
	for (int i = 0; i < 20; i++) {
		struct ca_request request = request_of(ca.key);
		X509 *x;
		check_ok(ca_sign(a, &ca, &request, &x));
		const char *serial = x509_serial(a, x);
		assert_int_equal(strlen(serial), 32);
		assert_true(
			serial[0] >= '4' && serial[0] <= '7'); /* positive without a zero octet in front */
		assert_string_not_equal(serial, last);
		last = serial;
	}
}

static void what_cannot_be_signed(void **state)
{
	static const char *const unknown[] = {"keyCertSign", NULL}, *const nonsense[] = {"noSuchUsage", NULL};
	static const char *const mails[] = {"taro", "@example.ac.jp", "taro@", "a@b@c", "ta ro@example.ac.jp",
		"t\u00e4ro@example.ac.jp", "taro@example.ac.jp\n"};
	struct ca_request good = request_of(ca.key), bad;
	X509 *x;
	check_ok(ca_sign(a, &ca, &good, &x));
	bad = good;
	bad.subject = "CN=a+b";
	check_status(ca_sign(a, &ca, &bad, &x), STATUS_INVALID);
	bad = good;
	bad.key_usage = unknown; /* a user's certificate must never sign another */
	check_status(ca_sign(a, &ca, &bad, &x), STATUS_INVALID);
	bad = good;
	bad.eku = nonsense;
	check_status(ca_sign(a, &ca, &bad, &x), STATUS_INVALID);
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		bad = good;
		bad.mail = mails[i];
		check_status(ca_sign(a, &ca, &bad, &x), STATUS_INVALID);
	}
	/* nothing outlives the CA */
	good.not_after = NOW + 36500 * DAY;
	check_ok(ca_sign(a, &ca, &good, &x));
	assert_int_equal(x509_not_after(x), NOW + 3650 * DAY);
}

static void other_names_and_usages(void **state)
{
	static const char *const usage[] = {"digitalSignature", "keyEncipherment", NULL};
	static const char *const eku[] = {"emailProtection", "1.3.6.1.4.1.311.20.2.2", NULL};
	EVP_PKEY *rsa;
	check_ok(key_make(a, "rsa:2048", &rsa));
	struct ca_request request = request_of(rsa);
	struct bytes der;
	X509 *x;
	request.key_usage = usage;
	request.eku = eku;
	request.upn = "taro@example.ac.jp";
	check_ok(ca_sign(a, &ca, &request, &x));
	check_ok(x509_der(a, x, &der));
	file_write("other_names.der", der);
	must_run("openssl x509 -inform der -in other_names.der -noout -ext keyUsage",
		"Digital Signature, Key Encipherment");
	must_run("openssl x509 -inform der -in other_names.der -noout -ext extendedKeyUsage",
		"E-mail Protection, Microsoft Smartcard Login");
	must_run("openssl x509 -inform der -in other_names.der -noout -ext subjectAltName",
		"email:taro@example.ac.jp, othername: UPN::taro@example.ac.jp");

	/* With an elliptic curve a key can be agreed on, not encrypted (RFC 8813). */
	request.key = ec_key();
	check_ok(ca_sign(a, &ca, &request, &x));
	check_ok(x509_der(a, x, &der));
	file_write("other_names.der", der);
	must_run("openssl x509 -inform der -in other_names.der -noout -ext keyUsage",
		"critical\n    Digital Signature, Key Agreement\n");
}

static void after_2049(void **state)
{
	struct ca far = {.key = ca.key};
	check_ok(ca_make(a, "CN=Far", ca.key, NOW, NOW + 30 * 366 * DAY, &far.certificate));
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(far.certificate)), V_ASN1_GENERALIZEDTIME);
	assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(far.certificate)), V_ASN1_UTCTIME);
	assert_int_equal(x509_not_after(far.certificate), NOW + 30 * 366 * DAY);
}

static void crl_write(const char *name, int64_t number, const struct ca_revoked *revoked, size_t n)
{
	struct ca_crl *crl;
	struct bytes der;
	check_ok(ca_crl_new(a, &ca, number, NOW, NOW + 7 * DAY, &crl));
	for (size_t i = 0; i < n; i++)
		check_ok(ca_crl_add(crl, &revoked[i]));
	check_ok(ca_crl_sign(a, crl, &ca, &der));
	file_write(arena_printf(a, "%s.der", name), der);
	must_run(arena_printf(a, "openssl crl -inform der -in %s.der -out %s.pem", name, name), NULL);
}

static void revocation(void **state)
{
	static const char verify[] =
		"openssl verify -attime 1763800060 -x509_strict -crl_check -CAfile ca.pem -CRLfile %s.pem %s.pem";
	const char *one = x509_serial(a, signed_one(ec_key(), "one"));
	const char *two = x509_serial(a, signed_one(ec_key(), "two"));
	signed_one(ec_key(), "three");
	struct ca_revoked revoked[] = {{one, NOW - 2 * SECOND, 1}, {two, NOW - SECOND, 0}};
	crl_write("none", 1, NULL, 0);
	crl_write("some", 258, revoked, 2);
	must_run(arena_printf(a, verify, "none", "one"), "OK");
	must_fail(arena_printf(a, verify, "some", "one"), "certificate revoked");
	must_fail(arena_printf(a, verify, "some", "two"), "certificate revoked");
	must_run(arena_printf(a, verify, "some", "three"), "OK");
	must_run("openssl crl -in some.pem -noout -crlnumber", "0x0102");
	must_run("openssl crl -in some.pem -noout -text", "Key Compromise");
	must_run("openssl crl -in some.pem -noout -text | grep -c 'CRL Reason Code'",
		"1"); /* "unspecified" is left out */
	must_run("openssl crl -in some.pem -noout -CAfile ca.pem", "verify OK");
	must_run("openssl crl -in some.pem -noout -text", "X509v3 Authority Key Identifier");
}

static void p12_write(const char *name, enum p12_format format, EVP_PKEY *key, X509 *x)
{
	struct p12_content content = {.pin = PIN,
		.friendly_name = "taro.7 (7)",
		.key = key,
		.certificate = x,
		.ca = ca.certificate};
	struct bytes p12;
	check_ok(p12_make(a, &content, format, &p12));
	file_write(arena_printf(a, "%s.p12", name), p12);
}

static void p12_opens_everywhere(const char *name)
{
	must_run(arena_printf(
			 a, "openssl pkcs12 -in %s.p12 -passin pass:" PIN " -nodes -out %s.all", name, name),
		NULL);
	must_run(arena_printf(a, "grep -c 'BEGIN CERTIFICATE' %s.all", name), "2");
	must_run(arena_printf(a, "grep 'BEGIN PRIVATE KEY' %s.all", name), NULL);
	must_run(arena_printf(a, "grep 'friendlyName: taro.7 (7)' %s.all", name), NULL);
	must_run(arena_printf(a, "openssl verify -attime 1763800060 -CAfile ca.pem %s.all", name), "OK");
	must_fail(arena_printf(a, "openssl pkcs12 -in %s.p12 -passin pass:wrong -noout", name),
		"invalid password");
	must_run(arena_printf(a,
			 "mkdir %s.nss && certutil -N -d sql:%s.nss --empty-password && "
			 "pk12util -i %s.p12 -d sql:%s.nss -W " PIN
			 " && certutil -L -d sql:%s.nss; rc=$?; rm -r %s.nss; exit $rc",
			 name, name, name, name, name, name),
		"taro.7 (7)");
	must_fail(arena_printf(a,
			  "mkdir %s.nss && certutil -N -d sql:%s.nss --empty-password && "
			  "pk12util -i %s.p12 -d sql:%s.nss -W wrong; rc=$?; rm -r %s.nss; exit $rc",
			  name, name, name, name, name),
		"PKCS12");
	must_run(arena_printf(a, "keytool -list -storetype PKCS12 -keystore %s.p12 -storepass " PIN, name),
		"PrivateKeyEntry");
	must_fail(
		arena_printf(a, "keytool -list -storetype PKCS12 -keystore %s.p12 -storepass wrong99", name),
		"password was incorrect");
}

static void p12_of_both_kinds(void **state)
{
	EVP_PKEY *key;
	check_ok(key_make(a, "rsa:2048", &key)); /* what users get by default */
	X509 *x = signed_one(key, "holder");
	p12_write("modern", P12_MODERN, key, x);
	p12_write("compatible", P12_COMPATIBLE, key, x);
	p12_opens_everywhere("modern");
	p12_opens_everywhere("compatible");
	must_run("openssl pkcs12 -info -in modern.p12 -passin pass:" PIN " -noout",
		"MAC: sha256, Iteration 10000");
	must_run("openssl pkcs12 -info -in modern.p12 -passin pass:" PIN " -noout",
		"PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256");
	must_run("openssl pkcs12 -info -in compatible.p12 -passin pass:" PIN " -noout",
		"MAC: sha1, Iteration 2048");
	must_run("openssl pkcs12 -info -in compatible.p12 -passin pass:" PIN
		 " -noout 2>&1 | grep -c pbeWithSHA1And3-KeyTripleDES-CBC",
		"2");
	p12_write("curve", P12_MODERN, ca.key, ca.certificate);
	must_run("openssl pkcs12 -in curve.p12 -passin pass:" PIN " -noout", NULL);
	enum p12_format f = P12_MODERN;
	assert_true(p12_format_parse("compatible", &f));
	assert_int_equal(f, P12_COMPATIBLE);
	assert_false(p12_format_parse("rc2", &f));
}

static void pins(void **state)
{
	const char *pin = pin_new(a, 14);
	assert_int_equal(strlen(pin), 14);
	assert_int_equal(strspn(pin, alphabet), 14);
	assert_null(strpbrk(alphabet, "01oilzsbqv ")); /* of each pair of look-alikes one at most */
	assert_string_not_equal(pin, pin_new(a, 14));
	assert_string_equal(pin_normal(a, pin), pin);
	assert_string_equal(pin_normal(a, " A3C4-d5e6 "), "a3c4d5e6");
	assert_string_equal(pin_normal(a, "\uff21\uff13\uff43\u3000\uff14\uff5a"), "a3c4z");
	assert_null(pin_normal(a, ""));
	assert_null(pin_normal(a, " - "));
	assert_null(pin_normal(a, "caf\u00e9"));
	assert_null(pin_normal(a, "\u30d4\u30f3"));
	assert_null(pin_normal(a, "a\x01"));
}

static void pauses(void **state)
{
	assert_int_equal(pin_pause(0, 5, MINUTE, DAY), 0);
	assert_int_equal(pin_pause(4, 5, MINUTE, DAY), 0);
	assert_int_equal(pin_pause(5, 5, MINUTE, DAY), MINUTE);
	assert_int_equal(pin_pause(6, 5, MINUTE, DAY), 2 * MINUTE);
	assert_int_equal(pin_pause(8, 5, MINUTE, DAY), 8 * MINUTE);
	assert_int_equal(pin_pause(4000000000u, 5, MINUTE, DAY), DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_each_kind),
		cmocka_unit_test(names),
		cmocka_unit_test(ca_certificate),
		cmocka_unit_test(user_certificate),
		cmocka_unit_test(serials),
		cmocka_unit_test(what_cannot_be_signed),
		cmocka_unit_test(other_names_and_usages),
		cmocka_unit_test(after_2049),
		cmocka_unit_test(revocation),
		cmocka_unit_test(p12_of_both_kinds),
		cmocka_unit_test(pins),
		cmocka_unit_test(pauses),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
