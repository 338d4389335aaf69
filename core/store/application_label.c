/* What people are told about an application: phases, the certificate's state, and their labels. */
#include "base/i18n.h"
#include "store/application_row.h"

enum application_phase application_phase(const struct application *app, when now)
{
	switch (app->state) {
	case APPLICATION_ACCEPTED:
		return PHASE_BEFORE;
	case APPLICATION_SENT:
		return PHASE_PENDING;
	case APPLICATION_PIN:
		return app->download_until <= now ? PHASE_MISSED : PHASE_PIN;
	case APPLICATION_TAKEN:
	case APPLICATION_DELIVERED:
		return PHASE_DONE;
	case APPLICATION_REVOKE_ACCEPTED:
		return PHASE_REVOKE_BEFORE;
	case APPLICATION_REVOKE_SENT:
		return PHASE_REVOKE_PENDING;
	case APPLICATION_REVOKE_ERROR:
		return PHASE_REVOKE_ERROR;
	case APPLICATION_REVOKED:
		return PHASE_REVOKED;
	case APPLICATION_ERROR:
	case APPLICATION_STATE_COUNT:
		break;
	}
	return PHASE_ERROR;
}

enum certificate_state application_certificate(const struct application *app, when now)
{
	switch (app->state) {
	case APPLICATION_ACCEPTED:
	case APPLICATION_SENT:
		return CERTIFICATE_REQUESTED;
	case APPLICATION_PIN:
		return CERTIFICATE_NOT_TAKEN;
	case APPLICATION_TAKEN:
	case APPLICATION_DELIVERED:
	case APPLICATION_REVOKE_ACCEPTED: /* valid until the revocation is confirmed */
	case APPLICATION_REVOKE_SENT:
	case APPLICATION_REVOKE_ERROR:
		return application_valid_until(app) <= now ? CERTIFICATE_EXPIRED : CERTIFICATE_VALID;
	case APPLICATION_REVOKED:
		return CERTIFICATE_REVOKED;
	case APPLICATION_ERROR:
	case APPLICATION_STATE_COUNT:
		break;
	}
	return CERTIFICATE_ERROR;
}

enum asked { ASKED_ISSUE, ASKED_RENEW, ASKED_CARD, ASKED_COUNT };

static const char *const phase_labels[][ASKED_COUNT] = {
	[PHASE_BEFORE] = {N_("New request, not yet sent"), N_("Renewal, not yet sent"),
		N_("New request, not yet sent")},
	[PHASE_PENDING] = {N_("New request in progress"), N_("Renewal in progress"),
		N_("New UPKI-PASS request in progress")},
	[PHASE_PIN] = {N_("New request, PIN received"), N_("Renewal, PIN received"),
		N_("New request, PIN received")},
	[PHASE_DONE] = {N_("Valid"), N_("Valid (renewed)"), N_("New UPKI-PASS request completed")},
	[PHASE_MISSED] = {N_("Not downloaded in time"), N_("Renewal not downloaded in time"),
		N_("Not downloaded in time")},
	[PHASE_ERROR] = {N_("Error"), N_("Error"), N_("Error")},
	[PHASE_REVOKE_BEFORE] = {N_("Revocation, not yet sent"), N_("Revocation, not yet sent"),
		N_("Revocation, not yet sent")},
	[PHASE_REVOKE_PENDING] = {N_("Revocation in progress"), N_("Revocation in progress"),
		N_("Revocation in progress")},
	[PHASE_REVOKED] = {N_("Revocation completed"), N_("Revocation completed"),
		N_("Revocation completed")},
	[PHASE_REVOKE_ERROR] = {N_("Error"), N_("Error"), N_("Error")},
};

static const char *const certificate_labels[] = {
	[CERTIFICATE_REQUESTED] = N_("Requested"),
	[CERTIFICATE_NOT_TAKEN] = N_("Not downloaded"),
	[CERTIFICATE_VALID] = N_("Valid"),
	[CERTIFICATE_EXPIRED] = N_("Expired"),
	[CERTIFICATE_REVOKED] = N_("Revoked"),
	[CERTIFICATE_ERROR] = N_("Error"),
};

/* The manual has words of their own for cards. */
static enum asked asked_of(const struct application *app)
{
	if (app->renews)
		return ASKED_RENEW;
	return app->handover || app->state == APPLICATION_DELIVERED ? ASKED_CARD : ASKED_ISSUE;
}

const char *application_phase_label(const struct application *app, when now)
{
	enum application_phase phase = application_phase(app, now);

	/* "Valid" would be wrong where it stands alone, as in the list. */
	if (phase == PHASE_DONE && application_certificate(app, now) == CERTIFICATE_EXPIRED)
		return certificate_labels[CERTIFICATE_EXPIRED];
	return phase_labels[phase][asked_of(app)];
}

const char *certificate_state_label(enum certificate_state state)
{
	return certificate_labels[state];
}

const char *application_certificate_label(const struct application *app, when now)
{
	return certificate_labels[application_certificate(app, now)];
}
