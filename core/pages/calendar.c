/* The calendar of a user's deadlines: its page, and the feed under a secret address. */
#include "pages/handlers.h"

#include "pages/ics.h"
#include "store/calendar.h"
#include "store/deadline.h"

/* Entries of a feed: more certificates than anybody has in use. */
#define ENTRIES_MAX 1000
#define FEED_MAX ((size_t)4 * 1024 * 1024)
/* Deadlines move rarely, and programs that ask follow this only roughly. */
#define REFRESH "PT6H"
#define SUFFIX ".ics" /* some programs take an address for a calendar by it */

const struct menu_entry calendar_menu[] = {
	{N_("Calendar"), "/calendar", ACCESS_USER},
	{0},
};

/* --- The page -------------------------------------------------------------------------------------------------------------------- */

/* token NULL: not known, only that there is one. */
static enum status page_show(struct request *rq, const char *token)
{
	struct model *m = model_new(rq->arena);
	when made = 0;
	enum status s = calendar_made(rq->db, rq->arena, rq->user->id, &made);

	if (s != STATUS_OK)
		return s;
	request_secret(rq);
	if (token)
		model_setf(model_section(m, "ADDRESS"), "URL", "%s/calendar/%s" SUFFIX, site_base_url(), token);
	if (made && !token)
		model_set(model_section(m, "MADE"), "MADE_AT", clock_show(rq->arena, made, rq->lang));
	if (made)
		model_show(m, "THERE");
	else
		model_show(m, "NONE");
	if (!made && request_query(rq, "ended"))
		model_show(m, "ENDED");
	model_set(m, "CSRF", rq->csrf);
	return request_page(rq, "core/calendar.html", _("Calendar"), m);
}

enum status calendar_page(struct request *rq)
{
	return page_show(rq, NULL);
}

/* The address is part of this one answer and of no other page: it is not stored, so it cannot be shown again. */
enum status calendar_change(struct request *rq)
{
	const char *token;
	enum status s = calendar_renew(rq->db, rq->arena, rq->user->id, &token);

	return s == STATUS_OK ? page_show(rq, token) : s;
}

enum status calendar_end(struct request *rq)
{
	enum status s = calendar_remove(rq->db, rq->arena, rq->user->id);

	return s == STATUS_OK ? request_redirect(rq, "/calendar?ended=1") : s;
}

/* --- The feed -------------------------------------------------------------------------------------------------------------------- */

/* The same as long as the application lives, and tells nothing about how many there are. */
static const char *entry_uid(struct arena *a, const struct deadline *d)
{
	const char *host = strstr(site_base_url(), "://");
	const char *source = arena_printf(a, "%s calendar %llu %s", site_base_url(), (unsigned long long)d->app.id,
		deadline_kind_name(d->kind));
	const char *hex = text_hex(a, crypto_sha256(a, bytes_string(source)));

	host = host ? host + 3 : "inkan";
	return arena_printf(a, "%.32s@%.*s", hex, (int)strcspn(host, ":/"), host);
}

static void alarm_add(struct text *t, const char *summary, const char *before)
{
	ics_line(t, "BEGIN", "VALARM");
	ics_line(t, "ACTION", "DISPLAY");
	ics_text(t, "DESCRIPTION", summary);
	ics_line(t, "TRIGGER", before);
	ics_line(t, "END", "VALARM");
}

static void entry_add(struct text *t, const struct deadline *d)
{
	struct arena *a = t->arena;
	bool download = d->kind == DEADLINE_DOWNLOAD;
	const char *page = arena_printf(a, "%s/%s/%u", site_base_url(), d->app.type, d->app.number);
	const char *what = download ? _("Last day for the download") : _("Certificate expires");
	const char *summary = arena_printf(a, "%s: %s (%s %u)", what, certificate_title(d->app.type), _("Application number"),
		d->app.number);

	ics_line(t, "BEGIN", "VEVENT");
	ics_line(t, "UID", entry_uid(a, d));
	ics_time(t, "DTSTAMP", d->app.changed_at);
	ics_time(t, "LAST-MODIFIED", d->app.changed_at);
	ics_time(t, "DTSTART", d->at);
	ics_text(t, "SUMMARY", summary);
	ics_text(t, "DESCRIPTION",
		arena_printf(a, "%s\n%s", download ? _("Download the certificate before this time. The PIN is on the details page:")
					  : _("Renew the certificate before this time if you go on using it:"),
			page));
	ics_line(t, "URL", page);
	ics_line(t, "CLASS", "PRIVATE");
	ics_line(t, "TRANSP", "TRANSPARENT"); /* nobody is busy because of it */
	if (!d->app.muted)
		alarm_add(t, summary, download ? "-P1D" : "-P7D");
	ics_line(t, "END", "VEVENT");
}

static struct text feed_write(struct arena *a, const struct deadline *all, size_t n)
{
	struct text t = text_new(a, FEED_MAX);

	ics_line(&t, "BEGIN", "VCALENDAR");
	ics_line(&t, "VERSION", "2.0");
	ics_line(&t, "PRODID", "-//Inkan//Deadlines//EN");
	ics_line(&t, "CALSCALE", "GREGORIAN");
	ics_line(&t, "METHOD", "PUBLISH");
	ics_text(&t, "NAME", _("Certificate deadlines")); /* RFC 7986 5.1, and what came before it */
	ics_text(&t, "X-WR-CALNAME", _("Certificate deadlines"));
	ics_line(&t, "REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
	ics_line(&t, "X-PUBLISHED-TTL", REFRESH);
	for (size_t i = 0; i < n; i++)
		entry_add(&t, &all[i]);
	/* RFC 5545 3.6: at least one component. One without deadlines is a calendar all the same. */
	if (n == 0) {
		ics_line(&t, "BEGIN", "VTIMEZONE");
		ics_line(&t, "TZID", "UTC");
		ics_line(&t, "BEGIN", "STANDARD");
		ics_line(&t, "DTSTART", "19700101T000000");
		ics_line(&t, "TZOFFSETFROM", "+0000");
		ics_line(&t, "TZOFFSETTO", "+0000");
		ics_line(&t, "END", "STANDARD");
		ics_line(&t, "END", "VTIMEZONE");
	}
	ics_line(&t, "END", "VCALENDAR");
	return t;
}

enum status calendar_feed(struct request *rq)
{
	const char *name = request_part(rq, "token");
	size_t len = strlen(name) - (text_ends(name, SUFFIX) ? strlen(SUFFIX) : 0);
	struct deadline *all;
	struct user owner;
	size_t n;
	enum status s = calendar_owner(rq->db, rq->arena, arena_stringn(rq->arena, name, len), &owner);

	if (s == STATUS_OK)
		s = deadline_list(rq->db, rq->arena, owner.id, rq->now, INT64_MAX, INT64_MAX, ENTRIES_MAX, &all, &n);
	if (s != STATUS_OK)
		return s;
	i18n_use(owner.lang); /* the program that asks has none of its own */
	struct text t = feed_write(rq->arena, all, n);
	i18n_use(rq->lang);
	if (t.full)
		return cause(STATUS_INTERNAL, "calendar of user %llu is longer than %zu bytes", (unsigned long long)owner.id, FEED_MAX);
	request_secret(rq);
	return request_send(rq, "text/calendar; charset=utf-8", NULL, bytes_of(t.data, t.len));
}
