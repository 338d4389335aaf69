# Certificates per second, the whole way: apply, PIN, mail, PIN page, signed certificate, .p12; beside key, certificate and .p12 by OpenSSL alone.

issue_kind() { # KIND COUNT FLOOR_COUNT
	local kind=$1 count=$2 floor_count=$3 i user=100 result before ratio name=${1//[^a-zA-Z0-9]/}
	# No keys made ahead: each round pays for its own. As many threads for keys as the floor has.
	stack_up 10000 "upstream_local: user_key = \"$kind\"" "upstream_local: key_stock = 0" "inkan: compute_threads = $cores"
	applicants 10 4 4 take >/dev/null || exit
	for ((i = 0; i < BENCH_ISSUE_ROUNDS; i++)); do
		"$bare/bare_issue" "$kind" "$floor_count" "$cores" >>"$top/$name.floor" || die "bare_issue failed."
		before=$(cpu_ms "$stack_inkan")
		result=$(applicants "$user" "$count" 16 take) || exit
		echo "${result%% *}" >>"$top/$name.ours"
		calc "($(cpu_ms "$stack_inkan") - $before) / $count" '%.2f\n' >>"$top/$name.cpu"
		user=$((user + count))
	done
	ratio=$(paste "$top/$name.ours" "$top/$name.floor" | awk '{print $1 / $2}' | tee "$top/ratio" | median)
	row "issuances/s, $kind" "$(median <"$top/$name.ours")" "$(median <"$top/$name.floor")" "$ratio"
	row "  processor time of the server, ms/issuance" "$(median <"$top/$name.cpu")" "" ""
	note "issue $kind: $BENCH_ISSUE_ROUNDS rounds of $count by 16 applicants, ratio $(range <"$top/ratio"); load average $(load)"
	stack_down
}
bench_issue() {
	issue_kind ec:P-256 200 600
	issue_kind rsa:2048 40 40
}
