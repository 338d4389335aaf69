/* Deleting an application that came to nothing, and what is still reported about it afterwards. */
#ifndef INKAN_STORE_APPLICATION_DELETE_H
#define INKAN_STORE_APPLICATION_DELETE_H

#include "store/application.h"

/* Whether it may be deleted: in error, and no certificate was issued for it that we know of. ret_issued: the upstream has issued one that
 * only its card service did not take. */
enum status application_deletable(struct db *db, struct arena *a, const struct application *app, bool *ret, bool *ret_issued) MUST_CHECK;
/* Deletes application, events, reminders, conflicts and jobs, with an audit row that says what it was, in one transaction. The state
 * is asked again inside it: CONFLICT, and nothing is changed, when it may not be deleted (any more). MISSING. */
enum status application_delete(struct db *db, struct arena *a, uint64_t id, const char *note) MUST_CHECK;
/* A report about an application that is not there (any more): kept among those that could not be applied, for administrators. */
enum status application_report_lost(struct db *db, struct arena *a, uint64_t id, const struct event *event) MUST_CHECK;

#endif
