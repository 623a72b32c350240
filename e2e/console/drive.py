"""Drives the console in Chromium as people do, and says what is wrong with it.

The standard input is JSON: what to drive ("part"), where, and with what. The
standard output is JSON: a list of sentences, empty when all is well.
"""

import json
import sys
import urllib.request
import uuid
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

DESK = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
LOOKS = {
    "light": DESK,
    "dark": {**DESK, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "device_scale_factor": 2},
}
# WCAG 2.2 at level AA, and what is good practice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Visitor:
    """A person with a browser, who notes what should not happen there."""

    def __init__(self, browser, asked, **options):
        self.asked, self.wrong = asked, []
        self.context = browser.new_context(base_url=asked["url"], **{**DESK, **options})
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.wrong.append("the browser says: " + m.text) if m.type in ("error", "warning") and not self.expected(m) else None)
        self.page.on("pageerror", lambda e: self.wrong.append(f"a script fails: {e}"))
        self.page.on("dialog", lambda d: (self.wrong.append("a script ran: " + d.message), d.dismiss()))
        self.page.on("request", self.asks)

    def expected(self, message):
        """Chromium calls every answer of 400 and more an error."""
        return message.text.startswith("Failed to load resource: the server responded with a status of 4")

    def asks(self, request):
        if not request.url.startswith((self.asked["url"], self.asked.get("issuer") or self.asked["url"])):
            self.wrong.append("it asks for " + request.url)

    def at_provider(self, who):
        self.page.goto("/")
        self.page.get_by_role("link", name="Sign in at").click()
        self.page.get_by_label("Username").fill(who)
        self.page.get_by_label("Password").fill(self.asked["password"])
        self.page.get_by_role("button", name="Login").click()

    def with_token(self):
        self.page.goto("/sign-in")
        self.page.get_by_label("Your name").fill("ann")
        self.page.get_by_label("Operator's token").fill(self.asked["token"])
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()

    def picture(self, name):
        self.page.screenshot(path=str(Path(self.asked["screenshots"]) / f"{name}.png"))

    def done(self, text):
        expect(self.page.get_by_role("status").filter(has_text="Done.")).to_contain_text(text)

    def accessible(self, where):
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for v in Axe().run(self.page, options=RULES).response["violations"]:
            for node in v["nodes"][:3]:
                self.wrong.append(f"{where}: axe {v['id']} ({v['impact']}): {v['help']}: {node['html'][:200]}")

    def fits(self, where):
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.wrong.append(f"{where}: the page is {wide} px wider than its window")


def send(asked, group):
    """Posts what CloudTrail would tell of a group that was opened."""
    id = str(uuid.uuid4())
    event = {
        "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "account": "111122223333",
        "region": "eu-west-1", "time": "2026-11-27T09:00:00Z", "resources": [],
        "detail": {
            "eventVersion": "1.09", "eventID": id, "eventName": "AuthorizeSecurityGroupIngress", "eventSource": "ec2.amazonaws.com",
            "eventTime": "2026-11-27T09:00:00Z", "awsRegion": "eu-west-1", "requestParameters": {"groupId": group},
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/kim"},
        },
    }
    request = urllib.request.Request(asked["url"] + "/events", json.dumps(event).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def operator(browser, asked):
    """An operator does all that can be done; others can't."""
    stranger = Visitor(browser, asked)
    stranger.page.goto("/records/" + asked["undo"])
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    stranger.at_provider("carol")
    expect(stranger.page.get_by_role("alert")).to_contain_text("not as one of those who may look")
    stranger.page.goto("/audit")
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in")

    reader = Visitor(browser, asked)
    reader.at_provider("bob")
    reader.page.goto("/records/" + asked["undo"])
    expect(reader.page.get_by_role("banner")).to_contain_text("read only")
    expect(reader.page.get_by_text("Only operators may undo it.")).to_be_visible()
    expect(reader.page.get_by_role("button", name="Undo this remediation")).to_have_count(0)

    ann = Visitor(browser, asked)
    ann.at_provider("ann")
    page = ann.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Records")

    page.get_by_label("Search").fill("sg-web")
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)  # one of them is the head
    page.get_by_role("link", name="security-group/sg-web").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sg-web")
    page.get_by_label("Reason").first.fill("because of undo")
    page.get_by_role("button", name="Undo this remediation").click()
    ann.done("The state from before remediation " + asked["undo"] + " is back")
    expect(page.get_by_text("It is undone, by record")).to_be_visible()
    page.goto("/records/" + asked["undo"])
    expect(page.get_by_role("button", name="Undo this remediation")).to_have_count(0)

    page.goto("/records/" + asked["exempt"])
    page.get_by_text("Let ec2-security-group leave this resource alone").click()
    panel = page.get_by_role("region", name="Exempt")
    panel.get_by_label("For").select_option(label="3 days")
    panel.get_by_label("Reason").fill("because of exempt")
    panel.get_by_role("button", name="Exempt").click()
    ann.done("ec2-security-group leaves")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Exemptions").click()
    expect(page.get_by_role("row").filter(has_text="because of exempt")).to_contain_text("2 days left")

    page.goto("/dead-letters")
    page.get_by_role("link", name="broken-1").click()
    expect(page.get_by_text('"groupId": "sg-broken"')).to_be_visible()
    page.get_by_label("Reason").fill("because of replay")
    page.get_by_role("button", name="Replay").click()
    ann.done("The event is back in the inbox, for ec2-security-group.")
    expect(page.get_by_text("There are no dead letters.")).to_be_visible()

    page.goto("/functions/s3-bucket-policy")
    page.get_by_text("Set another mode for a time").click()
    form = page.get_by_role("region", name="Mode")
    form.get_by_label("off").check()
    form.get_by_label("Reason").fill("because of mode")
    form.get_by_role("button", name="Set the mode").click()
    ann.done("s3-bucket-policy is set to off")
    expect(page.get_by_role("region", name="Mode")).to_contain_text("set by ann@example.com")
    page.get_by_text("End it now").click()
    form = page.locator("details.end")
    form.get_by_label("Reason").fill("because of end")
    form.get_by_role("button", name="End it").click()
    ann.done("s3-bucket-policy has the mode that the policy gives it.")

    page.goto("/audit")
    expect(page.get_by_role("row")).to_have_count(6)
    ann.picture("audit")
    ann.accessible("the audit trail")

    # What the reader's and the stranger's browsers send by force is refused, and so is a form without its token.
    for who, status in ((reader, 403), (stranger, 401), (ann, 403)):
        answer = who.context.request.post(f"/records/{asked['exempt']}/undo", form={"reason": "by force"}, max_redirects=0)
        if answer.status != status:
            ann.wrong.append(f"a forced undo is answered with {answer.status} instead of {status}")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    for visitor in (stranger, reader, ann):
        yield from visitor.wrong


def pages(browser, asked):
    """Every page in every look."""
    addresses = {
        "list": "/", "held": "/?outcome=held", "filtered": "/?q=sg&actor=x&since=7d", "nothing": "/?q=nowhere-at-all",
        "record": "/records/" + asked["record"], "record-held": "/records/" + asked["held"], "hostile": "/records/" + asked["hostile"],
        "functions": "/functions", "function": "/functions/ec2-security-group", "exemptions": "/exemptions",
        "dead-letters": "/dead-letters", "dead-letter": "/dead-letters/" + asked["letter"], "audit": "/audit",
        "sign-in": "/sign-in", "missing": "/records/none",
    }
    for look, options in LOOKS.items():
        for signed_in in (False, True):
            visitor = Visitor(browser, asked, **options)
            if signed_in:
                visitor.with_token()
            for name, address in addresses.items():
                where = f"{name}, {look}{', signed in' if signed_in else ''}"
                visitor.page.goto(address)
                visitor.fits(where)
                if signed_in:
                    visitor.picture(f"{name}-{look}")
                if signed_in or look == "light":
                    visitor.accessible(where)
                    visitor.fits(where + ", all open")
            yield from visitor.wrong
            visitor.context.close()


def focused(page):
    return page.evaluate("document.activeElement.outerHTML")


def tab_to(visitor, what, most=80):
    """Presses Tab until the focus is on what is asked for, and sees it all the way."""
    page = visitor.page
    for _ in range(most):
        page.keyboard.press("Tab")
        html, outlined = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.outerHTML, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; }"""
        )
        if not outlined and not html.startswith("<body"):
            visitor.wrong.append("the focus is not seen on " + html[:120])
        if what in html:
            return
    visitor.wrong.append(f"Tab does not reach {what}")


def listing(browser, asked):
    """The list is live; a keyboard is enough, and so is a browser without scripts."""
    visitor = Visitor(browser, asked)
    page = visitor.page
    looks = []
    page.on("request", lambda r: looks.append(r.url) if "ebb-live" in r.headers else None)
    page.clock.install()  # the list's waits pass when the test says so
    page.goto("/")
    rows = page.get_by_role("rowheader")
    before = rows.count()

    def comes(group, count):
        """Opens a group, and lets time pass until its record is in the list."""
        send(asked, group)
        for _ in range(100):
            page.clock.run_for(5000)
            page.wait_for_load_state("networkidle")
            if rows.count() == count:
                return
        visitor.wrong.append(f"the record of {group} does not come")

    comes("sg-live", before + 1)
    expect(page.locator("#live-note")).to_have_text("1 new record")
    page.get_by_role("button", name="Live").click()
    expect(page.locator("#live-note")).to_have_text("paused")
    looks.clear()
    page.clock.run_for(60_000)
    if looks:
        visitor.wrong.append("a paused list goes on")
    page.get_by_role("button", name="Live").click()
    comes("sg-paused", before + 2)

    # The focus stays where it is while the list changes.
    link = page.get_by_role("link", name="security-group/sg-web")
    link.focus()
    comes("sg-focus", before + 3)
    if "sg-web" not in focused(page):
        visitor.wrong.append("the focus is lost when the list changes: it is on " + focused(page)[:100])

    # Filters are in the address, and can be taken away one by one.
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("sg-fought")
    page.keyboard.press("Enter")
    page.wait_for_url("**/*q=sg-fought*")
    expect(rows).to_have_count(4)
    page.get_by_role("navigation", name="Outcomes").get_by_role("link", name="held").click()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Remove the filter text").click()
    page.wait_for_url(lambda url: "q=" not in url)
    page.go_back()
    expect(page.get_by_label("Search")).to_have_value("sg-fought")

    # With the keyboard alone: sign in, find a record, undo it.
    page.goto("/")
    page.keyboard.press("Tab")
    if "skip" not in focused(page):
        visitor.wrong.append("the first Tab does not reach the link that skips to the content")
    tab_to(visitor, ">Sign in</a>")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in*")
    tab_to(visitor, 'id="name"')
    page.keyboard.type("ann")
    tab_to(visitor, 'id="token"')
    page.keyboard.type(asked["token"])
    page.keyboard.press("Enter")
    page.wait_for_url(asked["url"] + "/")
    tab_to(visitor, "sg-live")
    page.keyboard.press("Enter")
    page.wait_for_url("**/records/*")
    tab_to(visitor, 'id="undo-reason"')
    page.keyboard.type("with the keyboard alone")
    tab_to(visitor, "Undo this remediation")
    page.keyboard.press("Enter")
    visitor.done("The state from before remediation")
    yield from visitor.wrong

    plain = Visitor(browser, asked, java_script_enabled=False)
    page = plain.page
    page.goto("/")
    page.get_by_label("Search").fill("sg-paused")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="security-group/sg-paused").click()
    plain.with_token()
    page.go_back()
    page.goto("/?q=sg-paused")
    page.get_by_role("link", name="security-group/sg-paused").click()
    page.get_by_label("Reason").first.fill("without a script")
    page.get_by_role("button", name="Undo this remediation").click()
    plain.done("The state from before remediation")
    yield from plain.wrong


def event(browser, asked):
    """The event of a record is folded, opens with a click or a key, and is text whatever is in it."""
    for scripts in (True, False):
        visitor = Visitor(browser, asked, java_script_enabled=scripts)
        page = visitor.page
        summary, shown = page.get_by_text("Show the event as it was received"), page.get_by_role("region", name="The event")
        page.goto("/records/" + asked["record"])
        expect(summary).to_be_visible()
        expect(shown).to_be_hidden()
        summary.click()
        expect(shown).to_contain_text('"eventName": "AuthorizeSecurityGroupIngress"')
        expect(shown).to_contain_text('"groupId": "sg-web"')
        for address, text in asked["hostile"].items():
            page.goto("/records/" + address)
            summary.focus()
            page.keyboard.press("Enter")
            expect(shown).to_contain_text(text)
            visitor.fits("the event " + text)
        page.goto("/records/" + asked["undo"])
        expect(summary).to_have_count(0)
        page.get_by_role("region", name="Event").get_by_role("link").click()
        expect(page).to_have_url(asked["url"] + "/records/" + asked["record"])
        yield from visitor.wrong


PARTS = {"operator": operator, "pages": pages, "list": listing, "event": event}


def main():
    asked = json.load(sys.stdin)
    args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=asked["chromium"], args=args)
        expect.set_options(timeout=15_000)
        wrong = []
        try:
            wrong += PARTS[asked["part"]](browser, asked)
        except AssertionError as e:
            wrong.append(str(e))
        json.dump(wrong, sys.stdout, indent=1)
        browser.close()


main()
