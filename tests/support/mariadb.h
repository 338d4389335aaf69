/* A private MariaDB for tests: fresh, in a directory of its own, gone when the program ends, however it ends. */
#ifndef INKAN_TEST_MARIADB_H
#define INKAN_TEST_MARIADB_H

#include "store/db.h"

/* Starts the server once per program, with the schema of the core (migrations/core), a seal key and the clock's zone. Needs `mariadbd`
 * and `mariadb-install-db`; no rights, no TCP port. Any failure ends the program. */
void mariadb_start(void);
/* As a cmocka group set-up; always 0. */
int mariadb_setup(void **state);

/* The server's own account: rows only, and of audit and audit_chain only INSERT and SELECT. */
const struct db_settings *mariadb_settings(void);
/* All rights. */
const struct db_settings *mariadb_admin_settings(void);
/* A connection with these, freed by the caller. */
struct db *mariadb_db(void);
struct db *mariadb_admin(void);

/* Also the schema of a component (a plugin) from migrations/COMPONENT. */
void mariadb_migrate(const char *component);
/* An empty database NAME beside the first; settings as the administrator, with this name. */
struct db_settings mariadb_empty(const char *name);
/* Empties all tables but those of migrations. */
void mariadb_clear(void);
/* For a test's set-up: empties the tables and puts a connection and an arena into these variables, static ones; mariadb_done(), its
 * tear-down, frees what they hold then. */
void mariadb_fresh(struct db **ret_db, struct arena **ret_arena);
int mariadb_done(void **state);

void mariadb_kill(void);       /* as a power cut: SIGKILL */
void mariadb_restart(void);    /* and waits until it answers */
const char *mariadb_dir(void); /* the directory, for files of a test */
/* Writes such a file, which only its owner may read, anew; returns its path, which lives as long as a. */
const char *mariadb_file(struct arena *a, const char *name, const char *text);

/* Runs SQL as administrator; a program ends on failure. mariadb_number: the single integer it gives. */
void mariadb_exec(const char *sql);
int64_t mariadb_number(const char *sql);
/* Rows of the audit trail with this action. */
int64_t mariadb_audited(const char *action);

#endif
