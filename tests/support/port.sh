# For test scripts: ports on loopback. To be sourced by bash.
#   port_claim   prints the first of ten free ports in a row, which no other test takes while this one runs
# All lie below those that the system takes for outgoing connections (ip_local_port_range, from 32768), which may be taken at any moment.

port_claims=/tmp/inkan-ports-$(id -u)

port_claim() (
	mkdir -p -m 700 "$port_claims"
	exec 9>"$port_claims/lock"
	flock 9
	while :; do
		first=$((10000 + RANDOM % 2270 * 10))
		owner=$(cat "$port_claims/$first" 2>/dev/null || true)
		if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then continue; fi
		for ((i = 0; i < 10; i++)); do
			if (exec 3<>"/dev/tcp/127.0.0.1/$((first + i))") 2>/dev/null; then continue 2; fi
		done
		echo $$ >"$port_claims/$first"
		echo "$first"
		return
	done
)
