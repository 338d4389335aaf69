"""Users apply, read and take while the servers are killed at random: what anyone was told of exists once and ends well or visibly."""
import collections
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

from portal import Portal, check, patiently

BASE, CA, DIR = os.environ["STACK_URL"], os.environ["STACK_CA"], os.environ["STACK_DIR"]
SECONDS = float(os.environ.get("INKAN_KILL_SECONDS", "25"))
seed = int(os.environ.get("INKAN_SEED") or random.SystemRandom().randrange(1 << 32))
print(f"seed: {seed} (INKAN_SEED={seed} repeats it)", flush=True)
dice = random.Random(seed)
passwords = dict(zip(("taro", "hanako", "jiro"), sys.argv[1:]))
over = threading.Event()
trouble = collections.Counter()
told = collections.defaultdict(dict)  # user: {number: {...}}


class User(threading.Thread):
    def __init__(self, name):
        super().__init__(name=name)
        self.failure = None

    def run(self):
        try:
            self.portal = Portal(BASE, CA)
            self.portal.login_patiently(self.name, passwords[self.name])
            while not over.is_set():
                self.apply()
        except BaseException as e:  # told by the main thread
            self.failure = e

    def apply(self):
        p = self.portal
        start = patiently(lambda: p.get("/"), trouble)
        form = start.form("/client/apply")
        # the same form again until there is an answer: a reload, which must not apply twice
        page = patiently(lambda: p.submit(start, form), trouble)
        match = re.search(r"/client/(\d+)/applied", page.url)
        if not match:
            raise AssertionError(f"{self.name} was answered {page.status} at {page.url}:\n{page.text[:3000]}")
        number = int(match.group(1))
        if number in told[self.name]:
            raise AssertionError(f"{self.name} was told of application {number} twice")
        row = told[self.name][number] = {"pins": set()}
        for _ in range(20):
            page = patiently(lambda: p.get(f"/client/{number}"), trouble)
            pin = re.search(r'id="pin"[^>]*>([^<]+)<', page.text)
            if pin:
                row["pins"].add(pin.group(1).strip())
                break
            time.sleep(0.1)


def started(process):
    try:
        return os.stat(f"{DIR}/run/inkan.{process}.pid").st_mtime
    except FileNotFoundError:
        return time.time()


def kill_at_random():
    kills = 0
    while not over.is_set():
        over.wait(dice.uniform(0.2, 1.5))
        process = dice.choice((1, 2))
        if time.time() - started(process) < 3:  # ./demo gives up on a server that dies again and again at its start
            continue
        try:
            os.kill(int(open(f"{DIR}/run/inkan.{process}.pid").read()), signal.SIGKILL)
            kills += 1
        except (ProcessLookupError, FileNotFoundError, ValueError):
            pass
    return kills


def sql(text):
    run = subprocess.run(["mariadb", "--no-defaults", f"--socket={DIR}/run/db.sock", "--user=root", "-N", "inkan", "-e", text],
                         check=True, capture_output=True, text=True)
    return [line.split("\t") for line in run.stdout.splitlines()]


users = [User(name) for name in passwords]
for user in users:
    user.start()
time.sleep(2)
killer = [0]
thread = threading.Thread(target=lambda: killer.__setitem__(0, kill_at_random()))
thread.start()
time.sleep(SECONDS)
over.set()
thread.join()
for user in users:
    user.join()
    if user.failure:
        raise user.failure
total = sum(len(rows) for rows in told.values())
print(f"{killer[0]} kills, {total} applications told of, trouble seen by users: {dict(trouble)}", flush=True)
if killer[0] < 4 or total < 20 or not trouble:
    raise AssertionError("too little happened: this run proves nothing")

# What the killed ones had claimed is free when their leases are over: time passes.
shift = 0
end = time.monotonic() + 90
while True:
    open(f"{DIR}/../shift", "w").write(str(shift * 60000))
    shift += 6
    for _ in range(20):
        waiting = sql("SELECT COUNT(*) FROM application WHERE state IN ('ACCEPTED', 'SENT')")[0][0]
        mails = sql("SELECT COUNT(*) FROM job WHERE kind = 'core.mail' AND state <> 'failed'")[0][0]
        if waiting == mails == "0":
            break
        time.sleep(0.1)
    else:
        if time.monotonic() > end:
            raise AssertionError(f"{waiting} applications and {mails} mails still wait")
        print(f"after {shift - 6} minutes {waiting} applications and {mails} mails wait:",
              sql("SELECT kind, state, attempts, COUNT(*), why FROM job WHERE subject <> 0 GROUP BY 1, 2, 3, 5"), flush=True)
        continue
    break
print(f"everything settled after {shift - 6} minutes of the servers' clock", flush=True)
if shift - 6 > 30:  # a chain of three jobs, each with a lease of five minutes
    raise AssertionError("what a killed server had claimed waited far longer than a lease")

for name, rows in told.items():
    stored = sql(f"SELECT a.number, a.state, (SELECT COUNT(*) FROM event e WHERE e.application_id = a.id AND e.kind = 'PIN'), "
                 f"(SELECT COUNT(*) FROM local_order o WHERE o.application = a.id), COALESCE(a.error_code, '') "
                 f"FROM application a JOIN user u ON u.id = a.user_id WHERE u.eppn = '{name}@example.ac.jp' ORDER BY a.number")
    # exactly those that were told: none is lost, none was made twice
    check(f"{name}'s applications", [int(row[0]) for row in stored], sorted(rows))
    check(f"{name}'s numbers without a gap", sorted(rows), list(range(1, len(rows) + 1)))
    for number, state, pins, orders, error in stored:
        if state == "ERROR":
            check(f"application {number} in error", bool(error), True)
            continue
        check(f"{name}'s application {number}: state", state, "PIN")
        check(f"{name}'s application {number}: PINs", pins, "1")
        check(f"{name}'s application {number}: orders", orders, "1")
print("errors:", sql("SELECT COUNT(*) FROM application WHERE state = 'ERROR'")[0][0], "mails:", sql("SELECT COUNT(*) FROM demo_mail")[0][0])

# As the users see it: the PIN is the one that was shown before, and the certificate can be taken with it.
for user in users:
    user.portal = Portal(BASE, CA)  # the servers' clock may have ended the session
    user.portal.login_patiently(user.name, passwords[user.name])
    for number, row in sorted(told[user.name].items()):
        row["pins"].add(user.portal.pin(number))
        check(f"{user.name}'s PINs of application {number}", len(row["pins"]), 1)
    number = max(told[user.name])
    p12 = user.portal.take(user.portal.mail_url(f"{user.name}@example.ac.jp", number, 60), min(told[user.name][number]["pins"]))
    check("a .p12", p12[:1], b"\x30")
