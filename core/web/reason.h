/* Revocation reasons (RFC 5280 5.3.1) as people choose them; onHold and its removal are no end, and those of CAs are the CA's. */
#ifndef INKAN_WEB_REASON_H
#define INKAN_WEB_REASON_H

#include <stdbool.h>

#include "web/view.h"

/* Who chooses: users get those that they can judge, in plain words. */
enum reason_words { REASON_USER, REASON_ADMINISTRATOR };

/* In the language of the request; NULL: they are not offered this one. */
const char *reason_text(enum reason_words who, int code);
/* Of a form's field; NULL and what they are not offered: false. */
bool reason_read(enum reason_words who, const char *field, int *ret);
/* A section REASON for each, with REASON_CODE and REASON_TEXT; REASON_CHOSEN in the chosen one (-1: none is). */
void reason_fill(struct model *m, enum reason_words who, int chosen);

#endif
