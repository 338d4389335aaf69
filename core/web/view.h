/* Views: HTML and mail texts made from a model by ctemplate; escaping is by default, translation happens when a view is loaded. */
#ifndef INKAN_WEB_VIEW_H
#define INKAN_WEB_VIEW_H

#include <stddef.h>

#include "base/arena.h"
#include "base/i18n.h"
#include "base/status.h"
#include "base/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A view is a file DIR/DOMAIN/NAME.html (auto-escaped by context) or NAME.txt (mail, not escaped), named "DOMAIN/NAME.html".
 * [[Some text]] in it is a msgid of its domain and is translated (and, in HTML, escaped) when loaded, one copy per language;
 * {{NAME}} markers may stand inside. An address that begins with a marker is checked (no javascript:); within an address write
 * {{NAME:u}}, which encodes it as part of a query. Loads every view of the domains; INVALID names the view that ctemplate refuses. */
enum status view_start(const char *dir, const char *const *domains) MUST_CHECK;

/* Names of markers are interned once per place in the source. */
struct view_name {
	const char *text;
	size_t len;
	void *interned;
};

struct model;
#define MODEL_NAME(literal)                                                                                    \
	(__extension__({                                                                                       \
		static struct view_name name_of_marker_ = {"" literal, sizeof(literal) - 1, 0};                \
		&name_of_marker_;                                                                              \
	}))

/* The model of a page: what is set here is visible in sections and included views below. Lives in the arena. Values are copied. */
struct model *model_new(struct arena *a);
#define model_set(m, literal, value) model_put(m, MODEL_NAME(literal), value) /* value NULL: as "" */
#define model_setf(m, literal, ...) model_putf(m, MODEL_NAME(literal), __VA_ARGS__)
#define model_set_int(m, literal, value) model_put_int(m, MODEL_NAME(literal), value)
#define model_section(m, literal) model_open(m, MODEL_NAME(literal)) /* one more repetition of {{#NAME}}...{{/NAME}} */
#define model_show(m, literal) ((void)model_open(m, MODEL_NAME(literal)))
/* {{>NAME}} in the view becomes the given view, in the language of this thread; one more each time. */
#define model_include(m, literal, view) model_attach(m, MODEL_NAME(literal), view)

void model_put(struct model *m, struct view_name *name, const char *value);
void model_putf(struct model *m, struct view_name *name, const char *fmt, ...) PRINTF(3, 4);
void model_put_int(struct model *m, struct view_name *name, long long value);
struct model *model_open(struct model *m, struct view_name *name);
struct model *model_attach(struct model *m, struct view_name *name, const char *view);
/* As model_attach, with a model that model_new made: how a page gets into the layout. */
void model_adopt(struct model *m, struct view_name *name, const char *view, struct model *body);
/* What m does not have is looked up in around. */
void model_inherit(struct model *m, struct model *around);

/* Renders in the given language. INTERNAL: no such view. */
enum status view_render(struct arena *a, const char *view, enum lang lang, struct model *m, struct bytes *ret) MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
