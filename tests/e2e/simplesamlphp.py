"""Walks through log-ins at SimpleSAMLphp and looks at what the portal makes of them. Argument: how SimpleSAMLphp is set."""
import html
import os
import re
import sys
import urllib.parse

from portal import Portal

mode = sys.argv[1]
entity = os.environ["SSP_ENTITY"]
log = os.path.join(os.environ["STACK_DIR"], "log", "inkan.log")


def browser(lang="ja"):
    p = Portal(os.environ["STACK_URL"], os.environ["STACK_CA"], lang)
    p.tls.load_verify_locations(os.environ["SSP_CA"])
    return p


def ask(p):
    """From the chooser to the log-in form of SimpleSAMLphp."""
    page = p.get("/login")
    links = [html.unescape(a) for a in re.findall(r'href="([^"]*/login/start[^"]*)"', page.text)]
    link = next(a for a in links if entity in urllib.parse.unquote(a))
    assert len(links) == 2, links
    assert ("別の大学" if p.lang == "ja" else "Another University") in page.text
    return p.get(link)


def answer(p, name, page=None):
    """The page with which SimpleSAMLphp sends the browser back, not yet followed."""
    page = page or ask(p)
    form = next(f for f in page.forms() if "password" in f.fields)
    page = p.submit(page, form, username=name, password="geheim")
    return page, page.form("/saml/acs")


def checks():
    with open(log, encoding="utf-8", errors="replace") as f:
        return re.findall(r"refused by check ([a-z0-9-]+)", f.read())


def logged_in(page):
    return page.status == 200 and 'action="/logout"' in page.text


def accepted(p, name, display):
    page = p.submit(*answer(p, name))
    assert logged_in(page), f"{mode}: {name} was not logged in ({page.status}): {page.text[:2000]} {checks()[-1:]}"
    assert html.escape(display, quote=False) in page.text.replace("&#39;", "'").replace("&quot;", '"'), f"{mode}: {name} is not called {display}"
    return page


def refused(p, page, form, check):
    before = len(checks())
    page = p.submit(page, form)
    assert page.status == 403, f"{mode}: {page.status} instead of a refusal by {check}"
    assert 'action="/logout"' not in page.text
    assert checks()[before:] == [check], f"{mode}: refused by {checks()[before:]}, not by {check}"
    assert not logged_in(p.get("/")), f"{mode}: logged in after a refusal by {check}"
    return page


def walk_good():
    accepted(browser(), "sachiko", "田中 幸子")
    accepted(browser("en"), "english", "Only English")


def walk_attributes():
    for name, check in [("noeppn", "missing-eppn"), ("nomail", "missing-mail"), ("noname", "missing-name"), ("two", "eppn"),
                        ("foreign", "scope"), ("child", "scope"), ("newline", "eppn")]:
        p = browser()
        page = refused(p, *answer(p, name), check)
        if check.startswith("missing-"):
            assert {"missing-eppn": "ePPN", "missing-mail": "mail", "missing-name": "displayName"}[check] in page.text
    accepted(browser(), "quoted", 'O\'Neil, "Q" <b>&amp;</b>')


def walk_replay():
    # the same answer a second time, in the browser that used it and in one that did not ask
    p = browser()
    page, form = answer(p, "sachiko")
    assert logged_in(p.submit(page, form))
    out = p.get("/")
    p.submit(out, out.form("/logout"))
    refused(p, page, form, "no-cookie")
    refused(browser(), page, form, "no-cookie")
    # log-in CSRF: the attacker's answer in the browser of a victim who has asked
    victim = browser()
    answer(victim, "english")
    refused(victim, page, form, "in-response-to")
    # a second answer to a request that was answered
    p = browser()
    start = ask(p)
    cookies = dict(p.cookies["localhost"])
    first = answer(p, "sachiko", start)
    assert logged_in(p.submit(*first))
    p.cookies["localhost"] = cookies
    refused(p, *first, "replay")
    # an answer of SimpleSAMLphp to who asked the other IdP
    p = browser()
    page, form = answer(p, "sachiko")
    other = p.get("/login")
    link = next(html.unescape(a) for a in re.findall(r'href="([^"]*/login/start[^"]*)"', other.text) if "demo_idp" in a)
    p.get(link)
    refused(p, page, form, "issuer")


def walk_altered():
    import base64
    p = browser()
    page, form = answer(p, "sachiko")
    xml = base64.b64decode(form.fields["SAMLResponse"])
    cut = xml.find(b"</saml:AttributeValue>") if mode != "encrypted" else xml.find(b"</xenc:CipherValue>") - 40
    assert cut > 0
    altered = xml[:cut - 1] + (b"A" if xml[cut - 1:cut] != b"A" else b"B") + xml[cut:]
    form.fields["SAMLResponse"] = base64.b64encode(altered).decode()
    refused(p, page, form, "decryption" if mode == "encrypted" else "signature")
    p = browser()
    page, form = answer(p, "sachiko")
    form.fields["SAMLResponse"] = base64.b64encode(xml.replace(b"<saml:Issuer", b"<!-- x --><saml:Issuer", 1)).decode()
    refused(p, page, form, "comment")
    form.fields["SAMLResponse"] = "?" + form.fields["SAMLResponse"]
    p2 = browser()
    answer(p2, "sachiko")
    refused(p2, page, form, "base64")
    # positive control: the same steps unaltered
    accepted(browser(), "sachiko", "田中 幸子")


if mode in ("plain", "encrypted"):
    walk_good()
    walk_altered()
if mode == "plain":
    walk_attributes()
    walk_replay()
if mode in ("assertion-only", "response-only"):
    walk_good()
if mode == "unsigned":
    p = browser()
    refused(p, *answer(p, "sachiko"), "unsigned")
if mode == "sha1":
    p = browser()
    refused(p, *answer(p, "sachiko"), "algorithm")
print(f"{mode}: as it must be")
