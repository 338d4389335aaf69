#!/usr/bin/env bash
# Two servers, each on a node of its own of one cluster, carry out one run for leavers and are killed in the midst of it, again and again: every
# certificate is asked to be revoked once, those without an owner too, and everybody is told once.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
. "$INKAN_SOURCE/tests/support/galera.sh"
galera_suspect=15
galera_start
export STACK_CLOCK=$STACK_TOP/shift
echo 0 >"$STACK_CLOCK"
printf 'test_clock = "%s"\n' "$STACK_CLOCK" | stack_conf inkan
stack_start
export STACK_PEOPLE=800
# Certificates of an upstream that is not there: what becomes of the requests is another test's matter.
stack_sql <<END
INSERT INTO user (eppn, idp, name, mail, lang, created_at, seen_at) SELECT CONCAT('leaver', seq, '@example.ac.jp'), 'x', 'Leaver', CONCAT('leaver', seq, '@example.ac.jp'), 'ja', 1, 1 FROM seq_1_to_$STACK_PEOPLE;
INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at, taken_at, not_after, serial)
SELECT id, n.seq, 'TAKEN', 'client', 'nowhere', '5', 52, CONCAT('CN=', eppn, '.', n.seq), 4000000000000, name, mail, '', 1, 1, 1, 4000000000000, CONCAT('a', id, n.seq)
FROM user, seq_1_to_2 n WHERE eppn LIKE 'leaver%';
INSERT INTO application (state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at, taken_at, not_after, serial, import_key)
SELECT 'TAKEN', 'client', 'nowhere', '5', 52, CONCAT('CN=', eppn, '.i'), 4000000000000, '', mail, '', 1, 1, 1, 4000000000000, CONCAT('b', id), UNHEX(SHA2(id, 256))
FROM user WHERE eppn LIKE 'leaver%' AND MOD(id, 2);
END
portal - "$(stack_password admin)" "$(stack_basic)" "$STACK_DIR" <<'END'
import os, signal, subprocess, sys, time
from portal import Portal

password, basic, folder = sys.argv[1:]
people = int(os.environ["STACK_PEOPLE"])
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], timeout=120)


def sql(text):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={folder}/run/db.sock", "--user=root", "-N", "inkan", "-e", text],
                          check=True, capture_output=True, text=True).stdout.strip()


def pid(process):
    return int(open(f"{folder}/run/inkan.{process}.pid").read())


def kill(process):
    try:
        os.kill(pid(process), signal.SIGKILL)
        return True
    except (ProcessLookupError, FileNotFoundError, ValueError):  # dead, and not yet started again
        return False


def started(process):
    try:
        return os.stat(f"{folder}/run/inkan.{process}.pid").st_mtime
    except FileNotFoundError:
        return time.time()


p.login("admin", password)
p.basic = ("kanri", basic)
page = p.get("/admin_leavers")
page = p.submit(page, page.form("/search"), pattern="leaver*")
assert f"<dd>{people}</dd>" in page.text, page.text[:3000]
run = page.url
page = p.submit(page, page.form("/confirm"), grace="0", unclaimed="1")
unclaimed = int(sql("SELECT COUNT(*) FROM application WHERE user_id IS NULL"))
assert unclaimed >= people // 2 - 1 and f'name="unclaimed_n" value="{unclaimed}"' in page.text, page.text[:3000]
page = p.submit(page, page.form("/start"))
assert page.status == 200 and "done=started" in page.url, page.url

kills, shift, last, end = 0, 0, -1, time.monotonic() + 240
while sql("SELECT state FROM leavers_run") != "done":
    assert time.monotonic() < end, sql("SELECT state FROM leavers_run; SELECT COUNT(*) FROM leavers_item")
    done = int(sql("SELECT COUNT(*) FROM leavers_item"))
    if kills < 6 and 0 < done < 2 * people + unclaimed and done != last:
        # both, so that whoever has the job is among them; not right after their start: ./demo gives up on those that die there
        if all(time.time() - started(process) > 3 for process in (1, 2)):
            for process in (1, 2):
                kills += kill(process)
            # what they had claimed is free when its lease is over: time passes
            shift += 6 * 60 * 1000
            with open(os.environ["STACK_CLOCK"], "w") as clock:
                clock.write(f"{shift}\n")
        last = done
    time.sleep(0.05)
print(f"{kills} kills")
assert kills >= 2, "none was killed in the midst of it"
facts = sql("""SELECT (SELECT COUNT(*) FROM event WHERE kind = 'REVOKE_ASKED'), (SELECT COUNT(DISTINCT application_id) FROM event WHERE kind = 'REVOKE_ASKED'),
    (SELECT COUNT(*) FROM leavers_item WHERE outcome = 'asked'), (SELECT COUNT(*) FROM audit WHERE action = 'application.revoke_asked'),
    (SELECT COUNT(*) FROM leavers_person WHERE mailed_at = 0), (SELECT COUNT(*) FROM conflict)""").split("\t")
assert facts == [str(2 * people + unclaimed)] * 4 + ["0", "0"], facts
END
