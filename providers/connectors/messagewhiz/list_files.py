"""Lists as files: what an import carries, what a preview tells and what a download gives.

The document does not say what the number in a preview's path means. The flags of a preview count columns in one sample
and rows in another, so they are kept as they come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from providers.connectors.answers import Answer, as_flag, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import Enveloped
from providers.connectors.operations import Upload, wrong_shape
from providers.errors import RequestRefused

# What a column of an imported file may hold; phone_number has to be there.
Marker = Literal["phone_number", "first_name", "last_name", "email", "url", "custom"]
# By the column's place in the file, from 0.
ColumnMarkers = Mapping[int, Marker]
MARKERS: tuple[str, ...] = get_args(Marker)
ENDINGS = (".csv", ".xls", ".xlsx")


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, its header among them. `over_50`: more characters than a first or last name may have;
    255 are for email and url, 5,000 for the others."""

    rows: tuple[tuple[str, ...], ...]
    only_numbers: tuple[bool, ...]
    over_50: tuple[bool, ...]
    over_255: tuple[bool, ...]
    over_5000: tuple[bool, ...]


class Downloads(Enveloped):
    """The base of groups whose lists can be had as files."""

    def is_file(self, answer: Answer) -> bool:
        """A CSV file, semicolons between quoted cells, markers as header. Told by its first line: which content type it
        has is not documented, and an Express server calls any text a page."""
        first_line = answer.body.partition(b"\n")[0].decode("utf-8-sig", "replace").strip()
        return "phone_number" in [cell.strip('"') for cell in first_line.split(";")]


def given_file(doc: Upload) -> dict[str, Upload]:
    """Raises RequestRefused."""
    if not doc.filename.lower().endswith(ENDINGS):
        raise RequestRefused(
            f"The file “{doc.filename}” is none of {', '.join(ENDINGS)}: save it as one of these."
        )
    if not doc.content:
        raise RequestRefused(f"The file “{doc.filename}” is empty: give one with a number in each row.")
    return {"doc": doc}


def given_mapping(mapping: ColumnMarkers) -> str:
    """As JSON, {"0":"phone_number", "1":"first_name"}. Raises RequestRefused."""
    for column, marker in mapping.items():
        if column < 0:
            raise RequestRefused(f"mapping has the column {column}: columns count from 0.")
        if marker not in MARKERS:
            raise RequestRefused(f"mapping has the marker “{marker}”: choose from {', '.join(MARKERS)}.")
    if list(mapping.values()).count("phone_number") != 1:
        raise RequestRefused("mapping has to have phone_number once: mark the column with the numbers.")
    return json.dumps({str(column): marker for column, marker in mapping.items()}, separators=(", ", ":"))


def read_preview(connector: Connector, result: Any) -> Preview:
    """Raises BadAnswer."""
    rows = result.get("data") if isinstance(result, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise wrong_shape(connector, "the rows of the file")
    return Preview(
        tuple(tuple(cell if isinstance(cell, str) else as_text(cell) for cell in row) for row in rows),
        _flags(connector, result, "isAllNum"),
        _flags(connector, result, "isExceedLength50"),
        _flags(connector, result, "isExceedLength255"),
        _flags(connector, result, "isExceedLength5000"),
    )


def _flags(connector: Connector, result: dict[str, Any], name: str) -> tuple[bool, ...]:
    """() where there are none."""
    values = result.get(name)
    flags = [as_flag(value) for value in values] if isinstance(values, list) else []
    known = tuple(flag for flag in flags if flag is not None)
    if len(known) != len(flags):
        raise wrong_shape(connector, f"true or false in {name}")
    return known
