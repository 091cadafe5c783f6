"""A job of a list as a worker does it: a window of rows a transaction, resumed where it stopped.

As with imports, whoever holds the lease works, and what a window did is committed with how far the job is. An export
begins anew after a stop: half a file is of no use.
"""

from __future__ import annotations

import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.core.files.base import ContentFile
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, F, Func, JSONField, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from contacts.errors import ContactsError
from contacts.exports import people_rows, write_people
from contacts.models import ListJob, ListJobKind, ListJobState, OptOutHow, Recipient, RecipientList
from contacts.people import Sought, behind, window
from contacts.rules import EXTRA, rule_of
from contacts.services.lists import change_count, lock_list
from contacts.services.opt_outs import opt_out_many

log = structlog.get_logger("crier.list_jobs")

LEASE = timedelta(seconds=60)
WINDOW = 5_000
SQLITE_WINDOW = 2_000
SQLITE_REST_SECONDS = 0.02
SAY_ALIVE_ROWS = 20_000
Rows = list[tuple[int, str]]  # (id, msisdn)


class _Lost(Exception):
    """Cancelled, or another worker has it."""


def run_job(job_id: int) -> None:
    """Does nothing if another worker has it, or it is done."""
    job = _claim(job_id)
    if job is None:
        return
    try:
        _export(job) if job.kind == ListJobKind.EXPORT else _do_all(job)
    except _Lost:
        log.info("job taken away", job_id=job_id)
    except OperationalError:
        # The database is away: when the lease has passed, the sweep gives the job to a worker again.
        log.warning("job interrupted by the database", job_id=job_id, exc_info=True)
    except ContactsError as error:
        _fail(job, str(error.sentence))
    except Exception:
        log.exception("job failed", job_id=job_id)
        _fail(job, _("Crier made an error and has logged it. Run it again: it goes on where it stopped."))


def sought_of(job: ListJob) -> Sought:
    return Sought(job.list, job.words, rule_of(job.rule))


def _claim(job_id: int) -> ListJob | None:
    now = timezone.now()
    free = Q(state=ListJobState.WAITING) | Q(
        Q(lease_until=None) | Q(lease_until__lt=now), state=ListJobState.RUNNING
    )
    changes = {"state": ListJobState.RUNNING, "lease_holder": uuid.uuid4().hex, "lease_until": now + LEASE}
    if not ListJob.objects.filter(free, pk=job_id).update(**changes):
        return None
    rows = ListJob.objects.select_related(
        "workspace", "list__source", "list__workspace", "target", "created_by"
    )
    return rows.get(pk=job_id)


def _update(job: ListJob, **changes: Any) -> None:
    """Raises _Lost if the job is not ours any more."""
    mine = ListJob.objects.filter(pk=job.pk, state=ListJobState.RUNNING, lease_holder=job.lease_holder)
    if not mine.update(**{"lease_until": timezone.now() + LEASE, **changes}):
        raise _Lost
    for name, value in changes.items():
        setattr(job, name, value)


def _end(job: ListJob, **changes: Any) -> None:
    with transaction.atomic():
        _update(
            job,
            state=ListJobState.FINISHED,
            finished_at=timezone.now(),
            lease_holder="",
            lease_until=None,
            **changes,
        )
        record(job.workspace, Actor(user=job.created_by), "finished", job, kind=job.kind, **job.counts)


def _fail(job: ListJob, reason: str) -> None:
    ListJob.objects.filter(pk=job.pk, lease_holder=job.lease_holder).update(
        state=ListJobState.FAILED,
        state_reason=reason[:500],
        lease_holder="",
        lease_until=None,
        finished_at=timezone.now(),
    )


# --- window by window ---


def _do_all(job: ListJob) -> None:
    work = _WORK[job.kind](job)
    while _do_window(job, work):
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)
    _end(job, done=max(job.done, job.total))


def _do_window(job: ListJob, work: _Work) -> bool:
    """Whether there is more to do."""
    with transaction.atomic():
        _update(job)
        for locked in sorted(work.writes, key=lambda one: one.pk):
            lock_list(locked)
        sought = sought_of(job)
        keys = behind(sought.keys(), job.last_msisdn)
        looked, edge = window(keys, SQLITE_WINDOW if connection.vendor == "sqlite" else WINDOW)
        within = keys.filter(msisdn__lte=edge) if edge else keys
        rows: Rows = list(within.filter(sought.question).order_by("msisdn").values_list("id", "msisdn"))
        more = work.do(rows) if rows else {}
        names = job.counts.keys() | more.keys()
        counts = {name: job.counts.get(name, 0) + more.get(name, 0) for name in names}
        _update(job, counts=counts, done=job.done + looked, last_msisdn=edge or job.last_msisdn)
    return bool(edge)


class _Work(ABC):
    """`writes`: the lists whose people become more or fewer; `do` answers what became of the rows."""

    def __init__(self, job: ListJob) -> None:
        self.job = job
        self.writes: list[RecipientList] = []

    @abstractmethod
    def do(self, rows: Rows) -> dict[str, int]:
        """Of one window, in its transaction."""


class _Copy(_Work):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        if job.target is None:
            raise ContactsError(
                _("The list they were to go to was deleted meanwhile: start the job anew with another one.")
            )
        self.target = job.target
        self.writes = [job.target]

    def do(self, rows: Rows) -> dict[str, int]:
        copied = _copy([pk for pk, _msisdn in rows], self.target)
        return {"copied": copied, "there_already": len(rows) - copied}


class _Move(_Copy):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        self.writes = [job.list, self.target]

    def do(self, rows: Rows) -> dict[str, int]:
        counts = super().do(rows)
        _remove([pk for pk, _msisdn in rows], self.job.list)
        return {"moved": counts["copied"], "there_already": counts["there_already"]}


class _Remove(_Work):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        self.writes = [job.list]

    def do(self, rows: Rows) -> dict[str, int]:
        return {"removed": _remove([pk for pk, _msisdn in rows], self.job.list)}


class _Deduplicate(_Remove):
    def do(self, rows: Rows) -> dict[str, int]:
        others = self.job.workspace.recipient_lists.filter(pk__in=self.job.options["others"])
        elsewhere = Recipient.objects.filter(list__in=others, msisdn=OuterRef("msisdn"))
        here = Recipient.objects.filter(Exists(elsewhere), pk__in=[pk for pk, _msisdn in rows])
        return {"removed": _remove(list(here.values_list("pk", flat=True)), self.job.list)}


class _SetField(_Work):
    def do(self, rows: Rows) -> dict[str, int]:
        field, value = self.job.options["field"], self.job.options["value"]
        chosen = Recipient.objects.filter(pk__in=[pk for pk, _msisdn in rows])
        name, new = field, value
        if field.startswith(EXTRA):
            name, new = "extra", _SetExtra(field.removeprefix(EXTRA), value)
        return {"changed": chosen.update(**{name: new, "updated_at": timezone.now()})}


class _OptOut(_Work):
    def do(self, rows: Rows) -> dict[str, int]:
        new = opt_out_many(
            workspace=self.job.workspace,
            msisdns=[msisdn for _pk, msisdn in rows],
            how=OptOutHow.PERSON,
            source=_("List %(name)s, job %(id)d") % {"name": self.job.list.name, "id": self.job.pk},
            actor=Actor(user=self.job.created_by),
        )
        return {"opted_out": new, "opted_out_before": len(rows) - new}


class _Split(_Work):
    """Part numbers for as many people as there were, shuffled by the seed: the n-th person falls into the n-th."""

    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        self.writes = list(job.workspace.recipient_lists.filter(pk__in=job.options["lists"]).order_by("pk"))
        if len(self.writes) != len(job.options["lists"]):
            raise ContactsError(_("One of the parts was deleted meanwhile. Split the list again."))
        size, people = job.options["size"], job.options["people"]
        count = len(self.writes)
        self.parts = [min(at // size, count - 1) if size else at % count for at in range(people)]
        random.Random(job.options["seed"]).shuffle(self.parts)  # noqa: S311  # no secret

    def do(self, rows: Rows) -> dict[str, int]:
        at = self.job.counts.get("copied", 0)
        ids: dict[int, list[int]] = {}
        for position, (pk, _msisdn) in enumerate(rows, start=at):
            # Who came after the count fills the last part.
            part = self.parts[position] if position < len(self.parts) else len(self.writes) - 1
            ids.setdefault(part, []).append(pk)
        for part, chosen in ids.items():
            _copy(chosen, self.writes[part])
        return {"copied": len(rows)}


_WORK: dict[str, Callable[[ListJob], _Work]] = {
    ListJobKind.COPY: _Copy,
    ListJobKind.MOVE: _Move,
    ListJobKind.REMOVE: _Remove,
    ListJobKind.SET_FIELD: _SetField,
    ListJobKind.OPT_OUT: _OptOut,
    ListJobKind.SPLIT: _Split,
    ListJobKind.DEDUPLICATE: _Deduplicate,
}

_KEPT = [
    str(field.column)
    for field in Recipient._meta.concrete_fields
    if field.name not in ("id", "list", "import_id", "created_at", "updated_at")
]
_COPY = f"""
INSERT INTO contacts_recipient (list_id, created_at, updated_at, {", ".join(_KEPT)})
SELECT %s, %s, %s, {", ".join(_KEPT)} FROM contacts_recipient WHERE id IN ({{places}}) ORDER BY id
ON CONFLICT (list_id, msisdn) DO NOTHING
"""  # noqa: S608  # names of columns


def _copy(ids: list[int], target: RecipientList) -> int:
    """How many were not on the target before. Those who were stay as they are there."""
    now: Any = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(places=", ".join(["%s"] * len(ids))), [target.pk, now, now, *ids])
        copied = int(cursor.rowcount)
    change_count(target, copied)
    return copied


def _remove(ids: list[int], recipient_list: RecipientList) -> int:
    removed, _by_kind = Recipient.objects.filter(pk__in=ids, list=recipient_list).delete()
    change_count(recipient_list, -removed)
    return removed


class _SetExtra(Func):
    """`extra` with one value set; "" takes it out."""

    output_field = JSONField()

    def __init__(self, name: str, value: str) -> None:
        super().__init__(F("extra"))
        self.name, self.value = name, value

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        if self.value:
            sql, values = "extra || jsonb_build_object(%s::text, %s::text)", [self.name, self.value]
        else:
            sql, values = "extra - %s::text", [self.name]
        return sql, values

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        path = f'$."{self.name}"'
        if self.value:
            return "json_set(extra, %s, %s)", [path, self.value]
        return "json_remove(extra, %s)", [path]


# --- a file ---


def _export(job: ListJob) -> None:
    form, columns = job.options["form"], list(job.list.columns)
    _update(job, done=0)
    job.file.save(f"{job.pk}-{job.lease_holder}.{form[:4].rstrip('_')}", ContentFile(b""), save=False)
    try:
        path = Path(job.file.path)
        write_people(path, form, columns, _said_alive(job, people_rows(sought_of(job).everybody(), columns)))
        _end(job, file=str(job.file.name), counts={"exported": job.done}, done=job.total)
    except BaseException:
        job.file.storage.delete(str(job.file.name))
        raise


def _said_alive(job: ListJob, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for at, row in enumerate(rows, start=1):
        if at % SAY_ALIVE_ROWS == 0:
            _update(job, done=at)
        yield row
        job.done = at
