/* The list of users with its search, and the page of one user with all applications. */
#include "admin_users.h"

/* Code points of a search: an ePPN may have 255, and nobody types more of one than this. */
#define WORDS_MAX 200
/* Of an address that keeps a search: every code point may become 12 bytes. */
#define URL_MAX ((size_t)WORDS_MAX * 12 + 100)

static const struct {
	const char *name, *label;
} fields[] = {
	[USER_FIELD_ANY] = {"any", N_("All of them")},
	[USER_FIELD_EPPN] = {"eppn", N_("User ID (ePPN)")},
	[USER_FIELD_NAME] = {"name", N_("Name")},
	[USER_FIELD_MAIL] = {"mail", N_("Mail")},
};

static enum status query_read(struct request *rq, struct user_query *ret)
{
	const char *words = request_query(rq, "q"), *field = request_query(rq, "in");
	struct user_query query = {.words = text_trim(rq->arena, words ? words : ""), .limit = PAGE_ROWS + 1};

	while (field && *field && query.field < USER_FIELD_COUNT && !text_same(field, fields[query.field].name))
		query.field++;
	if (query.field == USER_FIELD_COUNT)
		return cause(STATUS_INVALID, "query in is none");
	enum status s = request_query_number(rq, "below", INT64_MAX, &query.below);
	if (s != STATUS_OK)
		return s;
	if (query.words[0] && !text_clean(query.words, WORDS_MAX))
		return request_refuse(rq, cause(STATUS_INVALID, "query q is too long or has control characters"),
			_("The search may have at most 200 characters, without control characters."));
	*ret = query;
	return STATUS_OK;
}

static char *query_url(struct request *rq, const struct user_query *query, uint64_t below)
{
	struct text t = text_new(rq->arena, URL_MAX);

	text_add(&t, "/admin_users");
	text_add_query(&t, "q", query->words);
	if (query->words[0] && query->field != USER_FIELD_ANY)
		text_add_query(&t, "in", fields[query->field].name);
	if (below)
		text_add_query(&t, "below", arena_printf(rq->arena, "%llu", (unsigned long long)below));
	return t.data;
}

static void search_fill(struct model *m, const struct user_query *query)
{
	model_set(m, "WORDS", query->words);
	model_set_int(m, "WORDS_MAX", WORDS_MAX);
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct model *option = model_section(m, "FIELD");
		model_set(option, "FIELD_NAME", fields[i].name);
		model_set(option, "FIELD_LABEL", _(fields[i].label));
		if (query->field == (enum user_field)i)
			model_show(option, "SELECTED");
	}
	if (query->words[0])
		model_show(m, "SEARCHED");
}

static void user_row_fill(struct request *rq, struct model *row, const struct user *user)
{
	model_setf(row, "ROW_PATH", "/admin_users/user/%llu", (unsigned long long)user->id);
	model_set_int(row, "ID", (long long)user->id);
	model_set(row, "EPPN", user->eppn);
	if (user->name[0])
		model_set(model_section(row, "HAS_NAME"), "NAME", user->name);
	if (user->mail[0])
		model_set(model_section(row, "HAS_MAIL"), "MAIL", user->mail);
	model_set(row, "SEEN_AT", clock_show(rq->arena, user->seen_at, rq->lang));
}

enum status users_page(struct request *rq)
{
	struct user_query query;
	struct user *users;
	size_t n;
	unsigned count = 0;
	enum status s = query_read(rq, &query);

	if (s != STATUS_OK)
		return s;
	s = user_find(rq->db, rq->arena, &query, &users, &n, &count);
	if (s == STATUS_INVALID)
		return request_refuse(rq, s, _("The search may have at most 4 words."));
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	search_fill(m, &query);
	if (count > COUNT_MAX)
		model_show(m, "MANY");
	else
		model_set(model_section(m, "COUNTED"), "COUNT", text_number(rq->arena, count));
	if (n == 0)
		model_show(m, "EMPTY");
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++)
		user_row_fill(rq, model_section(table, "ROW"), &users[i]);
	if (query.below)
		model_set(model_section(m, "FIRST"), "FIRST_URL", query_url(rq, &query, 0));
	if (n > PAGE_ROWS)
		model_set(model_section(m, "NEXT"), "NEXT_URL", query_url(rq, &query, users[PAGE_ROWS - 1].id));
	return request_page(rq, "admin_users/users.html", _("List of users"), m);
}

/* --- One user --------------------------------------------------------------------------------------------------------------------- */

static const char *role_of(struct request *rq, const struct user *user)
{
	if (admin_eppn_has(rq->arena, user->eppn, RIGHT_CHANGE))
		return _("Administrator");
	if (admin_eppn_has(rq->arena, user->eppn, RIGHT_REVOKE))
		return _("Help desk");
	return admin_eppn_has(rq->arena, user->eppn, RIGHT_AUDIT) ? _("Auditor") : _("None");
}

static void user_facts_fill(struct request *rq, struct model *m, const struct user *user)
{
	model_set_int(m, "ID", (long long)user->id);
	model_setf(m, "UNIQUE_ID", "user:%llu", (unsigned long long)user->id);
	model_set(m, "EPPN", user->eppn);
	model_set(m, "NAME", user->name);
	model_set(m, "MAIL", user->mail);
	model_set(m, "IDP", user->idp);
	model_set(m, "ROLE", role_of(rq, user));
	model_set(m, "CREATED_AT", clock_show(rq->arena, user->created_at, rq->lang));
	model_set(m, "SEEN_AT", clock_show(rq->arena, user->seen_at, rq->lang));
}

static enum status applications_fill(struct request *rq, struct model *m, const struct user *user, unsigned below)
{
	struct application *apps;
	size_t n;
	enum status s = application_list(rq->db, rq->arena, user->id, below, PAGE_ROWS + 1, false, rq->now, &apps, &n);

	if (s != STATUS_OK)
		return s;
	if (n == 0)
		model_show(m, "EMPTY");
	struct model *table = n ? model_section(m, "TABLE") : NULL;
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++)
		row_fill(rq, model_section(table, "ROW"), &apps[i]);
	if (below)
		model_setf(model_section(m, "FIRST"), "FIRST_URL", "/admin_users/user/%llu", (unsigned long long)user->id);
	if (n > PAGE_ROWS)
		model_setf(model_section(m, "NEXT"), "NEXT_URL", "/admin_users/user/%llu?below=%u", (unsigned long long)user->id,
			apps[PAGE_ROWS - 1].number);
	return STATUS_OK;
}

enum status user_page(struct request *rq)
{
	uint64_t below = 0;
	struct user user;
	unsigned id;

	if (!request_part_number(rq, "id", &id))
		return cause(STATUS_MISSING, "not a number of a user");
	enum status s = request_query_number(rq, "below", UINT32_MAX, &below);
	if (s == STATUS_OK)
		s = user_get(rq->db, rq->arena, id, &user);
	if (s == STATUS_OK)
		s = audit_add(rq->db, "admin.looked", arena_printf(rq->arena, "user:%u", id), NULL);
	if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	if (request_query(rq, "deleted"))
		model_show(m, "DELETED");
	user_facts_fill(rq, m, &user);
	panels_fill(rq, &(struct panel_place){.page = PANEL_ADMIN, .user_id = id}, m);
	s = applications_fill(rq, m, &user, (unsigned)below);
	return s == STATUS_OK ? request_page(rq, "admin_users/user.html", _("User details"), m) : s;
}
