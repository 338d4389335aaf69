/* Rows on their way from the source to the database: judged, completed, and kept as JSON, a thousand together. */
#include "import.h"

#include "admin_import_store.h"

#define CHUNK_MAX ((size_t)CHUNK_ROWS * 8192) /* more than any row's columns hold */
#define SUBJECT_CHARS 1000 /* of the columns, as below */
#define MAIL_CHARS 255
#define ID_CHARS 100
#define PROFILE_CHARS 64
#define MONTH_DAYS 30.44
#define MONTHS_MAX 1200

struct chunks {
	struct arena *arena; /* of the chunk */
	struct db *db;
	uint64_t run;
	const char *upstream;
	struct text text;
	unsigned in_chunk;
	struct chunks_sum sum;
	enum status status; /* the first failure */
	char why[512];
};

static void chunk_begin(struct chunks *c)
{
	arena_reset(c->arena);
	c->text = text_new(c->arena, CHUNK_MAX);
	c->in_chunk = 0;
}

static void release(void *arena)
{
	arena_free(arena);
}

struct chunks *chunks_new(struct arena *a, struct db *db, uint64_t run, const char *upstream)
{
	struct chunks *c = arena_alloc(a, sizeof *c);

	*c = (struct chunks){.arena = arena_new(), .db = db, .run = run, .upstream = upstream};
	arena_defer(a, release, c->arena);
	chunk_begin(c);
	return c;
}

static void chunk_write(struct chunks *c)
{
	text_add(&c->text, "]");
	ASSERT(!c->text.full);
	c->status = chunk_insert(c->db, c->run, c->sum.chunks, c->text.data);
	if (c->status != STATUS_OK)
		snprintf(c->why, sizeof c->why, "%s", cause_text());
	c->sum.chunks++;
	chunk_begin(c);
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

void chunks_add(struct chunks *c, struct item *item)
{
	struct text *t = &c->text;

	if (c->status != STATUS_OK)
		return;
	complete(item);
	bool has_key = item->serial || item->upstream_id[0] || item->subject[0];
	const char *texts[] = {item->reason, item->detail, item->subject, item->serial, item->old_serial, item->mail, item->upstream_id,
		item->type, item->profile};
	text_addf(t, "%s[%u,\"%s\"", c->in_chunk ? "," : "[", item->row_no, import_class_name(item->class));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		text_add(t, ",");
		json_add(t, texts[i]);
	}
	text_addf(t, ",%d,%lld,%lld,%lld,%lld,%lld,", item->months, (long long)item->requested_at, (long long)item->not_before,
		(long long)item->not_after, (long long)item->url_until, (long long)item->revoked_at);
	json_add(t, has_key ? text_hex(c->arena, application_import_key(c->arena, c->upstream, item->serial, item->upstream_id, item->subject))
			    : NULL);
	text_add(t, "]");
	c->sum.rows++;
	c->sum.last_row = item->row_no;
	if (++c->in_chunk == CHUNK_ROWS)
		chunk_write(c);
}

enum status chunks_end(struct chunks *c, struct chunks_sum *ret)
{
	if (c->status == STATUS_OK && c->in_chunk)
		chunk_write(c);
	if (c->status != STATUS_OK)
		return cause(c->status, "%s", c->why);
	*ret = c->sum;
	return STATUS_OK;
}
