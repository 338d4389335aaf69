/* The demo's mail server: a subset of SMTP (RFC 5321) in a thread of its own that delivers every mail into a table. */
#include "sink.h"

#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "demo_mailbox_store.h"
#include "letter.h"

#define GUESTS_MAX 32                     /* connections at a time; one server sends with 4 threads */
#define LINE_MAX_BYTES 2048               /* RFC 5321 4.5.3.1.6 allows 1,000 */
#define MAIL_MAX ((size_t)1024 * 1024)    /* a notice has about 5 KB */
#define RECIPIENTS_MAX 20
#define SILENCE ((uint64_t)60 * SECOND)   /* then a guest is shown out */
#define SUBJECT_BYTES 255                 /* of the column */
#define GREETING_BYTES 512                /* RFC 5321 4.5.3.1.5 */
#define GREETING_TIME (5 * SECOND)        /* a mailbox that just starts, or is busy, answers within a moment */
#define LISTEN_TRIES 3

/* A connection. */
struct guest {
	uv_tcp_t tcp; /* first: the handle's address is the guest's */
	uv_timer_t timer;
	struct arena *arena;
	char in[4096];
	char line[LINE_MAX_BYTES];
	size_t line_len;
	bool line_long, after_cr;
	bool in_data, has_sender;
	unsigned open_handles;
	const char *recipients[RECIPIENTS_MAX + 1];
	size_t recipients_n;
	struct text data;
};

static struct sink {
	pthread_t thread;
	uv_loop_t loop;
	uv_tcp_t listener;
	uv_async_t stop;
	struct db *db;
	unsigned guests;
	bool running;
	char name[300]; /* in the greeting: tells the processes of one site from everybody else */
} sink;

static void guest_closed(uv_handle_t *handle)
{
	struct guest *g = handle->data;
	if (--g->open_handles > 0)
		return;
	sink.guests--;
	arena_free(g->arena);
	free(g);
}

static void guest_close(struct guest *g)
{
	if (uv_is_closing((uv_handle_t *)&g->tcp))
		return;
	uv_close((uv_handle_t *)&g->tcp, guest_closed);
	uv_close((uv_handle_t *)&g->timer, guest_closed);
}

/* Answers are short and one at a time: a guest that does not even take one is of no use. */
static void guest_say(struct guest *g, const char *line)
{
	char reply[GREETING_BYTES];
	int len = snprintf(reply, sizeof reply, "%s\r\n", line);
	uv_buf_t buf = uv_buf_init(reply, (unsigned)len);
	if (uv_try_write((uv_stream_t *)&g->tcp, &buf, 1) != len)
		guest_close(g);
}

static void guest_forget(struct guest *g)
{
	arena_reset(g->arena);
	g->recipients_n = 0;
	g->has_sender = g->in_data = false;
}

static enum status mail_store(struct guest *g)
{
	struct bytes raw = bytes_of(g->data.data, g->data.len);
	const char *subject = letter_read(g->arena, raw).subject;
	size_t len = strlen(subject);
	if (len > SUBJECT_BYTES)
		for (len = SUBJECT_BYTES; len > 0 && ((unsigned char)subject[len] & 0xc0) == 0x80;)
			len--; /* not in the middle of a character */
	g->recipients[g->recipients_n] = NULL;
	return demo_mail_insert(sink.db, g->arena, g->recipients, arena_stringn(g->arena, subject, len), raw);
}

static void mail_end(struct guest *g)
{
	if (g->data.full) {
		guest_forget(g);
		guest_say(g, "552 5.3.4 too large");
		return;
	}
	enum status s = mail_store(g);
	if (s == STATUS_OK)
		log_info("mailbox, received a mail for %zu", g->recipients_n);
	else
		log_status(s, "mailbox, a mail was not stored");
	guest_forget(g);
	guest_say(g, s == STATUS_OK ? "250 2.0.0 stored" : "451 4.3.0 not now");
}

static void data_line(struct guest *g)
{
	if (g->line_len == 1 && g->line[0] == '.' && !g->line_long) {
		mail_end(g);
		return;
	}
	size_t skip = g->line[0] == '.' && g->line_len > 0; /* RFC 5321 4.5.2 */
	text_add_bytes(&g->data, g->line + skip, g->line_len - skip);
	text_add(&g->data, "\r\n");
}

/* The address between < and > of MAIL FROM:<...> or RCPT TO:<...>; NULL when the line is none of that. */
static const char *path_of(struct guest *g, const char *prefix)
{
	size_t len = strlen(prefix);
	if (strncasecmp(g->line, prefix, len) != 0)
		return NULL;
	const char *start = strchr(g->line + len, '<');
	const char *end = start ? strchr(start, '>') : NULL;
	if (!end || end - start > 254)
		return NULL;
	const char *path = arena_stringn(g->arena, start + 1, (size_t)(end - start - 1));
	return text_utf8_valid(path, strlen(path)) ? path : NULL;
}

static void command_mail(struct guest *g)
{
	guest_forget(g);
	g->has_sender = path_of(g, "MAIL FROM:") != NULL;
	guest_say(g, g->has_sender ? "250 2.1.0 go on" : "501 5.5.4 MAIL FROM:<address>");
}

static void command_rcpt(struct guest *g)
{
	const char *path = path_of(g, "RCPT TO:");
	if (!g->has_sender)
		guest_say(g, "503 5.5.1 MAIL first");
	else if (!path || !strchr(path, '@'))
		guest_say(g, "501 5.1.3 RCPT TO:<address>");
	else if (g->recipients_n == RECIPIENTS_MAX)
		guest_say(g, "452 4.5.3 too many recipients");
	else {
		g->recipients[g->recipients_n++] = path;
		guest_say(g, "250 2.1.5 go on");
	}
}

static void command_data(struct guest *g)
{
	if (g->recipients_n == 0) {
		guest_say(g, "503 5.5.1 RCPT first");
		return;
	}
	g->in_data = true;
	g->data = text_new(g->arena, MAIL_MAX);
	guest_say(g, "354 end with a dot alone on a line");
}

static void command_line(struct guest *g)
{
	const char *l = g->line;
	if (g->line_long)
		guest_say(g, "500 5.5.2 line too long");
	else if (strncasecmp(l, "EHLO ", 5) == 0) {
		guest_forget(g);
		guest_say(g, "250-inkan demo mailbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1048576");
	} else if (strncasecmp(l, "HELO ", 5) == 0) {
		guest_forget(g);
		guest_say(g, "250 inkan demo mailbox");
	} else if (strncasecmp(l, "MAIL ", 5) == 0)
		command_mail(g);
	else if (strncasecmp(l, "RCPT ", 5) == 0)
		command_rcpt(g);
	else if (strcasecmp(l, "DATA") == 0)
		command_data(g);
	else if (strcasecmp(l, "RSET") == 0) {
		guest_forget(g);
		guest_say(g, "250 2.0.0 forgotten");
	} else if (strcasecmp(l, "NOOP") == 0)
		guest_say(g, "250 2.0.0 here");
	else if (strcasecmp(l, "QUIT") == 0) {
		guest_say(g, "221 2.0.0 goodbye");
		guest_close(g);
	} else
		guest_say(g, "502 5.5.1 not here");
}

/* A line ends in CRLF and in nothing else: a lone CR or LF is part of it. */
static void guest_take(struct guest *g, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !uv_is_closing((uv_handle_t *)&g->tcp); i++) {
		if (data[i] == '\n' && g->after_cr) {
			g->line_len--;
			g->line[g->line_len] = '\0';
			if (g->in_data)
				data_line(g);
			else
				command_line(g);
			g->line_len = 0;
			g->line_long = g->after_cr = false;
			continue;
		}
		if (g->line_len + 2 > sizeof g->line) {
			g->line_long = true; /* its end is kept free for the CR */
			g->line_len--;
		}
		g->line[g->line_len++] = data[i];
		g->after_cr = data[i] == '\r';
	}
}

static void guest_silent(uv_timer_t *timer)
{
	guest_close(timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct guest *g = handle->data;
	*buf = uv_buf_init(g->in, sizeof g->in);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct guest *g = stream->data;
	if (n < 0) {
		guest_close(g);
		return;
	}
	uv_timer_start(&g->timer, guest_silent, SILENCE, 0);
	guest_take(g, buf->base, (size_t)n);
}

static void guest_greet(struct guest *g, const char *code, const char *behind)
{
	char line[GREETING_BYTES];
	snprintf(line, sizeof line, "%s %s%s", code, sink.name, behind);
	guest_say(g, line);
}

static void on_guest(uv_stream_t *listener, int status)
{
	if (status < 0)
		return;
	struct guest *g = calloc(1, sizeof *g);
	ASSERT(g);
	g->arena = arena_new();
	g->open_handles = 2;
	sink.guests++;
	uv_tcp_init(&sink.loop, &g->tcp);
	uv_timer_init(&sink.loop, &g->timer);
	g->tcp.data = g->timer.data = g;
	if (uv_accept(listener, (uv_stream_t *)&g->tcp) != 0) {
		guest_close(g);
		return;
	}
	if (sink.guests > GUESTS_MAX) {
		guest_greet(g, "421", ", too many connections");
		guest_close(g);
		return;
	}
	uv_timer_start(&g->timer, guest_silent, SILENCE, 0);
	uv_read_start((uv_stream_t *)&g->tcp, on_alloc, on_read);
	guest_greet(g, "220", "");
}

static void handle_close(uv_handle_t *handle, void *unused)
{
	if (uv_is_closing(handle))
		return;
	if (handle->data)
		guest_close(handle->data);
	else
		uv_close(handle, NULL);
}

static void on_stop(uv_async_t *async)
{
	uv_walk(&sink.loop, handle_close, NULL);
}

static void *sink_run(void *unused)
{
	log_context("mailbox");
	uv_run(&sink.loop, UV_RUN_DEFAULT); /* until the last handle is closed */
	return NULL;
}

/* The first line that the socket gives, without its CRLF; "" when none came in time. */
static void line_read(int fd, char *line, size_t room)
{
	when until = clock_monotonic() + GREETING_TIME;
	size_t len = 0;
	while (len + 1 < room && clock_monotonic() < until) {
		ssize_t n = read(fd, line + len, room - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		if (memchr(line, '\n', len))
			break;
	}
	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
}

enum holder { HOLDER_NONE, HOLDER_OURS, HOLDER_STRANGER };

/* Who has the port: a mailbox names its site when it greets. */
static enum holder port_holder(const struct sockaddr_in *address)
{
	const struct timeval limit = {.tv_sec = GREETING_TIME / SECOND};
	char line[GREETING_BYTES] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return HOLDER_STRANGER;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* of connect() too */
	bool there = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
	if (there)
		line_read(fd, line, sizeof line);
	close(fd);
	if (!there)
		return HOLDER_NONE; /* it has just gone */
	size_t len = strlen(sink.name);
	bool ours = strlen(line) >= len + 4 && strncmp(line + 4, sink.name, len) == 0 && (!line[len + 4] || line[len + 4] == ',');
	return ours ? HOLDER_OURS : HOLDER_STRANGER;
}

static int sink_listen(const struct sockaddr_in *address)
{
	uv_loop_init(&sink.loop);
	uv_async_init(&sink.loop, &sink.stop, on_stop);
	uv_tcp_init(&sink.loop, &sink.listener);
	int error = uv_tcp_bind(&sink.listener, (const struct sockaddr *)address, 0);
	if (!error)
		error = uv_listen((uv_stream_t *)&sink.listener, GUESTS_MAX, on_guest);
	if (error) {
		uv_walk(&sink.loop, handle_close, NULL);
		uv_run(&sink.loop, UV_RUN_DEFAULT);
		uv_loop_close(&sink.loop);
	}
	return error;
}

static void sink_thread_start(const struct db *db)
{
	sigset_t all, old;
	sink.db = db_twin(db);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	sink.running = pthread_create(&sink.thread, NULL, sink_run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	ASSERT(sink.running);
}

enum status sink_start(int port, const char *site, const struct db *db)
{
	struct sockaddr_in address;
	enum holder holder = HOLDER_NONE;
	int error = uv_ip4_addr("127.0.0.1", port, &address);

	snprintf(sink.name, sizeof sink.name, "inkan demo mailbox of %s", site);
	for (int i = 0; !error && i < LISTEN_TRIES && holder == HOLDER_NONE; i++) {
		error = sink_listen(&address);
		if (!error) {
			sink_thread_start(db);
			return STATUS_OK;
		}
		if (error == UV_EADDRINUSE) {
			holder = port_holder(&address);
			error = 0;
		}
	}
	if (error)
		return cause(STATUS_INVALID, "demo_mailbox.conf: cannot listen on 127.0.0.1:%d (%s)", port, uv_strerror(error));
	if (holder != HOLDER_OURS)
		return cause(STATUS_INVALID,
			"demo_mailbox.conf: port %d of 127.0.0.1 belongs to another program, which does not greet as the mailbox of %s; "
			"name a free one here and in mail_url of inkan.conf",
			port, site);
	log_info("mailbox, another process of this site has 127.0.0.1:%d and receives the mail", port);
	return STATUS_OK;
}

void sink_stop(void)
{
	if (!sink.running)
		return;
	uv_async_send(&sink.stop);
	pthread_join(sink.thread, NULL);
	uv_loop_close(&sink.loop);
	db_free(sink.db);
	sink.running = false;
}
