# For test scripts: a private stack on a free port, with ./demo itself. To be sourced by bash.
#   stack_start          starts it; STACK_URL, STACK_IDP, STACK_PORT, STACK_DIR (all its files) are set
#   stack_stop           ends it and fails when a server reported an error of a sanitizer
#   stack_password NAME  of an account; stack_basic  of the administrators' pages
#   stack_sql [SQL]      as the database's administrator, what it gives without headings; without SQL from standard input
#   fail WORDS...        ends the test
# A test that started more defines stack_more_end STATUS, which runs before the stack is ended, whatever happened.
# Before stack_start: STACK_PROCESSES servers on one database; stack_conf NAME writes standard input as overriding settings.
# INKAN_BUILD is the build to run, INKAN_SOURCE the checkout; CTest sets both.

INKAN_SOURCE=${INKAN_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
: "${INKAN_BUILD:?is the build folder to test}"
export INKAN_SOURCE INKAN_BUILD
export LSAN_OPTIONS=suppressions=$INKAN_SOURCE/tests/support/lsan.supp:print_suppressions=0
STACK_TOP=$(mktemp -d "${TMPDIR:-/tmp}/inkan-XXXXXX")
STACK_DIR=$STACK_TOP/d
STACK_CA=$STACK_DIR/keys/ca.pem
stack_pid=
. "$INKAN_SOURCE/tests/support/port.sh"
mkdir "$STACK_TOP/extra"
# P-256: RSA keys take seconds when tests run beside each other; tests about RSA say so.
printf 'user_key = "ec:P-256"\nca_key = "ec:P-256"\n' >"$STACK_TOP/extra/upstream_local.conf"
printf 'job_interval = 100ms\n' >"$STACK_TOP/extra/inkan.conf"
trap 'stack_end' EXIT

stack_conf() { # NAME
	cat >>"$STACK_TOP/extra/$1.conf"
}
stack_run() { # the same port again after stack_stop
	: >"$STACK_TOP/out"
	INKAN_DEMO_BUILD=$INKAN_BUILD INKAN_DEMO_EXTRA=$STACK_TOP/extra INKAN_DEMO_PROCESSES=${STACK_PROCESSES:-1} INKAN_DEMO_RATE=10000 \
		"$INKAN_SOURCE/demo" --dir "$STACK_DIR" --port "$STACK_PORT" >"$STACK_TOP/out" 2>"$STACK_TOP/err" &
	stack_pid=$!
	local i databases=${INKAN_DEMO_DATABASES:-}
	for ((i = 0; i < 1200; i++)); do
		if grep -q '^ready: ' "$STACK_TOP/out"; then
			[ -z "$databases" ] || ln -sfn "${databases%% *}" "$STACK_DIR/run/db.sock" # where tests look for it
			return 0
		fi
		kill -0 "$stack_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "the stack did not start:" >&2
	cat "$STACK_TOP/err" >&2
	tail -n 30 "$STACK_DIR/log/inkan.log" >&2
	exit 1
}
stack_start() {
	STACK_PORT=$(port_claim)
	STACK_URL=https://localhost:$STACK_PORT
	STACK_IDP=https://127.0.0.1:$STACK_PORT
	stack_run
}
stack_password() { # NAME
	awk -v n="$1" '$1 == "account:" && $2 == n {print $3}' "$STACK_TOP/out"
}
stack_basic() { # the password of the administrators' pages, for user kanri
	awk '$1 == "basic:" {print $3}' "$STACK_TOP/out"
}
stack_sql() { # [SQL]
	mariadb --no-defaults --socket="$STACK_DIR/run/db.sock" --user=root --batch --skip-column-names inkan ${1:+-e "$1"}
}
fail() {
	echo "FAILED: $*"
	exit 1
}
stack_more_end() { :; }
stack_stop() {
	local pid=$stack_pid
	[ -n "$pid" ] || return 0
	stack_pid=
	kill "$pid" 2>/dev/null
	wait "$pid"
	local status=$?
	if grep -E 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$STACK_DIR/log/inkan.log"; then
		cat "$STACK_DIR/log/inkan.log"
		return 1
	fi
	[ "$status" = 0 ] || { cat "$STACK_TOP/err"; return "$status"; }
}
stack_end() {
	local status=$?
	trap - EXIT
	stack_more_end "$status" || status=1
	stack_stop || status=1
	if [ "$status" != 0 ]; then
		echo "--- last lines of the servers"
		tail -n 60 "$STACK_DIR"/log/inkan.log "$STACK_DIR"/log/inkan.access.log 2>/dev/null
	fi
	rm -rf "$STACK_TOP"
	exit "$status"
}
portal() { # runs Python with portal.py at hand
	PYTHONPATH=$INKAN_SOURCE/tests/support PYTHONDONTWRITEBYTECODE=1 STACK_URL=$STACK_URL STACK_IDP=$STACK_IDP STACK_CA=$STACK_CA \
		STACK_DIR=$STACK_DIR /usr/bin/python3 "$@"
}
