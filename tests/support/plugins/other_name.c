/* A plugin whose descriptor has another name than its file. */
#include "plugin.h"

INKAN_PLUGIN = {.abi = INKAN_ABI, .name = "somebody_else"};
