/* Brings the database to the schema of the files, one statement a file, and tells whether it is there. */
#include "store/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"

#define FILE_MAX (64 * 1024)
#define FILES_MAX 1000
#define LEASE (2 * MINUTE)
#define STATEMENT_TIME (30 * MINUTE) /* changing a table of a million rows takes its time */

struct file {
	unsigned number;
	const char *name; /* "0001_user" */
	const char *sql;
	struct bytes digest;
};
struct files {
	const char *component;
	struct file *items;
	size_t n;
};
struct recorded {
	unsigned number;
	const char *name;
	struct bytes digest;
};

static enum status file_read(struct arena *a, const char *path, struct file *file)
{
	char *data = arena_alloc(a, FILE_MAX + 1);
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cause(STATUS_INVALID, "%s: %s", path, strerror(errno));
	for (ssize_t n = 1; n > 0 && len <= FILE_MAX; len += (size_t)n) {
		n = read(fd, data + len, FILE_MAX + 1 - len);
		if (n < 0) {
			int number = errno;
			close(fd);
			return cause(STATUS_INVALID, "%s: %s", path, strerror(number));
		}
	}
	close(fd);
	if (len > FILE_MAX || !text_utf8_valid(data, len))
		return cause(STATUS_INVALID, "%s: not a UTF-8 text of at most %d bytes", path, FILE_MAX);
	file->digest = crypto_sha256(a, bytes_of(data, len));
	while (len && (isspace((unsigned char)data[len - 1]) || data[len - 1] == ';'))
		len--;
	if (!len)
		return cause(STATUS_INVALID, "%s: empty", path);
	file->sql = arena_stringn(a, data, len);
	return STATUS_OK;
}

/* NNNN_name.sql, name of a-z, 0-9 and _ */
static bool file_name(struct arena *a, const char *name, struct file *file)
{
	size_t len = strlen(name);
	int64_t number;

	if (len < 10 || !text_ends(name, ".sql") || name[4] != '_')
		return false;
	for (size_t i = 0; i < len - 4; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';
		if (i < 4 ? !digit : !(digit || name[i] == '_' || (name[i] >= 'a' && name[i] <= 'z')))
			return false;
	}
	if (!text_int(arena_stringn(a, name, 4), 1, 9999, &number))
		return false;
	file->number = (unsigned)number;
	file->name = arena_stringn(a, name, len - 4);
	return true;
}

static int file_order(const void *left, const void *right)
{
	const struct file *l = left, *r = right;

	return (l->number > r->number) - (l->number < r->number);
}

static enum status files_scan(struct arena *a, DIR *dir, const char *path, struct files *files)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		struct file *file = &files->items[files->n];
		if (!text_ends(entry->d_name, ".sql"))
			continue;
		if (files->n == FILES_MAX)
			return cause(STATUS_INVALID, "%s: more than %d files", path, FILES_MAX);
		if (!file_name(a, entry->d_name, file))
			return cause(STATUS_INVALID, "%s/%s: a migration is named NNNN_name.sql", path,
				entry->d_name);
		enum status st = file_read(a, arena_printf(a, "%s/%s", path, entry->d_name), file);
		if (st != STATUS_OK)
			return st;
		files->n++;
	}
	return STATUS_OK;
}

/* A component without a folder has no tables. */
static enum status files_read(struct arena *a, const char *base, const char *component, struct files *files)
{
	const char *path = arena_printf(a, "%s/%s", base, component);
	DIR *dir = opendir(path);

	*files = (struct files){.component = component};
	if (!dir && errno == ENOENT && strcmp(component, "core") != 0)
		return STATUS_OK;
	if (!dir)
		return cause(STATUS_INVALID, "%s: %s", path, strerror(errno));
	files->items = arena_array(a, FILES_MAX, sizeof(*files->items));
	enum status st = files_scan(a, dir, path, files);
	closedir(dir);
	if (st != STATUS_OK)
		return st;
	qsort(files->items, files->n, sizeof(*files->items), file_order);
	for (size_t i = 1; i < files->n; i++) {
		if (files->items[i].number == files->items[i - 1].number)
			return cause(
				STATUS_INVALID, "%s: number %04u stands twice", path, files->items[i].number);
	}
	return STATUS_OK;
}

static enum status recorded_read(
	struct db *db, struct arena *a, const char *component, struct recorded **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT number, name, digest FROM migration WHERE component = ? ORDER BY number",
		DB_TEXT(component));

	if (st != STATUS_OK)
		return st;
	*ret = arena_array(a, rows.rows ? rows.rows : 1, sizeof(**ret));
	*ret_n = rows.rows;
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (struct recorded){
			(unsigned)db_int(&rows, i, 0), db_text(&rows, i, 1), db_bytes(&rows, i, 2)};
	return STATUS_OK;
}

static const struct recorded *recorded_find(const struct recorded *recorded, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++) {
		if (recorded[i].number == number)
			return &recorded[i];
	}
	return NULL;
}

/* Every recorded file must be here, unchanged. Fails with status `st`. */
static enum status compare(
	const struct files *files, const struct recorded *recorded, size_t n, enum status st)
{
	for (size_t i = 0; i < n; i++) {
		const struct file *file = NULL;
		for (size_t j = 0; j < files->n; j++) {
			if (files->items[j].number == recorded[i].number)
				file = &files->items[j];
		}
		if (!file)
			return cause(st,
				"database newer than this program: it has migration %s/%s, which is no file here",
				files->component, recorded[i].name);
		if (file->digest.len != recorded[i].digest.len ||
			memcmp(file->digest.data, recorded[i].digest.data, file->digest.len) != 0)
			return cause(st, "migration %s/%s was changed after it had been applied",
				files->component, file->name);
	}
	return STATUS_OK;
}

/* The two tables that migrations themselves need. */
static enum status tables_make(struct db *db)
{
	enum status st = db_exec(db, NULL,
		"CREATE TABLE IF NOT EXISTS migration ("
		" component VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
		" number INT UNSIGNED NOT NULL,"
		" name VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
		" digest BINARY(32) NOT NULL,"
		" applied_at BIGINT NOT NULL,"
		" PRIMARY KEY (component, number)"
		") ENGINE=InnoDB");

	if (st == STATUS_OK)
		st = db_exec(db, NULL,
			"CREATE TABLE IF NOT EXISTS migration_lease ("
			" id TINYINT UNSIGNED NOT NULL,"
			" owner VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
			" until BIGINT NOT NULL,"
			" PRIMARY KEY (id)"
			") ENGINE=InnoDB");
	if (st == STATUS_OK)
		st = db_exec(
			db, NULL, "INSERT IGNORE INTO migration_lease (id, owner, until) VALUES (1, '', 0)");
	return st;
}

static enum status lease_take(struct db *db, const char *owner, bool *ret_taken)
{
	when now = clock_now();
	uint64_t changed;
	enum status st = db_exec(db, &changed,
		"UPDATE migration_lease SET owner = ?, until = ? WHERE id = 1 AND (owner = ? OR until < ?)",
		DB_TEXT(owner), DB_INT(now + LEASE), DB_TEXT(owner), DB_INT(now));

	if (st == STATUS_OK)
		*ret_taken = changed == 1;
	return st;
}

/* Waits as long as the lease of one that was killed lasts. */
static enum status lease_wait(struct db *db, const char *owner)
{
	when until = clock_monotonic() + LEASE + 10 * SECOND;
	bool told = false;

	for (;;) {
		bool taken = false;
		enum status st = lease_take(db, owner, &taken);
		if (st != STATUS_OK || taken)
			return st;
		if (clock_monotonic() >= until)
			return cause(STATUS_BUSY, "another host is migrating the database");
		if (!told)
			log_info("migrate: another run holds the lease, waiting");
		told = true;
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
}

static enum status apply_one(struct db *db, const char *component, const struct file *file)
{
	enum status st = db_exec_n(db, NULL, file->sql, NULL, 0);

	if (st != STATUS_OK)
		return cause(st, "migration %s/%s: %s", component, file->name, cause_text());
	st = db_exec(db, NULL,
		"INSERT INTO migration (component, number, name, digest, applied_at) VALUES (?, ?, ?, ?, ?)",
		DB_TEXT(component), DB_INT(file->number), DB_TEXT(file->name), DB_BYTES(file->digest),
		DB_INT(clock_now()));
	/* Recorded by one whose lease ran out during a long statement: the same file, done. */
	return st == STATUS_CONFLICT ? STATUS_OK : st;
}

static enum status apply_component(
	struct db *db, struct arena *a, const struct files *files, const char *owner, unsigned *applied)
{
	struct recorded *recorded;
	size_t n;
	enum status st = recorded_read(db, a, files->component, &recorded, &n);

	for (size_t i = 0; st == STATUS_OK && i < files->n; i++) {
		bool mine = false;
		if (recorded_find(recorded, n, files->items[i].number))
			continue;
		st = lease_take(db, owner, &mine);
		if (st == STATUS_OK && !mine)
			st = cause(STATUS_BUSY, "another host took over the migration");
		if (st == STATUS_OK)
			st = apply_one(db, files->component, &files->items[i]);
		if (st == STATUS_OK) {
			log_info("migrate: applied %s/%s", files->component, files->items[i].name);
			++*applied;
		}
	}
	return st;
}

static enum status compare_all(
	struct db *db, struct arena *a, const struct files *files, size_t n, enum status differs)
{
	for (size_t i = 0; i < n; i++) {
		struct recorded *recorded;
		size_t count;
		enum status st = recorded_read(db, a, files[i].component, &recorded, &count);
		if (st == STATUS_OK)
			st = compare(&files[i], recorded, count, differs);
		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}

static enum status read_all(
	struct arena *a, const char *dir, const char *const *components, struct files **ret, size_t *ret_n)
{
	size_t n = 0;

	while (components[n])
		n++;
	struct files *files = arena_array(a, n ? n : 1, sizeof(*files));
	for (size_t i = 0; i < n; i++) {
		enum status st = files_read(a, dir, components[i], &files[i]);
		if (st != STATUS_OK)
			return st;
	}
	*ret = files;
	*ret_n = n;
	return STATUS_OK;
}

static enum status run_leased(struct db *db, struct arena *a, const struct files *files, size_t n,
	const char *owner, unsigned *ret_applied)
{
	unsigned applied = 0;
	enum status st = compare_all(db, a, files, n, STATUS_INVALID);

	for (size_t i = 0; st == STATUS_OK && i < n; i++)
		st = apply_component(db, a, &files[i], owner, &applied);
	if (st == STATUS_OK)
		*ret_applied = applied;
	return st;
}

enum status migrate_run(
	struct db *db, struct arena *a, const char *dir, const char *const *components, unsigned *ret_applied)
{
	struct files *files;
	size_t n;
	char host[65] = "";
	enum status st = read_all(a, dir, components, &files, &n);

	if (st != STATUS_OK)
		return st;
	gethostname(host, sizeof(host) - 1);
	const char *owner = arena_printf(a, "%s:%ld:%s", host, (long)getpid(), crypto_token(a, 9));
	db_set_timeout(db, STATEMENT_TIME);
	st = tables_make(db);
	if (st == STATUS_OK)
		st = lease_wait(db, owner);
	if (st != STATUS_OK)
		return st;
	st = run_leased(db, a, files, n, owner, ret_applied);
	enum status end = db_exec(
		db, NULL, "UPDATE migration_lease SET until = 0 WHERE id = 1 AND owner = ?", DB_TEXT(owner));
	return st == STATUS_OK ? end : st;
}

static enum status nothing_missing(struct db *db, struct arena *a, const struct files *files)
{
	struct recorded *recorded;
	size_t n;
	enum status st = recorded_read(db, a, files->component, &recorded, &n);

	for (size_t i = 0; st == STATUS_OK && i < files->n; i++) {
		if (!recorded_find(recorded, n, files->items[i].number))
			return cause(STATUS_CONFLICT,
				"database older than this program: migration %s/%s is not applied",
				files->component, files->items[i].name);
	}
	return st;
}

enum status migrate_check(struct db *db, struct arena *a, const char *dir, const char *const *components)
{
	struct files *files;
	struct db_rows rows;
	size_t n;
	enum status st = read_all(a, dir, components, &files, &n);

	if (st == STATUS_OK)
		st = db_select(db, a, &rows,
			"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'migration'");
	if (st != STATUS_OK)
		return st;
	if (db_int(&rows, 0, 0) == 0)
		return cause(STATUS_CONFLICT, "database older than this program: it has no schema yet");
	st = compare_all(db, a, files, n, STATUS_CONFLICT);
	for (size_t i = 0; st == STATUS_OK && i < n; i++)
		st = nothing_missing(db, a, &files[i]);
	return st;
}
