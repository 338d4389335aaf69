/* Tests of making applications: numbers, forms sent twice, one live per key, limits, renewals, races and a crash in the middle. */
#include <pthread.h>
#include <stdatomic.h>

#include "store/job.h"
#include "support/applications.h"
#include "support/check.h"
#include "support/mariadb.h"

static struct db *db;
static struct arena *a;
static struct user taro;
static struct application app;
static bool again;
static const char *why;

static int setup(void **state)
{
	mariadb_fresh(&db, &a);
	taro = test_user(db, a, "taro");
	why = NULL;
	return 0;
}

static enum status create(const struct order *order, const char *live_key)
{
	why = "none";
	return application_create(db, a, &taro, order, test_completion(live_key), &app, &again, &why);
}

static void refused(const struct order *order, const char *live_key, const char *expected)
{
	int64_t rows = mariadb_number("SELECT COUNT(*) FROM application"),
		jobs = mariadb_number("SELECT COUNT(*) FROM job"),
		numbers = mariadb_number("SELECT SUM(applications) FROM user"),
		trail = mariadb_number("SELECT COUNT(*) FROM audit");

	check_status(create(order, live_key), STATUS_CONFLICT);
	assert_string_equal(why, expected);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), rows);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), jobs);
	assert_int_equal(mariadb_number("SELECT SUM(applications) FROM user"), numbers);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit"), trail);
}

static void form_sent_twice(void **state)
{
	struct order order = test_order(&taro);

	order.form_key = "key of the form";
	check_ok(create(&order, NULL));
	assert_false(again);
	uint64_t first = app.id;
	check_ok(create(&order, NULL));
	assert_true(again);
	assert_int_equal(app.id, first);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job WHERE kind = 'core.submit'"), 1);
	order.form_key = "another form";
	check_ok(create(&order, NULL));
	assert_int_equal(app.number, 2);
}

static enum status complete_refuses(struct arena *arena, unsigned number, struct order *order, void *context)
{
	return cause(STATUS_INVALID, "character");
}

static void completion_refuses(void **state)
{
	struct order order = test_order(&taro);

	check_status(application_create(db, a, &taro, &order,
			     (struct order_completion){complete_refuses, NULL}, &app, &again, &why),
		STATUS_INVALID);
	assert_string_equal(cause_text(), "character");
	check_ok(create(&order, NULL));
	assert_int_equal(app.number, 1);
	struct user nobody = {.id = 999};
	check_status(application_create(db, a, &nobody, &order, test_completion(NULL), &app, &again, &why),
		STATUS_MISSING);
	char *mail = arena_alloc(a, 400);
	memset(mail, 'm', 399);
	order.mail = mail;
	check_status(create(&order, NULL), STATUS_INVALID);
}

static enum status complete_same(struct arena *arena, unsigned number, struct order *order, void *context)
{
	order->subject = context;
	return STATUS_OK;
}

static void subject_is_used_once(void **state)
{
	struct order order = test_order(&taro);
	struct user hanako = test_user(db, a, "hanako");
	struct order_completion same = {complete_same, "CN=the same"}, other = {complete_same, "CN=The same"};

	check_ok(application_create(db, a, &taro, &order, same, &app, &again, &why));
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REJECTED});
	check_status(application_create(db, a, &hanako, &order, same, &app, &again, &why), STATUS_CONFLICT);
	assert_string_equal(why, "subject");
	check_ok(application_create(db, a, &hanako, &order, other, &app, &again, &why));
	assert_int_equal(app.number, 1);
}

/* Live: from acceptance until error, missed download, expiry or confirmed revocation. */
static void one_live_per_key(void **state)
{
	struct order order = test_order(&taro);
	when now = clock_now();

	check_ok(create(&order, "k"));
	uint64_t first = app.id;
	refused(&order, "k", "live");
	check_ok(create(&order, "other"));
	test_apply(db, a, first, (struct event){.kind = EVENT_PIN, .pin = "p"});
	refused(&order, "k", "live");
	test_apply(db, a, first, (struct event){.kind = EVENT_TAKEN, .serial = "1", .not_after = now + DAY});
	test_apply(db, a, first, (struct event){.kind = EVENT_REVOKE_ASKED});
	refused(&order, "k", "live"); /* asked is not confirmed */
	test_apply(db, a, first, (struct event){.kind = EVENT_REVOKED});
	check_ok(create(&order, "k"));
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REJECTED});
	check_ok(create(&order, "k"));
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_PIN, .pin = "p", .download_until = now - 1}); /* missed */
	check_ok(create(&order, "k"));
	test_apply(db, a, app.id,
		(struct event){.kind = EVENT_TAKEN, .serial = "2", .not_after = now - 1}); /* expired */
	check_ok(create(&order, "k"));
	refused(&order, "k", "live");
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application WHERE live_key IS NOT NULL"), 2);
}

/* What failed comes back to its place only when nobody else lives there; what really happened is recorded all the same. */
static void coming_back_to_life(void **state)
{
	struct order order = test_order(&taro);

	check_ok(create(&order, "k"));
	uint64_t first = app.id;
	test_apply(db, a, first, (struct event){.kind = EVENT_GAVE_UP});
	assert_int_equal(test_apply(db, a, first, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	refused(&order, "k", "live");
	test_apply(db, a, first, (struct event){.kind = EVENT_GAVE_UP});
	check_ok(create(&order, "k"));
	uint64_t second = app.id;
	assert_int_equal(test_apply(db, a, first, (struct event){.kind = EVENT_RETRIED}), APPLIED_CONFLICT);
	assert_int_equal(test_apply(db, a, first, (struct event){.kind = EVENT_PIN, .pin = "late but real"}),
		APPLIED_MOVED);
	test_apply(db, a, second, (struct event){.kind = EVENT_REJECTED});
	refused(&order, "k", "live"); /* the first one lives, though without the key */
	test_apply(db, a, first, (struct event){.kind = EVENT_REVOKED});
	check_ok(create(&order, "k"));
}

static void limit_of_live_ones(void **state)
{
	struct order order = test_order(&taro);
	struct user hanako = test_user(db, a, "hanako");
	when now = clock_now();

	order.live_max = 2;
	check_ok(create(&order, NULL));
	uint64_t first = app.id;
	check_ok(create(&order, NULL));
	refused(&order, NULL, "limit");
	struct order hers = test_order(&hanako);
	hers.live_max = 2;
	check_ok(application_create(db, a, &hanako, &hers, test_completion(NULL), &app, &again, &why));
	order.type = "smime";
	check_ok(create(&order, NULL));
	order.type = "client";
	test_apply(db, a, first, (struct event){.kind = EVENT_TAKEN, .serial = "1", .not_after = now + DAY});
	order.renews = first;
	check_ok(create(&order, NULL)); /* shares the place */
	uint64_t renewal = app.id;
	order.renews = 0;
	refused(&order, NULL, "limit");
	test_apply(db, a, first, (struct event){.kind = EVENT_REVOKED});
	refused(&order, NULL, "limit"); /* the renewal holds the place now */
	test_apply(db, a, renewal, (struct event){.kind = EVENT_REJECTED});
	check_ok(create(&order, NULL));
}

/* A place that is taken is known to pages before anybody asks for it. */
static void places_are_known(void **state)
{
	struct order order = test_order(&taro);
	struct user hanako = test_user(db, a, "hanako");
	struct application_place seen[] = {{.type = "client"}, {.type = "smime", .live_key = "k"}, {.type = "upki_pass"}};
	when now = clock_now();

	check_ok(application_places(db, a, taro.id, now, seen, 3));
	for (int i = 0; i < 3; i++)
		assert_true(seen[i].live == 0 && seen[i].newest == 0 && seen[i].holder == 0);
	check_ok(create(&order, NULL));
	check_ok(create(&order, NULL));
	test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "1", .not_after = now + DAY});
	order.renews = app.id;
	check_ok(create(&order, NULL));
	order.renews = 0;
	order.type = "smime";
	check_ok(create(&order, "another"));
	check_ok(application_places(db, a, taro.id, now, seen, 3));
	assert_true(seen[0].live == 2 && seen[0].newest == 3); /* a renewal shares its place */
	assert_true(seen[1].live == 1 && seen[1].newest == 4 && seen[1].holder == 0);
	check_ok(create(&order, "k"));
	test_apply(db, a, app.id, (struct event){.kind = EVENT_TAKEN, .serial = "2", .not_after = now + DAY});
	check_ok(application_places(db, a, taro.id, now, seen, 3));
	assert_true(seen[1].live == 2 && seen[1].holder == 5);
	check_ok(application_places(db, a, taro.id, now + 2 * DAY, seen, 3));
	assert_true(seen[1].live == 1 && seen[1].holder == 0);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKED});
	check_ok(application_places(db, a, taro.id, now, seen, 3));
	assert_true(seen[1].live == 1 && seen[1].holder == 0 && seen[2].live == 0);
	check_ok(application_places(db, a, hanako.id, now, seen, 3));
	assert_true(seen[0].live == 0 && seen[1].live == 0);
}

static void so_many_in_a_day(void **state)
{
	struct order order = test_order(&taro), another = test_order(&taro);
	struct user hanako = test_user(db, a, "hanako");
	when until = 0;

	order.day_max = 3;
	order.form_key = "first";
	check_ok(create(&order, NULL));
	uint64_t first = app.id;
	test_apply(db, a, first, (struct event){.kind = EVENT_TAKEN, .serial = "1", .not_after = clock_now() + DAY});
	order.form_key = NULL;
	check_ok(create(&order, "k"));
	order.type = "smime"; /* of whatever type */
	check_ok(create(&order, NULL));
	check_ok(application_day_full(db, a, taro.id, 3, clock_now(), &until));
	assert_int_equal(until, mariadb_number("SELECT MIN(created_at) FROM application") + DAY);
	refused(&order, NULL, "day");
	refused(&order, "k", "live"); /* what waiting does not help */
	order.type = "client";
	order.renews = first;
	refused(&order, NULL, "day");
	assert_int_equal(mariadb_number("SELECT SUM(renewals) FROM application"), 0);
	/* A form that was sent before has its answer; others have days of their own; without a limit there is none. */
	order.renews = 0;
	order.form_key = "first";
	check_ok(create(&order, NULL));
	assert_true(again && app.id == first);
	struct order hers = test_order(&hanako);
	hers.day_max = 3;
	check_ok(application_create(db, a, &hanako, &hers, test_completion(NULL), &app, &again, &why));
	check_ok(create(&another, NULL));
	assert_int_equal(app.number, 4);
	check_ok(application_day_full(db, a, taro.id, 0, clock_now(), &until));
	assert_int_equal(until, 0);
	/* A day later, when enough of them are old. */
	order.form_key = NULL;
	refused(&order, NULL, "day");
	mariadb_exec("UPDATE application SET created_at = created_at - 86400000 WHERE number <= 2");
	check_ok(create(&order, NULL));
	refused(&order, NULL, "day");
}

static void renewals(void **state)
{
	struct order order = test_order(&taro);
	struct user hanako = test_user(db, a, "hanako");
	when now = clock_now();

	check_ok(create(&order, "k"));
	struct application old = app;
	order.renews = old.id;
	refused(&order, "k", "renewal"); /* nothing there yet */
	test_apply(db, a, old.id, (struct event){.kind = EVENT_TAKEN, .serial = "1", .not_after = now + DAY});
	check_status(application_create(db, a, &hanako, &order, test_completion("k"), &app, &again, &why),
		STATUS_MISSING);
	refused(&order, "another address", "address");
	refused(&order, NULL, "address");
	order.type = "smime";
	refused(&order, "k", "renewal");
	order.type = "client";
	check_ok(create(&order, "k"));
	struct application renewal = app;
	assert_int_equal(renewal.number, 2);
	assert_int_equal(renewal.renews, old.id);
	assert_string_equal(renewal.subject, old.subject);
	refused(&order, "k", "renewal"); /* one is open */
	/* revocation of the old one is allowed meanwhile, the renewal goes on */
	assert_int_equal(
		test_apply(db, a, old.id, (struct event){.kind = EVENT_REVOKE_ASKED}), APPLIED_MOVED);
	assert_int_equal(
		test_apply(db, a, renewal.id, (struct event){.kind = EVENT_PIN, .pin = "p"}), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, old.id, (struct event){.kind = EVENT_REVOKED}), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, renewal.id,
				 (struct event){.kind = EVENT_TAKEN, .serial = "2", .not_after = now + DAY}),
		APPLIED_MOVED);
	struct order fresh = test_order(&taro);
	refused(&fresh, "k", "live"); /* it holds the place of the revoked one */
	order.renews = old.id;
	refused(&order, "k", "renewal"); /* what is revoked cannot be renewed */
	order.renews = renewal.id;
	check_ok(create(&order, "k")); /* and the renewal again */
	test_apply(db, a, app.id, (struct event){.kind = EVENT_GAVE_UP});
	uint64_t failed = app.id;
	check_ok(create(&order, "k")); /* after an error it may be tried again */
	assert_int_equal(test_apply(db, a, failed, (struct event){.kind = EVENT_RETRIED}), APPLIED_CONFLICT);
	test_apply(db, a, app.id, (struct event){.kind = EVENT_GAVE_UP});
	assert_int_equal(test_apply(db, a, failed, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	test_apply(db, a, failed, (struct event){.kind = EVENT_GAVE_UP, .source_key = "another time"});
	test_apply(db, a, renewal.id, (struct event){.kind = EVENT_REVOKED});
	assert_int_equal(test_apply(db, a, failed, (struct event){.kind = EVENT_RETRIED}),
		APPLIED_CONFLICT); /* nothing to renew */
	check_ok(create(&fresh, "k"));
}

#define MANY 100
struct racer {
	const struct user *user;
	struct order order;
	struct order_completion completion;
	int rounds;
	unsigned numbers[50];
	int made, again, conflicts, failed;
	pthread_barrier_t *barrier;
};

static void *race(void *context)
{
	struct racer *r = context;
	struct db *d = mariadb_db();
	struct arena *mine = arena_new();

	pthread_barrier_wait(r->barrier);
	for (int i = 0; i < r->rounds; i++) {
		struct application made;
		bool repeated = false;
		const char *reason = NULL;
		enum status st = application_create(
			d, mine, r->user, &r->order, r->completion, &made, &repeated, &reason);
		if (st == STATUS_OK && repeated)
			r->again++;
		else if (st == STATUS_OK)
			r->numbers[r->made++] = made.number;
		else if (st == STATUS_CONFLICT && reason)
			r->conflicts++;
		else
			r->failed += fprintf(stderr, "%s\n", cause_text());
		arena_reset(mine);
	}
	arena_free(mine);
	db_free(d);
	return NULL;
}

static struct racer run_race(struct racer *racers, int n)
{
	pthread_t threads[MANY];
	pthread_barrier_t barrier;
	struct racer sum = {0};

	pthread_barrier_init(&barrier, NULL, (unsigned)n);
	for (int i = 0; i < n; i++) {
		racers[i].barrier = &barrier;
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		sum.made += racers[i].made;
		sum.again += racers[i].again;
		sum.conflicts += racers[i].conflicts;
		sum.failed += racers[i].failed;
	}
	pthread_barrier_destroy(&barrier);
	return sum;
}

static void numbers_are_dense(void **state)
{
	struct racer racers[8] = {0};
	bool seen[8 * 25 + 1] = {false};

	for (int i = 0; i < 8; i++)
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 25};
	struct racer sum = run_race(racers, 8);
	assert_int_equal(sum.made, 200);
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < racers[i].made; j++) {
			assert_in_range(racers[i].numbers[j], 1, 200);
			assert_false(seen[racers[i].numbers[j]]);
			seen[racers[i].numbers[j]] = true;
		}
	}
	assert_int_equal(mariadb_number("SELECT COUNT(DISTINCT number) FROM application"), 200);
	assert_int_equal(mariadb_number("SELECT applications FROM user"), 200);
}

static void same_form_raced(void **state)
{
	struct racer racers[8] = {0};

	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 3};
		racers[i].order.form_key = "one form";
	}
	struct racer sum = run_race(racers, 8);
	assert_int_equal(sum.made, 1);
	assert_int_equal(sum.again, 23);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 1);
	assert_int_equal(mariadb_number("SELECT applications FROM user"), 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), 1);
}

/* By one user, and by many users with one key, whom no common row keeps apart. */
static void live_key_raced(void **state)
{
	static struct racer racers[MANY];
	static struct user users[MANY];

	for (int i = 0; i < MANY; i++)
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion("k"),
			.rounds = 1};
	struct racer sum = run_race(racers, MANY);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.made, 1);
	assert_int_equal(sum.conflicts, MANY - 1);
	for (int i = 0; i < MANY; i++) {
		users[i] = test_user(db, a, arena_printf(a, "user%d", i));
		racers[i] = (struct racer){.user = &users[i],
			.order = test_order(&users[i]),
			.completion = test_completion("k2"),
			.rounds = 1};
	}
	sum = run_race(racers, MANY);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.made, 1);
	assert_int_equal(sum.conflicts, MANY - 1);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 2);
	assert_int_equal(mariadb_number("SELECT SUM(applications) FROM user"), 2);
}

static void limit_and_renewal_raced(void **state)
{
	struct racer racers[8] = {0};
	struct application old = test_in_state(db, a, &taro, APPLICATION_TAKEN);

	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 1};
		racers[i].order.renews = old.id;
	}
	struct racer sum = run_race(racers, 8);
	assert_int_equal(sum.made, 1);
	assert_int_equal(sum.conflicts, 7);
	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 2};
		racers[i].order.live_max = 4;
	}
	sum = run_race(racers, 8);
	assert_int_equal(sum.made, 3);
	assert_int_equal(sum.conflicts, 13);
}

/* Forms of their own, of two types and a renewal, at once: never more than the limit; and without a limit all of them. */
static void day_raced(void **state)
{
	struct racer racers[8] = {0};
	struct application old = test_in_state(db, a, &taro, APPLICATION_TAKEN); /* counts too */

	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 4};
		racers[i].order.type = i % 2 ? "client" : "smime";
		racers[i].order.renews = i == 7 ? old.id : 0;
		racers[i].order.day_max = 6;
		racers[i].order.form_key = i == 6 ? "a form" : NULL;
	}
	struct racer sum = run_race(racers, 8);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.made, 5);
	assert_int_equal(sum.made + sum.again + sum.conflicts, 32);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM application"), 6);
	assert_int_equal(mariadb_number("SELECT applications FROM user"), 6);
	mariadb_exec("UPDATE application SET created_at = created_at - 86400000");
	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.user = &taro,
			.order = test_order(&taro),
			.completion = test_completion(NULL),
			.rounds = 4};
		racers[i].order.day_max = i ? 0 : 1;
	}
	sum = run_race(racers, 8);
	assert_in_range(sum.made, 28, 29); /* the control */
	assert_int_equal(sum.made + sum.conflicts, 32);
}

static void *killer(void *context)
{
	for (int i = 0; i < 3; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
		mariadb_restart();
	}
	return NULL;
}

/* The server is killed again and again under load: every application is there whole, or not at all, and numbers have no gap. */
static void killed_in_the_middle(void **state)
{
	struct order order = test_order(&taro);
	pthread_t thread;
	int made = 0, unknown = 0;

	pthread_create(&thread, NULL, killer, NULL);
	when until = clock_monotonic() + 6 * SECOND;
	while (clock_monotonic() < until && made < 4000) {
		enum status st = create(&order, NULL);
		assert_true(st == STATUS_OK || st == STATUS_BUSY);
		made += st == STATUS_OK;
		unknown += st == STATUS_BUSY;
	}
	pthread_join(thread, NULL);
	check_ok(create(&order, NULL));
	made++;
	int64_t rows = mariadb_number("SELECT COUNT(*) FROM application");
	assert_in_range(rows, made, made + unknown);
	assert_int_equal(mariadb_number("SELECT applications FROM user"), rows);
	assert_int_equal(mariadb_number("SELECT MAX(number) FROM application"), rows);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM event"), rows);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM job"), rows);
	assert_int_equal(
		mariadb_number("SELECT COUNT(*) FROM audit WHERE action = 'application.applied'"), rows);
	assert_int_equal(mariadb_number("SELECT COUNT(*) FROM audit"),
		mariadb_number("SELECT COUNT(*) FROM audit_tail"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, mariadb_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(form_sent_twice),
		T(completion_refuses),
		T(subject_is_used_once),
		T(one_live_per_key),
		T(coming_back_to_life),
		T(limit_of_live_ones),
		T(places_are_known),
		T(so_many_in_a_day),
		T(renewals),
		T(numbers_are_dense),
		T(same_form_raced),
		T(live_key_raced),
		T(limit_and_renewal_raced),
		T(day_raced),
		T(killed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, mariadb_setup, NULL);
}
