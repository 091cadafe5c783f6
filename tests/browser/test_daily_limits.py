"""Pages that tell of a limit of parts a day and of reports that are fetched: clean wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from messaging.daily import DAILY_LIMIT
from messaging.ledger import hold_waiting
from providers.daily import take, use_today
from providers.errors import AccountRefused
from providers.models import ProviderAccount
from providers.services import begin_round, end_round
from tests.browser.support import assert_page_is_clean
from tests.campaigns.makers import send
from tests.providers.makers import make_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize(("width", "height", "dark"), [(1440, 900, False), (390, 844, True)])


@pytest.fixture
def limited(draft: Broadcast) -> ProviderAccount:
    account = draft.account
    assert account is not None
    ProviderAccount.objects.filter(pk=account.pk).update(parts_per_day=10)
    return ProviderAccount.objects.select_related("workspace").get(pk=account.pk)


@SIZES
def test_the_review_page_says_who_is_held(
    open_page: OpenPage, site: str, alice: User, draft: Broadcast, limited: ProviderAccount,
    width: int, height: int, dark: bool,
) -> None:  # fmt: skip
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/review/")
    expect(page.get_by_text("people are held and get it later")).to_be_visible()


@SIZES
def test_the_report_says_when_they_go_on(
    open_page: OpenPage, site: str, alice: User, draft: Broadcast, actor: Actor, limited: ProviderAccount,
    width: int, height: int, dark: bool,
) -> None:  # fmt: skip
    running = send(draft, actor)
    take(limited.pk, use_today(limited).day, [10], 10)
    until = timezone.now() + timedelta(hours=9)
    held = hold_waiting(running.segments.get().dispatch_id, reason=DAILY_LIMIT, until=until)
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/broadcasts/{running.pk}/")
    expect(page.get_by_text(f"{held} people are held")).to_be_visible()
    expect(page.get_by_text("It goes on by itself on")).to_be_visible()


@SIZES
def test_the_account_tells_limit_and_fetched_reports(
    open_page: OpenPage, site: str, alice: User, acme: Workspace, width: int, height: int, dark: bool
) -> None:
    account = make_account(acme, credentials={"api_key": "k", "reports": "polled"}, parts_per_day=200_000)
    take(account.pk, use_today(account).day, [1234], 200_000)
    trouble = AccountRefused("It does not accept the credentials.", words="Unauthorized")
    end_round(account.pk, begin_round(account.pk), answered=40, given_up=2, trouble=trouble)
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/providers/{account.pk}/")
    expect(page.get_by_text("1,234 taken today")).to_be_visible()
    expect(page.get_by_text("It does not accept the credentials. Unauthorized")).to_be_visible()
    assert_page_is_clean(page, f"{site}/providers/{account.pk}/settings/")
    page.get_by_label("Parts per day").fill("300000")
    page.get_by_role("button", name="Save the account").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    account.refresh_from_db()
    assert account.parts_per_day == 300_000
