"""What no text holds: NUL, which PostgreSQL refuses, and half of a character, which no UTF-8 answer can carry."""

from __future__ import annotations

import re

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def no_text_in(text: str) -> str | None:
    r"""The first such character as one writes it, `\u0000` or `\ud800`; None for a sound text."""
    found = _NO_TEXT.search(text)
    return f"\\u{ord(found[0]):04x}" if found else None


def without_halves(text: str) -> str:
    r"""Halves of characters spelled out, `\ud800`, so that the rest can be shown."""
    return text.encode("utf-8", "backslashreplace").decode()
