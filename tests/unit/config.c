/* Tests of base/config: every type, every refusal with its file and line, and what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/config.h"
#include "base/text.h"

struct idp {
	const char *title;
	const char *url;
	int64_t weight;
	const char *const *scopes;
	const char *cert;
};

struct settings {
	char guard[8];
	const char *name;
	int64_t workers;
	int64_t big;
	bool demo;
	int64_t idle;
	const char *mode;
	const char *const *plugins;
	const char *views;
	struct secret password;
	struct setting_sections idps;
};

static const char *const modes[] = {"fast", "slow", NULL};

static const struct setting idp_settings[] = {
	{"url", SETTING_STRING, offsetof(struct idp, url), NULL, .help = "Where it is."},
	{"weight", SETTING_INTEGER, offsetof(struct idp, weight), "5", 1, 9},
	{"scopes", SETTING_LIST, offsetof(struct idp, scopes), ""},
	{"cert", SETTING_PATH, offsetof(struct idp, cert), ""},
	{0},
};

static const struct setting settings[] = {
	{"name", SETTING_STRING, offsetof(struct settings, name), NULL, .help = "The name."},
	{"workers", SETTING_INTEGER, offsetof(struct settings, workers), "4", 1, 64, .help = "Threads."},
	{"big", SETTING_INTEGER, offsetof(struct settings, big), "-9223372036854775808"},
	{"demo", SETTING_BOOLEAN, offsetof(struct settings, demo), "no"},
	{"idle", SETTING_DURATION, offsetof(struct settings, idle), "15m", 1000, 86400000,
		.help = "How long."},
	{"mode", SETTING_CHOICE, offsetof(struct settings, mode), "slow", .choices = modes},
	{"plugins", SETTING_LIST, offsetof(struct settings, plugins), "client, smime"},
	{"views", SETTING_PATH, offsetof(struct settings, views), "views"},
	{"password", SETTING_SECRET, offsetof(struct settings, password), ""},
	{"idp", SETTING_SECTION, offsetof(struct settings, idps), .sub = idp_settings,
		.sub_size = sizeof(struct idp)},
	{0},
};

static struct arena *a;
static struct settings got;
static char dir[] = "/tmp/inkan-config-XXXXXX";

static char *path_of(const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *data, size_t len, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static enum status read_text(const char *text)
{
	write_file("a.conf", text, strlen(text), 0644);
	memset(&got, 0x5a, sizeof got);
	cause_clear();
	return config_read(a, path_of("a.conf"), settings, &got);
}

/* The cause is the file's path and what follows. */
static void refused(const char *text, const char *what)
{
	struct settings untouched;

	memset(&untouched, 0x5a, sizeof untouched);
	if (read_text(text) != STATUS_INVALID)
		fail_msg("taken: %s", text);
	if (!text_starts(cause_text(), path_of("a.conf")) || !strstr(cause_text(), what))
		fail_msg("%s\nrefused with \"%s\" instead of \"%s\"", text, cause_text(), what);
	assert_memory_equal(&got, &untouched, sizeof got);
}

static int set_up(void **state)
{
	a = arena_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"a.conf", "secret", "out"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		unlink(path_of(names[i]));
	rmdir(dir);
	arena_free(a);
	return 0;
}

static void defaults_hold_for_what_is_not_set(void **state)
{
	assert_int_equal(read_text("name = x"), STATUS_OK);
	assert_string_equal(got.name, "x");
	assert_int_equal(got.workers, 4);
	assert_true(got.big == INT64_MIN);
	assert_false(got.demo);
	assert_int_equal(got.idle, 900000);
	assert_string_equal(got.mode, "slow");
	assert_string_equal(got.plugins[0], "client");
	assert_string_equal(got.plugins[1], "smime");
	assert_null(got.plugins[2]);
	assert_string_equal(got.views, path_of("views"));
	assert_string_equal(got.password.value, "");
	assert_string_equal(got.password.path, "");
	assert_int_equal(got.idps.n, 0);
	assert_int_equal(got.guard[0], 0x5a);
}

static void every_type_is_read(void **state)
{
	write_file("secret", "s3cret\nline\n", 12, 0600);
	assert_int_equal(read_text("# a comment with ${HOME}\n"
				   "name = \"a \\\"b\\\" \xe3\x81\x82\" /* and\n one */ // and another\n"
				   "workers = 64\nbig = -7\ndemo = yes\nidle = 12h\nmode = fast\n"
				   "plugins = {\"one\", two, \"three, four\"}\n"
				   "views = ../v\npassword = secret\n"
				   "idp \"first\" { url = https://a.example/x weight = 9 }\n"
				   "idp \"second one\" {\n\turl = 'u'\n\tscopes = {}\n\tcert = c.pem\n}\n"),
		STATUS_OK);
	assert_string_equal(got.name, "a \"b\" \xe3\x81\x82");
	assert_int_equal(got.workers, 64);
	assert_int_equal(got.big, -7);
	assert_true(got.demo);
	assert_int_equal(got.idle, 12 * 3600000);
	assert_string_equal(got.mode, "fast");
	assert_string_equal(got.plugins[1], "two");
	assert_string_equal(got.plugins[2], "three, four");
	assert_null(got.plugins[3]);
	assert_string_equal(got.views, path_of("../v"));
	assert_string_equal(got.password.value, "s3cret\nline");
	assert_string_equal(got.password.path, path_of("secret"));
	assert_int_equal(got.idps.n, 2);

	const struct idp *idps = got.idps.items;
	assert_string_equal(idps[0].title, "first");
	assert_string_equal(idps[0].url, "https://a.example/x");
	assert_int_equal(idps[0].weight, 9);
	assert_string_equal(idps[0].cert, "");
	assert_string_equal(idps[1].title, "second one");
	assert_int_equal(idps[1].weight, 5);
	assert_null(idps[1].scopes[0]);
	assert_string_equal(idps[1].cert, path_of("c.pem"));
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"30", 30000}, {"30s", 30000}, {"15m", 900000}, {"1d", 86400000}, {"1500ms", 1500}};
	static const char *const bad[] = {
		"", "s", "1w", "1.5h", "-1s", "1 h", "99999999999999999999d", "9223372036854775807d"};

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(
			read_text(arena_printf(a, "name=x\nidle = \"%s\"", good[i].text)), STATUS_OK);
		assert_int_equal(got.idle, good[i].ms);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refused(arena_printf(a, "name=x\nidle = \"%s\"", bad[i]),
			arena_printf(a, ":2: idle: \"%s\" is not a duration", bad[i]));
	refused("name=x\nidle = 2d", ":2: idle: 2d is out of range (1s..1d)");
	refused("name=x\nidle = 999ms", "out of range");
}

static void relative_to_the_file_even_when_that_is_relative(void **state)
{
	char *here = get_current_dir_name();

	write_file("a.conf", "name = x", 8, 0644);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(config_read(a, "a.conf", settings, &got), STATUS_OK);
	assert_string_equal(got.views, path_of("views"));
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(config_read(a, arena_printf(a, "%s/a.conf", strrchr(dir, '/') + 1), settings, &got),
		STATUS_OK);
	assert_string_equal(got.views, path_of("views"));
	assert_int_equal(chdir(here), 0);
	free(here);
}

static void a_wrong_value_is_named_with_its_line(void **state)
{
	refused("name = x\n\nworkers = 65\n", "a.conf:3: workers: 65 is out of range (1..64)");
	refused("name = x\nworkers = 0", ":2: workers: ");
	refused("name = x\nworkers = four", ":2: workers: \"four\" is not a number");
	refused("name = x\nworkers = \"\"", ":2: workers: ");
	refused("name = x\nbig = 9223372036854775808", ":2: big: ");
	refused("name = x\ndemo = maybe", ":2: demo: \"maybe\" is neither yes nor no");
	refused("name = x\nmode = medium", ":2: mode: \"medium\" is none of fast, slow");
	refused("workers = 5\n", "a.conf: name must be set");
	refused("name = x\nidp \"t\" {\n\tweight = 1\n}\n", "a.conf:4: url must be set in idp \"t\"");
	refused("name = x\nidp \"t\" {\n\turl = u\n\tweight = 10\n}\n",
		"a.conf:4: weight: 10 is out of range (1..9)");
	/* comments of several lines do not put the count off */
	refused("name = x\n/* one\ntwo\n*/ # three\nworkers = 65", ":5: workers");
	refused("name = x\n// one\n/* two */\nplugins = {a, # b\n c }\nworkers = 65", ":6: workers");
}

static void an_unknown_key_is_named_with_the_known_ones(void **state)
{
	refused("name = x\nworker = 5\n",
		"a.conf:2: no such option 'worker'; known here: name, workers, big, demo, idle, mode, "
		"plugins, views, password, idp");
	refused("name = x\nidp t {\n\turl = u\n\tname = y\n}\n",
		"a.conf:4: no such option 'name'; known here: url, weight, scopes, cert");
	refused("name = x\nsection { a = 1 }", ":2: no such option 'section'");
	refused("include(\"other.conf\")", ":1: ");
}

static void nothing_is_set_twice(void **state)
{
	refused("name = x\nworkers = 2\nname = y\n", "a.conf:3: name is set twice, first in line 1");
	refused("name = x\nplugins = {a}\n\nplugins = {b}", ":4: plugins is set twice, first in line 2");
	refused("name = x\nplugins = {a, b}\nplugins = c", ":3: plugins is set twice");
	refused("name = x\nidp t { url = u\nurl = v }", ":3: url is set twice, first in line 2");
	refused("name = x\nidp t { url = u }\nidp t { url = v }", ":3: ");
	/* the same key in two sections is not the same */
	assert_int_equal(read_text("name = x\nidp t { url = u }\nidp s { url = u }"), STATUS_OK);
	assert_int_equal(read_text("name = x\nplugins = {a}\nplugins += {b}"), STATUS_OK);
	assert_string_equal(got.plugins[1], "b");
}

static void what_libconfuse_would_take_silently_is_refused(void **state)
{
	setenv("INKAN_TEST_VARIABLE", "expanded", 1);
	refused("name = x\nviews = \"${INKAN_TEST_VARIABLE}\"", "a.conf:2: ${...} is not expanded");
	refused("name = ${INKAN_TEST_VARIABLE}", ":1: ${...}");
	refused("name = 'a\n${INKAN_TEST_VARIABLE}'", ":2: ${...}");
	refused("name = http://x/${INKAN_TEST_VARIABLE}", ":1: ${...}");
	refused("name = \"x\nworkers = 2", ":1: this string has no end");
	refused("\nname = 'x", ":2: this string has no end");
	refused("name = x\n/* \nworkers = 2", ":2: this comment has no end");
	refused("name = *x", ":1: values with * + ( ) must be quoted");
	refused("name = +x", ":1: values with");
	refused("name = \xff", "not valid UTF-8");
	write_file("a.conf", "name = x\0y", 10, 0644);
	assert_int_equal(config_read(a, path_of("a.conf"), settings, &got), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "zero byte"));
	/* after all of these the reader still works */
	assert_int_equal(read_text("name = \"a # b // c /* d\" // e\nviews = 'a$b'"), STATUS_OK);
	assert_string_equal(got.name, "a # b // c /* d");
	assert_string_equal(got.views, path_of("a$b"));
	assert_int_equal(read_text("name = http://a//b//comment? # no\n"), STATUS_OK);
	assert_string_equal(got.name, "http://a//b//comment?");
	assert_int_equal(read_text("//comment\nname = x"), STATUS_OK);
}

static void broken_files_are_refused(void **state)
{
	refused("name", "premature end of file");
	refused("name = x\n}", ":2: unexpected closing brace");
	refused("name = x\nidp { url = x }", ":2: missing title");
	refused("name = x\nidp t { url = x\n\n", ":2: this { has no }");
	refused("name = x\nplugins = {a", ":2: this { has no }");
	refused("name = x\nworkers 5", ":2: missing equal sign");
	refused("name = {a}", ":1: ");
	refused("name += a", ":1: ");
	refused("name|x = a", ":1: ");
	refused("", "name must be set");
	assert_int_equal(config_read(a, path_of("missing.conf"), settings, &got), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "missing.conf: No such file"));
	assert_int_equal(config_read(a, dir, settings, &got), STATUS_INVALID);
	assert_non_null(strstr(cause_text(), "not a regular file"));
}

static void a_secret_file_is_private(void **state)
{
	static const char text[] = "name = x\npassword = secret\n";
	static char large[65537];
	struct secret secret = {0};

	for (mode_t mode = 1; mode <= 070; mode <<= 1) {
		write_file("secret", "s3cret", 6, 0600 | mode);
		refused(text, "a.conf:2: password: ");
		assert_non_null(strstr(cause_text(), arena_printf(a, "mode is %04o", 0600U | mode)));
		assert_null(strstr(cause_text(), "s3cret"));
	}
	write_file("secret", "s3cret\n\n", 8, 0400);
	assert_int_equal(read_text(text), STATUS_OK);
	assert_string_equal(got.password.value, "s3cret\n");
	memset(large, 'x', sizeof large);
	chmod(path_of("secret"), 0600);
	write_file("secret", large, 65536, 0600);
	assert_int_equal(read_text(text), STATUS_OK);
	assert_int_equal(strlen(got.password.value), 65536);
	write_file("secret", large, 65537, 0600);
	refused(text, ":2: password: ");
	write_file("secret", "a\0b", 3, 0600);
	refused(text, ":2: password: ");
	unlink(path_of("secret"));
	refused(text, "No such file");
	refused("name = x\npassword = /dev/null", "not a regular file");
	assert_int_equal(secret_read(a, "/nonexistent", &secret), STATUS_INVALID);
	assert_null(secret.value);
}

/* What print() writes to standard output. */
static char *printed(void (*print)(void))
{
	int saved = dup(STDOUT_FILENO);
	char *text = arena_alloc(a, 65536);
	size_t n;
	FILE *f;

	fflush(stdout);
	assert_non_null(freopen(path_of("out"), "w", stdout));
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	f = fopen(path_of("out"), "r");
	assert_non_null(f);
	n = fread(text, 1, 65535, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static void print_settings(void)
{
	config_print("core", path_of("a.conf"), settings, &got);
}

static void print_tells_value_default_and_origin(void **state)
{
	const char *text;

	write_file("secret", "s3cret", 6, 0600);
	assert_int_equal(
		read_text("name = \"a\\\"b\"\n\nworkers = 9\nidle = 90s\npassword = secret\nplugins = {}\n"
			  "idp one { url = u\nweight = 2 }\nidp two { url = v }"),
		STATUS_OK);
	text = printed(print_settings);
	assert_non_null(strstr(text, arena_printf(a, "name = \"a\\x22b\"  # %s:1\n", path_of("a.conf"))));
	assert_non_null(
		strstr(text, arena_printf(a, "\nworkers = 9  # %s:3, default 4\n", path_of("a.conf"))));
	assert_non_null(strstr(text, "\nidle = 90s  # "));
	assert_non_null(strstr(text, ":4, default 15m\n"));
	assert_non_null(strstr(text, "\nmode = \"slow\"  # default\n"));
	assert_non_null(strstr(text, "\nplugins = {}  # "));
	assert_non_null(strstr(text, ", default {\"client\", \"smime\"}\n"));
	assert_non_null(strstr(text, arena_printf(a, "\npassword = \"%s\"  # ", path_of("secret"))));
	assert_null(strstr(text, "s3cret"));
	assert_non_null(strstr(text, "\nidp \"one\" {\n\turl = \"u\"  # "));
	assert_non_null(strstr(text, ":8, default 5\n"));
	assert_non_null(strstr(text, "\nidp \"two\" {\n\turl = \"v\"  # "));
}

static void print_sample(void)
{
	config_sample("Core", settings);
}

/* Every key of the sample, uncommented, is a file that can be read. */
static void the_sample_can_be_read(void **state)
{
	char *text = printed(print_sample);
	struct text file = text_new(a, 65536);

	assert_non_null(strstr(text, "# Threads.\n# number (1..64); this is the default\n#workers = 4\n"));
	assert_non_null(strstr(text, "# The name.\n"));
	assert_non_null(strstr(text, "must be set\n#name =\n"));
	assert_non_null(strstr(text, "one of fast, slow"));
	assert_non_null(strstr(text, "#idp \"title\" {"));
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (line[0] == '#' && line[1] != ' ' && !text_starts(line, "#\t "))
			text_addf(&file, "%s%s\n", line + 1, text_ends(line, "=") ? " x" : "");
		else if (line[0] && line[0] != '#')
			fail_msg("not a comment: %s", line);
	}
	assert_int_equal(read_text(file.data), STATUS_OK);
	assert_int_equal(got.workers, 4);
	assert_int_equal(got.idps.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_for_what_is_not_set),
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(durations),
		cmocka_unit_test(relative_to_the_file_even_when_that_is_relative),
		cmocka_unit_test(a_wrong_value_is_named_with_its_line),
		cmocka_unit_test(an_unknown_key_is_named_with_the_known_ones),
		cmocka_unit_test(nothing_is_set_twice),
		cmocka_unit_test(what_libconfuse_would_take_silently_is_refused),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(a_secret_file_is_private),
		cmocka_unit_test(print_tells_value_default_and_origin),
		cmocka_unit_test(the_sample_can_be_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
