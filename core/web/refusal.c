/* Answers 503 to FastCGI requests that cannot be queued: reads just enough, writes one prepared text, never waits. */
#include "web/refusal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"

/* More at a time stay in the kernel's queue: bounds descriptors. nginx needs well under 1 ms to take such an answer. */
#define REFUSALS_MAX 512
/* nginx has sent its request long before; whoever has not is not worth waiting for. */
#define REFUSAL_TIME SECOND
#define READS_AT_ONCE 64

/* FastCGI 1.0, sections 3.3 and 8. */
#define FCGI_HEADER 8
#define FCGI_VERSION 1
#define FCGI_BEGIN 1
#define FCGI_END 3
#define FCGI_OUT 6

static const char answer_text[] =
	"Status: 503 Service Unavailable\r\n"
	"Content-Type: text/html; charset=utf-8\r\n"
	"Retry-After: 10\r\n"
	"Cache-Control: no-store\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
	"\r\n"
	"<!doctype html><html lang=\"ja\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
	"<title>503</title>"
	"<h1>ただいま混み合っています</h1><p>まだ何も変更されていません。しばらくしてからもう一度お試しください。</p>"
	"<div lang=\"en\"><h1>The system is busy</h1><p>Nothing was changed. Please try again in a few moments.</p></div>"
	"</html>\n";

struct refusal {
	uv_poll_t poll;
	struct refusals *all;
	int fd; /* -1: free */
	when deadline;
	uint8_t head[FCGI_HEADER];
	size_t got;
	bool closing;
};

struct refusals {
	uv_loop_t *loop;
	struct refusal slots[REFUSALS_MAX];
	size_t used;
	unsigned added;
	bool ended;
};

struct refusals *refusals_new(uv_loop_t *loop)
{
	struct refusals *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	r->loop = loop;
	for (size_t i = 0; i < REFUSALS_MAX; i++)
		r->slots[i].fd = -1;
	return r;
}

bool refusals_room(const struct refusals *r)
{
	return r->used < REFUSALS_MAX;
}

static size_t record_put(uint8_t *to, uint8_t type, const uint8_t *id, const void *content, size_t len)
{
	const uint8_t head[FCGI_HEADER] = {
		FCGI_VERSION, type, id[0], id[1], (uint8_t)(len >> 8), (uint8_t)len, 0, 0};

	memcpy(to, head, sizeof head);
	memcpy(to + sizeof head, content, len);
	return sizeof head + len;
}

/* Writes the whole answer, or fails: it is far smaller than a socket's buffer. */
static bool answer(int fd, const uint8_t *id)
{
	static const uint8_t complete[8] = {0};
	uint8_t out[sizeof answer_text + 3 * FCGI_HEADER + sizeof complete];
	size_t len = record_put(out, FCGI_OUT, id, answer_text, sizeof answer_text - 1);

	len += record_put(out + len, FCGI_OUT, id, "", 0);
	len += record_put(out + len, FCGI_END, id, complete, sizeof complete);
	return send(fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len && shutdown(fd, SHUT_WR) == 0;
}

/* Does what can be done without waiting. True: the connection can be closed. What the peer goes on sending is read and dropped:
 * to close with unread bytes would take the answer from it. */
static bool refusal_step(struct refusal *r)
{
	uint8_t data[8192];

	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t n = recv(r->fd, data, sizeof data, MSG_DONTWAIT);
		size_t wanted = FCGI_HEADER - r->got;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0)
			return true;
		if (!wanted)
			continue;
		if (wanted > (size_t)n)
			wanted = (size_t)n;
		memcpy(r->head + r->got, data, wanted);
		r->got += wanted;
		if (r->got == FCGI_HEADER && (r->head[0] != FCGI_VERSION || r->head[1] != FCGI_BEGIN ||
						     !answer(r->fd, r->head + 2)))
			return true;
	}
	return false;
}

static void refusal_closed(uv_handle_t *handle)
{
	struct refusal *r = handle->data;
	struct refusals *all = r->all;

	r->fd = -1;
	all->used--;
	if (all->ended && !all->used)
		free(all);
}

static void refusal_close(struct refusal *r)
{
	r->closing = true;
	uv_close((uv_handle_t *)&r->poll, refusal_closed);
	close(r->fd);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct refusal *r = poll->data;

	if (status < 0 || refusal_step(r))
		refusal_close(r);
}

void refusals_add(struct refusals *all, int fd)
{
	struct refusal *r = all->slots;

	all->added++;
	while (r < all->slots + REFUSALS_MAX && r->fd >= 0)
		r++;
	if (r == all->slots + REFUSALS_MAX || uv_poll_init(all->loop, &r->poll, fd) != 0) {
		close(fd);
		return;
	}
	r->all = all;
	r->fd = fd;
	r->deadline = clock_monotonic() + REFUSAL_TIME;
	r->got = 0;
	r->closing = false;
	r->poll.data = r;
	all->used++;
	if (refusal_step(r) || uv_poll_start(&r->poll, UV_READABLE, on_event) != 0)
		refusal_close(r);
}

unsigned refusals_tick(struct refusals *all)
{
	unsigned added = all->added;

	all->added = 0;
	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct refusal *r = &all->slots[i];

		if (r->fd >= 0 && !r->closing && clock_monotonic() > r->deadline)
			refusal_close(r);
	}
	return added;
}

void refusals_end(struct refusals *all)
{
	when deadline = clock_monotonic() + REFUSAL_TIME;

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct refusal *r = &all->slots[i];

		while (r->fd >= 0 && !r->closing && clock_monotonic() < deadline && !refusal_step(r))
			(void)poll(&(struct pollfd){.fd = r->fd, .events = POLLIN}, 1,
				(int)(deadline - clock_monotonic()));
		if (r->fd >= 0 && !r->closing)
			refusal_close(r);
	}
	all->ended = true;
	if (!all->used)
		free(all);
}
