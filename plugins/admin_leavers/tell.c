/* Tells people that their certificates will be revoked, and those whom that has reached that it does not happen. */
#include "leavers.h"

/* A mail that was being sent when the run was cancelled comes first: longer than sending one takes by default. */
#define RECALL_AFTER (2 * MINUTE)

struct telling {
	uint64_t run, user;
	when now;
};

static enum status mail_add(struct db *db, const struct telling *t, const char *kind, when at)
{
	char payload[40];

	snprintf(payload, sizeof payload, "%llu", (unsigned long long)t->user);
	return job_add(db, kind, t->run, payload, at, NULL);
}

static enum status tell_body(struct db *db, void *context)
{
	const struct telling *t = context;
	bool first = false;
	enum status s = person_told(db, t->run, t->user, t->now, &first);

	return s == STATUS_OK && first ? mail_add(db, t, "admin_leavers.mail", 0) : s;
}

static enum status recall_body(struct db *db, void *context)
{
	const struct telling *t = context;
	bool first = false;
	enum status s = person_recalled(db, t->run, t->user, t->now, &first);

	return s == STATUS_OK && first ? mail_add(db, t, "admin_leavers.recall", t->now + RECALL_AFTER) : s;
}

enum status leavers_tell(const struct job_run *job)
{
	enum status s = STATUS_OK;

	while (s == STATUS_OK && !job_run_over(job)) {
		struct telling t = {.now = clock_now()};
		uint64_t *users;
		size_t n;
		s = run_untold(job->db, job->arena, LEAVERS_STEP, &t.run, &users, &n);
		for (size_t i = 0; s == STATUS_OK && i < n; i++) {
			t.user = users[i];
			s = db_transact(job->db, tell_body, &t);
		}
	}
	return s == STATUS_MISSING ? STATUS_OK : s;
}

enum status leavers_recall(const struct job_run *job)
{
	enum status s = STATUS_OK;

	while (s == STATUS_OK && !job_run_over(job)) {
		struct telling t = {.now = clock_now()};
		uint64_t *users;
		size_t n;
		s = run_unrecalled(job->db, job->arena, LEAVERS_STEP, &t.run, &users, &n);
		for (size_t i = 0; s == STATUS_OK && i < n; i++) {
			t.user = users[i];
			s = db_transact(job->db, recall_body, &t);
		}
	}
	return s == STATUS_MISSING ? STATUS_OK : s;
}

/* --- The mails ---------------------------------------------------------------------------------------------------------------------- */

struct letter {
	struct run run;
	struct person person;
	const struct application *apps; /* that would be revoked */
	size_t n;
};

static void letter_fill(struct arena *a, struct model *m, enum lang lang, const void *context)
{
	const struct letter *l = context;

	model_set(m, "NAME", l->person.name);
	model_set(m, "RUN_AT", clock_show(a, l->run.run_at, lang));
	model_set(m, "PAGE", site_base_url());
	for (size_t i = 0; i < l->n; i++) {
		struct model *app = model_section(m, "CERTIFICATE");
		model_set_int(app, "NUMBER", l->apps[i].number);
		model_set(app, "SUBJECT_DN", l->apps[i].subject);
	}
}

static enum status certificates_load(const struct job_run *job, struct letter *l)
{
	uint64_t *live;
	size_t n;
	enum status s = person_live(job->db, job->arena, l->person.user_id, clock_now(), &live, &n);
	struct application *apps = s == STATUS_OK ? arena_array(job->arena, n, sizeof *apps) : NULL;

	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		s = application_get(job->db, job->arena, live[i], &apps[l->n]);
		if (s == STATUS_OK)
			l->n += apps[l->n].state == APPLICATION_TAKEN || apps[l->n].state == APPLICATION_DELIVERED ||
				apps[l->n].state == APPLICATION_REVOKE_ERROR;
	}
	l->apps = apps;
	return s;
}

/* MISSING: the run is forgotten. */
static enum status letter_load(const struct job_run *job, struct letter *l)
{
	int64_t user = 0;

	*l = (struct letter){0};
	if (!text_int(job->job->payload, 1, INT64_MAX, &user))
		return cause(STATUS_INVALID, "no user to be told");
	enum status s = run_get(job->db, job->arena, job->job->subject, &l->run);
	if (s == STATUS_OK)
		s = person_get(job->db, job->arena, l->run.id, (uint64_t)user, clock_now(), &l->person);
	return s == STATUS_OK ? certificates_load(job, l) : s;
}

static enum status letter_send(const struct job_run *job, const struct letter *l, const char *view, const char *subject, const char *what)
{
	enum status s = mail_notice(job, &(struct notice){.to = l->person.mail, .lang = l->person.lang, .view = view, .domain = "admin_leavers",
						 .subject = subject, .fill = letter_fill, .context = l});

	if (s == STATUS_OK)
		log_info("mail to user %llu about %s, sent", (unsigned long long)l->person.user_id, what);
	return s;
}

static enum status letter_drop(enum status s, const struct letter *l, const char *what)
{
	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	log_info("mail to user %llu about %s, no longer needed", (unsigned long long)l->person.user_id, what);
	return STATUS_OK;
}

enum status leavers_mail(const struct job_run *job)
{
	struct letter l;
	enum status s = letter_load(job, &l);
	bool needed = s == STATUS_OK && l.n && *l.person.mail;

	/* Written before it is sent: whoever cancels from now on knows that this person has to be told. */
	if (needed)
		s = person_announce(job->db, l.run.id, l.person.user_id, clock_now(), &needed);
	if (s != STATUS_OK || !needed)
		return letter_drop(s, &l, "leaving");
	return letter_send(job, &l, "admin_leavers/mail.txt", N_("[UPKI] Your client certificates will be revoked"), "leaving");
}

enum status leavers_recall_mail(const struct job_run *job)
{
	struct letter l;
	enum status s = letter_load(job, &l);

	if (s != STATUS_OK || !l.n || !*l.person.mail)
		return letter_drop(s, &l, "not leaving");
	return letter_send(job, &l, "admin_leavers/mail_recall.txt", N_("[UPKI] Your client certificates will not be revoked"), "not leaving");
}
