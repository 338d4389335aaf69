# From `git clone` to `ready:`, and the second start. Of what is committed; packages are installed only if some are missing.

demo_time() { # DIR PORT SECONDS: starts the clone's demo; sets started to the time of ready
	: >"$top/out"
	"$top/clone/demo" --dir "$1" --port "$2" >"$top/out" 2>"$top/err" &
	stack_pid=$!
	demo_wait "$top/out" "$top/err" "$3"
	started=$(date +%s.%N)
}
bench_start() {
	local from started missing port second
	stack_dir=$top/c
	port_take port
	missing=$(. "$source_dir/.ci/packages.sh" && packages_missing "$source_dir/.ci/packages.run" | grep -c .)
	from=$(date +%s.%N)
	git clone -q "$source_dir" "$top/clone" || die "the repository cannot be cloned."
	demo_time "$stack_dir" "$port" 1800
	row "git clone to ready, s" "$(calc "$started - $from" %.1f)" "" ""
	stack_down
	for second in 1 2 3; do
		from=$(date +%s.%N)
		demo_time "$stack_dir" "$port" 60
		calc "$started - $from" '%.2f\n' >>"$top/second"
		stack_down
	done
	second=$(median <"$top/second")
	row "second start, s" "$second" "" "" "< 5" "$second < 5"
	note "start: commit $(git -C "$top/clone" rev-parse --short HEAD); packages missing before: $missing$([ "$missing" != 0 ] ||
		echo ", so no installation is in the first figure"); $cores cores, load average $(load)"
}
