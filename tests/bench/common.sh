# What the measurements share: builds, private stacks, rounds and the table. To be sourced by tests/bench/run.

bench_build=${BENCH_BUILD:-$source_dir/build/bench} # the program as it is installed, and the bare ones
bare=$bench_build/bare
cookie=__Host-session=000000000000000000000000000000000000000001A # of user 1 in people.sql
cores=$(nproc)
missed=0
stack_pid=
helpers=() # processes beside the stack
bench_port=21000

note() {
	printf '# %s\n' "$*"
}
die() {
	printf 'bench: %s\n' "$*" >&2
	exit 2
}

# ------------------------------------------------------------------------------------------------------------- the build

bare_compile() { # NAME COMPILER PACKAGES OPTIONS...
	local name=$1 compiler=$2 packages=$3 source
	shift 3
	source=$(echo "$source_dir/tests/bench/$name".c*)
	[ "$bare/$name" -nt "$source" ] && return
	"$compiler" -O2 -g -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers $(pkg-config --cflags $packages) -o "$bare/$name" "$source" \
		$(pkg-config --libs $packages) -lpthread "$@" || die "$name cannot be compiled."
}
bench_prepare() {
	local log=$top/build.log
	[ -e "$bench_build/build.ninja" ] ||
		cmake -G Ninja -S "$source_dir" -B "$bench_build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF >"$log" 2>&1 ||
		die "the build cannot be prepared ($(tail -n 1 "$log"))."
	grep -q '^INKAN_SANITIZE:[A-Z]*=$' "$bench_build/CMakeCache.txt" || die "$bench_build is built with a sanitizer."
	ninja -C "$bench_build" >"$log" 2>&1 || die "the build failed ($(grep -m 1 error "$log"))."
	mkdir -p "$bare"
	bare_compile bare_dashboard g++ "libmariadb libctemplate openssl" -lfcgi
	bare_compile bare_issue gcc openssl
	bare_compile applicant gcc "libmariadb libcurl openssl"
}

# ------------------------------------------------------------------------------------------------------------- the stack

port_take() { # VARIABLE: a free port with free ones behind it, for the mailbox
	while (exec 3<>"/dev/tcp/127.0.0.1/$bench_port") 2>/dev/null || (exec 3<>"/dev/tcp/127.0.0.1/$((bench_port + 1))") 2>/dev/null; do
		bench_port=$((bench_port + 10))
	done
	printf -v "$1" '%s' "$bench_port"
	bench_port=$((bench_port + 10))
}
demo_wait() { # OUT ERR SECONDS: until the stack that was just started is ready
	local end=$((SECONDS + $3))
	until grep -q '^ready: ' "$1"; do
		kill -0 "$stack_pid" 2>/dev/null || die "the stack did not start ($(tail -n 1 "$2"))."
		[ "$SECONDS" -lt "$end" ] || die "the stack was not ready after $3 seconds."
		sleep 0.02
	done
}
# Settings are lines "PLUGIN: name = value". Sets stack_dir, stack_url, stack_port, stack_ca, stack_db and stack_inkan, the server's pid.
stack_up() { # PEOPLE SETTING...
	local people=$1 setting
	shift
	stack_down
	stack_dir=$top/s
	rm -rf "$stack_dir" "$top/extra"
	mkdir "$top/extra"
	for setting in "$@"; do
		echo "${setting#*: }" >>"$top/extra/${setting%%:*}.conf"
	done
	port_take stack_port
	: >"$top/out"
	INKAN_DEMO_RATE=1000000 INKAN_DEMO_BUILD=$bench_build INKAN_DEMO_EXTRA=$top/extra \
		"$source_dir/demo" --dir "$stack_dir" --port "$stack_port" >"$top/out" 2>"$top/err" &
	stack_pid=$!
	demo_wait "$top/out" "$top/err" 120
	stack_url=https://localhost:$stack_port
	stack_ca=$stack_dir/keys/ca.pem
	stack_db=$stack_dir/run/db.sock
	stack_inkan=$(cat "$stack_dir/run/inkan.1.pid")
	{ echo "SET @people = $people;" && cat "$source_dir/tests/bench/people.sql"; } | sql || die "the database cannot be filled."
}
# With an error when the server died meanwhile: a measurement of restarts is none.
stack_down() {
	local pid=$stack_pid
	[ -n "$pid" ] || return 0
	stack_pid=
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ ! -e "$stack_dir/log/demo.log" ] || die "the server ended during the measurement: $(cat "$stack_dir/log/demo.log")"
}
sql() {
	mariadb --no-defaults --socket="$stack_db" --user=root --batch --skip-column-names inkan "$@"
}
helper_start() { # LOG COMMAND...
	local log=$1
	shift
	"$@" >>"$log" 2>&1 </dev/null &
	helpers+=($!)
}
helpers_stop() {
	local pid
	for pid in "${helpers[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	helpers=()
}
bench_end() {
	local status=$?
	trap - EXIT
	trap '' INT TERM
	helpers_stop
	if [ -n "$stack_pid" ]; then
		kill "$stack_pid" 2>/dev/null
		wait "$stack_pid" 2>/dev/null
	fi
	# A database that is just being made may need a moment more to end.
	rm -rf "$top" 2>/dev/null || { sleep 3; rm -rf "$top"; }
	exit "$status"
}

# ------------------------------------------------------------------------------------------------------------- numbers

median() { # of standard input
	sort -g | awk '{v[NR] = $1} END {if (NR) printf "%.4g\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}
range() {
	sort -g | awk 'NR == 1 {low = $1} {high = $1} END {printf "%.3g to %.3g\n", low, high}'
}
calc() { # EXPRESSION FORMAT
	awk "BEGIN {printf \"${2:-%.4g}\", ($1)}"
}
table_head() {
	printf '%-52s %10s %10s %7s  %s\n' figure measured floor ratio goal
}
row() { # FIGURE MEASURED FLOOR RATIO [GOAL CONDITION]: a goal counts as reached when the condition is true
	local goal=${5:-}
	if [ -n "$goal" ]; then
		if [ "$(calc "($6) ? 1 : 0" %d)" = 1 ]; then
			goal+=": reached"
		else
			goal+=": MISSED"
			missed=1
		fi
	fi
	printf '%-52s %10s %10s %7s  %s\n' "$1" "$2" "$3" "$4" "$goal"
}
cpu_ms() { # PID: processor time that the process has used
	awk -v tick="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000 / tick}' "/proc/$1/stat"
}
load() {
	cut -d ' ' -f 1-3 /proc/loadavg
}
# Prints "REQUESTS PER_SECOND"; anything but pages is an error.
wrk_run() { # URL LANGUAGE SECONDS
	wrk -t1 -c16 --timeout 10s -d"$3s" -H "Cookie: $cookie" -H "Accept-Language: $2" "$1" >"$top/wrk" 2>&1
	if grep -qE 'Non-2xx|Socket errors' "$top/wrk" || ! grep -q '^Requests/sec' "$top/wrk"; then
		die "wrk at $1: $(grep -E 'Non-2xx|Socket errors|unable' "$top/wrk" | head -n 1)"
	fi
	awk '/requests in/ {n = $1} $1 == "Requests/sec:" {print n, $2}' "$top/wrk"
}
applicants() { # FIRST COUNT THREADS take|pin [PAUSE_MS]: prints "RATE MEDIAN LONGEST"
	timeout 600 "$bare/applicant" "$stack_url" "$stack_ca" "$stack_db" "$@" || die "the applicants gave up; $(tail -n 1 "$stack_dir/log/inkan.log")"
}
