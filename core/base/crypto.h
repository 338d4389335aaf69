/* Cryptography for the house: random bytes, digests, and sealing of secrets at rest. X.509 belongs to the plugins that need it. */
#ifndef INKAN_BASE_CRYPTO_H
#define INKAN_BASE_CRYPTO_H

#include "base/text.h"

#define CRYPTO_DIGEST 32

/* Seal keys: files of mode 0600, each 64 hexadecimal digits (32 bytes). The first seals, all open. A key's id is the first 4 bytes
 * of its SHA-256. Called once, before threads start. */
enum status crypto_start(const char *const *seal_key_files) MUST_CHECK;

/* Cryptographically strong; aborts when the system has none. */
void crypto_random(void *to, size_t len);
/* So many random bytes as base64url text. */
char *crypto_token(struct arena *a, size_t bytes);
/* n characters drawn evenly from the alphabet. */
char *crypto_random_text(struct arena *a, const char *alphabet, size_t n);
struct bytes crypto_sha256(struct arena *a, struct bytes b);          /* CRYPTO_DIGEST bytes */
struct bytes crypto_hmac(struct arena *a, struct bytes key, struct bytes b); /* HMAC-SHA256 */

/* AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: version 1 | key id 4 | nonce 12 | ciphertext | tag 16.
 * Where the sealed bytes stand (table, row, purpose) is associated data: a sealed value moved elsewhere does not open. */
struct bytes seal(struct arena *a, const char *table, const char *row, const char *purpose, struct bytes plain);
/* INTERNAL when the key is unknown or the bytes were changed or moved. */
enum status seal_open(struct arena *a, const char *table, const char *row, const char *purpose, struct bytes sealed,
	struct bytes *ret) MUST_CHECK;
/* True when the value is sealed by another key than the first: `inkan keys rotate` seals it anew. */
bool seal_is_old(struct bytes sealed);

#endif
