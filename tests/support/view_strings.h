/* A folder of views, catalogues and a Japanese locale, for tests of what is loaded from there. */
#ifndef INKAN_TESTS_VIEW_STRINGS_H
#define INKAN_TESTS_VIEW_STRINGS_H

#include "base/arena.h"
#include "base/status.h"

/* Makes the folder with the locale ja_JP.UTF-8, points LOCPATH to it, and starts i18n there. Aborts when it cannot. */
void view_strings_start(struct arena *a);
/* Writes DIR/DOMAIN/NAME. */
void view_strings_file(const char *domain, const char *name, const char *content);
/* msgid, msgstr, msgid, msgstr, ..., NULL becomes the Japanese catalogue of the domain. */
void view_strings_catalogue(const char *domain, const char *const *texts);
/* Loads the views of the domain "core" (and of others that are given, NULL-terminated). */
enum status view_strings_load(const char *const *domains) MUST_CHECK;
const char *view_strings_dir(void);
/* Removes the folder. */
void view_strings_end(void);

#endif
