/* Computes where the bars, lines and labels of the chart stand. Lengths are units of the SVG's viewBox. */
#include "chart.h"

#define LEFT 64
#define TOP 12
#define PLOT_WIDTH 888
#define PLOT_HEIGHT 240
#define LINES 4
/* Labels of months that stand beside each other without touching. */
#define LABELS_MAX 12
/* Of the room of a month: what is free before its two bars, the width of each, and what is free between them. */
#define BAR_BEFORE 0.1
#define BAR_WIDTH 0.36
#define BAR_BETWEEN 0.06

/* The least 1, 2 or 5 times a power of ten per line with which the highest bar fits. */
static int64_t line_step(int64_t highest)
{
	static const int64_t factors[] = {1, 2, 5};

	for (int64_t power = 1;; power *= 10)
		for (size_t i = 0; i < COUNT_OF(factors); i++)
			if (LINES * factors[i] * power >= highest)
				return factors[i] * power;
}

static void bar(struct model *m, double x, double width, double y, double height)
{
	model_setf(m, "X", "%.1f", x);
	model_setf(m, "Y", "%.1f", y);
	model_setf(m, "WIDTH", "%.1f", width);
	model_setf(m, "HEIGHT", "%.1f", height);
}

void chart_fill(struct arena *a, struct model *m, const struct chart_month *months, size_t n)
{
	int64_t highest = 1;

	for (size_t i = 0; i < n; i++) {
		int64_t made = months[i].issued + months[i].renewed;
		highest = made > highest ? made : highest;
		highest = months[i].revoked > highest ? months[i].revoked : highest;
	}
	int64_t step = line_step(highest);
	double unit = (double)PLOT_HEIGHT / (double)(LINES * step), bottom = TOP + PLOT_HEIGHT;
	double room = (double)PLOT_WIDTH / (double)(n ? n : 1), width = room * BAR_WIDTH;
	for (int i = 0; i <= LINES; i++) {
		struct model *line = model_section(m, "LINE");
		model_setf(line, "Y", "%.1f", bottom - (double)(i * step) * unit);
		model_setf(line, "LABEL_Y", "%.1f", bottom - (double)(i * step) * unit + 5);
		model_set(line, "VALUE", text_number(a, i * step));
	}
	for (size_t i = 0; i < n; i++) {
		const struct chart_month *c = &months[i];
		double x = LEFT + room * (double)i + room * BAR_BEFORE;
		double issued = (double)c->issued * unit, renewed = (double)c->renewed * unit, revoked = (double)c->revoked * unit;
		struct model *month = model_section(m, "MONTH");
		bar(model_section(month, "ISSUED"), x, width, bottom - issued, issued);
		bar(model_section(month, "RENEWED"), x, width, bottom - issued - renewed, renewed);
		bar(model_section(month, "REVOKED"), x + width + room * BAR_BETWEEN, width, bottom - revoked, revoked);
		/* Every other label when they stand close. */
		if (n <= LABELS_MAX || (n - 1 - i) % 2 == 0) {
			struct model *label = model_section(month, "LABEL");
			model_setf(label, "X", "%.1f", x + width);
			model_set(label, "TEXT", c->label);
		}
	}
}
