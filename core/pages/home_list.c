/* The list of applications on the dashboard: pages, search, and the filters. */
#include "pages/handlers.h"

/* Applications on one page of the list. */
#define PAGE_ROWS 50
/* A list longer than this has a search. */
#define SEARCH_ROWS 10
/* Code points of a search: a serial in groups of two digits has 119. */
#define SEARCH_MAX 200
/* Of the part of an address that keeps a search: every code point may become 12 bytes. */
#define KEPT_MAX ((size_t)SEARCH_MAX * 12 + 64)

/* What the address says. */
struct wish {
	const char *words; /* "": any */
	bool any_state;
	enum certificate_state state;
	bool valid;
	unsigned below;
};

/* As they stand in addresses. */
static const char *const state_names[] = {
	[CERTIFICATE_REQUESTED] = "requested",
	[CERTIFICATE_NOT_TAKEN] = "not-taken",
	[CERTIFICATE_VALID] = "valid",
	[CERTIFICATE_EXPIRED] = "expired",
	[CERTIFICATE_REVOKED] = "revoked",
	[CERTIFICATE_ERROR] = "error",
};

static enum status wish_read(struct request *rq, struct wish *ret)
{
	const char *words = request_query(rq, "q"), *state = request_query(rq, "state");
	struct wish wish = {.words = text_trim(rq->arena, words ? words : ""),
		.any_state = !state || !*state,
		.valid = text_same(request_query(rq, "valid"), "1")};
	uint64_t below = 0;
	size_t i = 0;
	enum status s = request_query_number(rq, "below", UINT32_MAX, &below);

	if (s != STATUS_OK)
		return s;
	wish.below = (unsigned)below;
	while (!wish.any_state && i < COUNT_OF(state_names) && !text_same(state, state_names[i]))
		i++;
	if (i == COUNT_OF(state_names))
		return cause(STATUS_INVALID, "query state is none");
	wish.state = (enum certificate_state)i;
	if (wish.words[0] && !text_clean(wish.words, SEARCH_MAX))
		return request_refuse(rq,
			cause(STATUS_INVALID, "query q is too long or has control characters"),
			_("The search may have at most 200 characters, without control characters."));
	*ret = wish;
	return STATUS_OK;
}

static bool wish_searches(const struct wish *wish)
{
	return wish->words[0] || !wish->any_state;
}

/* The address of the list with this search. */
static char *wish_url(struct request *rq, const struct wish *wish, bool valid, unsigned below)
{
	struct text t = text_new(rq->arena, KEPT_MAX);

	text_add(&t, "/");
	if (valid)
		text_add_query(&t, "valid", "1");
	text_add_query(&t, "q", wish->words);
	if (!wish->any_state)
		text_add_query(&t, "state", state_names[wish->state]);
	if (below)
		text_add_query(&t, "below", arena_printf(rq->arena, "%u", below));
	text_add(&t, "#applications");
	return t.data;
}

/* What the rows of one page say. Most say the same, and a translation takes as long to find as all else that a row is made of. */
struct said {
	size_t n;
	struct {
		const char *msgid, *text; /* a label is one constant: the address tells it from others */
	} labels[16];
	const char *type, *title; /* of the row before */
};

static const char *said_label(struct said *said, const char *msgid)
{
	size_t i = 0;

	while (i < said->n && said->labels[i].msgid != msgid)
		i++;
	if (i < said->n)
		return said->labels[i].text;
	if (i == COUNT_OF(said->labels))
		return _(msgid);
	said->n++;
	said->labels[i].msgid = msgid;
	return said->labels[i].text = _(msgid);
}

static const char *said_title(struct said *said, const char *type)
{
	if (!text_same(said->type, type)) {
		said->type = type;
		said->title = certificate_title(type);
	}
	return said->title;
}

static void row_fill(struct request *rq, struct model *row, const struct application *app, struct said *said)
{
	model_setf(row, "ROW_PATH", "/%s/%u", app->type, app->number);
	model_set_int(row, "NUMBER", app->number);
	model_set(row, "TYPE", said_title(said, app->type));
	model_set(row, "APPLIED_ON", clock_show_date(rq->arena, app->created_at, rq->lang));
	model_set(row, "PHASE", said_label(said, application_phase_label(app, rq->now)));
	model_set(row, "PHASE_CLASS", certificate_phase_class(app, rq->now));
	model_set(row, "STATE", said_label(said, application_certificate_label(app, rq->now)));
	model_set(row, "STATE_CLASS", certificate_state_class(app, rq->now));
	if (app->not_after)
		model_set(model_section(row, "HAS_EXPIRY"), "EXPIRES_ON",
			clock_show_date(rq->arena, app->not_after, rq->lang));
	if (app->memo && app->memo[0])
		model_set(model_section(row, "HAS_MEMO"), "MEMO", app->memo);
}

/* The way to renewal, on the rows whose certificate ends soon and is not being renewed. */
static enum status renewals_fill(
	struct request *rq, struct model *const *rows, const struct application *apps, size_t n)
{
	uint64_t *renewed = NULL;
	size_t count = 0, i = 0;

	if (request_pause(rq)->paused)
		return STATUS_OK;
	while (i < n && !renew_is_near(&apps[i], rq->now))
		i++;
	if (i == n)
		return STATUS_OK; /* as nearly always: nothing is asked of the database */
	enum status s = application_renewed(rq->db, rq->arena, rq->user->id, rq->now, &renewed, &count);
	for (; s == STATUS_OK && i < n; i++) {
		bool is_renewed = !renew_is_near(&apps[i], rq->now);
		for (size_t k = 0; k < count; k++)
			is_renewed = is_renewed || renewed[k] == apps[i].id;
		if (!is_renewed)
			model_setf(model_section(rows[i], "RENEW"), "RENEW_PATH", "/%s/%u/renew",
				apps[i].type, apps[i].number);
	}
	return s;
}

/* One more than a page, to know whether there are more. */
static enum status wish_fetch(
	struct request *rq, const struct wish *wish, struct application **ret, size_t *ret_n)
{
	struct application_query query = {
		.words = wish->words,
		.any_state = wish->any_state,
		.state = wish->state,
		.live_only = wish->valid,
		.below = wish->below,
		.limit = PAGE_ROWS + 1,
	};

	if (wish_searches(wish)) {
		enum status s =
			application_search(rq->db, rq->arena, rq->user->id, &query, rq->now, ret, ret_n);
		return s == STATUS_INVALID ? request_refuse(rq, s, _("The search may have at most 10 words."))
					   : s;
	}
	return application_list(rq->db, rq->arena, rq->user->id, wish->below, PAGE_ROWS + 1, wish->valid,
		rq->now, ret, ret_n);
}

static void search_fill(struct request *rq, struct model *list, const struct wish *wish)
{
	struct model *m = model_section(list, "SEARCH");

	model_set(m, "WORDS", wish->words);
	model_set_int(m, "WORDS_MAX", SEARCH_MAX);
	if (wish->valid)
		model_show(m, "KEEP_VALID");
	for (size_t i = 0; i < COUNT_OF(state_names); i++) {
		struct model *option = model_section(m, "STATE_OPTION");
		model_set(option, "STATE_NAME", state_names[i]);
		model_set(option, "STATE_LABEL", _(certificate_state_label((enum certificate_state)i)));
		if (!wish->any_state && wish->state == (enum certificate_state)i)
			model_show(option, "SELECTED");
	}
	if (wish_searches(wish))
		model_set(model_section(m, "SEARCHED"), "RESET_URL",
			wish_url(rq, &(struct wish){.words = "", .any_state = true}, wish->valid, 0));
}

static void links_fill(struct request *rq, struct model *list, const struct wish *wish,
	const struct application *apps, size_t n)
{
	struct model *toggle = wish->valid ? model_section(list, "VALID_ONLY") : model_section(list, "ALL");

	model_set(toggle, "TOGGLE_URL", wish_url(rq, wish, !wish->valid, 0));
	if (n > PAGE_ROWS)
		model_set(model_section(list, "OLDER"), "OLDER_URL",
			wish_url(rq, wish, wish->valid, apps[PAGE_ROWS - 1].number));
	if (wish->below)
		model_set(model_section(list, "NEWEST"), "NEWEST_URL", wish_url(rq, wish, wish->valid, 0));
}

enum status home_list_fill(struct request *rq, struct model *m, struct own_list *ret)
{
	struct wish wish;
	struct application *apps;
	size_t n;
	enum status s = wish_read(rq, &wish);

	if (s == STATUS_OK)
		s = wish_fetch(rq, &wish, &apps, &n);
	if (s != STATUS_OK)
		return s;
	bool complete = !wish.below && !wish_searches(&wish) && n <= PAGE_ROWS;
	*ret = (struct own_list){apps, n, complete, complete && !wish.valid};
	if (n == 0 && ret->whole)
		return STATUS_OK;
	struct model *list = model_section(m, "LIST");
	if (n > SEARCH_ROWS || wish.below || wish_searches(&wish))
		search_fill(rq, list, &wish);
	links_fill(rq, list, &wish, apps, n);
	if (n == 0)
		model_show(list, "EMPTY");
	struct model *table = n ? model_section(list, "TABLE") : NULL;
	struct model *rows[PAGE_ROWS];
	struct said said = {0};
	size_t shown = n < PAGE_ROWS ? n : PAGE_ROWS;
	for (size_t i = 0; i < shown; i++) {
		rows[i] = model_section(table, "ROW");
		row_fill(rq, rows[i], &apps[i], &said);
	}
	return renewals_fill(rq, rows, apps, shown);
}
