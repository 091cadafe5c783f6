"""The life cycle: what may follow what, and the API's numbers."""

from __future__ import annotations

import itertools

import pytest

from sms import states
from sms.states import MessageState as S
from sms.states import may_follow


def test_it_works() -> None:
    path = [S.QUEUED, S.SUBMITTING, S.SENT, S.DELIVERED]
    assert all(may_follow(old, new) for old, new in itertools.pairwise(path))


@pytest.mark.parametrize(
    ("old", "allowed"),
    [
        (S.QUEUED, set(S) - {S.QUEUED}),
        (S.HELD, set(S) - {S.HELD}),
        (S.SUBMITTING, set(S) - {S.QUEUED, S.HELD, S.SUBMITTING}),
        (S.UNKNOWN, {S.SENT, S.DELIVERED, S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED}),
        (S.SENT, {S.DELIVERED, S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED}),
        (S.DELIVERED, set()),
        (S.UNDELIVERED, set()),
        (S.EXPIRED, set()),
        (S.REJECTED, set()),
        (S.FAILED, set()),
        (S.SUPPRESSED, set()),
        (S.CANCELLED, set()),
    ],
)
def test_each_state_is_followed_by_these_only(old: S, allowed: set[S]) -> None:
    assert {new for new in S if may_follow(old, new)} == allowed


def test_a_late_sent_never_overwrites_a_report() -> None:
    assert not may_follow(S.DELIVERED, S.SENT)
    assert not may_follow(S.SENT, S.UNKNOWN)


def test_no_chain_of_changes_comes_back_except_among_the_waiting() -> None:
    assert all(
        states.RANK[new] > states.RANK[old] or {old, new} == states.WAITING
        for old, new in itertools.product(S, S)
        if may_follow(old, new)
    )


def test_predecessors_say_the_same_as_may_follow() -> None:
    assert {(old, new) for new, olds in states.PREDECESSORS.items() for old in olds} == {
        (old, new) for old, new in itertools.product(S, S) if may_follow(old, new)
    }


def test_every_state_is_waiting_on_the_way_or_final_and_has_a_label() -> None:
    groups = [states.WAITING, states.ON_THE_WAY, states.FINAL]
    assert sorted(itertools.chain(*groups)) == sorted(S)
    assert set(states.RANK) == set(states.LABEL) == set(S)
    assert {"queued", "held"} == states.WAITING
    assert {"submitting", "unknown", "sent"} == states.ON_THE_WAY
    assert {"submitting"} == states.RETURNABLE


def test_numbers_of_delivery_reports() -> None:
    heard = {number: (name, str(states.STATE_OF_DLR[number])) for number, name in states.DLR_NAME.items()}
    assert heard == {
        1: ("ENROUTE", "sent"),
        2: ("DELIVRD", "delivered"),
        3: ("EXPIRED", "expired"),
        4: ("DELETED", "undelivered"),
        5: ("UNDELIV", "undelivered"),
        6: ("ACCEPTD", "sent"),
        7: ("UNKNOWN", "unknown"),
        8: ("REJECTD", "rejected"),
        9: ("FAILED", "failed"),
    }


def test_a_state_that_has_begun_is_told_by_the_number_that_means_it() -> None:
    assert set(S) - set(states.DLR_NUMBER) == {S.QUEUED, S.HELD, S.SUBMITTING}
    told = {state: states.STATE_OF_DLR[number] for state, number in states.DLR_NUMBER.items()}
    differing = {state for state, heard in told.items() if heard is not state}
    assert differing == {S.CANCELLED, S.SUPPRESSED}  # both are told as DELETED: they never left
