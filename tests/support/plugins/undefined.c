/* A plugin that calls what nobody defines: it links, but must not load. */
#include "plugin.h"

enum status nobody_defines_this(struct arena *a, struct db *db);

INKAN_PLUGIN = {.abi = INKAN_ABI, .name = "undefined", .start = nobody_defines_this};
