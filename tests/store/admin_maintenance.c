/* Tests of maintenance mode on a real database: preview, setting, windows, two administrators at a time, and what users may do meanwhile. */
#include "support/check.h"

#include <pthread.h>
#include <unistd.h>

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/request_maker.h"

#define MESSAGES "message_ja=%E4%BF%9D%E5%AE%88%E4%B8%AD%E3%81%A7%E3%81%99&message_en=We+are+%3Cb%3Ebusy%3C%2Fb%3E"
#define JA "保守中です"
#define EN "We are &lt;b&gt;busy&lt;/b&gt;"

static struct arena *a;
static struct db *db;
static struct user taro, admin, second, desk;
static const char *taro_session, *admin_session, *second_session, *desk_session;

static int set_up(void **state)
{
	test_client_settings.validity.n = 1;
	a = pages_test_open(
		(const struct plugin *const[]){&test_client, &test_local, NULL}, (const char *const[]){"admin_maintenance", NULL}, &db);
	return 0;
}

static const char *url(const char *text)
{
	return text_url_encode(a, text);
}

static const char *form_with(const char *start, const char *from, const char *until, int64_t seen, const char *more)
{
	return arena_printf(a, "version=%lld&start=%s&from=%s&until=%s&%s%s", (long long)seen, start, url(from), url(until), MESSAGES, more);
}

static struct answer set_as(const char *session, const char *form)
{
	return pages_post(session, "/admin_maintenance/set", form, NULL);
}

static int64_t version(void)
{
	return mariadb_number("SELECT COALESCE(MAX(version), 0) FROM inkan.maintenance");
}

/* Off, and known to be off. */
static int fresh(void **state)
{
	assert_true(pages_clock(0));
	taro = test_user(db, a, "taro");
	admin = test_user(db, a, "admin");
	desk = test_user(db, a, "helpdesk");
	second = admin;
	taro_session = pages_session(&taro);
	admin_session = pages_admin_session(&admin);
	second_session = pages_admin_session(&second);
	desk_session = pages_admin_session(&desk);
	mariadb_exec("DELETE FROM inkan.maintenance");
	usleep(1100 * 1000);
	assert_null(strstr(pages_get("en", "", "/").page, "class=\"pause\""));
	return 0;
}

static bool banner(const char *lang, const char *session, const char *path, const char *text)
{
	struct answer answer = pages_get(lang, session, path);
	const char *pause = strstr(answer.page, "class=\"pause\"");
	return pause && strstr(pause, text) && strstr(pause, text) < strstr(pause, "</aside>");
}

/* --- Who may ---------------------------------------------------------------------------------------------------------------------- */

static void only_the_full_role_changes_it(void **state)
{
	const char *form = form_with("now", "", "", 0, "");

	assert_int_equal(pages_get("en", taro_session, "/admin_maintenance").http, 404);
	assert_int_equal(set_as(taro_session, form).http, 404);
	struct answer page = pages_get("en", desk_session, "/admin_maintenance");
	assert_int_equal(page.http, 200);
	assert_true(says(page, "Normal operation") && says(page, "Your role may see this"));
	assert_false(says(page, "<textarea"));
	assert_int_equal(set_as(desk_session, form).http, 403);
	assert_int_equal(pages_post(desk_session, "/admin_maintenance/end", "version=0", NULL).http, 403);
	assert_int_equal(pages_post(admin_session, "/admin_maintenance/set", form, "wrong").http, 403);
	assert_int_equal(version(), 0);
	assert_true(says(pages_get("en", admin_session, "/admin_maintenance"), "<textarea"));
	assert_int_equal(set_as(admin_session, form).http, 303);
	assert_int_equal(version(), 1);
}

/* --- Setting ---------------------------------------------------------------------------------------------------------------------- */

static void the_preview_shows_what_users_will_see_and_sets_nothing(void **state)
{
	struct answer page = pages_post(admin_session, "/admin_maintenance/confirm", form_with("now", "", "", 0, ""), NULL);

	assert_int_equal(page.http, 200);
	assert_true(says(page, "<p class=\"pause\" lang=\"ja\">" JA) && says(page, "<p class=\"pause\" lang=\"en\">" EN));
	assert_int_equal(version(), 0);
	assert_false(banner("en", "", "/", EN));
	page = pages_post(admin_session, "/admin_maintenance/confirm", form_with("now", "", "", 0, "&edit=1"), NULL);
	assert_true(page.http == 200 && says(page, "<textarea") && says(page, EN "</textarea>"));
}

static struct application taken(void)
{
	return test_in_state(db, a, &taro, APPLICATION_TAKEN);
}

static void what_users_do_pauses_and_what_they_look_at_goes_on(void **state)
{
	struct application app = taken(), open = test_in_state(db, a, &taro, APPLICATION_PIN);
	const char *base = arena_printf(a, "/client/%u", app.number);
	const char *const paused[] = {"/client/apply", arena_printf(a, "%s/memo", base), arena_printf(a, "%s/revoke", base), arena_printf(a, "%s/renew", base)};

	struct answer before = pages_post(taro_session, paused[1], "memo=one", NULL);
	assert_int_equal(before.http, 303);
	assert_false(says(pages_get("en", taro_session, base), "id=\"memo-paused\""));
	int64_t audits = mariadb_audited("admin.maintenance.set");
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	assert_int_equal(mariadb_audited("admin.maintenance.set"), audits + 1);
	/* This process knows at once; the banner is on every page, in each language. */
	assert_true(banner("en", "", "/", EN) && banner("ja", "", "/", JA) && banner("en", "", "/login", EN) && banner("en", taro_session, "/", EN));
	assert_true(banner("en", "", "/help", EN) && banner("en", "", "/no/such/page/x", EN) && banner("en", admin_session, "/admin_maintenance", EN));
	for (size_t i = 0; i < COUNT_OF(paused); i++) {
		struct answer refused = pages_post(taro_session, paused[i], "memo=two", NULL);
		assert_int_equal(refused.http, 503);
		assert_non_null(refused.retry_after);
		assert_true(says(refused, "under maintenance") && says(refused, "Meanwhile you can"));
		if (i != 1)
			assert_int_equal(pages_get("en", taro_session, paused[i]).http, 503);
	}
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.application WHERE id = %llu AND memo = 'one'", (unsigned long long)app.id)), 1);
	struct answer page = pages_get("en", taro_session, "/");
	assert_int_equal(page.http, 200);
	assert_true(says(page, "aria-describedby=\"paused-client\" disabled>Apply for a client certificate"));
	page = pages_get("en", taro_session, base);
	assert_true(says(page, "id=\"revoke-button\" aria-describedby=\"revoke-why\" disabled"));
	assert_true(says(page, "id=\"renew-button\" aria-describedby=\"renew-why\" disabled"));
	assert_true(says(page, "id=\"memo-paused\"") && !says(page, "<dialog"));
	/* Looking, the PIN, and what is not named go on. */
	page = pages_get("en", taro_session, arena_printf(a, "/client/%u", open.number));
	assert_true(page.http == 200 && says(page, "id=\"pin\""));
	assert_int_equal(pages_post(taro_session, arena_printf(a, "%s/mute", base), "muted=1", NULL).http, 303);
	/* Ending it opens everything again. */
	page = pages_get("en", admin_session, "/admin_maintenance/end");
	assert_true(page.http == 200 && says(page, "name=\"version\" value=\"1\""));
	assert_int_equal(pages_post(admin_session, "/admin_maintenance/end", "version=1", NULL).http, 303);
	assert_int_equal(mariadb_audited("admin.maintenance.ended"), 1);
	assert_int_equal(pages_post(taro_session, paused[1], "memo=three", NULL).http, 303);
	assert_false(banner("en", "", "/", EN));
	/* The messages are offered again. */
	assert_true(says(pages_get("en", admin_session, "/admin_maintenance"), EN "</textarea>"));
}

static void news_of_a_page_come_when_maintenance_begins(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);
	const char *path = arena_printf(a, "/client/%u/status", app.number);
	const char *before = pages_get("en", taro_session, path).etag;

	assert_string_equal(pages_get("en", taro_session, path).etag, before);
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	assert_string_not_equal(pages_get("en", taro_session, path).etag, before);
}

/* --- Windows ---------------------------------------------------------------------------------------------------------------------- */

static const char *field_at(when in)
{
	return clock_field(a, clock_now() + in);
}

static void a_window_begins_and_ends_by_itself(void **state)
{
	const char *from = field_at(2 * HOUR), *until = field_at(4 * HOUR);
	struct application app = taken();
	const char *memo = arena_printf(a, "/client/%u/memo", app.number);

	struct answer page = pages_post(admin_session, "/admin_maintenance/confirm", form_with("later", from, until, 0, "&announced=1"), NULL);
	assert_true(page.http == 200 && says(page, "Announcement, from now on") && says(page, "Scheduled maintenance:"));
	assert_int_equal(set_as(admin_session, form_with("later", from, until, 0, "&announced=1")).http, 303);
	assert_true(banner("en", "", "/", "Scheduled maintenance:") && banner("en", "", "/", EN));
	assert_int_equal(pages_post(taro_session, memo, "memo=ahead", NULL).http, 303);
	assert_true(says(pages_get("en", admin_session, "/admin_maintenance"), "Cancel the scheduled maintenance"));
	assert_true(pages_clock(3 * HOUR));
	assert_true(banner("en", "", "/", "Expected end:"));
	struct answer refused = pages_post(taro_session, memo, "memo=in", NULL);
	int64_t seconds = 0;
	assert_int_equal(refused.http, 503);
	assert_true(text_int(refused.retry_after, 1, INT64_MAX, &seconds));
	assert_in_range(seconds, 3600 - 90, 3600 + 90); /* fields have minutes */
	assert_true(pages_clock(5 * HOUR));
	assert_false(banner("en", "", "/", EN));
	assert_int_equal(pages_post(taro_session, memo, "memo=after", NULL).http, 303);
	assert_true(says(pages_get("en", admin_session, "/admin_maintenance"), "The window has ended."));
	assert_true(pages_clock(0));
	/* Not announced: silence until it begins. */
	assert_int_equal(set_as(admin_session, form_with("later", from, "", version(), "")).http, 303);
	assert_false(banner("en", "", "/", EN));
	assert_true(pages_clock(100 * DAY));
	assert_true(banner("en", "", "/", EN));
	assert_true(pages_clock(0));
	page = pages_post(admin_session, "/admin_maintenance/end", arena_printf(a, "version=%lld", (long long)version()), NULL);
	assert_int_equal(page.http, 303);
	assert_true(pages_clock(100 * DAY));
	assert_false(banner("en", "", "/", EN));
	assert_true(pages_clock(0));
}

static void a_change_does_not_begin_it_anew(void **state)
{
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	int64_t from = mariadb_number("SELECT from_at FROM inkan.maintenance");
	usleep(20 * 1000);
	struct answer page = pages_get("en", admin_session, "/admin_maintenance");
	assert_true(says(page, "name=\"start\" value=\"keep\"") && says(page, "End maintenance mode"));
	assert_int_equal(set_as(admin_session, form_with("keep", "", field_at(HOUR), 1, "")).http, 303);
	assert_int_equal(mariadb_number("SELECT from_at FROM inkan.maintenance"), from);
	assert_true(banner("en", "", "/", "Expected end:"));
}

/* --- Two at a time ---------------------------------------------------------------------------------------------------------------- */

static void the_second_administrator_is_told_and_wins_when_he_insists(void **state)
{
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	const char *other = "version=0&start=now&message_ja=%E5%88%A5&message_en=Another";
	struct answer page = set_as(second_session, other);
	assert_int_equal(page.http, 409);
	assert_true(says(page, "Another administrator has changed") && says(page, EN) && says(page, PAGES_ADMIN));
	assert_true(says(page, "name=\"version\" value=\"1\""));
	assert_true(banner("en", "", "/", EN));
	assert_int_equal(version(), 1);
	page = set_as(second_session, "version=1&start=now&message_ja=%E5%88%A5&message_en=Another");
	assert_int_equal(page.http, 303);
	assert_true(banner("en", "", "/", "Another"));
	/* Ending what one has not seen asks again. */
	page = pages_post(admin_session, "/admin_maintenance/end", "version=1", NULL);
	assert_int_equal(page.http, 409);
	assert_true(says(page, "name=\"version\" value=\"2\""));
	assert_true(banner("en", "", "/", "Another"));
	assert_int_equal(pages_post(admin_session, "/admin_maintenance/end", "version=2", NULL).http, 303);
	/* The same form once more: it is done already. */
	assert_int_equal(pages_post(admin_session, "/admin_maintenance/end", "version=2", NULL).http, 303);
	assert_int_equal(version(), 3);
}

static void the_same_form_twice_is_one_setting(void **state)
{
	const char *form = form_with("now", "", "", 0, "");

	assert_int_equal(set_as(admin_session, form).http, 303);
	assert_int_equal(set_as(admin_session, form).http, 303);
	assert_int_equal(version(), 1);
}

/* --- Bad input -------------------------------------------------------------------------------------------------------------------- */

static void what_cannot_be_is_not_set(void **state)
{
	const char *long_message = arena_printf(a, "%0301d", 0);
	const struct {
		const char *form, *why;
	} bad[] = {
		{form_with("later", "", "", 0, ""), "date and time of the beginning"},
		{form_with("later", "tomorrow", "", 0, ""), "date and time of the beginning"},
		{form_with("later", field_at(-HOUR), "", 0, ""), "This time is over"},
		{form_with("later", field_at(400 * DAY), "", 0, ""), "more than a year"},
		{form_with("now", "", "2026-13-01T00:00", 0, ""), "date and time of the end"},
		{form_with("now", "", field_at(-HOUR), 0, ""), "The end must be later"},
		{form_with("later", field_at(2 * HOUR), field_at(HOUR), 0, ""), "The end must be later"},
		{"version=0&start=now&message_ja=&message_en=x", "Please enter the message."},
		{"version=0&start=now&message_ja=x", "Please enter the message."},
		{arena_printf(a, "version=0&start=now&message_ja=x&message_en=%s", long_message), "at most 300 characters"},
		{"version=0&start=now&message_ja=x&message_en=a%0Ab%0Ac%0Ad%0Ae%0Af%0Ag", "at most 300 characters"},
		{"version=0&start=now&message_ja=x&message_en=a%1Bb", "at most 300 characters"},
		{"version=0&start=now&message_ja=x&message_en=a%E2%80%AEb", "at most 300 characters"},
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct answer page = pages_post(admin_session, "/admin_maintenance/confirm", bad[i].form, NULL);
		assert_int_equal(page.http, 400);
		if (!says(page, bad[i].why) || !says(page, "aria-invalid=\"true\""))
			fail_msg("%zu: %s", i, bad[i].form);
		assert_int_equal(set_as(admin_session, bad[i].form).http, 400);
	}
	assert_int_equal(version(), 0);
	/* What is just allowed: 300 characters on 6 lines, of which the banner keeps the line ends. */
	const char *most = arena_printf(a, "version=0&start=now&message_ja=x&message_en=a%%0D%%0Ab%%0D%%0Ac%%0D%%0Ad%%0D%%0Ae%%0D%%0A%0290d", 1);
	assert_int_equal(set_as(admin_session, most).http, 303);
	assert_true(banner("en", "", "/", "a\nb\nc\nd\ne\n0000"));
}

/* --- Other processes -------------------------------------------------------------------------------------------------------------- */

static when noticed(const char *text)
{
	when begun = clock_monotonic();

	while (!banner("en", "", "/", text) && clock_monotonic() - begun < 5 * SECOND)
		usleep(50 * 1000);
	return clock_monotonic() - begun;
}

static void what_another_process_sets_is_known_within_two_seconds(void **state)
{
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	assert_true(banner("en", "", "/", EN));
	mariadb_exec("UPDATE inkan.maintenance SET message_en = 'Elsewhere', version = 2");
	assert_false(banner("en", "", "/", "Elsewhere")); /* it is not read with every page */
	assert_in_range(noticed("Elsewhere"), 0, 2 * SECOND);
}

static void without_the_database_the_last_known_state_counts(void **state)
{
	assert_int_equal(set_as(admin_session, form_with("now", "", "", 0, "")).http, 303);
	assert_true(banner("en", "", "/", EN));
	mariadb_kill();
	usleep(1200 * 1000);
	bool kept = banner("en", "", "/", EN);
	when begun = clock_monotonic();
	for (int i = 0; i < 20; i++)
		kept = kept && banner("en", "", "/", EN);
	when took = clock_monotonic() - begun;
	mariadb_restart();
	assert_true(kept);
	assert_in_range(took, 0, SECOND); /* not every page asks in vain */
	assert_int_equal(pages_post(admin_session, "/admin_maintenance/end", "version=1", NULL).http, 303);
	assert_false(banner("en", "", "/", EN));
}

#define THREADS 4
#define LOOKS 400

static void *look(void *unused)
{
	const struct plugin *plugin = plugin_find("admin_maintenance");
	struct db *own = mariadb_db();
	struct arena *mine = arena_new();
	uintptr_t bad = 0;

	for (int i = 0; i < LOOKS; i++) {
		struct site_pause pause = {0};
		struct request *rq = request_make_get(mine, own, "/", NULL);
		bad += plugin->pause(rq, &pause) != STATUS_OK;
		bad += pause.paused && !text_same(pause.message, "first") && !text_same(pause.message, "second");
		usleep(1000);
		arena_reset(mine);
	}
	arena_free(mine);
	db_free(own);
	return (void *)bad;
}

static void threads_see_one_whole_state_or_the_other(void **state)
{
	pthread_t threads[THREADS];
	uintptr_t bad = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
	for (int i = 0; i < 12; i++) {
		const char *text = i % 2 ? "first" : "second";
		assert_int_equal(set_as(admin_session, arena_printf(a, "version=%d&start=now&message_ja=%s&message_en=%s", i, text, text)).http, 303);
		usleep(30 * 1000);
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		bad += (uintptr_t)result;
	}
	assert_int_equal(bad, 0);
	assert_int_equal(version(), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_the_full_role_changes_it, fresh),
		cmocka_unit_test_setup(the_preview_shows_what_users_will_see_and_sets_nothing, fresh),
		cmocka_unit_test_setup(what_users_do_pauses_and_what_they_look_at_goes_on, fresh),
		cmocka_unit_test_setup(news_of_a_page_come_when_maintenance_begins, fresh),
		cmocka_unit_test_setup(a_window_begins_and_ends_by_itself, fresh),
		cmocka_unit_test_setup(a_change_does_not_begin_it_anew, fresh),
		cmocka_unit_test_setup(the_second_administrator_is_told_and_wins_when_he_insists, fresh),
		cmocka_unit_test_setup(the_same_form_twice_is_one_setting, fresh),
		cmocka_unit_test_setup(what_cannot_be_is_not_set, fresh),
		cmocka_unit_test_setup(what_another_process_sets_is_known_within_two_seconds, fresh),
		cmocka_unit_test_setup(threads_see_one_whole_state_or_the_other, fresh),
		cmocka_unit_test_setup(without_the_database_the_last_known_state_counts, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
