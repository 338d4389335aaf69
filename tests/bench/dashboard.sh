# Pages of the dashboard (50 applications) per second through nginx, beside bare libfcgi, the same SQL and bare ctemplate.

# The floor behind an nginx of its own, rendered from the same files.
floor_up() {
	local port=$1 dir=$top/floor version
	mkdir -p "$dir/run" "$dir/log"
	"$source_dir/nginx/render" "$dir/nginx" SERVER_NAME=localhost "LISTEN=listen 127.0.0.1:$port ssl; listen [::1]:$port ssl;" \
		"LISTEN_DEFAULT=listen 127.0.0.1:$port ssl default_server;" "CERTIFICATE=$stack_dir/keys/https.pem" \
		"CERTIFICATE_KEY=$stack_dir/keys/https.key" "UPSTREAM=server \"unix:$dir/run/bare.sock\" max_fails=0;" \
		"VIEW_DIR=$source_dir/views" "ERROR_DIR=$source_dir/nginx/error" "LOG_DIR=$dir/log" HSTS= RATE=1000000 \
		"USER=$(id -un)" "RUN_DIR=$dir/run" || die "the floor's nginx cannot be configured."
	version=$(page "$stack_url/" | grep -o -m 1 'inkan\.css?v=[0-9a-f]*' | cut -d = -f 2)
	TZ=Asia/Tokyo LOCPATH=$stack_dir/locale helper_start "$dir/log/bare.log" "$bare/bare_dashboard" "$dir/run/bare.sock" 8 "$stack_db" inkan \
		"$stack_dir/keys/password.database" "$source_dir/views" "$version" "$top/ours" "$bench_build/locales"
	floor_pid=${helpers[-1]}
	helper_start "$dir/log/nginx.out" nginx -p "$dir/run" -e "$dir/log/nginx.log" -c "$dir/nginx/demo.conf"
	for _ in $(seq 100); do
		page "https://localhost:$port/" >/dev/null && return
		sleep 0.1
	done
	die "the floor did not start: $(tail -n 1 "$dir/log/bare.log")"
}
page() { # URL [LANGUAGE]
	curl -q -s -f --max-time 10 --noproxy '*' --cacert "$stack_ca" -H "Accept-Language: ${2:-en}" -b "$cookie" "$1"
}
# What is asked of the database from now on is written down. Statements prepared before would be, but without their values.
log_open() { # NAME
	sql -e "SET GLOBAL general_log_file = '$top/general.$1'; SET GLOBAL general_log = ON"
}
# Leaves what the connection that a page was made with said in $top/NAME.Prepare, .Execute and .Query, one statement a line; of the
# unprepared ones those after the session was found, for before it the connection is set up.
log_close() { # NAME
	local kind
	sql -e "SET GLOBAL general_log = OFF"
	for kind in Prepare Execute Query; do
		# Time and number of the connection may stand in one column or in two.
		tr -d '\000' <"$top/general.$1" | awk -v kind="$kind" 'match($0, "[0-9]+ (Prepare|Execute|Query)\t") {
			id = substr($0, RSTART, RLENGTH) + 0; command = substr($0, RSTART, RLENGTH); said = substr($0, RSTART + RLENGTH)
			if (command ~ "Execute" && said ~ /FROM session JOIN/) {ours = id; if (kind == "Query") of[id] = ""}
			if (command ~ kind) of[id] = of[id] said "\n"} END {printf "%s", of[ours]}' >"$top/$1.$kind"
	done
}
# Before any other page: the first of a connection is the one that prepares its statements. What is asked of the database without
# preparing it would be missing in the floor.
sql_learn() {
	log_open ours
	page "$stack_url/" >/dev/null || die "there is no dashboard."
	log_close ours
	[ "$(grep -c --text 'ORDER BY number DESC' "$top/ours.Execute")" = 1 ] && [ ! -s "$top/ours.Query" ] ||
		die "the dashboard asks in another way; bring bare_dashboard.cc up to date: $(cat "$top/ours.Query" "$top/ours.Execute")"
}
# What differs from one page to the next in any case: the token and the key of the form.
page_same() {
	sed -E 's/(name="(csrf|form_key)" value=")[^"]*/\1/g'
}
same_check() { # FLOOR_URL: a floor that does something else is none
	local ours theirs lang
	cmp -s "$top/ours.Execute" "$top/floor.Execute" ||
		die "the floor asked otherwise: $(diff --text "$top/ours.Execute" "$top/floor.Execute" | cat -v | head -n 10)"
	for lang in ja en; do
		page "$stack_url/" "$lang" | page_same >"$top/ours.html"
		page "$1" "$lang" | page_same >"$top/floor.html"
		ours=$(wc -c <"$top/ours.html") theirs=$(wc -c <"$top/floor.html")
		[ "$(calc "$ours > $theirs * 0.98 && $ours < $theirs * 1.02 ? 1 : 0" %d)" = 1 ] ||
			die "the floor's page ($lang) has $theirs bytes, the dashboard $ours: $(diff "$top/ours.html" "$top/floor.html" | head -n 10)"
		note "dashboard ($lang): $ours bytes, the floor's $theirs, $(diff "$top/ours.html" "$top/floor.html" | grep -c '^<') lines differ; the same $(grep -c --text . "$top/ours.Execute") statements"
	done
}
dashboard_turn() { # ours|floor LANGUAGE: appends to $top/NAME.LANGUAGE.rate and .cpu
	local url=$stack_url/ pid=$stack_inkan before result
	[ "$1" = ours ] || { url=$floor_url; pid=$floor_pid; }
	before=$(cpu_ms "$pid")
	result=$(wrk_run "$url" "$2" "$BENCH_SECONDS") || exit
	echo "${result#* }" >>"$top/$1.$2.rate"
	calc "($(cpu_ms "$pid") - $before) * 1000 / ${result% *}" '%.1f\n' >>"$top/$1.$2.cpu"
}
dashboard_rows() { # LANGUAGE WORD
	local ratio cpu
	ratio=$(paste "$top/ours.$1.rate" "$top/floor.$1.rate" | awk '{print $1 / $2}' | tee "$top/ratio" | median)
	row "dashboard in $2, pages/s" "$(median <"$top/ours.$1.rate")" "$(median <"$top/floor.$1.rate")" "$ratio" ">= 0.8" "$ratio >= 0.8"
	cpu=$(paste "$top/ours.$1.cpu" "$top/floor.$1.cpu" | awk '{print $2 / $1}' | median)
	row "  processor time of the server, us/page" "$(median <"$top/ours.$1.cpu")" "$(median <"$top/floor.$1.cpu")" "$cpu"
	note "dashboard in $2: ratio $(range <"$top/ratio") in $BENCH_ROUNDS rounds"
}
bench_dashboard() {
	local i port lang
	rm -f "$top"/*.rate "$top"/*.cpu
	# What the page is made of is the same in every place: only what it needs is on, and no limit greys the button of a user with so many.
	stack_up 10 'inkan: plugins = {"client", "upstream_local", "demo_idp", "demo_mailbox"}' 'client: live_max = 0'
	sql_learn
	port_take port
	floor_url=https://localhost:$port/
	log_open floor
	floor_up "$port"
	log_close floor
	same_check "$floor_url"
	wrk_run "$stack_url/" en 1 >/dev/null
	wrk_run "$floor_url" en 1 >/dev/null
	for ((i = 0; i < BENCH_ROUNDS; i++)); do
		for lang in ja en; do # who begins changes: a load that grows or falls must not favour one
			if ((i % 2)); then dashboard_turn floor $lang && dashboard_turn ours $lang; else dashboard_turn ours $lang && dashboard_turn floor $lang; fi
		done
	done
	dashboard_rows ja Japanese
	dashboard_rows en English
	note "dashboard: load average $(load)"
	helpers_stop
	stack_down
}
