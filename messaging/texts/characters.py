"""Characters outside the plain SMS alphabet, and those that cannot be seen: each kind once, named, with its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sms.parts import OddCharacter, character_name, count_parts, swap_smart

# Kinds that are told one by one.
SHOWN = 8
# Unicode's categories of format characters, control characters and separators of lines.
_UNSEEN = frozenset({"Cf", "Cc", "Zl", "Zp"})
# Letters and marks by their category, and yet nothing to see: fillers, the grapheme joiner, the empty Braille cell.
_EMPTY = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
_SEEN = frozenset("\n\r\t")
# Between two of their script joiners are spelling, in an emoji they make it one; tags spell the flag of a region.
_SPELLING = re.compile("(?<=[^\\x00-\\x7f])[\u200c\u200d](?=[^\\x00-\\x7f])|[\U000e0020-\U000e007f]")


@dataclass(frozen=True, slots=True)
class OddKind:
    """`swap`: what may stand for it, "" to leave it out, None for nothing. `line` and `column`: of the first, from 1."""

    char: str
    name: str
    swap: str | None
    count: int
    line: int
    column: int

    @property
    def is_visible(self) -> bool:
        return self.char.isprintable()


@dataclass(frozen=True, slots=True)
class OddCharacters:
    """`kinds`: the first ones; `more`: how many further kinds there are."""

    kinds: tuple[OddKind, ...]
    more: int
    # Some of all of them can be swapped.
    can_swap: bool


def odd_characters(text: str, *, swaps: bool = False) -> OddCharacters:
    """`swaps`: what is swapped when it is sent is none of them."""
    by_char: dict[str, list[OddCharacter]] = {}
    for odd in count_parts(text).odd:
        if not swaps or odd.swap is None:
            by_char.setdefault(odd.char, []).append(odd)
    groups = list(by_char.values())
    kinds = tuple(_kind(text, group) for group in groups[:SHOWN])
    can_swap = bool(groups) and not swaps and swap_smart(text) != text
    return OddCharacters(kinds, len(groups) - len(kinds), can_swap)


def swapped_characters(text: str) -> list[OddKind]:
    """What a workspace that swaps sends as something else."""
    by_char: dict[str, list[OddCharacter]] = {}
    for odd in count_parts(text).odd:
        if odd.swap is not None:
            by_char.setdefault(odd.char, []).append(odd)
    return [_kind(text, group) for group in by_char.values()]


def unseen_characters(text: str) -> list[OddKind]:
    """What nobody can see in a text though it is sent and counted, also where it turns the direction."""
    rest = _SPELLING.sub(" ", text)
    return [_unseen_kind(rest, char) for char in dict.fromkeys(rest) if _is_unseen(char)]


def _unseen_kind(text: str, char: str) -> OddKind:
    line, column = _place(text, text.index(char))
    return OddKind(char, character_name(char), None, text.count(char), line, column)


def _is_unseen(char: str) -> bool:
    return char in _EMPTY or (char not in _SEEN and unicodedata.category(char) in _UNSEEN)


def _kind(text: str, group: Sequence[OddCharacter]) -> OddKind:
    first = group[0]
    return OddKind(first.char, first.name, first.swap, len(group), *_place(text, first.index))


def _place(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
