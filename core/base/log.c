/* Writes the log: lines of key=value pairs on standard error, each by one write. */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_BYTES 4096
#define WHAT_MAX_BYTES 3900 /* leaves room for time, level and id */
#define ID_ROOM 64

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

static _Atomic int least_level = LOG_INFO;
static _Thread_local char context[ID_ROOM];

void log_start(enum log_level least)
{
	atomic_store(&least_level, (int)least);
}

bool log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++) {
		if (text_same(name, level_names[i])) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_context(const char *id)
{
	snprintf(context, sizeof context, "%s", id ? id : "");
}

/* The id stands without quotes, so what would end it, or begin another key, becomes a question mark. */
static void id_print(char *to)
{
	const char *from = context[0] ? context : "-";

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		*to++ = c > ' ' && c < 0x7f && !strchr("\"\\=", c) ? (char)c : '?';
	}
	*to = '\0';
}

static void time_print(char *to, size_t room)
{
	when now = clock_now();
	time_t seconds = (time_t)(now / SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(to, room, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now % SECOND));
}

/* A line that cannot be written is lost: there is nobody left to tell. */
static void line_write(const char *line, size_t len)
{
	int saved = errno;

	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char time[64], id[ID_ROOM], raw[LINE_MAX_BYTES], what[WHAT_MAX_BYTES], line[LINE_MAX_BYTES];
	va_list args;
	int len;

	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	va_start(args, fmt);
	vsnprintf(raw, sizeof raw, fmt, args);
	va_end(args);
	text_escape(what, sizeof what, raw);
	id_print(id);
	time_print(time, sizeof time);
	len = snprintf(line, sizeof line, "time=%s level=%s id=%s what=\"%s\"\n", time, level_names[level],
		id, what);
	line_write(line, (size_t)len);
}

void log_status(enum status s, const char *subject)
{
	const char *why = cause_text();

	log_line(status_severe(s) ? LOG_ERROR : LOG_INFO, "%s, %s (%s)", subject, status_name(s),
		why[0] ? why : "no cause given");
}
