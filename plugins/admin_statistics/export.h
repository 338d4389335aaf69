/* All certificates as CSV. */
#ifndef INKAN_ADMIN_STATISTICS_EXPORT_H
#define INKAN_ADMIN_STATISTICS_EXPORT_H

#include "plugin.h"

enum status certificates_export(struct request *rq);

#endif
