"""What is remembered, and what is forgotten beyond the bound."""

import asyncio

import pytest

from providers.sandbox.dials import Dial, DialError, parse_delay
from providers.sandbox.state import INBOUND, OUTBOUND, Entry, State, iso


def entry(msisdn: str, text: str = "Hello", reference: str = "", direction: str = OUTBOUND) -> Entry:
    return Entry(direction, "messagewhiz", "", msisdn, "Crier", text, "id", reference=reference)


def test_the_oldest_texts_are_forgotten() -> None:
    state = State(keep=3)
    for number in range(5):
        state.accept(entry(f"1201555010{number}"))
    assert [handset.msisdn for handset in state.latest_handsets()] == [
        "12015550104",
        "12015550103",
        "12015550102",
    ]
    assert (state.counters.accepted, state.counters.forgotten) == (5, 2)
    assert len(state.entries) == 3


def test_a_handset_outlives_its_oldest_texts() -> None:
    state = State(keep=2)
    for text in "abc":
        state.accept(entry("12015550100", text))
    assert [entry.text for entry in state.handsets["12015550100"].thread] == ["b", "c"]


def test_replies_count_towards_the_bound_only() -> None:
    state = State(keep=2)
    state.accept(entry("12015550100"))
    state.write_back(entry("12015550100", direction=INBOUND))
    state.write_back(entry("12015550100", direction=INBOUND))
    state.write_back(entry("12015550100", direction=INBOUND))
    assert (state.counters.accepted, state.counters.forgotten) == (1, 1)
    assert len(state.handsets["12015550100"].thread) == 2
    assert state.handsets["12015550100"].latest_outbound() is None


def test_copies_are_counted_by_reference_else_text() -> None:
    state = State()
    for text, reference in [("a", "1"), ("b", "1"), ("a", ""), ("a", ""), ("a", "")]:
        state.accept(entry("12015550100", text, reference))
    assert (state.counters.unique_texts, state.counters.most) == (2, 3)


def test_tries_are_bounded() -> None:
    state = State(keep=2)
    assert [state.tries("bulkvs", msisdn) for msisdn in ("1", "1", "2", "3")] == [1, 2, 1, 1]
    assert state.tries("bulkvs", "1") == 1, "forgotten as the oldest"


def test_times_are_written_as_documented() -> None:
    assert iso(1680018751.279) == "2023-03-28T15:52:31.279Z"


def test_a_number_has_one_delay() -> None:
    dial = Dial(receipt_delay_ms=(400, 2500))
    numbers = [f"120155501{number:02d}" for number in range(100)]
    delays = [dial.delay_of(number) for number in numbers]
    assert delays == [dial.delay_of(number) for number in numbers]
    assert 0.4 <= min(delays) < 0.7
    assert 2.2 < max(delays) <= 2.5


def test_turning_the_dial_releases_who_hangs() -> None:
    async def released() -> tuple[bool, bool]:
        dial = Dial()
        dial.turn({"hang": True})
        waiting = dial.released
        dial.turn({"latency_ms": 5})
        before = waiting.is_set()
        dial.turn({"hang": False})
        return before, waiting.is_set()

    assert asyncio.run(released()) == (False, True)


@pytest.mark.parametrize("text", ["400", "-", "400-", "-400", "a-b", "9-1", "1-99999999", "400–2500"])
def test_a_delay_must_be_a_range(text: str) -> None:
    with pytest.raises(DialError):
        parse_delay(text)


def test_a_delay_is_read() -> None:
    assert parse_delay("5 - 20") == (5, 20)
