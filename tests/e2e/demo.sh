#!/usr/bin/env bash
# The life of ./demo: start, second start, stop, data kept and forgotten, and one clear sentence for each way in which it cannot start.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
demo=$INKAN_SOURCE/demo
export INKAN_DEMO_BUILD=$INKAN_BUILD INKAN_DEMO_EXTRA=$STACK_TOP/extra
# refused TEXT DEMO-ARGUMENTS...: ends with a status, says one sentence with this text, and nothing on standard output
refused() {
	local text=$1
	shift
	if timeout 60 "$@" >"$STACK_TOP/refused.out" 2>"$STACK_TOP/refused.err"; then fail "$* was not refused"; fi
	[ "$(wc -l <"$STACK_TOP/refused.err")" = 1 ] || fail "$*: not one sentence but $(cat "$STACK_TOP/refused.err")"
	grep -qE "$text" "$STACK_TOP/refused.err" || fail "$*: $(cat "$STACK_TOP/refused.err") does not say $text"
	[ ! -s "$STACK_TOP/refused.out" ] || fail "$*: printed $(cat "$STACK_TOP/refused.out")"
}
ours() { # processes that work in the folder; the pattern is in a file, or the search would find itself
	echo "$STACK_DIR/" >"$STACK_TOP/pattern"
	{ grep -lzF -f "$STACK_TOP/pattern" /proc/[0-9]*/cmdline || :; } 2>/dev/null | cut -d/ -f3
}
nothing_left() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ -n "$(ours)" ] || break
		sleep 0.1
	done
	[ -z "$(ours)" ] || fail "$1: processes are left: $(for p in $(ours); do tr '\0' ' ' <"/proc/$p/cmdline"; done)"
	flock -n "$STACK_DIR" true || fail "$1: the folder is still locked"
	if (exec 3<>"/dev/tcp/127.0.0.1/$STACK_PORT") 2>/dev/null; then fail "$1: the port is still in use"; fi
	[ ! -e "$STACK_DIR/run" ] || [ "$1" = SIGKILL ] || fail "$1: $STACK_DIR/run is left"
}

stack_start
# What it prints: the contract of whoever starts it by a program.
[ "$(grep -cE '^account: (taro|hanako|jiro) [a-z0-9]+ user$' "$STACK_TOP/out")" = 3 ] || fail "the users are not printed"
grep -qE '^account: admin [a-z0-9]+ administrator$' "$STACK_TOP/out" || fail "the administrator is not printed"
grep -qE '^basic: [a-z]+ [a-z0-9]+$' "$STACK_TOP/out" || fail "the Basic authentication is not printed"
grep -qF "$STACK_CA" "$STACK_TOP/out" || fail "the CA is not printed"
[ "$(tail -n 1 "$STACK_TOP/out")" = "ready: $STACK_URL/" ] || fail "the last line is $(tail -n 1 "$STACK_TOP/out")"
[ "$(stat -c %a "$STACK_DIR")" = 700 ] || fail "others may enter the folder"
[ -z "$(find "$STACK_DIR/keys" -type f -perm /077)" ] || fail "others may read keys"
[ "$(ours | wc -l)" -ge 3 ] || fail "the search for processes finds too few, it proves nothing"

apply() {
	portal - "$(stack_password taro)" <<-END
		import os, sys
		from portal import Portal
		p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
		p.login("taro", sys.argv[1])
		print(p.apply())
	END
}
[ "$(apply)" = 1 ] || fail "the first application is not number 1"
password=$(stack_password taro)

# While it runs.
refused 'another ./demo is running' "$demo" --dir "$STACK_DIR" --port "$STACK_PORT"
refused "port $STACK_PORT is in use" "$demo" --dir "$STACK_TOP/other" --port "$STACK_PORT"
# The server dies: it is started again.
kill -9 "$(cat "$STACK_DIR/run/inkan.1.pid")"
for ((i = 0; i < 100; i++)); do
	sleep 0.1
	[ "$(curl -q -s -o /dev/null -w '%{http_code}' --cacert "$STACK_CA" "$STACK_URL/")" != 200 ] || break
done
[ "$i" -lt 100 ] || fail "the server was not started again"
stack_stop
nothing_left SIGTERM

# Again: quickly, the data is still there, so are the passwords.
began=${EPOCHREALTIME/./}
stack_run
took=$(((${EPOCHREALTIME/./} - began) / 1000))
echo "second start: $took ms"
[ "$took" -lt 5000 ] || fail "the second start took $took ms"
[ "$(stack_password taro)" = "$password" ] || fail "the password has changed"
[ "$(apply)" = 2 ] || fail "the first application is gone"
kill -INT "$stack_pid"
wait "$stack_pid" || fail "SIGINT: status $?"
stack_pid=
nothing_left SIGINT

# The script itself is killed: the kernel ends what it started, and the next one starts.
stack_run
kill -9 "$stack_pid"
wait "$stack_pid" || :
stack_pid=
nothing_left SIGKILL
stack_run
# A part without which nothing works ends: it says so and stops the rest.
kill -9 "$(cat "$STACK_DIR/run/mariadb.pid")"
if wait "$stack_pid"; then fail "the end of MariaDB went unnoticed"; fi
stack_pid=
grep -q 'mariadb ended by itself' "$STACK_TOP/err" || fail "the end of MariaDB is not told: $(cat "$STACK_TOP/err")"
nothing_left "MariaDB's end"

demo_fresh() {
	exec "$demo" --dir "$STACK_DIR" --port "$STACK_PORT" --fresh
}
: >"$STACK_TOP/out"
demo_fresh >"$STACK_TOP/out" 2>"$STACK_TOP/err" &
stack_pid=$!
for ((i = 0; i < 600; i++)); do
	grep -q '^ready: ' "$STACK_TOP/out" && break
	sleep 0.1
done
[ "$(apply)" = 1 ] || fail "--fresh did not forget the data"
stack_stop
nothing_left --fresh

# What cannot be.
mkdir "$STACK_TOP/mine"
echo precious >"$STACK_TOP/mine/file"
refused 'is not empty and was not made by' "$demo" --dir "$STACK_TOP/mine" --port "$STACK_PORT" --fresh
[ "$(cat "$STACK_TOP/mine/file")" = precious ] || fail "a folder of somebody else was touched"
refused 'must be a number' "$demo" --dir "$STACK_DIR" --port 99999
refused 'too long' "$demo" --dir "$STACK_TOP/$(printf 'x%.0s' $(seq 90))" --port "$STACK_PORT"
refused 'holds characters' "$demo" --dir "$STACK_TOP/a\"b" --port "$STACK_PORT"
refused 'is not a folder' "$demo" --dir "$STACK_TOP/out" --port "$STACK_PORT"
refused 'cannot be made' "$demo" --dir "$STACK_TOP/out/x" --port "$STACK_PORT"
mkdir -p "$STACK_TOP/bin"
printf '#!/bin/sh\necho "E: Unable to locate package $0"\nexit 100\n' >"$STACK_TOP/bin/apt-get"
chmod +x "$STACK_TOP/bin/apt-get"
cp -r "$INKAN_SOURCE/demo" "$INKAN_SOURCE/.ci" "$STACK_TOP/bin/" && echo 'a-package-that-is-missing' >>"$STACK_TOP/bin/.ci/packages.run"
if [ "$(id -u)" = 0 ]; then
	PATH=$STACK_TOP/bin:$PATH timeout 60 "$STACK_TOP/bin/demo" --dir "$STACK_DIR" >"$STACK_TOP/o" 2>"$STACK_TOP/e" && fail "a missing package went unnoticed"
	tail -n 1 "$STACK_TOP/e" | grep -q 'cannot be installed: a-package-that-is-missing (E: Unable' || fail "missing package: $(cat "$STACK_TOP/e")"
	# A full disk, in a mount namespace of its own.
	mkdir "$STACK_TOP/small"
	if unshare -m mount -t tmpfs -o size=300m none "$STACK_TOP/small" 2>/dev/null; then
		refused 'only [0-9]+ MB are free' unshare -m sh -c 'mount -t tmpfs -o size=300m none "$1" && exec "$2" --dir "$1/d" --port "$3"' \
			- "$STACK_TOP/small" "$demo" "$STACK_PORT"
		# ... and one that fills up while the demo is being set up
		mkdir "$STACK_TOP/filler"
		printf '#!/bin/sh\nhead -c 2G /dev/zero >"$FILL"\nexec /usr/bin/mariadb-install-db "$@"\n' >"$STACK_TOP/filler/mariadb-install-db"
		chmod +x "$STACK_TOP/filler/mariadb-install-db"
		refused 'the disk that holds .* is full' unshare -m sh -c 'mount -t tmpfs -o size=800m none "$1" && exec env "FILL=$1/fill" "PATH=$4:$PATH" "$2" --dir "$1/d" --port "$3"' \
			- "$STACK_TOP/small" "$demo" "$STACK_PORT" "$STACK_TOP/filler"
	fi
	# As an ordinary user.
	rm -rf "$STACK_DIR"
	chmod 755 "$STACK_TOP"
	mkdir -m 777 "$STACK_TOP/user"
	STACK_DIR=$STACK_TOP/user/d
	STACK_CA=$STACK_DIR/keys/ca.pem
	chmod -R a+rX "$STACK_TOP/extra"
	if setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$demo" -a -x "$INKAN_BUILD/inkan"; then
		: >"$STACK_TOP/out"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$demo" --dir "$STACK_DIR" --port "$STACK_PORT" >"$STACK_TOP/out" 2>"$STACK_TOP/err" &
		stack_pid=$!
		for ((i = 0; i < 600; i++)); do
			grep -q '^ready: ' "$STACK_TOP/out" && break
			kill -0 "$stack_pid" || fail "as an ordinary user: $(cat "$STACK_TOP/err")"
			sleep 0.1
		done
		[ "$(apply)" = 1 ] || fail "as an ordinary user: no application"
		stack_stop
		nothing_left "an ordinary user's"
	fi
fi
