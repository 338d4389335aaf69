/* Tells the time, and writes and reads it as text. */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/text.h"

#define ZONES "/usr/share/zoneinfo"

static const char *const months_en[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days_en[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* libc takes any unknown name for UTC without a word, so the file is looked for. */
static bool zone_exists(const char *zone)
{
	char path[256], magic[4] = "";
	ssize_t n;
	int fd;

	if (!zone[0] || zone[0] == '/' || strstr(zone, "..") ||
		snprintf(path, sizeof path, ZONES "/%s", zone) >= (int)sizeof path)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = read(fd, magic, sizeof magic);
	close(fd);
	return n == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
}

enum status clock_start(const char *zone)
{
	if (!zone || !zone_exists(zone))
		return cause(STATUS_INVALID, "time zone \"%s\" is not known to the system (" ZONES ")",
			zone ? zone : "");
	if (setenv("TZ", zone, 1))
		abort();
	tzset();
	return STATUS_OK;
}

#ifdef INKAN_TEST
static char shift_path[4096];

void clock_shift_file(const char *path)
{
	snprintf(shift_path, sizeof shift_path, "%s", path ? path : "");
}

/* A missing or half-written file shifts nothing: the test that wrote it will see that. */
static when clock_shift(void)
{
	char text[32];
	int64_t shift = 0;
	ssize_t n;
	int fd;

	if (!shift_path[0])
		return 0;
	fd = open(shift_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n ")] = '\0';
	text_int(text, -1000 * 366 * DAY, 1000 * 366 * DAY, &shift);
	return shift;
}
#else
static when clock_shift(void)
{
	return 0;
}
#endif

static when clock_read(clockid_t id)
{
	struct timespec now;

	ASSERT(clock_gettime(id, &now) == 0);
	return (when)now.tv_sec * SECOND + now.tv_nsec / 1000000;
}

when clock_now(void)
{
	static _Atomic when latest;
	when now = clock_read(CLOCK_REALTIME), seen = atomic_load(&latest);

	/* The system's clock may be set back while we run; order in time is worth more to us than the exact time. */
	while (now > seen && !atomic_compare_exchange_weak(&latest, &seen, now))
		;
	return (now > seen ? now : seen) + clock_shift();
}

when clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Seconds rounded down, also before 1970, and the milliseconds that are left. */
static time_t seconds_of(when t, int *ret_ms)
{
	int ms = (int)(t % SECOND);

	if (ms < 0)
		ms += (int)SECOND;
	if (ret_ms)
		*ret_ms = ms;
	return (time_t)((t - ms) / SECOND);
}

static struct tm local_of(when t)
{
	time_t seconds = seconds_of(t, NULL);
	struct tm tm;

	ASSERT(localtime_r(&seconds, &tm));
	return tm;
}

static struct tm utc_of(when t)
{
	time_t seconds = seconds_of(t, NULL);
	struct tm tm;

	ASSERT(gmtime_r(&seconds, &tm));
	return tm;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month] + (month == 1 && leap);
}

/* Back from local time, keeping the milliseconds of t. */
static when when_of(struct tm *tm, when t)
{
	int ms;

	seconds_of(t, &ms);
	tm->tm_isdst = -1;
	return (when)mktime(tm) * SECOND + ms;
}

when clock_add_months(when t, int months)
{
	struct tm tm = local_of(t);
	int month = tm.tm_year * 12 + tm.tm_mon + months, year, last;

	if (months == 0)
		return t;
	tm.tm_mon = (month % 12 + 12) % 12;
	tm.tm_year = (month - tm.tm_mon) / 12;
	year = tm.tm_year + 1900;
	last = days_in_month(year, tm.tm_mon);
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	return when_of(&tm, t);
}

when clock_add_days(when t, int days)
{
	struct tm tm = local_of(t);

	if (days == 0)
		return t;
	tm.tm_mday += days;
	return when_of(&tm, t);
}

char *clock_show_date(struct arena *a, when t, enum lang lang)
{
	struct tm tm = local_of(t);

	if (t == 0)
		return arena_stringn(a, "", 0);
	if (lang == LANG_JA)
		return arena_printf(a, "%04d/%02d/%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	return arena_printf(a, "%d %s %d", tm.tm_mday, months_en[tm.tm_mon], tm.tm_year + 1900);
}

char *clock_show(struct arena *a, when t, enum lang lang)
{
	struct tm tm = local_of(t);

	if (t == 0)
		return arena_stringn(a, "", 0);
	return arena_printf(a, "%s %02d:%02d", clock_show_date(a, t, lang), tm.tm_hour, tm.tm_min);
}

char *clock_rfc3339(struct arena *a, when t)
{
	struct tm tm = utc_of(t);

	return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *clock_rfc5322(struct arena *a, when t)
{
	struct tm tm = local_of(t);
	long offset = tm.tm_gmtoff / 60, size = offset < 0 ? -offset : offset;

	return arena_printf(a, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld", days_en[tm.tm_wday], tm.tm_mday,
		months_en[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		offset < 0 ? '-' : '+', size / 60, size % 60);
}

/* Exactly n digits, no more than max. */
static bool take_number(const char **s, int n, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*s += n;
	*ret = value;
	return value <= max;
}

static bool take(const char **s, char c)
{
	return *(*s)++ == c;
}

/* The digits after the point, cut (not rounded) to milliseconds. */
static bool take_fraction(const char **s, int *ret_ms)
{
	int ms = 0, n = 0;

	if (**s != '.')
		return true;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, n++) {
		if (n < 3)
			ms = ms * 10 + (**s - '0');
	}
	for (int i = n; i < 3; i++)
		ms *= 10;
	*ret_ms = ms;
	return n > 0;
}

static bool take_offset(const char **s, int *ret_minutes)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	if (**s == 'Z') {
		(*s)++;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	(*s)++;
	if (!take_number(s, 2, 23, &hours) || !take(s, ':') || !take_number(s, 2, 59, &minutes))
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

bool clock_parse(const char *s, when *ret)
{
	struct tm tm = {0};
	int year, month, ms = 0, offset = 0;
	time_t seconds;

	if (!s || !take_number(&s, 4, 9999, &year) || !take(&s, '-') || !take_number(&s, 2, 12, &month) ||
		month < 1 || !take(&s, '-') ||
		!take_number(&s, 2, days_in_month(year, month - 1), &tm.tm_mday) || tm.tm_mday < 1 ||
		!take(&s, 'T') || !take_number(&s, 2, 23, &tm.tm_hour) || !take(&s, ':') ||
		!take_number(&s, 2, 59, &tm.tm_min) || !take(&s, ':') ||
		!take_number(&s, 2, 60, &tm.tm_sec) || !take_fraction(&s, &ms) || !take_offset(&s, &offset) ||
		*s)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	/* timegm carries a leap second over to the next day; second 60 is one only at the end of a day in UTC. */
	bool leap = tm.tm_sec == 60;
	seconds = timegm(&tm) - (time_t)offset * 60;
	if (leap && seconds % (24 * 60 * 60) != 0)
		return false;
	*ret = (when)seconds * SECOND + ms;
	return true;
}

char *clock_field(struct arena *a, when t)
{
	struct tm tm = local_of(t);

	if (t == 0)
		return arena_stringn(a, "", 0);
	return arena_printf(a, "%04d-%02d-%02dT%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
}

/* One of the characters. */
static bool take_any(const char **s, const char *any)
{
	return **s && strchr(any, *(*s)++);
}

bool clock_parse_field(const char *s, when *ret)
{
	struct tm tm = {0};
	int year, month;

	if (!s || !take_number(&s, 4, 9999, &year) || !take_any(&s, "-/") || !take_number(&s, 2, 12, &month) || month < 1 ||
		!take_any(&s, "-/") || !take_number(&s, 2, days_in_month(year, month - 1), &tm.tm_mday) || tm.tm_mday < 1 ||
		!take_any(&s, "T ") || !take_number(&s, 2, 23, &tm.tm_hour) || !take(&s, ':') || !take_number(&s, 2, 59, &tm.tm_min))
		return false;
	if (*s && (!take(&s, ':') || !take_number(&s, 2, 59, &tm.tm_sec) || *s))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	struct tm wanted = tm;
	when t = when_of(&tm, 0);
	if (tm.tm_hour != wanted.tm_hour || tm.tm_min != wanted.tm_min)
		return false;
	*ret = t;
	return true;
}

bool clock_parse_day(const char *s, when *ret)
{
	char midnight[sizeof "2024-01-31T00:00"];

	if (!s || strlen(s) != strlen("2024-01-31"))
		return false;
	snprintf(midnight, sizeof midnight, "%sT00:00", s);
	return clock_parse_field(midnight, ret);
}
