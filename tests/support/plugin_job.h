/* Runs a job of a plugin or of the core in the test's own thread. */
#ifndef INKAN_TEST_PLUGIN_JOB_H
#define INKAN_TEST_PLUGIN_JOB_H

#include "plugin.h"

/* The kind of this name in the list, which may be NULL; NULL: none. */
const struct job_kind *test_job_kind(const struct job_kind *list, const char *name);
/* The kind of this name among the loaded plugins' (and extra, a list or NULL); no such kind ends the program. */
enum status test_job_run(struct db *db, struct arena *a, const struct job_kind *extra, const char *kind, uint64_t subject, const char *payload);

#endif
