/* A received mail as a person reads it. */
#ifndef INKAN_DEMO_MAILBOX_LETTER_H
#define INKAN_DEMO_MAILBOX_LETTER_H

#include "plugin.h"

struct letter {
	const char *from, *to, *date, *subject, *body; /* decoded, valid UTF-8, "" when there is none */
};

/* Never fails: what cannot be read is left empty. */
struct letter letter_read(struct arena *a, struct bytes raw);

#endif
