"""Senders and sender lists: document 004, sections Senders and Sender Lists."""

from collections.abc import Iterable
from typing import Any

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Sender, SenderList, Table
from providers.sandbox.messagewhiz.request import (
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    disabling,
    listing,
)
from providers.sandbox.messagewhiz.sms import BAD_FROM, is_sender


def create(request: Request) -> dict[str, Any]:
    name = sender_name(request.fields(), "name")
    new = Sender(id=request.account.ids.next("sender"), name=name)
    return shown(request.account.senders.add(new))


def change(request: Request) -> dict[str, Any]:
    fields, row = request.fields(), request.account.senders.get(request.row_id)
    if "name" in fields:
        sender_name(fields, "name")
    apply_name_and_switch(fields, request.account.senders, row)
    return shown(row)


def patch(request: Request) -> dict[str, Any]:
    """Named by the document without an example; answered like the PATCH of a sender list."""
    after = change(request)
    return {"id": after["id"], "enabled": int(after["enabled"])}


def create_list(request: Request) -> dict[str, Any]:
    """Ids that are none of the account's are skipped: with none at all "the list will be created empty"."""
    fields, account = request.fields(), request.account
    new = SenderList(id=account.ids.next("sender_list"), name=fields.text("name"))
    if "senderIds" in fields:
        new.senders = found(account, fields.id_array("senderIds"))
    return shown_list(account, account.sender_lists.add(new))


def add_to_list(request: Request) -> list[int]:
    """The ids that were added, or were there."""
    row = request.account.sender_lists.get(request.row_id)
    new = found(request.account, request.fields().id_array("ids"))
    row.senders.update(new)
    return list(new)


def change_list(request: Request) -> dict[str, Any]:
    """`senderIds` become the list: the example's count is theirs, though the text says "added"."""
    fields, account = request.fields(), request.account
    row = account.sender_lists.get(request.row_id)
    senders = found(account, fields.id_array("senderIds")) if "senderIds" in fields else row.senders
    apply_name_and_switch(fields, account.sender_lists, row)
    row.senders = senders
    return shown_list(account, row)


def patch_list(request: Request) -> dict[str, Any]:
    row = request.account.sender_lists.get(request.row_id)
    apply_name_and_switch(request.fields(), request.account.sender_lists, row)
    return {"id": row.id, "enabled": int(row.enabled)}


def list_members(request: Request) -> dict[str, Any]:
    row = request.account.sender_lists.get(request.row_id)
    senders = [{"senderId": sender.id, "name": sender.name} for sender in row.senders.values()]
    return {"id": row.id, "senders": senders}


def remove_from_list(request: Request) -> bool:
    """`?id=`; raises Failure 404 for one that is not in the list."""
    row = request.account.sender_lists.get(request.row_id)
    if row.senders.pop(query_id(request), None) is None:
        raise Failure(404, "the sender is not in the list")
    return True


def query_id(request: Request) -> int:
    """`id`, or `[id]` as the document writes it for links."""
    query = request.call.query()
    return Fields({"id": query.get("id") or query.get("[id]")}).whole("id")


def found(account: Account, ids: Iterable[int]) -> dict[int, Sender]:
    return {
        sender_id: account.senders.rows[sender_id] for sender_id in ids if sender_id in account.senders.rows
    }


def sender_name(fields: Fields, name: str) -> str:
    """Raises Failure 400 with the document's sentence."""
    value = fields.data.get(name)
    if isinstance(value, str) and is_sender(value):
        return value
    raise Failure(400, BAD_FROM)


def shown(row: Sender) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "enabled": row.enabled}


def listed(_account: Account, row: Sender) -> dict[str, Any]:
    return {"enabled": row.enabled, "id": row.id, "name": row.name}


def shown_list(_account: Account, row: SenderList) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "enabled": row.enabled, "count": len(row.senders)}


def table(account: Account) -> Table[Sender]:
    return account.senders


def list_table(account: Account) -> Table[SenderList]:
    return account.sender_lists


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "sender"): create,
    ("GET", "sender"): listing(table, listed),
    ("PUT", "sender/{}"): change,
    ("PATCH", "sender/{}"): patch,
    ("DELETE", "sender/{}"): disabling(table),
    ("POST", "senderlist"): create_list,
    ("POST", "senderlist/{}/senders"): add_to_list,
    ("GET", "senderlist"): listing(list_table, shown_list),
    ("GET", "senderlist/{}/senders"): list_members,
    ("PUT", "senderlist/{}"): change_list,
    ("PATCH", "senderlist/{}"): patch_list,
    ("DELETE", "senderlist/{}"): disabling(list_table),
    ("DELETE", "senderlist/{}/senders"): remove_from_list,
}
