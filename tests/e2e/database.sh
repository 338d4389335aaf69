#!/usr/bin/env bash
# The database is killed, away, and slow while users apply: they are told, and each application exists whole or not at all, once.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
printf 'database_timeout = 2s\nworkers = 4\napplications_per_day = 0\n' | stack_conf inkan
printf 'live_max = 0\n' | stack_conf client
stack_start

portal - "$(stack_password taro)" "${INKAN_SEED:-$RANDOM}" <<'END'
import os, random, re, signal, subprocess, sys, threading, time
from portal import Portal

BASE, CA, DIR = os.environ["STACK_URL"], os.environ["STACK_CA"], os.environ["STACK_DIR"]
seed = int(sys.argv[2])
print("seed", seed)
dice = random.Random(seed)

def sql(text):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={DIR}/run/db.sock", "--user=root", "-BN", "inkan", "-e", text],
        check=True, capture_output=True, text=True).stdout.split()

taro = Portal(BASE, CA, timeout=60)
taro.login("taro", sys.argv[1])
first = taro.apply()
pin = taro.pin(first)
pid = int(open(f"{DIR}/run/mariadbd.pid").read())

# Slow: the server is stopped (SIGSTOP) for longer than any time-out. Pages answer all the same, with a sentence.
form = taro.get("/").form("/client/apply")
os.kill(pid, signal.SIGSTOP)
begun = time.monotonic()
page = taro.send("POST", form.action, form.fields)
took = time.monotonic() - begun
os.kill(pid, signal.SIGCONT)
assert page.status == 503 and re.search("[ぁ-ん]", page.text), (page.status, page.text[:500])
assert page.header("Retry-After"), "no Retry-After"
assert took < 25, took
print(f"ok slow database: 503 after {took:.1f} s")

# The same form again: there is one application more, not two, whatever became of the first try.
for _ in range(40):
    page = taro.send("POST", form.action, form.fields)
    if page.status == 303:
        break
    time.sleep(0.5)
assert page.status == 303, page.status
assert sql("SELECT COUNT(*) FROM application") == ["2"], sql("SELECT COUNT(*) FROM application")

# Applications while statements are killed at random: every connection of the server's account, again and again.
told, unsure, stop = [], [], threading.Event()
def killer():
    while not stop.is_set():
        time.sleep(dice.uniform(0.02, 0.15))
        try:
            for thread in sql("SELECT id FROM information_schema.processlist WHERE user = 'inkan'"):
                subprocess.run(["mariadb", "--no-defaults", f"--socket={DIR}/run/db.sock", "--user=root", "-e", f"KILL {thread}"],
                    capture_output=True)
        except subprocess.CalledProcessError:
            pass
t = threading.Thread(target=killer, daemon=True)
t.start()
for i in range(25):
    page = taro.send("GET", "/")
    while page.status != 200:
        time.sleep(0.1)
        page = taro.send("GET", "/")
    form = page.form("/client/apply")
    for attempt in range(50):
        page = taro.send("POST", form.action, form.fields)
        if page.status == 303:
            told.append(int(re.search(r"/client/(\d+)/applied", page.header("Location")).group(1)))
            break
        assert page.status == 503, (page.status, page.text[:500])
        time.sleep(0.05)
    else:
        unsure.append(form.fields["form_key"])
stop.set()
t.join()
assert not unsure, "25 applications never got through"
assert len(set(told)) == 25, told
assert sql("SELECT COUNT(*) FROM application") == ["27"], sql("SELECT COUNT(*) FROM application")
print("ok 25 applications under killed connections, each once")

# Everybody gets his PIN in the end, or a visible error; here there is no reason for one.
for number in told:
    taro.pin(number, seconds=200)
# Numbers are the user's own, without gaps.
assert sorted(int(n) for n in sql("SELECT number FROM application")) == list(range(1, 28))
# An application without its event, or an event without its audit row, would be a half one.
assert sql("SELECT COUNT(*) FROM application a WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.application_id = a.id AND e.kind = 'APPLIED')") == ["0"]
assert sql("SELECT (SELECT COUNT(*) FROM event WHERE kind = 'APPLIED') - (SELECT COUNT(*) FROM audit WHERE action = 'application.applied')") == ["0"]
END
stack_stop
