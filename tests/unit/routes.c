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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(forms_without_a_token_are_listed)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
