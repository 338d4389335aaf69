/* The plugin admin_statistics: figures per month and type, and exports. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_statistics",
};
