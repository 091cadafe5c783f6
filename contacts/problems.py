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
LIKE_DATE = "like_date"
# Of a number that may be another one as well, by the form that was guessed for numbers without plus. Of rows of people, and
# behind NOTICED of opt-outs.
TWO_NUMBERS = "two_numbers"
# Good in the other form alone than numbers without plus are read in.
OF_OTHER_FORM = ("other_country", "no_calling_code")
# Of rows of opt-outs that were taken all the same: "noticed:date_ambiguous".
NOTICED = "noticed:"
# Of rows of opt-outs that were left out, as the opt-out was undone.
UNDONE = "undone"
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
    "date": (
        gettext_lazy("A date stands where the phone number should."),
        gettext_lazy(
            "Write the number in its place. If the column holds dates, choose another one for the numbers."
        ),
    ),
    LIKE_DATE: (
        gettext_lazy("The number looks like a date: its column holds many that do."),
        gettext_lazy("The row is imported. If the column holds dates, choose another one for the numbers."),
    ),
    TWO_NUMBERS: (
        gettext_lazy(
            "The number may be two: it is read as an international one, and is good in the default country as well."
        ),
        gettext_lazy(
            "The row is imported with the first of both. Write + and the calling code in front; or choose at the step "
            "Columns what numbers without + are."
        ),
    ),
    "decimal": (
        gettext_lazy("The number has a decimal part (.5), which no phone number has."),
        gettext_lazy("Format the column as text in the spreadsheet, and enter the numbers anew."),
    ),
    "letters": (
        gettext_lazy("The number holds letters."),
        gettext_lazy("Write numbers in digits, without names. Is it the right column?"),
    ),
    "strange": (
        gettext_lazy("The number holds a sign that stands in no phone number."),
        gettext_lazy("Write one number, in digits only."),
    ),
    "no_country": (
        gettext_lazy("The number does not say its country."),
        gettext_lazy("Choose the country of numbers without a country code."),
    ),
    "other_country": (
        gettext_lazy("The number is none of the default country, but would be one of another country."),
        gettext_lazy(
            "Write + in front of numbers that carry their calling code; or, where all do, choose “International” for "
            "numbers without + at the step Columns."
        ),
    ),
    "no_calling_code": (
        gettext_lazy(
            "The number begins with no calling code that it fits, but would be one of the default country."
        ),
        gettext_lazy(
            "Write the calling code in front; or, where all want it, choose “National” for numbers without + at the "
            "step Columns."
        ),
    ),
    "too_short": (
        gettext_lazy("The number has too few digits."),
        gettext_lazy("Add the missing digits, or choose another default country."),
    ),
    "too_long": (
        gettext_lazy("The number has too many digits."),
        gettext_lazy(
            "Keep one number in a cell; numbers of another country want + and calling code in front."
        ),
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
    UNDONE: (
        gettext_lazy("The row tells of an opt-out that was undone: the person may be texted again."),
        gettext_lazy("Nothing to do. To opt the number out all the same, empty its cell undone_at."),
    ),
}

_DATED_BY_RUN = gettext_lazy(
    "The number is taken all the same, with the time of the import; the date as written stands in its proof. For the "
    "right time, mend it before the import runs: write dates as 2026-05-03 or 2026-05-03 09:30."
)
_TAKEN = gettext_lazy(
    "The number is taken all the same. Look at the words of its proof; mend the row before the import runs if they matter."
)
_AS_THAT_ONE = gettext_lazy(
    "The number is taken as that one, so that nobody is texted who asked not to be. If it is another one, mend the row"
    " before the import runs."
)
# The same of rows of opt-outs that are taken: nobody stays textable for the sake of a cell beside the number.
_NOTICED_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "date_unreadable": (gettext_lazy("The date cannot be read, or there is no such day."), _DATED_BY_RUN),
    "date_ambiguous": (
        gettext_lazy("The date may be two different days: day or month may come first."),
        gettext_lazy(
            "The number is taken all the same, with the time of the import; the date as written stands in its proof. "
            "For the right time, choose at the step Columns how days and months stand; years have four digits."
        ),
    ),
    "date_early": (gettext_lazy("The date lies before 1990, when nobody was texted."), _DATED_BY_RUN),
    "date_future": (gettext_lazy("The date lies after the upload of the file."), _DATED_BY_RUN),
    TWO_NUMBERS: (
        gettext_lazy("The number may be two: one of the default country, and one of another."),
        gettext_lazy(
            "Both are taken, so that nobody is texted who asked not to be. To keep to one, write + and the calling code "
            "in front; or choose at the step Columns what numbers without + are."
        ),
    ),
    "how_unknown": (
        gettext_lazy("How the person opted out is none of the ways that Crier knows."),
        gettext_lazy(
            "The number counts as one from a file; what the cell says stands in its proof. Write file, page, stop, "
            "vendor, api or person for one of those."
        ),
    ),
    **{code: (_WORDS[code][0], _AS_THAT_ONE) for code in OF_OTHER_FORM},
    **{
        code: (_WORDS[code][0], _TAKEN)
        for code in ("too_many_cells", "unclosed_quote", "too_long_line", "too_long_cell", "nul", "encoding")
    },
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
Effect = Literal["refused", "cut", "noticed", "skipped"]


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
        if self.code == UNDONE:
            return "skipped"
        is_noticed = self.code.startswith((KIND, NOTICED)) or self.code in {LIKE_DATE, TWO_NUMBERS}
        return "noticed" if is_noticed else "refused"


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
    if code.startswith(NOTICED):
        sentence, remedy = _NOTICED_WORDS[target]
        return str(sentence), str(remedy)
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
