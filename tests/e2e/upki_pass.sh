#!/usr/bin/env bash
# UPKI-PASS through the portal: applied for on the client's form, handed over to a card server that fails at first, revoked there before
# anybody is told; and nothing of PIN, .p12 or shared keys on a page, in a mail, in a log, or in the database afterwards.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
card=$STACK_TOP/card
mkdir "$card"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$card/key" -out "$card/cert" 2>/dev/null
install -m 600 /dev/null "$card/one" && printf 'shared/key+one' >"$card/one"
install -m 600 /dev/null "$card/two" && printf 'shared&key=two' >"$card/two"
"$INKAN_SOURCE/tests/fake/cardserver.py" "$card" "$card/cert" "$card/key" &
card_pid=$!
stack_more_end() {
	kill "$card_pid" 2>/dev/null || :
}
for _ in $(seq 100); do
	[ -e "$card/port" ] && break
	sleep 0.1
done
stack_conf inkan <<<'plugins = {"client", "upki_pass", "upstream_local", "demo_idp", "demo_mailbox"}'
stack_conf upki_pass <<-END
	url = "https://localhost:$(cat "$card/port")/api"
	issue_key = "$card/one"
	revoke_key = "$card/two"
	ca_file = "$card/cert"
	timeout = 1s
END
stack_start
portal - "$(stack_password taro)" "$card" "$(stack_password hanako)" <<'END'
import base64, html, json, os, re, subprocess, sys, time
from portal import Portal

password, card, other_password = sys.argv[1:]
taro = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
taro.login("taro", password)
field = {"variant": "upki_pass", "extra-upki_pass": "2024-0815"}

def fault(name):
    open(f"{card}/fault", "w").write(name)

def calls(path):
    try:
        lines = [json.loads(line) for line in open(f"{card}/log")]
    except FileNotFoundError:
        lines = []
    return [c for c in lines if c["path"] == "/api/" + path]

def wait(what, seconds=40):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not in time:\n" + taro.get(details).text
        time.sleep(0.2)

def shows(text):
    return text in html.unescape(taro.get(details).text)

page = taro.get("/")
for text in ("UPKI-PASS用のクライアント証明書を発行", "UPKI-PASS発行ID", "クライアント証明書を申請"):
    assert text in page.text, text
assert 'action="/upki_pass/apply"' not in page.text  # a box on the client's form, no form of its own

def send(**fields):
    return taro.submit(page, page.form("/client/apply"), **fields)

# the box alone
got = send(variant="upki_pass")
assert got.status == 400 and "UPKI-PASS発行IDが未指定です。" in got.text, (got.status, got.text)
got = send(variant="upki_pass", **{"extra-upki_pass": "２０２４０８１５"})
assert got.status == 400 and "使用できない文字「２」が含まれています。" in got.text, (got.status, got.text)
got = send(variant="smime", **{"extra-upki_pass": "1"})
assert got.status == 400, got.status
# the question keeps what was entered, box and field
asked = taro.get("/client/apply?variant=upki_pass&extra-upki_pass=2024-0815%22%3E")
assert 'value="2024-0815&quot;&gt;"' in asked.text, asked.text
assert re.search(r'value="upki_pass"\s+checked', asked.text), asked.text

fault("lost")
got = send(**field)
found = re.search(r"/upki_pass/(\d+)/applied", got.url)
assert got.status == 200 and found, (got.status, got.url, got.text)
assert "メール" not in got.text.split("<main")[1].split("</main>")[0] or "送信されません" in got.text, got.text
number = int(found.group(1))
details = f"/upki_pass/{number}"
wait(lambda: len(calls("recvcert")) == 1)
assert shows("新規UPKI-PASS申請中")
fault("none")
wait(lambda: shows("新規UPKI-PASS申請済"))
first, second = calls("recvcert")
assert first["fields"] == second["fields"], "what was accepted already came again, byte by byte"
assert first["fields"]["key"] == "shared/key+one" and set(first["fields"]) == {"key", "certfile", "passwdfile"}
pin = base64.b64decode(first["fields"]["passwdfile"]).decode()
open(f"{card}/p12", "wb").write(base64.b64decode(first["fields"]["certfile"]))
subject = subprocess.run(["sh", "-c", f"openssl pkcs12 -in {card}/p12 -passin pass:{pin} -nodes | openssl x509 -noout -subject -nameopt RFC2253"],
                         check=True, capture_output=True, text=True).stdout
assert f"CN=2024-0815 taro.{number}," in subject, subject
open(f"{card}/pin", "w").write(pin + "\n" + "shared/key+one\nshared&key=two\n" + first["fields"]["certfile"][:60] + "\n")
page = taro.get(details)
assert pin not in page.text and "take/" not in page.text
page = taro.get("/")
assert "新規UPKI-PASS申請済" in page.text
got = send(**field)
assert got.status == 409 and "このUPKI-PASS発行IDの証明書は" in got.text, (got.status, got.text)
# somebody else with the same ID: refused kindly, and told whom to ask
hanako = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
hanako.login("hanako", other_password)
other_page = hanako.get("/")
got = hanako.submit(other_page, other_page.form("/client/apply"), **field)
assert got.status == 409 and "IDが正しければ、管理者へご連絡ください。" in got.text, (got.status, got.text)
got = hanako.submit(other_page, other_page.form("/client/apply"), **{**field, "extra-upki_pass": "2024-0816"})
assert got.status == 200 and "/upki_pass/1/applied" in got.url, (got.status, got.url)

# no mail until now, and then one
assert not [m for m in taro.mails() if m[1] == "taro@example.ac.jp"], taro.mails()
fault("500")
page = taro.get(f"{details}/revoke")
taro.submit(page, page.form("/revoke"), reason="4", understood="1")
wait(lambda: len(calls("recvrevocation")) == 1)
assert shows("失効申請中") and not shows("失効済")
assert not [m for m in taro.mails() if m[1] == "taro@example.ac.jp"], taro.mails()
fault("none")
wait(lambda: shows("失効済"))
assert calls("recvrevocation")[-1]["fields"] == {"key": "shared&key=two", "id": "2024-0815"}
wait(lambda: [m for m in taro.mails() if m[1] == "taro@example.ac.jp"])
mails = [m for m in taro.mails() if m[1] == "taro@example.ac.jp"]
assert len(mails) == 1 and "失効完了通知" in mails[0][2], mails
mail = taro.get(f"/demo_mailbox/{mails[0][0]}").text
assert pin not in mail
page = taro.get("/")
assert send(**field).status == 200  # the ID is free again
END

grep -q recvcert "$STACK_DIR/log/inkan.log" # a failed call is told, without what it carried
if grep -rFlf "$card/pin" "$STACK_DIR/log"; then
	echo "a log holds a PIN, a .p12 or a shared key"
	exit 1
fi

# That IDs are not tied to their owners is allowed, but told.
"$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" check >"$STACK_TOP/said" 2>"$STACK_TOP/warned"
grep -q 'warning: upki_pass.conf: id_owner is empty' "$STACK_TOP/warned" || { echo "no warning:"; cat "$STACK_TOP/warned"; exit 1; }
cp -r "$STACK_DIR/conf" "$STACK_TOP/conf"
echo 'id_owner = "%u"' >>"$STACK_TOP/conf/upki_pass.conf"
"$INKAN_BUILD/inkan" -c "$STACK_TOP/conf" check >"$STACK_TOP/said" 2>"$STACK_TOP/warned"
if grep 'warning' "$STACK_TOP/warned" || ! grep -q '^id_owner = "%u"' "$STACK_TOP/said"; then
	echo "a warning without a reason"
	exit 1
fi
echo "handed over, revoked, and nothing was told to anybody else"
