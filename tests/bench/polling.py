"""Asks for news as N open pages do once their pace has slowed to 10 s: polling.py N SECONDS STARTED-FILE; prints the answers that were 304."""
import os
import sys
import threading
import time

from portal import Portal

pages, seconds, started = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
THREADS = 4
path = "/client/1000/status"


def portal():
    return Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])


def ask(p, page, etag=None):
    p.cookies = {"localhost": {"__Host-session": f"{page + 1:042d}A"}}
    return p.send("GET", path, headers={"If-None-Match": etag} if etag else {})


tags, counts = {}, [0] * THREADS
first = portal()
for page in range(pages):
    answer = ask(first, page)
    if answer.status != 200:
        raise SystemExit(f"page {page}: {answer.status}")
    tags[page] = answer.header("ETag")
open(started, "w").close()
begin = time.monotonic()


def run(thread):
    p = portal()
    turn = thread
    while True:
        due = begin + turn * 10.0 / pages
        if due - begin > seconds:
            return
        time.sleep(max(0, due - time.monotonic()))
        answer = ask(p, turn % pages, tags[turn % pages])
        if answer.status != 304:
            raise SystemExit(f"page {turn % pages}: {answer.status}")
        counts[thread] += 1
        turn += THREADS


threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(counts))
