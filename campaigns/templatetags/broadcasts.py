"""Tags of the broadcast pages. None of them asks the database."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sms.states import MessageState
from web.money import money_text

register = template.Library()

# Parts of a state bar: kind (app.css), label, the states it counts.
S = MessageState
BAR: tuple[tuple[str, str | Promise, tuple[MessageState, ...]], ...] = (
    ("delivered", _("Delivered"), (S.DELIVERED,)),
    ("failed", _("Failed"), (S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED)),
    ("unknown", _("Unknown"), (S.UNKNOWN,)),
    ("way", _("On the way"), (S.SUBMITTING, S.SENT)),
    ("held", _("Left out"), (S.SUPPRESSED, S.CANCELLED)),
    ("waiting", _("Waiting"), (S.QUEUED, S.HELD)),
)
# Shown with a count of 0 too; the others only where there are any.
ALWAYS = ("delivered", "failed", "way", "waiting")

FIX: dict[str, tuple[str, str | Promise]] = {
    "audience": ("#audience", _("Choose people")),
    "message": ("#message", _("Edit the text")),
    "pictures": ("#picture-choices", _("Choose pictures")),
    "sender": ("#sender", _("Choose a sender")),
    "account": ("#through", _("Choose an account")),
    "schedule": ("#schedule", _("Change the time")),
    "segments": ("#segments", _("Change the segments")),
    "campaign": ("#campaign", _("Choose a campaign")),
}


@register.filter
def money(amount: Decimal | str | None, currency: str) -> str:
    return money_text(amount, currency)


@register.filter
def bar_of(by_state: dict[str, int]) -> list[dict[str, Any]]:
    """Counts by state as the parts of a state bar."""
    parts = [
        {"kind": kind, "label": label, "count": sum(by_state.get(state.value, 0) for state in states)}
        for kind, label, states in BAR
    ]
    return [part for part in parts if part["count"] or part["kind"] in ALWAYS]


@register.filter
def percent(rate: Decimal) -> str:
    """`2%`, `2.305%`: without zeros that say nothing."""
    return f"{rate.normalize():f}%"


@register.filter
def percent_of(count: int, total: int) -> str:
    """`97.0 %`; nothing where there is no total."""
    return f"{100 * count / total:.1f}%" if total else ""


@register.filter
def fix_anchor(fix: str) -> str:
    return FIX[fix][0] if fix in FIX else ""


@register.filter
def fix_words(fix: str) -> str | Promise:
    return FIX[fix][1] if fix in FIX else ""


@register.filter
def clock(value: datetime | None) -> str:
    """`09:12:04` today, else with the day; local to the workspace."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    if local.date() == timezone.localdate():
        return date_format(local, "H:i:s")
    return date_format(local, "j M H:i:s")


@register.filter
def duration(seconds: float | int | None) -> str:
    """`under a minute`, `about 5 min`, `about 2 h 10 min`."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return str(_("under a minute"))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return str(_("about %(minutes)s min")) % {"minutes": rest}
    return str(_("about %(hours)s h %(minutes)s min")) % {"hours": intcomma(hours), "minutes": rest}
