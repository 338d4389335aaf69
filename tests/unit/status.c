/* Tests of base/status: the table of outcomes and the causes of threads. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/status.h"

static void every_outcome_is_described(void **state)
{
	for (int s = 0; s < STATUS_COUNT; s++) {
		assert_true(strlen(status_name((enum status)s)) > 0);
		assert_true(strlen(status_sentence((enum status)s)) > 0);
		assert_in_range(status_http((enum status)s), 200, 599);
		assert_int_equal(status_severe((enum status)s), s == STATUS_UPSTREAM || s == STATUS_INTERNAL);
	}
	assert_string_equal(status_name(STATUS_BUSY), "BUSY");
	assert_int_equal(status_http(STATUS_CONFLICT), 409);
}

static void a_failure_is_one_statement(void **state)
{
	cause_clear();
	assert_string_equal(cause_text(), "");
	assert_int_equal(cause(STATUS_MISSING, "file %d", 7), STATUS_MISSING);
	assert_string_equal(cause_text(), "file 7");
	/* a cause may contain the one before it */
	assert_int_equal(cause(STATUS_BUSY, "start: %s, %s", cause_text(), cause_text()), STATUS_BUSY);
	assert_string_equal(cause_text(), "start: file 7, file 7");
	cause_clear();
	assert_string_equal(cause_text(), "");
}

static void a_long_cause_is_cut(void **state)
{
	(void)!cause(STATUS_INVALID, "%0*d", 5000, 1);
	assert_int_equal(strlen(cause_text()), 1023);
}

static void *other_thread(void *arg)
{
	bool *ok = arg;

	*ok = strcmp(cause_text(), "") == 0;
	(void)!cause(STATUS_INTERNAL, "of the other");
	return NULL;
}

static void each_thread_has_its_own(void **state)
{
	bool ok = false;
	pthread_t thread;

	(void)!cause(STATUS_INVALID, "mine");
	assert_int_equal(pthread_create(&thread, NULL, other_thread, &ok), 0);
	pthread_join(thread, NULL);
	assert_true(ok);
	assert_string_equal(cause_text(), "mine");
}

static void a_broken_invariant_ends_the_process(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		ASSERT(state == (void **)1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_is_described),
		cmocka_unit_test(a_failure_is_one_statement),
		cmocka_unit_test(a_long_cause_is_cut),
		cmocka_unit_test(each_thread_has_its_own),
		cmocka_unit_test(a_broken_invariant_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
