/* The install guide: one page for each system or program, the visitor's own first. */
#include "pages/handlers.h"

/* In the order in which they are listed. Names of products are the same in both languages. */
static const struct guide {
	const char *name, *title, *about;
	const char *view;
	bool mail; /* S/MIME is used there: what is said about old keys matters */
} guides[] = {
	{"windows", "Windows", N_("Edge, Chrome, the network, and Outlook"), "core/help_windows.html", true},
	{"macos", "macOS", N_("Safari, Chrome, the network, and Mail"), "core/help_macos.html", true},
	{"ios", "iOS, iPadOS", N_("Safari, the network, and Mail on iPhone and iPad"), "core/help_ios.html",
		true},
	{"android", "Android", N_("Browsers, the network, and VPN"), "core/help_android.html"},
	{"linux", "Linux", N_("Chromium, Chrome, and the network"), "core/help_linux.html"},
	{"firefox", "Firefox", N_("on Windows, macOS and Linux"), "core/help_firefox.html"},
	{"thunderbird", "Thunderbird", N_("S/MIME on Windows, macOS and Linux"), "core/help_thunderbird.html",
		true},
	{"outlook", "Outlook", N_("S/MIME on Windows and macOS"), "core/help_outlook.html", true},
};

static void guide_fill(struct model *m, const struct guide *guide)
{
	model_setf(m, "GUIDE_PATH", "/help/%s", guide->name);
	model_set(m, "SYSTEM", guide->title);
	model_set(m, "ABOUT", _(guide->about));
}

/* What stands on all pages of the guide. */
static void common_fill(struct request *rq, struct model *m, bool mail)
{
	model_include(m, "NEED", "core/help_need.html");
	ca_list_fill(rq, m);
	if (mail)
		model_include(m, "OLD_KEY", "core/help_old_key.html");
	struct model *trouble = model_include(m, "TROUBLE", "core/help_trouble.html");
	if (site_contact() && site_contact()[0])
		model_set(model_section(trouble, "CONTACT"), "ADDRESS", site_contact());
}

enum status help_page(struct request *rq)
{
	const char *agent = request_header(rq, "HTTP_USER_AGENT");
	const char *system = request_system(rq);
	/* A Firefox on a desktop has certificates of its own. */
	bool firefox = system && agent && strstr(agent, "Firefox/") && !text_same(system, "android") &&
		       !text_same(system, "ios");
	struct model *m = model_new(rq->arena);
	struct model *own = system ? model_section(m, "OWN") : NULL;

	if (!own)
		model_show(m, "NO_OWN");
	for (size_t i = 0; i < COUNT_OF(guides); i++) {
		const char *name = guides[i].name;
		bool is_own = own && (text_same(name, system) || (firefox && text_same(name, "firefox")));
		guide_fill(is_own ? model_section(own, "OWN_GUIDE") : model_section(m, "GUIDE"), &guides[i]);
	}
	common_fill(rq, m, true);
	request_set_header(rq, "Vary", "Sec-CH-UA-Platform, User-Agent");
	return request_page(rq, "core/help.html", _("Install guide"), m);
}

enum status help_system_page(struct request *rq)
{
	const struct guide *guide = NULL;
	struct model *m = model_new(rq->arena);

	for (size_t i = 0; i < COUNT_OF(guides); i++) {
		if (text_same(guides[i].name, request_part(rq, "system")))
			guide = &guides[i];
		else
			guide_fill(model_section(m, "GUIDE"), &guides[i]);
	}
	if (!guide)
		return cause(STATUS_MISSING, "no such page of the install guide");
	model_set(m, "SYSTEM", guide->title);
	common_fill(rq, m, guide->mail);
	model_include(m, "STEPS", guide->view);
	return request_page(rq, "core/help_system.html",
		arena_printf(rq->arena, "%s - %s", guide->title, _("Install guide")), m);
}
