/* The plugin upstream_local: a CA inside the process, for institutions without an issuing service of their own. */
#include "local.h"

#include "key.h"
#include "name.h"

struct local_settings local_settings;

#define AT(member) offsetof(struct local_settings, member)
#define PROFILE(member) offsetof(struct local_profile, member)

static const char *const profile_keys[] = {
	"user_key", "rsa", "rsa:2048", "rsa:3072", "rsa:4096", "ec:P-256", "ec:P-384", NULL};
static const char *const san_kinds[] = {"mail", "upn", "both", "none", NULL};

static const char *const p12_formats[] = {"modern", "compatible", NULL};

static const struct setting profile_settings[] = {
	{"key_usage", SETTING_LIST, PROFILE(key_usage), "digitalSignature",
		.help = "Key usages (RFC 5280 4.2.1.3); the extension is critical."},
	{"eku", SETTING_LIST, PROFILE(eku), "clientAuth",
		.help = "Extended key usages: clientAuth, emailProtection, msSmartcardLogin, or dotted OIDs."},
	{"san", SETTING_CHOICE, PROFILE(san), "mail", .choices = san_kinds,
		.help = "subjectAltName: the applicant's mail address, the ePPN as userPrincipalName, both, or none."},
	{"key", SETTING_CHOICE, PROFILE(key), "user_key", .choices = profile_keys,
		.help = "Kind of the keys: user_key for that setting's; rsa for that if it is RSA, else RSA 2048: many mail programs "
			"cannot decrypt with elliptic curves."},
	{0},
};

static const struct setting settings[] = {
	{"ca_name", SETTING_STRING, AT(ca_name), "CN=Inkan CA",
		.help = "Name of the CA (CN first). Read once, when the CA is made."},
	{"ca_key", SETTING_CHOICE, AT(ca_key), "rsa:3072", .choices = key_kinds,
		.help = "Kind of the CA's key. Read once, when the CA is made."},
	{"ca_years", SETTING_INTEGER, AT(ca_years), "10", 1, 30,
		.help = "Years that the CA is valid. No certificate outlives it. Read once, when the CA is made."},
	{"user_key", SETTING_CHOICE, AT(user_key), "rsa:2048", .choices = key_kinds,
		.help = "Kind of the users' keys. RSA opens everywhere; elliptic curves are made a thousand times faster."},
	{"key_stock", SETTING_INTEGER, AT(key_stock), "4", 0, 1000,
		.help = "RSA keys made ahead in idle time, so that a PIN is there at once; each takes 0.2 to 1 s. (Elliptic curves need none.)"},
	{"publish_url", SETTING_STRING, AT(publish_url), "",
		.help = "Address (http or https, no final slash) under which certificates say that the revocation list and the CA "
			"are found; empty: base_url with http in place of https, or base_url itself when it names a port."},
	{"backdate", SETTING_DURATION, AT(backdate), "5m", 0, 1 * DAY,
		.help = "Certificates begin so long ago, for clients whose clock is late."},
	{"download_time", SETTING_DURATION, AT(download_time), "28d", 1 * MINUTE, 365 * DAY,
		.help = "How long after the PIN a certificate may be taken."},
	{"unlock_time", SETTING_DURATION, AT(unlock_time), "15m", 1 * MINUTE, 1 * DAY,
		.help = "How long after the right PIN the download button works."},
	{"repeat_time", SETTING_DURATION, AT(repeat_time), "10m", 0, 1 * DAY,
		.help = "How long the browser that took a certificate may take it again; then key and file are wiped."},
	{"confirm_time", SETTING_DURATION, AT(confirm_time), "30m", 1 * MINUTE, 7 * DAY,
		.help = "A certificate that was signed, but whose hand-over was never confirmed, counts as taken after this time."},
	{"pin_length", SETTING_INTEGER, AT(pin_length), "14", 14, 40,
		.help = "Characters of a PIN, out of 26; 14 make 65 random bits."},
	{"pin_free", SETTING_INTEGER, AT(pin_free), "5", 1, 100,
		.help = "Wrong PINs per address before the first pause."},
	{"pin_pause", SETTING_DURATION, AT(pin_pause), "1m", 1 * SECOND, 1 * DAY,
		.help = "The first pause after too many wrong PINs; it doubles with each further one."},
	{"pin_pause_max", SETTING_DURATION, AT(pin_pause_max), "1d", 1 * SECOND, 28 * DAY,
		.help = "The longest pause, so that the owner is not locked out for good."},
	{"crl_validity", SETTING_DURATION, AT(crl_validity), "7d", 1 * HOUR, 365 * DAY,
		.help = "How long a revocation list is valid; servers that check it refuse everybody afterwards."},
	{"crl_renew", SETTING_DURATION, AT(crl_renew), "1d", 1 * MINUTE, 90 * DAY,
		.help = "A list of this age is made anew, even when nothing was revoked."},
	{"handover_format", SETTING_CHOICE, AT(handover_format), "modern", .choices = p12_formats,
		.help = "Format of the .p12 for a card service: modern (AES-256, SHA-256) or compatible (3DES, SHA-1)."},
	{"profile", SETTING_SECTION, AT(profiles), .sub = profile_settings,
		.sub_size = sizeof(struct local_profile),
		.help = "What the certificates of a type are good for: profile \"client\" { eku = {\"clientAuth\"} }."},
	{0},
};

static const char *const usage_sign[] = {"digitalSignature", NULL};
static const char *const usage_mail[] = {"digitalSignature", "keyEncipherment", NULL};
static const char *const eku_client[] = {"clientAuth", NULL};
static const char *const eku_mail[] = {"emailProtection", NULL};

/* What holds for types that the configuration does not mention. */
static const struct local_profile built_in[] = {
	{"client", usage_sign, eku_client, "mail", "user_key"},
	{"smime", usage_mail, eku_mail, "mail", "rsa"},
	{"upki_pass", usage_sign, eku_client, "mail", "user_key"},
};

const struct local_profile *local_profile_find(const char *type)
{
	const struct local_profile *profiles = local_settings.profiles.items;
	for (size_t i = 0; i < local_settings.profiles.n; i++)
		if (text_same(profiles[i].title, type))
			return &profiles[i];
	for (size_t i = 0; i < COUNT_OF(built_in); i++)
		if (text_same(built_in[i].title, type))
			return &built_in[i];
	return NULL;
}

const char *local_key_kind(const struct local_profile *profile)
{
	if (text_same(profile->key, "rsa"))
		return text_starts(local_settings.user_key, "rsa:") ? local_settings.user_key : "rsa:2048";
	return text_same(profile->key, "user_key") ? local_settings.user_key : profile->key;
}

char *local_url(struct arena *a, const char *path)
{
	return arena_printf(a, "%s/" LOCAL_NAME "/%s", site_base_url(), path);
}

/* Plain http where the site has it: whoever fetches a list by https may need a list to do so (RFC 5280 section 8), and some clients never
 * try. On port 443 nginx serves these paths by http too (nginx/plain.conf.in); beside another port nothing is known of the site. */
char *local_publish_url(struct arena *a, unsigned generation, const char *file)
{
	const char *host = site_base_url() + strlen("https://"), *base = local_settings.publish_url;
	if (!base[0])
		base = strchr(host, ':') ? site_base_url() : arena_printf(a, "http://%s", host);
	return arena_printf(a, "%s/" LOCAL_NAME "/ca/%u/%s", base, generation, file);
}

/* What single settings cannot tell. */
static enum status settings_check(struct arena *a)
{
	const struct local_settings *c = &local_settings;
	X509_NAME *name;
	enum status s = name_parse(a, c->ca_name, &name);
	if (s != STATUS_OK)
		return s;
	if (c->publish_url[0] &&
		((!text_starts(c->publish_url, "https://") && !text_starts(c->publish_url, "http://")) ||
			text_ends(c->publish_url, "/") || strpbrk(c->publish_url, " \"<>")))
		return cause(STATUS_INVALID,
			"upstream_local.conf: publish_url must be an http or https address without a final slash");
	if (c->crl_renew * 2 > c->crl_validity)
		return cause(STATUS_INVALID,
			"upstream_local.conf: crl_renew must be at most half of crl_validity, or one missed "
			"renewal leaves servers without a valid list");
	const struct local_profile *profiles = c->profiles.items;
	for (size_t i = 0; i < c->profiles.n; i++) {
		s = ca_check_usages(profiles[i].key_usage, profiles[i].eku);
		if (s != STATUS_OK) {
			const char *why = arena_string(a, cause_text());
			return cause(s, "upstream_local.conf: profile \"%s\": %s", profiles[i].title, why);
		}
	}
	return STATUS_OK;
}

static enum status start(struct arena *a, struct db *db)
{
	enum status s = settings_check(a);
	return s == STATUS_OK ? authority_open(a, db) : s;
}

static const char no_csrf_pin[] =
	"no session is involved: the address and the PIN are the whole authority, and nothing is done "
	"for whoever is logged in";
static const char no_csrf_download[] =
	"the cookie that the right PIN gave to this browser is demanded, together with an address "
	"that only its owner knows";

static const struct route routes[] = {
	{"GET", "/upstream_local/take/:token", ACCESS_ANYONE, take_pin_page},
	{"POST", "/upstream_local/take/:token", ACCESS_ANYONE, take_pin_sent, .no_csrf_because = no_csrf_pin,
		.body_max = 4096},
	{"GET", "/upstream_local/take/:token/download", ACCESS_ANYONE, download_page},
	{"POST", "/upstream_local/take/:token/download", ACCESS_ANYONE, download_send,
		.no_csrf_because = no_csrf_download, .body_max = 4096},
	{"GET", "/upstream_local/ca.crl", ACCESS_ANYONE, publish_crl, .quiet = true},
	{"GET", "/upstream_local/ca.cer", ACCESS_ANYONE, publish_cer, .quiet = true},
	{"GET", "/upstream_local/ca.pem", ACCESS_ANYONE, publish_pem, .quiet = true},
	{"GET", "/upstream_local/ca/:generation/ca.crl", ACCESS_ANYONE, publish_crl, .quiet = true},
	{"GET", "/upstream_local/ca/:generation/ca.cer", ACCESS_ANYONE, publish_cer, .quiet = true},
	{0},
};

static const struct job_kind jobs[] = {
	{"upstream_local.key", LANE_COMPUTE, order_key_job, order_key_gave_up, .first_pause = 1 * SECOND},
	{"upstream_local.stock", LANE_COMPUTE, order_stock_job, .every = 10 * SECOND},
	{"upstream_local.sweep", LANE_WAIT, order_sweep_job, .every = 1 * MINUTE},
	{"upstream_local.crl", LANE_WAIT, authority_crl_job, .every = 1 * MINUTE},
	{0},
};

static const struct command commands[] = {
	{"ca", "ca init | ca show", authority_command},
	{0},
};

static const struct sealed_column sealed[] = {
	{"local_ca", "generation", "key_sealed"},
	{"local_order", "application", "key_sealed"},
	{"local_order", "application", "pin_sealed"},
	{"local_order", "application", "p12_sealed"},
	{"local_key", "id", "key_sealed"},
	{0},
};

/* One self-signed CA: the chain is the newest generation. */
static const struct ca_link *ca_links(struct arena *a)
{
	const struct ca *ca = authority();
	struct ca_link *links = arena_array(a, 2, sizeof *links);
	struct bytes der;
	if (ca->certificate && x509_der(a, ca->certificate, &der) == STATUS_OK)
		links[0] = (struct ca_link){
			.title = x509_common_name(a, ca->certificate),
			.url = arena_printf(a, "/" LOCAL_NAME "/ca/%u/ca.cer", ca->generation),
			.fingerprint = x509_fingerprint(a, der),
			.root = true,
		};
	return links;
}

/* The CA that signs now, and the list that it publishes. */
static const struct health_item *health(struct arena *a, struct db *db)
{
	const struct ca *ca = authority();
	struct health_item *items = arena_array(a, 3, sizeof *items);
	struct local_crl crl;
	when now = clock_now();

	items[0] = (struct health_item){
		.name = "ca",
		.title = _("CA certificate"),
		.value = arena_printf(a, "%s %u", _("Generation"), ca->generation),
		.expires = x509_not_after(ca->certificate),
	};
	if (local_crl_head(db, a, ca->generation, &crl) != STATUS_OK)
		return NULL;
	/* A job of every minute renews it: one that is twice as old as it should be shows that nobody does. */
	bool late = now - crl.this_update > 2 * local_settings.crl_renew;
	items[1] = (struct health_item){
		.name = "crl",
		.title = _("Revocation list (CRL)"),
		.value = arena_printf(a, "%s %llu, %s – %s", _("No."), (unsigned long long)crl.number,
			clock_show(a, crl.this_update, i18n_lang()), clock_show(a, crl.next_update, i18n_lang())),
		.state = now >= crl.next_update ? HEALTH_BAD : late ? HEALTH_WARN : HEALTH_GOOD,
	};
	return items;
}

static const struct upstream upstream = {
	.title = N_("this site's own certificate authority"),
	.joins = true,
	.submit = order_submit_all,
	.list = order_list_all,
	.ca_links = ca_links,
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = LOCAL_NAME,
	.settings = settings,
	.settings_into = &local_settings,
	.routes = routes,
	.jobs = jobs,
	.upstream = &upstream,
	.commands = commands,
	.health = health,
	.sealed = sealed,
	.start = start,
};
