/* What the card server reads from a .p12. */
#ifndef INKAN_DEMO_CARD_CERTIFICATE_H
#define INKAN_DEMO_CARD_CERTIFICATE_H

#include "demo_card_store.h"

/* Opens the .p12 with the PIN, checks that key and certificate belong together, and fills all that the certificate tells; key and PIN
 * are forgotten. INVALID: it does not open, or names no card. */
enum status certificate_read(
	struct arena *a, struct bytes p12, struct bytes pin, struct demo_card *ret) MUST_CHECK;

#endif
