/* The jobs that bring certificates to a card service, and tell it of revocations before anybody else is told. */
#ifndef INKAN_ISSUE_HANDOVER_H
#define INKAN_ISSUE_HANDOVER_H

#include "issue/poll.h"
#include "store/application.h"
#include "store/handover.h"

/* What a certificate type whose certificates go to a card service does itself; each is one call to the outside, within the run's
 * deadline. It runs as a job of the core, which keeps state, secrets and retries: any result but OK is tried again later, so the
 * service may see the same twice, when its answer was lost. */
struct card_service {
	enum status (*deliver)(
		const struct job_run *run, const struct application *app, const struct handover *handover);
	/* The upstream has revoked the certificate; the applicant is told only after this was OK. */
	enum status (*revoked)(const struct job_run *run, const struct application *app);
};

extern const struct job_kind handover_jobs[]; /* core.handover, core.handover_revoked */

/* How the jobs find the card service of an enabled type by its plugin's name (the plugin layer stands above this one). */
void handover_start(const struct card_service *(*find)(const char *type));

/* Adds the job when something waits to be handed over: after an administrator has put a failed application back. */
enum status handover_again(
	struct db *db, struct arena *a, const struct application *app, bool *ret) MUST_CHECK;
/* A revocation that the card service has to be told of first becomes a job: *ret_held. Joins the caller's transaction. */
enum status handover_hold(struct db *db, struct arena *a, uint64_t application, const struct event *event,
	bool *ret_held) MUST_CHECK;

#endif
