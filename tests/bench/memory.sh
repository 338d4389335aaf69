# Memory of the server: idle, and after 20,000 dashboards and 200 downloads, three times. The first time fills what the allocator and the
# libraries keep per thread; from the second to the third nothing may grow.

memory_kb() { # Rss|Pss|Anonymous
	awk -v what="$1:" '$1 == what {print $2}' "/proc/$stack_inkan/smaps_rollup"
}
memory_work() { # FIRST: 20,000 pages and 200 certificates
	local pages=0 result
	while [ "$pages" -lt 20000 ]; do
		result=$(wrk_run "$stack_url/" ja 3) || exit
		pages=$((pages + ${result% *}))
	done
	applicants "$1" 200 16 take >/dev/null || exit
}
memory_row() { # WHEN [GOAL CONDITION]
	row "memory of the server, $1, RSS, MB" "$(calc "$rss / 1024" %.1f)" "" "" "${@:2}"
	note "of it: PSS $(calc "$(memory_kb Pss) / 1024" %.1f) MB, its own $(calc "$(memory_kb Anonymous) / 1024" %.1f) MB"
}
bench_memory() {
	local rss before
	# P-256: how keys are made is not what grows.
	stack_up 1000 'upstream_local: user_key = "ec:P-256"'
	sleep 2
	rss=$(memory_kb Rss)
	memory_row "idle"
	memory_work 100
	rss=$(memory_kb Rss)
	memory_row "after 20,000 pages, 200 files"
	memory_work 400
	before=$(memory_kb Rss)
	memory_work 700
	rss=$(memory_kb Rss)
	memory_row "after 60,000 pages, 600 files" "grows <= 2 % in the last third" "$rss <= $before * 1.02"
	note "memory: $(calc "$before / 1024" %.1f) MB after two thirds; load average $(load)"
	stack_down
}
