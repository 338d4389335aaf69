/* Tests of whose imported certificates are: given at the log-in when it can be told, taken by an administrator from who was given them by
 * mistake, and given back. */
#include "support/check.h"

#include "pages/handlers.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/pages.h"
#include "support/saml_forge.h"

#define KEY_1 "AAAAAAAAAAAAAAAAAAAAAA"

static struct arena *a;
static struct db *db;
static struct user admin, help_desk;
static const char *session;

static int set_up(void **state)
{
	a = pages_test_open(NULL, (const char *const[]){"client", "upstream_local", "admin_users", NULL}, &db);
	check_ok(saml_start(&forge_world()->settings, FORGE_PORTAL));
	return 0;
}

static int tear_down(void **state)
{
	saml_stop();
	return pages_test_close(state);
}

static struct user person(const char *eppn, const char *idp, const char *mail)
{
	struct user u;

	check_ok(user_login(db, a, eppn, idp, "Some Body", mail, LANG_EN, &u));
	return u;
}

static int fresh(void **state)
{
	mariadb_clear();
	pages_clock(0);
	admin = person(PAGES_ADMIN, FORGE_IDP, PAGES_ADMIN);
	help_desk = person(PAGES_HELP_DESK, FORGE_IDP, PAGES_HELP_DESK);
	session = pages_admin_session(&admin);
	return 0;
}

/* A row as the import leaves it when nobody is known to own it. */
static uint64_t waiting(const char *serial, const char *mail)
{
	mariadb_exec(arena_printf(a,
		"INSERT INTO application (state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at,"
		" taken_at, serial, not_before, not_after, import_key) VALUES ('TAKEN', 'client', 'upstream_local', '5', 52, 'CN=%s', 4000000000000, '',"
		" '%s', '', 1, 1, 1, '%s', 1, 4000000000000, UNHEX(SHA2('%s', 256)))",
		serial, mail, serial, serial));
	return (uint64_t)mariadb_number("SELECT MAX(id) FROM application");
}

static int64_t owner_of(uint64_t id)
{
	return mariadb_number(arena_printf(a, "SELECT COALESCE(user_id, 0) FROM application WHERE id = %llu", (unsigned long long)id));
}

static void log_in(const struct user *user)
{
	check_ok(attach_waiting(db, a, user));
}

static const char *path_of(uint64_t id, const char *end)
{
	return arena_printf(a, "/admin_users/certificates/%llu%s", (unsigned long long)id, end);
}

static const char *form(const struct user *owner, const char *more)
{
	return arena_printf(a, "form_key=" KEY_1 "&owner=%llu%s", (unsigned long long)owner->id, more);
}

/* --- The log-in ----------------------------------------------------------------------------------------------------------------------- */

static void one_with_the_address_is_given_it(void **state)
{
	uint64_t id = waiting("a1", "taro@u.test"), other = waiting("a2", "hanako@u.test");
	struct user taro = person("taro@u.test", FORGE_IDP, "Taro@U.test");

	log_in(&taro);
	assert_int_equal(owner_of(id), taro.id);
	assert_int_equal(owner_of(other), 0);
	assert_int_equal(mariadb_audited("application.attached"), 1);
}

static void nobody_is_while_two_have_it(void **state)
{
	uint64_t id = waiting("b1", "shared@u.test");
	struct user one = person("one@u.test", FORGE_IDP, "Shared@u.test"), two = person("two@u.test", FORGE_IDP, "shared@U.TEST");

	log_in(&one);
	log_in(&two);
	log_in(&one);
	assert_int_equal(owner_of(id), 0);
	/* The other has another address by now. */
	(void)person("two@u.test", FORGE_IDP, "two@u.test");
	log_in(&one);
	assert_int_equal(owner_of(id), one.id);
}

static void who_has_long_left_is_no_rival(void **state)
{
	uint64_t id = waiting("c1", "shared@u.test");
	struct user one = person("one@u.test", FORGE_IDP, "shared@u.test"), gone = person("gone@u.test", FORGE_IDP, "shared@u.test");

	mariadb_exec(arena_printf(a, "UPDATE user SET seen_at = %lld WHERE id = %llu", (long long)(clock_now() - 399 * DAY), (unsigned long long)gone.id));
	log_in(&one);
	assert_int_equal(owner_of(id), 0);
	mariadb_exec(arena_printf(a, "UPDATE user SET seen_at = %lld WHERE id = %llu", (long long)(clock_now() - 401 * DAY), (unsigned long long)gone.id));
	log_in(&one);
	assert_int_equal(owner_of(id), one.id);
}

/* Whoever runs an IdP can neither take what is others' by asserting their addresses, nor keep them from it. */
static void another_idp_makes_no_rival(void **state)
{
	uint64_t id = waiting("d1", "taro@u.test");
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test"), thief = person("x@other.test", FORGE_OTHER_IDP, "taro@u.test");

	log_in(&thief);
	assert_int_equal(owner_of(id), 0);
	log_in(&taro);
	assert_int_equal(owner_of(id), taro.id);
}

/* --- The administrator ---------------------------------------------------------------------------------------------------------------- */

static void taken_from_the_wrong_one(void **state)
{
	uint64_t older = waiting("e1", "shared@u.test"), id = waiting("e2", "shared@u.test"), apart = waiting("e3", "shared@u.test");
	mariadb_exec(arena_printf(a, "UPDATE application SET renews = %llu, place = renews WHERE id = %llu", (unsigned long long)older, (unsigned long long)id));
	struct user wrong = person("wrong@u.test", FORGE_IDP, "shared@u.test");
	log_in(&wrong);
	assert_int_equal(owner_of(id), wrong.id);
	mariadb_exec(arena_printf(a, "UPDATE application SET memo = 'secret of mine', muted = 1 WHERE id = %llu", (unsigned long long)id));

	struct answer page = pages_get("en", session, path_of(id, ""));
	assert_non_null(strstr(page.page, path_of(id, "/detach\"")));
	page = pages_get("ja", session, path_of(id, "/detach"));
	assert_int_equal(page.http, 200);
	assert_non_null(strstr(page.page, "所有者を外す確認"));
	assert_int_equal(owner_of(id), wrong.id); /* asked only */
	assert_int_equal(pages_post(session, path_of(id, "/detach"), form(&admin, ""), NULL).http, 409); /* not whose it was asked about */
	assert_int_equal(pages_post(session, path_of(id, "/detach"), "form_key=" KEY_1, NULL).http, 400);
	assert_int_equal(pages_post(session, path_of(id, "/detach"), form(&wrong, "&note=a%0ab"), NULL).http, 400);
	assert_int_equal(pages_post(session, path_of(id, "/detach"), form(&wrong, ""), "wrong").http, 403);
	assert_int_equal(owner_of(id), wrong.id);

	assert_string_equal(pages_post(session, path_of(id, "/detach"), form(&wrong, "&note=not+his"), NULL).location, path_of(id, "?done=detach"));
	assert_int_equal(owner_of(id) + owner_of(older), 0); /* a chain of renewals is one */
	assert_int_equal(owner_of(apart), wrong.id);
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT COUNT(*) FROM application WHERE id = %llu AND number IS NULL AND memo = '' AND name = '' AND muted = 0 AND state = 'TAKEN'",
				 (unsigned long long)id)),
		1);
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT COUNT(*) FROM audit WHERE action = 'admin.detached' AND object = 'application:%llu' AND actor = '" PAGES_ADMIN
				 "' AND detail LIKE 'user:%llu number _ note not his'",
				 (unsigned long long)id, (unsigned long long)wrong.id)),
		1);
	assert_int_equal(mariadb_audited("admin.detached"), 2);
	assert_string_equal(pages_post(session, path_of(id, "/detach"), form(&wrong, ""), NULL).location, path_of(id, "?done=detach&again=1")); /* twice */
	assert_int_equal(mariadb_audited("admin.detached"), 2);
	assert_int_equal(pages_get("en", pages_session(&wrong), "/").http, 200);

	/* Not again to the same one, but to another with the address. */
	log_in(&wrong);
	assert_int_equal(owner_of(id), 0);
	struct user right = person("right@u.test", FORGE_IDP, "Shared@u.test");
	log_in(&right);
	assert_int_equal(owner_of(id), right.id);
	assert_int_equal(owner_of(older), right.id);
	assert_int_equal(owner_of(apart), wrong.id);
}

static void given_back(void **state)
{
	uint64_t id = waiting("f1", "taro@u.test");
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test");

	log_in(&taro);
	assert_string_equal(pages_post(session, path_of(id, "/detach_undo"), "", NULL).location, path_of(id, "?done=none"));
	pages_post(session, path_of(id, "/detach"), form(&taro, ""), NULL);
	assert_non_null(strstr(pages_get("en", session, path_of(id, "")).page, "Allow giving it back"));
	assert_int_equal(pages_post(session, path_of(id, "/detach_undo"), "", "wrong").http, 403);
	log_in(&taro);
	assert_int_equal(owner_of(id), 0);
	assert_string_equal(pages_post(session, path_of(id, "/detach_undo"), "", NULL).location, path_of(id, "?done=undo"));
	assert_int_equal(mariadb_audited("admin.detached.undone"), 1);
	assert_null(strstr(pages_get("en", session, path_of(id, "")).page, "Allow giving it back"));
	log_in(&taro);
	assert_int_equal(owner_of(id), taro.id);
}

static void only_what_was_imported(void **state)
{
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test");
	struct application own = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	uint64_t id = waiting("g1", "taro@u.test");

	assert_null(strstr(pages_get("en", session, path_of(own.id, "")).page, "/detach"));
	assert_int_equal(pages_get("en", session, path_of(own.id, "/detach")).http, 409);
	assert_int_equal(pages_post(session, path_of(own.id, "/detach"), form(&taro, ""), NULL).http, 409);
	check_status(application_detach(db, a, own.id, taro.id, ""), STATUS_CONFLICT);
	assert_int_equal(owner_of(own.id), taro.id);
	assert_int_equal(pages_post(session, path_of(id, "/detach"), form(&taro, ""), NULL).http, 409); /* waits already */
	assert_int_equal(pages_get("en", session, path_of(99999, "/detach")).http, 404);
	/* Renewed here: the renewal would be left without what it renews. */
	log_in(&taro);
	struct application renewal = test_in_state(db, a, &taro, APPLICATION_TAKEN);
	mariadb_exec(arena_printf(a, "UPDATE application SET renews = %llu, place = renews WHERE id = %llu", (unsigned long long)id,
		(unsigned long long)renewal.id));
	assert_non_null(strstr(pages_get("en", session, path_of(id, "")).page, "has applied for its renewal here"));
	assert_int_equal(pages_post(session, path_of(id, "/detach"), form(&taro, ""), NULL).http, 409);
	check_status(application_detach(db, a, id, taro.id, ""), STATUS_CONFLICT);
	assert_int_equal(owner_of(id), taro.id);
	assert_int_equal(mariadb_audited("admin.detached"), 0);
}

static const char *give_form(const char *field, const char *value)
{
	return arena_printf(a, "form_key=" KEY_1 "&%s=%s", field, text_url_encode(a, value));
}

static const char *give_to(const struct user *user, const char *more)
{
	return arena_printf(a, "form_key=" KEY_1 "&to=%llu%s", (unsigned long long)user->id, more);
}

/* An alias, or an address of two: the administrator says whose it is, after a look at whom the ePPN names. */
static void given_to_whom_the_administrator_names(void **state)
{
	uint64_t older = waiting("j1", "alias@u.test"), id = waiting("j2", "alias@u.test"), apart = waiting("j3", "alias@u.test");
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test");

	mariadb_exec(arena_printf(a, "UPDATE application SET renews = %llu, place = renews WHERE id = %llu", (unsigned long long)older, (unsigned long long)id));
	assert_non_null(strstr(pages_get("en", session, path_of(id, "")).page, path_of(id, "/give\"")));
	assert_int_equal(pages_get("ja", session, path_of(id, "/give")).http, 200);
	struct answer answer = pages_post(session, path_of(id, "/give"), give_form("eppn", "nobody@u.test"), NULL);
	assert_int_equal(answer.http, 400);
	assert_non_null(strstr(answer.page, "nobody@u.test")); /* to be mended, not to be written again */
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_form("eppn", ""), NULL).http, 400);
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_form("eppn", "a\nb' OR 1=1"), NULL).http, 400);
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_form("to", "99999"), NULL).http, 404);
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_to(&taro, "&note=a%0ab"), NULL).http, 400);
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_to(&taro, ""), "wrong").http, 403);
	answer = pages_post(session, path_of(id, "/give"), give_form("eppn", " ＴＡＲＯ@U.test "), NULL);
	assert_int_equal(answer.http, 200);
	assert_non_null(strstr(answer.page, arena_printf(a, "name=\"to\" value=\"%llu\"", (unsigned long long)taro.id)));
	assert_non_null(strstr(answer.page, "another address than"));
	assert_int_equal(owner_of(id), 0); /* asked, not done */

	assert_string_equal(pages_post(session, path_of(id, "/give"), give_to(&taro, "&note=phoned"), NULL).location, path_of(id, "?done=give"));
	assert_int_equal(owner_of(id), taro.id);
	assert_int_equal(owner_of(older), taro.id);
	assert_int_equal(owner_of(apart), 0);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT number FROM application WHERE id = %llu", (unsigned long long)older)), 1);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT number FROM application WHERE id = %llu", (unsigned long long)id)), 2);
	assert_int_equal(mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM audit WHERE action = 'admin.attached' AND actor = '" PAGES_ADMIN
		"' AND detail = 'user:%llu note phoned'", (unsigned long long)taro.id)), 2);
	const char *own = pages_session(&taro);
	assert_int_equal(pages_get("en", own, "/client/2").http, 200);
	/* Seen and revoked, but not issued anew in that name: the administrator may have erred. */
	struct order order = test_order(&taro);
	struct application renewal;
	const char *why = NULL;
	bool again;
	order.renews = id;
	check_status(application_create(db, a, &taro, &order, test_completion(NULL), &renewal, &again, &why), STATUS_CONFLICT);
	assert_string_equal(why, "address");
	mariadb_exec(arena_printf(a, "UPDATE application SET mail = 'taro@u.test' WHERE id = %llu", (unsigned long long)id));
	check_ok(application_create(db, a, &taro, &order, test_completion(NULL), &renewal, &again, &why));
}

/* Twice is once; what has an owner is not given to another, nor what was applied for here. */
static void given_once(void **state)
{
	uint64_t id = waiting("k1", "");
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test"), other = person("other@u.test", FORGE_IDP, "other@u.test");
	struct application own = test_in_state(db, a, &other, APPLICATION_TAKEN);

	pages_post(session, path_of(id, "/give"), give_to(&taro, ""), NULL);
	assert_string_equal(pages_post(session, path_of(id, "/give"), give_to(&taro, ""), NULL).location, path_of(id, "?done=give&again=1"));
	assert_int_equal(pages_post(session, path_of(id, "/give"), give_to(&other, ""), NULL).http, 409);
	assert_int_equal(pages_get("en", session, path_of(id, "/give")).http, 409);
	assert_int_equal(pages_post(session, path_of(own.id, "/give"), give_to(&taro, ""), NULL).http, 409);
	check_status(application_give(db, a, id, &other, (const char *const[]){NULL}, ""), STATUS_CONFLICT);
	check_status(application_give(db, a, own.id, &taro, (const char *const[]){NULL}, ""), STATUS_CONFLICT);
	assert_int_equal(owner_of(id), taro.id);
	assert_int_equal(owner_of(own.id), other.id);
	assert_int_equal(mariadb_audited("admin.attached"), 1);
	/* And back: taken from him, it may be given to the other. */
	pages_post(session, path_of(id, "/detach"), form(&taro, ""), NULL);
	pages_post(session, path_of(id, "/give"), give_to(&other, ""), NULL);
	assert_int_equal(owner_of(id), other.id);
}

static void roles(void **state)
{
	uint64_t id = waiting("h1", "taro@u.test");
	struct user taro = person("taro@u.test", FORGE_IDP, "taro@u.test");
	const char *desk = pages_admin_session(&help_desk), *none = pages_session(&taro);
	static const char *const posts[] = {"/detach", "/detach_undo", "/give"};

	log_in(&taro);
	assert_null(strstr(pages_get("en", desk, path_of(id, "")).page, "/detach"));
	assert_int_equal(pages_get("en", desk, path_of(id, "/detach")).http, 403);
	assert_int_equal(pages_get("en", desk, path_of(id, "/give")).http, 403);
	assert_int_equal(pages_get("en", none, path_of(id, "/detach")).http, 404);
	for (size_t i = 0; i < COUNT_OF(posts); i++) {
		assert_int_equal(pages_post(desk, path_of(id, posts[i]), form(&taro, ""), NULL).http, 403);
		assert_int_equal(pages_post(none, path_of(id, posts[i]), form(&taro, ""), NULL).http, 404);
	}
	assert_int_equal(owner_of(id), taro.id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_with_the_address_is_given_it, fresh),
		cmocka_unit_test_setup(nobody_is_while_two_have_it, fresh),
		cmocka_unit_test_setup(who_has_long_left_is_no_rival, fresh),
		cmocka_unit_test_setup(another_idp_makes_no_rival, fresh),
		cmocka_unit_test_setup(taken_from_the_wrong_one, fresh),
		cmocka_unit_test_setup(given_back, fresh),
		cmocka_unit_test_setup(only_what_was_imported, fresh),
		cmocka_unit_test_setup(given_to_whom_the_administrator_names, fresh),
		cmocka_unit_test_setup(given_once, fresh),
		cmocka_unit_test_setup(roles, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
