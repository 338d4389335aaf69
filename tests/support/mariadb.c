/* Starts, kills, restarts and removes a private MariaDB for one test program. */
#include "support/mariadb.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/migrate.h"

static char dir[64]; /* short: a socket's path has at most 107 bytes */
static char socket_path[96];
static struct db_settings settings, admin_settings;
static pid_t server;

#define MUST(expr) ((expr) ? (void)0 : must(#expr, __LINE__))

static void must(const char *what, int line)
{
	fprintf(stderr, "tests/support/mariadb.c:%d: %s failed: %s (%s)\n", line, what, cause_text(),
		strerror(errno));
	exit(1);
}

static char *path(const char *name)
{
	char *p = NULL;

	MUST(asprintf(&p, "%s/%s", dir, name) > 0);
	return p;
}

/* Shows what a program of the server said before it failed. */
static void show(const char *name)
{
	char line[1024], *p = path(name);
	FILE *f = fopen(p, "r");

	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
	free(p);
}

/* Output goes to DIR/NAME. Only the last descriptor 0 to 2 are handed on: all others are close-on-exec. */
static pid_t start(char *const argv[], const char *output)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	char *log = path(output);

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	extern char **environ;
	MUST(posix_spawnp(&pid, argv[0], &files, NULL, argv, environ) == 0);
	posix_spawn_file_actions_destroy(&files);
	free(log);
	return pid;
}

static void server_start(void)
{
	char data[128], sock[128], pid_file[128], tmp[128];

	snprintf(data, sizeof(data), "--datadir=%s/data", dir);
	snprintf(sock, sizeof(sock), "--socket=%s", socket_path);
	snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/pid", dir);
	snprintf(tmp, sizeof(tmp), "--tmpdir=%s/tmp", dir);
	char *argv[] = {"mariadbd", "--no-defaults", data, sock, pid_file, tmp, "--skip-networking",
		"--skip-name-resolve", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M",
		"--innodb-flush-log-at-trx-commit=2", "--max-connections=400",
		"--character-set-server=latin1", geteuid() == 0 ? "--user=root" : NULL, NULL};
	server = start(argv, "server.log");
}

static void server_wait(void)
{
	struct db *db = db_new(&admin_settings);

	for (int i = 0; db_ping(db) != STATUS_OK; i++) {
		MUST(i < 600 && waitpid(server, NULL, WNOHANG) == 0);
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	db_free(db);
}

/* A process that outlives the test: when the test's end of the pipe closes, by exit, abort or kill, it ends the server and removes
 * the directory. */
static void guard_start(void)
{
	static int pipe_ends[2]; /* the writing end stays open as long as this program lives */

	MUST(pipe2(pipe_ends, O_CLOEXEC) == 0);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid > 0) {
		close(pipe_ends[0]);
		return;
	}
	setsid();
	int null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	dup2(pipe_ends[0], 0);
	closefrom(3);
	execl("/bin/sh", "sh", "-c",
		"read x; if [ -s \"$0/pid\" ]; then kill -9 $(cat \"$0/pid\"); sleep 0.3; fi; rm -rf \"$0\"; sleep 0.2; rm -rf \"$0\"",
		dir, (char *)NULL);
	_exit(1);
}

static void seal_key_make(void)
{
	char *file = path("seal.key");
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	MUST(fd >= 0);
	for (int i = 0; i < 64; i++)
		MUST(write(fd, &"0123456789abcdef"[(i * 7 + getpid()) % 16], 1) == 1);
	close(fd);
	MUST(crypto_start((const char *const[]){file, NULL}) == STATUS_OK);
	free(file);
}

static void admin_run(struct db *db, const char *sql)
{
	if (db_exec_n(db, NULL, sql, NULL, 0) == STATUS_OK)
		return;
	fprintf(stderr, "%s\n", sql);
	must("SQL", __LINE__);
}

/* Rights per table: those of a whole database cannot be taken back for one of its tables. */
static void grant(void)
{
	struct db *db = db_new(&admin_settings);
	struct arena *a = arena_new();
	struct db_rows rows;

	MUST(db_select(db, a, &rows,
		     "SELECT table_name FROM information_schema.tables WHERE table_schema = 'inkan'") ==
		STATUS_OK);
	for (size_t i = 0; i < rows.rows; i++) {
		const char *table = db_text(&rows, i, 0);
		bool append = text_same(table, "audit") || text_same(table, "audit_chain");
		admin_run(db, arena_printf(a, "GRANT %s ON inkan.`%s` TO serve@localhost",
				      append ? "SELECT, INSERT" : "SELECT, INSERT, UPDATE, DELETE", table));
	}
	arena_free(a);
	db_free(db);
}

void mariadb_migrate(const char *component)
{
	struct db *db = db_new(&admin_settings);
	struct arena *a = arena_new();
	const char *components[] = {"core", component, NULL};
	unsigned applied;

	MUST(migrate_run(db, a, SOURCE_DIR "/migrations", components, &applied) == STATUS_OK);
	arena_free(a);
	db_free(db);
	grant();
}

static void database_make(void)
{
	struct db_settings first = admin_settings;
	first.name = "mysql";
	struct db *db = db_new(&first);

	admin_run(db, "CREATE DATABASE inkan");
	admin_run(db, "CREATE USER serve@localhost");
	db_free(db);
	mariadb_migrate(NULL);
}

static void data_make(void)
{
	char data[128], tmp[128], *tmp_dir = path("tmp");
	int status = -1;

	/* A starting server removes what others have as temporary tables in the same directory. */
	MUST(mkdir(tmp_dir, 0700) == 0);
	free(tmp_dir);
	snprintf(data, sizeof(data), "--datadir=%s/data", dir);
	snprintf(tmp, sizeof(tmp), "--tmpdir=%s/tmp", dir);
	char *argv[] = {"mariadb-install-db", "--no-defaults", data, tmp,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
		geteuid() == 0 ? "--user=root" : NULL, NULL};
	pid_t pid = start(argv, "install.log");
	MUST(waitpid(pid, &status, 0) == pid);
	if (status)
		show("install.log");
	MUST(status == 0);
}

static void stop(void)
{
	if (server > 0)
		mariadb_kill(); /* the guard removes the directory */
}

void mariadb_start(void)
{
	if (*dir)
		return;
	snprintf(dir, sizeof(dir), "/tmp/inkan-test-XXXXXX");
	MUST(mkdtemp(dir));
	guard_start();
	log_start(LOG_ERROR);
	MUST(clock_start("Asia/Tokyo") == STATUS_OK);
	seal_key_make();
	snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
	admin_settings = (struct db_settings){
		.socket = socket_path, .user = "root", .name = "inkan", .timeout = 20 * SECOND};
	settings = admin_settings;
	settings.user = "serve";
	data_make();
	server_start();
	atexit(stop);
	struct db_settings wait = admin_settings;
	admin_settings.name = "mysql";
	server_wait();
	admin_settings = wait;
	database_make();
}

int mariadb_setup(void **state)
{
	mariadb_start();
	return 0;
}

const struct db_settings *mariadb_settings(void)
{
	return &settings;
}

const struct db_settings *mariadb_admin_settings(void)
{
	return &admin_settings;
}

struct db *mariadb_db(void)
{
	return db_new(&settings);
}

struct db *mariadb_admin(void)
{
	return db_new(&admin_settings);
}

const char *mariadb_dir(void)
{
	return dir;
}

const char *mariadb_file(struct arena *a, const char *name, const char *text)
{
	const char *file = arena_printf(a, "%s/%s", dir, name);
	FILE *f = fopen(file, "w");

	MUST(f && fchmod(fileno(f), 0600) == 0 && fputs(text, f) >= 0);
	MUST(fclose(f) == 0);
	return file;
}

struct db_settings mariadb_empty(const char *name)
{
	struct db_settings set = admin_settings;
	struct arena *a = arena_new();

	mariadb_exec(arena_printf(a, "CREATE OR REPLACE DATABASE `%s`", name));
	arena_free(a);
	set.name = name;
	return set;
}

void mariadb_clear(void)
{
	struct db *db = mariadb_admin();
	struct arena *a = arena_new();
	struct db_rows rows;

	MUST(db_select(db, a, &rows,
		     "SELECT table_name FROM information_schema.tables WHERE table_schema = 'inkan' AND table_name NOT LIKE 'migration%'") ==
		STATUS_OK);
	for (size_t i = 0; i < rows.rows; i++)
		admin_run(db, arena_printf(a, "TRUNCATE TABLE `%s`", db_text(&rows, i, 0)));
	arena_free(a);
	db_free(db);
}

static struct db **fresh_db;
static struct arena **fresh_arena;

void mariadb_fresh(struct db **ret_db, struct arena **ret_arena)
{
	mariadb_start();
	mariadb_clear();
	*(fresh_db = ret_db) = mariadb_db();
	*(fresh_arena = ret_arena) = arena_new();
}

int mariadb_done(void **state)
{
	db_free(*fresh_db);
	arena_free(*fresh_arena);
	return 0;
}

void mariadb_kill(void)
{
	MUST(server > 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	char *pid = path("pid"); /* or the guard would kill whoever has that number next */
	unlink(pid);
	free(pid);
}

void mariadb_restart(void)
{
	if (server > 0)
		mariadb_kill();
	server_start();
	server_wait();
}

void mariadb_exec(const char *sql)
{
	struct db *db = mariadb_admin();

	admin_run(db, sql);
	db_free(db);
}

int64_t mariadb_number(const char *sql)
{
	struct db *db = mariadb_admin();
	struct arena *a = arena_new();
	struct db_rows rows;

	MUST(db_select_n(db, a, &rows, sql, NULL, 0) == STATUS_OK && rows.rows == 1);
	int64_t number = db_int(&rows, 0, 0);
	arena_free(a);
	db_free(db);
	return number;
}

int64_t mariadb_audited(const char *action)
{
	char sql[200];

	MUST((size_t)snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM audit WHERE action = '%s'", action) <
		sizeof(sql));
	return mariadb_number(sql);
}
