"""Two editors of one thing, whose forms are those of web.edited: the second sees what the first has changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Campaign
from contacts.models import RecipientList, UnsubscribeList
from messaging.webhooks.endpoints import create_endpoint
from tests.providers.makers import make_account
from web.edited import changed_since, marks_of

Make = Callable[[Workspace], Model]


def _workspace(acme: Workspace) -> Model:
    return acme


def _campaign(acme: Workspace) -> Model:
    return Campaign.objects.create(workspace=acme, name="First")


def _list(acme: Workspace) -> Model:
    return RecipientList.objects.create(workspace=acme, name="First")


def _unsubscribe_list(acme: Workspace) -> Model:
    return UnsubscribeList.objects.create(workspace=acme, name="First")


def _account(acme: Workspace) -> Model:
    return make_account(acme, name="First")


def _webhook(acme: Workspace) -> Model:
    return create_endpoint(workspace=acme, actor=Actor(), url="https://example.com/first").endpoint


GENERAL = {
    "typed_count_above": "1000",
    "name": "acme",
    "time_zone": "America/New_York",
    "default_country": "US",
    "currency": "USD",
    "quiet_from": "21:00",
    "quiet_to": "08:00",
}
ACCOUNT = {"parts_per_second": "10", "max_in_flight": "64", "currency": "USD"}
# The row; its page and where its form goes; the field; what the first and the second save; what the second is told.
PAGES: list[tuple[Make, str, str, str, dict[str, Any], dict[str, Any], str]] = [
    (
        _campaign,
        "/campaigns/{pk}/",
        "",
        "name",
        {"name": "Theirs", "enabled": "on"},
        {"name": "Mine", "enabled": "on"},
        "Name (now: Theirs)",
    ),
    (_list, "/lists/{pk}/rename/", "", "name", {"name": "Theirs"}, {"name": "Mine"}, "Name (now: Theirs)"),
    (
        _unsubscribe_list,
        "/opt-outs/lists/{pk}/rename/",
        "",
        "name",
        {"name": "Theirs"},
        {"name": "Mine"},
        "Name (now: Theirs)",
    ),
    (
        _account,
        "/providers/{pk}/settings/",
        "/providers/{pk}/edit/",
        "name",
        ACCOUNT | {"name": "Theirs"},
        ACCOUNT | {"name": "Mine"},
        "Name (now: Theirs)",
    ),
    (
        _webhook,
        "/settings/webhooks/{pk}/",
        "",
        "url",
        {"url": "https://example.com/theirs", "events": ["link.clicked"]},
        {"url": "https://example.com/mine", "events": ["link.clicked"]},
        "Address (now: https://example.com/theirs)",
    ),
    (
        _workspace,
        "/settings/",
        "",
        "name",
        GENERAL | {"name": "Theirs"},
        GENERAL | {"name": "Mine"},
        "Name (now: Theirs)",
    ),
    (
        _workspace,
        "/settings/texts/",
        "",
        "swaps_characters",
        {"swaps_characters": "on"},
        {"short_domain": "https://sho.example.com"},
        "Swap characters that make texts dearer (now: yes)",
    ),
    (
        _workspace,
        "/settings/sending/",
        "",
        "failure_limit",
        {"failure_limit": "20", "failure_sample": "200", "frequency_days": "7"},
        {"failure_limit": "30", "failure_sample": "200", "frequency_days": "7"},
        "Pause when more than so many of a hundred fail (now: 20)",
    ),
    (
        _workspace,
        "/settings/budget/",
        "",
        "monthly_budget",
        {"monthly_budget": "500"},
        {"monthly_budget": "700"},
        "Budget a month (now: 500.00)",
    ),
]


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("make", "page", "action", "field", "first", "second", "told"), PAGES, ids=[each[1] for each in PAGES]
)
def test_the_second_is_told_what_changed_and_may_save_again(
    make: Make,
    page: str,
    action: str,
    field: str,
    first: dict[str, Any],
    second: dict[str, Any],
    told: str,
    acme: Workspace,
    alice_client: Client,
) -> None:
    row = make(acme)
    page, action = page.format(pk=row.pk), (action or page).format(pk=row.pk)
    seen = seen_on(alice_client.get(page).content.decode())
    assert alice_client.post(action, first | {"seen": seen}).status_code == 302
    row.refresh_from_db()
    theirs = getattr(row, field)
    answer = alice_client.post(action, second | {"seen": seen})
    html = answer.content.decode()
    assert (answer.status_code, told in html) == (422, True), html[:3000]
    typed = next(iter(second.values()))
    assert f'value="{typed}"' in html
    row.refresh_from_db()
    assert getattr(row, field) == theirs
    assert alice_client.post(action, second | {"seen": seen_on(html)}).status_code == 302
    row.refresh_from_db()
    assert getattr(row, field) != theirs


def test_what_nobody_changed_is_no_news(acme: Workspace, bob_client: Client) -> None:
    row = _campaign(acme)
    seen = seen_on(bob_client.get(f"/campaigns/{row.pk}/").content.decode())
    Campaign.objects.filter(pk=row.pk).update(is_default=True)
    answer = bob_client.post(f"/campaigns/{row.pk}/", {"name": "Mine", "enabled": "on", "seen": seen})
    assert answer.status_code == 302


@pytest.mark.parametrize("seen", ["", "nonsense", "name", "other:1", "a:b:c", "name:"])
def test_marks_may_be_anything(seen: str) -> None:
    assert changed_since(seen, {"name": "Sale"}) == (["name"] if seen == "name:" else [])


def test_marks_are_of_each_field() -> None:
    seen = marks_of({"name": "Sale", "url": "a"})
    assert changed_since(seen, {"name": "Sale", "url": "b"}) == ["url"]
    assert changed_since(seen, {"name": "Sale", "url": "a"}) == []
