/* What stands in the audit trail, in words. */
#ifndef INKAN_ADMIN_AUDIT_WORDS_H
#define INKAN_ADMIN_AUDIT_WORDS_H

#include "plugin.h"

/* The action in this thread's language; NULL: it has no words. */
const char *action_words(const char *action);
/* All that have words, for the filter: NULL at the end. */
const char *action_at(size_t i);
/* "user:3", "application:17" in words; other objects as they are. */
const char *object_words(struct arena *a, const char *object);

#endif
