"""How numbers, names, texts and times of broadcasts are written, and which cannot be. All raise RequestRefused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from providers.connectors.messagewhiz.inputs import given_ids
from providers.errors import RequestRefused
from sms.senders import sender_error

# Ids are texts here and numbers there; answers give them as texts.
Id = int | str

MAX_MSISDN_DIGITS = 15  # E.164; "Fast Single" names it, too
MAX_SHOWN = 60  # characters of a value within a sentence


def shown(value: object) -> str:
    text = str(value)
    return f"“{text[:MAX_SHOWN]}…”" if len(text) > MAX_SHOWN else f"“{text}”"


def id_texts(name: str, values: Sequence[Id]) -> list[str]:
    return [str(number) for number in given_ids(name, values)]


def id_commas(name: str, values: Sequence[Id]) -> str:
    """ "12,13", as the document writes several; "" for none."""
    return ",".join(id_texts(name, values)) if values else ""


def msisdn(name: str, value: str, least: int = 1) -> str:
    """As digits. A zero in front would be lost where the document writes numbers as JSON numbers."""
    if not re.fullmatch(rf"[1-9][0-9]{{{least - 1},{MAX_MSISDN_DIGITS - 1}}}", value, re.ASCII):
        length = f"{least} to" if least > 1 else "up to"
        raise RequestRefused(
            f"{name} is {shown(value)}: give {length} {MAX_MSISDN_DIGITS} digits that begin with the calling code, "
            "without a plus, blanks or zeros in front, such as 12015550123."
        )
    return value


def sender_name(value: str) -> str:
    """ "11 letters or 20 numbers" ("Fast Single")."""
    if wrong := sender_error(value):
        raise RequestRefused(wrong)
    return value


def filled(name: str, value: str) -> str:
    if not value.strip():
        raise RequestRefused(f"{name} is {shown(value)}: it cannot be empty.")
    return value


def at_most(name: str, value: str, most: int) -> str:
    if len(value) > most:
        raise RequestRefused(f"{name} {shown(value)} has {len(value):,} characters: shorten it to {most:,}.")
    return value


def whole(name: str, value: int, least: int, most: int | None = None) -> int:
    """Both bounds are allowed themselves."""
    if value < least or (most is not None and value > most):
        allowed = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise RequestRefused(f"{name} is {value}: give a whole number {allowed}.")
    return value


def in_utc(name: str, at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise RequestRefused(f"{name} {at} has no time zone: give it one, such as UTC.")
    return at.astimezone(UTC)


def plain_time(name: str, at: datetime) -> str:
    """2021-09-25 13:55:58, as UTC: its zone is not documented."""
    return in_utc(name, at).strftime("%Y-%m-%d %H:%M:%S")


def filter_time(name: str, at: datetime) -> str:
    """06/01/2021 12:00 AM, as UTC: its zone is not documented."""
    at = in_utc(name, at)
    # %p would be in the language of the machine.
    return f"{at:%m/%d/%Y %I:%M} {'AM' if at.hour < 12 else 'PM'}"


def given(inputs: dict[str, Any]) -> dict[str, Any]:
    """Those that are neither None nor empty."""
    return {name: value for name, value in inputs.items() if value is not None and value not in ("", (), [])}


def one_of(**inputs: Any) -> str:
    """The name of the only one that is given."""
    names = list(given(inputs))
    if not names:
        raise RequestRefused(f"None of {', '.join(inputs)} is given: give one of them.")
    if len(names) > 1:
        raise RequestRefused(f"{' and '.join(names)} are given together: give one of them only.")
    return names[0]
