"""The figures of an account as people read them: tiles, and a chart by hour or by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from providers.health import Figures, figures_of, hours_of
from providers.models import AccountHour, ProviderAccount

DAY, WEEK = 24, 168
# Hours by what the address says.
PERIODS = {"1": 1, "24": DAY, "168": WEEK}


@dataclass(frozen=True, slots=True)
class HealthCard:
    """As the components take it. `stats` is empty where nothing happened, `chart` None where it would show nothing."""

    stats: list[dict[str, str]]
    periods: list[dict[str, Any]]
    chart: dict[str, Any] | None
    chart_label: str
    axis: str


def health_card(account: ProviderAccount, asked: str) -> HealthCard:
    """`asked`: the value of ?hours=; 24 for whatever is no period."""
    hours = PERIODS.get(asked, DAY)
    figures = figures_of(account, hours=hours)
    was_tried = bool(figures.handed_over or figures.throttled or figures.unreachable)
    by_day = hours == WEEK
    return HealthCard(
        _stats(figures) if was_tried or figures.delivered_share is not None else [],
        _periods(account, hours),
        _chart(hours_of(account, hours=hours), hours) if was_tried and hours > 1 else None,
        _("What the provider said to messages, by day")
        if by_day
        else _("What the provider said to messages, by hour"),
        _("Day") if by_day else _("Hour"),
    )


def _periods(account: ProviderAccount, current: int) -> list[dict[str, Any]]:
    labels = {1: _("This hour"), DAY: _("24 hours"), WEEK: _("7 days")}
    url = reverse("provider-account-detail", args=[account.pk])
    return [
        {
            "label": labels[hours],
            "url": f"{url}?hours={name}#figures",
            "count": None,
            "current": hours == current,
        }
        for name, hours in PERIODS.items()
    ]


def _stats(figures: Figures) -> list[dict[str, str]]:
    return [
        {
            "label": _("Taken"),
            "value": share_text(figures.taken_share),
            "sub": _("of %(n)s handed over") % {"n": f"{figures.handed_over:,}"},
        },
        {
            "label": _("Answers after"),
            "value": milliseconds_text(figures.answer_milliseconds),
            "sub": _("slowest %(time)s") % {"time": milliseconds_text(figures.slowest_milliseconds)}
            if figures.answer_milliseconds is not None
            else "",
        },
        {
            "label": _("Delivered"),
            "value": share_text(figures.delivered_share),
            "sub": _("%(n)s of those reported") % {"n": f"{figures.delivered:,}"},
        },
        {
            "label": _("Reports after"),
            "value": seconds_text(figures.report_seconds),
            "sub": _("from handing over"),
        },
        {"label": _("Refused"), "value": f"{figures.refused:,}", "sub": _("certainly not sent")},
        {"label": _("Throttled"), "value": f"{figures.throttled:,}", "sub": _("tried again later")},
        {"label": _("Unclear"), "value": f"{figures.unclear:,}", "sub": _("perhaps sent")},
        {"label": _("Unreachable"), "value": f"{figures.unreachable:,}", "sub": _("no connection")},
    ]


def share_text(share: float | None) -> str:
    """Never 100% while one is missing, never 0% while there is one."""
    if share is None:
        return "—"
    percent = share * 100
    if 99.9 < percent < 100:
        return "> 99.9%"
    if 0 < percent < 0.1:
        return "< 0.1%"
    return f"{percent:.1f}".removesuffix(".0") + "%"


def milliseconds_text(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "—"
    if milliseconds < 1000:
        return _("%(n)s ms") % {"n": milliseconds}
    return _("%(n)s s") % {"n": f"{milliseconds / 1000:.1f}"}


def seconds_text(seconds: int | None) -> str:
    if seconds is None:
        return "—"
    if seconds < 120:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 7200:
        return _("%(n)s min") % {"n": round(seconds / 60)}
    return _("%(n)s h") % {"n": round(seconds / 3600)}


def _chart(rows: Sequence[AccountHour], hours: int) -> dict[str, Any]:
    """Each hour of the period, or each day of a week, the quiet ones too; in the workspace's zone."""
    now = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    moments = [timezone.localtime(now - timedelta(hours=back)) for back in range(hours - 1, -1, -1)]
    label = _day if hours == WEEK else _hour
    names = list(dict.fromkeys(label(moment) for moment in moments))
    series = (
        ("taken", _("Taken"), "--chart-1"),
        ("refused", _("Refused"), "--chart-3"),
        ("unclear", _("Unclear"), "--chart-2"),
    )
    counts = {key: dict.fromkeys(names, 0) for key, _words, _color in series}
    for row in rows:
        if (name := label(timezone.localtime(row.hour))) in counts["taken"]:
            for key, by_name in counts.items():
                by_name[name] += getattr(row, key)
    return {
        "labels": names,
        "series": [
            {"key": key, "label": words, "color": color, "type": "bar", "values": list(counts[key].values())}
            for key, words, color in series
        ],
    }


def _day(at: datetime) -> str:
    return date_format(at, "D j M")


def _hour(at: datetime) -> str:
    return date_format(at, "D H:i")
