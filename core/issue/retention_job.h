/* The job that deletes and blanks what the settings say is old enough. */
#ifndef INKAN_ISSUE_RETENTION_JOB_H
#define INKAN_ISSUE_RETENTION_JOB_H

#include "issue/poll.h"

/* Ages in ms; 0: never. */
struct retention_settings {
	int64_t failed_jobs, conflicts, reminders, event_details, users;
};
void retention_start(const struct retention_settings *settings);
extern const struct job_kind retention_job[]; /* core.retention */

#endif
