"""Told from an id alone: only where it is certain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from messaging.links import ranges
from messaging.links.lookup import Lookup
from messaging.links.ranges import read_ranges
from messaging.models import Dispatch, Message
from tests.engine.makers import make_account, make_dispatch
from tests.messaging.links.makers import code_of, make_linked_dispatch, messages_of

LONG_AGO = timedelta(minutes=5)


def settle(dispatch: Dispatch) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(started_at=timezone.now() - LONG_AGO)


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    made = make_linked_dispatch(acme, people=5)
    settle(made)
    return made


def test_it_works(dispatch: Dispatch) -> None:
    found = read_ranges()
    ids = [message.pk for message in messages_of(dispatch)]
    assert {found.dispatch_of(pk) for pk in ids} == {dispatch.pk}
    assert found.dispatch_of(ids[0] - 1) is None
    assert found.dispatch_of(ids[-1] + 1) is None


def test_one_that_has_just_begun_is_not_certain(acme: Workspace) -> None:
    """A transaction that took an id between its own may still be open."""
    dispatch = make_linked_dispatch(acme)
    assert read_ranges().dispatch_of(messages_of(dispatch)[0].pk) is None


def test_one_that_reaches_over_another_is_not_certain(acme: Workspace, dispatch: Dispatch) -> None:
    other = make_dispatch(acme, make_account(acme, name="other"), people=2, name="Others", broadcast_id=2)
    first, last = (message.pk for message in (messages_of(dispatch)[1], messages_of(dispatch)[3]))
    Dispatch.objects.filter(pk=other.pk).update(
        first_message_id=first, last_message_id=last, started_at=timezone.now() - LONG_AGO
    )
    answers = [read_ranges().dispatch_of(message.pk) for message in messages_of(dispatch)]
    assert answers == [dispatch.pk, None, None, None, dispatch.pk]


def test_nothing_is_certain_of_what_was_planned_into_a_reserve(acme: Workspace, dispatch: Dispatch) -> None:
    """Those between may have been moved to a dispatch that is newer than what was read."""
    other = make_dispatch(acme, make_account(acme, name="other"), people=2, name="Others", broadcast_id=2)
    first, last = (messages_of(dispatch)[place].pk for place in (3, 4))
    Dispatch.objects.filter(pk=other.pk).update(
        first_message_id=first, last_message_id=last, started_at=timezone.now(), is_reserve=True
    )
    answers = [read_ranges().dispatch_of(message.pk) for message in messages_of(dispatch)]
    assert answers == [dispatch.pk] * 3 + [None] * 2


def test_while_another_is_being_planned_nothing_that_ran_after_it_is_certain(
    acme: Workspace, dispatch: Dispatch
) -> None:
    """It may have taken ids between those of ours."""
    other = make_dispatch(
        acme, make_account(acme, name="other"), people=2, name="Others", broadcast_id=2, start=False
    )
    pk = messages_of(dispatch)[0].pk
    assert read_ranges().dispatch_of(pk) == dispatch.pk, "begun after ours ran: its ids are higher"
    Dispatch.objects.filter(pk=other.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert read_ranges().dispatch_of(pk) is None


def test_with_too_many_none_is_certain(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST", 0)
    assert read_ranges().dispatch_of(messages_of(dispatch)[0].pk) is None


def test_a_first_visit_is_led_on_without_the_ledger(
    dispatch: Dispatch, django_assert_num_queries: Any
) -> None:
    lookup = Lookup()
    first, second = (code_of(message) for message in messages_of(dispatch)[:2])
    lookup.find(first)
    with django_assert_num_queries(0):
        found = lookup.find(second)
    assert found is not None
    assert found.url == "https://example.com/sale"


def test_a_message_that_was_never_there_is_nobodys(dispatch: Dispatch) -> None:
    """An id that a planned row gave up is within the range: its code was never sent, so nobody has it."""
    message = messages_of(dispatch)[2]
    code = code_of(message)
    Message.objects.filter(pk=message.pk).delete()
    assert Lookup().find(code) is not None
