/* What the files of the plugin admin_users share. */
#ifndef INKAN_ADMIN_USERS_H
#define INKAN_ADMIN_USERS_H

#include "plugin.h"

/* Rows of a list. */
#define PAGE_ROWS 20

/* users.c */
enum status users_page(struct request *rq);
enum status user_page(struct request *rq);

/* certificates.c */
enum status certificates_page(struct request *rq);
extern const char *const certificate_words[]; /* parameters of its search, NULL-terminated */

/* row.c */
/* The application of the request's path, and its owner; *ret_owner NULL: not known yet. The look at it is written to the audit trail before
 * anything is shown. MISSING. */
enum status application_looked_at(struct request *rq, struct application *ret, const struct user **ret_owner) MUST_CHECK;
/* As it is: without a trace, for those who change something and leave one then. */
enum status application_asked_for(struct request *rq, struct application *ret, const struct user **ret_owner) MUST_CHECK;
/* Fills what a row of a list says. owner NULL: not known yet. */
void row_fill(struct request *rq, struct model *row, const struct application *app);
void owner_fill(struct model *m, const struct application *app, const struct user *owner);
const char *common_name(struct arena *a, const char *subject);
/* A text of the core's, in this thread's language. */
const char *core_text(const char *msgid);

/* certificate.c */
enum status certificate_details(struct request *rq);
enum status certificate_error(struct request *rq);
enum status certificate_raw(struct request *rq);

/* deeds.c */
enum status revoke_question(struct request *rq);
enum status revoke_order(struct request *rq);
enum status retry_question(struct request *rq);
enum status retry_order(struct request *rq);
enum status delete_question(struct request *rq);
enum status delete_order(struct request *rq);
/* Why it cannot be done: a msgid; NULL: nothing is in the way. */
const char *revoke_why_not(const struct application *app, when now);
enum status delete_why_not(struct request *rq, const struct application *app, const char **ret) MUST_CHECK;
/* What the pages of all deeds share. The model of a question about it. */
struct model *deed_question(struct request *rq, const struct application *app, const struct user *owner);
/* The page (409) that says why not, and what the state is. */
enum status deed_refused(struct request *rq, const struct application *app, const struct user *owner, const char *heading,
	const char *why) MUST_CHECK;
/* What every form of these brings. *ret_note: "" when empty; NULL when it is too long, and the question is asked again. */
enum status deed_form(struct request *rq, const char **ret_source_key, const char **ret_note) MUST_CHECK;
/* Leads to the details; again: it had been done before. */
enum status deed_done(struct request *rq, const struct application *app, const char *done, bool again) MUST_CHECK;

/* detach.c */
enum status detach_question(struct request *rq);
enum status detach_order(struct request *rq);
enum status detach_undo(struct request *rq);
/* The section of the details page, for who may change everything. */
enum status detach_fill(struct request *rq, struct model *deeds, const struct application *app) MUST_CHECK;

/* give.c */
enum status give_question(struct request *rq);
enum status give_order(struct request *rq);

/* trouble.c */
/* What an error means and what to do about it: msgids. Never NULL. */
struct trouble {
	const char *code, *meaning, *advice;
};
const struct trouble *trouble_find(const struct application *app);

#endif
