#!/usr/bin/env bash
# A certificate's later life over the running portal: renewed, both valid, the old one revoked by its user and on the list at once, the
# new one still valid; and what the pages and mails say meanwhile.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start
work=$STACK_TOP/work
mkdir "$work"

portal - "$(stack_password taro)" "$(stack_password hanako)" "$work" <<'END'
import os, re, subprocess, sys, time
from portal import Portal

password, hanakos, work = sys.argv[1:]
mail = "taro@example.ac.jp"

def anonymous():
    return Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])

def openssl(*arguments, text=None):
    return subprocess.run(("openssl",) + arguments, input=text, capture_output=True)

def keep(name, p12, pin):
    open(f"{work}/{name}.p12", "wb").write(p12)
    pem = openssl("pkcs12", "-in", f"{work}/{name}.p12", "-passin", f"pass:{pin}", "-nodes")
    assert pem.returncode == 0, pem.stderr
    open(f"{work}/{name}.pem", "wb").write(pem.stdout)

def field(name, what):
    return openssl("x509", "-in", f"{work}/{name}.pem", "-noout", what).stdout.decode().strip().split("=", 1)[1]

def crl():
    """The revocation list as anybody gets it, checked against the CA."""
    open(f"{work}/ca.pem", "wb").write(anonymous().get("/upstream_local/ca.pem").body)
    open(f"{work}/ca.crl", "wb").write(anonymous().get("/upstream_local/ca.crl").body)
    pem = openssl("crl", "-inform", "der", "-in", f"{work}/ca.crl", "-CAfile", f"{work}/ca.pem", "-out", f"{work}/crl.pem")
    assert b"verify OK" in pem.stderr, pem.stderr
    return openssl("crl", "-in", f"{work}/crl.pem", "-noout", "-text").stdout.decode()

def valid(name):
    crl()
    check = openssl("verify", "-purpose", "sslclient", "-crl_check", "-CAfile", f"{work}/ca.pem", "-CRLfile", f"{work}/crl.pem", f"{work}/{name}.pem")
    assert check.returncode == 0 or b"certificate revoked" in check.stderr, check.stderr
    return check.returncode == 0

def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)

def subjects():
    return [subject for _, to, subject in taro.mails() if to == mail]

taro = anonymous()
taro.login("taro", password)
number = taro.apply()
page = taro.get(f"/client/{number}")
assert page.text.count(" disabled>") == 2, "before the download neither button is enabled"
early = taro.get(f"/client/{number}/revoke")
assert early.status == 409 and "失効申請はできません" in early.text, early.text
pin = taro.pin(number)
keep("old", taro.take(taro.mail_url(mail, number), pin), pin)
serial = str(int(field("old", "-serial"), 16))
until("the download is known", 10, lambda: serial in taro.get(f"/client/{number}").text)
assert " disabled>" not in taro.get(f"/client/{number}").text

# Renewed: the question, the completion page, the number of before until the new one is taken.
page = taro.get(f"/client/{number}/renew")
assert page.status == 200 and "更新申請を送信します" in page.text, page.text
done = taro.submit(page, page.form(f"/client/{number}/renew"))
assert done.status == 200 and "<h1>更新申請完了</h1>" in done.text, done.text
new = int(re.search(r"/client/(\d+)/applied", done.url).group(1))
assert new == number + 1
again = taro.submit(page, page.form(f"/client/{number}/renew"))
assert again.url.endswith(f"/client/{new}/applied?again=1"), again.url
second = taro.get(f"/client/{number}/renew")
assert second.status == 409 and "すでに更新申請中です" in second.text, second.text
pin = taro.pin(new)
details = taro.get(f"/client/{new}")
assert "更新申請PIN取得済" in details.text and serial in details.text and "更新前の証明書の番号です" in details.text, details.text
assert valid("old"), "the old one stays valid"
keep("new", taro.take(taro.mail_url(mail, new), pin), pin)
until("the new download is known", 10, lambda: "有効(更新)" in taro.get(f"/client/{new}").text)
assert str(int(field("new", "-serial"), 16)) in taro.get(f"/client/{new}").text
assert field("old", "-subject") == field("new", "-subject") and field("old", "-serial") != field("new", "-serial")
modulus = [openssl("x509", "-in", f"{work}/{n}.pem", "-noout", "-pubkey").stdout for n in ("old", "new")]
assert modulus[0] and modulus[0] != modulus[1], "a renewal has a key of its own"
assert valid("old") and valid("new")

# Somebody else can neither see nor do it; nor is it done without all that is asked.
hanako = anonymous()
hanako.login("hanako", hanakos)
assert hanako.get(f"/client/{number}/revoke").status == 404
page = taro.get(f"/client/{number}/revoke")
form = page.form(f"/client/{number}/revoke")
assert "【注意】証明書を失効化します。一度失効すると、再有効化はできません。よろしいですか？" in page.text
for incomplete in ({"reason": "1"}, {"understood": "1"}):
    refused = taro.submit(page, form, **incomplete)
    assert refused.status == 400 and "まだ送信されていません" in refused.text, (refused.status, refused.text)
assert valid("old")

# Revoked by its user: on the list within the minute (here: seconds), confirmed on the page, told by mail once.
began = time.monotonic()
done = taro.submit(page, form, reason="1", understood="1")
assert done.status == 200 and "<h1>失効申請完了</h1>" in done.text, done.text
assert taro.submit(page, form, reason="1", understood="1").url.endswith("/revoking?again=1")
until("the old one is on the list", 60, lambda: not valid("old"))
print(f"on the list after {time.monotonic() - began:.1f} s")
assert valid("new"), "the new one stays valid"
listed = crl()
assert field("old", "-serial").upper() in listed.upper() and "Key Compromise" in listed, listed
until("the page says so", 10, lambda: "失効済" in taro.get(f"/client/{number}").text)
until("the mail", 20, lambda: any("クライアント証明書失効完了通知" in s for s in subjects()))
assert sum("クライアント証明書失効完了通知" in s for s in subjects()) == 1
late = taro.get(f"/client/{number}/revoke")
assert late.status == 409 and "すでに失効しています" in late.text, late.text
assert "有効(更新)" in taro.get(f"/client/{new}").text
END
