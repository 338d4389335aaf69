/* Workers: threads that take connections from the queue and answer the request on each. */
#ifndef INKAN_WEB_WORKER_H
#define INKAN_WEB_WORKER_H

#include <pthread.h>

#include "base/clock.h"
#include "web/server.h"

struct connection {
	int fd;
	when since; /* clock_monotonic() when it was accepted */
};

/* A bounded queue between the loop and the workers. */
struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct connection *items; /* a ring */
	size_t room, first, n;
	bool ended;
};

void queue_start(struct queue *q, size_t room);
void queue_free(struct queue *q);
/* False when it is full. */
bool queue_put(struct queue *q, struct connection c);
/* Waits for one; false when the queue has ended and is empty. */
bool queue_take(struct queue *q, struct connection *ret);
bool queue_full(struct queue *q);
void queue_end(struct queue *q);

struct worker;

/* Starts a thread with all signals blocked; NULL with a cause. */
struct worker *worker_start(
	struct queue *q, const struct server_settings *settings, const struct db_settings *db);
/* Cuts the connection when reading or writing it takes far too long. Called from the loop every now and then. */
void worker_watch(struct worker *w);
/* True when the thread has left its work, because the queue has ended. */
bool worker_done(struct worker *w);
void worker_join(struct worker *w);

#endif
