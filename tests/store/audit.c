/* Tests of the audit trail: rows with their deed, the chain, every kind of tampering named, rights of the server's account. */
#include <pthread.h>

#include "base/crypto.h"
#include "store/audit.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;
static struct bytes key;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	key = bytes_string("a key that is kept outside of the database");
	audit_context("taro@example.ac.jp", "request-1");
	return 0;
}

static void add(int n)
{
	for (int i = 0; i < n; i++)
		check_ok(audit_add(db, "test.done", arena_printf(a, "thing:%d", i), i % 2 ? "detail" : NULL));
}

static unsigned chain(unsigned n)
{
	unsigned chained = 999;
	char *head;

	check_ok(audit_chain(db, a, key, n, &chained, &head));
	return chained;
}

static void verified(uint64_t rows, uint64_t tail)
{
	uint64_t got_rows, got_tail;

	check_ok(audit_verify(db, a, key, &got_rows, &got_tail));
	assert_int_equal(got_rows, rows);
	assert_int_equal(got_tail, tail);
}

static void tampered(const char *sql, const char *named)
{
	uint64_t rows, tail;

	mariadb_exec(sql);
	check_status(audit_verify(db, a, key, &rows, &tail), STATUS_CONFLICT);
	if (!strstr(cause_text(), named))
		fail_msg("\"%s\" does not say \"%s\"", cause_text(), named);
}

static void chained_and_verified(void **state)
{
	char *head, *next;
	unsigned chained;

	verified(0, 0);
	assert_int_equal(chain(10), 0);
	add(7);
	verified(0, 7);
	assert_int_equal(chain(5), 5);
	verified(5, 2);
	check_ok(audit_chain(db, a, key, 5, &chained, &head));
	assert_int_equal(chained, 2);
	assert_int_equal(strlen(head), 64);
	verified(7, 0);
	check_ok(audit_chain(db, a, key, 5, &chained, &next));
	assert_int_equal(chained, 0);
	assert_string_equal(head, next);
	add(1);
	check_ok(audit_chain(db, a, key, 5, &chained, &next));
	assert_string_not_equal(head, next);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM audit WHERE actor = 'taro@example.ac.jp' AND context = 'request-1'"),
		8);
}

static void long_trail(void **state)
{
	mariadb_exec("INSERT INTO audit (at, actor, context, action, object, detail)"
		     " SELECT seq, 'actor', '', 'action', CONCAT('o:', seq), NULL FROM seq_1_to_4500");
	mariadb_exec("INSERT INTO audit_tail SELECT id FROM audit");
	while (chain(1000))
		;
	verified(4500, 0);
	tampered("UPDATE audit SET actor = 'nobody' WHERE object = 'o:4321'", "row 4321 was changed");
}

static void another_key_does_not_verify(void **state)
{
	uint64_t rows, tail;

	add(2);
	chain(10);
	check_status(audit_verify(db, a, bytes_string("another key of the same quality"), &rows, &tail),
		STATUS_CONFLICT);
}

/* Rows that commit later than younger ones are chained when they come, and nothing is reordered by that. */
static void late_rows(void **state)
{
	add(3);
	mariadb_exec("UPDATE audit SET id = id + 10 ORDER BY id DESC");
	mariadb_exec("UPDATE audit_tail SET audit_id = audit_id + 10 ORDER BY audit_id DESC");
	chain(10);
	mariadb_exec(
		"INSERT INTO audit (id, at, actor, context, action, object) VALUES (5, 1, 'x', '', 'late', 'o')");
	mariadb_exec("INSERT INTO audit_tail VALUES (5)");
	verified(3, 1);
	assert_int_equal(chain(10), 1);
	verified(4, 0);
}

static void rows_changed(void **state)
{
	add(6);
	chain(10);
	mariadb_exec("CREATE OR REPLACE TABLE keep AS SELECT * FROM audit");
	static const char *const changes[] = {"at = at + 1", "actor = 'x'", "context = ''",
		"action = 'test.dona'", "object = 'thing:9'", "detail = NULL", "detail = ''",
		"actor = CONCAT(actor, context), context = ''"};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		tampered(
			arena_printf(a, "UPDATE audit SET %s WHERE id = 4", changes[i]), "row 4 was changed");
		mariadb_exec("REPLACE INTO audit SELECT * FROM keep");
		verified(6, 0);
	}
	mariadb_exec("DROP TABLE keep");
}

static void rows_removed(void **state)
{
	add(6);
	chain(10);
	tampered("DELETE FROM audit WHERE id = 3", "row 3 was removed");
}

static void last_rows_removed(void **state)
{
	add(6);
	chain(10);
	tampered("DELETE FROM audit WHERE id = 6", "row 6 was removed");
}

static void unsealed_row_removed(void **state)
{
	add(3);
	mariadb_exec("DELETE FROM audit WHERE id = 2"); /* before it was chained */
	assert_int_equal(chain(10), 3);
	tampered("DO 0", "row 2 was removed");
}

static void entries_removed(void **state)
{
	add(6);
	chain(10);
	tampered("DELETE FROM audit_chain WHERE seq IN (3, 4)", "entries 3 to 4 were removed");
}

static void last_entries_removed(void **state)
{
	add(6);
	chain(10);
	tampered("DELETE FROM audit_chain WHERE seq > 4", "row 5 is neither chained nor waiting");
}

static void row_put_in(void **state)
{
	add(2);
	chain(10);
	tampered("INSERT INTO audit (at, actor, context, action, object) VALUES (1, 'x', '', 'forged', 'o')",
		"row 3 is neither chained nor waiting");
}

static void entries_reordered(void **state)
{
	add(6);
	chain(10);
	/* the rows of entries 2 and 5 change places, row MACs and all */
	mariadb_exec("UPDATE audit_chain SET audit_id = audit_id + 100 WHERE seq IN (2, 5)");
	tampered(
		"UPDATE audit_chain x JOIN (SELECT seq, audit_id, row_mac FROM audit_chain) y ON y.seq = 7 - x.seq"
		" SET x.audit_id = y.audit_id - 100, x.row_mac = y.row_mac WHERE x.seq IN (2, 5)",
		"chain entry 2 (row 5) was changed or reordered");
}

static void entry_changed(void **state)
{
	add(6);
	chain(10);
	tampered("UPDATE audit_chain SET mac = REVERSE(mac) WHERE seq = 4",
		"chain entry 4 (row 4) was changed or reordered");
}

/* An entry that was genuine once, at its place and for its row, does not fit to what came after it had been cut off. */
static void old_entry_put_back(void **state)
{
	add(3);
	chain(10);
	mariadb_exec("CREATE OR REPLACE TABLE keep_row AS SELECT * FROM audit WHERE id = 3");
	mariadb_exec("CREATE OR REPLACE TABLE keep_entry AS SELECT * FROM audit_chain WHERE seq = 3");
	mariadb_exec("DELETE FROM audit WHERE id = 3");
	mariadb_exec("DELETE FROM audit_chain WHERE seq = 3");
	add(2);
	chain(10);
	verified(4, 0);
	mariadb_exec("DELETE FROM audit WHERE id = 4");
	mariadb_exec("REPLACE INTO audit_chain SELECT * FROM keep_entry");
	tampered(
		"INSERT INTO audit SELECT * FROM keep_row", "chain entry 4 (row 5) was changed or reordered");
	mariadb_exec("DROP TABLE keep_row, keep_entry");
}

static enum status deed(struct db *d, void *context)
{
	enum status st = audit_add(d, "test.deed", "thing:1", NULL);

	return st == STATUS_OK ? STATUS_DENIED : st;
}

static void goes_with_the_deed(void **state)
{
	check_status(db_transact(db, deed, NULL), STATUS_DENIED);
	verified(0, 0);
}

static void account_may_only_append(void **state)
{
	add(1);
	chain(10);
	check_status(db_exec(db, NULL, "UPDATE audit SET actor = 'x'"), STATUS_INTERNAL);
	check_status(db_exec(db, NULL, "DELETE FROM audit"), STATUS_INTERNAL);
	check_status(db_exec(db, NULL, "UPDATE audit_chain SET seq = 9"), STATUS_INTERNAL);
	check_status(db_exec(db, NULL, "DELETE FROM audit_chain"), STATUS_INTERNAL);
	check_status(db_exec(db, NULL, "CREATE TABLE x (id INT PRIMARY KEY)"), STATUS_INTERNAL);
	verified(1, 0);
}

static void odd_context(void **state)
{
	char *text = arena_alloc(a, 5001);

	for (int i = 0; i < 5000; i += 3)
		memcpy(text + i, "申", i + 3 <= 5000 ? 3 : 0);
	audit_context(text, text);
	check_ok(audit_add(db, "test.done", text, text));
	audit_context("bad \xff\n", NULL);
	check_ok(audit_add(db, "test.done", "\xff", "\xff"));
	audit_context(NULL, NULL);
	check_ok(audit_add(db, "test.done", "thing:1", NULL));
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit WHERE actor = 'system'"), 1);
	chain(10);
	verified(3, 0);
}

static void *chainer(void *context)
{
	struct db *d = mariadb_db();
	struct arena *mine = arena_new();
	unsigned chained = 1;
	char *head;

	for (int i = 0; i < 40; i++) {
		/* BUSY: the other one was first with an entry, as after an outlived lease */
		enum status st = audit_chain(d, mine, key, 10, &chained, &head);
		if (st != STATUS_OK && st != STATUS_BUSY)
			*(enum status *)context = st;
		arena_reset(mine);
	}
	arena_free(mine);
	db_free(d);
	return NULL;
}

static void two_chainers(void **state)
{
	pthread_t threads[2];
	enum status st[2] = {STATUS_OK, STATUS_OK};

	add(200);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, chainer, &st[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_ok(st[0]);
	check_ok(st[1]);
	while (chain(50))
		;
	verified(200, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(chained_and_verified),
		T(long_trail),
		T(another_key_does_not_verify),
		T(late_rows),
		T(rows_changed),
		T(rows_removed),
		T(last_rows_removed),
		T(unsealed_row_removed),
		T(entries_removed),
		T(last_entries_removed),
		T(row_put_in),
		T(entries_reordered),
		T(entry_changed),
		T(old_entry_put_back),
		T(goes_with_the_deed),
		T(account_may_only_append),
		T(odd_context),
		T(two_chainers),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
