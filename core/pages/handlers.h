/* What the files of the page layer share; nobody else includes this. */
#ifndef INKAN_PAGES_HANDLERS_H
#define INKAN_PAGES_HANDLERS_H

#include "pages/pages.h"

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

/* home.c */
enum status home_page(struct request *rq);

/* apply.c */
enum status apply_confirm(struct request *rq);
enum status apply_send(struct request *rq);
/* Fills the parts of an application form: PATH, CSRF, FORM_KEY, the choice of validity (chosen is preselected), the type's own
 * fields and its variants. */
void apply_form(struct request *rq, struct model *m, const struct plugin *plugin, const char *chosen);

/* certificate.c */
enum status certificate_page(struct request *rq);
enum status certificate_applied(struct request *rq);
enum status certificate_news(struct request *rq);
enum status certificate_memo(struct request *rq);

/* certificate_model.c */
/* A type's title in this thread's language; the plugin's name when it is disabled: its certificates stay visible. */
const char *certificate_title(const char *type);
/* CSS class of a badge: what kind of news the state is. */
const char *certificate_phase_class(const struct application *app, when now);
const char *certificate_state_class(const struct application *app, when now);
/* Fills the rows of the details that change by themselves. Opens, shows and audits the PIN when there is one. */
enum status certificate_status_fill(struct request *rq, struct model *m, const struct application *app);
enum status certificate_history_fill(struct request *rq, struct model *m, const struct application *app);
/* True while something may still happen without the user: the page asks for news. */
bool certificate_waits(const struct application *app, when now);
/* Changes when anything that certificate_status_fill shows has changed. Quoted, as HTTP wants it. */
char *certificate_etag(struct arena *a, const struct application *app, when now, enum lang lang);
/* A serial number (lower-case hexadecimal) in decimal; and in hexadecimal in groups of two digits. */
char *certificate_serial_decimal(struct arena *a, const char *hex);
char *certificate_hex_groups(struct arena *a, const char *hex);

/* layout.c */
void layout_start(void);
void layout_assets(const char *view_dir);
void layout_fill(struct request *rq, struct model *layout);
/* The same page in the other language: path (decoded) and query (raw) with lang= replaced. */
char *layout_lang_url(struct arena *a, const char *path, const char *query, enum lang lang);

/* help.c */
enum status help_page(struct request *rq);

#endif
