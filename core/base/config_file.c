/* Reads a configuration file with libconfuse, and refuses what libconfuse would silently accept. */
#include "base/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <confuse.h>

#include "base/text.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define SECRET_MAX ((size_t)64 * 1024)

/* Where an option was set: libconfuse itself forgets that. */
struct place {
	struct place *next;
	const cfg_t *cfg;
	const char *name;
	int line;
};

struct reader {
	struct arena *arena;
	const char *path;
	struct place *places;
	bool failed;
};

/* libconfuse gives its callbacks no data of the caller's, and its lexer is global anyway. */
static struct reader *reading;

/* Into the arena and nowhere else, so that a secret leaves no copy behind. */
static enum status load(struct arena *a, const char *path, size_t max, bool secret, struct bytes *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t len = 0, room;
	ssize_t n;
	char *data;

	if (fd < 0)
		return cause(STATUS_INVALID, "%s: %s", path, strerrordesc_np(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return cause(STATUS_INVALID, "%s: not a regular file", path);
	}
	if (secret && st.st_mode & (S_IRWXG | S_IRWXO)) {
		close(fd);
		return cause(STATUS_INVALID, "%s: mode is %04o, a secret must be 0600 or 0400", path,
			(unsigned int)st.st_mode & 07777);
	}
	room = (size_t)st.st_size < max ? (size_t)st.st_size : max;
	data = arena_alloc(a, room + 1);
	while ((n = read(fd, data + len, room + 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0)
		return cause(STATUS_INVALID, "%s: cannot be read", path);
	if (len > room)
		return cause(STATUS_INVALID, "%s: longer than %zu bytes", path, room);
	if (memchr(data, '\0', len))
		return cause(STATUS_INVALID, "%s: contains a zero byte", path);
	*ret = bytes_of(data, len);
	return STATUS_OK;
}

enum status secret_read(struct arena *a, const char *path, struct secret *ret)
{
	struct bytes b = {0};
	enum status s = load(a, path, SECRET_MAX, true, &b);

	if (s != STATUS_OK)
		return s;
	if (b.len > 0 && b.data[b.len - 1] == '\n')
		b.len--;
	if (b.len > 0 && b.data[b.len - 1] == '\r')
		b.len--;
	*ret = (struct secret){.value = arena_copy(a, b.data, b.len), .path = arena_string(a, path)};
	return STATUS_OK;
}

/* The first error counts; what libconfuse says after it only follows from it. */
static void fail_at(struct reader *r, int line, const char *message)
{
	if (!r->failed)
		(void)!cause(STATUS_INVALID, "%s:%d: %s", r->path, line, message);
	r->failed = true;
}

/* The end of a quoted string that begins at s; NULL when it has none. */
static char *string_end(char *s)
{
	for (char *c = s + 1; *c; c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == *s)
			return c;
	}
	return NULL;
}

static char *comment_end(char *s)
{
	char *end;

	if (s[0] == '#' || s[1] == '/')
		return s + strcspn(s, "\n");
	end = strstr(s + 2, "*/");
	return end ? end + 2 : NULL;
}

static int lines_in(const char *from, const char *to)
{
	int n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

/* Is this the beginning of a comment? A // within a word, as in a URL, is not. */
static bool comment_here(const char *text, const char *c)
{
	if (*c == '#' || (*c == '/' && c[1] == '*'))
		return true;
	return *c == '/' && c[1] == '/' && (c == text || strchr(" \t\r\n={}(),\"'", c[-1]));
}

/* Blanks the comments out, because libconfuse loses count of the lines in them; refuses what it would expand, skip, or take without
 * a word: variables, lone characters that begin nothing, strings, comments and sections without an end. */
static void prepare(struct reader *r, char *text)
{
	int line = 1, depth = 0, opened = 0;
	char *end;

	for (char *c = text; *c && !r->failed; c = end) {
		end = c + 1;
		if (comment_here(text, c)) {
			end = comment_end(c);
			if (!end)
				return fail_at(r, line, "this comment has no end");
			for (char *k = c; k < end; k++)
				*k = *k == '\n' ? '\n' : ' ';
		} else if (*c == '"' || *c == '\'') {
			end = string_end(c);
			if (!end)
				return fail_at(r, line, "this string has no end");
			end++;
		} else if (*c == '*' || (*c == '+' && c[1] != '=') || *c == '(' || *c == ')') {
			return fail_at(r, line, "values with * + ( ) must be quoted");
		} else if (*c == '{' && depth++ == 0) {
			opened = line;
		} else if (*c == '}') {
			depth--;
		}
		for (const char *k = c; k < end; k++) {
			if (k[0] == '$' && k[1] == '{')
				return fail_at(r, line + lines_in(c, k),
					"${...} is not expanded, write the value itself");
		}
		line += lines_in(c, end);
	}
	if (depth > 0)
		fail_at(r, opened, "this { has no }");
}

/* Called for every value, before it is stored. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct reader *r = reading;
	struct place *p;

	*(const char **)result = value;
	/* Further values of a list, also of one that += adds to. */
	if (opt->nvalues > 1)
		return 0;
	for (p = r->places; p; p = p->next) {
		if (p->cfg == cfg && strcmp(p->name, opt->name) == 0) {
			fail_at(r, cfg->line,
				arena_printf(
					r->arena, "%s is set twice, first in line %d", opt->name, p->line));
			return -1;
		}
	}
	p = arena_alloc(r->arena, sizeof *p);
	*p = (struct place){
		.next = r->places, .cfg = cfg, .name = arena_string(r->arena, opt->name), .line = cfg->line};
	r->places = p;
	return 0;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list args) PRINTF(2, 0);
static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	struct reader *r = reading;
	struct text message = text_new(r->arena, 4096);
	int known = 0;

	text_add(&message, arena_vprintf(r->arena, fmt, args));
	if (text_starts(message.data, "no such option")) {
		for (cfg_opt_t *opt = cfg->opts; opt && opt->name; opt++)
			text_addf(&message, "%s%s", known++ ? ", " : "; known here: ", opt->name);
	}
	fail_at(r, cfg->line, message.data);
}

static cfg_opt_t *options_of(struct arena *a, const struct setting *settings)
{
	size_t n = 0;
	cfg_opt_t *opts;

	while (settings[n].name)
		n++;
	opts = arena_array(a, n + 1, sizeof *opts);
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = &settings[i];
		cfg_flag_t flags = s->type == SETTING_LIST ? CFGF_LIST | CFGF_NODEFAULT : CFGF_NODEFAULT;

		opts[i] = (cfg_opt_t){.name = s->name, .type = CFGT_STR, .flags = flags, .parsecb = on_value};
		if (s->type == SETTING_SECTION)
			opts[i] = (cfg_opt_t){.name = s->name,
				.type = CFGT_SEC,
				.flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES,
				.subopts = options_of(a, s->sub)};
	}
	return opts;
}

static int line_of(const struct reader *r, const cfg_t *cfg, const char *name)
{
	for (const struct place *p = r->places; p; p = p->next) {
		if (p->cfg == cfg && strcmp(p->name, name) == 0)
			return p->line;
	}
	return 0;
}

/* Copies what one level of libconfuse's tree says. */
static void block_fill(struct reader *r, cfg_t *cfg, const struct setting *settings, struct config_block *to)
{
	size_t n = 0;

	while (settings[n].name)
		n++;
	to->entries = arena_array(r->arena, n + 1, sizeof *to->entries);
	to->line = cfg->line;
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t *opt = cfg_getopt(cfg, settings[i].name);
		const char **values;

		/* An empty list has no values but is set all the same. */
		if (opt->type == CFGT_SEC || !(opt->nvalues > 0 || opt->flags & CFGF_MODIFIED))
			continue;
		values = arena_array(r->arena, opt->nvalues + 1, sizeof *values);
		for (unsigned int k = 0; k < opt->nvalues; k++)
			values[k] = arena_string(r->arena, opt->values[k]->string);
		to->entries[to->n++] = (struct config_entry){.name = settings[i].name,
			.values = values,
			.n = opt->nvalues,
			.line = line_of(r, cfg, settings[i].name)};
	}
}

static void file_fill(struct reader *r, cfg_t *cfg, const struct setting *settings, struct config_file *to)
{
	size_t n = 1;

	for (const struct setting *s = settings; s->name; s++)
		n += s->type == SETTING_SECTION ? cfg_size(cfg, s->name) : 0;
	to->blocks = arena_array(r->arena, n, sizeof *to->blocks);
	to->n = 1;
	block_fill(r, cfg, settings, &to->blocks[0]);
	for (const struct setting *s = settings; s->name; s++) {
		unsigned int sections = s->type == SETTING_SECTION ? cfg_size(cfg, s->name) : 0;

		for (unsigned int i = 0; i < sections; i++) {
			cfg_t *section = cfg_getnsec(cfg, s->name, i);
			struct config_block *block = &to->blocks[to->n++];

			block->name = s->name;
			block->title = arena_string(r->arena, cfg_title(section));
			block_fill(r, section, s->sub, block);
		}
	}
}

enum status config_file_read(
	struct arena *a, const char *path, const struct setting *settings, struct config_file *ret)
{
	struct reader r = {.arena = a, .path = path};
	struct config_file file = {.path = arena_string(a, path)};
	struct bytes b = {0};
	enum status s = load(a, path, FILE_MAX, false, &b);
	char *text;
	cfg_t *cfg;

	if (s != STATUS_OK)
		return s;
	if (!text_utf8_valid((const char *)b.data, b.len))
		return cause(STATUS_INVALID, "%s: not valid UTF-8", path);
	text = arena_copy(a, b.data, b.len);
	prepare(&r, text);
	if (r.failed)
		return STATUS_INVALID;
	cfg = cfg_init(options_of(a, settings), CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, on_error);
	reading = &r;
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		fail_at(&r, cfg->line, "not understood");
	reading = NULL;
	if (!r.failed)
		file_fill(&r, cfg, settings, &file);
	cfg_free(cfg);
	if (r.failed)
		return STATUS_INVALID;
	*ret = file;
	return STATUS_OK;
}

const struct config_entry *config_block_find(const struct config_block *block, const char *name)
{
	for (size_t i = 0; i < block->n; i++) {
		if (strcmp(block->entries[i].name, name) == 0)
			return &block->entries[i];
	}
	return NULL;
}
