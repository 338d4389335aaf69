/* Imported applications: made many at a time from one JSON parameter, and attached to their owners. */
#include "store/application_import.h"

#include "base/crypto.h"
#include "base/json.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"

#define JSON_MAX ((size_t)IMPORT_ROWS_MAX * 8192) /* far more than the columns of so many rows hold */
#define SOURCE_KEY "import"

struct bytes application_import_key(
	struct arena *a, const char *upstream, const char *serial, const char *upstream_id, const char *subject)
{
	const char *kind = serial ? "serial" : upstream_id && *upstream_id ? "id" : "subject";
	const char *value = serial ? serial : upstream_id && *upstream_id ? upstream_id : subject;

	return crypto_sha256(a, bytes_string(arena_printf(a, "%s\n%s\n%s", upstream, kind, value)));
}

struct importing {
	struct arena *arena;
	struct imported *rows;
	size_t n;
	const char *detail;
	const char **keys; /* hexadecimal, one a row */
	const char *keys_json;
	unsigned *behind; /* how many of the owner's new rows come after it */
	bool *first;	  /* of its subject */
	when now;
};

static when live_until(const struct imported *row)
{
	const struct application app = {
		.state = row->state,
		.months = row->months,
		.download_until = row->download_until,
		.taken_at = row->not_before ? row->not_before : row->applied_at,
		.not_after = row->not_after,
	};
	return application_live_until(&app);
}

static void separator(struct text *t)
{
	text_add(t, t->len > 1 ? "," : "[");
}

/* [place, key, serial, upstream, upstream's id] of each row. */
static const char *keys_json(struct importing *c)
{
	struct text t = text_new(c->arena, JSON_MAX);

	for (size_t i = 0; i < c->n; i++) {
		separator(&t);
		text_addf(&t, "[%zu,\"%s\",", i, c->keys[i]);
		json_add(&t, c->rows[i].serial);
		text_add(&t, ",");
		json_add(&t, c->rows[i].upstream);
		text_add(&t, ",");
		json_add(&t, c->rows[i].upstream_id);
		text_add(&t, "]");
	}
	text_add(&t, "]");
	ASSERT(!t.full);
	return t.data;
}

/* The joins are straight everywhere here: led by the other table, the whole parameter would be read anew for each of its rows. And they name
 * their indexes, since what the database knows of a table that is being filled is old.
 * One pass over the parameter, and for each row a look at three indexes. */
static enum status find_present(struct db *db, struct importing *c)
{
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT j.place, COALESCE(by_key.id, by_serial.id, by_id.id) FROM JSON_TABLE(?, '$[*]' COLUMNS (place INT PATH '$[0]',"
		" k CHAR(64) PATH '$[1]', serial VARCHAR(40) PATH '$[2]', upstream VARCHAR(64) PATH '$[3]', other VARCHAR(100) PATH '$[4]')) AS j"
		" LEFT JOIN application AS by_key FORCE INDEX (import_key) ON by_key.import_key = UNHEX(j.k)"
		" LEFT JOIN application AS by_serial FORCE INDEX (serial) ON by_serial.serial = CONVERT(j.serial USING ascii)"
		" AND by_serial.upstream = CONVERT(j.upstream USING ascii)"
		" LEFT JOIN application AS by_id FORCE INDEX (upstream_id) ON by_id.upstream_id = j.other AND by_id.upstream = CONVERT(j.upstream USING ascii)"
		" AND (by_id.serial IS NULL OR j.serial IS NULL)"
		" WHERE by_key.id IS NOT NULL OR by_serial.id IS NOT NULL OR by_id.id IS NOT NULL",
		DB_TEXT(c->keys_json));

	for (size_t i = 0; i < c->n; i++) {
		c->rows[i].id = 0;
		c->rows[i].made = false;
	}
	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++)
		c->rows[db_int(&rows, i, 0)].id = (uint64_t)db_int(&rows, i, 1);
	return st;
}

/* --- Numbers and subjects, by sorting: which of an owner's new rows comes how far from his last, and which row is the first of its subject. */

static int by_owner(const void *left, const void *right, void *context)
{
	const struct imported *rows = context, *l = &rows[*(const unsigned *)left], *r = &rows[*(const unsigned *)right];

	if (l->user_id != r->user_id)
		return l->user_id < r->user_id ? -1 : 1;
	if (l->applied_at != r->applied_at)
		return l->applied_at < r->applied_at ? -1 : 1;
	return l < r ? -1 : 1;
}

static int by_subject(const void *left, const void *right, void *context)
{
	const struct imported *rows = context, *l = &rows[*(const unsigned *)left], *r = &rows[*(const unsigned *)right];
	int order = strcmp(l->subject, r->subject);

	return order ? order : l < r ? -1 : 1;
}

/* NULL: nothing is new. Otherwise [owner, how many] of each owner. */
static const char *order_rows(struct importing *c)
{
	struct text owners = text_new(c->arena, JSON_MAX);
	unsigned *order = arena_array(c->arena, c->n + 1, sizeof(*order));
	size_t n = 0;

	for (unsigned i = 0; i < c->n; i++)
		if (!c->rows[i].id)
			order[n++] = i;
	if (!n)
		return NULL;
	qsort_r(order, n, sizeof(*order), by_subject, c->rows);
	for (size_t i = 0; i < n; i++)
		c->first[order[i]] = i == 0 || !text_same(c->rows[order[i]].subject, c->rows[order[i - 1]].subject);
	qsort_r(order, n, sizeof(*order), by_owner, c->rows);
	text_add(&owners, "[");
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t owner = c->rows[order[i]].user_id;
		for (end = i; end < n && c->rows[order[end]].user_id == owner; end++)
			;
		for (size_t k = i; k < end; k++)
			c->behind[order[k]] = (unsigned)(end - 1 - k);
		if (owner)
			text_addf(&owners, "%s[%llu,%zu]", owners.len > 1 ? "," : "", (unsigned long long)owner, end - i);
	}
	text_add(&owners, "]");
	return owners.data;
}

static void row_json(struct text *t, const struct importing *c, size_t place)
{
	const struct imported *row = &c->rows[place];
	const char *texts[] = {row->type, row->upstream, row->profile ? row->profile : "", row->subject, row->mail ? row->mail : "",
		row->upstream_id && *row->upstream_id ? row->upstream_id : NULL, row->serial};
	bool taken = row->state != APPLICATION_PIN;

	separator(t);
	text_addf(t, "[%zu,\"%s\",\"%s\"", place, c->keys[place], application_state_name(row->state));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		text_add(t, ",");
		json_add(t, texts[i]);
	}
	text_addf(t, ",%d,%llu,%d,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%u,%d]", row->months, (unsigned long long)row->user_id,
		row->live_by_mail, (long long)row->applied_at, (long long)(taken ? 0 : row->applied_at), (long long)row->download_until,
		(long long)(taken ? (row->not_before ? row->not_before : row->applied_at) : 0), (long long)row->not_before,
		(long long)row->not_after, (long long)row->revoked_at, (long long)live_until(row), c->behind[place],
		c->first[place]);
}

/* Those that are not there yet. */
static const char *rows_json(struct importing *c)
{
	struct text t = text_new(c->arena, JSON_MAX);

	for (size_t i = 0; i < c->n; i++)
		if (!c->rows[i].id)
			row_json(&t, c, i);
	text_add(&t, "]");
	ASSERT(!t.full);
	return t.data;
}

/* First of all the users' rows, as whoever applies does: then the numbers are theirs. */
static enum status draw_numbers(struct db *db, const char *owners)
{
	return db_exec(db, NULL,
		"UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$[0]', n INT PATH '$[1]')) AS j STRAIGHT_JOIN user ON user.id = j.id"
		" SET user.applications = user.applications + j.n",
		DB_TEXT(owners));
}

/* Only the first of one subject holds its digest, as with renewals. */
static enum status insert_rows(struct db *db, struct importing *c, const char *json)
{
	enum status st = db_exec(db, NULL,
		"INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, subject_digest, live_digest, live_until,"
		" name, mail, extra, created_at, changed_at, submitted_at, pin_at, download_until, taken_at, serial, not_before, not_after,"
		" revoked_at, upstream_id, import_key)"
		" SELECT u.id, u.applications - j.behind,"
		" j.state, j.type, j.upstream, j.profile, j.months, j.subject,"
		" IF(j.is_first AND other.id IS NULL, UNHEX(SHA2(j.subject, 256)), NULL),"
		" IF(j.by_mail AND u.id IS NOT NULL, UNHEX(SHA2(CONCAT(j.type, ':', u.id, ':', j.mail), 256)), NULL), j.live_until,"
		" COALESCE(u.name, ''), j.mail, '', j.applied_at, ?, j.applied_at, j.pin_at, j.download_until, j.taken_at, j.serial,"
		" j.not_before, j.not_after, j.revoked_at, j.upstream_id, UNHEX(j.k)"
		" FROM JSON_TABLE(?, '$[*]' COLUMNS (place INT PATH '$[0]', k CHAR(64) PATH '$[1]', state VARCHAR(16) PATH '$[2]',"
		" type VARCHAR(64) PATH '$[3]', upstream VARCHAR(64) PATH '$[4]', profile VARCHAR(64) PATH '$[5]', subject VARCHAR(1000) PATH '$[6]',"
		" mail VARCHAR(255) PATH '$[7]', upstream_id VARCHAR(100) PATH '$[8]', serial VARCHAR(40) PATH '$[9]', months INT PATH '$[10]',"
		" owner BIGINT UNSIGNED PATH '$[11]', by_mail INT PATH '$[12]', applied_at BIGINT PATH '$[13]', pin_at BIGINT PATH '$[14]',"
		" download_until BIGINT PATH '$[15]', taken_at BIGINT PATH '$[16]', not_before BIGINT PATH '$[17]', not_after BIGINT PATH '$[18]',"
		" revoked_at BIGINT PATH '$[19]', live_until BIGINT PATH '$[20]', behind INT PATH '$[21]', is_first INT PATH '$[22]')) AS j"
		" LEFT JOIN user AS u ON u.id = j.owner"
		" LEFT JOIN application AS other ON other.subject_digest = UNHEX(SHA2(j.subject, 256))",
		DB_INT(c->now), DB_TEXT(json));

	/* Somebody else made one with the same key or subject just now: the next run finds it. */
	return st == STATUS_CONFLICT ? db_again(db) : st;
}

static enum status fetch_ids(struct db *db, struct importing *c)
{
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT j.place, a.id FROM JSON_TABLE(?, '$[*]' COLUMNS (place INT PATH '$[0]', k CHAR(64) PATH '$[1]')) AS j"
		" STRAIGHT_JOIN application AS a ON a.import_key = UNHEX(j.k)",
		DB_TEXT(c->keys_json));

	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		struct imported *row = &c->rows[db_int(&rows, i, 0)];
		if (row->id)
			continue; /* it was there before */
		row->id = (uint64_t)db_int(&rows, i, 1);
		row->made = true;
	}
	return st;
}

static void event_json(struct text *t, uint64_t id, enum event_kind kind, when at, when recorded_at)
{
	separator(t);
	text_addf(t, "[%llu,\"%s\",%lld,%lld]", (unsigned long long)id, event_kind_name(kind), (long long)at, (long long)recorded_at);
}

/* What the upstream has told of each, as if it had been told at the time. */
static enum status insert_events(struct db *db, struct importing *c)
{
	struct text t = text_new(c->arena, JSON_MAX);

	for (size_t i = 0; i < c->n; i++) {
		const struct imported *row = &c->rows[i];
		if (!row->made)
			continue;
		event_json(&t, row->id, EVENT_APPLIED, row->applied_at, c->now - 2);
		if (row->state != APPLICATION_PIN)
			event_json(&t, row->id, EVENT_TAKEN, row->not_before ? row->not_before : row->applied_at, c->now - 1);
		if (row->state == APPLICATION_REVOKED)
			event_json(&t, row->id, EVENT_REVOKED, row->revoked_at, c->now);
	}
	text_add(&t, "]");
	ASSERT(!t.full);
	return db_exec(db, NULL,
		"INSERT INTO event (application_id, kind, source_key, at, recorded_at, moved, detail)"
		" SELECT j.id, j.kind, '" SOURCE_KEY "', j.at, j.recorded_at, 1, ? FROM JSON_TABLE(?, '$[*]' COLUMNS ("
		"id BIGINT UNSIGNED PATH '$[0]', kind VARCHAR(16) PATH '$[1]', at BIGINT PATH '$[2]', recorded_at BIGINT PATH '$[3]')) AS j",
		DB_TEXT(fit(c->arena, c->detail, 500)), DB_TEXT(t.data));
}

static enum status import_body(struct db *db, void *context)
{
	struct importing *c = context;

	c->now = clock_now();
	c->keys_json = keys_json(c);
	enum status st = find_present(db, c);
	const char *owners = st == STATUS_OK ? order_rows(c) : NULL;
	if (!owners)
		return st;
	st = draw_numbers(db, owners);
	if (st == STATUS_OK)
		st = insert_rows(db, c, rows_json(c));
	if (st == STATUS_OK)
		st = fetch_ids(db, c);
	return st == STATUS_OK ? insert_events(db, c) : st;
}

enum status application_import(struct db *db, struct arena *a, struct imported *rows, size_t n, const char *detail)
{
	struct importing c = {.arena = a, .rows = rows, .n = n, .detail = detail};

	if (!n)
		return STATUS_OK;
	if (n > IMPORT_ROWS_MAX)
		return cause(STATUS_INVALID, "import of %zu rows at once, %d are allowed", n, IMPORT_ROWS_MAX);
	c.keys = arena_array(a, n, sizeof(*c.keys));
	c.behind = arena_array(a, n, sizeof(*c.behind));
	c.first = arena_array(a, n, sizeof(*c.first));
	for (size_t i = 0; i < n; i++) {
		const struct imported *row = &rows[i];
		if (!row->serial != (row->state == APPLICATION_PIN))
			return cause(STATUS_INVALID, "import: a certificate without a serial number, or one that is not issued yet with one");
		c.keys[i] = text_hex(a, application_import_key(a, row->upstream, row->serial, row->upstream_id, row->subject));
	}
	return db_transact(db, import_body, &c);
}

enum status application_import_link(struct db *db, struct arena *a, const struct import_link *links, size_t n)
{
	struct text t = text_new(a, JSON_MAX);

	if (!n)
		return STATUS_OK;
	for (size_t i = 0; i < n; i++) {
		separator(&t);
		text_addf(&t, "[%llu,", (unsigned long long)links[i].id);
		json_add(&t, links[i].old_serial);
		text_add(&t, "]");
	}
	text_add(&t, "]");
	if (t.full)
		return cause(STATUS_INVALID, "import: too many links at once");
	return db_exec(db, NULL,
		"UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$[0]', serial VARCHAR(40) PATH '$[1]')) AS j"
		" STRAIGHT_JOIN application AS newer ON newer.id = j.id"
		" STRAIGHT_JOIN application AS older FORCE INDEX (serial) ON older.serial = CONVERT(j.serial USING ascii) AND older.upstream = newer.upstream"
		" SET newer.renews = older.id, newer.place = IF(older.place = 0, older.id, older.place)"
		" WHERE newer.renews = 0 AND older.id <> newer.id AND older.renews <> newer.id AND older.user_id <=> newer.user_id"
		" AND (newer.user_id IS NOT NULL OR (older.mail = newer.mail AND newer.mail <> ''))",
		DB_TEXT(t.data));
}

struct attaching {
	struct arena *arena;
	const struct user *user;
	const char *const *types;
	size_t n;
};

static enum status attach_row(struct db *db, struct attaching *c, uint64_t id, const char *type, const char *mail, int64_t number)
{
	const char *const *by_mail = c->types;
	uint64_t changed = 0;

	while (*by_mail && !text_same(*by_mail, type))
		by_mail++;
	const char *live = *by_mail ? arena_printf(c->arena, "%s:%llu:%s", type, (unsigned long long)c->user->id, mail) : NULL;
	enum status st = db_exec(db, &changed,
		"UPDATE application SET user_id = ?, number = ?, name = ?, live_digest = ? WHERE id = ? AND user_id IS NULL",
		DB_INT(c->user->id), DB_INT(number), DB_TEXT(c->user->name),
		DB_BYTES(live ? crypto_sha256(c->arena, bytes_string(live)) : bytes_of(NULL, 0)), DB_INT(id));
	if (st == STATUS_OK && changed != 1)
		return db_again(db); /* another log-in took it */
	if (st == STATUS_OK)
		st = audit_add(db, "application.attached", application_object(c->arena, id),
			arena_printf(c->arena, "user:%llu", (unsigned long long)c->user->id));
	return st;
}

static enum status attach_body(struct db *db, void *context)
{
	struct attaching *c = context;
	struct db_rows rows, drawn;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT id, type, mail FROM application WHERE mail = ? AND user_id IS NULL ORDER BY created_at, id LIMIT ?",
		DB_TEXT(text_lower(c->arena, c->user->mail)), DB_INT(ATTACH_MAX));

	c->n = st == STATUS_OK ? rows.rows : 0;
	if (!c->n)
		return st; /* as nearly always: one look at an index */
	st = db_exec(db, NULL, "UPDATE user SET applications = applications + ? WHERE id = ?", DB_INT(c->n), DB_INT(c->user->id));
	if (st == STATUS_OK)
		st = db_select(db, c->arena, &drawn, "SELECT applications FROM user WHERE id = ?", DB_INT(c->user->id));
	for (size_t i = 0; st == STATUS_OK && i < c->n; i++)
		st = attach_row(db, c, (uint64_t)db_int(&rows, i, 0), db_text(&rows, i, 1), db_text(&rows, i, 2),
			db_int(&drawn, 0, 0) - (int64_t)(c->n - 1 - i));
	return st;
}

enum status application_attach(
	struct db *db, struct arena *a, const struct user *user, const char *const *types_by_mail, size_t *ret_n)
{
	struct attaching c = {.arena = a, .user = user, .types = types_by_mail};

	if (!user->mail || !*user->mail) {
		*ret_n = 0;
		return STATUS_OK;
	}
	enum status st = db_transact(db, attach_body, &c);
	if (st == STATUS_OK)
		*ret_n = c.n;
	return st;
}
