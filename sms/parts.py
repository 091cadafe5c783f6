"""Encoding and parts of a text: GSM 03.38 (3GPP TS 23.038, 6.2.1) or UCS-2, and where it is cut.

    GSM-7   160 septets in one part, 153 in each of several; an extension character takes 2
    UCS-2    70 UTF-16 units,         67 in each of several; a character beyond U+FFFF takes 2

A pair that does not fit in a part moves to the next one whole. Texts are counted as given: make CR LF to LF
first, a browser's form sends both. An empty text has 0 parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

Encoding = Literal["GSM-7", "UCS-2"]

# The default alphabet in the order of its codes 0x00-0x7F, without 0x1B (escape to the extension).
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"


class Limits(NamedTuple):
    single: int
    each: int


LIMITS: Mapping[Encoding, Limits] = MappingProxyType({"GSM-7": Limits(160, 153), "UCS-2": Limits(70, 67)})
_GSM, _UCS = LIMITS["GSM-7"], LIMITS["UCS-2"]

# Possessive: a text that fails at its last character is not walked back over.
_BASIC_TEXT = re.compile(f"[{re.escape(GSM_BASIC)}]*+").fullmatch
_GSM_TEXT = re.compile(f"[{re.escape(GSM_BASIC + GSM_EXTENSION)}]*+").fullmatch
_EXTENSION = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
# Stands for the first half of a pair in a widened text; the last code point is no character.
_LEAD = "\U0010ffff"
_PAIR = _LEAD + "."


@dataclass(frozen=True, slots=True)
class OddCharacter:
    """A character that makes the text UCS-2. `index` counts code points; `swap` may be "" (leave it out)."""

    char: str
    index: int
    name: str
    swap: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """`units`: septets or UTF-16 units of the text; `left`: units still free in its last part."""

    encoding: Encoding
    units: int
    parts: int
    left: int
    odd: tuple[OddCharacter, ...]


def part_count(text: str) -> int:
    """How many parts, and nothing else: for hot loops (about 1 µs a text)."""
    length = len(text)
    if _BASIC_TEXT(text):
        if length <= _GSM.single:
            return 1 if length else 0
        return -(-length // _GSM.each)
    if _GSM_TEXT(text):
        pairs, limits, units = _EXTENSION, _GSM, length + len(_EXTENSION.findall(text))
    else:
        # Faster than looking for the pairs; lone surrogates count as the one unit they are.
        pairs, limits, units = _ASTRAL, _UCS, len(text.encode("utf-16-le", "surrogatepass")) // 2
    if units <= limits.single:
        return 1
    if units == length:
        return -(-length // limits.each)
    return sum(1 for _ in _cuts(pairs.sub(_PAIR, text), limits.each))


def count_parts(text: str) -> Parts:
    encoding, pairs = _encoding_of(text)
    limits = LIMITS[encoding]
    widened = pairs.sub(_PAIR, text)
    units = len(widened)
    odd = () if encoding == "GSM-7" else tuple(_odd_characters(text))
    if units <= limits.single:
        return Parts(encoding, units, 1 if units else 0, limits.single - units, odd)
    cuts = list(_cuts(widened, limits.each))
    last = units - (cuts[-2] if len(cuts) > 1 else 0)
    return Parts(encoding, units, len(cuts), limits.each - last, odd)


def split_parts(text: str) -> list[str]:
    """The text of each part, in order; joined they are the text again."""
    encoding, pairs = _encoding_of(text)
    limits = LIMITS[encoding]
    if len(text) + len(pairs.findall(text)) <= limits.single:
        return [text] if text else []
    parts, start, room = [], 0, limits.each
    for index, char in enumerate(text):
        size = 2 if pairs.match(char) else 1
        if size > room:
            parts.append(text[start:index])
            start, room = index, limits.each
        room -= size
    return [*parts, text[start:]]


def _encoding_of(text: str) -> tuple[Encoding, re.Pattern[str]]:
    """The encoding, and the pattern of the characters that take two units in it."""
    return ("GSM-7", _EXTENSION) if _GSM_TEXT(text) else ("UCS-2", _ASTRAL)


def _cuts(widened: str, size: int) -> Iterator[int]:
    """Where each part of a widened text (pairs written as _PAIR) ends."""
    end, length = 0, len(widened)
    while end < length:
        end = min(end + size, length)
        if widened[end - 1] == _LEAD:
            end -= 1
        yield end


def _odd_characters(text: str) -> Iterator[OddCharacter]:
    """Each kind is looked up once: a long text has few of them."""
    odd = {char: (character_name(char), SMART_SWAPS.get(char)) for char in set(text) if not _GSM_TEXT(char)}
    for index, char in enumerate(text):
        if char in odd:
            yield OddCharacter(char, index, *odd[char])


def character_name(char: str) -> str:
    """Unicode's name in small letters with the code: "latin small letter c with cedilla (U+00E7)"."""
    code = f"U+{ord(char):04X}"
    name = unicodedata.name(char, "").lower()
    return f"{name} ({code})" if name else code


# What a word processor or phone writes, and what GSM-7 has for it. "" leaves an invisible character out.
_TYPOGRAPHIC = {
    "‘’‚‛′´`ʹʻʼʽ": "'",
    "“”„‟″«»〝〞": '"',
    "‹": "<",
    "›": ">",
    "‐‑‒–—―−⁃﹘﹣－": "-",
    "…": "...",
    "•‣▪●·∙": "-",
    "⁄∕": "/",
    "×": "x",
    "¦": "|",
    "™": "(TM)",
    "©": "(C)",
    "®": "(R)",
    "№": "No",
    "¹": "1",
    "²": "2",
    "³": "3",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "ª": "a",
    "º": "o",
    "¸": ",",
    "¨": '"',
    "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000": " ",
    "\u000b\u0085\u2028\u2029": "\n",
    # Soft hyphen, zero-width space, word joiner, left-to-right mark, byte order mark. The joiners U+200C
    # and U+200D and the right-to-left mark stay: they mean something in emoji and in scripts beyond GSM-7.
    "\u00ad\u200b\u2060\u200e\ufeff": "",
}
# Letters whose stroke or ligature Unicode does not take apart.
_LETTERS = {
    "Œ": "OE", "œ": "oe", "Ĳ": "IJ", "ĳ": "ij", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d",
    "Þ": "TH", "þ": "th", "Ħ": "H", "ħ": "h", "Ŧ": "T", "ŧ": "t", "ı": "i", "ĸ": "k", "Ŋ": "N", "ŋ": "n",
    "ŉ": "'n", "ſ": "s", "ẞ": "SS",
}  # fmt: skip
# Latin-1, Latin Extended-A, Romanian, horned and Vietnamese letters: the letter without its marks.
_MARKED = (
    range(0xC0, 0x180),
    range(0x1A0, 0x1B1),
    range(0x1CD, 0x1DD),
    range(0x218, 0x21C),
    range(0x1E00, 0x1F00),
)


def _letter_swaps() -> Iterator[tuple[str, str]]:
    """Each marked letter outside GSM-7 with the one it is built on: ç with c, ş with s, ế with e."""
    for char in (chr(code) for codes in _MARKED for code in codes):
        base = unicodedata.normalize("NFD", char)[0]
        if base != char and base.isascii() and not _GSM_TEXT(char):
            yield char, base


SMART_SWAPS: Mapping[str, str] = MappingProxyType(
    {char: swap for chars, swap in _TYPOGRAPHIC.items() for char in chars} | dict(_letter_swaps()) | _LETTERS
)
_SWAP_TABLE = str.maketrans(dict(SMART_SWAPS))
_ACCENT = re.compile("[\u0300-\u036f]")
# Accents that found no letter to join: left out after a Latin letter and after anything swapped.
_LOOSE_ACCENTS = re.compile(f"(?<=[A-Za-zÀ-ɏḀ-ỿ{re.escape(''.join(SMART_SWAPS))}])[\u0300-\u036f]+")


def swap_smart(text: str) -> str:
    """The text with every character of SMART_SWAPS swapped; loose accents first join their letter (NFC).

    Characters without a swap (emoji, other scripts) stay, so the result may still be UCS-2.
    """
    if _GSM_TEXT(text):
        return text
    joined = unicodedata.normalize("NFC", text)
    # Looked for first: most texts have none, and to look behind each character takes longer than all else.
    if _ACCENT.search(joined):
        joined = _LOOSE_ACCENTS.sub("", joined)
    return joined.translate(_SWAP_TABLE)
