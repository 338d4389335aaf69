/* Tests of web/server under load: a real socket, real FastCGI records, many clients at once, bad ones among them, and the stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "support/view_strings.h"
#include "web/router.h"
#include "web/server.h"

#define IO_TIMEOUT 400
#define SLOW 200
#define BIG ((size_t)3 * 1024 * 1024)
#define PATIENCE 20000 /* ms a client waits at most; sanitizers and busy machines are slow */

/* The libraries below are not instrumented. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "ignore_noninstrumented_modules=1";
}

static char dir[] = "/tmp/inkan-load-XXXXXX";
static char path[108];
static struct arena *arena;

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* --- The site ---------------------------------------------------------------------------------------------------------------------- */

static atomic_int handled, complete_after, incomplete_after;

static enum status fast(struct request *rq)
{
	atomic_fetch_add(&handled, 1);
	return request_send(rq, "text/plain", NULL, bytes_string(request_query_string(rq)));
}

static enum status slow(struct request *rq)
{
	sleep_ms(SLOW);
	return fast(rq);
}

static enum status echo(struct request *rq)
{
	const char *field = request_field(rq, "x");

	return request_send(rq, "text/plain", NULL, bytes_string(field ? field : "nothing"));
}

static void counted(struct request *rq, bool complete, void *context)
{
	atomic_fetch_add(complete ? &complete_after : &incomplete_after, 1);
}

static enum status big(struct request *rq)
{
	char *data = arena_alloc(rq->arena, BIG);

	memset(data, 'x', BIG);
	request_after(rq, counted, NULL);
	return request_send(rq, "text/plain", NULL, bytes_of(data, BIG));
}

static const struct route routes[] = {
	{"GET", "/fast", ACCESS_ANYONE, fast},
	{"GET", "/slow", ACCESS_ANYONE, slow},
	{"GET", "/big", ACCESS_ANYONE, big},
	{"POST", "/echo", ACCESS_ANYONE, echo, .no_csrf_because = "A test."},
	{0},
};

/* --- The server in a thread of its own ------------------------------------------------------------------------------------------------ */

static struct {
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	long hold; /* ms the loop sleeps before it stops, so that connections pile up in the kernel */
} site;

static void on_stop(uv_async_t *async)
{
	sleep_ms(site.hold);
	server_stop();
	uv_close((uv_handle_t *)async, NULL);
}

static void *site_run(void *unused)
{
	uv_run(&site.loop, UV_RUN_DEFAULT);
	return NULL;
}

static enum status site_try(int64_t workers, int64_t queue)
{
	static const struct db_settings away = {
		.socket = "/nonexistent/socket", .host = "", .user = "", .name = "", .timeout = 1000};
	const struct server_settings settings = {
		.listen = path,
		.workers = workers,
		.queue = queue,
		.io_timeout = IO_TIMEOUT,
		.body_max = 128 * 1024,
		.fields_max = 10,
		.params_max = 16384,
	};

	return server_start(&site.loop, &settings, &away);
}

static void site_start(int64_t workers, int64_t queue)
{
	assert_int_equal(uv_loop_init(&site.loop), 0);
	assert_int_equal(uv_async_init(&site.loop, &site.stop, on_stop), 0);
	if (site_try(workers, queue) != STATUS_OK)
		fail_msg("%s", cause_text());
	assert_int_equal(pthread_create(&site.thread, NULL, site_run, NULL), 0);
	site.hold = 0;
}

static void site_stop(void)
{
	uv_async_send(&site.stop);
	pthread_join(site.thread, NULL);
	assert_int_equal(uv_loop_close(&site.loop), 0); /* every handle was closed */
}

/* --- A client ---------------------------------------------------------------------------------------------------------------------- */

static int client_connect(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = PATIENCE / 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, sizeof path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	close(fd);
	return -1;
}

static size_t record(uint8_t *to, uint8_t type, const void *content, size_t len)
{
	const uint8_t head[] = {1, type, 0, 1, (uint8_t)(len >> 8), (uint8_t)len, 0, 0};

	memcpy(to, head, sizeof head);
	memcpy(to + sizeof head, content, len);
	return sizeof head + len;
}

static size_t param(uint8_t *to, const char *name, const char *value)
{
	to[0] = (uint8_t)strlen(name);
	to[1] = (uint8_t)strlen(value);
	memcpy(to + 2, name, to[0]);
	memcpy(to + 2 + to[0], value, to[1]);
	return (size_t)2 + to[0] + to[1];
}

#define MESSAGE_MAX (200 * 1024)

static size_t message(uint8_t *to, const char *method, const char *uri, const char *body)
{
	static const uint8_t begin[8] = {0, 1};
	uint8_t params[1024];
	char number[32];
	size_t body_len = strlen(body), n = 0, len;

	snprintf(number, sizeof number, "%zu", body_len);
	n += param(params + n, "REQUEST_METHOD", method);
	n += param(params + n, "REQUEST_URI", uri);
	n += param(params + n, "CONTENT_LENGTH", number);
	n += param(params + n, "CONTENT_TYPE", "application/x-www-form-urlencoded");
	len = record(to, 1, begin, sizeof begin);
	len += record(to + len, 4, params, n);
	len += record(to + len, 4, "", 0);
	for (size_t at = 0; at < body_len; at += 8000)
		len += record(to + len, 5, body + at, body_len - at < 8000 ? body_len - at : 8000);
	len += record(to + len, 5, "", 0);
	return len;
}

static bool send_all(int fd, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive(int fd, void *to, size_t len)
{
	return recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

struct answer {
	int http; /* 0: there was no whole answer */
	size_t body;
	char text[4096]; /* the beginning of all that came */
	when took;
};

/* Reads records up to END_REQUEST, and then the end of the connection. */
static void answer_read(int fd, struct answer *a)
{
	size_t got = 0;

	for (;;) {
		uint8_t head[8], content[65536 + 256];
		size_t len, whole;

		if (!receive(fd, head, sizeof head))
			return;
		len = (size_t)head[4] << 8 | head[5];
		whole = len + head[6];
		if (!receive(fd, content, whole))
			return;
		if (head[1] == 3)
			break;
		if (head[1] != 6)
			continue;
		for (size_t i = 0; i < len; i++, got++)
			if (got < sizeof a->text - 1)
				a->text[got] = (char)content[i];
	}
	const char *body = strstr(a->text, "\r\n\r\n");
	int64_t http = 0;
	char code[4] = {0};

	if (body && text_starts(a->text, "Status: ")) {
		memcpy(code, a->text + 8, 3);
		a->body = got - (size_t)(body + 4 - a->text);
	}
	if (text_int(code, 100, 599, &http))
		a->http = (int)http;
}

static struct answer ask(const char *method, const char *uri, const char *body)
{
	struct answer a = {0};
	uint8_t *out = malloc(MESSAGE_MAX);
	when begun = clock_monotonic();
	int fd = client_connect();

	assert_non_null(out);
	if (fd >= 0 && send_all(fd, out, message(out, method, uri, body)))
		answer_read(fd, &a);
	if (fd >= 0)
		close(fd);
	free(out);
	a.took = clock_monotonic() - begun;
	return a;
}

/* --- Many clients -------------------------------------------------------------------------------------------------------------------- */

struct crowd {
	pthread_t *threads;
	struct answer *answers;
	size_t n, each;
	const char *uri;
	atomic_int connected, right, busy, wrong;
	atomic_size_t next;
	pthread_mutex_t mutex;
	when slowest_busy;
};

static void *crowd_member(void *context)
{
	struct crowd *c = context;

	for (size_t i = 0; i < c->each; i++) {
		char uri[64];
		struct answer a;

		snprintf(uri, sizeof uri, "%s?%zu", c->uri, atomic_fetch_add(&c->next, 1));
		atomic_fetch_add(&c->connected, 1);
		a = ask("GET", uri, "");
		if (a.http == 200 && text_ends(a.text, strchr(uri, '?') + 1))
			atomic_fetch_add(&c->right, 1);
		else if (a.http == 503 && strstr(a.text, "Retry-After: ") && strstr(a.text, "</html>"))
			atomic_fetch_add(&c->busy, 1);
		else
			atomic_fetch_add(&c->wrong, 1);
		pthread_mutex_lock(&c->mutex);
		if (a.http == 503 && a.took > c->slowest_busy)
			c->slowest_busy = a.took;
		pthread_mutex_unlock(&c->mutex);
	}
	return NULL;
}

static void crowd_start(struct crowd *c)
{
	c->threads = calloc(c->n, sizeof *c->threads);
	pthread_mutex_init(&c->mutex, NULL);
	for (size_t i = 0; i < c->n; i++)
		assert_int_equal(pthread_create(&c->threads[i], NULL, crowd_member, c), 0);
}

static void crowd_wait(struct crowd *c)
{
	for (size_t i = 0; i < c->n; i++)
		pthread_join(c->threads[i], NULL);
	pthread_mutex_destroy(&c->mutex);
	free(c->threads);
}

/* --- Tests ----------------------------------------------------------------------------------------------------------------------------- */

static void many_clients_get_their_own_answers(void **state)
{
	struct crowd c = {.n = 16, .each = 100, .uri = "/fast"};

	site_start(4, 64);
	crowd_start(&c);
	crowd_wait(&c);
	site_stop();
	assert_int_equal(c.right, 1600);
}

static void bodies_and_large_responses(void **state)
{
	static char body[100 * 1024 + 1], too_long[150 * 1024 + 1];
	struct answer a;

	site_start(2, 8);
	assert_int_equal(ask("POST", "/echo", "").body, strlen("nothing"));
	memset(body, 'b', sizeof body - 1);
	memcpy(body, "x=", 2);
	a = ask("POST", "/echo", body);
	assert_int_equal(a.http, 200);
	assert_int_equal(a.body, sizeof body - 3);
	/* What is too long is refused without being read, and the refusal still arrives. */
	memset(too_long, 'b', sizeof too_long - 1);
	assert_int_equal(ask("POST", "/echo", too_long).http, 413);
	a = ask("GET", "/big", "");
	assert_int_equal(a.http, 200);
	assert_int_equal(a.body, BIG);
	a = ask("HEAD", "/big", "");
	assert_int_equal(a.http, 200);
	assert_int_equal(a.body, 0);
	site_stop();
	assert_int_equal(complete_after, 1);   /* GET */
	assert_int_equal(incomplete_after, 1); /* HEAD delivers nothing */
}

static void a_full_queue_is_told_at_once(void **state)
{
	struct crowd c = {.n = 40, .each = 1, .uri = "/slow"};

	site_start(2, 4);
	crowd_start(&c);
	crowd_wait(&c);
	print_message("answered %d, refused %d, slowest refusal %lld ms\n", c.right, c.busy,
		(long long)c.slowest_busy);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(c.right + c.busy, 40);
	assert_true(c.right >= 6);
	assert_true(c.busy > 0);
	/* It comes while the workers sleep, not after. */
	assert_true(c.slowest_busy < SLOW * 8);
	/* The queue is empty again. */
	assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	site_stop();
}

static void silent_clients_do_not_hold_others_up(void **state)
{
	int silent[4], dead;
	struct answer a;
	char byte;

	site_start(2, 8);
	for (size_t i = 0; i < COUNT_OF(silent); i++)
		silent[i] = client_connect();
	a = ask("GET", "/fast?1", "");
	assert_int_equal(a.http, 200);
	/* Four of them share two workers for one time limit each, and a little. */
	assert_true(a.took < 4 * IO_TIMEOUT + 2000);
	for (size_t i = 0; i < COUNT_OF(silent); i++) {
		assert_true(recv(silent[i], &byte, 1, 0) <= 0);
		close(silent[i]);
	}
	dead = client_connect();
	close(dead);
	assert_int_equal(ask("GET", "/fast?2", "").http, 200);
	site_stop();
}

/* Sends a byte now and then, so that no single read takes too long. */
static void *dribble(void *context)
{
	uint8_t out[2048];
	size_t len = message(out, "GET", "/fast?dribble", "");
	int fd = client_connect();
	when begun = clock_monotonic();

	for (size_t i = 0; i < len && clock_monotonic() - begun < PATIENCE; i++) {
		if (send(fd, out + i, 1, MSG_NOSIGNAL) != 1)
			break;
		sleep_ms(IO_TIMEOUT / 4);
	}
	close(fd);
	*(when *)context = clock_monotonic() - begun;
	return NULL;
}

static void dribbling_clients_are_cut(void **state)
{
	pthread_t thread;
	when took = 0;

	site_start(1, 8);
	assert_int_equal(pthread_create(&thread, NULL, dribble, &took), 0);
	sleep_ms(50);
	assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	pthread_join(thread, NULL);
	assert_true(took >= IO_TIMEOUT);
	assert_true(took < 10 * IO_TIMEOUT);
	site_stop();
}

static void clients_that_do_not_read_are_left(void **state)
{
	uint8_t out[2048];
	size_t len = message(out, "GET", "/big", "");
	int fd;

	incomplete_after = 0;
	site_start(1, 8);
	fd = client_connect();
	assert_true(send_all(fd, out, len));
	/* The only worker writes to it until the time limit, then it is free again. */
	assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	close(fd);
	fd = client_connect();
	assert_true(send_all(fd, out, len));
	close(fd); /* gone before the answer */
	assert_int_equal(ask("GET", "/fast?2", "").http, 200);
	site_stop();
	assert_int_equal(incomplete_after, 2);
}

static void garbage_does_no_harm(void **state)
{
	static const uint8_t begin[8] = {0, 1}, bad_role[8] = {0, 9};
	uint8_t out[4096], good[4096];
	size_t lengths[8], n = 0;
	uint8_t *cases[8];
	size_t whole = message(good, "GET", "/fast?x", "");

	/* Another version; a type that does not exist; parameters before the beginning; a role that does not exist; ends too early, twice. */
	cases[n] = out;
	memset(out, 0xff, 64);
	lengths[n++] = 64;
	cases[n] = out + 64;
	lengths[n++] = record(out + 64, 77, "abc", 3);
	cases[n] = out + 128;
	lengths[n++] = record(out + 128, 4, "\1\1ab", 4);
	cases[n] = out + 192;
	lengths[n++] = record(out + 192, 1, bad_role, sizeof bad_role);
	cases[n] = out + 256;
	lengths[n++] = record(out + 256, 1, begin, sizeof begin);
	cases[n] = good;
	lengths[n++] = whole / 2;
	cases[n] = (uint8_t *)"GET / HTTP/1.1\r\n\r\n";
	lengths[n++] = 18;
	handled = 0;
	site_start(2, 8);
	for (size_t i = 0; i < n; i++) {
		int fd = client_connect();
		struct answer a = {0};

		assert_true(send_all(fd, cases[i], lengths[i]));
		shutdown(fd, SHUT_WR);
		answer_read(fd, &a);
		/* A request without any parameter is one, to libfcgi. */
		assert_true(a.http == 0 || a.http == 400);
		close(fd);
		assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	}
	site_stop();
	assert_int_equal(handled, n);
}

static void garbage_is_refused_too(void **state)
{
	struct crowd c = {.n = 12, .each = 1, .uri = "/slow"};
	int fds[20];

	site_start(1, 1);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = client_connect();
		if (i % 3 == 1)
			send_all(fds[i], "\377\377\377\377\377\377\377\377", 8);
		if (i % 3 == 2)
			close(fds[i]);
	}
	crowd_start(&c);
	crowd_wait(&c);
	assert_int_equal(c.wrong, 0);
	assert_true(c.busy > 0);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		if (i % 3 != 2)
			close(fds[i]);
	sleep_ms(2 * IO_TIMEOUT);
	assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	site_stop();
}

/* Some requests are being answered, some queued, some still in the kernel when the stop comes. */
static void the_stop_drops_nothing(void **state)
{
	struct crowd early = {.n = 8, .each = 1, .uri = "/slow"}, late = {.n = 24, .each = 1, .uri = "/slow"};

	site_start(4, 4);
	crowd_start(&early);
	while (early.connected < 8)
		sleep_ms(1);
	sleep_ms(20);
	site.hold = 1000;
	uv_async_send(&site.stop);
	sleep_ms(50); /* the loop sleeps now: these stay in the kernel, and are more than the queue takes */
	crowd_start(&late);
	crowd_wait(&late);
	crowd_wait(&early);
	pthread_join(site.thread, NULL);
	assert_int_equal(uv_loop_close(&site.loop), 0);
	print_message("early %d (refused %d), late %d (refused %d)\n", early.right, early.busy, late.right,
		late.busy);
	assert_int_equal(early.wrong + late.wrong, 0);
	assert_int_equal(late.right, 24);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(client_connect(), -1);
}

static void stops_under_load_drop_nothing(void **state)
{
	for (int round = 0; round < 5; round++) {
		struct crowd c = {.n = 8, .each = 1, .uri = "/fast"};
		int before = handled;

		site_start(2, 64);
		c.each = 50;
		crowd_start(&c);
		while (handled < before + 50)
			sleep_ms(1);
		site_stop();
		crowd_wait(&c);
		/* Who came too late found no socket; nobody who was let in was left without an answer. */
		assert_int_equal(c.busy, 0);
		assert_int_equal(handled - before, c.right);
	}
}

static void refused_start(const char *why)
{
	assert_int_equal(uv_loop_init(&site.loop), 0);
	assert_int_equal(site_try(1, 1), STATUS_INVALID);
	if (!strstr(cause_text(), why))
		fail_msg("%s instead of %s", cause_text(), why);
	assert_int_equal(uv_loop_close(&site.loop), 0);
}

static void the_socket_is_ours_alone(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char good[sizeof path];
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* A socket of a living process is left alone ... */
	memcpy(at.sun_path, path, sizeof path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	refused_start("in use");
	assert_int_equal(access(path, F_OK), 0);
	/* ... one that a dead process left behind is replaced ... */
	close(fd);
	site_start(1, 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(ask("GET", "/fast?1", "").http, 200);
	/* ... and when somebody else's stands there at the end, it stays. */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	site_stop();
	assert_int_equal(access(path, F_OK), 0);
	refused_start("not a socket");
	unlink(path);
	memcpy(good, path, sizeof path);
	snprintf(path, sizeof path, "/nonexistent/socket");
	refused_start("/nonexistent");
	memcpy(path, good, sizeof path);
}

static int set_up(void **state)
{
	arena = arena_new();
	view_strings_start(arena);
	view_strings_file("core", "layout.html", "{{>BODY}}");
	view_strings_file("core", "error.html", "{{MESSAGE}}");
	if (!mkdtemp(dir) || view_strings_load(NULL) != STATUS_OK || router_add("test", routes) != STATUS_OK)
		return -1;
	snprintf(path, sizeof path, "%s/s", dir);
	log_start(LOG_ERROR);
	server_prepare();
	return 0;
}

static int tear_down(void **state)
{
	rmdir(dir);
	view_strings_end();
	arena_free(arena);
	return 0;
}

/* As a program of its own, for tests through nginx: serves on the socket until SIGTERM, and prints how many requests it handled. */
static void on_term(uv_signal_t *signal, int number)
{
	server_stop();
	uv_close((uv_handle_t *)signal, NULL);
}

static int serve(const char *socket)
{
	uv_signal_t term;

	if (set_up(NULL) != 0)
		return 1;
	rmdir(dir);
	snprintf(path, sizeof path, "%s", socket);
	uv_loop_init(&site.loop);
	uv_signal_init(&site.loop, &term);
	uv_signal_start(&term, on_term, SIGTERM);
	if (site_try(2, 4) != STATUS_OK) {
		fprintf(stderr, "%s\n", cause_text());
		return 1;
	}
	uv_run(&site.loop, UV_RUN_DEFAULT);
	printf("handled %d\n", handled);
	view_strings_end();
	arena_free(arena);
	return uv_loop_close(&site.loop) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && text_same(argv[1], "serve"))
		return serve(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_clients_get_their_own_answers),
		cmocka_unit_test(bodies_and_large_responses),
		cmocka_unit_test(a_full_queue_is_told_at_once),
		cmocka_unit_test(silent_clients_do_not_hold_others_up),
		cmocka_unit_test(dribbling_clients_are_cut),
		cmocka_unit_test(clients_that_do_not_read_are_left),
		cmocka_unit_test(garbage_does_no_harm),
		cmocka_unit_test(garbage_is_refused_too),
		cmocka_unit_test(the_stop_drops_nothing),
		cmocka_unit_test(stops_under_load_drop_nothing),
		cmocka_unit_test(the_socket_is_ours_alone),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
