/* Tests of db on a Galera cluster of three nodes: transactions that undo one another stay whole, and a node without quorum is BUSY. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/db.h"
#include "support/check.h"

#define RUN (6 * SECOND)
#define PARTS 10

static char sockets[3][128];
static pid_t cluster;
static int cluster_input; /* when it closes, however this program ends, the cluster ends too */

/* tests/support/galera.sh makes it; commands for it are lines of bash. */
static int setup(void **state)
{
	static char script[] =
		"set -eu; trap 'set +e; galera_stop; rm -rf \"$STACK_TOP\"' EXIT; INKAN_SOURCE=$0 STACK_TOP=$(mktemp -d /tmp/inkan-XXXXXX);"
		" . $0/tests/support/galera.sh; galera_start >&2; echo \"$INKAN_DEMO_DATABASES\";"
		" while read -r line; do eval \"$line\" </dev/null >&2 && echo ok; done";
	static char source[] = SOURCE_DIR;
	char *argv[] = {"bash", "-c", script, source, NULL};
	int in[2], out[2];
	char line[512];

	log_start(LOG_ERROR);
	check_ok(clock_start("Asia/Tokyo"));
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	cluster = fork();
	assert_true(cluster >= 0);
	if (cluster == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	cluster_input = in[1];
	FILE *answers = fdopen(out[0], "r");
	assert_non_null(fgets(line, sizeof(line), answers));
	assert_int_equal(sscanf(line, "%127s %127s %127s", sockets[0], sockets[1], sockets[2]), 3);
	*state = answers;
	return 0;
}

static int teardown(void **state)
{
	int status;

	close(cluster_input);
	assert_int_equal(waitpid(cluster, &status, 0), cluster);
	fclose(*state);
	return 0;
}

static void command(void **state, const char *line)
{
	char answer[64];

	assert_true(dprintf(cluster_input, "%s\n", line) > 0);
	assert_non_null(fgets(answer, sizeof(answer), *state));
	assert_string_equal(answer, "ok\n");
}

static struct db *node(unsigned number, const char *name)
{
	return db_new(&(struct db_settings){.socket = sockets[number - 1],
		.user = "root",
		.name = name,
		.timeout = 3 * SECOND,
		.sync_wait = true});
}

static int64_t number_at(struct db *db, const char *sql)
{
	struct arena *a = arena_new();
	struct db_rows rows;

	check_ok(db_select_n(db, a, &rows, sql, NULL, 0));
	int64_t number = db_int(&rows, 0, rows.cols - 1);
	arena_free(a);
	return number;
}

static void tables_make(void)
{
	static const char *const ddl[] = {
		"CREATE DATABASE whole",
		"CREATE TABLE whole.counter (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB",
		"CREATE TABLE whole.thing (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL, UNIQUE KEY n (n)) ENGINE=InnoDB",
		"CREATE TABLE whole.part (thing BIGINT NOT NULL, kind INT NOT NULL, PRIMARY KEY (thing, kind)) ENGINE=InnoDB",
		"INSERT INTO whole.counter VALUES (1, 0)",
	};
	struct db *db = node(1, "mysql");

	for (size_t i = 0; i < COUNT_OF(ddl); i++)
		check_ok(db_exec_n(db, NULL, ddl[i], NULL, 0));
	db_free(db);
}

struct work {
	struct arena *arena;
	unsigned statements, runs, lost;
};

/* The question has a text of its own each time, so that it is prepared inside the transaction: a node may keep silent about having undone
 * it just then, and what followed was once stored without what went before. */
static enum status part_insert(struct db *db, struct work *w, int64_t thing, unsigned kind)
{
	const char *sql =
		arena_printf(w->arena, "SELECT n FROM thing WHERE id = ? /* %u */", w->statements++);
	struct db_rows rows;
	enum status st = db_select_n(db, w->arena, &rows, sql, &DB_INT(thing), 1);

	w->lost += st == STATUS_OK && rows.rows != 1;
	return st == STATUS_OK
		       ? db_exec(db, NULL, "INSERT INTO part VALUES (?, ?)", DB_INT(thing), DB_INT(kind))
		       : st;
}

static enum status make_body(struct db *db, void *context)
{
	struct work *w = context;
	struct db_rows rows;

	w->runs++;
	enum status st = db_exec(db, NULL, "UPDATE counter SET n = n + 1 WHERE id = 1");
	if (st == STATUS_OK)
		st = db_select(db, w->arena, &rows, "SELECT n FROM counter WHERE id = 1");
	if (st == STATUS_OK)
		st = db_exec(db, NULL, "INSERT INTO thing (n) VALUES (?)", DB_INT(db_int(&rows, 0, 0)));
	int64_t thing = (int64_t)db_insert_id(db);
	for (unsigned i = 0; st == STATUS_OK && i < PARTS; i++)
		st = part_insert(db, w, thing, i);
	return st;
}

static atomic_bool over;

/* On the other node, up to 26 ms apart: shorter and longer than a transaction here takes. */
static void *disturb(void *unused)
{
	struct db *db = node(1, "whole");

	while (!atomic_load(&over)) {
		uint16_t dice;
		ASSERT(db_exec(db, NULL, "UPDATE counter SET n = n + 1 WHERE id = 1") == STATUS_OK);
		crypto_random(&dice, sizeof(dice));
		nanosleep(&(struct timespec){.tv_nsec = dice * 400L}, NULL);
	}
	db_free(db);
	return NULL;
}

static void transactions_stay_whole(void **state)
{
	struct work w = {.arena = arena_new()};
	unsigned done = 0;
	pthread_t other;

	tables_make();
	struct db *here = node(2, "whole");
	when until = clock_monotonic() + RUN;
	assert_int_equal(pthread_create(&other, NULL, disturb, NULL), 0);
	while (clock_monotonic() < until) {
		enum status st = db_transact(here, make_body, &w);
		if (st != STATUS_BUSY) /* others were first a dozen times */
			check_ok(st);
		done += st == STATUS_OK;
		arena_reset(w.arena);
	}
	atomic_store(&over, true);
	pthread_join(other, NULL);
	arena_free(w.arena);
	print_message("%u transactions in %u runs\n", done, w.runs);
	assert_int_equal(w.lost, 0);
	assert_true(done > 3 && w.runs > done + 20); /* or they were never in each other's way */
	for (unsigned number = 1; number <= 3; number++) {
		struct db *db = node(number, "whole");
		assert_int_equal(
			number_at(db,
				"SELECT COUNT(*) FROM part LEFT JOIN thing ON thing.id = thing WHERE thing.id IS NULL"),
			0);
		assert_int_equal(number_at(db, "SELECT COUNT(*) FROM thing"), done);
		assert_int_equal(number_at(db, "SELECT COUNT(*) FROM part"), done * PARTS);
		db_free(db);
	}
	db_free(here);
}

static enum status insert_body(struct db *db, void *context)
{
	return db_exec(db, NULL, "INSERT INTO part VALUES (0, 0)");
}

static void without_quorum_busy(void **state)
{
	struct arena *a = arena_new();
	struct db *db = node(2, "whole"), *other = node(1, "whole");
	struct db_rows rows;
	enum status st = STATUS_OK;

	check_ok(db_select(db, a, &rows, "SELECT n FROM counter"));
	command(state, "galera_part 2");
	for (int i = 0; i < 200 && st == STATUS_OK; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		st = db_select(db, a, &rows, "SELECT n FROM counter");
	}
	assert_int_equal(st, STATUS_BUSY);
	db_sync(db);
	assert_int_equal(db_select(db, a, &rows, "SELECT n FROM counter"), STATUS_BUSY);
	assert_int_equal(db_transact(db, insert_body, NULL), STATUS_BUSY);
	assert_int_equal(db_exec(db, NULL, "INSERT INTO part VALUES (0, 0)"), STATUS_BUSY);
	assert_int_equal(number_at(other, "SELECT COUNT(*) FROM part WHERE thing = 0"), 0);
	check_ok(db_transact(other, insert_body, NULL));
	command(state, "galera_join 2; galera_wait 2");
	/* The same connections go on, and the node has what it missed. */
	db_sync(db);
	assert_int_equal(number_at(db, "SELECT COUNT(*) FROM part WHERE thing = 0"), 1);
	assert_int_equal(db_transact(db, insert_body, NULL), STATUS_CONFLICT);
	db_free(db);
	db_free(other);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_stay_whole),
		cmocka_unit_test(without_quorum_busy),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
