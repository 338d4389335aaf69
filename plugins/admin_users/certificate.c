/* The page of one certificate, all but its PIN, and the page on its error. */
#include "admin_users.h"

/* --- Details ---------------------------------------------------------------------------------------------------------------------- */

static void revocation_fill(struct request *rq, struct model *m, const struct application *app)
{
	switch (application_phase(app, rq->now)) {
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING: {
		struct model *under_way = model_section(m, "REVOKING");
		model_set(under_way, "REVOKE_LABEL", core_text(application_phase_label(app, rq->now)));
		model_set(under_way, "ASKED_AT", clock_show(rq->arena, app->revoke_asked_at, rq->lang));
		break;
	}
	case PHASE_REVOKED:
		model_set(model_section(m, "REVOKED"), "REVOKED_AT", clock_show(rq->arena, app->revoked_at, rq->lang));
		break;
	case PHASE_REVOKE_ERROR:
		model_show(m, "REVOKE_FAILED");
		break;
	default:
		model_show(m, "NOT_REVOKED");
		return;
	}
	if (reason_text(REASON_ADMINISTRATOR, app->reason))
		model_set(model_section(m, "REASON"), "REASON_TEXT", reason_text(REASON_ADMINISTRATOR, app->reason));
}

/* Whether there is or was one; never which. */
static void pin_fill(struct request *rq, struct model *m, const struct application *app)
{
	if (app->handover)
		model_show(m, "PIN_NEVER");
	else if (app->pin_at)
		model_set(model_section(m, "PIN_MADE"), "PIN_AT", clock_show(rq->arena, app->pin_at, rq->lang));
	else
		model_show(m, "PIN_NONE");
}

static enum status mail_fill(struct request *rq, struct model *m, const struct application *app)
{
	bool failed = false;
	enum status s = app->issue_mail_at ? STATUS_OK : job_has_failed(rq->db, rq->arena, "core.mail", app->id, "issued", &failed);

	model_set(m, "MAIL", app->mail);
	if (app->issue_mail_at)
		model_set(model_section(m, "MAIL_SENT"), "MAIL_AT", clock_show(rq->arena, app->issue_mail_at, rq->lang));
	else if (failed)
		model_show(m, "MAIL_FAILED");
	else if (plugin_upstream_mails(app->upstream, "issued"))
		model_show(m, "MAIL_ELSEWHERE");
	else
		model_show(m, "MAIL_NOT_SENT");
	return s;
}

static void dates_fill(struct request *rq, struct model *m, const struct application *app)
{
	model_set(m, "APPLIED_AT", clock_show(rq->arena, app->created_at, rq->lang));
	if (app->download_until && app->state == APPLICATION_PIN)
		model_set(model_section(m, "DOWNLOAD"), "DOWNLOAD_UNTIL", clock_show(rq->arena, app->download_until, rq->lang));
	if (app->taken_at)
		model_set(model_section(m, "TAKEN"), "TAKEN_AT", clock_show(rq->arena, app->taken_at, rq->lang));
	if (app->not_before)
		model_set(model_section(m, "STARTS"), "STARTS_AT", clock_show(rq->arena, app->not_before, rq->lang));
	if (app->not_after)
		model_set(model_section(m, "EXPIRES"), "EXPIRES_AT", clock_show(rq->arena, app->not_after, rq->lang));
}

static void link_fill(struct model *m, const struct application *other)
{
	model_set_int(m, "OTHER_ID", (long long)other->id);
	model_setf(m, "OTHER_PATH", "/admin_users/certificates/%llu", (unsigned long long)other->id);
}

/* What it renews, and what renews it. */
static enum status links_fill(struct request *rq, struct model *m, const struct application *app)
{
	struct application other;
	enum status s = app->renews ? application_get(rq->db, rq->arena, app->renews, &other) : STATUS_MISSING;

	if (s == STATUS_OK)
		link_fill(model_section(m, "RENEWS"), &other);
	else if (s != STATUS_MISSING)
		return s;
	s = application_renewal(rq->db, rq->arena, app->id, rq->now, &other);
	if (s == STATUS_OK)
		link_fill(model_section(m, "RENEWED"), &other);
	return s == STATUS_MISSING ? STATUS_OK : s;
}

static enum status facts_fill(struct request *rq, struct model *m, const struct application *app)
{
	const char *upstream_id = NULL;
	const struct upstream *upstream = plugin_upstream(app->upstream);
	enum status s = application_upstream_id(rq->db, rq->arena, app->id, &upstream_id);

	if (s != STATUS_OK)
		return s;
	model_set(m, "UPSTREAM", upstream ? i18n_text(app->upstream, upstream->title) : app->upstream);
	if (upstream_id)
		model_set(model_section(m, "UPSTREAM_ID"), "UPSTREAM_ID_TEXT", upstream_id);
	model_set(m, "SUBJECT", app->subject);
	if (app->extra && app->extra[0])
		model_set(model_section(m, "EXTRA"), "EXTRA_TEXT", app->extra);
	if (app->memo && app->memo[0])
		model_set(model_section(m, "MEMO"), "MEMO_TEXT", app->memo);
	if (app->serial && app->serial[0]) {
		struct model *serial = model_section(m, "SERIAL");
		model_set(serial, "SERIAL_DECIMAL", certificate_serial_decimal(rq->arena, app->serial));
		model_set(serial, "SERIAL_HEX", certificate_hex_groups(rq->arena, app->serial));
	} else {
		model_show(m, "NO_SERIAL");
	}
	if (app->fingerprint && app->fingerprint[0])
		model_set(model_section(m, "FINGERPRINT"), "FINGERPRINT_TEXT", certificate_hex_groups(rq->arena, app->fingerprint));
	return STATUS_OK;
}

/* The buttons: each only for a role that may, and with the reason when it cannot be done now. */
static enum status deeds_fill(struct request *rq, struct model *page, const struct application *app)
{
	const char *revoke = revoke_why_not(app, rq->now), *delete = NULL;
	enum status s = delete_why_not(rq, app, &delete);

	if (s != STATUS_OK || !admin_may(rq, RIGHT_REVOKE))
		return s;
	struct model *m = model_section(page, "DEEDS");
	struct model *ask = model_section(m, "REVOKE");
	if (revoke)
		model_set(model_section(ask, "REVOKE_NOT"), "REVOKE_WHY", _(revoke));
	else
		model_show(ask, "REVOKE_CAN");
	if (revoke)
		model_show(ask, "REVOKE_OFF");
	if (!admin_may(rq, RIGHT_CHANGE))
		return s;
	s = detach_fill(rq, m, app);
	if (s != STATUS_OK || app->state != APPLICATION_ERROR)
		return s;
	model_show(m, "RETRY");
	ask = model_section(m, "DELETE");
	if (delete)
		model_set(model_section(ask, "DELETE_NOT"), "DELETE_WHY", _(delete));
	else
		model_show(ask, "DELETE_CAN");
	if (delete)
		model_show(ask, "DELETE_OFF");
	return s;
}

/* What was just done; told as it is now, for an old address of this page must not say what is long past. */
static void done_fill(struct request *rq, struct model *m, const struct application *app)
{
	const char *done = request_query(rq, "done");
	enum application_phase phase = application_phase(app, rq->now);

	if (text_same(done, "revoke") && (phase == PHASE_REVOKE_BEFORE || phase == PHASE_REVOKE_PENDING))
		model_show(m, "DONE_REVOKE");
	if (text_same(done, "retry") && (phase == PHASE_BEFORE || phase == PHASE_PENDING))
		model_show(m, "DONE_RETRY");
	if (text_same(done, "detach") && !app->user_id)
		model_show(m, "DONE_DETACH");
	if (text_same(done, "give") && app->user_id)
		model_show(m, "DONE_GIVE");
	if (text_same(done, "undo") && !app->user_id)
		model_show(m, "DONE_UNDO");
	if (request_query(rq, "again"))
		model_show(m, "AGAIN");
}

enum status certificate_details(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	row_fill(rq, m, &app);
	owner_fill(m, &app, owner);
	revocation_fill(rq, m, &app);
	pin_fill(rq, m, &app);
	dates_fill(rq, m, &app);
	done_fill(rq, m, &app);
	panels_fill(rq, &(struct panel_place){PANEL_ADMIN, app.user_id, &app}, m);
	s = facts_fill(rq, m, &app);
	if (s == STATUS_OK)
		s = mail_fill(rq, m, &app);
	if (s == STATUS_OK)
		s = links_fill(rq, m, &app);
	if (s == STATUS_OK)
		s = deeds_fill(rq, m, &app);
	if (s == STATUS_OK)
		s = certificate_history_fill(rq, model_include(m, "HISTORY", "core/certificate_history.html"), &app);
	return s == STATUS_OK ? request_page(rq, "admin_users/certificate.html", _("Certificate details"), m) : s;
}

/* --- The error -------------------------------------------------------------------------------------------------------------------- */

static bool in_error(const struct application *app)
{
	return app->state == APPLICATION_ERROR || app->state == APPLICATION_REVOKE_ERROR;
}

enum status certificate_error(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	row_fill(rq, m, &app);
	owner_fill(m, &app, owner);
	if (!in_error(&app)) {
		model_show(m, "NO_ERROR");
		return request_page(rq, "admin_users/error.html", _("Error details"), m);
	}
	const struct trouble *trouble = trouble_find(&app);
	struct model *error = model_section(m, "TROUBLE");
	if (app.state == APPLICATION_REVOKE_ERROR)
		model_show(error, "STILL_VALID");
	else
		model_show(error, "NOT_ISSUED");
	model_set(error, "MEANING", _(trouble->meaning));
	model_set(error, "ADVICE", _(trouble->advice));
	model_set(error, "CODE", app.error_code ? app.error_code : "-");
	if (app.error_field && app.error_field[0])
		model_set(model_section(error, "FIELD"), "FIELD_TEXT", app.error_field);
	if (app.error_text && app.error_text[0])
		model_set(model_section(error, "MESSAGE"), "MESSAGE_TEXT", app.error_text);
	model_set(error, "CHANGED_AT", clock_show(rq->arena, app.changed_at, rq->lang));
	s = deeds_fill(rq, m, &app);
	return s == STATUS_OK ? request_page(rq, "admin_users/error.html", _("Error details"), m) : s;
}

/* As it came: a text to be saved, which no browser renders. */
enum status certificate_raw(struct request *rq)
{
	struct application app;
	const struct user *owner;
	enum status s = application_looked_at(rq, &app, &owner);

	if (s != STATUS_OK)
		return s;
	if (!in_error(&app) || !app.error_text || !app.error_text[0])
		return cause(STATUS_MISSING, "application %llu has no answer of its upstream", (unsigned long long)app.id);
	return request_send(rq, "text/plain; charset=utf-8", arena_printf(rq->arena, "application-%llu-error.txt", (unsigned long long)app.id),
		bytes_string(app.error_text));
}
