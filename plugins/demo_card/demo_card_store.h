/* Rows of the demo's card server: one for each card. */
#ifndef INKAN_DEMO_CARD_STORE_H
#define INKAN_DEMO_CARD_STORE_H

#include "plugin.h"

/* The latest cards are kept; a demo has no use for more, and whoever applies again and again must not fill the disk. */
#define DEMO_CARDS_KEPT 500

struct demo_card {
	uint64_t id;
	const char *card;	      /* UPKI-PASS ID */
	const char *serial, *subject; /* hexadecimal; RFC 4514, CN first */
	when not_before, not_after;
	int64_t p12_bytes;
	const char *p12_digest;	      /* SHA-256, hexadecimal */
	when received_at, revoked_at; /* revoked_at 0: it is in use */
	int64_t times;		      /* how often it came: more than once when an answer was lost */
};

/* The same .p12 again is the same card, and stays what it is. Drops the oldest. */
enum status demo_card_insert(struct db *db, struct arena *a, const struct demo_card *card) MUST_CHECK;
/* Every card of this ID that is in use; *ret_changed is how many were. */
enum status demo_card_revoke(struct db *db, const char *card, when now, uint64_t *ret_changed) MUST_CHECK;
/* Newest first, below that id (0: from the newest). */
enum status demo_card_list(struct db *db, struct arena *a, uint64_t below, unsigned limit,
	struct demo_card **ret, size_t *ret_n) MUST_CHECK;

#endif
