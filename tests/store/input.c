/* Tests of bad input to the pages of a user: every field of every form, every part of an address, numbers that nobody has. */
#include "support/check.h"

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

#define KEY "AAAAAAAAAAAAAAAAAAAAAA"

static struct arena *a;
static struct db *db;
static struct user taro;
static const char *session;

static const struct certificate_type card_type = {.title = "Card",
	.button = "Card",
	.purpose = "For tests.",
	.variant_of = "client",
	.box = "On a card",
	.settings = &test_client_settings};
static const struct plugin card = {.abi = INKAN_ABI, .name = "card", .type = &card_type};

static int set_up(void **state)
{
	test_client_settings.choose_validity = true;
	a = pages_test_open((const struct plugin *const[]){&test_client, &card, &test_local, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	taro = test_user(db, a, "taro");
	session = pages_session(&taro);
	return 0;
}

/* What a browser could send, or something that is none. */
struct form {
	const char *path;
	const char *good[4]; /* "name=value": what is accepted */
	unsigned number;     /* of the application that it is about */
};
static const struct form forms[] = {
	{"/client/apply", {"form_key=" KEY, "profile=14", "variant=card"}, 0},
	{"/client/%u/memo", {"memo=for my notebook"}, 1},
	{"/client/%u/mute", {"muted=1"}, 1},
	{"/client/%u/renew", {"form_key=" KEY}, 1},
	{"/client/%u/revoke", {"form_key=" KEY, "reason=4", "understood=1"}, 1},
	{"/client/%u/mail", {NULL}, 2},
	{"/calendar", {NULL}, 0},
	{"/calendar/end", {NULL}, 0},
};

static const char *path_of(const struct form *form, const char *number)
{
	const char *place = strstr(form->path, "%u");

	return place ? arena_printf(a, "%.*s%s%s", (int)(place - form->path), form->path, number, place + 2) : form->path;
}

/* The form as it should be, but for field i. */
static const char *body_of(const struct form *form, size_t i, const char *value)
{
	const char *body = "";

	for (size_t k = 0; k < COUNT_OF(form->good) && form->good[k]; k++) {
		size_t name = strcspn(form->good[k], "=");
		const char *field = k == i ? arena_printf(a, "%.*s=%s", (int)name, form->good[k], value) : form->good[k];
		body = arena_printf(a, "%s%s%s", body, *body ? "&" : "", field);
	}
	return body;
}

static void applications_make(void)
{
	(void)test_in_state(db, a, &taro, APPLICATION_TAKEN);
	(void)test_in_state(db, a, &taro, APPLICATION_PIN);
	mariadb_exec("DELETE FROM job");
}

/* Changes when anything of an application but its memo has changed. */
static int64_t rows_now(void)
{
	return mariadb_number("SELECT SUM(CRC32(CONCAT_WS('|', id, number, state, type, profile, subject, live_until, changed_at, renewals, "
			      "reason, muted, issue_mail_at))) + (SELECT COUNT(*) FROM job) FROM application");
}

static void every_field_takes_what_it_should(void **state)
{
	static const char *const bad[] = {"", "%00", ("A%00" KEY), "%FF%FE", "%C0%80", "%ED%A0%80", "%0D%0ASet-Cookie:%20a=b", "a%0Ab", "%7F",
		"%E2%80%AE", "'%20OR%201=1%20--%20", "..%2F..%2Fetc%2Fpasswd", "%3Cscript%3Ealert(1)%3C/script%3E", "-1", "2",
		"99999999999999999999", "1e1", "%EF%BC%91", "%25s%25n", "\xe7\x94\xb3\xe8\xab\x8b"};
	char *longest = arena_alloc(a, 5001);

	applications_make();
	memset(longest, 'a', 5000);
	int64_t before = rows_now(), refused = 0;
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		bool memo = strstr(forms[f].path, "memo") != NULL;
		const char *path = path_of(&forms[f], arena_printf(a, "%u", forms[f].number));
		for (size_t i = 0; i < COUNT_OF(forms[f].good) && forms[f].good[i]; i++) {
			for (size_t b = 0; b <= COUNT_OF(bad); b++) {
				const char *value = b < COUNT_OF(bad) ? bad[b] : longest;
				/* The first validity and no variant are what an empty field means. */
				if (!value[0] && (text_starts(forms[f].good[i], "profile") || memo))
					continue;
				int http = pages_post(session, path, body_of(&forms[f], i, value), NULL).http;
				if (http != 400 && !(memo && http == 303))
					fail_msg("%s with %s as \"%s\": %d", path, forms[f].good[i], value, http);
				refused += http == 400;
			}
		}
	}
	assert_int_equal(rows_now(), before);
	assert_true(refused > 150);
	/* None of it is a reason to fail that is the server's. */
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM conflict"), 0);
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		const char *path = path_of(&forms[f], arena_printf(a, "%u", forms[f].number));
		int http = pages_post(session, path, body_of(&forms[f], SIZE_MAX, ""), NULL).http;
		if (http != 303 && http != 200)
			fail_msg("%s in order: %d", path, http);
	}
	assert_int_not_equal(rows_now(), before);
}

static void every_form_needs_its_token(void **state)
{
	applications_make();
	int64_t before = rows_now();
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		const char *path = path_of(&forms[f], arena_printf(a, "%u", forms[f].number)), *body = body_of(&forms[f], SIZE_MAX, "");
		assert_int_equal(pages_post(session, path, body, "").http, 403);
		assert_int_equal(pages_post(session, path, body, "x").http, 403);
		assert_int_equal(pages_post(session, path, body, pages_csrf(pages_session(&taro))).http, 403); /* of another session */
	}
	assert_int_equal(rows_now(), before);
	for (size_t f = 0; f < COUNT_OF(forms); f++) /* the control */
		assert_int_not_equal(pages_post(session, path_of(&forms[f], arena_printf(a, "%u", forms[f].number)),
					     body_of(&forms[f], SIZE_MAX, ""), NULL)
					     .http,
			403);
}

static void numbers_that_nobody_has(void **state)
{
	static const char *const numbers[] = {"3", "0", "00", "01", "-1", "+1", "1.0", "1e0", "x", "1x", "0x1", "4294967296", "4294967297",
		"18446744073709551617", "99999999999999999999999", "%31%00", "1%20", "\xef\xbc\x91"};
	static const char *const pages[] = {"", "/applied", "/status", "/revoke", "/revoking", "/renew"};
	struct user hanako = test_user(db, a, "hanako");

	applications_make();
	(void)test_in_state(db, a, &hanako, APPLICATION_TAKEN); /* her number 1 is not his 3 */
	int64_t before = rows_now();
	for (size_t n = 0; n < COUNT_OF(numbers); n++) {
		for (size_t p = 0; p < COUNT_OF(pages); p++) {
			int http = pages_get("ja", session, arena_printf(a, "/client/%s%s", numbers[n], pages[p])).http;
			if (http != 404 && http != 400)
				fail_msg("/client/%s%s: %d", numbers[n], pages[p], http);
		}
		for (size_t f = 0; f < COUNT_OF(forms); f++) {
			if (!strstr(forms[f].path, "%u"))
				continue;
			int http = pages_post(session, path_of(&forms[f], numbers[n]), body_of(&forms[f], SIZE_MAX, ""), NULL).http;
			if (http != 404 && http != 400)
				fail_msg("%s with %s: %d", forms[f].path, numbers[n], http);
		}
	}
	assert_int_equal(rows_now(), before);
	struct answer page = pages_get("ja", session, "/client/3");
	assert_int_equal(page.http, 404);
	assert_non_null(strstr(page.page, "<html lang=\"ja\">"));
	for (size_t p = 0; p < COUNT_OF(pages); p++) { /* the control; /revoking leads back when there is nothing to tell */
		int http = pages_get("ja", session, arena_printf(a, "/client/1%s", pages[p])).http;
		assert_true(http == 200 || http == 303);
	}
}

static void types_that_have_no_form(void **state)
{
	static const char *const names[] = {"nothing", "card", "upstream_local", "core", "client%00", "Client", "%2e%2e"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *path = arena_printf(a, "/%s/apply", names[i]);
		int get = pages_get("en", session, path).http, post = pages_post(session, path, "form_key=" KEY, NULL).http;
		if ((get != 404 && get != 400) || (post != 404 && post != 400))
			fail_msg("%s: %d and %d", path, get, post);
	}
	assert_int_equal(pages_get("en", session, "/client/apply?variant=client").http, 400);
	assert_int_equal(pages_get("en", session, "/client/apply?profile=99").http, 400);
	assert_int_equal(pages_get("en", session, "/client/apply?variant=card&profile=14").http, 200);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 0);
}

static void the_list_is_asked_for_nonsense(void **state)
{
	static const struct {
		const char *query;
		int http;
	} cases[] = {
		{"below=0", 400}, {"below=-1", 400}, {"below=x", 400}, {"below=4294967296", 400}, {"below=99999999999999999999", 400},
		{"below=1%00", 400}, {"state=nothing", 400}, {"state=VALID", 400}, {"state=valid%00", 400}, {"q=%00", 400}, {"q=%FF", 400},
		{"q=a%0Ab", 400}, {"q=a+b+c+d+e+f+g+h+i+j+k", 400}, {"q=%25%27%22%5C_", 200}, {"q=%3Cscript%3E", 200}, {"valid=x", 200},
		{"below=2&state=valid&q=1&valid=1", 200}, {"unknown=1", 200},
	};
	char *longest = arena_alloc(a, 300);

	applications_make();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct answer page = pages_get("ja", session, arena_printf(a, "/?%s", cases[i].query));
		if (page.http != cases[i].http)
			fail_msg("/?%s: %d", cases[i].query, page.http);
		assert_null(strstr(page.page, "<script>"));
	}
	memset(longest, 'a', 201);
	assert_int_equal(pages_get("ja", session, arena_printf(a, "/?q=%s", longest)).http, 400);
	longest[200] = '\0';
	assert_int_equal(pages_get("ja", session, arena_printf(a, "/?q=%s", longest)).http, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_field_takes_what_it_should, fresh),
		cmocka_unit_test_setup(every_form_needs_its_token, fresh),
		cmocka_unit_test_setup(numbers_that_nobody_has, fresh),
		cmocka_unit_test_setup(types_that_have_no_form, fresh),
		cmocka_unit_test_setup(the_list_is_asked_for_nonsense, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
