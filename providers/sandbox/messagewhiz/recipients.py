"""Recipient lists: document 004, section Recipients."""

from typing import Any

from providers.sandbox.messagewhiz.files import Imported, as_csv, import_people, preview
from providers.sandbox.messagewhiz.records import NO_VALUES, Account, RecipientList, Table
from providers.sandbox.messagewhiz.request import (
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    disabling,
    listing,
)
from providers.sandbox.wire import Answer

CSV_TYPE = b"text/csv; charset=utf-8"
MOST_NUMBERS = 500_000


def import_file(request: Request) -> dict[str, int]:
    form = request.form()
    name = Fields(form.texts).text("name")
    request.account.recipient_lists.refuse_new(name)
    found = import_people(request, form)
    return found.shown(keep(request.account, name, found).id)


def replace_by_file(request: Request) -> dict[str, int]:
    """PUT "the entire existing Recipient List"; the name stays when none is given."""
    form, row = request.form(), request.account.recipient_lists.get(request.row_id)
    name = Fields(form.texts).text_or("name", row.name)
    request.account.recipient_lists.refuse_taken(name, but=row)
    found = import_people(request, form)
    request.account.room.take(len(found.people) - len(row.people))
    row.name, row.people, row.columns = name, found.people, found.columns
    return found.shown(row.id)


def create_by_numbers(request: Request) -> dict[str, int]:
    fields = request.fields()
    name, found = fields.text("name"), numbers_of(fields)
    row = keep(request.account, name, found)
    return found.shown(row.id) | {"count": len(row.people)}


def add_numbers(request: Request) -> dict[str, int]:
    """PUT adds: "array of numbers that will be added to the list"."""
    fields, row = request.fields(), request.account.recipient_lists.get(request.row_id)
    found = numbers_of(fields)
    known = [msisdn for msisdn in found.people if msisdn in row.people]
    found.duplicate += len(known)
    for msisdn in known:
        del found.people[msisdn]
    apply_name_and_switch(fields, request.account.recipient_lists, row)
    request.account.room.take(len(found.people))
    row.people.update(found.people)
    return found.shown(row.id) | {"count": len(row.people)}


def patch(request: Request) -> dict[str, Any]:
    row = request.account.recipient_lists.get(request.row_id)
    apply_name_and_switch(request.fields(), request.account.recipient_lists, row)
    return {"name": row.name, "enabled": row.enabled, "count": len(row.people)}


def list_recipients(request: Request) -> list[dict[str, Any]]:
    """Numbers are JSON numbers here, unlike in `listNumbers`."""
    row = request.account.recipient_lists.get(request.row_id)
    return [{"phone_number": int(msisdn), **values} for msisdn, values in row.people.items()]


def list_numbers(request: Request) -> list[str]:
    return list(request.account.recipient_lists.get(request.row_id).people)


def download(request: Request) -> Answer:
    row = request.account.recipient_lists.get(request.row_id)
    rows = (
        [msisdn, *(values.get(name, "") for name in row.columns)] for msisdn, values in row.people.items()
    )
    return Answer(200, as_csv(["phone_number", *row.columns], rows), CSV_TYPE)


def preview_file(request: Request) -> dict[str, object]:
    return preview(request, by_row=False)


def numbers_of(fields: Fields) -> Imported:
    found = Imported()
    for number in fields.array("numbers", MOST_NUMBERS):
        found.take(number, NO_VALUES)
    return found


def keep(account: Account, name: str, found: Imported) -> RecipientList:
    """A new list; raises Failure 409 or 403."""
    account.recipient_lists.refuse_new(name)
    account.room.take(len(found.people))
    new = RecipientList(
        id=account.ids.next("recipient_list"),
        name=name,
        people=dict(found.people),
        columns=found.columns,
    )
    return account.recipient_lists.add(new)


def listed(_account: Account, row: RecipientList) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "enabled": int(row.enabled), "count": len(row.people)}


def table(account: Account) -> Table[RecipientList]:
    return account.recipient_lists


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "recipientlist"): import_file,
    ("POST", "recipientlist/numbers"): create_by_numbers,
    ("POST", "recipientlist/{}/preview"): preview_file,
    ("GET", "recipientlist"): listing(table, listed),
    ("GET", "recipientlist/{}/recipients"): list_recipients,
    ("GET", "recipientlist/{}/listnumbers"): list_numbers,
    ("GET", "recipientlist/{}/download"): download,
    ("PUT", "recipientlist/{}/numbers"): add_numbers,
    ("PATCH", "recipientlist/{}"): patch,
    ("PUT", "recipientlist/{}"): replace_by_file,
    ("DELETE", "recipientlist/{}"): disabling(table),
}
