"""Rows for engine tests: an account at the sandbox, a sender, a list of example people, a planned dispatch."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Recipient, RecipientList
from messaging.dispatches import create_dispatch, start_dispatch
from messaging.ledger import count_planned
from messaging.models import Dispatch, Message, Sender
from providers.models import ProviderAccount
from sms.examples import example_msisdns

SENDER = "12025550100"


def make_account(
    workspace: Workspace, vendor: str = "bulkvs", base_url: str = "", **fields: Any
) -> ProviderAccount:
    account = ProviderAccount(
        workspace=workspace,
        vendor=vendor,
        name=fields.pop("name", f"{vendor} test"),
        base_url=base_url or "http://127.0.0.1:9/nobody",
        parts_per_second=fields.pop("parts_per_second", Decimal(100_000)),
        max_in_flight=fields.pop("max_in_flight", 16),
        default_price=fields.pop("default_price", Decimal("0.0079")),
        **fields,
    )
    account.credentials = (
        {"username": "sandbox", "password": "sandbox"} if vendor == "bulkvs" else {"api_key": "sandbox-key"}
    )
    account.save()
    return account


def make_sender(workspace: Workspace, value: str = SENDER) -> Sender:
    return Sender.objects.get_or_create(workspace=workspace, value=value)[0]


def make_list(workspace: Workspace, people: int, name: str = "Members", start: int = 0) -> RecipientList:
    made = RecipientList.objects.create(workspace=workspace, name=name, recipient_count=people)
    Recipient.objects.bulk_create(
        [
            Recipient(list=made, msisdn=msisdn, country="US", first_name=f"Person {number}")
            for number, msisdn in enumerate(example_msisdns(people, start))
        ],
        batch_size=2000,
    )
    return made


def make_dispatch(
    workspace: Workspace,
    account: ProviderAccount,
    *,
    people: int = 10,
    text: str = "Hello {{first_name|there}}",
    broadcast_id: int | None = 1,
    start: bool = True,
    name: str = "Members",
    msisdns: list[str] | None = None,
) -> Dispatch:
    """A dispatch whose messages are planned, as planning leaves them."""
    dispatch = create_dispatch(
        workspace=workspace,
        broadcast_id=broadcast_id,
        text=text,
        sender=SENDER,
        account=account,
        unsubscribe_list_ids=[],
    )
    if msisdns is None:
        made = make_list(workspace, people, name)
        targets: list[tuple[int | None, str]] = list(
            made.recipients.order_by("id").values_list("id", "msisdn")
        )
    else:
        targets = [(None, msisdn) for msisdn in msisdns]
    Message.objects.bulk_create(
        [
            Message(
                workspace=workspace,
                dispatch=dispatch,
                broadcast_id=broadcast_id,
                recipient_id=recipient_id,
                account=account,
                msisdn=msisdn,
                sender=SENDER,
                created_at=timezone.now(),
            )
            for recipient_id, msisdn in targets
        ],
        batch_size=2000,
    )
    count_planned(dispatch.pk, len(targets))
    if start:
        start_dispatch(dispatch_id=dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch
