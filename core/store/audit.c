/* The audit trail: rows, their chain under a key, and its verification. */
#include "store/audit.h"

#include "base/crypto.h"
#include "store/audit_find.h"
#include "store/fit.h"

#define STEP 2000
#define ROW_COLUMNS "audit.id, audit.at, audit.actor, audit.context, audit.action, audit.object, audit.detail"

static _Thread_local char context_actor[1024] = "system";
static _Thread_local char context_id[256];

/* Cut to so many characters, between characters: the columns count them so. */
static void copy(char *to, size_t room, size_t chars, const char *from)
{
	size_t len = text_escape(to, room, from);

	for (size_t i = 0, n = 0; i < len; i++) {
		if (((unsigned char)to[i] & 0xc0) != 0x80 && n++ == chars) {
			to[i] = '\0';
			return;
		}
	}
}

void audit_context(const char *actor, const char *id)
{
	copy(context_actor, sizeof(context_actor), 255, actor ? actor : "system");
	copy(context_id, sizeof(context_id), 64, id);
}

struct entry {
	const char *action, *object, *detail;
};

static enum status add_body(struct db *db, void *context)
{
	const struct entry *e = context;
	enum status st = db_exec(db, NULL,
		"INSERT INTO audit (at, actor, context, action, object, detail) VALUES (?, ?, ?, ?, ?, ?)",
		DB_INT(clock_now()), DB_TEXT(context_actor), DB_TEXT(context_id), DB_TEXT(e->action),
		DB_TEXT(e->object), DB_TEXT(e->detail));

	if (st == STATUS_OK)
		st = db_exec(
			db, NULL, "INSERT INTO audit_tail (audit_id) VALUES (?)", DB_INT(db_insert_id(db)));
	return st;
}

enum status audit_add(struct db *db, const char *action, const char *object, const char *detail)
{
	struct arena *a = arena_new();
	struct entry e = {action, fit(a, object, 255), fit(a, detail, 500)};
	enum status st = db_transact(db, add_body, &e);

	arena_free(a);
	return st;
}

static void add_number(struct text *t, uint64_t n)
{
	uint8_t b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)(n >> (56 - 8 * i));
	text_add_bytes(t, b, sizeof(b));
}

/* Each field with its length before it, so that nothing can move from one field to the next. */
static void add_field(struct text *t, const char *s)
{
	add_number(t, s ? strlen(s) : UINT64_MAX);
	if (s)
		text_add(t, s);
}

/* The MAC of a row as read with ROW_COLUMNS from column `col` on. A row that is gone: zeros, which no row gives. */
static struct bytes row_mac(
	struct arena *a, struct bytes key, const struct db_rows *rows, size_t row, size_t col)
{
	if (db_at(rows, row, col)->null)
		return bytes_of(arena_alloc(a, CRYPTO_DIGEST), CRYPTO_DIGEST);
	struct text t = text_new(a, 64 * 1024);
	add_number(&t, (uint64_t)db_int(rows, row, col));
	add_number(&t, (uint64_t)db_int(rows, row, col + 1));
	for (size_t i = 2; i < 7; i++)
		add_field(&t, db_text(rows, row, col + i));
	ASSERT(!t.full);
	return crypto_hmac(a, key, bytes_of(t.data, t.len));
}

static struct bytes chain_mac(
	struct arena *a, struct bytes key, struct bytes before, uint64_t seq, struct bytes row)
{
	struct text t = text_new(a, 4 * CRYPTO_DIGEST);

	text_add_bytes(&t, before.data, before.len);
	add_number(&t, seq);
	text_add_bytes(&t, row.data, row.len);
	return crypto_hmac(a, key, bytes_of(t.data, t.len));
}

static bool same(struct bytes l, struct bytes r)
{
	return l.len == r.len && memcmp(l.data, r.data, l.len) == 0;
}

struct chaining {
	struct arena *arena;
	struct bytes key;
	unsigned n, chained;
	struct bytes head;
};

static enum status chain_one(
	struct db *db, struct chaining *c, uint64_t seq, const struct db_rows *rows, size_t row)
{
	struct bytes mac_of_row = row_mac(c->arena, c->key, rows, row, 1);
	struct bytes mac = chain_mac(c->arena, c->key, c->head, seq, mac_of_row);
	enum status st =
		db_exec(db, NULL, "INSERT INTO audit_chain (seq, audit_id, row_mac, mac) VALUES (?, ?, ?, ?)",
			DB_INT(seq), DB_INT(db_int(rows, row, 0)), DB_BYTES(mac_of_row), DB_BYTES(mac));

	if (st == STATUS_CONFLICT)
		return cause(STATUS_BUSY,
			"audit: another process is chaining"); /* only when a lease was outlived */
	if (st == STATUS_OK)
		st = db_exec(
			db, NULL, "DELETE FROM audit_tail WHERE audit_id = ?", DB_INT(db_int(rows, row, 0)));
	c->head = mac;
	return st;
}

static enum status chain_body(struct db *db, void *context)
{
	struct chaining *c = context;
	struct db_rows last, rows;
	enum status st =
		db_select(db, c->arena, &last, "SELECT seq, mac FROM audit_chain ORDER BY seq DESC LIMIT 1");

	if (st == STATUS_OK)
		st = db_select(db, c->arena, &rows,
			"SELECT t.audit_id, " ROW_COLUMNS
			" FROM (SELECT audit_id FROM audit_tail ORDER BY audit_id LIMIT ?) t"
			" LEFT JOIN audit ON audit.id = t.audit_id ORDER BY t.audit_id",
			DB_INT(c->n));
	if (st != STATUS_OK)
		return st;
	uint64_t seq = last.rows ? (uint64_t)db_int(&last, 0, 0) : 0;
	c->head = last.rows ? db_bytes(&last, 0, 1)
			    : bytes_of(arena_alloc(c->arena, CRYPTO_DIGEST), CRYPTO_DIGEST);
	c->chained = (unsigned)rows.rows;
	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++)
		st = chain_one(db, c, seq + 1 + i, &rows, i);
	return st;
}

enum status audit_chain(
	struct db *db, struct arena *a, struct bytes key, unsigned n, unsigned *ret_chained, char **ret_head)
{
	struct chaining c = {.arena = a, .key = key, .n = n};

	ASSERT(key.len >= 16 && n > 0 && n <= DB_ROWS_MAX);
	enum status st = db_transact(db, chain_body, &c);
	if (st != STATUS_OK)
		return st;
	*ret_chained = c.chained;
	*ret_head = text_hex(a, c.head);
	return st;
}

struct walk {
	struct bytes key;
	uint64_t seq; /* verified so far */
	uint8_t head[CRYPTO_DIGEST];
	uint64_t last_id, broken_id; /* rows: the newest that is proven, the first that is not */
	when last_at;
	uint64_t tail;
};

#define N(x) ((unsigned long long)(x))

/* One entry: columns seq, audit_id, row_mac, mac, then the row. */
static enum status verify_entry(struct arena *a, struct walk *w, const struct db_rows *rows, size_t i)
{
	uint64_t seq = (uint64_t)db_int(rows, i, 0), id = (uint64_t)db_int(rows, i, 1);
	struct bytes stored = db_bytes(rows, i, 2), mac = db_bytes(rows, i, 3);

	w->broken_id = id; /* until it is proven */
	if (seq != w->seq + 1)
		return cause(STATUS_CONFLICT, "audit: chain entries %llu to %llu were removed", N(w->seq + 1),
			N(seq - 1));
	if (!same(chain_mac(a, w->key, bytes_of(w->head, sizeof(w->head)), seq, stored), mac))
		return cause(STATUS_CONFLICT, "audit: chain entry %llu (row %llu) was changed or reordered",
			N(seq), N(id));
	if (db_at(rows, i, 4)->null)
		return cause(
			STATUS_CONFLICT, "audit: row %llu was removed (chain entry %llu)", N(id), N(seq));
	if (!same(row_mac(a, w->key, rows, i, 4), stored))
		return cause(
			STATUS_CONFLICT, "audit: row %llu was changed (chain entry %llu)", N(id), N(seq));
	memcpy(w->head, mac.data, sizeof(w->head));
	w->seq = seq;
	w->last_id = id;
	w->last_at = db_int(rows, i, 5);
	w->broken_id = 0;
	return STATUS_OK;
}

static enum status verify_step(struct db *db, struct arena *a, struct walk *w, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT c.seq, c.audit_id, c.row_mac, c.mac, " ROW_COLUMNS
		" FROM audit_chain c LEFT JOIN audit ON audit.id = c.audit_id WHERE c.seq > ? ORDER BY c.seq LIMIT ?",
		DB_INT(w->seq), DB_INT(STEP));

	if (st != STATUS_OK)
		return st;
	for (size_t i = 0; st == STATUS_OK && i < rows.rows; i++)
		st = verify_entry(a, w, &rows, i);
	*ret_n = rows.rows;
	return st;
}

/* Rows without a chain entry: those that wait are counted; one that does not wait either was put in, or had its entry taken away,
 * by other hands. One statement sees both tables at one time. */
static enum status tail_step(struct db *db, struct arena *a, struct walk *w, uint64_t *after, size_t *ret_n)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows,
		"SELECT a.id, c.audit_id IS NOT NULL, t.audit_id IS NOT NULL"
		" FROM (SELECT id FROM audit WHERE id > ? ORDER BY id LIMIT ?) a"
		" LEFT JOIN audit_chain c ON c.audit_id = a.id LEFT JOIN audit_tail t ON t.audit_id = a.id ORDER BY a.id",
		DB_INT(*after), DB_INT(STEP));

	if (st != STATUS_OK)
		return st;
	for (size_t i = 0; i < rows.rows; i++) {
		*after = (uint64_t)db_int(&rows, i, 0);
		if (db_int(&rows, i, 1))
			continue;
		if (!db_int(&rows, i, 2)) {
			w->broken_id = *after;
			return cause(STATUS_CONFLICT, "audit: row %llu is neither chained nor waiting for it",
				N(*after));
		}
		w->tail++;
	}
	*ret_n = rows.rows;
	return st;
}

static enum status walk(struct db *db, struct walk *w)
{
	uint64_t after = 0;
	struct arena *step = arena_new();
	enum status st = STATUS_OK;

	for (size_t n = STEP; st == STATUS_OK && n == STEP; arena_reset(step))
		st = verify_step(db, step, w, &n);
	for (size_t n = STEP; st == STATUS_OK && n == STEP; arena_reset(step))
		st = tail_step(db, step, w, &after, &n);
	arena_free(step);
	return st;
}

enum status audit_verify(
	struct db *db, struct arena *a, struct bytes key, uint64_t *ret_rows, uint64_t *ret_tail)
{
	struct walk w = {.key = key};
	enum status st = walk(db, &w);

	if (st != STATUS_OK)
		return st;
	*ret_rows = w.seq;
	*ret_tail = w.tail;
	return st;
}

/* Results that are kept; older ones say nothing that the newest does not. */
#define CHECKS_KEPT 100

enum status audit_check_run(
	struct db *db, struct arena *a, struct bytes key, const char *asked_by, struct audit_check *ret)
{
	struct walk w = {.key = key};
	when started_at = clock_now();
	enum status st = walk(db, &w);
	bool whole = st == STATUS_OK;

	if (!whole && st != STATUS_CONFLICT)
		return st;
	struct audit_check c = {
		.asked_by = asked_by,
		.started_at = started_at,
		.ended_at = clock_now(),
		.whole = whole,
		.rows = w.seq,
		.tail = w.tail,
		.last_id = w.last_id,
		.last_at = w.last_at,
		.broken_id = w.broken_id,
		.why = whole ? "" : fit(a, cause_text(), 500),
	};
	st = db_exec(db, NULL,
		"INSERT INTO audit_check (asked_by, started_at, ended_at, whole, checked_rows, tail, last_id, last_at, broken_id, why)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		DB_TEXT(c.asked_by), DB_INT(c.started_at), DB_INT(c.ended_at), DB_INT(c.whole), DB_INT(c.rows),
		DB_INT(c.tail), DB_INT(c.last_id), DB_INT(c.last_at), DB_INT(c.broken_id), DB_TEXT(c.why));
	if (st != STATUS_OK)
		return st;
	c.id = db_insert_id(db);
	*ret = c;
	return db_exec(db, NULL,
		"DELETE FROM audit_check WHERE id < (SELECT MIN(id) FROM (SELECT id FROM audit_check ORDER BY id DESC LIMIT ?) newest)",
		DB_INT(CHECKS_KEPT));
}
