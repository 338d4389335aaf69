/* The database: one MariaDB connection per thread, prepared statements only, transactions that can be retried. */
#ifndef INKAN_STORE_DB_H
#define INKAN_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/status.h"
#include "base/text.h"

struct db_settings {
	const char *socket; /* path of the unix socket; empty: host and port */
	const char *host;
	int64_t port;
	const char *user;
	struct secret password; /* value NULL when not set: the socket's own authentication */
	const char *name;
	int64_t timeout; /* ms that connecting, one read or one write may take */
	bool sync_wait;	 /* db_sync() has an effect */
};

struct db; /* a connection and its cache of prepared statements; one thread at a time */

/* Opening does not connect: the first statement does, and every statement after a lost connection does again (never inside a
 * transaction). So a server starts, and recovers, while the database is away. */
struct db *db_new(const struct db_settings *settings);
/* Another one to the same database, for a thread that a plugin starts. */
struct db *db_twin(const struct db *db);
void db_free(struct db *db); /* NULL is allowed */
/* Another timeout in ms than that of the settings, from the next connection on; closes the present one. For statements that take long. */
void db_set_timeout(struct db *db, int64_t timeout);
/* INTERNAL unless the server answers. */
enum status db_ping(struct db *db) MUST_CHECK;

/* On a Galera cluster: what follows sees everything that was committed before this call, on any node; the next statement outside a
 * transaction waits for it (BUSY when that takes too long). Once per request, and by itself on every new connection: whoever was
 * redirected here by another process has read his own writes then. Nothing on a single server. */
void db_sync(struct db *db);

/* A parameter. */
struct db_arg {
	enum { DB_IS_NULL, DB_IS_INT, DB_IS_TEXT, DB_IS_BYTES } type;
	int64_t number;
	const void *data;
	size_t len;
};
#define DB_NULL() ((struct db_arg){DB_IS_NULL, 0, NULL, 0})
#define DB_INT(value) ((struct db_arg){DB_IS_INT, (int64_t)(value), NULL, 0})
struct db_arg DB_TEXT(const char *s);        /* NULL gives SQL NULL */
struct db_arg DB_BYTES(struct bytes b);      /* data NULL gives SQL NULL */

/* A result: rows × columns. NULL text: SQL NULL. Lives in the arena. */
struct db_value {
	int64_t number;   /* of integer columns */
	const char *text; /* of other columns, ends in a zero byte; NULL for SQL NULL */
	size_t len;
	bool null;
};
struct db_rows {
	size_t rows, cols;
	const struct db_value *values;
};
static inline const struct db_value *db_at(const struct db_rows *r, size_t row, size_t col)
{
	return &r->values[row * r->cols + col];
}
int64_t db_int(const struct db_rows *r, size_t row, size_t col);      /* 0 for NULL */
const char *db_text(const struct db_rows *r, size_t row, size_t col); /* NULL for NULL */
struct bytes db_bytes(const struct db_rows *r, size_t row, size_t col);

/* sql is a string literal: the statement cache knows it by address and text. At most DB_ROWS_MAX rows are read (INTERNAL beyond).
 * Errors: CONFLICT duplicate key (1062); BUSY database away, deadlock, lock wait, no quorum; INTERNAL the rest. */
#define DB_ROWS_MAX 20000
enum status db_select_n(struct db *db, struct arena *a, struct db_rows *ret, const char *sql, const struct db_arg *args,
	size_t n) MUST_CHECK;
enum status db_exec_n(struct db *db, uint64_t *ret_changed, const char *sql, const struct db_arg *args, size_t n) MUST_CHECK;
#define DB_ARGS_(...) ((const struct db_arg[]){DB_NULL(), ##__VA_ARGS__})
#define db_select(db, a, ret, sql, ...)                                                                        \
	db_select_n(db, a, ret, sql, DB_ARGS_(__VA_ARGS__) + 1, COUNT_OF(DB_ARGS_(__VA_ARGS__)) - 1)
/* ret_changed (may be NULL): rows matched by an UPDATE (CLIENT_FOUND_ROWS), or inserted, or deleted. */
#define db_exec(db, ret_changed, sql, ...)                                                                     \
	db_exec_n(db, ret_changed, sql, DB_ARGS_(__VA_ARGS__) + 1, COUNT_OF(DB_ARGS_(__VA_ARGS__)) - 1)
/* The statement for each row of args (rows × n, row after row) in one exchange with the server: several times faster than one by one, or than
 * a JSON parameter of many columns. In a transaction only, since some rows may be written when one fails. A column holds one type, or NULL. */
enum status db_exec_rows(struct db *db, const char *sql, const struct db_arg *args, size_t n, size_t rows) MUST_CHECK;
uint64_t db_insert_id(struct db *db); /* of the latest INSERT of this connection */

/* Runs body in a transaction (READ COMMITTED) and commits when it returns OK, rolls back otherwise. Deadlocks and the like (1213,
 * 1205, 1180, 1047; at COMMIT too) and a connection lost before COMMIT was sent run it again, with growing pauses, a bounded
 * number of times, then BUSY. A connection lost during COMMIT is BUSY at once: whether it counted is not known, so bodies
 * must be safe to be run again by their caller (a unique key tells). Inside another transaction the body simply joins it.
 * The body must set all that it hands out anew in each run. */
typedef enum status db_body(struct db *db, void *context);
enum status db_transact(struct db *db, db_body *body, void *context) MUST_CHECK;
bool db_in_transaction(const struct db *db);
/* For a body that finds its rows changed under it: return db_again(db); has the transaction run again as after a deadlock. */
enum status db_again(struct db *db) MUST_CHECK;

/* Called once, on this thread, right after the next commit (or at once outside a transaction); forgotten on rollback. */
void db_after_commit(struct db *db, void (*call)(void));

#endif
