/* The plugin admin_maintenance: maintenance mode, at once or in a window. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_maintenance",
};
