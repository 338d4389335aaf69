#!/usr/bin/env bash
# UPKI-PASS through the portal: applied for on the client's form, handed over to a card server with every fault, revoked there first;
# nothing of PIN or .p12 on a page, in a mail, in a log, or in the database afterwards.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
card=$STACK_TOP/card
mkdir "$card"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$card/key" -out "$card/cert" 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$card/other.key" -out "$card/other" 2>/dev/null
umask 077
printf 'shared/key+one' >"$card/one"
printf 'shared&key=two' >"$card/two"
umask 022
export CARD_PORT
CARD_PORT=$(stack_free_port)
card_pid=
card_start() { # CERTIFICATE KEY
	rm -f "$card/port"
	"$INKAN_SOURCE/tests/fake/cardserver.py" "$card" "$1" "$2" &
	card_pid=$!
	for _ in $(seq 100); do [ -e "$card/port" ] && return; sleep 0.1; done
	exit 1
}
card_stop() {
	[ -z "$card_pid" ] || { kill "$card_pid" && wait "$card_pid" 2>/dev/null || true; }
	card_pid=
}
trap 'status=$?; card_stop; (exit $status); stack_end' EXIT
sed 's/^END$//' >/dev/null <<<''
stack_conf inkan <<<'plugins = {"client", "upki_pass", "upstream_local", "demo_idp", "demo_mailbox"}'
stack_conf upki_pass <<-END
	url = "https://localhost:$CARD_PORT/api"
	issue_key = "$card/one"
	revoke_key = "$card/two"
	ca_file = "$card/cert"
	timeout = 1s
END
# The demo itself does not know the plugin.
mkdir -p "$STACK_DIR/conf" 2>/dev/null || true
cp "$STACK_TOP/extra/upki_pass.conf" "$STACK_DIR/conf/upki_pass.conf"
: >"$STACK_DIR/.inkan-demo"
stack_start
portal - "$(stack_password taro)" "$card" "$INKAN_SOURCE" <<'END'
END
