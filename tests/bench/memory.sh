# Memory of the server: idle, and after 20,000 dashboards and 200 downloads, twice. The second time shows whether it still grows.

memory_kb() { # Pss|Rss
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
	row "memory of the server, $1: RSS, MB" "$(calc "$rss / 1024" %.1f)" "" "" "${@:2}"
	row "memory of the server, $1: PSS, MB" "$(calc "$pss / 1024" %.1f)" "" ""
}
bench_memory() {
	local rss pss first
	# P-256: how keys are made is not what grows.
	stack_up 1000 'upstream_local: user_key = "ec:P-256"'
	sleep 2
	rss=$(memory_kb Rss) pss=$(memory_kb Pss)
	memory_row "idle"
	memory_work 100
	rss=$(memory_kb Rss) pss=$(memory_kb Pss) first=$rss
	memory_row "after 20,000 pages, 200 files"
	memory_work 400
	rss=$(memory_kb Rss) pss=$(memory_kb Pss)
	memory_row "after as many again" "growth <= 5 %" "$rss <= $first * 1.05"
	stack_down
}
