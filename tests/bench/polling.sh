# A thousand open details pages that ask for news every 10 s, each of its own user: what the server's processor does meanwhile.

bench_polling() {
	local before nginx_before db_before seconds=20 ms nginx_ms db_ms asked
	stack_up 1000
	# an application that waits, for each of them
	sql -e "INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, memo,
			created_at, changed_at, submitted_at)
		SELECT id, 1000, 'SENT', 'client', 'upstream_local', '5', 52, CONCAT('CN=wait.', id), 9000000000000, name, mail, '', '',
			created_at, created_at, created_at FROM user WHERE eppn LIKE 'bench%'" || die "the applications cannot be made."
	local nginx database
	nginx=$(pgrep -P "$(cat "$stack_dir/run/nginx.pid")" | head -n 1)
	database=$(cat "$stack_dir/run/mariadb.pid")
	STACK_URL=$stack_url STACK_CA=$stack_ca PYTHONPATH=$source_dir/tests/support PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 "$source_dir/tests/bench/polling.py" 1000 "$seconds" "$top/polling" >"$top/polling.out" 2>&1 &
	local asker=$!
	until [ -e "$top/polling" ]; do
		kill -0 "$asker" 2>/dev/null || die "the pages cannot be opened ($(tail -n 1 "$top/polling.out"))."
		sleep 0.05
	done
	before=$(cpu_ms "$stack_inkan") nginx_before=$(cpu_ms "$nginx") db_before=$(cpu_ms "$database")
	wait "$asker" || die "the pages cannot be asked ($(tail -n 1 "$top/polling.out"))."
	ms=$(($(cpu_ms "$stack_inkan") - before)) nginx_ms=$(($(cpu_ms "$nginx") - nginx_before)) db_ms=$(($(cpu_ms "$database") - db_before))
	asked=$(tail -n 1 "$top/polling.out")
	row "1,000 open pages, server, % of a core" "$(calc "$ms / $seconds / 10" %.1f)" "" "" "< 10" "$ms / $seconds / 10 < 10"
	note "polling: $asked answers without news in $seconds s; besides, nginx $(calc "$nginx_ms / $seconds / 10" %.1f) % and MariaDB" \
		"$(calc "$db_ms / $seconds / 10" %.1f) %; load average $(load)"
	stack_down
}
