/* A configuration file as it was written: which settings stand in it, with what words, and where. For config.c and config_print.c. */
#ifndef INKAN_BASE_CONFIG_FILE_H
#define INKAN_BASE_CONFIG_FILE_H

#include "base/config.h"

struct config_entry {
	const char *name;
	const char *const *values;
	size_t n; /* 1, but for lists */
	int line; /* of its first value; 0 for an empty list */
};

/* The file's own level, or one NAME "title" { ... }. */
struct config_block {
	const char *name, *title; /* NULL for the file's own level */
	struct config_entry *entries;
	size_t n;
	int line; /* where it ends: what is missing in it is missing there */
};

struct config_file {
	const char *path;
	struct config_block *blocks; /* the first is the file's own level */
	size_t n;
};

/* Reads and takes apart; knows the names of the settings but does not judge their values. INVALID with "file:line: ...". */
enum status config_file_read(struct arena *a, const char *path, const struct setting *settings,
	struct config_file *ret) MUST_CHECK;
/* NULL when the block does not set it. */
const struct config_entry *config_block_find(const struct config_block *block, const char *name);
/* A duration as one writes it: 28d, 90s, 200ms. */
const char *config_duration(struct arena *a, int64_t ms);
/* The range of a setting for people, " (1..64)"; "" when it has none. */
const char *config_range(struct arena *a, const struct setting *s);

#endif
