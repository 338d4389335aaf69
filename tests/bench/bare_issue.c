/* The floor of issuing: key, certificate and .p12 with OpenSSL alone, on so many threads. bare_issue rsa:2048|ec:P-256 N THREADS */
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#define DIE_UNLESS(expr)                                                                                       \
	do {                                                                                                   \
		if (!(expr)) {                                                                                 \
			fprintf(stderr, "%s failed\n", #expr);                                                 \
			exit(1);                                                                               \
		}                                                                                              \
	} while (0)

static atomic_int left;
static EVP_PKEY *ca_key;
static X509 *ca;
static const char *algorithm;

static EVP_PKEY *key_make(const char *what)
{
	EVP_PKEY *key = strncmp(what, "rsa:", 4) == 0 ? EVP_RSA_gen((unsigned)strtoul(what + 4, NULL, 10)) : EVP_EC_gen(what + 3);
	DIE_UNLESS(key);
	return key;
}

static X509 *certificate_make(EVP_PKEY *key, const char *cn, X509 *issuer)
{
	X509 *x = X509_new();
	unsigned char serial[16];
	BIGNUM *bn;
	DIE_UNLESS(x && RAND_bytes(serial, sizeof serial) == 1);
	serial[0] &= 0x7f;
	bn = BN_bin2bn(serial, sizeof serial, NULL);
	X509_set_version(x, X509_VERSION_3);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	X509_gmtime_adj(X509_getm_notBefore(x), -300);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 1500);
	X509_NAME *name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const unsigned char *)"JP", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Example University", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	X509_NAME_free(name);
	X509_set_pubkey(x, key);
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "clientAuth"},
		{NID_subject_alt_name, "email:taro@example.ac.jp"},
		{NID_crl_distribution_points, "URI:https://localhost/upstream_local/ca.crl"},
	};
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
		DIE_UNLESS(e && X509_add_ext(x, e, -1));
		X509_EXTENSION_free(e);
	}
	DIE_UNLESS(X509_sign(x, issuer ? ca_key : key, EVP_sha256()));
	return x;
}

static void *worker(void *unused)
{
	(void)unused;
	while (atomic_fetch_sub(&left, 1) > 0) {
		EVP_PKEY *key = key_make(algorithm);
		X509 *x = certificate_make(key, "taro.1", ca);
		STACK_OF(X509) *chain = sk_X509_new_null();
		unsigned char *der = NULL;
		sk_X509_push(chain, ca);
		PKCS12 *p12 = PKCS12_create_ex("2345abcdefghjkmn", "taro.1", key, x, chain, NID_aes_256_cbc, NID_aes_256_cbc, PKCS12_DEFAULT_ITER,
			PKCS12_DEFAULT_ITER, 0, NULL, NULL);
		DIE_UNLESS(p12 && i2d_PKCS12(p12, &der) > 0);
		OPENSSL_free(der);
		PKCS12_free(p12);
		sk_X509_free(chain);
		X509_free(x);
		EVP_PKEY_free(key);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	algorithm = argv[1];
	int n = (int)strtol(argv[2], NULL, 10), threads = (int)strtol(argv[3], NULL, 10);
	pthread_t all[64];
	struct timespec from, to;
	ca_key = key_make("rsa:3072");
	ca = certificate_make(ca_key, "Bench CA", NULL);
	atomic_store(&left, n);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads && i < 64; i++)
		pthread_create(&all[i], NULL, worker, NULL);
	for (int i = 0; i < threads && i < 64; i++)
		pthread_join(all[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("%.2f\n", n / s);
	return 0;
}
