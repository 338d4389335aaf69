/* The list of all certificates with its search: by number, name, state and date, together or alone. */
#include "admin_users.h"

/* Code points of a field: a serial in groups of two digits has 119. */
#define FIELD_MAX 200
/* Nine fields, of which three may be that long, each code point up to 12 bytes. */
#define URL_MAX ((size_t)FIELD_MAX * 12 * 4 + 400)

enum { SERIAL, UPSTREAM_ID, CN, STATUS_NAME, CERTIFICATE, APPLIED_FROM, APPLIED_UNTIL, EXPIRES_FROM, EXPIRES_UNTIL, FIELDS };
const char *const certificate_words[FIELDS + 1] = {[SERIAL] = "serial",
	[UPSTREAM_ID] = "upstream_id",
	[CN] = "cn",
	[STATUS_NAME] = "status",
	[CERTIFICATE] = "certificate",
	[APPLIED_FROM] = "applied_from",
	[APPLIED_UNTIL] = "applied_until",
	[EXPIRES_FROM] = "expires_from",
	[EXPIRES_UNTIL] = "expires_until"};

/* As they stand in addresses. */
static const char *const state_names[] = {
	[CERTIFICATE_REQUESTED] = "requested",
	[CERTIFICATE_NOT_TAKEN] = "not-taken",
	[CERTIFICATE_VALID] = "valid",
	[CERTIFICATE_EXPIRED] = "expired",
	[CERTIFICATE_REVOKED] = "revoked",
	[CERTIFICATE_ERROR] = "error",
};
static const char *const order_names[FOUND_ORDER_COUNT] = {
	[FOUND_NEWEST] = "newest",
	[FOUND_CN] = "cn",
	[FOUND_APPLIED] = "applied",
	[FOUND_EXPIRY] = "expiry",
	[FOUND_ENDED] = "ended",
};

struct search {
	const char *fields[FIELDS]; /* as entered, trimmed; "" when empty */
	bool any;
	struct application_wish wish;
	struct found_place place;
	const char *wrong; /* what cannot be searched for: a sentence; NULL: nothing */
};

/* --- What the address says -------------------------------------------------------------------------------------------------------- */

static enum status fields_read(struct request *rq, struct search *search)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *value = request_query(rq, certificate_words[i]);

		value = text_trim(rq->arena, value ? value : "");
		if (*value && !text_clean(value, FIELD_MAX))
			return request_refuse(rq, cause(STATUS_INVALID, "query %s is too long or has control characters", certificate_words[i]),
				_("The search may have at most 200 characters, without control characters."));
		search->fields[i] = value;
		search->any = search->any || *value;
	}
	return STATUS_OK;
}

static enum status choices_read(struct search *search)
{
	struct application_wish *wish = &search->wish;
	const char *status = search->fields[STATUS_NAME], *state = search->fields[CERTIFICATE];

	wish->status = wish->certificate = -1;
	for (size_t i = 0; i < status_choices_n; i++)
		if (text_same(status, status_choices[i].name))
			wish->status = (int)i;
	for (size_t i = 0; i < COUNT_OF(state_names); i++)
		if (text_same(state, state_names[i]))
			wish->certificate = (int)i;
	if ((*status && wish->status < 0) || (*state && wish->certificate < 0))
		return cause(STATUS_INVALID, "query status or certificate is none");
	return STATUS_OK;
}

/* The first moment of the day in the configured zone. Typed in full width or with slashes it is the same day. */
static void day_read(struct request *rq, struct search *search, int field, when *ret)
{
	const char *text = text_fold(rq->arena, search->fields[field]);

	if (*text && !clock_parse_day(text, ret))
		search->wrong = _("A date is not one: please enter it as in 2024-01-31.");
}

static void days_read(struct request *rq, struct search *search)
{
	struct application_wish *wish = &search->wish;

	day_read(rq, search, APPLIED_FROM, &wish->applied_from);
	day_read(rq, search, APPLIED_UNTIL, &wish->applied_until);
	day_read(rq, search, EXPIRES_FROM, &wish->expires_from);
	day_read(rq, search, EXPIRES_UNTIL, &wish->expires_until);
	/* The last day belongs to what is meant. */
	if (wish->applied_until)
		wish->applied_until = clock_add_days(wish->applied_until, 1);
	if (wish->expires_until)
		wish->expires_until = clock_add_days(wish->expires_until, 1);
}

static enum status place_read(struct request *rq, struct found_place *ret)
{
	const char *order = request_query(rq, "order"), *id = request_query(rq, "after"), *key = request_query(rq, "key");
	struct found_place place = {.text = key && text_clean(key, FIELD_MAX) ? key : ""};
	int64_t number = 0;

	if (!id)
		return STATUS_OK;
	while (place.order < FOUND_ORDER_COUNT && !text_same(order, order_names[place.order]))
		place.order++;
	if (place.order == FOUND_ORDER_COUNT || !text_int(id, 1, INT64_MAX, &number))
		return cause(STATUS_INVALID, "query order or after is none of ours");
	place.id = (uint64_t)number;
	bool by_time = place.order != FOUND_NEWEST && place.order != FOUND_CN;
	if (by_time && (!key || !text_int(key, INT64_MIN, INT64_MAX, &place.time)))
		return cause(STATUS_INVALID, "query key is none of ours");
	*ret = place;
	return STATUS_OK;
}

static enum status search_read(struct request *rq, struct search *search)
{
	enum status s = fields_read(rq, search);

	if (s == STATUS_OK)
		s = choices_read(search);
	if (s == STATUS_OK)
		s = place_read(rq, &search->place);
	if (s != STATUS_OK)
		return s;
	days_read(rq, search);
	search->wish.serial = search->fields[SERIAL];
	search->wish.upstream_id = search->fields[UPSTREAM_ID];
	search->wish.cn = search->fields[CN];
	return STATUS_OK;
}

static char *search_url(struct request *rq, const struct search *search, const struct found_place *place)
{
	struct text t = text_new(rq->arena, URL_MAX);

	text_add(&t, "/admin_users/certificates");
	for (size_t i = 0; i < FIELDS; i++)
		text_add_query(&t, certificate_words[i], search->fields[i]);
	if (!place)
		return t.data;
	text_add_query(&t, "order", order_names[place->order]);
	text_add_query(&t, "after", arena_printf(rq->arena, "%llu", (unsigned long long)place->id));
	if (place->order == FOUND_CN)
		text_add_query(&t, "key", place->text);
	else if (place->order != FOUND_NEWEST)
		text_add_query(&t, "key", arena_printf(rq->arena, "%lld", (long long)place->time));
	return t.data;
}

/* --- The page --------------------------------------------------------------------------------------------------------------------- */

static void form_fill(struct model *m, const struct search *search)
{
	model_set_int(m, "FIELD_MAX", FIELD_MAX);
	model_set(m, "SERIAL", search->fields[SERIAL]);
	model_set(m, "UPSTREAM_ID", search->fields[UPSTREAM_ID]);
	model_set(m, "CN_START", search->fields[CN]);
	model_set(m, "APPLIED_FROM", search->fields[APPLIED_FROM]);
	model_set(m, "APPLIED_UNTIL", search->fields[APPLIED_UNTIL]);
	model_set(m, "EXPIRES_FROM", search->fields[EXPIRES_FROM]);
	model_set(m, "EXPIRES_UNTIL", search->fields[EXPIRES_UNTIL]);
	for (size_t i = 0; i < status_choices_n; i++) {
		struct model *option = model_section(m, "STATUS");
		model_set(option, "STATUS_NAME", status_choices[i].name);
		model_set(option, "STATUS_LABEL", core_text(status_choices[i].label));
		if (search->wish.status == (int)i)
			model_show(option, "SELECTED");
	}
	for (size_t i = 0; i < COUNT_OF(state_names); i++) {
		struct model *option = model_section(m, "CERTIFICATE");
		model_set(option, "CERTIFICATE_NAME", state_names[i]);
		model_set(option, "CERTIFICATE_LABEL", core_text(certificate_state_label((enum certificate_state)i)));
		if (search->wish.certificate == (int)i)
			model_show(option, "SELECTED");
	}
	if (search->any)
		model_show(m, "SEARCHED");
}

static const struct user *owner_among(const struct user *users, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (users[i].id == id)
			return &users[i];
	return NULL;
}

static enum status rows_fill(struct request *rq, struct model *m, const struct found *found)
{
	uint64_t ids[PAGE_ROWS];
	struct user *users;
	size_t n_users;

	for (size_t i = 0; i < found->n; i++)
		ids[i] = found->apps[i].user_id;
	enum status s = user_by_ids(rq->db, rq->arena, ids, found->n, &users, &n_users);
	if (s != STATUS_OK)
		return s;
	struct model *table = model_section(m, "TABLE");
	for (size_t i = 0; i < found->n; i++) {
		struct model *row = model_section(table, "ROW");
		row_fill(rq, row, &found->apps[i]);
		owner_fill(row, &found->apps[i], owner_among(users, n_users, found->apps[i].user_id));
	}
	return STATUS_OK;
}

static void outcome_fill(struct request *rq, struct model *m, const struct search *search, const struct found *found)
{
	if (!found->counted)
		model_show(m, "NOT_COUNTED");
	else if (found->count > COUNT_MAX)
		model_show(m, "MANY");
	else
		model_set(model_section(m, "COUNTED"), "COUNT", text_number(rq->arena, found->count));
	switch (found->order) {
	case FOUND_CN:
		model_show(m, "BY_CN");
		break;
	case FOUND_EXPIRY:
	case FOUND_ENDED:
		model_show(m, "BY_END");
		break;
	case FOUND_APPLIED:
		model_show(m, "BY_DATE");
		break;
	default:
		model_show(m, "BY_AGE");
	}
	if (found->n == 0 && found->more)
		model_show(m, "NOT_YET");
	else if (found->n == 0)
		model_show(m, "EMPTY");
	if (search->place.id)
		model_set(model_section(m, "FIRST"), "FIRST_URL", search_url(rq, search, NULL));
	if (!found->more)
		return;
	/* Not full: it ended because it had looked at enough, not because there are no others. */
	struct model *next = found->n == PAGE_ROWS ? model_section(m, "NEXT") : model_section(m, "ON");
	model_set(next, "NEXT_URL", search_url(rq, search, &found->next));
}

enum status certificates_page(struct request *rq)
{
	struct search search = {0};
	struct found found = {0};
	enum status s = search_read(rq, &search);

	if (s != STATUS_OK)
		return s;
	if (!search.wrong)
		s = application_find_all(rq->db, rq->arena, &search.wish, &search.place, PAGE_ROWS, rq->now, &found);
	if (s == STATUS_INVALID)
		search.wrong = _("The serial number is neither a decimal nor a hexadecimal number.");
	else if (s != STATUS_OK)
		return s;
	struct model *m = model_new(rq->arena);
	form_fill(m, &search);
	if (request_query(rq, "deleted"))
		model_show(m, "DELETED");
	if (search.wrong) {
		model_set(model_section(m, "WRONG"), "WRONG_TEXT", search.wrong);
		return request_page_code(rq, status_http(STATUS_INVALID), "admin_users/certificates.html", _("List of certificates"), m);
	}
	outcome_fill(rq, m, &search, &found);
	s = found.n ? rows_fill(rq, m, &found) : STATUS_OK;
	return s == STATUS_OK ? request_page(rq, "admin_users/certificates.html", _("List of certificates"), m) : s;
}
