/* The plugin admin_audit: the audit trail, to be read and verified. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_audit",
};
