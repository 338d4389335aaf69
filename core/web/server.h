/* The server: accepts FastCGI connections in the uv loop, queues them, and lets workers answer them. */
#ifndef INKAN_WEB_SERVER_H
#define INKAN_WEB_SERVER_H

#include <uv.h>

#include "base/status.h"
#include "store/db.h"

struct server_settings {
	const char *listen;      /* path of the unix socket, made with mode 0660 in a directory of its own */
	int64_t workers;         /* threads, each with a connection to the database */
	int64_t queue;           /* accepted connections that may wait; more get 503 with Retry-After at once */
	int64_t io_timeout;      /* ms for one read or write towards nginx */
	int64_t body_max;        /* bytes of a request body */
	int64_t fields_max;      /* fields in a form */
	int64_t params_max;      /* bytes of all FastCGI parameters together */
};

/* Before threads and before anything else in main: libfcgi's signal handlers and time-outs, SIGPIPE. */
void server_prepare(void);
/* Binds, listens and starts the workers. INVALID with a clear cause: socket in use by a living process, directory missing, path too
 * long. A stale socket of a dead process is replaced. */
enum status server_start(uv_loop_t *loop, const struct server_settings *settings, const struct db_settings *db) MUST_CHECK;
/* Stops accepting (the socket file is removed, what the kernel already queued is still accepted), lets the workers finish all
 * accepted requests, joins them. Called in the loop's thread; returns when all are done. */
void server_stop(void);

#endif
