/* Tests of base/i18n: translations per thread, plurals, and the choice by Accept-Language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/i18n.h"
#include "base/arena.h"
#include "base/text.h"

#define HELLO_JA "\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xe3\x81\xa1\xe3\x81\xaf"

static const char core_po[] =
	"msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n"
	"Plural-Forms: nplurals=1; plural=0;\\n\"\n"
	"msgid \"Hello\"\nmsgstr \"" HELLO_JA "\"\n"
	"msgid \"%lu day\"\nmsgid_plural \"%lu days\"\nmsgstr[0] \"%lu \xe6\x97\xa5\"\n";
static const char client_po[] = "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n"
				"msgid \"Hello\"\nmsgstr \"client\"\n";

static struct arena *a;
static char dir[] = "/tmp/inkan-i18n-XXXXXX";

static void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void catalogue(const char *domain, const char *po)
{
	char *path = arena_printf(a, "%s/%s.po", dir, domain);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(po, f);
	fclose(f);
	shell(arena_printf(a, "msgfmt -o %s/ja/LC_MESSAGES/%s.mo %s", dir, domain, path));
}

static int set_up(void **state)
{
	a = arena_new();
	if (!mkdtemp(dir))
		return -1;
	mkdir(arena_printf(a, "%s/ja", dir), 0700);
	mkdir(arena_printf(a, "%s/ja/LC_MESSAGES", dir), 0700);
	/* A locale of our own: a bare machine has none, and this works without root. */
	shell(arena_printf(a, "localedef -i ja_JP -f UTF-8 %s/ja_JP.UTF-8", dir));
	setenv("LOCPATH", dir, 1);
	setenv("LANGUAGE", "fr", 1);
	catalogue("core", core_po);
	catalogue("client", client_po);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(a);
	return 0;
}

static void start_refuses_without_the_locale(void **state)
{
	setenv("LOCPATH", "/nonexistent", 1);
	if (access("/usr/lib/locale/locale-archive", F_OK) != 0) {
		assert_int_equal(i18n_start(dir), STATUS_INVALID);
		assert_non_null(strstr(cause_text(), "ja_JP.UTF-8"));
	}
	setenv("LOCPATH", dir, 1);
	assert_int_equal(i18n_start(dir), STATUS_OK);
	assert_null(getenv("LANGUAGE"));
	i18n_domain("client");
}

static void a_thread_speaks_english_until_told(void **state)
{
	assert_int_equal(i18n_lang(), LANG_EN);
	assert_string_equal(i18n_text("core", "Hello"), "Hello");
}

static void texts_are_translated(void **state)
{
	i18n_use(LANG_JA);
	assert_int_equal(i18n_lang(), LANG_JA);
	assert_string_equal(_("Hello"), HELLO_JA);
	assert_string_equal(i18n_text("client", "Hello"), "client");
	assert_string_equal(i18n_text("core", "Unknown"), "Unknown");
	assert_string_equal(i18n_text("core", ""), "");
	assert_string_equal(i18n_plural("core", "%lu day", "%lu days", 1), "%lu \xe6\x97\xa5");
	assert_string_equal(i18n_plural("core", "%lu day", "%lu days", 2), "%lu \xe6\x97\xa5");
	i18n_use(LANG_EN);
	assert_string_equal(_("Hello"), "Hello");
	assert_string_equal(i18n_text("core", ""), "");
	assert_string_equal(i18n_plural("core", "%lu day", "%lu days", 1), "%lu day");
	assert_string_equal(i18n_plural("core", "%lu day", "%lu days", 0), "%lu days");
	i18n_use(LANG_JA);
	assert_string_equal(_("Hello"), HELLO_JA);
	i18n_use(LANG_EN);
}

static void *speak(void *arg)
{
	enum lang lang = *(enum lang *)arg;
	bool ok = i18n_lang() == LANG_EN;

	for (int i = 0; i < 2000; i++) {
		i18n_use(lang);
		ok = ok && strcmp(_("Hello"), lang == LANG_JA ? HELLO_JA : "Hello") == 0;
		lang = lang == LANG_JA ? LANG_EN : LANG_JA;
	}
	return ok ? arg : NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	static enum lang langs[] = {LANG_JA, LANG_EN, LANG_JA, LANG_EN};
	pthread_t threads[COUNT_OF(langs)];

	for (size_t i = 0; i < COUNT_OF(langs); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, speak, &langs[i]), 0);
	for (size_t i = 0; i < COUNT_OF(langs); i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_ptr_equal(result, &langs[i]);
	}
}

static void codes(void **state)
{
	enum lang lang = LANG_EN;

	assert_string_equal(lang_code(LANG_JA), "ja");
	assert_string_equal(lang_code(LANG_EN), "en");
	assert_true(lang_parse("ja", &lang) && lang == LANG_JA);
	assert_false(lang_parse("JA", &lang) || lang_parse("fr", &lang) || lang_parse("", &lang) ||
		     lang_parse(NULL, &lang));
	assert_int_equal(lang, LANG_JA);
}

static void accept_language(void **state)
{
	static const struct {
		const char *header;
		enum lang fallback, want;
	} cases[] = {
		{NULL, LANG_JA, LANG_JA},
		{"", LANG_EN, LANG_EN},
		{"en", LANG_JA, LANG_EN},
		{"en-US,en;q=0.9,ja;q=0.8", LANG_JA, LANG_EN},
		{"ja,en-US;q=0.9,en;q=0.8", LANG_EN, LANG_JA},
		{"JA-jp", LANG_EN, LANG_JA},
		{"en;q=0.5, ja;q=0.51", LANG_EN, LANG_JA},
		{"fr, de;q=0.9", LANG_EN, LANG_EN},
		{"fr, ja;q=0.1", LANG_EN, LANG_JA},
		{"en, ja", LANG_JA, LANG_EN}, /* equal: the first */
		{"ja, en", LANG_EN, LANG_JA},
		{"ja;q=0", LANG_EN, LANG_EN},
		{"ja;q=0, *", LANG_JA, LANG_EN},
		{"*", LANG_JA, LANG_JA},
		{"*", LANG_EN, LANG_EN},
		{"*;q=0.5, en;q=0.1", LANG_EN, LANG_JA},
		{"*, en;q=0.1", LANG_EN, LANG_JA},
		{"*;q=0.2, en;q=0.7", LANG_JA, LANG_EN},
		{"en ; q=0.2 , ja ;q=0.3", LANG_EN, LANG_JA},
		{"jav, enx", LANG_JA, LANG_JA},
		{"en;q=2, ja;q=0.1", LANG_EN, LANG_JA}, /* not a quality: left out */
		{"en;q=1.001, ja;q=0.1", LANG_EN, LANG_JA},
		{"en;q=, ja;q=0.1", LANG_EN, LANG_JA},
		{"en;x=1, ja;q=0.1", LANG_EN, LANG_JA},
		{",,;q=1,ja", LANG_EN, LANG_JA},
		{"en-GB;q=0.1, en;q=0.9, ja;q=0.5", LANG_JA, LANG_EN},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (lang_accept(cases[i].header, cases[i].fallback) != cases[i].want)
			fail_msg("wrong for %s", cases[i].header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_refuses_without_the_locale),
		cmocka_unit_test(a_thread_speaks_english_until_told),
		cmocka_unit_test(texts_are_translated),
		cmocka_unit_test(threads_do_not_disturb_each_other),
		cmocka_unit_test(codes),
		cmocka_unit_test(accept_language),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
