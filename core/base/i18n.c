/* Chooses the language of each thread and finds the translations in it. */
#include "base/i18n.h"

#include <libintl.h>
#include <locale.h>

#include "base/text.h"

#if ADDRESS_SANITIZER
#include <sanitizer/lsan_interface.h>
#define LEAKS_ARE_THEIRS(yes) ((yes) ? __lsan_disable() : __lsan_enable())
#else
#define LEAKS_ARE_THEIRS(yes) ((void)0)
#endif

static const struct {
	const char *code;
	const char *locale;
} languages[LANG_COUNT] = {
	[LANG_JA] = {.code = "ja", .locale = "ja_JP.UTF-8"},
	[LANG_EN] = {.code = "en", .locale = "C"},
};

static locale_t locales[LANG_COUNT];
static char *directory;
/* A thread that never chose speaks English, as the log does. */
static _Thread_local enum lang current = LANG_EN;

/* glibc 2.36 does not free its copy of LOCPATH. */
static locale_t locale_new(const char *name)
{
	locale_t l;

	LEAKS_ARE_THEIRS(true);
	l = newlocale(LC_MESSAGES_MASK, name, (locale_t)0);
	LEAKS_ARE_THEIRS(false);
	return l;
}

enum status i18n_start(const char *locale_dir)
{
	/* LANGUAGE would win over every thread's own choice. */
	unsetenv("LANGUAGE");
	for (size_t i = 0; i < LANG_COUNT; i++) {
		locale_t l = locales[i] ? locales[i] : locale_new(languages[i].locale);

		if (!l)
			return cause(STATUS_INVALID, "locale %s does not exist on this system (see README)",
				languages[i].locale);
		/* Never freed: a thread may be using it. */
		locales[i] = l;
	}
	free(directory);
	directory = strdup(locale_dir);
	if (!directory)
		abort();
	i18n_domain("core");
	return STATUS_OK;
}

void i18n_domain(const char *domain)
{
	ASSERT(directory);
	/* The codeset is named because LC_CTYPE stays C in every thread. */
	if (!bindtextdomain(domain, directory) || !bind_textdomain_codeset(domain, "UTF-8"))
		abort();
}

void i18n_use(enum lang lang)
{
	ASSERT((unsigned int)lang < LANG_COUNT);
	/* Before i18n_start(), as in small tests, texts stay msgids and the rest goes by the language. */
	if (locales[lang])
		uselocale(locales[lang]);
	current = lang;
}

enum lang i18n_lang(void)
{
	return current;
}

/* gettext's formats are checked where the msgids are extracted, not here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

const char *i18n_text(const char *domain, const char *msgid)
{
	/* The empty msgid is the header of the catalogue. */
	if (current == LANG_EN || !msgid[0])
		return msgid;
	return dgettext(domain, msgid);
}

const char *i18n_plural(const char *domain, const char *one, const char *many, unsigned long n)
{
	if (current == LANG_EN || !one[0])
		return n == 1 ? one : many;
	return dngettext(domain, one, many, n);
}

const char *lang_code(enum lang lang)
{
	ASSERT((unsigned int)lang < LANG_COUNT);
	return languages[lang].code;
}

bool lang_parse(const char *code, enum lang *ret)
{
	for (size_t i = 0; i < LANG_COUNT; i++) {
		if (text_same(code, languages[i].code)) {
			*ret = (enum lang)i;
			return true;
		}
	}
	return false;
}

#define QUALITY_MAX 1000

/* RFC 9110 section 12.4.2, in thousandths; -1 when it is no quality value. */
static int quality_parse(const char *s, size_t len)
{
	int value = 0, unit = QUALITY_MAX;

	if (len < 1 || len > 5 || (s[0] != '0' && s[0] != '1') || (len > 1 && s[1] != '.'))
		return -1;
	value = (s[0] - '0') * unit;
	for (size_t i = 2; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		unit /= 10;
		value += (s[i] - '0') * unit;
	}
	return value <= QUALITY_MAX ? value : -1;
}

static size_t skip_blanks(const char *s, size_t at, size_t len)
{
	while (at < len && (s[at] == ' ' || s[at] == '\t'))
		at++;
	return at;
}

/* The quality of one "range;q=value" of the header; -1 when it cannot be understood. */
static int range_quality(const char *s, size_t len, size_t range)
{
	size_t at = skip_blanks(s, range, len);

	while (len > at && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	if (at == len)
		return QUALITY_MAX;
	if (s[at] != ';')
		return -1;
	at = skip_blanks(s, at + 1, len);
	if (len - at < 3 || (s[at] != 'q' && s[at] != 'Q') || s[at + 1] != '=')
		return -1;
	return quality_parse(s + at + 2, len - at - 2);
}

/* Our language for a range such as "ja" or "en-GB": what stands before the first hyphen decides. */
static bool range_lang(const char *s, size_t len, enum lang *ret)
{
	const char *hyphen = memchr(s, '-', len);
	size_t primary = hyphen ? (size_t)(hyphen - s) : len;

	for (size_t i = 0; i < LANG_COUNT; i++) {
		if (strlen(languages[i].code) == primary && strncasecmp(s, languages[i].code, primary) == 0) {
			*ret = (enum lang)i;
			return true;
		}
	}
	return false;
}

struct wish {
	int quality; /* -1: not named */
	size_t order;
};

static void wish_read(const char *s, size_t len, size_t order, struct wish *wishes, int *any)
{
	size_t start = skip_blanks(s, 0, len), range = start;
	enum lang lang;
	int quality;

	while (range < len && !strchr(" \t;", s[range]))
		range++;
	quality = range_quality(s, len, range);
	if (quality < 0 || range == start)
		return;
	if (range - start == 1 && s[start] == '*')
		*any = quality;
	else if (range_lang(s + start, range - start, &lang) && quality > wishes[lang].quality)
		wishes[lang] = (struct wish){.quality = quality, .order = order};
}

enum lang lang_accept(const char *header, enum lang fallback)
{
	struct wish wishes[LANG_COUNT];
	int any = -1, best = 0;
	size_t order = 0;
	enum lang found = fallback;

	for (size_t i = 0; i < LANG_COUNT; i++)
		wishes[i] = (struct wish){.quality = -1};
	for (const char *s = header; s && *s; order++) {
		size_t len = strcspn(s, ",");

		wish_read(s, len, order, wishes, &any);
		s += len;
		s += *s == ',';
	}
	for (size_t i = 0; i < LANG_COUNT; i++) {
		/* "*" stands for every language that the header does not name; of those, the fallback first. */
		if (wishes[i].quality < 0 && any > 0)
			wishes[i] = (struct wish){.quality = any, .order = order + (i != (size_t)fallback)};
		if (wishes[i].quality > best ||
			(wishes[i].quality == best && best > 0 && wishes[i].order < wishes[found].order)) {
			best = wishes[i].quality;
			found = (enum lang)i;
		}
	}
	return found;
}
