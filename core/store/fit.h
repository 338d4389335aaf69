/* Text from outside made to fit a column. */
#ifndef INKAN_STORE_FIT_H
#define INKAN_STORE_FIT_H

#include "base/text.h"

/* At most max_chars characters of valid UTF-8: the rest is cut off, a text that is not UTF-8 is escaped. NULL gives NULL. */
const char *fit(struct arena *a, const char *s, size_t max_chars);

#endif
