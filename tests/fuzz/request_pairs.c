/* Fuzzes the reading of forms and cookies: it must end, and hand out valid UTF-8 without NUL or refuse. The first byte chooses which. */
#include "web/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pairs_judge(const struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		ASSERT(text_utf8_valid(p->items[i].name, strlen(p->items[i].name)));
		ASSERT(!p->items[i].value || text_utf8_valid(p->items[i].value, strlen(p->items[i].value)));
		ASSERT(i == 0 || strcmp(p->items[i - 1].name, p->items[i].name) <= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pairs pairs = {0};
	struct arena *a = arena_new();

	if (size > 0 && data[0] & 1) {
		pairs = pairs_cookies(a, arena_stringn(a, (const char *)data + 1, size - 1));
		pairs_judge(&pairs);
	} else if (size > 0 && pairs_form(a, (const char *)data + 1, size - 1, 100, &pairs) == STATUS_OK) {
		pairs_judge(&pairs);
	}
	arena_free(a);
	return 0;
}
