/* Every plugin of the tree loads, alone and together with all others, into the program's own core. */
#include "support/check.h"

#include <dirent.h>

#include "plugin.h"

#define DIR_OF_PLUGINS BINARY_DIR "/plugins"
#define MOST 32

static char *names[MOST + 1];
static size_t count;

static int find(void **state)
{
	DIR *dir = opendir(DIR_OF_PLUGINS);
	struct dirent *entry;
	if (!dir)
		return -1;
	while ((entry = readdir(dir)) && count < MOST)
		if (text_ends(entry->d_name, ".so"))
			names[count++] = strndup(entry->d_name, strlen(entry->d_name) - 3);
	closedir(dir);
	return count ? 0 : -1;
}

static int forget(void **state)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	return 0;
}

static void test_refused_without_demo(void **state)
{
	for (size_t i = 0; i < count; i++)
		if (text_starts(names[i], "demo_"))
			check_status(plugin_load(DIR_OF_PLUGINS, (const char *const[]){names[i], NULL}, false), STATUS_INVALID);
	assert_int_equal(plugin_count(), 0);
}

static void test_all(void **state)
{
	check_ok(plugin_load(DIR_OF_PLUGINS, (const char *const *)names, true));
	assert_int_equal(plugin_count(), count);
	for (size_t i = 0; i < count; i++) {
		const struct plugin *p = plugin_find(names[i]);
		assert_non_null(p);
		assert_int_equal(p->demo, text_starts(names[i], "demo_"));
		for (const struct setting *s = p->settings; s && s->name; s++)
			if (!s->help || !s->help[0])
				fail_msg("%s.conf: setting %s says nothing about itself", names[i], s->name);
		if (p->routes)
			check_ok(router_add(p->name, p->routes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_without_demo),
		cmocka_unit_test(test_all),
	};
	return cmocka_run_group_tests_name("plugins", tests, find, forget);
}
