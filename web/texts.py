"""What no text holds: NUL, which PostgreSQL refuses, and half of a character, which no UTF-8 answer can carry."""

from __future__ import annotations

import re
from typing import NamedTuple

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def no_text_in(text: str) -> str | None:
    r"""The first such character as one writes it, `\u0000` or `\ud800`; None for a sound text."""
    found = _NO_TEXT.search(text)
    return f"\\u{ord(found[0]):04x}" if found else None


def without_halves(text: str) -> str:
    r"""Halves of characters spelled out, `\ud800`, so that the rest can be shown."""
    return text.encode("utf-8", "backslashreplace").decode()


class Place(NamedTuple):
    """`at` counts characters; `line` and `column` are counted from 1."""

    at: int
    line: int
    column: int


def place_of_no_text(text: str) -> Place | None:
    """Of the first such character, in a text whose lines end with a line feed alone."""
    found = _NO_TEXT.search(text)
    if found is None:
        return None
    before = text[: found.start()]
    return Place(len(before), before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def shown_text(text: str) -> str:
    """With a mark in place of each such character, as browsers put it there too."""
    return _NO_TEXT.sub("\ufffd", text)
