/* Runs a job of a plugin or of the core in the test's own thread. */
#include "support/plugin_job.h"

#include <stdlib.h>

const struct job_kind *test_job_kind(const struct job_kind *list, const char *name)
{
	for (; list && list->name; list++)
		if (text_same(list->name, name))
			return list;
	return NULL;
}

enum status test_job_run(struct db *db, struct arena *a, const struct job_kind *extra, const char *kind, uint64_t subject, const char *payload)
{
	const struct job job = {.id = 1, .kind = kind, .subject = subject, .payload = payload, .attempts = 1, .created_at = clock_now()};
	const struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + MINUTE};
	const struct job_kind *k = test_job_kind(extra, kind);

	for (size_t i = 0; !k && i < plugin_count(); i++)
		k = test_job_kind(plugin_at(i)->jobs, kind);
	if (!k)
		abort();
	audit_context(arena_printf(a, "job:%s", kind), "test");
	enum status s = k->run(&run);
	audit_context("system", NULL);
	return s;
}
