#!/usr/bin/env bash
# Two server processes on one database: of downloads that race, and of wrong PINs that race, each is counted, and one certificate is issued.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
STACK_PROCESSES=2
stack_start

portal - "$(stack_password hanako)" <<'END'
import os, re, sys, threading
from portal import Portal

ROUNDS, RACERS = 6, 8

def browser(cookies=None):
    b = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
    if cookies:
        b.cookies = {host: dict(jar) for host, jar in cookies.items()}
    return b

def race(run):
    start, results = threading.Barrier(RACERS), [None] * RACERS
    def one(i):
        b, call = run(i)
        b.send("GET", "/help")  # the connection is there when the race begins
        start.wait()
        results[i] = call()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(RACERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results

hanako = browser()
hanako.login("hanako", sys.argv[1])
serials = set()
for _ in range(ROUNDS):
    number = hanako.apply()
    pin, url = hanako.pin(number), hanako.mail_url("hanako@example.ac.jp", number)
    device = browser()
    page = device.unlock(url, pin)
    action, fields = page.form("/download").action, page.form("/download").fields
    def download(i):
        b = browser(device.cookies)
        return b, lambda: b.send("POST", action, fields)
    pages = race(download)
    assert [p.status for p in pages] == [200] * RACERS, [p.status for p in pages]
    assert len({p.body for p in pages}) == 1, "different files were handed out"
    serial = re.search(r"<code[^>]*>((?:[0-9A-Fa-f]{2}[: ]?){8,})</code>", hanako.get(f"/client/{number}").text)
    assert serial, "no serial number on the details page"
    serials.add(serial.group(1))
assert len(serials) == ROUNDS

number = hanako.apply()
pin, url = hanako.pin(number), hanako.mail_url("hanako@example.ac.jp", number)
def guess(i):
    b = browser()
    return b, lambda: b.send("POST", url, {"pin": "wrongwrong"})
codes = sorted(p.status for p in race(guess))
assert codes == [403] * 4 + [429] * (RACERS - 4), codes
late = browser().send("POST", url, {"pin": pin})
assert late.status == 429 and late.header("Retry-After"), "the right PIN is refused as well, until the time that the page says"
END
count=$(stack_sql 'SELECT CONCAT(COUNT(*), " ", COUNT(DISTINCT application), " ", COUNT(DISTINCT serial)) FROM local_certificate')
[ "$count" = "6 6 6" ] || { echo "certificates, applications, serials: $count"; exit 1; }
echo "one certificate per application"
