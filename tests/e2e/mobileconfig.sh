#!/usr/bin/env bash
# An Apple configuration profile through nginx: offered first to an iPhone, read by another program, its .p12 opens with the PIN, and it is
# one download with the .p12: the same browser gets the same bytes whatever it asks for, anybody else nothing. The help names the CA.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start
work=$STACK_TOP/work
mkdir "$work"

portal - "$(stack_password taro)" "$work" <<'END_OF_PYTHON'
import os, plistlib, re, subprocess, sys
from portal import Portal

password, work = sys.argv[1:]
iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"

def anonymous():
    return Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])

def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True)

taro = anonymous()
taro.login("taro", password)
number = taro.apply()
pin = taro.pin(number)
url = taro.mail_url("taro@example.ac.jp", number)

device = anonymous()
page = device.unlock(url, pin)
assert page.form("/download").fields["format"] == "modern", page.form("/download").fields
page = device.send("GET", page.url, headers={"User-Agent": iphone})
form = page.form("/download")
assert form.fields["format"] == "apple", form.fields  # the choice of this device comes first
bad = device.submit(page, form, format="der")
assert bad.status == 400, bad.status
profile = device.submit(page, form)
assert profile.status == 200 and profile.header("Content-Type") == "application/x-apple-aspen-config", profile.headers
assert profile.header("Content-Disposition") == f'attachment; filename="client-{number}.mobileconfig"', profile.headers
assert profile.header("Cache-Control") == "no-store" and pin.encode() not in profile.body

plist = plistlib.loads(profile.body, fmt=plistlib.FMT_XML)
root, identity = plist["PayloadContent"]
assert plist["PayloadType"] == "Configuration" and "Password" not in identity
assert (root["PayloadType"], identity["PayloadType"]) == ("com.apple.security.root", "com.apple.security.pkcs12")
open(f"{work}/inner.p12", "wb").write(identity["PayloadContent"])
open(f"{work}/root.cer", "wb").write(root["PayloadContent"])
opened = openssl("pkcs12", "-in", f"{work}/inner.p12", "-passin", f"pass:{pin}", "-nodes", "-clcerts")
assert f"taro.{number}" in opened.stdout and "PRIVATE KEY" in opened.stdout, opened
assert openssl("pkcs12", "-in", f"{work}/inner.p12", "-passin", "pass:wrong", "-nodes").returncode != 0

# one download: the same bytes again, under any name that is asked for; nothing for others
for kind in ("apple", "modern", "compatible"):
    again = device.submit(page, form, format=kind)
    assert again.body == profile.body and again.header("Content-Type") == profile.header("Content-Type"), kind
assert anonymous().get(url).status == 410
rows = taro.get(f"/client/{number}")
assert "有効" in rows.text

# the other way round: whoever took the .p12 gets no profile
number = taro.apply()
pin = taro.pin(number)
device = anonymous()
page = device.unlock(taro.mail_url("taro@example.ac.jp", number), pin)
p12 = device.submit(page, page.form("/download"), format="compatible")
again = device.submit(page, page.form("/download"), format="apple")
assert p12.header("Content-Type") == again.header("Content-Type") == "application/x-pkcs12" and p12.body == again.body

# the CA of the guide is the root of the profile
for lang in ("ja", "en"):
    guide = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang).get("/help/ios")
    path = re.search(r'href="(/upstream_local/ca/1/ca\.cer)"', guide.text).group(1)
    assert device.get(path).body == root["PayloadContent"]
    fingerprint = openssl("x509", "-inform", "der", "-in", f"{work}/root.cer", "-noout", "-fingerprint", "-sha256").stdout
    assert fingerprint.strip().split("=")[1].lower() in guide.text
first = [device.send("GET", "/help", headers=h).text for h in ({"User-Agent": iphone}, {"Sec-CH-UA-Platform": '"Windows"'}, {})]
own = [re.findall(r'href="/help/(\w+)"', text.split("all-title")[0]) for text in first]
assert own == [["ios"], ["windows"], []], own
assert device.get("/help/nothing").status == 404
END_OF_PYTHON

# configured addresses take the place of the CA's own
stack_stop
stack_conf inkan <<'END'
ca "中間CA証明書" {
	title_en = "Intermediate CA"
	url = "https://repo.example.ac.jp/ca.cer"
}
END
stack_run
curl -fsS --cacert "$STACK_CA" -H 'Accept-Language: ja' "$STACK_URL/help/windows" >"$work/ja"
curl -fsS --cacert "$STACK_CA" -H 'Accept-Language: en' "$STACK_URL/help/windows" >"$work/en"
grep -q 'href="https://repo.example.ac.jp/ca.cer" lang="">中間CA証明書<' "$work/ja"
grep -q 'href="https://repo.example.ac.jp/ca.cer" lang="">Intermediate CA<' "$work/en"
if grep -q 'upstream_local/ca' "$work/ja" "$work/en"; then
	echo "the CA's own address is still offered"
	exit 1
fi
stack_stop
echo "profiles are one download with the .p12, and the guide names the CA"
