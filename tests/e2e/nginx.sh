#!/usr/bin/env bash
# The production site of nginx/: it is valid, and what it does by itself is right: error pages, static files, headers, limits, logs.
set -eu
top=$(mktemp -d "${TMPDIR:-/tmp}/inkan-XXXXXX")
pid=
finish() {
	status=$?
	[ -z "$pid" ] || { kill "$pid"; wait "$pid" || :; }
	[ "$status" = 0 ] || cat "$top"/log/* 2>/dev/null | tail -n 20
	rm -rf "$top"
	exit "$status"
}
trap finish EXIT
fail() {
	echo "FAILED: $*"
	exit 1
}
mkdir "$top/log" "$top/run"
render() { "$INKAN_SOURCE/nginx/render" "$@"; }

# What has no default must be given, and nothing may be left over.
if render "$top/none" RATE=1 2>"$top/err"; then fail "rendered without a server name"; fi
grep -q '@SERVER_NAME@' "$top/err" || fail "the missing value is not named"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$top/key.pem" -out "$top/cert.pem" -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
. "$INKAN_SOURCE/tests/support/port.sh"
. "$INKAN_SOURCE/tests/support/nginx.sh"
port=$(port_claim)

# As installed, with the defaults but for the certificate: only the syntax can be tested here.
frame() { # CONF-DIR
	nginx_frame "$top/run" "$top/log/error.log" <<<"include /etc/nginx/mime.types; include $1/inkan.conf;"
}
render "$top/production" SERVER_NAME=cert.example.ac.jp CERTIFICATE="$top/cert.pem" CERTIFICATE_KEY="$top/key.pem" LOG_DIR="$top/log" \
	CACHE_DIR="$top/copies"
frame "$top/production" >"$top/production.conf"
grep -q 'listen 80; listen \[::\]:80;' "$top/production/plain.conf" || fail "a production site has no plain http"
nginx -t -q -p "$top" -e "$top/log/e" -c "$top/production.conf" || fail "the production site is not valid"
sed -i 's/fastcgi_pass/fastcgi_past/' "$top/production/fastcgi.conf"
if nginx -t -q -p "$top" -e "$top/log/e" -c "$top/production.conf" 2>/dev/null; then fail "nginx -t finds no fault at all"; fi

# The same site on a port of our own, with nobody behind it.
render "$top/site" SERVER_NAME=localhost LISTEN="listen 127.0.0.1:$port ssl;" CERTIFICATE="$top/cert.pem" CERTIFICATE_KEY="$top/key.pem" \
	UPSTREAM="server unix:$top/none.sock;" VIEW_DIR="$INKAN_SOURCE/views" ERROR_DIR="$INKAN_SOURCE/nginx/error" LOG_DIR="$top/log" RATE=50 \
	CACHE_DIR="$top/copies" LISTEN_PLAIN=
[ ! -e "$top/site/plain.conf" ] || fail "plain http though none is wanted"
frame "$top/site" >"$top/site.conf"
nginx -p "$top" -e "$top/log/e" -c "$top/site.conf" &
pid=$!
site=https://localhost:$port
get() { curl -q -s -i --noproxy '*' --cacert "$top/cert.pem" --max-time 10 --resolve "localhost:$port:127.0.0.1" --path-as-is "$@"; }
for i in $(seq 50); do get "$site/robots.txt" >/dev/null && break; sleep 0.1; done

expect() { # WHAT REGULAR-EXPRESSION TEXT
	grep -qE "$2" <<<"$3" || fail "$1: no $2 in
$3"
}
refuse() {
	if grep -qiE "$2" <<<"$3"; then fail "$1: $2 in
$3"; fi
}
page=$(get "$site/client/1?lang=ja")
expect "inkan away" '^HTTP/1.1 502' "$page"
expect "inkan away" 'ただいまご利用いただけません' "$page"
expect "inkan away" 'The system is not available' "$page"
expect "inkan away" '^Content-Security-Policy: default-src .none.' "$page"
expect "inkan away" '^Retry-After: [0-9]+' "$page"
expect "inkan away" '^Strict-Transport-Security: max-age=31536000' "$page"
expect "inkan away" '^X-Content-Type-Options: nosniff' "$page"
refuse "inkan away" '^Server: nginx/' "$page"
expect "its style" '^HTTP/1.1 200' "$(get "$site/error/error.css")"
expect "an error page by itself" '^HTTP/1.1 404' "$(get "$site/error/502.html")"

head -c 300000 /dev/zero | tr '\0' a >"$top/large"
page=$(get -H 'Expect:' --data-binary "@$top/large" "$site/")
expect "a large body" '^HTTP/1.1 413' "$page"
expect "a large body" '送信されたデータが大きすぎます' "$page"
page=$(get -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary "@$top/large" "$site/")
expect "a large chunked body" '^HTTP/1.1 413' "$page"
head -c 200000 "$top/large" >"$top/small"
expect "a body as large as an assertion" '^HTTP/1.1 502' "$(get -H 'Expect:' --data-binary "@$top/small" "$site/")"
expect "a large header" '要求を処理できませんでした' "$(get -H "Cookie: $(head -c 9000 "$top/large")" "$site/")"

style=/static/core/inkan.css
expect "a style with version" '^Cache-Control: .*immutable' "$(get "$site$style?v=1")"
expect "a style without" '^Cache-Control: no-cache' "$(get "$site$style")"
expect "its type" '^Content-Type: text/css' "$(get "$site$style")"
expect "its compression" '^Content-Encoding: gzip' "$(get -H 'Accept-Encoding: gzip' -o - "$site$style" | tr -d '\0')"
refuse "a page's compression" '^Content-Encoding:' "$(get -H 'Accept-Encoding: gzip' "$site/")"
expect "Bootstrap" '^HTTP/1.1 200' "$(get -I "$site/static/bootstrap/css/bootstrap.min.css")"
for path in /static/core/../layout.html /static/core/..%2flayout.html /static/core/%2e%2e/layout.html /static/core/.git \
	/static/bootstrap/../../../etc/passwd /static/bootstrap../jquery/jquery.js /static/core/ /static/nothing/x.css /views/core/layout.html; do
	page=$(get "$site$path")
	refuse "$path" '^HTTP/1.1 200' "$page"
	refuse "$path" '\{\{|root:' "$page"
done
# The public lists have a place of their own, where nothing but reading goes.
expect "the list while inkan is away" '^HTTP/1.1 502' "$(get "$site/upstream_local/ca/1/ca.crl")"
expect "no sending there" '^HTTP/1.1 403' "$(get -d x=1 "$site/upstream_local/ca.crl")"
expect "sending elsewhere" '^HTTP/1.1 502' "$(get -d x=1 "$site/upstream_local/ca.crl/x")"
expect "the demo's IdP" '^HTTP/1.1 404' "$(get "$site/demo_idp/metadata")"
expect "http on the port of https" "^Location: https://localhost:$port/x" "$(curl -q -s -i --noproxy '*' "http://127.0.0.1:$port/x")"
if openssl s_client -connect "127.0.0.1:$port" -tls1_1 </dev/null >/dev/null 2>&1; then fail "TLS 1.1 is spoken"; fi
openssl s_client -connect "127.0.0.1:$port" -tls1_2 </dev/null >/dev/null 2>&1 || fail "TLS 1.2 is not spoken"

# Secrets of users do not reach a log, not even when inkan is away.
get "$site/upstream_local/take/TOKENSECRET/download?x=QUERYSECRET" >/dev/null
get "$site/calendar/CALENDARSECRET.ics" >/dev/null
get "$site/login?to=QUERYSECRET" -H 'Cookie: __Host-session=COOKIESECRET' >/dev/null
grep -q '"GET /upstream_local/take/- HTTP/1.1" 502' "$top/log/inkan.access.log" || fail "the download is not in the access log"
grep -q '"GET /calendar/- HTTP/1.1" 502' "$top/log/inkan.access.log" || fail "the calendar is not in the access log"
grep -q '"GET /login HTTP/1.1" 502' "$top/log/inkan.access.log" || fail "the log-in is not in the access log"
if grep -rE 'TOKENSECRET|CALENDARSECRET|QUERYSECRET|COOKIESECRET' "$top/log"; then fail "a secret is in a log"; fi

# A program that asks without pause is slowed down, with a page that says so.
codes=$(curl -q -s --noproxy '*' --cacert "$top/cert.pem" --resolve "localhost:$port:127.0.0.1" -o /dev/null -w '%{http_code}\n' "$site/?[1-900]" | sort | uniq -c)
expect "900 requests at once" ' 429$' "$codes"
expect "900 requests at once" ' 502$' "$codes"
sleep 0.5
expect "a moment later" '^HTTP/1.1 502' "$(get "$site/")"
