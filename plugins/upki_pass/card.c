/* Calls to the UPKI-PASS card server: HTTPS POST of form fields, HTTP 200 means accepted. */
#include "card.h"

#include <curl/curl.h>
#include <strings.h>

#define CONNECT_TIME (10 * SECOND)
/* Of an answer only its beginning matters; a longer one is no answer of a card server. */
#define ANSWER_MAX 65536
/* What acceptance and refusal are told by, behind the blanks that pages of some servers begin with. */
#define ANSWER_START 32
/* .p12 and PIN in base64, percent-encoded at worst, with keys and names. */
#define BODY_MAX (HANDOVER_MAX * 2 * 4 / 3 * 3 + 8192)

enum status card_check(const struct card_settings *c)
{
	const char *const names[] = {
		c->key_field, c->p12_field, c->pin_field, c->id_field, c->issue_path, c->revoke_path};
	if (!text_starts(c->url, "https://") || text_ends(c->url, "/") || strpbrk(c->url, " \"<>@?#"))
		return cause(STATUS_INVALID,
			"upki_pass.conf: url must be an https address without user, query and final slash");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!names[i][0] ||
			strspn(names[i],
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") !=
				strlen(names[i]))
			return cause(STATUS_INVALID,
				"upki_pass.conf: names of fields and paths hold letters, digits and _ - . / only");
	if (text_same(c->p12_field, c->pin_field) || text_same(c->key_field, c->p12_field) ||
		text_same(c->key_field, c->pin_field) || text_same(c->key_field, c->id_field))
		return cause(STATUS_INVALID, "upki_pass.conf: two fields have the same name");
	if (strlen(c->answer_start) > ANSWER_START)
		return cause(
			STATUS_INVALID, "upki_pass.conf: answer_start has more than %d bytes", ANSWER_START);
	return STATUS_OK;
}

struct answer {
	char start[ANSWER_START + 1];
	size_t len, start_len;
};

static size_t answer_write(char *data, size_t size, size_t n, void *context)
{
	struct answer *answer = context;
	for (size_t i = 0; i < n && answer->start_len < ANSWER_START; i++)
		if (answer->start_len ||
			!strchr(" \t\r\n\xef\xbb\xbf", data[i])) /* blanks and the mark of UTF-8 */
			answer->start[answer->start_len++] = data[i];
	answer->len += n;
	return answer->len <= ANSWER_MAX ? n : 0;
}

static void field_add(struct arena *a, struct text *body, const char *name, const char *value)
{
	text_addf(body, "%s%s=", body->len ? "&" : "", name);
	text_add(body, text_url_encode(a, value));
}

static enum status judge(
	CURL *curl, CURLcode code, const struct answer *answer, const char *path, const char *wanted)
{
	long http = 0;
	if (code != CURLE_OK)
		return cause(STATUS_UPSTREAM, "card server, %s: %s", path, curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
	if (http != 200)
		return cause(STATUS_UPSTREAM, "card server, %s: answered HTTP %ld", path, http);
	/* The portal before this one told a refusal by this text, whatever the HTTP code. To take a refusal for an acceptance would
	 * wipe key and PIN for good; the other way round the same is sent once more. */
	if (strncasecmp(answer->start, "err:", 4) == 0)
		return cause(STATUS_UPSTREAM, "card server, %s: answered HTTP 200, but with an error", path);
	if (strncasecmp(answer->start, wanted, strlen(wanted)) != 0)
		return cause(STATUS_UPSTREAM, "card server, %s: answered HTTP 200, but not with answer_start",
			path);
	return STATUS_OK;
}

static enum status post(
	const struct card_settings *c, const struct job_run *run, const char *path, const struct text *body)
{
	struct answer answer = {.len = 0};
	int64_t left = run->deadline - clock_monotonic();
	if (body->full)
		return cause(STATUS_INTERNAL, "card server, %s: what has to be sent is too long", path);
	if (left <= 0)
		return cause(STATUS_BUSY, "card server, %s: no time is left", path);
	CURL *curl = curl_easy_init();
	ASSERT(curl);
	curl_easy_setopt(curl, CURLOPT_URL, arena_printf(run->arena, "%s/%s", c->url, path));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* not by way of whoever set an environment variable */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(c->timeout < left ? c->timeout : left));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIME);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	CURLcode code = curl_easy_perform(curl);
	enum status s = judge(curl, code, &answer, path, c->answer_start);
	curl_easy_cleanup(curl);
	return s;
}

enum status card_deliver(const struct card_settings *c, const struct job_run *run, const struct handover *h)
{
	struct text body = text_new(run->arena, BODY_MAX);
	field_add(run->arena, &body, c->key_field, c->issue_key.value);
	field_add(run->arena, &body, c->p12_field, text_base64(run->arena, h->p12));
	field_add(run->arena, &body, c->pin_field, text_base64(run->arena, h->pin));
	return post(c, run, c->issue_path, &body);
}

enum status card_revoked(const struct card_settings *c, const struct job_run *run, const char *id)
{
	struct text body = text_new(run->arena, BODY_MAX);
	field_add(run->arena, &body, c->key_field, c->revoke_key.value);
	field_add(run->arena, &body, c->id_field, id);
	return post(c, run, c->revoke_path, &body);
}
