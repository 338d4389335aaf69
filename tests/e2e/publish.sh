#!/usr/bin/env bash
# Revocation lists and CA certificates behind the production site: by https and plain http, a list of 100,000 entries from nginx's own copy,
# fresh within a second, and 100 slow readers hold up nobody; without that copy they do.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/nginx.sh"
ENTRIES=100000
SLOW=100
site_pid=
stack_more_end() { # STATUS
	site_stop
	[ "$1" = 0 ] || cat "$STACK_TOP"/site/log/* 2>/dev/null | tail -n 20
}
site_stop() {
	local pid=$site_pid
	[ -n "$pid" ] || return 0
	site_pid=
	kill "$pid" && wait "$pid" || :
}
stack_conf inkan <<<'workers = 4'
stack_start

# --- A list of 100,000 entries

# Serial numbers as ours are: 16 octets, the first one neither zero nor negative.
stack_sql "INSERT INTO local_certificate (serial, application, generation, subject, mail, der, fingerprint, not_before, not_after, created_at,
	reported_at, revoked_at, reason)
	SELECT CONCAT('1', LEFT(SHA2(seq, 256), 31)), 1000000 + seq, 1, CONCAT('CN=', seq), '', '', SHA2(seq, 256), 1, 4102444800000, 1, 1,
	1700000000000 + 1000 * seq, 1 FROM seq_1_to_$ENTRIES"
number() {
	stack_sql 'SELECT number FROM local_crl'
}
list_renew() { # by the job that makes a list anew when it is old
	local before
	before=$(number)
	stack_sql "UPDATE local_crl SET this_update = 0; UPDATE job SET due_at = 0 WHERE kind = 'upstream_local.crl' AND owner = ''"
	for ((i = 0; i < 600; i++)); do
		[ "$(number)" = "$before" ] || return 0
		sleep 0.1
	done
	fail "no new list was made"
}
list_renew

# --- The site

mkdir "$STACK_TOP/site" "$STACK_TOP/site/log"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$STACK_TOP/site/key.pem" -out "$STACK_TOP/site/cert.pem" -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
port=$(port_claim)
plain=$(port_claim)
site=https://localhost:$port
site_start() {
	"$INKAN_SOURCE/nginx/render" "$STACK_TOP/site/conf" SERVER_NAME=localhost "LISTEN=listen 127.0.0.1:$port ssl http2;" \
		"LISTEN_PLAIN=listen 127.0.0.1:$plain;" CERTIFICATE="$STACK_TOP/site/cert.pem" CERTIFICATE_KEY="$STACK_TOP/site/key.pem" \
		UPSTREAM="server unix:$STACK_DIR/run/inkan.sock max_fails=0;" VIEW_DIR="$INKAN_SOURCE/views" \
		ERROR_DIR="$INKAN_SOURCE/nginx/error" LOG_DIR="$STACK_TOP/site/log" CACHE_DIR="$STACK_TOP/site/cache" RATE=10000
	"$@"
	nginx_frame "$STACK_TOP/site" "$STACK_TOP/site/log/nginx.log" >"$STACK_TOP/site/nginx.conf" \
		<<<"include /etc/nginx/mime.types; include $STACK_TOP/site/conf/inkan.conf;"
	nginx -p "$STACK_TOP/site" -e "$STACK_TOP/site/log/e" -c "$STACK_TOP/site/nginx.conf" &
	site_pid=$!
	for ((i = 0; i < 100; i++)); do
		get -o /dev/null "$site/robots.txt" && return
		sleep 0.1
	done
	fail "the site did not start"
}
get() {
	curl -q -s --noproxy '*' --cacert "$STACK_TOP/site/cert.pem" --max-time 30 "$@"
}
head_of() {
	get -D - -o /dev/null "$@" | tr -d '\r'
}
expect() { # WHAT REGULAR-EXPRESSION TEXT
	grep -qiE "$2" <<<"$3" || fail "$1: no $2 in
$3"
}
asked() { # how often inkan was asked for a list, and how often it had to send it
	echo "$(grep -c 'GET /upstream_local/ca.*/ca.crl, ' "$STACK_DIR/log/inkan.log") $(grep -c 'GET /upstream_local/ca.*/ca.crl, 200' "$STACK_DIR/log/inkan.log")"
}
site_start true
crl=$site/upstream_local/ca/1/ca.crl

# --- What it says

get -o "$STACK_TOP/list" "$crl"
size=$(stat -c %s "$STACK_TOP/list")
[ "$(openssl crl -inform der -in "$STACK_TOP/list" -noout -text | grep -c 'Serial Number')" = "$ENTRIES" ] || fail "the list has not $ENTRIES entries"
page=$(head_of "$crl")
expect "the list" '^HTTP/2 200' "$page"
expect "the list" '^content-type: application/pkix-crl' "$page"
expect "the list" '^cache-control: public, max-age=300$' "$page"
expect "the list" '^etag: "crl-1-' "$page"
expect "the list" '^x-content-type-options: nosniff' "$page"
expect "the list" '^strict-transport-security: max-age' "$page"
! grep -qi '^set-cookie' <<<"$page" || fail "a cookie for everybody"
expect "HEAD" "^content-length: $size" "$(get -I "$crl" | tr -d '\r')"
etag=$(sed -n 's/^etag: //p' <<<"$page")
expect "unchanged" '^HTTP/2 304' "$(head_of -H "If-None-Match: $etag" "$crl")"
expect "changed" '^HTTP/2 200' "$(head_of -H 'If-None-Match: "crl-1-0"' "$crl")"
# What the first who asks says does not reach the others: neither language, nor cookie, nor what a page would make of them.
expect "with a language" '^HTTP/2 200' "$(head_of -b '__Host-lang=ja; __Host-session=x' "$crl?lang=ja&lang=en")"
expect "no POST" '^HTTP/2 403' "$(head_of -d x=1 "$crl")"
expect "no such generation" '^HTTP/2 404' "$(head_of "$site/upstream_local/ca/9/ca.crl")"
expect "a page beside" '^HTTP/2 (404|200|303)' "$(head_of "$site/upstream_local/ca.crl/x")"

# Plain http: only these, and nothing that belongs to https.
base=http://localhost:$plain
for path in ca/1/ca.crl ca/1/ca.cer ca.crl ca.cer ca.pem; do
	page=$(head_of "$base/upstream_local/$path")
	expect "$path by http" '^HTTP/1.1 200' "$page"
	! grep -qi '^strict-transport' <<<"$page" || fail "HSTS by http (RFC 6797 7.2)"
done
get "$base/upstream_local/ca/1/ca.crl" | cmp - "$STACK_TOP/list" || fail "by http it is another list"
expect "the rest by http" "^Location: https://localhost/client/1\?x=1$" "$(head_of "$base/client/1?x=1")"
for path in / /login /upstream_local/take/AAAA /upstream_local/ca.crl/../../login /static/core/inkan.css; do
	expect "$path by http" '^HTTP/1.1 301' "$(head_of --path-as-is "$base$path")"
done

# --- From nginx's copy

read -r asked_before sent_before <<<"$(asked)"
for ((i = 0; i < 20; i++)); do get -o /dev/null "$crl"; done
sleep 1.1
get "$crl" | cmp - "$STACK_TOP/list" || fail "another list"
sleep 0.2
read -r asked_after sent_after <<<"$(asked)"
[ "$sent_after" = "$sent_before" ] || fail "inkan sent an unchanged list $((sent_after - sent_before)) times"
[ "$asked_after" -gt "$asked_before" ] || fail "nobody asked inkan whether it changed"
[ $((asked_after - asked_before)) -lt 15 ] || fail "inkan was asked $((asked_after - asked_before)) times for 21 requests"

# A new list is there within a second or so.
list_renew
for ((i = 0; i < 50; i++)); do
	[ "$(head_of "$crl" | sed -n 's/^etag: //p')" = "$etag" ] || break
	sleep 0.1
done
[ "$i" -lt 50 ] || fail "the new list does not get to its readers"

# --- Slow readers

slow() { # prints the status and the seconds of a page while SLOW others read the list and take next to nothing of it
	/usr/bin/python3 - "$port" "$STACK_TOP/site/cert.pem" "$SLOW" <<-'END'
		import socket, ssl, sys, time
		port, ca, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
		context = ssl.create_default_context(cafile=ca)
		def connect(small):
		    s = socket.socket()
		    if small:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.settimeout(10)
		    s.connect(("127.0.0.1", port))
		    return context.wrap_socket(s, server_hostname="localhost")
		def ask(s, path):
		    s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
		readers = [connect(True) for _ in range(n)]
		for s in readers:
		    ask(s, "/upstream_local/ca/1/ca.crl")
		time.sleep(1)
		started = time.monotonic()
		page = connect(False)
		ask(page, "/help")
		page.settimeout(4)
		try:
		    status = page.recv(1000).split(b" ")[1].decode()
		except (TimeoutError, socket.timeout):
		    status = "none"
		seconds = time.monotonic() - started
		begun = 0
		for s in readers if status == "200" else []:
		    begun += s.recv(100).startswith(b"HTTP/1.1 200")
		print(status, f"{seconds:.3f}", begun)
	END
}
read -r status seconds begun <<<"$(slow)"
echo "$ENTRIES entries, $size bytes; a page beside $SLOW slow readers: $status after $seconds s"
[ "$status" = 200 ] || fail "slow readers hold up the pages"
[ "$begun" = "$SLOW" ] || fail "only $begun of $SLOW slow readers were served"

# The control: without a copy the same readers hold all threads.
site_stop
site_start sh -c "echo >'$STACK_TOP/site/conf/publish.conf'"
read -r status seconds begun <<<"$(slow)"
echo "without a copy: $status after $seconds s"
[ "$status" = none ] || fail "slow readers would do no harm at all"
site_stop

# While inkan is away the copy goes on being served.
site_start sed -i "s|$STACK_DIR/run/inkan.sock|$STACK_TOP/none.sock|" "$STACK_TOP/site/conf/inkan.conf"
expect "a page while inkan is away" '^HTTP/2 502' "$(head_of "$site/help")"
expect "the list while inkan is away" '^HTTP/2 200' "$(head_of "$crl")"
