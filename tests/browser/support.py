"""A real Chromium for tests of pages: start it, open pages that are watched, and say what is wrong with them.

    def test_it_works(open_page, live_server):
        page = open_page(width=390, dark=True)
        assert_page_is_clean(page, live_server.url + "/login/")

Playwright's own browsers are not used: Debian's `chromium` is (or the one that CHROMIUM names).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A shared machine stalls for seconds; what never comes is told all the same.
PATIENCE_MS = 30_000
WIDE, NARROW = (1440, 900), (390, 844)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Chromium logs a failed load as a console error too; which answers are failures is for the test to say.
NOT_AN_ERROR = "Failed to load resource"

REPORT_CSP = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`);
});
"""


# A chart follows its box a few frames later: an overflow counts when it lasts a second.
LASTING_OVERFLOW = """
() => new Promise((done) => {
  const root = document.documentElement;
  const end = performance.now() + 1000;
  const look = () => {
    const wider = root.scrollWidth - root.clientWidth;
    if (wider <= 0 || performance.now() > end) done(wider);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
})
"""


@dataclass
class Watch:
    """What went wrong on a page since it was opened."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def forget(self) -> None:
        self.errors.clear()
        self.outside.clear()


_watches: WeakKeyDictionary[Page, Watch] = WeakKeyDictionary()


def chromium_path() -> str:
    """Skips the test without a Chromium, with the remedy; with CI set it fails instead."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    sentence = "No Chromium: install Debian's package `chromium`, or name one in CHROMIUM."
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def new_context(
    browser: Browser,
    *,
    width: int = WIDE[0],
    height: int = WIDE[1],
    dark: bool = False,
    javascript: bool = True,
    **options: Any,
) -> BrowserContext:
    """A fresh person: no cookies, nothing kept. Motion is off, so that a picture is a settled one."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        java_script_enabled=javascript,
        locale="en-US",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def new_page(context: BrowserContext) -> Page:
    """A page whose console errors, CSP reports and requests to other hosts are written down."""
    page = context.new_page()
    watch = _watches[page] = Watch()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and NOT_AN_ERROR not in message.text:
            watch.errors.append(message.text)

    def asked(request: Request) -> None:
        host = urlsplit(request.url).hostname
        if request.url.startswith("http") and host not in {"127.0.0.1", "localhost"}:
            watch.outside.append(request.url)

    page.on("console", heard)
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    page.on("request", asked)
    page.add_init_script(REPORT_CSP)
    return page


def watch_of(page: Page) -> Watch:
    return _watches[page]


def sign_in(context: BrowserContext, user: Any, base_url: str) -> None:
    """The person's session without the walk through the sign-in page."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base_url}])


@cache
def _axe_source() -> str:
    path = Path(settings.NODE_MODULES) / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.fail("axe-core is missing: run `npm ci`, which also installs what only tests need.")
    return path.read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """Findings of WCAG 2.0 to 2.2 A and AA (targets of 24 px included) and best practice, one line each.

    axe runs in a world of its own, over the debugging protocol, so that the page's CSP stays on.
    """
    session = page.context.new_cdp_session(page)
    try:
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        where = {"contextId": world["executionContextId"]}
        session.send("Runtime.evaluate", {"expression": _axe_source() + ";0", **where})
        options = f"{{runOnly: {AXE_TAGS!r}, resultTypes: ['violations']}}"
        run = f"axe.run(document, {options}).then((result) => result.violations)"
        answer = session.send(
            "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True, **where}
        )
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return [_finding(rule, node) for rule in answer["result"]["value"] for node in rule["nodes"]]


def _finding(rule: dict[str, Any], node: dict[str, Any]) -> str:
    why = " ".join(node.get("failureSummary", "").split())
    return f"{rule['id']} ({rule['impact']}): {' '.join(map(str, node['target']))}: {why}"


def overflow(page: Page, width: int) -> int:
    """By how many pixels the page is wider than a window of `width`; the window gets its size back."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    wider: int = page.evaluate(LASTING_OVERFLOW)
    if before:
        page.set_viewport_size(before)
    return wider


def assert_page_is_clean(page: Page, url: str, *, status: int = 200) -> None:
    """What UI.md asks of every page, of whatever `url` shows in this page's window and theme."""
    watch = watch_of(page)
    watch.forget()
    response = page.goto(url, wait_until="networkidle")
    assert response is not None and response.status == status, f"{url}: {response and response.status}"
    assert_shown_page_is_clean(page)


def assert_shown_page_is_clean(page: Page) -> None:
    """The same for what is on the screen now: after a click, with a dialog open…"""
    watch = watch_of(page)
    assert page.locator("h1").count() == 1, f"{page.url}: {page.locator('h1').count()} h1, not one"
    assert page.title().strip(" ·").removesuffix("Crier").strip(" ·"), f"{page.url}: the title is empty"
    assert watch.errors == [], f"{page.url}: errors in the console"
    assert watch.outside == [], f"{page.url}: asked other hosts"
    # What happens to stand half under the bar at the top is no fault.
    page.evaluate("scrollTo(0, 0)")
    findings = axe(page)
    assert not findings, "\n".join([f"{page.url}: axe", *findings])
    for width in (320, WIDE[0]):
        assert overflow(page, width) <= 0, f"{page.url}: {overflow(page, width)} px too wide at {width}"
