/* Users and applications for tests, made the way the program makes them. */
#ifndef INKAN_TEST_APPLICATIONS_H
#define INKAN_TEST_APPLICATIONS_H

#include "store/application.h"
#include "store/user.h"

/* Logs in a user of that name ("taro" is taro@example.ac.jp). A failure ends the program, here and below. */
struct user test_user(struct db *db, struct arena *a, const char *name);
/* An order of type "client" with nothing special, to be changed. */
struct order test_order(const struct user *user);
/* Completion with subject "CN=<user>-<number>"; context: NULL, or the live key as text. */
struct order_completion test_completion(const char *live_key);
struct application test_application(struct db *db, struct arena *a, const struct user *user);
/* Applies an event with a source key of its own. */
enum application_outcome test_apply(struct db *db, struct arena *a, uint64_t id, struct event event);
/* The same, with the serial number ff00ff and a year to go when it is taken; a move that is ignored or a conflict ends the program. */
void test_moves(struct db *db, struct arena *a, uint64_t id, enum event_kind kind);
/* Brings a new application by the usual events into the state. */
struct application test_in_state(
	struct db *db, struct arena *a, const struct user *user, enum application_state state);

#endif
