/* What is planned is no secret to the person concerned, nor to administrators who look at that person. */
#include "leavers.h"

/* What has ended, or is being revoked anyway, the plan does not touch. */
static bool touched(const struct application *app, when now)
{
	switch (application_certificate(app, now)) {
	case CERTIFICATE_REQUESTED:
	case CERTIFICATE_NOT_TAKEN:
	case CERTIFICATE_VALID:
		return app->state != APPLICATION_REVOKE_ACCEPTED && app->state != APPLICATION_REVOKE_SENT;
	default:
		return false;
	}
}

static void plan_fill(struct request *rq, struct model *m, const struct run *run)
{
	const char *reason = reason_text(REASON_ADMINISTRATOR, run->reason);

	model_set(m, "RUN_AT", clock_show(rq->arena, run->run_at, rq->lang));
	model_set(m, "REASON_NAME", reason ? reason : "");
}

static enum status planned_fill(struct request *rq, const struct panel_place *place, struct model *m)
{
	struct run run;

	if (place->app && !touched(place->app, rq->now))
		return STATUS_MISSING;
	enum status s = person_planned(rq->db, rq->arena, place->user_id, place->app ? place->app->id : 0, &run);
	if (s != STATUS_OK)
		return s;
	if (place->page == PANEL_ADMIN) {
		struct model *admin = model_section(m, "TO_ADMIN");
		plan_fill(rq, admin, &run);
		if (admin_may(rq, RIGHT_CHANGE))
			model_setf(model_section(admin, "RUN"), "RUN_URL", "/admin_leavers/%llu", (unsigned long long)run.id);
		return STATUS_OK;
	}
	plan_fill(rq, run.state == RUN_RUNNING ? model_section(m, "NOW") : model_section(m, "AHEAD"), &run);
	if (site_contact() && site_contact()[0])
		model_set(model_section(m, "WHOM"), "ADDRESS", site_contact());
	return STATUS_OK;
}

const struct panel leavers_panels[] = {
	{"admin_leavers/planned.html", PANEL_DASHBOARD | PANEL_CERTIFICATE | PANEL_ADMIN, planned_fill},
	{0},
};
