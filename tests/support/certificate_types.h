/* Certificate types and an issuing service for tests of pages. */
#ifndef INKAN_TEST_CERTIFICATE_TYPES_H
#define INKAN_TEST_CERTIFICATE_TYPES_H

#include "plugin.h"

/* The plugin "client". Of its settings a test changes what it is about: without that they are profile 5 of 52 months and profile 14 of
 * 25, no choice and no limit, and renewal in the last 60 days. */
extern const struct plugin test_client;
extern struct certificate_settings test_client_settings;
/* The plugin "upstream_local", which takes every order and does nothing. */
extern const struct plugin test_local;
extern struct upstream test_upstream;
/* For a type's complete: one live certificate for each address of a user. */
enum status test_one_per_address(
	struct arena *a, unsigned number, const struct user *user, struct order *order);

#endif
