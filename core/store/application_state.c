/* The state machine of applications: the table state × event, and all that is computed from state and time. */
#include "store/application_row.h"

static const char *const state_names[] = {
#define X(name) #name,
	APPLICATION_STATE_MAP(X)
#undef X
};
static const char *const kind_names[] = {
#define X(name) #name,
	EVENT_KIND_MAP(X)
#undef X
};

const char *application_state_name(enum application_state s)
{
	ASSERT((unsigned)s < APPLICATION_STATE_COUNT);
	return state_names[s];
}

const char *event_kind_name(enum event_kind k)
{
	ASSERT((unsigned)k < EVENT_KIND_COUNT);
	return kind_names[k];
}

bool application_state_parse(const char *name, enum application_state *ret)
{
	for (unsigned i = 0; i < APPLICATION_STATE_COUNT; i++) {
		if (text_same(name, state_names[i])) {
			*ret = (enum application_state)i;
			return true;
		}
	}
	return false;
}

#define ON(kind) [EVENT_##kind]
#define TO(state)                                                                                            \
	{                                                                                                    \
		RULE_MOVE, APPLICATION_##state                                                               \
	}
#define IGNORED                                                                                              \
	{                                                                                                    \
		RULE_IGNORE, 0                                                                               \
	}
#define SAME                                                                                                 \
	{                                                                                                    \
		RULE_SAME, 0                                                                                 \
	}

/* clang-format off: one line a pair */
const struct rule application_transitions[APPLICATION_STATE_COUNT][EVENT_KIND_COUNT] = {
	[APPLICATION_ACCEPTED] =
		{
			ON(SUBMITTED) = TO(SENT), ON(REJECTED) = TO(ERROR),
			ON(PIN) = TO(PIN),     /* the answer to the upload was lost, or comes later */
			ON(TAKEN) = TO(TAKEN), /* a notice in between is late or lost */
			ON(HANDED_OVER) = TO(DELIVERED),
			ON(REVOKED) =
				TO(REVOKED), /* upstream knows a certificate that we were never told of */
			ON(GAVE_UP) = TO(ERROR), ON(RETRIED) = IGNORED, /* pressed twice */
		},
	[APPLICATION_SENT] =
		{
			ON(SUBMITTED) = IGNORED, /* repeated after a crash */
			ON(REJECTED) = TO(ERROR), ON(PIN) = TO(PIN),
			ON(TAKEN) = TO(TAKEN), /* the PIN's notice is late or lost */
			ON(HANDED_OVER) = TO(DELIVERED),
			ON(REVOKED) = TO(REVOKED), /* its other notices are late or lost */
			ON(GAVE_UP) = TO(ERROR), ON(RETRIED) = IGNORED, /* pressed twice, and sent already */
		},
	[APPLICATION_PIN] =
		{
			ON(SUBMITTED) = IGNORED, /* late */
			ON(PIN) = TO(
				PIN), /* issued anew: the newer counts; the same or an older one is ignored by apply */
			ON(TAKEN) = TO(TAKEN), /* also after the last day of the download: late but real */
			ON(REVOKED) =
				TO(REVOKED), /* taken without our being told, or withdrawn by the upstream */
			ON(GAVE_UP) = IGNORED, /* the job did not see that it had succeeded */
			/* REJECTED: a PIN proves that the order was accepted. HANDED_OVER: who has a PIN takes it himself */
		},
	[APPLICATION_TAKEN] =
		{
			ON(SUBMITTED) = IGNORED, /* late */
			ON(PIN) = IGNORED,	 /* late: without it nothing could have been taken */
			ON(TAKEN) = SAME,	 /* one application is one certificate */
			ON(REVOKE_ASKED) = TO(REVOKE_ACCEPTED),
			ON(REVOKED) = TO(REVOKED), /* by the upstream of its own accord */
			ON(GAVE_UP) = IGNORED,
			/* REVOKE_SUBMITTED, REVOKE_REJECTED: nobody asked */
		},
	[APPLICATION_DELIVERED] =
		{
			ON(SUBMITTED) = IGNORED,		     /* late */
			ON(TAKEN) = SAME, ON(HANDED_OVER) = IGNORED, /* repeated after a crash */
			ON(REVOKE_ASKED) = TO(REVOKE_ACCEPTED), ON(REVOKED) = TO(REVOKED),
			ON(GAVE_UP) = IGNORED,
			/* PIN: a card's applicant has none */
		},
	[APPLICATION_ERROR] =
		{
			ON(SUBMITTED) = TO(
				SENT), /* given up or refused as a repetition, but the upstream does have it */
			ON(REJECTED) = IGNORED, /* the cause that is there stays */
			ON(PIN) = TO(PIN),	/* late but real, as the next two */
			ON(TAKEN) = TO(TAKEN),
			ON(HANDED_OVER) = TO(DELIVERED),
			ON(REVOKE_ASKED) = TO(REVOKE_ACCEPTED), /* issued, but its card service did not take it; apply sees to it */
			ON(REVOKED) = TO(
				REVOKED), /* there was a certificate; a late TAKEN must not make it look valid */
			ON(GAVE_UP) = IGNORED,
			ON(RETRIED) = TO(ACCEPTED),
		},
	[APPLICATION_REVOKE_ACCEPTED] =
		{
			ON(SUBMITTED) =
				IGNORED, /* late, as PIN and HANDED_OVER; they say nothing about the revocation */
			ON(PIN) = IGNORED,
			ON(TAKEN) = SAME,
			ON(HANDED_OVER) = IGNORED,
			ON(REVOKE_ASKED) = IGNORED, /* asked twice, perhaps by user and administrator */
			ON(REVOKE_SUBMITTED) = TO(REVOKE_SENT),
			ON(REVOKE_REJECTED) = TO(REVOKE_ERROR),
			ON(REVOKED) = TO(REVOKED), /* the answer to the upload was lost, or comes later */
			ON(GAVE_UP) = TO(REVOKE_ERROR),
		},
	[APPLICATION_REVOKE_SENT] =
		{
			ON(SUBMITTED) = IGNORED,
			ON(PIN) = IGNORED,
			ON(TAKEN) = SAME,
			ON(HANDED_OVER) = IGNORED,
			ON(REVOKE_ASKED) = IGNORED,
			ON(REVOKE_SUBMITTED) = IGNORED, /* repeated after a crash */
			ON(REVOKE_REJECTED) = TO(REVOKE_ERROR),
			ON(REVOKED) = TO(REVOKED),
			ON(GAVE_UP) = TO(REVOKE_ERROR),
		},
	[APPLICATION_REVOKE_ERROR] =
		{
			ON(SUBMITTED) = IGNORED,
			ON(PIN) = IGNORED,
			ON(TAKEN) = SAME,
			ON(HANDED_OVER) = IGNORED,
			ON(REVOKE_ASKED) = TO(REVOKE_ACCEPTED), /* asked again */
			ON(REVOKE_SUBMITTED) = TO(REVOKE_SENT), /* given up, but the upstream does have it */
			ON(REVOKE_REJECTED) = IGNORED,
			ON(REVOKED) = TO(REVOKED), /* late but real */
			ON(GAVE_UP) = IGNORED,
		},
	[APPLICATION_REVOKED] =
		{
			ON(SUBMITTED) = IGNORED, /* late, as all here: a revocation is never undone */
			ON(PIN) = IGNORED,
			ON(TAKEN) = SAME,
			ON(HANDED_OVER) = IGNORED,
			ON(REVOKE_ASKED) = IGNORED,
			ON(REVOKE_SUBMITTED) = IGNORED,
			ON(REVOKE_REJECTED) = IGNORED, /* "is revoked already" */
			ON(REVOKED) = IGNORED,
			ON(GAVE_UP) = IGNORED,
		},
};
/* clang-format on */

when application_valid_until(const struct application *app)
{
	if (app->not_after)
		return app->not_after;
	/* Of a card we may never learn more than when it was handed over and for how long it was ordered. */
	return app->months && app->taken_at ? clock_add_months(app->taken_at, app->months) : LIVE_WITHOUT_END;
}

when application_live_until(const struct application *app)
{
	switch (app->state) {
	case APPLICATION_ACCEPTED:
	case APPLICATION_SENT:
		return LIVE_WITHOUT_END;
	case APPLICATION_PIN:
		return app->download_until;
	case APPLICATION_TAKEN:
	case APPLICATION_DELIVERED:
	case APPLICATION_REVOKE_ACCEPTED:
	case APPLICATION_REVOKE_SENT:
	case APPLICATION_REVOKE_ERROR:
		return application_valid_until(app);
	case APPLICATION_ERROR:
	case APPLICATION_REVOKED:
	case APPLICATION_STATE_COUNT:
		break;
	}
	return 0;
}

when application_pin_until(const struct application *app)
{
	when end;

	switch (app->state) {
	case APPLICATION_PIN: /* the notice that it was taken may be late, and the PIN opens the file */
		return app->download_until + PIN_DAYS;
	case APPLICATION_TAKEN:
	case APPLICATION_REVOKE_ACCEPTED:
	case APPLICATION_REVOKE_SENT:
	case APPLICATION_REVOKE_ERROR:
		end = application_valid_until(app);
		return end < app->taken_at + PIN_DAYS ? end : app->taken_at + PIN_DAYS;
	default:
		return 0;
	}
}

when application_url_until(const struct application *app)
{
	return app->state == APPLICATION_PIN ? app->download_until : 0;
}

when application_wipe_at(const struct application *app, bool has_pin, bool has_url)
{
	when pin = application_pin_until(app), url = application_url_until(app), next = LIVE_WITHOUT_END;

	if (!has_pin && !has_url)
		return 0;
	if (has_pin && pin < next)
		next = pin;
	if (has_url && url < next)
		next = url;
	return next > 0 ? next : 1;
}
