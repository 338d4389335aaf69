/* The UPKI-PASS card server: where certificates are handed over, and revocations told. */
#ifndef UPKI_PASS_CARD_H
#define UPKI_PASS_CARD_H

#include "plugin.h"

struct card_settings {
	const char *url, *issue_path, *revoke_path, *ca_file;
	struct secret issue_key, revoke_key;
	const char *key_field, *p12_field, *pin_field, *id_field;
	const char *answer_start; /* of an acceptance; "": whatever does not begin with err: */
	int64_t timeout;	  /* ms */
};

/* Whether address and field names can be used: INVALID says which cannot. */
enum status card_check(const struct card_settings *settings) MUST_CHECK;
/* One call each. UPSTREAM: not accepted, or not known; the server's words are not repeated, since they may hold what it was sent. */
enum status card_deliver(const struct card_settings *settings, const struct job_run *run,
	const struct handover *handover) MUST_CHECK;
enum status card_revoked(
	const struct card_settings *settings, const struct job_run *run, const char *id) MUST_CHECK;

#endif
