#!/usr/bin/env bash
# Bad input over the real site: each gets a page that says what is wrong in the user's language, and changes nothing. A good request
# of the same shape, before and after, shows that it is the badness that is refused.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start

portal - "$(stack_password taro)" "$(stack_password jiro)" <<'END'
import os, re, socket, ssl, subprocess, sys, urllib.parse
from portal import Portal

BASE, CA = os.environ["STACK_URL"], os.environ["STACK_CA"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

def rows(table="application"):
    out = subprocess.run(["mariadb", "--no-defaults", "--socket=" + os.environ["STACK_DIR"] + "/run/db.sock", "--user=root", "-BN",
        "inkan", "-e", f"SELECT COUNT(*) FROM {table}"], check=True, capture_output=True, text=True)
    return int(out.stdout)

def login(name, password, lang="ja"):
    p = Portal(BASE, CA, lang=lang)
    p.login(name, password)
    return p

taro = login("taro", sys.argv[1])

def fresh():
    form = taro.get("/").form("/client/apply")
    return form.action, dict(form.fields)

def good(expected):
    action, fields = fresh()
    page = taro.send("POST", action, fields)
    assert page.status == 303, (page.status, page.text[:500])
    assert rows() == expected, (rows(), expected)

def refused(what, page, statuses, n, ja=True):
    assert page.status in statuses, (what, page.status, page.text[:800])
    assert rows() == n, (what, "changed something")
    assert "</html>" in page.text, (what, "no page")
    if ja:
        assert re.search("[ぁ-ん]", page.text), (what, "not in Japanese")
    print(f"ok {what}: {page.status}")

good(1)
action, fields = fresh()
enc = urllib.parse.urlencode
refused("no CSRF token", taro.send("POST", action, {k: v for k, v in fields.items() if k != "csrf"}), (403,), 1)
refused("wrong CSRF token", taro.send("POST", action, {**fields, "csrf": "A" * 43}), (403,), 1)
jiro = login("jiro", sys.argv[2])
other = jiro.get("/").form("/client/apply").fields["csrf"]
refused("CSRF token of somebody else", taro.send("POST", action, {**fields, "csrf": other}), (403,), 1)
refused("field twice", taro.send("POST", action, body=enc(list(fields.items()) + [("form_key", "x")]), headers=FORM), (400,), 1)
refused("bad UTF-8", taro.send("POST", action, body=enc(fields) + "&memo=%ff%fe", headers=FORM), (400,), 1)
refused("NUL", taro.send("POST", action, body=enc(fields) + "&memo=a%00b", headers=FORM), (400,), 1)
refused("broken percent", taro.send("POST", action, body=enc(fields) + "&memo=%zz", headers=FORM), (400,), 1)
refused("not a form", taro.send("POST", action, body="{}", headers={"Content-Type": "application/json"}), (400, 415), 1)
refused("body of 100 KB", taro.send("POST", action, body=enc({**fields, "memo": "a" * 100000}), headers=FORM), (400, 413), 1)
refused("body of 1 MB", taro.send("POST", action, body=enc({**fields, "memo": "a" * 1000000}), headers=FORM), (413,), 1)
refused("1,000 fields", taro.send("POST", action, body=enc(fields) + "".join(f"&f{i}=1" for i in range(1000)), headers=FORM), (400, 413), 1)
refused("form key of nobody's", taro.send("POST", action, {**fields, "form_key": "'; DROP TABLE user; --"}), (400,), 1)
refused("profile that is not offered", taro.send("POST", action, {**fields, "variant": "upstream_local"}), (400, 404), 1)
refused("type that does not exist", taro.send("POST", "/nothing/apply", fields), (404,), 1)
refused("wrong method", taro.send("DELETE", "/client/1"), (405, 400), 1)
refused("encoded slash", taro.send("GET", "/client%2f1"), (400, 404), 1)
refused("path of 4 KB", taro.send("GET", "/" + "a" * 4000), (400, 404, 414), 1)
refused("application of nobody", taro.send("GET", "/client/99"), (404,), 1)
refused("number too large", taro.send("GET", "/client/99999999999999999999"), (400, 404), 1)
refused("somebody else's application", jiro.send("GET", "/client/1"), (404,), 1)

# The session ends while a form is open: the answer says so, and nothing was done.
form_action, form_fields = fresh()
saved = {h: dict(c) for h, c in taro.cookies.items()}
page = taro.get("/")
taro.submit(page, page.form("/logout"))
taro.cookies = {h: dict(c) for h, c in saved.items()}
gone = taro.send("POST", form_action, form_fields)
refused("session that ended", gone, (403,), 1)
assert "/login" in gone.text, "the page offers no way back"
taro = login("taro", sys.argv[1])

# chunked, by hand: http.client would give a length
ctx = ssl.create_default_context(cafile=CA)
parts = urllib.parse.urlsplit(BASE)
def raw(data):
    s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", parts.port), 20), server_hostname="localhost")
    s.sendall(data)
    out = b""
    while True:
        try:
            block = s.recv(65536)
        except (TimeoutError, OSError):
            break
        if not block:
            break
        out += block
    s.close()
    return out
for path in ("/client/../client/1", "/client/%2e%2e/client/1", "/client//1", "//client/1", "/client/1%00", "/client/%ff", "/%2e/client/1"):
    answer = raw(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"400", b"404"), (path, answer[:200])
cookie = "; ".join(f"{k}={v}" for k, v in taro.cookies["localhost"].items())
head = f"POST {action} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
before = rows()
_, chunk_fields = fresh()
body = enc(chunk_fields)
answer = raw((head + "Transfer-Encoding: chunked\r\n\r\n" + f"{len(body):x}\r\n{body}\r\n0\r\n\r\n").encode())
# nginx puts a chunked body together and gives its length: a good one works, it is no way around a limit
assert b" 303 " in answer.split(b"\r\n")[0], answer[:300]
assert rows() == before + 1
big = "memo=" + "a" * 300000
answer = raw((head + "Transfer-Encoding: chunked\r\n\r\n" + f"{len(big):x}\r\n{big}\r\n0\r\n\r\n").encode())
assert b" 413 " in answer.split(b"\r\n")[0], answer[:300]
answer = raw((head + "Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode())
assert b" 400 " in answer.split(b"\r\n")[0], answer[:300]
assert rows() == before + 1
print("ok chunked")

# A memo keeps what a person writes, as text.
evil = "<script>alert(1)</script> \"'\t,;%_\\ 𠮷 {{CSRF}} [[x]]"
page = taro.get("/client/1")
memo = page.form("/memo")
page = taro.submit(page, memo, memo=evil.replace("\t", " "))
assert "<script>alert" not in page.text and "&lt;script&gt;alert(1)" in page.text, "a memo is not escaped"
before = rows()
good(before + 1)

# SAML: nothing was asked for; not base64; empty; a hundred times a refused log-in leaves no session behind
sessions = rows("session")
stranger = Portal(BASE, CA)
for what, value in (("garbage", "AAAA"), ("empty", ""), ("not base64", "<xml/>"), ("large", "QUFB" * 30000)):
    refused("SAML response, " + what, stranger.send("POST", "/saml/acs", {"SAMLResponse": value}), (400, 403, 413), before + 1)
assert rows("session") == sessions
END

# No secret in any log: PINs, sessions, CSRF tokens, download addresses.
portal - "$(stack_password jiro)" <<'END'
import os, sys
from portal import Portal
p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
p.login("jiro", sys.argv[1])
number, pin, _ = p.certificate("jiro@example.ac.jp")
url = p.mail_url("jiro@example.ac.jp", number)
csrf = p.get("/").form("/client/apply").fields["csrf"]
secrets = [pin, url.rsplit("/", 1)[1], csrf] + list(p.cookies["localhost"].values()) + [sys.argv[1]]
logs = os.path.join(os.environ["STACK_DIR"], "log")
seen = 0
for name in os.listdir(logs):
    text = open(os.path.join(logs, name), errors="replace").read()
    seen += len(text)
    for i, secret in enumerate(secrets):
        if len(secret) > 5 and secret in text:
            raise SystemExit(f"secret number {i} stands in {name}")
assert seen > 1000, "there are no logs"
END
stack_stop
