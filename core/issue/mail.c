/* Outgoing mail: builds bilingual notices with GMime and hands them to the mail server with libcurl. */
#include "issue/mail.h"

#include <curl/curl.h>
#include <gmime/gmime.h>

#include "base/crypto.h"
#include "base/i18n.h"
#include "base/log.h"
#include "store/deadline.h"
#include "web/view.h"

/* A notice of ours has about 3 KB; far more can only be a mistake. */
#define BODY_MAX ((size_t)256 * 1024)
#define ADDRESS_MAX 254   /* RFC 5321 4.5.3.1.3, without the angle brackets */
#define LOCAL_PART_MAX 64 /* RFC 5321 4.5.3.1.1 */
#define CONNECT_TIME (15 * SECOND)
#define ATTEMPTS 100 /* with pauses of up to an hour four days, as long as a mail server would try (RFC 5321 4.5.4.1) */
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

static struct mail_settings settings;
static char our_host[256], our_site[512];
static bool (*upstream_sends)(const char *upstream, const char *what);

/* What kinds of mail there are: the view of the body and the msgid of the subject. */
static const struct mail_text {
	const char *what, *view, *subject;
	bool reminds; /* of this deadline; goes to the address of today, not to that of the application, years ago */
	enum deadline_kind deadline;
} texts[] = {
	{"issued", "core/mail_issued.txt", N_("[UPKI] Client certificate application accepted")},
	{"taken", "core/mail_taken.txt", N_("[UPKI] Client certificate obtained")},
	{"revoked", "core/mail_revoked.txt", N_("[UPKI] Client certificate revoked")},
	{"remind_download", "core/mail_remind_download.txt", N_("[UPKI] The time to download your certificate ends soon"), true,
		DEADLINE_DOWNLOAD},
	{"remind_expiry", "core/mail_remind_expiry.txt", N_("[UPKI] Your certificate expires soon"), true, DEADLINE_EXPIRY},
};

static const struct mail_text *text_find(const char *what)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (text_same(texts[i].what, what))
			return &texts[i];
	return NULL;
}

static bool host_is_loopback(const char *host)
{
	size_t len = strcspn(host, ":/");
	return (len == 9 && strncmp(host, "localhost", len) == 0) || text_starts(host, "127.") || text_starts(host, "[::1]");
}

/* A domain of letters, digits, hyphens and dots: what every mail server takes. */
static bool domain_valid(const char *s)
{
	if (!*s || *s == '.' || *s == '-' || strstr(s, ".."))
		return false;
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	return !s[len] && s[len - 1] != '.' && s[len - 1] != '-';
}

/* A dot-atom before the @ (RFC 5322 3.2.3, without the old quoted forms): nothing in it can end a header or an SMTP command. */
static bool address_valid(const char *s)
{
	static const char atom[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.";
	const char *at = strchr(s, '@');
	if (!at || at == s || at - s > LOCAL_PART_MAX || strlen(s) > ADDRESS_MAX)
		return false;
	if (strspn(s, atom) != (size_t)(at - s) || *s == '.' || at[-1] == '.')
		return false;
	for (const char *p = s; p < at; p++)
		if (p[0] == '.' && p[1] == '.')
			return false;
	return domain_valid(at + 1);
}

static enum status settings_check_mail(const struct mail_settings *s)
{
	bool tls = text_starts(s->url, "smtps://");
	if (!tls && !text_starts(s->url, "smtp://"))
		return cause(STATUS_INVALID, "mail_url must begin with smtp:// or smtps://");
	const char *host = strstr(s->url, "://") + 3;
	size_t len = strcspn(host, "/");
	if (len == 0 || (host[len] == '/' && host[len + 1]) || strpbrk(host, " ?#@\\\"'<>"))
		return cause(STATUS_INVALID, "mail_url must be smtp://HOST:PORT or smtps://HOST:PORT, without anything behind");
	if (!address_valid(s->from))
		return cause(STATUS_INVALID, "mail_from is no mail address");
	if (s->reply_to[0] && !address_valid(s->reply_to))
		return cause(STATUS_INVALID, "mail_reply_to is no mail address");
	if (!text_clean(s->from_name_ja, 100) || !text_clean(s->from_name_en, 100))
		return cause(STATUS_INVALID, "mail_from_name_ja and mail_from_name_en must be one line of 1 to 100 characters");
	if (s->user[0] && !tls && !text_same(s->starttls, "required") && !host_is_loopback(host))
		return cause(STATUS_INVALID,
			"mail_user is set: use smtps:// or mail_starttls = required, the password must not travel in the clear");
	return STATUS_OK;
}

enum status mail_start(const struct mail_settings *given, const char *base_url,
	bool (*upstream_mails)(const char *upstream, const char *what))
{
	enum status s = settings_check_mail(given);
	if (s != STATUS_OK)
		return s;
	const char *host = strstr(base_url, "://");
	host = host ? host + 3 : base_url;
	size_t len = *host == '[' ? 0 : strcspn(host, ":/");
	snprintf(our_host, sizeof our_host, "%.*s", (int)len, host);
	if (!domain_valid(our_host))
		snprintf(our_host, sizeof our_host, "localhost"); /* an address literal names no host */
	snprintf(our_site, sizeof our_site, "%s", base_url);
	settings = *given;
	upstream_sends = upstream_mails;
	g_mime_init();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return cause(STATUS_INTERNAL, "libcurl does not start");
	return STATUS_OK;
}

static void object_release(void *object)
{
	g_object_unref(object);
}

static void list_release(void *list)
{
	curl_slist_free_all(list);
}

/* The body as one text part, in the shortest encoding that passes every server. */
static GMimeObject *message_body(const char *body)
{
	GMimeTextPart *part = g_mime_text_part_new_with_subtype("plain");
	g_mime_text_part_set_charset(part, "utf-8");
	g_mime_text_part_set_text(part, body);
	g_mime_part_set_content_encoding(GMIME_PART(part),
		g_mime_part_get_best_content_encoding(GMIME_PART(part), GMIME_ENCODING_CONSTRAINT_7BIT));
	return GMIME_OBJECT(part);
}

static void address_add(GMimeMessage *message, GMimeAddressType type, const char *name, const char *address)
{
	InternetAddress *mailbox = internet_address_mailbox_new(name, address);
	internet_address_set_charset(mailbox, "utf-8");
	internet_address_list_add(g_mime_message_get_addresses(message, type), mailbox);
	g_object_unref(mailbox);
}

/* RFC 5322 with lines that end in CRLF, as SMTP wants them. */
static struct bytes message_bytes(struct arena *a, const struct mail *mail)
{
	GMimeMessage *message = g_mime_message_new(TRUE);
	arena_defer(a, object_release, message);
	const char *name = i18n_lang() == LANG_JA ? settings.from_name_ja : settings.from_name_en;
	address_add(message, GMIME_ADDRESS_TYPE_FROM, name, settings.from);
	address_add(message, GMIME_ADDRESS_TYPE_TO, NULL, mail->to);
	if (settings.reply_to[0])
		address_add(message, GMIME_ADDRESS_TYPE_REPLY_TO, NULL, settings.reply_to);
	g_mime_message_set_subject(message, mail->subject, "utf-8");
	GMimeObject *object = GMIME_OBJECT(message);
	g_mime_object_set_header(object, "Date", clock_rfc5322(a, mail->date), NULL);
	g_mime_message_set_message_id(message, arena_printf(a, "%s@%s", mail->message_id, our_host));
	/* RFC 3834: no absence notice in reply. */
	g_mime_object_set_header(object, "Auto-Submitted", "auto-generated", NULL);
	GMimeObject *body = message_body(mail->body);
	g_mime_message_set_mime_part(message, body);
	g_object_unref(body);

	GMimeFormatOptions *format = g_mime_format_options_new();
	g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
	GMimeStream *stream = g_mime_stream_mem_new();
	arena_defer(a, object_release, stream);
	g_mime_object_write_to_stream(object, format, stream);
	g_mime_format_options_free(format);
	GByteArray *array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	return bytes_of(arena_copy(a, array->data, array->len), array->len);
}

struct upload {
	struct bytes rest;
};

static size_t upload_read(char *to, size_t size, size_t n, void *context)
{
	struct upload *upload = context;
	size_t len = size * n < upload->rest.len ? size * n : upload->rest.len;
	memcpy(to, upload->rest.data, len);
	upload->rest.data += len;
	upload->rest.len -= len;
	return len;
}

static void transfer_set_security(CURL *curl)
{
	bool must = text_starts(settings.url, "smtps://") || text_same(settings.starttls, "required");
	bool may = must || text_same(settings.starttls, "try");
	curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(must ? CURLUSESSL_ALL : may ? CURLUSESSL_TRY : CURLUSESSL_NONE));
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Always named: lasso needs an environment in which OpenSSL's own default is empty. */
	curl_easy_setopt(curl, CURLOPT_CAINFO, settings.ca_file[0] ? settings.ca_file : SYSTEM_CAS);
	/* "try" guards against listeners only (RFC 7435): who can forge a certificate can also hide STARTTLS. */
	bool verify = must || settings.ca_file[0];
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (settings.user[0]) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, settings.user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, settings.password.value ? settings.password.value : "");
	}
}

/* What a failed transfer means for the next attempt. */
static enum status transfer_failed(CURL *curl, CURLcode code, const char *detail)
{
	long reply = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	const char *why = detail[0] ? detail : curl_easy_strerror(code);
	/* Our own account or TLS is wrong: that is mended by the administrator, and the mails then go out. */
	bool ours = code == CURLE_LOGIN_DENIED || code == CURLE_USE_SSL_FAILED || code == CURLE_PEER_FAILED_VERIFICATION ||
		    code == CURLE_SSL_CONNECT_ERROR || reply == 530 || reply == 534 || reply == 535 || reply == 538;
	if (!ours && reply >= 500 && reply <= 599)
		return cause(STATUS_INVALID, "mail server refuses for good (%ld, %s)", reply, why);
	return cause(STATUS_BUSY, "mail server did not take it (%ld, %s)", reply, why);
}

enum status mail_send(struct arena *a, const struct mail *mail, when deadline)
{
	if (!address_valid(mail->to))
		return cause(STATUS_INVALID, "mail to an address that is none");
	size_t plain = strspn(mail->message_id, "abcdefghijklmnopqrstuvwxyz0123456789.-");
	if (!text_clean(mail->subject, 200) || !plain || mail->message_id[plain])
		return cause(STATUS_INVALID, "mail with a subject or an id that is not one clean line");
	if (strlen(mail->body) > BODY_MAX || !text_utf8_valid(mail->body, strlen(mail->body)))
		return cause(STATUS_INVALID, "mail with a body that is too long or not UTF-8");
	when left = deadline - clock_monotonic();
	if (left <= 0)
		return cause(STATUS_BUSY, "no time is left to send a mail");

	char detail[CURL_ERROR_SIZE] = "";
	struct upload upload = {message_bytes(a, mail)};
	CURL *curl = curl_easy_init();
	ASSERT(curl);
	struct curl_slist *to = curl_slist_append(NULL, arena_printf(a, "<%s>", mail->to));
	ASSERT(to);
	arena_defer(a, list_release, to);
	size_t len = strlen(settings.url);
	bool slash = settings.url[len - 1] == '/';
	/* The path of the address is the name that EHLO says. */
	curl_easy_setopt(curl, CURLOPT_URL, arena_printf(a, "%s%s%s", settings.url, slash ? "" : "/", our_host));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(settings.timeout < left ? settings.timeout : left));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIME);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_printf(a, "<%s>", settings.from));
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, upload_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload.rest.len);
	transfer_set_security(curl);
	CURLcode code = curl_easy_perform(curl);
	enum status s = code == CURLE_OK ? STATUS_OK : transfer_failed(curl, code, detail);
	curl_easy_cleanup(curl); /* at once: it says QUIT, and it uses what lies in this frame */
	return s;
}

/* Who writes, and whom to ask. */
static void model_sign(struct model *m, enum lang lang)
{
	model_set(m, "SITE", lang == LANG_JA ? settings.from_name_ja : settings.from_name_en);
	model_set(m, "CONTACT", settings.contact && settings.contact[0] ? settings.contact
				: settings.reply_to[0]			? settings.reply_to
									: settings.from);
}

struct told {
	const struct application *app;
	const char *url;
};

/* What the texts may show, in one language. */
static void notice_fill(struct arena *a, struct model *m, enum lang lang, const void *context)
{
	const struct told *told = context;
	const struct application *app = told->app;
	const char *url = told->url;

	model_set(m, "NAME", app->name);
	model_set_int(m, "NUMBER", app->number);
	model_set(m, "SUBJECT_DN", app->subject);
	model_set(m, "URL", url);
	model_set(m, "URL_UNTIL", app->download_until ? clock_show(a, app->download_until, lang) : "");
	if (url[0])
		model_set(model_section(m, "HAS_URL"), "URL", url);
	model_set(m, "SERIAL", app->serial);
	model_set(m, "EXPIRES_AT", app->not_after ? clock_show(a, app->not_after, lang) : "");
	model_set(m, "TAKEN_AT", app->taken_at ? clock_show(a, app->taken_at, lang) : "");
	model_set(m, "REVOKED_AT", app->revoked_at ? clock_show(a, app->revoked_at, lang) : "");
	model_setf(m, "HELP", "%s/help", our_site);
	model_setf(m, "PAGE", "%s/%s/%u", our_site, app->type, app->number);
}

/* Both languages in one text, the reader's first, as NII's notices are. fill makes the model of one of them. */
static enum status notice_write(struct arena *a, const struct notice *notice, struct mail *ret)
{
	static const char tag[] = "[UPKI] ";
	const enum lang order[] = {notice->lang, notice->lang == LANG_JA ? LANG_EN : LANG_JA};
	const char *subject[COUNT_OF(order)];
	struct text body = text_new(a, BODY_MAX);
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		struct bytes part;
		struct model *m = model_new(a);
		i18n_use(order[i]);
		subject[i] = i18n_text(notice->domain, notice->subject);
		model_sign(m, order[i]);
		notice->fill(a, m, order[i], notice->context);
		enum status s = view_render(a, notice->view, order[i], m, &part);
		if (s != STATUS_OK)
			return s;
		if (i > 0)
			text_add(&body, "\n----------------------------------------------------------------------\n\n");
		text_add_bytes(&body, part.data, part.len);
	}
	i18n_use(notice->lang); /* the sender's name follows it */
	if (body.full)
		return cause(STATUS_INVALID, "mail %s is longer than %zu bytes", notice->view, BODY_MAX);
	const char *second = text_starts(subject[1], tag) ? subject[1] + strlen(tag) : subject[1];
	ret->subject = arena_printf(a, "%s / %s", subject[0], second);
	ret->body = body.data;
	return STATUS_OK;
}

/* The same for each attempt of one job, and tells nothing: neither how many users nor how many mails there are. */
static const char *notice_id(struct arena *a, const struct job *job)
{
	const char *source = arena_printf(a, "%s %s %llu %lld %llu", our_site, job->payload, (unsigned long long)job->id,
		(long long)job->created_at, (unsigned long long)job->subject);
	return arena_stringn(a, text_hex(a, crypto_sha256(a, bytes_string(source))), 32);
}

enum status mail_notice(const struct job_run *run, const struct notice *notice)
{
	struct mail mail = {.to = notice->to, .message_id = notice_id(run->arena, run->job), .date = run->job->created_at};
	enum lang before = i18n_lang();
	enum status s = notice_write(run->arena, notice, &mail);
	if (s == STATUS_OK)
		s = mail_send(run->arena, &mail, run->deadline);
	i18n_use(before);
	return s;
}

/* MISSING: there is nothing to tell (any more). */
static enum status notice_load(const struct job_run *run, const struct mail_text *kind, struct application *app, struct user *user,
	const char **ret_url)
{
	enum status s = application_get(run->db, run->arena, run->job->subject, app);
	/* An imported row that waits for its owner: nobody has shown yet that the address is his, and the mail's link would lead nowhere. */
	if (s == STATUS_OK && !app->user_id)
		return cause(STATUS_MISSING, "application %llu has no owner yet", (unsigned long long)app->id);
	if (s == STATUS_OK)
		s = user_get(run->db, run->arena, app->user_id, user);
	*ret_url = "";
	if (s == STATUS_OK && text_same(run->job->payload, "issued"))
		s = application_url(run->db, run->arena, app, ret_url); /* MISSING: taken meanwhile, or over */
	if (s != STATUS_OK || !kind->reminds)
		return s;
	s = reminder_check(run->db, run->arena, app, kind->deadline, clock_now());
	if (s != STATUS_OK || kind->deadline != DEADLINE_DOWNLOAD)
		return s;
	s = application_url(run->db, run->arena, app, ret_url);
	return s == STATUS_MISSING ? STATUS_OK : s; /* the upstream told it to the applicant alone */
}

static enum status issued_recorded(struct db *db, void *context)
{
	const struct job_run *run = context;
	enum status s = application_mailed(db, run->job->subject, clock_now());
	return s == STATUS_OK ? job_run_done(run) : s;
}

static enum status notice_run(const struct job_run *run)
{
	const struct mail_text *kind = text_find(run->job->payload);
	if (!kind)
		return cause(STATUS_INVALID, "no mail is named %s", run->job->payload);
	struct application app;
	struct user user;
	const char *url;
	enum status s = notice_load(run, kind, &app, &user, &url);
	if (s == STATUS_MISSING) {
		log_info("mail %s for application %llu, no longer needed", kind->what, (unsigned long long)run->job->subject);
		return STATUS_OK;
	}
	if (s != STATUS_OK)
		return s;
	if (upstream_sends && upstream_sends(app.upstream, kind->what))
		return STATUS_OK;
	struct told told = {&app, url};
	s = mail_notice(run, &(struct notice){.to = kind->reminds ? user.mail : app.mail, .lang = user.lang, .view = kind->view,
		.domain = "core", .subject = kind->subject, .fill = notice_fill, .context = &told});
	if (s != STATUS_OK)
		return s;
	log_info("mail %s for application %llu, sent", kind->what, (unsigned long long)app.id);
	/* Were this not recorded the mail would come twice, with the same Message-ID. */
	return text_same(kind->what, "issued") ? db_transact(run->db, issued_recorded, (void *)(uintptr_t)run) : STATUS_OK;
}

const struct job_kind mail_jobs[] = {
	{.name = "core.mail", .lane = LANE_SEND, .run = notice_run, .attempts = ATTEMPTS},
	{0},
};
