/* What certificate types share: the subject they ask for, and the table of validities. */
#include "plugin.h"

#define SUBJECT_MAX 250 /* bytes; NII's limit, nii-upstream.md 2.2 */
#define ATTRIBUTE_MAX                                                                                        \
	64 /* characters of CN, O and OU: RFC 5280 appendix A.1, ub-common-name and its neighbours */

const struct setting validity_settings[] = {
	{"months", SETTING_INTEGER, offsetof(struct validity, months), NULL, 1, 120,
		.help = "Calendar months of validity."},
	{"label_ja", SETTING_STRING, offsetof(struct validity, label_ja), "",
		.help = "How it is offered in Japanese; empty: 52ヶ月."},
	{"label_en", SETTING_STRING, offsetof(struct validity, label_en), "",
		.help = "The same in English; empty: 52 months."},
	{0},
};

/* What stands for a letter behind % in a template. */
struct subject_value {
	const char *field; /* as pages know it */
	const char *value;
};

/* Of the attribute that the end of the text so far belongs to: "CN" and the like, "" before the first '='. */
static const char *attribute_at_end(struct arena *a, const struct text *t)
{
	const char *start = t->data;
	for (const char *s = t->data; *s; s++)
		if (*s == ',')
			start = s + 1;
	const char *equals = strchr(start, '=');
	return equals ? text_trim(a, arena_stringn(a, start, (size_t)(equals - start))) : "";
}

/* NII allows alphanumerics, space and ' ( ) , - . / : = in every attribute, and @ _ in CN besides. A value from outside may not bring
 * the comma and the equals sign, which would end or begin an attribute: so no two values ever make the same subject by a trick. */
static bool character_fits(char c, bool common_name)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c && (strchr(" '()-./:", c) || (common_name && strchr("@_", c)));
}

/* One whole character, also when it takes several bytes; those that would harm a page or a log are described. */
static const char *character_shown(struct arena *a, const char *s)
{
	size_t len = 1;
	if ((unsigned char)*s >= 0x80)
		while ((s[len] & 0xc0) == 0x80)
			len++;
	char *one = arena_stringn(a, s, len);
	return text_clean(one, 1) ? one : arena_printf(a, "(%s)", text_hex(a, bytes_of(s, len)));
}

static enum status value_check(struct arena *a, const struct subject_value *v, bool common_name,
	const char **ret_field, const char **ret_char)
{
	size_t len = v->value ? strlen(v->value) : 0;
	*ret_field = v->field;
	*ret_char = "";
	if (len == 0)
		return cause(STATUS_INVALID, "%s is empty and cannot stand in a subject", v->field);
	for (size_t i = 0; i < len; i++) {
		/* Blanks at the ends do not survive: X.500 compares names without them. */
		bool edge = (i == 0 || i == len - 1) && v->value[i] == ' ';
		if (edge || !character_fits(v->value[i], common_name)) {
			*ret_char = character_shown(a, v->value + i);
			return cause(STATUS_INVALID, "%s holds the character \"%s\", which a subject may not",
				v->field, *ret_char);
		}
	}
	return STATUS_OK;
}

static enum status value_find(struct arena *a, char letter, const struct user *user, unsigned number,
	const char *extra, struct subject_value *ret)
{
	const char *eppn = user->eppn ? user->eppn : "";
	switch (letter) {
	case 'u':
		*ret = (struct subject_value){"eppn", arena_stringn(a, eppn, strcspn(eppn, "@"))};
		return STATUS_OK;
	case 'e':
		*ret = (struct subject_value){"eppn", eppn};
		return STATUS_OK;
	case 'n':
		*ret = (struct subject_value){"number", arena_printf(a, "%u", number)};
		return STATUS_OK;
	case 'm':
		*ret = (struct subject_value){"mail", user->mail};
		return STATUS_OK;
	case 'x':
		*ret = (struct subject_value){"extra", extra};
		return STATUS_OK;
	default:
		return cause(STATUS_INVALID,
			"the subject template has %%%c, which is none of %%u %%e %%n %%m %%x", letter);
	}
}

static bool attributes_fit(const char *subject)
{
	for (const char *s = subject; *s;) {
		size_t len = strcspn(s, ","), name = strcspn(s, "=");
		if (len > name + 1 + ATTRIBUTE_MAX)
			return false;
		s += len + (s[len] == ',');
	}
	return true;
}

/* Characters of the template itself: what a value may hold, and what separates attributes. */
static bool template_fits(char c)
{
	return character_fits(c, true) || c == ',' || c == '=';
}

enum status certificate_subject(struct arena *a, const char *format, const struct user *user, unsigned number,
	const char *extra, const char **ret, const char **ret_field, const char **ret_char)
{
	struct text subject = text_new(a, SUBJECT_MAX);
	const char *field = NULL, *character = NULL;
	const char *longest = NULL; /* to blame when all together is too long */
	size_t most = 0;
	for (const char *f = format; *f; f++) {
		if (*f != '%') {
			if (!template_fits(*f))
				return cause(STATUS_INVALID,
					"the subject template holds a character that a subject may not");
			text_add_bytes(&subject, f, 1);
			continue;
		}
		struct subject_value v = {0};
		enum status s = value_find(a, *++f, user, number, extra, &v);
		if (s != STATUS_OK)
			return s;
		s = value_check(a, &v, text_same(attribute_at_end(a, &subject), "CN"), &field, &character);
		if (s != STATUS_OK) {
			*ret_field = field;
			*ret_char = character;
			return s;
		}
		if (strlen(v.value) > most) {
			most = strlen(v.value);
			longest = v.field;
		}
		text_add(&subject, v.value);
	}
	if (subject.full || !attributes_fit(subject.data)) {
		*ret_field = longest ? longest : "subject";
		*ret_char = "";
		return cause(STATUS_INVALID,
			"the subject would have more than %d bytes, or %d in one attribute", SUBJECT_MAX,
			ATTRIBUTE_MAX);
	}
	if (!text_starts(subject.data, "CN="))
		return cause(STATUS_INVALID, "the subject template does not begin with CN=");
	*ret = subject.data;
	return STATUS_OK;
}

static bool live_by_mail(const struct plugin *p)
{
	const struct user sample = {.id = 7, .eppn = "x@example.ac.jp", .mail = "x@example.ac.jp"};
	struct order order = {.type = p->name, .mail = sample.mail, .extra = ""};
	struct arena *a = arena_new();
	bool by_mail = p->type && p->type->complete && !p->type->form_view &&
		       p->type->complete(a, 0, &sample, &order) == STATUS_OK &&
		       text_same(order.live_key, arena_printf(a, "%s:7:%s", p->name, sample.mail));

	arena_free(a);
	return by_mail;
}

const char *const *certificate_types_by_mail(struct arena *a)
{
	const char **names = arena_array(a, plugin_count() + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < plugin_count(); i++)
		if (live_by_mail(plugin_at(i)))
			names[n++] = plugin_at(i)->name;
	return names;
}
