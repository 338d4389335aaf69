#!/usr/bin/env bash
# The way into the administrators' pages over the running portal: for whom they exist, the password that `inkan admin passwd` sets, and
# that no log ever has it.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start

walk() {
	portal - "$@" <<'END'
import os, sys
from portal import Portal

taros, admins, right, wrong = sys.argv[1:]

def browser():
    return Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])

visitor, taro, admin = browser(), browser(), browser()
taro.login("taro", taros)
admin.login("admin", admins)
for who in (visitor, taro):
    for basic in (None, ("kanri", right)):
        who.basic = basic
        for path in ("/admin", "/admin_users", "/admin_users/"):
            page = who.send("GET", path)
            assert page.status in (303, 404) and (page.status == 404 or page.header("Location").rstrip("/") == "/admin_users"), (path, page.status)
            assert who.get(path).status == 404, path
        assert "/admin" not in who.get("/").text
for password in (None, wrong):
    admin.basic = password and ("kanri", password)
    page = admin.get("/admin")
    assert page.status == 401 and page.header("WWW-Authenticate").startswith("Basic "), page.status
assert 'href="/admin"' in admin.get("/").text
admin.basic = ("kanri", right)
page = admin.get("/admin")
assert page.status == 200 and 'aria-current="page"' in page.text, page.text[:500]
admin.basic = None
assert admin.get("/admin").status == 200, "once a session is enough"
END
}
first=$(stack_basic)
walk "$(stack_password taro)" "$(stack_password admin)" "$first" "not the password"
second="another password 管理"
printf '%s\n' "$second" | "$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" admin passwd kanri
walk "$(stack_password taro)" "$(stack_password admin)" "$second" "$first"
if printf 'short\n' | "$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" admin passwd kanri 2>"$STACK_TOP/said"; then
	echo "a short password was taken"
	exit 1
fi
grep -q '12 to 256 characters' "$STACK_TOP/said"
[ "$(stat -c %a "$STACK_DIR/keys/administrators")" = 600 ]
for secret in "$first" "$second" "not the password" "$(printf 'kanri:%s' "$first" | base64)"; do
	if grep -rlF -- "$secret" "$STACK_DIR/log" "$STACK_DIR/data"; then
		echo "the password stands in the files above"
		exit 1
	fi
done
grep -rqF "administrators' password is wrong" "$STACK_DIR/log" # the positive control: these logs were looked at
stack_stop
