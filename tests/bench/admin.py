"""Times administrators' searches over HTTPS: p50 and p95 of each, in turns with the bare SQL behind it on one connection.

admin.py URL CA DATABASE PASSWORD_FILE APPLICATIONS REQUESTS; prints NAME P50 P95 FLOOR_P50 FLOOR_P95, in ms."""
import subprocess
import sys
import time

sys.path.insert(0, __import__("os").environ["BENCH_SUPPORT"])
from portal import Portal  # noqa: E402

url, ca, socket, basic, applications, requests = sys.argv[1:7]
applications, requests = int(applications), int(requests)
people = applications // 10
COOKIE = "0" * 41 + "1A"  # of user 1 in people.sql


class Sql:
    """One connection; the server itself says how long a statement took."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "--batch", "--skip-column-names", "--unbuffered", "inkan"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ms(self, statement):
        start = time.perf_counter()
        self.process.stdin.write(f"{statement}; SELECT 'end of it';\n")
        self.process.stdin.flush()
        while self.process.stdout.readline().strip() != "end of it":
            pass
        return (time.perf_counter() - start) * 1000


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


USER = "SELECT id, eppn, name, mail, seen_at FROM user"
APP = "SELECT id, subject, state, created_at, not_after, user_id FROM application"
NOW = int(time.time() * 1000)
DAY = 86400000
day = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 - 400 * 86400))
day_ms = NOW - 400 * DAY


def cases(i):
    """A new thing to look for each time, so that nothing is answered from memory of the last one."""
    one = 1 + (i * 7919) % people
    app = 1 + (i * 104729) % applications
    return [
        ("users, first page", "/admin_users", f"{USER} ORDER BY id DESC LIMIT 21"),
        ("users, one name", f"/admin_users?q=%E4%BD%90%E8%97%A4+{one}", f"{USER} WHERE search LIKE '%佐藤%' AND search LIKE '%{one}%' ORDER BY id DESC LIMIT 21"),
        ("users, nobody", f"/admin_users?q=nobody{i}", f"{USER} WHERE search LIKE '%nobody{i}%' ORDER BY id DESC LIMIT 21"),
        ("users, everybody", "/admin_users?q=bench", f"{USER} WHERE search LIKE '%bench%' ORDER BY id DESC LIMIT 21"),
        ("users, in the mail", f"/admin_users?q=m{one:07d}&in=mail", f"{USER} WHERE mail LIKE '%m{one:07d}%' ORDER BY id DESC LIMIT 21"),
        ("user page", f"/admin_users/user/{1000000 + one}", f"{APP} WHERE user_id = {1000000 + one} ORDER BY number DESC LIMIT 21"),
        ("certificates, first page", "/admin_users/certificates", f"{APP} ORDER BY id DESC LIMIT 21"),
        ("certificates, serial", f"/admin_users/certificates?serial=SERIAL{app}", f"{APP} WHERE serial = SHA1({app})"),
        ("certificates, upstream id", f"/admin_users/certificates?upstream_id={100000000 + app}", f"{APP} WHERE upstream_id = '{100000000 + app}'"),
        ("certificates, CN", f"/admin_users/certificates?cn=bench{one:06d}", f"{APP} WHERE cn LIKE 'bench{one:06d}%' ORDER BY cn, id LIMIT 21"),
        ("certificates, beginning of all CNs", "/admin_users/certificates?cn=b", f"{APP} WHERE cn LIKE 'b%' ORDER BY cn, id LIMIT 21"),
        ("certificates, error", "/admin_users/certificates?status=error", f"{APP} WHERE state = 'ERROR' ORDER BY id DESC LIMIT 21"),
        ("certificates, PIN", "/admin_users/certificates?status=missed", f"{APP} WHERE state = 'PIN' AND live_until <= {NOW} ORDER BY id DESC LIMIT 21"),
        ("certificates, renewed", "/admin_users/certificates?status=renew-valid", f"{APP} WHERE state = 'TAKEN' AND renews > 0 AND live_until > {NOW} ORDER BY id DESC LIMIT 21"),
        ("certificates, valid", "/admin_users/certificates?certificate=valid", f"{APP} WHERE state = 'TAKEN' AND live_until > {NOW} ORDER BY id DESC LIMIT 21"),
        ("certificates, expired", "/admin_users/certificates?certificate=expired", f"{APP} WHERE live_until BETWEEN 1 AND {NOW} ORDER BY live_until DESC, id DESC LIMIT 21"),
        ("certificates, dates", f"/admin_users/certificates?applied_from={day}&applied_until={day}", f"{APP} WHERE created_at BETWEEN {day_ms} AND {day_ms + DAY} ORDER BY created_at DESC LIMIT 21"),
        ("certificates, error and dates", f"/admin_users/certificates?status=error&applied_until={day}&expires_from=2000-01-01", f"{APP} WHERE state = 'ERROR' AND not_after > 0 LIMIT 21"),
        ("certificates, seldom meets", f"/admin_users/certificates?certificate=revoked&applied_from={day}&expires_until={day}", f"{APP} WHERE state = 'REVOKED' AND created_at > {day_ms} ORDER BY created_at DESC LIMIT 21"),
        ("certificate page", f"/admin_users/certificates/{app}", f"{APP} WHERE id = {app}"),
        ("statistics of a year", "/admin_statistics", f"SELECT type, COUNT(*) FROM application WHERE created_at > {NOW - 365 * DAY} GROUP BY type"),
        ("audit trail", "/admin_audit", "SELECT id, at, actor, action, object, detail FROM audit ORDER BY id DESC LIMIT 21"),
        ("health", "/admin_health", "SELECT state, kind, COUNT(*) FROM job GROUP BY state, kind"),
    ]


def leavers(portal):
    """The preview of as many people as one run may have."""
    eppns = subprocess.run(["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-N", "inkan", "-e",
                            "SELECT eppn FROM user WHERE id > 1000000 ORDER BY id LIMIT 5000"], check=True, capture_output=True, text=True).stdout
    page = portal.get("/admin_leavers")
    page = portal.submit(page, page.form("/list"), list=eppns)
    run = page.url.split("?")[0].rsplit("/", 1)[1]
    return (f"leavers, {len(eppns.split())} people", f"/admin_leavers/{run}",
            f"SELECT COUNT(*) FROM leavers_person AS l JOIN application AS p ON p.user_id = l.user_id WHERE l.run_id = {run} AND p.live_until > {NOW}")


def main():
    import hashlib

    portal = Portal(url, ca, lang="ja")
    portal.cookies["localhost"] = {"__Host-session": COOKIE}
    authorization = {"Authorization": "Basic " + __import__("base64").b64encode(basic.encode()).decode()}
    first = portal.send("GET", "/admin_users", headers=authorization)
    if first.status != 200:
        raise SystemExit(f"the administrators' page answered {first.status}")
    sql = Sql()
    run = leavers(portal)
    times = {}
    for i in range(requests + 2):
        for name, path, statement in cases(i) + [run]:
            if "SERIAL" in path:
                number = path.split("SERIAL")[1]
                path = path.replace("SERIAL" + number, hashlib.sha1(number.encode()).hexdigest())
            start = time.perf_counter()
            page = portal.send("GET", path)
            ms = (time.perf_counter() - start) * 1000
            if page.status != 200:
                raise SystemExit(f"{path} answered {page.status}")
            floor = sql.ms(statement)
            if i >= 2:  # the first ones prepare the statements
                times.setdefault(name, []).append((ms, floor))
    for name, both in times.items():
        ours, floor = [a for a, _ in both], [b for _, b in both]
        print("\t".join([name] + [f"{percentile(v, s):.2f}" for v in (ours, floor) for s in (0.5, 0.95)]))


main()
