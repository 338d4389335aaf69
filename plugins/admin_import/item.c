/* Rows on their way from the source to the database: judged, completed, and stored, many in a transaction, while the next ones are read. */
#include "import.h"

#include <pthread.h>

#include "admin_import_store.h"

#define BATCH_ROWS 2000
#define SUBJECT_CHARS 1000 /* of the columns, as below */
#define MAIL_CHARS 255
#define ID_CHARS 100
#define PROFILE_CHARS 64
#define MONTH_DAYS 30.44
#define MONTHS_MAX 1200

struct chunk {
	struct arena *arena; /* of the items' texts */
	struct item *items;
	size_t n;
};

/* The chunk that is not filled, db, written, why and the run's steps are the writer's while there is one. */
struct batch {
	struct db *reader, *db;
	struct run run, *to; /* of its own, since the writer may outlive who made it; *to is the maker's */
	struct chunk chunks[2];
	unsigned filling;
	bool writing;
	pthread_t writer;
	enum status status, written; /* the first failure */
	char why[512];
};

static void writer_wait(struct batch *b)
{
	if (b->writing)
		pthread_join(b->writer, NULL);
	b->writing = false;
	if (b->status == STATUS_OK)
		b->status = b->written;
}

static void release(void *context)
{
	struct batch *b = context;

	writer_wait(b);
	db_free(b->db);
	for (size_t i = 0; i < COUNT_OF(b->chunks); i++)
		arena_free(b->chunks[i].arena);
}

struct batch *batch_new(struct arena *a, struct db *db, struct run *run)
{
	struct batch *b = arena_alloc(a, sizeof *b);

	*b = (struct batch){.reader = db, .db = db_twin(db), .run = *run, .to = run};
	for (size_t i = 0; i < COUNT_OF(b->chunks); i++)
		b->chunks[i] = (struct chunk){.arena = arena_new(), .items = arena_array(a, BATCH_ROWS, sizeof(struct item))};
	arena_defer(a, release, b);
	return b;
}

/* Whoever was taken for dead, or whose import was discarded, finds the run in another state, and adds nothing to it. */
static enum status write_body(struct db *db, void *context)
{
	struct batch *b = context;
	const struct chunk *full = &b->chunks[!b->filling];
	enum status s = run_step(db, &b->run, clock_now());

	return s == STATUS_OK ? rows_insert(db, full->arena, b->run.id, full->items, full->n) : s;
}

static void *writer_run(void *context)
{
	struct batch *b = context;

	b->written = db_transact(b->db, write_body, b);
	if (b->written == STATUS_OK)
		b->run.steps++;
	else
		snprintf(b->why, sizeof b->why, "%s", cause_text());
	return NULL;
}

/* One chunk is written while the other one is filled. */
static void batch_write(struct batch *b)
{
	writer_wait(b);
	if (b->status != STATUS_OK)
		return;
	b->filling = !b->filling;
	b->chunks[b->filling].n = 0;
	arena_reset(b->chunks[b->filling].arena);
	b->writing = pthread_create(&b->writer, NULL, writer_run, b) == 0;
	if (!b->writing)
		writer_run(b); /* without threads it takes longer */
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
	struct chunk *chunk = &b->chunks[b->filling];
	chunk->items[chunk->n++] = item_keep(chunk->arena, item, b->run.upstream);
	b->run.total++;
	b->run.last_row = item->row_no;
	if (chunk->n == BATCH_ROWS)
		batch_write(b);
}

enum status batch_end(struct batch *b)
{
	if (b->status == STATUS_OK && b->chunks[b->filling].n)
		batch_write(b);
	writer_wait(b);
	*b->to = b->run;
	db_sync(b->reader); /* what the writer wrote */
	return b->status == STATUS_OK ? STATUS_OK : cause(b->status, "%s", b->why);
}
