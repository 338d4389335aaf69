/* What everybody may fetch: the revocation list and the certificate of the CA. */
#include "local.h"

/* Short, so that a revocation is seen soon; long enough that a thousand servers are no burden. */
#define CACHE_TIME (5 * MINUTE)

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), always in English. */
static char *http_date(struct arena *a, when t)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(t / SECOND);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	return arena_printf(a, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
		months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The generation in the address; without one, the newest. */
static bool generation_of(struct request *rq, unsigned *ret)
{
	*ret = authority()->generation;
	return !request_part(rq, "generation") || request_part_number(rq, "generation", ret);
}

/* What the browser, or nginx's cache, has already is not sent again. age: how long it may be kept. */
static bool unchanged(struct request *rq, const char *etag, when age)
{
	request_set_header(rq, "Cache-Control",
		arena_printf(rq->arena, "public, max-age=%lld", (long long)(age / SECOND)));
	request_set_header(rq, "ETag", etag);
	const char *known = request_header(rq, "HTTP_IF_NONE_MATCH");
	return known && strstr(known, etag);
}

/* Nobody shall rely on a list longer than the list itself says. */
static when crl_age(const struct local_crl *crl, when now)
{
	when left = crl->next_update > now ? crl->next_update - now : 0;
	return left < CACHE_TIME ? left : CACHE_TIME;
}

/* The list may have 50 MB: it is read only for somebody who does not have it. */
enum status publish_crl(struct request *rq)
{
	unsigned generation;
	struct local_crl crl;
	if (!generation_of(rq, &generation))
		return cause(STATUS_MISSING, "no generation of the CA");
	enum status s = local_crl_head(rq->db, rq->arena, generation, &crl);
	for (int look = 0; s == STATUS_OK && look < 2; look++) {
		const char *etag = arena_printf(
			rq->arena, "\"crl-%u-%llu\"", generation, (unsigned long long)crl.number);
		if (unchanged(rq, etag, crl_age(&crl, rq->now)))
			return request_not_modified(rq, etag);
		if (look == 0) /* it may be a newer one by now, with another number */
			s = local_crl_get(rq->db, rq->arena, generation, &crl);
	}
	if (s != STATUS_OK)
		return s;
	request_set_header(rq, "Last-Modified", http_date(rq->arena, crl.this_update));
	return request_send(rq, "application/pkix-crl", NULL, crl.der);
}

enum status publish_cer(struct request *rq)
{
	unsigned generation;
	struct local_ca ca;
	if (!generation_of(rq, &generation))
		return cause(STATUS_MISSING, "no generation of the CA");
	enum status s = local_ca_get(rq->db, rq->arena, generation, &ca);
	if (s != STATUS_OK)
		return s;
	const char *etag =
		arena_printf(rq->arena, "\"ca-%.32s\"", x509_fingerprint(rq->arena, ca.certificate));
	if (unchanged(rq, etag, CACHE_TIME))
		return request_not_modified(rq, etag);
	request_set_header(rq, "Last-Modified", http_date(rq->arena, ca.created_at));
	/* The type of RFC 2585 4.1; the name is what Windows opens with a double click. */
	return request_send(rq, "application/pkix-cert", "ca.cer", ca.certificate);
}

/* One PEM block, RFC 7468. */
static void pem_add(struct arena *a, struct text *to, struct bytes der)
{
	const char *base64 = text_base64(a, der);
	text_add(to, "-----BEGIN CERTIFICATE-----\n");
	for (size_t left = strlen(base64); left > 0;) {
		size_t n = left < 64 ? left : 64;
		text_add_bytes(to, base64, n);
		text_add(to, "\n");
		base64 += n;
		left -= n;
	}
	text_add(to, "-----END CERTIFICATE-----\n");
}

/* All generations, newest first: what a server that accepts the certificates has to trust. */
enum status publish_pem(struct request *rq)
{
	struct local_ca *list;
	size_t n;
	enum status s = local_ca_list(rq->db, rq->arena, &list, &n);
	if (s != STATUS_OK)
		return s;
	struct text pem = text_new(rq->arena, 1 << 20);
	for (size_t i = 0; i < n; i++)
		pem_add(rq->arena, &pem, list[i].certificate);
	ASSERT(!pem.full);
	struct bytes body = bytes_of(pem.data, pem.len);
	const char *etag = arena_printf(rq->arena, "\"pem-%.32s\"", x509_fingerprint(rq->arena, body));
	if (unchanged(rq, etag, CACHE_TIME))
		return request_not_modified(rq, etag);
	return request_send(rq, "application/x-pem-file", "ca.pem", body);
}
