/* Tests of migrations: twice, changed, missing, newer and older files, a crash in between, two at a time. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/migrate.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db_settings settings;
static struct db *db;
static struct arena *a;
static const char *dir;
static const char *const components[] = {"core", "extra", NULL};

static void put(const char *file, const char *sql)
{
	int fd = open(arena_printf(a, "%s/%s", dir, file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0 && write(fd, sql, strlen(sql)) == (ssize_t)strlen(sql));
	close(fd);
}

static void drop(const char *file)
{
	assert_int_equal(unlink(arena_printf(a, "%s/%s", dir, file)), 0);
}

static int setup(void **state)
{
	static int n;

	mariadb_start();
	settings = mariadb_empty("migrations");
	db = db_new(&settings);
	a = arena_new();
	dir = arena_printf(a, "%s/m%d", mariadb_dir(), n++);
	mkdir(dir, 0700);
	mkdir(arena_printf(a, "%s/core", dir), 0700);
	mkdir(arena_printf(a, "%s/extra", dir), 0700);
	put("core/0001_one.sql",
		"-- a comment; with a semicolon\nCREATE TABLE IF NOT EXISTS one (id INT PRIMARY KEY);\n\n");
	put("core/0002_more.sql", "ALTER TABLE one ADD COLUMN IF NOT EXISTS n INT NOT NULL DEFAULT 5");
	put("core/README", "not a migration");
	put("extra/0001_extra.sql", "CREATE TABLE IF NOT EXISTS extra (id INT PRIMARY KEY)");
	return 0;
}

static int teardown(void **state)
{
	db_free(db);
	arena_free(a);
	return 0;
}

static unsigned run(void)
{
	unsigned applied = 999;

	check_ok(migrate_run(db, a, dir, components, &applied));
	return applied;
}

static void refused(enum status expected, const char *says)
{
	unsigned applied;

	check_status(migrate_run(db, a, dir, components, &applied), expected);
	if (!strstr(cause_text(), says))
		fail_msg("\"%s\" does not say \"%s\"", cause_text(), says);
}

static void differs(const char *says)
{
	check_status(migrate_check(db, a, dir, components), STATUS_CONFLICT);
	if (!strstr(cause_text(), says))
		fail_msg("\"%s\" does not say \"%s\"", cause_text(), says);
}

static void twice(void **state)
{
	struct db_rows rows;

	differs("has no schema");
	assert_int_equal(run(), 3);
	check_ok(migrate_check(db, a, dir, components));
	assert_int_equal(run(), 0);
	check_ok(db_select(db, a, &rows,
		"SELECT component, number, name, applied_at > 0 FROM migration ORDER BY component, number"));
	assert_int_equal(rows.rows, 3);
	assert_string_equal(db_text(&rows, 1, 0), "core");
	assert_string_equal(db_text(&rows, 1, 2), "0002_more");
	check_ok(db_exec(db, NULL, "INSERT INTO one (id) VALUES (1)"));
	check_ok(db_exec(db, NULL, "INSERT INTO extra (id) VALUES (1)"));
}

static void older_newer_changed(void **state)
{
	assert_int_equal(run(), 3);
	put("extra/0002_next.sql", "CREATE TABLE IF NOT EXISTS next (id INT PRIMARY KEY)");
	differs("older than this program: migration extra/0002_next is not applied");
	assert_int_equal(run(), 1);
	drop("extra/0002_next.sql");
	differs("newer than this program: it has migration extra/0002_next");
	refused(STATUS_INVALID, "extra/0002_next");
	put("extra/0002_next.sql", "CREATE TABLE IF NOT EXISTS next (id INT PRIMARY KEY) ");
	differs("migration extra/0002_next was changed");
	refused(STATUS_INVALID, "migration extra/0002_next was changed");
	/* a component that is no longer enabled does not count, its tables stay */
	static const char *const only_core[] = {"core", NULL};
	check_ok(migrate_check(db, a, dir, only_core));
	check_ok(db_exec(db, NULL, "INSERT INTO next (id) VALUES (1)"));
	static const char *const without_folder[] = {"core", "nothing", NULL};
	check_ok(migrate_check(db, a, dir, without_folder));
}

static void nothing_is_done_when_something_is_wrong(void **state)
{
	assert_int_equal(run(), 3);
	put("core/0003_new.sql", "CREATE TABLE IF NOT EXISTS new_one (id INT PRIMARY KEY)");
	put("extra/0001_extra.sql", "CREATE TABLE IF NOT EXISTS extra (id BIGINT PRIMARY KEY)");
	refused(STATUS_INVALID, "extra/0001_extra was changed");
	assert_int_equal(
		mariadb_number("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'new_one'"),
		0);
}

static void bad_files(void **state)
{
	put("core/3_short.sql", "SELECT 1");
	refused(STATUS_INVALID, "3_short.sql");
	drop("core/3_short.sql");
	put("core/0002_again.sql", "SELECT 1");
	refused(STATUS_INVALID, "0002 stands twice");
	drop("core/0002_again.sql");
	put("core/0003_empty.sql", " ;\n");
	refused(STATUS_INVALID, "empty");
	put("core/0003_empty.sql",
		"CREATE TABLE IF NOT EXISTS x (id INT PRIMARY KEY); CREATE TABLE IF NOT EXISTS y (id INT PRIMARY KEY)");
	refused(STATUS_INTERNAL, "core/0003_empty");
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'migrations' AND table_name = 'x'"),
		0);
	/* what was applied before it is recorded, and the repaired file goes on from there */
	put("core/0003_empty.sql", "CREATE TABLE IF NOT EXISTS x (id INT PRIMARY KEY)");
	assert_int_equal(run(), 2);
	dir = "/nonexistent";
	refused(STATUS_INVALID, "/nonexistent/core");
}

/* Killed after the statement and before its record: the next run repeats the statement, harmlessly, and records it. */
static void crash_before_the_record(void **state)
{
	assert_int_equal(run(), 3);
	check_ok(db_exec(db, NULL, "INSERT INTO one (id) VALUES (1)"));
	check_ok(db_exec(db, NULL, "DELETE FROM migration WHERE name IN ('0001_one', '0002_more')"));
	check_ok(db_exec(db, NULL, "UPDATE migration_lease SET owner = 'the killed one', until = ?",
		DB_INT(clock_now() + 700)));
	differs("is not applied");
	when start = clock_monotonic();
	assert_int_equal(run(), 2);
	assert_in_range(clock_monotonic() - start, 500, 5000); /* it waited for the lease */
	check_ok(migrate_check(db, a, dir, components));
	assert_int_equal(mariadb_number("SELECT n FROM migrations.one"), 5);
}

static void *runner(void *context)
{
	struct db *d = db_new(&settings);
	struct arena *mine = arena_new();

	if (migrate_run(d, mine, dir, components, context) != STATUS_OK)
		fprintf(stderr, "%s\n", cause_text());
	arena_free(mine);
	db_free(d);
	return NULL;
}

static void several_at_a_time(void **state)
{
	pthread_t threads[4];
	unsigned applied[4] = {100, 100, 100, 100}, sum = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, runner, &applied[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		sum += applied[i];
	}
	assert_int_equal(sum, 3);
	check_ok(migrate_check(db, a, dir, components));
}

/* The program's own schema: each file may be repeated, every table has a primary key, identities compare byte by byte. */
static void own_schema(void **state)
{
	static const char *const core[] = {"core", NULL};
	unsigned applied = 0;

	dir = SOURCE_DIR "/migrations";
	check_ok(migrate_run(db, a, dir, core, &applied));
	assert_true(applied >= 10);
	check_ok(db_exec(db, NULL, "DELETE FROM migration"));
	unsigned again = 0;
	check_ok(migrate_run(db, a, dir, core, &again));
	assert_int_equal(applied, again);
	check_ok(migrate_check(db, a, dir, core));
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM information_schema.tables t WHERE table_schema = 'migrations' AND NOT EXISTS"
			" (SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema"
			" AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY')"),
		0);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'migrations' AND engine <> 'InnoDB'"),
		0);
	assert_int_equal(
		mariadb_number(
			"SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'migrations'"
			" AND column_name IN ('eppn', 'mail', 'idp', 'subject', 'source_key', 'serial', 'digest')"
			" AND collation_name NOT LIKE '%bin'"),
		0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(twice),
		T(older_newer_changed),
		T(nothing_is_done_when_something_is_wrong),
		T(bad_files),
		T(crash_before_the_record),
		T(several_at_a_time),
		T(own_schema),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
