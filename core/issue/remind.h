/* Reminders: when applicants are told that a download window closes or a certificate expires. */
#ifndef INKAN_ISSUE_REMIND_H
#define INKAN_ISSUE_REMIND_H

#include "issue/poll.h"
#include "store/deadline.h"

struct remind_settings {
	const char *const *download_days, *const *expiry_days; /* days before the deadline, as text */
	int64_t mail_pause; /* ms between two issue mails that an applicant asks for */
};
/* INVALID: the cause names the setting that is no list of days. The settings must stay. */
enum status remind_start(const struct remind_settings *settings) MUST_CHECK;

/* From so long before a deadline it is near: the earliest of its marks; 0: nobody is reminded of this kind. */
when remind_near(enum deadline_kind kind);
int64_t remind_mail_pause(void);

extern const struct job_kind remind_jobs[]; /* core.remind */

#endif
