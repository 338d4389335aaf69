#!/usr/bin/env bash
# Boots with each plugin off in turn: its menu entries, routes and jobs are gone, every remaining route answers, and the main job is done
# as far as the remaining plugins go.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start
conf=$STACK_DIR/conf
all=$(sed -n 's/^\t*plugins = {\(.*\)}$/\1/p' "$conf/inkan.conf")
echo "plugins: $all"

# The server alone is started anew, by ./demo, which finds it ended.
boot() { # without PLUGIN
	local pid i
	pid=$(cat "$STACK_DIR/run/inkan.1.pid")
	sed -i "s/^\(\t*\)plugins = .*/\1plugins = {$(sed -e "s/\"$1\"//" -e 's/, *,/,/' -e 's/^, *//' -e 's/, *$//' <<<"$all")}/" "$conf/inkan.conf"
	: >"$STACK_DIR/log/inkan.log"
	sleep 2.1 # one that lived shorter counts as a failing start
	kill "$pid"
	for ((i = 0; i < 300; i++)); do
		grep -q 'server, ready' "$STACK_DIR/log/inkan.log" && return
		sleep 0.1
	done
	cat "$STACK_DIR/log/inkan.log"
	exit 1
}

walk() { # without PLUGIN
	"$INKAN_BUILD/inkan" -c "$conf" check --routes >"$STACK_TOP/routes"
	portal - "$1" "$STACK_TOP/routes" "$(stack_password taro)" "$(stack_password admin)" "$(stack_basic)" <<'END'
import os, re, sys, time
from portal import Portal

off, routes, taros, admins, basic = sys.argv[1:]
routes = [line.split("\t") for line in open(routes).read().splitlines()]
assert routes and not any(owner == off for *_, owner in routes)
taro = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
admin = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
has = {owner for *_, owner in routes}
kind = "smime" if off == "client" else "client"
number, done = 1, "nothing"
if off != "demo_idp":
    taro.login("taro", taros)
    admin.login("admin", admins)
    admin.basic = ("kanri", basic)
    page = taro.get("/")
    assert f"/{off}" not in re.sub(r'href="/static[^"]*"', "", page.text.split('id="applications"')[0]), "the dashboard still leads to it"
    assert f'"/{off}' not in admin.get("/admin").text, "the tabs still lead to it"
    number, done = taro.apply(kind), "applied"
    pin, done = taro.pin(number, kind), "PIN"
    if off != "demo_mailbox":
        p12 = taro.take(taro.mail_url("taro@example.ac.jp", number), pin)
        assert len(p12) > 1000
        done = "certificate"

values = {"type": kind, "number": str(number), "system": "windows", "token": "A" * 43, "id": "1", "user": "1", "application": "1"}
walked = 0
for method, path, access, owner in routes:
    url = re.sub(r":(\w+)", lambda m: values.get(m.group(1), "1"), path)
    for who in (taro, admin):
        if method == "GET":
            page = who.send("GET", url)
            assert page.status < 500, (url, page.status)
            assert access != "administrator/look" or page.status == 404 or (who is admin and page.status in (200, 303, 400, 409)), (url, page.status)
            walked += 1
        elif "logout" not in url:
            page = who.send("POST", url, {})  # without a token, nothing happens
            assert 400 <= page.status < 500, (url, page.status)
            walked += 1
for path in (f"/{off}", f"/{off}/", f"/{off}/apply", f"/{off}/1/x"):
    page = admin.send("GET", path)
    assert page.status == 404, (path, page.status)
print(f"without {off}: {walked} requests, main job: {done}")
END
	if grep -E 'level=error' "$STACK_DIR/log/inkan.log"; then
		echo "an error without $1"
		exit 1
	fi
}
# Without the one that issues, types would take what nobody ever answers: the server does not start, and says why.
refuse() { # without PLUGIN
	cp -r "$conf" "$STACK_TOP/without"
	sed -i "s/\"$1\", //" "$STACK_TOP/without/inkan.conf"
	if "$INKAN_BUILD/inkan" -c "$STACK_TOP/without" serve 2>"$STACK_TOP/said"; then
		echo "it started without $1"
		exit 1
	fi
	grep -qF "client.conf: upstream = \"$1\", but no enabled plugin of this name issues" "$STACK_TOP/said" || { cat "$STACK_TOP/said"; exit 1; }
	echo "without $1: refused"
}
for plugin in $(tr -d '",' <<<"$all"); do
	if [ "$plugin" = upstream_local ]; then
		refuse "$plugin"
		continue
	fi
	boot "$plugin"
	walk "$plugin"
done
stack_stop
