/* Hands parameters to the client library: once, or as columns when there are many rows. */
#include "store/db_bind.h"

#include "base/gnu.h"

static enum enum_field_types field_type(const struct db_arg *arg)
{
	static const enum enum_field_types types[] = {
		[DB_IS_NULL] = MYSQL_TYPE_NULL,
		[DB_IS_INT] = MYSQL_TYPE_LONGLONG,
		[DB_IS_TEXT] = MYSQL_TYPE_STRING,
		[DB_IS_BYTES] = MYSQL_TYPE_BLOB,
	};

	return types[arg->type];
}

static void bind_once(MYSQL_BIND *binds, const struct params *params)
{
	for (size_t i = 0; i < params->n; i++) {
		const struct db_arg *arg = &params->args[i];
		binds[i].buffer_type = field_type(arg);
		/* libmariadb does not write to parameters; its structure just serves results as well. */
		binds[i].buffer = arg->type == DB_IS_INT ? (void *)(uintptr_t)&arg->number : (void *)(uintptr_t)arg->data;
		binds[i].buffer_length = arg->len;
	}
}

/* One column of all rows. */
struct column {
	int64_t *numbers;
	const void **data;
	unsigned long *lens;
	char *indicators;
};

static void bind_column(MYSQL_BIND *bind, const struct column *c, const struct params *params, size_t col)
{
	bind->buffer_type = MYSQL_TYPE_NULL;
	for (size_t row = 0; row < params->rows; row++) {
		const struct db_arg *arg = &params->args[row * params->n + col];
		c->numbers[row] = arg->number;
		c->data[row] = arg->data;
		c->lens[row] = arg->len;
		c->indicators[row] = arg->type == DB_IS_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
		if (arg->type == DB_IS_NULL)
			continue;
		ASSERT(bind->buffer_type == MYSQL_TYPE_NULL || bind->buffer_type == field_type(arg));
		bind->buffer_type = field_type(arg);
	}
	/* In a column of NULLs alone the indicators say it all. */
	bool is_int = bind->buffer_type == MYSQL_TYPE_LONGLONG;
	if (bind->buffer_type == MYSQL_TYPE_NULL)
		bind->buffer_type = MYSQL_TYPE_STRING;
	bind->buffer = is_int ? (void *)c->numbers : (void *)c->data;
	bind->length = c->lens;
	bind->u.indicator = c->indicators;
}

static void *bind_rows(MYSQL_BIND *binds, const struct params *params)
{
	size_t cells = params->n * params->rows, cell = sizeof(int64_t) + sizeof(void *) + sizeof(unsigned long) + 1;
	char *memory = calloc(cells ? cells : 1, cell);

	ASSERT(memory);
	int64_t *numbers = (int64_t *)memory;
	const void **data = (const void **)(numbers + cells);
	unsigned long *lens = (unsigned long *)(data + cells);
	char *indicators = (char *)(lens + cells);
	for (size_t col = 0; col < params->n; col++) {
		size_t at = col * params->rows;
		bind_column(&binds[col], &(struct column){numbers + at, data + at, lens + at, indicators + at}, params, col);
	}
	return memory;
}

void *params_bind(MYSQL_STMT *handle, const struct params *params)
{
	MYSQL_BIND binds[DB_ARGS_MAX] = {0};
	unsigned rows = (unsigned)params->rows;

	ASSERT(params->n <= DB_ARGS_MAX && mysql_stmt_param_count(handle) == params->n);
	ASSERT(mysql_stmt_attr_set(handle, STMT_ATTR_ARRAY_SIZE, &rows) == 0);
	void *memory = rows ? bind_rows(binds, params) : NULL;
	if (!rows)
		bind_once(binds, params);
	ASSERT(params->n == 0 || mysql_stmt_bind_param(handle, binds) == 0);
	return memory;
}
