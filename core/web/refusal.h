/* Refusals: connections that find the queue full are told so at once, in the loop, without ever blocking it. */
#ifndef INKAN_WEB_REFUSAL_H
#define INKAN_WEB_REFUSAL_H

#include <stdbool.h>
#include <uv.h>

struct refusals;

struct refusals *refusals_new(uv_loop_t *loop);
/* False: as many as may be are under way already. The loop should accept nothing then. */
bool refusals_room(const struct refusals *r);
/* Takes the descriptor over: it is answered 503 and closed. */
void refusals_add(struct refusals *r, int fd);
/* Ends those that took too long; returns how many were added since the last call. Call it every second or more often. */
unsigned refusals_tick(struct refusals *r);
/* Finishes those under way, waiting a second at most, and frees r when the loop has closed its handles. */
void refusals_end(struct refusals *r);

#endif
