/* CSV: what is written opens as text in a spreadsheet, and what people paste is read. */
#include "base/csv.h"

#include <sys/resource.h>

#include "support/check.h"

static struct arena *a;

static const char *row(const char *cell)
{
	struct text t = text_new(a, 1000);
	const char *const cells[] = {"x", cell};

	csv_row(&t, cells, 2);
	assert_false(t.full);
	return t.data;
}

static void cells_are_quoted(void **state)
{
	assert_string_equal(row("plain"), "\"x\",\"plain\"\r\n");
	assert_string_equal(row(NULL), "\"x\",\"\"\r\n");
	assert_string_equal(row("a \"b\", c\nd"), "\"x\",\"a \"\"b\"\", c\nd\"\r\n");
}

static void formulas_are_harmless(void **state)
{
	static const char *const bad[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "=HYPERLINK(\"http://x\")"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_memory_equal(row(bad[i]), "\"x\",\"'", 6);
	assert_string_equal(row("a=1"), "\"x\",\"a=1\"\r\n"); /* only at the beginning */
	assert_string_equal(row("\"=1"), "\"x\",\"\"\"=1\"\r\n");
	assert_string_equal(row("山田"), "\"x\",\"山田\"\r\n");
}

static void read(const char *text, const char *expected)
{
	struct text t = text_new(a, 1000);
	size_t n;

	for (char **cells; (cells = csv_read(a, &text, 3, &n));) {
		for (size_t i = 0; i < n; i++)
			text_addf(&t, "[%s]", cells[i]);
		text_add(&t, ";");
	}
	assert_string_equal(t.data, expected);
}

/* Each cell once took as much memory as all text behind it: a pasted list of 100 KB a gigabyte. */
static void memory_is_that_of_the_text(void **state)
{
	enum { CELLS = 30000 };
	struct text t = text_new(a, CELLS * 4 + 1);
	struct rusage before, after;
	size_t n, rows = 0;

	for (int i = 0; i < CELLS; i++)
		text_add(&t, i % 3 == 2 ? "\"x\"\n" : "\"x\",");
	const char *at = t.data;
	getrusage(RUSAGE_SELF, &before);
	while (csv_read(a, &at, 3, &n)) {
		assert_int_equal(n, 3);
		rows++;
	}
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(rows, CELLS / 3);
	assert_true(after.ru_maxrss - before.ru_maxrss < 100 * 1024); /* in KiB */
}

static void rows_are_read(void **state)
{
	read("", "");
	read("taro@example.ac.jp", "[taro@example.ac.jp];");
	read("a\r\nb\n\nc\n", "[a];[b];[];[c];");
	read(" a ,\tb\n", "[a][][b];");
	read("\"a, \"\"b\"\"\",c\r\n\"two\nlines\"", "[a, \"b\"][c];[two\nlines];");
	read("1,2,3,4,5\nx", "[1][2][3];[x];");
	read("\"never ends", "[never ends];");
	read("　全角　\n", "[全角];");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_quoted),
		cmocka_unit_test(formulas_are_harmless),
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(memory_is_that_of_the_text),
	};

	a = arena_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(a);
	return failed;
}
