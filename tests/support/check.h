/* cmocka, and what tests of ours say with it. */
#ifndef INKAN_TEST_CHECK_H
#define INKAN_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"

/* The status is as expected; otherwise the cause is printed. */
#define check_status(expr, expected)                                                                         \
	do {                                                                                                 \
		enum status got_ = (expr);                                                                   \
		if (got_ != (expected))                                                                      \
			fail_msg("%s: %s, not %s: %s", #expr, status_name(got_), status_name(expected),      \
				cause_text());                                                               \
	} while (0)
/* For job_claim: the same lease for each of up to eight kinds. */
#define LEASES(ms) ((const when[]){ms, ms, ms, ms, ms, ms, ms, ms})
#define check_ok(expr) check_status(expr, STATUS_OK)

#endif
