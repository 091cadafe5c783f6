"""Codes of links: back and forth, of one length, and telling nothing about each other."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.links.codes import ALPHABET, ENTRIES, LENGTH, MAX_MESSAGE_ID, Coded, Coder

KEY = bytes(range(16))
coder = Coder(KEY)
IDS = st.integers(0, MAX_MESSAGE_ID)
CHOICES = st.integers(0, ENTRIES - 1)


def test_it_works() -> None:
    code = coder.encode(1_234_567, 3)
    assert len(code) == LENGTH
    assert coder.decode(code) == Coded(1_234_567, 3)


@given(message_id=IDS, entry=CHOICES)
@example(0, 0)
@example(MAX_MESSAGE_ID, ENTRIES - 1)
def test_each_code_leads_back(message_id: int, entry: int) -> None:
    assert coder.decode(coder.encode(message_id, entry)) == (message_id, entry)


@given(code=st.text(alphabet=ALPHABET, min_size=LENGTH, max_size=LENGTH))
@example("0" * LENGTH)
@example("z" * LENGTH)
def test_each_code_is_that_of_one_message(code: str) -> None:
    coded = coder.decode(code)
    assert coded is not None
    assert coded.message_id > MAX_MESSAGE_ID or coder.encode(*coded) == code


@pytest.mark.parametrize("code", ["", "abc", "abcdefghi", "abcd-fgh", "äbcdefgh", "abcdefg ", "٣٣٣٣٣٣٣٣"])
def test_other_words_are_no_codes(code: str) -> None:
    assert coder.decode(code) is None


def test_codes_stay_the_same_for_ever() -> None:
    """They stand in texts that people have kept."""
    assert [coder.encode(*coded) for coded in [(1, 0), (1, 1), (2, 0)]] == PRINTED


PRINTED = ["9MnhCOuo", "7JRDzqFZ", "lw7iVXfs"]


def test_neighbours_have_nothing_in_common() -> None:
    """Each character of consecutive codes is spread over the whole alphabet, and no code comes twice."""
    codes = [coder.encode(message_id, 0) for message_id in range(1, 20_001)]
    assert len(set(codes)) == len(codes)
    for place in range(1, LENGTH):  # the first is uneven, as 62^8 is no power of two
        counts = Counter(code[place] for code in codes)
        assert set(counts) == set(ALPHABET)
        assert max(counts.values()) < 2 * min(counts.values())


def test_another_key_makes_other_codes() -> None:
    other = Coder(bytes(16))
    assert other.encode(1, 0) != coder.encode(1, 0)
    assert other.decode(coder.encode(1, 0)) != (1, 0)


@pytest.mark.parametrize(("message_id", "entry"), [(-1, 0), (MAX_MESSAGE_ID + 1, 0), (1, ENTRIES), (1, -1)])
def test_rejects_what_no_code_can_hold(message_id: int, entry: int) -> None:
    with pytest.raises(ValueError, match="No code holds"):
        coder.encode(message_id, entry)


def test_rejects_a_key_of_another_length() -> None:
    with pytest.raises(ValueError, match="16 are needed"):
        Coder(b"short")
