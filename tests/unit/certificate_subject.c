/* Tests of certificate_subject(): what templates give, and what may never get into a subject. */
#include "support/check.h"

#include "plugin.h"

static struct arena *a;
static const char *subject, *field, *character;

static int set_up(void **state)
{
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(a);
	return 0;
}

static enum status fill(const char *format, const char *eppn, const char *mail, const char *extra)
{
	const struct user user = {.eppn = eppn, .mail = mail};
	subject = field = character = NULL;
	return certificate_subject(a, format, &user, 7, extra, &subject, &field, &character);
}

static void templates(void **state)
{
	check_ok(fill("CN=%u.%n,OU=Staff,O=Example University,C=JP", "taro@example.ac.jp", NULL, NULL));
	assert_string_equal(subject, "CN=taro.7,OU=Staff,O=Example University,C=JP");
	check_ok(fill("CN=%e,O=X", "taro_1@example.ac.jp", NULL, NULL));
	assert_string_equal(subject, "CN=taro_1@example.ac.jp,O=X");
	check_ok(fill("CN=%m,OU=%x,O=X", "taro@example.ac.jp", "t.y@example.ac.jp", "S-12 (3)"));
	assert_string_equal(subject, "CN=t.y@example.ac.jp,OU=S-12 (3),O=X");
}

/* A value that does not fit is named, with the character, and nothing is handed out. */
static void refused(
	const char *format, const char *eppn, const char *extra, const char *in_field, const char *what)
{
	check_status(fill(format, eppn, "m@example.ac.jp", extra), STATUS_INVALID);
	assert_null(subject);
	assert_non_null(field);
	assert_string_equal(field, in_field);
	assert_string_equal(character, what);
}

static void characters(void **state)
{
	static const char cn[] = "CN=%u.%n,O=X", ou[] = "CN=%n,OU=%x,O=X";
	check_ok(fill(cn, "ab'()-.:/_ z@x", NULL, NULL));
	refused(cn, "ta,ro@x", "", "eppn", ",");
	refused(cn, "ta=ro@x", "", "eppn", "=");
	refused(cn, "ta+ro@x", "", "eppn", "+");
	refused(cn, "ta\"ro@x", "", "eppn", "\"");
	refused(cn, "ta\\ro@x", "", "eppn", "\\");
	refused(cn, "ta\tro@x", "", "eppn", "(09)");
	refused(cn, "ta\nro@x", "", "eppn", "(0a)");
	refused(cn, "t\u00e4ro@x", "", "eppn", "\u00e4");
	refused(cn, "\u592a\u90ce@x", "", "eppn", "\u592a");
	refused(cn, "ta\u202ero@x", "", "eppn", "(e280ae)");
	refused(cn, "ta\xffro@x", "", "eppn", "(ff)");
	refused(cn, " taro@x", "", "eppn", " ");
	refused(cn, "@x", "", "eppn", "");
	/* @ and _ are for CN alone */
	check_ok(fill("CN=%x,O=X", "taro@x", NULL, "a@b_c"));
	refused(ou, "taro@x", "a@b", "extra", "@");
	refused(ou, "taro@x", "a_b", "extra", "_");
	refused(ou, "taro@x", "", "extra", "");
	check_ok(fill(ou, "taro@x", NULL, "12-3"));
}

static void length(void **state)
{
	static const char three[] = "CN=%n,OU=%x,OU=%x,OU=%x,OU=%u,O=X";
	char local[80], extra[65];
	memset(local, 'a', sizeof local);
	memset(extra, 'b', sizeof extra);
	/* one attribute: 64 */
	local[64] = '\0';
	check_ok(fill("CN=%u,O=X", local, NULL, NULL));
	local[64] = 'a';
	local[65] = '\0';
	refused("CN=%u,O=X", local, "", "eppn", "");
	/* all together: 250 */
	extra[60] = '\0';
	size_t rest = 250 - 3 * 60 - strlen("CN=7,OU=,OU=,OU=,OU=,O=X");
	local[rest] = '\0';
	check_ok(fill(three, local, NULL, extra));
	assert_int_equal(strlen(subject), 250);
	local[rest] = 'a';
	local[rest + 1] = '\0';
	refused(three, local, extra, "extra", "");
}

static void bad_templates(void **state)
{
	static const char *const bad[] = {"CN=%q", "CN=%", "O=X,CN=%u", "CN=%u\\,", "CN=%u;O=X", "%u"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		check_status(fill(bad[i], "taro@x", NULL, NULL), STATUS_INVALID);
		assert_null(subject);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test(characters),
		cmocka_unit_test(length),
		cmocka_unit_test(bad_templates),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
