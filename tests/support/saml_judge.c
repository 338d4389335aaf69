/* Runs tables of responses through the service provider: which check refused each, and how long that took. */
#include "support/saml_judge.h"

#include "support/check.h"

#define REFUSAL_MAX                                                                                          \
	50 /* ms of this thread's CPU time, under a sanitizer; widely used service providers took 2 to 100, the worst 4,500 */

int judge_setup(void **state)
{
	check_ok(saml_start(&forge_world()->settings, FORGE_PORTAL));
	return 0;
}

int judge_teardown(void **state)
{
	saml_stop();
	return 0;
}

enum status judge_consume(
	struct arena *a, const char *message, struct saml_login *ret, const char **ret_check)
{
	struct saml_expected expected = forge_expected();

	*ret_check = "(none)";
	return saml_consume(a, message, &expected, FORGE_NOW, ret, ret_check);
}

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool judge(const struct hostile *h)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	struct saml_login login = {0};
	const char *check, *message;

	if (h->make)
		h->make(&f);
	message = forge_message(&f);
	cause_clear();
	double begin = milliseconds();
	enum status s = judge_consume(a, message, &login, &check);
	double ms = milliseconds() - begin;
	bool right = h->check ? s == STATUS_DENIED && text_same(check, h->check) && cause_text()[0]
			      : s == STATUS_OK;

	/* Outputs stay untouched on failure. */
	right = right && (!h->check || (ms < REFUSAL_MAX && !login.eppn && !login.idp));
	print_message("%s %6.2f ms  %-26s %-16s %s\n", right ? "ok  " : "BAD ", ms, h->name,
		s ? check : "accepted", s ? cause_text() : "");
	arena_free(a);
	return right;
}

int judge_all(const struct hostile *table, size_t n)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += !judge(&table[i]);
	return bad;
}
