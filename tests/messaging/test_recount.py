"""Counters beside the ledger: what differs is found and put right."""

from __future__ import annotations

import pytest

from accounts.models import Workspace
from messaging.models import Dispatch, MessageCount
from messaging.recount import Miscount, miscounts, recount
from tests.engine.makers import make_account, make_dispatch

pytestmark = pytest.mark.django_db


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_dispatch(acme, make_account(acme), people=5)


def test_it_works(dispatch: Dispatch) -> None:
    assert list(miscounts()) == []
    assert recount(dispatch.pk) == []


def test_it_finds_and_mends_a_wrong_counter(dispatch: Dispatch) -> None:
    MessageCount.objects.filter(dispatch=dispatch).update(count=7)
    wrong = [Miscount(dispatch.pk, "queued", "", 7, 5)]
    assert list(miscounts()) == wrong
    assert recount(dispatch.pk) == wrong
    assert list(miscounts()) == []


def test_it_finds_and_mends_a_missing_counter(dispatch: Dispatch) -> None:
    dispatch.counts.all().delete()
    assert recount(dispatch.pk) == [Miscount(dispatch.pk, "queued", "", 0, 5)]
    assert dispatch.counts.get().count == 5


def test_it_finds_and_mends_a_counter_of_nothing(dispatch: Dispatch) -> None:
    MessageCount.objects.create(dispatch=dispatch, state="failed", reason="bad_number", count=2)
    assert recount(dispatch.pk) == [Miscount(dispatch.pk, "failed", "bad_number", 2, 0)]
    assert list(miscounts()) == []


def test_one_dispatch_says_nothing_of_another(dispatch: Dispatch, acme: Workspace) -> None:
    other = make_dispatch(acme, dispatch.account, people=3, broadcast_id=2, name="Others")
    MessageCount.objects.filter(dispatch=other).update(count=0)
    assert recount(dispatch.pk) == []
    assert [one.dispatch_id for one in miscounts()] == [other.pk]
