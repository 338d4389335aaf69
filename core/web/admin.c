/* Administrators: roles by ePPN, and the Basic password, which is asked once per session. */
#include "web/admin.h"

#include "base/crypto.h"
#include "base/password.h"
#include "store/attempt.h"
#include "store/audit.h"
#include "store/session_store.h"
#include "web/request_internal.h"
#include "web/session.h"

static const bool full_rights[RIGHT_COUNT] = {true, true, true, true};
static const bool help_desk_rights[RIGHT_COUNT] = {[RIGHT_LOOK] = true, [RIGHT_REVOKE] = true};
static const bool auditor_rights[RIGHT_COUNT] = {[RIGHT_LOOK] = true, [RIGHT_AUDIT] = true};

/* Bytes of a query; the audit trail shortens what it keeps. */
#define SAID_MAX ((size_t)64 * 1024)

static struct admin_settings settings;

enum status admin_start(const struct admin_settings *s)
{
	settings = *s;
	bool any = (s->full && s->full[0]) || (s->help_desk && s->help_desk[0]) || (s->auditors && s->auditors[0]);
	if (any && (!s->passwords || !s->passwords[0]))
		return cause(STATUS_INVALID, "inkan.conf: administrators are named, but admin_passwords is not set");
	return STATUS_OK;
}

static bool listed_in(const char *const *list, struct arena *a, const char *eppn)
{
	for (; list && *list; list++)
		if (text_same(text_lower(a, *list), eppn))
			return true;
	return false;
}

bool admin_eppn_has(struct arena *a, const char *eppn, enum right right)
{
	return (full_rights[right] && listed_in(settings.full, a, eppn)) ||
	       (help_desk_rights[right] && listed_in(settings.help_desk, a, eppn)) ||
	       (auditor_rights[right] && listed_in(settings.auditors, a, eppn));
}

static bool role_has(const struct request *rq, enum right right)
{
	return admin_eppn_has(rq->arena, rq->user->eppn, right);
}

bool admin_listed(const struct request *rq)
{
	return rq->user && role_has(rq, RIGHT_LOOK);
}

/* Asked once a request. The line that was shown must still stand in the file: a changed or removed password counts at once. */
static bool proven(const struct request *rq)
{
	struct request_parts *p = rq->parts;

	if (!p->admin_known)
		p->admin_proven = p->admin_proof && password_proof_stands(rq->arena, settings.passwords, p->admin_proof);
	p->admin_known = true;
	return p->admin_proven;
}

bool admin_may(const struct request *rq, enum right right)
{
	return rq->user && role_has(rq, right) && proven(rq);
}

static enum status challenge(struct request *rq)
{
	request_set_header(rq, "WWW-Authenticate", "Basic realm=\"Inkan administrators\", charset=\"UTF-8\"");
	return request_fail(rq, STATUS_DENIED, 401,
		_("These pages ask administrators for a name and a password of their own. They were not given, or they were wrong."));
}

static enum status slowed(struct request *rq, when until)
{
	request_set_header(rq, "Retry-After", arena_printf(rq->arena, "%lld", (long long)((until - rq->now) / SECOND + 1)));
	return request_fail(rq, STATUS_DENIED, 429,
		_("The administrators' password was wrong too often. Please wait a little and load the page again."));
}

/* Name and password of the header Authorization (RFC 7617). False: it has none. */
static bool credentials(struct request *rq, const char **ret_name, const char **ret_password)
{
	const char *header = request_header(rq, "HTTP_AUTHORIZATION");
	struct bytes decoded;

	if (!header || strncasecmp(header, "Basic ", 6) != 0 || !text_unbase64(rq->arena, header + 6, &decoded) ||
		memchr(decoded.data, 0, decoded.len))
		return false;
	char *name = arena_stringn(rq->arena, (const char *)decoded.data, decoded.len);
	char *colon = strchr(name, ':');
	if (!colon || !text_utf8_valid(name, decoded.len))
		return false;
	*colon = '\0';
	*ret_name = name;
	*ret_password = colon + 1;
	return true;
}

static enum status prove(struct request *rq)
{
	const char *name, *password;
	char *proof = NULL;
	when until = 0;

	if (!credentials(rq, &name, &password)) {
		cause(STATUS_DENIED, "administrators' password not given");
		return challenge(rq);
	}
	enum status s = attempt_begin(rq->db, rq->arena, "admin", rq->user->id, &until);
	if (s == STATUS_DENIED)
		return slowed(rq, until);
	if (s == STATUS_OK)
		s = password_check(rq->arena, settings.passwords, name, password, &proof);
	if (s == STATUS_DENIED) {
		enum status audited = audit_add(rq->db, "admin.refused", arena_printf(rq->arena, "user:%llu", (unsigned long long)rq->user->id), NULL);
		cause(STATUS_DENIED, "administrators' password is wrong");
		return audited == STATUS_OK ? challenge(rq) : audited;
	}
	if (s != STATUS_OK)
		return s == STATUS_INVALID ? STATUS_INTERNAL : s; /* the file is at fault, not who asks */
	/* Written before it counts: nobody is inside without a trace. */
	s = audit_add(rq->db, "admin.entered", arena_printf(rq->arena, "user:%llu", (unsigned long long)rq->user->id),
		arena_printf(rq->arena, "as %s", name));
	if (s == STATUS_OK)
		s = attempt_succeeded(rq->db, "admin", rq->user->id);
	if (s == STATUS_OK)
		s = session_prove_admin(rq, proof);
	rq->parts->admin_known = rq->parts->admin_proven = s == STATUS_OK;
	return s;
}

/* Whoever tries doors leaves a trace; as slow as guesses at the password, so that nobody can fill the trail. */
static enum status denial_told(struct request *rq)
{
	when until;
	enum status s = attempt_begin(rq->db, rq->arena, "role", rq->user->id, &until);

	if (s != STATUS_OK)
		return s == STATUS_DENIED ? STATUS_OK : s;
	return audit_add(rq->db, "admin.denied", arena_printf(rq->arena, "user:%llu", (unsigned long long)rq->user->id),
		arena_printf(rq->arena, "%s %s", rq->method, request_route(rq)->path));
}

enum status admin_enter(struct request *rq, enum right right)
{
	if (!admin_listed(rq))
		return cause(STATUS_MISSING, "an administrators' page, asked for by somebody else");
	if (!proven(rq)) {
		enum status s = prove(rq);
		if (s != STATUS_OK)
			return s;
	}
	if (role_has(rq, right))
		return STATUS_OK;
	enum status s = denial_told(rq);
	if (s != STATUS_OK)
		return s;
	cause(STATUS_DENIED, "the administrator's role does not allow this");
	return request_refuse(rq, STATUS_DENIED, _("Your role as an administrator does not allow this."));
}

enum status admin_searched(struct request *rq, const char *const *words)
{
	struct text said = text_new(rq->arena, SAID_MAX);

	for (; *words; words++) {
		const char *value = request_query(rq, *words);

		value = text_trim(rq->arena, value ? value : "");
		if (*value)
			text_addf(&said, "%s%s=%s", said.len ? " " : "", *words, value);
	}
	/* Told only of what was found out: of a page that refused the words nothing was seen. */
	if (!said.len || rq->parts->http != 200)
		return STATUS_OK;
	return audit_add(rq->db, "admin.searched", request_route(rq)->path, said.data);
}
