/* Periodic jobs of the house itself: sweeping what is over, chaining the audit trail. */
#ifndef INKAN_ISSUE_UPKEEP_H
#define INKAN_ISSUE_UPKEEP_H

#include "issue/poll.h"
#include "store/reseal.h"

extern const struct job_kind upkeep_jobs[]; /* core.sweep, core.chain, core.verify, core.verify_now (payload: who asked), core.reseal */

extern const struct sealed_column core_sealed[];

/* The key under which the audit trail is chained; lives as long as the process; and every column that
 * job core.reseal walks (payload ""): lists, NULL-terminated. */
void upkeep_start(struct bytes audit_key, const struct sealed_column *const *sealed);

#endif
