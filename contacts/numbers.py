"""Phone numbers as people and programs hand them in, one or many."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from contacts.errors import ContactsError
from sms.msisdn import MsisdnError, compile_fast, parse_msisdn

# Between pasted numbers: line ends, commas, semicolons, tabs. Spaces stand inside numbers.
_BETWEEN = re.compile(r"[\r\n,;\t]+")


@dataclass(frozen=True, slots=True)
class Refused:
    """`position` counts from 1."""

    position: int
    raw: str
    code: str
    sentence: str


@dataclass(slots=True)
class Numbers:
    """Digits in the order given, each once, and what could not be read."""

    msisdns: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    repeated: int = 0


def read_number(raw: str, default_country: str) -> tuple[str, str]:
    """(digits, country) of one number; ContactsError on field "msisdn" says what is wrong with it."""
    try:
        found = parse_msisdn(raw, default_country or None)
    except MsisdnError as error:
        raise ContactsError(error.sentence, field="msisdn", code=error.code) from None
    return found.digits, found.country


def read_numbers(raws: Iterable[str], default_country: str) -> Numbers:
    read = compile_fast(default_country or None)
    found = Numbers()
    seen: set[str] = set()
    for position, raw in enumerate(raws, start=1):
        try:
            digits = read(raw)
        except MsisdnError as error:
            found.refused.append(Refused(position, raw, error.code, error.sentence))
            continue
        if digits in seen:
            found.repeated += 1
            continue
        seen.add(digits)
        found.msisdns.append(digits)
    return found


def split_pasted(text: str) -> list[str]:
    """The numbers of a text field: one a line, or parted by commas or semicolons."""
    return [piece.strip() for piece in _BETWEEN.split(text) if piece.strip()]
