/* The plugin admin_leavers: revocation for people who have left. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_leavers",
};
