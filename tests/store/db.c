/* Tests of db: values in and out, errors, transactions that are repeated, a server that dies. */
#include <pthread.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "store/db.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;

static int setup(void **state)
{
	mariadb_start();
	mariadb_exec(
		"CREATE OR REPLACE TABLE thing (id INT NOT NULL PRIMARY KEY, n BIGINT, t TEXT CHARACTER SET utf8mb4,"
		" b LONGBLOB, s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, UNIQUE KEY s (s)) ENGINE=InnoDB");
	db = mariadb_admin();
	a = arena_new();
	return 0;
}

static int teardown(void **state)
{
	db_free(db);
	arena_free(a);
	return 0;
}

static void values_come_back(void **state)
{
	struct db_rows rows;
	uint64_t changed = 0;
	size_t size = 3 * 1000 * 1000;
	uint8_t *big = arena_alloc(a, size);
	struct bytes blob = bytes_of(big, size);
	struct bytes odd = bytes_of("a\0\xff'", 4);

	crypto_random(big, size);
	check_ok(db_exec(db, &changed, "INSERT INTO thing (id, n, t, b, s) VALUES (?, ?, ?, ?, ?)", DB_INT(1),
		DB_INT(INT64_MIN), DB_TEXT("申請 𠮷 ' \" \\ ?"), DB_BYTES(odd), DB_TEXT("")));
	assert_int_equal(changed, 1);
	check_ok(db_exec(db, NULL, "INSERT INTO thing (id, n, t, b, s) VALUES (?, ?, ?, ?, ?)", DB_INT(2),
		DB_INT(INT64_MAX), DB_NULL(), DB_BYTES(blob), DB_TEXT(NULL)));
	check_ok(db_select(db, a, &rows, "SELECT id, n, t, b, s FROM thing ORDER BY id"));
	assert_int_equal(rows.rows, 2);
	assert_int_equal(rows.cols, 5);
	assert_true(db_int(&rows, 0, 1) == INT64_MIN && db_int(&rows, 1, 1) == INT64_MAX);
	assert_string_equal(db_text(&rows, 0, 2), "申請 𠮷 ' \" \\ ?");
	assert_null(db_text(&rows, 1, 2));
	assert_true(db_at(&rows, 1, 2)->null);
	assert_int_equal(db_bytes(&rows, 0, 3).len, 4);
	assert_memory_equal(db_bytes(&rows, 0, 3).data, odd.data, 4);
	assert_int_equal(db_bytes(&rows, 1, 3).len, size);
	assert_memory_equal(db_bytes(&rows, 1, 3).data, big, size);
	assert_string_equal(db_text(&rows, 0, 4), "");
	assert_int_equal(db_at(&rows, 0, 4)->len, 0);
	check_ok(db_select(db, a, &rows, "SELECT COUNT(*), SUM(id), AVG(id) FROM thing"));
	assert_int_equal(db_int(&rows, 0, 0), 2);
	assert_int_equal(db_int(&rows, 0, 1), 3);
	assert_string_equal(db_text(&rows, 0, 2), "1.5000");
	check_ok(db_select(db, a, &rows, "SELECT id FROM thing WHERE b = ? AND t = ?", DB_BYTES(odd),
		DB_TEXT("申請 𠮷 ' \" \\ ?")));
	assert_int_equal(rows.rows, 1);
	check_ok(db_select(db, a, &rows, "SELECT id FROM thing WHERE id > 5"));
	assert_int_equal(rows.rows, 0);
}

static void session_is_ours(void **state)
{
	struct db_rows rows;

	check_ok(db_select(db, a, &rows,
		"SELECT @@tx_isolation, @@time_zone, @@sql_mode, @@character_set_client, @@innodb_lock_wait_timeout"));
	assert_string_equal(db_text(&rows, 0, 0), "READ-COMMITTED");
	assert_string_equal(db_text(&rows, 0, 1), "+00:00");
	assert_string_equal(
		db_text(&rows, 0, 2), "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION");
	assert_string_equal(db_text(&rows, 0, 3), "utf8mb4");
	assert_int_equal(db_int(&rows, 0, 4), 10);
}

static void errors_have_a_status(void **state)
{
	struct db_rows rows;

	check_ok(db_exec(db, NULL, "INSERT INTO thing (id, s) VALUES (1, ?)", DB_TEXT("taro for x")));
	check_status(db_exec(db, NULL, "INSERT INTO thing (id, s) VALUES (2, ?)", DB_TEXT("taro for x")),
		STATUS_CONFLICT);
	assert_non_null(strstr(cause_text(), "1062"));
	assert_null(strstr(cause_text(), "taro")); /* values stay out of the log */
	check_status(db_exec(db, NULL, "INSERT INTO thing (id, s) VALUES (3, ?)",
			     DB_TEXT("123456789012345678901")),
		STATUS_INTERNAL);
	check_status(db_exec(db, NULL, "INSERT INTO thing (id, s) VALUES (3, ?)", DB_TEXT("secret\xff")),
		STATUS_INTERNAL);
	assert_null(strstr(cause_text(), "secret"));
	check_status(db_select(db, a, &rows, "SELECT nothing FROM nowhere"), STATUS_INTERNAL);
	check_status(db_select(db, a, &rows, "SELECT 1; SELECT 2"), STATUS_INTERNAL);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM thing"), 1);
	check_status(db_select(db, a, &rows, "SELECT seq FROM seq_1_to_20001"), STATUS_INTERNAL);
	check_ok(db_select(db, a, &rows, "SELECT seq FROM seq_1_to_20000"));
	assert_int_equal(rows.rows, 20000);
}

#define THING 5

static enum status things(struct db *d, void *context)
{
	const struct db_arg *args = context;

	return db_exec_rows(d, "INSERT INTO thing (id, n, t, b, s) VALUES (?, ?, ?, ?, ?)", args, THING, 3);
}

static enum status renamed(struct db *d, void *context)
{
	const struct db_arg args[] = {DB_TEXT("drei"), DB_INT(3), DB_NULL(), DB_INT(1)};

	check_ok(db_exec_rows(d, "UPDATE thing SET t = ? WHERE id = ?", args, 2, 2));
	check_ok(db_exec_rows(d, "UPDATE thing SET t = ? WHERE id = ?", args, 2, 0)); /* no rows: nothing */
	/* The same statement once, after many: nothing of the rows is left in it. */
	return db_exec(d, NULL, "UPDATE thing SET t = ? WHERE id = ?", DB_TEXT("zwei"), DB_INT(2));
}

/* Many rows at once: each type, NULL in any place, empty and large values; and all or nothing. */
static void rows_at_once(void **state)
{
	struct db_rows rows;
	struct bytes odd = bytes_of("a\0\xff'", 4), big = {arena_alloc(a, 1000000), 1000000};
	struct db_arg args[] = {
		DB_INT(1), DB_NULL(), DB_TEXT("申請 𠮷 ' \" \\ ?"), DB_BYTES(odd), DB_NULL(),
		DB_INT(2), DB_INT(INT64_MIN), DB_NULL(), DB_BYTES(big), DB_NULL(),
		DB_INT(3), DB_INT(INT64_MAX), DB_TEXT(""), DB_NULL(), DB_NULL(),
	};

	crypto_random((void *)(uintptr_t)big.data, big.len);
	check_ok(db_transact(db, things, args));
	check_ok(db_select(db, a, &rows, "SELECT n, t, b, s FROM thing ORDER BY id"));
	assert_int_equal(rows.rows, 3);
	assert_true(db_at(&rows, 0, 0)->null && db_int(&rows, 1, 0) == INT64_MIN && db_int(&rows, 2, 0) == INT64_MAX);
	assert_string_equal(db_text(&rows, 0, 1), "申請 𠮷 ' \" \\ ?");
	assert_true(db_text(&rows, 1, 1) == NULL);
	assert_string_equal(db_text(&rows, 2, 1), "");
	assert_memory_equal(db_bytes(&rows, 0, 2).data, odd.data, 4);
	assert_int_equal(db_bytes(&rows, 1, 2).len, big.len);
	assert_memory_equal(db_bytes(&rows, 1, 2).data, big.data, big.len);
	for (size_t i = 0; i < 3; i++)
		assert_null(db_text(&rows, i, 3));
	check_ok(db_transact(db, renamed, NULL));
	check_ok(db_select(db, a, &rows, "SELECT COALESCE(t, 'none') FROM thing ORDER BY id"));
	assert_string_equal(db_text(&rows, 0, 0), "none");
	assert_string_equal(db_text(&rows, 1, 0), "zwei");
	assert_string_equal(db_text(&rows, 2, 0), "drei");
	args[0] = DB_INT(4);
	args[THING] = DB_INT(5);
	check_status(db_transact(db, things, args), STATUS_CONFLICT); /* the third is there */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM thing"), 3);
}

static void matched_rows_count(void **state)
{
	uint64_t changed = 9;

	check_ok(db_exec(db, NULL, "INSERT INTO thing (id, n) VALUES (1, 5)"));
	check_ok(db_exec(db, &changed, "UPDATE thing SET n = 5 WHERE id = 1"));
	assert_int_equal(changed, 1); /* found, though nothing changed */
	check_ok(db_exec(db, &changed, "UPDATE thing SET n = 5 WHERE id = 7"));
	assert_int_equal(changed, 0);
}

static void many_statements(void **state)
{
	struct db_rows rows;

	for (int i = 0; i < 1500; i++) {
		check_ok(db_select(db, a, &rows, arena_printf(a, "SELECT %d + ?", i), DB_INT(1)));
		assert_int_equal(db_int(&rows, 0, 0), i + 1);
	}
	assert_true(mariadb_number("SELECT VARIABLE_VALUE + 0 FROM information_schema.global_status"
				   " WHERE VARIABLE_NAME = 'Prepared_stmt_count'") < 700);
}

static enum status insert_then_refuse(struct db *d, void *context)
{
	enum status st = db_exec(d, NULL, "INSERT INTO thing (id) VALUES (1)");

	return st == STATUS_OK ? cause(STATUS_DENIED, "not now") : st;
}

static int calls;
static void called(void)
{
	calls++;
}

static enum status call_after(struct db *d, void *context)
{
	enum status *st = context;

	assert_true(db_in_transaction(d));
	db_after_commit(d, called);
	db_after_commit(d, called);
	assert_int_equal(calls, 0);
	return *st;
}

static enum status duplicate_inside(struct db *d, void *context)
{
	enum status st = db_exec(d, NULL, "INSERT INTO thing (id) VALUES (1)");

	if (st == STATUS_OK)
		st = db_exec(d, NULL, "INSERT INTO thing (id) VALUES (1)");
	assert_int_equal(st, STATUS_CONFLICT);
	return db_transact(d, call_after, context); /* joins */
}

static void transactions(void **state)
{
	enum status denied = STATUS_DENIED, ok = STATUS_OK;

	calls = 0;
	check_status(db_transact(db, insert_then_refuse, NULL), STATUS_DENIED);
	assert_string_equal(cause_text(), "not now");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM thing"), 0);
	check_status(db_transact(db, call_after, &denied), STATUS_DENIED);
	assert_int_equal(calls, 0);
	check_ok(db_transact(db, duplicate_inside, &ok));
	assert_int_equal(calls, 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM thing"), 1);
	db_after_commit(db, called);
	assert_int_equal(calls, 2);
}

struct crossing {
	int first, second;
	unsigned runs;
	enum status st;
	pthread_barrier_t *barrier;
};

static enum status cross_body(struct db *d, void *context)
{
	struct crossing *c = context;
	enum status st = db_exec(d, NULL, "UPDATE thing SET n = n + 1 WHERE id = ?", DB_INT(c->first));

	if (c->runs++ == 0)
		pthread_barrier_wait(c->barrier); /* both hold their first row: now it must be a deadlock */
	if (st == STATUS_OK)
		st = db_exec(d, NULL, "UPDATE thing SET n = n + 1 WHERE id = ?", DB_INT(c->second));
	/* A body that overlooks the failure must not commit what comes after it. */
	if (st == STATUS_BUSY)
		st = db_exec(d, NULL, "UPDATE thing SET n = n + 100 WHERE id = 3") == STATUS_BUSY
			     ? STATUS_OK
			     : STATUS_INTERNAL;
	return st;
}

static void *cross(void *context)
{
	struct crossing *c = context;
	struct db *d = mariadb_admin();

	c->st = db_transact(d, cross_body, c);
	db_free(d);
	return NULL;
}

static void deadlocks_are_repeated(void **state)
{
	pthread_t threads[2];
	pthread_barrier_t barrier;
	struct crossing c[2] = {{1, 2, 0, STATUS_INTERNAL, &barrier}, {2, 1, 0, STATUS_INTERNAL, &barrier}};

	check_ok(db_exec(db, NULL, "INSERT INTO thing (id, n) VALUES (1, 0), (2, 0), (3, 0)"));
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, cross, &c[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(c[0].st, STATUS_OK);
	assert_int_equal(c[1].st, STATUS_OK);
	assert_int_equal(c[0].runs + c[1].runs, 3);
	assert_int_equal(mariadb_number("SELECT SUM(n) FROM thing"), 4);
}

static enum status always_again(struct db *d, void *context)
{
	++*(unsigned *)context;
	return db_again(d);
}

static void repeating_ends(void **state)
{
	unsigned runs = 0;

	check_status(db_transact(db, always_again, &runs), STATUS_BUSY);
	assert_in_range(runs, 5, 12);
}

/* A server that died is found again by the next statement, with nothing prepared. */
static void server_restarts(void **state)
{
	struct db_rows rows;

	check_ok(db_exec(db, NULL, "INSERT INTO thing (id, n) VALUES (?, 0)", DB_INT(1)));
	check_ok(db_select(db, a, &rows, "SELECT n FROM thing"));
	mariadb_kill();
	check_status(db_select(db, a, &rows, "SELECT n FROM thing"), STATUS_BUSY);
	check_status(db_exec(db, NULL, "INSERT INTO thing (id, n) VALUES (?, 0)", DB_INT(2)), STATUS_BUSY);
	check_status(db_ping(db), STATUS_INTERNAL);
	mariadb_restart();
	check_ok(db_ping(db));
	check_ok(db_select(db, a, &rows, "SELECT n FROM thing"));
	assert_int_equal(rows.rows, 1);
	mariadb_restart();
	check_ok(db_select(db, a, &rows, "SELECT n FROM thing")); /* repeated on a new connection */
	mariadb_restart();
	check_ok(
		db_exec(db, NULL, "INSERT INTO thing (id, n) VALUES (?, 0)", DB_INT(2))); /* was never sent */
	mariadb_restart();
	calls = 0;
	enum status ok = STATUS_OK;
	check_ok(db_transact(db, call_after, &ok));
}

static enum status kill_inside(struct db *d, void *context)
{
	unsigned *runs = context;
	enum status st = db_exec(d, NULL, "INSERT INTO thing (id) VALUES (50)");

	if (++*runs == 1)
		mariadb_restart();
	if (st == STATUS_OK)
		st = db_exec(d, NULL, "INSERT INTO thing (id) VALUES (51)");
	return st;
}

static void transaction_survives_restart(void **state)
{
	unsigned runs = 0;

	check_ok(db_transact(db, kill_inside, &runs));
	assert_int_equal(runs, 2);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM thing WHERE id >= 50"), 2);
}

static void killed_connection(void **state)
{
	struct db_rows rows;

	check_ok(db_select(db, a, &rows, "SELECT CONNECTION_ID()"));
	int64_t id = db_int(&rows, 0, 0);
	mariadb_exec(arena_printf(a, "KILL %lld", (long long)id));
	check_ok(db_select(db, a, &rows, "SELECT CONNECTION_ID()"));
	assert_true(db_int(&rows, 0, 0) != id);
}

static void refused_settings(void **state)
{
	struct db_settings wrong = *mariadb_admin_settings();

	wrong.user = "nobody";
	struct db *d = db_new(&wrong);
	check_status(db_exec(d, NULL, "DELETE FROM thing"), STATUS_INTERNAL);
	db_free(d);
	wrong.user = "root";
	wrong.socket = "/nonexistent/socket";
	d = db_new(&wrong);
	check_status(db_exec(d, NULL, "DELETE FROM thing"), STATUS_BUSY);
	unsigned runs = 0;
	when start = clock_monotonic();
	check_status(db_transact(d, always_again, &runs), STATUS_BUSY);
	assert_int_equal(runs, 0);
	assert_true(clock_monotonic() - start < 500); /* a database that is away is told at once */
	db_free(d);
	db_free(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(values_come_back),
		T(session_is_ours),
		T(errors_have_a_status),
		T(rows_at_once),
		T(matched_rows_count),
		T(many_statements),
		T(transactions),
		T(deadlocks_are_repeated),
		T(repeating_ends),
		T(killed_connection),
		T(refused_settings),
		T(server_restarts),
		T(transaction_survives_restart),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
