"""Users of a portal whose servers have a node each of one Galera cluster: what they read, what they are told in trouble, what is left."""
import base64
import collections
import concurrent.futures
import email
import email.policy
import hashlib
import os
import random
import re
import subprocess
import sys
import threading
import time

from portal import Portal, check, patiently

BASE, CA, DIR, CLUSTER = (os.environ[name] for name in ("STACK_URL", "STACK_CA", "STACK_DIR", "GALERA_DIR"))
seed = int(os.environ.get("INKAN_SEED") or random.SystemRandom().randrange(1 << 32))
dice = random.Random(seed)


class Visitor(Portal):
    """Chooses the server of each request: nginx has a door for each; door 0 is both, as in an installation."""

    def __init__(self, door=0):
        super().__init__(BASE, CA, timeout=60)
        self.door = door

    def send(self, method, url, fields=None, headers=None, body=None):
        door = self.door() if callable(self.door) else self.door
        return super().send(method, url, fields, {**(headers or {}), "X-Door": str(door)}, body)

    def at(self, door, method, url, fields=None):
        before, self.door = self.door, door
        try:
            return self.send(method, url, fields)
        finally:
            self.door = before


def in_turn():
    state = [0]

    def door():
        state[0] = 3 - state[0] if state[0] else 1
        return state[0]
    return door


def client(node):
    return ["mariadb", "--no-defaults", f"--socket={CLUSTER}/{node}.sock", "--user=root", "-BN", "--unbuffered", "inkan"]


def sql(text, node=1):
    run = subprocess.run(client(node) + ["-e", text], capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(f"node {node}: {text}: {run.stderr}")
    return [line.split("\t") for line in run.stdout.splitlines()]


def number_of(text, node=1):
    return int(sql(text, node)[0][0])


def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Behind:
    """A node that takes part in the cluster and answers, but applies nothing of what the others commit."""

    def __init__(self, node):
        self.node = node

    def __enter__(self):
        self.process = subprocess.Popen(client(self.node), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say("FLUSH TABLES WITH READ LOCK; SELECT 'behind';")
        check("the node", self.process.stdout.readline().strip(), "behind")
        return self

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def __exit__(self, *unused):
        self.process.stdin.close()  # with its connection the lock is gone
        self.process.wait()


# ------------------------------------------------------------------------------------------------------------ his own writes

def told(page):
    """The application that a POST was answered with."""
    match = re.search(r"/client/(\d+)/applied", page.header("Location") or "")
    check(f"the answer to an application ({page.status})", bool(match), True)
    return int(match.group(1))


def apply_at(user, door, form):
    return user.at(door, "POST", form.action, form.fields)


def new_form(user):
    page = user.get("/")
    check("the dashboard", page.status, 200)
    return page.form("/client/apply")


def fresh(password):
    user = Visitor(in_turn())
    user.login("taro", password)

    # The control first: server 3 is on node 2 too, but does not wait. It must show the past, or the rest proves nothing.
    form = new_form(user)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with Behind(2):
            number = told(apply_at(user, 1, form))
            stale = user.at(3, "GET", f"/client/{number}")
            check("without the wait: the page of an application made on the other node", stale.status, 404)
            other = Visitor(2)
            other.cookies = user.cookies
            page = pool.submit(other.send, "GET", f"/client/{number}")
            time.sleep(1)
            check("with it the page is there at once", page.done(), False)
        check("with it: the page when the node has caught up", page.result(30).status, 200)
    print("ok without database_sync_wait 404, with it the page")

    # A node that stays behind: 503 in time, not a page of the past and not a server that hangs.
    with Behind(2):
        told(apply_at(user, 1, new_form_at(user, 1)))
        began = time.monotonic()
        page = user.at(2, "GET", "/")
        took = time.monotonic() - began
    busy(page)
    check("it took seconds", took < 25, True)
    print(f"ok a node that stays behind: 503 after {took:.1f} s")
    until("server 2 is back", 10, lambda: user.at(2, "GET", "/").status == 200)

    # No help from a lock: posts and pages as quick as they come, each on the other server.
    for i in range(20):
        number = told(user.send("POST", form.action, new_form(user).fields))
        page = user.send("GET", f"/client/{number}/applied")
        check(f"the page after application {number}", page.status, 200)
        check("the list", f"/client/{number}" in user.send("GET", "/").text, True)
    # Also what is gone is gone: a session ended on one node is no session on the other.
    before = {host: dict(jar) for host, jar in user.cookies.items()}
    page = user.get("/")
    user.submit(page, page.form("/logout"))
    user.cookies = before
    check("the page after the log-out", 'action="/logout"' in user.get("/").text, False)
    print("ok 20 applications read on the other server at once, and the log-out")

    cost = {}
    user.login("taro", password)
    for turn in range(80):
        for door in (2, 3):
            began = time.monotonic()
            check("the dashboard", user.at(door, "GET", "/").status, 200)
            cost.setdefault(door, []).append(time.monotonic() - began)
    print("a dashboard, ms:", ", ".join(f"{name} {sorted(cost[door])[len(cost[door]) // 2] * 1000:.2f}" for door, name in ((2, "waiting"), (3, "not"))))


# ----------------------------------------------------------------------------------------------------------------- in trouble

def new_form_at(user, door):
    page = user.at(door, "GET", "/")
    check("the dashboard", page.status, 200)
    return page.form("/client/apply")


def busy(page):
    check("status", page.status, 503)
    check("Retry-After", (page.header("Retry-After") or "").isdigit(), True)
    check("a page for people", bool(re.search("[ぁ-ん]", page.text)), True)


def trouble(password):
    """Node 2 has lost the others: galera.sh has cut it off, and mends it when the file is there."""
    user = Visitor(1)
    user.login("taro", password)
    forms = [new_form_at(user, 1) for _ in range(2)]
    count = number_of("SELECT COUNT(*) FROM application")
    open(f"{DIR}/../part", "w").close()
    until("node 2 has no quorum", 20,
          lambda: b"ERROR 1047" in subprocess.run(client(2) + ["-e", "SELECT COUNT(*) FROM user"], capture_output=True).stderr)
    began = time.monotonic()
    busy(user.at(2, "GET", "/"))
    busy(apply_at(user, 2, forms[0]))
    took = (time.monotonic() - began) / 2
    check("at once: nginx asks the other server then", took < 1.5, True)
    print(f"ok a node without quorum: 503 with Retry-After, after {took:.2f} s")
    check("applications after the 503", number_of("SELECT COUNT(*) FROM application"), count)
    check("the others go on", told(apply_at(user, 1, forms[1])) > 0, True)
    # nginx asks the other server for a page; a POST that was sent is the user's to repeat
    check("pages of both", {user.at(0, "GET", "/").status for _ in range(6)}, {200})
    print("ok the site goes on meanwhile")
    began = time.monotonic()
    open(f"{DIR}/../join", "w").close()
    until("server 2 is back", 60, lambda: user.at(2, "GET", "/").status == 200)
    first = told(apply_at(user, 2, forms[0]))
    check("the same form once more", told(apply_at(user, 1, forms[0])), first)
    check("applications after both forms", number_of("SELECT COUNT(*) FROM application"), count + 2)
    print(f"ok back in step after {time.monotonic() - began:.1f} s, the refused form applies once")


def conflicts():
    return sum(int(sql(f"SHOW STATUS LIKE '{name}'", node)[0][1]) for node in (1, 2) for name in ("wsrep_local_cert_failures", "wsrep_local_bf_aborts"))


def at_once(password):
    """The same form on both nodes at one time, and two forms of one user: only one can be first, at COMMIT."""
    user = Visitor(in_turn())
    user.login("taro", password)
    visitors = []
    for door in (1, 2):
        visitor = Visitor(door)
        visitor.cookies = {host: dict(jar) for host, jar in user.cookies.items()}
        visitors.append(visitor)
    before, count = conflicts(), number_of("SELECT COUNT(*) FROM application")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for i in range(15):
            form, other = new_form(user), new_form(user)
            pages = [pool.submit(v.send, "POST", form.action, form.fields) for v in visitors]
            check("one form, two nodes: numbers", len({told(page.result()) for page in pages}), 1)
            pages = [pool.submit(v.send, "POST", f.action, f.fields) for v, f in zip(visitors, (new_form(user), other))]
            check("two forms, two nodes: numbers", len({told(page.result()) for page in pages}), 2)
    check("applications made", number_of("SELECT COUNT(*) FROM application") - count, 45)
    check("conflicts between the nodes", conflicts() > before, True)
    print(f"ok 45 applications of 60 posts on two nodes at once, {conflicts() - before} conflicts that nobody saw")


# --------------------------------------------------------------------------------------------------------- whole lives, and deaths

seen = collections.Counter()  # what the users met
enough = threading.Event()


class User(threading.Thread):
    """Applies, takes, renews, revokes; each request at the server that chance chooses."""

    def __init__(self, name, password):
        super().__init__(name=name)
        self.password, self.failure = password, None
        self.dice = random.Random(dice.random())
        self.pins, self.taken, self.revoked = {}, {}, set()  # by number
        self.portal = Visitor(lambda: self.dice.choice((0, 1, 2)))

    def run(self):
        try:
            self.portal.login_patiently(self.name, self.password)
            while not enough.is_set():
                self.live()
        except BaseException as e:  # told by the main thread
            self.failure = e
            enough.set()

    def page(self, url):
        page = patiently(lambda: self.portal.get(url), seen, (500,))
        if page.status != 200:
            raise AssertionError(f"{self.name}: {url} is {page.status}:\n{page.text[:2000]}")
        return page

    def submit(self, page, action, **fields):
        form = page.form(action)
        return patiently(lambda: self.portal.submit(page, form, **fields), seen, (500,))

    def applied(self, page):
        """The number that the answer tells, and its PIN when that is there soon."""
        match = re.search(r"/client/(\d+)/applied", page.url)
        if not match or page.status != 200:
            raise AssertionError(f"{self.name} was answered {page.status} at {page.url}:\n{page.text[:3000]}")
        number = int(match.group(1))
        if number in self.pins:
            raise AssertionError(f"{self.name} was told of application {number} twice")
        self.pins[number] = None
        self.wait(number, lambda text: self.pin(number, text))
        return number

    def pin(self, number, text):
        match = re.search(r'id="pin"[^>]*>([^<]+)<', text)
        if match and self.pins[number] is None:
            self.pins[number] = match.group(1).strip()
        if match:
            check(f"{self.name}'s PIN of {number}", match.group(1).strip(), self.pins[number])
        return bool(match)

    def wait(self, number, condition, seconds=8):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not enough.is_set():
            if condition(self.page(f"/client/{number}").text):
                return True
            time.sleep(0.15)
        return False

    def live(self):
        number = self.applied(self.submit(self.page("/"), "/client/apply"))
        if not self.pins[number] or not self.take(number):
            return
        if not self.wait(number, lambda text: f"/client/{number}/revoke" in text and "disabled" not in text):
            return
        if self.dice.random() < 0.3:
            self.applied(self.submit(self.page(f"/client/{number}/renew"), f"/client/{number}/renew"))
        if self.dice.random() < 0.6:
            page = self.submit(self.page(f"/client/{number}/revoke"), f"/client/{number}/revoke", reason="1", understood="1")
            check(f"{self.name}'s revocation of {number}: {page.url}", page.status, 200)
            self.revoked.add(number)

    def take(self, number):
        """By the address in the mail, which may still be on its way."""
        address = None
        end = time.monotonic() + 8
        while not address and time.monotonic() < end and not enough.is_set():
            try:
                for raw, in sql(f"SELECT TO_BASE64(raw) FROM demo_mail WHERE recipient = '{self.name}@example.ac.jp' ORDER BY id DESC LIMIT 4", 3):
                    address = address or address_in(raw, number)
            except AssertionError:
                pass
            time.sleep(0.1)
        if not address:
            return False
        page = self.page(address)
        page = patiently(lambda: self.portal.submit(page, next(f for f in page.forms() if "pin" in f.fields), pin=self.pins[number]), seen, (500,))
        form = page.form("/download")
        page = patiently(lambda: self.portal.submit(page, form), seen, (500,))
        check(f"{self.name}'s download of {number} ({page.status}):\n{page.text[:2000] if page.body[:1] != b'0' else ''}", page.body[:1], b"0")
        self.taken[number] = hashlib.sha256(page.body).hexdigest()
        return True


def address_in(raw, number):
    mail = email.message_from_bytes(base64.b64decode(raw.replace("\\n", "")), policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content()
    address = re.search(r"https://[^\s<>\"]+/take/[A-Za-z0-9_-]+", text)
    return address.group(0) if address and re.search(rf"(?m)(番号|number)[^0-9\n]*{number}\s*$", text) else None


def crl(door):
    """Number and serials of the revocation list."""
    page = patiently(lambda: Visitor(door).send("GET", "/upstream_local/ca.crl"), seen, (500,))
    text = subprocess.run(["openssl", "crl", "-inform", "DER", "-noout", "-text"], input=page.body, capture_output=True, check=True).stdout.decode()
    number = re.search(r"CRL Number:\s*\n\s*(\d+)", text).group(1)
    return int(number), {serial.lower() for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)}


def watch_lists(numbers):
    """One after the other, from one server and the other: the number never goes back."""
    while not enough.wait(0.4):
        for door in (1, 2):
            numbers.append((crl(door)[0], door))


def users(passwords):
    print(f"seed: {seed} (INKAN_SEED={seed} repeats its choices)", flush=True)
    everybody = [User(*pair) for pair in passwords]
    numbers = []
    watcher = concurrent.futures.ThreadPoolExecutor(1).submit(watch_lists, numbers)
    for user in everybody:
        user.start()
    while not os.path.exists(f"{DIR}/../enough") and not enough.is_set():
        time.sleep(0.1)
    enough.set()
    for user in everybody:
        user.join()
        if user.failure:
            raise user.failure
    watcher.result()
    counts = {"applications": sum(len(u.pins) for u in everybody), "PINs": sum(1 for u in everybody for pin in u.pins.values() if pin),
              "taken": sum(len(u.taken) for u in everybody), "revoked": sum(len(u.revoked) for u in everybody), "lists": len(numbers)}
    print(f"{counts}, met on the way: {dict(seen)}", flush=True)
    if counts["applications"] < 20 or counts["taken"] < 8 or counts["revoked"] < 2 or not seen:
        raise AssertionError("too little happened: this run proves nothing")
    settle()
    in_the_end(everybody)
    lists([n for n, _ in numbers], everybody)
    same_everywhere()


def settle():
    """What the dead had claimed is free when their leases are over: time passes."""
    end, shift, began = time.monotonic() + 90, 0, time.monotonic()
    while True:
        open(f"{DIR}/../shift", "w").write(str(shift * 60000))
        for _ in range(20):
            waiting = sql("SELECT (SELECT COUNT(*) FROM application WHERE state IN ('ACCEPTED', 'SENT', 'REVOKING')),"
                          " (SELECT COUNT(*) FROM job WHERE subject <> 0 AND state = 'waiting' AND (kind = 'core.mail' OR owner <> '')),"
                          " (SELECT COUNT(*) FROM local_certificate WHERE reported_at = 0), (SELECT COUNT(*) FROM audit_tail)")[0]
            if waiting == ["0"] * 4:
                print(f"settled after {shift} minutes of the servers' clock, {time.monotonic() - began:.0f} s of ours", flush=True)
                check("what the dead had claimed waited for leases and pauses alone", shift <= 60, True)
                return
            time.sleep(0.1)
        if time.monotonic() > end:
            raise AssertionError(f"{waiting} applications, jobs, certificates, audit rows still wait: "
                                 f"{sql('SELECT kind, state, attempts, COUNT(*), why FROM job WHERE subject <> 0 GROUP BY 1, 2, 3, 5')}")
        shift += 6


def in_the_end(everybody):
    for user in everybody:
        rows = sql("SELECT a.number, a.state, (SELECT COUNT(*) FROM event e WHERE e.application_id = a.id AND e.kind = 'PIN'),"
                   " (SELECT COUNT(*) FROM local_order o WHERE o.application = a.id), (SELECT COUNT(*) FROM local_certificate c WHERE c.application = a.id),"
                   " (SELECT COUNT(*) FROM event e WHERE e.application_id = a.id AND e.kind = 'APPLIED'), COALESCE(a.error_code, '')"
                   f" FROM application a JOIN user u ON u.id = a.user_id WHERE u.eppn = '{user.name}@example.ac.jp' ORDER BY a.number")
        # exactly those that were told: none is lost, none was made twice
        check(f"{user.name}'s applications", [int(row[0]) for row in rows], sorted(user.pins))
        check(f"{user.name}'s numbers without a gap", sorted(user.pins), list(range(1, len(rows) + 1)))
        for number, state, pins, orders, certificates, applied, error in rows:
            what, number = f"{user.name}'s application {number}, {state}", int(number)
            check(f"{what}: how often it was made", applied, "1")
            if state == "ERROR":
                check(f"{what}: a reason", bool(error), True)
                check(f"{what}: nothing that its user was given", (user.pins[number], number in user.taken), (None, False))
                continue
            check(f"{what}: PINs, orders", (pins, orders), ("1", "1"))
            wanted = {"REVOKED"} if number in user.revoked else {"TAKEN"} if number in user.taken else {"PIN", "TAKEN"}
            check(f"{what}: it ended as its user was told", state in wanted, True)
            check(f"{what}: certificates", certificates, "0" if state == "PIN" else "1")
        # as he sees it: the PIN is the one that he was shown before
        user.portal = Visitor(in_turn())  # the servers' clock may have ended the session
        user.portal.login_patiently(user.name, user.password)
        for number, pin in user.pins.items():
            text = user.page(f"/client/{number}").text
            check(f"{user.name}'s application {number}: a PIN before the download", user.pin(number, text) or number in user.taken or number in user.revoked, True)
    for what, query in {
        "serials used twice": "SELECT COUNT(*) - COUNT(DISTINCT serial) FROM application WHERE serial IS NOT NULL",
        "applications whose serial is another's": "SELECT COUNT(*) FROM local_certificate c LEFT JOIN application a ON a.id = c.application"
                                                  " WHERE a.serial IS NULL OR a.serial <> c.serial",
        "applications without their audit row": "SELECT (SELECT COUNT(*) FROM event WHERE kind = 'APPLIED') - (SELECT COUNT(*) FROM audit WHERE action = 'application.applied')",
        "CAs beside the first": "SELECT COUNT(*) - 1 FROM local_ca",
        "failed jobs": "SELECT COUNT(*) FROM job WHERE state = 'failed'",
        "tables without a primary key, which Galera cannot keep equal":
            "SELECT COUNT(*) FROM information_schema.tables t WHERE table_schema = 'inkan' AND table_type = 'BASE TABLE' AND (engine <> 'InnoDB' OR NOT EXISTS"
            " (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = 'inkan' AND s.table_name = t.table_name AND s.index_name = 'PRIMARY'))",
    }.items():
        check(what, number_of(query), 0)
    mails()
    print("ok every application that a user was told of is there once and ended as he was told", flush=True)


def mails():
    """A mail may come twice when a server dies after sending it, and says so: the copies have one Message-ID, which mail programs fold."""
    ids = collections.Counter()
    texts = {}
    for number, recipient, subject, raw in sql("SELECT id, recipient, subject, TO_BASE64(raw) FROM demo_mail"):
        found = re.search(rb"(?im)^message-id:\s*(\S+)", base64.b64decode(raw.replace("\\n", "")))
        ids[found.group(1)] += 1
        check("mails of one Message-ID", texts.setdefault(found.group(1), (recipient, subject)), (recipient, subject))
    copies = sum(n - 1 for n in ids.values())
    # server 1 died once, and each of its jobs and of those whose node died can be a copy at most
    check(f"copies of mails ({copies} of {len(ids)}) are the exception", copies <= 12, True)
    # mails that are not the same are not about the same: one about an issue per application
    told_of = number_of("SELECT COUNT(*) FROM application WHERE state <> 'ERROR'")
    check(f"{len(ids)} mails for {told_of} applications", len(ids) >= told_of, True)
    print(f"{len(ids)} mails, {copies} copies")


def lists(numbers, everybody):
    check("numbers of the revocation lists, in the order seen", numbers, sorted(numbers))
    first, second = crl(1), crl(2)
    check("the revocation list on both servers", first, second)
    revoked = {row[0] for row in sql("SELECT serial FROM application WHERE state = 'REVOKED'")}
    check("revoked certificates", len(revoked), sum(len(u.revoked) for u in everybody))
    check("serials on the list", {s.lstrip("0") for s in first[1]}, {s.lstrip("0") for s in revoked})
    print(f"ok revocation list {first[0]} with {len(revoked)} entries, seen {len(numbers)} times, never older")


def digests(table, node):
    """Of each row, in an order of their own. (CHECKSUM TABLE differs between nodes whose rows are the same: application has a virtual column.)"""
    columns = [row[0] for row in sql(f"SELECT column_name FROM information_schema.columns WHERE table_schema = 'inkan' AND table_name = '{table}' ORDER BY ordinal_position")]
    row = ", ".join(f"COALESCE(MD5(`{c}`), '-')" for c in columns)
    return sorted(sql(f"SET SESSION wsrep_sync_wait = 15; SELECT MD5(CONCAT_WS(',', {row})) FROM `{table}`", node))


def differences(table, node):
    """Which rows, and which columns of those that are on both; no values."""
    columns = [row[0] for row in sql(f"SELECT column_name FROM information_schema.columns WHERE table_schema = 'inkan' AND table_name = '{table}' ORDER BY ordinal_position")]
    key = [row[0] for row in sql(f"SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = 'inkan' AND table_name = '{table}'"
                                 " AND constraint_name = 'PRIMARY' ORDER BY ordinal_position")]
    question = "SELECT " + ", ".join(f"COALESCE(MD5(`{c}`), '-')" for c in columns) + f" FROM `{table}`"
    where = [columns.index(c) for c in key]
    there, here = ({tuple(row[i] for i in where): row for row in sql("SET SESSION wsrep_sync_wait = 15; " + question, n)} for n in (node, 1))
    odd = {c for k in there.keys() & here.keys() for c, left, right in zip(columns, there[k], here[k]) if left != right}
    return f"{table}: {len(there.keys() - here.keys())} rows more, {len(here.keys() - there.keys())} fewer, columns that differ: {sorted(odd)}"


def same_everywhere():
    """Row by row, all nodes, also those that were killed. The servers go on meanwhile: a row may come between two questions, but a table
    that differs for good is never equal."""
    tables = [row[0] for row in sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'inkan'") if row[0] not in ("job", "session")]
    for node in (2, 3):
        left, end = set(tables), time.monotonic() + 20
        while left:
            left = {table for table in left if digests(table, node) != digests(table, 1)}
            if left and time.monotonic() > end:
                raise AssertionError(f"tables of node {node} that are not those of node 1: {sorted(left)}; " + "; ".join(differences(table, node) for table in left))
    print(f"ok {len(tables)} tables equal on three nodes")


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "users":
        users([pair.split(":") for pair in arguments])
    else:
        {"fresh": fresh, "trouble": trouble, "at_once": at_once}[what](*arguments)
