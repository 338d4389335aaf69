/* Inside of db: parameters as the client library takes them. Included by db.c and db_bind.c alone. */
#ifndef INKAN_STORE_DB_BIND_H
#define INKAN_STORE_DB_BIND_H

#include <mysql.h>

#include "store/db.h"

#define DB_ARGS_MAX 64

/* What a statement is executed with: n parameters, or n of each of many rows, row by row. */
struct params {
	const struct db_arg *args;
	size_t n;
	size_t rows; /* 0: the statement is executed once */
};

/* Hands the parameters to the statement. free() the result (NULL: nothing) when it was executed. */
void *params_bind(MYSQL_STMT *handle, const struct params *params);

#endif
