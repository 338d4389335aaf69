/* Tests of base/arena: lifetime, wiping, alignment, and the order of deferred calls. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"

static void allocations_are_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_new();

	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 2000; size += 7) {
			unsigned char *p = arena_alloc(a, size);

			assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			if (size)
				memset(p, 0xa5, size);
		}
		arena_reset(a);
	}
	arena_free(a);
}

static void allocations_do_not_overlap(void **state)
{
	struct arena *a = arena_new();
	unsigned char *p[200];
	size_t size[200];

	for (size_t i = 0; i < COUNT_OF(p); i++) {
		size[i] = i % 10 == 9 ? 100000 + i : i * 13;
		p[i] = arena_alloc(a, size[i]);
		if (size[i])
			memset(p[i], (int)i, size[i]);
	}
	for (size_t i = 0; i < COUNT_OF(p); i++) {
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(p[i][k], i);
	}
	arena_free(a);
}

static void the_first_block_is_kept_and_wiped(void **state)
{
	struct arena *a = arena_new();
	char *before = arena_string(a, "a secret"), *after;

	arena_reset(a);
	after = arena_alloc(a, 16);
	assert_ptr_equal(before, after);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(after[i], 0);
	arena_free(a);
}

static void strings_are_copied(void **state)
{
	struct arena *a = arena_new();
	char source[] = "abcdef";
	char *copy = arena_string(a, source), *part = arena_stringn(a, source, 3);

	memset(source, 'x', sizeof source - 1);
	assert_string_equal(copy, "abcdef");
	assert_string_equal(part, "abc");
	assert_null(arena_string(a, NULL));
	assert_string_equal(arena_stringn(a, NULL, 0), "");
	assert_int_equal(((char *)arena_copy(a, "\1\2", 2))[2], 0);
	assert_string_equal(arena_printf(a, "%d-%s", 42, "z"), "42-z");
	assert_int_equal(strlen(arena_printf(a, "%0*d", 5000, 1)), 5000);
	arena_free(a);
}

static char calls[16];

static void note(void *handle)
{
	size_t n = strlen(calls);

	calls[n] = *(char *)handle;
	calls[n + 1] = '\0';
}

static struct arena *shared;

static void note_and_defer(void *handle)
{
	note(handle);
	arena_defer(shared, note, arena_string(shared, "d"));
}

static void deferred_calls_run_once_last_first(void **state)
{
	struct arena *a = shared = arena_new();

	calls[0] = '\0';
	arena_defer(a, note, arena_string(a, "a"));
	arena_defer(a, note_and_defer, arena_string(a, "b"));
	arena_defer(a, note, arena_string(a, "c"));
	assert_string_equal(calls, "");
	arena_reset(a);
	assert_string_equal(calls, "cbda");
	arena_reset(a);
	assert_string_equal(calls, "cbda");
	arena_defer(a, note, "e");
	arena_free(a);
	assert_string_equal(calls, "cbdae");
	arena_free(NULL);
}

static void too_much_aborts(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		arena_array(arena_new(), SIZE_MAX / 2, 3);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_zeroed_and_aligned),
		cmocka_unit_test(allocations_do_not_overlap),
		cmocka_unit_test(the_first_block_is_kept_and_wiped),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(deferred_calls_run_once_last_first),
		cmocka_unit_test(too_much_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
