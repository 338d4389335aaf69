/* Tests of web/view: escaping by context, translation at load, models and includes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/i18n.h"
#include "support/view_strings.h"
#include "web/view.h"

#define HOSTILE "<script>alert(1)</script>\"'&"

static struct arena *a;

static int set_up(void **state)
{
	static const char *const ja[] = {
		"Hello {{NAME}}", "こんにちは、{{NAME}}さん", "Save & go", "保存 <次へ>", NULL};
	static const char *const client_ja[] = {"Hello {{NAME}}", "別の領域 {{NAME}}", NULL};

	a = arena_new();
	view_strings_start(a);
	view_strings_catalogue("core", ja);
	view_strings_catalogue("client", client_ja);
	return 0;
}

static int tear_down(void **state)
{
	view_strings_end();
	arena_free(a);
	return 0;
}

/* Renders a view that consists of this text. */
static const char *rendered(const char *name, const char *text, enum lang lang, struct model *m)
{
	const char *view = arena_printf(a, "core/%s", name);
	struct bytes page;

	view_strings_file("core", name, text);
	assert_int_equal(view_strings_load(NULL), STATUS_OK);
	if (view_render(a, view, lang, m, &page) != STATUS_OK)
		fail_msg("%s", cause_text());
	return (const char *)page.data;
}

static struct model *model_with(const char *value)
{
	struct model *m = model_new(a);

	model_set(m, "X", value);
	return m;
}

static void text_is_escaped(void **state)
{
	assert_string_equal(
		rendered("t.html", "<p>{{X}}</p>", LANG_EN, model_with("harmless")), "<p>harmless</p>");
	assert_string_equal(rendered("t.html", "<p>{{X}}</p>", LANG_EN, model_with(HOSTILE)),
		"<p>&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</p>");
	assert_string_equal(rendered("t.html", "<p title=\"{{X}}\">", LANG_EN, model_with("a\" onclick=\"b")),
		"<p title=\"a&quot; onclick=&quot;b\">");
}

static void address_is_checked(void **state)
{
	const char *text = "<a href=\"{{X}}\">";

	assert_string_equal(rendered("t.html", text, LANG_EN, model_with("https://a.example/?b=c&d")),
		"<a href=\"https://a.example/?b=c&amp;d\">");
	assert_string_equal(
		rendered("t.html", text, LANG_EN, model_with("/client/7")), "<a href=\"/client/7\">");
	assert_null(
		strstr(rendered("t.html", text, LANG_EN, model_with("javascript:alert(1)")), "javascript"));
	assert_null(strstr(rendered("t.html", text, LANG_EN, model_with("JaVaScRiPt:alert(1)")), "alert"));
	assert_string_equal(
		rendered("t.html", "<a href=\"/x?to={{X:u}}\">", LANG_EN, model_with("/a?b=c&d\"")),
		"<a href=\"/x?to=/a%3Fb%3Dc%26d%22\">");
}

static void script_is_escaped(void **state)
{
	const char *page =
		rendered("t.html", "<script>var x = '{{X}}';</script>", LANG_EN, model_with("'</script>\n"));

	assert_null(strstr(page, "'</script>"));
	assert_non_null(strstr(page, "\\x27"));
}

static void texts_are_not_escaped(void **state)
{
	assert_string_equal(rendered("t.txt", "{{X}}\n", LANG_EN, model_with(HOSTILE)), HOSTILE "\n");
}

static void lines_of_texts_stay(void **state)
{
	struct model *m = model_new(a);
	const char *text = "a\n\n{{! a note }}\n{{#ROW}}\n- {{X}}\n{{/ROW}}\n\nb {{#NONE}}c{{/NONE}}\nlast";

	model_set(model_section(m, "ROW"), "X", "1");
	model_set(model_section(m, "ROW"), "X", "2");
	assert_string_equal(rendered("t.txt", text, LANG_EN, m), "a\n\n- 1\n- 2\n\nb \nlast");
}

static void views_are_translated_when_loaded(void **state)
{
	struct model *m = model_new(a);

	model_set(m, "NAME", "<b>");
	assert_string_equal(
		rendered("t.html", "[[Hello {{NAME}}]]", LANG_JA, m), "こんにちは、&lt;b&gt;さん");
	assert_string_equal(rendered("t.html", "[[Hello {{NAME}}]]", LANG_EN, m), "Hello &lt;b&gt;");
	assert_string_equal(
		rendered("t.html", "[[ Hello\n\t\t{{NAME}} ]]", LANG_JA, m), "こんにちは、&lt;b&gt;さん");
	assert_string_equal(rendered("t.txt", "[[Hello {{NAME}}]]", LANG_JA, m), "こんにちは、<b>さん");
	/* The translation is text, no markup. */
	assert_string_equal(
		rendered("t.html", "<p>[[Save & go]]</p>", LANG_JA, m), "<p>保存 &lt;次へ&gt;</p>");
	assert_string_equal(rendered("t.html", "<p>[[Save & go]]</p>", LANG_EN, m), "<p>Save &amp; go</p>");
	assert_string_equal(rendered("t.html", "<p>[[Not in the catalogue]]</p>", LANG_JA, m),
		"<p>Not in the catalogue</p>");
}

static void a_domain_has_its_own_catalogue(void **state)
{
	static const char *const domains[] = {"core", "client", NULL};
	struct model *m = model_new(a);
	struct bytes page;

	model_set(m, "NAME", "x");
	view_strings_file("client", "t.html", "[[Hello {{NAME}}]]");
	assert_int_equal(view_strings_load(domains), STATUS_OK);
	assert_int_equal(view_render(a, "client/t.html", LANG_JA, m, &page), STATUS_OK);
	assert_string_equal((const char *)page.data, "別の領域 x");
	/* Loading leaves the thread's language alone. */
	i18n_use(LANG_JA);
	assert_int_equal(view_strings_load(domains), STATUS_OK);
	assert_int_equal(i18n_lang(), LANG_JA);
}

static void sections_repeat_and_see_outwards(void **state)
{
	struct model *m = model_new(a), *row;

	model_set(m, "OUTER", "o");
	model_show(m, "SWITCH");
	for (int i = 1; i <= 3; i++) {
		row = model_section(m, "ROW");
		model_set_int(row, "N", i);
		if (i == 2)
			model_set(row, "OUTER", "own");
	}
	model_setf(m, "F", "%s-%d", "f", 1);
	assert_string_equal(
		rendered("t.html", "{{#ROW}}{{N}}{{OUTER}} {{/ROW}}{{F}}{{#NONE}}no{{/NONE}}", LANG_EN, m),
		"1o 2own 3o f-1");
	/* What is switched on further out shows what is around it here. */
	assert_string_equal(
		rendered("t.html", "{{#ROW}}{{#SWITCH}}{{N}}{{/SWITCH}}{{/ROW}}", LANG_EN, m), "123");
	model_set(m, "F", "again");
	model_set(m, "F", NULL);
	assert_string_equal(rendered("t.html", "[{{F}}]", LANG_EN, m), "[]");
}

static void includes_see_what_is_around_them(void **state)
{
	struct model *layout = model_new(a), *body = model_new(a), *panel;

	view_strings_file("core", "body.html", "<b>{{TITLE}}{{OWN}}{{>PANEL}}{{>BODY}}</b>");
	view_strings_file("core", "panel.html", "<i>{{N}}{{TITLE}}</i>");
	model_set(layout, "TITLE", "<t>");
	model_set(body, "OWN", "own");
	for (int i = 0; i < 2; i++) {
		panel = model_include(body, "PANEL", "core/panel.html");
		model_set_int(panel, "N", i);
	}
	model_adopt(layout, MODEL_NAME("BODY"), "core/body.html", body);
	/* {{>BODY}} within the body is nothing, and no endless loop. */
	assert_string_equal(rendered("t.html", "<p>{{>BODY}}</p>", LANG_EN, layout),
		"<p><b>&lt;t&gt;own<i>0&lt;t&gt;</i><i>1&lt;t&gt;</i></b></p>");
}

static void wrong_includes_are_told(void **state)
{
	struct model *m = model_new(a);
	struct bytes page = {0};

	view_strings_file("core", "t.html", "<p>{{>BODY}}</p>");
	view_strings_file("core", "plain.txt", "<script>");
	assert_int_equal(view_strings_load(NULL), STATUS_OK);
	model_include(m, "BODY", "core/plain.txt");
	assert_int_equal(view_render(a, "core/t.html", LANG_EN, m, &page), STATUS_INTERNAL);
	assert_non_null(strstr(cause_text(), "core/plain.txt"));
	m = model_new(a);
	model_include(m, "BODY", "core/none.html");
	assert_int_equal(view_render(a, "core/t.html", LANG_EN, m, &page), STATUS_INTERNAL);
	assert_non_null(strstr(cause_text(), "core/none.html"));
	assert_int_equal(view_render(a, "core/none.html", LANG_EN, m, &page), STATUS_INTERNAL);
	assert_null(page.data);
}

static void refused(const char *text, const char *why)
{
	view_strings_file("core", "bad.html", text);
	assert_int_equal(view_strings_load(NULL), STATUS_INVALID);
	if (!strstr(cause_text(), "core/bad.html") || !strstr(cause_text(), why))
		fail_msg("%s: %s", text, cause_text());
}

static void unsafe_views_are_refused(void **state)
{
	struct bytes page;

	view_strings_file("core", "good.html", "<p>{{X}}</p>");
	refused("<p {{X}}=\"1\" onclick=\"{{Y}}\" {{>Z}}", "");
	refused("{{#A}}<p>", "refused");
	refused("<p>{{X:none}}</p>", "escaping");
	refused("{{=<% %>=}}<p><%X%></p>", "not allowed");
	refused("{{%AUTOESCAPE context=\"MANUAL\"}}{{X}}", "not allowed");
	refused("<p>[[text</p>", "[[");
	refused("<p>[[ ]]</p>", "[[");
	refused("<p>\xff</p>", "UTF-8");
	/* The views that were there before still work. */
	assert_int_equal(view_render(a, "core/t.html", LANG_EN, model_new(a), &page), STATUS_OK);
	unlink(arena_printf(a, "%s/core/bad.html", view_strings_dir()));
	assert_int_equal(view_strings_load(NULL), STATUS_OK);
	assert_int_equal(view_render(a, "core/good.html", LANG_EN, model_new(a), &page), STATUS_OK);
	static const char *const none[] = {NULL};
	assert_int_equal(view_start("/nonexistent", none), STATUS_INVALID);
}

static void *renders(void *context)
{
	struct arena *own = arena_new();

	for (int i = 0; i < 200; i++) {
		enum lang lang = i % 2 ? LANG_JA : LANG_EN;
		struct model *m = model_new(own);
		struct bytes page;

		model_setf(m, "NAME", "%d", i);
		assert_int_equal(view_render(own, "core/threads.html", lang, m, &page), STATUS_OK);
		assert_string_equal(
			(const char *)page.data, lang == LANG_JA ? arena_printf(own, "こんにちは、%dさん", i)
								 : arena_printf(own, "Hello %d", i));
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

static void threads_render_at_once(void **state)
{
	pthread_t threads[4];

	view_strings_file("core", "threads.html", "[[Hello {{NAME}}]]");
	assert_int_equal(view_strings_load(NULL), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, renders, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
}

/* The views of this source tree, as `inkan check` loads them. */
static void views_of_the_tree_load(void **state)
{
	static const char *const domains[] = {
		"core", "client", "upstream_local", "demo_idp", "demo_mailbox", NULL};

	if (view_start(SOURCE_DIR "/views", domains) != STATUS_OK)
		fail_msg("%s", cause_text());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(address_is_checked),
		cmocka_unit_test(script_is_escaped),
		cmocka_unit_test(texts_are_not_escaped),
		cmocka_unit_test(lines_of_texts_stay),
		cmocka_unit_test(views_are_translated_when_loaded),
		cmocka_unit_test(a_domain_has_its_own_catalogue),
		cmocka_unit_test(sections_repeat_and_see_outwards),
		cmocka_unit_test(includes_see_what_is_around_them),
		cmocka_unit_test(wrong_includes_are_told),
		cmocka_unit_test(unsafe_views_are_refused),
		cmocka_unit_test(threads_render_at_once),
		cmocka_unit_test(views_of_the_tree_load),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
