/* The lists of what waits for a person: failed jobs, and events that could not be applied. */
#ifndef ADMIN_HEALTH_LISTS_H
#define ADMIN_HEALTH_LISTS_H

#include "plugin.h"

/* What a kind of job does, in this thread's language; NULL: a plugin's own, which only its name tells. */
const char *job_words(const char *kind);
/* Fills APPLICATION (its id) and, when there is a page of it, its path. deleted: there is none any more. */
void application_fill(struct model *m, uint64_t id, bool deleted);

enum status jobs_page(struct request *rq);
enum status job_restart_send(struct request *rq);
enum status job_discard_ask(struct request *rq);
enum status job_discard_send(struct request *rq);

enum status events_page(struct request *rq);
enum status event_page(struct request *rq);
enum status event_close(struct request *rq);

#endif
