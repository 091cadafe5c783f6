"""Encoding, parts and cuts beside an implementation that shares nothing with ours: the package smsutil.

Where the two differ, 3GPP decides, and these texts are left out of the comparison and asserted by themselves:
- U+001B: smsutil sends it as it is. TS 23.038, 6.2.1, note 1: code 0x1B is the escape to the extension table, no
  character; ours makes such a text UCS-2.
- The empty text: smsutil has one empty UCS-2 part. Nothing is sent for it: ours has none.
"""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sms.parts import GSM_BASIC, GSM_EXTENSION, count_parts, part_count, split_parts

ENCODINGS = {"gsm0338": "GSM-7", "utf_16_be": "UCS-2"}
FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
THUMB = "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}"
FLAG = "\N{REGIONAL INDICATOR SYMBOL LETTER D}\N{REGIONAL INDICATOR SYMBOL LETTER E}"
HEART = "\N{HEAVY BLACK HEART}\ufe0f"
KEYCAP = "1\ufe0f\u20e3"
COMBINED = ("e\u0301", "q\u0323\u0302", "\u05e9\u05c1\u05b8", "\u0939\u093f\u0928\u094d\u0926\u0940")
ANY = st.characters(exclude_characters="\x1b")
PLAIN = st.sampled_from(GSM_BASIC)
DOUBLE = st.sampled_from(GSM_EXTENSION)
CLUSTERS = st.sampled_from([FAMILY, THUMB, FLAG, HEART, KEYCAP, *COMBINED, "\u200b", "\u202e", "\u200f"])
BMP = st.characters(min_codepoint=0x80, max_codepoint=0xFFFF, exclude_categories=["Cs"])
ASTRAL = st.characters(min_codepoint=0x10000)
TEXTS = st.one_of(
    st.text(PLAIN, min_size=1, max_size=330),
    st.lists(PLAIN | DOUBLE, min_size=1, max_size=330).map("".join),
    st.lists(BMP | ASTRAL | CLUSTERS, min_size=1, max_size=150).map("".join),
    st.lists(PLAIN | DOUBLE | BMP | ASTRAL | CLUSTERS, min_size=1, max_size=150).map("".join),
    st.text(ANY, min_size=1, max_size=150),
    st.lists(st.sampled_from(["a", "\ud800", "\udc00", "\N{PARTY POPPER}"]), min_size=1, max_size=150).map(
        "".join
    ),
)


def agrees(text: str) -> None:
    theirs = smsutil.split(text)
    ours = count_parts(text)
    assert ours.encoding == ENCODINGS[theirs.encoding]
    assert split_parts(text) == [part.content for part in theirs.parts]
    assert part_count(text) == ours.parts == len(theirs.parts)
    size = 1 if ours.encoding == "GSM-7" else 2
    assert ours.units * size == theirs.total_bytes
    single, each = (160, 153) if ours.encoding == "GSM-7" else (70, 67)
    room = single if ours.parts == 1 else each
    assert ours.left == room - theirs.parts[-1].bytes // size


def test_it_works() -> None:
    agrees("Hello €")
    agrees(f"Hello {FAMILY}")


@given(TEXTS)
@example("\f" * 153)
@example("a" * 152 + "€" + "a" * 152)
@example("Ж" * 66 + "\N{PARTY POPPER}" + "Ж" * 66)
@settings(max_examples=400)
def test_any_text(text: str) -> None:
    agrees(text)


def test_each_latin_letter_and_sign() -> None:
    for code in {*range(0x250)} - {0x1B}:
        agrees(chr(code))
        agrees(chr(code) * 161)


@pytest.mark.parametrize("border", [153, 160, 306])
def test_each_character_of_both_tables_at_each_border(border: int) -> None:
    for char in GSM_BASIC + GSM_EXTENSION:
        for before in range(border - 3, border + 2):
            text = "a" * before + char
            assert count_parts(text).encoding == "GSM-7", char
            assert count_parts(text).units == before + (2 if char in GSM_EXTENSION else 1), char
            agrees(text)
            agrees(text + "b" * 10)


def test_each_letter_in_both_cases() -> None:
    """A letter of the table says nothing of its other case: Ç is GSM-7, ç is not; à is, À is not."""
    for char in filter(str.isalpha, GSM_BASIC):
        for other in {char, char.lower(), char.upper(), char.swapcase()}:
            in_table = all(one in GSM_BASIC for one in other)
            assert (count_parts(other).encoding == "GSM-7") == in_table, other
            agrees(other)


def test_the_other_cases_that_are_not_in_the_table() -> None:
    """By hand from TS 23.038, table 6.2.1: what the loop above cannot have wrong with the table."""
    assert all(count_parts(char).encoding == "GSM-7" for char in "ÇØøÅåÆæßÉèéùìòÄÖÑÜäöñüàΔΦΓΛΩΠΨΣΘΞ")
    assert all(count_parts(char).encoding == "UCS-2" for char in "çÈÙÌÒÀδφγλωπψσθξẞ")


@pytest.mark.parametrize("length", [159, 160, 161, 305, 306, 307, 458, 459, 460])
def test_borders_of_septets(length: int) -> None:
    agrees("a" * length)
    agrees("€" * (length // 2) + "a" * (length % 2))
    agrees("a" * (length % 2) + "€" * (length // 2))


@pytest.mark.parametrize("length", [69, 70, 71, 133, 134, 135, 200, 201, 202])
@pytest.mark.parametrize("char", ["ç", "Ж", "\u200b", "\u202e", "\u0301"])
def test_borders_of_utf16_units(length: int, char: str) -> None:
    agrees(char * length)
    agrees(char + "a" * (length - 1))


@pytest.mark.parametrize("cluster", [FAMILY, THUMB, FLAG, HEART, KEYCAP, *COMBINED])
@pytest.mark.parametrize("border", [67, 70, 134])
def test_clusters_at_each_border(cluster: str, border: int) -> None:
    """A cluster may be cut between its characters (so do the networks), never inside one of them."""
    for before in range(border - 9, border + 2):
        text = "Ж" * before + cluster + "b" * 5
        agrees(text)
        assert all(part.encode("utf-16-le") for part in split_parts(text))


def test_where_the_standard_is_right_and_smsutil_is_not() -> None:
    assert smsutil.split("\x1b").encoding == "gsm0338"
    assert count_parts("\x1b").encoding == "UCS-2"
    assert len(smsutil.split("").parts) == 1
    assert count_parts("").parts == part_count("") == len(split_parts("")) == 0


def test_long_texts() -> None:
    for text in ("a€" * 50_000, "\N{PARTY POPPER}ç" * 50_000, "\u200b" * 100_000):
        agrees(text)
