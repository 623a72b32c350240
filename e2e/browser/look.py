"""Opens pages in Chromium as people do, and says what is wrong with them.

The standard input is JSON: {"chromium": PATH, "screenshots": FOLDER, "pages": {NAME: URL}}.
The standard output is JSON: a list of sentences, empty when all is well.
"""

import json
import sys
import time
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# How a page is looked at: the size of the window, and what is asked of it.
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "device_scale_factor": 2},
    "phone-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "device_scale_factor": 2},
    "print": {"viewport": {"width": 794, "height": 1123}, "color_scheme": "dark"},
}
# WCAG 2.2 at level AA, and what is good practice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page):
    for v in Axe().run(page, options=RULES).response["violations"]:
        for node in v["nodes"][:3]:
            yield f"axe {v['id']} ({v['impact']}): {v['help']}: {node['html'][:200]}"


def shape(page):
    """What no rule of axe's says."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"the page is {wide} px wider than its window"
    small = page.evaluate(
        """() => [...document.querySelectorAll('.chart > svg text')].map(t => t.getBoundingClientRect().height).filter(h => h < 11).length"""
    )
    if small:
        yield f"{small} texts of charts are less than 11 px high"


def keyboard(page):
    """Every link and region can be reached with Tab, and it is seen where one is."""
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    if first != "skip":
        yield f"the first Tab does not reach the link that skips to the content, but {first!r}"
        return
    page.keyboard.press("Enter")
    if page.evaluate("document.activeElement.id") != "main":
        yield "the link that skips to the content does not lead there"
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        what, outlined = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.outerHTML.slice(0, 80), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; }"""
        )
        if not outlined and not what.startswith("<body"):
            yield f"the focus is not seen on {what}"
            return
        seen.add(what)
    if len(seen) < 5:
        yield f"Tab reaches {len(seen)} things only"


def look(browser, asked):
    for name, url in asked["pages"].items():
        for look_name, options in LOOKS.items():
            began = time.monotonic()
            context = browser.new_context(**options)
            page = context.new_page()
            told, where = [], f"{name}, {look_name}: "
            page.on("console", lambda m: told.append("the browser says: " + m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda e: told.append(f"a script fails: {e}"))
            page.on("dialog", lambda d: (told.append("a script ran: " + d.message), d.dismiss()))
            page.on("request", lambda r: told.append("it asks for " + r.url) if r.url != url else None)
            page.goto(url)
            if look_name == "print":
                page.emulate_media(media="print")
                page.pdf(path=str(Path(asked["screenshots"]) / f"{name}-{look_name}.pdf"), format="A4")
            page.screenshot(path=str(Path(asked["screenshots"]) / f"{name}-{look_name}.png"))
            page.screenshot(path=str(Path(asked["screenshots"]) / f"{name}-{look_name}-whole.png"), full_page=True)
            told += shape(page)
            if look_name in ("light", "dark"):
                page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
                told += violations(page)
            if look_name == "light":
                page.reload()
                told += keyboard(page)
            yield from (where + t for t in told)
            context.close()
            print(f"{where}looked at for {time.monotonic() - began:.1f} s", file=sys.stderr)


def main():
    asked = json.load(sys.stdin)
    args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=asked["chromium"], args=args)
        json.dump(list(look(browser, asked)), sys.stdout, indent=1)
        browser.close()


main()
