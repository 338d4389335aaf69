/* Turns the words of a configuration file into the typed settings that were declared for it. */
#include "base/config.h"

#include <errno.h>
#include <unistd.h>

#include "base/config_file.h"
#include "base/text.h"

/* What a value's words are judged in: where errors point to, and what paths are relative to. */
struct scope {
	struct arena *arena;
	const struct config_file *file;
	const struct setting *setting;
	int line; /* 0: a default */
	const char *const *values;
	size_t n;
};

static PRINTF(2, 3) enum status wrong(const struct scope *c, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (c->line)
		return cause(STATUS_INVALID, "%s:%d: %s: %s", c->file->path, c->line, c->setting->name, text);
	return cause(STATUS_INVALID, "%s: %s: %s", c->file->path, c->setting->name, text);
}

/* The settings' own limits; none given means none. */
static void limits(const struct setting *s, int64_t *ret_min, int64_t *ret_max)
{
	bool none = s->min == 0 && s->max == 0;

	*ret_min = !none ? s->min : s->type == SETTING_DURATION ? 0 : INT64_MIN;
	*ret_max = none ? INT64_MAX : s->max;
}

static const struct {
	const char *suffix;
	int64_t ms;
} units[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

const char *config_duration(struct arena *a, int64_t ms)
{
	if (ms == 0)
		return "0";
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (ms % units[i].ms == 0)
			return arena_printf(a, "%lld%s", (long long)(ms / units[i].ms), units[i].suffix);
	}
	return "0";
}

const char *config_range(struct arena *a, const struct setting *s)
{
	int64_t min, max;

	limits(s, &min, &max);
	if (s->min == 0 && s->max == 0)
		return "";
	if (s->type == SETTING_INTEGER)
		return arena_printf(a, " (%lld..%lld)", (long long)min, (long long)max);
	if (s->type == SETTING_DURATION)
		return arena_printf(a, " (%s..%s)", config_duration(a, min), config_duration(a, max));
	return "";
}

static bool duration_parse(struct arena *a, const char *s, int64_t *ret)
{
	size_t digits = strspn(s, "0123456789");
	int64_t unit = s[digits] ? 0 : 1000, n, ms;

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (strcmp(s + digits, units[i].suffix) == 0)
			unit = units[i].ms;
	}
	if (!unit || !text_int(arena_stringn(a, s, digits), 0, INT64_MAX, &n) ||
		__builtin_mul_overflow(n, unit, &ms))
		return false;
	*ret = ms;
	return true;
}

static enum status integer_take(const struct scope *c, int64_t *ret)
{
	const char *word = c->values[0];
	bool is_duration = c->setting->type == SETTING_DURATION;
	int64_t min, max, value;

	limits(c->setting, &min, &max);
	if (is_duration && !duration_parse(c->arena, word, &value))
		return wrong(c, "\"%s\" is not a duration such as 30s, 15m, 12h or 28d", word);
	if (!is_duration && !text_int(word, INT64_MIN, INT64_MAX, &value))
		return wrong(c, "\"%s\" is not a number", word);
	if (value < min || value > max)
		return wrong(c, "%s is out of range%s", word, config_range(c->arena, c->setting));
	*ret = value;
	return STATUS_OK;
}

static enum status boolean_take(const struct scope *c, bool *ret)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcasecmp(c->values[0], words[i]) == 0) {
			*ret = i % 2;
			return STATUS_OK;
		}
	}
	return wrong(c, "\"%s\" is neither yes nor no", c->values[0]);
}

static enum status choice_take(const struct scope *c, const char **ret)
{
	struct text known = text_new(c->arena, 256);

	for (const char *const *choice = c->setting->choices; *choice; choice++) {
		if (strcmp(*choice, c->values[0]) == 0) {
			*ret = *choice;
			return STATUS_OK;
		}
		text_addf(&known, "%s%s", known.len ? ", " : "", *choice);
	}
	return wrong(c, "\"%s\" is none of %s", c->values[0], known.data);
}

static enum status path_take(const struct scope *c, const char **ret)
{
	const char *word = c->values[0], *file = c->file->path, *slash = strrchr(file, '/');
	char *here;

	if (!word[0] && !c->setting->def)
		return wrong(c, "must not be empty");
	if (!word[0] || word[0] == '/') {
		*ret = word;
		return STATUS_OK;
	}
	if (file[0] == '/') {
		*ret = arena_printf(c->arena, "%.*s/%s", (int)(slash - file), file, word);
		return STATUS_OK;
	}
	here = get_current_dir_name();
	if (!here)
		return wrong(c, "the current directory is not known (%s)", strerrordesc_np(errno));
	*ret = slash ? arena_printf(c->arena, "%s/%.*s/%s", here, (int)(slash - file), file, word)
		     : arena_printf(c->arena, "%s/%s", here, word);
	free(here);
	return STATUS_OK;
}

static enum status secret_take(const struct scope *c, struct secret *ret)
{
	const char *path = NULL;
	enum status s = path_take(c, &path);

	if (s != STATUS_OK)
		return s;
	if (!path[0]) {
		*ret = (struct secret){.value = "", .path = ""};
		return STATUS_OK;
	}
	s = secret_read(c->arena, path, ret);
	return s == STATUS_OK ? s : wrong(c, "%s", cause_text());
}

static enum status value_take(const struct scope *c, char *target)
{
	void *to = target + c->setting->offset;

	switch (c->setting->type) {
	case SETTING_STRING:
		*(const char **)to = c->values[0];
		return STATUS_OK;
	case SETTING_INTEGER:
	case SETTING_DURATION:
		return integer_take(c, to);
	case SETTING_BOOLEAN:
		return boolean_take(c, to);
	case SETTING_CHOICE:
		return choice_take(c, to);
	case SETTING_LIST:
		*(const char *const **)to = c->values;
		return STATUS_OK;
	case SETTING_PATH:
		return path_take(c, to);
	case SETTING_SECRET:
		return secret_take(c, to);
	case SETTING_SECTION:
		break;
	}
	ASSERT(!"a type of setting that has no value");
	return STATUS_INTERNAL;
}

static size_t size_of(enum setting_type type)
{
	switch (type) {
	case SETTING_INTEGER:
	case SETTING_DURATION:
		return sizeof(int64_t);
	case SETTING_BOOLEAN:
		return sizeof(bool);
	case SETTING_SECRET:
		return sizeof(struct secret);
	case SETTING_SECTION:
		return sizeof(struct setting_sections);
	default:
		return sizeof(char *);
	}
}

/* The words of the file, or else those of the default, which are judged in the same way. */
static enum status setting_take(struct scope *c, const struct config_block *block, char *target)
{
	const struct config_entry *entry = config_block_find(block, c->setting->name);
	const char *def = c->setting->def;

	if (!entry && !def && block->title)
		return cause(STATUS_INVALID, "%s:%d: %s must be set in %s \"%s\"", c->file->path, block->line,
			c->setting->name, block->name, block->title);
	if (!entry && !def)
		return cause(STATUS_INVALID, "%s: %s must be set", c->file->path, c->setting->name);
	c->line = entry ? entry->line : 0;
	if (entry) {
		c->values = entry->values;
		c->n = entry->n;
	} else if (c->setting->type == SETTING_LIST) {
		c->values = (const char *const *)text_split(c->arena, def, ",");
	} else {
		const char **one = arena_array(c->arena, 2, sizeof *one);

		one[0] = arena_string(c->arena, def);
		c->values = one;
	}
	return value_take(c, target);
}

static enum status block_take(struct arena *a, const struct config_file *file,
	const struct config_block *block, const struct setting *settings, char *target);

static enum status sections_take(struct arena *a, const struct config_file *file,
	const struct setting *setting, struct setting_sections *ret)
{
	struct setting_sections sections = {0};

	ASSERT(setting->sub && setting->sub_size >= sizeof(char *));
	sections.items = arena_array(a, file->n, setting->sub_size);
	for (size_t i = 1; i < file->n; i++) {
		const struct config_block *block = &file->blocks[i];
		char *item = (char *)sections.items + sections.n * setting->sub_size;
		enum status s;

		if (strcmp(block->name, setting->name) != 0)
			continue;
		*(const char **)(void *)item = block->title;
		s = block_take(a, file, block, setting->sub, item);
		if (s != STATUS_OK)
			return s;
		sections.n++;
	}
	*ret = sections;
	return STATUS_OK;
}

static enum status block_take(struct arena *a, const struct config_file *file,
	const struct config_block *block, const struct setting *settings, char *target)
{
	for (const struct setting *setting = settings; setting->name; setting++) {
		struct scope c = {.arena = a, .file = file, .setting = setting};
		enum status s;

		ASSERT(setting->type != SETTING_SECTION || !block->title); /* sections do not nest */
		if (setting->type == SETTING_SECTION)
			s = sections_take(a, file, setting,
				(struct setting_sections *)(void *)(target + setting->offset));
		else
			s = setting_take(&c, block, target);
		if (s != STATUS_OK)
			return s;
	}
	return STATUS_OK;
}

enum status config_read(struct arena *a, const char *file, const struct setting *settings, void *target)
{
	struct config_file parsed;
	size_t size = 1;
	char *draft;
	enum status s = config_file_read(a, file, settings, &parsed);

	if (s != STATUS_OK)
		return s;
	/* The target is not touched before everything is known to be right. */
	for (const struct setting *setting = settings; setting->name; setting++) {
		if (setting->offset + size_of(setting->type) > size)
			size = setting->offset + size_of(setting->type);
	}
	draft = arena_alloc(a, size);
	s = block_take(a, &parsed, &parsed.blocks[0], settings, draft);
	if (s != STATUS_OK)
		return s;
	for (const struct setting *setting = settings; setting->name; setting++)
		memcpy((char *)target + setting->offset, draft + setting->offset, size_of(setting->type));
	return STATUS_OK;
}
