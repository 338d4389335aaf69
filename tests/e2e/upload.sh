#!/usr/bin/env bash
# Slow uploads behind nginx: whoever sends a file as slowly as each single read allows is ended after upload_time, and somebody else's file,
# refused meanwhile with a time to try again, is taken then; so is one that is slow, but not that slow.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
printf 'upload_time = 4s\nio_timeout = 2s\n' | stack_conf inkan
stack_start
portal - "$(stack_password admin)" "$(stack_basic)" <<'END'
import os, socket, sys, threading, time, urllib.parse
from portal import Portal

password, basic = sys.argv[1:]
parts = urllib.parse.urlsplit(os.environ["STACK_URL"])
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang="en", timeout=60)
p.login("admin", password)
p.basic = ("kanri", basic)
csrf = p.get("/admin_import").form("/admin_import/upload").fields["csrf"]
kind = "multipart/form-data; boundary=----inkantest"


def line(i):
    cells = [""] * 29
    cells[0], cells[3], cells[5], cells[10], cells[11] = f"A{i}", f"CN=e{i},OU=Center,O=Example University,C=JP", "2025/04/01 09:30", "5", "5"
    cells[23], cells[25], cells[26] = str(9000000 + i), "2025/04/02", "2029/04/02"
    return "\t".join(cells)


def form(rows):
    data = "\r\n".join(line(i) for i in range(rows))
    return ("------inkantest\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n" + csrf + "\r\n------inkantest\r\n"
            "Content-Disposition: form-data; name=\"file\"; filename=\"all.tsv\"\r\n\r\n" + data + "\r\n------inkantest--\r\n").encode()


class Slow(threading.Thread):
    """Sends a body in pieces with a pause after each, and keeps what was answered, and after how long."""
    def __init__(self, body, piece, pause):
        super().__init__(daemon=True)
        self.body, self.piece, self.pause, self.answer = body, piece, pause, b""
        self.connection = p.tls.wrap_socket(socket.create_connection(("127.0.0.1", parts.port), 30), server_hostname="localhost")
        cookie = "; ".join(f"{k}={v}" for k, v in p.cookies["localhost"].items())
        self.connection.sendall((f"POST /admin_import/upload HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\nAccept-Language: en\r\n"
                                 f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode())
        self.began = time.monotonic()
        self.start()

    def run(self):
        self.connection.settimeout(0.01)
        try:
            for at in range(0, len(self.body), self.piece):
                self.connection.settimeout(30)
                self.connection.sendall(self.body[at:at + self.piece])
                self.connection.settimeout(self.pause)
                try:
                    self.answer += self.connection.recv(65536)
                    if self.answer:
                        break
                except TimeoutError:
                    pass
            self.connection.settimeout(30)
            while more := self.connection.recv(65536):
                self.answer += more
        except OSError:
            pass
        self.took = time.monotonic() - self.began

    def status(self):
        self.join(60)
        return self.answer.split(b" ", 2)[1].decode() if self.answer else "none"


def upload():
    p.close()
    return p.send("POST", "/admin_import/upload", body=form(50), headers={"Content-Type": kind})


def others_have_to_wait(slow, longest):
    time.sleep(0.5)
    refused = 0
    while (page := upload()).status == 503:
        assert "Another file is being received" in page.text and int(page.header("Retry-After")) > 0
        refused += 1
        assert time.monotonic() - slow.began < longest, "the place was never given back"
        time.sleep(0.5)
    assert refused > 0, "the slow one did not hold the place: this tests nothing"
    assert page.status == 303, (page.status, page.text[:1000])
    print(f"refused {refused} times, taken after {time.monotonic() - slow.began:.1f} s")


# each piece in time, all of them too late: a minute of it was sent for
big = form(100000)
slow = Slow(big, len(big) // 240, 0.25)
others_have_to_wait(slow, 10)
assert slow.status() == "400" and b"took too long to arrive" in slow.answer, slow.answer[:2000]
assert 4 <= slow.took < 12, slow.took
print(f"ended after {slow.took:.1f} s")

# a few bytes a second: its first piece never gets whole
slow = Slow(big, 10, 0.5)
others_have_to_wait(slow, 15)
assert slow.status() == "502" and "ただいまご利用いただけません".encode() in slow.answer, slow.answer[:2000]

# slow, but in time
slow = Slow(form(3000), 60000, 0.2)
assert slow.status() == "303" and slow.took > 0.5, (slow.status(), slow.took)
END
grep -q 'upload took longer than 4000 ms' "$STACK_DIR/log/inkan.log"
stack_stop
