/* How a log-in is refused: the name of the check that failed, for page and log, and the cause for the log. */
#ifndef INKAN_SAML_REFUSE_H
#define INKAN_SAML_REFUSE_H

#include "base/status.h"

/* return REFUSE(ret_check, "audience", "the assertion is for %s", ...); the format is a literal. */
#define REFUSE(ret_check, check, ...) (*(ret_check) = (check), cause(STATUS_DENIED, __VA_ARGS__))

#endif
