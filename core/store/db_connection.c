/* Connects to MariaDB, keeps the connection's prepared statements, and classifies its errors. */
#include "store/db_connection.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <pthread.h>

#include "base/log.h"

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;

static void thread_ends(void *used)
{
	mysql_thread_end();
}

static void library_start(void)
{
	ASSERT(mysql_library_init(0, NULL, NULL) == 0);
	ASSERT(pthread_key_create(&thread_key, thread_ends) == 0);
}

enum trouble trouble_of(unsigned number)
{
	switch (number) {
	case 0:
		return TROUBLE_NONE;
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case 2055: /* CR_SERVER_LOST_EXTENDED */
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_NET_READ_ERROR:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_ERROR_ON_WRITE:
	case ER_NET_WRITE_INTERRUPTED:
		return TROUBLE_LOST;
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_ERROR_DURING_COMMIT:
	case ER_CHECKREAD:
	case ER_NEED_REPREPARE:
		return TROUBLE_AGAIN;
	case ER_UNKNOWN_COM_ERROR: /* what Galera says for it */
		return TROUBLE_UNREADY;
	case ER_DUP_ENTRY:
		return TROUBLE_DUPLICATE;
	case CR_UNKNOWN_HOST: /* a resolver that is away looks the same */
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_QUERY_INTERRUPTED:
	case ER_STATEMENT_TIMEOUT:
	case ER_OPTION_PREVENTS_STATEMENT: /* read-only during a switch-over */
		return TROUBLE_BUSY;
	default:
		return TROUBLE_OTHER;
	}
}

/* Some messages quote the value that did not fit. Values are not for logs: what stands between the first quote and the last
 * " for " is left out. */
static void message_without_values(const char *message, char *to, size_t size)
{
	const char *quote = strchr(message, '\''), *end = NULL;

	for (const char *p = quote; p && (p = strstr(p, " for ")); p++)
		end = p;
	if (quote && end)
		snprintf(to, size, "%.*s...%s", (int)(quote - message), message, end);
	else
		snprintf(to, size, "%s", message);
}

enum status connection_failed(struct db *db, unsigned number, const char *message)
{
	static const enum status status_of[] = {
		[TROUBLE_NONE] = STATUS_INTERNAL,
		[TROUBLE_LOST] = STATUS_BUSY,
		[TROUBLE_AGAIN] = STATUS_BUSY,
		[TROUBLE_UNREADY] = STATUS_BUSY,
		[TROUBLE_DUPLICATE] = STATUS_CONFLICT,
		[TROUBLE_BUSY] = STATUS_BUSY,
		[TROUBLE_OTHER] = STATUS_INTERNAL,
	};
	char text[512];

	message_without_values(message, text, sizeof(text));
	db->number = number;
	db->trouble = trouble_of(number);
	enum status st = cause(status_of[db->trouble], "database error %u: %s", number, text);
	if (db->in_transaction && (db->trouble == TROUBLE_LOST || db->trouble == TROUBLE_AGAIN || db->trouble == TROUBLE_UNREADY))
		db->doomed = true;
	if (db->trouble == TROUBLE_LOST)
		connection_close(db);
	return st;
}

static void statement_free(struct statement *s)
{
	mysql_stmt_close(s->handle);
	free(s->sql);
	free(s);
}

static void statements_drop(struct db *db)
{
	for (unsigned i = 0; i < DB_BUCKETS; i++) {
		for (struct statement *s = db->buckets[i], *next; s; s = next) {
			next = s->next;
			statement_free(s);
		}
		db->buckets[i] = NULL;
	}
	db->statements = 0;
}

void connection_close(struct db *db)
{
	statements_drop(db);
	if (db->my)
		mysql_close(db->my);
	db->my = NULL;
}

enum status connection_command(struct db *db, const char *sql)
{
	if (mysql_real_query(db->my, sql, strlen(sql)))
		return connection_failed(db, mysql_errno(db->my), mysql_error(db->my));
	db->used_at = clock_monotonic();
	return STATUS_OK;
}

/* By the text protocol. *ret_on: the last column of the first row says ON. */
static enum status ask(struct db *db, const char *sql, bool *ret_on)
{
	enum status st = connection_command(db, sql);

	if (st != STATUS_OK)
		return st;
	MYSQL_RES *rows = mysql_store_result(db->my);
	if (!rows)
		return connection_failed(db, mysql_errno(db->my), mysql_error(db->my));
	MYSQL_ROW row = mysql_fetch_row(rows);
	*ret_on = row && text_same(row[mysql_num_fields(rows) - 1], "ON");
	mysql_free_result(rows);
	return STATUS_OK;
}

/* A single server, or one built without Galera, has nothing to wait for. */
static enum status cluster_find(struct db *db)
{
	db->cluster = false;
	db->behind = true; /* behind a balancer this may be another node than before */
	return db->settings.sync_wait ? ask(db, "SHOW SESSION VARIABLES LIKE 'wsrep_on'", &db->cluster) : STATUS_OK;
}

/* A wait of its own, not the session's variable: that would cost every statement a round trip through the cluster, and only the first
 * of a request can be too early. */
enum status connection_sync(struct db *db)
{
	bool unused;

	ASSERT(!db->in_transaction);
	if (!db->behind)
		return STATUS_OK;
	enum status st = db->cluster ? ask(db, "SET STATEMENT wsrep_sync_wait = 1 FOR SELECT 1", &unused) : STATUS_OK;
	if (st == STATUS_OK)
		db->behind = false;
	else if (db->trouble == TROUBLE_AGAIN) /* "lock wait timeout": it has waited, or nobody is there to wait for */
		db->trouble = TROUBLE_UNREADY;
	return st;
}

/* What every connection must be, whatever the server's configuration says. */
static enum status session_set(struct db *db, unsigned seconds)
{
	char sql[256];
	enum status st = connection_command(db, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");

	if (st != STATUS_OK)
		return st;
	/* A wait for a lock has to end before the client stops waiting for the answer. */
	snprintf(sql, sizeof(sql),
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',"
		" time_zone = '+00:00', innodb_lock_wait_timeout = %u, lock_wait_timeout = %u",
		seconds > 1 ? seconds / 2 : 1, seconds > 1 ? seconds / 2 : 1);
	return connection_command(db, sql);
}

enum status connection_open(struct db *db)
{
	const struct db_settings *set = &db->settings;
	bool local = set->socket && *set->socket;
	unsigned seconds = (unsigned)((set->timeout + SECOND - 1) / SECOND), off = 0;
	unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

	if (db->my)
		return STATUS_OK;
	pthread_once(&library_once, library_start);
	pthread_setspecific(thread_key, db);
	MYSQL *my = mysql_init(NULL);
	ASSERT(my);
	mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	mysql_options(my, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!mysql_real_connect(my, local ? NULL : set->host, set->user, set->password.value, set->name,
		    local ? 0 : (unsigned)set->port, local ? set->socket : NULL, CLIENT_FOUND_ROWS)) {
		enum status st = connection_failed(db, mysql_errno(my), mysql_error(my));
		mysql_close(my);
		return st;
	}
	db->my = my;
	enum status st = session_set(db, seconds);
	if (st == STATUS_OK)
		st = cluster_find(db);
	if (st != STATUS_OK)
		connection_close(db);
	return st;
}

enum status connection_still(struct db *db)
{
	if (!db->in_transaction || (db->my->server_status & SERVER_STATUS_IN_TRANS))
		return STATUS_OK;
	db->doomed = true;
	db->trouble = TROUBLE_AGAIN;
	return cause(STATUS_BUSY, "database: another node has undone the transaction");
}

static unsigned bucket_of(const char *sql)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *sql; sql++)
		h = (h ^ (uint8_t)*sql) * 16777619u;
	return h % DB_BUCKETS;
}

enum status connection_prepare(struct db *db, const char *sql, struct statement **ret)
{
	unsigned bucket = bucket_of(sql);

	for (struct statement *s = db->buckets[bucket]; s; s = s->next) {
		if (strcmp(s->sql, sql) == 0) {
			*ret = s;
			return STATUS_OK;
		}
	}
	if (db->statements >= DB_STATEMENTS_MAX)
		statements_drop(db);
	struct statement *s = calloc(1, sizeof(*s));
	ASSERT(s);
	s->sql = strdup(sql);
	s->handle = mysql_stmt_init(db->my);
	ASSERT(s->sql && s->handle);
	enum status st = STATUS_OK;
	if (mysql_stmt_prepare(s->handle, sql, strlen(sql)))
		st = connection_failed(db, mysql_stmt_errno(s->handle), mysql_stmt_error(s->handle));
	if (st != STATUS_OK) {
		statement_free(s);
		return st;
	}
	s->cols = mysql_stmt_field_count(s->handle);
	s->next = db->buckets[bucket];
	db->buckets[bucket] = s;
	db->statements++;
	*ret = s;
	if (!db->in_transaction)
		return STATUS_OK;
	/* A Galera node may keep silent when another node's commit undoes the transaction just during PREPARE (MariaDB 10.11: of a SELECT),
	 * and what follows would count by itself, statement by statement. The answer to any other command says whether it is still there. */
	st = connection_command(db, "DO 0");
	return st == STATUS_OK ? connection_still(db) : st;
}
