"""Who is left out of a broadcast besides those who opted out: judged when their turn comes, and told before the launch.

    has_it          of several broadcasts to those who missed one (siblings) a person gets one
    frequency_cap   has had as many broadcasts within so many days as the workspace allows

Siblings: of two that have a row for a person, the one made first goes before the other. The later one leaves the person
out unless the row of the first one certainly was not sent, and never will be; the first one leaves the person out if the
later one may have sent it. So one of them at most sends it, whatever runs at the same time.

The cap: claims of a workspace that has one come one after the other, so that two broadcasts that run at once do not both
find room.
"""
# the statements are made of this module's constants

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from messaging.models import Dispatch, Message
from messaging.reasons import FREQUENCY_CAP, HAS_IT
from sms.states import MessageState

S = MessageState
# Perhaps in the person's hands, or about to be.
GOT_IT = (S.SUBMITTING, S.UNKNOWN, S.SENT, S.DELIVERED)
# May still be sent.
WAITS = (S.QUEUED, S.HELD)


def _quoted(states: Sequence[MessageState]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


_HAS_IT = (
    " WHEN EXISTS (SELECT 1 FROM messaging_message b WHERE b.broadcast_id IN ({ids}) AND b.msisdn = m.msisdn AND"
    " (b.state IN ({got}) OR b.broadcast_id < m.broadcast_id AND b.state IN ({waits}))) THEN '{code}'"
)
# The n-th of the last days is there; found by the index over numbers.
_CAPPED = (
    " WHEN EXISTS (SELECT 1 FROM messaging_message c WHERE c.workspace_id = m.workspace_id AND c.msisdn = m.msisdn"
    " AND c.broadcast_id IS NOT NULL AND c.broadcast_id <> m.broadcast_id AND c.state IN ({got})"
    " AND c.submitted_at >= %s ORDER BY c.id DESC LIMIT 1 OFFSET {before}) THEN '{code}'"
)
# Any number: advisory locks of the program have this one first.
_CAP_LOCK = 7_304_001


def cases(dispatch: Dispatch, now: datetime) -> tuple[str, list[Any]]:
    """For the CASE of the claim, whose messages are `m`: conditions with the reason of each, and their values."""
    query, values = "", []
    if dispatch.sibling_ids and dispatch.broadcast_id is not None:
        ids = ", ".join(str(int(pk)) for pk in dispatch.sibling_ids)
        query += _HAS_IT.format(ids=ids, got=_quoted(GOT_IT), waits=_quoted(WAITS), code=HAS_IT)
    if dispatch.frequency_cap is not None and dispatch.broadcast_id is not None:
        query += _CAPPED.format(got=_quoted(GOT_IT), before=dispatch.frequency_cap - 1, code=FREQUENCY_CAP)
        values.append(now - timedelta(days=dispatch.frequency_days))
    return query, values


def one_after_the_other(dispatch: Dispatch) -> None:
    """Until the end of the transaction. On SQLite writers are one after the other anyway."""
    if dispatch.frequency_cap is not None and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_CAP_LOCK, dispatch.workspace_id])


def has_it(sibling_ids: Sequence[int], broadcast_id: int) -> Exists:
    """For rows with a number."""
    rows = Message.objects.filter(broadcast_id__in=list(sibling_ids), msisdn=OuterRef("msisdn"))
    is_first = Q(broadcast_id__lt=broadcast_id, state__in=WAITS)
    return Exists(rows.filter(Q(state__in=GOT_IT) | is_first))


def is_capped(workspace_id: int, broadcast_id: int, *, cap: int, since: datetime) -> Exists:
    """For rows with a number: they have had `cap` broadcasts since then."""
    rows = Message.objects.filter(
        workspace_id=workspace_id,
        msisdn=OuterRef("msisdn"),
        broadcast_id__isnull=False,
        state__in=GOT_IT,
        submitted_at__gte=since,
    ).exclude(broadcast_id=broadcast_id)
    return Exists(rows.order_by("-id")[cap - 1 : cap])
