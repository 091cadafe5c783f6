"""Tables as CSV, streamed row by row: UTF-8 with a mark, as spreadsheets want it; no cell is run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.text import slugify

from contacts.fields import PERSON_FIELDS
from contacts.files.formulas import EXPORT_FIRST, EXPORT_LAST, harmless_row
from contacts.models import Import, OptOut, RecipientList, UnsubscribeList


class _Echo:
    """The CSV writer hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(harmless_row(header))
        for row in rows:
            yield writer.writerow(harmless_row(row))

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{slugify(name) or "export"}.csv"'
    return response


def refused_rows_csv(imported: Import) -> StreamingHttpResponse | None:
    """The import's refused rows as the check wrote them; None if there are none, or the file is gone."""
    stored = imported.reject_file
    if not stored or not stored.storage.exists(str(stored.name)):
        return None

    def blocks() -> Iterator[bytes]:
        with stored.open("rb") as file:
            yield from file.chunks()

    response = StreamingHttpResponse(blocks(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="refused-{imported.pk}.csv"'
    return response


def people_csv(recipient_list: RecipientList) -> StreamingHttpResponse:
    """Can be imported again as it is. Numbers carry their plus."""
    columns = list(recipient_list.columns)
    rows = recipient_list.recipients.order_by("pk").values_list(
        "msisdn", *PERSON_FIELDS, "extra", "created_at"
    )

    def lines() -> Iterator[list[str]]:
        for msisdn, *values, extra, created_at in rows.iterator(chunk_size=2_000):
            own = [str(extra.get(name, "")) for name in columns]
            yield [f"+{msisdn}", *values, *own, created_at.isoformat(timespec="seconds")]

    return csv_response(recipient_list.name, [EXPORT_FIRST, *PERSON_FIELDS, *columns, EXPORT_LAST], lines())


def opt_outs_csv(workspace_id: int) -> StreamingHttpResponse:
    rows = OptOut.objects.filter(workspace_id=workspace_id).order_by("pk")

    def lines() -> Iterator[list[str]]:
        for row in rows.iterator(chunk_size=2_000):
            at = row.at.isoformat(timespec="seconds")
            yield [f"+{row.msisdn}", at, row.how, row.source, str(row.message_id or "")]

    return csv_response("opt-outs", ["number", "at", "how", "source", "message_id"], lines())


def members_csv(unsubscribe_list: UnsubscribeList) -> StreamingHttpResponse:
    rows = unsubscribe_list.members.order_by("pk").values_list("msisdn", "at", "how")

    def lines() -> Iterator[list[str]]:
        for msisdn, at, how in rows.iterator(chunk_size=2_000):
            yield [f"+{msisdn}", at.isoformat(timespec="seconds"), how]

    return csv_response(unsubscribe_list.name, ["number", "at", "how"], lines())
