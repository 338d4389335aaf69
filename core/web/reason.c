/* The lists of revocation reasons, in the words of users and of administrators. */
#include "web/reason.h"

#include "base/i18n.h"
#include "base/text.h"

struct reason {
	int code;
	const char *text;
};

static const struct reason users[] = {
	{1, N_("The file, its PIN or the device was lost or stolen, or somebody else may have used it")},
	{4, N_("I have another certificate that replaces it")},
	{5, N_("I no longer use it")},
	{3, N_("My affiliation or my name has changed")},
	{0, N_("Another reason")},
	{0},
};
static const struct reason administrators[] = {
	{1, N_("Key compromised: the key, its PIN or the device was lost or stolen (keyCompromise)")},
	{3, N_("Affiliation or name changed (affiliationChanged)")},
	{4, N_("Replaced by another certificate (superseded)")},
	{5, N_("No longer used; has left (cessationOfOperation)")},
	{9, N_("Right to the certificate withdrawn (privilegeWithdrawn)")},
	{0, N_("Not specified (unspecified)")},
	{0},
};
static const struct reason *const lists[] = {[REASON_USER] = users, [REASON_ADMINISTRATOR] = administrators};

const char *reason_text(enum reason_words who, int code)
{
	for (const struct reason *r = lists[who]; r->text; r++)
		if (r->code == code)
			return _(r->text);
	return NULL;
}

bool reason_read(enum reason_words who, const char *field, int *ret)
{
	int64_t code;

	if (!field || !text_int(field, 0, 10, &code) || !reason_text(who, (int)code))
		return false;
	*ret = (int)code;
	return true;
}

void reason_fill(struct model *m, enum reason_words who, int chosen)
{
	for (const struct reason *r = lists[who]; r->text; r++) {
		struct model *option = model_section(m, "REASON");
		model_set_int(option, "REASON_CODE", r->code);
		model_set(option, "REASON_TEXT", _(r->text));
		if (r->code == chosen)
			model_show(option, "REASON_CHOSEN");
	}
}
