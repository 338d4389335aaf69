/* Tests of UPKI-PASS from order to card: the real plugins, a real database, and a stand-in of the card server with every fault. */
#include "support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "issue/order.h"
#include "plugin.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/plugin_job.h"
#include "support/request_maker.h"
#include "support/view_strings.h"

#define KEY_ISSUE "shared/key+one"
#define KEY_REVOKE "shared&key=two"

static struct arena *a;
static struct db *db;
static struct user taro;
static const struct plugin *local, *pass;
static pid_t server;
static const char *card; /* folder of the card server */

/* --- The world ------------------------------------------------------------------------------------------------------ */

static const char *file_read(const char *path)
{
	struct text t = text_new(a, 1 << 24);
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "r");
	while (f && (n = fread(part, 1, sizeof part, f)) > 0)
		text_add_bytes(&t, part, n);
	if (f)
		fclose(f);
	return t.data;
}

static void fault(const char *name)
{
	mariadb_file(a, "card/fault", name);
}

static void certificate_make(const char *name)
{
	assert_int_equal(
		system(arena_printf(a,
			"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
			"-addext subjectAltName=DNS:localhost -keyout %s/%s.key -out %s/%s.pem 2>%s/openssl.log",
			card, name, card, name, card)),
		0);
}

/* The port stays the same when it is started again. */
static void server_start(const char *certificate)
{
	static char port[16];
	const char *file = arena_printf(a, "%s/port", card);
	unlink(file);
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		if (port[0])
			setenv("CARD_PORT", port, 1);
		execl("/usr/bin/python3", "python3", SOURCE_DIR "/tests/fake/cardserver.py", card,
			arena_printf(a, "%s/%s.pem", card, certificate),
			arena_printf(a, "%s/%s.key", card, certificate), NULL);
		_exit(127);
	}
	for (int i = 0; i < 300 && access(file, F_OK) != 0; i++)
		usleep(50000);
	snprintf(port, sizeof port, "%s", file_read(file));
	assert_true(port[0]);
}

static void server_stop(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* upki_pass.conf, with more lines. */
static void conf_write(const char *more)
{
	mariadb_file(a, "upki_pass.conf",
		arena_printf(a,
			"url = \"https://localhost:%s/api\"\nissue_key = \"%s/one\"\nrevoke_key = \"%s/two\"\nca_file = \"%s/good.pem\"\n"
			"timeout = 1s\n%s",
			file_read(arena_printf(a, "%s/port", card)), card, card, card, more));
}

/* What start() says of it. */
static enum status configured(const char *more)
{
	conf_write(more);
	check_ok(plugin_configure(a, mariadb_dir()));
	return pass->start(a, db);
}

static void plugins_load(void)
{
	static const char *const names[] = {"client", "upki_pass", "upstream_local", NULL};
	mariadb_file(a, "upstream_local.conf", "ca_key = \"ec:P-256\"\nuser_key = \"ec:P-256\"\nkey_stock = 0\n");
	mariadb_file(a, "client.conf", "\n");
	mariadb_file(a, "card/one", KEY_ISSUE "\n");
	mariadb_file(a, "card/two", KEY_REVOKE "\n");
	conf_write("");
	site_set(&(struct site){.base_url = "https://portal.example.ac.jp",
		.title_ja = "x",
		.title_en = "x",
		.contact = "desk"});
	check_ok(plugin_load(BINARY_DIR "/plugins", names, false));
	check_ok(plugin_configure(a, mariadb_dir()));
	local = plugin_find("upstream_local");
	pass = plugin_find("upki_pass");
	order_start(plugin_upstream);
	handover_start(plugin_card);
	check_ok(plugin_start(a, db));
}

static int set_up(void **state)
{
	mariadb_start();
	mariadb_migrate("upstream_local");
	a = arena_new();
	db = mariadb_db();
	card = arena_printf(a, "%s/card", mariadb_dir());
	assert_int_equal(mkdir(card, 0700), 0);
	certificate_make("good");
	certificate_make("other");
	server_start("good");
	plugins_load();
	return 0;
}

static int tear_down(void **state)
{
	server_stop();
	plugin_stop();
	db_free(db);
	arena_free(a);
	return 0;
}

static int fresh(void **state)
{
	taro = test_user(db, a, "taro");
	mariadb_exec("DELETE FROM inkan.job");
	unlink(arena_printf(a, "%s/log", card));
	fault("none");
	return 0;
}

static enum status job_now(const char *name, uint64_t subject)
{
	const struct job_kind *core = text_starts(name, "core.handover") ? handover_jobs : order_jobs;
	const char *payload = "";
	struct db_rows rows;
	check_ok(db_select(db, a, &rows, "SELECT payload FROM job WHERE kind = ? AND subject = ?",
		DB_TEXT(name), DB_INT(subject)));
	if (rows.rows)
		payload = db_text(&rows, 0, 0);
	return test_job_run(db, a, core, name, subject, payload);
}

static void give_up(uint64_t subject)
{
	struct job job = {.id = 1,
		.kind = "core.handover",
		.subject = subject,
		.payload = "",
		.attempts = 40,
		.created_at = clock_now()};
	struct job_run run = {.job = &job, .arena = a, .db = db, .deadline = clock_monotonic() + 60 * SECOND};
	check_ok(test_job_kind(handover_jobs, "core.handover")->gave_up(&run, "the card server did not accept"));
}

static struct application reread(const struct application *app)
{
	struct application fresh_app;
	check_ok(application_get(db, a, app->id, &fresh_app));
	return fresh_app;
}

static int64_t count(const char *sql, uint64_t id)
{
	return mariadb_number(
		arena_printf(a, "SELECT COUNT(*) FROM inkan.%s = %llu", sql, (unsigned long long)id));
}

static bool job_waits(const char *kind, uint64_t id)
{
	return count(arena_printf(a, "job WHERE kind = '%s' AND subject", kind), id) == 1;
}

static enum status complete(struct arena *arena, unsigned number, struct order *order, void *context)
{
	const char *field, *character;
	enum status s = certificate_subject(arena, pass->type->settings->subject, &taro, number, order->extra,
		&order->subject, &field, &character);
	return s == STATUS_OK ? pass->type->complete(arena, number, &taro, order) : s;
}

static enum status apply_for(const char *id, struct application *ret, const char **ret_why)
{
	struct order order = test_order(&taro);
	bool again;
	order.type = "upki_pass";
	order.extra = id;
	order.handover = pass->type->card != NULL;
	return application_create(
		db, a, &taro, &order, (struct order_completion){complete, NULL}, ret, &again, ret_why);
}

/* Sent to the upstream, which has made everything: waits for the card server. */
static struct application waiting(const char *id)
{
	struct application app;
	const char *why = "";
	check_ok(apply_for(id, &app, &why));
	check_ok(job_now("core.submit", app.id));
	assert_true(job_waits("upstream_local.key", app.id));
	check_ok(job_now("upstream_local.key", app.id));
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_SENT);
	assert_true(job_waits("core.handover", app.id));
	assert_int_equal(count("handover WHERE application_id", app.id), 1);
	return app;
}

/* --- What the card server got --------------------------------------------------------------------------------------- */

static const char *log_text(void)
{
	return file_read(arena_printf(a, "%s/log", card));
}

static unsigned calls(const char *path)
{
	unsigned n = 0;
	const char *mark = arena_printf(a, "\"path\": \"/api/%s\"", path);
	for (const char *s = log_text(); (s = strstr(s, mark)); s++)
		n++;
	return n;
}

static const char *field_of(unsigned call, const char *name)
{
	const char *s = log_text(), *mark = arena_printf(a, "\"%s\": \"", name);
	for (; call; call--)
		s = strchr(s, '\n') + 1;
	s = strstr(arena_stringn(a, s, strcspn(s, "\n")), mark);
	assert_non_null(s);
	s += strlen(mark);
	return arena_stringn(a, s, strcspn(s, "\""));
}

static void wiped(const struct application *app)
{
	assert_int_equal(count("handover WHERE application_id", app->id), 0);
	assert_int_equal(
		count("local_order WHERE (key_sealed IS NOT NULL OR pin_sealed IS NOT NULL OR p12_sealed IS NOT NULL) AND application",
			app->id),
		0);
	assert_int_equal(count("application WHERE (pin IS NOT NULL OR url IS NOT NULL) AND id", app->id), 0);
}

static const char *label(const struct application *app)
{
	return application_phase_label(app, clock_now());
}

/* --- Delivery ------------------------------------------------------------------------------------------------------- */

static void the_card_gets_all_and_the_user_nothing(void **state)
{
	struct application app = waiting("2024-0001");
	const char *secret;
	assert_string_equal(label(&app), "New UPKI-PASS request in progress");
	assert_int_equal(calls("recvcert"), 0);
	check_ok(job_now("core.handover", app.id));
	assert_int_equal(calls("recvcert"), 1);
	assert_string_equal(field_of(0, "key"), KEY_ISSUE);
	assert_string_equal(field_of(0, "type"), "application/x-www-form-urlencoded");

	struct bytes der, pin;
	assert_true(text_unbase64(a, field_of(0, "certfile"), &der));
	assert_true(text_unbase64(a, field_of(0, "passwdfile"), &pin));
	const unsigned char *at = der.data;
	PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)der.len);
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	assert_int_equal(PKCS12_parse(p12, "wrong", &key, &x, NULL), 0);
	assert_int_equal(
		PKCS12_parse(p12, arena_stringn(a, (const char *)pin.data, pin.len), &key, &x, NULL), 1);
	char name[256] = "";
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
	assert_string_equal(name, arena_printf(a, "2024-0001 taro.%u", app.number));
	assert_int_equal(X509_check_private_key(x, key), 1);
	EVP_PKEY_free(key);
	X509_free(x);
	PKCS12_free(p12);

	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_DELIVERED);
	assert_string_equal(label(&app), "New UPKI-PASS request completed");
	assert_non_null(app.serial);
	assert_true(app.not_after > clock_now());
	assert_false(app.has_pin);
	check_status(application_pin(db, a, &app, &secret), STATUS_MISSING);
	check_status(application_url(db, a, &app, &secret), STATUS_MISSING);
	wiped(&app);
	assert_int_equal(count("job WHERE kind = 'core.mail' AND subject", app.id), 0);
	/* Once more, as after a crash before the job was deleted: nothing is sent. */
	check_ok(job_now("core.handover", app.id));
	assert_int_equal(calls("recvcert"), 1);
	/* The sweep must not take it for a certificate that a user took. */
	mariadb_exec("UPDATE inkan.local_certificate SET created_at = 1");
	check_ok(job_now("upstream_local.sweep", 0));
	assert_int_equal(reread(&app).state, APPLICATION_DELIVERED);
}

static void what_waits_is_sealed(void **state)
{
	struct application app = waiting("2024-0002");
	check_ok(job_now("core.handover", app.id)); /* to learn the PIN */
	struct bytes pin;
	assert_true(text_unbase64(a, field_of(0, "passwdfile"), &pin));
	struct handover h = {.p12 = bytes_string("the .p12 in plain"), .pin = pin}, got;
	check_ok(handover_insert(db, a, app.id, &h, clock_now()));
	const char *where = arena_printf(a,
		"handover WHERE (INSTR(p12, 'the .p12') > 0 OR INSTR(pin, '%s') > 0) AND application_id",
		arena_stringn(a, (const char *)pin.data, pin.len));
	assert_int_equal(count(where, app.id), 0);
	check_ok(handover_get(db, a, app.id, &got));
	assert_memory_equal(got.p12.data, h.p12.data, h.p12.len);
	/* In another application's row it does not open. */
	mariadb_exec(arena_printf(a,
		"UPDATE inkan.handover SET application_id = 4000000 WHERE application_id = %llu",
		(unsigned long long)app.id));
	check_status(handover_get(db, a, 4000000, &got), STATUS_INTERNAL);
	mariadb_exec("DELETE FROM inkan.handover");
	/* It is not for applications whose certificate the user gets. */
	struct application other = test_application(db, a, &taro);
	check_status(upstream_hand_over(db, a, other.id, &h), STATUS_INVALID);
}

static void refused(const struct application *app)
{
	check_status(job_now("core.handover", app->id), STATUS_UPSTREAM);
	assert_null(strstr(cause_text(), KEY_ISSUE));
	assert_int_equal(reread(app).state, APPLICATION_SENT);
	assert_int_equal(count("handover WHERE application_id", app->id), 1);
}

static void each_fault_is_outlived(void **state)
{
	static const char *const faults[] = {
		"refused", "wrong", "wrong2", "500", "slow", "redirect", "endless", "lost"};
	for (size_t i = 0; i < COUNT_OF(faults); i++) {
		fresh(NULL);
		struct application app = waiting(arena_printf(a, "fault-%zu", i));
		fault(faults[i]);
		when start = clock_monotonic();
		refused(&app);
		assert_true(clock_monotonic() - start < 4 * SECOND); /* the timeout is 1 s */
		fault("none");
		check_ok(job_now("core.handover", app.id));
		assert_int_equal(reread(&app).state, APPLICATION_DELIVERED);
		/* Whatever it had seen or even accepted: the same bytes. */
		assert_int_equal(calls("recvcert"), 2);
		assert_string_equal(field_of(0, "certfile"), field_of(1, "certfile"));
		assert_string_equal(field_of(0, "passwdfile"), field_of(1, "passwdfile"));
		wiped(&app);
	}
}

/* HTTP 200 is acceptance unless it says err:; with answer_start, only what begins with it is. */
static void what_counts_as_accepted(void **state)
{
	static const char *const texts[] = {"page", "empty"};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct application app = waiting(arena_printf(a, "text-%zu", i));
		check_ok(configured("answer_start = \"OK: upki-pass\"\n"));
		fault(texts[i]);
		refused(&app);
		fault("wrong");
		refused(&app);
		if (i == 0) {
			fault("none");
		} else {
			check_ok(configured(""));
			fault(texts[i]);
		}
		check_ok(job_now("core.handover", app.id));
		assert_int_equal(reread(&app).state, APPLICATION_DELIVERED);
		wiped(&app);
	}
	check_status(configured("answer_start = \"012345678901234567890123456789012\"\n"), STATUS_INVALID);
	check_ok(configured(""));
}

static void nobody_else_gets_it(void **state)
{
	struct application app = waiting("tls-1");
	server_stop();
	refused(&app);
	server_start("other"); /* somebody else's certificate under the same address */
	refused(&app);
	assert_int_equal(calls("recvcert"), 0);
	server_stop();
	server_start("good");
	check_ok(job_now("core.handover", app.id));
	assert_int_equal(calls("recvcert"), 1);
	wiped(&app);
}

static void given_up_and_put_back(void **state)
{
	struct application app = waiting("retry-1");
	fault("500");
	refused(&app);
	give_up(app.id);
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_ERROR);
	assert_string_equal(app.error_code, "card-service");
	fault("none");
	mariadb_exec("DELETE FROM inkan.job");
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	check_ok(job_now("core.submit", app.id));
	assert_int_equal(reread(&app).state, APPLICATION_SENT);
	assert_true(job_waits("core.handover", app.id));
	check_ok(job_now("core.handover", app.id));
	assert_int_equal(reread(&app).state, APPLICATION_DELIVERED);
	assert_int_equal(calls("recvcert"), 2);
	assert_string_equal(field_of(0, "certfile"), field_of(1, "certfile"));
	wiped(&app);
}

static void too_late_to_put_back(void **state)
{
	struct application app = waiting("retry-2");
	check_ok(handover_sweep(db, clock_now() + HANDOVER_KEPT - MINUTE));
	assert_int_equal(count("handover WHERE application_id", app.id), 1);
	check_ok(handover_sweep(db, clock_now() + HANDOVER_KEPT));
	check_status(job_now("core.handover", app.id), STATUS_INVALID); /* gives up at once */
	give_up(app.id);
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	check_ok(job_now("core.submit", app.id));
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_ERROR);
	assert_string_equal(app.error_code, "handover-over");
	/* The upstream's certificate is there, and perhaps on the card: its record stays. */
	check_status(application_delete(db, a, app.id, ""), STATUS_CONFLICT);
	assert_int_equal(calls("recvcert"), 0);
}

static void one_live_certificate_per_card(void **state)
{
	struct application app, second;
	const char *why = "";
	check_ok(apply_for("Card-9", &app, &why));
	check_status(apply_for("card-9", &second, &why), STATUS_CONFLICT);
	assert_string_equal(why, "live");
	check_ok(apply_for("card-10", &second, &why));
	check_status(apply_for("card,11", &second, &why), STATUS_INVALID);
	/* Of somebody else neither; when it has ended, he may. */
	struct user hanako = test_user(db, a, "hanako"), me = taro;
	taro = hanako;
	check_status(apply_for("CARD-9", &second, &why), STATUS_CONFLICT);
	assert_string_equal(why, "live");
	struct event ended = {.kind = EVENT_REJECTED, .error_code = "x"};
	assert_int_equal(test_apply(db, a, app.id, ended), APPLIED_MOVED);
	check_ok(apply_for("CARD-9", &second, &why));
	assert_int_equal(second.user_id, hanako.id);
	taro = me;
	check_status(apply_for("card-9", &second, &why), STATUS_CONFLICT);
}

/* --- Revocation ----------------------------------------------------------------------------------------------------- */

static struct application delivered(const char *id)
{
	struct application app = waiting(id);
	check_ok(job_now("core.handover", app.id));
	return reread(&app);
}

static void revocation_is_told_to_the_card_server_first(void **state)
{
	struct application app = delivered("revoke-1");
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED, .reason = 4}),
		APPLIED_MOVED);
	check_ok(job_now("core.revoke", app.id));
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_REVOKE_SENT);
	assert_int_equal(calls("recvrevocation"), 0);
	fault("500");
	check_status(job_now("core.handover_revoked", app.id), STATUS_UPSTREAM);
	assert_null(strstr(cause_text(), KEY_REVOKE));
	assert_int_equal(reread(&app).state, APPLICATION_REVOKE_SENT);
	assert_false(job_waits("core.mail", app.id));
	fault("lost");
	check_status(job_now("core.handover_revoked", app.id), STATUS_UPSTREAM);
	fault("none");
	check_ok(job_now("core.handover_revoked", app.id));
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_REVOKED);
	assert_int_equal(app.reason, 4);
	assert_true(app.revoked_at > 0);
	assert_true(job_waits("core.mail", app.id));
	assert_int_equal(calls("recvrevocation"), 3);
	assert_string_equal(field_of(3, "key"), KEY_REVOKE);
	assert_string_equal(field_of(3, "id"), "revoke-1");
	check_ok(job_now("core.handover_revoked", app.id));
	assert_int_equal(calls("recvrevocation"), 3);
}

/* Revoked by the upstream of its own accord, while nobody knows whether the card server has the certificate, or surely not. */
static void revoked_before_it_was_handed_over(void **state)
{
	struct application app = waiting("revoke-2"), early;
	const char *why = "";
	struct event event = {.kind = EVENT_REVOKED, .source_key = "upstream", .reason = 1};
	check_ok(upstream_report(db, a, "upstream_local", app.id, &event));
	assert_int_equal(reread(&app).state, APPLICATION_SENT);
	check_ok(job_now("core.handover_revoked", app.id));
	assert_int_equal(reread(&app).state, APPLICATION_REVOKED);
	assert_int_equal(calls("recvrevocation"), 1);
	wiped(&app);
	check_ok(job_now("core.handover", app.id));
	assert_int_equal(calls("recvcert"), 0);

	check_ok(apply_for("revoke-3", &early, &why));
	check_ok(upstream_report(db, a, "upstream_local", early.id, &event));
	assert_int_equal(reread(&early).state, APPLICATION_REVOKED);
	assert_int_equal(calls("recvrevocation"), 1);
}

/* An old certificate ends when its card has a new one: the card server, which knows nothing but the card, is not told. */
static void the_end_of_an_old_one_spares_the_new(void **state)
{
	struct application old = delivered("twice-1"), other, now;
	struct event event = {.kind = EVENT_REVOKED, .source_key = "late", .reason = 1};
	mariadb_exec(arena_printf(a, "UPDATE inkan.application SET not_after = 1, live_until = 1, live_key = NULL WHERE id = %llu",
		(unsigned long long)old.id));
	now = delivered("twice-1");
	assert_int_equal(now.state, APPLICATION_DELIVERED);
	check_ok(upstream_report(db, a, "upstream_local", old.id, &event));
	check_ok(job_now("core.handover_revoked", old.id));
	assert_int_equal(reread(&old).state, APPLICATION_REVOKED);
	assert_int_equal(calls("recvrevocation"), 0);
	/* Without a new one it is told. */
	other = delivered("twice-2");
	check_ok(upstream_report(db, a, "upstream_local", other.id, &event));
	check_ok(job_now("core.handover_revoked", other.id));
	assert_int_equal(calls("recvrevocation"), 1);
	assert_string_equal(field_of(3, "id"), "twice-2");
}

/* Issued, but not taken by the card server: it is a certificate, which can be revoked and whose record stays. */
static void what_was_never_delivered_can_be_revoked(void **state)
{
	struct application app = waiting("undelivered"), early;
	const char *why = "";
	assert_non_null(app.serial);
	fault("500");
	refused(&app);
	give_up(app.id);
	/* Put back, and refused by the upstream this time: the last error says nothing of the certificate. */
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_RETRIED}), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_GAVE_UP}), APPLIED_MOVED);
	check_ok(handover_wipe(db, app.id));
	check_status(application_delete(db, a, app.id, ""), STATUS_CONFLICT);
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED, .reason = 4}), APPLIED_MOVED);
	check_ok(job_now("core.revoke", app.id));
	fault("none");
	check_ok(job_now("core.handover_revoked", app.id)); /* it may have come to the card server all the same */
	assert_int_equal(reread(&app).state, APPLICATION_REVOKED);
	assert_int_equal(count("local_certificate WHERE revoked_at > 0 AND application", app.id), 1);
	/* What was never issued has nothing to be revoked, and can go. */
	check_ok(apply_for("never", &early, &why));
	assert_int_equal(test_apply(db, a, early.id, (struct event){.kind = EVENT_REJECTED, .error_code = "x"}), APPLIED_MOVED);
	assert_int_equal(test_apply(db, a, early.id, (struct event){.kind = EVENT_REVOKE_ASKED, .reason = 4}), APPLIED_CONFLICT);
	check_ok(application_delete(db, a, early.id, ""));
}

/* --- The form ------------------------------------------------------------------------------------------------------- */

static struct request *sent_form(const char *form)
{
	struct request *rq = request_make_post(a, db, "/client/apply", NULL, form);
	rq->user = &taro;
	check_ok(request_parse(rq));
	check_ok(request_read_form(rq, 4096));
	return rq;
}

static enum status read_form(const char *form, struct order *order)
{
	*order = (struct order){.extra = ""};
	return pass->type->order(sent_form(form), order);
}

/* The sentence holds this. */
static void refusal_says(const char *form, enum status s, const char *words)
{
	struct order order = {.extra = ""};
	struct request *rq = sent_form(form);
	check_status(pass->type->order(rq, &order), s);
	assert_string_equal(order.extra, "");
	if (!strstr(rq->parts->sentence, words))
		fail_msg("\"%s\" does not say \"%s\"", rq->parts->sentence, words);
}

static void the_id_is_required_and_checked(void **state)
{
	struct order order;
	refusal_says("variant=upki_pass", STATUS_INVALID, "not specified");
	refusal_says("extra-upki_pass=", STATUS_INVALID, "not specified");
	refusal_says("extra-upki_pass=+%E3%80%80", STATUS_INVALID, "not specified");
	refusal_says("extra-upki_pass=a%2Cb", STATUS_INVALID, "used: ,.");
	refusal_says("extra-upki_pass=CN%3Db", STATUS_INVALID, "used: =.");
	refusal_says("extra-upki_pass=A%E5%AD%A6", STATUS_INVALID, "used: 学.");
	/* Full-width digits take three bytes each: it is the character that is wrong, not the length. */
	refusal_says("extra-upki_pass=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%94%EF%BC%90%EF%BC%98%EF%BC%91",
		STATUS_INVALID, "used: ２.");
	refusal_says("extra-upki_pass=a%0Ab", STATUS_INVALID, "used: (0a).");
	refusal_says("extra-upki_pass=123456789012345678901", STATUS_INVALID, "too long");
	check_ok(read_form("extra-upki_pass=12345678901234567890", &order));
	check_ok(read_form("extra-upki_pass=+2024-A%2F1+", &order));
	assert_string_equal(order.extra, "2024-A/1");
}

/* By default anybody may ask for any ID, as in the manual; with id_owner for his own alone. */
static void an_id_can_be_tied_to_its_owner(void **state)
{
	struct order order;
	check_ok(read_form("extra-upki_pass=hanako", &order));
	check_ok(configured("id_owner = \"S-%u\"\n"));
	refusal_says("extra-upki_pass=S-hanako", STATUS_DENIED, "is S-taro.");
	refusal_says("extra-upki_pass=S-taro2", STATUS_DENIED, "is S-taro.");
	refusal_says("extra-upki_pass=taro", STATUS_DENIED, "is S-taro.");
	refusal_says("extra-upki_pass=", STATUS_INVALID, "not specified");
	check_ok(read_form(
		"extra-upki_pass=s-TARO", &order)); /* the card server may care for the case: it stays */
	assert_string_equal(order.extra, "s-TARO");
	taro.eppn = "ta!ro@example.ac.jp";
	refusal_says("extra-upki_pass=S-taro", STATUS_INVALID, "made of your user name");
	check_status(configured("id_owner = \"2024\"\n"), STATUS_INVALID);
	check_status(configured("id_owner = \"%n\"\n"), STATUS_INVALID);
	check_status(configured("id_owner = \"%u%\"\n"), STATUS_INVALID);
	check_status(configured("id_owner = \"%u,OU=x\"\n"), STATUS_INVALID);
	check_status(configured("id_owner = \"%u!\"\n"), STATUS_INVALID);
	check_ok(configured(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_card_gets_all_and_the_user_nothing, fresh),
		cmocka_unit_test_setup(what_waits_is_sealed, fresh),
		cmocka_unit_test_setup(each_fault_is_outlived, fresh),
		cmocka_unit_test_setup(what_counts_as_accepted, fresh),
		cmocka_unit_test_setup(nobody_else_gets_it, fresh),
		cmocka_unit_test_setup(given_up_and_put_back, fresh),
		cmocka_unit_test_setup(too_late_to_put_back, fresh),
		cmocka_unit_test_setup(one_live_certificate_per_card, fresh),
		cmocka_unit_test_setup(revocation_is_told_to_the_card_server_first, fresh),
		cmocka_unit_test_setup(revoked_before_it_was_handed_over, fresh),
		cmocka_unit_test_setup(the_end_of_an_old_one_spares_the_new, fresh),
		cmocka_unit_test_setup(what_was_never_delivered_can_be_revoked, fresh),
		cmocka_unit_test_setup(the_id_is_required_and_checked, fresh),
		cmocka_unit_test_setup(an_id_can_be_tied_to_its_owner, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
