/* Passwords at rest: a file of NAME:HASH lines, hashed by libcrypt's own choice of method (yescrypt on Debian 12). */
#ifndef INKAN_BASE_PASSWORD_H
#define INKAN_BASE_PASSWORD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

#define PASSWORD_MIN 12 /* characters: NIST SP 800-63B asks for 8 of those that people choose; this one opens everybody's records */
#define PASSWORD_MAX 256 /* bytes: libcrypt takes 511 */

/* Whether NAME is in the file with this password; ret_proof (may be NULL): a text that changes with the line, to remember that it was
 * shown. As slow for a name that is not there. DENIED: wrong; INVALID: the file is missing, open to others, or not such a file. */
enum status password_check(struct arena *a, const char *file, const char *name, const char *plain, char **ret_proof) MUST_CHECK;
/* Whether the line that gave this proof still stands in the file. False too when it cannot be read. */
bool password_proof_stands(struct arena *a, const char *file, const char *proof);
/* Writes the line of NAME, new or instead of its old one, into the file (made with mode 0600, replaced in one step). INVALID: name or
 * password is not one; the cause says why. */
enum status password_set(struct arena *a, const char *file, const char *name, const char *plain) MUST_CHECK;

#endif
