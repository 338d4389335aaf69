/* What waits to be handed over to a card service: key with certificate, and PIN, sealed until the service has accepted them. */
#ifndef INKAN_STORE_HANDOVER_H
#define INKAN_STORE_HANDOVER_H

#include "base/clock.h"
#include "store/db.h"

/* As the upstream gives it: a .p12 and its PIN, or the archives that hold them. */
struct handover {
	struct bytes p12, pin;
	const char *serial, *fingerprint; /* as in struct event; NULL when the upstream does not tell */
	when not_before, not_after;
};

/* Longest that an upstream may give: an RSA 4096 key with its chain has under 10 KB, an archive of it little more. */
#define HANDOVER_MAX (64 * 1024)
/* What nobody accepted for so long is wiped; the upstreams' own download addresses end then too. */
#define HANDOVER_KEPT (28 * DAY)

/* The first one stays, whatever is reported later for this application. INVALID: empty or too long. */
enum status handover_insert(
	struct db *db, struct arena *a, uint64_t application, const struct handover *h, when now) MUST_CHECK;
/* MISSING: never there, or accepted, or wiped. For the job that hands it over, and nobody else. */
enum status handover_get(
	struct db *db, struct arena *a, uint64_t application, struct handover *ret) MUST_CHECK;
enum status handover_waits(struct db *db, struct arena *a, uint64_t application, bool *ret) MUST_CHECK;
enum status handover_wipe(struct db *db, uint64_t application) MUST_CHECK;
enum status handover_sweep(struct db *db, when now) MUST_CHECK;

#endif
