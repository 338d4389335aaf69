#!/usr/bin/env bash
# An S/MIME certificate is applied for, taken, and used: mails signed and encrypted with it go through OpenSSL and NSS, both ways; a
# second application for the address is refused, also a hundred at once.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
stack_start
work=$STACK_TOP/work
mkdir "$work"

portal - "$(stack_password taro)" "$work" <<'END'
import os, re, sys, threading
from portal import Portal

password, work = sys.argv[1:]
taro = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
taro.login("taro", password)
page = taro.get("/")
assert "S/MIME証明書を申請" in page.text, page.text

# A hundred clicks at once, each from a form of its own: every one is meant as an application.
forms = [taro.get("/smime/apply").form("/smime/apply").fields for _ in range(100)]
assert len({f["form_key"] for f in forms}) == 100
results, lock, gate = [], threading.Lock(), threading.Barrier(20)

def click(mine):
    browser = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])
    browser.cookies = {k: dict(v) for k, v in taro.cookies.items()}
    gate.wait()
    for form in mine:
        got = browser.send("POST", "/smime/apply", form, {"Origin": os.environ["STACK_URL"]})
        with lock:
            results.append(got)

threads = [threading.Thread(target=click, args=(forms[i::20],)) for i in range(20)]
for t in threads: t.start()
for t in threads: t.join()
made = [r for r in results if r.status == 303]
refused = [r for r in results if r.status == 409]
assert len(made) == 1 and len(refused) == 99, sorted(r.status for r in results)
assert all("すでに発行済みか申請中です" in r.text for r in refused), refused[0].text

number = int(re.search(r"/smime/(\d+)/applied", made[0].header("Location")).group(1))
pin = taro.pin(number, "smime")
assert "<dd" in taro.get(f"/smime/{number}").text and "S/MIME証明書" in taro.get(f"/smime/{number}").text
p12 = taro.take(taro.mail_url("taro@example.ac.jp", number), pin)
open(f"{work}/taro.p12", "wb").write(p12)
open(f"{work}/pin", "w").write(pin)
again = taro.get("/smime/apply")
again = taro.submit(again, again.form("/smime/apply"))
assert again.status == 409, again.status
# the address, not the person: a client certificate is another matter
taro.apply("client")
open(f"{work}/ca.pem", "wb").write(taro.send("GET", "/upstream_local/ca.pem").body)

english = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang="en")
english.login("taro", password)
page = english.get("/smime/apply")
page = english.submit(page, page.form("/smime/apply"))
assert page.status == 409 and "You already have an S/MIME certificate for this e-mail address" in page.text, page.text
END

cd "$work"
fails() {
	if "$@" >/dev/null 2>&1; then
		echo "did not fail: $*"
		exit 1
	fi
}
pin=$(cat pin)
openssl pkcs12 -in taro.p12 -passin "pass:$pin" -nocerts -nodes -out taro.key 2>/dev/null
openssl pkcs12 -in taro.p12 -passin "pass:$pin" -clcerts -nokeys -out taro.crt 2>/dev/null
openssl x509 -in taro.crt -noout -text >taro.txt
grep -q 'Public-Key: (2048 bit)' taro.txt # RSA, though the stack's user_key is an elliptic curve
grep -A1 'X509v3 Key Usage: critical' taro.txt | grep -q 'Digital Signature, Key Encipherment'
grep -A1 'X509v3 Extended Key Usage' taro.txt | grep -qx ' *E-mail Protection'
grep -A1 'X509v3 Subject Alternative Name' taro.txt | grep -qx ' *email:taro@example.ac.jp'
openssl x509 -in taro.crt -noout -subject -nameopt RFC2253 | grep -q 'CN=taro@example.ac.jp'
openssl verify -x509_strict -purpose smimesign -CAfile ca.pem taro.crt
openssl verify -x509_strict -purpose smimeencrypt -CAfile ca.pem taro.crt
fails openssl verify -purpose sslclient -CAfile ca.pem taro.crt

# OpenSSL
printf 'From: taro@example.ac.jp\r\nSubject: test\r\n\r\nmeet at noon\r\n' >letter
openssl cms -sign -in letter -signer taro.crt -inkey taro.key -md sha256 -out signed.eml
openssl cms -verify -in signed.eml -CAfile ca.pem -purpose smimesign -out verified 2>/dev/null
grep -q 'meet at noon' verified
sed 's/noon/nine/' signed.eml >forged.eml
fails openssl cms -verify -in forged.eml -CAfile ca.pem -out /dev/null
openssl cms -encrypt -aes-256-cbc -in letter -out secret.eml taro.crt
fails grep -q 'meet at noon' secret.eml
openssl cms -decrypt -in secret.eml -recip taro.crt -inkey taro.key | grep -q 'meet at noon'
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout other.key -out other.crt -days 2 2>/dev/null
fails openssl cms -decrypt -in secret.eml -recip other.crt -inkey other.key

# NSS, which Thunderbird uses
mkdir nss
certutil -N -d sql:nss --empty-password
certutil -A -d sql:nss -n ca -t ,C, -i ca.pem
pk12util -i taro.p12 -d sql:nss -W "$pin" >/dev/null
nick=$(certutil -L -d sql:nss | sed -n 's/  *u,u,u *$//p')
certutil -V -d sql:nss -n "$nick" -u S >/dev/null
certutil -V -d sql:nss -n "$nick" -u R >/dev/null
fails certutil -V -d sql:nss -n "$nick" -u C
cmsutil -S -d sql:nss -N "$nick" -H SHA256 -G -i letter -o nss.signed
cmsutil -D -d sql:nss -i nss.signed | grep -q 'meet at noon'
openssl cms -verify -inform der -in nss.signed -CAfile ca.pem -purpose smimesign 2>/dev/null | grep -q 'meet at noon'
openssl cms -sign -nodetach -in letter -binary -signer taro.crt -inkey taro.key -md sha256 -outform der -out openssl.signed
cmsutil -D -d sql:nss -i openssl.signed | grep -q 'meet at noon'
cmsutil -E -d sql:nss -r taro@example.ac.jp -i letter -o nss.secret
openssl cms -decrypt -inform der -in nss.secret -recip taro.crt -inkey taro.key | grep -q 'meet at noon'
openssl cms -encrypt -aes-256-cbc -binary -in letter -outform der -out openssl.secret taro.crt
cmsutil -D -d sql:nss -i openssl.secret | grep -q 'meet at noon'
mkdir other
certutil -N -d sql:other --empty-password
fails cmsutil -D -d sql:other -i openssl.secret
echo "signed and encrypted mails go through OpenSSL and NSS"
