"""One clock an account, however many ask it at once. Times are fixed; nothing here waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import Workspace
from providers.models import Pace
from providers.pace import PUSH_BACK_MOST, forget, push_back, reserve
from tests.people import workspace_named
from tests.providers.makers import make_account

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def seconds_after(at: datetime) -> float:
    return (at - NOW).total_seconds()


def test_it_works(acme: Workspace) -> None:
    account = make_account(acme)
    starts = [reserve(account.pk, parts, 10, NOW) for parts in (5, 1, 20, 1)]
    assert [seconds_after(start) for start in starts] == [0, 0.5, 0.6, 2.6]


def test_an_idle_account_starts_now_and_saves_nothing_up(acme: Workspace) -> None:
    account = make_account(acme)
    reserve(account.pk, 10, 10, NOW - timedelta(hours=1))
    assert reserve(account.pk, 10, 10, NOW) == NOW
    assert reserve(account.pk, 10, 10, NOW) == NOW + timedelta(seconds=1)


def test_accounts_do_not_share_their_pace(acme: Workspace) -> None:
    slow, quick = make_account(acme), make_account(acme, "bulkvs")
    reserve(slow.pk, 1000, 1, NOW)
    assert reserve(quick.pk, 1, 1, NOW) == NOW


def test_a_clock_that_lags_behind_waits_for_the_others(acme: Workspace) -> None:
    account = make_account(acme)
    reserve(account.pk, 10, 10, NOW)
    assert reserve(account.pk, 1, 10, NOW - timedelta(seconds=5)) == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(("parts", "rate"), [(1, 0), (1, -1), (-1, 10)])
def test_rejects_senseless_reservations(acme: Workspace, parts: int, rate: float) -> None:
    with pytest.raises(ValueError, match="cannot be reserved"):
        reserve(make_account(acme).pk, parts, rate, NOW)


@pytest.mark.parametrize("used_before", [True, False])
def test_push_back_moves_the_next_start_and_never_back(acme: Workspace, used_before: bool) -> None:
    account, now = make_account(acme), timezone.now()
    if used_before:
        reserve(account.pk, 1, 10, now)
    push_back(account.pk, now + timedelta(seconds=60))
    push_back(account.pk, now + timedelta(seconds=30))
    assert reserve(account.pk, 1, 10, now) == now + timedelta(seconds=60)


def test_push_back_is_bounded(acme: Workspace) -> None:
    account, now = make_account(acme), timezone.now()
    push_back(account.pk, now + timedelta(days=365))
    assert Pace.objects.get(account=account).next_free_at <= timezone.now() + PUSH_BACK_MOST


def test_forget_starts_afresh(acme: Workspace) -> None:
    account = make_account(acme)
    reserve(account.pk, 10_000, 0.01, NOW)
    forget(account.pk)
    assert reserve(account.pk, 1, 10, NOW) == NOW


@pytest.mark.django_db(transaction=True)
def test_threads_never_get_the_same_time() -> None:
    account = make_account(workspace_named("acme"))
    threads, each, parts, rate = 6, 25, 3, 100

    def take(_number: int) -> list[datetime]:
        try:
            return [reserve(account.pk, parts, rate, NOW) for _ in range(each)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        starts = sorted(start for found in pool.map(take, range(threads)) for start in found)
    step = timedelta(seconds=parts / rate)
    assert starts == [NOW + step * turn for turn in range(threads * each)]
