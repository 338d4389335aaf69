#!/usr/bin/env bash
# Mail over TLS with authentication, by STARTTLS and by smtps, through an independent server: it arrives; with another CA, another name
# or a wrong password it does not, waits, and arrives once that is mended.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
box=$STACK_TOP/box
mkdir "$box"
echo "a-good-password" >"$box/password"
(umask 077 && echo "a-good-password" >"$STACK_TOP/good" && echo "a-wrong-password" >"$STACK_TOP/wrong")
certificate() { # NAME SUBJECT-ALTERNATIVE
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=$2" \
		-keyout "$STACK_TOP/$1.key" -out "$STACK_TOP/$1.pem" 2>/dev/null
}
certificate mail DNS:localhost,IP:127.0.0.1
certificate other DNS:localhost,IP:127.0.0.1
certificate stranger DNS:mail.example.org
sink_pid=
sink() { # MODE CERTIFICATE
	[ -z "$sink_pid" ] || { kill "$sink_pid"; wait "$sink_pid" 2>/dev/null || :; }
	/usr/bin/python3 "$INKAN_SOURCE/tests/support/tls_sink.py" "$mail_port" "$1" "$STACK_TOP/$2.pem" "$STACK_TOP/$2.key" "$box" >"$STACK_TOP/sink.out" 2>"$STACK_TOP/sink.err" &
	sink_pid=$!
	for i in $(seq 100); do
		! grep -q ready "$STACK_TOP/sink.out" || return 0
		sleep 0.1
	done
	cat "$STACK_TOP/sink.err"
	exit 1
}
mail_port=$(port_claim)
# run URL CA PASSWORD-FILE: the site with these settings; applies, and waits for its PIN
begin() {
	printf 'mail_url = "%s"\nmail_starttls = "required"\nmail_ca = "%s"\nmail_user = "portal"\nmail_password = "%s"\njob_interval = 100ms\n' \
		"$1" "$2" "$3" >"$STACK_TOP/extra/inkan.conf"
	if [ -z "${STACK_PORT:-}" ]; then stack_start; else stack_run; fi
}
apply() {
	portal - "$(stack_password taro)" <<'END'
import os, sys
from portal import Portal
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
p.login("taro", sys.argv[1])
p.pin(p.apply())
END
}
arrived() { # COUNT SECONDS
	local i
	for ((i = 0; i < $2 * 10; i++)); do
		[ "$(ls "$box" | grep -c 'eml$')" -lt "$1" ] || break
		sleep 0.1
	done
	[ "$(ls "$box" | grep -c 'eml$')" = "$1" ] || { echo "$(ls "$box") instead of $1 mails"; grep core.mail "$STACK_DIR/log/inkan.log" | tail -n 3; cat "$STACK_TOP/sink.err"; exit 1; }
}
refused() { # TEXT of the log
	local i
	for ((i = 0; i < 200; i++)); do
		! grep -qiE "$1" "$STACK_DIR/log/inkan.log" || break
		sleep 0.1
	done
	grep -qiE "$1" "$STACK_DIR/log/inkan.log" || { echo "the log does not say $1"; exit 1; }
	arrived "$2" 0
}

sink starttls mail
begin "smtp://localhost:$mail_port" "$STACK_TOP/mail.pem" "$STACK_TOP/good"
apply
arrived 1 20
grep -q '^X-Test-TLS: yes' "$box"/*.eml
grep -q '^Auto-Submitted: auto-generated' "$box"/*.eml
grep -q 'good' "$box/log"
echo "ok STARTTLS"

sink smtps mail
stack_stop
begin "smtps://localhost:$mail_port" "$STACK_TOP/mail.pem" "$STACK_TOP/good"
apply
arrived 2 20
echo "ok smtps"

# a wrong password: nothing arrives, and the mail is not lost
stack_stop
begin "smtps://localhost:$mail_port" "$STACK_TOP/mail.pem" "$STACK_TOP/wrong"
apply
refused 'core.mail.*(login denied|password|535)' 2
echo "ok wrong password"
stack_stop
# a server that another CA vouches for, and one with another name
sink smtps other
begin "smtps://localhost:$mail_port" "$STACK_TOP/mail.pem" "$STACK_TOP/good"
apply
refused 'core.mail.*(certificate|ssl)' 2
stack_stop
sink smtps stranger
begin "smtps://localhost:$mail_port" "$STACK_TOP/stranger.pem" "$STACK_TOP/good"
apply
refused 'core.mail.*(certificate|ssl|subject|name)' 2
echo "ok wrong certificates"
stack_stop
# mended: the three that waited arrive, each once
sink smtps mail
begin "smtps://localhost:$mail_port" "$STACK_TOP/mail.pem" "$STACK_TOP/good"
stack_sql "UPDATE job SET due_at = 1 WHERE kind = 'core.mail' AND state = 'waiting' AND owner = ''"
arrived 5 30
sleep 1
arrived 5 0
echo "ok mended"
kill "$sink_pid"
wait "$sink_pid" 2>/dev/null || :
stack_stop
