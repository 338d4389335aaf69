/* The log: one line per fact on standard error, as key=value pairs that people and programs read. */
#ifndef INKAN_BASE_LOG_H
#define INKAN_BASE_LOG_H

#include "base/gnu.h"
#include <stdbool.h>

#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* time=2026-11-22T04:50:00.123Z level=info id=REQUEST-OR-JOB what="subject, what happened (reason)"
 * Values are escaped, a line is one write(2) of at most 4,096 bytes. Secrets never go here. */
void log_start(enum log_level least);
bool log_level_parse(const char *name, enum log_level *ret);
void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
/* The id that this thread's lines carry: the request's or the job's; NULL for none. Copied, 63 bytes at most. */
void log_context(const char *id);
/* Logs this thread's cause for a failed operation, as error or information as the status table says. */
void log_status(enum status s, const char *subject);

#endif
