/* The chart of certificates per month, as SVG drawn by a view. */
#ifndef INKAN_ADMIN_STATISTICS_CHART_H
#define INKAN_ADMIN_STATISTICS_CHART_H

#include "plugin.h"

struct chart_month {
	const char *label;
	int64_t issued, renewed, revoked;
};
/* Fills admin_statistics/chart.html. Two bars a month: issued with renewed on top, and revoked. */
void chart_fill(struct arena *a, struct model *m, const struct chart_month *months, size_t n);

#endif
