"""Uploads 20,000 rows, kills a server in the middle of the work, and looks at what came of it; then what is too large, and what is not allowed."""
import os
import signal
import subprocess
import time

import portal

directory, rows = os.environ["STACK_DIR"], 20000
client = ["mariadb", "--no-defaults", f"--socket={directory}/run/db.sock", "--user=root", "-N", "inkan", "-e"]


def sql(text):
    return subprocess.run(client + [text], check=True, capture_output=True, text=True).stdout.strip()


def line(i):
    cells = [""] * 29
    cells[0], cells[3], cells[5], cells[10], cells[11] = f"A{i}", f"CN=e{i % 15000},OU=Center,O=Example University,C=JP", "2025/04/01 09:30", "5", "5"
    cells[14], cells[23], cells[25], cells[26] = "taro@example.ac.jp" if i < 3 else f"m{i % 500}@example.ac.jp" if i % 3 else "", str(9000000 + i), "2025/04/02", "2029/04/02"
    cells[28] = "TOPSECRETPIN"
    return "\t".join(cells)


def wait(condition, what, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen: {sql('SELECT * FROM import_run')}"
        time.sleep(0.02)


def kill_one():
    """The server that holds the job: its pid stands in the owner's name."""
    owner = ""
    end = time.monotonic() + 30
    while not owner and time.monotonic() < end:
        owner = sql("SELECT owner FROM job WHERE kind = 'admin_import.part' AND lease_until > 0 LIMIT 1")
    assert owner, "no server is at work"
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)


def upload(browser, data, csrf, chunk=None):
    boundary = "----inkantest"
    body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--{boundary}\r\n"
            "Content-Disposition: form-data; name=\"file\"; filename=\"all.tsv\"\r\n\r\n").encode() + data + f"\r\n--{boundary}--\r\n".encode()
    browser.close()
    return browser.send("POST", "/admin_import/upload", body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})


browser = portal.Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang="en", timeout=60)
browser.login("admin", os.environ["STACK_ADMIN"])
browser.basic = ("kanri", os.environ["STACK_BASIC"])
csrf = browser.get("/admin_import").form("/admin_import/upload").fields["csrf"]
taro = portal.Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang="en", timeout=60)
taro.login("taro", os.environ["STACK_TARO"])

# Too large: told in words, by nginx or by the server, and nothing is begun.
page = upload(browser, b"x" * (9 << 20), csrf)
assert page.status == 413, page.status
assert sql("SELECT COUNT(*) FROM import_run") == "0"
# Nobody else may.
assert upload(taro, b"x", "x").status == 404
assert sql("SELECT COUNT(*) FROM import_run") == "0"

page = upload(browser, "\r\n".join(line(i) for i in range(rows)).encode(), csrf)
assert page.status == 303, (page.status, page.text[:2000])
run = int(page.header("Location").rsplit("/", 1)[1])
kill_one()
wait(lambda: sql(f"SELECT phase FROM import_run WHERE id = {run}") == "READY", "the classification")
assert sql(f"SELECT COUNT(*) FROM import_row WHERE run_id = {run} AND plan = 'new'") == str(rows)
page = browser.get(f"/admin_import/{run}")
page = browser.submit(page, page.form("/confirm"), issued_new="1")
page = browser.submit(page, page.form("/register"))
wait(lambda: int(sql("SELECT COUNT(*) FROM application")) > 0, "the registration")
if sql(f"SELECT phase FROM import_run WHERE id = {run}") == "REGISTERING":
    kill_one()
wait(lambda: sql(f"SELECT phase FROM import_run WHERE id = {run}") == "DONE", "the end")
assert sql("SELECT COUNT(*), COUNT(DISTINCT serial), COUNT(DISTINCT import_key) FROM application") == f"{rows}\t{rows}\t{rows}"
assert sql("SELECT COUNT(*) FROM event WHERE kind = 'APPLIED'") == str(rows)
assert f"{rows} certificates were imported." in browser.get(f"/admin_import/{run}").text

# taro's are his, at once; the list of errors is a file.
assert taro.get("/client/3").status == 200
assert taro.get("/client/4").status == 404
page = browser.get(f"/admin_import/{run}/errors")
assert page.body.startswith(b"\xef\xbb\xbf\"Row\",") and "attachment" in page.header("Content-Disposition")
print("imported, with a server killed on the way")

# The example that the page offers has something of every class, one row in error, and one in progress.
example = browser.get("/static/admin_import/example.tsv").body
page = upload(browser, example, browser.get("/admin_import").form("/admin_import/upload").fields["csrf"])
assert page.status == 303, (page.status, page.text[:2000])
run = int(page.header("Location").rsplit("/", 1)[1])
wait(lambda: sql(f"SELECT phase FROM import_run WHERE id = {run}") == "READY", "the classification of the example")
classes = dict(row.split("\t") for row in sql(f"SELECT class, COUNT(*) FROM import_row WHERE run_id = {run} GROUP BY class").splitlines())
assert classes == {"waiting": "1", "issued": "12", "renewed": "1", "revoked": "1", "progress": "1", "error": "1"}, classes
page = browser.get(f"/admin_import/{run}/discard")
browser.submit(page, page.form("/discard"))
wait(lambda: sql(f"SELECT phase FROM import_run WHERE id = {run}") == "DISCARDED", "discarding the example")
