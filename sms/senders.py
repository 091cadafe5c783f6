"""What may stand as a message's sender (PRODUCT.md, Entities: Sender)."""

from __future__ import annotations

import re
from typing import Literal

SenderKind = Literal["alphanumeric", "number", "short_code"]

MAX_LETTERS = 11  # 3GPP TS 23.040, 9.1.2.5: an alphanumeric address holds 11 septet characters
MAX_DIGITS = 20
# Longer digits are a number: no country gives short codes of more than 8, nor of fewer than 3.
MAX_SHORT_CODE_DIGITS = 8
MIN_DIGITS = 3

_ALLOWED = re.compile(r"[A-Za-z0-9'._\-+& ]", re.ASCII)
_LETTER = re.compile(r"[A-Za-z]", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def sender_error(text: str) -> str | None:
    """A sentence that says what is wrong with the sender and how to mend it; None for a good one."""
    if not text.strip():
        return "The sender is empty: give a name of up to 11 characters or a number of up to 20 digits."
    if text != text.strip():
        return f"The sender “{_shown(text)}” begins or ends with a space: remove it."
    if _DIGITS.fullmatch(text):
        return _number_error(text)
    if text[0] == "+" and _DIGITS.fullmatch(text[1:]):
        return f"The sender “{_shown(text)}” is a number: write it with digits only, without the plus."
    return _name_error(text)


def _number_error(text: str) -> str | None:
    if len(text) > MAX_DIGITS:
        return f"The sender “{_shown(text)}” has {len(text)} digits: at most {MAX_DIGITS} are possible."
    if len(text) < MIN_DIGITS:
        return (
            f"The sender “{text}” is too short for a number: a short code has {MIN_DIGITS} to"
            f" {MAX_SHORT_CODE_DIGITS} digits, a long number its country code in front."
        )
    return None


def _name_error(text: str) -> str | None:
    strange = next((char for char in text if not _ALLOWED.match(char)), None)
    if strange is not None:
        return (
            f"The sender “{_shown(text)}” holds {_named(strange)}: use the letters A to Z without accents, "
            "digits, spaces and ' . _ - + & only."
        )
    if not _LETTER.search(text):
        return f"The sender “{_shown(text)}” has no letter: a name needs one, a number has digits only."
    if len(text) > MAX_LETTERS:
        return f"The sender “{_shown(text)}” has {len(text)} characters: shorten it to {MAX_LETTERS}."
    return None


def sender_kind(text: str) -> SenderKind:
    """The kind of a sender for which sender_error() is None. Three to eight digits are a short code."""
    if not _DIGITS.fullmatch(text):
        return "alphanumeric"
    return "short_code" if len(text) <= MAX_SHORT_CODE_DIGITS else "number"


def _named(char: str) -> str:
    return f"“{char}”" if char.isprintable() else f"the invisible character U+{ord(char):04X}"


def _shown(text: str) -> str:
    readable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return readable if len(readable) <= 40 else readable[:39] + "…"
