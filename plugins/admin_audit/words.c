/* Words for the actions and objects of the audit trail: one table. */
#include "words.h"

/* clang-format off: one line an action, in the order of the filter's list */
static const struct {
	const char *action, *words;
} table[] = {
	{"user.logged_in", N_("Logged in")},
	{"user.created", N_("First log-in")},
	{"user.mail_changed", N_("Mail address changed")},
	{"user.idp_changed", N_("Identity provider changed")},
	{"user.blanked", N_("Name and mail address erased (retention)")},
	{"application.applied", N_("Application accepted")},
	{"application.submitted", N_("Application sent to the issuing service")},
	{"application.rejected", N_("Application refused by the issuing service")},
	{"application.pin", N_("PIN issued")},
	{"application.taken", N_("Certificate obtained")},
	{"application.handed_over", N_("Certificate handed over to the card server")},
	{"application.revoke_asked", N_("Revocation applied for")},
	{"application.revoke_submitted", N_("Revocation sent to the issuing service")},
	{"application.revoke_rejected", N_("Revocation refused by the issuing service")},
	{"application.revoked", N_("Certificate revoked")},
	{"application.gave_up", N_("Given up after repeated failures")},
	{"application.retried", N_("Failed application tried again")},
	{"application.attached", N_("Imported certificate attached to its owner")},
	{"application.muted", N_("Reminders turned off")},
	{"application.unmuted", N_("Reminders turned on")},
	{"certificate.sent", N_("Certificate file downloaded")},
	{"pin.viewed", N_("PIN shown to its owner")},
	{"pin.accepted", N_("PIN accepted on the download page")},
	{"pin.refused", N_("Wrong PIN on the download page")},
	{"mail.asked", N_("Mail with the certificate URL asked for again")},
	{"calendar.renewed", N_("Calendar address made")},
	{"calendar.removed", N_("Calendar address ended")},
	{"admin.entered", N_("Entered the administrator interface")},
	{"admin.refused", N_("Wrong password for the administrator interface")},
	{"admin.denied", N_("Administrators' page refused: not allowed by the role")},
	{"admin.looked", N_("Page of a user or a certificate looked at")},
	{"admin.searched", N_("Users, certificates or audit trail searched")},
	{"admin.revoked", N_("Revoked on behalf of the user")},
	{"admin.retried", N_("Application in error tried again")},
	{"admin.deleted", N_("Application in error deleted")},
	{"admin.attached", N_("Imported certificate given to an owner")},
	{"admin.detached", N_("Imported certificate taken from its owner")},
	{"admin.detached.undone", N_("Imported certificate may be given back")},
	{"admin.audit.verify", N_("Verification of the audit trail started")},
	{"admin.audit.exported", N_("Audit trail exported")},
	{"admin.statistics.exported", N_("Certificates exported")},
	{"admin.statistics.figures_exported", N_("Statistics exported")},
	{"admin.leavers.searched", N_("Revocation of leavers: people looked up")},
	{"admin.leavers.started", N_("Revocation of leavers scheduled")},
	{"admin.leavers.cancelled", N_("Revocation of leavers cancelled")},
	{"admin.leavers.person_cancelled", N_("Revocation of one leaver cancelled")},
	{"admin.leavers.person_restored", N_("Revocation of one leaver put back")},
	{"admin.leavers.exported", N_("Result of a revocation of leavers exported")},
	{"admin.import_started", N_("Bulk import started")},
	{"admin.import_staged", N_("Bulk import: rows stored")},
	{"admin.import_classified", N_("Bulk import: rows compared with the database")},
	{"admin.import_listed", N_("Bulk import: list of rows looked at")},
	{"admin.import_errors", N_("Bulk import: errors downloaded")},
	{"admin.import_decided", N_("Bulk import: registration ordered")},
	{"admin.import_registered", N_("Bulk import: rows registered")},
	{"admin.import_discarded", N_("Bulk import: fetched rows discarded")},
	{"admin.job.restarted", N_("Failed job started again")},
	{"admin.job.discarded", N_("Failed job discarded")},
	{"admin.event.viewed", N_("Event that could not be applied looked at")},
	{"admin.event.closed", N_("Event that could not be applied closed")},
	{"admin.maintenance.set", N_("Maintenance mode set")},
	{"admin.maintenance.ended", N_("Maintenance mode ended")},
	{"keys.rotated", N_("Stored secrets sealed under a new key")},
	{"ca.made", N_("Certification authority made")},
	{"retention.swept", N_("Old records deleted (retention)")},
};
/* clang-format on */

const char *action_words(const char *action)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (text_same(table[i].action, action))
			return _(table[i].words);
	return NULL;
}

const char *action_at(size_t i)
{
	return i < COUNT_OF(table) ? table[i].action : NULL;
}

static const struct {
	const char *kind, *words;
} kinds[] = {{"user:", N_("User")}, {"application:", N_("Application")}};

const char *object_words(struct arena *a, const char *object)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_starts(object, kinds[i].kind))
			return arena_printf(a, "%s %s", _(kinds[i].words), object + strlen(kinds[i].kind));
	return object;
}

/* The number behind a word: "申請 17", "申請17". NULL: something else. */
static const char *number_behind(struct arena *a, const char *words, const char *word)
{
	const char *folded = text_fold(a, word), *number;

	if (!text_starts(words, folded))
		return NULL;
	number = text_trim(a, words + strlen(folded));
	return *number && strspn(number, "0123456789") == strlen(number) ? number : NULL;
}

const char *object_wanted(struct arena *a, const char *words)
{
	const char *folded = text_fold(a, words);

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *number = number_behind(a, folded, _(kinds[i].words));
		if (!number)
			number = number_behind(a, folded, kinds[i].words);
		if (number)
			return arena_printf(a, "%s%s", kinds[i].kind, number);
	}
	return folded;
}
