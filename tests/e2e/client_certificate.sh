#!/usr/bin/env bash
# The real use: a downloaded certificate gets through an nginx that demands one and checks the revocation list; another CA's does not,
# and neither does one that was revoked.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/nginx.sh"
guard=
stack_more_end() {
	[ -z "$guard" ] || kill "$guard"
}
stack_start

# Two users' certificates, as files that a client program takes.
portal - "$(stack_password taro)" "$(stack_password hanako)" <<-END
	import os, sys
	from portal import Portal
	for name, password in zip(("taro", "hanako"), sys.argv[1:]):
	    p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
	    p.login(name, password)
	    number, pin, p12 = p.certificate(f"{name}@example.ac.jp")
	    open(f"$STACK_TOP/{name}.p12", "wb").write(p12)
	    open(f"$STACK_TOP/{name}.pin", "w").write(pin)
END
for name in taro hanako; do
	openssl pkcs12 -in "$STACK_TOP/$name.p12" -passin "file:$STACK_TOP/$name.pin" -nodes -out "$STACK_TOP/$name.pem" 2>/dev/null ||
		fail "$name's file does not open with the PIN"
done
# One of another CA, which has the same name and is for the same user.
subject=$(openssl x509 -in "$STACK_TOP/taro.pem" -noout -subject -nameopt RFC2253 | sed 's/^subject=//')
curl -q -sf --cacert "$STACK_CA" -o "$STACK_TOP/ca.pem" "$STACK_URL/upstream_local/ca.pem" || fail "the CA is not served"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$STACK_TOP/other.key" -days 2 -out "$STACK_TOP/other.ca" \
	-subj "/$(openssl x509 -in "$STACK_TOP/ca.pem" -noout -subject -nameopt compat | sed 's/^subject=//; s/^\///')" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$STACK_TOP/false.key" -subj "/CN=${subject%%,*}" -out "$STACK_TOP/false.csr" 2>/dev/null
openssl x509 -req -in "$STACK_TOP/false.csr" -CA "$STACK_TOP/other.ca" -CAkey "$STACK_TOP/other.key" -set_serial 7 -days 2 -out "$STACK_TOP/false.crt" 2>/dev/null
cat "$STACK_TOP/false.crt" "$STACK_TOP/false.key" >"$STACK_TOP/false.pem"

crl_get() {
	curl -q -sf --cacert "$STACK_CA" "$STACK_URL/upstream_local/ca.crl" | openssl crl -inform DER -out "$STACK_TOP/ca.crl" ||
		fail "the revocation list is not served"
	openssl crl -in "$STACK_TOP/ca.crl" -CAfile "$STACK_TOP/ca.pem" -noout 2>&1 | grep -q 'verify OK' || fail "the revocation list is not signed by the CA"
}
crl_get

# A service of the university.
port=$(port_claim)
mkdir "$STACK_TOP/guard"
nginx_frame "$STACK_TOP/guard" "$STACK_TOP/guard/log" >"$STACK_TOP/guard.conf" <<-END
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $STACK_DIR/keys/https.pem;
		ssl_certificate_key $STACK_DIR/keys/https.key;
		ssl_client_certificate $STACK_TOP/ca.pem;
		ssl_crl $STACK_TOP/ca.crl;
		ssl_verify_client on;
		ssl_session_cache off;
		ssl_session_tickets off;
		location / { return 200 "hello \$ssl_client_s_dn\n"; }
	}
END
nginx -p "$STACK_TOP/guard" -e "$STACK_TOP/guard/e" -c "$STACK_TOP/guard.conf" &
guard=$!
visit() { # CURL-ARGUMENTS...: status and text
	curl -q -s --noproxy '*' --max-time 10 -w '\n%{http_code}\n' --cacert "$STACK_CA" "$@" "https://localhost:$port/" || :
}
for ((i = 0; i < 50; i++)); do
	visit | grep -q '^[24]00$' && break
	sleep 0.1
done

visit | grep -q '^400$' || fail "one gets in without a certificate"
for name in taro hanako; do
	page=$(visit --cert "$STACK_TOP/$name.pem")
	grep -q '^200$' <<<"$page" || fail "$name is refused: $page"
	grep -q "hello .*CN=$name" <<<"$page" || fail "$name is greeted as $page"
done
visit --cert "$STACK_TOP/false.pem" | grep -q '^400$' || fail "another CA's certificate is accepted"

# taro revokes his.
portal - "$(stack_password taro)" <<-END
	import os, sys
	from portal import Portal
	p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
	p.login("taro", sys.argv[1])
	page = p.get("/client/1/revoke")
	page = p.submit(page, page.form("/client/1/revoke"), reason="1", understood="1")
	assert page.status == 200 and page.url.endswith("/client/1/revoking"), (page.status, page.url)
END
serial=$(openssl x509 -in "$STACK_TOP/taro.pem" -noout -serial | cut -d= -f2)
for ((i = 0; i < 100; i++)); do
	crl_get
	openssl crl -in "$STACK_TOP/ca.crl" -noout -text | grep -qi "Serial Number: $serial" && break
	sleep 0.1
done
[ "$i" -lt 100 ] || fail "the revoked certificate is not on the list"
[ "$(stack_sql "SELECT state FROM application WHERE mail = 'taro@example.ac.jp'")" = REVOKED ] ||
	fail "the application is not REVOKED"
kill -HUP "$guard"
for ((i = 0; i < 50; i++)); do
	visit --cert "$STACK_TOP/taro.pem" | grep -q '^400$' && break
	sleep 0.1
done
[ "$i" -lt 50 ] || fail "the revoked certificate is still accepted"
visit --cert "$STACK_TOP/hanako.pem" | grep -q '^200$' || fail "the other one is refused too"
