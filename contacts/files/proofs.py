"""What a row of opt-outs says besides its number, as it is kept. Nothing in it is a reason to text somebody: what cannot be
read goes into the proof as it was written. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.utils.translation import gettext as _

from contacts.fields import AT, HOW, SOURCE, SOURCE_LIMIT, UNDONE_AT
from contacts.files.dates import DateRefused, read_moment
from contacts.models import OptOutHow

AS_WRITTEN_LENGTH = 60
# Where the words go; no text that was read holds it.
_PLACE = "\x00"
_UNREADABLE = re.compile("[\\x00\ud800-\udfff]")
_HOWS = {how.value: how.value for how in OptOutHow}


class UndoneOptOut(Exception):
    """The row is of somebody who came back: it opts nobody out."""


@dataclass(frozen=True, slots=True)
class Proof:
    """`at`: ISO 8601 in UTC with a blank; "" for the time of the run. `noticed`: codes of problems.py with values."""

    source: str
    at: str
    how: str
    is_cut: bool
    noticed: tuple[tuple[str, str], ...] = ()


class ProofReader:
    """`fields`: those of PROOF_FIELDS that the file has, in its order. Dates are read as `read_moment` does."""

    def __init__(
        self, fields: Sequence[str], *, zone: tzinfo, latest: datetime, date_order: str, file_name: str
    ) -> None:
        self._fields = tuple(fields)
        self._zone, self._latest, self._date_order = zone, latest, date_order
        self._file_name = file_name

    def read(self, values: Sequence[str]) -> Proof:
        """Values stripped, in the order of `fields`. Raises UndoneOptOut."""
        raw = dict(zip(self._fields, values, strict=True))
        if raw.get(UNDONE_AT):
            raise UndoneOptOut
        noticed: list[tuple[str, str]] = []
        given = {name: self._readable(value, noticed) for name, value in raw.items()}
        at, how = self._moment(given.get(AT, ""), noticed), self._how(given.get(HOW, ""), noticed)
        # Of a file that tells how, an empty proof is as it was.
        source = given.get(SOURCE, "") or (
            "" if given.get(HOW) and how != OptOutHow.FILE else self._file_name
        )
        kept, is_cut = self._with_unread(source, given, [code for code, _raw in noticed])
        return Proof(kept, at, how, is_cut, tuple(noticed))

    def _readable(self, value: str, noticed: list[tuple[str, str]]) -> str:
        """With a mark for what is no text, or was a letter of another encoding."""
        if value.isascii() and "\x00" not in value:
            return value
        if "\x00" in value:
            noticed.append(("nul", value))
        plain = _UNREADABLE.sub("\ufffd", value)
        if "\ufffd" in plain and "\x00" not in value:
            noticed.append(("encoding", value))
        return plain

    def _moment(self, raw: str, noticed: list[tuple[str, str]]) -> str:
        if not raw:
            return ""
        try:
            return str(read_moment(raw, zone=self._zone, latest=self._latest, order=self._date_order))
        except DateRefused as error:
            noticed.append((error.code, raw))
            return ""

    def _how(self, raw: str, noticed: list[tuple[str, str]]) -> str:
        if not raw:
            return OptOutHow.FILE.value
        known = _HOWS.get(raw.lower())
        if known is None:
            noticed.append(("how_unknown", raw))
        return known or OptOutHow.FILE.value

    def _with_unread(self, source: str, given: dict[str, str], noticed: Sequence[str]) -> tuple[str, bool]:
        """The words of the proof, cut to their limit, with what could not be read behind them as it was written."""
        words = _PLACE
        if any(code.startswith("date_") for code in noticed):
            words = _("%(words)s (date in the file: %(date)s)") % {"words": words, "date": _short(given[AT])}
        if "how_unknown" in noticed:
            words = _("%(words)s (how in the file: %(how)s)") % {"words": words, "how": _short(given[HOW])}
        room = SOURCE_LIMIT - (len(words) - len(_PLACE))
        kept = source if len(source) <= room else source[:room].rstrip()
        return words.replace(_PLACE, kept), len(source) > room


def _short(raw: str) -> str:
    text = " ".join(raw.split())
    return text if len(text) <= AS_WRITTEN_LENGTH else f"{text[: AS_WRITTEN_LENGTH - 1]}…"
