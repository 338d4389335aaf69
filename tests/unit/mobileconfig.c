/* Tests of Apple's configuration profiles: another program reads them, and the .p12 within opens with the PIN alone. */
#include "support/check.h"

#include <stdio.h>
#include <unistd.h>

#include "../../plugins/upstream_local/ca.c"
#include "../../plugins/upstream_local/key.c"
#include "../../plugins/upstream_local/mobileconfig.c"
#include "../../plugins/upstream_local/name.c"
#include "../../plugins/upstream_local/openssl.c"
#include "../../plugins/upstream_local/p12.c"

#define NOW (1763800000 * SECOND) /* 2025-11-22 */
#define PIN "a3c4d5e6f7g8h9"
/* What would break out of the XML, were it not escaped. */
#define ORGANIZATION "A & B <University> ]]> \"学\" \x01"

static struct arena *a;
static char dir[] = "/tmp/inkan-profile-XXXXXX";

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

static int run(const char *command)
{
	return system(arena_printf(a, "cd %s && { %s; } >out 2>&1 || { cat out; exit 1; }", dir, command));
}

static struct mobileconfig profile_new(void)
{
	static const char *const usage[] = {"digitalSignature", NULL}, *const eku[] = {"clientAuth", NULL};
	struct ca ca = {.generation = 1};
	EVP_PKEY *key;
	X509 *x;
	struct bytes der;
	struct mobileconfig p = {
		.name = "taro.7 (7)",
		.organization = ORGANIZATION,
		.description = "説明",
		.site = "https://portal.example.ac.jp:8443",
		.p12_name = "client-7.p12",
	};
	check_ok(key_make(a, "ec:P-256", &ca.key));
	check_ok(ca_make(a, "CN=Example CA,O=Example University,C=JP", ca.key, NOW, NOW + 3650 * DAY,
		&ca.certificate));
	check_ok(key_make(a, "rsa:2048", &key));
	struct ca_request request = {.subject = "CN=taro.7,O=Example University,C=JP",
		.key = key,
		.key_usage = usage,
		.eku = eku,
		.not_before = NOW,
		.not_after = NOW + 365 * DAY,
		.crl_url = "https://portal.example.ac.jp/ca.crl",
		.ca_url = "https://portal.example.ac.jp/ca.cer"};
	check_ok(ca_sign(a, &ca, &request, &x));
	check_ok(x509_der(a, x, &der));
	p.fingerprint = x509_fingerprint(a, der);
	check_ok(x509_der(a, ca.certificate, &p.ca));
	p.ca_name = x509_common_name(a, ca.certificate);
	assert_string_equal(p.ca_name, "Example CA");
	struct p12_content content = {
		.pin = PIN, .friendly_name = p.name, .key = key, .certificate = x, .ca = ca.certificate};
	check_ok(p12_make(a, &content, P12_COMPATIBLE, &p.p12));
	return p;
}

static const char reader[] =
	"import plistlib, re, sys\n"
	"p = plistlib.load(open('profile.mobileconfig', 'rb'), fmt=plistlib.FMT_XML)\n"
	"uuid = re.compile('[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')\n"
	"assert p['PayloadType'] == 'Configuration' and p['PayloadVersion'] == 1 and p['PayloadRemovalDisallowed'] is False\n"
	"assert p['PayloadDisplayName'] == 'taro.7 (7)' and p['PayloadDescription'] == '説明'\n"
	"assert p['PayloadOrganization'] == 'A & B <University> ]]> \"学\" ', p['PayloadOrganization']\n"
	"root, identity = p['PayloadContent']\n"
	"assert root['PayloadType'] == 'com.apple.security.root' and root['PayloadDisplayName'] == 'Example CA'\n"
	"assert identity['PayloadType'] == 'com.apple.security.pkcs12' and identity['PayloadCertificateFileName'] == 'client-7.p12'\n"
	"assert 'Password' not in identity\n"
	"everyone = [p, root, identity]\n"
	"assert all(uuid.fullmatch(x['PayloadUUID']) and x['PayloadVersion'] == 1 for x in everyone)\n"
	"assert len({x['PayloadUUID'] for x in everyone}) == 3 and len({x['PayloadIdentifier'] for x in everyone}) == 3\n"
	"assert all(x['PayloadIdentifier'].startswith('jp.ac.example.portal.inkan.') for x in everyone), everyone\n"
	"open('inner.p12', 'wb').write(identity['PayloadContent'])\n"
	"open('inner.cer', 'wb').write(root['PayloadContent'])\n";

static void a_profile_is_read_and_its_p12_opens(void **state)
{
	struct mobileconfig p = profile_new();
	struct bytes made = mobileconfig_make(a, &p);
	file_write("profile.mobileconfig", made);
	file_write("read.py", bytes_string(reader));
	/* The PIN must not be in it, in whatever form. */
	assert_null(memmem(made.data, made.len, PIN, strlen(PIN)));
	assert_int_equal(run("/usr/bin/python3 read.py"), 0);
	assert_int_equal(run("openssl pkcs12 -in inner.p12 -passin pass:" PIN
			     " -nodes | openssl x509 -noout -subject | grep taro.7"),
		0);
	assert_int_not_equal(run("openssl pkcs12 -in inner.p12 -passin pass:wrong -nodes -noout"), 0);
	assert_int_equal(run("openssl pkcs12 -info -in inner.p12 -passin pass:" PIN
			     " -noout 2>&1 | grep pbeWithSHA1And3-KeyTripleDES-CBC"),
		0);
	assert_int_equal(
		run("openssl x509 -inform der -in inner.cer -noout -subject | grep 'Example CA'"), 0);
}

static void the_same_certificate_makes_the_same_profile(void **state)
{
	struct mobileconfig p = profile_new(), other = p;
	struct bytes first = mobileconfig_make(a, &p), second = mobileconfig_make(a, &p);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	/* Another certificate is another profile beside it. */
	other.fingerprint = x509_fingerprint(a, bytes_string("another"));
	assert_string_not_equal(uuid(a, p.fingerprint, ""), uuid(a, other.fingerprint, ""));
	assert_string_not_equal(uuid(a, p.fingerprint, "ca"), uuid(a, p.fingerprint, "identity"));
}

static void the_reader_of_this_test_sees_damage(void **state)
{
	struct mobileconfig p = profile_new();
	file_write("read.py", bytes_string(reader));
	p.p12_name = "other.p12";
	file_write("profile.mobileconfig", mobileconfig_make(a, &p));
	assert_int_not_equal(run("/usr/bin/python3 read.py"), 0);
	file_write("profile.mobileconfig", bytes_string("<plist><dict><key>a & b</key></dict></plist>"));
	assert_int_not_equal(run("/usr/bin/python3 read.py"), 0);
}

static void hosts_are_reversed(void **state)
{
	assert_string_equal(host_reversed(a, "https://portal.example.ac.jp"), "jp.ac.example.portal");
	assert_string_equal(host_reversed(a, "https://localhost:8443"), "localhost");
}

static int set_up(void **state)
{
	a = arena_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	int rc = system(arena_printf(a, "rm -rf %s", dir));
	arena_free(a);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_is_read_and_its_p12_opens),
		cmocka_unit_test(the_same_certificate_makes_the_same_profile),
		cmocka_unit_test(the_reader_of_this_test_sees_damage),
		cmocka_unit_test(hosts_are_reversed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
