/* Configuration: settings declared as data, read by libconfuse, refused with file and line when wrong. */
#ifndef INKAN_BASE_CONFIG_H
#define INKAN_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum setting_type {
	SETTING_STRING,   /* const char *, "" when empty */
	SETTING_INTEGER,  /* int64_t within min..max */
	SETTING_BOOLEAN,  /* bool */
	SETTING_DURATION, /* int64_t milliseconds; written 30s, 15m, 12h, 28d; a bare number is seconds; min..max in ms */
	SETTING_CHOICE,   /* const char *, one of choices */
	SETTING_LIST,     /* const char *const *, NULL-terminated; written {"a", "b"} */
	SETTING_PATH,     /* const char *, relative to the file that sets it, made absolute; "" allowed unless required */
	SETTING_SECRET,   /* struct secret: path of a file of mode 0600 (or 0400) whose content, without a final newline, is the value;
			   * both members are "" when the default is "" and it is not set */
	SETTING_SECTION,  /* struct setting_sections: any number of NAME "title" { ... }, each one struct described by .sub */
};

struct secret {
	const char *value; /* never printed by `inkan check`, never logged */
	const char *path;
};

struct setting_sections {
	size_t n;
	void *items; /* n structs of sub_size bytes; the first member of each is `const char *title` */
};

/* A setting. A list of them ends with {0}. Values go to target struct + offset. */
struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *def; /* the default as it would stand in the file (lists: comma separated); NULL: must be set */
	int64_t min, max;
	const char *const *choices; /* NULL-terminated */
	const struct setting *sub;
	size_t sub_size;
	const char *help; /* one sentence with unit and reason; it is printed in the sample configuration and by `inkan check` */
};

/* Reads FILE into the struct at target. A missing file, a wrong mode, an unknown key (with the list of known ones), a value out of
 * range: INVALID with a cause "file:line: ...". Values live as long as a. `${VAR}` is an error, not an expansion. */
enum status config_read(struct arena *a, const char *file, const struct setting *settings, void *target) MUST_CHECK;
/* Reads the file of a secret: a regular file of at most 64 KB that neither group nor others may touch, text without zero bytes.
 * INVALID, with a cause that names the file, when it is anything else. */
enum status secret_read(struct arena *a, const char *path, struct secret *ret) MUST_CHECK;
/* Prints every setting with its value, its default and where it was set (file:line or "default"), secrets as their path. */
void config_print(const char *title, const char *file, const struct setting *settings, const void *target);
/* Prints a commented sample: help, default, range. */
void config_sample(const char *title, const struct setting *settings);

#endif
