/* Key rotation: values sealed by an old key open under the new one alone afterwards, and what was moved or broken is named. */
#include "support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "store/reseal.h"
#include "support/mariadb.h"

#define ROWS 450

static const struct sealed_column column = {"sealed_thing", "id", "secret"};

static const char *key_file(struct arena *a, const char *name, char digit)
{
	const char *path = arena_printf(a, "%s/%s", mariadb_dir(), name);
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fchmod(fileno(f), 0600);
	for (int i = 0; i < 64; i++)
		fputc(digit, f);
	fclose(f);
	return path;
}

static unsigned walk(struct db *db, struct arena *a)
{
	const char *after = "";
	unsigned seen, bad, all = 0;
	do {
		check_ok(reseal_step(db, a, &column, after, 100, &after, &seen, &bad));
		assert_int_equal(bad, 0);
		all += seen;
	} while (seen == 100);
	return all;
}

static void expect_open(struct db *db, struct arena *a)
{
	struct db_rows rows;
	struct bytes plain;
	check_ok(db_select(db, a, &rows, "SELECT CAST(id AS CHAR), secret FROM sealed_thing WHERE secret IS NOT NULL"));
	assert_int_equal(rows.rows, ROWS - 1);
	for (size_t i = 0; i < rows.rows; i++) {
		check_ok(seal_open(a, "sealed_thing", db_text(&rows, i, 0), "secret", db_bytes(&rows, i, 1), &plain));
		assert_string_equal(arena_printf(a, "secret %s", db_text(&rows, i, 0)), (const char *)plain.data);
	}
}

static void test_rotate(void **state)
{
	struct arena *a = arena_new();
	struct db *db = mariadb_admin();
	const char *old = key_file(a, "old.key", 'a'), *fresh = key_file(a, "fresh.key", 'b');
	mariadb_exec("CREATE TABLE IF NOT EXISTS sealed_thing (id BIGINT UNSIGNED PRIMARY KEY, secret VARBINARY(500) NULL)");
	check_ok(crypto_start((const char *const[]){old, NULL}));
	for (unsigned i = 1; i < ROWS; i++) {
		const char *row = arena_printf(a, "%u", i);
		struct bytes sealed = seal(a, "sealed_thing", row, "secret", bytes_string(arena_printf(a, "secret %u", i)));
		check_ok(db_exec(db, NULL, "INSERT INTO sealed_thing (id, secret) VALUES (?, ?)", DB_INT(i), DB_BYTES(sealed)));
	}
	check_ok(db_exec(db, NULL, "INSERT INTO sealed_thing (id, secret) VALUES (?, NULL)", DB_INT(ROWS)));

	/* both keys: everything is readable before and after the walk, and the walk may be repeated */
	check_ok(crypto_start((const char *const[]){fresh, old, NULL}));
	expect_open(db, a);
	assert_int_equal(walk(db, a), ROWS);
	expect_open(db, a);
	assert_int_equal(walk(db, a), ROWS);
	check_ok(crypto_start((const char *const[]){fresh, NULL}));
	expect_open(db, a);

	/* a row that was moved does not open; the walk names it. It must be under an old key to be looked at. */
	check_ok(crypto_start((const char *const[]){old, fresh, NULL}));
	check_ok(db_exec(db, NULL, "UPDATE sealed_thing t, sealed_thing o SET t.secret = o.secret WHERE t.id = 7 AND o.id = 8"));
	const char *after = "";
	unsigned seen, bad;
	check_ok(reseal_step(db, a, &column, after, 100, &after, &seen, &bad));
	assert_int_equal(bad, 1);
	assert_int_equal(seen, 100);
	assert_non_null(strstr(cause_text(), "sealed_thing.secret of row 7"));
	arena_free(a);
	db_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rotate)};
	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
