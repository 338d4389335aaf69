/* What the details of an application show, computed from its row and the time. */
#include "pages/handlers.h"

#include <openssl/bn.h>

const char *certificate_title(const char *type)
{
	const struct plugin *p = plugin_type(type);

	return p ? i18n_text(p->name, p->type->title) : type;
}

const char *certificate_phase_class(const struct application *app, when now)
{
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		return "is-waiting";
	case PHASE_PIN:
		return "is-asking";
	case PHASE_DONE:
		return application_certificate(app, now) == CERTIFICATE_VALID ? "is-good" : "is-over";
	case PHASE_MISSED:
	case PHASE_REVOKED:
		return "is-over";
	case PHASE_ERROR:
	case PHASE_REVOKE_ERROR:
		return "is-bad";
	}
	return "is-over";
}

const char *certificate_state_class(const struct application *app, when now)
{
	switch (application_certificate(app, now)) {
	case CERTIFICATE_REQUESTED:
	case CERTIFICATE_NOT_TAKEN:
		return "is-waiting";
	case CERTIFICATE_VALID:
		return "is-good";
	case CERTIFICATE_EXPIRED:
	case CERTIFICATE_REVOKED:
		return "is-over";
	case CERTIFICATE_ERROR:
		return "is-bad";
	}
	return "is-over";
}

bool certificate_waits(const struct application *app, when now)
{
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
	case PHASE_PIN:
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		return true;
	default:
		return false;
	}
}

/* Half of SHA-256 is plenty to tell two states of one row apart. */
#define ETAG_BYTES 16

enum status certificate_failures_get(struct request *rq, const struct application *app, struct certificate_failures *ret)
{
	struct certificate_failures failures = {0};
	enum application_phase phase = application_phase(app, rq->now);
	enum status s = STATUS_OK;

	if (phase == PHASE_PIN && !app->issue_mail_at)
		s = job_has_failed(rq->db, rq->arena, "core.mail", app->id, "issued", &failures.mail);
	if (app->handover && (phase == PHASE_REVOKE_BEFORE || phase == PHASE_REVOKE_PENDING))
		s = job_has_failed(rq->db, rq->arena, "core.handover_revoked", app->id, NULL, &failures.card);
	if (s == STATUS_OK)
		*ret = failures;
	return s;
}

char *certificate_etag(struct arena *a, const struct application *app, struct certificate_failures failures, when now, enum lang lang)
{
	char *seen = arena_printf(a, "%llu %d %d %d %d %d %d %d %lld %lld %lld", (unsigned long long)app->id,
		(int)app->state, (int)application_phase(app, now), (int)application_certificate(app, now),
		(int)lang, app->has_pin, failures.mail, failures.card, (long long)app->changed_at, (long long)app->issue_mail_at,
		(long long)app->download_until);
	struct bytes digest = crypto_sha256(a, bytes_string(seen));

	return arena_printf(a, "\"%s\"", text_hex(a, bytes_of(digest.data, ETAG_BYTES)));
}

char *certificate_serial_decimal(struct arena *a, const char *hex)
{
	BIGNUM *number = NULL;
	char *decimal = NULL, *copy;

	if (BN_hex2bn(&number, hex) == 0 || !(decimal = BN_bn2dec(number))) {
		BN_free(number);
		return arena_string(a, "");
	}
	copy = arena_string(a, decimal);
	OPENSSL_free(decimal);
	BN_free(number);
	return copy;
}

/* More digits than a serial number (40) or a fingerprint (64) has. */
#define HEX_MAX 256

char *certificate_hex_groups(struct arena *a, const char *hex)
{
	struct text t = text_new(a, (size_t)HEX_MAX * 2);
	size_t len = strlen(hex);

	if (len % 2)
		text_add(&t, "0");
	for (size_t i = 0; i < len && i < HEX_MAX; i++) {
		if (i > 0 && (len - i) % 2 == 0)
			text_add(&t, ":");
		text_add_bytes(&t, hex + i, 1);
	}
	return t.data;
}

static enum status pin_fill(struct request *rq, struct model *m, const struct application *app)
{
	const struct plugin *plugin = plugin_type(app->type);
	enum application_phase phase = application_phase(app, rq->now);
	when until = application_pin_until(app);
	const char *pin = NULL;
	enum status s = STATUS_MISSING;

	if (plugin && plugin->type->no_pin) {
		model_show(m, "PIN_NEVER");
		return STATUS_OK;
	}
	if (app->has_pin && rq->now < until)
		s = application_pin(rq->db, rq->arena, app, &pin);
	if (s == STATUS_OK) {
		/* Written before it is shown: no PIN is seen without a trace. */
		s = audit_add(rq->db, "pin.viewed",
			arena_printf(rq->arena, "application:%llu", (unsigned long long)app->id), NULL);
		if (s != STATUS_OK)
			return s;
		struct model *shown = model_section(m, "PIN");
		model_set(shown, "PIN_TEXT", pin);
		if (app->taken_at || phase == PHASE_MISSED) /* there is nothing to download any more */
			model_set(model_section(shown, "PIN_SHOWN_UNTIL"), "PIN_UNTIL",
				clock_show(rq->arena, until, rq->lang));
		else
			model_show(shown, "PIN_OPEN");
		return STATUS_OK;
	}
	if (s != STATUS_MISSING)
		return s;
	if (phase == PHASE_BEFORE || phase == PHASE_PENDING)
		model_show(m, "PIN_WAITING");
	else if (app->pin_at && phase == PHASE_REVOKED)
		model_show(m, "PIN_REVOKED");
	else if (app->pin_at)
		model_show(m, "PIN_GONE");
	else
		model_show(m, "PIN_NONE");
	return STATUS_OK;
}

static void mail_fill(struct request *rq, struct model *m, const struct application *app, bool failed)
{
	const struct plugin *plugin = plugin_type(app->type);
	const struct upstream *upstream = plugin_upstream(app->upstream);
	enum application_phase phase = application_phase(app, rq->now);

	model_set(m, "MAIL", app->mail);
	if (failed)
		model_show(m, "MAIL_FAILED");
	else if (app->issue_mail_at)
		model_set(model_section(m, "MAIL_SENT"), "MAIL_AT",
			clock_show(rq->arena, app->issue_mail_at, rq->lang));
	else if (plugin && plugin->type->no_pin)
		model_show(m, "MAIL_NEVER");
	else if (upstream && upstream->mails_issued && app->pin_at)
		model_show(m, "MAIL_ELSEWHERE");
	else if (phase == PHASE_BEFORE || phase == PHASE_PENDING || phase == PHASE_PIN)
		model_show(m, "MAIL_WAITING");
	else
		model_show(m, "MAIL_NOT_SENT");
	mail_again_fill(rq, m, app);
}

static void revocation_fill(struct request *rq, struct model *m, const struct application *app, bool card_failed)
{
	switch (application_phase(app, rq->now)) {
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING: {
		struct model *revoking = model_section(m, "REVOKING");
		model_set(revoking, "REVOKE_LABEL", _(application_phase_label(app, rq->now)));
		if (card_failed) {
			model_show(revoking, "CARD_FAILED");
			model_show(m, "STATE_REVOKED_THERE");
		}
		break;
	}
	case PHASE_REVOKED: {
		struct model *revoked = model_section(m, "REVOKED");
		model_set(revoked, "REVOKED_AT", clock_show(rq->arena, app->revoked_at, rq->lang));
		if (app->revoke_asked_at && reason_text(REASON_USER, app->reason))
			model_set(model_section(revoked, "REVOKED_WHY"), "REVOKED_REASON", reason_text(REASON_USER, app->reason));
		break;
	}
	case PHASE_REVOKE_ERROR:
		model_show(m, "REVOKE_FAILED");
		break;
	default:
		model_show(m, "NOT_REVOKED");
	}
}

/* Until a renewal is taken there is no other number to show than the old certificate's (manual, section 5). */
static void serial_fill(
	struct request *rq, struct model *m, const struct application *app, const struct application *old)
{
	if ((!app->serial || !app->serial[0]) && old && old->serial && old->serial[0]) {
		struct model *before = model_section(m, "SERIAL_BEFORE");
		model_set(before, "SERIAL_DECIMAL", certificate_serial_decimal(rq->arena, old->serial));
		model_set(before, "SERIAL_HEX", certificate_hex_groups(rq->arena, old->serial));
		if (certificate_waits(app, rq->now))
			model_show(before, "SERIAL_CHANGES");
		return;
	}
	if (!app->serial || !app->serial[0]) {
		model_show(m, "NO_SERIAL");
		return;
	}
	struct model *serial = model_section(m, "SERIAL");
	model_set(serial, "SERIAL_DECIMAL", certificate_serial_decimal(rq->arena, app->serial));
	model_set(serial, "SERIAL_HEX", certificate_hex_groups(rq->arena, app->serial));
	if (app->taken_at)
		model_set(model_section(serial, "WAS_TAKEN"), "TAKEN_AT",
			clock_show(rq->arena, app->taken_at, rq->lang));
}

/* The other end of a renewal: where it is, and on the page that has to do with it, what that means. */
static void links_fill(struct request *rq, struct model *m, const struct application *app, const struct renewal_links *links)
{
	if (links->old) {
		struct model *old = model_section(m, "RENEWS");
		model_set_int(old, "OLD_NUMBER", links->old->number);
		model_setf(old, "OLD_PATH", "/%s/%u", links->old->type, links->old->number);
	}
	if (links->next) {
		struct model *next = model_section(m, "RENEWED");
		model_set_int(next, "NEXT_NUMBER", links->next->number);
		model_setf(next, "NEXT_PATH", "/%s/%u", links->next->type, links->next->number);
		model_set(next, "NEXT_PHASE", _(application_phase_label(links->next, rq->now)));
		model_set(next, "NEXT_CLASS", certificate_phase_class(links->next, rq->now));
	}
}

static bool old_is_valid(const struct renewal_links *links, when now)
{
	return links->old && application_certificate(links->old, now) == CERTIFICATE_VALID;
}

/* One sentence above the rows: what is going on, and what the user does next. */
static void advice_fill(struct model *m, const struct application *app, const struct renewal_links *links, bool card_failed, when now)
{
	switch (application_phase(app, now)) {
	case PHASE_BEFORE:
	case PHASE_PENDING:
		if (app->handover)
			model_show(m, "ADVICE_WAIT_CARD");
		else
			model_show(m, "ADVICE_WAIT");
		break;
	case PHASE_PIN:
		model_show(m, "ADVICE_TAKE");
		break;
	case PHASE_MISSED:
		if (old_is_valid(links, now))
			model_set_int(model_section(m, "ADVICE_OLD_STAYS"), "OLD_NUMBER", links->old->number);
		else
			model_show(m, "ADVICE_MISSED");
		break;
	case PHASE_ERROR: {
		struct model *error = model_section(m, "ADVICE_ERROR");
		if (app->error_code && app->error_code[0])
			model_set(model_section(error, "HAS_CODE"), "ERROR_CODE", app->error_code);
		if (old_is_valid(links, now))
			model_set_int(model_section(m, "ADVICE_OLD_STAYS"), "OLD_NUMBER", links->old->number);
		break;
	}
	case PHASE_REVOKE_BEFORE:
	case PHASE_REVOKE_PENDING:
		/* Of a card it is not known here whether only its service has still to be told: then the certificate is revoked. */
		if (card_failed)
			model_show(m, "ADVICE_REVOKING_STUCK");
		else if (app->handover)
			model_show(m, "ADVICE_REVOKING_CARD");
		else
			model_show(m, "ADVICE_REVOKING");
		break;
	case PHASE_REVOKED:
		model_show(m, "ADVICE_REVOKED");
		break;
	case PHASE_REVOKE_ERROR:
		if (application_certificate(app, now) == CERTIFICATE_VALID)
			model_show(m, "ADVICE_REVOKE_ERROR");
		else
			model_show(m, "ADVICE_EXPIRED");
		break;
	case PHASE_DONE:
		if (application_certificate(app, now) != CERTIFICATE_VALID)
			model_show(m, "ADVICE_EXPIRED");
		else if (links->next && application_certificate(links->next, now) == CERTIFICATE_VALID)
			model_set_int(model_section(m, "ADVICE_RENEWED"), "NEXT_NUMBER", links->next->number);
		else if (app->handover)
			model_show(m, "ADVICE_CARD");
		else if (app->has_pin && now < application_pin_until(app)) /* without its password the file is of no use */
			model_show(m, "ADVICE_INSTALL");
		if (old_is_valid(links, now) && !revoke_obstacle(links->old, now).why)
			model_set_int(model_section(m, "ADVICE_OLD_TOO"), "OLD_NUMBER", links->old->number);
		break;
	}
}

static void times_fill(struct request *rq, struct model *m, const struct application *app)
{
	model_set(m, "APPLIED_AT", clock_show(rq->arena, app->created_at, rq->lang));
	if (app->not_after)
		model_set(model_section(m, "EXPIRY"), "EXPIRES_AT",
			clock_show(rq->arena, app->not_after, rq->lang));
	if (app->download_until && !app->taken_at && app->pin_at)
		model_set(model_section(m, "DOWNLOAD"), "DOWNLOAD_UNTIL",
			clock_show(rq->arena, app->download_until, rq->lang));
}

enum status certificate_status_fill(struct request *rq, struct model *m, const struct application *app,
	const struct renewal_links *links, struct certificate_failures failures)
{
	model_set_int(m, "NUMBER", app->number);
	model_set(m, "TYPE", certificate_title(app->type));
	model_set(m, "PHASE", _(application_phase_label(app, rq->now)));
	model_set(m, "PHASE_CLASS", certificate_phase_class(app, rq->now));
	model_set(m, "STATE", _(application_certificate_label(app, rq->now)));
	model_set(m, "STATE_CLASS", certificate_state_class(app, rq->now));
	model_set(m, "SUBJECT", app->subject);
	if (app->fingerprint && app->fingerprint[0])
		model_set(model_section(m, "FINGERPRINT"), "FINGERPRINT_TEXT",
			certificate_hex_groups(rq->arena, app->fingerprint));
	times_fill(rq, m, app);
	revocation_fill(rq, m, app, failures.card);
	mail_fill(rq, m, app, failures.mail);
	serial_fill(rq, m, app, links->old);
	links_fill(rq, m, app, links);
	advice_fill(m, app, links, failures.card, rq->now);
	return pin_fill(rq, m, app);
}

static const char *const history_labels[EVENT_KIND_COUNT] = {
	[EVENT_APPLIED] = N_("Application accepted"),
	[EVENT_SUBMITTED] = N_("Sent to the issuing service"),
	[EVENT_REJECTED] = N_("Refused by the issuing service"),
	[EVENT_PIN] = N_("PIN issued"),
	[EVENT_TAKEN] = N_("Certificate downloaded"),
	[EVENT_HANDED_OVER] = N_("Handed over to the card service"),
	[EVENT_REVOKE_ASKED] = N_("Revocation requested"),
	[EVENT_REVOKE_SUBMITTED] = N_("Revocation sent to the issuing service"),
	[EVENT_REVOKE_REJECTED] = N_("Revocation refused by the issuing service"),
	[EVENT_REVOKED] = N_("Certificate revoked"),
	[EVENT_GAVE_UP] = N_("Processing stopped with an error"),
	[EVENT_RETRIED] = N_("Processing started again"),
};

enum status certificate_history_fill(struct request *rq, struct model *m, const struct application *app)
{
	struct history *all;
	size_t n;
	enum status s = application_history(rq->db, rq->arena, app->id, &all, &n);

	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < n; i++) {
		struct model *row = model_section(m, "EVENT");
		model_set(row, "EVENT_AT", clock_show(rq->arena, all[i].at, rq->lang));
		model_set(row, "EVENT_LABEL",
			(unsigned)all[i].kind < EVENT_KIND_COUNT ? _(history_labels[all[i].kind]) : "");
	}
	return STATUS_OK;
}
