"""Runs of sync: asked for by a person or a program, planned at once, carried out by a worker (sync_runner.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from providers.models import (
    ProviderAccount,
    RemoteRecord,
    SyncRun,
    SyncRunState,
    SyncRunStep,
    SyncState,
    SyncStepState,
    SyncWhat,
)
from providers.services.refusals import ProviderAccountError
from providers.services.sync import PUSH, Step, plan, side_of, synced_entities
from providers.sync.registry import entity_of

STEPS_AT_ONCE = 500
# Looked through one by one on a page, and carried out one by one.
STEPS_MOST = 20_000
KEEP_PLANS_FOR = timedelta(days=1)
KEEP_RUNS_FOR = timedelta(days=30)
BUSY = (SyncRunState.WAITING, SyncRunState.RUNNING)
# Cancelled while a worker is at a step, which it finishes, or leaves to the end of its lease.
STILL_AT_A_STEP = Q(state=SyncRunState.CANCELLED, steps__state=SyncStepState.RUNNING) & ~Q(lease_holder="")
AGAIN = (SyncRunState.FAILED, SyncRunState.FINISHED, SyncRunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records: those of `ids`, or else of the kinds, in that state and with these words in their names."""

    entities: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    state: str = ""
    words: str = ""


def records_of(account: ProviderAccount, chosen: Chosen) -> QuerySet[RemoteRecord]:
    rows = RemoteRecord.objects.filter(account=account)
    if chosen.entities:
        rows = rows.filter(entity__in=chosen.entities)
    if chosen.ids:
        return rows.filter(pk__in=chosen.ids)
    if chosen.state:
        rows = rows.filter(state=chosen.state)
    return rows.filter(name__icontains=chosen.words) if chosen.words else rows


def start_compare(*, account: ProviderAccount, entities: Sequence[str], actor: Actor) -> SyncRun:
    """Of these kinds, or of all. Raises ProviderAccountError: unknown kinds, or another run has not ended."""
    kinds = _kinds(account, entities)
    run = SyncRun(account=account, what=SyncWhat.COMPARE, state=SyncRunState.WAITING, entities=kinds)
    steps = [
        SyncRunStep(position=at, entity=kind, name=str(entity_of(kind).label), action="compare")
        for at, kind in enumerate(kinds)
    ]
    with transaction.atomic():
        made = _made(run, steps, actor)
        _wake(made)
    return made


def plan_run(*, account: ProviderAccount, what: str, chosen: Chosen, actor: Actor) -> SyncRun:
    """A dry run: its steps say what a push or a pull would do, as both sides were last compared. Nothing is asked of the
    vendor. Raises ProviderAccountError."""
    _kinds(account, chosen.entities)
    # Of what was not chosen one by one only that which there is something to do for.
    rows = records_of(account, chosen)
    if not chosen.ids:
        rows = rows.filter(_may_go(what))
        if chosen.state != SyncState.SAME:
            rows = rows.exclude(state=SyncState.SAME)
    ids = list(rows.values_list("pk", flat=True)[: STEPS_MOST + 1])
    if unknown := sorted(set(chosen.ids) - set(ids)):
        raise ProviderAccountError(
            _("There is no %(id)s any more: load the list again, and choose anew.") % {"id": unknown[0]},
            field="records",
        )
    if len(ids) > STEPS_MOST:
        raise ProviderAccountError(
            _("There are more than %(most)s of them: choose one kind, or search for a part of them.")
            % {"most": f"{STEPS_MOST:,}"},
            field="records",
        )
    planned = plan(account=account, direction=what, record_ids=ids)
    if not planned:
        raise ProviderAccountError(_nothing_to_do(account, what, chosen), field="records", code="nothing")
    run = SyncRun(account=account, what=what, state=SyncRunState.PLANNED)
    run.entities = list(dict.fromkeys(step.entity for step in planned))
    twins = _names_there(account, run.entities) if what == PUSH else set()
    return _made(run, [_planned_step(at, step, twins) for at, step in enumerate(planned)], actor)


def push_or_pull(*, account: ProviderAccount, what: str, chosen: Chosen, actor: Actor) -> SyncRun:
    """Without a look at the plan in between. Raises ProviderAccountError; then there is no plan either."""
    with transaction.atomic():
        return confirm_run(run=plan_run(account=account, what=what, chosen=chosen, actor=actor))


def confirm_run(*, run: SyncRun) -> SyncRun:
    """What was planned is carried out; confirmed twice it is done once. Raises ProviderAccountError."""
    if _set_off(SyncRun.objects.filter(pk=run.pk, state=SyncRunState.PLANNED), run):
        return run
    if run.state in (*BUSY, SyncRunState.FINISHED):
        return run
    raise ProviderAccountError(
        _("It cannot be carried out any more: its state is “%(state)s”. Choose and look again.")
        % {"state": run.get_state_display()},
        field="state",
        code="wrong_state",
    )


def run_again(*, run: SyncRun) -> SyncRun:
    """What was not done, and what failed. Raises ProviderAccountError."""
    if SyncRun.objects.filter(STILL_AT_A_STEP, pk=run.pk, lease_until__gt=timezone.now()).exists():
        raise ProviderAccountError(
            _("A step of it is still under way: wait until that is done."), field="state", code="wrong_state"
        )
    with transaction.atomic():
        if not _set_off(SyncRun.objects.filter(pk=run.pk, state__in=AGAIN), run):
            raise ProviderAccountError(
                _("It has not ended yet: wait for it, or cancel it."), field="state", code="wrong_state"
            )
        failed = run.steps.filter(state__in=(SyncStepState.FAILED, SyncStepState.RUNNING))
        failed.update(state=SyncStepState.PLANNED, tries=0)
        if not run.steps.filter(state=SyncStepState.PLANNED).exists():
            raise ProviderAccountError(
                _("All of it is done: compare both sides, and choose again."), field="state", code="nothing"
            )
        SyncRun.objects.filter(pk=run.pk).update(failed=0)
    run.refresh_from_db()
    return run


def cancel_run(*, run: SyncRun) -> SyncRun:
    """What is done stays done. A step that is under way is finished. Does nothing to a run that has ended."""
    open_ones = SyncRun.objects.filter(pk=run.pk, state__in=(SyncRunState.PLANNED, *BUSY))
    # The lease stays: whoever holds it finishes a step.
    open_ones.update(state=SyncRunState.CANCELLED, finished_at=timezone.now())
    run.refresh_from_db()
    return run


def stop_after_claim() -> int:
    """In a copy of the database that was claimed: what was under way the original may have done since. How many."""
    words = _("Stopped: this database is a copy that was claimed. Compare both sides before you go on.")
    return SyncRun.objects.filter(state__in=BUSY).update(
        state=SyncRunState.FAILED,
        words=words,
        finished_at=timezone.now(),
        lease_holder="",
        lease_until=None,
    )


def waiting_runs() -> list[int]:
    """Ids of those that nobody works on, though somebody should."""
    now = timezone.now()
    free = Q(state=SyncRunState.WAITING) | Q(
        Q(lease_until=None) | Q(lease_until__lt=now), state=SyncRunState.RUNNING
    )
    return list(SyncRun.objects.filter(free).order_by("pk").values_list("pk", flat=True)[:100])


def prune_sync_runs() -> int:
    """Forgets plans that nobody confirmed, and old runs; returns how many."""
    now = timezone.now()
    old = Q(state=SyncRunState.PLANNED, created_at__lt=now - KEEP_PLANS_FOR) | Q(
        ~Q(state__in=BUSY), created_at__lt=now - KEEP_RUNS_FOR
    )
    ids = list(SyncRun.objects.filter(old).order_by("pk").values_list("pk", flat=True)[:20])
    SyncRunStep.objects.filter(run__in=ids).delete()
    return SyncRun.objects.filter(pk__in=ids).delete()[0]


# --- helpers --------------------------------------------------------------------------------------


def _kinds(account: ProviderAccount, wanted: Iterable[str]) -> list[str]:
    known = synced_entities(account)
    if not known:
        raise ProviderAccountError(_("Nothing is kept in step with this provider."), field="entities")
    for name in (wanted := list(wanted)):
        side_of(account, name)
    return [name for name in known if not wanted or name in wanted]


def _may_go(what: str) -> Q:
    return Q(local_id__isnull=False) if what == PUSH else ~Q(remote_id="")


def _nothing_to_do(account: ProviderAccount, what: str, chosen: Chosen) -> str:
    if not records_of(account, Chosen(chosen.entities)).exists():
        return _("Compare both sides first.")
    if what == PUSH:
        return _("There is nothing to push: none of them differs, or is only here.")
    return _("There is nothing to pull: none of them differs, or is only there.")


def _names_there(account: ProviderAccount, entities: Sequence[str]) -> set[tuple[str, str]]:
    only_there = RemoteRecord.objects.filter(account=account, entity__in=entities, local_id=None)
    return set(only_there.values_list("entity", "name"))


def _planned_step(at: int, step: Step, twins: set[tuple[str, str]]) -> SyncRunStep:
    words = step.error
    if step.action == "create" and (step.entity, step.name) in twins:
        words = _("One of this name is there already: link the two, unless there shall be a second one.")
    return SyncRunStep(
        position=at,
        entity=step.entity,
        record_id=step.record_id,
        name=step.name,
        action=step.action,
        remote_id=step.remote_id,
        differences=[list(found) for found in step.differences],
        state=SyncStepState.FAILED if step.error else SyncStepState.PLANNED,
        words=words[:500],
    )


def _made(run: SyncRun, steps: Sequence[SyncRunStep], actor: Actor) -> SyncRun:
    run.created_by, run.api_key = actor.user, actor.api_key
    run.total, run.failed = len(steps), sum(step.state == SyncStepState.FAILED for step in steps)
    try:
        with transaction.atomic():
            run.save()
            for step in steps:
                step.run = run
            SyncRunStep.objects.bulk_create(steps, batch_size=STEPS_AT_ONCE)
    except IntegrityError:
        raise _busy(run.account) from None
    return run


def _set_off(rows: QuerySet[SyncRun], run: SyncRun) -> bool:
    """Whether the run was in that set and waits for a worker now."""
    try:
        with transaction.atomic():
            is_off = rows.update(
                state=SyncRunState.WAITING, words="", finished_at=None, lease_holder="", lease_until=None
            )
    except IntegrityError:
        raise _busy(run.account) from None
    run.refresh_from_db()
    if is_off:
        _wake(run)
    return bool(is_off)


def _wake(run: SyncRun) -> None:
    # Tasks are doors to services: here, where one has to be woken, the import is made late.
    from providers.tasks import sync_soon

    transaction.on_commit(partial(sync_soon, run.pk), robust=True)


def _busy(account: ProviderAccount) -> ProviderAccountError:
    return ProviderAccountError(
        _("%(account)s is being compared, pushed or pulled just now: wait until that is done, or cancel it.")
        % {"account": account.name},
        field="state",
        code="busy",
    )


def busy_run(account: ProviderAccount) -> SyncRun | None:
    return SyncRun.objects.filter(account=account, state__in=BUSY).select_related("account").first()
