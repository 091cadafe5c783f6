"""Pages of finishing the job and of how the workspace sends: clean wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User
from campaigns.models import Broadcast
from messaging.ledger import Change, apply_changes
from messaging.models import Message
from sms.states import MessageState
from tests.browser.support import assert_page_is_clean
from tests.campaigns.makers import send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize(("width", "height", "dark"), [(1440, 900, False), (390, 844, True)])
S = MessageState


@pytest.fixture
def missed(draft: Broadcast, actor: Actor) -> Broadcast:
    running = send(draft, actor)
    rows = iter(Message.objects.filter(broadcast_id=running.pk).order_by("id"))
    for state, reason, number in (
        (S.FAILED, "sender_not_allowed", 5),
        (S.FAILED, "bad_number", 2),
        (S.UNKNOWN, "no_answer", 3),
    ):
        for _each in range(number):
            message = next(rows)
            for step, word in ((S.SUBMITTING, ""), (state, reason)):
                apply_changes([Change(message.pk, step, datetime.now(UTC), "engine", word)])
    return running


@SIZES
def test_a_word_and_another_try(
    open_page: OpenPage, site: str, alice: User, missed: Broadcast, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/broadcasts/{missed.pk}/missed/")
    page.get_by_role("button", name="They did not, may be sent again").click()
    expect(page.get_by_text("3 messages settled.")).to_be_visible()
    page.get_by_role("button", name="Write to the 8 reachable ones").click()
    expect(page.get_by_role("button", name="Send to 8 people")).to_be_visible()


@SIZES
def test_how_the_workspace_sends(
    open_page: OpenPage, site: str, alice: User, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/settings/sending/")
    page.get_by_label("Most broadcasts a person gets").fill("4")
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_label("Most broadcasts a person gets")).to_have_value("4")


def test_the_composer_says_what_an_empty_limit_means(
    open_page: OpenPage, site: str, alice: User, draft: Broadcast
) -> None:
    page = open_page(width=1440, height=900, dark=False, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/edit/")
    page.get_by_text("When many fail").click()
    expect(page.get_by_text("Empty: as in the settings, 10. 100: never.")).to_be_visible()
