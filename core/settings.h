/* The core's settings: everything inkan.conf may say, as one struct. */
#ifndef INKAN_SETTINGS_H
#define INKAN_SETTINGS_H

#include "base/config.h"
#include "issue/mail.h"
#include "issue/poll.h"
#include "issue/remind.h"
#include "issue/retention_job.h"
#include "pages/pages.h"
#include "saml/saml.h"
#include "store/db.h"
#include "web/admin.h"
#include "web/server.h"
#include "web/session.h"

struct settings {
	const char *base_url;
	const char *title_ja, *title_en;
	const char *contact;
	const char *zone;
	const char *log_level;
	bool demo;
	const char *const *plugins;
	const char *plugin_dir, *view_dir, *locale_dir, *migration_dir;
	const char *const *seal_keys;
	struct secret audit_key;
	int64_t stop_time;
	const char *test_clock;
	struct db_settings db, db_admin;
	struct server_settings server;
	struct session_settings session;
	struct admin_settings admin;
	struct saml_settings saml;
	struct mail_settings mail;
	struct poll_settings poll;
	struct remind_settings remind;
	int64_t applications_per_day;
	int64_t exports, upload_time;
	struct retention_settings retention;
	struct setting_sections ca; /* struct ca_setting */
};
extern const struct setting settings_list[];

/* What one setting alone cannot tell: base_url must be https without a path, demo demands a loopback host, and so on. */
enum status settings_check(const struct settings *s) MUST_CHECK;

#endif
