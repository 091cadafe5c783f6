"""When what goes through an account will be through: a range, and what it rests on.

    earliest   at the account's pace, sharing it evenly with what runs beside
    latest     everything that runs there goes first, as slow as the provider has answered of late

Both keep to the account's limit of parts a day. It is a forecast: nobody is promised anything, and nothing is stopped.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.models import Dispatch, DispatchState
from providers.connectors import REGISTRY
from providers.connectors.base import BatchConnector
from providers.daily import bulk_limit, day_of, start_of, use_of, zone_of
from providers.health import figures_of
from providers.models import ProviderAccount

# Fewer answers say nothing of a pace.
ANSWERS_LEAST = 20
# Further ahead nobody knows anything.
DAYS_MOST = 3650


@dataclass(frozen=True, slots=True)
class Finish:
    """`ahead_parts`: of other broadcasts that run through the account; `per_second`: its pace; `answers_per_second`: how
    many texts a second the provider takes at its pace of late, None where that is no limit."""

    begins_at: datetime
    earliest: datetime
    latest: datetime
    parts: int
    ahead_parts: int
    per_second: float
    answers_per_second: float | None
    parts_per_day: int | None
    account_name: str

    @property
    def is_narrow(self) -> bool:
        """One time says it."""
        return self.latest - self.earliest < timedelta(minutes=1)

    @property
    def reason(self) -> str:
        """What it rests on, in sentences."""
        sentences = [
            _("%(account)s sends %(rate)s parts a second at most.")
            % {"account": self.account_name, "rate": _rate(self.per_second)}
        ]
        if self.answers_per_second is not None:
            sentences.append(
                _("Its provider answers so slowly of late that it is %(rate)s a second.")
                % {"rate": _rate(self.answers_per_second)}
            )
        if self.parts_per_day is not None:
            sentences.append(_("It sends %(limit)s parts a day.") % {"limit": f"{self.parts_per_day:,}"})
        if self.ahead_parts:
            sentences.append(
                ngettext(
                    "%(n)s part of what runs already goes through it, too.",
                    "%(n)s parts of what runs already go through it, too.",
                    self.ahead_parts,
                )
                % {"n": f"{self.ahead_parts:,}"}
            )
        return " ".join(sentences)


def finish_of(
    account: ProviderAccount,
    parts: int,
    *,
    at: datetime | None = None,
    but_dispatch_ids: Collection[int] = (),
    texts: int | None = None,
) -> Finish:
    """Of so many parts that begin at `at`, now unless that is later. `but_dispatch_ids`: themselves, of which they are.
    `texts`: how many they are of, where that is known."""
    now = timezone.now()
    begin = max(at or now, now)
    others = _others(account, but_dispatch_ids)
    pace = max(float(account.parts_per_second), 0.01)
    answers = _answers_per_second(account)
    # Of texts, not of parts.
    by_answers = None if answers is None else answers * max(parts / texts if texts else 1.0, 1.0)
    slow = pace if by_answers is None else min(pace, by_answers)
    ahead = sum(others)
    waited = (begin - now).total_seconds()
    ahead_then = max(ahead - int(waited * slow), 0)
    beside = sum(min(other, parts) for other in others) if ahead_then else 0
    earliest = _end(account, parts + beside, begin, pace)
    latest = _end(account, parts + ahead_then, begin, slow)
    return Finish(
        begins_at=begin,
        earliest=min(earliest, latest),
        latest=max(earliest, latest),
        parts=parts,
        ahead_parts=ahead_then,
        per_second=pace,
        answers_per_second=by_answers if by_answers is not None and by_answers < pace else None,
        parts_per_day=None if account.parts_per_day is None else bulk_limit(account.parts_per_day),
        account_name=account.name,
    )


def parts_to_go(dispatch_ids: Collection[int]) -> int:
    """Of these, as they were agreed to and not claimed yet."""
    return sum(_rests(Dispatch.objects.filter(pk__in=list(dispatch_ids))))


def _others(account: ProviderAccount, but: Collection[int]) -> list[int]:
    """Parts that are still to go, of each of those that run."""
    rows = Dispatch.objects.filter(account=account, state__in=(DispatchState.PLANNING, DispatchState.RUNNING))
    return _rests(rows.exclude(pk__in=list(but)))


def _rests(rows: QuerySet[Dispatch]) -> list[int]:
    known = rows.filter(agreed_parts__isnull=False)
    rest = Greatest(F("agreed_parts") - F("claimed_parts"), Value(0))
    return [int(left) for left in known.values_list(rest, flat=True)]


def _answers_per_second(account: ProviderAccount) -> float | None:
    """As many as are taken at once, by how long an answer takes of late. None where nothing is known, or a request takes
    many at once."""
    if issubclass(REGISTRY.get(account.vendor, object), BatchConnector):
        return None
    figures = figures_of(account)
    if figures.answer_milliseconds is None or figures.handed_over < ANSWERS_LEAST:
        return None
    return account.max_in_flight * 1000 / max(figures.answer_milliseconds, 1)


def _end(account: ProviderAccount, parts: int, begin: datetime, per_second: float) -> datetime:
    """Day by day where the account has a limit; the rest of the last day at its pace."""
    if account.parts_per_day is None:
        return begin + timedelta(seconds=min(parts / per_second, DAYS_MOST * 86_400))
    zone = zone_of(account)
    day, at, left = day_of(begin, zone), begin, parts
    room = use_of(account, day).left
    limit = max(bulk_limit(account.parts_per_day), 1)
    for _day in range(DAYS_MOST):
        next_day = start_of(day + timedelta(days=1), zone)
        within = int((next_day - at).total_seconds() * per_second)
        taken = min(room, within, left)
        left -= taken
        if not left:
            return at + timedelta(seconds=taken / per_second)
        day, at, room = day + timedelta(days=1), next_day, limit
    return at


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:,.2f}".rstrip("0").rstrip(".")
