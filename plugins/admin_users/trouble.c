/* What errors mean and what to do about them, by their code: those of the upstream (nii-upstream.md section 5.3) and our own. */
#include "admin_users.h"

static const char correct_data[] = N_("Compare the field named below with the data that the IdP sends and with the subject template in the configuration. Start the application again once that is put right; else delete it and have the user apply anew.");
static const char ask_upstream[] = N_("Ask the issuing service, giving the code, the message and the time. Then start the application again.");
static const char ask_operator[] = N_("This is a matter of the program and its configuration: tell those who run it, giving the code and the message. Then start the application again.");

static const struct trouble troubles[] = {
	{"201", N_("The issuing service misses a field that it requires."), correct_data},
	{"202", N_("A field is longer than the issuing service allows."), correct_data},
	{"204", N_("A field may hold half-width digits only."), correct_data},
	{"205", N_("The comment on the revocation holds characters that are not allowed."),
		N_("Revoke the certificate once more.")},
	{"206", N_("The distinguished name or the mail address is not formed as the issuing service wants it."), correct_data},
	{"208", N_("The issuing service did not receive the file of the application."), ask_operator},
	{"209", N_("The issuing service does not accept the name of the file that was sent."), ask_operator},
	{"212", N_("The distinguished name (CN and OU) was used before. The issuing service never issues the same one as a new certificate again, not even after it expired or was revoked."),
		N_("Starting it again would fail again. Delete the record and have the user apply anew: a new application gets a new number and with it a new name. If the certificate does exist, import it.")},
	{"213", N_("The file of the application arrived empty."), ask_operator},
	{"214", N_("More applications were sent in one file than the issuing service allows."), ask_operator},
	{"215", N_("Your institution is not active at the issuing service."),
		N_("Have the registration of your institution at the issuing service checked. Then start the application again.")},
	{"371", N_("The OU is not among those registered for your institution at the issuing service."),
		N_("Have the OU registered, or change the subject template in the configuration. Then delete the record and have the user apply anew.")},
	{"rejected", N_("The issuing service refused the application without giving a code."), ask_upstream},
	{"gave-up", N_("The issuing service could not be reached or did not answer, however often it was tried."),
		N_("Check that the issuing service can be reached from here. Then start the application again; it is not issued twice.")},
	{"card-service", N_("The certificate was issued, but the card service did not take it."),
		N_("Check that the card service can be reached and what it says below. Then start the application again: the same certificate is handed over once more, as long as it is kept (28 days).")},
	{"handover-over", N_("Key and PIN for the card were kept for 28 days, and have been wiped since."),
		N_("Starting it again cannot succeed. Have the user apply anew.")},
	{"no-profile", N_("The issuing service issues no certificates of this type."), ask_operator},
	{"subject", N_("The distinguished name cannot be put into a certificate."), correct_data},
	{"mail", N_("The mail address cannot be put into a certificate."), correct_data},
	{"no-certificate", N_("The issuing service knows no certificate for this application."),
		N_("There is nothing to revoke there. Ask the issuing service if you know the certificate to exist.")},
};

static const struct trouble unknown = {"", N_("The issuing service reported an error that this system has no explanation for."), ask_upstream};

const struct trouble *trouble_find(const struct application *app)
{
	for (size_t i = 0; i < COUNT_OF(troubles); i++)
		if (text_same(app->error_code, troubles[i].code))
			return &troubles[i];
	return &unknown;
}
