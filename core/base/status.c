/* Names the outcomes of operations and keeps, for each thread, the words that say why the latest one failed. */
#include "base/status.h"

#include "base/log.h"

#define CAUSE_ROOM 1024

struct outcome {
	const char *name;
	int http;
	int severe;
	const char *sentence;
};

static const struct outcome outcomes[STATUS_COUNT] = {
#define X(name_, http_, severe_, sentence_)                                                                  \
	[STATUS_##name_] = {.name = #name_, .http = http_, .severe = severe_, .sentence = sentence_},
	STATUS_MAP(X)
#undef X
};

static _Thread_local char latest[CAUSE_ROOM];

static const struct outcome *outcome_of(enum status s)
{
	ASSERT((unsigned int)s < STATUS_COUNT);
	return &outcomes[s];
}

const char *status_name(enum status s)
{
	return outcome_of(s)->name;
}

int status_http(enum status s)
{
	return outcome_of(s)->http;
}

int status_severe(enum status s)
{
	return outcome_of(s)->severe;
}

const char *status_sentence(enum status s)
{
	return outcome_of(s)->sentence;
}

enum status cause(enum status s, const char *fmt, ...)
{
	char text[CAUSE_ROOM]; /* the arguments may contain cause_text() */
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	memcpy(latest, text, sizeof latest);
	return s;
}

const char *cause_text(void)
{
	return latest;
}

void cause_clear(void)
{
	latest[0] = '\0';
}

void assert_failed(const char *expr, const char *file, int line)
{
	log_error("assertion failed, %s (%s:%d)", expr, file, line);
	abort();
}
