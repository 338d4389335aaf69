/* The plugin admin_users: what administrators see of users and certificates, and do for them. */
#include "admin_users.h"

#define FILL_STEP 200

/* Users of a time before the search: what they are found by is computed once, here; later every log-in writes it. */
static enum status search_run(const struct job_run *run)
{
	unsigned filled = FILL_STEP;
	enum status s = STATUS_OK;

	while (s == STATUS_OK && filled == FILL_STEP && !job_run_over(run)) {
		struct arena *a = arena_new(); /* of one step: there may be many */
		s = user_search_fill(run->db, a, FILL_STEP, &filled);
		arena_free(a);
	}
	return s;
}

static const char *const user_words[] = {"q", NULL};

static const struct route routes[] = {
	{"GET", "/admin_users", ACCESS_ADMIN, users_page, .right = RIGHT_LOOK, .words = user_words},
	{"GET", "/admin_users/user/:id", ACCESS_ADMIN, user_page, .right = RIGHT_LOOK},
	{"GET", "/admin_users/certificates", ACCESS_ADMIN, certificates_page, .right = RIGHT_LOOK, .words = certificate_words},
	{"GET", "/admin_users/certificates/:id", ACCESS_ADMIN, certificate_details, .right = RIGHT_LOOK},
	{"GET", "/admin_users/certificates/:id/error", ACCESS_ADMIN, certificate_error, .right = RIGHT_LOOK},
	{"GET", "/admin_users/certificates/:id/raw", ACCESS_ADMIN, certificate_raw, .right = RIGHT_LOOK},
	/* Not paused by maintenance: a stolen key does not wait for its end. */
	{"GET", "/admin_users/certificates/:id/revoke", ACCESS_ADMIN, revoke_question, .right = RIGHT_REVOKE},
	{"POST", "/admin_users/certificates/:id/revoke", ACCESS_ADMIN, revoke_order, .right = RIGHT_REVOKE},
	{"GET", "/admin_users/certificates/:id/retry", ACCESS_ADMIN, retry_question, .right = RIGHT_CHANGE},
	{"POST", "/admin_users/certificates/:id/retry", ACCESS_ADMIN, retry_order, .right = RIGHT_CHANGE},
	{"GET", "/admin_users/certificates/:id/delete", ACCESS_ADMIN, delete_question, .right = RIGHT_CHANGE},
	{"POST", "/admin_users/certificates/:id/delete", ACCESS_ADMIN, delete_order, .right = RIGHT_CHANGE},
	{"GET", "/admin_users/certificates/:id/detach", ACCESS_ADMIN, detach_question, .right = RIGHT_CHANGE},
	{"POST", "/admin_users/certificates/:id/detach", ACCESS_ADMIN, detach_order, .right = RIGHT_CHANGE},
	{"POST", "/admin_users/certificates/:id/detach_undo", ACCESS_ADMIN, detach_undo, .right = RIGHT_CHANGE},
	{"GET", "/admin_users/certificates/:id/give", ACCESS_ADMIN, give_question, .right = RIGHT_CHANGE},
	{"POST", "/admin_users/certificates/:id/give", ACCESS_ADMIN, give_order, .right = RIGHT_CHANGE},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Users"), "/admin_users", ACCESS_ADMIN, RIGHT_LOOK},
	{N_("Certificates"), "/admin_users/certificates", ACCESS_ADMIN, RIGHT_LOOK},
	{0},
};

static const struct job_kind jobs[] = {
	{.name = "admin_users.search", .lane = LANE_WAIT, .run = search_run, .every = HOUR},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_users",
	.routes = routes,
	.menu = menu,
	.jobs = jobs,
};
