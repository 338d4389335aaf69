/* Applicants without a screen: so many users at a time apply, read the PIN, open the mailed address and take the .p12.
 *
 *   applicant URL CA DB_SOCKET FIRST COUNT THREADS take|pin [PAUSE_MS]
 *
 * Users FIRST to FIRST+COUNT-1 of tests/bench/people.sql each do it once, with a pause before each. The address comes from the demo's mail in the database: whoever
 * looks at the mailbox's pages for it would measure those. Prints certificates (or PINs) per second, and the median and longest time from
 * OK until the PIN was on the details page, in seconds: "RATE MEDIAN LONGEST". */
#include <curl/curl.h>
#include <mysql.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEOPLE_MAX 100000
#define PAGE_MAX ((size_t)1024 * 1024) /* the longest page has 60 KB */
#define LOOK_MS 50		       /* between two looks at the details page, or into the mailbox */
#define LIMIT_S 120	/* for one of the steps: a machine that is that slow is not worth measuring */
#define VERIFY_EVERY 20 /* files that are opened with the PIN: opening costs as much as making */

#define DIE_UNLESS(expr, ...)                                                                                \
	do {                                                                                                 \
		if (!(expr)) {                                                                               \
			fprintf(stderr, "applicant: " __VA_ARGS__);                                          \
			fprintf(stderr, " (%s)\n", #expr);                                                   \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

static const char *site, *ca_file, *db_socket;
static int first, count;
static bool only_pin;
static long pause_before;
static atomic_int next;
static double waits[PEOPLE_MAX];

struct visitor {
	CURL *curl;
	MYSQL *my;
	int user;
	char *page; /* the body of the last response */
	size_t len;
	char location[2048], type[128];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static size_t body_take(char *data, size_t size, size_t n, void *to)
{
	struct visitor *v = to;

	if (v->len + size * n >= PAGE_MAX)
		return 0;
	memcpy(v->page + v->len, data, size * n);
	v->len += size * n;
	v->page[v->len] = '\0';
	return size * n;
}

/* One request; fields NULL is a GET. Returns the HTTP status. */
static long ask(struct visitor *v, const char *path, const char *fields)
{
	char url[4096];
	const char *location = NULL, *type = NULL;
	long http = 0;

	snprintf(url, sizeof url, "%s%s", path[0] == '/' ? site : "", path);
	v->len = 0;
	v->page[0] = '\0';
	curl_easy_setopt(v->curl, CURLOPT_URL, url);
	if (fields)
		curl_easy_setopt(v->curl, CURLOPT_COPYPOSTFIELDS, fields);
	else
		curl_easy_setopt(v->curl, CURLOPT_HTTPGET, 1L);
	CURLcode rc = curl_easy_perform(v->curl);
	DIE_UNLESS(
		rc == CURLE_OK, "user %d, %s: %s", v->user, fields ? "POST" : "GET", curl_easy_strerror(rc));
	curl_easy_getinfo(v->curl, CURLINFO_RESPONSE_CODE, &http);
	curl_easy_getinfo(v->curl, CURLINFO_REDIRECT_URL, &location);
	curl_easy_getinfo(v->curl, CURLINFO_CONTENT_TYPE, &type);
	snprintf(v->location, sizeof v->location, "%s", location ? location : "");
	snprintf(v->type, sizeof v->type, "%s", type ? type : "");
	return http;
}

/* What stands on the page between two texts, the first of which is looked for behind a third. */
static bool between(const char *page, const char *behind, const char *before, char end, char *to, size_t room)
{
	const char *at = strstr(page, behind);
	const char *from = at ? strstr(at, before) : NULL;
	const char *to_here = from ? strchr(from + strlen(before), end) : NULL;

	if (!to_here)
		return false;
	from += strlen(before);
	snprintf(to, room, "%.*s", (int)(to_here - from), from);
	return true;
}

static void visitor_become(struct visitor *v, int user)
{
	char cookie[128];

	v->user = user;
	curl_easy_setopt(v->curl, CURLOPT_COOKIELIST, "ALL");
	snprintf(cookie, sizeof cookie, "__Host-session=%042dA", user);
	curl_easy_setopt(v->curl, CURLOPT_COOKIE, cookie);
}

/* The number of the new application, and when OK was pressed. */
static int apply(struct visitor *v, double *ret_pressed)
{
	char csrf[128], key[128], fields[512];
	int number = 0;
	long http = ask(v, "/", NULL);

	DIE_UNLESS(http == 200 &&
			   between(v->page, "<form method=\"post\" action=\"/client/apply\"",
				   "name=\"csrf\" value=\"", '"', csrf, sizeof csrf) &&
			   between(v->page, "<form method=\"post\" action=\"/client/apply\"",
				   "name=\"form_key\" value=\"", '"', key, sizeof key),
		"user %d: no form on the dashboard, HTTP %ld", v->user, http);
	snprintf(fields, sizeof fields, "csrf=%s&form_key=%s", csrf, key);
	*ret_pressed = now();
	http = ask(v, "/client/apply", fields);
	const char *path = strstr(v->location, "/client/");
	DIE_UNLESS(http == 303 && path && sscanf(path, "/client/%d/applied", &number) == 1,
		"user %d: not accepted, HTTP %ld", v->user, http);
	return number;
}

static void pin_wait(struct visitor *v, int number, char *pin, size_t room)
{
	double end = now() + LIMIT_S;
	char path[64];

	snprintf(path, sizeof path, "/client/%d", number);
	for (;;) {
		long http = ask(v, path, NULL);

		DIE_UNLESS(http == 200, "user %d: details, HTTP %ld", v->user, http);
		if (between(v->page, "id=\"pin\"", ">", '<', pin, room))
			return;
		DIE_UNLESS(now() < end, "user %d: no PIN", v->user);
		pause_ms(LOOK_MS);
	}
}

static void address_wait(struct visitor *v, char *url, size_t room)
{
	double end = now() + LIMIT_S;
	char sql[512];

	/* Its body is in base64. */
	snprintf(sql, sizeof sql,
		"SELECT FROM_BASE64(SUBSTRING_INDEX(REPLACE(raw, '\r', ''), '\n\n', -1)) FROM demo_mail"
		" WHERE recipient = 'bench%06d@example.ac.jp' ORDER BY id LIMIT 1",
		v->user);
	for (;;) {
		DIE_UNLESS(mysql_query(v->my, sql) == 0, "mailbox: %s", mysql_error(v->my));
		MYSQL_RES *mails = mysql_store_result(v->my);
		MYSQL_ROW row = mails ? mysql_fetch_row(mails) : NULL;
		const char *at = row && row[0] ? strstr(row[0], "/upstream_local/take/") : NULL;
		if (at)
			snprintf(url, room, "%.*s", (int)strcspn(at, " \r\n=\""), at);
		DIE_UNLESS(!row || at, "user %d: a mail without an address", v->user);
		mysql_free_result(mails);
		if (at)
			return;
		DIE_UNLESS(now() < end, "user %d: no mail", v->user);
		pause_ms(LOOK_MS);
	}
}

static bool file_opens(const struct visitor *v, const char *pin)
{
	const unsigned char *der = (const unsigned char *)v->page;
	PKCS12 *p12 = d2i_PKCS12(NULL, &der, (long)v->len);
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	STACK_OF(X509) *chain = NULL;
	bool ok = p12 && PKCS12_parse(p12, pin, &key, &certificate, &chain) == 1 &&
		  X509_check_private_key(certificate, key) == 1;

	EVP_PKEY_free(key);
	X509_free(certificate);
	sk_X509_pop_free(chain, X509_free);
	PKCS12_free(p12);
	return ok;
}

static void take(struct visitor *v, const char *pin)
{
	char url[2048], fields[128], page[2048];
	long http;

	address_wait(v, url, sizeof url);
	http = ask(v, url, NULL);
	DIE_UNLESS(http == 200, "user %d: PIN page, HTTP %ld", v->user, http);
	snprintf(fields, sizeof fields, "pin=%s", pin);
	http = ask(v, url, fields);
	DIE_UNLESS(http == 303 && v->location[0], "user %d: PIN refused, HTTP %ld", v->user, http);
	snprintf(page, sizeof page, "%s", v->location);
	http = ask(v, page, NULL);
	DIE_UNLESS(http == 200, "user %d: download page, HTTP %ld", v->user, http);
	http = ask(v, page, "format=modern");
	DIE_UNLESS(http == 200 && strstr(v->type, "pkcs12") && v->len > 1000,
		"user %d: download, HTTP %ld, %zu bytes", v->user, http, v->len);
	DIE_UNLESS(v->user % VERIFY_EVERY || file_opens(v, pin),
		"user %d: the file does not open with its PIN", v->user);
}

static void visitor_start(struct visitor *v)
{
	v->page = malloc(PAGE_MAX);
	v->curl = curl_easy_init();
	v->my = mysql_init(NULL);
	DIE_UNLESS(v->page && v->curl && v->my, "out of memory");
	curl_easy_setopt(v->curl, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(v->curl, CURLOPT_COOKIEFILE, "");
	curl_easy_setopt(v->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(v->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(v->curl, CURLOPT_TIMEOUT, (long)LIMIT_S);
	curl_easy_setopt(v->curl, CURLOPT_ACCEPT_ENCODING, NULL);
	curl_easy_setopt(v->curl, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(v->curl, CURLOPT_WRITEDATA, v);
	/* So that the page is in English whatever the server's default. */
	curl_easy_setopt(v->curl, CURLOPT_HTTPHEADER, curl_slist_append(NULL, "Accept-Language: en"));
	DIE_UNLESS(mysql_real_connect(v->my, NULL, "root", NULL, "inkan", 0, db_socket, 0), "database: %s",
		mysql_error(v->my));
}

static void *visitor_run(void *unused)
{
	struct visitor *v = calloc(1, sizeof *v);
	char pin[128];
	int i;

	(void)unused;
	DIE_UNLESS(v, "out of memory");
	visitor_start(v);
	while ((i = atomic_fetch_add(&next, 1)) < count) {
		visitor_become(v, first + i);
		pause_ms(pause_before);
		double pressed;
		int number = apply(v, &pressed);
		pin_wait(v, number, pin, sizeof pin);
		waits[i] = now() - pressed;
		if (!only_pin)
			take(v, pin);
	}
	mysql_close(v->my);
	curl_easy_cleanup(v->curl);
	free(v->page);
	free(v);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	pthread_t all[256];

	if (argc != 8 && argc != 9)
		return 2;
	site = argv[1];
	ca_file = argv[2];
	db_socket = argv[3];
	first = (int)strtol(argv[4], NULL, 10);
	count = (int)strtol(argv[5], NULL, 10);
	int threads = (int)strtol(argv[6], NULL, 10);
	only_pin = strcmp(argv[7], "pin") == 0;
	pause_before = argc == 9 ? strtol(argv[8], NULL, 10) : 0;
	if (count < 1 || count > PEOPLE_MAX || threads < 1 || threads > 256)
		return 2;
	curl_global_init(CURL_GLOBAL_ALL);
	mysql_library_init(0, NULL, NULL);
	double from = now();
	for (int i = 0; i < threads; i++)
		DIE_UNLESS(pthread_create(&all[i], NULL, visitor_run, NULL) == 0, "no thread");
	for (int i = 0; i < threads; i++)
		pthread_join(all[i], NULL);
	double seconds = now() - from;
	qsort(waits, (size_t)count, sizeof *waits, compare);
	printf("%.2f %.3f %.3f\n", count / seconds, waits[count / 2], waits[count - 1]);
	return 0;
}
