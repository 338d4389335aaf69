/* The outcome of an operation, and the words that say why. */
#ifndef INKAN_BASE_STATUS_H
#define INKAN_BASE_STATUS_H

#include "base/gnu.h"

/* One line per outcome: name, HTTP code, severe (logged as an error rather than as information), sentence for the user (a msgid
 * of domain "core"). The sentence tells the user what to do; the cause, in English, goes to the log only. */
#define STATUS_MAP(X)                                                                                          \
	X(OK, 200, 0, "Done.")                                                                                 \
	X(INVALID, 400, 0, "The request could not be understood. Please go back and try again.")               \
	X(DENIED, 403, 0, "You are not allowed to do this.")                                                   \
	X(MISSING, 404, 0, "The page was not found.")                                                          \
	X(CONFLICT, 409, 0, "This cannot be done in the present state. Please reload the page.")               \
	X(BUSY, 503, 0, "The system is busy. Nothing was changed. Please try again in a few moments.")         \
	X(UPSTREAM, 502, 1, "Another system that is needed here does not answer. Please try again later.")      \
	X(INTERNAL, 500, 1, "An error occurred on our side. Nothing was changed. Please try again later.")

enum status {
#define X(name, http, severe, sentence) STATUS_##name,
	STATUS_MAP(X)
#undef X
		STATUS_COUNT
};

/* "OK", "INVALID", ... Static. */
const char *status_name(enum status s);
int status_http(enum status s);
int status_severe(enum status s);
/* The msgid of the user's sentence (domain "core"); translate it with text_for() or _(). Static. */
const char *status_sentence(enum status s);

/* Sets this thread's cause and returns s, so that a failure is one statement: return cause(STATUS_INVALID, "...", ...);
 * It is set where the failure is found, and logged once: by main, the server or the poll loop. Never put a secret here.
 * Text from outside may be given: the log escapes it. At most 1,023 bytes are kept. */
enum status cause(enum status s, const char *fmt, ...) PRINTF(2, 3);
/* The latest cause of this thread; "" when there is none. Valid until the next cause() of the thread. */
const char *cause_text(void);
void cause_clear(void);

/* Broken invariants end the process, also in a release build. */
#define ASSERT(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__))
void assert_failed(const char *expr, const char *file, int line) NORETURN;

#endif
