/* Tests of the embedded CA as it is loaded: orders, PINs, downloads, revocation, on a real database and through the router. */
#include "support/check.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "plugin.h"
#include "support/applications.h"
#include "support/mariadb.h"
#include "support/plugin_job.h"
#include "support/request_maker.h"
#include "support/view_strings.h"

#define RACERS 8

static struct arena *a;
static struct db *db;
static const struct plugin *local;
static struct user taro;

/* --- The world ------------------------------------------------------------------------------------------------------ */

static void plugins_load(void)
{
	static const char *const names[] = {"client", "smime", "upstream_local", NULL};
	static const char *const views[] = {"core", "client", "smime", "upstream_local", NULL};
	/* P-256 throughout, but for S/MIME: these tests are not about RSA. */
	mariadb_file(a, "upstream_local.conf",
		"ca_name = \"CN=Test CA,O=Example University,C=JP\"\nca_key = \"ec:P-256\"\n"
		"user_key = \"ec:P-256\"\nkey_stock = 4\n");
	mariadb_file(a, "client.conf", "\n");
	mariadb_file(a, "smime.conf", "\n");
	site_set(&(struct site){.base_url = "https://portal.example.ac.jp",
		.title_ja = "x",
		.title_en = "x",
		.contact = "desk"});
	check_ok(plugin_load(BINARY_DIR "/plugins", names, false));
	check_ok(plugin_configure(a, mariadb_dir()));
	local = plugin_find("upstream_local");
	assert_non_null(local);
	view_strings_start(a);
	check_ok(i18n_start(BINARY_DIR "/locales"));
	i18n_domain("upstream_local");
	i18n_domain("client");
	check_ok(view_start(SOURCE_DIR "/views", views));
}

static int set_up(void **state)
{
	mariadb_start();
	mariadb_migrate("client");
	mariadb_migrate("upstream_local");
	a = arena_new();
	db = mariadb_db();
	plugins_load();
	return 0;
}

static int tear_down(void **state)
{
	plugin_stop();
	view_strings_end();
	db_free(db);
	arena_free(a);
	return 0;
}

/* Started after the race for the CA; the CA stays for all other tests. */
static void started(void)
{
	static bool done;
	if (!done)
		check_ok(plugin_start(a, db));
	done = true;
	taro = test_user(db, a, "taro");
	mariadb_exec("DELETE FROM inkan.job");
}

static void job_now(const char *name, uint64_t subject)
{
	check_ok(test_job_run(db, a, NULL, name, subject, ""));
}

static struct upstream_order submit(const struct application *app, enum upstream_action action, int reason)
{
	struct upstream_call call = {.arena = a, .db = db, .deadline = clock_monotonic() + 60 * SECOND};
	struct upstream_order order = {
		.application = app, .action = action, .reason = reason, .answer = UPSTREAM_UNKNOWN};
	check_ok(local->upstream->submit(&call, &order, 1));
	return order;
}

static struct application reread(const struct application *app)
{
	struct application fresh;
	check_ok(application_get(db, a, app->id, &fresh));
	return fresh;
}

/* An application whose PIN is there. */
static struct application with_pin(void)
{
	struct application app = test_application(db, a, &taro);
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_TOLD);
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_PIN);
	return app;
}

static const char *pin_of(const struct application *app)
{
	const char *pin;
	check_ok(application_pin(db, a, app, &pin));
	return pin;
}

/* The path of the download address. */
static const char *path_of(const struct application *app)
{
	static const char base[] = "https://portal.example.ac.jp";
	const char *url;
	check_ok(application_url(db, a, app, &url));
	assert_true(text_starts(url, base));
	return url + strlen(base);
}

/* --- A browser ------------------------------------------------------------------------------------------------------- */

struct reply {
	struct request *rq;
	const char *head; /* with the first part of the body, when that is text */
	struct bytes body;
	int code;
};

static struct reply answer(struct request *rq)
{
	struct reply r = {.rq = rq};
	router_run(rq);
	r.body = rq->parts->body;
	r.code = rq->parts->http;
	r.head = response_text(rq);
	return r;
}

static struct reply get(const char *path, const char *cookies)
{
	return answer(request_make_get(a, db, path, cookies));
}

static struct reply post(const char *path, const char *cookies, const char *form)
{
	return answer(request_make_post(a, db, path, cookies, form));
}

static const char *header(const struct reply *r, const char *name)
{
	return response_header(a, r->head, name, 0);
}

static bool shows(const struct reply *r, const char *text)
{
	return memmem(r->body.data, r->body.len, text, strlen(text)) != NULL;
}

static void expect_secret(const struct reply *r)
{
	assert_string_equal(header(r, "Cache-Control"), "no-store");
	assert_string_equal(header(r, "Referrer-Policy"), "no-referrer");
}

static void expect_ended(const struct reply *r, int code, const char *text)
{
	assert_int_equal(r->code, code);
	if (!shows(r, text))
		fail_msg("the page does not say \"%s\"", text);
	expect_secret(r);
}

/* Gives the right PIN; returns what the browser sends as Cookie from then on. */
static const char *unlock(const struct application *app)
{
	struct reply r = post(path_of(app), NULL, arena_printf(a, "pin=%s", pin_of(app)));
	assert_int_equal(r.code, 303);
	assert_true(text_ends(header(&r, "Location"), "/download"));
	const char *cookie = header(&r, "Set-Cookie");
	assert_non_null(cookie);
	assert_non_null(strstr(cookie, "; Path=/; Secure; HttpOnly; SameSite=Lax"));
	return arena_stringn(a, cookie, strcspn(cookie, ";"));
}

static const char *download_path(const struct application *app)
{
	return arena_printf(a, "%s/download", path_of(app));
}

/* Opens a .p12 with the PIN; the serial of its certificate, which must belong to its key. */
static const char *p12_serial(struct bytes p12, const char *pin)
{
	const unsigned char *at = p12.data;
	PKCS12 *file = d2i_PKCS12(NULL, &at, (long)p12.len);
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	STACK_OF(X509) *chain = NULL;
	assert_non_null(file);
	assert_int_equal(PKCS12_parse(file, pin, &key, &x, &chain), 1);
	assert_int_equal(X509_check_private_key(x, key), 1);
	assert_int_equal(sk_X509_num(chain), 1);
	assert_int_equal(X509_verify(x, X509_get0_pubkey(sk_X509_value(chain, 0))), 1);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	const char *hex =
		text_hex(a, bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
	EVP_PKEY_free(key);
	X509_free(x);
	sk_X509_pop_free(chain, X509_free);
	PKCS12_free(file);
	return hex;
}

static struct reply download(const struct application *app, const char *cookie)
{
	struct reply r = post(download_path(app), cookie, "format=modern");
	assert_int_equal(r.code, 200);
	assert_string_equal(header(&r, "Content-Type"), "application/x-pkcs12");
	expect_secret(&r);
	return r;
}

static bool same_bytes(const struct reply *x, const struct reply *y)
{
	return x->body.len == y->body.len && memcmp(x->body.data, y->body.data, x->body.len) == 0;
}

static void expect_same(const struct reply *x, const struct reply *y)
{
	assert_int_equal(x->code, 200);
	if (!same_bytes(x, y))
		fail_msg("another file of %zu bytes, not the one of %zu", x->body.len, y->body.len);
}

static int64_t count(const char *what)
{
	return mariadb_number(arena_printf(a, "SELECT COUNT(*) FROM inkan.%s", what));
}

static void set(const struct application *app, const char *assignment)
{
	mariadb_exec(arena_printf(a, "UPDATE inkan.local_order SET %s WHERE application = %llu", assignment,
		(unsigned long long)app->id));
}

/* --- Tests ------------------------------------------------------------------------------------------------------------ */

static void first_starts_make_one_ca(void **state)
{
	char *const argv[] = {(char[]){"ca"}, (char[]){"init"}, NULL}, *const show[] = {(char[]){"ca"},
									       (char[]){"show"}, NULL};
	check_status(local->commands[0].run(a, db, 2, (char **)(uintptr_t)show), STATUS_MISSING);
	pid_t pids[4];
	for (size_t i = 0; i < COUNT_OF(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			if (!freopen("/dev/null", "w", stdout))
				_exit(2);
			_exit(local->commands[0].run(
				      arena_new(), mariadb_db(), 2, (char **)(uintptr_t)argv) == STATUS_OK
					? 0
					: 1);
		}
	}
	for (size_t i = 0; i < COUNT_OF(pids); i++) {
		int rc;
		assert_int_equal(waitpid(pids[i], &rc, 0), pids[i]);
		assert_int_equal(rc, 0);
	}
	assert_int_equal(count("local_ca"), 1);
	assert_int_equal(mariadb_number("SELECT number FROM inkan.local_crl"), 1);
	/* sealed: the key does not stand there as it is */
	assert_int_equal(mariadb_number("SELECT ASCII(key_sealed) FROM inkan.local_ca"), 1);
	started();
	assert_int_equal(count("local_ca"), 1);
}

/* As an order that is to get an RSA key, which takes long to make. */
static struct application slow_one(void)
{
	struct application app = test_application(db, a, &taro);
	app.type = "smime";
	return app;
}

static int64_t key_jobs(const struct application *app)
{
	return count(arena_printf(a, "job WHERE kind = 'upstream_local.key' AND subject = %llu", (unsigned long long)app->id));
}

static void order_is_taken_once(void **state)
{
	started();
	mariadb_exec("DELETE FROM inkan.local_key");
	struct application app = slow_one();
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_ACCEPTED);
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_ACCEPTED);
	assert_int_equal(
		count(arena_printf(a, "local_order WHERE application = %llu", (unsigned long long)app.id)),
		1);
	assert_int_equal(key_jobs(&app), 1);
	job_now("upstream_local.key", app.id);
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_PIN);
	assert_true(app.download_until > clock_now() + 27 * DAY);
	const char *pin = pin_of(&app), *path = path_of(&app);
	assert_int_equal(strlen(pin), 14);
	/* the job again, after a crash: nothing changes */
	job_now("upstream_local.key", app.id);
	app = reread(&app);
	assert_string_equal(pin_of(&app), pin);
	assert_string_equal(path_of(&app), path);
	/* neither PIN nor token stands in the plugin's row */
	const char *token = strrchr(path, '/') + 1;
	assert_int_equal(strlen(token), 43);
	assert_int_equal(
		count(arena_printf(a,
			"local_order WHERE LOCATE('%s', pin_sealed) OR LOCATE('%s', CONCAT_WS('', token_digest, "
			"subject, mail))",
			pin, token)),
		0);
	assert_int_equal(
		count(arena_printf(a, "local_order WHERE token_digest = UNHEX(SHA2('%s', 256))", token)), 1);
	/* an order for an application that is gone */
	job_now("upstream_local.key", 999999);
}

/* What takes no time needs no job: the PIN is there with the answer. */
static void quick_order_is_ready_at_once(void **state)
{
	started();
	struct application app = test_application(db, a, &taro);
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_TOLD);
	struct application ready = reread(&app);
	assert_int_equal(ready.state, APPLICATION_PIN);
	assert_int_equal(key_jobs(&app), 0);
	const char *pin = pin_of(&ready), *path = path_of(&ready);
	/* the order again, after a crash: the same PIN and address, and one certificate */
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_ACCEPTED);
	job_now("upstream_local.key", app.id);
	ready = reread(&app);
	assert_string_equal(pin_of(&ready), pin);
	assert_string_equal(path_of(&ready), path);
	assert_int_equal(count(arena_printf(a, "event WHERE kind = 'PIN' AND application_id = %llu", (unsigned long long)app.id)), 1);
}

static void orders_that_cannot_be_signed(void **state)
{
	started();
	struct application app = test_application(db, a, &taro), bad;
	bad = app;
	bad.type = "no_such_type";
	struct upstream_order order = submit(&bad, UPSTREAM_ISSUE, 0);
	assert_int_equal(order.answer, UPSTREAM_REJECTED);
	assert_string_equal(order.code, "no-profile");
	bad = app;
	bad.subject = "CN=a+b";
	order = submit(&bad, UPSTREAM_ISSUE, 0);
	assert_int_equal(order.answer, UPSTREAM_REJECTED);
	assert_string_equal(order.field, "subject");
	bad = app;
	bad.mail = "taro@example.ac.jp\r\nBcc: x@example.com";
	order = submit(&bad, UPSTREAM_RENEW, 0);
	assert_int_equal(order.answer, UPSTREAM_REJECTED);
	assert_string_equal(order.field, "mail");
	assert_int_equal(submit(&app, UPSTREAM_REVOKE, 0).answer, UPSTREAM_REJECTED);
	assert_int_equal(
		count(arena_printf(a, "local_order WHERE application = %llu", (unsigned long long)app.id)),
		0);
	assert_int_equal(submit(&app, UPSTREAM_ISSUE, 0).answer, UPSTREAM_TOLD);
}

static void pin_page(void **state)
{
	started();
	struct application app = with_pin();
	struct reply r = get(path_of(&app), NULL);
	assert_int_equal(r.code, 200);
	expect_secret(&r);
	assert_true(shows(&r, "<h1>Access PIN</h1>") && shows(&r, "autocapitalize=\"off\"") &&
		    shows(&r, ">Next</button>"));
	assert_false(shows(&r, pin_of(&app)));
	assert_false(shows(&r, app.subject)); /* the address alone tells nothing about its owner */
	r = get(arena_printf(a, "%s?lang=ja", path_of(&app)), NULL);
	assert_int_equal(r.code, 303);
	r = get(path_of(&app), "__Host-lang=ja");
	assert_true(shows(&r, "アクセスPIN") && shows(&r, ">次へ</button>"));
	/* others */
	r = get("/upstream_local/take/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL);
	expect_ended(&r, 404, "not valid");
	r = get("/upstream_local/take/x", NULL);
	expect_ended(&r, 404, "not valid");
	r = post("/upstream_local/take/x", NULL, "pin=a");
	expect_ended(&r, 404, "not valid");
	r = get(download_path(&app), NULL);
	assert_int_equal(r.code, 303);
	assert_true(text_ends(header(&r, "Location"), "?again=1"));
	r = post(download_path(&app), NULL, "format=modern");
	assert_int_equal(r.code, 303);
	r = post(download_path(&app), "__Host-take-0123456789abcdef=x", "format=modern");
	assert_int_equal(r.code, 303);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
				 (unsigned long long)app.id)),
		0);
}

static void wrong_pins_are_slowed(void **state)
{
	started();
	struct application app = with_pin(), other = with_pin();
	const char *right = arena_printf(a, "pin=%s", pin_of(&app)), *path = path_of(&app);
	struct reply r = post(path, NULL, "pin=");
	assert_int_equal(r.code, 403); /* nothing typed is no try */
	for (int i = 1; i <= 5; i++) {
		r = post(path, NULL,
			arena_printf(a, "pin=%s",
				i == 3	 ? pin_of(&other)
				: i == 4 ? "%E3%81%82"
					 : "wrong"));
		assert_int_equal(r.code, i < 5 ? 403 : 429);
		assert_true(shows(&r, "The PIN is not correct"));
		assert_null(header(&r, "Set-Cookie"));
		expect_secret(&r);
	}
	/* now even the right one is refused, and the page says until when */
	r = post(path, NULL, right);
	assert_int_equal(r.code, 429);
	assert_true(shows(&r, "the next try is accepted from"));
	assert_null(header(&r, "Set-Cookie"));
	int64_t wait;
	assert_true(text_int(header(&r, "Retry-After"), 1, 61, &wait));
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT pin_failures FROM inkan.local_order WHERE application = %llu",
				 (unsigned long long)app.id)),
		5);
	/* other addresses are not concerned */
	(void)unlock(&other);
	/* each further one doubles the pause */
	set(&app, "pin_wait_until = 0");
	r = post(path, NULL, "pin=wrong");
	assert_true(text_int(header(&r, "Retry-After"), 62, 121, &wait));
	set(&app, "pin_wait_until = 0");
	(void)unlock(&app);
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT pin_failures FROM inkan.local_order WHERE application = %llu",
				 (unsigned long long)app.id)),
		0);
	assert_true(count("audit WHERE action = 'pin.refused'") >= 6);
}

static void download_and_repeat(void **state)
{
	started();
	struct application app = with_pin();
	const char *pin = pin_of(&app), *path = path_of(&app), *cookie = unlock(&app),
		   *page = download_path(&app);
	struct reply r = get(page, cookie);
	assert_int_equal(r.code, 200);
	expect_secret(&r);
	assert_true(shows(&r, "Client certificate download") && shows(&r, ">Download</button>") &&
		    shows(&r, app.subject));
	/* what comes next stands there before, for whoever has no script */
	assert_true(shows(&r, "<li aria-current=\"step\">Download</li>") && shows(&r, "href=\"/help\"") &&
		    shows(&r, "The password of the file is the PIN") &&
		    shows(&r, "press &quot;Download&quot; again in this browser within 10 minutes") &&
		    shows(&r, "first revoke this one"));
	r = post(page, cookie, "format=rc2");
	assert_int_equal(r.code, 400);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
				 (unsigned long long)app.id)),
		0);

	struct reply first = download(&app, cookie);
	assert_non_null(strstr(header(&first, "Content-Disposition"), ".p12\""));
	const char *serial = p12_serial(first.body, pin);
	assert_int_equal(reread(&app).state, APPLICATION_PIN); /* not before it is handed over */
	response_after(first.rq, true);
	struct application taken = reread(&app);
	assert_int_equal(taken.state, APPLICATION_TAKEN);
	assert_string_equal(taken.serial, serial);
	assert_in_range(clock_add_months(taken.taken_at, 52) - taken.not_after, 0,
		30 * SECOND); /* signed just before */
	assert_true(taken.not_before <= clock_now() - 4 * MINUTE);
	assert_int_equal(strlen(taken.fingerprint), 64);

	/* the same browser again: the same bytes, whatever it asks for */
	struct reply again = post(page, cookie, "format=compatible");
	assert_int_equal(again.code, 200);
	assert_int_equal(again.body.len, first.body.len);
	assert_memory_equal(again.body.data, first.body.data, first.body.len);
	response_after(again.rq, true);
	r = get(path, cookie);
	assert_int_equal(r.code, 303);
	r = get(page, cookie);
	assert_true(shows(&r, "download the same file again until") &&
		    shows(&r, "<li aria-current=\"step\">Install</li>") &&
		    !shows(&r, "<li aria-current=\"step\">Download</li>"));
	/* any other, with the PIN too */
	r = get(path, NULL);
	expect_ended(&r, 410, "already been taken");
	assert_true(shows(&r, "When it says &quot;Revocation completed&quot;, apply for a new one"));
	r = post(path, NULL, arena_printf(a, "pin=%s", pin));
	expect_ended(&r, 410, "already been taken");
	r = post(page, arena_printf(a, "%.*s=AAAA", (int)strcspn(cookie, "="), cookie), "");
	expect_ended(&r, 410, "already been taken");
	/* not before its time */
	job_now("upstream_local.sweep", 0);
	assert_int_equal(post(page, cookie, "").code, 200);
	/* later nobody, and nothing is left */
	mariadb_exec(arena_printf(a, "UPDATE inkan.local_order SET repeat_until = 1 WHERE application = %llu",
		(unsigned long long)app.id));
	r = post(page, cookie, "");
	expect_ended(&r, 410, "already been taken");
	job_now("upstream_local.sweep", 0);
	assert_int_equal(
		count(arena_printf(a,
			"local_order WHERE application = %llu AND key_sealed IS NULL AND p12_sealed IS NULL AND "
			"pin_sealed IS NULL AND wiped_at > 0",
			(unsigned long long)app.id)),
		1);
	r = get(path, cookie);
	expect_ended(&r, 410, "already been taken");
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
				 (unsigned long long)app.id)),
		1);
}

/* Two downloads of one browser overlap, in different formats: both get the file of the first, and so do all repetitions. */
static void formats_that_overlap(void **state)
{
	started();
	struct application app = with_pin();
	const char *cookie = unlock(&app), *page = download_path(&app);
	struct reply first = download(&app, cookie), second = post(page, cookie, "format=apple");
	assert_int_equal(second.code, 200);
	assert_string_equal(header(&second, "Content-Type"), "application/x-pkcs12");
	expect_same(&second, &first);
	/* the first one breaks off, the second one arrives */
	response_after(first.rq, false);
	response_after(second.rq, true);
	struct reply again = post(page, cookie, "format=compatible");
	expect_same(&again, &first);
}

/* The PIN given anew lets a browser choose anew, while the file of another is still on its way: the first that arrives whole is the one
 * that is repeated, to its own browser. */
static void formats_of_two_browsers(void **state)
{
	started();
	struct application app = with_pin();
	const char *pc = unlock(&app), *page = download_path(&app);
	struct reply first = download(&app, pc);
	const char *phone = unlock(&app);
	struct reply second = post(page, phone, "format=compatible");
	assert_int_equal(second.code, 200);
	assert_false(same_bytes(&second, &first)); /* the control: formats do differ */
	response_after(first.rq, true);
	response_after(second.rq, true);
	struct reply again = post(page, pc, "format=compatible");
	expect_same(&again, &first);
	struct reply other = post(page, phone, "format=compatible");
	expect_ended(&other, 410, "already been taken");
}

static void broken_download(void **state)
{
	started();
	struct application app = with_pin();
	const char *pin = pin_of(&app), *cookie = unlock(&app);
	struct reply r = download(&app, cookie);
	const char *serial = p12_serial(r.body, pin);
	response_after(r.rq, false); /* nginx did not take all of it */
	assert_int_equal(reread(&app).state, APPLICATION_PIN);
	/* from another device, with the PIN, in the other format: the same certificate and key */
	const char *phone = unlock(&app);
	r = post(download_path(&app), phone, "format=compatible");
	assert_int_equal(r.code, 200);
	assert_string_equal(p12_serial(r.body, pin), serial);
	/* the first browser's turn is over */
	struct reply old = post(download_path(&app), cookie, "format=modern");
	assert_int_equal(old.code, 303);
	response_after(r.rq, true);
	assert_int_equal(reread(&app).state, APPLICATION_TAKEN);
	assert_string_equal(reread(&app).serial, serial);
}

static void killed_after_sending(void **state)
{
	started();
	struct application app = with_pin();
	const char *pin = pin_of(&app), *path = path_of(&app), *cookie = unlock(&app);
	struct reply r = download(&app, cookie);
	const char *serial = p12_serial(r.body, pin);
	/* no response_after(): the process is gone */
	job_now("upstream_local.sweep", 0);
	assert_int_equal(reread(&app).state, APPLICATION_PIN);
	mariadb_exec(arena_printf(a,
		"UPDATE inkan.local_certificate SET created_at = created_at - 3600000 WHERE application = %llu",
		(unsigned long long)app.id));
	job_now("upstream_local.sweep", 0);
	struct application taken = reread(&app);
	assert_int_equal(taken.state, APPLICATION_TAKEN);
	assert_string_equal(taken.serial, serial);
	/* the user may not have got it: the PIN still opens the address */
	r = post(path, NULL, arena_printf(a, "pin=%s", pin));
	assert_int_equal(r.code, 303);
	const char *second = header(&r, "Set-Cookie");
	r = post(arena_printf(a, "%s/download", path), arena_stringn(a, second, strcspn(second, ";")), "");
	assert_int_equal(r.code, 200);
	assert_string_equal(p12_serial(r.body, pin), serial);
	response_after(r.rq, true);
	assert_int_equal(reread(&app).state, APPLICATION_TAKEN);
	r = get(path, NULL);
	expect_ended(&r, 410, "already been taken");
	assert_int_equal(count(arena_printf(a, "event WHERE kind = 'TAKEN' AND application_id = %llu",
				 (unsigned long long)app.id)),
		1);
}

static void not_taken_in_time(void **state)
{
	started();
	struct application app = with_pin();
	const char *cookie = unlock(&app);
	set(&app, "download_until = 1");
	struct reply r = get(path_of(&app), NULL);
	expect_ended(&r, 410, "time for the download is over");
	r = post(path_of(&app), NULL, arena_printf(a, "pin=%s", pin_of(&app)));
	expect_ended(&r, 410, "time for the download is over");
	r = post(download_path(&app), cookie, "");
	expect_ended(&r, 410, "time for the download is over");
	job_now("upstream_local.sweep", 0);
	assert_int_equal(
		count(arena_printf(a,
			"local_order WHERE application = %llu AND key_sealed IS NULL AND pin_sealed IS NULL",
			(unsigned long long)app.id)),
		1);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
				 (unsigned long long)app.id)),
		0);
	r = get(path_of(&app), "__Host-lang=ja");
	expect_ended(&r, 410, "取得期限");
}

static void old_pin_entry(void **state)
{
	started();
	struct application app = with_pin();
	const char *cookie = unlock(&app);
	set(&app, "unlock_until = 1");
	struct reply r = post(download_path(&app), cookie, "");
	assert_int_equal(r.code, 303);
	r = get(arena_printf(a, "%s?again=1", path_of(&app)), cookie);
	assert_true(shows(&r, "enter the PIN once more"));
}

/* --- Races -------------------------------------------------------------------------------------------------------------- */

static pthread_barrier_t together;

struct racer {
	pthread_t thread;
	const char *path, *cookie, *form;
	uint64_t application;
	int code;
	struct bytes body;
	enum status status;
	struct arena *arena;
};

static void *race_post(void *argument)
{
	struct racer *r = argument;
	struct db *own = mariadb_db();
	r->arena = arena_new();
	struct request *rq = request_make_post(r->arena, own, r->path, r->cookie, r->form);
	pthread_barrier_wait(&together);
	router_run(rq);
	r->code = rq->parts->http;
	r->body = rq->parts->body;
	response_after(rq, true);
	db_free(own);
	return NULL;
}

static void *race_key(void *argument)
{
	struct racer *r = argument;
	struct db *own = mariadb_db();
	r->arena = arena_new();
	pthread_barrier_wait(&together);
	r->status = test_job_run(own, r->arena, NULL, "upstream_local.key", r->application, "");
	db_free(own);
	return NULL;
}

static void race(struct racer *racers, void *(*run)(void *))
{
	pthread_barrier_init(&together, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
	for (size_t i = 0; i < RACERS; i++)
		pthread_join(racers[i].thread, NULL);
	pthread_barrier_destroy(&together);
}

static void racing_downloads_issue_one(void **state)
{
	started();
	for (int round = 0; round < 5; round++) {
		struct application app = with_pin();
		const char *cookie = unlock(&app), *path = download_path(&app), *pin = pin_of(&app);
		struct racer racers[RACERS];
		for (size_t i = 0; i < RACERS; i++)
			racers[i] = (struct racer){.path = path, .cookie = cookie, .form = "format=modern"};
		race(racers, race_post);
		const char *serial = reread(&app).serial;
		assert_non_null(serial);
		for (size_t i = 0; i < RACERS; i++) {
			assert_int_equal(racers[i].code, 200);
			assert_int_equal(racers[i].body.len, racers[0].body.len);
			assert_memory_equal(racers[i].body.data, racers[0].body.data, racers[0].body.len);
			assert_string_equal(p12_serial(racers[i].body, pin), serial);
		}
		for (size_t i = 0; i < RACERS; i++)
			arena_free(racers[i].arena);
		assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
					 (unsigned long long)app.id)),
			1);
		assert_int_equal(count(arena_printf(a, "event WHERE kind = 'TAKEN' AND application_id = %llu",
					 (unsigned long long)app.id)),
			1);
	}
}

/* As above, but each asks for a format of its own; what was handed over is what the browser may have again. */
static void racing_formats_give_one_file(void **state)
{
	static const char *const forms[] = {"format=modern", "format=compatible", "format=apple"};
	bool seen[COUNT_OF(forms)] = {false};
	started();
	for (int round = 0; round < 12; round++) {
		struct application app = with_pin();
		const char *cookie = unlock(&app), *path = download_path(&app);
		struct racer racers[RACERS];
		for (size_t i = 0; i < RACERS; i++)
			racers[i] = (struct racer){
				.path = path, .cookie = cookie, .form = forms[(i + (size_t)round) % COUNT_OF(forms)]};
		race(racers, race_post);
		struct reply again = post(path, cookie, "format=modern");
		for (size_t i = 0; i < RACERS; i++) {
			struct reply r = {.code = racers[i].code, .body = racers[i].body};
			expect_same(&r, &again);
			arena_free(racers[i].arena);
		}
		int64_t format = mariadb_number(arena_printf(a,
			"SELECT FIELD(p12_format, 'modern', 'compatible', 'apple') FROM inkan.local_order WHERE application = %llu",
			(unsigned long long)app.id));
		assert_in_range(format, 1, COUNT_OF(forms));
		seen[format - 1] = true;
	}
	/* the control: it was a race, which more than one format has won */
	assert_true(seen[0] + seen[1] + seen[2] > 1);
}

static void racing_guesses_are_all_counted(void **state)
{
	started();
	struct application app = with_pin();
	struct racer racers[RACERS];
	for (size_t i = 0; i < RACERS; i++)
		racers[i] = (struct racer){.path = path_of(&app), .form = "pin=wrong"};
	race(racers, race_post);
	int refused = 0;
	for (size_t i = 0; i < RACERS; i++) {
		assert_true(racers[i].code == 403 || racers[i].code == 429);
		refused += racers[i].code == 429;
		arena_free(racers[i].arena);
	}
	assert_int_equal(refused, RACERS - 4); /* the fifth begins the pause, the rest meets it */
	assert_int_equal(mariadb_number(arena_printf(a,
				 "SELECT pin_failures FROM inkan.local_order WHERE application = %llu",
				 (unsigned long long)app.id)),
		5);
}

static void *race_order(void *argument)
{
	struct racer *r = argument;
	struct db *own = mariadb_db();
	r->arena = arena_new();
	struct application app;
	struct upstream_call call = {.arena = r->arena, .db = own, .deadline = clock_monotonic() + 60 * SECOND};
	struct upstream_order order = {.application = &app, .answer = UPSTREAM_UNKNOWN};
	pthread_barrier_wait(&together);
	r->status = application_get(own, r->arena, r->application, &app);
	app.type = "smime";
	if (r->status == STATUS_OK)
		r->status = local->upstream->submit(&call, &order, 1);
	r->code = (int)order.answer;
	db_free(own);
	return NULL;
}

static void keys_of_the_stock_are_used_once(void **state)
{
	started();
	mariadb_exec("DELETE FROM inkan.local_key");
	mariadb_exec(
		"INSERT INTO inkan.local_key VALUES ('0', 'rsa:3072', 'x', 1), ('1', 'ec:P-256', 'x', 1)"); /* of other configurations */
	job_now("upstream_local.stock", 0);
	assert_int_equal(count("local_key"), 4);
	assert_int_equal(count("local_key WHERE kind = 'rsa:2048'"), 4);
	mariadb_exec(
		"UPDATE inkan.local_key SET key_sealed = CONCAT('!', key_sealed) LIMIT 1"); /* one that will not open */
	struct racer racers[RACERS];
	for (size_t i = 0; i < RACERS; i++)
		racers[i] = (struct racer){.application = slow_one().id};
	race(racers, race_order);
	int told = 0;
	for (size_t i = 0; i < RACERS; i++) {
		assert_int_equal(racers[i].status, STATUS_OK);
		told += racers[i].code == UPSTREAM_TOLD;
		arena_free(racers[i].arena);
	}
	assert_int_equal(told, 3); /* the keys of the stock that open; the others get theirs from the job */
	race(racers, race_key);
	const char *keys[RACERS];
	for (size_t i = 0; i < RACERS; i++) {
		struct db_rows rows;
		struct bytes pkcs8;
		assert_int_equal(racers[i].status, STATUS_OK);
		check_ok(db_select(db, a, &rows, "SELECT key_sealed FROM local_order WHERE application = ?",
			DB_INT(racers[i].application)));
		check_ok(seal_open(a, "local_order",
			arena_printf(a, "%llu", (unsigned long long)racers[i].application), "key_sealed",
			db_bytes(&rows, 0, 0), &pkcs8));
		keys[i] = text_hex(a, pkcs8);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[k], keys[i]);
		arena_free(racers[i].arena);
	}
	assert_int_equal(count("local_key"), 0);
}

/* --- Revocation ----------------------------------------------------------------------------------------------------------- */

static bool crl_lists(struct bytes der, const char *serial_hex, long *ret_number)
{
	const unsigned char *at = der.data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
	X509_REVOKED *entry = NULL;
	BIGNUM *bn = NULL;
	assert_non_null(crl);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	*ret_number = ASN1_INTEGER_get(number);
	assert_true(BN_hex2bn(&bn, serial_hex) > 0);
	ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(bn, NULL);
	bool found = X509_CRL_get0_by_serial(crl, &entry, serial) == 1;
	ASN1_INTEGER_free(serial);
	ASN1_INTEGER_free(number);
	BN_free(bn);
	X509_CRL_free(crl);
	return found;
}

static struct application taken_one(void)
{
	struct application app = with_pin();
	struct reply r = download(&app, unlock(&app));
	response_after(r.rq, true);
	app = reread(&app);
	assert_int_equal(app.state, APPLICATION_TAKEN);
	return app;
}

static void revocation_reaches_the_list(void **state)
{
	started();
	struct application app = taken_one(), other = taken_one();
	long before, after;
	struct reply r = get("/upstream_local/ca.crl", NULL);
	assert_int_equal(r.code, 200);
	assert_string_equal(header(&r, "Content-Type"), "application/pkix-crl");
	assert_string_equal(header(&r, "Cache-Control"), "public, max-age=300");
	assert_non_null(strstr(header(&r, "Last-Modified"), " GMT"));
	assert_false(crl_lists(r.body, app.serial, &before));
	assert_int_equal(test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED, .reason = 1}),
		APPLIED_MOVED);
	app = reread(&app);
	assert_int_equal(submit(&app, UPSTREAM_REVOKE, 1).answer, UPSTREAM_ACCEPTED);
	assert_int_equal(reread(&app).state, APPLICATION_REVOKED);
	r = get("/upstream_local/ca.crl", NULL);
	assert_true(crl_lists(r.body, app.serial, &after));
	assert_false(crl_lists(r.body, other.serial, &after));
	assert_int_equal(after, before + 1);
	/* asked again after a crash */
	assert_int_equal(submit(&app, UPSTREAM_REVOKE, 1).answer, UPSTREAM_ACCEPTED);
	assert_int_equal(reread(&app).state, APPLICATION_REVOKED);
	/* key and file were wiped with it, within the repetition's time */
	assert_int_equal(
		count(arena_printf(a,
			"local_order WHERE application = %llu AND p12_sealed IS NULL AND key_sealed IS NULL",
			(unsigned long long)app.id)),
		1);
	/* unchanged since: 304; by the address in the certificates, the same list */
	r = get("/upstream_local/ca/1/ca.crl", NULL);
	const char *etag = header(&r, "ETag");
	const char *const params[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/upstream_local/ca.crl",
		arena_printf(a, "HTTP_IF_NONE_MATCH=%s", etag), NULL};
	r = answer(request_make_raw(a, db, "", 0, params));
	assert_int_equal(r.code, 304);
	assert_int_equal(get("/upstream_local/ca/2/ca.crl", NULL).code, 404);
	assert_int_equal(get("/upstream_local/ca/x/ca.crl", NULL).code, 404);
}

static void revoked_while_it_could_be_repeated(void **state)
{
	started();
	struct application app = with_pin();
	const char *cookie = unlock(&app), *path = download_path(&app);
	struct reply r = download(&app, cookie);
	response_after(r.rq, true);
	assert_int_equal(post(path, cookie, "format=modern").code, 200); /* the control: the same browser may */
	assert_int_equal(
		test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED}), APPLIED_MOVED);
	app = reread(&app);
	assert_int_equal(submit(&app, UPSTREAM_REVOKE, 0).answer, UPSTREAM_ACCEPTED);
	r = post(path, cookie, "format=modern");
	expect_ended(&r, 410, "already been taken");
	r = get(path, cookie);
	expect_ended(&r, 410, "already been taken");
}

static void revoked_before_it_was_confirmed(void **state)
{
	started();
	struct application app = with_pin();
	const char *pin = pin_of(&app), *path = path_of(&app);
	struct reply r = download(&app, unlock(&app));
	mariadb_exec(
		arena_printf(a, "UPDATE inkan.local_certificate SET created_at = 1 WHERE application = %llu",
			(unsigned long long)app.id));
	job_now("upstream_local.sweep", 0);
	assert_int_equal(
		test_apply(db, a, app.id, (struct event){.kind = EVENT_REVOKE_ASKED}), APPLIED_MOVED);
	app = reread(&app);
	assert_int_equal(submit(&app, UPSTREAM_REVOKE, 0).answer, UPSTREAM_ACCEPTED);
	response_after(r.rq, true); /* a reply that took very long */
	assert_int_equal(reread(&app).state, APPLICATION_REVOKED);
	r = post(path, NULL, arena_printf(a, "pin=%s", pin));
	expect_ended(&r, 410, "has been revoked");
}

/* Its record was deleted and imported again: the certificate is the same, its application another one. A serial that this CA never signed is nobody's. */
static void revoked_by_another_application(void **state)
{
	started();
	struct application first = taken_one();
	mariadb_exec(arena_printf(a, "DELETE FROM inkan.application WHERE id = %llu", (unsigned long long)first.id));
	struct imported row = {.state = APPLICATION_TAKEN, .type = "client", .subject = first.subject, .mail = "x@example.ac.jp", .serial = first.serial,
		.months = 13, .applied_at = 1, .not_before = 1, .not_after = clock_now() + DAY};
	struct imported false_row = row;
	false_row.serial = "abcdef";
	false_row.subject = "CN=false";
	check_ok(application_import(db, a, "upstream_local", &row, 1, "test"));
	check_ok(application_import(db, a, "upstream_local", &false_row, 1, "test"));
	struct application again, unknown;
	check_ok(application_get(db, a, row.id, &again));
	check_ok(application_get(db, a, false_row.id, &unknown));
	assert_int_not_equal(again.id, first.id);
	assert_int_equal(submit(&unknown, UPSTREAM_REVOKE, 1).answer, UPSTREAM_REJECTED);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE revoked_at > 0 AND serial = '%s'", first.serial)), 0);
	assert_int_equal(test_apply(db, a, again.id, (struct event){.kind = EVENT_REVOKE_ASKED}), APPLIED_MOVED);
	again = reread(&again);
	assert_int_equal(submit(&again, UPSTREAM_REVOKE, 1).answer, UPSTREAM_ACCEPTED);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE revoked_at > 0 AND serial = '%s'", first.serial)), 1);
	assert_int_equal(reread(&again).state, APPLICATION_REVOKED);
}

static void list_is_made_anew_in_time(void **state)
{
	started();
	int64_t number = mariadb_number("SELECT number FROM inkan.local_crl");
	job_now("upstream_local.crl", 0);
	assert_int_equal(mariadb_number("SELECT number FROM inkan.local_crl"), number);
	mariadb_exec("UPDATE inkan.local_crl SET this_update = this_update - 86400000");
	job_now("upstream_local.crl", 0);
	assert_int_equal(mariadb_number("SELECT number FROM inkan.local_crl"), number + 1);
}

static void ca_is_published(void **state)
{
	started();
	struct reply cer = get("/upstream_local/ca.cer", NULL), pem = get("/upstream_local/ca.pem", NULL);
	const unsigned char *at = cer.body.data;
	X509 *x = d2i_X509(NULL, &at, (long)cer.body.len);
	assert_non_null(x);
	assert_int_equal(X509_check_ca(x), 1);
	X509_free(x);
	assert_int_equal(pem.code, 200);
	BIO *bio = BIO_new_mem_buf(pem.body.data, (int)pem.body.len);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x);
	X509_free(x);
	BIO_free(bio);
	struct reply one = get("/upstream_local/ca/1/ca.cer", NULL);
	assert_int_equal(one.body.len, cer.body.len);
}

static void emit(const struct upstream_certificate *c, void *context)
{
	int *found = context;
	assert_int_equal(!c->serial, c->state == UPSTREAM_WAITING || c->state == UPSTREAM_PROGRESS);
	found[0] += c->serial != NULL;
	found[1] += c->state == UPSTREAM_REVOKED;
	found[2] += c->serial == NULL;
}

static void list_names_all(void **state)
{
	int found[3] = {0, 0, 0};
	struct upstream_call call = {.arena = a, .db = db, .deadline = clock_monotonic() + 60 * SECOND};
	check_ok(local->upstream->list(&call, emit, found));
	assert_int_equal(found[0], count("local_certificate"));
	assert_int_equal(found[1], count("local_certificate WHERE revoked_at > 0"));
	assert_int_equal(found[2], count("local_order WHERE handover = 0 AND application NOT IN (SELECT application FROM local_certificate)"));
	assert_true(found[1] >= 1 && found[0] > found[1]);
}

static void database_away(void **state)
{
	started();
	struct application app = with_pin();
	const char *path = path_of(&app), *cookie = unlock(&app);
	mariadb_kill();
	struct reply r = get(path, NULL);
	assert_int_equal(r.code, 503);
	r = post(arena_printf(a, "%s/download", path), cookie, "");
	assert_int_equal(r.code, 503);
	mariadb_restart();
	r = post(arena_printf(a, "%s/download", path), cookie, "");
	assert_int_equal(r.code, 200);
	assert_int_equal(count(arena_printf(a, "local_certificate WHERE application = %llu",
				 (unsigned long long)app.id)),
		1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_starts_make_one_ca),
		cmocka_unit_test(order_is_taken_once),
		cmocka_unit_test(quick_order_is_ready_at_once),
		cmocka_unit_test(orders_that_cannot_be_signed),
		cmocka_unit_test(pin_page),
		cmocka_unit_test(wrong_pins_are_slowed),
		cmocka_unit_test(download_and_repeat),
		cmocka_unit_test(formats_that_overlap),
		cmocka_unit_test(formats_of_two_browsers),
		cmocka_unit_test(broken_download),
		cmocka_unit_test(killed_after_sending),
		cmocka_unit_test(not_taken_in_time),
		cmocka_unit_test(old_pin_entry),
		cmocka_unit_test(racing_downloads_issue_one),
		cmocka_unit_test(racing_formats_give_one_file),
		cmocka_unit_test(racing_guesses_are_all_counted),
		cmocka_unit_test(keys_of_the_stock_are_used_once),
		cmocka_unit_test(revocation_reaches_the_list),
		cmocka_unit_test(revoked_while_it_could_be_repeated),
		cmocka_unit_test(revoked_before_it_was_confirmed),
		cmocka_unit_test(revoked_by_another_application),
		cmocka_unit_test(list_is_made_anew_in_time),
		cmocka_unit_test(ca_is_published),
		cmocka_unit_test(list_names_all),
		cmocka_unit_test(database_away),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
