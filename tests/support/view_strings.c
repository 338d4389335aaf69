/* Makes views, catalogues and a locale in a folder of its own under /tmp. */
#include "support/view_strings.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "web/view.h"

static char dir[64];
static struct arena *arena;

static void shell(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

void view_strings_start(struct arena *a)
{
	arena = a;
	snprintf(dir, sizeof dir, "/tmp/inkan-views-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	mkdir(arena_printf(a, "%s/ja", dir), 0700);
	mkdir(arena_printf(a, "%s/ja/LC_MESSAGES", dir), 0700);
	/* A bare machine has no Japanese locale; this works without root. */
	shell(arena_printf(a, "localedef -i ja_JP -f UTF-8 %s/ja_JP.UTF-8", dir));
	setenv("LOCPATH", dir, 1);
	if (i18n_start(dir) != STATUS_OK)
		abort();
}

void view_strings_file(const char *domain, const char *name, const char *content)
{
	FILE *f;

	mkdir(arena_printf(arena, "%s/%s", dir, domain), 0700);
	f = fopen(arena_printf(arena, "%s/%s/%s", dir, domain, name), "w");
	if (!f || fputs(content, f) < 0 || fclose(f) != 0)
		abort();
}

static void po_string(FILE *f, const char *keyword, const char *s)
{
	fprintf(f, "%s \"", keyword);
	for (; *s; s++)
		fprintf(f, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	fputs("\"\n", f);
}

void view_strings_catalogue(const char *domain, const char *const *texts)
{
	const char *po = arena_printf(arena, "%s/%s.po", dir, domain);
	FILE *f = fopen(po, "w");

	if (!f)
		abort();
	fputs("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n", f);
	for (; *texts; texts += 2) {
		po_string(f, "msgid", texts[0]);
		po_string(f, "msgstr", texts[1]);
	}
	fclose(f);
	shell(arena_printf(arena, "msgfmt -o %s/ja/LC_MESSAGES/%s.mo %s", dir, domain, po));
	i18n_domain(domain);
}

enum status view_strings_load(const char *const *domains)
{
	static const char *const core[] = {"core", NULL};

	return view_start(dir, domains ? domains : core);
}

const char *view_strings_dir(void)
{
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void view_strings_end(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
