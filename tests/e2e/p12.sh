#!/usr/bin/env bash
# What users get by default, RSA 2048 in both formats, is applied for and downloaded through nginx, and opened with the PIN by OpenSSL,
# NSS and Java; and what the portal says and logs on the way gives nothing away.
set -eu
. "${INKAN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/stack.sh"
printf 'user_key = "rsa:2048"\nca_key = "rsa:3072"\n' >"$STACK_TOP/extra/upstream_local.conf"
stack_start
password=$(stack_password taro)
work=$STACK_TOP/work
mkdir "$work"

portal - "$password" "$work" <<'END'
import os, sys
from portal import Portal

password, work = sys.argv[1:]

def anonymous():
    return Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])

taro = anonymous()
taro.login("taro", password)

for kind in ("modern", "compatible"):
    number = taro.apply()
    pin = taro.pin(number)
    url = taro.mail_url("taro@example.ac.jp", number)
    device = anonymous()  # another device, where nobody is logged in
    page = device.get(url)
    assert page.status == 200 and "<h1>アクセスPIN</h1>" in page.text and ">次へ</button>" in page.text, page.text
    assert page.header("Cache-Control") == "no-store" and page.header("Referrer-Policy") == "no-referrer", page.headers
    assert "taro" not in page.text  # the address alone does not tell whose it is
    wrong = device.unlock(url, pin[:-1])
    assert wrong.status == 403 and "PIN番号が正しくありません" in wrong.text, (wrong.status, wrong.text)
    page = device.unlock(url, pin.upper())
    assert page.status == 200 and "<h1>クライアント証明書ダウンロード</h1>" in page.text, page.text
    assert pin not in page.text
    p12 = device.submit(page, page.form("/download"), format=kind)
    assert p12.status == 200 and p12.header("Content-Type") == "application/x-pkcs12", (p12.status, p12.headers)
    assert p12.header("Content-Disposition") == f'attachment; filename="client-{number}.p12"', p12.headers
    assert p12.header("Cache-Control") == "no-store"
    again = device.submit(page, page.form("/download"), format=kind)
    assert again.body == p12.body, "the same browser gets the same bytes"
    other = anonymous().get(url)
    assert other.status == 410 and "取得済み" in other.text, (other.status, other.text)
    details = taro.get(f"/client/{number}")
    assert "有効" in details.text, details.text
    open(f"{work}/{kind}.p12", "wb").write(p12.body)
    open(f"{work}/{kind}.pin", "w").write(pin)
    open(f"{work}/tokens", "a").write(url.rsplit("/", 1)[1] + "\n" + pin + "\n")

for name in ("ca.cer", "ca.crl", "ca.pem"):
    page = taro.send("GET", f"/upstream_local/{name}")
    assert page.status == 200 and page.header("Cache-Control") == "public, max-age=300", (name, page.headers)
    open(f"{work}/{name}", "wb").write(page.body)
    same = taro.send("GET", f"/upstream_local/{name}", headers={"If-None-Match": page.header("ETag")})
    assert same.status == 304, (name, same.status)
END

must_fail() {
	if "$@" >/dev/null 2>&1; then
		echo "did not fail: $*"
		exit 1
	fi
}
cd "$work"
openssl crl -inform der -in ca.crl -out crl.pem
openssl x509 -inform der -in ca.cer -noout -text | grep -q 'Public-Key: (3072 bit)'
fingerprint=$(openssl x509 -inform der -in ca.cer -noout -fingerprint -sha256 | sed 's/.*=//' | tr -d : | tr A-F a-f)
# the C library itself leaks a path when it reads LOCPATH
export LOCPATH=$STACK_DIR/locale ASAN_OPTIONS=detect_leaks=0
"$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" ca show >shown
grep -q "$fingerprint" shown
"$INKAN_BUILD/inkan" -c "$STACK_DIR/conf" ca init | cmp - shown # there is one: nothing is made
for kind in modern compatible; do
	pin=$(cat $kind.pin)
	openssl pkcs12 -in $kind.p12 -passin "pass:$pin" -nodes -out $kind.pem 2>/dev/null
	openssl x509 -in $kind.pem -noout -text >$kind.txt
	grep -q 'Public-Key: (2048 bit)' $kind.txt
	grep -q 'TLS Web Client Authentication' $kind.txt
	openssl verify -x509_strict -purpose sslclient -crl_check -CAfile ca.pem -CRLfile crl.pem $kind.pem
	mkdir nss.$kind
	certutil -N -d sql:nss.$kind --empty-password
	pk12util -i $kind.p12 -d sql:nss.$kind -W "$pin"
	certutil -K -d sql:nss.$kind | grep -q rsa
	keytool -list -storetype PKCS12 -keystore $kind.p12 -storepass "$pin" | grep -q PrivateKeyEntry
	# each of these checks can fail
	must_fail openssl pkcs12 -in $kind.p12 -passin pass:wrong -noout
	must_fail pk12util -l $kind.p12 -W wrong
	must_fail keytool -list -storetype PKCS12 -keystore $kind.p12 -storepass wrong99
done
openssl pkcs12 -info -in modern.p12 -passin "pass:$(cat modern.pin)" -noout 2>&1 | grep -q 'AES-256-CBC, Iteration [0-9]*, PRF hmacWithSHA256'
openssl pkcs12 -info -in compatible.p12 -passin "pass:$(cat compatible.pin)" -noout 2>&1 | grep -q 'pbeWithSHA1And3-KeyTripleDES-CBC'

# Neither an address nor a PIN stands in a log; what was asked for does.
grep -q 'POST /upstream_local/take' "$STACK_DIR/log/inkan.log"
[ "$(wc -l <tokens)" = 4 ]
if grep -rFlf tokens "$STACK_DIR/log"; then
	echo "a log holds a download address or a PIN"
	exit 1
fi
echo "both formats open with OpenSSL, NSS and Java"
