/* Gives imported certificates to their owners, and takes them away again, so that they wait for another one. */
#include "store/application_owner.h"

#include "base/crypto.h"
#include "store/application_row.h"
#include "store/audit.h"
#include "store/fit.h"

#define DETAIL_MAX 500

struct attaching {
	struct arena *arena;
	const struct user *user;
	const char *const *types;
	uint64_t rival;
	uint64_t id; /* given by an administrator: this one; 0: what waits under the user's address */
	const char *action, *note;
	size_t n;
};

static enum status attach_row(struct db *db, struct attaching *c, uint64_t id, const char *type, const char *mail, int64_t number)
{
	const char *const *by_mail = c->types;
	uint64_t changed = 0;

	while (*by_mail && !text_same(*by_mail, type))
		by_mail++;
	const char *live = *by_mail ? arena_printf(c->arena, "%s:%llu:%s", type, (unsigned long long)c->user->id, mail) : NULL;
	enum status st = db_exec(db, &changed,
		"UPDATE application SET user_id = ?, number = ?, name = ?, live_digest = ? WHERE id = ? AND user_id IS NULL",
		DB_INT(c->user->id), DB_INT(number), DB_TEXT(c->user->name),
		DB_BYTES(live ? crypto_sha256(c->arena, bytes_string(live)) : bytes_of(NULL, 0)), DB_INT(id));
	if (st == STATUS_OK && changed != 1)
		return db_again(db); /* another log-in took it */
	if (st != STATUS_OK)
		return st;
	const char *detail = arena_printf(c->arena, "user:%llu%s%s", (unsigned long long)c->user->id, *c->note ? " note " : "", c->note);
	return audit_add(db, c->action, application_object(c->arena, id), fit(c->arena, detail, DETAIL_MAX));
}

/* With numbers in order, as whoever applies gets them. */
static enum status attach_rows(struct db *db, struct attaching *c, const struct db_rows *rows)
{
	struct db_rows drawn;
	enum status st = db_exec(db, NULL, "UPDATE user SET applications = applications + ? WHERE id = ?", DB_INT(rows->rows), DB_INT(c->user->id));

	if (st == STATUS_OK)
		st = db_select(db, c->arena, &drawn, "SELECT applications FROM user WHERE id = ?", DB_INT(c->user->id));
	if (st == STATUS_OK && drawn.rows == 0)
		return cause(STATUS_MISSING, "no user %llu", (unsigned long long)c->user->id);
	for (size_t i = 0; st == STATUS_OK && i < rows->rows; i++)
		st = attach_row(db, c, (uint64_t)db_int(rows, i, 0), db_text(rows, i, 1), db_text(rows, i, 2),
			db_int(&drawn, 0, 0) - (int64_t)(rows->rows - 1 - i));
	return st;
}

static enum status attach_body(struct db *db, void *context)
{
	struct attaching *c = context;
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT id, type, mail FROM application WHERE mail = ? AND user_id IS NULL AND detached_from <> ? AND (? = 0 OR detached_from = ?)"
		" ORDER BY created_at, id LIMIT ?",
		DB_TEXT(text_lower(c->arena, c->user->mail)), DB_INT(c->user->id), DB_INT(c->rival), DB_INT(c->rival), DB_INT(ATTACH_MAX));

	c->n = st == STATUS_OK ? rows.rows : 0;
	return c->n ? attach_rows(db, c, &rows) : st; /* nearly always one look at an index */
}

enum status application_attach(
	struct db *db, struct arena *a, const struct user *user, uint64_t rival, const char *const *types_by_mail, size_t *ret_n)
{
	struct attaching c = {.arena = a, .user = user, .rival = rival, .types = types_by_mail, .action = "application.attached", .note = ""};

	if (!user->mail || !*user->mail) {
		*ret_n = 0;
		return STATUS_OK;
	}
	enum status st = db_transact(db, attach_body, &c);
	if (st == STATUS_OK)
		*ret_n = c.n;
	return st;
}

/* What an import links waits under one address; without one there is nothing to be linked by. */
static enum status give_body(struct db *db, void *context)
{
	struct attaching *c = context;
	struct db_rows rows;
	enum status st = db_select(db, c->arena, &rows,
		"SELECT id, type, mail, created_at FROM application WHERE id = ? AND user_id IS NULL AND import_key IS NOT NULL"
		" UNION SELECT o.id, o.type, o.mail, o.created_at FROM application AS w STRAIGHT_JOIN application AS o FORCE INDEX (mail)"
		" ON o.mail = w.mail AND o.user_id IS NULL AND IF(o.place = 0, o.id, o.place) = IF(w.place = 0, w.id, w.place)"
		" WHERE w.id = ? AND w.user_id IS NULL AND w.import_key IS NOT NULL AND w.mail <> '' ORDER BY created_at, id LIMIT ?",
		DB_INT(c->id), DB_INT(c->id), DB_INT(ATTACH_MAX));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_CONFLICT, "application %llu does not wait for an owner", (unsigned long long)c->id);
	return st == STATUS_OK ? attach_rows(db, c, &rows) : st;
}

enum status application_give(struct db *db, struct arena *a, uint64_t id, const struct user *user, const char *const *types_by_mail,
	const char *note)
{
	struct attaching c = {.arena = a, .user = user, .id = id, .types = types_by_mail, .action = "admin.attached", .note = note ? note : ""};

	return db_transact(db, give_body, &c);
}

enum status application_detachment(struct db *db, struct arena *a, const struct application *app,
	struct application_detachment *ret)
{
	struct db_rows rows, renewals;
	enum status st = db_select(db, a, &rows, "SELECT import_key IS NOT NULL, detached_from, IF(place = 0, id, place) FROM application WHERE id = ?",
		DB_INT(app->id));

	if (st == STATUS_OK && rows.rows == 0)
		return cause(STATUS_MISSING, "no application %llu", (unsigned long long)app->id);
	if (st == STATUS_OK)
		st = db_select(db, a, &renewals,
			"SELECT 1 FROM application FORCE INDEX (user_number) WHERE user_id = ? AND place = ? AND import_key IS NULL LIMIT 1",
			DB_INT(app->user_id), DB_INT(db_int(&rows, 0, 2)));
	if (st == STATUS_OK)
		*ret = (struct application_detachment){
			.imported = db_int(&rows, 0, 0) != 0,
			.renewed = renewals.rows > 0,
			.from = (uint64_t)db_int(&rows, 0, 1),
		};
	return st;
}

struct detaching {
	struct arena *arena;
	uint64_t id, owner;
	const char *note;
};

static enum status audit_row(struct db *db, const struct detaching *d, uint64_t id, int64_t number)
{
	const char *detail = arena_printf(d->arena, "user:%llu number %lld%s%s", (unsigned long long)d->owner, (long long)number,
		d->note && *d->note ? " note " : "", d->note ? d->note : "");

	return audit_add(db, "admin.detached", application_object(d->arena, id), fit(d->arena, detail, DETAIL_MAX));
}

/* Each row is written before it is asked whether it was renewed: a renewal writes it too, so that one of the two is too late. */
static enum status detach_body(struct db *db, void *context)
{
	struct detaching *d = context;
	struct application_row row;
	struct application_detachment now;
	struct db_rows chain;
	uint64_t changed = 0;
	enum status st = application_row_get(db, d->arena, d->id, true, &row);

	if (st == STATUS_OK && row.app.user_id != d->owner)
		return cause(STATUS_CONFLICT, "application %llu is not user %llu's", (unsigned long long)d->id, (unsigned long long)d->owner);
	if (st == STATUS_OK)
		st = db_select(db, d->arena, &chain,
			"SELECT id, number FROM application FORCE INDEX (user_number) WHERE user_id = ? AND (id = ? OR place = ?)"
			" AND import_key IS NOT NULL ORDER BY id FOR UPDATE",
			DB_INT(d->owner), DB_INT(row.place), DB_INT(row.place));
	for (size_t i = 0; st == STATUS_OK && i < chain.rows; i++) {
		st = db_exec(db, &changed,
			"UPDATE application SET user_id = NULL, number = NULL, name = '', memo = '', muted = 0, live_digest = NULL,"
			" renewals = renewals + 1, detached_from = ? WHERE id = ? AND user_id = ?",
			DB_INT(d->owner), DB_INT(db_int(&chain, i, 0)), DB_INT(d->owner));
		if (st == STATUS_OK && changed != 1)
			return db_again(db); /* changed on another node */
		if (st == STATUS_OK)
			st = audit_row(db, d, (uint64_t)db_int(&chain, i, 0), db_int(&chain, i, 1));
	}
	if (st == STATUS_OK)
		st = application_detachment(db, d->arena, &row.app, &now);
	if (st == STATUS_OK && (!now.imported || now.renewed))
		return cause(STATUS_CONFLICT, "application %llu was applied for or renewed here", (unsigned long long)d->id);
	return st;
}

enum status application_detach(struct db *db, struct arena *a, uint64_t id, uint64_t owner, const char *note)
{
	struct detaching d = {.arena = a, .id = id, .owner = owner, .note = note};

	return db_transact(db, detach_body, &d);
}

static enum status undo_body(struct db *db, void *context)
{
	const struct detaching *d = context;
	struct application app;
	struct application_detachment was;
	uint64_t changed = 0;
	enum status st = application_get(db, d->arena, d->id, &app);

	if (st == STATUS_OK)
		st = application_detachment(db, d->arena, &app, &was);
	if (st == STATUS_OK)
		st = db_exec(db, &changed, "UPDATE application SET detached_from = 0 WHERE id = ? AND user_id IS NULL AND detached_from <> 0", DB_INT(d->id));
	if (st == STATUS_OK && changed != 1)
		return cause(STATUS_CONFLICT, "application %llu does not wait, or was taken from nobody", (unsigned long long)d->id);
	return st == STATUS_OK ? audit_add(db, "admin.detached.undone", application_object(d->arena, d->id),
					 arena_printf(d->arena, "user:%llu", (unsigned long long)was.from))
			       : st;
}

enum status application_detach_undo(struct db *db, struct arena *a, uint64_t id)
{
	struct detaching d = {.arena = a, .id = id};

	return db_transact(db, undo_body, &d);
}
