"""Encoding, parts and swaps."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms.parts import (
    GSM_BASIC,
    GSM_EXTENSION,
    SMART_SWAPS,
    OddCharacter,
    Parts,
    count_parts,
    part_count,
    split_parts,
    swap_smart,
)

EMOJI = "\N{PARTY POPPER}"
CYRILLIC = "Ж"
# 3GPP TS 23.038, table 6.2.1: codes 0x00 to 0x7F by code point, 0x1B (escape) left out.
TABLE = [
    *[0x40, 0xA3, 0x24, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0x0A, 0xD8, 0xF8, 0x0D, 0xC5, 0xE5],
    *[0x394, 0x5F, 0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398, 0x39E, 0xC6, 0xE6, 0xDF, 0xC9],
    *[*range(0x20, 0x24), 0xA4, *range(0x25, 0x40)],
    *[0xA1, *range(0x41, 0x5B), 0xC4, 0xD6, 0xD1, 0xDC, 0xA7],
    *[0xBF, *range(0x61, 0x7B), 0xE4, 0xF6, 0xF1, 0xFC, 0xE0],
]
# Every kind of character a cut can meet, and all the rest.
TEXTS = st.one_of(
    st.text(alphabet=st.sampled_from("ab€^{}~|\n"), max_size=500),
    st.text(alphabet=st.sampled_from(["a", CYRILLIC, EMOJI, "é"]), max_size=250),
    st.text(max_size=200),
    st.text(alphabet=st.sampled_from(["a", "\ud800", "\udc00", EMOJI]), max_size=200),
)


def test_it_works() -> None:
    assert count_parts("Hello €") == Parts("GSM-7", 8, 1, 152, ())


def test_the_table_is_the_standards() -> None:
    assert [ord(char) for char in GSM_BASIC] == TABLE
    assert GSM_EXTENSION == "\f^{}\\[~]|€"


@pytest.mark.parametrize("char", GSM_BASIC)
def test_each_basic_character_takes_one_septet(char: str) -> None:
    assert count_parts(char) == Parts("GSM-7", 1, 1, 159, ())


@pytest.mark.parametrize("char", GSM_EXTENSION)
def test_each_extension_character_takes_two(char: str) -> None:
    assert count_parts(char) == Parts("GSM-7", 2, 1, 158, ())


@pytest.mark.parametrize("char", ["ç", "`", "\t", "\x1b", "á", "Ё", "’", "\x7f", "\x00", EMOJI])
def test_any_other_character_makes_the_text_ucs2(char: str) -> None:
    assert count_parts(f"a{char}").encoding == "UCS-2"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", "GSM-7", 0, 0, 160),
        ("a" * 159, "GSM-7", 159, 1, 1),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 305, "GSM-7", 305, 2, 1),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        (CYRILLIC * 69, "UCS-2", 69, 1, 1),
        (CYRILLIC * 70, "UCS-2", 70, 1, 0),
        (CYRILLIC * 71, "UCS-2", 71, 2, 63),
        (CYRILLIC * 133, "UCS-2", 133, 2, 1),
        (CYRILLIC * 134, "UCS-2", 134, 2, 0),
        (CYRILLIC * 135, "UCS-2", 135, 3, 66),
        ("a" * 158 + "€", "GSM-7", 160, 1, 0),
        ("a" * 159 + "€", "GSM-7", 161, 2, 145),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, 152),  # the euro moves: 152 + (2 + 151) + 1
        (CYRILLIC * 68 + EMOJI, "UCS-2", 70, 1, 0),
        (CYRILLIC * 66 + EMOJI + CYRILLIC * 66, "UCS-2", 134, 3, 66),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 153, "GSM-7", 306, 3, 151),
    ],
)
def test_boundaries(text: str, encoding: str, units: int, parts: int, left: int) -> None:
    counted = count_parts(text)
    assert (counted.encoding, counted.units, counted.parts, counted.left) == (encoding, units, parts, left)
    assert part_count(text) == parts


def test_never_cuts_an_escape_or_a_surrogate_pair() -> None:
    assert split_parts("a" * 152 + "€" + "b" * 10) == ["a" * 152, "€" + "b" * 10]
    assert split_parts(CYRILLIC * 66 + EMOJI + "b" * 10) == [CYRILLIC * 66, EMOJI + "b" * 10]


@given(TEXTS)
@example("a" * 152 + "€" + "a" * 152)
@example("\U0010ffff" * 40)
def test_the_three_ways_to_count_agree(text: str) -> None:
    split = split_parts(text)
    counted = count_parts(text)
    assert "".join(split) == text
    assert counted.parts == part_count(text) == len(split)
    single, each = (160, 153) if counted.encoding == "GSM-7" else (70, 67)
    assert all(_units(part, counted.encoding) <= (each if len(split) > 1 else single) for part in split)
    assert counted.units == sum(_units(part, counted.encoding) for part in split)


def _units(text: str, encoding: str) -> int:
    """Counted the plain way, to check the clever one."""
    if encoding == "GSM-7":
        return sum(2 if char in GSM_EXTENSION else 1 for char in text)
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


@given(TEXTS)
def test_odd_characters_are_those_and_only_those_that_make_it_ucs2(text: str) -> None:
    counted = count_parts(text)
    expected = [i for i, char in enumerate(text) if char not in GSM_BASIC + GSM_EXTENSION]
    assert [odd.index for odd in counted.odd] == expected
    assert (counted.encoding == "UCS-2") == bool(expected)


def test_names_the_odd_character_and_its_swap() -> None:
    assert count_parts("Ça va, François? It’s \N{PARTY POPPER}").odd == (
        OddCharacter("ç", 11, "latin small letter c with cedilla (U+00E7)", "c"),
        OddCharacter("’", 19, "right single quotation mark (U+2019)", "'"),
        OddCharacter("\N{PARTY POPPER}", 22, "party popper (U+1F389)", None),
    )
    assert count_parts("\x00").odd == (OddCharacter("\x00", 0, "U+0000", None),)


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("“It’s” – now…", '"It\'s" - now...'),
        ("one\u00a0two\u200b\u00adthree\ufeff", "one twothree"),
        ("Ça, ça", "Ça, ca"),
        ("Zażółć gęślą jaźń", "Zazolc gesla jazn"),
        ("cafe\u0301 c\u0327a", "café ca"),
        ("q\u0301 ş\u0301", "q s"),
        ("Œuvre • ½ №5", "OEuvre - 1/2 No5"),
        ("Việt", "Viet"),
        ("plain ~ text", "plain ~ text"),
        ("a\tb`c", "a b'c"),
        ("Привет 🎉", "Привет 🎉"),
    ],
)
def test_swaps(text: str, swapped: str) -> None:
    assert swap_smart(text) == swapped


def test_every_swap_turns_an_odd_character_into_gsm7() -> None:
    assert [char for char in SMART_SWAPS if count_parts(char).encoding == "GSM-7"] == []
    assert [swap for swap in SMART_SWAPS.values() if count_parts(swap).encoding == "UCS-2"] == []
    assert all(len(char) == 1 for char in SMART_SWAPS)


@given(TEXTS | st.text(alphabet="aqéşŁ‹’'<\u0301\u0338\u200b"))
def test_swapping_twice_changes_nothing_more(text: str) -> None:
    once = swap_smart(text)
    assert swap_smart(once) == once


@given(st.text(alphabet=GSM_BASIC + GSM_EXTENSION))
def test_swapping_leaves_gsm7_alone(text: str) -> None:
    assert swap_smart(text) == text
