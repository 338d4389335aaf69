/* Text as people compare it: compatibility forms and capitals make no difference. */
#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "base/text.h"

char *text_fold(struct arena *a, const char *s)
{
	size_t len = 0;
	uint8_t *folded = u8_casefold((const uint8_t *)s, strlen(s), NULL, UNINORM_NFKC, NULL, &len);
	/* It fails for want of memory, or for bytes that are no UTF-8: these stand for themselves. */
	char *ret = folded ? arena_stringn(a, (const char *)folded, len) : arena_string(a, s);

	free(folded);
	return ret;
}
