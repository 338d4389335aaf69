/* The pages that are core code: log-in, dashboard, application, details, help, and the layout around every page. */
#ifndef INKAN_PAGES_PAGES_H
#define INKAN_PAGES_PAGES_H

#include "plugin.h"

/* Added with plugin_add() before all others. */
extern const struct plugin core_plugin;

/* Hangs the layout around every page; before threads. */
void pages_start(void);
/* Makes the addresses of style sheets and scripts change with their content (a digest of core/static in the folder of views), so that
 * all hosts of a release agree on them; without it they change with every start. After pages_start(), before threads. */
void pages_assets(const char *view_dir);

/* How many applications and renewals a user may make within a day; 0: no limit. Before threads. */
void pages_day_max(int64_t applications);

/* A CA certificate that the install guide offers: section ca "TITLE" { url = "https://..." }. */
struct ca_setting {
	const char *title, *title_en, *url, *sha256;
	bool root;
};
/* Sets those of the configuration (struct ca_setting); when there are none the upstreams name theirs. Before threads. */
void pages_ca(const struct setting_sections *sections);

#endif
