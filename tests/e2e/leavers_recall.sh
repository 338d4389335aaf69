#!/usr/bin/env bash
# Who was told that certificates will be revoked is told once, in the own language first, that it was cancelled: with two servers on a cluster.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/galera.sh"
galera_suspect=15
galera_start
clock=$STACK_TOP/shift
echo 0 >"$clock"
printf 'test_clock = "%s"\n' "$clock" | stack_conf inkan
stack_start
portal - "$(stack_password admin)" "$(stack_basic)" "$(stack_password taro)" "$STACK_DIR" "$clock" <<'END'
import os, re, subprocess, sys, time
from portal import Portal

password, basic, taro_password, folder, clock = sys.argv[1:]


def sql(text):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={folder}/run/db.sock", "--user=root", "-N", "inkan", "-e", text],
                          check=True, capture_output=True, text=True).stdout.strip()


def portal(name, secret):
    p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
    p.login(name, secret)
    return p


def mails(what):
    return [m for m in admin.mails() if m[1] == "taro@example.ac.jp" and what in m[2]]


def wait(what):
    end = time.monotonic() + 60
    while not mails(what):
        assert time.monotonic() < end, (what, admin.mails())
        time.sleep(0.3)


portal("taro", taro_password)
admin = portal("admin", password)
admin.basic = ("kanri", basic)
# Of an upstream that is not there: nothing is to happen to it.
sql("""UPDATE user SET lang = 'en' WHERE eppn = 'taro@example.ac.jp';
    INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at, taken_at, not_after, serial)
    SELECT id, 1, 'TAKEN', 'client', 'nowhere', '5', 52, 'CN=taro.1', 4000000000000, name, mail, '', 1, 1, 1, 4000000000000, 'ab' FROM user WHERE eppn = 'taro@example.ac.jp'""")
page = admin.get("/admin_leavers")
page = admin.submit(page, page.form("/list"), list="taro@example.ac.jp")
page = admin.submit(page, page.form("/confirm"), grace="7")
page = admin.submit(page, page.form("/start"))
run = page.url.split("?")[0]
wait("will be revoked")
page = admin.get(run + "/cancel")
page = admin.submit(page, page.form("/cancel"))
assert "done=cancelled" in page.url, page.url
time.sleep(11)  # the job looks every ten seconds
with open(clock, "w") as file:
    file.write(f"{5 * 60 * 1000}\n")
wait("will not be revoked")
time.sleep(11)
assert len(mails("will be revoked")) == 1 and len(mails("will not be revoked")) == 1, admin.mails()
text = admin.get(f"/demo_mailbox/{mails('will not be revoked')[0][0]}").text
english, japanese = text.index("This has been cancelled"), text.index("失効予定は取り消されました")
assert english < japanese and "CN=taro.1" in text, text
assert sql("SELECT state FROM application") == "TAKEN" and sql("SELECT state FROM leavers_run") == "cancelled"
END
stack_stop
