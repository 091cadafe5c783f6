"""Whether those in the ledger are those who were agreed to, once an audience is planned."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Broadcast, BroadcastKind, Segment
from campaigns.services.audience import Audience, hash_sum, last_recipient_id, left_out_since
from campaigns.services.estimate import numbers_at_launch


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left_out`: how many who were agreed to have opted out or unsubscribed since and were not planned for it.

    `is_explained`: with them, those planned are exactly those who were agreed to.
    """

    planned: int
    agreed: int
    left_out: int
    is_explained: bool

    @property
    def sentence(self) -> str:
        """What was done, for the log."""
        planned = ngettext("%(n)s person planned.", "%(n)s people planned.", self.planned) % {
            "n": f"{self.planned:,}"
        }
        if not self.left_out:
            return planned
        gone = ngettext(
            "%(n)s person opted out or unsubscribed since it was agreed to and is left out.",
            "%(n)s people opted out or unsubscribed since it was agreed to and are left out.",
            self.left_out,
        ) % {"n": f"{self.left_out:,}"}
        return f"{planned} {gone}"

    @property
    def question(self) -> str:
        """Why a person has to be asked before anything is sent; "" where nobody has."""
        numbers = {
            "n": f"{self.planned:,}",
            "agreed": f"{self.agreed:,}",
            "left_out": f"{self.left_out:,}",
            "gone": f"{max(self.agreed - self.planned - self.left_out, 0):,}",
        }
        if self.planned > self.agreed:
            return (
                ngettext(
                    "The audience grew since it was agreed to: %(n)s person now, %(agreed)s then. Resume to send to all.",
                    "The audience grew since it was agreed to: %(n)s people now, %(agreed)s then. Resume to send to all.",
                    self.planned,
                )
                % numbers
            )
        if self.agreed and not self.planned:
            return (
                _(
                    "Nobody is left of those who were agreed to (%(agreed)s): opted out or unsubscribed since %(left_out)s, "
                    "not on its lists any more %(gone)s. Put the people back and send it again; resume to end this one "
                    "without a text."
                )
                % numbers
            )
        if self.is_explained:
            return ""
        if self.planned + self.left_out < self.agreed:
            return (
                _(
                    "The audience is not the one that was agreed to: %(n)s now, %(agreed)s then. Opted out or unsubscribed "
                    "since: %(left_out)s. Fewer on its lists (removed, moved, changed, or a list was disabled): %(gone)s, "
                    "and others may have come. Resume to send to those who are planned, or stop it and send it again."
                )
                % numbers
            )
        return (
            _(
                "The audience is not the one that was agreed to: %(n)s now, %(agreed)s then, but some left its lists and "
                "others came. Resume to send to those who are planned, or stop it and send it again."
            )
            % numbers
        )


def compare(segment: Segment) -> Comparison:
    """One pass over the ledger's index; a second one over the lists only where the two differ."""
    broadcast = segment.broadcast
    planned, hashed = _in_ledger(broadcast)
    numbers = numbers_at_launch(broadcast)
    agreed = int(numbers.get("people", planned))
    if "audience" not in numbers or broadcast.kind == BroadcastKind.SINGLE:
        return Comparison(planned, agreed, 0, planned == agreed)
    audience = Audience(**numbers["audience"])
    wanted = int(audience.fingerprint)
    if (planned, hashed) == (agreed, wanted):
        return Comparison(planned, agreed, 0, is_explained=True)
    up_to = last_recipient_id(broadcast) if segment.plan_up_to is None else segment.plan_up_to
    left_out, hashed_out = left_out_since(broadcast, audience, up_to)
    is_explained = (planned + left_out, hashed + hashed_out) == (agreed, wanted)
    return Comparison(planned, agreed, left_out, is_explained)


def _in_ledger(broadcast: Broadcast) -> tuple[int, int]:
    """How many, and the sum of the hashes of their numbers."""
    query = f"SELECT count(*), {hash_sum('msisdn')} FROM messaging_message WHERE broadcast_id = %s"  # noqa: S608  # no input
    with connection.cursor() as cursor:
        cursor.execute(query, [broadcast.pk])
        count, hashed = cursor.fetchone()
    return int(count), int(hashed or 0)
