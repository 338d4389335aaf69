/* Outgoing mail: bilingual notices to applicants, sent by jobs over SMTP. */
#ifndef INKAN_ISSUE_MAIL_H
#define INKAN_ISSUE_MAIL_H

#include "base/i18n.h"
#include "issue/poll.h"

struct mail_settings {
	const char *url;        /* smtp://host:port, smtps://host:port */
	const char *starttls;   /* "required", "try", "never" */
	const char *ca_file;    /* PEM; "" for the system's */
	const char *user;
	struct secret password; /* value NULL: no authentication */
	const char *from;       /* address */
	const char *from_name_ja, *from_name_en;
	const char *reply_to;   /* "" for none */
	const char *contact;    /* whom the texts name for help; "" or NULL: reply_to, else from */
	int64_t timeout;        /* ms for one mail */
};
/* base_url: its host names us (EHLO, Message-ID). upstream_mails tells whether an application's upstream itself sends the mail "issued",
 * "taken" or "revoked" to the applicant: then ours is not sent. */
enum status mail_start(const struct mail_settings *settings, const char *base_url,
	bool (*upstream_mails)(const char *upstream, const char *what)) MUST_CHECK;

struct mail {
	const char *to;
	const char *subject;    /* UTF-8, one line */
	const char *body;       /* UTF-8 text, lines end in \n */
	const char *message_id; /* local part: the same for each repetition of the same mail */
	when date;
};
/* Sends now, on this thread. BUSY: temporary (4xx, network); INVALID: refused for good (5xx, bad address). */
enum status mail_send(struct arena *a, const struct mail *mail, when deadline) MUST_CHECK;
/* A mail of a plugin's own, from a job of lane LANE_SEND: the text is a view of the plugin, rendered once in the reader's language, then
 * in the other. Repetitions of the job have the same Message-ID. */
struct model;
struct notice {
	const char *to;
	enum lang lang;      /* the reader's */
	const char *view;    /* "PLUGIN/mail.txt"; {{SITE}} and {{CONTACT}} are set */
	const char *domain;  /* the plugin's name */
	const char *subject; /* msgid of that domain; begins with "[UPKI] " like all of ours */
	void (*fill)(struct arena *a, struct model *m, enum lang lang, const void *context);
	const void *context;
};
/* As mail_send(). */
enum status mail_notice(const struct job_run *run, const struct notice *notice) MUST_CHECK;
/* Job kind "core.mail": subject is an application, payload "issued", "taken", "revoked", "remind_download" or "remind_expiry"; texts are
 * views core/mail_*.txt, once in the applicant's language, then in the other. */
extern const struct job_kind mail_jobs[];

#endif
