/* Distinguished names: our text form, CN first, into X.509's. */
#ifndef UPSTREAM_LOCAL_NAME_H
#define UPSTREAM_LOCAL_NAME_H

#include <openssl/x509.h>

#include "openssl.h"

/* "CN=taro.1,OU=Staff,O=Example University,C=JP" (the order of RFC 4514) becomes a name whose encoding begins with C. Nothing is
 * escaped: a text with one of \ " + < > ; or with an unknown, empty or overlong part is INVALID, with a cause that names the part.
 * C is a PrintableString, DC an IA5String, all else UTF8String (RFC 5280 4.1.2.4). The name lives in the arena. */
enum status name_parse(struct arena *a, const char *text, X509_NAME **ret) MUST_CHECK;
/* The first CN of such a text; the whole text when it has none. */
const char *name_common(struct arena *a, const char *text);

#endif
