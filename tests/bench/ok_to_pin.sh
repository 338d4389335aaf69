# From 「OK」 until the PIN is on the details page, looked at every 50 ms; keys as by default: RSA 2048 and a stock made ahead.

stock_wait() { # N: until so many keys are made ahead
	for _ in $(seq 600); do
		[ "$(sql -e 'SELECT COUNT(*) FROM local_key')" -lt "$1" ] || return 0
		sleep 0.1
	done
	die "the stock of keys was not filled within a minute."
}
bench_ok_to_pin() {
	local result rate middle longest
	stack_up 1000
	stock_wait 4
	result=$(applicants 100 24 1 pin 500) || exit
	read -r rate middle longest <<<"$result"
	row "OK to PIN, median of 24, s" "$middle" "" "" "< 2" "$middle < 2"
	row "OK to PIN, longest of 24, s" "$longest" "" "" "< 2" "$longest < 2"
	stock_wait 4
	result=$(applicants 200 20 20 pin) || exit
	read -r rate middle longest <<<"$result"
	row "OK to PIN, 20 at once: longest, s" "$longest" "" ""
	note "ok_to_pin: one after another with half a second between; load average $(load)"
	stack_down
}
