/* Random bytes, digests, and the sealing of secrets at rest, all by OpenSSL. */
#include "base/crypto.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/config.h"
#include "base/log.h"

#define KEYS_MAX 16
#define KEY_SIZE 32
#define KEY_ID 4
#define NONCE 12
#define TAG 16
#define VERSION 1
#define HEAD (1 + KEY_ID + NONCE)

struct seal_key {
	uint8_t id[KEY_ID];
	uint8_t key[KEY_SIZE];
};

/* Written once, before threads start; the first seals. */
static struct seal_key keys[KEYS_MAX];
static size_t key_count;

static NORETURN void crypto_failed(const char *what)
{
	log_error("OpenSSL, %s failed (%s)", what, ERR_error_string(ERR_get_error(), NULL));
	abort();
}

/* Takes its own arena, so that the text of the key is wiped at once. */
static enum status key_read(struct arena *a, const char *file, struct seal_key *to)
{
	struct secret text;
	struct bytes key;
	enum status s = secret_read(a, file, &text);

	if (s != STATUS_OK)
		return s;
	if (!text_unhex(a, text.value, &key) || key.len != KEY_SIZE)
		return cause(STATUS_INVALID, "%s: a seal key is %d hexadecimal digits", file, 2 * KEY_SIZE);
	memcpy(to->key, key.data, KEY_SIZE);
	memcpy(to->id, crypto_sha256(a, key).data, KEY_ID);
	return STATUS_OK;
}

static const struct seal_key *key_find(const struct seal_key *among, size_t n, const uint8_t *id)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp(among[i].id, id, KEY_ID) == 0)
			return &among[i];
	}
	return NULL;
}

enum status crypto_start(const char *const *seal_key_files)
{
	struct seal_key fresh[KEYS_MAX];
	enum status s = STATUS_OK;
	struct arena *a = arena_new();
	size_t n = 0;

	for (; s == STATUS_OK && seal_key_files && seal_key_files[n]; n++) {
		if (n == KEYS_MAX)
			s = cause(STATUS_INVALID, "more than %d seal keys", KEYS_MAX);
		else
			s = key_read(a, seal_key_files[n], &fresh[n]);
		if (s == STATUS_OK && key_find(fresh, n, fresh[n].id))
			s = cause(STATUS_INVALID, "%s: this seal key is named twice", seal_key_files[n]);
	}
	if (s == STATUS_OK && n == 0)
		s = cause(STATUS_INVALID, "no seal key is named");
	if (s == STATUS_OK) {
		memcpy(keys, fresh, n * sizeof *fresh);
		key_count = n;
	}
	OPENSSL_cleanse(fresh, sizeof fresh);
	arena_free(a);
	return s;
}

void crypto_random(void *to, size_t len)
{
	uint8_t *at = to;

	while (len > 0) {
		int n = len < INT_MAX ? (int)len : INT_MAX;

		if (RAND_bytes(at, n) != 1)
			crypto_failed("RAND_bytes");
		at += n;
		len -= (size_t)n;
	}
}

char *crypto_token(struct arena *a, size_t bytes)
{
	uint8_t *random = arena_alloc(a, bytes);

	crypto_random(random, bytes);
	return text_base64url(a, bytes_of(random, bytes));
}

char *crypto_random_text(struct arena *a, const char *alphabet, size_t n)
{
	size_t letters = strlen(alphabet), fair;
	char *text = arena_alloc(a, n + 1);

	ASSERT(letters > 0 && letters <= 256);
	/* Bytes from the last, incomplete run of the alphabet would favour its first letters. */
	fair = 256 - 256 % letters;
	for (size_t i = 0; i < n;) {
		uint8_t random[64];

		crypto_random(random, sizeof random);
		for (size_t k = 0; k < sizeof random && i < n; k++) {
			if (random[k] < fair)
				text[i++] = alphabet[random[k] % letters];
		}
		OPENSSL_cleanse(random, sizeof random);
	}
	return text;
}

static const void *never_null(struct bytes b)
{
	return b.data ? b.data : (const uint8_t *)"";
}

struct bytes crypto_sha256(struct arena *a, struct bytes b)
{
	uint8_t *digest = arena_alloc(a, CRYPTO_DIGEST);

	if (EVP_Digest(never_null(b), b.len, digest, NULL, EVP_sha256(), NULL) != 1)
		crypto_failed("SHA-256");
	return bytes_of(digest, CRYPTO_DIGEST);
}

struct bytes crypto_hmac(struct arena *a, struct bytes key, struct bytes b)
{
	uint8_t *digest = arena_alloc(a, CRYPTO_DIGEST);

	ASSERT(key.len <= INT_MAX);
	if (!HMAC(EVP_sha256(), never_null(key), (int)key.len, never_null(b), b.len, digest, NULL))
		crypto_failed("HMAC-SHA256");
	return bytes_of(digest, CRYPTO_DIGEST);
}

/* The head without its nonce, which GCM authenticates itself, and the place: no two places give the same bytes. */
static struct bytes associated(
	struct arena *a, const uint8_t *head, const char *table, const char *row, const char *purpose)
{
	const char *const place[] = {table, row, purpose};
	size_t len = 1 + KEY_ID;
	uint8_t *data, *at;

	for (size_t i = 0; i < COUNT_OF(place); i++)
		len += strlen(place[i]) + 1;
	at = data = arena_alloc(a, len);
	memcpy(at, head, 1 + KEY_ID);
	at += 1 + KEY_ID;
	for (size_t i = 0; i < COUNT_OF(place); i++) {
		memcpy(at, place[i], strlen(place[i]) + 1);
		at += strlen(place[i]) + 1;
	}
	return bytes_of(data, len);
}

static bool gcm_seal(EVP_CIPHER_CTX *gcm, const struct seal_key *key, const uint8_t *nonce,
	struct bytes place, struct bytes plain, uint8_t *to)
{
	int n;

	return EVP_EncryptInit_ex2(gcm, EVP_aes_256_gcm(), key->key, nonce, NULL) == 1 &&
	       EVP_EncryptUpdate(gcm, NULL, &n, place.data, (int)place.len) == 1 &&
	       (plain.len == 0 || EVP_EncryptUpdate(gcm, to, &n, plain.data, (int)plain.len) == 1) &&
	       EVP_EncryptFinal_ex(gcm, to + plain.len, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG, to + plain.len) == 1;
}

struct bytes seal(
	struct arena *a, const char *table, const char *row, const char *purpose, struct bytes plain)
{
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	size_t len = HEAD + plain.len + TAG;
	uint8_t *sealed;
	bool ok;

	ASSERT(key_count > 0 && plain.len < INT_MAX - HEAD - TAG);
	if (!gcm)
		abort();
	sealed = arena_alloc(a, len);
	sealed[0] = VERSION;
	memcpy(sealed + 1, keys[0].id, KEY_ID);
	crypto_random(sealed + 1 + KEY_ID, NONCE);
	ok = gcm_seal(gcm, &keys[0], sealed + 1 + KEY_ID, associated(a, sealed, table, row, purpose), plain,
		sealed + HEAD);
	EVP_CIPHER_CTX_free(gcm);
	if (!ok)
		crypto_failed("AES-256-GCM");
	return bytes_of(sealed, len);
}

static bool gcm_open(
	EVP_CIPHER_CTX *gcm, const struct seal_key *key, struct bytes place, struct bytes sealed, uint8_t *to)
{
	size_t len = sealed.len - HEAD - TAG;
	uint8_t tag[TAG];
	int n;

	memcpy(tag, sealed.data + HEAD + len, TAG);
	return EVP_DecryptInit_ex2(gcm, EVP_aes_256_gcm(), key->key, sealed.data + 1 + KEY_ID, NULL) == 1 &&
	       EVP_DecryptUpdate(gcm, NULL, &n, place.data, (int)place.len) == 1 &&
	       (len == 0 || EVP_DecryptUpdate(gcm, to, &n, sealed.data + HEAD, (int)len) == 1) &&
	       EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(gcm, to + len, &n) == 1;
}

enum status seal_open(struct arena *a, const char *table, const char *row, const char *purpose,
	struct bytes sealed, struct bytes *ret)
{
	const struct seal_key *key;
	EVP_CIPHER_CTX *gcm;
	uint8_t *plain;
	size_t len;
	bool ok;

	if (sealed.len < HEAD + TAG || sealed.len > INT_MAX || sealed.data[0] != VERSION)
		return cause(STATUS_INTERNAL, "sealed %s of %s %s: not in the form of version %d", purpose,
			table, row, VERSION);
	key = key_find(keys, key_count, sealed.data + 1);
	if (!key)
		return cause(STATUS_INTERNAL, "sealed %s of %s %s: key %s is not among the seal keys",
			purpose, table, row, text_hex(a, bytes_of(sealed.data + 1, KEY_ID)));
	len = sealed.len - HEAD - TAG;
	plain = arena_alloc(a, len + 1);
	gcm = EVP_CIPHER_CTX_new();
	if (!gcm)
		abort();
	ok = gcm_open(gcm, key, associated(a, sealed.data, table, row, purpose), sealed, plain);
	EVP_CIPHER_CTX_free(gcm);
	if (!ok) {
		ERR_clear_error();
		OPENSSL_cleanse(plain, len);
		return cause(STATUS_INTERNAL, "sealed %s of %s %s: changed, or moved from elsewhere", purpose,
			table, row);
	}
	*ret = bytes_of(plain, len);
	return STATUS_OK;
}

bool seal_is_old(struct bytes sealed)
{
	return key_count == 0 || sealed.len < HEAD + TAG || sealed.data[0] != VERSION ||
	       memcmp(sealed.data + 1, keys[0].id, KEY_ID) != 0;
}
