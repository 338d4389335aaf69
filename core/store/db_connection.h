/* Inside of db: the connection, its prepared statements, and what an error number means. Included by db.c and db_connection.c alone. */
#ifndef INKAN_STORE_DB_CONNECTION_H
#define INKAN_STORE_DB_CONNECTION_H

#include <mysql.h>

#include "base/clock.h"
#include "store/db.h"

/* What can be done about an error. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_LOST,	   /* the connection is gone; a new one may work */
	TROUBLE_AGAIN,	   /* the server rolled back or refused: the same transaction again may work */
	TROUBLE_UNREADY,   /* a cluster's node that is not of the majority: another server is the better one to ask */
	TROUBLE_DUPLICATE, /* a unique key has this value */
	TROUBLE_BUSY,	   /* the server cannot at present */
	TROUBLE_OTHER,
};
enum trouble trouble_of(unsigned number);

struct statement {
	struct statement *next; /* of the same bucket */
	char *sql;
	MYSQL_STMT *handle;
	unsigned cols; /* of the result; 0: has none */
};

#define DB_BUCKETS 128
#define DB_STATEMENTS_MAX 512
#define DB_AFTER_MAX 8

struct db {
	struct db_settings settings;
	MYSQL *my; /* NULL: not connected */
	struct statement *buckets[DB_BUCKETS];
	unsigned statements;
	enum trouble trouble; /* of the latest statement */
	unsigned number;      /* its error number */
	when used_at;	      /* monotonic, of the latest answer */
	uint64_t insert_id;
	bool cluster; /* the connection is to a node of a Galera cluster */
	bool behind;  /* it may not have applied yet what others have committed */
	bool in_transaction;
	bool doomed; /* the transaction is rolled back already, or has to be: nothing more is sent in it */
	void (*after[DB_AFTER_MAX])(void);
	unsigned after_n;
};

enum status connection_open(struct db *db) MUST_CHECK; /* BUSY: database away; INTERNAL: it refuses us */
void connection_close(struct db *db);		       /* and forgets all prepared statements */
/* Waits when the node may be behind; not inside a transaction, where the server does not wait. */
enum status connection_sync(struct db *db) MUST_CHECK;
/* A statement without parameters and result, by the text protocol. */
enum status connection_command(struct db *db, const char *sql) MUST_CHECK;
/* BUSY, and the transaction is doomed, when the server's latest answer says that it is in none although it should be. */
enum status connection_still(struct db *db) MUST_CHECK;
/* From the cache, or prepared now. */
enum status connection_prepare(struct db *db, const char *sql, struct statement **ret) MUST_CHECK;
/* Records the error in db and as the cause, closes a lost connection, and says which status it is. */
enum status connection_failed(struct db *db, unsigned number, const char *message);

#endif
