/* Rows of the demo's mailbox. */
#ifndef INKAN_DEMO_MAILBOX_STORE_H
#define INKAN_DEMO_MAILBOX_STORE_H

#include "plugin.h"

/* Received mail is kept up to so many; a demo has no use for more, and a loop that mails must not fill the disk. */
#define DEMO_MAIL_KEPT 500

struct demo_mail {
	uint64_t id;
	when received_at;
	const char *recipient, *subject;
	struct bytes raw; /* of demo_mail_get() alone */
};

/* Inserts one row for each recipient (NULL-terminated), and drops the oldest. */
enum status demo_mail_insert(struct db *db, struct arena *a, const char *const *recipients, const char *subject,
	struct bytes raw) MUST_CHECK;
/* Newest first, below that id (0: from the newest). */
enum status demo_mail_list(struct db *db, struct arena *a, uint64_t below, unsigned limit, struct demo_mail **ret,
	size_t *ret_n) MUST_CHECK;
enum status demo_mail_get(struct db *db, struct arena *a, uint64_t id, struct demo_mail *ret) MUST_CHECK; /* MISSING */

#endif
