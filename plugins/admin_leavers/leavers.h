/* What the files of the plugin share. */
#ifndef INKAN_ADMIN_LEAVERS_H
#define INKAN_ADMIN_LEAVERS_H

#include "admin_leavers_store.h"

struct leavers_settings {
	int64_t grace;      /* ms */
	int64_t people_max; /* of one run */
	int64_t keep_runs;  /* ms; 0: for ever */
};
extern struct leavers_settings leavers_settings;

/* People looked at between two looks at whether the job should end. */
#define LEAVERS_STEP 50

/* revoke.c */
extern const struct job_kind leavers_jobs[];

/* tell.c */
/* A mail server that is away for days loses nobody's mail. */
#define LEAVERS_MAIL_ATTEMPTS 100
/* Adds a mail for everybody concerned who is not told yet; and for everybody who was told of what does not happen. */
enum status leavers_tell(const struct job_run *job) MUST_CHECK;
enum status leavers_recall(const struct job_run *job) MUST_CHECK;
/* The jobs that send them. subject: the run; payload: the user. */
enum status leavers_mail(const struct job_run *job) MUST_CHECK;
enum status leavers_recall_mail(const struct job_run *job) MUST_CHECK;

/* panel.c */
extern const struct panel leavers_panels[];

/* find.c */
enum status find_list(struct request *rq);
enum status find_search(struct request *rq);
/* The page of all runs with the two forms; why: a translated sentence about what was wrong with one of them, or NULL. */
enum status runs_show(struct request *rq, const char *why);
enum status runs_page(struct request *rq);
/* Fills STATE and its class. */
void run_state_fill(struct model *m, const struct run *run);

/* run.c */
enum status run_page(struct request *rq);
enum status run_confirm(struct request *rq);
enum status run_begin(struct request *rq);
enum status run_again(struct request *rq);
/* The run of the request's path. MISSING. */
enum status run_of(struct request *rq, struct run *ret) MUST_CHECK;
/* A number of the request's path. */
bool leavers_id(struct request *rq, const char *name, uint64_t *ret);
/* Leads to the page of the run; query: "?..." or "". */
enum status to_run(struct request *rq, const struct run *run, const char *query) MUST_CHECK;

/* undo.c */
enum status run_ask_cancel(struct request *rq);
enum status run_send_cancel(struct request *rq);
enum status run_send_cancel_person(struct request *rq);
enum status run_send_restore_person(struct request *rq);

/* result.c */
enum status run_export(struct request *rq);

#endif
