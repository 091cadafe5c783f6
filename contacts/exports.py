"""Tables as CSV, streamed row by row: UTF-8 with a mark, as spreadsheets want it; people as XLSX too.

No cell is run as a formula.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import FileResponse, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from contacts.batches import in_batches
from contacts.fields import PERSON_FIELDS
from contacts.files.formulas import (
    ANSWER_COLUMN,
    EXPORT_FIRST,
    EXPORT_LAST,
    PROOF_COLUMNS,
    SEMICOLON_COLUMNS,
    UNDONE_COLUMNS,
    harmless_row,
)
from contacts.models import Import, ListJob, OptOut, Recipient, RecipientList, UnsubscribeList
from contacts.related import words_of_messages


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
    response.headers["Content-Disposition"] = _attachment(name, "csv")
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


EXPORT_FORMS: dict[str, str | Promise] = {
    "csv": gettext_lazy("CSV"),
    "csv_semicolon": gettext_lazy("CSV with semicolons, as MessageWhiz writes it"),
    "xlsx": gettext_lazy("XLSX"),
}


def people_rows(rows: QuerySet[Recipient], columns: Sequence[str]) -> Iterator[list[str]]:
    """Number without plus, fields, further columns and when added; in the order of the numbers."""
    found = rows.order_by("msisdn").values_list("msisdn", *PERSON_FIELDS, "extra", "created_at")
    for msisdn, *values, extra, created_at in found.iterator(chunk_size=2_000):
        own = [str(extra.get(name, "")) for name in columns]
        yield [msisdn, *values, *own, created_at.isoformat(timespec="seconds")]


def people_lines(form: str, columns: Sequence[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """A CSV, line by line. With commas it can be imported again as it is, and numbers carry their plus."""
    if form == "csv_semicolon":
        writer = csv.writer(_Echo(), delimiter=";", quoting=csv.QUOTE_ALL)
        yield writer.writerow(harmless_row([*SEMICOLON_COLUMNS, *columns]))
        for row in rows:
            yield writer.writerow(harmless_row(row[:-1]))
        return
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(harmless_row([EXPORT_FIRST, *PERSON_FIELDS, *columns, EXPORT_LAST]))
    for row in rows:
        yield writer.writerow(harmless_row([f"+{row[0]}", *row[1:]]))


def people_cells(columns: Sequence[str], rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """Of a workbook: the header and then the rows."""
    yield harmless_row([EXPORT_FIRST, *PERSON_FIELDS, *columns, EXPORT_LAST])
    for row in rows:
        yield harmless_row([f"+{row[0]}", *row[1:]])


def people_csv(
    recipient_list: RecipientList, rows: QuerySet[Recipient], form: str = "csv"
) -> StreamingHttpResponse:
    columns = list(recipient_list.columns)
    lines = people_lines(form, columns, people_rows(rows, columns))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = _attachment(recipient_list.name, "csv")
    return response


def job_file(job: ListJob) -> FileResponse | None:
    """None if there is none, or it is kept no more."""
    stored = job.file
    if not stored or not stored.storage.exists(str(stored.name)):
        return None
    kind = "xlsx" if job.options.get("form") == "xlsx" else "csv"
    response = FileResponse(stored.open("rb"), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = _attachment(job.list.name, kind)
    return response


def _attachment(name: str, kind: str) -> str:
    return f'attachment; filename="{slugify(name) or "export"}.{kind}"'


def opt_outs_csv(workspace: Workspace) -> StreamingHttpResponse:
    """The proof: who is opted out, and below it who was, with what undid it. Times are the workspace's, with their zone."""
    zone = ZoneInfo(workspace.time_zone)
    rows = OptOut.objects.filter(workspace=workspace).order_by("pk")
    undone = AuditEntry.objects.filter(workspace=workspace, action="opted in", subject="optout")
    undone = undone.select_related("user", "api_key").order_by("pk")

    def lines() -> Iterator[list[str]]:
        for some in in_batches(rows.iterator(chunk_size=2_000), 2_000):
            answered = words_of_messages(workspace.pk, {row.message_id for row in some if row.message_id})
            for row in some:
                proof = [_in_zone(row.at, zone), row.how, row.source, str(row.message_id or "")]
                yield [f"+{row.msisdn}", *proof, "", "", "", answered.get(row.message_id or 0, "")]
        for entries in in_batches(undone.iterator(chunk_size=2_000), 2_000):
            ids = {entry.details.get("was", {}).get("message_id") for entry in entries} - {None}
            answered = words_of_messages(workspace.pk, ids)
            for entry in entries:
                yield [
                    *_undone_line(entry, zone),
                    answered.get(entry.details.get("was", {}).get("message_id"), ""),
                ]

    return csv_response("opt-outs", [*PROOF_COLUMNS, *UNDONE_COLUMNS, ANSWER_COLUMN], lines())


def _undone_line(entry: AuditEntry, zone: ZoneInfo) -> list[str]:
    was = entry.details.get("was", {})
    at = datetime.fromisoformat(was["at"]) if was.get("at") else None
    proof = [was.get("how", ""), was.get("source", ""), str(was.get("message_id") or "")]
    undone = [
        _in_zone(entry.at, zone),
        entry.details.get("reason", ""),
        str(Actor(entry.user, entry.api_key)),
    ]
    return [entry.label, _in_zone(at, zone), *proof, *undone]


def _in_zone(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""


def members_csv(unsubscribe_list: UnsubscribeList) -> StreamingHttpResponse:
    zone = ZoneInfo(unsubscribe_list.workspace.time_zone)
    rows = unsubscribe_list.members.order_by("pk").values_list("msisdn", "at", "how", "source", "message_id")

    def lines() -> Iterator[list[str]]:
        for msisdn, at, how, source, message_id in rows.iterator(chunk_size=2_000):
            yield [f"+{msisdn}", _in_zone(at, zone), how, source, str(message_id or "")]

    return csv_response(unsubscribe_list.name, PROOF_COLUMNS, lines())
