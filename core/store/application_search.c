/* Looking for applications among a user's own: by words and by the state of the certificate, both of which are computed, not stored. */
#include "base/text.h"
#include "store/application_row.h"
#include "store/application_wish.h"

/* Rows read at a time: more than a page, so that a page without a search costs one query. */
#define STEP 200
/* Shorter words would be found in nearly every serial number. */
#define SERIAL_WORD_MIN 6
#define WORDS_MAX 10

struct word {
	const char *text; /* folded */
	const char
		*serial; /* the same without colons, when it may be (a part of) a serial in hexadecimal; "" */
	const char *decimal; /* the hexadecimal serial that it is in decimal; "" */
	bool digits;
};

static struct word word_read(struct arena *a, const char *text)
{
	struct word w = {.text = text,
		.serial = "",
		.decimal = "",
		.digits = text[strspn(text, "0123456789")] == '\0'};
	struct text plain = text_new(a, strlen(text) + 1);

	if (strlen(text) < SERIAL_WORD_MIN)
		return w;
	for (const char *s = text; *s; s++)
		if (*s != ':')
			text_add_bytes(&plain, s, 1);
	if (plain.len >= SERIAL_WORD_MIN && plain.data[strspn(plain.data, "0123456789abcdef")] == '\0')
		w.serial = plain.data;
	if (w.digits)
		w.decimal = serial_of_decimal(a, text);
	return w;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number within a subject is the whole number: 7 is not in CN=taro.17. */
static bool subject_has(const char *subject, const struct word *w)
{
	size_t len = strlen(w->text);

	for (const char *at = strstr(subject, w->text); at; at = strstr(at + 1, w->text))
		if (!w->digits || ((at == subject || !is_digit(at[-1])) && !is_digit(at[len])))
			return true;
	return false;
}

static bool matches(struct arena *a, const struct application *app, const struct word *words, size_t n)
{
	if (n == 0)
		return true;
	const char *number = arena_printf(a, "%u", app->number);
	const char *memo = text_fold(a, app->memo ? app->memo : ""), *subject = text_fold(a, app->subject);
	const char *serial = app->serial ? app->serial : "";

	for (size_t i = 0; i < n; i++) {
		const struct word *w = &words[i];
		bool found = text_same(number, w->text) || strstr(memo, w->text) || subject_has(subject, w) ||
			     (*w->serial && strstr(serial, w->serial)) ||
			     (*w->decimal && text_same(serial, w->decimal));
		if (!found)
			return false;
	}
	return true;
}

enum status application_search(struct db *db, struct arena *a, uint64_t user_id,
	const struct application_query *query, when now, struct application **ret, size_t *ret_n)
{
	struct word words[WORDS_MAX];
	struct application *found = arena_array(a, query->limit ? query->limit : 1, sizeof *found), *step;
	unsigned below = query->below;
	size_t n_words = 0, n_found = 0, n;

	/* After folding: the blank U+3000 is a plain one then. */
	for (char **parts = text_split(a, text_fold(a, query->words), " \t"); *parts; parts++) {
		if (n_words == WORDS_MAX)
			return cause(STATUS_INVALID, "search: more than %d words", WORDS_MAX);
		words[n_words++] = word_read(a, *parts);
	}
	do {
		enum status st =
			application_list(db, a, user_id, below, STEP, query->live_only, now, &step, &n);
		if (st != STATUS_OK)
			return st;
		for (size_t i = 0; i < n && n_found < query->limit; i++) {
			bool state =
				query->any_state || application_certificate(&step[i], now) == query->state;
			if (state && matches(a, &step[i], words, n_words))
				found[n_found++] = step[i];
		}
		below = n ? step[n - 1].number : 0;
	} while (n == STEP && n_found < query->limit);
	*ret = found;
	*ret_n = n_found;
	return STATUS_OK;
}
