/* Columns of table user as they are read in joins. */
#ifndef INKAN_STORE_USER_ROW_H
#define INKAN_STORE_USER_ROW_H

#include "store/user.h"

#define USER_COLUMNS                                                                                         \
	"user.id, user.eppn, user.idp, user.name, user.mail, user.lang, user.created_at, user.seen_at"
#define USER_COLUMNS_N 8
/* Reads them from column `col` on. */
void user_fill(const struct db_rows *rows, size_t row, size_t col, struct user *ret);

#endif
