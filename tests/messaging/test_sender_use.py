"""When a sender was last used: kept once a minute, shown wherever senders are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, Workspace
from messaging.models import Sender
from messaging.sender_use import keep_use
from tests.engine.makers import make_account, make_sender
from tests.people import ApiClient, client_of
from tests.providers.makers import make_account as make_vendor_account

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def sender(acme: Workspace) -> Sender:
    return make_sender(acme)


def use(sender: Sender, now: datetime, noted: dict[str, datetime]) -> datetime | None:
    keep_use(noted, workspace_id=sender.workspace_id, senders=[sender.value], now=now)
    sender.refresh_from_db()
    return sender.last_used_at


def test_it_works(sender: Sender, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    noted: dict[str, datetime] = {}
    assert use(sender, NOON, noted) == NOON
    with django_assert_num_queries(0):
        keep_use(noted, workspace_id=sender.workspace_id, senders=[sender.value] * 50, now=NOON + 59 * SECOND)
    assert use(sender, NOON + 60 * SECOND, noted) == NOON + 60 * SECOND


def test_another_engine_in_the_same_minute_writes_nothing(sender: Sender) -> None:
    use(sender, NOON, {})
    assert use(sender, NOON + 59 * SECOND, {}) == NOON


def test_another_workspaces_sender_of_that_name_stays(sender: Sender, other: Workspace) -> None:
    theirs = make_sender(other, sender.value)
    use(sender, NOON, {})
    theirs.refresh_from_db()
    assert theirs.last_used_at is None


def test_a_sender_that_is_none_of_ours_is_no_trouble(acme: Workspace) -> None:
    keep_use({}, workspace_id=acme.pk, senders=["Elsewhere"], now=NOON)


def test_pages_api_and_admin_show_it(
    sender: Sender, alice: User, bob_client: Client, api: Callable[..., ApiClient]
) -> None:
    bob = api()
    assert bob.get(f"/api/v1/senders/{sender.pk}/").json()["last_used_at"] is None
    assert "never" in bob_client.get("/senders/").content.decode()
    use(sender, NOON, {})
    assert bob.get(f"/api/v1/senders/{sender.pk}/").json()["last_used_at"] == "2026-11-21T12:00:00Z"
    for page in ("/senders/", f"/senders/{sender.pk}/"):
        assert 'datetime="2026-11-21T' in bob_client.get(page).content.decode()
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    staff = client_of(User.objects.get(pk=alice.pk))
    assert "Nov. 21, 2026" in staff.get(f"/admin/messaging/sender/{sender.pk}/change/").content.decode()


def test_it_cannot_be_set(sender: Sender, api: Callable[..., ApiClient]) -> None:
    answer = api().patch(f"/api/v1/senders/{sender.pk}/", {"last_used_at": "2026-11-21T12:00:00Z"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "read_only")


def test_accounts_with_a_sender_of_their_own_are_named(acme: Workspace, bob_client: Client) -> None:
    make_account(acme)
    assert "of its own" not in bob_client.get("/senders/").content.decode()
    make_vendor_account(acme, "mx2", name="Our Mx2")
    page = bob_client.get("/senders/").content.decode()
    assert (
        "Our Mx2 sends from a sender of its own: there people do not see the one that is chosen here." in page
    )
    make_vendor_account(acme, "mobiz", name="Our Mobiz")
    assert "Our Mobiz, Our Mx2 send from senders of their own" in bob_client.get("/senders/").content.decode()
