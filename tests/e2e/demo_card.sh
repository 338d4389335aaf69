#!/usr/bin/env bash
# The demo as it is, with its card server: two processes hand certificates over to themselves through nginx, with TLS verified; whoever
# lacks a shared key gets nowhere; and neither key nor PIN is kept.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
STACK_PROCESSES=2
stack_conf inkan <<<'workers = 3' # fewer than the threads that send: were one to wait for the other, nothing would get through
stack_start
portal - "$(stack_password taro)" <<'END'
import base64, html, os, re, subprocess, sys, time
from portal import Portal

taro = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
taro.login("taro", sys.argv[1])
keys = os.environ["STACK_DIR"] + "/keys/"
issue, revoke = (open(keys + name).read().strip() for name in ("card.issue", "card.revoke"))
program = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])

def wait(what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "not in time:\n" + program.get("/demo_card/").text
        time.sleep(0.2)
    return found

def cards():
    page = program.get("/demo_card/")
    assert page.status == 200, page.status
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", page.text, re.S)
    return {html.unescape(re.search(r"<th.*?<span[^>]*>(.*?)</span>", row, re.S).group(1)): html.unescape(re.sub(r"<[^>]+>", " ", row)) for row in rows}

def send(path, **fields):
    return program.send("POST", "/demo_card/" + path, fields)

assert "まだカードはありません" in program.get("/demo_card/").text
assert "/demo_card/" in taro.get("/").text  # the menu
ids = [f"2024 {n:04}" for n in range(8)]
numbers = {}
for name in ids:
    page = taro.get("/")
    got = taro.submit(page, page.form("/client/apply"), variant="upki_pass", **{"extra-upki_pass": name})
    found = re.search(r"/upki_pass/(\d+)/applied", got.url)
    assert got.status == 200 and found, (got.status, got.text)
    numbers[name] = int(found.group(1))
for name in ids:
    wait(lambda: "新規UPKI-PASS申請済" in taro.get(f"/upki_pass/{numbers[name]}").text)
made = cards()
assert set(made) == set(ids), made
assert f"CN=2024 0003 taro.{numbers['2024 0003']},OU=Inkan Demo,O=Example University,C=JP" in made["2024 0003"], made
assert all("使用可" in row for row in made.values()), made

# revoked by the portal, and only that one
page = taro.get(f"/upki_pass/{numbers['2024 0003']}/revoke")
taro.submit(page, page.form("/revoke"), reason="4", understood="1")
wait(lambda: "失効済" in taro.get(f"/upki_pass/{numbers['2024 0003']}").text)
assert [name for name, row in cards().items() if "失効" in row] == ["2024 0003"], cards()

# a card of our own making: accepted once or twice, with the right key and PIN only
folder = os.environ["STACK_DIR"] + "/tmp/"
subprocess.run(["sh", "-ec", f"""
made() {{ openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/C=JP/CN=$1" -keyout {folder}k -out {folder}c 2>/dev/null; }}
made 'a<b taro.9'
openssl pkcs12 -export -inkey {folder}k -in {folder}c -passout pass:secret-pin -out {folder}p
made nobody
openssl pkcs12 -export -inkey {folder}k -in {folder}c -passout pass:secret-pin -out {folder}q
openssl pkcs12 -export -nokeys -in {folder}c -passout pass:secret-pin -out {folder}r"""], check=True)
coded = lambda data: base64.b64encode(data).decode()
p12, nameless, keyless = (coded(open(folder + name, "rb").read()) for name in "pqr")
pin = coded(b"secret-pin")
before = cards()
for fields, status in (
        ({"key": revoke, "certfile": p12, "passwdfile": pin}, 403),
        ({"key": issue[:-1], "certfile": p12, "passwdfile": pin}, 403),
        ({"key": "", "certfile": p12, "passwdfile": pin}, 403),
        ({"certfile": p12, "passwdfile": pin}, 403),
        ({"key": issue, "certfile": p12, "passwdfile": coded(b"another")}, 400),
        ({"key": issue, "certfile": pin, "passwdfile": p12}, 400),  # the other way round
        ({"key": issue, "certfile": p12, "passwdfile": ""}, 400),
        ({"key": issue, "certfile": "***", "passwdfile": pin}, 400),
        ({"key": issue, "certfile": p12[:400], "passwdfile": pin}, 400),
        ({"key": issue, "certfile": nameless, "passwdfile": pin}, 400),
        ({"key": issue, "certfile": keyless, "passwdfile": pin}, 400),
        ({"key": issue, "certfile": p12, "passwdfile": coded(b"secret-pin\0")}, 400),
        ({"key": issue, "certfile": "A" * 200000, "passwdfile": pin}, 400),
        ({"key": issue, "certfile": "A" * 300000, "passwdfile": pin}, 413)):
    got = send("recvcert", **fields)
    assert got.status == status, (got.status, status, got.text)
assert cards() == before
for times in (1, 2):
    got = send("recvcert", key=issue, certfile=p12, passwdfile=pin)
    assert got.status == 200 and got.text.startswith("ok:"), (got.status, got.text)
page = program.get("/demo_card/").text
assert "a&lt;b" in page and "a<b" not in page, page
assert "2回受信" in cards()["a<b"] and len(cards()) == len(before) + 1, cards()

for fields, status in (({"key": issue, "id": "a<b"}, 403), ({"key": revoke}, 400), ({"key": revoke, "id": ""}, 400),
                       ({"key": revoke, "id": "x" * 65}, 400), ({"key": revoke, "id": "nobody"}, 200), ({"key": revoke, "id": "a"}, 200)):
    got = send("recvrevocation", **fields)
    assert got.status == status, (got.status, status, fields)
assert "使用可" in cards()["a<b"]
for _ in (1, 2):
    assert send("recvrevocation", key=revoke, id="a<b").status == 200
assert "失効" in cards()["a<b"]
assert program.send("GET", "/demo_card/recvcert").status == 303  # a visitor: the address of an application, as far as GET goes
assert program.send("GET", "/demo_card/?below=x").status == 400
assert program.send("GET", os.environ["STACK_IDP"] + "/demo_card/").status == 404  # on the portal's site alone

def stored(sql):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={os.environ['STACK_DIR']}/run/db.sock", "--user=root", "--batch", "--raw",
                           "--skip-column-names", "inkan", "-e", sql], check=True, capture_output=True).stdout

rows = stored("SELECT * FROM demo_card")
assert b"b taro.9,C=JP" in rows and rows.count(b"\n") == 9, rows
assert b"secret-pin" not in rows and pin.encode() not in rows and p12[40:100].encode() not in rows
assert open(folder + "p", "rb").read()[40:80] not in rows
assert stored("SELECT COUNT(*) FROM handover") == b"0\n"
END
for secret in "$(cat "$STACK_DIR/keys/card.issue")" "$(cat "$STACK_DIR/keys/card.revoke")" secret-pin; do
	if grep -rFl -e "$secret" "$STACK_DIR/log"; then
		echo "a log holds a shared key or a PIN"
		exit 1
	fi
done

# The portal does not trust whoever answers there: with another CA nothing is handed over.
stack_stop
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=another CA" -keyout /dev/null -out "$STACK_TOP/other.pem" 2>/dev/null
stack_conf upki_pass <<<"ca_file = \"$STACK_TOP/other.pem\""
stack_run
portal - "$(stack_password taro)" <<'END'
import os, sys, time
from portal import Portal

taro = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
page = taro.login("taro", sys.argv[1])
got = taro.submit(page, page.form("/client/apply"), variant="upki_pass", **{"extra-upki_pass": "unseen"})
assert got.status == 200, got.text
log = os.environ["STACK_DIR"] + "/log/inkan.log"
end = time.monotonic() + 40
while "card server, recvcert: SSL" not in open(log).read():
    assert time.monotonic() < end, open(log).read()[-4000:]
    time.sleep(0.2)
assert ">unseen<" not in taro.get("/demo_card/").text and "2024 0000" in taro.get("/demo_card/").text
END
stack_stop
