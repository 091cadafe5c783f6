"""Clicks over time as the chart component takes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.links.activity import PERIODS, Activity, Classes, days_between

# Beyond that a bar is a month.
MOST_DAYS = 92
SERIES: tuple[tuple[str, str | Promise, str], ...] = (
    ("human", gettext_lazy("By people"), "--chart-1"),
    ("unsure", gettext_lazy("Unsure"), "--chart-4"),
    ("bot", gettext_lazy("By machines"), "--chart-2"),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """`by_month`: else a bar is a day."""

    data: dict[str, Any]
    by_month: bool
    label: str


def chart_of(activity: Activity, period: str, today: date | None = None) -> Chart | None:
    """Of the texts' links; None where nobody asked for any in the period."""
    if not activity.by_day:
        return None
    last = today or timezone.localdate()
    begins = min(activity.by_day)
    if PERIODS[period] is not None and not activity.is_cut and activity.since is not None:
        begins = timezone.localtime(activity.since).date()
    by_month = (last - begins).days >= MOST_DAYS
    bars = _months(activity, begins, last) if by_month else _days(activity, begins, last)
    return Chart(_data(bars), by_month, _label(activity.classes))


def _days(activity: Activity, first: date, last: date) -> dict[str, Classes]:
    return {
        date_format(day, "j M"): activity.by_day.get(day, Classes())
        for day in days_between(first, max(first, last))
    }


def _months(activity: Activity, first: date, last: date) -> dict[str, Classes]:
    bars: dict[str, Classes] = {}
    for day in days_between(first, max(first, last)):
        bar = bars.setdefault(date_format(day, "M Y"), Classes())
        if found := activity.by_day.get(day):
            for name, *_words in SERIES:
                setattr(bar, name, getattr(bar, name) + getattr(found, name))
    return bars


def _data(bars: dict[str, Classes]) -> dict[str, Any]:
    return {
        "labels": list(bars),
        "series": [
            {
                "key": name,
                "label": str(label),
                "color": color,
                "type": "bar",
                "values": [getattr(bar, name) for bar in bars.values()],
            }
            for name, label, color in SERIES
        ],
    }


def _label(classes: Classes) -> str:
    """The finding in one sentence, for those who do not see the picture."""
    return _("Clicks over time: %(human)s by people, %(bot)s by machines, %(unsure)s unsure") % {
        "human": f"{classes.human:,}",
        "bot": f"{classes.bot:,}",
        "unsure": f"{classes.unsure:,}",
    }
