#!/usr/bin/env bash
# The demo's mailbox: takes every mail, survives bad SMTP, and shows what it got without running any of it.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
stack_start
portal "$INKAN_SOURCE/tests/e2e/mailbox.py"

# A second process finds the port taken. One of the same site leaves it the mail; one of another site would lose its own, and does not start.
fail() {
	echo "FAILED: $*"
	cat "$STACK_TOP/second.log"
	exit 1
}
second() { # SED-SCRIPT-FOR-INKAN.CONF: starts it until it has started or failed
	rm -rf "$STACK_TOP/second"
	mkdir "$STACK_TOP/second"
	cp "$STACK_DIR"/conf/*.conf "$STACK_TOP/second/"
	sed -i -e "s|^listen = .*|listen = \"$STACK_TOP/second.sock\"|" -e "$1" "$STACK_TOP/second/inkan.conf"
	"$INKAN_BUILD/inkan" -c "$STACK_TOP/second" serve >"$STACK_TOP/second.log" 2>&1 &
	second_pid=$!
	for ((i = 0; i < 300; i++)); do
		[ ! -S "$STACK_TOP/second.sock" ] && kill -0 "$second_pid" 2>/dev/null || break
		sleep 0.1
	done
}
second_end() { # its exit status
	kill "$second_pid" 2>/dev/null
	wait "$second_pid"
}
second ""
[ -S "$STACK_TOP/second.sock" ] || fail "a second process of the same site did not start"
second_end || fail "a second process did not end well"
grep -q 'mailbox, another process of this site has' "$STACK_TOP/second.log" || fail "it does not say who receives the mail"

rm -f "$STACK_TOP/second.sock"
second 's|^base_url = .*|base_url = "https://localhost:4"|'
[ ! -S "$STACK_TOP/second.sock" ] || { second_end; fail "a process of another site took the mailbox for its own"; }
if second_end; then fail "it ended as if all was well"; fi
grep -q "port [0-9]* of 127.0.0.1 belongs to another program, which does not greet as the mailbox of https://localhost:4;" \
	"$STACK_TOP/second.log" || fail "it does not say what is wrong"

# Somebody who says nothing at all, or not even that he is a mail server
for greeting in '' '220 inkan demo mailbox of https://localhost:45\r\n' 'SSH-2.0-x\r\n'; do
	rm -f "$STACK_TOP/port"
	/usr/bin/python3 - "$greeting" "$STACK_TOP/port" <<-'END' &
		import socket, sys, time
		s = socket.create_server(("127.0.0.1", 0))
		open(sys.argv[2], "w").write(f"{s.getsockname()[1]}\n")
		c = s.accept()[0]
		c.sendall(sys.argv[1].encode().decode("unicode_escape").encode())
		time.sleep(30)
	END
	stranger=$!
	until [ -s "$STACK_TOP/port" ]; do sleep 0.1; done
	mkdir -p "$STACK_TOP/stranger"
	cp "$STACK_DIR"/conf/*.conf "$STACK_TOP/stranger/"
	sed -i -e "s|^listen = .*|listen = \"$STACK_TOP/stranger.sock\"|" -e 's|^base_url = .*|base_url = "https://localhost:4"|' \
		"$STACK_TOP/stranger/inkan.conf"
	echo "port = $(cat "$STACK_TOP/port")" >"$STACK_TOP/stranger/demo_mailbox.conf"
	if timeout 30 "$INKAN_BUILD/inkan" -c "$STACK_TOP/stranger" serve >"$STACK_TOP/second.log" 2>&1; then fail "a stranger who says '$greeting' is trusted"; fi
	kill "$stranger"
	wait "$stranger" || :
	grep -q 'belongs to another program' "$STACK_TOP/second.log" || fail "a stranger who says '$greeting' is not named"
done
stack_stop
