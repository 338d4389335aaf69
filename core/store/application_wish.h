/* Inside of the store: a search for applications as conditions on columns. */
#ifndef INKAN_STORE_APPLICATION_WISH_H
#define INKAN_STORE_APPLICATION_WISH_H

#include "store/application_find.h"

/* Every range is from, and to inclusive. */
struct range {
	int64_t from, to;
};

struct conditions {
	bool nothing; /* cannot be met */
	bool states[APPLICATION_STATE_COUNT];
	size_t n_states;
	struct range live, created, expiry, renews, card;
	const char *serials[2]; /* "" when unused */
	const char *upstream_id; /* "" */
	const char *cn, *cn_end; /* from, and before; "" */
};
enum status wish_read(struct arena *a, const struct application_wish *wish, when now, struct conditions *ret) MUST_CHECK;
bool range_is_open(struct range range);

/* The serial number in lower-case hexadecimal that these decimal digits are; "" when it is longer than serials are. */
const char *serial_of_decimal(struct arena *a, const char *digits);

#endif
