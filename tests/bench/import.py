"""Imports N certificates from a file through the pages, then loads the same applications with LOAD DATA: prints both times and the parts."""
import os
import subprocess
import sys
import time

import portal

rows = int(sys.argv[1])
client = ["mariadb", "--no-defaults", "--socket=" + os.environ["STACK_DB"], "--user=root", "--batch", "--skip-column-names", "--local-infile=1", "inkan"]


def sql(text):
    return subprocess.run(client + ["-e", text], check=True, capture_output=True, text=True).stdout.strip()


def line(i):
    cells = ["x"] * 46
    cells[0], cells[3], cells[5] = f"A{i}", f"CN=person{i}.1,OU=Information Center,O=Example University,L=Kyoto,C=JP", "2025/04/01 09:30:00"
    cells[10], cells[11] = "5", "4" if i % 20 == 0 else "7" if i % 10 == 0 else "6" if i % 3 == 0 else "5"
    # every second one has an owner here, the others wait
    cells[14] = f"bench{i // 2 % 50000 + 1:06d}@example.ac.jp" if i % 2 else f"later{i}@example.ac.jp"
    cells[23], cells[25], cells[26], cells[27] = str(10**12 + i), "2025/04/02 00:00:00", "2029/07/02 23:59:59", "2029/05/01 00:00:00"
    cells[28], cells[34] = "PIN12345", "2025/05/01 00:00:00" if i % 10 == 0 else ""
    cells[42] = ""
    return "\t".join(cells)


def wait(run, *phases):
    while True:
        phase = sql(f"SELECT phase FROM import_run WHERE id = {run}")
        if phase in phases:
            return
        if phase in ("FAILED", "DISCARDED"):
            raise SystemExit(f"the import ended as {phase}")
        time.sleep(0.1)  # each look is a process of its own


browser = portal.Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], timeout=120)
browser.login("admin", os.environ["PASSWORD"])
browser.basic = ("kanri", os.environ["BASIC"])
sql("UPDATE user SET idp = (SELECT idp FROM (SELECT idp FROM user WHERE eppn = 'admin@example.ac.jp') AS x) WHERE eppn LIKE 'bench%'")
page = browser.get("/admin_import")
csrf = page.form("/admin_import/upload").fields["csrf"]
data = "\r\n".join(line(i) for i in range(rows)).encode("cp932")
boundary = "----bench"
body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--{boundary}\r\n"
        f"Content-Disposition: form-data; name=\"file\"; filename=\"all.tsv\"\r\n\r\n").encode() + data + f"\r\n--{boundary}--\r\n".encode()
begun = time.monotonic()
page = browser.send("POST", "/admin_import/upload", body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
if page.status != 303:
    raise SystemExit(f"upload: {page.status}\n{page.text[:2000]}")
run = int(page.header("Location").rsplit("/", 1)[1])
received = time.monotonic()
wait(run, "READY")
ready = time.monotonic()
browser.close()  # an idle connection may be gone
browser.send("POST", f"/admin_import/{run}/register",
             {"csrf": csrf, "waiting_new": "1", "issued_new": "1", "renewed_new": "1", "revoked_new": "1"})
decided = time.monotonic()
wait(run, "DONE")
done = time.monotonic()
made = int(sql(f"SELECT made FROM import_run WHERE id = {run}"))
if made != rows:
    raise SystemExit(f"{made} of {rows} were made")

# The floor: the same rows, with the same indexes, by the fastest way the database has.
columns = sql("SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns"
              " WHERE table_schema = 'inkan' AND table_name = 'application' AND generation_expression IS NULL")
binary = ("subject_digest", "form_key", "live_key", "live_digest", "pin", "url", "import_key")
shown = ",".join(f"HEX({c})" if c in binary else c for c in columns.split(","))
path = os.path.join(os.environ["STACK_DIR"], "tmp", "rows.tsv")
with open(path, "w") as out:
    subprocess.run(client + ["--quick", "-e", f"SELECT {shown} FROM application WHERE import_key IS NOT NULL"], check=True, stdout=out)
names = ",".join("@" + c if c in binary else c for c in columns.split(","))
sets = ",".join(f"{c} = UNHEX(NULLIF(@{c}, 'NULL'))" for c in binary)
sql("CREATE TABLE bench_application LIKE application")
sql("SET GLOBAL local_infile = 1")
with open(path) as source:
    text = source.read().replace("\tNULL", "\t\\N")
with open(path, "w") as out:
    out.write(text)
floor = time.monotonic()
sql(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE bench_application ({names}) SET {sets}")
floor = time.monotonic() - floor
loaded = int(sql("SELECT COUNT(*) FROM bench_application"))
if loaded != rows:
    raise SystemExit(f"{loaded} of {rows} were loaded")
total = (ready - begun) + (done - decided)
print(f"{total:.2f} {floor:.2f} received {received - begun:.2f} s, classified {ready - received:.2f} s,"
      f" registered {done - decided:.2f} s")
