"""The pages of the main job by keyboard alone: everything is reached, in the order that one sees, with a ring that
shows and nothing over it; dialogs and menus keep the focus, end with Escape, and give it back.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from tests.browser.support import NARROW, WIDE
from tests.campaigns.makers import make_draft, send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
MOST_STOPS = 150

# `keyboard.look()`: the stop at which the focus is, and whether the one before looked different with it.
# Places are those of the unscrolled page: what sticks to the window is where the page put it.
KEYBOARD = """
() => {
  const TABBABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const STYLES = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor", "backgroundColor",
                  "textDecorationLine", "clipPath", "position"];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  // A control that is hidden for its label's sake is where its label is.
  const seen = (one) => {
    const box = one.getBoundingClientRect();
    return box.width > 4 && box.height > 4 ? one : one.closest("label") ?? one.nextElementSibling ?? one;
  };
  const words = (one) => {
    const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
    return `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""} ${label.trim().replace(/\\s+/g, " ").slice(0, 40)}`;
  };
  const isFixed = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.position === "fixed" || (style.position === "sticky" && style.bottom !== "auto")) return true;
    }
    return false;
  };
  const look = (one) => [one, seen(one), one.parentElement, one.nextElementSibling].filter(Boolean)
    .map((part) => { const style = getComputedStyle(part); return STYLES.map((name) => style[name]).join(); }).join(";");
  const radioDone = new Set();
  const ALL = [...document.querySelectorAll(TABBABLE)].filter((one) => {
    if (one.tabIndex < 0 || one.disabled || !shown(one) || one.closest("[inert]")) return false;
    if (one.type !== "radio" || !one.name) return true;
    const chosen = document.querySelector(`input[type=radio][name="${one.name}"]:checked`);
    if (radioDone.has(one.name) || (chosen && chosen !== one)) return false;
    radioDone.add(one.name);
    return true;
  });
  scrollTo(0, 0);
  const places = new Map(ALL.map((one) => {
    const box = seen(one).getBoundingClientRect();
    return [one, { left: box.left, right: box.right, top: box.top, bottom: box.bottom, fixed: isFixed(one) }];
  }));
  const blurred = new Map(ALL.map((one) => [one, look(one)]));
  const isUncovered = (one) => {
    const box = seen(one).getBoundingClientRect();
    const xs = [0.5, 0.1, 0.9].map((share) => box.left + box.width * share);
    const ys = [0.5, 0.1, 0.9].map((share) => box.top + box.height * share);
    return xs.some((x) => ys.some((y) => {
      const hit = document.elementFromPoint(x, y);
      return hit && (one.contains(hit) || hit.contains(one) && hit !== document.body && hit !== document.documentElement
        || hit.closest("label")?.control === one || seen(one).contains(hit));
    }));
  };
  window.keyboard = {
    all: ALL.map(words),
    async look() {
      // The window follows the focus a frame later.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const one = document.activeElement;
      if (!one || one === document.body || one === document.documentElement) return null;
      const ringed = !blurred.has(one) || blurred.get(one) !== look(one);
      return { number: ALL.indexOf(one), words: words(one), ringed, uncovered: isUncovered(one), ...places.get(one) };
    },
  };
}
"""

# The Tab key goes on from where the focus was last, wherever it is now.
BEGIN = """
() => {
  const first = document.createElement("i");
  first.tabIndex = -1;
  document.body.prepend(first);
  first.focus();
  first.remove();
}
"""


def walk(page: Page) -> list[dict[str, Any]]:
    """All stops of the Tab key from the top of the page; a control with several (a date) counts once."""
    page.wait_for_load_state("networkidle")
    page.evaluate(BEGIN)
    page.evaluate(KEYBOARD)
    stops: list[dict[str, Any]] = []
    for _press in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate("window.keyboard.look()")
        if stop is None or (stops and stop["number"] == stops[0]["number"]):
            return stops
        if not stops or stop["words"] != stops[-1]["words"] or stop["number"] != stops[-1]["number"]:
            stops.append(stop)
    raise AssertionError(f"{page.url}: the Tab key does not come to an end: {stops[-1]['words']}")


def goes_back(one: dict[str, Any], after: dict[str, Any]) -> bool:
    """Up, unless into a column further right; or to the left within a row."""
    if "left" not in one or "left" not in after or one["fixed"] or after["fixed"]:
        return False
    is_above = after["bottom"] <= one["top"] + 2
    shares_row = min(one["bottom"], after["bottom"]) - max(one["top"], after["top"]) > 4
    return (is_above and after["left"] < one["right"] - 2) or (
        shares_row and after["right"] <= one["left"] + 2
    )


def assert_keyboard(page: Page) -> list[str]:
    """What the keyboard reaches, in words."""
    stops = walk(page)
    names = [stop["words"] for stop in stops]
    reached = {stop["number"] for stop in stops}
    missed = [one for number, one in enumerate(page.evaluate("window.keyboard.all")) if number not in reached]
    assert missed == [], f"{page.url}: never reached"
    assert [stop["words"] for stop in stops if not stop["ringed"]] == [], f"{page.url}: no ring"
    assert [stop["words"] for stop in stops if not stop["uncovered"]] == [], f"{page.url}: covered"
    back = [(one["words"], after["words"]) for one, after in pairwise(stops) if goes_back(one, after)]
    assert back == [], f"{page.url}: goes back"
    return names


def assert_dialog(page: Page, opener: Locator, dialog: Locator, key: str = "Enter") -> None:
    """Opened from the focused opener: the focus stays inside, Escape closes, the opener has it again."""
    opener.focus()
    page.keyboard.press(key)
    expect(dialog).to_have_attribute("open", "")
    inside = "(dialog) => dialog.contains(document.activeElement)"
    outside = "(dialog) => ![dialog, document.body].some((one) => one === document.activeElement)"
    assert dialog.evaluate(inside), "the focus is not in the dialog"
    for press in ("Tab", "Shift+Tab"):
        for _time in range(12):
            page.keyboard.press(press)
            is_outside = dialog.evaluate(outside) and not dialog.evaluate(inside)
            assert not is_outside, (
                f"{press} leaves the dialog for {page.evaluate('document.activeElement.outerHTML')[:90]}"
            )
    page.keyboard.press("Escape")
    expect(dialog).not_to_have_attribute("open", "")
    expect(opener).to_be_focused()


@pytest.fixture
def running(acme: Workspace, actor: Actor) -> Broadcast:
    return send(make_draft(acme, actor), actor)


@pytest.fixture
def wide(open_page: OpenPage, site: str, bob: User) -> Page:
    return open_page(user=bob, base_url=site)


# --- walks ------------------------------------------------------------------------------------------


@SIZES
def test_sign_in(open_page: OpenPage, site: str, alice: User, size: tuple[int, int]) -> None:
    page = open_page(width=size[0], height=size[1], base_url=site)
    page.goto(f"{site}/login/")
    names = assert_keyboard(page)
    assert names[0].startswith("a Skip to content")
    assert names[-2:] == ["button Sign in", "a Forgotten your password?"]


def test_signing_in_takes_no_mouse(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(base_url=site)
    page.goto(f"{site}/login/")
    page.get_by_label("E-mail address").focus()
    page.keyboard.type(alice.email)
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    assert_keyboard(page)


@SIZES
def test_the_composer(
    open_page: OpenPage, site: str, bob: User, draft: Broadcast, size: tuple[int, int]
) -> None:
    page = open_page(width=size[0], height=size[1], user=bob, base_url=site)
    page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
    names = assert_keyboard(page)
    assert any("textarea#id_text" in name for name in names)


@SIZES
def test_the_review(
    open_page: OpenPage, site: str, bob: User, draft: Broadcast, size: tuple[int, int]
) -> None:
    page = open_page(width=size[0], height=size[1], user=bob, base_url=site)
    page.goto(f"{site}/broadcasts/{draft.pk}/review/")
    names = assert_keyboard(page)
    assert names[-1].startswith("button Send to ")


@SIZES
def test_the_report(
    open_page: OpenPage, site: str, bob: User, running: Broadcast, size: tuple[int, int]
) -> None:
    page = open_page(width=size[0], height=size[1], user=bob, base_url=site)
    # Live counts would move what is below them in the middle of the walk.
    page.route("**/head/**", lambda route: route.fulfill(status=204))
    page.goto(f"{site}/broadcasts/{running.pk}/", wait_until="domcontentloaded")
    names = assert_keyboard(page)
    assert any("Stop sending" in name for name in names)


# --- dialogs and menus ------------------------------------------------------------------------------


def test_the_skip_link_leads_to_the_content(wide: Page, draft: Broadcast) -> None:
    wide.goto(f"/broadcasts/{draft.pk}/edit/")
    wide.keyboard.press("Tab")
    wide.keyboard.press("Enter")
    expect(wide.locator("#main")).to_be_focused()


def test_the_dialog_for_a_test_text(wide: Page, draft: Broadcast) -> None:
    wide.goto(f"/broadcasts/{draft.pk}/edit/", wait_until="networkidle")
    assert_dialog(wide, wide.get_by_role("button", name="Send test"), wide.locator("#test-dialog"))


def test_the_dialog_for_stopping(wide: Page, running: Broadcast) -> None:
    wide.goto(f"/broadcasts/{running.pk}/")
    assert_dialog(
        wide, wide.locator("#report-actions").get_by_text("Stop sending"), wide.locator("#stop-dialog")
    )


def test_the_palette(wide: Page, draft: Broadcast) -> None:
    wide.goto(f"/broadcasts/{draft.pk}/edit/", wait_until="networkidle")
    assert_dialog(wide, wide.locator("#id_name"), wide.locator("#palette"), "Control+k")


def test_the_list_of_keys(wide: Page, running: Broadcast) -> None:
    wide.goto(f"/broadcasts/{running.pk}/")
    link = wide.get_by_role("link", name="Who missed it")
    assert_dialog(wide, link, wide.locator("#keys-dialog"), "?")


def test_the_list_of_keys_from_the_menu(wide: Page, draft: Broadcast) -> None:
    """The entry that opened it is gone with its menu: the menu's button gets the focus."""
    wide.goto(f"/broadcasts/{draft.pk}/review/")
    button = wide.get_by_role("button", name="Account and workspace")
    button.focus()
    wide.keyboard.press("Enter")
    entry = wide.get_by_role("menuitem", name="Keyboard shortcuts")
    expect(entry).to_be_visible()
    while not entry.evaluate("(one) => one.classList.contains('active') || one === document.activeElement"):
        wide.keyboard.press("ArrowDown")
    wide.keyboard.press("Enter")
    expect(wide.locator("#keys-dialog")).to_have_attribute("open", "")
    wide.keyboard.press("Escape")
    expect(wide.locator("#keys-dialog")).not_to_have_attribute("open", "")
    expect(button).to_be_focused()


@pytest.mark.parametrize("name", ["More actions", "Insert a token", "Account and workspace"])
def test_menus(wide: Page, draft: Broadcast, name: str) -> None:
    wide.goto(f"/broadcasts/{draft.pk}/edit/", wait_until="networkidle")
    button = wide.get_by_role("button", name=name)
    button.focus()
    wide.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    wide.keyboard.press("ArrowDown")
    wide.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()


def test_the_side_menu_of_a_narrow_window(
    open_page: OpenPage, site: str, bob: User, draft: Broadcast
) -> None:
    page = open_page(width=NARROW[0], height=NARROW[1], user=bob, base_url=site)
    page.goto(f"/broadcasts/{draft.pk}/review/")
    button = page.locator("[data-sidebar-toggle]")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sidebar a").first).to_be_focused()
    for _time in range(3):
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('.page').contains(document.activeElement)") is False
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
