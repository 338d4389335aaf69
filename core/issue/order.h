/* The jobs that carry orders to upstreams and collect their answers. */
#ifndef INKAN_ISSUE_ORDER_H
#define INKAN_ISSUE_ORDER_H

#include "issue/poll.h"
#include "issue/upstream.h"

extern const struct job_kind order_jobs[]; /* core.submit, core.revoke */

/* How the jobs find an enabled upstream by its plugin's name (the plugin layer stands above this one). */
void order_start(const struct upstream *(*find)(const char *name));

/* Behind an upstream's name: under what store/health.h knows how its orders fare. */
#define ORDER_PULSE ".orders"

/* Runs collect() of the upstream whose name stands before ".collect" in the job's kind. */
#define ORDER_COLLECT ".collect"
enum status order_collect(const struct job_run *run) MUST_CHECK;

#endif
