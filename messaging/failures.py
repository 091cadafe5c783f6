"""A dispatch of which too many fail is paused, before the rest is wasted, and a person is asked.

Two shares are watched, each by itself, since an answer and a delivery report come at different times:

    refused        of the last ones handed over, those that the provider did not take
    not delivered  of the last ones reported on, those that did not arrive

"The last" are at least `failure_sample`, and from WINDOW to twice WINDOW times as many once there are so many: from the
older of two marks on, which follow. Everything is read from the kept counters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from messaging.dispatches import FROM_NOW_ON, pause_for_failures
from messaging.models import Dispatch, DispatchState, MessageCount
from messaging.reasons import reason_of
from sms.states import HANDED_OVER, MessageState

NEVER = 100
# In samples.
WINDOW = 5
# Named in the sentence, as far as they fit.
REASONS_MOST = 3
WORDS_MOST = 180
# Who was told of before the launch, or has left since, is no failure of it; and what a person said is no news of it.
NOT_COUNTED = ("out_of_reach", "no_sender_for_country", "recipient_removed", "said_not_received")
# Of `failed`: by a delivery report, not by the answer at once.
BY_REPORT = ("", "failed")
MISSED = (MessageState.UNDELIVERED, MessageState.EXPIRED, MessageState.REJECTED)
REFUSED, REPORTED = "refused", "reported"


@dataclass(slots=True)
class Tally:
    """How many so far, and how many of them failed, by reason."""

    count: int = 0
    bad: Counter[str] = field(default_factory=Counter)

    def since(self, mark: Tally) -> Tally:
        # Counter's subtraction keeps what is above nothing.
        return Tally(max(self.count - mark.count, 0), self.bad - mark.bad)

    def is_beyond(self, limit: int) -> bool:
        return self.bad.total() * 100 > limit * self.count

    @property
    def as_json(self) -> list[Any]:
        return [self.count, dict(self.bad)]

    @classmethod
    def of_json(cls, kept: list[Any]) -> Tally:
        return cls(kept[0], Counter(kept[1]))


def judge_failures() -> int:
    """Of all that run and have a limit; returns how many were paused. Two short queries where nothing is to be done."""
    running = list(
        Dispatch.objects.filter(state=DispatchState.RUNNING, failure_limit__lt=NEVER).only(
            "id", "failure_limit", "failure_sample", "failure_marks"
        )
    )
    if not running:
        return 0
    counts = _counts_of([dispatch.pk for dispatch in running])
    return sum(_judge(dispatch, counts[dispatch.pk]) for dispatch in running)


Counts = list[tuple[str, str, int]]


def _counts_of(dispatch_ids: Iterable[int]) -> dict[int, Counts]:
    """By dispatch: state, reason, number."""
    found: defaultdict[int, Counts] = defaultdict(list)
    rows = MessageCount.objects.filter(dispatch_id__in=list(dispatch_ids), count__gt=0)
    for dispatch_id, state, reason, number in rows.values_list("dispatch_id", "state", "reason", "count"):
        found[dispatch_id].append((state, reason, number))
    return found


def tallies_of(counts: Counts) -> dict[str, Tally]:
    refused, reported = Tally(), Tally()
    for state, reason, number in counts:
        if reason in NOT_COUNTED:
            continue
        if state == MessageState.FAILED and reason not in BY_REPORT:
            refused.count += number
            refused.bad[reason] += number
            continue
        if state == MessageState.FAILED or state in HANDED_OVER:
            refused.count += number
        if state == MessageState.FAILED or state in MISSED:
            reported.count += number
            reported.bad[reason or state] += number
        elif state == MessageState.DELIVERED:
            reported.count += number
    return {REFUSED: refused, REPORTED: reported}


def _judge(dispatch: Dispatch, counts: Counts) -> int:
    now = tallies_of(counts)
    marks = _marks_of(dispatch, now)
    limit, sample = dispatch.failure_limit or NEVER, max(dispatch.failure_sample, 1)
    for what, tally in now.items():
        last = tally.since(marks[what][0])
        if last.count >= sample and last.is_beyond(limit):
            asked = min(_percent(last) + limit, NEVER)
            reason = _sentence(what, last, limit, asked)
            return int(pause_for_failures(dispatch_id=dispatch.pk, reason=reason, asked=asked))
    _keep_marks(dispatch, _moved_on(marks, now, sample * WINDOW))
    return 0


Marks = Mapping[str, tuple[Tally, Tally]]


def _marks_of(dispatch: Dispatch, now: Mapping[str, Tally]) -> Marks:
    """The older and the newer one of each share."""
    if dispatch.failure_marks == FROM_NOW_ON:
        return {what: (tally, tally) for what, tally in now.items()}
    kept = dispatch.failure_marks
    return {
        what: (Tally.of_json(kept[what][0]), Tally.of_json(kept[what][1]))
        if what in kept
        else (Tally(), Tally())
        for what in now
    }


def _moved_on(marks: Marks, now: Mapping[str, Tally], step: int) -> Marks:
    return {
        what: (newer, now[what]) if now[what].count - newer.count >= step else (older, newer)
        for what, (older, newer) in marks.items()
    }


def _keep_marks(dispatch: Dispatch, marks: Marks) -> None:
    """Only while it runs: whoever resumes it starts new ones. Of two workers who move them, one is as right as the other."""
    kept = {what: [older.as_json, newer.as_json] for what, (older, newer) in marks.items()}
    is_begun = any(mark.count for pair in marks.values() for mark in pair)
    if (is_begun or dispatch.failure_marks) and kept != dispatch.failure_marks:
        rows = Dispatch.objects.filter(pk=dispatch.pk, state=DispatchState.RUNNING)
        # Paused and resumed since it was read, it has another limit.
        rows.filter(failure_limit=dispatch.failure_limit).update(failure_marks=kept)


def _percent(tally: Tally) -> int:
    """Rounded up."""
    return -(-tally.bad.total() * 100 // max(tally.count, 1))


def _sentence(what: str, last: Tally, limit: int, asked: int) -> str:
    """Figures, the most frequent reasons and the remedy: within what a reason may be long."""
    words = (
        _(
            "Paused by Crier: of the last %(count)s messages handed over %(bad)s were refused, more than %(limit)s of a"
            " hundred."
        )
        if what == REFUSED
        else _(
            "Paused by Crier: of the last %(count)s messages reported on %(bad)s were not delivered, more than %(limit)s of"
            " a hundred."
        )
    )
    further = (
        _("Mend it and resume; it is paused again beyond %(asked)s of a hundred. Or stop it.")
        if asked < NEVER
        else _("Mend it and resume; it is not paused for that again. Or stop it.")
    )
    figures = {
        "count": f"{last.count:,}",
        "bad": f"{last.bad.total():,}",
        "limit": limit,
        "asked": asked,
    }
    common, _number = last.bad.most_common(1)[0]
    remedy = str(reason_of(common).next_step)
    parts = [words % figures, _named(last), f"{remedy}." if remedy else "", further % figures]
    return " ".join(part for part in parts if part)


def _named(last: Tally) -> str:
    named = ""
    for code, number in last.bad.most_common(REASONS_MOST):
        one = f"{reason_of(code).sentence} ({number:,})"
        if len(named) + len(one) > WORDS_MOST:
            break
        named = f"{named}, {one}" if named else one
    return _("Most often: %(reasons)s.") % {"reasons": named} if named else ""
