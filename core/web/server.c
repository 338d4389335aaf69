/* Listens: takes connections from nginx in the loop and hands them to the workers, or refuses them when the queue is full. */
#include "web/server.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "web/refusal.h"
#include "web/worker.h"

/* A turn of the loop accepts so many, so that signals and timers get their turn. */
#define ACCEPT_BATCH 64
/* The kernel cuts this to net.core.somaxconn. */
#define BACKLOG 4096
#define SOCKET_MODE 0660
/* ms: how often time limits are looked at. */
#define TICK_MAX 1000
/* libfcgi waits for nginx to close first, 2 s by default; nginx does so within a millisecond. */
#define CLOSE_WAIT_MS "200"
/* How long a process that is starting or stopping on the same socket may take. */
#define LOCK_TIME (5 * SECOND)
#define PAUSE_NS (10 * 1000 * 1000)
/* A connect() that had found the socket's name before it was removed arrives within this time. */
#define LAST_ARRIVALS (50 * 1000 * 1000)

struct server {
	struct server_settings settings;
	struct db_settings db;
	uv_poll_t listener;
	uv_timer_t tick;
	int handles; /* not closed yet */
	int fd;
	bool paused;
	dev_t device;
	ino_t inode;
	struct queue queue;
	struct refusals *refusals;
	struct worker **workers;
	size_t worker_count;
};

static struct server *server;

void server_prepare(void)
{
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", CLOSE_WAIT_MS, 1);
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", CLOSE_WAIT_MS, 1);
	FCGX_Init();
	/* It has set handlers of its own for all of these. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

/* --- The socket ------------------------------------------------------------------------------------------------------------------- */

static void pause_shortly(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* Opens and locks the directory of the socket: two processes that start at once must not both find no living one. -1 with a cause. */
static int directory_lock(const char *path)
{
	struct arena *a = arena_new();
	const char *slash = strrchr(path, '/');
	const char *name = slash ? arena_stringn(a, path, slash == path ? 1 : (size_t)(slash - path)) : ".";
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	when deadline = clock_monotonic() + LOCK_TIME;

	if (fd < 0)
		(void)cause(STATUS_INVALID, "listen: the directory %s cannot be opened (%m)", name);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_monotonic() > deadline) {
			(void)cause(STATUS_INVALID, "listen: another process holds the directory %s", name);
			close(fd);
			fd = -1;
			break;
		}
		pause_shortly(PAUSE_NS);
	}
	arena_free(a);
	return fd;
}

/* Removes the socket of a dead process. INVALID when a living one answers, or it is no socket at all. */
static enum status stale_remove(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, error;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? STATUS_OK : cause(STATUS_INVALID, "listen: %s (%m)", at->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return cause(STATUS_INVALID, "listen: %s exists and is not a socket", at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = fd < 0 || connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (error != ECONNREFUSED)
		return cause(STATUS_INVALID, "listen: %s is in use by another process", at->sun_path);
	if (unlink(at->sun_path) != 0 && errno != ENOENT)
		return cause(STATUS_INVALID, "listen: %s cannot be replaced (%m)", at->sun_path);
	return STATUS_OK;
}

static enum status socket_bind(struct server *s, const struct sockaddr_un *at)
{
	struct stat st;
	enum status stale = stale_remove(at);

	if (stale != STATUS_OK)
		return stale;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody can connect before listen(), so nobody does before the mode is right. */
	if (s->fd < 0 || bind(s->fd, (const struct sockaddr *)at, sizeof *at) != 0 ||
		chmod(at->sun_path, SOCKET_MODE) != 0 || stat(at->sun_path, &st) != 0 ||
		listen(s->fd, BACKLOG) != 0)
		return cause(STATUS_INVALID, "listen: cannot listen on %s (%m)", at->sun_path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return STATUS_OK;
}

static enum status socket_listen(struct server *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(s->settings.listen);
	enum status result;
	int directory;

	if (!len || len >= sizeof at.sun_path)
		return cause(STATUS_INVALID,
			"listen: the path of a socket has 1 to %zu bytes, this one %zu: %s",
			sizeof at.sun_path - 1, len, s->settings.listen);
	memcpy(at.sun_path, s->settings.listen, len);
	directory = directory_lock(s->settings.listen);
	if (directory < 0)
		return STATUS_INVALID;
	result = socket_bind(s, &at);
	close(directory);
	return result;
}

/* Only our own: another process may have replaced it. */
static void socket_remove(struct server *s)
{
	struct stat st;
	int directory = directory_lock(s->settings.listen);

	if (stat(s->settings.listen, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->settings.listen);
	if (directory >= 0)
		close(directory);
}

/* --- In the loop ------------------------------------------------------------------------------------------------------------------ */

static int connection_accept(struct server *s)
{
	int fd;

	do
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct server *s = poll->data;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct connection c = {.since = clock_monotonic()};

		/* What cannot even be refused now waits in the kernel until the next tick. */
		if (!refusals_room(s->refusals) && queue_full(&s->queue)) {
			s->paused = true;
			break;
		}
		c.fd = connection_accept(s);
		if (c.fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (c.fd < 0) {
			log_warning("server, no connection can be accepted for a moment (%m)");
			s->paused = true;
			break;
		}
		if (!queue_put(&s->queue, c))
			refusals_add(s->refusals, c.fd);
	}
	if (s->paused)
		uv_poll_stop(&s->listener);
}

static void workers_watch(struct server *s)
{
	for (size_t i = 0; i < s->worker_count; i++)
		worker_watch(s->workers[i]);
}

static void on_tick(uv_timer_t *tick)
{
	struct server *s = tick->data;
	unsigned refused = refusals_tick(s->refusals);

	workers_watch(s);
	if (refused)
		log_warning("server, %u requests were refused: %lld are waiting already", refused,
			(long long)s->settings.queue);
	if (s->paused) {
		s->paused = false;
		uv_poll_start(&s->listener, UV_READABLE, on_connection);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct server *s = handle->data;

	if (--s->handles == 0)
		free(s);
}

/* --- Start and stop ---------------------------------------------------------------------------------------------------------------- */

static enum status workers_start(struct server *s)
{
	s->workers = calloc((size_t)s->settings.workers, sizeof(struct worker *));
	if (!s->workers)
		abort();
	while (s->worker_count < (size_t)s->settings.workers) {
		struct worker *w = worker_start(&s->queue, &s->settings, &s->db);

		if (!w)
			return STATUS_INTERNAL;
		s->workers[s->worker_count++] = w;
	}
	return STATUS_OK;
}

/* Lets the workers empty the queue, with the time limits still in force. */
static void workers_stop(struct server *s)
{
	size_t done = 0;

	queue_end(&s->queue);
	while (done < s->worker_count) {
		if (worker_done(s->workers[done])) {
			done++;
			continue;
		}
		workers_watch(s);
		pause_shortly(PAUSE_NS);
	}
	for (size_t i = 0; i < s->worker_count; i++)
		worker_join(s->workers[i]);
	free(s->workers);
	queue_free(&s->queue);
}

enum status server_start(
	uv_loop_t *loop, const struct server_settings *settings, const struct db_settings *db)
{
	struct server *s = calloc(1, sizeof *s);
	enum status result;
	int64_t tick = settings->io_timeout / 4 < TICK_MAX ? settings->io_timeout / 4 : TICK_MAX;

	ASSERT(!server && s);
	s->settings = *settings;
	s->db = *db;
	s->fd = -1;
	result = socket_listen(s);
	if (result == STATUS_OK) {
		queue_start(&s->queue, (size_t)settings->queue);
		result = workers_start(s);
		if (result != STATUS_OK) {
			workers_stop(s);
			socket_remove(s);
		}
	}
	if (result != STATUS_OK) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return result;
	}
	s->refusals = refusals_new(loop);
	s->listener.data = s->tick.data = s;
	s->handles = 2;
	ASSERT(uv_poll_init(loop, &s->listener, s->fd) == 0 && uv_timer_init(loop, &s->tick) == 0);
	ASSERT(uv_poll_start(&s->listener, UV_READABLE, on_connection) == 0);
	ASSERT(uv_timer_start(&s->tick, on_tick, (uint64_t)tick, (uint64_t)tick) == 0);
	server = s;
	return STATUS_OK;
}

/* nginx has been told "connected" for all that the kernel queued: it would not ask elsewhere. */
static void last_accept(struct server *s)
{
	for (int round = 0; round < 2; round++) {
		struct connection c;

		while ((c.fd = connection_accept(s)) >= 0) {
			c.since = clock_monotonic();
			while (!queue_put(&s->queue, c)) {
				workers_watch(s);
				pause_shortly(PAUSE_NS);
			}
		}
		if (round == 0)
			pause_shortly(LAST_ARRIVALS);
	}
}

void server_stop(void)
{
	struct server *s = server;

	if (!s)
		return;
	server = NULL;
	uv_poll_stop(&s->listener);
	uv_timer_stop(&s->tick);
	socket_remove(s);
	last_accept(s);
	uv_close((uv_handle_t *)&s->listener, on_closed);
	close(s->fd);
	refusals_end(s->refusals);
	workers_stop(s);
	uv_close((uv_handle_t *)&s->tick, on_closed);
}
