/* The conformance table of WCAG 2.2 A and AA with JIS X 8341-3:2016: what holds, and how that was found out. */
#include "pages/handlers.h"

enum result { MET, PARTLY, NOTHING_THERE, NOT_IN_WCAG };

/* How it was found out: bits. */
#define AXE 1	  /* axe-core over every page, in the browser tests */
#define BROWSER 2 /* a browser test of its own */
#define REVIEW 4  /* the developers have read views, style and scripts with it in mind */

static const struct criterion {
	const char *number, *name, *level;
	bool jis; /* in JIS X 8341-3:2016, which has the criteria of WCAG 2.0 */
	enum result result;
	int how;
	const char *remark;
} criteria[] = {
	{"1.1.1", N_("Non-text Content"), "A", true, MET, AXE | REVIEW},
	{"1.2.1", N_("Audio-only and Video-only (Prerecorded)"), "A", true, NOTHING_THERE, REVIEW},
	{"1.2.2", N_("Captions (Prerecorded)"), "A", true, NOTHING_THERE, REVIEW},
	{"1.2.3", N_("Audio Description or Media Alternative (Prerecorded)"), "A", true, NOTHING_THERE,
		REVIEW},
	{"1.2.4", N_("Captions (Live)"), "AA", true, NOTHING_THERE, REVIEW},
	{"1.2.5", N_("Audio Description (Prerecorded)"), "AA", true, NOTHING_THERE, REVIEW},
	{"1.3.1", N_("Info and Relationships"), "A", true, MET, AXE | REVIEW},
	{"1.3.2", N_("Meaningful Sequence"), "A", true, MET, REVIEW},
	{"1.3.3", N_("Sensory Characteristics"), "A", true, MET, REVIEW},
	{"1.3.4", N_("Orientation"), "AA", false, MET, REVIEW},
	{"1.3.5", N_("Identify Input Purpose"), "AA", false, NOTHING_THERE, REVIEW,
		N_("No form asks for data about the user.")},
	{"1.4.1", N_("Use of Color"), "A", true, MET, AXE | REVIEW},
	{"1.4.2", N_("Audio Control"), "A", true, NOTHING_THERE, REVIEW},
	{"1.4.3", N_("Contrast (Minimum)"), "AA", true, MET, AXE},
	{"1.4.4", N_("Resize Text"), "AA", true, MET, BROWSER},
	{"1.4.5", N_("Images of Text"), "AA", true, MET, REVIEW},
	{"1.4.10", N_("Reflow"), "AA", false, MET, BROWSER},
	{"1.4.11", N_("Non-text Contrast"), "AA", false, MET, REVIEW},
	{"1.4.12", N_("Text Spacing"), "AA", false, MET, BROWSER},
	{"1.4.13", N_("Content on Hover or Focus"), "AA", false, MET, REVIEW},
	{"2.1.1", N_("Keyboard"), "A", true, MET, BROWSER},
	{"2.1.2", N_("No Keyboard Trap"), "A", true, MET, BROWSER},
	{"2.1.4", N_("Character Key Shortcuts"), "A", false, NOTHING_THERE, REVIEW},
	{"2.2.1", N_("Timing Adjustable"), "A", true, PARTLY, REVIEW,
		N_("For security the log-in ends after some time without use, and the download after the PIN was entered; no warning is given before. "
		   "Using any page extends the log-in, and nothing that was applied for is lost.")},
	{"2.2.2", N_("Pause, Stop, Hide"), "A", true, MET, REVIEW,
		N_("The details page changes only when something has happened to the application.")},
	{"2.3.1", N_("Three Flashes or Below Threshold"), "A", true, MET, REVIEW},
	{"2.4.1", N_("Bypass Blocks"), "A", true, MET, AXE | BROWSER},
	{"2.4.2", N_("Page Titled"), "A", true, MET, AXE | REVIEW},
	{"2.4.3", N_("Focus Order"), "A", true, MET, BROWSER | REVIEW},
	{"2.4.4", N_("Link Purpose (In Context)"), "A", true, MET, AXE | REVIEW},
	{"2.4.5", N_("Multiple Ways"), "AA", true, MET, REVIEW},
	{"2.4.6", N_("Headings and Labels"), "AA", true, MET, REVIEW},
	{"2.4.7", N_("Focus Visible"), "AA", true, MET, BROWSER},
	{"2.4.11", N_("Focus Not Obscured (Minimum)"), "AA", false, MET, BROWSER},
	{"2.5.1", N_("Pointer Gestures"), "A", false, NOTHING_THERE, REVIEW},
	{"2.5.2", N_("Pointer Cancellation"), "A", false, MET, REVIEW},
	{"2.5.3", N_("Label in Name"), "A", false, MET, AXE | REVIEW},
	{"2.5.4", N_("Motion Actuation"), "A", false, NOTHING_THERE, REVIEW},
	{"2.5.7", N_("Dragging Movements"), "AA", false, NOTHING_THERE, REVIEW},
	{"2.5.8", N_("Target Size (Minimum)"), "AA", false, MET, AXE},
	{"3.1.1", N_("Language of Page"), "A", true, MET, AXE | BROWSER},
	{"3.1.2", N_("Language of Parts"), "AA", true, PARTLY, BROWSER,
		N_("Names and memos are marked as being in a language that is not known.")},
	{"3.2.1", N_("On Focus"), "A", true, MET, BROWSER},
	{"3.2.2", N_("On Input"), "A", true, MET, REVIEW},
	{"3.2.3", N_("Consistent Navigation"), "AA", true, MET, REVIEW},
	{"3.2.4", N_("Consistent Identification"), "AA", true, MET, REVIEW},
	{"3.2.6", N_("Consistent Help"), "A", false, MET, REVIEW},
	{"3.3.1", N_("Error Identification"), "A", true, MET, REVIEW},
	{"3.3.2", N_("Labels or Instructions"), "A", true, MET, AXE | REVIEW},
	{"3.3.3", N_("Error Suggestion"), "AA", true, MET, REVIEW},
	{"3.3.4", N_("Error Prevention (Legal, Financial, Data)"), "AA", true, MET, BROWSER | REVIEW},
	{"3.3.7", N_("Redundant Entry"), "A", false, MET, REVIEW},
	{"3.3.8", N_("Accessible Authentication (Minimum)"), "AA", false, MET, REVIEW,
		N_("The PIN can be copied and pasted. The log-in page itself belongs to your institution and is no part of this table.")},
	{"4.1.1", N_("Parsing"), "A", true, NOT_IN_WCAG, REVIEW, N_("Obsolete in WCAG 2.2.")},
	{"4.1.2", N_("Name, Role, Value"), "A", true, MET, AXE | REVIEW},
	{"4.1.3", N_("Status Messages"), "AA", false, MET, REVIEW},
};

static const char *const results[] = {
	[MET] = N_("Met"),
	[PARTLY] = N_("Partly met"),
	[NOTHING_THERE] = N_("Met (there is no such content)"),
	[NOT_IN_WCAG] = N_("Not applied"),
};

static void how_fill(struct model *row, int how)
{
	static const struct {
		int bit;
		const char *label;
	} ways[] = {{AXE, N_("axe-core")}, {BROWSER, N_("browser test")},
		{REVIEW, N_("review by the developers")}};

	for (size_t i = 0; i < COUNT_OF(ways); i++)
		if (how & ways[i].bit)
			model_set(model_section(row, "WAY"), "WAY_LABEL", _(ways[i].label));
}

enum status help_accessibility(struct request *rq)
{
	struct model *m = model_new(rq->arena);

	for (size_t i = 0; i < COUNT_OF(criteria); i++) {
		const struct criterion *c = &criteria[i];
		struct model *row = model_section(m, "CRITERION");

		model_set(row, "CRITERION_NUMBER", c->number);
		model_set(row, "CRITERION_NAME", _(c->name));
		model_set(row, "LEVEL", c->level);
		if (c->jis)
			model_show(row, "IN_JIS");
		else
			model_show(row, "NOT_IN_JIS");
		model_set(row, "RESULT", _(results[c->result]));
		model_set(row, "RESULT_CLASS",
			c->result == PARTLY	   ? "is-asking"
			: c->result == NOT_IN_WCAG ? "is-over"
						   : "is-good");
		how_fill(row, c->how);
		if (c->remark)
			model_set(model_section(row, "HAS_REMARK"), "REMARK", _(c->remark));
	}
	if (site_contact() && site_contact()[0])
		model_set(model_section(m, "CONTACT"), "ADDRESS", site_contact());
	return request_page(rq, "core/help_accessibility.html", _("Accessibility of this site"), m);
}
