/* JSON texts (RFC 8259), written: how many rows travel in one parameter of a prepared statement. */
#ifndef INKAN_BASE_JSON_H
#define INKAN_BASE_JSON_H

#include "base/text.h"

/* Adds a string with its quotes; NULL becomes null. s is valid UTF-8. */
void json_add(struct text *t, const char *s);

#endif
