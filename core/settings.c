/* The core's settings, declared as data: name, type, default, range, and why. */
#include "settings.h"

#include "base/clock.h"
#include "base/text.h"

#ifndef INKAN_LIBDIR
#define INKAN_LIBDIR "/usr/lib/inkan"
#define INKAN_DATADIR "/usr/share/inkan"
#endif

#define AT(member) offsetof(struct settings, member)
#define CA(member) offsetof(struct ca_setting, member)
#define IDP(member) offsetof(struct identity_provider, member)

static const struct setting idp_settings[] = {
	{"metadata", SETTING_PATH, IDP(metadata), NULL, .help = "File with the IdP's metadata."},
	{"scopes", SETTING_LIST, IDP(scopes), "",
		.help = "Scopes the IdP may assert in ePPN; empty: those of shibmd:Scope in its metadata."},
	{"mail_domains", SETTING_LIST, IDP(mail_domains), "",
		.help = "Domains in which its mail addresses count for S/MIME; empty: its scopes and their subdomains."},
	{"name_ja", SETTING_STRING, IDP(name_ja), "", .help = "Name in the chooser; empty: that of its metadata."},
	{"name_en", SETTING_STRING, IDP(name_en), "", .help = "The same in English."},
	{0},
};

static const struct setting ca_settings[] = {
	{"url", SETTING_STRING, CA(url), NULL, .help = "Where the certificate can be downloaded (http or https)."},
	{"title_en", SETTING_STRING, CA(title_en), "", .help = "Its title to English readers; empty: the section's."},
	{"sha256", SETTING_STRING, CA(sha256), "", .help = "Its SHA-256 fingerprint, 64 hexadecimal digits, for users to compare; empty: not shown."},
	{"root", SETTING_BOOLEAN, CA(root), "no", .help = "Whether it is a root CA, which devices trust only when told to."},
	{0},
};

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const starttls_modes[] = {"required", "try", "never", NULL};

const struct setting settings_list[] = {
	{"base_url", SETTING_STRING, AT(base_url), NULL, .help = "Address of the portal, https, without a final slash."},
	{"title_ja", SETTING_STRING, AT(title_ja), "クライアント証明書発行システム", .help = "Name of the site in Japanese."},
	{"title_en", SETTING_STRING, AT(title_en), "Client Certificate Portal", .help = "Name of the site in English."},
	{"contact", SETTING_STRING, AT(contact), "", .help = "Whom users ask for help: an address or a sentence; shown on error pages and in mails."},
	{"ca", SETTING_SECTION, AT(ca), .sub = ca_settings, .sub_size = sizeof(struct ca_setting),
		.help = "A CA certificate that the install guide offers, titled as users see it; none: what the issuing service names itself."},
	{"zone", SETTING_STRING, AT(zone), "Asia/Tokyo", .help = "Time zone in which times are shown and months are counted."},
	{"log_level", SETTING_CHOICE, AT(log_level), "info", .choices = log_levels, .help = "The least severe lines that are logged."},
	{"demo", SETTING_BOOLEAN, AT(demo), "no", .help = "Allows demo plugins; demands a loopback host in base_url and puts a banner on every page."},
	{"plugins", SETTING_LIST, AT(plugins), "client, upstream_local", .help = "The enabled plugins, in the order of the dashboard."},
	{"plugin_dir", SETTING_PATH, AT(plugin_dir), INKAN_LIBDIR, .help = "Folder of the plugins' .so files."},
	{"view_dir", SETTING_PATH, AT(view_dir), INKAN_DATADIR "/views", .help = "Folder of the views."},
	{"locale_dir", SETTING_PATH, AT(locale_dir), INKAN_DATADIR "/locales", .help = "Folder of the translations (LANG/LC_MESSAGES/DOMAIN.mo)."},
	{"migration_dir", SETTING_PATH, AT(migration_dir), INKAN_DATADIR "/migrations", .help = "Folder of the schema's files."},
	{"seal_keys", SETTING_LIST, AT(seal_keys), NULL, .help = "Files (absolute, mode 0600) with 64 hexadecimal digits each: the first seals secrets at rest, all open them."},
	{"audit_key", SETTING_SECRET, AT(audit_key), NULL, .help = "File with the key under which the audit trail is chained; keep a copy outside this host."},
	{"stop_time", SETTING_DURATION, AT(stop_time), "30s", 1 * SECOND, 10 * MINUTE, .help = "How long running jobs may take when the server stops; leases cover what is cut off."},
	{"test_clock", SETTING_PATH, AT(test_clock), "", .help = "Test builds only: file with milliseconds that are added to the clock."},

	{"database_socket", SETTING_PATH, AT(db.socket), "", .help = "Unix socket of MariaDB; empty: database_host and database_port."},
	{"database_host", SETTING_STRING, AT(db.host), "localhost", .help = "Host of MariaDB when there is no socket."},
	{"database_port", SETTING_INTEGER, AT(db.port), "3306", 1, 65535, .help = "TCP port of MariaDB."},
	{"database_name", SETTING_STRING, AT(db.name), "inkan", .help = "Name of the database."},
	{"database_user", SETTING_STRING, AT(db.user), "inkan", .help = "Account of `inkan serve`: no DDL, may only insert into table audit."},
	{"database_password", SETTING_SECRET, AT(db.password), "", .help = "File with its password; empty: the socket's own authentication."},
	{"database_timeout", SETTING_DURATION, AT(db.timeout), "10s", 1 * SECOND, 5 * MINUTE, .help = "What connecting, one read or one write may take; also the lock wait."},
	{"database_sync_wait", SETTING_BOOLEAN, AT(db.sync_wait), "yes", .help = "On a Galera cluster: each request waits until its node has what all others had committed before."},
	{"database_admin_user", SETTING_STRING, AT(db_admin.user), "", .help = "Account of `inkan migrate`, with DDL; empty: database_user."},
	{"database_admin_password", SETTING_SECRET, AT(db_admin.password), "", .help = "File with its password."},

	{"listen", SETTING_PATH, AT(server.listen), "/run/inkan/inkan.sock", .help = "Unix socket for nginx, in a directory that only nginx and inkan may enter."},
	{"workers", SETTING_INTEGER, AT(server.workers), "8", 1, 1024, .help = "Threads that answer requests, each with a connection to the database."},
	{"queue", SETTING_INTEGER, AT(server.queue), "256", 1, 65536, .help = "Accepted requests that may wait for a worker; more are answered with 503 at once."},
	{"io_timeout", SETTING_DURATION, AT(server.io_timeout), "10s", 100, 5 * MINUTE, .help = "What one read from or write to nginx may take."},
	{"body_max", SETTING_INTEGER, AT(server.body_max), "65536", 1024, 64 << 20, .help = "Bytes of a form; the SAML response and uploads have limits of their own."},
	{"fields_max", SETTING_INTEGER, AT(server.fields_max), "100", 8, 10000, .help = "Fields of a form; far more than any form of ours has."},
	{"params_max", SETTING_INTEGER, AT(server.params_max), "65536", 4096, 1 << 20, .help = "Bytes of all FastCGI parameters (headers) of a request; nginx allows 32 KB of headers by default."},

	{"session_idle", SETTING_DURATION, AT(session.idle), "30m", 1 * MINUTE, 7 * DAY, .help = "A session ends after so long without a page."},
	{"session_absolute", SETTING_DURATION, AT(session.absolute), "10h", 5 * MINUTE, 30 * DAY, .help = "A session ends so long after the log-in in any case."},

	{"admins", SETTING_LIST, AT(admin.full), "", .help = "ePPNs of the administrators who may do everything."},
	{"help_desk", SETTING_LIST, AT(admin.help_desk), "", .help = "ePPNs of administrators who may look at users and certificates, and revoke."},
	{"auditors", SETTING_LIST, AT(admin.auditors), "", .help = "ePPNs of administrators who may look, and verify the audit trail."},
	{"admin_passwords", SETTING_PATH, AT(admin.passwords), "",
		.help = "File (mode 0600) with the names and hashed passwords that administrators' pages ask for besides the log-in; `inkan admin passwd NAME` writes it."},

	{"saml_entity_id", SETTING_STRING, AT(saml.entity_id), "", .help = "Entity ID of this service provider; empty: base_url/saml/metadata."},
	{"saml_key", SETTING_PATH, AT(saml.key), NULL, .help = "PEM file of the key that signs requests and decrypts assertions (RSA)."},
	{"saml_certificate", SETTING_PATH, AT(saml.certificate), NULL, .help = "PEM file of its certificate."},
	{"idp", SETTING_SECTION, AT(saml.idps), .sub = idp_settings, .sub_size = sizeof(struct identity_provider),
		.help = "A trusted IdP: idp \"ENTITY ID\" { metadata = FILE }."},
	{"saml_attribute_eppn", SETTING_STRING, AT(saml.attribute_eppn), "urn:oid:1.3.6.1.4.1.5923.1.1.1.6", .help = "Attribute of the scoped identifier."},
	{"saml_attribute_mail", SETTING_STRING, AT(saml.attribute_mail), "urn:oid:0.9.2342.19200300.100.1.3", .help = "Attribute of the mail address."},
	{"saml_attribute_name", SETTING_LIST, AT(saml.attribute_name), "urn:oid:1.3.6.1.4.1.32264.1.1.3, urn:oid:2.16.840.1.113730.3.1.241",
		.help = "Attributes of the name; the first that is there counts (jaDisplayName, displayName)."},
	{"saml_skew", SETTING_DURATION, AT(saml.skew), "3m", 0, 10 * MINUTE, .help = "By how much an IdP's clock may differ."},
	{"saml_login_time", SETTING_DURATION, AT(saml.login_time), "15m", 1 * MINUTE, 2 * HOUR, .help = "What a log-in may take at the IdP, typing included."},
	{"saml_require_encryption", SETTING_BOOLEAN, AT(saml.require_encryption), "no", .help = "Refuses assertions that are not encrypted (the browser can read those)."},
	{"saml_organization_ja", SETTING_STRING, AT(saml.organization_ja), "", .help = "Name of the organization in the metadata; empty: title_ja."},
	{"saml_organization_en", SETTING_STRING, AT(saml.organization_en), "", .help = "The same in English."},
	{"saml_contact", SETTING_STRING, AT(saml.contact_mail), "", .help = "Mail address of the technical contact in the metadata."},
	{"saml_logo", SETTING_STRING, AT(saml.logo), "", .help = "Address (https) of a logo for the metadata."},

	{"mail_url", SETTING_STRING, AT(mail.url), "smtp://localhost:25", .help = "Mail server: smtp://HOST:PORT or smtps://HOST:PORT."},
	{"mail_starttls", SETTING_CHOICE, AT(mail.starttls), "try", .choices = starttls_modes, .help = "STARTTLS with smtp://; use required for a server elsewhere."},
	{"mail_ca", SETTING_PATH, AT(mail.ca_file), "", .help = "PEM file of the CAs that may sign the mail server's certificate; empty: the system's."},
	{"mail_user", SETTING_STRING, AT(mail.user), "", .help = "Account at the mail server; empty: none."},
	{"mail_password", SETTING_SECRET, AT(mail.password), "", .help = "File with its password."},
	{"mail_from", SETTING_STRING, AT(mail.from), NULL, .help = "Sender's address."},
	{"mail_from_name_ja", SETTING_STRING, AT(mail.from_name_ja), "クライアント証明書発行システム", .help = "Sender's name to Japanese readers."},
	{"mail_from_name_en", SETTING_STRING, AT(mail.from_name_en), "Client Certificate Portal", .help = "Sender's name to English readers."},
	{"mail_reply_to", SETTING_STRING, AT(mail.reply_to), "", .help = "Where answers go; empty: to the sender."},
	{"mail_timeout", SETTING_DURATION, AT(mail.timeout), "60s", 1 * SECOND, 10 * MINUTE, .help = "What sending one mail may take."},
	{"mail_again_pause", SETTING_DURATION, AT(remind.mail_pause), "10m", 0, 1 * DAY,
		.help = "How long an applicant waits before the mail with the certificate URL is sent to him once more; keeps a mailbox from being flooded."},
	{"reminder_download_days", SETTING_LIST, AT(remind.download_days), "7, 1",
		.help = "So many days before the end of the download window the applicant is reminded by mail; empty: never."},
	{"reminder_expiry_days", SETTING_LIST, AT(remind.expiry_days), "60, 30, 7",
		.help = "So many days before a certificate expires the applicant is reminded by mail; empty: never."},
	{"applications_per_day", SETTING_INTEGER, AT(applications_per_day), "20", 0, 10000,
		.help = "How many applications and renewals a user may make within 24 hours; 0 is no limit. Each costs the upstream a key and a number, and its list of revocations perhaps an entry."},

	{"exports", SETTING_INTEGER, AT(exports), "2", 1, 64,
		.help = "How many exports (CSV) one process sends at a time; each holds a worker for as long as the browser takes, so fewer than workers."},

	{"upload_time", SETTING_DURATION, AT(upload_time), "5m", 1 * SECOND, 1 * HOUR,
		.help = "What the whole of an uploaded file may take to arrive; it holds a worker and the only place for an upload. 64 MB need 1.8 Mbit/s for 5 minutes."},

	{"keep_failed_jobs", SETTING_DURATION, AT(retention.failed_jobs), "180d", 0, 3650 * DAY,
		.help = "Failed jobs are deleted after so long, also from the administrators' list; 0: never."},
	{"keep_conflicts", SETTING_DURATION, AT(retention.conflicts), "365d", 0, 3650 * DAY,
		.help = "Reports that could not be applied are deleted so long after an administrator has closed them; 0: never."},
	{"keep_reminders", SETTING_DURATION, AT(retention.reminders), "90d", 0, 3650 * DAY,
		.help = "Notes of reminders that were sent are deleted so long after their deadline; 0: never."},
	{"keep_event_details", SETTING_DURATION, AT(retention.event_details), "0", 0, 36500 * DAY,
		.help = "Particulars of events (serial, reason, error code) are blanked after so long; 0: never. The events themselves stay, and so does the audit trail: it is chained and never cut."},
	{"keep_left_users", SETTING_DURATION, AT(retention.users), "0", 0, 36500 * DAY,
		.help = "Name, mail address and memos of users are blanked who have not logged in, and have had no certificate, for so long; at least 180d; 0: never. The ePPN and the subjects of their certificates stay."},

	{"job_threads", SETTING_INTEGER, AT(poll.wait_threads), "4", 1, 64, .help = "Threads for jobs on the database and the upstream."},
	{"send_threads", SETTING_INTEGER, AT(poll.send_threads), "4", 1, 64, .help = "Threads for jobs that send to others who may not answer for minutes (mail, card server)."},
	{"compute_threads", SETTING_INTEGER, AT(poll.compute_threads), "2", 1, 64, .help = "Threads for jobs that compute (keys); bounded so that pages stay fast."},
	{"job_interval", SETTING_DURATION, AT(poll.interval), "1s", 50, 1 * MINUTE, .help = "How often the job table is looked at for work of other processes."},
	{0},
};

static bool loopback(const char *host)
{
	return text_same(host, "localhost") || text_starts(host, "127.") || text_same(host, "[::1]");
}

enum status settings_check(const struct settings *s)
{
	if (!text_starts(s->base_url, "https://") || text_ends(s->base_url, "/"))
		return cause(STATUS_INVALID, "inkan.conf: base_url must begin with https:// and must not end in a slash");
	const char *host = s->base_url + strlen("https://");
	if (!*host || strpbrk(host, "/?#@ \"'<>\\"))
		return cause(STATUS_INVALID, "inkan.conf: base_url must be https://HOST or https://HOST:PORT, without a path");
	if (s->demo) {
		const char *end = *host == '[' ? strchr(host, ']') : NULL;
		size_t len = end ? (size_t)(end + 1 - host) : strcspn(host, ":");
		char name[256];
		snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), host);
		if (!loopback(name))
			return cause(STATUS_INVALID, "inkan.conf: demo = yes demands a loopback host in base_url, not %s", name);
	}
	const struct ca_setting *ca = s->ca.items;
	for (size_t i = 0; i < s->ca.n; i++) {
		if (!text_starts(ca[i].url, "https://") && !text_starts(ca[i].url, "http://"))
			return cause(STATUS_INVALID, "inkan.conf: url of ca \"%s\" must be an http or https address", ca[i].title);
		if (ca[i].sha256[0] && (strlen(ca[i].sha256) != 64 || strspn(ca[i].sha256, "0123456789abcdefABCDEF") != 64))
			return cause(STATUS_INVALID, "inkan.conf: sha256 of ca \"%s\" must be 64 hexadecimal digits", ca[i].title);
	}
	if (!s->demo && s->saml.idps.n == 0)
		return cause(STATUS_INVALID, "inkan.conf: no idp section: nobody could log in");
	if (!s->seal_keys[0])
		return cause(STATUS_INVALID, "inkan.conf: seal_keys names no file");
	if (strlen(s->audit_key.value) < 32)
		return cause(STATUS_INVALID, "inkan.conf: the key in audit_key is shorter than 32 characters");
	if (s->exports >= s->server.workers && s->server.workers > 1)
		return cause(STATUS_INVALID, "inkan.conf: exports must be fewer than workers, or they keep everybody waiting");
	if (s->retention.users && s->retention.users < 180 * DAY)
		return cause(STATUS_INVALID, "inkan.conf: keep_left_users must be at least 180d, or 0: people on leave are no leavers");
	if (s->session.idle > s->session.absolute)
		return cause(STATUS_INVALID, "inkan.conf: session_idle is longer than session_absolute");
#ifndef INKAN_TEST
	if (s->test_clock[0])
		return cause(STATUS_INVALID, "inkan.conf: test_clock is for test builds only; this is not one");
#endif
	return STATUS_OK;
}
