/* Reads the files that an administrator configured for SAML: certificates and metadata. */
#ifndef INKAN_SAML_FILE_H
#define INKAN_SAML_FILE_H

#include "base/text.h"

/* The whole regular file, with a zero byte behind it. INVALID names the file: missing, unreadable, empty, over max, not text. */
enum status file_read(struct arena *a, const char *path, size_t max, struct bytes *ret) MUST_CHECK;

#endif
