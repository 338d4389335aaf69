/* Deadlines of applications: the end of the download window and the expiry of the certificate, and the reminders of both. */
#ifndef INKAN_STORE_DEADLINE_H
#define INKAN_STORE_DEADLINE_H

#include "store/application.h"

enum deadline_kind { DEADLINE_DOWNLOAD, DEADLINE_EXPIRY, DEADLINE_KINDS };
const char *deadline_kind_name(enum deadline_kind kind); /* "download", "expiry"; static */

/* What the applicant should do something about in time: download what is not taken yet, renew what is valid. False: there is nothing,
 * or it is over; so also while a revocation is under way, and of a certificate whose end is not known. */
bool deadline_of(const struct application *app, when now, enum deadline_kind *ret_kind, when *ret_at);

struct deadline {
	struct application app;
	enum deadline_kind kind;
	when at;
};
/* The user's deadlines later than now and up to the given times, the next one first, at most limit. A certificate whose renewal was taken
 * is left out: nothing has to be done about it. */
enum status deadline_list(struct db *db, struct arena *a, uint64_t user_id, when now, when download_until, when expiry_until,
	unsigned limit, struct deadline **ret, size_t *ret_n) MUST_CHECK;

/* Whether the applicant is still to be reminded: MISSING when not (taken, revoked, renewed, over, or muted meanwhile). */
enum status reminder_check(struct db *db, struct arena *a, const struct application *app, enum deadline_kind kind, when now) MUST_CHECK;

/* A mark: so many days before a deadline. nearer: the next smaller mark of the kind, or 0. When several marks of a certificate are due at
 * once, only the nearest one counts: each mark looks at what lies between itself and the nearer one. */
struct reminder_mark {
	enum deadline_kind kind;
	unsigned days, nearer;
};
/* One step of at most limit certificates that reached the mark since the last step, on whatever host: for each a row that makes the
 * reminder unique, and the job "core.mail" with payload "remind_download" or "remind_expiry", in one transaction. *ret_more: another
 * step has something to do. What had passed the mark already when it was issued is not reminded of it: the applicant has just had
 * another mail. */
enum status reminder_step(struct db *db, const struct reminder_mark *mark, when now, unsigned limit, unsigned *ret_added,
	bool *ret_more) MUST_CHECK;

/* The applicant's switch. MISSING: no such application of this user. */
enum status reminder_mute(struct db *db, struct arena *a, uint64_t user_id, unsigned number, bool muted) MUST_CHECK;

#endif
