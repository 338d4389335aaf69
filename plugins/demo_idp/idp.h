/* The identity provider itself: reads signed requests, writes signed and encrypted responses. No pages, no passwords. */
#ifndef INKAN_DEMO_IDP_IDP_H
#define INKAN_DEMO_IDP_IDP_H

#include "plugin.h"

struct account {	   /* section account "NAME" */
	const char *title; /* log-in name */
	struct secret password;
	const char *eppn, *mail, *display_name, *ja_display_name; /* names "": not sent */
};

struct idp_settings {
	const char *entity_id; /* https://HOST/demo_idp/metadata: its address is also where it is */
	struct secret key;     /* PEM */
	const char *certificate;
	const char *scope;
	const char *name_ja, *name_en;
	bool encrypt;
	struct setting_sections accounts; /* struct account */
};

/* What is to be known of this IdP (role IDPSSODescriptor). INVALID: a setting is not usable. Needs neither lasso nor a running server. */
enum status idp_metadata(struct arena *a, const struct idp_settings *settings, struct bytes *ret) MUST_CHECK;

/* Makes the IdP for one service provider; it lives as long as the arena. After lasso_init (saml_start). */
enum status idp_start(
	struct arena *a, const struct idp_settings *settings, struct bytes sp_metadata) MUST_CHECK;

struct idp_request {
	const char *id, *issuer;
	const char *relay_state; /* "" when none */
};
/* Reads a request of the redirect binding, given as the raw query string. INVALID: unsigned, not by our service provider, too old. */
enum status idp_read(struct arena *a, const char *query, when now, struct idp_request *ret) MUST_CHECK;

struct idp_answer {
	const char *url, *response,
		*relay_state; /* where to post, SAMLResponse in base64, RelayState ("" when none) */
};
/* Reads the request again and answers it: this account was authenticated now. */
enum status idp_answer(struct arena *a, const char *query, const struct account *account, when now,
	struct idp_answer *ret) MUST_CHECK;

#endif
