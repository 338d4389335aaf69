# Administrators' searches, beside the bare SQL of each on one connection, from 10,000 to a million applications.

bench_admin() {
	local size line name p50 p95 floor50 floor95 goal
	for size in ${BENCH_ADMIN_SIZES:-10000 100000 1000000}; do
		# The memory that such a size has in earnest; the demo's is as small as can be.
		INKAN_DEMO_POOL=2G stack_up 1 "inkan: admins = {\"admin@example.ac.jp\", \"bench000001@example.ac.jp\"}"
		sql -e "DELETE FROM application; DELETE FROM user WHERE id >= 1000000"
		{ echo "SET @people = $((size / 10));" && cat "$source_dir/tests/bench/admin.sql"; } | sql >/dev/null || die "the database cannot be filled."
		BENCH_SUPPORT=$source_dir/tests/support PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$source_dir/tests/bench/admin.py" "$stack_url" "$stack_ca" "$stack_db" \
			"kanri:$(cat "$stack_dir/keys/password.basic")" "$size" "${BENCH_ADMIN_REQUESTS:-60}" >"$top/admin" || die "the searches could not be timed; $(tail -n 1 "$stack_dir/log/inkan.log")"
		note "administrators' searches, $size applications, ms: p95, the bare SQL's p95"
		while IFS=$'\t' read -r name p50 p95 floor50 floor95; do
			goal=100
			[[ $name != leavers* ]] || goal=250 # counts what 5,000 people hold, before a decision that is made once a year
			row "$size: $name (p50 $p50)" "$p95" "$floor95" "$(calc "$p95 / $floor95" %.1f)" "< $goal" "$p95 < $goal"
		done <"$top/admin"
		note "load average $(load)"
		stack_down
	done
}
