/* Rows on their way from the source to the database: judged, completed, and stored, many in a transaction. */
#include "import.h"

#include "admin_import_store.h"

#define BATCH_ROWS 2000
#define SUBJECT_CHARS 1000 /* of the columns, as below */
#define MAIL_CHARS 255
#define ID_CHARS 100
#define PROFILE_CHARS 64
#define MONTH_DAYS 30.44
#define MONTHS_MAX 1200

struct batch {
	struct arena *arena; /* of the items' texts */
	struct db *db;
	struct run *run;
	struct item *items;
	size_t n;
	enum status status; /* the first failure */
	char why[512];
};

static void release(void *arena)
{
	arena_free(arena);
}

struct batch *batch_new(struct arena *a, struct db *db, struct run *run)
{
	struct batch *b = arena_alloc(a, sizeof *b);

	*b = (struct batch){.arena = arena_new(), .db = db, .run = run, .items = arena_array(a, BATCH_ROWS, sizeof(struct item))};
	arena_defer(a, release, b->arena);
	return b;
}

/* Whoever was taken for dead, or whose import was discarded, finds the run in another state, and adds nothing to it. */
static enum status write_body(struct db *db, void *context)
{
	struct batch *b = context;
	enum status s = run_step(db, b->run, clock_now());

	return s == STATUS_OK ? rows_insert(db, b->arena, b->run->id, b->items, b->n) : s;
}

static void batch_write(struct batch *b)
{
	b->status = db_transact(b->db, write_body, b);
	if (b->status == STATUS_OK)
		b->run->steps++;
	else
		snprintf(b->why, sizeof b->why, "%s", cause_text());
	b->n = 0;
	arena_reset(b->arena);
}

/* Which type lists the profile, and how long it is valid. */
static void profile_find(struct item *item)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct certificate_type *type = plugin_at(i)->type;
		const struct validity *v = type && !type->variant_of ? type->settings->validity.items : NULL;
		for (size_t k = 0; v && k < type->settings->validity.n; k++) {
			if (!text_same(v[k].title, item->profile) || (item->type[0] && !text_same(item->type, plugin_at(i)->name)))
				continue;
			item->type = plugin_at(i)->name;
			item->months = item->months ? item->months : (int)v[k].months;
			return;
		}
	}
	if (!item->type[0])
		item->type = import_settings.type;
}

static void fault(struct item *item, const char *reason, const char *detail)
{
	if (item->class == CLASS_ERROR && item->reason[0])
		return;
	item->class = CLASS_ERROR;
	item->reason = reason;
	item->detail = detail;
}

/* What does not fit its column is an error, and what stands there is not kept. */
static void fit_check(struct item *item, const char **text, size_t max, const char *column)
{
	if (!**text || text_clean(*text, max))
		return;
	fault(item, "cell", column);
	*text = "";
}

static void complete(struct item *item)
{
	fit_check(item, &item->subject, SUBJECT_CHARS, "主体者DN");
	fit_check(item, &item->mail, MAIL_CHARS, "利用者メールアドレス");
	fit_check(item, &item->upstream_id, ID_CHARS, "発行・更新申請-申請ID");
	fit_check(item, &item->profile, PROFILE_CHARS, "証明書プロファイルID");
	if (item->class == CLASS_WAITING) /* what stands there is not this certificate's */
		item->serial = NULL;
	if (item->class == CLASS_ERROR || item->class == CLASS_PROGRESS)
		return;
	profile_find(item);
	if (!item->subject[0] || !strchr(item->subject, '='))
		fault(item, "subject", "");
	else if (item->class != CLASS_WAITING && !item->serial)
		fault(item, "serial-missing", "");
	else if (item->class != CLASS_WAITING && !item->not_after)
		fault(item, "end-missing", "");
	else if (item->not_before && item->not_after && item->not_after <= item->not_before)
		fault(item, "times", "");
	if (!item->requested_at)
		item->requested_at = item->not_before ? item->not_before : clock_now();
	if (item->class == CLASS_WAITING && !item->url_until)
		item->url_until = item->requested_at + DOWNLOAD_DAYS;
	if (item->class == CLASS_REVOKED && !item->revoked_at) /* not told: it was by now */
		item->revoked_at = clock_now();
	if (!item->months && item->not_before && item->not_after > item->not_before) {
		double months = (double)(item->not_after - item->not_before) / ((double)DAY * MONTH_DAYS) + 0.5;
		item->months = months < MONTHS_MAX ? (int)months : MONTHS_MAX;
	}
}

/* The item as it outlives what it was read from. */
static struct item item_keep(struct arena *a, const struct item *item, const char *upstream)
{
	struct item kept = *item;
	const char **texts[] = {&kept.detail, &kept.subject, &kept.mail, &kept.upstream_id, &kept.type, &kept.profile, &kept.serial,
		&kept.old_serial};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = arena_string(a, *texts[i]);
	kept.key = item->serial || item->upstream_id[0] || item->subject[0]
			   ? application_import_key(a, upstream, item->serial, item->upstream_id, item->subject)
			   : bytes_of(NULL, 0);
	return kept;
}

void batch_add(struct batch *b, struct item *item)
{
	if (b->status != STATUS_OK)
		return;
	complete(item);
	b->items[b->n++] = item_keep(b->arena, item, b->run->upstream);
	b->run->total++;
	b->run->last_row = item->row_no;
	if (b->n == BATCH_ROWS)
		batch_write(b);
}

enum status batch_end(struct batch *b)
{
	if (b->status == STATUS_OK && b->n)
		batch_write(b);
	return b->status == STATUS_OK ? STATUS_OK : cause(b->status, "%s", b->why);
}
