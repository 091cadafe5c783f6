"""Tags that templates/cotton/ and the pages share. None of them asks the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from lucide import IconDoesNotExist
from lucide.templatetags.lucide import lucide

from sms.msisdn import format_msisdn
from web.badges import Badge, badge_of
from web.forms import control as draw_control
from web.toasts import UNDO

register = template.Library()

# A bar is this many units wide, whatever the counts: SVG has trouble with millions.
BAR_WIDTH = 1000


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int | str = 16) -> SafeString:
    """A lucide icon that says nothing to a screen reader: a word or a label says it."""
    try:
        svg = lucide(name, size=int(size), aria_hidden="true", focusable="false", **{"class": "icon"})
    except IconDoesNotExist:
        raise template.TemplateSyntaxError(f"lucide has no icon {name!r}: see lucide.dev/icons.") from None
    return mark_safe(svg)  # noqa: S308  # lucide's own drawing; only a name and a size come from us


@register.simple_tag
def control(field: BoundField, **attributes: Any) -> SafeString:
    """A form field's bare control; with its label and hint it is `field.as_field_group`."""
    return draw_control(field, **{name.replace("_", "-"): value for name, value in attributes.items()})


@register.filter
def widget_name(field: BoundField) -> str:
    """`CheckboxInput`, `SegmentedRadio`…"""
    return type(field.field.widget).__name__


@register.filter
def focus_id(field: BoundField) -> str:
    """The id that an error's link jumps to: of the control, or of the first one of a set."""
    return field.id_for_label or f"{field.auto_id}_0"


@register.simple_tag
def new_id(prefix: str = "c") -> str:
    """Points labels and controls at each other; random, as fragments of several workers meet on a page."""
    return f"{prefix}-{token_hex(4)}"


@register.filter
def badge(state: str) -> Badge:
    return badge_of(state)


@register.filter
def bar_parts(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Places for a state bar from [{"kind", "label", "count"}…]: adds `x` and `width` as texts for SVG.

    A part that is not zero is at least 2 units wide: 3 failures of a million must not vanish.
    """
    known = [{**part, "count": max(int(part["count"]), 0)} for part in parts]
    total = sum(part["count"] for part in known)
    x = 0.0
    for part in known:
        width = part["count"] / total * BAR_WIDTH if total else 0.0
        width = min(max(width, 2.0), BAR_WIDTH - x) if part["count"] else 0.0
        part |= {"x": f"{x:.1f}", "width": f"{width:.1f}"}
        x += width
    return known


@register.filter
def chart_rows(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The chart as a table: one row a label."""
    series = chart["series"]
    return [
        {"label": label, "values": [one["values"][index] for one in series]}
        for index, label in enumerate(chart["labels"])
    ]


@register.filter
def pairs(options: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Options as (value, label), whether they came as pairs or as bare words."""
    return [
        (option, option) if isinstance(option, str | Promise | int) else (option[0], option[1])
        for option in options
    ]


@register.filter
def same(one: Any, other: Any) -> bool:
    """Equal as form values are: 7 and "7"."""
    return str(one) == str(other)


@register.filter
def as_time(value: datetime | str | None) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else value


@register.filter
def full_time(value: datetime) -> str:
    """`21 November 2026, 09:00:12 GMT`: with seconds and the name of the zone."""
    local = timezone.localtime(value)
    return f"{date_format(local, 'j F Y, H:i:s')} {local.tzname()}"


def zone_names(times: Iterable[datetime]) -> str:
    """The short names of the page's zone at these times: `GMT`, or `GMT/BST` where the clocks changed between."""
    names = dict.fromkeys(timezone.localtime(at).tzname() or "" for at in times)
    # Zones without letters are called by their offset: "+04".
    return "/".join(f"UTC{name}" if name[:1] in "+-" else name for name in names)


@register.filter
def ago(value: datetime, now: datetime | None = None) -> str:
    """`5 minutes ago`, `in 2 hours`; beyond a month the date. static/js/time.js keeps it true."""
    seconds = int(((now or timezone.now()) - value).total_seconds())
    amount, unit = _largest_unit(abs(seconds))
    if unit == "date":
        return date_format(timezone.localtime(value), "j M Y")
    if unit == "moment":
        return _("just now") if seconds >= 0 else _("in a moment")
    return _past(amount, unit) if seconds >= 0 else _future(amount, unit)


def _largest_unit(seconds: int) -> tuple[int, str]:
    if seconds < 45:
        return seconds, "moment"
    if seconds < 45 * 60:
        return max(round(seconds / 60), 1), "minute"
    if seconds < 22 * 3600:
        return max(round(seconds / 3600), 1), "hour"
    if seconds < 30 * 86400:
        return max(round(seconds / 86400), 1), "day"
    return 0, "date"


def _past(amount: int, unit: str) -> str:
    if unit == "minute":
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", amount) % {"n": amount}
    if unit == "hour":
        return ngettext("%(n)d hour ago", "%(n)d hours ago", amount) % {"n": amount}
    return ngettext("%(n)d day ago", "%(n)d days ago", amount) % {"n": amount}


def _future(amount: int, unit: str) -> str:
    if unit == "minute":
        return ngettext("in %(n)d minute", "in %(n)d minutes", amount) % {"n": amount}
    if unit == "hour":
        return ngettext("in %(n)d hour", "in %(n)d hours", amount) % {"n": amount}
    return ngettext("in %(n)d day", "in %(n)d days", amount) % {"n": amount}


@register.filter
def msisdn(digits: str | None) -> str:
    """Stored as digits, shown in groups with the plus: `+1 201-555-0123`."""
    return format_msisdn(digits) if digits else ""


@register.filter
def undo_url(message: Message) -> str:
    """The address behind a toast's Undo, "" without one."""
    tags: Sequence[str] = (message.extra_tags or "").split()
    return next((tag.removeprefix(UNDO) for tag in tags if tag.startswith(UNDO)), "")


@register.filter
def initials(name: str) -> str:
    """`Northwind Traders` -> `NT`; `alice@example.com` -> `A`."""
    words = str(name).partition("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper()
