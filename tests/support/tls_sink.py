"""A mail server with TLS and authentication for tests: tls_sink.py PORT MODE CERTIFICATE KEY FOLDER; MODE is starttls or smtps.
Takes mail only over TLS and only from "portal" with the password in FOLDER/password; each mail becomes a file FOLDER/TIME.eml."""
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

port, mode, certificate, key, folder = int(sys.argv[1]), *sys.argv[2:6]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        with open(f"{folder}/{time.time_ns()}.eml", "wb") as f:
            f.write(b"X-Test-TLS: %s\r\n" % (b"yes" if session.ssl or mode == "smtps" else b"no"))
            f.write(envelope.content)
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    good = open(f"{folder}/password").read().strip().encode()
    ok = data.login == b"portal" and data.password == good
    with open(f"{folder}/log", "a") as f:
        f.write(f"{mechanism} {'good' if ok else 'bad'}\n")
    return AuthResult(success=ok, handled=ok)


class Sink(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="localhost", authenticator=authenticate, auth_required=True,
            auth_require_tls=mode == "starttls", require_starttls=mode == "starttls",
            tls_context=context if mode == "starttls" else None)


Sink(Keeper(), hostname="127.0.0.1", port=port, ssl_context=context if mode == "smtps" else None).start()
print("ready", flush=True)
while True:
    time.sleep(60)
