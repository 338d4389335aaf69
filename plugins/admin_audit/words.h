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
/* The other way: what a person types or copies from the page ("申請 17", "User 3", in any width), as it is stored. */
const char *object_wanted(struct arena *a, const char *words);

/* particulars.c: fills WORDs and PAIRs; false: they are not the program's own, and nothing was filled. */
bool particulars_fill(struct request *rq, struct model *m, const char *detail);

#endif
