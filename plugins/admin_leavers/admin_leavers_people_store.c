/* The people of a run for leavers and their certificates: reading, and carrying out. */
#include "leavers_sql.h"

static enum status number(const struct db_rows *rows, enum status s, int64_t *ret)
{
	if (s == STATUS_OK)
		*ret = rows->rows ? db_int(rows, 0, 0) : 0;
	return s;
}

enum status run_count(struct db *db, struct arena *a, uint64_t id, when now, struct run_counts *ret)
{
	struct run_counts c = {0};
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT COUNT(*), COALESCE(SUM(cancelled_at = 0 AND done_at = 0), 0), COALESCE(SUM(cancelled_at > 0), 0) FROM leavers_person WHERE run_id = ?", DB_INT(id));

	if (s != STATUS_OK)
		return s;
	c.persons = db_int(&rows, 0, 0);
	c.persons_left = db_int(&rows, 0, 1);
	c.persons_cancelled = db_int(&rows, 0, 2);
	s = db_select(db, a, &rows, "SELECT COUNT(*) FROM leavers_unknown WHERE run_id = ?", DB_INT(id));
	s = number(&rows, s, &c.unknown);
	if (s == STATUS_OK)
		s = db_select(db, a, &rows,
			"SELECT CAST(COALESCE(SUM(p." VALID "), 0) AS SIGNED), CAST(COALESCE(SUM(p." UNTAKEN "), 0) AS SIGNED)"
			" FROM leavers_person l JOIN application p ON p.user_id = l.user_id"
			" WHERE l.run_id = ? AND l.cancelled_at = 0 AND l.done_at = 0 AND p.live_until > ?",
			DB_INT(id), DB_INT(now));
	if (s != STATUS_OK)
		return s;
	c.certificates = db_int(&rows, 0, 0);
	c.untaken = db_int(&rows, 0, 1);
	s = db_select(db, a, &rows,
		"SELECT i.outcome, COUNT(*), CAST(SUM(p.state = 'REVOKED') AS SIGNED), CAST(SUM(p.state = 'REVOKE_ERROR') AS SIGNED),"
		" CAST(SUM(i.user_id = 0 AND p.user_id IS NULL) AS SIGNED)"
		" FROM leavers_item i JOIN application p ON p.id = i.application_id WHERE i.run_id = ? GROUP BY i.outcome",
		DB_INT(id));
	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++) {
		const char *outcome = db_text(&rows, i, 0);
		if (text_same(outcome, "asked")) {
			c.asked = db_int(&rows, i, 1);
			c.revoked = db_int(&rows, i, 2);
			c.failed = db_int(&rows, i, 3);
		} else if (text_same(outcome, "already")) {
			c.already = db_int(&rows, i, 1);
		} else if (text_same(outcome, "ended")) {
			c.ended = db_int(&rows, i, 1);
		} else if (text_same(outcome, "planned")) {
			c.unclaimed = db_int(&rows, i, 1);
		} else if (text_same(outcome, "untaken")) {
			c.untaken += db_int(&rows, i, 4); /* the others are counted with their persons */
		}
	}
	if (s == STATUS_OK)
		*ret = c;
	return s;
}

#define PERSON_SELECT                                                                                          \
	"SELECT l.user_id, u.eppn, u.name, u.mail, u.lang, l.done_at, l.cancelled_at, l.mailed_at, u.seen_at,"     \
	" (SELECT COUNT(*) FROM application p WHERE p.user_id = l.user_id AND p.live_until > ? AND p." VALID "),"   \
	" (SELECT COUNT(*) FROM application p WHERE p.user_id = l.user_id AND p.live_until > ? AND p." UNTAKEN ")"  \
	" FROM leavers_person l JOIN user u ON u.id = l.user_id "

static void person_fill(const struct db_rows *rows, size_t i, struct person *ret)
{
	enum lang lang = LANG_JA;

	lang_parse(db_text(rows, i, 4), &lang);
	*ret = (struct person){
		.user_id = (uint64_t)db_int(rows, i, 0),
		.eppn = db_text(rows, i, 1),
		.name = db_text(rows, i, 2),
		.mail = db_text(rows, i, 3),
		.lang = lang,
		.done_at = db_int(rows, i, 5),
		.cancelled_at = db_int(rows, i, 6),
		.mailed_at = db_int(rows, i, 7),
		.seen_at = db_int(rows, i, 8),
		.certificates = db_int(rows, i, 9),
		.untaken = db_int(rows, i, 10),
	};
}

enum status person_list(struct db *db, struct arena *a, uint64_t run, uint64_t after, unsigned limit, when now, struct person **ret,
	size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, PERSON_SELECT "WHERE l.run_id = ? AND l.user_id > ? ORDER BY l.user_id LIMIT ?", DB_INT(now),
		DB_INT(now), DB_INT(run), DB_INT(after), DB_INT(limit));

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	for (size_t i = 0; i < rows.rows; i++)
		person_fill(&rows, i, &(*ret)[i]);
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status person_get(struct db *db, struct arena *a, uint64_t run, uint64_t user, when now, struct person *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, PERSON_SELECT "WHERE l.run_id = ? AND l.user_id = ?", DB_INT(now), DB_INT(now), DB_INT(run),
		DB_INT(user));

	if (s == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "user %llu is not in run %llu", (unsigned long long)user, (unsigned long long)run);
	if (s == STATUS_OK)
		person_fill(&rows, 0, ret);
	return s;
}

enum status unknown_list(struct db *db, struct arena *a, uint64_t run, unsigned after, unsigned limit, const char ***ret, size_t *ret_n,
	unsigned *ret_last)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT line, eppn FROM leavers_unknown WHERE run_id = ? AND line > ? ORDER BY line LIMIT ?",
		DB_INT(run), DB_INT(after), DB_INT(limit));

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = db_text(&rows, i, 1);
	*ret_n = rows.rows;
	*ret_last = rows.rows ? (unsigned)db_int(&rows, rows.rows - 1, 0) : after;
	return STATUS_OK;
}

enum status person_live(struct db *db, struct arena *a, uint64_t user, when now, uint64_t **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT id FROM application WHERE user_id = ? AND live_until > ? ORDER BY id", DB_INT(user), DB_INT(now));

	return s == STATUS_OK ? leavers_ids(a, &rows, ret, ret_n) : s;
}

/* --- Carrying out ------------------------------------------------------------------------------------------------------------------- */

/* Somebody or something of the run r is not done with. */
#define LEFT                                                                                                                           \
	"EXISTS (SELECT 1 FROM leavers_person p WHERE p.run_id = r.id AND p.done_at = 0 AND p.cancelled_at = 0)"                        \
	" OR EXISTS (SELECT 1 FROM leavers_item i WHERE i.run_id = r.id AND " OPEN ")"

enum status run_due(struct db *db, struct arena *a, when now, struct run *ret)
{
	struct db_rows rows;
	enum status s = db_exec(db, NULL, "UPDATE leavers_run SET state = 'running', started_at = ?, recall = 1 WHERE state = 'waiting' AND run_at <= ?",
		DB_INT(now), DB_INT(now));

	if (s == STATUS_OK) /* one whose people only wait for their next look must not hide another */
		s = db_select(db, a, &rows,
			"SELECT id FROM leavers_run r WHERE state = 'running' AND (EXISTS (SELECT 1 FROM leavers_person p WHERE p.run_id = r.id"
			" AND p.done_at = 0 AND p.cancelled_at = 0 AND p.next_at <= ?) OR EXISTS (SELECT 1 FROM leavers_item i WHERE i.run_id = r.id AND " DUE
			") OR NOT (" LEFT ")) ORDER BY run_at, id LIMIT 1",
			DB_INT(now), DB_INT(now - LEAVERS_AGAIN));
	if (s == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no run for leavers is due");
	return s == STATUS_OK ? run_get(db, a, (uint64_t)db_int(&rows, 0, 0), ret) : s;
}

enum status run_untold(struct db *db, struct arena *a, unsigned limit, uint64_t *ret_run, uint64_t **ret_users, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT p.user_id, r.id FROM leavers_run r JOIN leavers_person p ON p.run_id = r.id WHERE r.state IN ('waiting', 'running')"
		" AND p.mailed_at = 0 AND p.cancelled_at = 0 AND r.id = (SELECT MIN(r2.id) FROM leavers_run r2 JOIN leavers_person p2"
		" ON p2.run_id = r2.id WHERE r2.state IN ('waiting', 'running') AND p2.mailed_at = 0 AND p2.cancelled_at = 0)"
		" ORDER BY p.user_id LIMIT ?",
		DB_INT(limit));

	if (s == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "everybody concerned is told");
	if (s != STATUS_OK)
		return s;
	*ret_run = (uint64_t)db_int(&rows, 0, 1);
	return leavers_ids(a, &rows, ret_users, ret_n);
}

enum status person_told(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_first)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE leavers_person SET mailed_at = ? WHERE run_id = ? AND user_id = ? AND mailed_at = 0",
		DB_INT(now), DB_INT(run), DB_INT(user));

	if (s == STATUS_OK)
		*ret_first = changed == 1;
	return s;
}

struct announcing {
	uint64_t run, user;
	when now;
	bool going;
};

/* The run's row is changed first, as by whoever cancels it: one of the two sees what the other did. */
static enum status announce_body(struct db *db, void *context)
{
	struct announcing *c = context;
	uint64_t going = 0;
	enum status s = db_exec(db, &going, "UPDATE leavers_run SET turn = turn + 1 WHERE id = ? AND state IN ('waiting', 'running')", DB_INT(c->run));

	if (s == STATUS_OK && going)
		s = db_exec(db, &going,
			"UPDATE leavers_person SET sent_at = IF(sent_at = 0, ?, sent_at) WHERE run_id = ? AND user_id = ? AND cancelled_at = 0",
			DB_INT(c->now), DB_INT(c->run), DB_INT(c->user));
	c->going = going == 1;
	return s;
}

enum status person_announce(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_going)
{
	struct announcing c = {.run = run, .user = user, .now = now};
	enum status s = db_transact(db, announce_body, &c);

	if (s == STATUS_OK)
		*ret_going = c.going;
	return s;
}

/* Whoever is left out when the run begins can no longer be put back. */
#define RECALLED                                                                                               \
	"p.sent_at > 0 AND p.recalled_at = 0 AND (r.state = 'cancelled' OR (r.state IN ('running', 'done') AND p.cancelled_at > 0))"

enum status run_unrecalled(struct db *db, struct arena *a, unsigned limit, uint64_t *ret_run, uint64_t **ret_users, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, "SELECT id FROM leavers_run WHERE recall = 1 ORDER BY id LIMIT 1");

	if (s == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "nobody is to be told that nothing is revoked");
	if (s != STATUS_OK)
		return s;
	*ret_run = (uint64_t)db_int(&rows, 0, 0);
	s = db_select(db, a, &rows,
		"SELECT p.user_id FROM leavers_person p JOIN leavers_run r ON r.id = p.run_id WHERE p.run_id = ? AND " RECALLED
		" ORDER BY p.user_id LIMIT ?",
		DB_INT(*ret_run), DB_INT(limit));
	/* No more can come: whom this concerns is told of the run no more. */
	if (s == STATUS_OK && rows.rows == 0)
		s = db_exec(db, NULL, "UPDATE leavers_run SET recall = 0 WHERE id = ?", DB_INT(*ret_run));
	return s == STATUS_OK ? leavers_ids(a, &rows, ret_users, ret_n) : s;
}

enum status person_recalled(struct db *db, uint64_t run, uint64_t user, when now, bool *ret_first)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE leavers_person SET recalled_at = ? WHERE run_id = ? AND user_id = ? AND recalled_at = 0",
		DB_INT(now), DB_INT(run), DB_INT(user));

	if (s == STATUS_OK)
		*ret_first = changed == 1;
	return s;
}

enum status run_people_due(struct db *db, struct arena *a, uint64_t run, when now, unsigned limit, uint64_t **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT user_id FROM leavers_person WHERE run_id = ? AND done_at = 0 AND cancelled_at = 0 AND next_at <= ? ORDER BY user_id LIMIT ?",
		DB_INT(run), DB_INT(now), DB_INT(limit));

	return s == STATUS_OK ? leavers_ids(a, &rows, ret, ret_n) : s;
}

enum status person_take(struct db *db, uint64_t run, uint64_t user, when now, bool *ret)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE leavers_person SET next_at = ? WHERE run_id = ? AND user_id = ? AND done_at = 0 AND cancelled_at = 0 AND next_at <= ?",
		DB_INT(now), DB_INT(run), DB_INT(user), DB_INT(now));

	if (s == STATUS_OK)
		*ret = changed == 1;
	return s;
}

enum status person_end(struct db *db, uint64_t run, uint64_t user, when now, when next_at)
{
	return db_exec(db, NULL, "UPDATE leavers_person SET next_at = ?, done_at = ? WHERE run_id = ? AND user_id = ?", DB_INT(next_at),
		DB_INT(next_at ? 0 : now), DB_INT(run), DB_INT(user));
}

enum status run_end(struct db *db, uint64_t run, when now)
{
	return db_exec(db, NULL,
		"UPDATE leavers_run r SET r.state = 'done', r.ended_at = ? WHERE r.id = ? AND r.state = 'running'"
		" AND NOT (" LEFT ")",
		DB_INT(now), DB_INT(run));
}

enum status result_list(struct db *db, struct arena *a, uint64_t run, uint64_t after, unsigned limit, struct result **ret,
	size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT i.application_id, COALESCE(p.number, 0), COALESCE(u.eppn, ''), COALESCE(p.type, ''), COALESCE(p.subject, ''), p.serial, i.outcome,"
		" COALESCE(p.state, ''), i.at, COALESCE(p.revoked_at, 0) FROM leavers_item i LEFT JOIN application p ON p.id = i.application_id"
		" LEFT JOIN user u ON u.id = IF(i.user_id = 0, p.user_id, i.user_id) WHERE i.run_id = ? AND i.application_id > ? ORDER BY i.application_id LIMIT ?",
		DB_INT(run), DB_INT(after), DB_INT(limit));

	if (s != STATUS_OK)
		return s;
	*ret = arena_array(a, rows.rows, sizeof **ret);
	for (size_t i = 0; i < rows.rows; i++)
		(*ret)[i] = (struct result){
			.application = (uint64_t)db_int(&rows, i, 0),
			.number = (unsigned)db_int(&rows, i, 1),
			.eppn = db_text(&rows, i, 2),
			.type = db_text(&rows, i, 3),
			.subject = db_text(&rows, i, 4),
			.serial = db_text(&rows, i, 5),
			.outcome = db_text(&rows, i, 6),
			.state = db_text(&rows, i, 7),
			.at = db_int(&rows, i, 8),
			.revoked_at = db_int(&rows, i, 9),
		};
	*ret_n = rows.rows;
	return STATUS_OK;
}
