/* The core's own descriptor: which page is where. */
#include "pages/handlers.h"

/* A SAML response may have 128 KB of XML; base64 makes four bytes of three, and a little is for the field's name and RelayState. */
#define ACS_BODY_MAX (128 * 1024 * 4 / 3 + 4096)

static const struct route routes[] = {
	{"GET", "/", ACCESS_ANYONE, home_page},
	{"GET", "/admin", ACCESS_ADMIN, admin_top},
	{"GET", "/help", ACCESS_ANYONE, help_page},
	{"GET", "/help/accessibility", ACCESS_ANYONE, help_accessibility},
	{"GET", "/help/:system", ACCESS_ANYONE, help_system_page},
	{"GET", "/calendar", ACCESS_USER, calendar_page},
	{"POST", "/calendar", ACCESS_USER, calendar_change},
	{"POST", "/calendar/end", ACCESS_USER, calendar_end},
	/* Calendars cannot log in: the address itself is the secret. */
	{"GET", "/calendar/:token", ACCESS_ANYONE, calendar_feed, .quiet = true},

	{"GET", "/login", ACCESS_ANYONE, login_page},
	{"GET", "/login/start", ACCESS_ANYONE, login_start},
	{"GET", "/saml/metadata", ACCESS_ANYONE, login_metadata},
	{"POST", "/saml/acs", ACCESS_ANYONE, login_consume,
		.no_csrf_because =
			"The form comes from the IdP; the sealed log-in cookie and InResponseTo bind it to this browser.",
		.body_max = ACS_BODY_MAX},
	{"POST", "/logout", ACCESS_ANYONE, login_end,
		.no_csrf_because =
			"Must work when the session is over; the session cookie is SameSite=Lax, so only our own pages end one."},

	{"GET", "/:type/apply", ACCESS_USER, apply_confirm, .pauses = true},
	{"POST", "/:type/apply", ACCESS_USER, apply_send, .pauses = true},
	{"GET", "/:type/:number", ACCESS_USER, certificate_page},
	{"GET", "/:type/:number/applied", ACCESS_USER, certificate_applied},
	{"GET", "/:type/:number/status", ACCESS_USER, certificate_news, .quiet = true},
	{"POST", "/:type/:number/memo", ACCESS_USER, certificate_memo, .pauses = true},
	{"POST", "/:type/:number/mute", ACCESS_USER, certificate_mute},
	{"POST", "/:type/:number/mail", ACCESS_USER, certificate_mail},
	{"GET", "/:type/:number/revoke", ACCESS_USER, revoke_ask, .pauses = true},
	{"POST", "/:type/:number/revoke", ACCESS_USER, revoke_send, .pauses = true},
	{"GET", "/:type/:number/revoking", ACCESS_USER, revoke_done},
	{"GET", "/:type/:number/renew", ACCESS_USER, renew_ask, .pauses = true},
	{"POST", "/:type/:number/renew", ACCESS_USER, renew_send, .pauses = true},
	{0},
};

const struct plugin core_plugin = {
	.abi = INKAN_ABI,
	.name = "core",
	.routes = routes,
	.menu = calendar_menu,
	.panels = deadline_panels,
	.health = core_health,
};

static enum status pause_ask(struct request *rq, struct site_pause *ret)
{
	enum status s = STATUS_OK;

	/* The first plugin that has something to say is heard; there is one such plugin. */
	for (size_t i = 0; s == STATUS_OK && !ret->paused && !ret->message && i < plugin_count(); i++)
		if (plugin_at(i)->pause)
			s = plugin_at(i)->pause(rq, ret);
	return s;
}

void pages_start(void)
{
	router_pause(pause_ask);
	layout_start();
	router_layout(layout_fill);
}

void pages_assets(const char *view_dir)
{
	layout_assets(view_dir);
}
