/* Attempts at a secret: counted before they are made, so that many at once are no way around the pause that grows with each failure. */
#ifndef INKAN_STORE_ATTEMPT_H
#define INKAN_STORE_ATTEMPT_H

#include "base/clock.h"
#include "store/db.h"

/* Counts one as failed until attempt_succeeded() says otherwise. purpose: "admin"; subject: whose they are. DENIED: refused until *ret_until
 * (otherwise left alone), and not counted. The first ATTEMPTS_FREE have no pause, then 1 s, doubling up to ATTEMPT_PAUSE_MAX. */
#define ATTEMPTS_FREE 5
#define ATTEMPT_PAUSE_MAX (15 * MINUTE)
enum status attempt_begin(struct db *db, struct arena *a, const char *purpose, uint64_t subject, when *ret_until) MUST_CHECK;
enum status attempt_succeeded(struct db *db, const char *purpose, uint64_t subject) MUST_CHECK;

#endif
