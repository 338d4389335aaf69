/* Log-in through the IdP and log-out: the chooser, the request, the answer, and what a refused log-in is told. */
#include "pages/handlers.h"

#include "saml/saml.h"
#include "web/session.h"

#define COOKIE "login"
/* An address of ours that is longer is not worth coming back to; the cookie must stay below 4,096 bytes. */
#define RETURN_MAX 1024

const char *login_return_path(const char *to)
{
	size_t len = to ? strlen(to) : 0;

	if (len == 0 || len > RETURN_MAX || to[0] != '/' || to[1] == '/')
		return "/";
	for (size_t i = 0; i < len; i++)
		/* Browsers take a backslash for a slash, and drop tabs and line ends. Addresses of ours are ASCII. */
		if (to[i] <= ' ' || to[i] > '~' || to[i] == '\\')
			return "/";
	if (text_starts(to, "/login") || text_starts(to, "/saml/") || text_starts(to, "/logout"))
		return "/";
	return to;
}

char *login_memory_seal(struct arena *a, const struct login_memory *memory)
{
	char *plain = arena_printf(a, "%lld\n%s\n%s\n%s", (long long)memory->asked_at, memory->request_id,
		memory->idp, memory->to);

	return text_base64url(a, seal(a, "cookie", COOKIE, "login", bytes_string(plain)));
}

bool login_memory_open(struct arena *a, const char *cookie, when now, struct login_memory *ret)
{
	struct bytes sealed, plain;
	const char *parts[4] = {0};
	int64_t asked_at;

	if (!text_unbase64url(a, cookie, &sealed) ||
		seal_open(a, "cookie", COOKIE, "login", sealed, &plain) != STATUS_OK)
		return false;
	char *rest = arena_stringn(a, (const char *)plain.data, plain.len);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (!rest)
			return false;
		parts[i] = rest;
		rest = strchr(rest, '\n');
		if (rest)
			*rest++ = '\0';
	}
	/* An hour of tolerance backwards: another host may have made it, and its clock may differ a little. */
	if (rest || !text_int(parts[0], 1, INT64_MAX, &asked_at) || asked_at > now + HOUR ||
		asked_at + LOGIN_MEMORY < now)
		return false;
	*ret = (struct login_memory){
		.asked_at = asked_at, .request_id = parts[1], .idp = parts[2], .to = parts[3]};
	return true;
}

static enum status login_ask(struct request *rq, const char *idp, const char *to)
{
	const char *url, *id;
	enum status s = saml_request(rq->arena, idp, &url, &id);

	if (s != STATUS_OK)
		return s;
	struct login_memory memory = {.request_id = id, .idp = idp, .to = to, .asked_at = rq->now};
	request_set_cookie(rq, COOKIE, login_memory_seal(rq->arena, &memory), LOGIN_MEMORY, COOKIE_NONE);
	request_secret(rq);
	return request_redirect_out(rq, url);
}

enum status login_page(struct request *rq)
{
	const char *to = login_return_path(request_query(rq, "to"));

	if (rq->user)
		return request_redirect(rq, to);
	if (saml_idp_count() == 0)
		return cause(STATUS_INTERNAL, "login, no IdP is configured");
	if (saml_idp_count() == 1)
		return login_ask(rq, saml_idp(0)->title, to);
	struct model *m = model_new(rq->arena);
	for (size_t i = 0; i < saml_idp_count(); i++) {
		const struct identity_provider *idp = saml_idp(i);
		struct model *row = model_section(m, "IDP");
		/* A link, not a form: form-action 'self' would stop the redirect to the IdP. */
		model_setf(row, "START_URL", "/login/start?idp=%s&to=%s",
			text_url_encode(rq->arena, idp->title), text_url_encode(rq->arena, to));
		model_set(row, "IDP_NAME", saml_idp_name(idp, rq->lang));
	}
	return request_page(rq, "core/chooser.html", _("Select your institution"), m);
}

enum status login_start(struct request *rq)
{
	const char *name = request_query(rq, "idp");
	const struct identity_provider *idp = name ? saml_idp_find(name) : NULL;

	if (!idp)
		return request_refuse(rq, cause(STATUS_MISSING, "login, no such IdP"),
			_("This institution cannot log in here. Please choose yours from the list."));
	return login_ask(rq, idp->title, login_return_path(request_query(rq, "to")));
}

enum status login_metadata(struct request *rq)
{
	struct bytes xml;
	enum status s = saml_metadata(rq->arena, &xml);

	return s == STATUS_OK ? request_send(rq, "application/samlmetadata+xml", NULL, xml) : s;
}

/* What somebody whose log-in was refused can do, by the check that failed. The names are those of saml_consume(). */
enum login_advice { ADVICE_AGAIN, ADVICE_SLOW, ADVICE_ATTRIBUTES, ADVICE_IDP };

static const struct {
	const char *check;
	enum login_advice advice;
	const char *attribute; /* msgid of what the IdP should have sent */
} advices[] = {
	{"no-cookie", ADVICE_AGAIN},
	{"replay", ADVICE_AGAIN},
	{"in-response-to", ADVICE_AGAIN},
	{"login-time", ADVICE_SLOW},
	{"session-expired", ADVICE_SLOW},
	{"expired", ADVICE_SLOW},
	{"missing-eppn", ADVICE_ATTRIBUTES, N_("eduPersonPrincipalName (ePPN)")},
	{"missing-mail", ADVICE_ATTRIBUTES, N_("mail (e-mail address)")},
	{"missing-name", ADVICE_ATTRIBUTES, N_("displayName or jaDisplayName (name)")},
	{"eppn", ADVICE_ATTRIBUTES, N_("eduPersonPrincipalName (ePPN)")},
	{"scope", ADVICE_ATTRIBUTES, N_("eduPersonPrincipalName (ePPN) with the scope of the institution")},
	{"mail", ADVICE_ATTRIBUTES, N_("mail (e-mail address)")},
	{"name", ADVICE_ATTRIBUTES, N_("displayName or jaDisplayName (name)")},
};

static enum status login_refuse(struct request *rq, const char *check, const char *to)
{
	struct model *m = model_new(rq->arena);
	enum login_advice advice = ADVICE_IDP;

	log_warning("login, refused by check %s: %s", check, cause_text());
	for (size_t i = 0; i < COUNT_OF(advices); i++) {
		if (!text_same(advices[i].check, check))
			continue;
		advice = advices[i].advice;
		if (advices[i].attribute)
			model_set(m, "ATTRIBUTE", _(advices[i].attribute));
	}
	if (advice == ADVICE_AGAIN)
		model_show(m, "AGAIN");
	else if (advice == ADVICE_SLOW)
		model_show(m, "SLOW");
	else if (advice == ADVICE_ATTRIBUTES)
		model_show(m, "ATTRIBUTES");
	else
		model_show(m, "IDP_FAILED");
	model_setf(m, "LOGIN_URL", "/login?to=%s", text_url_encode(rq->arena, to));
	model_set(m, "REFERENCE", rq->id);
	if (site_contact() && site_contact()[0])
		model_set(model_section(m, "HAS_CONTACT"), "CONTACT", site_contact());
	request_set_cookie(rq, COOKIE, NULL, 0, COOKIE_NONE);
	return request_page_code(rq, status_http(STATUS_DENIED), "core/login_refused.html",
		_("You could not be logged in"), m);
}

/* Neither a request nor an assertion counts twice, on any host. */
static enum status login_once(
	struct request *rq, const struct login_memory *memory, const struct saml_login *login)
{
	enum status s =
		once_use(rq->db, "saml-request", memory->request_id, memory->asked_at + LOGIN_MEMORY + HOUR);

	return s == STATUS_OK ? once_use(rq->db, "saml-assertion", login->assertion_id, login->replay_until)
			      : s;
}

struct entering {
	struct request *rq;
	const struct saml_login *login;
	struct user user;
};

static enum status enter_body(struct db *db, void *context)
{
	struct entering *e = context;
	struct arena *a = e->rq->arena;
	const struct saml_login *login = e->login;
	enum status s = user_login(db, a, login->eppn, login->idp, login->name, login->mail, e->rq->lang, &e->user);

	if (s != STATUS_OK)
		return s;
	audit_context(e->user.eppn, e->rq->id);
	s = audit_add(db, "user.logged_in", arena_printf(a, "user:%llu", (unsigned long long)e->user.id), login->idp);
	return s == STATUS_OK ? attach_waiting(db, a, &e->user) : s;
}

static enum status login_enter(struct request *rq, const struct saml_login *login, const char *to)
{
	struct entering e = {.rq = rq, .login = login};
	enum status s = db_transact(rq->db, enter_body, &e);

	if (s == STATUS_OK)
		s = session_begin(rq, &e.user);
	if (s != STATUS_OK)
		return s;
	request_set_cookie(rq, COOKIE, NULL, 0, COOKIE_NONE);
	/* The path was checked when it was sealed; again, because what is checked where it is used stays checked. */
	return request_redirect(rq, login_return_path(to));
}

enum status login_consume(struct request *rq)
{
	const char *response = request_field(rq, "SAMLResponse"), *cookie = request_cookie(rq, COOKIE),
		   *check = "other";
	struct login_memory memory;
	struct saml_login login;

	request_secret(rq);
	if (!response) {
		(void)!cause(STATUS_INVALID, "no field SAMLResponse");
		return login_refuse(rq, "no-response", "/");
	}
	if (!cookie || !login_memory_open(rq->arena, cookie, rq->now, &memory)) {
		(void)!cause(STATUS_DENIED, cookie ? "the log-in cookie is old or not ours"
						   : "this browser did not ask to log in");
		return login_refuse(rq, cookie ? "login-time" : "no-cookie", "/");
	}
	struct saml_expected expected = {
		.request_id = memory.request_id, .idp = memory.idp, .asked_at = memory.asked_at};
	enum status s = saml_consume(rq->arena, response, &expected, rq->now, &login, &check);
	if (s == STATUS_DENIED || s == STATUS_INVALID)
		return login_refuse(rq, check, memory.to);
	if (s == STATUS_OK)
		s = login_once(rq, &memory, &login);
	if (s == STATUS_CONFLICT) {
		(void)!cause(STATUS_DENIED, "request %s or assertion %s was used before", memory.request_id,
			login.assertion_id);
		return login_refuse(rq, "replay", memory.to);
	}
	return s == STATUS_OK ? login_enter(rq, &login, memory.to) : s;
}

enum status login_end(struct request *rq)
{
	if (rq->user) {
		enum status s = session_end(rq);
		if (s != STATUS_OK)
			return s;
	}
	return request_redirect(rq, "/?left=1");
}
