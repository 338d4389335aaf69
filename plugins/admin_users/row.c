/* What pages of administrators say about an application in a row, and how they find it. */
#include "admin_users.h"

const char *core_text(const char *msgid)
{
	return i18n_text("core", msgid);
}

/* For people: subjects hold no escaped commas (nii-upstream's rules for the CN allow them nowhere else). */
const char *common_name(struct arena *a, const char *subject)
{
	if (!text_starts(subject, "CN="))
		return subject;
	return arena_stringn(a, subject + 3, strcspn(subject + 3, ","));
}

enum status application_asked_for(struct request *rq, struct application *ret, const struct user **ret_owner)
{
	struct application app;
	unsigned id;

	if (!request_part_number(rq, "id", &id))
		return cause(STATUS_MISSING, "not a number of an application");
	enum status s = application_get(rq->db, rq->arena, id, &app);
	struct user *owner = app.user_id && s == STATUS_OK ? arena_alloc(rq->arena, sizeof(*owner)) : NULL;
	if (owner)
		s = user_get(rq->db, rq->arena, app.user_id, owner);
	if (s != STATUS_OK)
		return s;
	*ret = app;
	*ret_owner = owner;
	return STATUS_OK;
}

enum status application_looked_at(struct request *rq, struct application *ret, const struct user **ret_owner)
{
	enum status s = application_asked_for(rq, ret, ret_owner);

	return s == STATUS_OK ? audit_add(rq->db, "admin.looked",
					arena_printf(rq->arena, "application:%llu", (unsigned long long)ret->id), NULL)
			      : s;
}

void owner_fill(struct model *m, const struct application *app, const struct user *owner)
{
	if (!owner) {
		model_set(model_section(m, "NO_OWNER"), "OWNER_MAIL", app->mail);
		return;
	}
	struct model *known = model_section(m, "OWNER");
	model_setf(known, "OWNER_PATH", "/admin_users/user/%llu", (unsigned long long)owner->id);
	model_set(known, "OWNER_EPPN", owner->eppn);
	model_set(known, "OWNER_NAME", owner->name);
}

/* PHASE, or ERROR with the way to the words on it. */
static void phase_fill(struct request *rq, struct model *m, const struct application *app)
{
	if (app->state == APPLICATION_ERROR || app->state == APPLICATION_REVOKE_ERROR) {
		struct model *error = model_section(m, "ERROR");
		model_setf(error, "ERROR_PATH", "/admin_users/certificates/%llu/error", (unsigned long long)app->id);
		model_set_int(error, "ERROR_ID", (long long)app->id);
		return;
	}
	struct model *phase = model_section(m, "PHASE");
	model_set(phase, "PHASE_LABEL", core_text(application_phase_label(app, rq->now)));
	model_set(phase, "PHASE_CLASS", certificate_phase_class(app, rq->now));
}

void row_fill(struct request *rq, struct model *row, const struct application *app)
{
	model_setf(row, "ROW_PATH", "/admin_users/certificates/%llu", (unsigned long long)app->id);
	model_set_int(row, "ID", (long long)app->id);
	if (app->number)
		model_set_int(row, "NUMBER", app->number);
	else
		model_set(row, "NUMBER", "-");
	model_set(row, "TYPE", certificate_title(app->type));
	model_set(row, "CN", common_name(rq->arena, app->subject));
	model_set(row, "APPLIED_ON", clock_show_date(rq->arena, app->created_at, rq->lang));
	phase_fill(rq, row, app);
	model_set(row, "STATE", core_text(application_certificate_label(app, rq->now)));
	model_set(row, "STATE_CLASS", certificate_state_class(app, rq->now));
	if (app->not_after)
		model_set(model_section(row, "EXPIRY"), "EXPIRES_ON", clock_show_date(rq->arena, app->not_after, rq->lang));
}
