/* Tests of base/crypto: known digests, sealing, key rotation, and that what was touched does not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/crypto.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "202122232425262728292A2B2C2D2E2F303132333435363738393a3b3c3d3e3f"

static struct arena *a;
static char dir[] = "/tmp/inkan-crypto-XXXXXX";

static const char *key_file(const char *name, const char *text, mode_t mode)
{
	char *path = arena_printf(a, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static int set_up(void **state)
{
	a = arena_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"a", "b", "bad"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		unlink(arena_printf(a, "%s/%s", dir, names[i]));
	rmdir(dir);
	arena_free(a);
	return 0;
}

static void start(const char *first, const char *second)
{
	const char *const files[] = {first, second, NULL};

	assert_int_equal(crypto_start(files), STATUS_OK);
}

static void digests(void **state)
{
	/* FIPS 180-2 B.1 */
	assert_string_equal(text_hex(a, crypto_sha256(a, bytes_string("abc"))),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(text_hex(a, crypto_sha256(a, bytes_of(NULL, 0))),
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	/* RFC 4231 section 4.3 */
	assert_string_equal(text_hex(a, crypto_hmac(a, bytes_string("Jefe"),
						bytes_string("what do ya want for nothing?"))),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_string_equal(text_hex(a, crypto_hmac(a, bytes_of(NULL, 0), bytes_of(NULL, 0))),
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void random_text_is_even(void **state)
{
	unsigned int seen[256] = {0};
	const char *text = crypto_random_text(a, "abc", 30000);

	assert_int_equal(strlen(text), 30000);
	for (size_t i = 0; i < 30000; i++)
		seen[(unsigned char)text[i]]++;
	assert_int_equal(seen['a'] + seen['b'] + seen['c'], 30000);
	for (const char *c = "abc"; *c; c++)
		assert_in_range(seen[(unsigned char)*c], 9400, 10600); /* seven standard deviations */
	/* 200 letters: without rejection the first 56 would come twice as often */
	char many[201] = {0};
	for (int i = 0; i < 200; i++)
		many[i] = (char)(i + 1);
	memset(seen, 0, sizeof seen);
	text = crypto_random_text(a, many, 40000);
	for (size_t i = 0; i < 40000; i++)
		seen[(unsigned char)text[i]]++;
	for (int i = 1; i <= 200; i++)
		assert_in_range(seen[i], 100, 300);
	assert_string_equal(crypto_random_text(a, "x", 3), "xxx");
	assert_string_equal(crypto_random_text(a, "x", 0), "");
}

static void tokens_are_long_and_different(void **state)
{
	const char *one = crypto_token(a, 32), *other = crypto_token(a, 32);
	struct bytes b;

	assert_int_equal(strlen(one), 43);
	assert_true(text_unbase64url(a, one, &b));
	assert_int_equal(b.len, 32);
	assert_string_not_equal(one, other);
}

static void what_is_sealed_opens(void **state)
{
	char plain[300];
	struct bytes opened;

	memset(plain, 'p', sizeof plain);
	start(key_file("a", KEY_A "\n", 0600), NULL);
	for (size_t len = 0; len <= sizeof plain; len += 50) {
		struct bytes sealed = seal(a, "certificate", "17", "key", bytes_of(plain, len));

		assert_int_equal(sealed.len, 1 + 4 + 12 + len + 16);
		assert_int_equal(sealed.data[0], 1);
		/* the id is the beginning of the key's digest */
		assert_string_equal(text_hex(a, bytes_of(sealed.data + 1, 4)), "630dcd29");
		assert_true(len < 16 || !memmem(sealed.data, sealed.len, plain, 16));
		assert_int_equal(seal_open(a, "certificate", "17", "key", sealed, &opened), STATUS_OK);
		assert_int_equal(opened.len, len);
		assert_memory_equal(opened.data, plain, len);
	}
}

static void the_same_is_never_sealed_twice_alike(void **state)
{
	struct bytes one, other;

	start(key_file("a", KEY_A, 0600), NULL);
	one = seal(a, "t", "1", "p", bytes_string("same"));
	other = seal(a, "t", "1", "p", bytes_string("same"));
	assert_memory_not_equal(one.data + 5, other.data + 5, 12);
	assert_memory_not_equal(one.data + 17, other.data + 17, 4);
}

static void what_was_changed_does_not_open(void **state)
{
	struct bytes sealed, opened = {0};

	start(key_file("a", KEY_A, 0600), NULL);
	sealed = seal(a, "t", "1", "p", bytes_string("plain"));
	for (size_t i = 0; i < sealed.len; i++) {
		uint8_t *copy = arena_copy(a, sealed.data, sealed.len);

		copy[i] ^= 1;
		assert_int_equal(
			seal_open(a, "t", "1", "p", bytes_of(copy, sealed.len), &opened), STATUS_INTERNAL);
		assert_int_equal(
			seal_open(a, "t", "1", "p", bytes_of(sealed.data, i), &opened), STATUS_INTERNAL);
	}
	assert_null(opened.data);
}

static void what_was_moved_does_not_open(void **state)
{
	struct bytes sealed, opened = {0};

	start(key_file("a", KEY_A, 0600), NULL);
	sealed = seal(a, "table", "12", "purpose", bytes_string("plain"));
	assert_int_equal(seal_open(a, "tabl", "12", "purpose", sealed, &opened), STATUS_INTERNAL);
	assert_int_equal(seal_open(a, "table", "13", "purpose", sealed, &opened), STATUS_INTERNAL);
	assert_int_equal(seal_open(a, "table", "12", "other", sealed, &opened), STATUS_INTERNAL);
	/* the three parts do not run into each other */
	assert_int_equal(seal_open(a, "table1", "2", "purpose", sealed, &opened), STATUS_INTERNAL);
	assert_int_equal(seal_open(a, "table", "12p", "urpose", sealed, &opened), STATUS_INTERNAL);
	assert_null(opened.data);
	assert_non_null(strstr(cause_text(), "moved"));
	assert_null(strstr(cause_text(), "plain"));
}

static void keys_are_rotated(void **state)
{
	const char *file_a = key_file("a", KEY_A "\n", 0400), *file_b = key_file("b", KEY_B "\n", 0600);
	struct bytes old, fresh, opened = {0};

	start(file_a, NULL);
	old = seal(a, "t", "1", "p", bytes_string("old"));
	assert_false(seal_is_old(old));
	start(file_b, file_a);
	assert_true(seal_is_old(old));
	assert_int_equal(seal_open(a, "t", "1", "p", old, &opened), STATUS_OK);
	assert_memory_equal(opened.data, "old", 3);
	fresh = seal(a, "t", "1", "p", opened);
	assert_false(seal_is_old(fresh));
	assert_memory_not_equal(fresh.data + 1, old.data + 1, 4);
	start(file_b, NULL);
	assert_int_equal(seal_open(a, "t", "1", "p", fresh, &opened), STATUS_OK);
	assert_int_equal(seal_open(a, "t", "1", "p", old, &opened), STATUS_INTERNAL);
	assert_non_null(strstr(cause_text(), "630dcd29"));
	assert_true(seal_is_old(bytes_of("", 0)));
}

static void bad_keys_are_refused(void **state)
{
	static const char *const texts[] = {"", "00", KEY_A "00", KEY_A " ", "\n" KEY_A, "zz" KEY_A};
	const char *good = key_file("a", KEY_A, 0600);
	struct bytes sealed;

	start(good, NULL);
	sealed = seal(a, "t", "1", "p", bytes_string("x"));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const char *const files[] = {key_file("bad", texts[i], 0600), NULL};

		assert_int_equal(crypto_start(files), STATUS_INVALID);
		assert_non_null(strstr(cause_text(), "bad"));
		assert_null(strstr(cause_text(), "000102"));
	}
	const char *const open_to_all[] = {key_file("bad", KEY_B, 0640), NULL};
	const char *const missing[] = {"/nonexistent/key", NULL};
	const char *const twice[] = {good, good, NULL};
	const char *const none[] = {NULL};
	assert_int_equal(crypto_start(open_to_all), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "0640"));
	assert_int_equal(crypto_start(missing), STATUS_INVALID);
	assert_int_equal(crypto_start(twice), STATUS_INVALID);
	assert_int_equal(crypto_start(none), STATUS_INVALID);
	assert_int_equal(crypto_start(NULL), STATUS_INVALID);
	/* the keys from before still stand */
	assert_false(seal_is_old(sealed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(random_text_is_even),
		cmocka_unit_test(tokens_are_long_and_different),
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(the_same_is_never_sealed_twice_alike),
		cmocka_unit_test(what_was_changed_does_not_open),
		cmocka_unit_test(what_was_moved_does_not_open),
		cmocka_unit_test(keys_are_rotated),
		cmocka_unit_test(bad_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
