/* Making an application: number, limits, uniqueness, row, event and job in one transaction. */
#include "base/crypto.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"

struct creating {
	struct arena *arena;
	const struct user *user;
	const struct order *order;
	struct order_completion completion;
	struct bytes form_key; /* its digest; data NULL: none */
	/* Set anew in each run: */
	when now;
	unsigned number;
	struct application_row renewed;
	struct application made;
	bool again;
	const char *why;
};

static struct bytes digest_of(struct arena *a, const char *s)
{
	return s ? crypto_sha256(a, bytes_string(s)) : bytes_of(NULL, 0);
}

/* What does not fit its column would fail inside the database with a cause that nobody can act on. */
static enum status check_length(const char *what, const char *s, size_t max)
{
	if (s && (!text_utf8_valid(s, strlen(s)) || text_utf8_length(s) > max))
		return cause(STATUS_INVALID, "application: %s is longer than %zu characters", what, max);
	return STATUS_OK;
}

static enum status refuse(struct creating *c, const char *why)
{
	c->why = why;
	return cause(STATUS_CONFLICT, "application refused: %s", why);
}

/* The application that this form has made already. */
static enum status find_same_form(struct db *db, struct creating *c)
{
	struct db_rows rows;
	struct application_row row;

	if (!c->form_key.data)
		return STATUS_OK;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT " APPLICATION_COLUMNS " FROM application WHERE user_id = ? AND form_key = ?",
		DB_INT(c->user->id), DB_BYTES(c->form_key));
	if (st != STATUS_OK || rows.rows == 0)
		return st;
	application_fill(&rows, 0, &row);
	c->made = row.app;
	c->again = true;
	return st;
}

/* The user's row comes first: from here on all applications of this user, on any node of a cluster, run one after the other. */
static enum status draw_number(struct db *db, struct creating *c)
{
	struct db_rows rows;
	uint64_t changed;
	enum status st = db_exec(db, &changed, "UPDATE user SET applications = applications + 1 WHERE id = ?",
		DB_INT(c->user->id));

	if (st == STATUS_OK && changed != 1)
		return cause(STATUS_MISSING, "no user %llu", (unsigned long long)c->user->id);
	if (st == STATUS_OK)
		st = db_select(db, c->arena, &rows, "SELECT applications FROM user WHERE id = ?",
			DB_INT(c->user->id));
	if (st == STATUS_OK)
		c->number = (unsigned)db_int(&rows, 0, 0);
	return st;
}

/* Only a certificate that is valid can be renewed, and only once at a time. Writing its row, not only reading it, makes its revocation
 * and its renewal exclude each other on a cluster too. */
static enum status check_renewal(struct db *db, struct creating *c)
{
	uint64_t id = c->order->renews;
	struct db_rows rows;

	enum status st = db_exec(db, NULL,
		"UPDATE application SET renewals = renewals + 1 WHERE id = ? AND user_id = ?", DB_INT(id),
		DB_INT(c->user->id));
	if (st == STATUS_OK)
		st = application_row_get(db, c->arena, id, false, &c->renewed);
	if (st != STATUS_OK)
		return st;
	const struct application *old = &c->renewed.app;
	if (old->user_id != c->user->id)
		return cause(STATUS_MISSING, "user %llu has no application with id %llu",
			(unsigned long long)c->user->id, (unsigned long long)id);
	bool valid = old->state == APPLICATION_TAKEN || old->state == APPLICATION_DELIVERED ||
		     old->state == APPLICATION_REVOKE_ERROR;
	if (!valid || application_live_until(old) <= c->now || !text_same(old->type, c->order->type))
		return refuse(c, "renewal");
	st = db_select(db, c->arena, &rows,
		"SELECT id FROM application WHERE renews = ? AND live_until > ? LIMIT 1", DB_INT(id),
		DB_INT(c->now));
	return st == STATUS_OK && rows.rows ? refuse(c, "renewal") : st;
}

/* An imported one was given to him by an address, or by an administrator who may have erred: its subject is renewed, that is, issued anew, only
 * for whom its address tells. */
static enum status check_address(struct db *db, struct creating *c)
{
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows, "SELECT import_key IS NOT NULL FROM application WHERE id = ?", DB_INT(c->order->renews));

	if (st != STATUS_OK || !rows.rows || !db_int(&rows, 0, 0))
		return st;
	return text_same(c->renewed.app.mail, text_lower(c->arena, c->user->mail)) ? STATUS_OK : refuse(c, "address");
}

/* A chain of renewals is one place. */
static enum status check_limit(struct db *db, struct creating *c)
{
	struct db_rows rows;

	if (!c->order->live_max)
		return STATUS_OK;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT COUNT(DISTINCT IF(place = 0, id, place)) FROM application WHERE user_id = ? AND type = ? AND live_until > ?",
		DB_INT(c->user->id), DB_TEXT(c->order->type), DB_INT(c->now));
	return st == STATUS_OK && db_int(&rows, 0, 0) >= c->order->live_max ? refuse(c, "limit") : st;
}

/* Renewals too: each costs the upstream a key and its list of revocations an entry. */
static enum status check_day(struct db *db, struct creating *c)
{
	when until = 0;
	enum status st = application_day_full(db, c->arena, c->user->id, c->order->day_max, c->now, &until);

	return st == STATUS_OK && until ? refuse(c, "day") : st;
}

static enum status check_live_key(struct db *db, struct creating *c, struct bytes key)
{
	struct db_rows rows;

	if (!key.data)
		return STATUS_OK;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT id FROM application WHERE live_digest = ? AND live_until > ? LIMIT 1", DB_BYTES(key),
		DB_INT(c->now));
	if (st == STATUS_OK && rows.rows)
		return refuse(c, "live");
	return st == STATUS_OK ? application_live_key_free(db, key, c->now) : st;
}

static enum status check_subject(struct db *db, struct creating *c, struct bytes subject)
{
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows, "SELECT id FROM application WHERE subject_digest = ?",
		DB_BYTES(subject));

	return st == STATUS_OK && rows.rows ? refuse(c, "subject") : st;
}

static enum status row_insert(struct db *db, struct creating *c, const struct order *o, struct bytes live,
	struct bytes subject, uint64_t *ret_id)
{
	struct arena *a = c->arena;
	enum status st = db_exec(db, NULL,
		"INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, subject_digest, form_key,"
		" live_key, live_digest, live_until, renews, place, name, mail, extra, handover, created_at, changed_at)"
		" VALUES (?, ?, 'ACCEPTED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		DB_INT(c->user->id), DB_INT(c->number), DB_TEXT(o->type), DB_TEXT(o->upstream),
		DB_TEXT(o->profile ? o->profile : ""), DB_INT(o->months), DB_TEXT(o->subject),
		DB_BYTES(subject), DB_BYTES(c->form_key), o->renews ? DB_NULL() : DB_BYTES(live),
		DB_BYTES(live), DB_INT(LIVE_WITHOUT_END), DB_INT(o->renews),
		DB_INT(o->renews ? c->renewed.place : 0), DB_TEXT(fit(a, o->name ? o->name : "", 255)),
		DB_TEXT(o->mail ? o->mail : ""), DB_TEXT(o->extra ? o->extra : ""), DB_INT(o->handover),
		DB_INT(c->now), DB_INT(c->now));

	if (st == STATUS_CONFLICT)
		return db_again(
			db); /* another user's was first with the same key; the next run finds which */
	if (st == STATUS_OK)
		*ret_id = db_insert_id(db);
	return st;
}

static enum status follow(struct db *db, struct creating *c, uint64_t id)
{
	struct event applied = {.kind = EVENT_APPLIED, .source_key = "applied", .at = c->now};
	struct application_row row;
	enum status st = application_event_insert(db, id, &applied, true, c->now, "");

	if (st == STATUS_OK)
		st = audit_add(db, "application.applied", application_object(c->arena, id),
			arena_printf(c->arena, "type %s number %u%s", c->order->type, c->number,
				c->order->renews ? " renewal" : ""));
	if (st == STATUS_OK)
		st = application_jobs(db, c->arena, id, EVENT_APPLIED, applied.source_key);
	if (st == STATUS_OK)
		st = application_row_get(db, c->arena, id, false, &row);
	if (st == STATUS_OK)
		c->made = row.app;
	return st;
}

/* Everything after the number: what the certificate type makes of it, what it must not meet, the row. */
static enum status make(struct db *db, struct creating *c)
{
	struct order o = *c->order;
	struct bytes subject = {NULL, 0};
	uint64_t id = 0;
	enum status st = o.renews ? check_renewal(db, c) : check_limit(db, c);

	if (st == STATUS_OK)
		st = c->completion.complete(c->arena, c->number, &o, c->completion.context);
	if (st != STATUS_OK)
		return st;
	ASSERT(o.subject && *o.subject);
	st = check_length("subject", o.subject, 1000);
	if (st != STATUS_OK)
		return st;
	struct bytes live = digest_of(c->arena, o.live_key);
	if (o.renews) {
		/* It takes the place of the old one: the same subject, and nothing that has changed since (an address). */
		o.subject = c->renewed.app.subject;
		struct bytes old = c->renewed.live_digest;
		if (live.len != old.len || (live.len && memcmp(live.data, old.data, live.len) != 0))
			return refuse(c, "address");
		st = check_address(db, c);
	} else {
		subject = digest_of(c->arena, o.subject);
		st = check_live_key(db, c, live);
		if (st == STATUS_OK)
			st = check_subject(db, c, subject);
	}
	if (st == STATUS_OK) /* last: whoever waits must not be refused for another reason then */
		st = check_day(db, c);
	if (st == STATUS_OK)
		st = row_insert(db, c, &o, live, subject, &id);
	return st == STATUS_OK ? follow(db, c, id) : st;
}

static enum status create_body(struct db *db, void *context)
{
	struct creating *c = context;

	c->now = clock_now();
	c->again = false;
	c->why = NULL;
	enum status st = find_same_form(db, c);
	if (st == STATUS_OK && !c->again)
		st = draw_number(db, c);
	else
		return st;
	/* Asked once more: the first look was before the others were locked out. */
	if (st == STATUS_OK)
		st = find_same_form(db, c);
	if (st == STATUS_OK && c->again) /* numbers stay without gaps, in a caller's transaction too */
		return db_exec(db, NULL, "UPDATE user SET applications = applications - 1 WHERE id = ?",
			DB_INT(c->user->id));
	return st == STATUS_OK ? make(db, c) : st;
}

enum status application_create(struct db *db, struct arena *a, const struct user *user,
	const struct order *order, struct order_completion completion, struct application *ret,
	bool *ret_again, const char **ret_why)
{
	struct creating c = {.arena = a, .user = user, .order = order, .completion = completion};

	enum status st = check_length("mail address", order->mail, 255);
	if (st == STATUS_OK)
		st = check_length("the type's own field", order->extra, 255);
	if (st != STATUS_OK)
		return st;
	c.form_key = digest_of(a, order->form_key);
	st = db_transact(db, create_body, &c);
	if (st == STATUS_CONFLICT && c.why)
		*ret_why = c.why;
	if (st != STATUS_OK)
		return st;
	*ret = c.made;
	*ret_again = c.again;
	return st;
}
