/* Sessions: the cookie, the user behind it, its CSRF token. */
#ifndef INKAN_WEB_SESSION_H
#define INKAN_WEB_SESSION_H

#include "web/request.h"

struct session_settings {
	int64_t idle, absolute; /* ms */
};
void session_start(const struct session_settings *settings);

/* Reads cookie __Host-session (256 random bits, base64url; its SHA-256 is the row's key) and fills rq->user and rq->csrf. No cookie, an
 * unknown or an old one: an anonymous visit, nothing is written. BUSY when the database is away. */
enum status session_load(struct request *rq) MUST_CHECK;
/* Begins a new session for the user (an old one of this browser ends): sets the cookie. */
enum status session_begin(struct request *rq, const struct user *user) MUST_CHECK;
enum status session_end(struct request *rq) MUST_CHECK;
/* Remembers in the session that the administrators' password was shown (password_check's proof). */
enum status session_prove_admin(struct request *rq, const char *proof) MUST_CHECK;
/* The token is HMAC-SHA256(cookie value, "csrf"): nothing is stored. Compared in constant time with field "csrf". */
bool session_csrf_ok(const struct request *rq);

#endif
