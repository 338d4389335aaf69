/* The job that keeps the counts. */
#ifndef INKAN_ADMIN_STATISTICS_COUNT_H
#define INKAN_ADMIN_STATISTICS_COUNT_H

#include "plugin.h"

extern const struct job_kind count_jobs[]; /* admin_statistics.count */

#endif
