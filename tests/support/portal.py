"""A browser without a screen for tests: walks through the portal as a user does, by its links and forms alone."""
import base64
import html.parser
import http.client
import re
import ssl
import time
import urllib.parse


TROUBLE = (OSError, http.client.HTTPException, ssl.SSLError)  # what a user meets whose server dies


def check(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, not {expected!r}")


def patiently(call, met, fatal=(), seconds=60):
    """What a user does whose page did not come: tries it again; met counts why. Statuses in fatal are an error at once."""
    end = time.monotonic() + seconds
    while True:
        try:
            page = call()
            if page.status not in (500, 502, 503, 504):
                return page
            if page.status in fatal:
                raise AssertionError(f"{page.status} at {page.url}:\n{page.text[:2000]}")
            last = page.status
        except TROUBLE as e:
            last = type(e).__name__
        met[last] += 1
        if time.monotonic() > end:
            raise AssertionError(f"no page for {seconds} s: {last}")
        time.sleep(0.1)


class Page:
    def __init__(self, status, headers, body, url):
        self.status, self.headers, self.body, self.url = status, headers, body, url

    @property
    def text(self):
        return self.body.decode("utf-8")

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def forms(self):
        parser = Forms()
        parser.feed(self.text)
        return parser.forms

    def form(self, action):
        """The form whose action has this end, POST ones first."""
        found = [f for f in self.forms() if f.action.split("?")[0].endswith(action)]
        found.sort(key=lambda f: f.method != "post")
        if not found:
            raise AssertionError(f"{self.url} ({self.status}) has no form for {action}:\n{self.text[:3000]}")
        return found[0]


class Form:
    def __init__(self, action, method):
        self.action, self.method, self.fields = action, method, {}


class Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.current, self.select = [], None, None

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.current = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self.current)
        elif self.current is None:
            return
        elif tag == "input" and a.get("name"):
            if a.get("type") in ("checkbox", "radio") and "checked" not in a:
                return
            self.current.fields[a["name"]] = a.get("value") or ""
        elif tag == "select":
            self.select = a.get("name")
        elif tag == "option" and self.select and (self.select not in self.current.fields or "selected" in a):
            self.current.fields[self.select] = a.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.current = None
        elif tag == "select":
            self.select = None


class Portal:
    def __init__(self, base, ca_file, lang="ja", timeout=30):
        self.base, self.lang, self.timeout = base.rstrip("/"), lang, timeout
        self.tls = ssl.create_default_context(cafile=ca_file)
        self.cookies = {}  # by host: browsers know no ports
        self.connections = {}
        self.basic = None  # (name, password) of the administrators' pages

    def load_certificate(self, pem, key):
        self.tls.load_cert_chain(pem, key)
        self.close()

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections = {}

    def send(self, method, url, fields=None, headers=None, body=None):
        """One request, no redirect followed."""
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(self.base + "/", url))
        jar = self.cookies.setdefault(parts.hostname, {})
        h = {"Accept-Language": self.lang, "Host": parts.netloc}
        if self.basic and parts.netloc == urllib.parse.urlsplit(self.base).netloc:
            h["Authorization"] = "Basic " + base64.b64encode(":".join(self.basic).encode()).decode()
        if jar:
            h["Cookie"] = "; ".join(f"{k}={v}" for k, v in jar.items())
        if fields is not None:
            body = urllib.parse.urlencode(fields).encode()
            h["Content-Type"] = "application/x-www-form-urlencoded"
        h.update(headers or {})
        path = parts.path + ("?" + parts.query if parts.query else "")
        for attempt in (1, 2):
            connection = self.connections.get(parts.netloc)
            fresh = connection is None
            if fresh:
                address = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
                connection = http.client.HTTPSConnection(address, parts.port or 443, timeout=self.timeout, context=self.tls)
                # the name that is checked is the one asked for, not the address
                connection.sock = self.tls.wrap_socket(
                    __import__("socket").create_connection((address, parts.port or 443), self.timeout),
                    server_hostname=parts.hostname)
                self.connections[parts.netloc] = connection
            try:
                connection.request(method, path or "/", body, h)
                response = connection.getresponse()
                data = response.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                self.connections.pop(parts.netloc).close()
                if fresh or method != "GET":  # an idle connection was closed meanwhile
                    raise
        if response.will_close:
            self.connections.pop(parts.netloc).close()
        for key, value in response.getheaders():
            if key.lower() == "set-cookie":
                name, _, rest = value.partition("=")
                content = rest.split(";")[0]
                if "max-age=0" in rest.lower() or not content:
                    jar.pop(name, None)
                else:
                    jar[name] = content
        return Page(response.status, response.getheaders(), data, parts.geturl())

    def follow(self, page):
        for _ in range(10):
            if page.status not in (301, 302, 303, 307):
                return page
            page = self.send("GET", urllib.parse.urljoin(page.url, page.header("Location")))
        raise AssertionError("more than 10 redirects")

    def get(self, url):
        return self.follow(self.send("GET", url))

    def submit(self, page, form, **fields):
        values = dict(form.fields)
        values.update(fields)
        url = urllib.parse.urljoin(page.url, form.action)
        if form.method == "get":
            return self.get(url + "?" + urllib.parse.urlencode(values))
        return self.follow(self.send("POST", url, values, {"Origin": "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(page.url))}))

    def login(self, name, password):
        page = self.get("/login")
        form = next(f for f in page.forms() if "password" in f.fields)
        user = next(n for n in form.fields if n in ("name", "username", "user", "account"))
        page = self.submit(page, form, **{user: name, "password": password})
        page = self.submit(page, page.form("/saml/acs"))
        if page.status != 200 or 'action="/logout"' not in page.text:
            raise AssertionError(f"log-in of {name} failed at {page.url} ({page.status}):\n{page.text[:3000]}")
        return page

    def login_patiently(self, name, password, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                return self.login(name, password)
            except (AssertionError, StopIteration, *TROUBLE):
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def apply(self, kind="client", page=None):
        """Applies and returns the application's number."""
        page = page or self.get("/")
        page = self.submit(page, page.form(f"/{kind}/apply"))
        match = re.search(rf"/{kind}/(\d+)/applied", page.url)
        if page.status != 200 or not match:
            raise AssertionError(f"application failed at {page.url} ({page.status}):\n{page.text[:3000]}")
        return int(match.group(1))

    def pin(self, number, kind="client", seconds=30):
        """Waits until the details page shows the PIN."""
        end = time.monotonic() + seconds
        while True:
            page = self.get(f"/{kind}/{number}")
            match = re.search(r'id="pin"[^>]*>([^<]+)<', page.text)
            if match:
                return match.group(1).strip()
            if time.monotonic() > end:
                raise AssertionError(f"no PIN after {seconds} s:\n{page.text[:6000]}")
            time.sleep(0.1)

    def mails(self):
        """(id, recipient, subject) of the demo's mailbox, newest first."""
        page = self.get("/demo_mailbox/")
        rows = re.findall(r"<tr>(.*?)</tr>", page.text, re.S)
        found = []
        for row in rows:
            link = re.search(r'href="/demo_mailbox/(\d+)"[^>]*>(.*?)</a>', row, re.S)
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
            if link:
                found.append((int(link.group(1)), cells[1].strip(), link.group(2).strip()))
        return found

    def mail_url(self, recipient, number, seconds=30):
        """The download address that was mailed for this application."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for mail, to, _ in self.mails():
                if to != recipient:
                    continue
                text = re.sub(r"<[^>]+>", "", self.get(f"/demo_mailbox/{mail}").text)
                url = re.search(r"https://[^\s<>\"]+/take/[A-Za-z0-9_-]+", text)
                if url and re.search(rf"(?m)(番号|number)[^0-9\n]*{number}\s*$", text):
                    return url.group(0)
            time.sleep(0.1)
        raise AssertionError(f"no mail with an address for {recipient}, application {number}, after {seconds} s")

    def unlock(self, url, pin):
        page = self.get(url)
        return self.submit(page, next(f for f in page.forms() if "pin" in f.fields), pin=pin)

    def take(self, url, pin, **choice):
        """PIN page, 次へ, ダウンロード: the .p12."""
        page = self.unlock(url, pin)
        page = self.submit(page, page.form("/download"), **choice)
        if page.status != 200 or "pkcs12" not in (page.header("Content-Type") or ""):
            raise AssertionError(f"download failed at {page.url} ({page.status}):\n{page.text[:3000]}")
        return page.body

    def certificate(self, recipient, kind="client"):
        """All of it: apply, PIN, mail, download. Returns number, PIN and .p12."""
        number = self.apply(kind)
        pin = self.pin(number, kind)
        return number, pin, self.take(self.mail_url(recipient, number), pin)
