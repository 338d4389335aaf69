/* What pages do about deadlines: the warning on the dashboard, the switch for reminders, and the issue mail once more. */
#include "pages/handlers.h"

#include "issue/remind.h"
#include "store/issue_mail.h"

/* Lines of the warning: more would push the dashboard out of sight, and the list below has them all. */
#define WARNINGS_MAX 10

/* --- The dashboard's warning ----------------------------------------------------------------------------------------------------- */

static void warning_fill(struct request *rq, struct model *row, const struct deadline *d)
{
	struct model *sentence = d->kind == DEADLINE_DOWNLOAD ? model_section(row, "DOWNLOAD") : model_section(row, "EXPIRY");

	model_set_int(row, "NUMBER", d->app.number);
	model_set(row, "TYPE", certificate_title(d->app.type));
	model_setf(row, "ROW_PATH", "/%s/%u", d->app.type, d->app.number);
	model_set(sentence, "AT", clock_show(rq->arena, d->at, rq->lang));
}

static enum status warnings_fill(struct request *rq, const struct panel_place *place, struct model *m)
{
	struct deadline *all;
	size_t n, shown = 0;
	enum status s = deadline_list(rq->db, rq->arena, place->user_id, rq->now, rq->now + remind_near(DEADLINE_DOWNLOAD),
		rq->now + remind_near(DEADLINE_EXPIRY), WARNINGS_MAX * 2, &all, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		if (all[i].app.muted)
			continue;
		if (shown++ == WARNINGS_MAX) {
			model_show(m, "MORE");
			break;
		}
		warning_fill(rq, model_section(m, "WARNING"), &all[i]);
	}
	return shown ? STATUS_OK : STATUS_MISSING;
}

const struct panel deadline_panels[] = {
	{"core/deadlines.html", PANEL_DASHBOARD, warnings_fill},
	{0},
};

/* --- The switch for reminders ---------------------------------------------------------------------------------------------------- */

/* Something may still end that the applicant would want to be told of. */
static bool may_end(const struct application *app, when now)
{
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
		return true;
	case PHASE_DONE:
		return app->not_after > now;
	default:
		return false;
	}
}

void reminders_fill(struct request *rq, struct model *m, const struct application *app)
{
	if ((!remind_near(DEADLINE_DOWNLOAD) && !remind_near(DEADLINE_EXPIRY)) || !may_end(app, rq->now))
		return;
	struct model *part = model_include(m, "REMINDERS", "core/reminders.html");
	struct model *now = app->muted ? model_section(part, "OFF") : model_section(part, "ON");
	model_setf(now, "MUTE_PATH", "/%s/%u/mute", app->type, app->number);
	model_set(now, "CSRF", rq->csrf);
}

enum status certificate_mute(struct request *rq)
{
	struct application app;
	const char *muted = request_field(rq, "muted");
	enum status s = certificate_find(rq, &app);

	if (s != STATUS_OK)
		return s;
	/* The form says what is wanted, not "the other way": a double click is the same wish twice. */
	if (!text_same(muted, "0") && !text_same(muted, "1"))
		return cause(STATUS_INVALID, "field muted is neither 0 nor 1");
	s = reminder_mute(rq->db, rq->arena, rq->user->id, app.number, muted[0] == '1');
	if (s != STATUS_OK)
		return s;
	return request_redirect(
		rq, arena_printf(rq->arena, "/%s/%u?reminders=%s", app.type, app.number, muted[0] == '1' ? "off" : "on"));
}

/* --- The issue mail once more ---------------------------------------------------------------------------------------------------- */

/* Whether there is such a mail of ours at all. */
static bool mail_is_ours(const struct application *app)
{
	const struct plugin *plugin = plugin_type(app->type);

	return !app->handover && !(plugin && plugin->type->no_pin) && !plugin_upstream_mails(app->upstream, "issued");
}

void mail_again_fill(struct request *rq, struct model *m, const struct application *app)
{
	if (application_phase(app, rq->now) != PHASE_PIN || !mail_is_ours(app))
		return;
	struct model *again = model_section(m, "MAIL_AGAIN");
	model_setf(again, "MAIL_PATH", "/%s/%u/mail", app->type, app->number);
	model_set(again, "CSRF", rq->csrf);
}

static struct obstacle mail_obstacle(const struct application *app, when now)
{
	if (!mail_is_ours(app))
		return (struct obstacle){N_("This mail is not sent from here."),
			N_("Please see the details page for how you get this certificate.")};
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
		return (struct obstacle){N_("The certificate is not ready yet, so there is no mail to send again."),
			N_("The mail is sent by itself as soon as the PIN is there.")};
	case PHASE_MISSED:
	case PHASE_ERROR:
		return (struct obstacle){N_("There is nothing to download any more, so the mail is not sent again."),
			N_("You can apply for a new certificate on the dashboard.")};
	default:
		return (struct obstacle){N_("The certificate was already downloaded, so the mail is not sent again."),
			N_("The details page shows what you can do with it now.")};
	}
}

enum status certificate_mail(struct request *rq)
{
	static const char *const answers[] = {[ISSUE_MAIL_ASKED] = "asked", [ISSUE_MAIL_WAITS] = "waits", [ISSUE_MAIL_SOON] = "soon"};
	struct application app;
	enum issue_mail_answer answer = ISSUE_MAIL_OVER;
	when from;
	enum status s = certificate_find(rq, &app);

	if (s == STATUS_OK && mail_is_ours(&app))
		s = issue_mail_again(rq->db, rq->arena, app.id, remind_mail_pause(), &answer, &from);
	if (s != STATUS_OK)
		return s;
	if (answer == ISSUE_MAIL_OVER)
		return action_refused(rq, &app, _("The mail cannot be sent again"), mail_obstacle(&app, rq->now), NULL);
	return request_redirect(rq, arena_printf(rq->arena, "/%s/%u?mail=%s", app.type, app.number, answers[answer]));
}

/* --- What was just done ---------------------------------------------------------------------------------------------------------- */

void deadline_notes_fill(struct request *rq, struct model *m, const struct application *app)
{
	const char *mail = request_query(rq, "mail"), *reminders = request_query(rq, "reminders");
	when from = app->issue_mail_at + remind_mail_pause();

	/* Told as it is now: an old address of this page must not say what is long past. */
	if (text_same(reminders, "off") && app->muted)
		model_show(m, "REMINDERS_OFF");
	if (text_same(reminders, "on") && !app->muted)
		model_show(m, "REMINDERS_ON");
	if (application_phase(app, rq->now) != PHASE_PIN)
		return;
	if (text_same(mail, "asked"))
		model_set(model_section(m, "MAIL_ASKED"), "MAIL", app->mail);
	if (text_same(mail, "waits"))
		model_show(m, "MAIL_WAITS");
	if (text_same(mail, "soon") && app->issue_mail_at && from > rq->now)
		model_set(model_section(m, "MAIL_SOON"), "MAIL_FROM", clock_show(rq->arena, from, rq->lang));
}
