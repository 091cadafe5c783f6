"""A run of sync as a worker does it, step by step; whoever dies on the way leaves the rest to the next one.

Whoever holds the lease works; each request to the vendor prolongs it. What one step does is idempotent
(services/sync.py), so that a step during which a worker died is simply done again.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from providers.connectors.operations import Exchange
from providers.errors import AccountRefused, ConnectorError, NoAnswer, Throttled, Unclear, Unreachable
from providers.models import RemoteRecord, SyncRun, SyncRunState, SyncRunStep, SyncStepState, SyncWhat
from providers.services.refusals import ProviderAccountError
from providers.services.sync import (
    Plan,
    Vendor,
    carry_out_one,
    compare_with,
    in_words,
    note_carried_out,
    open_vendor,
)
from providers.services.sync_runs import STILL_AT_A_STEP
from providers.services.traffic import listener_of
from providers.sync.registry import SyncRefusedError

log = structlog.get_logger("crier.sync")

# Longer than any single request may take.
LEASE = timedelta(minutes=3)
RENEW_AFTER = timedelta(seconds=20)
# Then others that wait for this worker have their turn.
TURN_SECONDS = 5.0
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
# Of one step, where the line or the vendor had trouble; a throttle is waited for longer.
TRIES_MOST = 3
THROTTLED_TRIES_MOST = 10
OPEN = (SyncStepState.PLANNED, SyncStepState.RUNNING)


class _LostError(Exception):
    """Cancelled, or another worker has it."""


class _StoppedError(Exception):
    """Every further step would meet the same."""


class _LaterError(Exception):
    """The step is to be tried again in a while."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(str(wait))
        self.wait = wait


def carry_on(run_id: int) -> bool:
    """Whether it wants another turn. Does nothing if another worker has it, or it has ended."""
    run = _claim(run_id)
    if run is None:
        return False
    try:
        return not _do_steps(run)
    except _LostError:
        log.info("sync run taken away", run=run_id)
        mine = SyncRun.objects.filter(pk=run_id, lease_holder=run.lease_holder)
        mine.update(lease_holder="", lease_until=None)
    except _LaterError as later:
        _release(run, lease_until=timezone.now() + later.wait)
    except OperationalError:
        # The database is away: when the lease has passed, the sweep gives the run to a worker again.
        log.warning("sync run interrupted by the database", run=run_id, exc_info=True)
    except (_StoppedError, ProviderAccountError) as error:
        _end(run, SyncRunState.FAILED, str(error))
    except Exception:
        log.exception("sync run failed", run=run_id)
        _end(
            run,
            SyncRunState.FAILED,
            _("Crier made an error and has logged it. Run it again: it goes on where it stopped."),
        )
    return False


def _claim(run_id: int) -> SyncRun | None:
    now = timezone.now()
    free = Q(state=SyncRunState.WAITING) | Q(
        Q(lease_until=None) | Q(lease_until__lt=now), state=SyncRunState.RUNNING
    )
    mine = SyncRun.objects.filter(pk=run_id).values("account")
    if SyncRun.objects.filter(STILL_AT_A_STEP, account__in=mine, lease_until__gt=now).exists():
        return None  # the sweep comes back to it
    changes = {"state": SyncRunState.RUNNING, "lease_holder": uuid.uuid4().hex, "lease_until": now + LEASE}
    if not SyncRun.objects.filter(free, pk=run_id).update(**changes):
        return None
    return SyncRun.objects.select_related("account__workspace", "created_by", "api_key").get(pk=run_id)


def _update(run: SyncRun, **changes: Any) -> None:
    """Raises _LostError if the run is not ours any more."""
    mine = SyncRun.objects.filter(pk=run.pk, state=SyncRunState.RUNNING, lease_holder=run.lease_holder)
    if not mine.update(**{"lease_until": timezone.now() + LEASE, **changes}):
        raise _LostError


def _release(run: SyncRun, **changes: Any) -> None:
    _update(run, lease_holder="", **changes)


def _end(run: SyncRun, state: str, words: str = "") -> None:
    mine = SyncRun.objects.filter(pk=run.pk, state=SyncRunState.RUNNING, lease_holder=run.lease_holder)
    with transaction.atomic():
        ended = mine.update(
            state=state, words=words[:500], finished_at=timezone.now(), lease_holder="", lease_until=None
        )
        if ended and run.what != SyncWhat.COMPARE:
            counts = Counter(run.steps.values_list("state", flat=True))
            done, failed = counts[SyncStepState.DONE], counts[SyncStepState.FAILED]
            note_carried_out(run.account, run.what, _actor_of(run), done=done, tried=done + failed)


def _actor_of(run: SyncRun) -> Actor:
    return Actor(user=run.created_by, api_key=run.api_key)


# --- step by step ---------------------------------------------------------------------------------


def _do_steps(run: SyncRun) -> bool:
    """False where it gave way to others."""
    turn_ends = time.monotonic() + TURN_SECONDS
    with open_vendor(run.account, _Renewing(run)) as vendor:
        while step := run.steps.filter(state__in=OPEN).order_by("position").first():
            _do_step(run, vendor, step)
            if time.monotonic() >= turn_ends:
                _release(run, state=SyncRunState.WAITING, lease_until=None)
                return False
    _end(run, SyncRunState.FINISHED)
    return True


def _do_step(run: SyncRun, vendor: Vendor, step: SyncRunStep) -> None:
    with transaction.atomic():
        _update(run)
        step.tries += 1
        SyncRunStep.objects.filter(pk=step.pk).update(state=SyncStepState.RUNNING, tries=step.tries)
    try:
        changes = _done(run, vendor, step)
    except (ConnectorError, SyncRefusedError) as error:
        _note_trouble(run, step, error)
        return
    except ProviderAccountError as error:
        # Of this step alone, such as a kind that is gone; what concerns the account is raised before any step.
        changes = {"state": SyncStepState.FAILED, "words": str(error)[:500]}
    _note(run, step, **changes)


def _done(run: SyncRun, vendor: Vendor, step: SyncRunStep) -> dict[str, Any]:
    """What became of the step."""
    if step.action == "compare":
        found = Counter(record.state for record in compare_with(vendor, step.entity))
        return {"state": SyncStepState.DONE, "words": "", "differences": sorted(found.items())}
    record = RemoteRecord.objects.select_related("account__workspace").filter(pk=step.record_id or 0).first()
    if record is None:
        raise SyncRefusedError(_("It is neither here nor there any more: compare both sides."))
    planned = Plan(step.action, step.remote_id)
    carried = carry_out_one(vendor, record, run.what, _actor_of(run), planned)
    return {"state": SyncStepState.DONE, "words": carried.note[:500], "action": carried.action}


def _note(run: SyncRun, step: SyncRunStep, **changes: Any) -> None:
    """With the run's counts, in one transaction. A run that was cancelled meanwhile is told, too."""
    kind = "done" if changes["state"] == SyncStepState.DONE else "failed"
    with transaction.atomic():
        open_one = SyncRunStep.objects.filter(pk=step.pk, state=SyncStepState.RUNNING)
        if open_one.update(**changes):
            SyncRun.objects.filter(pk=run.pk).update(**{kind: F(kind) + 1})


def _note_trouble(run: SyncRun, step: SyncRunStep, error: ConnectorError | SyncRefusedError) -> None:
    """Raises _LaterError or _StoppedError where it is not of this step alone."""
    most = THROTTLED_TRIES_MOST if isinstance(error, Throttled) else TRIES_MOST
    words = in_words(error)[:500]
    if isinstance(error, Throttled | Unreachable | Unclear) and step.tries < most:
        SyncRunStep.objects.filter(pk=step.pk).update(state=SyncStepState.PLANNED, words=words)
        raise _LaterError(_wait(step.tries, getattr(error, "retry_after", None)))
    _note(run, step, state=SyncStepState.FAILED, words=words)
    if isinstance(error, AccountRefused | Throttled | Unreachable | NoAnswer):
        raise _StoppedError(
            _("It stopped, as every further step would meet the same: %(words)s") % {"words": words}
        )


def _wait(tries: int, asked: float | None) -> timedelta:
    wait = FIRST_WAIT * 2 ** min(tries - 1, 10)
    return min(max(wait, timedelta(seconds=asked or 0)), LONGEST_WAIT)


class _Renewing:
    """A listener that keeps the traffic and prolongs the lease, however many requests a step needs."""

    def __init__(self, run: SyncRun) -> None:
        self._run, self._keep = run, listener_of(run.account)
        self._renewed: datetime = timezone.now()

    def __call__(self, exchange: Exchange) -> None:
        self._keep(exchange)
        now = timezone.now()
        if now - self._renewed > RENEW_AFTER:
            self._renewed = now
            mine = SyncRun.objects.filter(
                pk=self._run.pk, state=SyncRunState.RUNNING, lease_holder=self._run.lease_holder
            )
            mine.update(lease_until=now + LEASE)
