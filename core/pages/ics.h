/* Writing calendars (RFC 5545): content lines, folded and escaped. */
#ifndef INKAN_PAGES_ICS_H
#define INKAN_PAGES_ICS_H

#include "base/clock.h"
#include "base/text.h"

/* One content line, as it stands: name with parameters, value. Folded before 76 bytes (3.1), never within a character. */
void ics_line(struct text *t, const char *name, const char *value);
/* A value of type TEXT (3.3.11): backslash, semicolon, comma and line ends are escaped, other control characters left out. */
void ics_text(struct text *t, const char *name, const char *value);
/* A time in UTC (3.3.5): 20240131T033400Z. */
void ics_time(struct text *t, const char *name, when at);

#endif
