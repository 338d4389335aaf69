/* A university's identity provider for the demo: its log-in page, its accounts, its answers; all protocol is real. */
#include "plugin.h"

#include <pthread.h>

#include "idp.h"

#define FREE_GUESSES 3	      /* wrong passwords of an account before it is slowed */
#define SLOWEST (60 * SECOND) /* the most that one must wait after a wrong password */
#define BODY_MAX 32768	      /* the request travels along in the form */

static struct idp_settings settings;

#define AT(member) offsetof(struct idp_settings, member)
#define ACCOUNT(member) offsetof(struct account, member)

static const struct setting account_settings[] = {
	{"password", SETTING_SECRET, ACCOUNT(password), NULL, .help = "File with the account's password."},
	{"eppn", SETTING_STRING, ACCOUNT(eppn), NULL, .help = "eduPersonPrincipalName, NAME@SCOPE."},
	{"mail", SETTING_STRING, ACCOUNT(mail), NULL, .help = "Mail address."},
	{"display_name", SETTING_STRING, ACCOUNT(display_name), "", .help = "displayName; empty: not sent."},
	{"ja_display_name", SETTING_STRING, ACCOUNT(ja_display_name), "",
		.help = "jaDisplayName; empty: not sent."},
	{0},
};

static const struct setting settings_list[] = {
	{"entity_id", SETTING_STRING, AT(entity_id), NULL,
		.help = "https://HOST/demo_idp/metadata, on another host than the portal's."},
	{"key", SETTING_SECRET, AT(key), NULL, .help = "PEM file of the RSA key that signs assertions."},
	{"certificate", SETTING_PATH, AT(certificate), NULL, .help = "PEM file of its certificate."},
	{"scope", SETTING_STRING, AT(scope), NULL, .help = "Scope of the accounts' ePPN."},
	{"name_ja", SETTING_STRING, AT(name_ja), "見本大学", .help = "Name of the university in Japanese."},
	{"name_en", SETTING_STRING, AT(name_en), "Example University", .help = "The same in English."},
	{"encrypt", SETTING_BOOLEAN, AT(encrypt), "yes",
		.help = "Whether assertions are encrypted for the portal."},
	{"account", SETTING_SECTION, AT(accounts), .sub = account_settings,
		.sub_size = sizeof(struct account),
		.help = "Somebody who can log in: account \"NAME\" { ... }."},
	{0},
};

/* Wrong passwords, by account; the last place is that of all unknown names together. In memory: one process is all a demo's IdP has. */
static struct guesses {
	int wrong;
	when closed_until;
} * guesses;
static pthread_mutex_t guessing = PTHREAD_MUTEX_INITIALIZER;

static const struct account *account_find(const char *name, size_t *ret_place)
{
	const struct account *accounts = settings.accounts.items;

	for (size_t i = 0; i < settings.accounts.n; i++) {
		if (text_same(accounts[i].title, name)) {
			*ret_place = i;
			return &accounts[i];
		}
	}
	*ret_place = settings.accounts.n;
	return NULL;
}

/* DENIED: wrong. BUSY: not even looked at, for so many ms. */
static enum status password_check(
	const char *name, const char *password, when now, const struct account **ret, when *ret_wait)
{
	size_t place;
	const struct account *account = account_find(name, &place);
	bool right = account && text_same_secret(account->password.value, password);
	enum status s = STATUS_OK;

	pthread_mutex_lock(&guessing);
	struct guesses *g = &guesses[place];
	if (now < g->closed_until) {
		*ret_wait = g->closed_until - now;
		s = cause(STATUS_BUSY, "demo_idp: too many wrong passwords for this account");
	} else if (!right) {
		if (++g->wrong > FREE_GUESSES) {
			int doublings = g->wrong - FREE_GUESSES;
			when wait = doublings > 6 ? SLOWEST : SECOND << doublings;

			g->closed_until = now + (wait < SLOWEST ? wait : SLOWEST);
		}
		s = cause(STATUS_DENIED, "demo_idp: wrong name or password");
	} else {
		*g = (struct guesses){.wrong = 0};
	}
	pthread_mutex_unlock(&guessing);
	if (s == STATUS_OK)
		*ret = account;
	return s;
}

static const char *university(const struct request *rq)
{
	return rq->lang == LANG_JA ? settings.name_ja : settings.name_en;
}

/* wrong: the last attempt failed; wait: no attempt counts for so many ms. */
static enum status page_login(struct request *rq, const char *query, const char *name, bool wrong, when wait)
{
	struct model *m = model_new(rq->arena);

	request_secret(rq);
	model_set(m, "UNIVERSITY", university(rq));
	model_set(m, "REQUEST", query);
	model_set(m, "NAME", name);
	if (wrong)
		model_show(m, "WRONG");
	if (wait)
		model_set_int(model_section(m, "WAIT"), "SECONDS", wait / SECOND + 1);
	return request_fragment(rq, "demo_idp/login.html", m);
}

static enum status refuse_request(struct request *rq, enum status s)
{
	if (s != STATUS_INVALID)
		return s;
	return request_refuse(rq, s,
		_("This page can only be used to log in to a service, and for a limited time. Please go back to the service and start again."));
}

static enum status show_metadata(struct request *rq)
{
	struct bytes xml;
	enum status s = idp_metadata(rq->arena, &settings, &xml);

	return s ? s : request_send(rq, "application/samlmetadata+xml", NULL, xml);
}

static enum status show_login(struct request *rq)
{
	const char *query = request_query_string(rq);
	struct idp_request request;
	enum status s = idp_read(rq->arena, query, rq->now, &request);

	return s ? refuse_request(rq, s) : page_login(rq, query, "", false, 0);
}

static enum status page_answer(struct request *rq, const struct idp_answer *answer)
{
	struct model *m = model_new(rq->arena);

	request_secret(rq);
	/* The portal is the only service provider that this IdP knows. */
	request_allow_form(rq, site_base_url());
	model_set(m, "UNIVERSITY", university(rq));
	model_set(m, "URL", answer->url);
	model_set(m, "RESPONSE", answer->response);
	if (answer->relay_state[0])
		model_set(model_section(m, "HAS_RELAY_STATE"), "RELAY_STATE", answer->relay_state);
	return request_fragment(rq, "demo_idp/answer.html", m);
}

static enum status take_login(struct request *rq)
{
	const char *query = request_field(rq, "request"), *name = request_field(rq, "name"),
		   *password = request_field(rq, "password");
	const struct account *account;
	struct idp_request request;
	struct idp_answer answer;
	when wait = 0;

	if (!query || !name || !password)
		return refuse_request(rq, cause(STATUS_INVALID, "demo_idp: the form is incomplete"));
	enum status s = idp_read(rq->arena, query, rq->now, &request);
	if (s)
		return refuse_request(rq, s);
	s = password_check(name, password, rq->now, &account, &wait);
	if (s == STATUS_BUSY)
		return page_login(rq, query, name, false, wait);
	if (s == STATUS_DENIED)
		return page_login(rq, query, name, true, 0);
	if (!s)
		s = idp_answer(rq->arena, query, account, rq->now, &answer);
	return s ? refuse_request(rq, s) : page_answer(rq, &answer);
}

static const struct route routes[] = {
	{"GET", "/demo_idp/metadata", ACCESS_ANYONE, show_metadata},
	{"GET", "/demo_idp/sso", ACCESS_ANYONE, show_login},
	{"POST", "/demo_idp/login", ACCESS_ANYONE, take_login,
		.no_csrf_because =
			"Another site, without a session of the portal: the form carries the portal's signed request, and the password.",
		.body_max = BODY_MAX},
	{0},
};

/* Before the server runs, the portal needs a file with this IdP's metadata. */
static enum status print_metadata(struct arena *a, struct db *db, int argc, char **argv)
{
	struct bytes xml;

	if (argc != 2 || !text_same(argv[1], "metadata"))
		return cause(STATUS_INVALID, "usage: inkan demo_idp metadata");
	enum status s = idp_metadata(a, &settings, &xml);
	if (s)
		return s;
	if (fwrite(xml.data, 1, xml.len, stdout) != xml.len || fflush(stdout) != 0)
		return cause(STATUS_INTERNAL, "demo_idp: the metadata cannot be written to standard output");
	return STATUS_OK;
}

static const struct command commands[] = {
	{"demo_idp", "demo_idp metadata", print_metadata},
	{0},
};

static enum status start(struct arena *a, struct db *db)
{
	struct bytes sp;
	enum status s = saml_metadata(a, &sp);

	guesses = arena_array(a, settings.accounts.n + 1, sizeof *guesses);
	return s ? s : idp_start(a, &settings, sp);
}

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "demo_idp",
	.demo = true,
	.settings = settings_list,
	.settings_into = &settings,
	.routes = routes,
	.commands = commands,
	.start = start,
};
