/* Runs tables of responses through the service provider: which check refused each, and how long that took. */
#ifndef INKAN_TEST_SAML_JUDGE_H
#define INKAN_TEST_SAML_JUDGE_H

#include "support/saml_forge.h"

struct hostile {
	const char *check; /* that must refuse it; NULL: this one is genuine */
	const char *name;
	void (*make)(struct forge *f); /* changes the genuine response; NULL: does not */
};
#define CASE(check, make)                                                                                    \
	{                                                                                                    \
		check, #make, make                                                                           \
	}
/* static void NAME(struct forge *f) that sets one field. */
#define SET(name, field, value)                                                                              \
	static void name(struct forge *f)                                                                    \
	{                                                                                                    \
		f->field = value;                                                                            \
	}

/* Prints a line for each; how many were not judged as they should, or not within REFUSAL_MAX. */
int judge_all(const struct hostile *table, size_t n);
/* saml_consume with what the portal expects. */
enum status judge_consume(
	struct arena *a, const char *message, struct saml_login *ret, const char **ret_check) MUST_CHECK;
/* Set-up and end of a cmocka group: the service provider runs. */
int judge_setup(void **state);
int judge_teardown(void **state);

#endif
