"""Which sender of a list a message carries: even, the same at every try, and with as few moves as can be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content import seed_of
from messaging.sender_choice import PLACE, SenderChooser
from messaging.tokens import choice

ALL = [(f"1202555{number:04}", []) for number in range(8)]
PEOPLE = [f"1201{number:07}" for number in range(20_000)]
US, GB, MX = "12015550123", "447400123456", "525512345678"

senders = st.lists(st.sampled_from([value for value, _ in ALL]), min_size=1, max_size=8, unique=True)
people = st.integers(min_value=10**9, max_value=10**15 - 1).map(str)


def spread(sticky: bool, count: int) -> Counter[str]:
    chooser = SenderChooser(ALL[:count], sticky=sticky)
    return Counter(chooser.choose(msisdn, seed_of(7, msisdn)) for msisdn in PEOPLE)


@pytest.mark.parametrize("sticky", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_it_works(sticky: bool, count: int) -> None:
    """Even: five standard deviations of a fair draw, and no sender left aside."""
    found = spread(sticky, count)
    fair = len(PEOPLE) / count
    assert len(found) == count
    assert all(abs(number - fair) <= 5 * (fair * (1 - 1 / count)) ** 0.5 for number in found.values())


def test_random_is_the_choice_of_the_seed_at_its_own_place() -> None:
    seed = seed_of(7, US)
    assert SenderChooser(ALL, sticky=False).choose(US, seed) == ALL[choice(seed, PLACE, len(ALL))][0]
    drawn = {SenderChooser(ALL, sticky=False).choose(US, seed_of(n, US)) for n in range(1, 60)}
    assert len(drawn) == len(ALL)


def test_sticky_is_the_same_in_every_broadcast() -> None:
    assert len({SenderChooser(ALL, sticky=True).choose(US, seed_of(n, US)) for n in range(1, 60)}) == 1


@given(
    people,
    senders.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))),
    st.booleans(),
    st.integers(min_value=1, max_value=2**60),
)
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_list_does_not_matter(
    msisdn: str, orders: tuple[list[str], list[str]], sticky: bool, seed: int
) -> None:
    chosen = {
        SenderChooser([(value, []) for value in values], sticky=sticky).choose(msisdn, seed)
        for values in orders
    }
    assert len(chosen) == 1


@given(people, senders, st.integers(min_value=1, max_value=2**60))
@settings(max_examples=300, deadline=None)
def test_sticky_moves_people_to_a_new_sender_only(msisdn: str, values: list[str], seed: int) -> None:
    """And a sender that goes moves its own people only: the same, read backwards."""
    before = SenderChooser([(value, []) for value in values], sticky=True).choose(msisdn, seed)
    after = SenderChooser([(value, []) for value in [*values, "Northwind"]], sticky=True).choose(msisdn, seed)
    assert after in (before, "Northwind")


def test_sticky_moves_no_more_than_the_share_of_the_new_sender() -> None:
    three, four = (SenderChooser(ALL[:count], sticky=True) for count in (3, 4))
    moved = sum(three.choose(msisdn, 0) != four.choose(msisdn, 0) for msisdn in PEOPLE)
    assert abs(moved - len(PEOPLE) / 4) <= 5 * (len(PEOPLE) * 0.25 * 0.75) ** 0.5


def test_only_senders_of_the_country_take_part() -> None:
    chooser = SenderChooser([("Northwind", ["GB"]), ("12025550100", ["US", "CA"])], sticky=False)
    assert chooser.choose(US, 1) == "12025550100"
    assert chooser.choose(GB, 1) == "Northwind"
    assert chooser.choose(MX, 1) == ""
    assert chooser.may_leave_out


def test_a_sender_of_no_country_sends_everywhere() -> None:
    chooser = SenderChooser([("Northwind", ["GB"]), ("Everywhere", [])], sticky=True)
    assert chooser.choose(MX, 1) == "Everywhere"
    assert set(chooser.fitting(GB)) == {"Northwind", "Everywhere"}
    assert not chooser.may_leave_out


def test_an_empty_list_has_nobody() -> None:
    assert SenderChooser([], sticky=True).choose(US, 1) == ""
