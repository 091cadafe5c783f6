"""Triggers: document 004, section Triggers. What waits for one is sent when its public short URL is opened."""

import secrets
import uuid
from typing import Any

from providers.sandbox.messagewhiz.records import Account, Table, Trigger
from providers.sandbox.messagewhiz.request import Handler, Request, apply_name_and_switch, disabling, listing
from providers.sandbox.messagewhiz.running import Runner
from providers.sandbox.wire import Answer, Call, page

TRIGGER = "t"


def create(request: Request) -> dict[str, Any]:
    code = secrets.token_urlsafe(5)
    new = Trigger(
        id=request.account.ids.next("trigger"),
        name=request.fields().text("name"),
        uuid=str(uuid.uuid4()),
        code=code,
        short_url=f"{request.base_url}/{TRIGGER}/{code}",
    )
    request.account.triggers.add(new)
    request.runner.triggers[code] = request.account, new
    return shown(new) | {"trigger_type_id": 1}


def change(request: Request) -> dict[str, Any]:
    row = request.account.triggers.get(request.row_id)
    apply_name_and_switch(request.fields(), request.account.triggers, row)
    return shown(row)


def open_trigger(runner: Runner, code: str, call: Call) -> Answer:
    """ "Clicked on or activated": GET and POST fire it, HEAD and a disabled one do not."""
    found = runner.triggers.get(code)
    if found is None or not found[1].enabled:
        return page(404, "This link leads nowhere")
    if call.method not in ("GET", "POST"):
        return Answer(200, b"")
    runner.fire(found[1])
    return page(200, "Thank you")


def shown(row: Trigger) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "uuid": row.uuid,
        "enabled": int(row.enabled),
        "short_url": row.short_url,
    }


def listed(_account: Account, row: Trigger) -> dict[str, Any]:
    return shown(row) | {
        "trigger_type_id": 1,
        "details": None,
        "date": None,
        "flight_details.flight_number": None,
        "flight_details.arrival_date": None,
    }


def table(account: Account) -> Table[Trigger]:
    return account.triggers


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "trigger"): create,
    ("GET", "trigger"): listing(table, listed),
    ("PUT", "trigger/{}"): change,
    ("DELETE", "trigger/{}"): disabling(table),
}
