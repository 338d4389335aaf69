"""Talks SMTP to the demo's mailbox, well and badly, and looks at its pages."""
import os
import re
import smtplib
import socket
import time
from email.message import EmailMessage

from portal import Portal, check

port = int(re.search(r"port = (\d+)", open(os.environ["STACK_DIR"] + "/conf/demo_mailbox.conf").read()).group(1))
portal = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"])


def raw(*pieces, answers):
    """Sends bytes and wants these reply codes, in this order, after the greeting."""
    s = socket.create_connection(("127.0.0.1", port), 10)
    f = s.makefile("rb")
    check("greeting", f.readline()[:3], b"220")
    for piece, answer in zip(pieces, answers):
        s.sendall(piece)
        line = f.readline()
        while line[3:4] == b"-":
            line = f.readline()
        check(repr(piece[:60]), line[:3].decode(), answer)
    return s


def send(subject, body, to="taro@example.ac.jp"):
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = "cert@example.ac.jp", to, subject
    m.set_content(body)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        server.send_message(m)


def newest():
    mail = portal.mails()[0]
    return mail, portal.get(f"/demo_mailbox/{mail[0]}").text


send("日本語の件名 <script>alert(1)</script>", "一行目\n.\n..二行目\nhttps://localhost/x?a=1&b=2 javascript:alert(2)\n<img src=x onerror=alert(3)>\n")
mail, page = newest()
check("recipient", mail[1], "taro@example.ac.jp")
check("subject in the list", mail[2], "日本語の件名 &lt;script&gt;alert(1)&lt;/script&gt;")
body = re.search(r'class="mail-body"[^>]*>(.*?)</div>', page, re.S).group(1)
check("dots", "一行目\n.\n..二行目\n" in body.replace("\r", ""), True)
check("link", re.findall(r'href="([^"]*)"', body), ["https://localhost/x?a=1&amp;b=2"])
check("tags in the mail", "<img" in body or "<script>alert" in page, False)
check("the address is not passed on", page.count('rel="noreferrer"'), 1)

# order of commands, and what is not for this server
raw(b"DATA\r\n", b"RCPT TO:<a@b>\r\n", b"NOTHING\r\n", b"EHLO x\r\n", b"MAIL FROM:a@b\r\n", b"MAIL FROM:<a@b> SIZE=10\r\n", b"DATA\r\n",
    b"RCPT TO:<nobody>\r\n", b"RCPT TO:<a@b>\r\n", b"RSET\r\n", b"DATA\r\n", b"NOOP\r\n", b"QUIT\r\n",
    answers=["503", "503", "502", "250", "501", "250", "503", "501", "250", "250", "503", "250", "221"])
# a line that is too long; the next command works
raw(b"NOOP " + b"x" * 5000 + b"\r\n", b"NOOP\r\n", answers=["500", "250"])
# lines end in CRLF alone: a lone LF or CR cannot end a mail and smuggle another one in
before = len(portal.mails())
s = raw(b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<smuggle@example.ac.jp>\r\n", b"DATA\r\n",
        b"Subject: one\r\n\r\nx\n.\nMAIL FROM:<c@d>\r.\r\nstill the body\r\n.\r\n", b"QUIT\r\n", answers=["250", "250", "354", "250", "221"])
check("one mail", len(portal.mails()), before + 1)
check("it is whole", "still the body" in newest()[1], True)
# too large, too many recipients
large = b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n"
raw(b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<large@example.ac.jp>\r\n", b"DATA\r\n", large * 13000 + b".\r\n", b"NOOP\r\n",
    answers=["250", "250", "354", "552", "250"])
raw(b"MAIL FROM:<a@b>\r\n", *[b"RCPT TO:<x@example.ac.jp>\r\n"] * 21, answers=["250"] + ["250"] * 20 + ["452"])
check("none of these arrived", len(portal.mails()), before + 1)
# silent guests beyond the limit are turned away, and when they are gone others are served
guests = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(40)]
codes = [g.recv(3) for g in guests]
check("some were turned away", b"421" in codes and b"220" in codes, True)
for g in guests:
    g.close()
for attempt in range(50):  # it learns of their leaving one by one
    try:
        send("after the crowd", "x")
        break
    except smtplib.SMTPConnectError:
        time.sleep(0.1)
check("after the crowd", newest()[0][2], "after the crowd")
# neither number nor there
for path in ("0", "999999999", "1x", "-1", "18446744073709551616", "%00"):
    check(path, portal.get("/demo_mailbox/" + path).status in (400, 404), True)
check("?below", portal.get("/demo_mailbox/?below=x").status, 400)
