# For test scripts: a private Galera cluster of three nodes on loopback, for any user. To be sourced by bash, with INKAN_SOURCE and STACK_TOP set as by stack.sh.
#   galera_start       starts it; the stack that is started next has two servers, each on a node of its own, and stack_sql asks node 1
#                      before it: galera_suspect, seconds after which a node that says nothing is given up (2)
#   galera_stop        ends and removes it; done at the end of the test, after the stack
#   galera_kill NODE   as a power cut; galera_return NODE brings it back, as galera_recovery does
#   galera_part NODE   cuts its connections to the others; galera_join NODE mends them
#   galera_sql NODE SQL
# Nodes are 1, 2, 3. Three, because with two the loss of one leaves no majority.

. "$INKAN_SOURCE/tests/support/port.sh"
GALERA_DIR=$STACK_TOP/galera
galera_port=
declare -A galera_pids=()

galera_port_of() { # NODE
	echo $((galera_port + 2 * $1 - 2))
}
galera_fail() {
	local node
	echo "the cluster failed: $*" >&2
	for node in 1 2 3; do
		[ ! -e "$GALERA_DIR/$node.log" ] || grep -E 'ERROR|WSREP: (Shifting|Synchronized)' "$GALERA_DIR/$node.log" | tail -n 15 | cut -c1-300 >&2
	done
	exit 1
}

galera_options() { # NODE
	local port
	port=$(galera_port_of "$1")
	printf '%s\n' --no-defaults --datadir="$GALERA_DIR/$1" --socket="$GALERA_DIR/$1.sock" --pid-file="$GALERA_DIR/$1.pid" \
		--tmpdir="$GALERA_DIR/tmp$1" --skip-networking --skip-name-resolve --character-set-server=utf8mb4 \
		--innodb-log-file-size=16M --innodb-buffer-pool-size=64M --performance-schema=OFF --max-connections=200 \
		--innodb-flush-log-at-trx-commit=2 --innodb-autoinc-lock-mode=2 --binlog-format=ROW --wsrep-on=ON \
		--wsrep-provider=/usr/lib/galera/libgalera_smm.so --wsrep-cluster-name=inkan --wsrep-node-name="node$1" \
		--wsrep-cluster-address="gcomm://127.0.0.1:$(galera_port_of 1),127.0.0.1:$(galera_port_of 2),127.0.0.1:$(galera_port_of 3)" \
		--wsrep-node-address="127.0.0.1:$port" --wsrep-sst-method=position --wsrep-slave-threads=4
	# A dead node is given up sooner than the default of 5 s: a test has less time than an installation. Where none dies, a busy machine is not to kill one.
	printf '%s' "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:$port;ist.recv_addr=127.0.0.1:$((port + 1));gcache.size=32M;"
	printf '%s\n' "evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.25S;evs.suspect_timeout=PT${galera_suspect:-2}S;evs.inactive_timeout=PT$((2 * ${galera_suspect:-2}))S;repl.causal_read_timeout=PT3S"
	[ "$(id -u)" != 0 ] || echo --user=root
}
galera_run() { # NODE OPTIONS... : in the background; the kernel ends it when this script is killed
	local node=$1 options
	shift
	mapfile -t options < <(galera_options "$node")
	PATH=$INKAN_SOURCE/tests/support:$PATH setpriv --pdeathsig KILL mariadbd "${options[@]}" "$@" >>"$GALERA_DIR/$node.log" 2>&1 </dev/null &
	galera_pids[$node]=$!
}
galera_sql() { # NODE SQL
	mariadb --no-defaults --socket="$GALERA_DIR/$1.sock" --user=root -BN -e "$2"
}
galera_synced() { # NODE
	[ "$(galera_sql "$1" "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | cut -f 2)" = Synced ] &&
		[ "$(galera_sql "$1" "SHOW STATUS LIKE 'wsrep_ready'" 2>/dev/null | cut -f 2)" = ON ]
}
galera_wait() { # NODE
	local i
	for ((i = 0; i < 600; i++)); do
		! galera_synced "$1" || return 0
		kill -0 "${galera_pids[$1]}" 2>/dev/null || galera_fail "node $1 ended"
		sleep 0.1
	done
	galera_fail "node $1 was not in step after a minute"
}

galera_start() {
	local as=() node
	[ "$(id -u)" != 0 ] || as=(--user=root)
	mkdir -p "$GALERA_DIR/tmp1" "$GALERA_DIR/tmp2" "$GALERA_DIR/tmp3"
	galera_port=$(port_claim) # of the six that are used, each node has one for the group and one to receive what it missed
	mariadb-install-db --no-defaults "${as[@]}" --datadir="$GALERA_DIR/1" --tmpdir="$GALERA_DIR/tmp1" --skip-test-db \
		--auth-root-authentication-method=normal --skip-name-resolve --force --innodb-log-file-size=16M >"$GALERA_DIR/install.log" 2>&1 ||
		{ cat "$GALERA_DIR/install.log" >&2; galera_fail "no database"; }
	# The first node alone makes the cluster's identity; copies of it join without a transfer.
	galera_run 1 --wsrep-new-cluster
	galera_wait 1
	kill "${galera_pids[1]}"
	wait "${galera_pids[1]}" || true
	for node in 2 3; do
		cp -r "$GALERA_DIR/1" "$GALERA_DIR/$node"
		rm -f "$GALERA_DIR/$node"/gvwstate.dat "$GALERA_DIR/$node"/galera.cache
	done
	galera_run 1 --wsrep-new-cluster
	galera_wait 1
	for node in 2 3; do
		galera_run "$node"
		galera_wait "$node"
	done
	export GALERA_DIR STACK_PROCESSES=2 INKAN_DEMO_DATABASES="$GALERA_DIR/1.sock $GALERA_DIR/2.sock $GALERA_DIR/3.sock"
}
stack_more_end() { # STATUS
	local status=$1
	stack_stop || status=1 # the servers first: they end their work while there is a database
	if [ "$status" != 0 ]; then grep -hE 'ERROR|\[Warning\] WSREP' "$GALERA_DIR"/?.log | tail -n 20 | cut -c1-300; fi
	galera_stop
	return "$status"
}
galera_kill() { # NODE
	kill -9 "${galera_pids[$1]}"
	wait "${galera_pids[$1]}" 2>/dev/null || true
	unset "galera_pids[$1]"
}
galera_return() { # NODE
	local options position= pid i
	mapfile -t options < <(galera_options "$1")
	# Ended by us: having told the position it may hang in its own end (seen on a busy machine).
	setpriv --pdeathsig KILL mariadbd "${options[@]}" --wsrep-recover >"$GALERA_DIR/$1.recovery" 2>&1 </dev/null &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		position=$(sed -n 's/.*WSREP: Recovered position: *//p' "$GALERA_DIR/$1.recovery")
		[ -z "$position" ] || break
		sleep 0.1
	done
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	[ -n "$position" ] || galera_fail "node $1 does not know its position"
	galera_run "$1" --wsrep-start-position="$position"
}
galera_part() { # NODE
	galera_sql "$1" "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'"
}
galera_join() { # NODE
	galera_sql "$1" "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'"
}
galera_stop() {
	local node
	for node in "${!galera_pids[@]}"; do
		kill -9 "${galera_pids[$node]}" 2>/dev/null || true
		wait "${galera_pids[$node]}" 2>/dev/null || true
	done
	galera_pids=()
	rm -rf "$GALERA_DIR"
}
