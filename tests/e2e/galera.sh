#!/usr/bin/env bash
# Two servers, each on a node of its own of one Galera cluster: both migrate it, users whose requests go to either read what they have
# written, trouble in the cluster is a 503, and after a server and nodes were killed everything told of is there once, on every node.
set -eu
. "$INKAN_SOURCE/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/galera.sh"
step() {
	echo "--- $((SECONDS)) s: $*"
}

step "the cluster"
galera_start
step "the servers"
stack_conf client <<<'live_max = 0'
printf 'test_clock = "%s"\napplications_per_day = 0\ndatabase_timeout = 5s\n' "$STACK_TOP/shift" | stack_conf inkan
echo 0 >"$STACK_TOP/shift"
people=(sora riku yuki nao)
for name in "${people[@]}"; do
	(umask 077 && echo "secret-$name" >"$STACK_TOP/password.$name")
	printf 'account "%s" {\n\tpassword = "%s"\n\teppn = "%s@example.ac.jp"\n\tmail = "%s@example.ac.jp"\n\tdisplay_name = "%s"\n\tja_display_name = "利用者"\n}\n' \
		"$name" "$STACK_TOP/password.$name" "$name" "$name" "$name" | stack_conf demo_idp
done
stack_start
export LOCPATH=$STACK_DIR/locale

step "two hosts migrate at once, on two nodes"
galera_sql 1 "CREATE DATABASE fresh CHARACTER SET utf8mb4"
for node in 1 2; do
	mkdir "$STACK_TOP/migrate$node"
	cp "$STACK_DIR"/conf/*.conf "$STACK_TOP/migrate$node/"
	sed -i "s|^database_socket = .*|database_socket = \"$GALERA_DIR/$node.sock\"|; s|^database_admin_user = .*|database_admin_user = \"root\"|; /^database_admin_password/d" \
		"$STACK_TOP/migrate$node/inkan.conf"
	echo 'database_name = "fresh"' >>"$STACK_TOP/migrate$node/inkan.conf"
done
galera_sql 2 "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'fresh'" | grep -q 1 || sleep 1
pids=()
for node in 1 2; do
	"$INKAN_BUILD/inkan" -c "$STACK_TOP/migrate$node" migrate >"$STACK_TOP/migrate$node.log" 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "a migration: $(tail -n 3 "$STACK_TOP"/migrate?.log)"; done
files=$(find "$INKAN_SOURCE"/migrations -name '*.sql' -path '*/[0-9]*' | wc -l)
applied=$(cat "$STACK_TOP"/migrate?.log | grep -c 'migrate: applied')
recorded=$(galera_sql 1 "SELECT COUNT(*) FROM fresh.migration")
[ "$applied" = "$recorded" ] || fail "$applied migrations applied, $recorded recorded"
[ "$recorded" -gt 20 ] && [ "$recorded" -le "$files" ] || fail "$recorded of $files migrations recorded"
for node in 1 2; do
	"$INKAN_BUILD/inkan" -c "$STACK_TOP/migrate$node" migrate >"$STACK_TOP/again.log" 2>&1 || fail "$(tail -n 3 "$STACK_TOP/again.log")"
	! grep -q 'migrate: applied' "$STACK_TOP/again.log" || fail "node $node had something left to migrate"
	galera_sql "$node" "SELECT table_name, column_name, column_type, is_nullable, collation_name FROM information_schema.columns WHERE table_schema = 'fresh' ORDER BY 1, 2" >"$STACK_TOP/columns$node"
	galera_sql "$node" "SELECT table_name, column_name, column_type, is_nullable, collation_name FROM information_schema.columns WHERE table_schema = 'inkan' ORDER BY 1, 2" >"$STACK_TOP/live$node"
done
cmp "$STACK_TOP/columns1" "$STACK_TOP/columns2" && cmp "$STACK_TOP/columns1" "$STACK_TOP/live2" || fail "the nodes' schemas differ"
echo "ok $recorded migrations, each applied once"

# A door for each server, chosen by a header; 3 is one that does not wait for its node, on node 2.
cp -r "$STACK_DIR/conf/2" "$STACK_DIR/conf/3"
sed -i "s|^listen = .*|listen = \"$STACK_DIR/run/inkan.3.sock\"|" "$STACK_DIR/conf/3/inkan.conf"
echo 'database_sync_wait = no' >>"$STACK_DIR/conf/3/inkan.conf"
setpriv --pdeathsig KILL "$INKAN_BUILD/inkan" -c "$STACK_DIR/conf/3" serve >>"$STACK_DIR/log/inkan.log" 2>&1 &
control=$!
sed -i 's|^fastcgi_pass .*|fastcgi_pass $inkan_door;|' "$STACK_DIR/conf/nginx/fastcgi.conf"
cat >>"$STACK_DIR/conf/nginx/inkan.conf" <<-END_OF_MAP
	map \$http_x_door \$inkan_door {
		default inkan;
		1 "unix:$STACK_DIR/run/inkan.sock";
		2 "unix:$STACK_DIR/run/inkan.2.sock";
		3 "unix:$STACK_DIR/run/inkan.3.sock";
	}
END_OF_MAP
kill -HUP "$(cat "$STACK_DIR/run/nginx.pid")"
for ((i = 0; i < 100; i++)); do
	[ ! -S "$STACK_DIR/run/inkan.3.sock" ] || break
	sleep 0.1
done
sleep 0.5
taro=$(stack_password taro)

step "what a user has written he reads, on either node"
portal "$INKAN_SOURCE/tests/e2e/galera.py" fresh "$taro"
kill "$control"
wait "$control" || fail "the third server ended with an error"
step "the same at once on both nodes"
portal "$INKAN_SOURCE/tests/e2e/galera.py" at_once "$taro"

step "a node without the others"
portal "$INKAN_SOURCE/tests/e2e/galera.py" trouble "$taro" &
test=$!
for file in part join; do
	while [ ! -e "$STACK_TOP/$file" ]; do
		kill -0 "$test" 2>/dev/null || break
		sleep 0.1
	done
	[ ! -e "$STACK_TOP/$file" ] || "galera_$file" 2
done
wait "$test"
galera_wait 2

step "a server and two nodes are killed while users apply, take, renew and revoke"
logins=("hanako:$(stack_password hanako)" "jiro:$(stack_password jiro)")
for name in "${people[@]}"; do logins+=("$name:secret-$name"); done
portal "$INKAN_SOURCE/tests/e2e/galera.py" users "${logins[@]}" &
test=$!
sleep 6
step "server 1"
kill -9 "$(cat "$STACK_DIR/run/inkan.1.pid")"
sleep 4
step "node 2"
galera_kill 2
sleep 4
galera_return 2
galera_wait 2
step "node 2 is back; node 1"
sleep 2
galera_kill 1
sleep 3
galera_return 1
galera_wait 1
step "node 1 is back"
sleep 3
: >"$STACK_TOP/enough"
wait "$test" || fail "the users"

# Trouble of the cluster is BUSY, never an error of ours.
errors=$(grep 'level=error' "$STACK_DIR/log/inkan.log" || true)
[ -z "$errors" ] || fail "the servers' log: $(tail -n 20 <<<"$errors" | cut -c1-400)"
step "the audit trail"
for conf in conf conf/2; do
	"$INKAN_BUILD/inkan" -c "$STACK_DIR/$conf" audit verify || fail "the audit trail by $conf"
done
step "the end"
stack_stop
