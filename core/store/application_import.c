/* Imported applications: made many at a time, and linked. */
#include "store/application_import.h"

#include "base/crypto.h"
#include "base/json.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"

#define JSON_MAX ((size_t)IMPORT_ROWS_MAX * 8192) /* far more than the columns of so many rows hold */
#define SOURCE_KEY "import"
#define ROW_ARGS 25
#define EVENT_ARGS 5
#define EVENTS_OF_ROW 3

struct bytes application_import_key(
	struct arena *a, const char *upstream, const char *serial, const char *upstream_id, const char *subject)
{
	const char *kind = serial ? "serial" : upstream_id && *upstream_id ? "id" : "subject";
	const char *value = serial ? serial : upstream_id && *upstream_id ? upstream_id : subject;

	return crypto_sha256(a, bytes_string(arena_printf(a, "%s\n%s\n%s", upstream, kind, value)));
}

/* Who gets rows of this call. */
struct owner {
	uint64_t id;
	size_t rows;
	int64_t number;	  /* of the last one of them */
	const char *name; /* NULL: the user is gone, and the rows wait */
};

struct importing {
	struct arena *arena;
	struct imported *rows;
	size_t n;
	const char *upstream, *detail;
	struct bytes *keys; /* one a row */
	struct bytes *digests; /* of the subjects */
	const char *keys_json;
	bool *held;	   /* another application holds the digest of its subject */
	struct owner *owners;
	size_t owners_n;
	unsigned *owner;   /* which of them gets the row */
	unsigned *behind; /* how many of the owner's new rows come after it */
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

/* [key, subject's digest, serial, upstream's id] of each row: few columns, since each costs a look through the ones before it. */
static const char *keys_json(struct importing *c)
{
	struct text t = text_new(c->arena, JSON_MAX);

	for (size_t i = 0; i < c->n; i++) {
		separator(&t);
		text_addf(&t, "[\"%s\",\"%s\",", text_hex(c->arena, c->keys[i]), text_hex(c->arena, c->digests[i]));
		json_add(&t, c->rows[i].serial);
		text_add(&t, ",");
		json_add(&t, c->rows[i].upstream_id);
		text_add(&t, "]");
	}
	text_add(&t, "]");
	ASSERT(!t.full);
	return t.data;
}

/* The joins are straight everywhere here: led by the other table, the whole parameter would be read anew for each of its rows. And they name
 * their indexes, since what the database knows of a table that is being filled is old. No key may be NULL: made by a function, it would be
 * looked up among all rows that have none. With a serial number the key says nothing more than that.
 * One pass over the parameter, and for each row a look at four indexes. */
static enum status find_present(struct db *db, struct importing *c)
{
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT j.place, COALESCE(by_key.id, by_serial.id, by_id.id) FROM JSON_TABLE(?, '$[*]' COLUMNS (place FOR ORDINALITY,"
		" k CHAR(64) PATH '$[0]', digest CHAR(64) PATH '$[1]', serial VARCHAR(40) PATH '$[2]', other VARCHAR(100) PATH '$[3]')) AS j"
		" LEFT JOIN application AS by_key FORCE INDEX (import_key) ON by_key.import_key = IF(j.serial IS NULL, UNHEX(j.k), '')"
		" LEFT JOIN application AS by_serial FORCE INDEX (serial) ON by_serial.serial = CONVERT(COALESCE(j.serial, '') USING ascii)"
		" AND by_serial.upstream = ?"
		" LEFT JOIN application AS by_id FORCE INDEX (upstream_id) ON by_id.upstream_id = j.other AND by_id.upstream = ?"
		" AND (by_id.serial IS NULL OR j.serial IS NULL)"
		" LEFT JOIN application AS by_subject FORCE INDEX (subject_digest) ON by_subject.subject_digest = UNHEX(j.digest)"
		" WHERE by_key.id IS NOT NULL OR by_serial.id IS NOT NULL OR by_id.id IS NOT NULL OR by_subject.id IS NOT NULL",
		DB_TEXT(c->keys_json), DB_TEXT(c->upstream), DB_TEXT(c->upstream));

	for (size_t i = 0; i < c->n; i++) {
		c->rows[i].id = 0;
		c->rows[i].made = false;
		c->held[i] = false;
	}
	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		size_t place = (size_t)db_int(&rows, i, 0) - 1;
		c->rows[place].id = (uint64_t)db_int(&rows, i, 1);
		c->held[place] = true; /* of one that is there already nothing depends on it */
	}
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

/* Of the new ones: which of a subject comes first, and whose they are. Their number. */
static size_t order_rows(struct importing *c)
{
	unsigned *order = arena_array(c->arena, c->n + 1, sizeof(*order));
	size_t n = 0;

	for (unsigned i = 0; i < c->n; i++)
		if (!c->rows[i].id)
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), by_subject, c->rows);
	for (size_t i = 1; i < n; i++)
		if (text_same(c->rows[order[i]].subject, c->rows[order[i - 1]].subject))
			c->held[order[i]] = true;
	qsort_r(order, n, sizeof(*order), by_owner, c->rows);
	c->owners_n = 0;
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t id = c->rows[order[i]].user_id;
		for (end = i; end < n && c->rows[order[end]].user_id == id; end++)
			;
		for (size_t k = i; k < end; k++) {
			c->behind[order[k]] = (unsigned)(end - 1 - k);
			c->owner[order[k]] = (unsigned)c->owners_n;
		}
		c->owners[c->owners_n++] = (struct owner){.id = id, .rows = end - i};
	}
	return n;
}

/* The users' rows, as whoever applies does: then the numbers are theirs. */
static enum status draw_numbers(struct db *db, struct importing *c)
{
	struct text t = text_new(c->arena, JSON_MAX);
	struct db_rows rows;

	for (size_t i = 0; i < c->owners_n; i++) {
		separator(&t);
		text_addf(&t, "[%llu,%zu]", (unsigned long long)c->owners[i].id, c->owners[i].rows);
	}
	text_add(&t, "]");
	ASSERT(!t.full);
	enum status st = db_exec(db, NULL,
		"UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$[0]', n INT PATH '$[1]')) AS j STRAIGHT_JOIN user ON user.id = j.id"
		" SET user.applications = user.applications + j.n",
		DB_TEXT(t.data));
	if (st == STATUS_OK)
		st = db_select(db, c->arena, &rows,
			"SELECT j.place, user.applications, user.name FROM JSON_TABLE(?, '$[*]' COLUMNS (place FOR ORDINALITY,"
			" id BIGINT UNSIGNED PATH '$[0]')) AS j STRAIGHT_JOIN user ON user.id = j.id",
			DB_TEXT(t.data));
	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		struct owner *owner = &c->owners[db_int(&rows, i, 0) - 1];
		owner->number = db_int(&rows, i, 1);
		owner->name = db_text(&rows, i, 2);
	}
	return st;
}

/* What stands in the row's columns, in the order of insert_rows(). Only the first of one subject holds its digest, as with renewals. */
static void row_args(struct importing *c, size_t place, struct db_arg *args)
{
	const struct imported *row = &c->rows[place];
	const struct owner *owner = &c->owners[c->owner[place]];
	bool owned = owner->name != NULL, taken = row->state != APPLICATION_PIN;
	const char *mail = row->mail ? row->mail : "";
	const char *live = owned && row->live_by_mail
				   ? arena_printf(c->arena, "%s:%llu:%s", row->type, (unsigned long long)owner->id, mail)
				   : NULL;
	const struct db_arg values[] = {
		owned ? DB_INT(owner->id) : DB_NULL(),
		owned ? DB_INT(owner->number - c->behind[place]) : DB_NULL(),
		DB_TEXT(application_state_name(row->state)),
		DB_TEXT(row->type),
		DB_TEXT(c->upstream),
		DB_TEXT(row->profile ? row->profile : ""),
		DB_INT(row->months),
		DB_TEXT(row->subject),
		c->held[place] ? DB_NULL() : DB_BYTES(c->digests[place]),
		live ? DB_BYTES(crypto_sha256(c->arena, bytes_string(live))) : DB_NULL(),
		DB_INT(live_until(row)),
		DB_TEXT(owned ? owner->name : ""),
		DB_TEXT(mail),
		DB_INT(row->applied_at),
		DB_INT(c->now),
		DB_INT(row->applied_at),
		DB_INT(taken ? 0 : row->applied_at),
		DB_INT(row->download_until),
		DB_INT(taken ? (row->not_before ? row->not_before : row->applied_at) : 0),
		DB_TEXT(row->serial),
		DB_INT(row->not_before),
		DB_INT(row->not_after),
		DB_INT(row->revoked_at),
		DB_TEXT(row->upstream_id && *row->upstream_id ? row->upstream_id : NULL),
		DB_BYTES(c->keys[place]),
	};
	_Static_assert(COUNT_OF(values) == ROW_ARGS, "a value for each parameter of insert_rows()");
	memcpy(args, values, sizeof(values));
}

static enum status insert_rows(struct db *db, struct importing *c, size_t news)
{
	struct db_arg *args = arena_array(c->arena, news * ROW_ARGS, sizeof(*args));
	size_t rows = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!c->rows[i].id)
			row_args(c, i, args + rows++ * ROW_ARGS);
	ASSERT(rows == news);
	enum status st = db_exec_rows(db,
		"INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, subject_digest, live_digest, live_until,"
		" name, mail, created_at, changed_at, submitted_at, pin_at, download_until, taken_at, serial, not_before, not_after, revoked_at,"
		" upstream_id, import_key, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
		args, ROW_ARGS, rows);
	/* Somebody else made one with the same key or subject just now: the next run finds it. */
	return st == STATUS_CONFLICT ? db_again(db) : st;
}

static bool same_key(struct bytes a, struct bytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* The ids grow in the order in which the rows were written; among them may be those of somebody else. */
static enum status fetch_ids(struct db *db, struct importing *c, uint64_t first)
{
	struct db_rows rows;
	size_t next = 0;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT id, import_key FROM application FORCE INDEX (PRIMARY) WHERE id >= ? AND import_key IS NOT NULL ORDER BY id", DB_INT(first));

	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++) {
		while (next < c->n && c->rows[next].id)
			next++; /* it was there before */
		if (next == c->n || !same_key(db_bytes(&rows, i, 1), c->keys[next]))
			continue;
		c->rows[next].id = (uint64_t)db_int(&rows, i, 0);
		c->rows[next].made = true;
	}
	for (; st == STATUS_OK && next < c->n; next++)
		if (!c->rows[next].id)
			return cause(STATUS_INTERNAL, "import: a row that was just written is not found");
	return st;
}

/* What the upstream has told of each, as if it had been told at the time. */
static enum status insert_events(struct db *db, struct importing *c)
{
	struct db_arg *args = arena_array(c->arena, c->n * EVENTS_OF_ROW * EVENT_ARGS, sizeof(*args));
	const char *detail = fit(c->arena, c->detail, 500);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct imported *row = &c->rows[i];
		const struct {
			bool told;
			enum event_kind kind;
			when at;
		} events[EVENTS_OF_ROW] = {
			{true, EVENT_APPLIED, row->applied_at},
			{row->state != APPLICATION_PIN, EVENT_TAKEN, row->not_before ? row->not_before : row->applied_at},
			{row->state == APPLICATION_REVOKED, EVENT_REVOKED, row->revoked_at},
		};
		for (size_t k = 0; row->made && k < EVENTS_OF_ROW; k++) {
			if (!events[k].told)
				continue;
			const struct db_arg values[EVENT_ARGS] = {DB_INT(row->id), DB_TEXT(event_kind_name(events[k].kind)),
				DB_INT(events[k].at), DB_INT(c->now - (when)(EVENTS_OF_ROW - 1 - k)), DB_TEXT(detail)};
			memcpy(args + n++ * EVENT_ARGS, values, sizeof(values));
		}
	}
	return db_exec_rows(db,
		"INSERT INTO event (application_id, kind, at, recorded_at, detail, source_key, moved) VALUES (?, ?, ?, ?, ?, '" SOURCE_KEY "', 1)",
		args, EVENT_ARGS, n);
}

static enum status import_body(struct db *db, void *context)
{
	struct importing *c = context;

	c->now = clock_now();
	enum status st = find_present(db, c);
	size_t news = st == STATUS_OK ? order_rows(c) : 0;
	if (!news)
		return st;
	st = draw_numbers(db, c);
	if (st == STATUS_OK)
		st = insert_rows(db, c, news);
	if (st == STATUS_OK)
		st = fetch_ids(db, c, db_insert_id(db));
	return st == STATUS_OK ? insert_events(db, c) : st;
}

enum status application_import(struct db *db, struct arena *a, const char *upstream, struct imported *rows, size_t n, const char *detail)
{
	struct importing c = {.arena = a, .upstream = upstream, .rows = rows, .n = n, .detail = detail};

	if (!n)
		return STATUS_OK;
	if (n > IMPORT_ROWS_MAX)
		return cause(STATUS_INVALID, "import of %zu rows at once, %d are allowed", n, IMPORT_ROWS_MAX);
	c.keys = arena_array(a, n, sizeof(*c.keys));
	c.digests = arena_array(a, n, sizeof(*c.digests));
	c.held = arena_array(a, n, sizeof(*c.held));
	c.owner = arena_array(a, n, sizeof(*c.owner));
	c.owners = arena_array(a, n, sizeof(*c.owners));
	c.behind = arena_array(a, n, sizeof(*c.behind));
	for (size_t i = 0; i < n; i++) {
		const struct imported *row = &rows[i];
		if (!row->serial != (row->state == APPLICATION_PIN))
			return cause(STATUS_INVALID, "import: a certificate without a serial number, or one that is not issued yet with one");
		c.keys[i] = application_import_key(a, upstream, row->serial, row->upstream_id, row->subject);
		c.digests[i] = crypto_sha256(a, bytes_string(row->subject));
	}
	c.keys_json = keys_json(&c);
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
