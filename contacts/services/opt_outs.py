"""Who must not be texted: opt-outs of a workspace, and its unsubscribe lists. The sole writer of both besides the import
(opt_out_writers.py).

Whatever opts a number out or in settles the texts of that number that wait for a person to read them, and locks the
number first (number_locks.py): a STOP that meets an opt-in comes before or after it, never in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from contacts.batches import in_batches
from contacts.errors import ContactsError, WrongState
from contacts.models import (
    OptOut,
    OptOutHow,
    OptOutReview,
    ReviewDecision,
    UnsubscribeList,
    UnsubscribeMember,
)
from contacts.related import users_of
from contacts.services.number_locks import lock_numbers
from contacts.signals import OptedOut, opted_out
from web.names import name_problem, stripped_name

NOBODY = Actor()


def opt_out(
    *,
    workspace: Workspace,
    msisdn: str,
    how: str,
    source: str = "",
    message_id: int | None = None,
    actor: Actor = NOBODY,
    at: datetime | None = None,
    said_at: datetime | None = None,
    undo_until: datetime | None = None,
) -> OptOut:
    """Safe to repeat: the first opt-out stays, as it is the proof. `source`: word for word, 500 kept.

    `at`: when it was, where that is told from elsewhere. `said_at`: of a text, when it came; which text of a number is
    the last one is for the caller to tell. `undo_until`: of a press on the unsubscribe page.
    """
    proof: dict[str, Any] = {
        "how": how,
        "source": source[:500],
        "message_id": message_id,
        "undo_until": undo_until,
    }
    if at is not None:
        proof["at"] = at
    if said_at is not None:
        proof |= {"at": said_at, "written_at": None}
    with transaction.atomic():
        lock_numbers(workspace.pk, [msisdn])
        row, made = OptOut.objects.get_or_create(workspace=workspace, msisdn=msisdn, defaults=proof)
        if not made and said_at is None:
            _write_down(workspace, [msisdn])
        # The same button pressed again says nothing more than before.
        if not made and (undo_until is None or row.message_id != message_id):
            confirm_opt_outs(workspace_id=workspace.pk, msisdns=[msisdn])
        settle_reviews(workspace, [msisdn], ReviewDecision.OPTED_OUT)
        if made:
            if actor != NOBODY:
                record(workspace, actor, "opted out", row, how=str(how), source=source[:200])
            opted_out.send(OptOut, news=OptedOut(workspace.pk, (msisdn,)))
    return row


def opt_out_many(
    *,
    workspace: Workspace,
    msisdns: Collection[str],
    how: str,
    source: str = "",
    actor: Actor = NOBODY,
    audited: bool = True,
) -> int:
    """How many were not opted out before. One line of audit for all of them; none where the caller writes its own."""
    fresh: list[str] = []
    with transaction.atomic():
        lock_numbers(workspace.pk, msisdns)
        for batch in in_batches(dict.fromkeys(msisdns)):
            known = opted_out_numbers(workspace_id=workspace.pk, msisdns=batch)
            new = [msisdn for msisdn in batch if msisdn not in known]
            rows = [
                OptOut(workspace=workspace, msisdn=msisdn, how=how, source=source[:500]) for msisdn in new
            ]
            OptOut.objects.bulk_create(rows, ignore_conflicts=True)
            _write_down(workspace, list(known))
            confirm_opt_outs(workspace_id=workspace.pk, msisdns=batch)
            settle_reviews(workspace, batch, ReviewDecision.OPTED_OUT)
            fresh += new
        if fresh and audited:
            record(workspace, actor, "opted out", workspace, count=len(fresh), how=str(how))
        if fresh:
            opted_out.send(OptOut, news=OptedOut(workspace.pk, tuple(fresh)))
    return len(fresh)


def _write_down(workspace: Workspace, known: Sequence[str]) -> None:
    """That these are opted out once more: a START that came before does not undo it."""
    if known:
        OptOut.objects.filter(workspace=workspace, msisdn__in=known).update(written_at=timezone.now())


def opt_in(
    *,
    workspace: Workspace,
    msisdn: str,
    reason: str,
    actor: Actor = NOBODY,
    said_at: datetime | None = None,
) -> bool:
    """Undoes an opt-out (START, or a person with a reason); the old proof moves to the audit trail.

    False when the number was not opted out, or was opted out since `said_at`: when the text that asks for it came, as
    it may be applied much later. Members of unsubscribe lists stay: those are kept by people.
    """
    if not reason.strip():
        raise ContactsError(
            _("The reason is empty. Say why this opt-out is removed: it is kept as proof."), field="reason"
        )
    with transaction.atomic():
        lock_numbers(workspace.pk, [msisdn])
        row = OptOut.objects.filter(workspace=workspace, msisdn=msisdn).first()
        if row is not None and said_at is not None and not _is_before(row, said_at):
            return False
        settle_reviews(workspace, [msisdn], ReviewDecision.DISMISSED, before=said_at)
        if row is None:
            return False
        proof = {"how": row.how, "source": row.source, "at": row.at.isoformat(), "message_id": row.message_id}
        record(workspace, actor, "opted in", row, reason=reason.strip()[:500], was=proof)
        row.delete()
    return True


def _is_before(row: OptOut, said_at: datetime) -> bool:
    """Of the same moment the opt-out counts. What texts said is for the caller to know."""
    written_at = row.written_at or (None if row.how == OptOutHow.STOP else row.at)
    return written_at is None or written_at < said_at


def opted_out_numbers(*, workspace_id: int, msisdns: Collection[str]) -> set[str]:
    """Those of `msisdns` that the workspace must not text."""
    found: set[str] = set()
    rows = OptOut.objects.filter(workspace_id=workspace_id)
    for batch in in_batches(msisdns):
        found.update(rows.filter(msisdn__in=batch).values_list("msisdn", flat=True))
    return found


def confirm_opt_outs(*, workspace_id: int, msisdns: Sequence[str]) -> None:
    """Said again, otherwise than by the same press: the unsubscribe page takes these back no more.

    Needs the numbers locked.
    """
    open_ = OptOut.objects.filter(workspace_id=workspace_id, undo_until__isnull=False)
    open_.filter(msisdn__in=msisdns).update(undo_until=None)


def settle_reviews(
    workspace: Workspace, msisdns: Sequence[str], decision: ReviewDecision, *, before: datetime | None = None
) -> None:
    """Nobody need read the waiting texts of these numbers any more, and no decision about them can be undone.

    Needs the numbers locked. `before`: only of texts that came until then.
    """
    rows = OptOutReview.objects.filter(workspace=workspace, msisdn__in=msisdns)
    if before is not None:
        rows = rows.filter(at__lt=before)
    rows.filter(opt_out_id__isnull=False).update(opt_out_id=None)
    waiting = rows.filter(decision=ReviewDecision.WAITING)
    if waiting.update(decision=decision, decided_at=timezone.now()):
        count_waiting(workspace)


def count_waiting(workspace: Workspace) -> None:
    """Counted anew while the workspace is locked: two who decide at once cannot spoil the number."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    count = OptOutReview.objects.filter(workspace=workspace, decision=ReviewDecision.WAITING).count()
    Workspace.objects.filter(pk=workspace.pk).update(waiting_reviews=count)
    workspace.waiting_reviews = count


# --- named unsubscribe lists ---


def create_unsubscribe_list(*, workspace: Workspace, actor: Actor, name: str) -> UnsubscribeList:
    made = UnsubscribeList(workspace=workspace, name=stripped_name(name))
    _save(made)
    record(workspace, actor, "created", made)
    return made


def update_unsubscribe_list(
    *, unsubscribe_list: UnsubscribeList, actor: Actor, name: str | None = None, enabled: bool | None = None
) -> UnsubscribeList:
    """Changes what is given."""
    if name is not None:
        unsubscribe_list.name = stripped_name(name)
    if enabled is not None:
        unsubscribe_list.enabled = enabled
    _save(unsubscribe_list)
    record(unsubscribe_list.workspace, actor, "changed", unsubscribe_list, name=name, enabled=enabled)
    return unsubscribe_list


def delete_unsubscribe_list(*, unsubscribe_list: UnsubscribeList, actor: Actor) -> None:
    """Refused where something still leaves these people out: disabling hides and keeps."""
    users = users_of(unsubscribe_list, besides={"members", "imports"})
    if users:
        raise WrongState(
            _("%(name)s is in use (%(users)s) and is kept. Disable it instead.")
            % {"name": unsubscribe_list.name, "users": users},
            code="in_use",
        )
    record(
        unsubscribe_list.workspace, actor, "deleted", unsubscribe_list, members=unsubscribe_list.member_count
    )
    unsubscribe_list.delete()


def add_members(
    *,
    unsubscribe_list: UnsubscribeList,
    msisdns: Iterable[str],
    how: str = OptOutHow.PERSON,
    source: str = "",
    message_id: int | None = None,
    actor: Actor = NOBODY,
    at: datetime | None = None,
) -> int:
    """How many were not on it before. `source` and `message_id` as of an opt-out: the first ones stay."""
    proof = {"how": how, "source": source[:500], "message_id": message_id}
    when = at or timezone.now()
    added = 0
    with transaction.atomic():
        _lock(unsubscribe_list)
        for batch in in_batches(dict.fromkeys(msisdns)):
            known = set(unsubscribe_list.members.filter(msisdn__in=batch).values_list("msisdn", flat=True))
            rows = [
                UnsubscribeMember(list=unsubscribe_list, msisdn=msisdn, at=when, **proof)
                for msisdn in batch
                if msisdn not in known
            ]
            UnsubscribeMember.objects.bulk_create(rows)
            added += len(rows)
        count_members(unsubscribe_list, added)
        if added:
            record(unsubscribe_list.workspace, actor, "added numbers", unsubscribe_list, count=added)
    return added


def remove_members(*, unsubscribe_list: UnsubscribeList, msisdns: Iterable[str], actor: Actor) -> int:
    """How many were on it."""
    removed = 0
    with transaction.atomic():
        _lock(unsubscribe_list)
        for batch in in_batches(dict.fromkeys(msisdns)):
            removed += unsubscribe_list.members.filter(msisdn__in=batch).delete()[0]
        count_members(unsubscribe_list, -removed)
        if removed:
            record(unsubscribe_list.workspace, actor, "removed numbers", unsubscribe_list, count=removed)
    return removed


def _lock(unsubscribe_list: UnsubscribeList) -> None:
    """One writer of a list at a time keeps its count right."""
    UnsubscribeList.objects.select_for_update(no_key=True).get(pk=unsubscribe_list.pk)


def count_members(unsubscribe_list: UnsubscribeList, by: int) -> None:
    """Needs the list locked."""
    if by:
        rows = UnsubscribeList.objects.filter(pk=unsubscribe_list.pk)
        rows.update(member_count=F("member_count") + by, updated_at=timezone.now())
        unsubscribe_list.refresh_from_db(fields=["member_count", "updated_at"])


def _save(unsubscribe_list: UnsubscribeList) -> None:
    if not unsubscribe_list.name:
        raise ContactsError(_("The name of the unsubscribe list is empty. Enter one."), field="name")
    if problem := name_problem(unsubscribe_list.name):
        raise ContactsError(problem, field="name")
    try:
        with transaction.atomic():
            unsubscribe_list.save()
    except IntegrityError:
        raise ContactsError(
            _("There is an unsubscribe list named %(name)s already. Choose another name.")
            % {"name": unsubscribe_list.name},
            field="name",
        ) from None
