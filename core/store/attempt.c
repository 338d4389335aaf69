/* Attempts at a secret, a row per subject. */
#include "store/attempt.h"

struct attempting {
	struct arena *arena;
	const char *purpose;
	uint64_t subject;
	when until; /* 0: allowed */
};

static when pause_after(int64_t failures)
{
	when pause = SECOND;

	if (failures <= ATTEMPTS_FREE)
		return 0;
	for (int64_t i = failures - ATTEMPTS_FREE; i > 1 && pause < ATTEMPT_PAUSE_MAX; i--)
		pause *= 2;
	return pause < ATTEMPT_PAUSE_MAX ? pause : ATTEMPT_PAUSE_MAX;
}

static enum status begin_body(struct db *db, void *context)
{
	struct attempting *c = context;
	struct db_rows rows;
	when now = clock_now();

	c->until = 0;
	/* Makes the row and locks it; on another node of a cluster the same row then conflicts at commit, and the body runs again. */
	enum status s = db_exec(db, NULL,
		"INSERT INTO attempt (purpose, subject, failures, until) VALUES (?, ?, 0, 0) ON DUPLICATE KEY UPDATE failures = failures",
		DB_TEXT(c->purpose), DB_INT(c->subject));
	if (s == STATUS_OK)
		s = db_select(db, c->arena, &rows, "SELECT failures, until FROM attempt WHERE purpose = ? AND subject = ? FOR UPDATE",
			DB_TEXT(c->purpose), DB_INT(c->subject));
	if (s != STATUS_OK)
		return s;
	if (db_int(&rows, 0, 1) > now) {
		c->until = db_int(&rows, 0, 1);
		return STATUS_OK;
	}
	int64_t failures = db_int(&rows, 0, 0) + 1;
	return db_exec(db, NULL, "UPDATE attempt SET failures = ?, until = ? WHERE purpose = ? AND subject = ?", DB_INT(failures),
		DB_INT(now + pause_after(failures)), DB_TEXT(c->purpose), DB_INT(c->subject));
}

enum status attempt_begin(struct db *db, struct arena *a, const char *purpose, uint64_t subject, when *ret_until)
{
	struct attempting c = {.arena = a, .purpose = purpose, .subject = subject};
	enum status s = db_transact(db, begin_body, &c);

	if (s == STATUS_OK && c.until) {
		*ret_until = c.until;
		return cause(STATUS_DENIED, "too many failed attempts (%s)", purpose);
	}
	return s;
}

enum status attempt_succeeded(struct db *db, const char *purpose, uint64_t subject)
{
	return db_exec(db, NULL, "DELETE FROM attempt WHERE purpose = ? AND subject = ?", DB_TEXT(purpose), DB_INT(subject));
}
