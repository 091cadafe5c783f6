"""Unsubscribe lists: document 004, section Unsubscribe Lists."""

from typing import Any

from providers.sandbox.messagewhiz.files import Imported, as_csv, import_people, preview
from providers.sandbox.messagewhiz.recipients import CSV_TYPE, numbers_of
from providers.sandbox.messagewhiz.records import COMPANY_ID, USER_ID, Account, Table, UnsubscribeList
from providers.sandbox.messagewhiz.request import (
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    disabling,
    listing,
)
from providers.sandbox.wire import Answer


def create(request: Request) -> dict[str, Any]:
    """By a file or by numbers, as the content type says; numbers that are none are left out."""
    if request.is_form:
        form = request.form()
        name = Fields(form.texts).text("name")
        found = import_people(request, form)
    else:
        fields = request.fields()
        name, found = fields.text("name"), numbers_of(fields) if "numbers" in fields else Imported()
    account = request.account
    account.unsubscribe_lists.refuse_new(name)
    account.room.take(len(found.people))
    new = UnsubscribeList(
        id=account.ids.next("unsubscribe_list"), name=name, numbers=dict.fromkeys(found.people)
    )
    return shown(account.unsubscribe_lists.add(new))


def replace_by_file(request: Request) -> dict[str, Any]:
    form, row = request.form(), request.account.unsubscribe_lists.get(request.row_id)
    name = Fields(form.texts).text_or("name", row.name)
    request.account.unsubscribe_lists.refuse_taken(name, but=row)
    found = import_people(request, form)
    request.account.room.take(len(found.people) - len(row.numbers))
    row.name, row.numbers = name, dict.fromkeys(found.people)
    return shown(row)


def add_members(request: Request) -> dict[str, int]:
    row = request.account.unsubscribe_lists.get(request.row_id)
    found = numbers_of(request.fields())
    new = [msisdn for msisdn in found.people if msisdn not in row.numbers]
    request.account.room.take(len(new))
    row.numbers.update(dict.fromkeys(new))
    there = len(found.people) - len(new) + found.duplicate
    return {"inserted": len(new), "alreadyExists": there, "notValid": found.wrong}


def list_members(request: Request) -> list[dict[str, str]]:
    """Newest first, as in the example."""
    row = request.account.unsubscribe_lists.get(request.row_id)
    return [{"phone_number": msisdn} for msisdn in reversed(row.numbers)]


def download(request: Request) -> Answer:
    row = request.account.unsubscribe_lists.get(request.row_id)
    return Answer(200, as_csv(["phone_number"], ([msisdn] for msisdn in row.numbers)), CSV_TYPE)


def patch(request: Request) -> dict[str, Any]:
    row = request.account.unsubscribe_lists.get(request.row_id)
    apply_name_and_switch(request.fields(), request.account.unsubscribe_lists, row)
    return {"id": row.id, "enabled": row.enabled}


def preview_file(request: Request) -> dict[str, object]:
    return preview(request, by_row=True)


def shown(row: UnsubscribeList) -> dict[str, Any]:
    return {
        "enabled": row.enabled,
        "id": row.id,
        "name": row.name,
        "company_id": COMPANY_ID,
        "unsubscribers_amount": len(row.numbers),
        "user_id": USER_ID,
    }


def listed(_account: Account, row: UnsubscribeList) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "enabled": int(row.enabled),
        "unsubscribers_amount": len(row.numbers),
    }


def table(account: Account) -> Table[UnsubscribeList]:
    return account.unsubscribe_lists


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "unsubscribelist"): create,
    ("POST", "unsubscribelist/preview"): preview_file,
    ("POST", "unsubscribelist/preview/{}"): preview_file,
    ("POST", "unsubscribelist/{}/members"): add_members,
    ("GET", "unsubscribelist"): listing(table, listed),
    ("GET", "unsubscribelist/{}/members"): list_members,
    ("GET", "unsubscribelist/{}/download"): download,
    ("PUT", "unsubscribelist/{}"): replace_by_file,
    ("PATCH", "unsubscribelist/{}"): patch,
    ("DELETE", "unsubscribelist/{}"): disabling(table),
}
