/* Tests the routes of the core and of all plugins together: none collides, and the forms without a token are the ones listed here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <unistd.h>
#include <cmocka.h>

#include "pages/pages.h"
#include "plugin.h"

/* Whoever adds one must see why in the route's reason, and add it here. */
static const char *const exempt[] = {
	"/saml/acs",
	"/logout",
	"/demo_idp/login",
	"/demo_card/recvcert",
	"/demo_card/recvrevocation",
	"/upstream_local/take/:token",
	"/upstream_local/take/:token/download",
};

static struct arena *a;

static int set_up(void **state)
{
	DIR *dir = opendir(SOURCE_DIR "/plugins");

	a = arena_new();
	assert_int_equal(plugin_add(&core_plugin), STATUS_OK);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		const char *names[] = {e->d_name, NULL};

		if (e->d_name[0] == '.' ||
			access(arena_printf(a, BINARY_DIR "/plugins/%s.so", e->d_name), R_OK) != 0)
			continue;
		if (plugin_load(BINARY_DIR "/plugins", names, true) != STATUS_OK)
			fail_msg("%s", cause_text());
	}
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < plugin_count(); i++)
		if (router_add(plugin_at(i)->name, plugin_at(i)->routes) != STATUS_OK)
			fail_msg("%s", cause_text());
	return 0;
}

static int tear_down(void **state)
{
	arena_free(a);
	return 0;
}

static void look(const char *owner, const struct route *route, void *context)
{
	bool listed = false;

	if (!route->no_csrf_because)
		return;
	++*(size_t *)context;
	for (size_t i = 0; i < COUNT_OF(exempt); i++)
		listed = listed || text_same(exempt[i], route->path);
	print_message("%s %s: %s\n", route->method, route->path, route->no_csrf_because);
	if (!listed)
		fail_msg("%s %s takes forms without a token and is not listed in this test", route->method,
			route->path);
	assert_true(strlen(route->no_csrf_because) > 20);
}

static void forms_without_a_token_are_listed(void **state)
{
	size_t n = 0;

	router_each(look, &n);
	assert_true(n >= 2); /* those of the core at least */
	assert_true(n <= COUNT_OF(exempt));
}

/* What users send, and whether it is refused during maintenance: all that is asked of an upstream, and memos; not what they look at, take,
 * or settle for themselves. Whoever adds a form decides here. */
static const struct {
	const char *path;
	bool pauses;
} forms[] = {
	{"/:type/apply", true},
	{"/:type/:number/memo", true},
	{"/:type/:number/revoke", true},
	{"/:type/:number/renew", true},
	{"/:type/:number/mute", false},
	{"/:type/:number/mail", false},
	{"/calendar", false},
	{"/calendar/end", false},
	{"/logout", false},
	{"/saml/acs", false},
	{"/demo_idp/login", false},
	{"/demo_card/recvcert", false},
	{"/demo_card/recvrevocation", false},
	{"/upstream_local/take/:token", false},
	{"/upstream_local/take/:token/download", false},
};

static void pause_look(const char *owner, const struct route *route, void *context)
{
	size_t *paused = context;
	bool listed = false;

	if (route->access == ACCESS_ADMIN && route->pauses)
		fail_msg("%s %s: administrators go on during maintenance", route->method, route->path);
	if (route->pauses)
		++*paused;
	if (!text_same(route->method, "POST") || route->access == ACCESS_ADMIN)
		return;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (!text_same(forms[i].path, route->path))
			continue;
		listed = true;
		if (forms[i].pauses != route->pauses)
			fail_msg("POST %s %s during maintenance", route->path, route->pauses ? "is refused" : "goes on");
	}
	if (!listed)
		fail_msg("POST %s of %s: may it go on during maintenance? List it in this test", route->path, owner);
}

static void what_pauses_during_maintenance_is_listed(void **state)
{
	size_t paused = 0;

	router_each(pause_look, &paused);
	assert_int_equal(paused, 7); /* the four, and the three questions before them */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_without_a_token_are_listed),
		cmocka_unit_test(what_pauses_during_maintenance_is_listed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
