/* The plugin loader: what is wrong with a plugin is said in one sentence, and a good one loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "plugin.h"

#define DIR BINARY_DIR "/tests/plugins"

static enum status load(const char *name, bool demo)
{
	return plugin_load(DIR, (const char *const[]){name, NULL}, demo);
}

static void refused(const char *name, const char *because)
{
	cause_clear();
	assert_int_equal(load(name, false), STATUS_INVALID);
	if (!strstr(cause_text(), because))
		fail_msg("the cause \"%s\" does not say \"%s\"", cause_text(), because);
	assert_null(plugin_find(name));
}

static void test_refusals(void **state)
{
	char abi[100];

	snprintf(abi, sizeof(abi), "was built for plugin interface %d, this program has %d", INKAN_ABI + 1, INKAN_ABI);
	refused("abi", abi);
	refused("other_name", "calls itself somebody_else");
	refused("no_symbol", "has no symbol inkan_plugin");
	refused("undefined", "nobody_defines_this");
	refused("demo_only", "demands demo = yes");
	refused("foreign_route", "/client/steal does not stand under /foreign_route");
	refused("missing", "there is no file");
	refused("../good", "a-z, 0-9 and _");
	refused("", "a-z, 0-9 and _");
}

static void test_good(void **state)
{
	assert_int_equal(load("good", false), STATUS_OK);
	const struct plugin *p = plugin_find("good");
	assert_non_null(p);
	assert_string_equal(p->name, "good");
	assert_int_equal(load("good", false), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "listed twice"));
	assert_int_equal(load("demo_only", true), STATUS_OK);
	assert_int_equal(plugin_count(), 2);
}

static void test_configure(void **state)
{
	char dir[] = "/tmp/inkan-plugin-XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct arena *a = arena_new();
	assert_int_equal(plugin_configure(a, dir), STATUS_INVALID); /* no good.conf */
	const char *file = arena_printf(a, "%s/good.conf", dir);
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs("number = 12\n", f);
	fclose(f);
	assert_int_equal(plugin_configure(a, dir), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "good.conf:1"));
	f = fopen(file, "w");
	fputs("# nothing set\n", f);
	fclose(f);
	assert_int_equal(plugin_configure(a, dir), STATUS_OK);
	assert_int_equal(*(const int64_t *)plugin_find("good")->settings_into, 7);
	unlink(file);
	rmdir(dir);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_configure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
