"""The states of a verification as people and programs see them: one that is past its time is `expired`."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.models import Verification, VerificationState

EXPIRED = "expired"
SHOWN_STATES: list[tuple[str, str | Promise]] = [
    *VerificationState.choices,
    (EXPIRED, _("expired")),
]


def state_of(verification: Verification, now: datetime | None = None) -> str:
    is_over = verification.expires_at <= (now or timezone.now())
    return EXPIRED if is_over and verification.state == VerificationState.PENDING else str(verification.state)


def in_state(state: str, now: datetime | None = None) -> Q:
    """Those that `state_of` would call so."""
    now = now or timezone.now()
    if state == EXPIRED:
        return Q(state=VerificationState.PENDING, expires_at__lte=now)
    if state == VerificationState.PENDING:
        return Q(state=VerificationState.PENDING, expires_at__gt=now)
    return Q(state=state)


def tries_left(verification: Verification, now: datetime | None = None) -> int:
    if state_of(verification, now) != VerificationState.PENDING:
        return 0
    return max(verification.max_tries - verification.tries, 0)
