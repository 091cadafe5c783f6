"""Campaigns: document 004, section Campaigns."""

from typing import Any

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import COMPANY_ID, USER_ID, Account, Campaign, Table
from providers.sandbox.messagewhiz.request import (
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    disabling,
    listing,
)
from providers.sandbox.state import iso


def create(request: Request) -> dict[str, Any]:
    fields = request.fields()
    new = Campaign(id=request.account.ids.next("campaign"), name=fields.text("name"))
    new.starts_at, new.ends_at = dates_of(fields, new)
    return shown(request.account.campaigns.add(new))


def change(request: Request) -> dict[str, Any]:
    """PUT keeps what is not named: so does the document's example, though its text says "replaced"."""
    fields, row = request.fields(), request.account.campaigns.get(request.row_id)
    dates = dates_of(fields, row)
    apply_name_and_switch(fields, request.account.campaigns, row)
    row.starts_at, row.ends_at = dates
    return shown(row)


def patch(request: Request) -> dict[str, Any]:
    fields = request.fields()
    after = change(request)
    named = {name: after[name] for name in ("name", "start_date", "end_date") if name in fields}
    return {"id": after["id"], **named, "enabled": int(after["enabled"])}


def dates_of(fields: Fields, row: Campaign) -> tuple[float | None, float | None]:
    """Start and end, the row's own where not given; raises Failure 400 when the end comes before the start."""
    starts_at = fields.moment("start_date") if "start_date" in fields else row.starts_at
    ends_at = fields.moment("end_date") if "end_date" in fields else row.ends_at
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise Failure(400, "end_date must not be before start_date")
    return starts_at, ends_at


def shown(row: Campaign) -> dict[str, Any]:
    return {
        "id": row.id,
        "is_default": int(row.is_default),
        "name": row.name,
        "start_date": None if row.starts_at is None else iso(row.starts_at),
        "end_date": None if row.ends_at is None else iso(row.ends_at),
        "enabled": row.enabled,
    }


def listed(_account: Account, row: Campaign) -> dict[str, Any]:
    company = None if row.is_default else COMPANY_ID
    return shown(row) | {"userList": [{"campaign_id": row.id, "user_id": USER_ID, "company_id": company}]}


def table(account: Account) -> Table[Campaign]:
    return account.campaigns


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "campaign"): create,
    ("GET", "campaign"): listing(table, listed),
    ("PUT", "campaign/{}"): change,
    ("PATCH", "campaign/{}"): patch,
    ("DELETE", "campaign/{}"): disabling(table),
}
