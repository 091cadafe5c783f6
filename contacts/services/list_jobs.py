"""Things done to everybody on a list who matches: asked for here, done by a worker (list_job_runner.py)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import Actor
from accounts.audit import record
from contacts import tasks
from contacts.errors import ContactsError, WrongState
from contacts.exports import EXPORT_FORMS
from contacts.fields import PERSON_FIELDS, check_person, is_column_name
from contacts.models import ListJob, ListJobKind, ListJobState, RecipientList
from contacts.people import MAX_TICKED, Sought
from contacts.rules import EXTRA, in_words, require_known_columns, require_some_condition
from contacts.services import list_job_runner
from contacts.services.file_retention import EXPORTS_KEPT
from contacts.services.lists import create_list, learn_columns, lock_list, require_own_people
from web.names import name_problem, stripped_name
from web.waking import wake

# Lists up to here are done at once: about a second.
DONE_AT_ONCE = 5_000
UNTAKEN = list_job_runner.UNTAKEN
WAKE_UP_SECONDS = 10
MAX_LISTS = 50
# Who removes or opts out more people than this says how many they are: Wish.agreed.
AGREED_ABOVE = 1_000
BUSY = (ListJobState.WAITING, ListJobState.RUNNING)
AGAIN = (ListJobState.FAILED, ListJobState.CANCELLED)
# These change the people of the list itself.
CHANGING = frozenset({ListJobKind.MOVE, ListJobKind.REMOVE, ListJobKind.SET_FIELD, ListJobKind.DEDUPLICATE})
# These are agreed to with the number of people.
AGREED_KINDS = frozenset({ListJobKind.REMOVE, ListJobKind.OPT_OUT})
# What ticked people may have done to them.
TICKED_KINDS = (
    ListJobKind.COPY,
    ListJobKind.MOVE,
    ListJobKind.SET_FIELD,
    ListJobKind.EXPORT,
    ListJobKind.OPT_OUT,
    ListJobKind.REMOVE,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done. Which of these a kind needs:

    copy, move: `target`, or `new_list` as the name of one; set_field: `field` of Recipient or "extra:<name>", `value`;
    split: `parts` or `size`; deduplicate: `others`; export: `form`; remove, opt_out: `agreed`, how many people at most
    (AGREED_ABOVE unless given; of everybody it has to be given): where more match by then, the job stops.
    """

    kind: str
    target: RecipientList | None = None
    new_list: str = ""
    field: str = ""
    value: str = ""
    parts: int = 0
    size: int = 0
    others: Sequence[RecipientList] = ()
    form: str = "csv"
    agreed: int | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """Whoever is on `lists` goes to `target` (one of them, or any other) or to a new list.

    Where a number is on several, the target's fields win, then those of the first list. `disable`: all but the target.
    """

    lists: Sequence[RecipientList]
    target: RecipientList | None = None
    new_list: str = ""
    disable: bool = False

    @property
    def sources(self) -> list[RecipientList]:
        return [one for one in self.lists if one != self.target]


def start_job(*, sought: Sought, wish: Wish, actor: Actor) -> ListJob:
    """Small lists are done before this returns, others by a worker."""
    recipient_list = sought.recipient_list
    _require(sought, wish)
    with transaction.atomic():
        job = ListJob.objects.create(
            workspace=recipient_list.workspace,
            list=recipient_list,
            target=_target_of(recipient_list, wish, actor),
            kind=wish.kind,
            rule=sought.rule.as_dict(),
            words=sought.words,
            options=_options(sought, wish) | ({"ids": list(sought.ids)} if sought.ids else {}),
            total=len(sought.ids) or _people_on(recipient_list),
            lease_until=timezone.now() + UNTAKEN,
            created_by=actor.user,
        )
        asked = in_words(sought.rule)[:500]
        details = {"ticked": len(sought.ids)} if sought.ids else {"filter": asked, "words": sought.words}
        record(job.workspace, actor, "started", job, kind=wish.kind, **details)
    return _begun(job)


def merge_lists(*, merge: Merge, actor: Actor) -> ListJob:
    """One job that copies list after list; its list is the first one of them."""
    _require_merge(merge)
    first, wish = merge.sources[0], Wish(ListJobKind.COPY, merge.target, merge.new_list)
    with transaction.atomic():
        target = _target_of(first, wish, actor)
        assert target is not None  # of a copy
        for one in merge.sources[1:]:
            learn_columns(target, one.columns)
        job = ListJob.objects.create(
            workspace=first.workspace,
            list=first,
            target=target,
            kind=ListJobKind.COPY,
            options={"merge": [one.pk for one in merge.sources], "at": 0, "disable": merge.disable},
            total=sum(map(_people_on, merge.sources)),
            lease_until=timezone.now() + UNTAKEN,
            created_by=actor.user,
        )
        names = ", ".join(one.name for one in merge.sources)[:500]
        record(job.workspace, actor, "started", job, kind="merge", lists=names, target=target.name)
    return _begun(job)


def _people_on(recipient_list: RecipientList) -> int:
    """Rows to look through."""
    return (recipient_list.source or recipient_list).recipient_count


def _begun(job: ListJob) -> ListJob:
    if job.total <= DONE_AT_ONCE:
        gave_way = list_job_runner.run_job(job.pk)
        job.refresh_from_db()
        if gave_way:
            _wake(job)
    else:
        _wake(job)
    return job


def cancel_job(*, job: ListJob, actor: Actor) -> ListJob:
    """What is done stays done; running it again goes on from there."""
    _move(job, BUSY, ListJobState.CANCELLED, finished_at=timezone.now(), lease_until=None)
    record(job.workspace, actor, "cancelled", job, kind=job.kind, **job.counts)
    return job


def run_job_again(*, job: ListJob, actor: Actor) -> ListJob:
    """One that failed or was cancelled goes on where it stopped."""
    _move(
        job,
        AGAIN,
        ListJobState.WAITING,
        finished_at=None,
        state_reason="",
        lease_until=timezone.now() + UNTAKEN,
    )
    record(job.workspace, actor, "started", job, kind=job.kind)
    _wake(job)
    return job


def resume_stalled_jobs() -> int:
    """Wakes a worker for each job that nobody works on: the sweep calls this every few seconds."""
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    stalled = list(ListJob.objects.filter(free, state__in=BUSY).only("pk"))
    for job in stalled:
        _wake(job)
    return len(stalled)


def file_gone_words(job: ListJob) -> str:
    """Of an export that ended and whose file is deleted; "" for every other job."""
    if job.kind != ListJobKind.EXPORT or job.state != ListJobState.FINISHED or job.file:
        return ""
    if job.finished_at and job.finished_at > timezone.now() - EXPORTS_KEPT:
        return _(
            "This export was deleted when a person who was in it was erased. Export the list again: that person is not "
            "on it any more."
        )
    return ngettext(
        "An export is kept for at most %(days)d day: this one is deleted. Export the list again.",
        "An export is kept for at most %(days)d days: this one is deleted. Export the list again.",
        EXPORTS_KEPT.days,
    ) % {"days": EXPORTS_KEPT.days}


def _move(job: ListJob, allowed: Sequence[str], state: str, **changes: Any) -> None:
    changes |= {"state": state, "lease_holder": ""}
    if not ListJob.objects.filter(pk=job.pk, state__in=allowed).update(**changes):
        job.refresh_from_db()
        raise WrongState(
            _("This job is %(state)s: that cannot be done any more. Load the page again.")
            % {"state": job.get_state_display()}
        )
    job.refresh_from_db()


def _wake(job: ListJob) -> None:
    wake(tasks.run_list_job, job.pk, expires=WAKE_UP_SECONDS)


# --- what is allowed ---


def _require(sought: Sought, wish: Wish) -> None:
    recipient_list = sought.recipient_list
    require_some_condition(sought.rule)
    require_known_columns(sought.rule, recipient_list.columns)
    if wish.kind not in ListJobKind.values:
        raise ContactsError(
            _("There is no job “%(kind)s”. Use one of %(known)s.")
            % {"kind": wish.kind[:40], "known": ", ".join(ListJobKind.values)},
            field="kind",
        )
    if len(sought.ids) > MAX_TICKED:
        raise ContactsError(
            _("These are %(count)d people; at most %(limit)d can be chosen one by one. Use a filter.")
            % {"count": len(sought.ids), "limit": MAX_TICKED},
            field="ids",
        )
    if wish.kind in CHANGING:
        require_own_people(recipient_list)
    if wish.kind in (ListJobKind.COPY, ListJobKind.MOVE):
        _require_target(recipient_list, wish)
    if wish.kind == ListJobKind.SET_FIELD:
        _require_field(wish)
    if wish.kind == ListJobKind.DEDUPLICATE:
        _require_others(recipient_list, wish)
    if wish.kind == ListJobKind.SPLIT:
        _require_parts(sought, wish)
    if wish.kind in AGREED_KINDS:
        _require_agreed(sought, wish)
    if wish.kind == ListJobKind.EXPORT and wish.form not in EXPORT_FORMS:
        raise ContactsError(
            _("There is no file of the form “%(form)s”. Use one of %(known)s.")
            % {"form": wish.form[:40], "known": ", ".join(EXPORT_FORMS)},
            field="form",
        )


def _require_target(recipient_list: RecipientList, wish: Wish) -> None:
    new_name = stripped_name(wish.new_list)
    if problem := name_problem(new_name):
        raise ContactsError(problem, field="new_list")
    if (wish.target is None) == (not new_name):
        raise ContactsError(
            _("Say where they go: choose a list, or enter the name of a new one, not both."), field="target"
        )
    if wish.target is None:
        return
    require_own_people(wish.target)
    if wish.target.pk in (recipient_list.pk, recipient_list.source_id):
        raise ContactsError(
            _("%(name)s is where they are already. Choose another list.") % {"name": wish.target.name},
            field="target",
        )


def _require_field(wish: Wish) -> None:
    name = wish.field.removeprefix(EXTRA)
    is_further = wish.field.startswith(EXTRA) and is_column_name(name)
    if wish.field not in PERSON_FIELDS and not is_further:
        raise ContactsError(
            _("There is no field “%(field)s” to be set. Use one of %(known)s, or extra: and a column's name.")
            % {"field": wish.field[:60], "known": ", ".join(PERSON_FIELDS)},
            field="field",
        )
    value = wish.value.strip()
    check_person(*(({}, {name: value}) if is_further else ({wish.field: value}, {})))


def _require_others(recipient_list: RecipientList, wish: Wish) -> None:
    if not wish.others or len(wish.others) > MAX_LISTS:
        raise ContactsError(
            _("Choose the lists whose people are to go from here: one at least, and at most %(limit)d.")
            % {"limit": MAX_LISTS},
            field="others",
        )
    for other in wish.others:
        require_own_people(other)
        if other.pk == recipient_list.pk:
            raise ContactsError(
                _("%(name)s cannot be compared with itself: a number stands on a list once. Leave it out.")
                % {"name": other.name},
                field="others",
            )


def _require_parts(sought: Sought, wish: Wish) -> None:
    """As far as it can be told without counting people; the worker sees to the rest."""
    if bool(wish.parts) == bool(wish.size) or wish.parts < 0 or wish.size < 0:
        raise ContactsError(
            _("Say into how many parts, or how many people a part has: one of the two."), field="parts"
        )
    if wish.parts:
        list_job_runner.require_parts(wish.parts)
    if sought.known_count is not None:
        list_job_runner.count_parts(sought.known_count, wish.parts, wish.size)


def _require_agreed(sought: Sought, wish: Wish) -> None:
    """Where the count is known; else the job stops when it finds more."""
    known = sought.known_count
    if wish.agreed is None and sought.is_all:
        raise ContactsError(
            _(
                "This is for everybody on %(name)s, now %(people)s. Say how many they may be at most (“agreed”), or"
                " set a filter."
            )
            % {"name": sought.recipient_list, "people": f"{sought.recipient_list.recipient_count:,}"},
            field="agreed",
        )
    agreed = AGREED_ABOVE if wish.agreed is None else wish.agreed
    if known is not None and known > agreed:
        raise ContactsError(
            _(
                "%(people)s people match, but %(agreed)s were agreed to. Say how many they may be (more than "
                "%(limit)s have to be named), or set a filter."
            )
            % {"people": f"{known:,}", "agreed": f"{agreed:,}", "limit": f"{AGREED_ABOVE:,}"},
            field="agreed",
        )


def _require_merge(merge: Merge) -> None:
    if not 2 <= len({one.pk for one in merge.lists}) <= MAX_LISTS or not merge.sources:
        raise ContactsError(
            _(
                "These are %(count)d lists. Choose the lists to be merged: two at least, and at most %(limit)d."
            )
            % {"count": len({one.pk for one in merge.lists}), "limit": MAX_LISTS},
            field="lists",
        )
    for one in merge.sources:
        _require_target(one, Wish(ListJobKind.COPY, merge.target, merge.new_list))


def _target_of(recipient_list: RecipientList, wish: Wish, actor: Actor) -> RecipientList | None:
    if wish.kind not in (ListJobKind.COPY, ListJobKind.MOVE):
        return None
    target = wish.target
    if target is None:
        target = create_list(workspace=recipient_list.workspace, actor=actor, name=wish.new_list)
    lock_list(target)
    learn_columns(target, recipient_list.columns)
    return target


def _options(sought: Sought, wish: Wish) -> dict[str, Any]:
    recipient_list = sought.recipient_list
    match wish.kind:
        case ListJobKind.SET_FIELD:
            value = wish.value.strip()
            if wish.field.startswith(EXTRA) and value:
                lock_list(recipient_list)
                learn_columns(recipient_list, [wish.field.removeprefix(EXTRA)])
            return {"field": wish.field, "value": value}
        case ListJobKind.DEDUPLICATE:
            return {"others": [other.pk for other in wish.others]}
        case ListJobKind.EXPORT:
            return {"form": wish.form}
        case ListJobKind.SPLIT:
            # The seed makes the same people fall into the same parts when the job goes on after a stop.
            return {"parts": wish.parts, "size": wish.size, "seed": secrets.randbits(32)}
        case ListJobKind.REMOVE | ListJobKind.OPT_OUT:
            return {"agreed": AGREED_ABOVE if wish.agreed is None else wish.agreed}
    return {}
