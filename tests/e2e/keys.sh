#!/usr/bin/env bash
# The seal key is changed under a running site: PIN, download and CA go on with the new key alone; the audit trail stays unbroken.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start
password=$(stack_password taro)
inkan() {
	LOCPATH=$STACK_DIR/locale ASAN_OPTIONS=detect_leaks=0 "$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" "$@"
}
portal - "$password" >"$STACK_TOP/before" <<'END'
import os, sys
from portal import Portal
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
p.login("taro", sys.argv[1])
n = p.apply()
print(n, p.pin(n), p.mail_url("taro@example.ac.jp", n))
END
(umask 077 && openssl rand -hex 32 >"$STACK_DIR/keys/seal2")
stack_stop
printf 'seal_keys = {"%s", "%s"}\n' "$STACK_DIR/keys/seal2" "$STACK_DIR/keys/seal" | stack_conf inkan
stack_run
inkan keys rotate
for i in $(seq 100); do
	grep -q 'is under the first key now' "$STACK_DIR/log/inkan.log" && break
	sleep 0.1
done
grep -q 'is under the first key now' "$STACK_DIR/log/inkan.log"
stack_stop

# without the old key
sed -i '/^seal_keys/d' "$STACK_TOP/extra/inkan.conf"
printf 'seal_keys = {"%s"}\n' "$STACK_DIR/keys/seal2" | stack_conf inkan
rm "$STACK_DIR/keys/seal"
stack_run
portal - "$password" "$(cat "$STACK_TOP/before")" <<'END'
import os, sys
from portal import Portal
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
p.login("taro", sys.argv[1])
number, pin, url = sys.argv[2].split()
assert p.pin(int(number)) == pin, "the PIN is another one"
assert len(p.take(url, pin)) > 500
p.certificate("taro@example.ac.jp")
END
# What is not chained yet cannot be proved: the job does it within a second or so.
for i in $(seq 50); do
	inkan audit verify >"$STACK_TOP/audit"
	! grep -q ' 0 rows not yet chained' "$STACK_TOP/audit" || break
	sleep 0.2
done
cat "$STACK_TOP/audit"
grep -q 'unbroken.* 0 rows not yet chained' "$STACK_TOP/audit"

# The positive control of `audit verify`: a changed row is named.
stack_sql "UPDATE audit SET detail = 'x' WHERE action = 'application.taken' LIMIT 1"
! inkan audit verify >"$STACK_TOP/audit" 2>&1
cat "$STACK_TOP/audit"
grep -q 'was changed' "$STACK_TOP/audit"
stack_stop
