"""Things done to everybody on a list who matches: asked for here, done by a worker (list_job_runner.py)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from contacts.fields import COLUMN_NAME_LIMIT, PERSON_FIELDS, check_person, column_name
from contacts.models import ListJob, ListJobKind, ListJobState, RecipientList
from contacts.people import Sought
from contacts.rules import EXTRA, in_words
from contacts.services import list_job_runner
from contacts.services.file_retention import EXPORTS_KEPT
from contacts.services.lists import create_list, learn_columns, lock_list, require_own_people
from web.waking import wake

# Lists up to here are done at once: about a second.
DONE_AT_ONCE = 5_000
UNTAKEN = timedelta(seconds=15)
WAKE_UP_SECONDS = 10
MAX_PARTS = 100
MAX_LISTS = 50
BUSY = (ListJobState.WAITING, ListJobState.RUNNING)
AGAIN = (ListJobState.FAILED, ListJobState.CANCELLED)
# These change the people of the list itself.
CHANGING = frozenset({ListJobKind.MOVE, ListJobKind.REMOVE, ListJobKind.SET_FIELD, ListJobKind.DEDUPLICATE})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done. Which of these a kind needs:

    copy, move: `target`, or `new_list` as the name of one; set_field: `field` of Recipient or "extra:<name>", `value`;
    split: `parts` or `size`; deduplicate: `others`; export: `form`.
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


def start_job(*, sought: Sought, wish: Wish, actor: Actor) -> ListJob:
    """Small lists are done before this returns, others by a worker."""
    recipient_list = sought.recipient_list
    _require(recipient_list, wish)
    with transaction.atomic():
        job = ListJob.objects.create(
            workspace=recipient_list.workspace,
            list=recipient_list,
            target=_target_of(recipient_list, wish, actor),
            kind=wish.kind,
            rule=sought.rule.as_dict(),
            words=sought.words,
            options=_options(sought, wish, actor),
            total=(recipient_list.source or recipient_list).recipient_count,
            lease_until=timezone.now() + UNTAKEN,
            created_by=actor.user,
        )
        asked = in_words(sought.rule)[:500]
        record(job.workspace, actor, "started", job, kind=wish.kind, filter=asked, words=sought.words)
    if job.total <= DONE_AT_ONCE:
        list_job_runner.run_job(job.pk)
        job.refresh_from_db()
    else:
        _wake(job)
    return job


def cancel_job(*, job: ListJob, actor: Actor) -> ListJob:
    """What is done stays done; running it again goes on from there."""
    _move(job, BUSY, ListJobState.CANCELLED, finished_at=timezone.now(), lease_until=None)
    record(job.workspace, actor, "cancelled", job)
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
    return ngettext(
        "An export is kept for %(days)d day: this one is deleted. Export the list again.",
        "An export is kept for %(days)d days: this one is deleted. Export the list again.",
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


def _require(recipient_list: RecipientList, wish: Wish) -> None:
    if wish.kind not in ListJobKind.values:
        raise ContactsError(
            _("There is no job “%(kind)s”. Use one of %(known)s.")
            % {"kind": wish.kind[:40], "known": ", ".join(ListJobKind.values)},
            field="kind",
        )
    if wish.kind in CHANGING:
        require_own_people(recipient_list)
    if wish.kind in (ListJobKind.COPY, ListJobKind.MOVE):
        _require_target(recipient_list, wish)
    if wish.kind == ListJobKind.SET_FIELD:
        _require_field(wish)
    if wish.kind == ListJobKind.DEDUPLICATE:
        _require_others(recipient_list, wish)
    if wish.kind == ListJobKind.EXPORT and wish.form not in EXPORT_FORMS:
        raise ContactsError(
            _("There is no file of the form “%(form)s”. Use one of %(known)s.")
            % {"form": wish.form[:40], "known": ", ".join(EXPORT_FORMS)},
            field="form",
        )


def _require_target(recipient_list: RecipientList, wish: Wish) -> None:
    if (wish.target is None) == (not wish.new_list.strip()):
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
    is_further = wish.field.startswith(EXTRA) and bool(name) and len(name) <= COLUMN_NAME_LIMIT
    if wish.field not in PERSON_FIELDS and not (is_further and column_name(name) == name):
        raise ContactsError(
            _("There is no field “%(field)s” to be set. Use one of %(known)s, or extra: and a column's name.")
            % {"field": wish.field[:60], "known": ", ".join(PERSON_FIELDS)},
            field="field",
        )
    check_person(*(({}, {name: wish.value}) if is_further else ({wish.field: wish.value}, {})))


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


def _target_of(recipient_list: RecipientList, wish: Wish, actor: Actor) -> RecipientList | None:
    if wish.kind not in (ListJobKind.COPY, ListJobKind.MOVE):
        return None
    target = wish.target
    if target is None:
        target = create_list(workspace=recipient_list.workspace, actor=actor, name=wish.new_list)
    lock_list(target)
    learn_columns(target, recipient_list.columns)
    return target


def _options(sought: Sought, wish: Wish, actor: Actor) -> dict[str, Any]:
    recipient_list = sought.recipient_list
    match wish.kind:
        case ListJobKind.SET_FIELD:
            if wish.field.startswith(EXTRA) and wish.value:
                lock_list(recipient_list)
                learn_columns(recipient_list, [wish.field.removeprefix(EXTRA)])
            return {"field": wish.field, "value": wish.value}
        case ListJobKind.DEDUPLICATE:
            return {"others": [other.pk for other in wish.others]}
        case ListJobKind.EXPORT:
            return {"form": wish.form}
        case ListJobKind.SPLIT:
            return _split(sought, wish, actor)
    return {}


def _split(sought: Sought, wish: Wish, actor: Actor) -> dict[str, Any]:
    """The seed makes the same people fall into the same parts when the job goes on after a stop."""
    if bool(wish.parts) == bool(wish.size) or wish.parts < 0 or wish.size < 0:
        raise ContactsError(
            _("Say into how many parts, or how many people a part has: one of the two."), field="parts"
        )
    recipient_list, people = sought.recipient_list, sought.everybody().count()
    parts = wish.parts or -(-people // wish.size) or 1
    if parts > MAX_PARTS or parts < 2:
        raise ContactsError(
            _("That makes %(parts)d parts of %(people)d people. Choose so that there are 2 to %(limit)d.")
            % {"parts": parts, "people": people, "limit": MAX_PARTS},
            field="parts" if wish.parts else "size",
        )
    made = []
    for at in range(1, parts + 1):
        part = create_list(
            workspace=recipient_list.workspace, actor=actor, name=f"{recipient_list.name[:90]} {at}/{parts}"
        )
        learn_columns(part, recipient_list.columns)
        made.append(part.pk)
    return {"lists": made, "people": people, "size": wish.size, "seed": secrets.randbits(32)}
