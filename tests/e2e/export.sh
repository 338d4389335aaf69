#!/usr/bin/env bash
# Long answers behind nginx: an export of 60,000 certificates is whole, also for a slow reader; the server's memory does not grow with it;
# one that fails on the way is visibly cut off; who stops reading is dropped; there are never more than so many; HEAD sends none.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
# The address sanitizer keeps what was freed, which would look like growth.
export ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64:detect_leaks=0
printf 'io_timeout = 2s\nexports = 2\nworkers = 4\n' | stack_conf inkan
stack_start
export STACK_ROWS=60000
stack_sql <<END
INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at)
SELECT 1, 1000 + seq, 'TAKEN', 'client', 'upstream_local', '5', 52, CONCAT('CN=somebody-', seq, ',OU=Information Center,O=Example University,C=JP'),
	4000000000000, 'Some Body', 'somebody@example.ac.jp', '', 1767193200000 + seq, 1767193200000 FROM seq_1_to_$STACK_ROWS;
END
portal - "$(stack_password admin)" "$(stack_basic)" "$STACK_DIR" <<'END'
import http.client, os, socket, ssl, subprocess, sys, threading, time, urllib.parse
from portal import Portal

password, basic, folder = sys.argv[1:]
rows = int(os.environ["STACK_ROWS"])
path = "/admin_statistics/certificates"
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], timeout=120)
p.login("admin", password)
p.basic = ("kanri", basic)
assert p.get("/admin_statistics").status == 200
cookie = "; ".join(f"{k}={v}" for k, v in p.cookies["localhost"].items())
parts = urllib.parse.urlsplit(os.environ["STACK_URL"])


def sql(text):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={folder}/run/db.sock", "--user=root", "-N", "inkan", "-e", text],
                          check=True, capture_output=True, text=True).stdout.strip()


def open_export(method="GET", receive=None):
    raw = socket.socket()
    if receive:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    raw.settimeout(60)
    raw.connect(("127.0.0.1", parts.port))
    connection = http.client.HTTPSConnection("localhost", parts.port, context=p.tls)
    connection.sock = p.tls.wrap_socket(raw, server_hostname="localhost")
    connection.request(method, path, headers={"Cookie": cookie, "Accept-Language": "en"})
    response = connection.getresponse()
    response.kept = connection # its end is the connection's
    return response


def memory():
    pids = subprocess.run(["pgrep", "-f", f"inkan -c {folder}/conf serve"], capture_output=True, text=True).stdout.split()
    assert len(pids) == 1, pids
    with open(f"/proc/{pids[0]}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def wait(what, check, seconds=30):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def whole(data):
    lines = data.count(b"\r\n")
    assert data.startswith(b"\xef\xbb\xbf\"ID\"") and data.endswith(b"\r\n") and lines == rows + 1, (lines, data[-200:])


# whole, and memory flat: the first ones warm up what any request of any worker needs
for _ in range(4):
    whole(open_export().read())
before = memory()
response = open_export()
assert response.status == 200 and response.getheader("Content-Type") == "text/csv; charset=utf-8"
assert response.getheader("Content-Disposition").startswith("attachment; filename=\"certificates-20")
assert response.getheader("Content-Length") is None
data = response.read()
whole(data)
grown = memory() - before
print(f"{len(data) >> 20} MB, memory grew by {grown} KB")
assert grown < len(data) // 1024 // 2, grown

# a slow reader gets it all
response, got = open_export(receive=65536), []
for i in range(10):
    got.append(response.read(200000))
    time.sleep(0.5)
got.append(response.read())
whole(b"".join(got))
print("a slow reader has it all")

# HEAD: headers alone, and no export is under way after it
for _ in range(3):
    response = open_export("HEAD")
    assert response.status == 200 and response.read() == b"" and response.getheader("Content-Type").startswith("text/csv")
print("HEAD sends none of it")

# cut off: what is there must not look like the whole. The positive control are those above.
response = open_export(receive=65536)
start = response.read(100000)
assert start.startswith(b"\xef\xbb\xbf")
sql("RENAME TABLE application TO application_away")
try:
    rest = response.read()
    raise AssertionError(f"an answer that was cut off looked whole: {len(rest)} bytes")
except (http.client.IncompleteRead, ssl.SSLError, ConnectionError) as error:
    print(f"cut off: {type(error).__name__}")
finally:
    sql("RENAME TABLE application_away TO application")

# never more than two; whoever does not read is dropped, and gives his place back; other pages go on
stalled = [open_export(receive=4096), open_export(receive=4096)]
third = open_export()
assert third.status == 503 and b"Other exports are under way" in third.read(), third.status
began = time.monotonic()
assert p.get("/").status == 200 and time.monotonic() - began < 5
wait("the place of one who does not read", lambda: open_export("HEAD").status == 200, 60)
stalled.append(open_export(receive=4096)) # has that place: the next one to be free is the other's
wait("the place of the other", lambda: open_export("HEAD").status == 200, 60)
print(f"dropped after {time.monotonic() - began:.0f} s")
for response in stalled[:2]:
    try:
        response.read()
        raise AssertionError("a dropped answer looked whole")
    except (http.client.IncompleteRead, ssl.SSLError, ConnectionError):
        pass
whole(open_export().read())
assert int(sql("SELECT COUNT(*) FROM audit WHERE action = 'admin.statistics.exported'")) >= 9
END
stack_stop
