/* Answers requests: one thread, one connection to the database, one arena, one request at a time. */
#include "web/worker.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "web/request_internal.h"

/* The socket's own time limit begins anew with every byte. All of a request, or all of a response, may take this many of them. */
#define IO_ROUNDS 3
/* Of a long answer each single write may take so many: more than nginx gives a browser between two writes (send_timeout, 60 s), so that
 * one who reads slowly gets it all, and one who does not is dropped by nginx, not by us. As a whole it has no limit. */
#define STREAM_ROUNDS 9

struct worker {
	pthread_t thread;
	struct queue *queue;
	const struct server_settings *settings;
	struct db *db;
	struct arena *arena;
	atomic_bool done;

	/* The transfer that the loop watches. fd is a duplicate: libfcgi may close its own, and the number be another's, at any time. */
	pthread_mutex_t mutex;
	int fd;
	when deadline; /* 0: nothing is read or written now, or it is a long answer */
	bool patient;  /* a long answer is under way */
};

/* --- Queue ------------------------------------------------------------------------------------------------------------------------ */

void queue_start(struct queue *q, size_t room)
{
	*q = (struct queue){.room = room, .items = calloc(room, sizeof *q->items)};
	if (!q->items)
		abort();
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->filled, NULL);
}

void queue_free(struct queue *q)
{
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->mutex);
	free(q->items);
}

static void put(struct queue *q, struct connection c)
{
	q->items[(q->first + q->n++) % q->room] = c;
	pthread_cond_signal(&q->filled);
}

bool queue_put(struct queue *q, struct connection c)
{
	pthread_mutex_lock(&q->mutex);
	bool room = q->n < q->room;
	if (room)
		put(q, c);
	pthread_mutex_unlock(&q->mutex);
	return room;
}

bool queue_take(struct queue *q, struct connection *ret)
{
	pthread_mutex_lock(&q->mutex);
	while (!q->n && !q->ended)
		pthread_cond_wait(&q->filled, &q->mutex);
	bool any = q->n > 0;
	if (any) {
		*ret = q->items[q->first];
		q->first = (q->first + 1) % q->room;
		q->n--;
	}
	pthread_mutex_unlock(&q->mutex);
	return any;
}

bool queue_full(struct queue *q)
{
	pthread_mutex_lock(&q->mutex);
	bool full = q->n == q->room;
	pthread_mutex_unlock(&q->mutex);
	return full;
}

void queue_end(struct queue *q)
{
	pthread_mutex_lock(&q->mutex);
	q->ended = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->mutex);
}

/* --- Transfers -------------------------------------------------------------------------------------------------------------------- */

static void transfer_begins(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->deadline = w->patient ? 0 : clock_monotonic() + IO_ROUNDS * w->settings->io_timeout;
	pthread_mutex_unlock(&w->mutex);
}

static void transfer_ends(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->deadline = 0;
	pthread_mutex_unlock(&w->mutex);
}

void worker_watch(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	if (w->deadline && clock_monotonic() > w->deadline && w->fd >= 0) {
		log_warning("server, a connection was cut: its transfer took longer than %lld ms",
			(long long)(IO_ROUNDS * w->settings->io_timeout));
		shutdown(w->fd, SHUT_RDWR);
		w->deadline = 0;
	}
	pthread_mutex_unlock(&w->mutex);
}

static void connection_watched(struct worker *w, int fd)
{
	struct timeval limit = {
		.tv_sec = w->settings->io_timeout / 1000,
		.tv_usec = (w->settings->io_timeout % 1000) * 1000,
	};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	pthread_mutex_lock(&w->mutex);
	w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* without a duplicate the socket's own limits must do */
	pthread_mutex_unlock(&w->mutex);
}

/* From now on this connection carries a long answer. */
static void connection_patient(struct worker *w)
{
	when rounds = STREAM_ROUNDS * w->settings->io_timeout;
	struct timeval limit = {.tv_sec = rounds / 1000, .tv_usec = (rounds % 1000) * 1000};

	pthread_mutex_lock(&w->mutex);
	w->patient = w->fd >= 0 && setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
	pthread_mutex_unlock(&w->mutex);
}

static void connection_left(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->patient = false;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->deadline = 0;
	pthread_mutex_unlock(&w->mutex);
}

/* --- A request ------------------------------------------------------------------------------------------------------------------- */

struct exchange {
	struct worker *worker;
	FCGX_Request *fcgi;
};

static size_t body_read(void *from, char *to, size_t len)
{
	struct exchange *e = from;
	size_t got = 0;

	transfer_begins(e->worker);
	while (got < len) {
		int part = len - got > INT_MAX ? INT_MAX : (int)(len - got);
		int n = FCGX_GetStr(to + got, part, e->fcgi->in);

		got += n > 0 ? (size_t)n : 0;
		if (n < part)
			break;
	}
	transfer_ends(e->worker);
	return got;
}

static bool response_put(void *to, const void *data, size_t len)
{
	struct exchange *e = to;
	const char *bytes = data;

	transfer_begins(e->worker);
	while (len) {
		int part = len > INT_MAX ? INT_MAX : (int)len;

		if (FCGX_PutStr(bytes, part, e->fcgi->out) != part)
			break;
		bytes += part;
		len -= (size_t)part;
	}
	transfer_ends(e->worker);
	return len == 0;
}

/* Paths may be secrets, the patterns of routes are none. Of what has no route the first segment is enough to see what it was about. */
static const char *access_path(const struct request *rq)
{
	size_t first = strcspn(rq->path + 1, "/");

	if (rq->parts->route)
		return rq->parts->route->path;
	return arena_printf(rq->arena, "%.*s%s (no route)", (int)(first + 1), rq->path,
		rq->path[first + 1] ? "/..." : "");
}

static void access_line(const struct request *rq, when since, when begun, bool complete)
{
	when now = clock_monotonic();

	log_info("%s %s, %d (%lld ms, waited %lld ms, user %llu, %zu bytes%s)",
		rq->parts->head ? "HEAD" : rq->method, access_path(rq), rq->parts->http,
		(long long)(now - begun), (long long)(begun - since),
		rq->user ? (unsigned long long)rq->user->id : 0ULL, rq->parts->body.len + rq->parts->streamed,
		complete ? "" : ", not taken by nginx");
}

static void request_answer(struct worker *w, FCGX_Request *fcgi, when since)
{
	const struct request_limits limits = {
		.body_max = w->settings->body_max,
		.fields_max = w->settings->fields_max,
		.params_max = w->settings->params_max,
	};
	struct exchange e = {.worker = w, .fcgi = fcgi};
	struct request *rq = request_new(
		w->arena, w->db, &limits, fcgi->envp, (struct request_source){.read = body_read, .from = &e});
	when begun = clock_monotonic();
	bool complete;

	if (w->db)
		db_sync(w->db); /* the browser may come from another process, on another node */
	router_run(rq);
	if (rq->parts->stream && !rq->parts->head)
		connection_patient(w);
	complete = response_write(rq, (struct request_sink){.write = response_put, .to = &e});
	transfer_begins(w);
	complete = complete && FCGX_FFlush(fcgi->out) == 0;
	transfer_ends(w);
	/* An answer that is not whole must not end like one that is: nginx then breaks off too. */
	if (rq->parts->cut && w->fd >= 0)
		shutdown(w->fd, SHUT_RDWR);
	response_after(rq, complete);
	access_line(rq, since, begun, complete);
}

/* libfcgi is given the connection as if it had accepted it; keepConnection keeps the first step of FCGX_Accept_r from closing it. */
static void connection_serve(struct worker *w, struct connection c)
{
	FCGX_Request fcgi;
	int rc;

	connection_watched(w, c.fd);
	FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	fcgi.ipcFd = c.fd;
	fcgi.keepConnection = 1;
	transfer_begins(w);
	rc = FCGX_Accept_r(&fcgi);
	transfer_ends(w);
	/* What is not a request was closed by libfcgi, which then found no socket to accept another from. */
	if (rc != 0)
		log_info("server, a connection brought no complete request");
	else
		request_answer(w, &fcgi, c.since);
	fcgi.keepConnection = 0;
	transfer_begins(w);
	FCGX_Finish_r(&fcgi);
	connection_left(w);
	log_context(NULL);
	cause_clear();
	arena_reset(w->arena);
}

static void *worker_run(void *context)
{
	struct worker *w = context;
	struct connection c;

	while (queue_take(w->queue, &c))
		connection_serve(w, c);
	atomic_store(&w->done, true);
	return NULL;
}

struct worker *worker_start(
	struct queue *q, const struct server_settings *settings, const struct db_settings *db)
{
	struct worker *w = calloc(1, sizeof *w);
	sigset_t all, before;
	int error;

	if (!w)
		abort();
	w->queue = q;
	w->settings = settings;
	w->db = db ? db_new(db) : NULL;
	w->arena = arena_new();
	w->fd = -1;
	pthread_mutex_init(&w->mutex, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return w;
	arena_free(w->arena);
	db_free(w->db);
	free(w);
	(void)cause(STATUS_INTERNAL, "server, a thread could not be started (error %d)", error);
	return NULL;
}

bool worker_done(struct worker *w)
{
	return atomic_load(&w->done);
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->mutex);
	arena_free(w->arena);
	db_free(w->db);
	free(w);
}
