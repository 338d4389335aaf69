/* The schema: numbered files, one statement each, forward only. */
#ifndef INKAN_STORE_MIGRATE_H
#define INKAN_STORE_MIGRATE_H

#include "store/db.h"

/* Files DIR/COMPONENT/NNNN_name.sql; components are "core" and the enabled plugins' names, given NULL-terminated, core first.
 * Each file is one statement, recorded in table `migration` (component, number, name, digest, applied_at) once done.
 * A statement that was done but not recorded (killed in between) must be harmless to repeat: CREATE TABLE IF NOT EXISTS,
 * ADD COLUMN IF NOT EXISTS. Runs under a lease in the database, so two hosts do not migrate at a time.
 * INVALID when a recorded file has another digest or is missing on disk. */
enum status migrate_run(struct db *db, struct arena *a, const char *dir, const char *const *components,
	unsigned *ret_applied) MUST_CHECK;
/* OK only when the database has exactly the files' schema for these components; CONFLICT with a cause that names what differs. */
enum status migrate_check(struct db *db, struct arena *a, const char *dir, const char *const *components) MUST_CHECK;

#endif
