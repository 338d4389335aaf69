/* Languages: gettext per thread. English is the msgid; a domain is a plugin's name, "core" for the core. */
#ifndef INKAN_BASE_I18N_H
#define INKAN_BASE_I18N_H

#include <stdbool.h>

#include "base/status.h"

enum lang { LANG_JA, LANG_EN, LANG_COUNT };

/* Makes the locales (ja_JP.UTF-8 must exist, see README); removes LANGUAGE from the environment. */
enum status i18n_start(const char *locale_dir) MUST_CHECK;
/* Binds one more domain to the directory; before threads start. */
void i18n_domain(const char *domain);
/* The language of this thread from now on; a thread that never chose speaks English. */
void i18n_use(enum lang lang);
enum lang i18n_lang(void);
/* The translation in this thread's language, or msgid itself. Static storage of gettext: never freed. */
const char *i18n_text(const char *domain, const char *msgid);
const char *i18n_plural(const char *domain, const char *one, const char *many, unsigned long n);

const char *lang_code(enum lang lang); /* "ja", "en" */
bool lang_parse(const char *code, enum lang *ret);
/* The first language of an Accept-Language header (RFC 9110 section 12.5.4, with q values) that we speak; fallback otherwise. */
enum lang lang_accept(const char *header, enum lang fallback);

/* In C files: #define TEXT_DOMAIN "client" before use; N_() only marks. */
#ifndef TEXT_DOMAIN
#define TEXT_DOMAIN "core"
#endif
#define _(msgid) i18n_text(TEXT_DOMAIN, msgid)
#define N_(msgid) msgid

#endif
