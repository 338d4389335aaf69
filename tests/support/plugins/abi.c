/* A plugin of another plugin interface. Only its first field may be read. */
#include "plugin.h"

INKAN_PLUGIN = {.abi = INKAN_ABI + 1, .name = (const char *)1};
