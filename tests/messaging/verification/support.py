"""Verifications for tests, and the code that each was given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.access import Actor
from accounts.models import Workspace
from messaging.models import Message, Verification
from messaging.verification.codes import waiting_codes
from messaging.verification.services import Started, start_verification
from providers.models import ProviderAccount
from tests.engine.makers import make_sender

MAYA, AHMAD = "12015550101", "12015550102"
TEXT = "Your code is {{verification_code}}."


def started(account: ProviderAccount, msisdn: str = MAYA, **asked: Any) -> Started:
    given: dict[str, Any] = {"actor": Actor(), "text": TEXT, **asked}
    return start_verification(
        workspace=account.workspace,
        msisdn=f"+{msisdn}",
        sender=make_sender(account.workspace),
        account=account,
        **given,
    )


def code_of(verification: Verification) -> str:
    """As the engine will read it, while it waits."""
    assert verification.message_id is not None
    return waiting_codes([verification.message_id])[verification.message_id].code


def wrong(code: str) -> str:
    """Another one, as long."""
    return str(int(code) + 1) if code[-1] != "9" else str(int(code) - 1)


def message_of(verification: Verification) -> Message:
    return Message.objects.get(pk=verification.message_id)


def move_back(verification: Verification, by: timedelta) -> None:
    """As if it had been asked for so much earlier."""
    verification.created_at -= by
    verification.expires_at -= by
    verification.save(update_fields=["created_at", "expires_at"])


def rows_of(workspace: Workspace) -> list[Verification]:
    return list(Verification.objects.filter(workspace=workspace).order_by("pk"))
