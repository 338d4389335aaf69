/* Notes and counts on how the running system is. */
#include "store/health.h"

#include <pthread.h>

#include "base/log.h"

/* Names that a process notes: its kinds of jobs and its upstreams. */
#define NAMES_MAX 192
#define NAME_MAX_BYTES 96
#define WHY_MAX 500

static struct {
	char name[NAME_MAX_BYTES + 1];
	when noted[2]; /* clock_monotonic(), of the last failure and of the last success */
} names[NAMES_MAX];
static size_t names_n;
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether it is long enough since this was noted; then it counts as noted. */
static bool is_time(const char *name, bool succeeded)
{
	when now = clock_monotonic();
	bool time = false;
	size_t i = 0;

	pthread_mutex_lock(&names_lock);
	while (i < names_n && !text_same(names[i].name, name))
		i++;
	if (i < names_n || names_n < NAMES_MAX) {
		if (i == names_n)
			snprintf(names[names_n++].name, sizeof names[i].name, "%s", name);
		time = !names[i].noted[succeeded] || now - names[i].noted[succeeded] >= HEALTH_NOTE_EVERY;
		if (time)
			names[i].noted[succeeded] = now;
	}
	pthread_mutex_unlock(&names_lock);
	return time;
}

void health_note(struct db *db, const char *name, bool succeeded, const char *why)
{
	char text[WHY_MAX];
	enum status s;

	ASSERT(strlen(name) <= NAME_MAX_BYTES && !db_in_transaction(db));
	if (!is_time(name, succeeded))
		return;
	text_escape(text, sizeof text, why ? why : "");
	if (succeeded)
		s = db_exec(db, NULL,
			"INSERT INTO health (name, succeeded_at) VALUES (?, ?)"
			" ON DUPLICATE KEY UPDATE succeeded_at = GREATEST(succeeded_at, VALUES(succeeded_at))",
			DB_TEXT(name), DB_INT(clock_now()));
	else
		s = db_exec(db, NULL,
			"INSERT INTO health (name, failed_at, why) VALUES (?, ?, ?)"
			" ON DUPLICATE KEY UPDATE failed_at = GREATEST(failed_at, VALUES(failed_at)), why = VALUES(why)",
			DB_TEXT(name), DB_INT(clock_now()), DB_TEXT(text));
	if (s != STATUS_OK)
		log_status(s, "health, a note");
}

enum status health_pulses(struct db *db, struct arena *a, struct health_pulse **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT name, succeeded_at, failed_at, why FROM health ORDER BY name");

	if (s != STATUS_OK)
		return s;
	struct health_pulse *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++)
		all[i] = (struct health_pulse){
			.name = db_text(&rows, i, 0),
			.succeeded_at = db_int(&rows, i, 1),
			.failed_at = db_int(&rows, i, 2),
			.why = db_text(&rows, i, 3),
		};
	*ret = all;
	*ret_n = rows.rows;
	return STATUS_OK;
}

/* Each state by itself, so that the index gives its rows and the limit bounds them, however many applications there are. */
#define PENDING_IN(state) "(SELECT upstream, changed_at FROM application WHERE state = '" state "' ORDER BY id LIMIT ?)"

enum status health_pendings(struct db *db, struct arena *a, struct health_pending **ret, size_t *ret_n)
{
	struct db_arg limit = DB_INT(HEALTH_COUNT_MAX + 1);
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT upstream, COUNT(*), MIN(changed_at) FROM (" PENDING_IN("ACCEPTED") " UNION ALL " PENDING_IN(
			"SENT") " UNION ALL " PENDING_IN("REVOKE_ACCEPTED") " UNION ALL " PENDING_IN("REVOKE_SENT") ") p GROUP BY upstream",
		limit, limit, limit, limit);

	if (s != STATUS_OK)
		return s;
	struct health_pending *all = arena_array(a, rows.rows, sizeof *all);
	for (size_t i = 0; i < rows.rows; i++)
		all[i] = (struct health_pending){.upstream = db_text(&rows, i, 0), .n = db_int(&rows, i, 1), .oldest = db_int(&rows, i, 2)};
	*ret = all;
	*ret_n = rows.rows;
	return STATUS_OK;
}

static struct health_jobs *kind_of(struct health_jobs *all, size_t *n, const char *kind)
{
	size_t i = 0;

	while (i < *n && !text_same(all[i].kind, kind))
		i++;
	if (i == *n)
		all[(*n)++].kind = kind;
	return &all[i];
}

enum status health_job_kinds(struct db *db, struct arena *a, when now, struct health_jobs **ret, size_t *ret_n)
{
	struct db_arg limit = DB_INT(HEALTH_COUNT_MAX + 1);
	struct db_rows waiting, failed;
	size_t n = 0;
	enum status s = db_select(db, a, &waiting,
		"SELECT kind, COALESCE(unique_key LIKE 'every:%', 0) p, owner <> '' AND lease_until > ? r, COUNT(*), MIN(created_at), MIN(due_at)"
		" FROM (SELECT kind, unique_key, owner, lease_until, created_at, due_at FROM job WHERE state = 'waiting' ORDER BY id LIMIT ?) j"
		" GROUP BY kind, p, r",
		DB_INT(now), limit);

	if (s == STATUS_OK)
		s = db_select(db, a, &failed,
			"SELECT kind, COUNT(*) FROM (SELECT kind FROM job WHERE state = 'failed' ORDER BY id LIMIT ?) j GROUP BY kind", limit);
	if (s != STATUS_OK)
		return s;
	struct health_jobs *all = arena_array(a, waiting.rows + failed.rows, sizeof *all);
	for (size_t i = 0; i < waiting.rows; i++) {
		struct health_jobs *kind = kind_of(all, &n, db_text(&waiting, i, 0));
		kind->periodic = kind->periodic || db_int(&waiting, i, 1);
		if (db_int(&waiting, i, 2)) {
			kind->running += db_int(&waiting, i, 3);
			continue;
		}
		kind->waiting += db_int(&waiting, i, 3);
		kind->oldest = db_int(&waiting, i, 4);
		kind->due = db_int(&waiting, i, 5);
	}
	for (size_t i = 0; i < failed.rows; i++)
		kind_of(all, &n, db_text(&failed, i, 0))->failed = db_int(&failed, i, 1);
	*ret = all;
	*ret_n = n;
	return STATUS_OK;
}

/* The database's clock is asked for here because it is the question; nothing else goes by it. */
enum status health_facts_get(struct db *db, struct arena *a, struct health_facts *ret)
{
	struct db_arg limit = DB_INT(HEALTH_COUNT_MAX + 1);
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED),"
		" (SELECT COUNT(*) FROM migration WHERE component = 'core'), (SELECT MAX(applied_at) FROM migration),"
		" (SELECT COUNT(*) FROM (SELECT audit_id FROM audit_tail LIMIT ?) t),"
		" (SELECT at FROM audit WHERE id = (SELECT MIN(audit_id) FROM audit_tail)),"
		" (SELECT COUNT(*) FROM (SELECT id FROM conflict WHERE closed_at = 0 LIMIT ?) c),"
		" (SELECT at FROM conflict WHERE closed_at = 0 ORDER BY id LIMIT 1),"
		" (SELECT COUNT(*) FROM (SELECT application_id FROM handover LIMIT ?) h), (SELECT MIN(created_at) FROM handover),"
		" (SELECT COUNT(*) FROM (SELECT id FROM application FORCE INDEX (state) WHERE state = 'REVOKE_ERROR' LIMIT ?) r)",
		limit, limit, limit, limit);

	if (s != STATUS_OK)
		return s;
	*ret = (struct health_facts){
		.database_clock = db_int(&rows, 0, 0),
		.migrations = db_int(&rows, 0, 1),
		.migrated_at = db_int(&rows, 0, 2),
		.unchained = db_int(&rows, 0, 3),
		.unchained_since = db_int(&rows, 0, 4),
		.conflicts = db_int(&rows, 0, 5),
		.oldest_conflict = db_int(&rows, 0, 6),
		.handovers = db_int(&rows, 0, 7),
		.oldest_handover = db_int(&rows, 0, 8),
		.unrevoked = db_int(&rows, 0, 9),
	};
	return STATUS_OK;
}
