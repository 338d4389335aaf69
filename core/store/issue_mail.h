/* The mail that tells where a certificate is to be downloaded, sent once more because its owner asks for it. */
#ifndef INKAN_STORE_ISSUE_MAIL_H
#define INKAN_STORE_ISSUE_MAIL_H

#include "store/application.h"

enum issue_mail_answer {
	ISSUE_MAIL_ASKED, /* a job sends it */
	ISSUE_MAIL_WAITS, /* one is on its way already */
	ISSUE_MAIL_SOON,  /* the last one was sent less than `pause` ago; ret_from: when it may be asked for again */
	ISSUE_MAIL_OVER,  /* there is nothing to download (any more) */
};
/* However often and from wherever it is asked, at most one is under way, and `pause` ms lie between two of them. */
enum status issue_mail_again(struct db *db, struct arena *a, uint64_t application_id, when pause, enum issue_mail_answer *ret,
	when *ret_from) MUST_CHECK;

#endif
