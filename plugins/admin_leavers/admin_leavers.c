/* The plugin admin_leavers: revocation for people who have left, after a preview, a mail to them, and a grace period. */
#include "leavers.h"

/* A pasted list: 5,000 lines of 40 bytes, each of which a form may send as three, and nginx lets no more through. */
#define LIST_BYTES_MAX (250 * 1024)

struct leavers_settings leavers_settings = {.grace = 14 * DAY, .people_max = 5000, .keep_runs = 365 * DAY};

static const struct setting settings[] = {
	{"grace", SETTING_DURATION, offsetof(struct leavers_settings, grace), "14d", 0, 365 * DAY,
		.help = "Proposed time between the mail to those concerned and the revocation; whole days."},
	{"people_max", SETTING_INTEGER, offsetof(struct leavers_settings, people_max), "5000", 1, 50000,
		.help = "People in one run: what one administrator can look through before deciding."},
	{"keep_runs", SETTING_DURATION, offsetof(struct leavers_settings, keep_runs), "365d", 0, 3650 * DAY,
		.help = "A run, with the people on it and its result, is deleted so long after it ended or was cancelled; 0: never. Who decided it stays in the audit trail."},
	{0},
};

static const struct route routes[] = {
	{"GET", "/admin_leavers", ACCESS_ADMIN, runs_page, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/list", ACCESS_ADMIN, runs_page, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/list", ACCESS_ADMIN, find_list, .right = RIGHT_CHANGE, .body_max = LIST_BYTES_MAX},
	{"GET", "/admin_leavers/search", ACCESS_ADMIN, runs_page, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/search", ACCESS_ADMIN, find_search, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/:run", ACCESS_ADMIN, run_page, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/:run/confirm", ACCESS_ADMIN, run_again, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/:run/confirm", ACCESS_ADMIN, run_confirm, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/:run/start", ACCESS_ADMIN, run_again, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/:run/start", ACCESS_ADMIN, run_begin, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/:run/cancel", ACCESS_ADMIN, run_ask_cancel, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/:run/cancel", ACCESS_ADMIN, run_send_cancel, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/:run/person/:user", ACCESS_ADMIN, run_send_cancel_person, .right = RIGHT_CHANGE},
	{"POST", "/admin_leavers/:run/person/:user/back", ACCESS_ADMIN, run_send_restore_person, .right = RIGHT_CHANGE},
	{"GET", "/admin_leavers/:run/export", ACCESS_ADMIN, run_export, .right = RIGHT_CHANGE},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Revocation for leavers"), "/admin_leavers", ACCESS_ADMIN, RIGHT_CHANGE},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_leavers",
	.settings = settings,
	.settings_into = &leavers_settings,
	.routes = routes,
	.menu = menu,
	.panels = leavers_panels,
	.jobs = leavers_jobs,
};
