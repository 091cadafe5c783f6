"""A broadcast and the budget of its month: blocked over it, warned near it, and nobody slips past at the same time."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.errors import LaunchRefused
from campaigns.models import Broadcast, BroadcastState
from campaigns.services import launch as launching
from campaigns.services.check import Check
from campaigns.services.checks import budget_checks, launch_checks
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts, remember_estimate, unschedule
from messaging.budget import budget_of
from providers.models import ProviderAccount
from tests.campaigns.makers import PEOPLE, make_draft, send

# 30 people, a part each, at 0.0079.
COST = Decimal("0.237")


def limit(workspace: Workspace, amount: Decimal | str | None) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(monthly_budget=amount)
    workspace.refresh_from_db()


def checks_of(broadcast: Broadcast) -> dict[str, Check]:
    fresh = Broadcast.objects.select_related("workspace", "account", "sender", "campaign").get(
        pk=broadcast.pk
    )
    return {check.code: check for check in launch_checks(fresh, estimate_of(fresh))}


def fresh(broadcast: Broadcast) -> Broadcast:
    return Broadcast.objects.select_related("workspace", "account", "sender", "campaign").get(pk=broadcast.pk)


def copy_of(broadcast: Broadcast, actor: Actor) -> Broadcast:
    return create_draft(workspace=broadcast.workspace, actor=actor, copy_of=broadcast)


def at(broadcast: Broadcast, actor: Actor, when: datetime) -> Broadcast:
    return save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes={"send_at": when})


def test_it_works(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    limit(acme, "1")
    assert not {"over_budget", "near_budget"} & checks_of(draft).keys()
    running = send(fresh(draft), actor)
    assert running.state == "running"
    assert (budget_of(acme).spent, budget_of(acme).agreed) == (0, COST)


def test_it_is_blocked_over_the_budget(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    limit(acme, "0.20")
    check = checks_of(draft)["over_budget"]
    assert check.level == "block"
    assert str(check.sentence).startswith("It costs $0.24, and $0.20 is left of the budget for")
    with pytest.raises(LaunchRefused):
        send(fresh(draft), actor)


def test_it_is_told_near_the_budget(acme: Workspace, draft: Broadcast) -> None:
    limit(acme, "0.29")
    check = checks_of(draft)["near_budget"]
    assert check.level == "warn"
    assert "With it 81% of the budget" in str(check.sentence)
    limit(acme, "0.30")
    assert "near_budget" not in checks_of(draft)


def test_another_currency_cannot_be_compared(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    limit(acme, "0.01")
    ProviderAccount.objects.update(currency="EUR")
    check = checks_of(draft)["budget_currency"]
    assert check.level == "warn"
    assert "charges in EUR, the workspace's budget is in USD" in str(check.sentence)
    send(fresh(draft), actor)
    assert budget_of(acme).used == 0


def test_what_is_scheduled_is_taken(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    with time_machine.travel(datetime(2026, 11, 10, 12, tzinfo=UTC), tick=False):
        limit(acme, "0.40")
        second = copy_of(draft, actor)
        scheduled = send(at(fresh(draft), actor, timezone.now() + timedelta(days=2)), actor, plan=False)
        assert scheduled.state == BroadcastState.SCHEDULED
        assert "over_budget" in checks_of(second)
        unschedule(broadcast=scheduled, actor=actor)
        assert "over_budget" not in checks_of(second)


def test_the_month_is_that_in_which_it_goes_out(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    with time_machine.travel(datetime(2026, 11, 28, 12, tzinfo=UTC), tick=False):
        limit(acme, "0.40")
        second, third = copy_of(draft, actor), copy_of(draft, actor)
        send(fresh(draft), actor)
        assert "over_budget" in checks_of(second)
        december = at(second, actor, datetime(2026, 12, 2, tzinfo=UTC))
        assert "over_budget" not in checks_of(december)
        send(fresh(december), actor, plan=False)
        assert "over_budget" in checks_of(at(third, actor, datetime(2026, 12, 3, tzinfo=UTC)))
        assert budget_of(acme).agreed == COST


def test_at_its_time_it_does_not_count_itself(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    with time_machine.travel(datetime(2026, 11, 10, 12, tzinfo=UTC), tick=False) as clock:
        limit(acme, "0.25")
        scheduled = send(at(fresh(draft), actor, timezone.now() + timedelta(hours=2)), actor, plan=False)
        clock.shift(timedelta(hours=2, minutes=1))
        assert launch_due_broadcasts() == 1
        scheduled.refresh_from_db()
        assert scheduled.state == BroadcastState.RUNNING
        assert budget_of(acme).agreed == COST


def test_at_its_time_it_asks_when_the_budget_shrank(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    with time_machine.travel(datetime(2026, 11, 10, 12, tzinfo=UTC), tick=False) as clock:
        limit(acme, "0.25")
        scheduled = send(at(fresh(draft), actor, timezone.now() + timedelta(hours=2)), actor, plan=False)
        limit(acme, "0.10")
        clock.shift(timedelta(hours=2, minutes=1))
        launch_due_broadcasts()
        scheduled.refresh_from_db()
        assert scheduled.state == BroadcastState.DRAFT
        assert "$0.10 is left of the budget" in scheduled.state_reason


def test_the_review_page_says_so(acme: Workspace, draft: Broadcast, bob_client: Client) -> None:
    limit(acme, "0.10")
    page = bob_client.get(f"/broadcasts/{draft.pk}/review/").content.decode()
    assert "$0.10 is left of the budget" in page


def test_without_a_budget_nothing_is_said(draft: Broadcast) -> None:
    assert not {"over_budget", "near_budget", "budget_currency"} & checks_of(draft).keys()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_both_pass(acme: Workspace, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are found good; then the second one waits until the first has begun, and sees what it has taken."""
    both_looking = threading.Barrier(2)

    def looked_at_together(broadcast: Broadcast, cost: Decimal) -> list[Check]:
        """As far as they may: the lock lets one of them in here at a time."""
        found = [*budget_checks(broadcast, cost)]
        with suppress(threading.BrokenBarrierError):
            both_looking.wait(timeout=1)
        return found

    monkeypatch.setattr(launching, "budget_checks", looked_at_together)
    actor = Actor(user=alice)
    first = make_draft(acme, actor)
    second = copy_of(first, actor)
    limit(acme, "0.30")
    digests = {}
    for one in (first, second):
        estimate = estimate_of(fresh(one))
        remember_estimate(broadcast=one, estimate=estimate)
        digests[one.pk] = estimate.digest
    refused: list[Exception] = []
    start = threading.Barrier(2)

    def begin(one: Broadcast) -> None:
        try:
            loaded = fresh(one)
            start.wait()
            launch(broadcast=loaded, actor=actor, launch_token=loaded.launch_token, digest=digests[loaded.pk])
        except Exception as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=begin, args=[one]) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in refused] == [LaunchRefused], refused
    assert Broadcast.objects.filter(state=BroadcastState.RUNNING).count() == 1
    assert budget_of(acme).agreed == PEOPLE * Decimal("0.0079")
