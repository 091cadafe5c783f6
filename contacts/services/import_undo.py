"""Undoing a whole import: who came by it goes, who was changed or removed by it is as before.

In steps, a chunk a transaction; what is put back is struck from ImportBefore in the same one. So a killed worker
costs one chunk of work, and another one goes on with what is left. At the end the columns that only this import brought
go, and a list that it made and that is empty now. Who stays is counted: whoever was edited since, went to other lists, or
was written by another import after it: those are left to that one (import_heirs.py).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from contacts.batches import BATCH
from contacts.errors import WrongState
from contacts.models import Import, ImportBefore, ImportPurpose, ImportState, Recipient, RecipientList
from contacts.related import is_being_planned, users_of, was_anybody_texted
from contacts.rules import EXTRA
from contacts.services.import_heirs import (
    has_left_changes,
    pass_on_added,
    pass_on_changes,
    pass_on_columns,
    pass_on_removed,
)
from contacts.services.import_runner import lock_import, plan_of, update_import, work_on
from contacts.services.import_writers import writer_for
from contacts.services.lists import UNDO_KEPT, change_count, delete_list, lock_list, set_list_enabled

UNDOABLE = (ImportState.FINISHED, ImportState.FAILED, ImportState.CANCELLED)
DONE = ("removed", "restored", "put_back")
# Who stays on the list, as edited since; and who is on other lists, moved or copied there since.
COUNTS = (*DONE, "kept", "elsewhere")
# Who is left to another import; counted only where there is anybody.
PASSED_ON = "passed_on"
SHOWN_EDITED = 20


def require_undoable(imported: Import) -> None:
    """Raises WrongState with the reason. Quick; whether somebody was texted is asked by `require_not_texted`."""
    if imported.purpose == ImportPurpose.OPT_OUTS:
        raise WrongState(
            _(
                "Opt-outs are not undone as a whole: each one that is removed needs a reason of its own. Remove single ones "
                "on the page Opt-outs."
            ),
            code="opt_outs_stay",
        )
    if imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        raise WrongState(
            _(
                "Numbers of an unsubscribe list are not taken off as a whole: each is there for a reason. Remove them on "
                "the page of the list."
            ),
            code="opt_outs_stay",
        )
    _require_kept(imported)
    later = _standing().filter(list_id=imported.list_id, started_at__gt=_began_at(imported))
    last = later.order_by("-started_at").first()
    if last is not None:
        raise WrongState(
            _("%(name)s was imported into the same list after it. Undo that import first.")
            % {"name": last.file_name},
            code="not_the_last",
        )


def _require_kept(imported: Import) -> None:
    """Whatever other imports did."""
    if imported.state not in UNDOABLE or not imported.counts:
        raise WrongState(
            _("This import is %(state)s: there is nothing that can be undone.")
            % {"state": ImportState(imported.state).label}
        )
    if imported.list_id is None:
        raise WrongState(_("The list of this import was deleted: there is nothing left to undo."))
    if imported.finished_at and imported.finished_at < timezone.now() - UNDO_KEPT:
        raise WrongState(
            _("This import ended more than %(days)d days ago: what was there before is not kept any longer.")
            % {"days": UNDO_KEPT.days},
            code="too_old",
        )


def require_not_texted(imported: Import) -> None:
    """Of all who were added or changed by it, wherever they are now. One look for each: seconds for a million."""
    _require_none_texted(imported, Recipient.objects.filter(list_id=imported.list_id, import_id=imported.pk))
    # Who was changed, and who was added and has left the list since.
    _require_none_texted(imported, ImportBefore.objects.filter(imported=imported, removed=False))


def _require_none_texted(imported: Import, rows: QuerySet[Recipient] | QuerySet[ImportBefore]) -> None:
    if was_anybody_texted(imported.workspace_id, rows, _began_at(imported)):
        raise WrongState(
            _(
                "Somebody of this import has been texted already, so it stays. Remove people from the list instead."
            ),
            code="texted",
        )


def lock_unused(imported: Import) -> None:
    """Nobody launches to its list until the caller's transaction ends. Raises WrongState where somebody just did."""
    # In the order of `lock_import`.
    Import.objects.select_for_update(no_key=True).get(pk=imported.pk)
    if imported.list is not None:
        lock_list(imported.list)
        _require_unused(imported.list)


def _require_unused(recipient_list: RecipientList) -> None:
    """With the list locked."""
    if is_being_planned(recipient_list.pk):
        raise WrongState(
            _(
                "A broadcast to %(name)s has just been launched: its people are being written into the ledger. Once they "
                "are, this import cannot be undone any more; stop the broadcast if it was a mistake."
            )
            % {"name": recipient_list.name},
            code="being_planned",
        )


def first_being_undone(list_ids: Iterable[int]) -> Import | None:
    """Of imports into these lists: to them nothing may be launched meanwhile."""
    rows = Import.objects.filter(list__in=list(list_ids), state=ImportState.UNDOING).select_related("list")
    return rows.order_by("pk").first()


def why_not_undoable(imported: Import) -> str:
    """ "" where undoing may be offered."""
    try:
        require_undoable(imported)
    except WrongState as error:
        return str(error.sentence)
    return ""


def undoable_among(imports: Iterable[Import]) -> set[int]:
    """Ids of those of which `why_not_undoable` says nothing, with one query for all."""
    kept = [imported for imported in imports if _is_kept(imported)]
    lists = {imported.list_id for imported in kept}
    last = _standing().filter(list_id__in=lists).order_by().values_list("list_id").annotate(Max("started_at"))
    last_start = dict(last) if lists else {}
    return {one.pk for one in kept if last_start.get(one.list_id, _began_at(one)) <= _began_at(one)}


def _is_kept(imported: Import) -> bool:
    try:
        _require_kept(imported)
    except WrongState:
        return False
    return True


def undo(import_id: int) -> None:
    """Goes on from where another worker stopped. Does nothing if one has it."""
    work_on(import_id, ImportState.UNDOING, _undo)


def tidy_befores(limit: int = 200_000) -> int:
    """Deletes what nobody can undo any longer, some at a time; how many rows went."""
    gone = 0
    old = ImportBefore.objects.filter(imported__finished_at__lt=timezone.now() - UNDO_KEPT)
    old = old.exclude(imported__state=ImportState.UNDOING)
    while gone < limit and (batch := list(old.values_list("pk", flat=True)[:BATCH])):
        ImportBefore.objects.filter(pk__in=batch).delete()
        gone += len(batch)
    return gone


def _standing() -> QuerySet[Import]:
    """Those that did something to their list, or are about to."""
    nothing_done = Q(counts={}) & ~Q(state=ImportState.RUNNING)
    return Import.objects.exclude(state=ImportState.UNDONE).exclude(nothing_done).exclude(started_at=None)


def _began_at(imported: Import) -> datetime:
    return imported.started_at or imported.created_at


def people_done(imported: Import) -> int:
    return sum(imported.undo_counts.get(name, 0) for name in DONE)


def _undo(imported: Import) -> None:
    require_not_texted(imported)
    began = _Began(time.monotonic(), people_done(imported))
    while True:
        for step in STEPS:
            after: str | None = ""
            while after is not None:
                after = _chunk(imported, step, began, after)
        with transaction.atomic():
            recipient_list = lock_import(imported, ImportState.UNDOING)
            # Another import may have gone on meanwhile, and have written to people who were passed by already.
            if all(_chunk(imported, step, began, "") is None for step in STEPS):
                _end(imported, recipient_list)
                return


def _end(imported: Import, recipient_list: RecipientList) -> None:
    """With the list locked."""
    _require_unused(recipient_list)
    added = recipient_list.recipients.filter(import_id=imported.pk).order_by("msisdn")
    edited = list(added.values_list("msisdn", flat=True)[:SHOWN_EDITED])
    counts = imported.undo_counts | {"kept": imported.undo_counts.get("kept", 0) + added.count()}
    _forget_columns(imported, recipient_list)
    pass_on_columns(imported, recipient_list)
    actor = Actor(user=imported.undone_by)
    update_import(
        imported,
        ImportState.UNDOING,
        state=ImportState.UNDONE,
        undone_at=timezone.now(),
        undo_counts=counts,
        undo_kept=imported.undo_kept | {"edited": edited} | _put_away(imported, recipient_list, actor),
        lease_holder="",
        lease_until=None,
    )
    record(imported.workspace, actor, "undone", imported, **counts)


def _forget_columns(imported: Import, recipient_list: RecipientList) -> None:
    """Those that the list got by this import, and in which nobody has a value, and by which nobody filters."""
    rules = [*recipient_list.saved_filters.values_list("rule", flat=True)]
    rules += recipient_list.live_lists.values_list("rule", flat=True)
    asked = {condition["field"] for rule in rules for condition in rule.get("conditions", ())}
    unused = {
        name
        for name in imported.new_columns
        if EXTRA + name not in asked and not recipient_list.recipients.filter(extra__has_key=name).exists()
    }
    columns = list(RecipientList.objects.values_list("columns", flat=True).get(pk=recipient_list.pk))
    left = [name for name in columns if name not in unused]
    if left != columns:
        both = Q(pk=recipient_list.pk) | Q(source=recipient_list)
        RecipientList.objects.filter(both).update(columns=left)
        recipient_list.columns = left


def _put_away(imported: Import, recipient_list: RecipientList, actor: Actor) -> dict[str, str]:
    """A list that this import made and that is empty: deleted where nothing ever referred to it, else disabled."""
    made_it = bool(imported.new_list_name)
    if not made_it or recipient_list.recipients.exists():
        return {}
    others = recipient_list.imports.exclude(pk=imported.pk)
    if users_of(recipient_list, besides={"recipients", "imports"}) or others.exists():
        if recipient_list.enabled:
            set_list_enabled(recipient_list=recipient_list, actor=actor, enabled=False)
        return {"list": "disabled"}
    delete_list(recipient_list=recipient_list, actor=actor)
    return {"list": "deleted"}


class _Began(NamedTuple):
    """When this worker began, and how many people were done before."""

    at: float
    done: int

    def rate(self, done: int) -> int:
        """People a second."""
        return round((done - self.done) / max(time.monotonic() - self.at, 0.001))


class _Done(NamedTuple):
    """Of a chunk: the counts that it adds to, the number up to which it went, and how many are on which other list."""

    counts: dict[str, int]
    last: str
    lists: dict[str, int]


def _chunk(
    imported: Import, step: Callable[[Import, RecipientList, str], _Done | None], began: _Began, after: str
) -> str | None:
    """From which number to go on; None when the step is done.

    Not from the front each time: the way there leads past all that went or stays, once for each chunk. From there only
    when nothing is left behind it.
    """
    with transaction.atomic():
        recipient_list = lock_import(imported, ImportState.UNDOING)
        _require_unused(recipient_list)
        done = step(imported, recipient_list, after)
        if done is None:
            return "" if after else None
        counts = _sum(imported.undo_counts, done.counts)
        kept = imported.undo_kept | {"lists": _sum(imported.undo_kept.get("lists", {}), done.lists)}
        rate = began.rate(sum(counts.get(name, 0) for name in DONE))
        update_import(imported, ImportState.UNDOING, undo_counts=counts, undo_kept=kept, rows_per_second=rate)
    imported.undo_counts, imported.undo_kept = counts, kept
    return done.last


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return one | {name: one.get(name, 0) + more for name, more in other.items()}


def _elsewhere(imported: Import, msisdns: Iterable[str]) -> tuple[int, dict[str, int]]:
    """How many of these are on other lists, put there since the import began; and on which."""
    rows = Recipient.objects.filter(
        list__workspace_id=imported.workspace_id,
        msisdn__in=list(msisdns),
        created_at__gte=_began_at(imported),
    ).exclude(list_id=imported.list_id)
    # Whoever another import brought there did not come from here.
    found = list(rows.filter(Q(import_id=None) | Q(import_id=imported.pk)).values_list("msisdn", "list_id"))
    return len({msisdn for msisdn, _pk in found}), dict(Counter(str(pk) for _msisdn, pk in found))


def _pass_on_added(imported: Import, recipient_list: RecipientList, after: str) -> _Done | None:
    numbers = pass_on_added(imported, recipient_list, after)
    return _Done({PASSED_ON: len(numbers)}, numbers[-1], {}) if numbers else None


def _pass_on_removed(imported: Import, _recipient_list: RecipientList, after: str) -> _Done | None:
    """They are on no list: nobody is counted."""
    numbers = pass_on_removed(imported, after)
    return _Done({}, max(numbers), {}) if numbers else None


def _remove_added(imported: Import, recipient_list: RecipientList, after: str) -> _Done | None:
    """Whoever was edited after the import stays: the two times of a row differ from its first edit on."""
    added = recipient_list.recipients.filter(import_id=imported.pk, updated_at=F("created_at"))
    rows = list(added.filter(msisdn__gt=after).order_by("msisdn").values_list("pk", "msisdn")[:BATCH])
    if not rows:
        return None
    pks = [pk for pk, _msisdn in rows]
    people = Recipient.objects.filter(pk__in=pks)
    # A text to single people, or through another list they are on, may have come since the first look.
    _require_none_texted(imported, people)
    people.delete()
    change_count(recipient_list, -len(pks))
    elsewhere, lists = _elsewhere(imported, (msisdn for _pk, msisdn in rows))
    return _Done({"removed": len(pks), "elsewhere": elsewhere}, rows[-1][1], lists)


def _restore_changed(imported: Import, recipient_list: RecipientList, after: str) -> _Done | None:
    """Whoever was edited after the import wrote them stays as edited."""
    befores = ImportBefore.objects.filter(imported=imported, removed=False, msisdn__gt=after)
    last = list(befores.order_by("msisdn").values_list("msisdn", flat=True)[:BATCH])[-1:]
    if not last:
        return None
    _require_none_texted(imported, befores.filter(msisdn__lte=last[0]))
    within = befores.filter(msisdn__lte=last[0])
    passed_on = pass_on_changes(imported, within)
    writer = writer_for(plan_of(imported), list_id=0, workspace_id=0, existing=imported.existing)
    ended = imported.finished_at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            writer.put_back_sql(all_columns=has_left_changes(imported)),
            [recipient_list.pk, imported.pk, last[0], connection.ops.adapt_datetimefield_value(ended)],
        )
        restored = cursor.rowcount
    changed = within.exclude(was={}).values("msisdn")
    kept = recipient_list.recipients.filter(msisdn__in=changed).count() - restored
    elsewhere, lists = _elsewhere(imported, within.filter(was={}).values_list("msisdn", flat=True))
    within.delete()
    counts = {"restored": restored, "kept": kept, "elsewhere": elsewhere}
    return _Done(counts | ({PASSED_ON: passed_on} if passed_on else {}), last[0], lists)


def _put_back_removed(imported: Import, recipient_list: RecipientList, after: str) -> _Done | None:
    """Who is on the list again meanwhile stays as now."""
    rows = ImportBefore.objects.filter(imported=imported, removed=True, msisdn__gt=after)
    befores = list(rows.order_by("msisdn")[:BATCH])
    if not befores:
        return None
    numbers = [before.msisdn for before in befores]
    there = set(recipient_list.recipients.filter(msisdn__in=numbers).values_list("msisdn", flat=True))
    back = [_recipient(recipient_list, before) for before in befores if before.msisdn not in there]
    Recipient.objects.bulk_create(back, batch_size=1_000)
    change_count(recipient_list, len(back))
    ImportBefore.objects.filter(pk__in=[before.pk for before in befores]).delete()
    return _Done({"put_back": len(back)}, befores[-1].msisdn, {})


def _recipient(recipient_list: RecipientList, before: ImportBefore) -> Recipient:
    times = {name: datetime.fromisoformat(before.was[name]) for name in ("created_at", "updated_at")}
    return Recipient(list=recipient_list, msisdn=before.msisdn, **(before.was | times))


STEPS = (_pass_on_added, _pass_on_removed, _remove_added, _restore_changed, _put_back_removed)
