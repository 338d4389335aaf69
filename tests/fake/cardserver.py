#!/usr/bin/python3
"""A stand-in of the UPKI-PASS card server, with faults.

  cardserver.py FOLDER CERTIFICATE KEY      listens on 127.0.0.1; FOLDER/port names the port

Each call goes as one line of JSON to FOLDER/log: path, fields, the fault it met, and whether it was accepted. FOLDER/fault holds the
fault of calls from now on: none, refused (403), wrong (HTTP 200 that says err:), wrong2 (the same behind a line end, in capitals), page
(HTTP 200 with the page of some other server), empty (HTTP 200 and nothing), 500, slow (answers after FOLDER/slow seconds), lost
(accepted, and then the connection is cut without an answer), redirect, endless (an answer that never ends).
"""
import http.server
import json
import os
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse

folder, certificate, key = sys.argv[1:]
lock = threading.Lock()


def text(name, default):
    try:
        with open(os.path.join(folder, name)) as f:
            return f.read().strip() or default
    except FileNotFoundError:
        return default


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def record(self, fields, fault, accepted):
        line = {"at": time.time(), "path": self.path, "type": self.headers.get("Content-Type"), "fields": fields,
                "fault": fault, "accepted": accepted}
        with lock, open(os.path.join(folder, "log"), "a") as f:
            f.write(json.dumps(line) + "\n")

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        name = self.path.rsplit("/", 1)[1]
        fault = text("fault", "none")
        known = name in ("recvcert", "recvrevocation")
        self.record(fields, fault, known and fault in ("none", "slow", "lost"))
        if not known:
            self.answer(404, "no such page")
        elif fault == "refused":
            self.answer(403, "no")
        elif fault == "wrong":
            self.answer(200, "err:1")
        elif fault == "wrong2":
            self.answer(200, "\ufeff\r\n ERR: key")
        elif fault == "page":
            self.answer(200, "<!doctype html><title>Maintenance</title>")
        elif fault == "empty":
            self.answer(200, "")
        elif fault == "500":
            self.answer(500, "sorry")
        elif fault == "redirect":
            self.answer(307, "", [("Location", self.path + "2")])
        elif fault == "lost":
            self.close_connection = True
            self.connection.close()
        elif fault == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        else:
            if fault == "slow":
                time.sleep(float(text("slow", "5")))
            self.answer(200, f"ok: UPKI-PASS {name}.")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = self.socket.accept()
        return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, address):
        pass  # broken connections are what the faults are about


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
server = Server(("127.0.0.1", int(os.environ.get("CARD_PORT", "0"))), Handler)
with open(os.path.join(folder, "port.new"), "w") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
