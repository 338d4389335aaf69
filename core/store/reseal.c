/* Sealed columns under new keys: what `inkan keys rotate` does to the database. */
#include "store/reseal.h"

#include "base/crypto.h"

struct step {
	struct arena *arena;
	const struct sealed_column *column;
	const char *after;
	unsigned n;
	const char *last;
	unsigned seen, bad;
};

/* Names come from descriptors, never from outside, but SQL made of text deserves a guard. */
static void name_check(const char *name)
{
	ASSERT(name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0');
}

static enum status value_reseal(struct db *db, struct step *step, const char *key, struct bytes old)
{
	const struct sealed_column *c = step->column;
	struct bytes plain;
	enum status s = seal_open(step->arena, c->table, key, c->column, old, &plain);
	if (s != STATUS_OK) {
		step->bad++;
		(void)!cause(s, "%s.%s of row %s does not open; was its key removed?", c->table, c->column, key);
		return STATUS_OK;
	}
	struct bytes fresh = seal(step->arena, c->table, key, c->column, plain);
	const char *sql = arena_printf(step->arena, "UPDATE `%s` SET `%s` = ? WHERE `%s` = ? AND `%s` = ?", c->table, c->column,
		c->key, c->column);
	return db_exec(db, NULL, sql, DB_BYTES(fresh), DB_TEXT(key), DB_BYTES(old));
}

static enum status step_body(struct db *db, void *context)
{
	struct step *step = context;
	const struct sealed_column *c = step->column;
	struct db_rows rows;
	/* the key as text: also of an integer, whose order is then numeric all the same */
	const char *sql = arena_printf(step->arena,
		"SELECT CAST(`%s` AS CHAR), `%s` FROM `%s` WHERE (? = '' OR `%s` > ?) ORDER BY `%s` LIMIT ?", c->key, c->column,
		c->table, c->key, c->key);
	enum status s = db_select(db, step->arena, &rows, sql, DB_TEXT(step->after), DB_TEXT(step->after), DB_INT(step->n));
	if (s != STATUS_OK)
		return s;
	step->seen = (unsigned)rows.rows;
	step->bad = 0;
	step->last = step->after;
	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++) {
		struct bytes old = db_bytes(&rows, i, 1);
		step->last = db_text(&rows, i, 0);
		if (old.len && seal_is_old(old))
			s = value_reseal(db, step, step->last, old);
	}
	return s;
}

enum status reseal_step(struct db *db, struct arena *a, const struct sealed_column *column, const char *after, unsigned n,
	const char **ret_last, unsigned *ret_seen, unsigned *ret_bad)
{
	name_check(column->table);
	name_check(column->key);
	name_check(column->column);
	struct step step = {.arena = a, .column = column, .after = after, .n = n};
	enum status s = db_transact(db, step_body, &step);
	if (s != STATUS_OK)
		return s;
	*ret_last = step.last;
	*ret_seen = step.seen;
	*ret_bad = step.bad;
	return STATUS_OK;
}
