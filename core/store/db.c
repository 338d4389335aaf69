/* Runs prepared statements and transactions, and repeats what may be repeated. */
#include "store/db.h"

#include <errmsg.h>

#include "base/crypto.h"
#include "store/db_bind.h"
#include "store/db_connection.h"

#define TRIES_MAX 12
#define IDLE_PING (5 * SECOND)

struct db *db_new(const struct db_settings *settings)
{
	struct db *db = calloc(1, sizeof(*db));

	ASSERT(db);
	db->settings = *settings;
	if (db->settings.timeout <= 0)
		db->settings.timeout = 10 * SECOND;
	return db;
}

struct db *db_twin(const struct db *db)
{
	return db_new(&db->settings);
}

void db_free(struct db *db)
{
	if (!db)
		return;
	ASSERT(!db->in_transaction);
	connection_close(db);
	free(db);
}

void db_sync(struct db *db)
{
	db->behind = true;
}

void db_set_timeout(struct db *db, int64_t timeout)
{
	ASSERT(!db->in_transaction && timeout > 0);
	connection_close(db);
	db->settings.timeout = timeout;
}

struct db_arg DB_TEXT(const char *s) {
	return s ? (struct db_arg){DB_IS_TEXT, 0, s, strlen(s)} : DB_NULL();
}

struct db_arg
DB_BYTES(struct bytes b) {
	return b.data ? (struct db_arg){DB_IS_BYTES, 0, b.data, b.len} : DB_NULL();
}

int64_t
db_int(const struct db_rows *r, size_t row, size_t col)
{
	ASSERT(row < r->rows && col < r->cols);
	return db_at(r, row, col)->number;
}

const char *db_text(const struct db_rows *r, size_t row, size_t col)
{
	ASSERT(row < r->rows && col < r->cols);
	return db_at(r, row, col)->text;
}

struct bytes db_bytes(const struct db_rows *r, size_t row, size_t col)
{
	ASSERT(row < r->rows && col < r->cols);
	return bytes_of(db_at(r, row, col)->text, db_at(r, row, col)->len);
}

/* 5 ms, doubled each time up to half a second, ±50 % so that those who met once do not meet again. */
static void pause_before(unsigned tries)
{
	uint16_t dice;
	int64_t ms = tries < 7 ? 5 << tries : 500;

	crypto_random(&dice, sizeof(dice));
	int64_t us = ms * 500 + ms * 1000 * dice / 65536;
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	nanosleep(&t, NULL);
}

/* One try. *ret_sent: the statement may have been executed. */
static enum status run_once(struct db *db, const char *sql, const struct params *params, bool *ret_sent, struct statement **ret)
{
	struct statement *s;
	enum status st = connection_open(db);

	*ret_sent = false;
	if (st == STATUS_OK && !db->in_transaction)
		st = connection_sync(db);
	if (st == STATUS_OK)
		st = connection_prepare(db, sql, &s);
	if (st != STATUS_OK)
		return st;
	void *bound = params_bind(s->handle, params);
	int failed = mysql_stmt_execute(s->handle);
	free(bound);
	if (failed || (s->cols && mysql_stmt_store_result(s->handle))) {
		/* "Gone away" is said when not even the sending worked. */
		*ret_sent = mysql_stmt_errno(s->handle) != CR_SERVER_GONE_ERROR;
		return connection_failed(db, mysql_stmt_errno(s->handle), mysql_stmt_error(s->handle));
	}
	db->used_at = clock_monotonic();
	db->trouble = TROUBLE_NONE;
	*ret = s;
	return connection_still(db);
}

/* After a longer silence the connection may be dead without a sign, and a statement that is lost on it may not be repeated. */
static void check_idle(struct db *db)
{
	if (db->my && !db->in_transaction && clock_monotonic() - db->used_at > IDLE_PING &&
		mysql_ping(db->my))
		connection_close(db);
}

static enum status run(struct db *db, const char *sql, const struct params *params, bool harmless, struct statement **ret)
{
	when until = clock_monotonic() + db->settings.timeout;

	if (db->doomed)
		return cause(STATUS_BUSY, "database: statement in a transaction that has already failed");
	check_idle(db);
	for (unsigned tries = 0;; tries++) {
		bool sent, was_open = db->my != NULL;
		enum status st = run_once(db, sql, params, &sent, ret);
		if (st == STATUS_OK || db->in_transaction)
			return st;
		if (db->trouble == TROUBLE_LOST && was_open && tries == 0 && (harmless || !sent))
			continue;
		if (db->trouble != TROUBLE_AGAIN || tries + 1 >= TRIES_MAX || clock_monotonic() >= until)
			return st;
		pause_before(tries);
	}
}

static bool column_is_int(const MYSQL_FIELD *f)
{
	switch (f->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return true;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL: /* SUM() of integers */
		return f->decimals == 0;
	default:
		return false;
	}
}

static enum status fetch_text(struct db *db, struct arena *a, struct statement *s, unsigned col,
	unsigned long len, struct db_value *v)
{
	char *data = arena_alloc(a, len + 1);
	unsigned long got = 0;
	my_bool null = 0, error = 0;
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING,
		.buffer = data,
		.buffer_length = len,
		.length = &got,
		.is_null = &null,
		.error = &error};

	if (len && mysql_stmt_fetch_column(s->handle, &bind, col, 0))
		return connection_failed(db, mysql_stmt_errno(s->handle), mysql_stmt_error(s->handle));
	v->text = data;
	v->len = len;
	return STATUS_OK;
}

struct cell {
	bool is_int; /* fetched as a number */
	int64_t number;
	unsigned long len;
	my_bool null, error;
};

static enum status fetch_row(struct db *db, struct arena *a, struct statement *s, const struct cell *cells,
	struct db_value *values)
{
	int rc = mysql_stmt_fetch(s->handle);

	/* Texts are bound to no room at all: that they are cut is how their length is learned. */
	if (rc != 0 && rc != MYSQL_DATA_TRUNCATED)
		return connection_failed(db, mysql_stmt_errno(s->handle), mysql_stmt_error(s->handle));
	for (unsigned i = 0; i < s->cols; i++) {
		enum status st = STATUS_OK;
		values[i].null = cells[i].null;
		if (cells[i].null)
			continue;
		if (cells[i].is_int)
			values[i].number = cells[i].number;
		else
			st = fetch_text(db, a, s, i, cells[i].len, &values[i]);
		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}

/* The types are asked for after each execution: those of expressions depend on the parameters. */
static void bind_cells(struct arena *a, struct statement *s, struct cell *cells)
{
	MYSQL_BIND *binds = arena_array(a, s->cols, sizeof(*binds));
	MYSQL_RES *about = mysql_stmt_result_metadata(s->handle);

	ASSERT(about && mysql_num_fields(about) == s->cols);
	for (unsigned i = 0; i < s->cols; i++) {
		cells[i].is_int = column_is_int(&mysql_fetch_fields(about)[i]);
		binds[i].buffer_type = cells[i].is_int ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
		binds[i].buffer = &cells[i].number;
		binds[i].buffer_length = cells[i].is_int ? sizeof(cells[i].number) : 0;
		binds[i].length = &cells[i].len;
		binds[i].is_null = &cells[i].null;
		binds[i].error = &cells[i].error;
	}
	mysql_free_result(about);
	ASSERT(mysql_stmt_bind_result(s->handle, binds) == 0);
}

static enum status fetch_rows(struct db *db, struct arena *a, struct statement *s, struct db_rows *ret)
{
	size_t rows = mysql_stmt_num_rows(s->handle);
	struct cell *cells = arena_array(a, s->cols, sizeof(*cells));

	if (rows > DB_ROWS_MAX)
		return cause(STATUS_INTERNAL, "database: a result of %zu rows, more than %d: %.200s", rows,
			DB_ROWS_MAX, s->sql);
	bind_cells(a, s, cells);
	struct db_value *values = arena_array(a, rows ? rows * s->cols : 1, sizeof(*values));
	for (size_t row = 0; row < rows; row++) {
		enum status st = fetch_row(db, a, s, cells, values + row * s->cols);
		if (st != STATUS_OK)
			return st;
	}
	*ret = (struct db_rows){rows, s->cols, values};
	return STATUS_OK;
}

enum status db_select_n(struct db *db, struct arena *a, struct db_rows *ret, const char *sql,
	const struct db_arg *args, size_t n)
{
	struct statement *s;
	enum status st = run(db, sql, &(struct params){args, n, 0}, true, &s);

	if (st != STATUS_OK)
		return st;
	ASSERT(s->cols);
	st = fetch_rows(db, a, s, ret);
	if (db->my)
		mysql_stmt_free_result(s->handle);
	return st;
}

static enum status exec(struct db *db, uint64_t *ret_changed, const char *sql, const struct params *params)
{
	struct statement *s;
	enum status st = run(db, sql, params, false, &s);

	if (st != STATUS_OK)
		return st;
	ASSERT(!s->cols);
	if (mysql_stmt_insert_id(s->handle))
		db->insert_id = mysql_stmt_insert_id(s->handle);
	if (ret_changed)
		*ret_changed = mysql_stmt_affected_rows(s->handle);
	return STATUS_OK;
}

enum status db_exec_n(struct db *db, uint64_t *ret_changed, const char *sql, const struct db_arg *args, size_t n)
{
	return exec(db, ret_changed, sql, &(struct params){args, n, 0});
}

enum status db_exec_rows(struct db *db, const char *sql, const struct db_arg *args, size_t n, size_t rows)
{
	ASSERT(db->in_transaction);
	return rows ? exec(db, NULL, sql, &(struct params){args, n, rows}) : STATUS_OK;
}

uint64_t db_insert_id(struct db *db)
{
	return db->insert_id;
}

enum status db_ping(struct db *db)
{
	enum status st = connection_open(db);

	if (st == STATUS_OK && mysql_ping(db->my)) {
		connection_close(db);
		st = connection_open(db);
	}
	return st == STATUS_OK ? st : STATUS_INTERNAL;
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

enum status db_again(struct db *db)
{
	ASSERT(db->in_transaction);
	db->doomed = true;
	return cause(STATUS_BUSY, "database: another transaction was first");
}

static enum status begin_once(struct db *db)
{
	enum status st = connection_open(db);

	if (st == STATUS_OK)
		st = connection_sync(db);
	return st == STATUS_OK ? connection_command(db, "START TRANSACTION") : st;
}

/* A connection that died while idle shows it here, before anything was done: then a new one is tried at once. */
static enum status begin(struct db *db)
{
	bool was_open = db->my != NULL;
	enum status st = begin_once(db);

	return st != STATUS_OK && db->trouble == TROUBLE_LOST && was_open ? begin_once(db) : st;
}

static void roll_back(struct db *db)
{
	if (db->my && connection_command(db, "ROLLBACK") != STATUS_OK)
		connection_close(db); /* the server rolls back what it holds of a closed connection */
}

/* One run. *ret_again: nothing of it counts, and the next run may succeed. *ret_began is set when the transaction could begin. */
static enum status transact_once(
	struct db *db, db_body *body, void *context, bool *ret_began, bool *ret_again)
{
	enum status st = begin(db);

	*ret_again = st != STATUS_OK && (db->trouble == TROUBLE_AGAIN || db->trouble == TROUBLE_LOST);
	if (st != STATUS_OK)
		return st;
	*ret_began = true;
	db->in_transaction = true;
	db->doomed = false;
	db->after_n = 0;
	st = body(db, context);
	bool doomed = db->doomed;
	db->in_transaction = db->doomed = false;
	if (doomed || st != STATUS_OK) {
		char why[1024];
		snprintf(why, sizeof(why), "%s",
			cause_text()); /* the rollback's own trouble is not the news */
		roll_back(db);
		*ret_again = doomed;
		return cause(doomed ? STATUS_BUSY : st, "%s", why);
	}
	st = connection_command(db, "COMMIT");
	if (st == STATUS_OK)
		return st;
	*ret_again = db->trouble == TROUBLE_AGAIN || db->trouble == TROUBLE_UNREADY;
	if (db->trouble == TROUBLE_LOST)
		return cause(STATUS_BUSY,
			"database: connection lost during commit, outcome unknown (error %u)", db->number);
	connection_close(db); /* whatever state it is in: nothing of it may stay open */
	return st;
}

enum status db_transact(struct db *db, db_body *body, void *context)
{
	when until = clock_monotonic() + db->settings.timeout;
	bool began = false;

	if (db->in_transaction)
		return body(db, context);
	check_idle(db);
	for (unsigned tries = 0;; tries++) {
		bool again;
		enum status st = transact_once(db, body, context, &began, &again);
		if (st == STATUS_OK)
			break;
		/* A database that was away from the beginning is told at once; one that went away meanwhile may just restart. */
		if (!again || !began || tries + 1 >= TRIES_MAX || clock_monotonic() >= until)
			return st;
		pause_before(tries);
	}
	unsigned n = db->after_n;
	db->after_n = 0;
	for (unsigned i = 0; i < n; i++)
		db->after[i]();
	return STATUS_OK;
}

void db_after_commit(struct db *db, void (*call)(void))
{
	if (!db->in_transaction) {
		call();
		return;
	}
	for (unsigned i = 0; i < db->after_n; i++) {
		if (db->after[i] == call)
			return;
	}
	ASSERT(db->after_n < DB_AFTER_MAX);
	db->after[db->after_n++] = call;
}
