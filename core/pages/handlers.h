/* What the files of the page layer share; nobody else includes this. */
#ifndef INKAN_PAGES_HANDLERS_H
#define INKAN_PAGES_HANDLERS_H

#include "pages/pages.h"

struct renewal_links; /* renew.c */

/* login.c */
enum status login_page(struct request *rq);
enum status login_start(struct request *rq);
enum status login_metadata(struct request *rq);
enum status login_consume(struct request *rq);
enum status login_end(struct request *rq);
/* A path of ours to go to after the log-in: absolute, of printable ASCII, not one that leads to another site and not one of the
 * log-in itself. Anything else gives "/". */
const char *login_return_path(const char *to);

/* What a log-in remembers in its sealed cookie until the IdP answers. */
struct login_memory {
	const char *request_id, *idp, *to;
	when asked_at;
};
char *login_memory_seal(struct arena *a, const struct login_memory *memory);
/* False when it is not ours, was changed, or is older than LOGIN_MEMORY. */
bool login_memory_open(struct arena *a, const char *cookie, when now, struct login_memory *ret);
/* How long the cookie keeps: the most that saml_login_time may be set to. saml_consume() judges by the setting itself, and only a cookie
 * that is still there lets the user be told that he was too slow, and brings him back to his page. */
#define LOGIN_MEMORY (2 * HOUR)

/* attach.c */
/* Gives the user, who has just logged in, the imported certificates that wait under his mail address, when his IdP may assert that
 * address. In the caller's transaction. */
enum status attach_waiting(struct db *db, struct arena *a, const struct user *user) MUST_CHECK;

/* home.c */
enum status home_page(struct request *rq);

/* home_list.c */
/* The applications that were read for the list. */
struct own_list {
	const struct application *apps;
	size_t n;
	bool complete; /* none that lives is missing */
	bool whole;    /* none is missing */
};
/* Fills the list of the user's applications; nothing, when there never was one. */
enum status home_list_fill(struct request *rq, struct model *m, struct own_list *ret) MUST_CHECK;

/* place.c */
struct places;
/* What the user holds of each type; the database is asked only when own, which was read anyhow, does not tell that all are free. */
enum status places_get(struct request *rq, const struct own_list *own, struct places **ret) MUST_CHECK;
struct place {
	enum { PLACE_FREE, PLACE_LIVE, PLACE_LIMIT } taken; /* LIVE: by what has the same live key; LIMIT: by as many as there may be */
	unsigned number;				    /* the application that has it; 0: several, or another user's */
};
/* places NULL: free, as far as is known. */
struct place place_of(const struct places *places, const struct plugin *plugin);
/* Fills core/place.html: why there is no place, and the way to what has it. */
void place_fill(struct model *m, const struct plugin *plugin, struct place place);

/* apply.c */
enum status apply_confirm(struct request *rq);
enum status apply_send(struct request *rq);
/* Fills the parts of an application form: PATH, CSRF, FORM_KEY, the choice of validity, the type's own fields and its variants, and
 * what of that has no place. */
void apply_form(struct request *rq, struct model *m, const struct plugin *plugin, const struct places *places);
/* How many applications a user may make within a day; 0: no limit. */
unsigned apply_day_max(void);
/* The page (409) on an application or a renewal that application_create() refused with "day". */
enum status apply_day_refused(struct request *rq, const char *type) MUST_CHECK;
/* The profile of this name, else the first; NULL: the type has none. */
const struct validity *apply_validity(const struct certificate_settings *settings, const char *profile);
/* Fills LABELLED or COUNTED: how long that is, in words. */
void validity_fill(struct model *m, const struct validity *v, enum lang lang);

/* certificate.c */
/* The application of the request's path. Only among the user's own: somebody else's cannot even be named. MISSING. */
enum status certificate_find(struct request *rq, struct application *ret) MUST_CHECK;
enum status certificate_page(struct request *rq);
enum status certificate_applied(struct request *rq);
enum status certificate_news(struct request *rq);
enum status certificate_memo(struct request *rq);

/* certificate_model.c */
/* What its row does not tell. */
struct certificate_failures {
	bool mail; /* the mail with the certificate URL could not be sent */
	bool card; /* the card service could not be told of the revocation */
};
enum status certificate_failures_get(
	struct request *rq, const struct application *app, struct certificate_failures *ret) MUST_CHECK;
/* Fills the rows of the details that change by themselves. Opens, shows and audits the PIN when there is one. */
enum status certificate_status_fill(struct request *rq, struct model *m, const struct application *app,
	const struct renewal_links *links, struct certificate_failures failures) MUST_CHECK;
/* True while something may still happen without the user: the page asks for news. */
bool certificate_waits(const struct application *app, when now);
/* Changes when anything that certificate_status_fill shows has changed. Quoted, as HTTP wants it. */
char *certificate_etag(struct arena *a, const struct application *app, struct certificate_failures failures, when now, enum lang lang);

/* action.c */
/* Why something cannot be done, and what can be done instead: msgids. why NULL: nothing is in the way. */
struct obstacle {
	const char *why, *instead;
};
/* Fills NUMBER, TYPE, SUBJECT: which certificate a question is about. */
void action_facts_fill(struct model *m, const struct application *app);
/* Fills the buttons of the details page, with the dialogs of those that are enabled. */
void action_fill(struct request *rq, struct model *m, const struct application *app, const struct renewal_links *links);
/* The page (409) that says why not. next: another application to go on with; NULL: none. */
enum status action_refused(struct request *rq, const struct application *app, const char *heading, struct obstacle obstacle,
	const struct application *next) MUST_CHECK;

/* revoke.c */
enum status revoke_ask(struct request *rq);
enum status revoke_send(struct request *rq);
enum status revoke_done(struct request *rq);
struct obstacle revoke_obstacle(const struct application *app, when now);
/* Fills the fields of the question. reason is preselected; form_key NULL: a new one. */
void revoke_form(struct request *rq, struct model *m, const struct application *app, const char *reason, const char *form_key);

/* renew.c */
enum status renew_ask(struct request *rq);
enum status renew_send(struct request *rq);
/* What an application renews and what renews it; NULL: nothing. */
struct renewal_links {
	const struct application *old, *next;
};
enum status renewal_links_get(struct request *rq, const struct application *app, struct renewal_links *ret) MUST_CHECK;
struct obstacle renew_obstacle(const struct application *app, const struct renewal_links *links, when now);
/* Whether its type's setting renew_days says that renewal is to be offered; that it is not under way is the caller's to know. */
bool renew_is_near(const struct application *app, when now);
void renew_form(struct request *rq, struct model *m, const struct application *app, const char *form_key);

/* deadline.c */
extern const struct panel deadline_panels[];
/* Fills the switch for reminders; nothing, when there is nothing to be reminded of. */
void reminders_fill(struct request *rq, struct model *m, const struct application *app);
enum status certificate_mute(struct request *rq);
/* Fills the button that sends the issue mail again, as long as that can be. */
void mail_again_fill(struct request *rq, struct model *m, const struct application *app);
enum status certificate_mail(struct request *rq);
/* Fills what the two have just done. */
void deadline_notes_fill(struct request *rq, struct model *m, const struct application *app);

/* calendar.c */
enum status calendar_page(struct request *rq);
enum status calendar_change(struct request *rq);
enum status calendar_end(struct request *rq);
enum status calendar_feed(struct request *rq);
extern const struct menu_entry calendar_menu[];

/* layout.c */
void layout_start(void);
void layout_assets(const char *view_dir);
void layout_fill(struct request *rq, struct model *layout);
/* The same page in the other language: path (decoded) and query (raw) with lang= replaced. */
char *layout_lang_url(struct arena *a, const char *path, const char *query, enum lang lang);

/* admin.c */
enum status admin_top(struct request *rq);
bool admin_has_pages(void);
/* On an administrators' page: the tabs of all of them. */
void admin_tabs_fill(struct request *rq, struct model *layout);

/* health.c */
/* How the core is: the hook of its own descriptor. */
const struct health_item *core_health(struct arena *a, struct db *db);

/* help.c */
enum status help_page(struct request *rq);
enum status help_system_page(struct request *rq);

/* help_ca.c */
/* Fills the list of CA certificates, when there are any. */
void ca_list_fill(struct request *rq, struct model *page);

/* help_accessibility.c */
enum status help_accessibility(struct request *rq);

#endif
