/* The contract between the core and its plugins: one constant descriptor says all that a plugin contributes. */
#ifndef INKAN_PLUGIN_H
#define INKAN_PLUGIN_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/crypto.h"
#include "base/csv.h"
#include "base/i18n.h"
#include "base/json.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "issue/handover.h"
#include "issue/mail.h"
#include "issue/poll.h"
#include "issue/upstream.h"
#include "store/application.h"
#include "store/application_import.h"
#include "store/application_owner.h"
#include "store/application_delete.h"
#include "store/application_find.h"
#include "store/audit.h"
#include "store/audit_find.h"
#include "store/conflict.h"
#include "store/db.h"
#include "store/health.h"
#include "store/job.h"
#include "store/reseal.h"
#include "store/session_store.h"
#include "store/user.h"
#include "store/user_find.h"
#include "web/admin.h"
#include "web/export.h"
#include "web/reason.h"
#include "web/request.h"
#include "web/router.h"
#include "web/upload.h"
#include "web/view.h"

/* Raised with every change that an older plugin would misread. It is the first field, and is read before all others. */
#define INKAN_ABI 3

/* An entry of the account menu. A list ends with {0}. */
struct menu_entry {
	const char *title; /* msgid of the plugin's domain */
	const char *path;
	enum access access; /* ACCESS_ADMIN: not in the account menu, but a tab of the administrators' pages, in the order of the plugin list */
	enum right right;   /* with ACCESS_ADMIN: shown to those who have it */
};

/* Pages that say something about a person, and what they say it about. */
enum panel_page {
	PANEL_DASHBOARD = 1,
	PANEL_CERTIFICATE = 2, /* its owner's details page */
	PANEL_ADMIN = 4,       /* the administrators' pages of a person, and of a certificate */
};
struct panel_place {
	enum panel_page page;
	uint64_t user_id; /* 0: of a certificate without an owner */
	const struct application *app; /* NULL: the page is about the person */
};

/* A part of such pages, drawn below the heading in the order of the plugin list. A list ends with {0}. */
struct panel {
	const char *view; /* "PLUGIN/panel.html" */
	unsigned pages;	  /* of enum panel_page, one or several */
	/* Fills the panel's model; OK without anything set: shown as it is. MISSING: there is nothing to say here.
	 * Any other: logged, and left out; the page is shown all the same. */
	enum status (*fill)(struct request *rq, const struct panel_place *place, struct model *m);
};

/* A choice of validity, section validity "PROFILE ID" { months = 52 } of a certificate type's configuration. */
struct validity {
	const char *title; /* profile id */
	int64_t months;
	const char *label_ja, *label_en; /* "": 52ヶ月 / 52 months */
};

/* What all certificate types have in common in their configuration, embedded as the first member of a type's settings; declare the
 * settings with CERTIFICATE_TYPE_SETTINGS(struct, member). */
struct certificate_settings {
	const char *upstream;             /* name of the plugin that issues */
	const char *subject;              /* template, see certificate_subject() */
	struct setting_sections validity; /* struct validity; the first one is the default */
	bool choose_validity;
	int64_t live_max;                 /* live certificates of this type a user may have; 0: no limit */
	int64_t renew_days;               /* days before expiry from which renewal is offered */
};
extern const struct setting validity_settings[];
#define CERTIFICATE_TYPE_SETTINGS(S, M, DEFAULT_SUBJECT, DEFAULT_LIVE_MAX)                                     \
	{"upstream", SETTING_STRING, offsetof(S, M.upstream), "upstream_local",                               \
		.help = "The plugin that issues these certificates."},                                         \
		{"subject", SETTING_STRING, offsetof(S, M.subject), DEFAULT_SUBJECT,                          \
			.help = "Template of the subject (RFC 4514 order CN first): %u local part of ePPN, %e ePPN, %n application number, %m mail, " \
				"%x the type's own field."},                                                   \
		{"validity", SETTING_SECTION, offsetof(S, M.validity), .sub = validity_settings,              \
			.sub_size = sizeof(struct validity),                                                   \
			.help = "Profile ids of the upstream with their months; the first is the default."},   \
		{"choose_validity", SETTING_BOOLEAN, offsetof(S, M.choose_validity), "no",                    \
			.help = "Whether applicants choose the validity; otherwise they get the default."},    \
		{"live_max", SETTING_INTEGER, offsetof(S, M.live_max), DEFAULT_LIVE_MAX, 0, 10000,            \
			.help = "How many live certificates of this type a user may have; 0 is no limit. Bounds what one account can make the upstream do."}, \
		{"renew_days", SETTING_INTEGER, offsetof(S, M.renew_days), "60", 0, 3650,                     \
			.help = "Days before expiry from which the dashboard offers renewal."}

/* A certificate type. Apply, show, renew and revoke are core code; a type only says what is its own. Its pages are /PLUGIN/... */
struct certificate_type {
	const char *title;   /* msgid: クライアント証明書 */
	const char *button;  /* msgid: クライアント証明書を申請 */
	const char *purpose; /* msgid: one sentence on what it is good for */
	const char *variant_of; /* name of the type on whose form it is a checkbox; NULL: a form of its own */
	const char *box;     /* variant: msgid of that checkbox */
	const char *form_view; /* view with the type's own fields, shown in the form; NULL: none */
	const struct certificate_settings *settings;
	/* NULL: the applicant gets the certificate. Otherwise this card service does: orders carry the mark handover, the upstream gives
	 * key, .p12 and PIN to the core (upstream_hand_over), jobs of the core bring them here and tell it of revocations. */
	const struct card_service *card;
	bool no_pin;         /* the user gets neither PIN nor issue mail; always so with a card service */
	bool no_renewal;
	const char *live_why; /* msgid: what an applicant is told whose live_key is taken; NULL: the core's own sentence */
	/* form → order: reads the type's own fields into order (extra), or refuses with request_refuse(). NULL: no fields. The field of
	 * form_view is named "extra-PLUGIN", and {{EXTRA}} in the view is what was entered so far. */
	enum status (*order)(struct request *rq, struct order *order);
	/* order → subject and live_key, inside the transaction; NULL: the template alone. INVALID with a cause refuses. The dashboard asks a
	 * type without form_view for the live_key of the next order too: with number 0 and the user's mail alone. */
	enum status (*complete)(struct arena *a, unsigned number, const struct user *user, struct order *order);
};
/* Fills the type's subject template: every value is checked against the characters a subject may hold (NII's rules, nii-upstream.md
 * section 2.2; RFC 4514 needs no escaping then), at most 250 bytes and 64 in each attribute. INVALID: ret_field ("eppn", "mail",
 * "number", "extra") and ret_char ("" when it is empty or too long) name what does not fit; both are left alone when the template itself
 * is at fault. */
enum status certificate_subject(struct arena *a, const char *format, const struct user *user, unsigned number, const char *extra,
	const char **ret, const char **ret_field, const char **ret_char) MUST_CHECK;

/* The enabled types whose live_key is TYPE:USER:ADDRESS (one live certificate per user and address), so that imported ones can be given
 * theirs; NULL-terminated. */
const char *const *certificate_types_by_mail(struct arena *a);

/* A command of the program: `inkan NAME ...`. A list ends with {0}. */
struct command {
	const char *name;  /* "ca" */
	const char *usage; /* "ca init | ca show" */
	enum status (*run)(struct arena *a, struct db *db, int argc, char **argv); /* argv[0] is the name */
};

/* A fact on how a part of the running system is, for the administrators' page and for monitoring. A list ends with {0}. */
enum health { HEALTH_GOOD, HEALTH_WARN, HEALTH_BAD };
struct health_item {
	const char *name;          /* stable, a-z 0-9 . _ -: monitoring knows it as PLUGIN.NAME */
	const char *title, *value; /* in this thread's language; value may be NULL when expires tells all */
	enum health state;
	when expires; /* not 0: it ends then; whoever shows it tells the days left, and judges them by thresholds that are settings there */
};

struct plugin {
	uint32_t abi;     /* INKAN_ABI */
	const char *name; /* the folder's */
	bool demo;        /* loads only with demo = yes */
	const struct setting *settings; /* of NAME.conf; NULL: the plugin has no configuration file */
	void *settings_into;
	const struct route *routes;
	const struct menu_entry *menu;
	const struct panel *panels;
	const struct job_kind *jobs;
	const struct certificate_type *type;
	const struct upstream *upstream;
	const struct command *commands;
	/* Whether the site pauses, and what its pages say about that (see request_pause()); asked for every page, so it must be cheap. NULL: nothing. */
	enum status (*pause)(struct request *rq, struct site_pause *ret);
	/* How it is. Asked whenever an administrator or monitoring looks, on any thread, so it must be cheap; lives as long as a. NULL: it
	 * cannot be told, and the cause says why. */
	const struct health_item *(*health)(struct arena *a, struct db *db);
	const struct sealed_column *sealed; /* which columns of its tables `inkan keys rotate` seals anew */
	/* What is allowed in its configuration but hardly meant: a sentence for who runs the site, in English, with the name of the setting and
	 * what follows from it. For `inkan check`, after configuration and before start; i = 0, 1, ... until NULL. NULL: nothing ever. */
	const char *(*warning)(struct arena *a, size_t i);
	/* After configuration, schema check and saml_start, before threads; the arena lives until stop. */
	enum status (*start)(struct arena *a, struct db *db);
	void (*stop)(void); /* after the last request and job */
};

/* The one symbol of a plugin. */
#define INKAN_PLUGIN EXPORT extern const struct plugin inkan_plugin; EXPORT const struct plugin inkan_plugin

/* For plugins: facts of the running server. */
const char *site_base_url(void); /* "https://localhost:8443", no final slash */
bool site_demo(void);
const char *site_title(enum lang lang);
/* Whether the user's mail address lies within the domains allowed to the IdP of the last log-in: only then may a certificate name it. */
bool site_mail_allowed(const struct user *user);
enum status saml_metadata(struct arena *a, struct bytes *ret) MUST_CHECK; /* as in saml/saml.h, which is not installed */

/* For plugins: what pages say about applications. */
/* A type's title in this thread's language; the plugin's name when it is disabled: its certificates stay visible. */
const char *certificate_title(const char *type);
/* CSS class of a badge: what kind of news the state is. */
const char *certificate_phase_class(const struct application *app, when now);
const char *certificate_state_class(const struct application *app, when now);
/* Fills core/certificate_history.html. */
enum status certificate_history_fill(struct request *rq, struct model *m, const struct application *app) MUST_CHECK;
/* A serial number (lower-case hexadecimal) in decimal; and in hexadecimal in groups of two digits. */
char *certificate_serial_decimal(struct arena *a, const char *hex);
char *certificate_hex_groups(struct arena *a, const char *hex);
/* Fills the panels of all plugins, PANEL in the page's view. */
void panels_fill(struct request *rq, const struct panel_place *place, struct model *m);
/* The one-time key of a form: what tells the same form sent twice from two forms. */
char *form_key_new(struct arena *a);
bool form_key_ok(const char *key); /* NULL is not */

/* Loader, for main and tests. names: NULL-terminated list of enabled plugins; each is dlopened from dir (RTLD_NOW, RTLD_LOCAL,
 * RTLD_NODELETE), its ABI, name and consistency are checked. INVALID: one sentence says which plugin and why. */
enum status plugin_load(const char *dir, const char *const *names, bool demo) MUST_CHECK;
/* Adds one that is linked in: the core's own descriptor, and tests'. */
enum status plugin_add(const struct plugin *p) MUST_CHECK;
enum status plugin_configure(struct arena *a, const char *config_dir) MUST_CHECK;
enum status plugin_start(struct arena *a, struct db *db) MUST_CHECK; /* stops those already started when one fails */
void plugin_stop(void);                                             /* in reverse order */
size_t plugin_count(void);
const struct plugin *plugin_at(size_t i);
const struct plugin *plugin_find(const char *name); /* NULL */
const struct plugin *plugin_type(const char *name); /* enabled certificate type, or NULL */
const struct upstream *plugin_upstream(const char *name);
const struct card_service *plugin_card(const char *type); /* of an enabled certificate type, or NULL */
/* Whether that upstream itself sends the mail "issued", "taken" or "revoked" to applicants. */
bool plugin_upstream_mails(const char *upstream, const char *what);
/* All kinds of jobs: NULL-terminated, for poll_start. extra: the core's own lists, NULL-terminated. */
const struct job_kind *const *plugin_jobs(struct arena *a, const struct job_kind *const *extra);
/* All sealed columns: the lists of all plugins, NULL-terminated. */
const struct sealed_column *const *plugin_sealed(struct arena *a);
const char *const *plugin_names(struct arena *a); /* NULL-terminated, the core first */

/* What site_*() answers; set by main before plugins start. */
struct site {
	const char *base_url, *title_ja, *title_en, *contact;
	bool demo;
};
void site_set(const struct site *site);
const char *site_contact(void);

#endif
