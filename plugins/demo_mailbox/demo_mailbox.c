/* The demo's mailbox: shows the mails that the site sent, instead of a mail server and a mail program. Only for ./demo. */
#include <gmime/gmime.h>

#include "demo_mailbox_store.h"
#include "letter.h"
#include "sink.h"

#define PAGE_ROWS 50

static struct mailbox_settings {
	int64_t port;
} settings;

static const struct setting settings_list[] = {
	{"port", SETTING_INTEGER, offsetof(struct mailbox_settings, port), NULL, 1, 65535,
		.help = "Port on 127.0.0.1 where mail is received; mail_url of inkan.conf names the same."},
	{0},
};

static enum status mailbox_list(struct request *rq)
{
	struct demo_mail *mails;
	size_t n;
	int64_t below = 0;
	const char *asked = request_query(rq, "below");
	if (asked && !text_int(asked, 1, INT64_MAX, &below))
		return cause(STATUS_INVALID, "below is no number");
	enum status s = demo_mail_list(rq->db, rq->arena, (uint64_t)below, PAGE_ROWS + 1, &mails, &n);
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++) {
		struct model *row = model_section(m, "MAIL");
		model_set_int(row, "ID", (long long)mails[i].id);
		model_set(row, "RECEIVED", clock_show(rq->arena, mails[i].received_at, rq->lang));
		model_set(row, "RECIPIENT", mails[i].recipient);
		model_set(row, "SUBJECT", mails[i].subject[0] ? mails[i].subject : "–");
	}
	if (n == 0)
		model_show(m, "NONE");
	else
		model_show(m, "ANY");
	if (n > PAGE_ROWS)
		model_set_int(model_section(m, "OLDER"), "BELOW", (long long)mails[PAGE_ROWS - 1].id);
	request_secret(rq); /* the mails hold one-time addresses */
	return request_page(rq, "demo_mailbox/list.html", _("Demo mailbox"), m);
}

static enum status mailbox_home(struct request *rq)
{
	return request_redirect(rq, "/demo_mailbox/");
}

/* Cuts the text at addresses of web pages, which become links; the view escapes both. */
static void body_fill(struct arena *a, struct model *m, const char *body)
{
	while (*body) {
		const char *url = strstr(body, "https://");
		size_t plain = url ? (size_t)(url - body) : strlen(body);
		if (plain > 0)
			model_set(model_section(model_section(m, "PART"), "PLAIN"), "TEXT", arena_stringn(a, body, plain));
		body += plain;
		if (!url)
			break;
		size_t len = strcspn(url, " \t\r\n<>\"'()[]{}|\\^`");
		model_set(model_section(model_section(m, "PART"), "LINK"), "ADDRESS", arena_stringn(a, url, len));
		body += len;
	}
}

static enum status mailbox_mail(struct request *rq)
{
	unsigned id;
	struct demo_mail mail;
	if (!request_part_number(rq, "id", &id))
		return cause(STATUS_MISSING, "no such mail");
	enum status s = demo_mail_get(rq->db, rq->arena, id, &mail);
	if (s != STATUS_OK)
		return s;
	struct letter letter = letter_read(rq->arena, mail.raw);
	struct model *m = model_new(rq->arena);
	model_set(m, "FROM", letter.from);
	model_set(m, "TO", letter.to);
	model_set(m, "DATE", letter.date);
	model_set(m, "SUBJECT", letter.subject);
	body_fill(rq->arena, m, letter.body);
	request_secret(rq);
	return request_page(rq, "demo_mailbox/mail.html", _("Demo mailbox"), m);
}

static enum status mailbox_start(struct arena *a, struct db *db)
{
	g_mime_init();
	return sink_start((int)settings.port, site_base_url(), db);
}

static const struct route routes[] = {
	{"GET", "/demo_mailbox", ACCESS_ANYONE, mailbox_home},
	{"GET", "/demo_mailbox/", ACCESS_ANYONE, mailbox_list},
	{"GET", "/demo_mailbox/:id", ACCESS_ANYONE, mailbox_mail},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Demo mailbox"), "/demo_mailbox/", ACCESS_ANYONE},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "demo_mailbox",
	.demo = true,
	.settings = settings_list,
	.settings_into = &settings,
	.routes = routes,
	.menu = menu,
	.start = mailbox_start,
	.stop = sink_stop,
};
