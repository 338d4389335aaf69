/* Users in the database. */
#include "store/user.h"

#include "store/audit.h"
#include "store/fit.h"
#include "store/user_find.h"
#include "store/user_row.h"

#define NAME_MAX_CHARS 255
#define ID_MAX 255
#define IDP_MAX 1024

void user_fill(const struct db_rows *rows, size_t row, size_t col, struct user *ret)
{
	enum lang lang = LANG_JA;

	lang_parse(db_text(rows, row, col + 5), &lang);
	*ret = (struct user){
		.id = (uint64_t)db_int(rows, row, col),
		.eppn = db_text(rows, row, col + 1),
		.idp = db_text(rows, row, col + 2),
		.name = db_text(rows, row, col + 3),
		.mail = db_text(rows, row, col + 4),
		.lang = lang,
		.created_at = db_int(rows, row, col + 6),
		.seen_at = db_int(rows, row, col + 7),
	};
}

struct login {
	struct arena *arena;
	struct user user; /* as it is to be stored */
	const char *search; /* what it is found by */
};

static enum status user_insert(struct db *db, struct login *login)
{
	struct user *u = &login->user;
	enum status st = db_exec(db, NULL,
		"INSERT INTO user (eppn, idp, name, mail, lang, created_at, seen_at, search) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		DB_TEXT(u->eppn), DB_TEXT(u->idp), DB_TEXT(u->name), DB_TEXT(u->mail),
		DB_TEXT(lang_code(u->lang)), DB_INT(u->seen_at), DB_INT(u->seen_at), DB_TEXT(login->search));

	if (st == STATUS_CONFLICT)
		return db_again(db); /* another log-in of the same user was first: now the row is there */
	if (st != STATUS_OK)
		return st;
	u->id = db_insert_id(db);
	u->created_at = u->seen_at;
	return audit_add(
		db, "user.created", arena_printf(login->arena, "user:%llu", (unsigned long long)u->id), NULL);
}

static enum status audit_change(
	struct db *db, struct login *login, const char *action, const char *from, const char *to)
{
	if (text_same(from, to))
		return STATUS_OK;
	return audit_add(db, action,
		arena_printf(login->arena, "user:%llu", (unsigned long long)login->user.id),
		arena_printf(login->arena, "from %.200s to %.200s", *from ? from : "nothing",
			*to ? to : "nothing"));
}

static enum status user_update(struct db *db, struct login *login, const struct user *old)
{
	struct user *u = &login->user;

	u->id = old->id;
	u->created_at = old->created_at;
	enum status st = db_exec(db, NULL,
		"UPDATE user SET idp = ?, name = ?, mail = ?, lang = ?, seen_at = ?, search = ? WHERE id = ?",
		DB_TEXT(u->idp), DB_TEXT(u->name), DB_TEXT(u->mail), DB_TEXT(lang_code(u->lang)),
		DB_INT(u->seen_at), DB_TEXT(login->search), DB_INT(u->id));
	if (st == STATUS_OK)
		st = audit_change(db, login, "user.mail_changed", old->mail, u->mail);
	if (st == STATUS_OK)
		st = audit_change(db, login, "user.idp_changed", old->idp, u->idp);
	return st;
}

static enum status login_body(struct db *db, void *context)
{
	struct login *login = context;
	struct db_rows rows;
	struct user old;
	enum status st = db_select(db, login->arena, &rows,
		"SELECT " USER_COLUMNS " FROM user WHERE eppn = ? FOR UPDATE", DB_TEXT(login->user.eppn));

	if (st != STATUS_OK)
		return st;
	if (rows.rows == 0)
		return user_insert(db, login);
	user_fill(&rows, 0, 0, &old);
	return user_update(db, login, &old);
}

enum status user_login(struct db *db, struct arena *a, const char *eppn, const char *idp, const char *name,
	const char *mail, enum lang lang, struct user *ret)
{
	struct login login = {.arena = a};

	if (!text_clean(eppn, ID_MAX) || strlen(idp) > IDP_MAX ||
		(mail && *mail && !text_clean(mail, ID_MAX)))
		return cause(STATUS_INVALID, "user: identifier or mail address too long or not clean");
	login.user = (struct user){
		.eppn = text_lower(a, eppn),
		.idp = arena_string(a, idp),
		.name = fit(a, name ? name : "", NAME_MAX_CHARS),
		.mail = arena_string(a, mail ? mail : ""),
		.lang = lang,
		.seen_at = clock_now(),
	};
	login.search = user_search_text(a, &login.user);
	enum status st = db_transact(db, login_body, &login);
	if (st == STATUS_OK)
		*ret = login.user;
	return st;
}

static enum status found(enum status st, const struct db_rows *rows, struct user *ret)
{
	if (st == STATUS_OK && rows->rows == 0)
		return cause(STATUS_MISSING, "no such user");
	if (st == STATUS_OK)
		user_fill(rows, 0, 0, ret);
	return st;
}

enum status user_get(struct db *db, struct arena *a, uint64_t id, struct user *ret)
{
	struct db_rows rows;

	return found(db_select(db, a, &rows, "SELECT " USER_COLUMNS " FROM user WHERE id = ?", DB_INT(id)), &rows, ret);
}

enum status user_get_eppn(struct db *db, struct arena *a, const char *eppn, struct user *ret)
{
	struct db_rows rows;

	return found(db_select(db, a, &rows, "SELECT " USER_COLUMNS " FROM user WHERE eppn = ?", DB_TEXT(text_lower(a, eppn))), &rows, ret);
}
