"""The page of verifications in a browser: clean when full and when empty, and filtered without a reload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import ApiKey, User, Workspace
from messaging.models import Message
from messaging.verification.services import check_verification
from tests.browser.support import assert_page_is_clean
from tests.engine.makers import make_account
from tests.messaging.verification.support import AHMAD, MAYA, code_of, move_back, started, wrong
from tests.people import api_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenPage = Callable[..., Page]

WIDE_LIGHT, NARROW_DARK = (1440, 900, False), (390, 844, True)
ZOE = "12015550103"


@pytest.fixture
def verifications(acme: Workspace, settings: Settings) -> None:
    settings.VERIFICATION_SECONDS_BETWEEN = 0
    account, client = make_account(acme), api_client()
    ApiKey.objects.filter(pk=client.api_key.pk).update(name="Shop")
    actor = Actor(api_key=client.api_key)
    used = started(account, MAYA, actor=actor, reference="order 4711").verification
    check_verification(verification=used, code=code_of(used))
    guessed = started(account, AHMAD, max_tries=1).verification
    check_verification(verification=guessed, code=wrong(code_of(guessed)))
    late = started(account, ZOE, reference="sign-in of a member with a rather long reference").verification
    Message.objects.filter(pk=late.message_id).update(state="failed", reason="bad_number")
    move_back(late, timedelta(hours=3))
    started(account, AHMAD)
    started(account, AHMAD)


@pytest.mark.parametrize(("width", "height", "dark"), [WIDE_LIGHT, NARROW_DARK])
def test_the_page_is_clean(
    open_page: OpenPage, site: str, victor: User, verifications: None, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=victor, base_url=site)
    assert_page_is_clean(page, f"{site}/verifications/")
    page.select_option("select[name=state]", "verified")
    page.wait_for_url("**/verifications/?q=&state=verified")
    assert page.locator("#verifications tbody tr").count() == 1
    assert_page_is_clean(page, f"{site}/verifications/?q=999")


@pytest.mark.parametrize(("width", "height", "dark"), [WIDE_LIGHT, NARROW_DARK])
def test_the_empty_page_is_clean(
    open_page: OpenPage, site: str, alice: User, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/verifications/")
