/* Looking for applications among all of them: by the index that leaves the least, and never at more than FIND_STEP rows. */
#include "store/application_find.h"

#include "store/application_row.h"
#include "store/application_wish.h"

/* All that can be asked for, but for the serial number; what is not asked for is open. */
#define MATCHES                                                                                                                  \
	"state IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AND live_until >= ? AND live_until <= ? AND created_at >= ? AND created_at <= ?" \
	" AND not_after >= ? AND not_after <= ? AND renews >= ? AND renews <= ?"                                                  \
	" AND IF(state = 'DELIVERED', 1, handover) >= ? AND IF(state = 'DELIVERED', 1, handover) <= ?"                            \
	" AND (? = '' OR upstream_id = ?) AND (? = '' OR (cn >= ? AND cn < ?))"
#define MATCHES_N 25
/* Of a serial: both ways to read it. */
#define PLACE_N 6
#define ARGS_MAX (MATCHES_N + PLACE_N + 1)
/* Rows that are sooner read than another way to fewer is found. */
#define FEW_ENOUGH 200

/* The ways to a small part of the table. */
enum way { WAY_SERIAL, WAY_UPSTREAM_ID, WAY_CN, WAY_STATE, WAY_RENEWS, WAY_ENDED, WAY_EXPIRY, WAY_CREATED, WAY_ALL, WAY_COUNT };

#define STATES "state IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define COUNT(index, where) "SELECT COUNT(*) FROM (SELECT 1 FROM application FORCE INDEX (" index ") WHERE " where " LIMIT 10001) AS some"
#define BARE(index, where) "SELECT id FROM application FORCE INDEX (" index ") WHERE " where " LIMIT 10001"
#define WAYS(X)                                                                                                                  \
	[WAY_SERIAL] = X("serial", "serial IN (?, ?)"), [WAY_UPSTREAM_ID] = X("upstream_id", "upstream_id = ?"),                 \
	[WAY_CN] = X("cn", "cn >= ? AND cn < ?"), [WAY_STATE] = X("state_live", STATES " AND live_until >= ? AND live_until <= ?"),                                              \
	[WAY_RENEWS] = X("renews", "renews >= ? AND renews <= ?"), [WAY_ENDED] = X("live_until", "live_until >= ? AND live_until <= ?"), \
	[WAY_EXPIRY] = X("not_after", "not_after >= ? AND not_after <= ?"),                                                      \
	[WAY_CREATED] = X("created_at", "created_at >= ? AND created_at <= ?"), [WAY_ALL] = X("created_at", "created_at >= ?")
static const char *const counts[WAY_COUNT] = {WAYS(COUNT)};
/* Without other conditions the index alone is read, and no row. */
static const char *const bare[WAY_COUNT] = {WAYS(BARE)};

/* All that match, when the way leaves few enough. */
#define ALL(index) "SELECT id FROM application FORCE INDEX (" index ") WHERE " MATCHES " LIMIT 10001"
static const char *const matches[WAY_COUNT] = {
	[WAY_SERIAL] = "SELECT id FROM application FORCE INDEX (serial) WHERE serial IN (?, ?) AND " MATCHES " LIMIT 10001",
	[WAY_UPSTREAM_ID] = "SELECT id FROM application FORCE INDEX (upstream_id) WHERE upstream_id = ? AND " MATCHES " LIMIT 10001",
	[WAY_CN] = "SELECT id FROM application FORCE INDEX (cn) WHERE cn >= ? AND cn < ? AND " MATCHES " LIMIT 10001",
	[WAY_STATE] = ALL("state_live"),
	[WAY_RENEWS] = ALL("renews"),
	[WAY_ENDED] = ALL("live_until"),
	[WAY_EXPIRY] = ALL("not_after"),
	[WAY_CREATED] = ALL("created_at"),
	[WAY_ALL] = ALL("created_at"),
};

struct finding {
	struct db *db;
	struct arena *arena;
	struct conditions c;
	struct found_place from;
	unsigned limit;
	enum way way; /* the one that leaves the least */
	unsigned rows; /* that it leaves */
	struct found found;
	uint64_t ids[FIND_MAX + 1];
	size_t n;
};

static size_t state_args(const struct conditions *c, struct db_arg *args)
{
	for (size_t i = 0; i < APPLICATION_STATE_COUNT; i++)
		args[i] = DB_TEXT(c->states[i] ? application_state_name((enum application_state)i) : "");
	return APPLICATION_STATE_COUNT;
}

static size_t match_args(const struct conditions *c, struct db_arg *args)
{
	size_t n = state_args(c, args);
	const struct range ranges[] = {c->live, c->created, c->expiry, c->renews, c->card};

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		args[n++] = DB_INT(ranges[i].from);
		args[n++] = DB_INT(ranges[i].to);
	}
	args[n++] = DB_TEXT(c->upstream_id);
	args[n++] = DB_TEXT(c->upstream_id);
	args[n++] = DB_TEXT(c->cn);
	args[n++] = DB_TEXT(c->cn);
	args[n++] = DB_TEXT(c->cn_end);
	ASSERT(n == MATCHES_N);
	return n;
}

/* What stands in front of the conditions: the way's own key, where these do not say it as the index wants it. */
static size_t way_args(const struct conditions *c, enum way way, struct db_arg *args)
{
	switch (way) {
	case WAY_SERIAL:
		args[0] = DB_TEXT(c->serials[0]);
		args[1] = DB_TEXT(c->serials[1]);
		return 2;
	case WAY_UPSTREAM_ID:
		args[0] = DB_TEXT(c->upstream_id);
		return 1;
	case WAY_CN:
		args[0] = DB_TEXT(c->cn);
		args[1] = DB_TEXT(c->cn_end);
		return 2;
	default:
		return 0;
	}
}

static size_t count_args(const struct conditions *c, enum way way, struct db_arg *args)
{
	const struct range *range = way == WAY_RENEWS ? &c->renews : way == WAY_ENDED ? &c->live : way == WAY_EXPIRY ? &c->expiry : &c->created;
	size_t n = way_args(c, way, args);

	if (n)
		return n;
	if (way == WAY_STATE) {
		n = state_args(c, args);
		args[n++] = DB_INT(c->live.from);
		args[n++] = DB_INT(c->live.to);
		return n;
	}
	args[0] = DB_INT(range->from);
	args[1] = DB_INT(range->to);
	return way == WAY_ALL ? 1 : 2;
}

static bool way_is_open(const struct conditions *c, enum way way)
{
	switch (way) {
	case WAY_SERIAL:
		return !c->serials[0][0] && !c->serials[1][0];
	case WAY_UPSTREAM_ID:
		return !c->upstream_id[0];
	case WAY_CN:
		return !c->cn[0];
	case WAY_STATE:
		return c->n_states == APPLICATION_STATE_COUNT;
	case WAY_RENEWS:
		return c->renews.from <= 0; /* nearly all are no renewals */
	case WAY_ENDED:
		return c->live.to == INT64_MAX; /* nearly all that are live */
	case WAY_EXPIRY:
		return range_is_open(c->expiry);
	case WAY_CREATED:
		return range_is_open(c->created);
	case WAY_ALL:
	case WAY_COUNT:
		break;
	}
	return false;
}

static enum status way_choose(struct finding *f)
{
	struct db_arg args[ARGS_MAX];
	struct db_rows rows;

	f->rows = UINT32_MAX;
	for (enum way way = 0; way < WAY_COUNT; way++) {
		/* All is no way, unless there is no other. */
		if (way_is_open(&f->c, way) || (way == WAY_ALL && f->rows != UINT32_MAX))
			continue;
		enum status st = db_select_n(f->db, f->arena, &rows, counts[way], args, count_args(&f->c, way, args));
		if (st != STATUS_OK)
			return st;
		unsigned count = (unsigned)db_int(&rows, 0, 0);
		if (count < f->rows) {
			f->rows = count;
			f->way = way;
		}
		if (count <= FEW_ENOUGH)
			break;
	}
	return STATUS_OK;
}

/* How many conditions there are besides the way: with none, those that it leaves are those that match. */
static bool way_is_all(const struct finding *f, enum way way)
{
	for (enum way other = 0; other < WAY_ALL; other++)
		if (other != way && !way_is_open(&f->c, other) && !(way == WAY_STATE && other == WAY_ENDED)) /* its index has both */
			return false;
	/* The ranges that make no way of their own. */
	bool live = way == WAY_ENDED || way == WAY_STATE || (f->c.live.from <= 0 && f->c.live.to == INT64_MAX);
	bool renews = way == WAY_RENEWS || range_is_open(f->c.renews);
	return live && renews && range_is_open(f->c.card);
}

/* --- Few: all that match, newest first -------------------------------------------------------------------------------------------- */

static int newer(const void *left, const void *right)
{
	const uint64_t *l = left, *r = right;

	return (*l < *r) - (*l > *r);
}

static enum status find_few(struct finding *f)
{
	struct db_arg args[ARGS_MAX];
	struct db_rows rows;
	bool all = way_is_all(f, f->way);
	size_t n = all ? count_args(&f->c, f->way, args) : way_args(&f->c, f->way, args), i = 0;

	n += all ? 0 : match_args(&f->c, args + n);
	enum status st = db_select_n(f->db, f->arena, &rows, all ? bare[f->way] : matches[f->way], args, n);
	if (st != STATUS_OK)
		return st;
	uint64_t *ids = arena_array(f->arena, rows.rows + 1, sizeof(*ids));
	for (size_t k = 0; k < rows.rows; k++)
		ids[k] = (uint64_t)db_int(&rows, k, 0);
	qsort(ids, rows.rows, sizeof(*ids), newer);
	while (f->from.id && i < rows.rows && ids[i] >= f->from.id)
		i++;
	for (; i < rows.rows && f->n <= f->limit; i++)
		f->ids[f->n++] = ids[i];
	f->found.order = FOUND_NEWEST;
	f->found.count = (unsigned)rows.rows;
	f->found.counted = true;
	f->found.more = f->n > f->limit;
	f->n -= f->found.more;
	if (f->n)
		f->found.next = (struct found_place){.order = FOUND_NEWEST, .id = f->ids[f->n - 1]};
	return STATUS_OK;
}

/* --- Many: a page at a time, in the order of an index ----------------------------------------------------------------------------- */

/* Orders by a time, latest first; and of the CN, as in a dictionary. The key is read with the id, for the next page. */
#define AFTER(key) key " <= ? AND (" key " < ? OR id < ?)"
#define UPTO(key) key " >= ? AND (" key " > ? OR id >= ?)"
#define EDGE_BY(key, where) "SELECT id, " key " FROM application FORCE INDEX (" key ") WHERE " AFTER(key) where " ORDER BY " key " DESC, id DESC LIMIT 1 OFFSET ?"
#define PAGE_BY(key) "SELECT id, " key " FROM application FORCE INDEX (" key ") WHERE " AFTER(key) " AND " UPTO(key) " AND " MATCHES " ORDER BY " key " DESC, id DESC LIMIT ?"
#define EDGE_BY_CN "SELECT id, cn FROM application FORCE INDEX (cn) WHERE cn >= ? AND (cn > ? OR id > ?) AND cn < ? ORDER BY cn, id LIMIT 1 OFFSET ?"
#define PAGE_BY_CN "SELECT id, cn FROM application FORCE INDEX (cn) WHERE cn >= ? AND (cn > ? OR id > ?) AND cn <= ? AND (cn < ? OR id <= ?) AND " MATCHES " ORDER BY cn, id LIMIT ?"
#define EDGE_OF_STATE "SELECT id FROM application FORCE INDEX (state) WHERE state = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
#define PAGE_OF_STATE "SELECT id FROM application FORCE INDEX (state) WHERE state = ? AND id < ? AND id >= ? AND " MATCHES " ORDER BY id DESC LIMIT ?"
#define EDGE_OF_ALL "SELECT id FROM application FORCE INDEX (PRIMARY) WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
#define PAGE_OF_ALL "SELECT id FROM application FORCE INDEX (PRIMARY) WHERE id < ? AND id >= ? AND " MATCHES " ORDER BY id DESC LIMIT ?"

/* One state alone; NULL: several. */
static const char *only_state(const struct conditions *c)
{
	const char *name = NULL;

	for (size_t i = 0; c->n_states == 1 && i < APPLICATION_STATE_COUNT; i++)
		if (c->states[i])
			name = application_state_name((enum application_state)i);
	return name;
}

/* The order in which what is wished for lies closest together. */
static enum found_order order_choose(const struct conditions *c)
{
	if (!way_is_open(c, WAY_CN))
		return FOUND_CN;
	if (!way_is_open(c, WAY_EXPIRY))
		return FOUND_EXPIRY;
	if (!way_is_open(c, WAY_CREATED))
		return FOUND_APPLIED;
	return way_is_open(c, WAY_ENDED) || only_state(c) ? FOUND_NEWEST : FOUND_ENDED;
}

/* Where the index starts and ends for this order. */
static struct range range_of(const struct conditions *c, enum found_order order)
{
	return order == FOUND_EXPIRY ? c->expiry : order == FOUND_APPLIED ? c->created : c->live;
}

struct walk {
	const char *edge, *page;
	struct db_arg after[4], upto[3]; /* where this page starts, and where it stops looking */
	size_t n_after, n_upto;
};

static void walk_start(struct finding *f, struct walk *w)
{
	const struct found_place *from = &f->from;
	struct range range = range_of(&f->c, from->order);
	struct db_arg id = DB_INT(from->id ? (int64_t)from->id : INT64_MAX);

	switch (from->order) {
	case FOUND_CN:
		*w = (struct walk){EDGE_BY_CN, PAGE_BY_CN, {DB_TEXT(from->id ? from->text : f->c.cn), {0}, DB_INT(from->id), DB_TEXT(f->c.cn_end)}, .n_after = 4};
		w->after[1] = w->after[0];
		return;
	case FOUND_NEWEST:
		if (only_state(&f->c))
			*w = (struct walk){EDGE_OF_STATE, PAGE_OF_STATE, {DB_TEXT(only_state(&f->c)), id}, .n_after = 2};
		else
			*w = (struct walk){EDGE_OF_ALL, PAGE_OF_ALL, {id}, .n_after = 1};
		return;
	case FOUND_APPLIED:
		*w = (struct walk){EDGE_BY("created_at", " AND created_at >= ?"), PAGE_BY("created_at"), .n_after = 4};
		break;
	case FOUND_EXPIRY:
		*w = (struct walk){EDGE_BY("not_after", " AND not_after >= ?"), PAGE_BY("not_after"), .n_after = 4};
		break;
	case FOUND_ENDED:
	case FOUND_ORDER_COUNT:
		*w = (struct walk){EDGE_BY("live_until", " AND live_until >= ?"), PAGE_BY("live_until"), .n_after = 4};
		break;
	}
	w->after[0] = w->after[1] = DB_INT(from->id && from->time < range.to ? from->time : range.to);
	w->after[2] = id;
	w->after[3] = DB_INT(range.from);
}

/* The place of row i, as the statements give it. */
static struct found_place place_of(const struct db_rows *rows, size_t i, enum found_order order)
{
	struct found_place place = {.order = order, .id = (uint64_t)db_int(rows, i, 0)};

	if (order == FOUND_CN)
		place.text = db_text(rows, i, 1);
	else if (order != FOUND_NEWEST)
		place.time = db_int(rows, i, 1);
	return place;
}

/* Whether nothing is asked for but what the order's own index tells. */
static bool order_is_all(const struct finding *f, enum found_order order)
{
	switch (order) {
	case FOUND_CN:
		return way_is_all(f, WAY_CN);
	case FOUND_APPLIED:
		return way_is_all(f, WAY_CREATED);
	case FOUND_EXPIRY:
		return way_is_all(f, WAY_EXPIRY);
	case FOUND_NEWEST:
		return f->c.live.from <= 0 && f->c.live.to == INT64_MAX && way_is_all(f, only_state(&f->c) ? WAY_STATE : WAY_ALL);
	case FOUND_ENDED:
	case FOUND_ORDER_COUNT:
		break;
	}
	return false;
}

/* How far this page looks: up to the row FIND_STEP further on. edge->id 0: to the end. */
static enum status walk_edge(struct finding *f, struct walk *w, struct found_place *edge)
{
	struct db_arg args[ARGS_MAX];
	struct db_rows rows;
	enum found_order order = f->from.order;
	bool by_time = order != FOUND_CN && order != FOUND_NEWEST;

	*edge = (struct found_place){.order = order};
	memcpy(args, w->after, sizeof w->after);
	args[w->n_after] = DB_INT(FIND_STEP);
	if (!order_is_all(f, order)) { /* otherwise every row matches, and the page is full at once */
		enum status st = db_select_n(f->db, f->arena, &rows, w->edge, args, w->n_after + 1);
		if (st != STATUS_OK)
			return st;
		if (rows.rows)
			*edge = place_of(&rows, 0, order);
	}
	struct db_arg id = DB_INT(edge->id), key = id;
	if (order == FOUND_CN) {
		key = DB_TEXT(edge->id ? edge->text : f->c.cn_end);
		id = DB_INT(edge->id ? (int64_t)edge->id : INT64_MAX);
	} else if (by_time) {
		key = DB_INT(edge->id ? edge->time : range_of(&f->c, order).from);
	}
	w->n_upto = order == FOUND_NEWEST ? 1 : 3;
	w->upto[0] = w->upto[1] = key;
	w->upto[2] = id;
	if (by_time || order == FOUND_CN) /* its last part was the end of the whole, which upto says better */
		w->n_after = 3;
	return STATUS_OK;
}

static enum status find_many(struct finding *f)
{
	struct db_arg args[ARGS_MAX + 8];
	struct db_rows rows;
	struct found_place edge;
	struct walk w;
	size_t n = 0;

	if (!f->from.id)
		f->from.order = order_choose(&f->c);
	walk_start(f, &w);
	enum status st = walk_edge(f, &w, &edge);
	if (st != STATUS_OK)
		return st;
	for (size_t i = 0; i < w.n_after; i++)
		args[n++] = w.after[i];
	for (size_t i = 0; i < w.n_upto; i++)
		args[n++] = w.upto[i];
	n += match_args(&f->c, args + n);
	args[n++] = DB_INT(f->limit + 1);
	st = db_select_n(f->db, f->arena, &rows, w.page, args, n);
	if (st != STATUS_OK)
		return st;
	f->n = rows.rows < f->limit ? rows.rows : f->limit;
	for (size_t i = 0; i < f->n; i++)
		f->ids[i] = (uint64_t)db_int(&rows, i, 0);
	f->found.order = f->from.order;
	f->found.more = rows.rows > f->limit || edge.id != 0;
	f->found.next = rows.rows > f->limit ? place_of(&rows, f->limit - 1, f->from.order) : edge;
	f->found.counted = way_is_all(f, f->way);
	f->found.count = f->rows <= COUNT_MAX ? f->rows : COUNT_MAX + 1;
	return STATUS_OK;
}

/* --- The rows --------------------------------------------------------------------------------------------------------------------- */

#define BY_IDS "SELECT " APPLICATION_COLUMNS " FROM application WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

static enum status rows_read(struct finding *f)
{
	struct db_arg args[FIND_MAX];
	struct db_rows rows;
	struct application_row row;

	f->found.apps = arena_array(f->arena, f->n + 1, sizeof(*f->found.apps));
	if (f->n == 0)
		return STATUS_OK;
	for (size_t i = 0; i < FIND_MAX; i++)
		args[i] = DB_INT(i < f->n ? f->ids[i] : 0);
	enum status st = db_select_n(f->db, f->arena, &rows, BY_IDS, args, FIND_MAX);
	/* In the order of the ids; one that was deleted meanwhile is left out. */
	for (size_t i = 0; st == STATUS_OK && i < f->n; i++)
		for (size_t k = 0; k < rows.rows; k++)
			if ((uint64_t)db_int(&rows, k, 0) == f->ids[i]) {
				application_fill(&rows, k, &row);
				f->found.apps[f->found.n++] = row.app;
			}
	return st;
}

enum status application_find_all(struct db *db, struct arena *a, const struct application_wish *wish, const struct found_place *place,
	unsigned limit, when now, struct found *ret)
{
	struct finding f = {.db = db, .arena = a, .from = *place, .limit = limit, .found = {.counted = true}};

	ASSERT(limit > 0 && limit <= FIND_MAX && place->order < FOUND_ORDER_COUNT);
	enum status st = wish_read(a, wish, now, &f.c);
	if (st == STATUS_OK && !f.c.nothing) {
		st = way_choose(&f);
		if (st == STATUS_OK)
			/* A walk that has begun goes on in its own order, whatever was added or ended meanwhile. */
			st = f.from.order == FOUND_NEWEST && f.way != WAY_ALL && f.rows <= (way_is_all(&f, f.way) ? COUNT_MAX : FIND_STEP)
				? find_few(&f)
				: find_many(&f);
		if (st == STATUS_OK)
			st = rows_read(&f);
	}
	if (st == STATUS_OK)
		*ret = f.found;
	return st;
}

enum status application_upstream_id(struct db *db, struct arena *a, uint64_t id, const char **ret)
{
	struct db_rows rows;
	enum status st = db_select(db, a, &rows, "SELECT upstream_id FROM application WHERE id = ?", DB_INT(id));

	if (st == STATUS_OK)
		*ret = rows.rows ? db_text(&rows, 0, 0) : NULL;
	return st;
}
