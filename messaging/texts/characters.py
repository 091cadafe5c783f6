"""Characters outside the plain SMS alphabet, and those that cannot be seen: each kind once, named, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sms.parts import SMART_SWAPS, OddCharacter, character_name, count_parts, swap_smart
from sms.unseen import is_unseen, without_spelling

# Kinds that are told one by one.
SHOWN = 8


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


def unseen_characters(text: str, *, swaps: bool = False) -> list[OddKind]:
    """What nobody can see in a text though it is sent and counted, also where it turns the direction.

    `swaps`: what is swapped or left out when it is sent is none of them.
    """
    rest = without_spelling(text)
    found = [char for char in dict.fromkeys(rest) if is_unseen(char)]
    return [_unseen_kind(rest, char) for char in found if not (swaps and char in SMART_SWAPS)]


def _unseen_kind(text: str, char: str) -> OddKind:
    line, column = _place(text, text.index(char))
    return OddKind(char, character_name(char), None, text.count(char), line, column)


def _kind(text: str, group: Sequence[OddCharacter]) -> OddKind:
    first = group[0]
    return OddKind(first.char, first.name, first.swap, len(group), *_place(text, first.index))


def _place(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
