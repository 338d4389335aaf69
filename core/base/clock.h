/* The clock: the only source of "now", and the only place where times become text. */
#ifndef INKAN_BASE_CLOCK_H
#define INKAN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* A time is milliseconds since 1970-01-01T00:00:00Z, everywhere: in memory, in the database (BIGINT), in SQL parameters. 0 = never. */
typedef int64_t when; /* the one typedef of the house: a unit, not a structure */

#define SECOND ((when)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum lang;

/* Takes the zone times are shown in ("Asia/Tokyo"), INVALID when the system does not know it. */
enum status clock_start(const char *zone) MUST_CHECK;
when clock_now(void);       /* never goes backwards within a process, but for the shift of a test build */
when clock_monotonic(void); /* for durations and deadlines only */

/* Test builds only (INKAN_TEST): the number of milliseconds in this file, re-read at every call, is added to now. Other builds
 * have no such function, and the setting that names the file is refused. */
#ifdef INKAN_TEST
void clock_shift_file(const char *path);
#endif

/* The same local time of day so many calendar months later (or earlier), in the configured zone; the 31st becomes the month's last
 * day when it has no 31st. */
when clock_add_months(when t, int months);
when clock_add_days(when t, int days); /* calendar days in the configured zone */

/* For people, in the configured zone: ja 2024/01/31 12:34, en 31 Jan 2024 12:34; "" for 0, which is never. */
char *clock_show(struct arena *a, when t, enum lang lang);
char *clock_show_date(struct arena *a, when t, enum lang lang);
char *clock_rfc3339(struct arena *a, when t); /* 2024-01-31T03:34:00Z */
char *clock_rfc5322(struct arena *a, when t); /* Wed, 31 Jan 2024 12:34:00 +0900 */
/* RFC 3339 / xs:dateTime with Z or an offset, fractions allowed; false when it is anything else. */
bool clock_parse(const char *s, when *ret);
/* As a form's field for date and time has it (HTML, datetime-local), in the configured zone: 2024-01-31T12:34. Written by hand, slashes,
 * a blank instead of the T, and seconds are allowed. False when it is anything else, or a time that the zone's clocks skip. */
char *clock_field(struct arena *a, when t); /* "" for 0 */
bool clock_parse_field(const char *s, when *ret);
/* The first moment of a day, as a form's field for a date has it: 2024-01-31. */
bool clock_parse_day(const char *s, when *ret);

#endif
