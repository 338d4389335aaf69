/* The particulars of a record in words: most are pairs of a key and a value, as the program wrote them ("reason 5 note left"). */
#include "words.h"

#define PARTS_MAX 12

enum value { VALUE_NONE, VALUE_WORD, VALUE_TEXT, VALUE_REST, VALUE_REASON, VALUE_TYPE, VALUE_TIME };

/* clang-format off: one line a key; of two that fit the first one counts */
static const struct {
	const char *key, *label; /* label NULL: says nothing */
	enum value value;
} keys[] = {
	{"note ", N_("Note"), VALUE_REST},
	{"reason ", N_("Reason"), VALUE_REASON},
	{"type ", N_("Certificate type"), VALUE_TYPE},
	{"number ", N_("Application number"), VALUE_WORD},
	{"renewal", N_("Renewal"), VALUE_NONE},
	{"serial ", N_("Serial number"), VALUE_WORD},
	{"code ", N_("Error code"), VALUE_WORD},
	{"field ", N_("Field"), VALUE_WORD},
	{"user:", N_("User"), VALUE_WORD},
	{"owner not known", N_("Owner not known"), VALUE_NONE},
	{"applied ", N_("Applied at"), VALUE_TIME},
	{"subject ", N_("DN (distinguished name)"), VALUE_TEXT},
	{"at ", N_("Time of the revocation"), VALUE_TIME},
	{"unclaimed ", N_("Certificates without an owner"), VALUE_WORD},
	{"list of ", N_("ePPNs in the list"), VALUE_WORD},
	{"rows ", N_("Rows"), VALUE_WORD},
	{"made ", N_("Registered"), VALUE_WORD},
	{"moved ", N_("Brought up to date"), VALUE_WORD},
	{"left out ", N_("Do not fit, left as they are"), VALUE_WORD},
	{"from ", N_("Begin"), VALUE_TIME},
	{"from ", N_("Before"), VALUE_WORD},
	{"to ", N_("After"), VALUE_WORD},
	{"as ", N_("Name for the password"), VALUE_REST},
	{"event ", N_("Event"), VALUE_WORD},
	{"wrong PIN number ", N_("Wrong PINs in a row"), VALUE_WORD},
	{"in a row", NULL, VALUE_NONE},
	{"until it is ended", N_("Until it is ended"), VALUE_NONE},
	{"until ", N_("End"), VALUE_TIME},
	{"announced", N_("Announced"), VALUE_NONE},
};
/* clang-format on */

struct part {
	const char *label, *value;
};

/* The text of subject may hold blanks: it ends at the note. */
static size_t value_length(enum value value, const char *s)
{
	const char *note = value == VALUE_TEXT ? strstr(s, " note ") : NULL;

	switch (value) {
	case VALUE_NONE:
		return 0;
	case VALUE_REST:
		return strlen(s);
	case VALUE_TEXT:
		return note ? (size_t)(note - s) : strlen(s);
	default:
		return strcspn(s, " ,");
	}
}

/* NULL: it is none of that kind. */
static const char *value_words(struct request *rq, enum value value, const char *s)
{
	int64_t code;
	when at;

	switch (value) {
	case VALUE_REASON:
		return text_int(s, 0, 10, &code) ? reason_text(REASON_ADMINISTRATOR, (int)code) : NULL;
	case VALUE_TYPE:
		return certificate_title(s);
	case VALUE_TIME:
		return clock_parse(s, &at) ? clock_show(rq->arena, at, rq->lang) : NULL;
	default:
		return *s || value == VALUE_NONE ? s : NULL;
	}
}

/* The part that s begins with, and what follows; false: it is none. */
static bool part_read(struct request *rq, const char **s, struct part *ret)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!text_starts(*s, keys[i].key))
			continue;
		const char *from = *s + strlen(keys[i].key);
		size_t len = value_length(keys[i].value, from);
		*ret = (struct part){keys[i].label ? _(keys[i].label) : NULL, value_words(rq, keys[i].value, arena_stringn(rq->arena, from, len))};
		if (!ret->value)
			continue;
		*s = from + len;
		*s += **s == ',';
		return !**s || *(*s)++ == ' ';
	}
	return false;
}

bool particulars_fill(struct request *rq, struct model *m, const char *detail)
{
	struct part parts[PARTS_MAX];
	size_t n = 0;

	while (*detail)
		if (n == PARTS_MAX || !part_read(rq, &detail, &parts[n++]))
			return false;
	for (size_t i = 0; i < n; i++) {
		if (!parts[i].label || text_same(parts[i].value, "-")) /* none */
			continue;
		if (!*parts[i].value) {
			model_set(model_section(m, "WORD"), "WORD_TEXT", parts[i].label);
			continue;
		}
		struct model *pair = model_section(m, "PAIR");
		model_set(pair, "PAIR_KEY", parts[i].label);
		model_set(pair, "PAIR_VALUE", parts[i].value);
	}
	return true;
}
