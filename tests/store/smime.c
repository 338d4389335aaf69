/* Tests of the certificate type smime: one live certificate per user and address, who may have one, and the subject. */
#include "support/check.h"

#include <pthread.h>

#include "plugin.h"
#include "saml/saml.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/request_maker.h"

#define RACERS 20
#define CLICKS 5 /* of each racer: a hundred in all */

static struct arena *a;
static struct db *db;
static struct user taro, hanako;
static const struct plugin *smime;

static int set_up(void **state)
{
	static const char *const names[] = {"smime", "upstream_local", NULL};
	mariadb_start();
	mariadb_migrate("upstream_local");
	a = arena_new();
	db = mariadb_db();
	mariadb_file(a, "upstream_local.conf", "ca_key = \"ec:P-256\"\n");
	mariadb_file(a, "smime.conf", "\n");
	site_set(&(struct site){.base_url = "https://portal.example.ac.jp",
		.title_ja = "x",
		.title_en = "x",
		.contact = "desk"});
	check_ok(plugin_load(BINARY_DIR "/plugins", names, false));
	check_ok(plugin_configure(a, mariadb_dir()));
	check_ok(plugin_start(a, db));
	smime = plugin_find("smime");
	return 0;
}

static int tear_down(void **state)
{
	plugin_stop();
	db_free(db);
	arena_free(a);
	return 0;
}

static int fresh(void **state)
{
	mariadb_exec("DELETE FROM inkan.application");
	mariadb_exec("DELETE FROM inkan.job");
	taro = test_user(db, a, "taro");
	hanako = test_user(db, a, "hanako");
	return 0;
}

struct asking {
	const struct user *user;
	const char *mail;
};

static enum status complete(struct arena *arena, unsigned number, struct order *order, void *context)
{
	const struct asking *asking = context;
	struct user user = *asking->user;
	const char *field, *character;
	user.mail = asking->mail;
	enum status s = certificate_subject(arena, smime->type->settings->subject, &user, number, "",
		&order->subject, &field, &character);
	return s == STATUS_OK ? smime->type->complete(arena, number, &user, order) : s;
}

static enum status apply_on(struct db *conn, struct arena *arena, const struct user *user, const char *mail,
	uint64_t renews, struct application *ret, const char **ret_why)
{
	struct order order = test_order(user);
	struct asking asking = {user, mail};
	bool again;
	order.type = "smime";
	order.mail = mail;
	order.renews = renews;
	*ret_why = "";
	return application_create(conn, arena, user, &order, (struct order_completion){complete, &asking},
		ret, &again, ret_why);
}

static struct application applied(const struct user *user, const char *mail)
{
	struct application app;
	const char *why;
	check_ok(apply_on(db, a, user, mail, 0, &app, &why));
	return app;
}

static void refused(const struct user *user, const char *mail, uint64_t renews, const char *reason)
{
	struct application app;
	const char *why;
	check_status(apply_on(db, a, user, mail, renews, &app, &why), STATUS_CONFLICT);
	assert_string_equal(why, reason);
}

static void the_subject_is_the_address_and_never_twice_the_same(void **state)
{
	struct application app = applied(&taro, "taro@example.ac.jp");
	assert_string_equal(app.subject,
		arena_printf(a, "CN=taro@example.ac.jp,OU=No %u,O=Example University,C=JP", app.number));
	const struct validity *v = smime->type->settings->validity.items;
	assert_int_equal(smime->type->settings->validity.n, 3);
	assert_true(text_same(v[0].title, "7") && v[0].months == 27);
	assert_true(text_same(v[1].title, "16") && v[1].months == 25);
	assert_true(text_same(v[2].title, "15") && v[2].months == 13);
}

/* --- A hundred clicks ----------------------------------------------------------------------------------------------- */

struct racer {
	pthread_barrier_t *barrier;
	unsigned made, live, other;
};

static void *race(void *context)
{
	struct racer *r = context;
	struct arena *own = arena_new();
	struct db *conn = mariadb_db();
	pthread_barrier_wait(r->barrier);
	for (int i = 0; i < CLICKS; i++) {
		struct application app;
		const char *why;
		enum status s;
		do /* a page would offer the same form again */
			s = apply_on(conn, own, &taro, "taro@example.ac.jp", 0, &app, &why);
		while (s == STATUS_BUSY);
		r->made += s == STATUS_OK;
		r->live += s == STATUS_CONFLICT && text_same(why, "live");
		r->other += s != STATUS_OK && !(s == STATUS_CONFLICT && text_same(why, "live"));
	}
	db_free(conn);
	arena_free(own);
	return NULL;
}

static void a_hundred_clicks_make_one(void **state)
{
	pthread_t threads[RACERS];
	struct racer racers[RACERS];
	pthread_barrier_t barrier;
	unsigned made = 0, live = 0, other = 0;
	pthread_barrier_init(&barrier, NULL, RACERS);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.barrier = &barrier};
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		made += racers[i].made;
		live += racers[i].live;
		other += racers[i].other;
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(made, 1);
	assert_int_equal(live, RACERS * CLICKS - 1);
	assert_int_equal(other, 0);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.application"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM inkan.job WHERE kind = 'core.submit'"), 1);
}

/* --- What lives ----------------------------------------------------------------------------------------------------- */

static void taken(uint64_t id)
{
	test_apply(db, a, id, (struct event){.kind = EVENT_PIN, .pin = "p"});
	test_apply(db, a, id,
		(struct event){.kind = EVENT_TAKEN,
			.serial = arena_printf(a, "f%llx", (unsigned long long)id),
			.not_before = clock_now(),
			.not_after = clock_now() + DAY});
}

static void the_place_is_free_again_when_nothing_lives(void **state)
{
	struct application app = applied(&taro, "taro@example.ac.jp");
	refused(&taro, "taro@example.ac.jp", 0, "live");
	refused(&taro, "Taro@Example.AC.jp", 0, "live"); /* the same mailbox */
	applied(&taro,
		"yamada@example.ac.jp"); /* another address, the same user: after a change at the IdP */
	applied(&hanako, "taro@example.ac.jp"); /* a shared mailbox: per user and address */

	test_apply(db, a, app.id, (struct event){.kind = EVENT_REJECTED, .error_code = "212"});
	app = applied(&taro, "taro@example.ac.jp");
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_PIN, .pin = "p", .download_until = clock_now() - 1});
	app = applied(&taro, "taro@example.ac.jp"); /* the other was missed */
	taken(app.id);
	refused(&taro, "taro@example.ac.jp", 0, "live");
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED});
	refused(&taro, "taro@example.ac.jp", 0, "live"); /* not confirmed yet */
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED});
	applied(&taro, "taro@example.ac.jp");
}

static void a_renewal_keeps_the_place_and_the_address(void **state)
{
	struct application app = applied(&taro, "taro@example.ac.jp"), renewal;
	const char *why;
	taken(app.id);
	refused(&taro, "yamada@example.ac.jp", app.id, "address");
	check_ok(apply_on(db, a, &taro, "taro@example.ac.jp", app.id, &renewal, &why));
	refused(&taro, "taro@example.ac.jp", 0, "live");
}

/* --- Whose address -------------------------------------------------------------------------------------------------- */

static void only_addresses_of_the_institution(void **state)
{
	struct request *rq = request_make_post(a, db, "/smime/apply", NULL, "");
	struct user nobody = taro;
	struct order order = {.mail = taro.mail, .extra = ""};
	nobody.idp = "https://unknown.example/idp";
	assert_false(site_mail_allowed(&nobody));
	rq->user = &nobody;
	check_status(smime->type->order(rq, &order), STATUS_DENIED);
	order.mail = "";
	check_status(smime->type->order(rq, &order), STATUS_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_subject_is_the_address_and_never_twice_the_same, fresh),
		cmocka_unit_test_setup(a_hundred_clicks_make_one, fresh),
		cmocka_unit_test_setup(the_place_is_free_again_when_nothing_lives, fresh),
		cmocka_unit_test_setup(a_renewal_keeps_the_place_and_the_address, fresh),
		cmocka_unit_test_setup(only_addresses_of_the_institution, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
