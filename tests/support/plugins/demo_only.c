/* A plugin for demonstrations. */
#include "plugin.h"

INKAN_PLUGIN = {.abi = INKAN_ABI, .name = "demo_only", .demo = true};
