"""Files of contacts and links, as `--form` sends them: `doc`, `mapping`, `name`, and `?truncate=true`.

Document 004, Create a Recipient List (import a file) and Preview a Recipient List. A first row whose number has no
digits is a heading: the document's own file begins so and counts four rows of five.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from providers.sandbox.forms import Form
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import NO_VALUES, Values
from providers.sandbox.messagewhiz.request import Request, as_msisdn
from providers.sandbox.sheets import SheetError, read_sheet

NUMBER = "phone_number"
LONGEST = {"first_name": 50, "last_name": 50, "email": 255, "url": 255}  # characters
LONGEST_OTHER = 5000
MARKERS = (
    NUMBER,
    *LONGEST,
    "custom",
    # The document names the tokens below in its estimate, not among the markers.
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "gender",
)
PREVIEW_ROWS = 10
BOUNDS = (50, 255, 5000)


@dataclass(slots=True)
class Imported:
    """`people`: the rows that count, by number; `columns`: their tokens in the order of the file."""

    people: dict[str, Values] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    total: int = 0
    wrong: int = 0
    duplicate: int = 0

    def take(self, number: object, values: Values) -> None:
        self.total += 1
        msisdn = as_msisdn(number)
        if msisdn is None:
            self.wrong += 1
        elif msisdn in self.people:
            self.duplicate += 1
        else:
            self.people[msisdn] = values or NO_VALUES

    def shown(self, list_id: int) -> dict[str, int]:
        return {
            "inserted": len(self.people),
            "total": self.total,
            "wrong": self.wrong,
            "duplicate": self.duplicate,
            "recipient_list_id": list_id,
        }


def import_people(request: Request, form: Form) -> Imported:
    """Raises Failure 400: no file, no mapping, or a value too long without `truncate`."""
    rows, columns = rows_of(form), mapping_of(form, MARKERS)
    if NUMBER not in columns.values():
        raise Failure(400, "mapping must name the column of phone_number")
    place = next(index for index, marker in columns.items() if marker == NUMBER)
    found = Imported(columns=tuple(marker for _, marker in sorted(columns.items()) if marker != NUMBER))
    truncates = request.asked("truncate")
    for row in without_heading(rows, place):
        values = {
            marker: fitting(marker, row[index], truncates=truncates)
            for index, marker in columns.items()
            if marker != NUMBER and index < len(row) and row[index]
        }
        found.take(row[place] if place < len(row) else "", values)
    return found


def fitting(marker: str, value: str, *, truncates: bool) -> str:
    longest = LONGEST.get(marker, LONGEST_OTHER)
    if len(value) > longest and not truncates:
        raise Failure(400, f"{marker} must not be longer than {longest} symbols; use truncate=true to cut it")
    return value[:longest]


def rows_of(form: Form) -> list[list[str]]:
    doc = form.files.get("doc")
    if doc is None:
        raise Failure(400, "doc must be a file")
    try:
        return read_sheet(doc.data)
    except SheetError as error:
        raise Failure(400, str(error)) from None


def mapping_of(form: Form, markers: Iterable[str]) -> dict[int, str]:
    """Column index to marker, of a JSON object like {"0": "phone_number", "1": "first_name"}."""
    try:
        mapping = json.loads(form.texts.get("mapping", ""))
    except (ValueError, RecursionError):
        mapping = None
    known = tuple(markers)
    if (
        isinstance(mapping, dict)
        and all(index.isdecimal() and len(index) < 4 and marker in known for index, marker in mapping.items())
        and len(set(mapping.values())) == len(mapping)
    ):
        return {int(index): marker for index, marker in mapping.items()}
    raise Failure(400, f"mapping must be a JSON object of column numbers and, once each, {', '.join(known)}")


def without_heading(rows: list[list[str]], place: int) -> list[list[str]]:
    if not rows:
        return rows
    first = rows[0][place] if place < len(rows[0]) else ""
    return rows if any(character.isdecimal() for character in first) else rows[1:]


def preview(request: Request, *, by_row: bool) -> dict[str, object]:
    """The first rows and what may be wrong with the file.

    The document's flags are one for a column of a recipient list, and one for a row of an unsubscribe list. The
    number in its path is not explained; any is taken.
    """
    rows = rows_of(request.form())
    numeric: dict[int, bool] = {}
    longest: dict[int, int] = {}
    for number, row in enumerate(without_heading(rows, 0)):
        for column, cell in enumerate(row):
            place = number if by_row else column
            numeric[place] = numeric.get(place, True) and (cell.isdecimal() or not cell)
            longest[place] = max(longest.get(place, 0), len(cell))
    flags: dict[str, object] = {"isAllNum": [numeric[place] for place in sorted(numeric)]}
    for bound in BOUNDS:
        flags[f"isExceedLength{bound}"] = [longest[place] > bound for place in sorted(longest)]
    return {"data": rows[:PREVIEW_ROWS], **flags}


def as_csv(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """Document 004, Download a Recipient List: semicolons, every cell in quotes."""
    lines = [columns, *rows]
    return "".join(";".join(_quoted(cell) for cell in line) + "\n" for line in lines).encode(errors="replace")


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
