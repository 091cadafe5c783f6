"""Why rows of a file are refused or cut: counted while reading, put into words when shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.fields import label_of, limit_of
from contacts.models import NumberKind

TOO_LONG = "too_long:"
CUT = "cut:"
# Of rows that are imported, and perhaps ought not to be: "kind:fixed_line".
KIND = "kind:"
KEPT_ROWS = 20
KEPT_SAMPLES = 5

# code: what is wrong, and how to mend it.
_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "empty": (
        gettext_lazy("The row has no phone number."),
        gettext_lazy("Fill in the number, or leave the row out."),
    ),
    "scientific": (
        gettext_lazy("A spreadsheet rounded the number (4.91E+11); its last digits are lost."),
        gettext_lazy("Format the column as text in the spreadsheet, and export the file again."),
    ),
    "letters": (
        gettext_lazy("The number holds letters."),
        gettext_lazy("Write numbers in digits, without names. Is it the right column?"),
    ),
    "no_country": (
        gettext_lazy("The number does not say its country."),
        gettext_lazy("Choose the country of numbers without a country code."),
    ),
    "too_short": (
        gettext_lazy("The number has too few digits."),
        gettext_lazy("Add the missing digits, or choose another default country."),
    ),
    "too_long": (
        gettext_lazy("The number has too many digits."),
        gettext_lazy("Keep one number in a cell; numbers of another country want it as the default country."),
    ),
    "not_valid": (
        gettext_lazy("The number is not in use in its country."),
        gettext_lazy("Check country code and digits, or choose another default country."),
    ),
    "too_many_cells": (
        gettext_lazy("The row has more cells than the header."),
        gettext_lazy("Put quotation marks around values that hold the delimiter."),
    ),
    "unclosed_quote": (
        gettext_lazy("A quotation mark is opened and not closed."),
        gettext_lazy("Close it, or write it twice where it belongs to the value."),
    ),
    "line_break": (
        gettext_lazy("A short value holds a line break: a quotation mark is probably not closed."),
        gettext_lazy("Close the quotation mark, or take out the line break."),
    ),
    "too_long_line": (
        gettext_lazy("The line is longer than a million characters."),
        gettext_lazy("Check that the rows are parted by line breaks."),
    ),
    "too_long_cell": (
        gettext_lazy("A cell holds more than 131,072 characters."),
        gettext_lazy("Shorten it, or leave its column out of the file."),
    ),
    "nul": (
        gettext_lazy("The row holds a NUL character, which is no text."),
        gettext_lazy("Export the file again, or take the character out."),
    ),
    "encoding": (
        gettext_lazy("The row holds letters that cannot be read in the encoding of the file."),
        gettext_lazy("Choose the right encoding at the step Columns, or write the letters marked � anew."),
    ),
    "time_zone": (
        gettext_lazy("The time zone is unknown."),
        gettext_lazy("Write it as in Europe/London or America/New_York."),
    ),
    "date_unreadable": (
        gettext_lazy("The date cannot be read, or there is no such day."),
        gettext_lazy("Write dates as 2026-05-03 or 2026-05-03 09:30, or leave the cell empty."),
    ),
    "date_ambiguous": (
        gettext_lazy("The date may be two different days: day or month may come first."),
        gettext_lazy(
            "Choose at the step Columns how days and months stand, or write dates as 2026-05-03; years have four digits."
        ),
    ),
    "date_early": (
        gettext_lazy("The date lies before 1990, when nobody was texted."),
        gettext_lazy("Correct the date, or leave the cell empty where it is not known."),
    ),
    "date_future": (
        gettext_lazy("The date lies after the upload of the file."),
        gettext_lazy(
            "Correct the date; where its time is of another zone, write that too: 2026-05-03 09:30+02:00."
        ),
    ),
}


@dataclass(slots=True)
class Problem:
    """`rows`: numbers of the first rows, the header being row 1; `samples`: values from them."""

    count: int = 0
    rows: list[int] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)

    def add(self, row: int, sample: str) -> None:
        self.count += 1
        if len(self.rows) < KEPT_ROWS:
            self.rows.append(row)
        if len(self.samples) < KEPT_SAMPLES and sample and sample not in self.samples:
            self.samples.append(sample)


Problems = dict[str, Problem]
Effect = Literal["refused", "cut", "noticed"]


@dataclass(frozen=True, slots=True)
class Described:
    code: str
    count: int
    rows: list[int]
    samples: list[str]
    sentence: str
    remedy: str

    @property
    def effect(self) -> Effect:
        """What became of the rows."""
        if self.code.startswith(CUT):
            return "cut"
        return "noticed" if self.code.startswith(KIND) else "refused"


def merge_problems(one: Problems, other: Problems) -> Problems:
    """`one` with the rows of `other`, which come later in the file."""
    for code, more in other.items():
        mine = one.setdefault(code, Problem())
        mine.count += more.count
        mine.rows = (mine.rows + more.rows)[:KEPT_ROWS]
        mine.samples = list(dict.fromkeys(mine.samples + more.samples))[:KEPT_SAMPLES]
    return one


def store(problems: Problems) -> list[dict[str, Any]]:
    """For Import's JSON fields, the commonest first."""
    ordered = sorted(problems.items(), key=lambda item: -item[1].count)
    return [{"code": c, "count": p.count, "rows": p.rows, "samples": p.samples} for c, p in ordered]


def load(stored: Iterable[Mapping[str, Any]]) -> Problems:
    return {one["code"]: Problem(one["count"], list(one["rows"]), list(one["samples"])) for one in stored}


def describe(stored: Iterable[Mapping[str, Any]]) -> list[Described]:
    return [
        Described(one["code"], one["count"], one["rows"], one["samples"], *words_for(one["code"]))
        for one in stored
    ]


def reason_for(code: str, value: str, target: str = "") -> str:
    """Of one row: what is wrong, where and with which value, and how to mend it."""
    sentence, remedy = words_for(code)
    if not value:
        return f"{sentence} {remedy}"
    if not target:
        where = _("It begins with “%(value)s”.") % {"value": value}
    else:
        where = _("Its %(column)s is “%(value)s”.") % {"column": label_of(target), "value": value}
    return f"{sentence} {where} {remedy}"


def words_for(code: str) -> tuple[str, str]:
    """(what is wrong, how to mend it) of one code."""
    kind, colon, target = code.partition(":")
    if code.startswith(KIND):
        return _kind_words(target)
    if colon:
        return _length_words(f"{kind}:", target)
    sentence, remedy = _WORDS[code]
    return str(sentence), str(remedy)


def _kind_words(kind: str) -> tuple[str, str]:
    if kind == NumberKind.PREMIUM_RATE:
        return (
            _("The number is a premium rate number: a text to it may cost a lot, or never arrive."),
            _("The row is imported. Take it out of the file unless you are sure."),
        )
    if kind == NumberKind.FIXED_LINE:
        return (
            _("The number is a landline, which mostly cannot receive texts."),
            _("The row is imported. Ask the person for a mobile number."),
        )
    return (
        _("The number is no mobile, but of this kind: %(kind)s.") % {"kind": NumberKind(kind).label},
        _("The row is imported. Ask the person for a mobile number."),
    )


def _length_words(kind: str, target: str) -> tuple[str, str]:
    values = {"column": label_of(target), "limit": limit_of(target)}
    if kind == CUT:
        return (
            _("%(column)s was cut to %(limit)d characters.") % values,
            _("Nothing to do; or shorten the values by hand to choose what is kept."),
        )
    return (
        _("%(column)s holds more than %(limit)d characters.") % values,
        _("Shorten the values, or allow them to be cut."),
    )
