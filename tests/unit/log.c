/* Tests of base/log: the form of a line, its escaping, its limit, and the id of the thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static char captured[65536];

/* What write(s) to standard error; a packet pipe keeps the writes apart, one newline after each. */
static size_t capture(void (*write_lines)(void))
{
	int ends[2], saved = dup(STDERR_FILENO);
	size_t writes = 0, len = 0;
	ssize_t n;

	assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	write_lines();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	while ((n = read(ends[0], captured + len, sizeof captured - 1 - len)) > 0) {
		len += (size_t)n;
		writes++;
		assert_int_equal(captured[len - 1], '\n');
	}
	close(ends[0]);
	captured[len] = '\0';
	return writes;
}

static void write_plain(void)
{
	log_context("req-1");
	log_info("server, started (%d workers)", 4);
}

static void a_line_has_time_level_id_and_what(void **state)
{
	static const char form[] =
		"time=dddd-dd-ddTdd:dd:dd.dddZ level=info id=req-1 what=\"server, started (4 workers)\"\n";

	assert_int_equal(capture(write_plain), 1);
	assert_int_equal(strlen(captured), strlen(form));
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'd' && i < 30)
			assert_in_range(captured[i], '0', '9');
		else
			assert_int_equal(captured[i], form[i]);
	}
}

static void write_hostile(void)
{
	log_context("a b\"\nlevel=error");
	log_warning("%s", "x\"\ntime=now level=error \x1b[2J\xff\\ \xe3\x81\x82");
}

static void text_from_outside_cannot_forge_a_line(void **state)
{
	assert_int_equal(capture(write_hostile), 1);
	assert_non_null(strstr(captured, " level=warning id=a?b??level?error what=\""));
	assert_non_null(strstr(
		captured, "what=\"x\\x22\\x0atime=now level=error \\x1b[2J\\xff\\x5c \xe3\x81\x82\"\n"));
}

static void write_long(void)
{
	log_context(NULL);
	log_info("%0*d", 10000, 1);
	log_context("0123456789012345678901234567890123456789012345678901234567890123456789");
	log_error("%s", "\n");
}

static void a_line_is_at_most_4096_bytes(void **state)
{
	size_t first;

	assert_int_equal(capture(write_long), 2);
	first = strcspn(captured, "\n") + 1;
	assert_in_range(first, 3900, 4096);
	assert_memory_equal(captured + first - 3, "0\"\n", 3);
	assert_non_null(strstr(captured, " id=- "));
	/* 63 bytes of the id are kept */
	assert_non_null(
		strstr(captured, " id=012345678901234567890123456789012345678901234567890123456789012 "));
}

static void write_levels(void)
{
	log_start(LOG_WARNING);
	log_debug("no");
	log_info("no");
	log_warning("yes");
	log_error("yes");
	log_start(LOG_DEBUG);
	log_debug("yes");
	log_start(LOG_INFO);
}

static void less_than_the_least_level_is_dropped(void **state)
{
	enum log_level level = LOG_DEBUG;

	assert_int_equal(capture(write_levels), 3);
	assert_null(strstr(captured, "no\""));
	assert_true(log_level_parse("error", &level) && level == LOG_ERROR);
	assert_true(log_level_parse("warning", &level) && level == LOG_WARNING);
	assert_false(log_level_parse("loud", &level) || log_level_parse("", &level) ||
		     log_level_parse(NULL, &level));
	assert_int_equal(level, LOG_WARNING);
}

static void write_statuses(void)
{
	(void)!cause(STATUS_MISSING, "row 5");
	log_status(STATUS_MISSING, "show");
	(void)!cause(STATUS_UPSTREAM, "no answer");
	log_status(STATUS_UPSTREAM, "submit");
	cause_clear();
	log_status(STATUS_INTERNAL, "x");
}

static void a_status_has_its_level(void **state)
{
	assert_int_equal(capture(write_statuses), 3);
	assert_non_null(strstr(captured, "level=info"));
	assert_non_null(strstr(captured, "what=\"show, MISSING (row 5)\""));
	assert_non_null(strstr(captured, "what=\"submit, UPSTREAM (no answer)\""));
	assert_non_null(strstr(strstr(captured, "level=error") + 1, "level=error"));
}

static void *other_thread(void *arg)
{
	log_info("other");
	return NULL;
}

static void write_from_threads(void)
{
	pthread_t thread;

	log_context("mine");
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	log_info("first");
}

static void each_thread_has_its_own_id(void **state)
{
	assert_int_equal(capture(write_from_threads), 2);
	assert_non_null(strstr(captured, "id=- what=\"other\""));
	assert_non_null(strstr(captured, "id=mine what=\"first\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_id_and_what),
		cmocka_unit_test(text_from_outside_cannot_forge_a_line),
		cmocka_unit_test(a_line_is_at_most_4096_bytes),
		cmocka_unit_test(less_than_the_least_level_is_dropped),
		cmocka_unit_test(a_status_has_its_level),
		cmocka_unit_test(each_thread_has_its_own_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
