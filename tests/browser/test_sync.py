"""Sync in a real browser, with the real sandbox behind it: compared, pushed after a look at the plan, and the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.links.links import create_link
from messaging.models import Link
from messaging.senders import create_sender
from providers.models import ProviderAccount, RemoteRecord, SyncRun
from providers.services.sync import PUSH, carry_out, compare
from providers.services.sync_runner import carry_on
from providers.services.sync_runs import Chosen, plan_run, start_compare
from tests.browser.support import NARROW, WIDE, assert_page_is_clean
from tests.engine.makers import make_account
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
LOOKS = pytest.mark.parametrize(
    ("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide-light", "narrow-dark"]
)


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def account(
    acme: Workspace, live_server: Any, settings: Settings, process: SandboxProcess
) -> ProviderAccount:
    process.control("POST", "reset", {"accounts": True})
    settings.WEBHOOK_URL = str(live_server.url)
    create_sender(workspace=acme, actor=Actor(), value="Northwind")
    return make_account(acme, "messagewhiz", process.messagewhiz_url)


def finish(run: SyncRun) -> None:
    while carry_on(run.pk):
        pass


def test_it_works(open_page: OpenPage, live_server: Any, account: ProviderAccount, alice: User) -> None:
    page = open_page(user=alice, base_url=str(live_server.url))
    page.goto(f"/providers/{account.pk}/sync/")
    page.get_by_role("button", name="Compare all").click()
    expect(page.get_by_text("0 of 9 steps")).to_be_visible()
    finish(SyncRun.objects.latest("pk"))
    # The page finds out by itself, and shows what was found.
    expect(page.get_by_text("9 of 9 steps")).to_be_visible()
    page.get_by_role("link", name="Senders", exact=True).last.click()
    page.get_by_role("checkbox", name="Select Northwind").check()
    page.locator(".bulk-bar").get_by_role("button", name="Push").click()
    expect(page.get_by_text("1 step is planned")).to_be_visible()
    page.get_by_role("button", name="Push to MessageWhiz").click()
    expect(page.get_by_text("0 of 1 step")).to_be_visible()
    finish(SyncRun.objects.latest("pk"))
    expect(page.get_by_text("1 of 1 step")).to_be_visible()
    page.get_by_role("link", name="Northwind").click()
    expect(page.get_by_text("There is none in the fields that both sides have.")).to_be_visible()


def test_it_works_without_script(
    open_page: OpenPage, live_server: Any, account: ProviderAccount, alice: User
) -> None:
    compare(account=account, entity="sender")
    page = open_page(user=alice, base_url=str(live_server.url), javascript=False)
    page.goto(f"/providers/{account.pk}/sync/sender/")
    page.get_by_role("button", name="Push Northwind").click()
    page.get_by_role("button", name="Push to MessageWhiz").click()
    finish(SyncRun.objects.latest("pk"))
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("1 of 1 step")).to_be_visible()


@LOOKS
def test_pages_are_clean(
    open_page: OpenPage,
    live_server: Any,
    account: ProviderAccount,
    alice: User,
    size: tuple[int, int],
    dark: bool,
) -> None:
    shop = "https://example.com/" + "long-" * 30
    create_link(workspace=account.workspace, actor=Actor(), name="Shop", url=shop)
    [record] = compare(account=account, entity="link")
    carry_out(account=account, direction=PUSH, record_ids=[record.pk], actor=Actor())
    Link.objects.update(url=f"{shop}new")
    compare(account=account, entity="link")
    compare(account=account, entity="sender")
    alone = RemoteRecord.objects.get(entity="sender", name="Northwind")
    plan = plan_run(account=account, what="push", chosen=Chosen(), actor=Actor(user=alice))
    done = start_compare(account=account, entities=[], actor=Actor(user=alice))
    finish(done)
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=str(live_server.url))
    for path in (
        "",
        "sender/",
        "link/?state=differs",
        "template/",
        f"sender/{alone.pk}/",
        f"link/{record.pk}/",
        "runs/",
        f"runs/{plan.pk}/",
        f"runs/{done.pk}/",
    ):
        assert_page_is_clean(page, f"/providers/{account.pk}/sync/{path}")
