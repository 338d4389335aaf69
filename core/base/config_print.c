/* Prints settings: as they are, with their origin, and as a commented sample. */
#include "base/config_file.h"
#include "base/text.h"

static const char *quoted(struct arena *a, const char *s)
{
	return arena_printf(a, "\"%s\"", text_loggable(a, s, 1024));
}

static const char *quoted_list(struct arena *a, const char *const *list)
{
	struct text t = text_new(a, (size_t)16 * 1024);

	text_add(&t, "{");
	for (size_t i = 0; list && list[i]; i++)
		text_addf(&t, "%s%s", i ? ", " : "", quoted(a, list[i]));
	text_add(&t, "}");
	return t.data;
}

/* A default as it would be written in the file. */
static const char *default_show(struct arena *a, const struct setting *s)
{
	switch (s->type) {
	case SETTING_INTEGER:
	case SETTING_BOOLEAN:
	case SETTING_DURATION:
		return s->def;
	case SETTING_LIST:
		return quoted_list(a, (const char *const *)text_split(a, s->def, ","));
	default:
		return quoted(a, s->def);
	}
}

static const char *value_show(struct arena *a, const struct setting *s, const char *target)
{
	const void *at = target + s->offset;

	switch (s->type) {
	case SETTING_INTEGER:
		return arena_printf(a, "%lld", (long long)*(const int64_t *)at);
	case SETTING_DURATION:
		return config_duration(a, *(const int64_t *)at);
	case SETTING_BOOLEAN:
		return *(const bool *)at ? "yes" : "no";
	case SETTING_LIST:
		return quoted_list(a, *(const char *const *const *)at);
	case SETTING_SECRET:
		return quoted(a, ((const struct secret *)at)->path);
	default:
		return quoted(a, *(const char *const *)at);
	}
}

static void block_print(struct arena *a, const struct config_file *file, const struct config_block *block,
	const struct setting *settings, const char *target)
{
	const char *indent = block->title ? "\t" : "";

	for (const struct setting *s = settings; s->name; s++) {
		const struct config_entry *entry = config_block_find(block, s->name);
		const char *origin = entry ? arena_printf(a, "%s:%d", file->path, entry->line) : "default";

		if (s->type == SETTING_SECTION)
			continue;
		printf("%s%s = %s  # %s", indent, s->name, value_show(a, s, target), origin);
		if (entry && s->def)
			printf(", default %s", default_show(a, s));
		printf("\n");
	}
}

static void sections_print(struct arena *a, const struct config_file *file, const struct setting *setting,
	const struct setting_sections *sections)
{
	size_t n = 0;

	/* In the file's order, as config_read() numbered them. */
	for (size_t i = 1; i < file->n && n < sections->n; i++) {
		if (strcmp(file->blocks[i].name, setting->name) != 0)
			continue;
		printf("%s %s {\n", setting->name, quoted(a, file->blocks[i].title));
		block_print(a, file, &file->blocks[i], setting->sub,
			(const char *)sections->items + n++ * setting->sub_size);
		printf("}\n");
	}
}

void config_print(const char *title, const char *file, const struct setting *settings, const void *target)
{
	struct arena *a = arena_new();
	struct config_file parsed;

	printf("# %s\n", title);
	/* Read once more for the lines: the struct at target has only values. */
	if (config_file_read(a, file, settings, &parsed) != STATUS_OK) {
		printf("# %s\n", cause_text());
		arena_free(a);
		return;
	}
	block_print(a, &parsed, &parsed.blocks[0], settings, target);
	for (const struct setting *s = settings; s->name; s++) {
		if (s->type == SETTING_SECTION)
			sections_print(a, &parsed, s,
				(const struct setting_sections *)(const void *)((const char *)target +
										s->offset));
	}
	printf("\n");
	arena_free(a);
}

static const char *type_show(struct arena *a, const struct setting *s)
{
	static const char *const names[] = {
		[SETTING_STRING] = "text",
		[SETTING_INTEGER] = "number",
		[SETTING_BOOLEAN] = "yes or no",
		[SETTING_DURATION] = "duration, such as 30s, 15m, 12h, 28d",
		[SETTING_CHOICE] = "one of",
		[SETTING_LIST] = "list, {\"a\", \"b\"}",
		[SETTING_PATH] = "path, relative to this file",
		[SETTING_SECRET] = "path of a file of mode 0600, relative to this file",
		[SETTING_SECTION] = "any number of these",
	};
	struct text t = text_new(a, 1024);

	text_add(&t, names[s->type]);
	for (size_t i = 0; s->type == SETTING_CHOICE && s->choices[i]; i++)
		text_addf(&t, "%s%s", i ? ", " : " ", s->choices[i]);
	text_add(&t, config_range(a, s));
	return t.data;
}

static void settings_sample(struct arena *a, const struct setting *settings, const char *indent)
{
	for (const struct setting *s = settings; s->name; s++) {
		if (s->help)
			printf("#%s %s\n", indent, s->help);
		printf("#%s %s", indent, type_show(a, s));
		if (s->type == SETTING_SECTION) {
			printf("\n#%s%s \"title\" {\n", indent, s->name);
			settings_sample(a, s->sub, arena_printf(a, "%s\t", indent));
			printf("#%s}\n\n", indent);
		} else if (s->def) {
			printf("; this is the default\n#%s%s = %s\n\n", indent, s->name, default_show(a, s));
		} else {
			printf("; must be set\n#%s%s =\n\n", indent, s->name);
		}
	}
}

void config_sample(const char *title, const struct setting *settings)
{
	struct arena *a = arena_new();

	printf("# %s\n\n", title);
	settings_sample(a, settings, "");
	arena_free(a);
}
