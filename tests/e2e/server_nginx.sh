#!/bin/sh
# The server behind a real nginx: bodies, limits, paths, overload, and a stop under load.
set -u
server="$INKAN_BUILD/tests/load_server"
dir=$(mktemp -d /tmp/inkan-server-XXXXXX)
port=$((20000 + $$ % 20000))
url="http://127.0.0.1:$port"
server_pid= nginx_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null; [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null; wait; rm -rf "$dir"' EXIT

failed=0
is() { # WHAT FOUND WANTED
	[ "$2" = "$3" ] || { echo "FAILED: $1: $2 instead of $3"; failed=1; }
}
status() {
	curl -s -o "$dir/out" -w '%{http_code}' --max-time 20 "$@"
}

cat > "$dir/nginx.conf" <<EOF
$([ "$(id -u)" != 0 ] || echo 'user root;')
worker_processes 1;
daemon off;
pid $dir/pid;
error_log $dir/nginx.log;
events { worker_connections 512; }
http {
	client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
	access_log off;
	client_max_body_size 1m;
	server {
		listen 127.0.0.1:$port;
		location / {
			fastcgi_pass unix:$dir/socket;
			fastcgi_param REQUEST_METHOD \$request_method;
			fastcgi_param REQUEST_URI \$request_uri;
			fastcgi_param CONTENT_TYPE \$content_type;
			fastcgi_param CONTENT_LENGTH \$content_length;
			fastcgi_param REMOTE_ADDR \$remote_addr;
			fastcgi_param REQUEST_ID \$request_id;
			fastcgi_buffer_size 16k;
			fastcgi_buffers 8 16k;
		}
	}
}
EOF
nginx -p "$dir" -e "$dir/nginx.log" -c "$dir/nginx.conf" 2>/dev/null &
nginx_pid=$!
"$server" serve "$dir/socket" > "$dir/handled" 2> "$dir/server.log" &
server_pid=$!
i=0
until [ "$(status "$url/fast?ready")" = 200 ]; do
	i=$((i + 1)); [ $i -lt 200 ] || { echo "FAILED: not ready"; cat "$dir/server.log" "$dir/nginx.log"; exit 1; }
	sleep 0.1
done
good=1

is "plain request" "$(status "$url/fast?abc") $(cat "$dir/out")" "200 abc"
good=$((good + 1))
is "HEAD" "$(status -I "$url/fast?abc")" 200
good=$((good + 1))

head -c 60000 /dev/zero | tr '\0' b > "$dir/60k"
head -c 150000 /dev/zero | tr '\0' b > "$dir/150k"
is "form" "$(status --data-urlencode "x@$dir/60k" "$url/echo") $(wc -c < "$dir/out")" "200 60000"
is "chunked form" "$(status -H 'Transfer-Encoding: chunked' --data-urlencode "x@$dir/60k" "$url/echo") $(wc -c < "$dir/out")" "200 60000"
is "form over the limit" "$(status --data-urlencode "x@$dir/150k" "$url/echo")" 413
is "chunked form over the limit" "$(status -H 'Transfer-Encoding: chunked' --data-urlencode "x@$dir/150k" "$url/echo")" 413
is "another type" "$(status -H 'Content-Type: application/json' -d '{}' "$url/echo")" 415
is "large response" "$(status "$url/big") $(wc -c < "$dir/out")" "200 3145728"
for path in '/x/../fast?a' '//fast?a' '/x/%2e%2e/fast?a' '/./fast?a' '/fast%2f?a' '/fa%00st?a' '/fast?a=1&a=2'; do
	is "path $path" "$(status --path-as-is "$url$path")" 400
done

# 40 at once, where two are answered and four may wait: each gets its answer or a 503, and nothing else.
seq 40 | xargs -P 40 -I N curl -s -o /dev/null -w '%{http_code}\n' --max-time 20 "$url/slow?N" > "$dir/codes"
answered=$(grep -c '^200$' "$dir/codes"); refused=$(grep -c '^503$' "$dir/codes")
echo "at once: $answered answered, $refused refused"
is "all have an answer" "$((answered + refused))" 40
[ "$refused" -gt 0 ] || { echo "FAILED: none was refused"; failed=1; }
good=$((good + answered))
curl -s -D "$dir/head" -o /dev/null "$url/fast?1"
good=$((good + 1))

# Every request that the server handled has reached its client, also those during the stop.
seq 400 | xargs -P 8 -I N curl -s -o /dev/null -w '%{http_code}\n' --max-time 20 "$url/fast?N" > "$dir/codes" &
load=$!
until [ "$(wc -l < "$dir/codes")" -ge 60 ]; do sleep 0.05; done
kill -TERM "$server_pid"
wait "$server_pid"; is "exit code of the server" $? 0
server_pid=
wait "$load"
answered=$(grep -c '^200$' "$dir/codes"); gone=$(grep -c '^502$' "$dir/codes"); busy=$(grep -c '^503$' "$dir/codes")
echo "stop under load: $answered answered, $gone after the stop, $busy refused"
is "no other code" "$((answered + gone + busy))" 400
is "handled and answered" "$(cat "$dir/handled")" "handled $((good + answered))"
[ "$answered" -gt 0 ] && [ "$gone" -gt 0 ] || { echo "FAILED: the stop was not under load"; failed=1; }
exit $failed
