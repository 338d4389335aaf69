/* Tests which system a browser runs on, by what it says of itself: the install guide and the download page begin with it. */
#include "support/check.h"

#include "web/request.h"

static void systems_are_known(void **state)
{
	static const struct {
		const char *hint, *agent, *system;
	} cases[] = {
		{"\"Windows\"",
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
			"windows"},
		{NULL, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
			"windows"},
		{"\"macOS\"",
			"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/131.0.0.0",
			"macos"},
		{NULL, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
			"macos"},
		{NULL, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
			"ios"},
		{NULL, "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15", "ios"},
		{"\"Android\"",
			"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile",
			"android"},
		{NULL, "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "android"},
		{NULL, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36", "android"},
		{NULL, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "linux"},
		{NULL, "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36", NULL},
		/* The hint is exact, the other only looks like something. */
		{"\"Android\"", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "android"},
		/* Nothing, or nonsense, or hostile: nobody's page comes first. */
		{NULL, NULL, NULL},
		{"", "", NULL},
		{"Windows", "curl/8", NULL},
		{"\"Windows", "\"><script>", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *system = browser_system(cases[i].hint, cases[i].agent);
		if (!text_same(system, cases[i].system))
			fail_msg("case %zu: %s instead of %s", i, system ? system : "none",
				cases[i].system ? cases[i].system : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(systems_are_known)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
