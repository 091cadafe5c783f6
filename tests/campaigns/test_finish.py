"""When a broadcast will be through: from the pace, the limit of a day, and what runs beside on the same account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.control import pause_broadcast
from campaigns.services.finish import finish_of_running
from messaging.finish import Finish, finish_of
from messaging.models import Dispatch
from providers.daily import take, use_today
from providers.health import Tally, note_tally
from providers.models import ProviderAccount
from tests.campaigns.makers import make_draft, send
from tests.engine.makers import make_account
from tests.people import api_client

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    """Ten parts a second."""
    return make_account(acme, parts_per_second=Decimal(10), max_in_flight=4)


def beside(account: ProviderAccount, *parts: int, state: str = "running") -> None:
    for number in parts:
        Dispatch.objects.create(
            workspace=account.workspace,
            account=account,
            state=state,
            agreed_parts=number + 50,
            claimed_parts=50,
        )


def seconds(finish: Finish) -> tuple[float, float]:
    return (finish.earliest - NOW).total_seconds(), (finish.latest - NOW).total_seconds()


def test_alone_it_goes_at_the_pace(account: ProviderAccount) -> None:
    found = finish_of(account, 6000)
    assert seconds(found) == (600, 600)
    assert found.is_narrow
    assert found.reason == "bulkvs test sends 10 parts a second at most."


def test_what_runs_beside_is_shared_with_or_waited_for(account: ProviderAccount) -> None:
    beside(account, 20_000, 1000)
    beside(account, 5000, state="paused")
    beside(make_account(account.workspace, name="another"), 5000)
    found = finish_of(account, 6000)
    assert seconds(found) == (600 + 600 + 100, 600 + 2000 + 100)
    assert (found.ahead_parts, found.is_narrow) == (21_000, False)
    assert found.reason.endswith("21,000 parts of what runs already go through it, too.")


def test_a_slow_provider_is_reckoned_with(account: ProviderAccount) -> None:
    """Four at once, two seconds each: two texts a second."""
    note_tally(account.pk, Tally(taken=100, answered=100, milliseconds=200_000))
    found = finish_of(account, 600, texts=600)
    assert seconds(found) == (60, 300)
    assert "answers so slowly of late that it is 2 a second" in found.reason
    assert seconds(finish_of(account, 600, texts=200)) == (60, 100)


def test_few_answers_and_quick_ones_say_nothing(account: ProviderAccount) -> None:
    note_tally(account.pk, Tally(taken=5, answered=5, milliseconds=200_000))
    assert seconds(finish_of(account, 600)) == (60, 60)
    note_tally(account.pk, Tally(taken=10_000, answered=10_000, milliseconds=200_000))
    assert seconds(finish_of(account, 600)) == (60, 60)


def test_what_is_over_before_it_begins_holds_it_up_no_more(account: ProviderAccount) -> None:
    beside(account, 6000)
    at = NOW + timedelta(minutes=8)
    assert seconds(finish_of(account, 600, at=at)) == (480 + 120, 480 + 60 + 120)
    assert finish_of(account, 600, at=NOW + timedelta(hours=1)).ahead_parts == 0
    assert finish_of(account, 600, at=NOW - timedelta(hours=1)).begins_at == NOW


def test_a_limit_of_a_day_carries_over(account: ProviderAccount) -> None:
    """A thousand a day, of which a twentieth is for codes; the day ends where the workspace is."""
    Workspace.objects.update(time_zone="Europe/Berlin")
    account.workspace.refresh_from_db()
    account.parts_per_day = 1000
    take(account.pk, use_today(account).day, [450], 950)
    found = finish_of(account, 500)
    assert seconds(found) == (50, 50)
    found = finish_of(account, 500 + 950 + 100)
    midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert found.earliest == found.latest == midnight + timedelta(days=1, seconds=10)
    assert "It sends 950 parts a day." in found.reason


def test_a_pace_below_the_limit_of_a_day_decides(account: ProviderAccount) -> None:
    account.parts_per_day = 10_000_000
    assert seconds(finish_of(account, 2_000_000)) == (200_000, 200_000)


def test_never_is_far_away(account: ProviderAccount) -> None:
    account.parts_per_day = 1
    assert finish_of(account, 10_000_000).latest > NOW + timedelta(days=3000)


# --- of a broadcast -----------------------------------------------------------------------------------------


@pytest.fixture
def slow(acme: Workspace, actor: Actor) -> Broadcast:
    """Thirty parts at one in two seconds."""
    return make_draft(acme, actor, parts_per_second=Decimal("0.5"))


def test_while_it_runs_what_is_left_counts(slow: Broadcast, actor: Actor) -> None:
    assert slow.account is not None
    running = send(slow, actor)
    found = finish_of_running(running)
    assert found is not None
    assert (found.parts, found.ahead_parts, seconds(found)) == (30, 0, (60, 60))
    Dispatch.objects.filter(segment__broadcast=running).update(claimed_parts=20)
    found = finish_of_running(running)
    assert found is not None
    assert seconds(found) == (20, 20)
    assert finish_of_running(pause_broadcast(broadcast=running, actor=actor)) is None


def test_review_report_and_api_tell_it(bob_client: Client, slow: Broadcast, actor: Actor) -> None:
    assert slow.account is not None
    beside(slow.account, 100)
    client = api_client()
    url = f"/api/v1/broadcasts/{slow.pk}/"
    told = client.get(f"{url}estimate/").json()["finish"]
    assert (told["parts"], told["ahead_parts"], told["per_second"]) == (30, 100, 0.5)
    assert (told["earliest"], told["latest"]) == ("2026-11-22T09:02:00Z", "2026-11-22T09:04:20Z")
    review = bob_client.get(f"/broadcasts/{slow.pk}/review/").content.decode()
    assert "<dt>All sent</dt>" in review
    assert "100 parts of what runs already go through it, too." in review
    send(slow, actor)
    assert client.get(f"{url}report/").json()["finish"]["parts"] == 30
    assert "100 parts of what runs already" in bob_client.get(f"/broadcasts/{slow.pk}/").content.decode()
