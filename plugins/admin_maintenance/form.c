/* The form of maintenance mode: read, checked, and filled again with what was entered. */
#include "form.h"

/* Lines of a message: a banner higher than that pushes the page out of sight. */
#define LINES_MAX 6
/* A window further ahead is a mistake in the year. */
#define AHEAD_MAX (366 * DAY)

/* Each in its own language, whatever the administrator reads. */
static const char *message_default(enum lang lang)
{
	enum lang before = i18n_lang();

	i18n_use(lang);
	/* True of a window that is only announced, too. */
	const char *text = _("During maintenance, applications, renewals, revocations and changes of memos are not accepted. "
			     "You can still log in, view your certificates and PINs, and download certificates.");
	i18n_use(before);
	return text;
}

struct form form_of(struct arena *a, const struct maintenance *row, when now)
{
	enum maintenance_state state = maintenance_state(row, now);
	bool ahead = state == MAINTENANCE_AHEAD, on = state == MAINTENANCE_ON;
	struct form form = {
		.version = row->version,
		.start = on ? "keep" : ahead ? "later" : "now",
		.from = ahead ? clock_field(a, row->from) : "",
		.until = ahead || on ? clock_field(a, row->until) : "",
		.announced = ahead ? row->announced : true,
	};

	for (int lang = 0; lang < LANG_COUNT; lang++)
		form.message[lang] = row->message[lang][0] ? row->message[lang] : message_default((enum lang)lang);
	return form;
}

static const char *field(struct request *rq, const char *name)
{
	const char *value = request_field(rq, name);
	return value ? value : "";
}

/* Browsers send line ends as CR LF. */
static const char *message_read(struct request *rq, const char *name)
{
	char *text = text_trim(rq->arena, field(rq, name)), *to = text;

	for (const char *s = text; *s; s++)
		if (*s != '\r')
			*to++ = *s;
	*to = '\0';
	while (to > text && to[-1] == '\n')
		*--to = '\0';
	return text;
}

static const char *message_why(struct arena *a, const char *message)
{
	char *line = arena_string(a, message);
	size_t lines = 1;

	if (!message[0])
		return _("Please enter the message.");
	for (char *s = line; *s; s++) {
		lines += *s == '\n';
		if (*s == '\n')
			*s = ' ';
	}
	return lines <= LINES_MAX && text_clean(line, MESSAGE_MAX)
		       ? NULL
		       : _("The message may have at most 300 characters on 6 lines, without control characters.");
}

static const char *from_read(const struct form *form, const struct maintenance *row, when now, when *ret)
{
	*ret = now;
	if (text_same(form->start, "keep") && maintenance_state(row, now) == MAINTENANCE_ON)
		*ret = row->from;
	if (!text_same(form->start, "later"))
		return NULL;
	if (!clock_parse_field(form->from, ret))
		return _("Please enter date and time of the beginning.");
	/* A window that began before the form was sent would begin at once, which is another choice. */
	return *ret <= now ? _("This time is over. Please enter a later one, or choose to begin at once.")
	       : *ret > now + AHEAD_MAX ? _("This time is more than a year ahead.")
					: NULL;
}

static const char *until_read(const struct form *form, when from, when now, when *ret)
{
	*ret = 0;
	if (!form->until[0])
		return NULL;
	if (!clock_parse_field(form->until, ret))
		return _("Please enter date and time of the end, or leave both empty.");
	return *ret <= now || *ret <= from ? _("The end must be later than the beginning, and not over yet.")
	       : *ret > now + 2 * AHEAD_MAX ? _("This time is more than a year ahead.")
					    : NULL;
}

bool form_read(struct request *rq, const struct maintenance *row, struct form *ret, struct maintenance *ret_wish)
{
	int64_t version = 0;
	const char *start = field(rq, "start");
	struct form form = {
		.start = text_same(start, "later") || text_same(start, "keep") ? start : "now",
		.from = text_trim(rq->arena, field(rq, "from")),
		.until = text_trim(rq->arena, field(rq, "until")),
		.announced = request_field(rq, "announced") != NULL,
		.message = {[LANG_JA] = message_read(rq, "message_ja"), [LANG_EN] = message_read(rq, "message_en")},
	};
	struct maintenance wish = {.announced = form.announced, .set_by = rq->user->eppn, .set_at = rq->now};

	(void)text_int(field(rq, "version"), 0, INT64_MAX, &version); /* anything else is a version that never was current */
	form.version = wish.version = (uint64_t)version;
	form.from_why = from_read(&form, row, rq->now, &wish.from);
	form.until_why = until_read(&form, form.from_why ? 0 : wish.from, rq->now, &wish.until);
	for (int lang = 0; lang < LANG_COUNT; lang++) {
		wish.message[lang] = form.message[lang];
		form.message_why[lang] = message_why(rq->arena, form.message[lang]);
	}
	*ret = form;
	*ret_wish = wish;
	return !form.from_why && !form.until_why && !form.message_why[LANG_JA] && !form.message_why[LANG_EN];
}

void form_fill(struct request *rq, struct model *m, const struct form *form)
{
	model_set(m, "CSRF", rq->csrf);
	model_set_int(m, "VERSION", (long long)form->version);
	model_set(m, "START", form->start);
	model_set(m, "FROM", form->from);
	model_set(m, "UNTIL", form->until);
	if (form->announced)
		model_show(m, "ANNOUNCED");
	if (text_same(form->start, "later"))
		model_show(m, "LATER");
	else
		model_show(m, "NOW");
	if (!text_same(form->start, "keep"))
		model_show(m, "CHOOSE_START");
	model_set(m, "MESSAGE_JA", form->message[LANG_JA]);
	model_set(m, "MESSAGE_EN", form->message[LANG_EN]);
	if (form->from_why)
		model_set(model_section(m, "FROM_WRONG"), "WHY", form->from_why);
	if (form->until_why)
		model_set(model_section(m, "UNTIL_WRONG"), "WHY", form->until_why);
	if (form->message_why[LANG_JA])
		model_set(model_section(m, "JA_WRONG"), "WHY", form->message_why[LANG_JA]);
	if (form->message_why[LANG_EN])
		model_set(model_section(m, "EN_WRONG"), "WHY", form->message_why[LANG_EN]);
}
