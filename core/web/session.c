/* Keeps a browser logged in: the cookie, the session's row, and the token of its forms. */
#include "web/session.h"

#include "base/crypto.h"
#include "store/session_store.h"
#include "web/request_internal.h"

#define COOKIE "session"
#define TOKEN_BYTES 32
#define TOKEN_CHARS 43 /* base64url of that, without padding */

static struct session_settings settings;

void session_start(const struct session_settings *s)
{
	settings = *s;
}

/* The cookie's value if it can be one of ours at all. */
static const char *token_of(const struct request *rq)
{
	const char *token = request_cookie(rq, COOKIE);
	struct bytes bytes;

	if (!token || strlen(token) != TOKEN_CHARS || !text_unbase64url(rq->arena, token, &bytes) ||
		bytes.len != TOKEN_BYTES)
		return NULL;
	return token;
}

static struct bytes token_digest(struct arena *a, const char *token)
{
	return crypto_sha256(a, bytes_string(token));
}

static const char *token_csrf(struct arena *a, const char *token)
{
	return text_base64url(a, crypto_hmac(a, bytes_string(token), bytes_string("csrf")));
}

enum status session_load(struct request *rq)
{
	const char *token = token_of(rq);
	struct session_row row;
	enum status s;

	if (!token)
		return STATUS_OK;
	s = session_find(rq->db, rq->arena, token_digest(rq->arena, token), settings.idle, settings.absolute,
		rq->quiet, &row);
	if (s == STATUS_MISSING)
		return STATUS_OK;
	if (s != STATUS_OK)
		return s;
	rq->user = arena_copy(rq->arena, &row.user, sizeof row.user);
	rq->csrf = token_csrf(rq->arena, token);
	rq->parts->admin_proof = row.admin.data ? text_hex(rq->arena, row.admin) : NULL;
	return STATUS_OK;
}

enum status session_prove_admin(struct request *rq, const char *proof)
{
	const char *token = token_of(rq);
	struct bytes bytes;

	if (!token || !text_unhex(rq->arena, proof, &bytes))
		return cause(STATUS_INTERNAL, "no session to remember a proof in");
	rq->parts->admin_proof = proof;
	return session_set_admin(rq->db, token_digest(rq->arena, token), bytes);
}

enum status session_begin(struct request *rq, const struct user *user)
{
	const char *old = token_of(rq);
	const char *token = crypto_token(rq->arena, TOKEN_BYTES);
	enum status s = STATUS_OK;

	if (old)
		s = session_delete(rq->db, token_digest(rq->arena, old));
	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	s = session_insert(rq->db, token_digest(rq->arena, token), user->id, user->idp);
	if (s != STATUS_OK)
		return s;
	request_set_cookie(rq, COOKIE, token, 0, COOKIE_LAX);
	rq->user = arena_copy(rq->arena, user, sizeof *user);
	rq->csrf = token_csrf(rq->arena, token);
	return STATUS_OK;
}

enum status session_end(struct request *rq)
{
	const char *token = token_of(rq);
	enum status s = token ? session_delete(rq->db, token_digest(rq->arena, token)) : STATUS_OK;

	if (s != STATUS_OK && s != STATUS_MISSING)
		return s;
	request_set_cookie(rq, COOKIE, NULL, 0, COOKIE_LAX);
	rq->user = NULL;
	rq->csrf = "";
	return STATUS_OK;
}

bool session_csrf_ok(const struct request *rq)
{
	const char *given = request_field(rq, "csrf");

	return rq->user && rq->csrf[0] && given && text_same_secret(rq->csrf, given);
}
