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
from contacts.people import Counted, Sought, behind, count_on, window
from contacts.rules import EXTRA, rule_of
from contacts.services.lists import (
    change_count,
    create_list,
    learn_columns,
    lock_list,
    note_leavers,
    set_list_enabled,
)
from contacts.services.opt_outs import opt_out_many

log = structlog.get_logger("crier.list_jobs")

LEASE = timedelta(seconds=60)
WINDOW = 5_000
SQLITE_WINDOW = 2_000
SQLITE_REST_SECONDS = 0.02
SAY_ALIVE_ROWS = 20_000
MAX_PARTS = 100
# Behind every number.
END = "9" * 15
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
    """Whom it is for; of a merge the first list's."""
    return Sought(job.list, job.words, rule_of(job.rule), tuple(job.options.get("ids", ())))


def count_parts(people: int, parts: int, size: int) -> int:
    """Of a split: as many as are asked for, or as `size` people each make. Raises ContactsError."""
    if parts:
        return require_parts(parts)
    count = -(-people // size) or 1
    if not 2 <= count <= MAX_PARTS:
        raise ContactsError(
            _("That makes %(parts)d parts of %(people)d people. Choose so that there are 2 to %(limit)d.")
            % {"parts": count, "people": people, "limit": MAX_PARTS},
            field="size",
        )
    return count


def require_parts(parts: int) -> int:
    if not 2 <= parts <= MAX_PARTS:
        raise ContactsError(
            _("%(parts)d parts cannot be made. Choose 2 to %(limit)d.")
            % {"parts": parts, "limit": MAX_PARTS},
            field="parts",
        )
    return parts


def require_free_names(recipient_list: RecipientList, parts: int) -> None:
    """Of the lists that a split makes. Raises ContactsError."""
    taken = recipient_list.workspace.recipient_lists.filter(
        name__in=part_names(recipient_list, parts)
    ).first()
    if taken:
        raise ContactsError(
            _("There is a list named %(name)s already, as a part would be. Rename it, and split then.")
            % {"name": taken.name},
            field="parts",
        )


def part_names(recipient_list: RecipientList, parts: int) -> list[str]:
    return [f"{recipient_list.name[:90]} {at}/{parts}" for at in range(1, parts + 1)]


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


def _end(job: ListJob, also: Callable[[], None] = lambda: None, **changes: Any) -> None:
    """`also` is done in the same transaction, so once."""
    with transaction.atomic():
        _update(
            job,
            state=ListJobState.FINISHED,
            finished_at=timezone.now(),
            lease_holder="",
            lease_until=None,
            **changes,
        )
        also()
        record(job.workspace, _actor_of(job), "finished", job, kind=job.kind, **job.counts)


def _fail(job: ListJob, reason: str) -> None:
    failed = ListJob.objects.filter(pk=job.pk, lease_holder=job.lease_holder).update(
        state=ListJobState.FAILED,
        state_reason=reason[:500],
        lease_holder="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    if failed:
        record(job.workspace, _actor_of(job), "failed", job, kind=job.kind, reason=reason[:500], **job.counts)


def _actor_of(job: ListJob) -> Actor:
    return Actor(user=job.created_by)


# --- window by window ---


def _do_all(job: ListJob) -> None:
    work = _Merge(job) if job.is_merge else _WORK[job.kind](job)
    work.prepare()
    while _do_window(job, work):
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)
    _end(job, also=work.finish, done=max(job.done, job.total))


def _do_window(job: ListJob, work: _Work) -> bool:
    """Whether there is more to do."""
    with transaction.atomic():
        _update(job)
        for locked in sorted(work.writes, key=lambda one: one.pk):
            lock_list(locked)
        sought = work.sought()
        keys = behind(sought.keys(), job.last_msisdn)
        looked, edge = window(keys, SQLITE_WINDOW if connection.vendor == "sqlite" else WINDOW)
        within = keys.filter(msisdn__lte=edge) if edge else keys
        rows: Rows = list(within.filter(sought.question).order_by("msisdn").values_list("id", "msisdn"))
        more = work.do(rows) if rows else {}
        names = job.counts.keys() | more.keys()
        counts = {name: job.counts.get(name, 0) + more.get(name, 0) for name in names}
        next_list = {} if edge else work.next_list()
        stand = {"last_msisdn": edge or END, **next_list}
        _update(job, counts=counts, done=job.done + looked, **stand)
    return bool(edge or next_list)


def _count(job: ListJob) -> int:
    """Who matches behind where the job stands."""
    sought, counted = sought_of(job), Counted(edge=job.last_msisdn)
    while True:
        counted = count_on(sought, counted)
        if not counted.edge:
            return counted.found
        _update(job)


class _Work(ABC):
    """`writes`: the lists whose people become more or fewer; `do` answers what became of the rows."""

    def __init__(self, job: ListJob) -> None:
        self.job = job
        self.writes: list[RecipientList] = []

    def prepare(self) -> None:  # noqa: B027  # most need none
        """Before the first window, and again when another worker goes on."""

    @abstractmethod
    def do(self, rows: Rows) -> dict[str, int]:
        """Of one window, in its transaction."""

    def sought(self) -> Sought:
        return sought_of(self.job)

    def next_list(self) -> dict[str, Any]:
        """At the end of a list: what changes in the job where it goes on with another one."""
        return {}

    def finish(self) -> None:  # noqa: B027  # most need none
        """With the last change of the job, in its transaction."""


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
        """A row that changes lists stays the same one: broadcasts under way know it by its id, undoing by its import."""
        ids = [pk for pk, _msisdn in rows]
        note_leavers(ids)
        there = Recipient.objects.filter(list=self.target, msisdn=OuterRef("msisdn"))
        here = Recipient.objects.filter(pk__in=ids, list=self.job.list)
        moved = here.exclude(Exists(there)).update(list=self.target)
        change_count(self.job.list, -moved)
        change_count(self.target, moved)
        return {"moved": moved, "there_already": _remove(ids, self.job.list)}


class _Merge(_Copy):
    """List after list to one target: who is there stays as he is, so the first list wins."""

    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        rows = job.workspace.recipient_lists.select_related("workspace", "source")
        found = rows.in_bulk(job.options["merge"])
        if len(found) != len(job.options["merge"]):
            raise ContactsError(
                _("One of the lists was deleted meanwhile. What was copied stays. Merge the others anew.")
            )
        self.lists = [found[pk] for pk in job.options["merge"]]

    def sought(self) -> Sought:
        return Sought(self.lists[self.job.options["at"]])

    def next_list(self) -> dict[str, Any]:
        at = self.job.options["at"] + 1
        if at == len(self.lists):
            return {}
        return {"options": self.job.options | {"at": at}, "last_msisdn": ""}

    def finish(self) -> None:
        for one in self.lists if self.job.options["disable"] else []:
            if one.enabled:
                set_list_enabled(recipient_list=one, actor=_actor_of(self.job), enabled=False)


class _Agreed(_Work):
    """May not befall more people than were agreed to: counted before the first one, and kept to after."""

    def prepare(self) -> None:
        self._require_no_more(_count(self.job))

    def do(self, rows: Rows) -> dict[str, int]:
        self._require_no_more(len(rows))
        return self.do_agreed(rows)

    @abstractmethod
    def do_agreed(self, rows: Rows) -> dict[str, int]:
        """As `do`."""

    def _require_no_more(self, count: int) -> None:
        agreed, people = self.job.options.get("agreed"), sum(self.job.counts.values()) + count
        if agreed is not None and people > agreed:
            raise ContactsError(
                _(
                    "%(people)s people match, but %(agreed)s were agreed to. The job has stopped; what it did before "
                    "stays done. Start it anew with the count as it is now."
                )
                % {"people": f"{people:,}", "agreed": f"{agreed:,}"}
            )


class _Remove(_Agreed):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        self.writes = [job.list]

    def do_agreed(self, rows: Rows) -> dict[str, int]:
        return {"removed": _remove([pk for pk, _msisdn in rows], self.job.list)}


class _Deduplicate(_Work):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        self.writes = [job.list]

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


class _OptOut(_Agreed):
    @property
    def source(self) -> str:
        return _("List %(name)s, job %(id)d") % {"name": self.job.list.name, "id": self.job.pk}

    def do_agreed(self, rows: Rows) -> dict[str, int]:
        new = opt_out_many(
            workspace=self.job.workspace,
            msisdns=[msisdn for _pk, msisdn in rows],
            how=OptOutHow.PERSON,
            source=self.source,
            audited=False,
        )
        return {"opted_out": new, "opted_out_before": len(rows) - new}

    def finish(self) -> None:
        workspace, count = self.job.workspace, self.job.counts.get("opted_out", 0)
        if count:
            told = {"count": count, "how": str(OptOutHow.PERSON), "source": self.source}
            record(workspace, _actor_of(self.job), "opted out", workspace, **told)


class _Split(_Work):
    """Part numbers for as many people as there were, shuffled by the seed: the n-th person falls into the n-th."""

    def prepare(self) -> None:
        if "lists" not in self.job.options:
            self._make_lists(_count(self.job))
        options = self.job.options
        self.writes = list(self.job.workspace.recipient_lists.filter(pk__in=options["lists"]).order_by("pk"))
        count = len(self.writes)
        if count != len(options["lists"]):
            raise ContactsError(_("One of the parts was deleted meanwhile. Split the list again."))
        size, people = options["size"], options["people"]
        self.parts = [min(at // size, count - 1) if size else at % count for at in range(people)]
        random.Random(options["seed"]).shuffle(self.parts)  # noqa: S311  # no secret

    def _make_lists(self, people: int) -> None:
        job, actor = self.job, _actor_of(self.job)
        count = count_parts(people, job.options["parts"], job.options["size"])
        require_free_names(job.list, count)
        made = []
        with transaction.atomic():
            for name in part_names(job.list, count):
                part = create_list(workspace=job.workspace, actor=actor, name=name)
                learn_columns(part, job.list.columns)
                made.append(part.pk)
            _update(job, options=job.options | {"lists": made, "people": people})

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
    note_leavers(ids)
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
    _forget_half_files(job)
    job.file.save(f"{job.pk}-{job.lease_holder}.{form[:4].rstrip('_')}", ContentFile(b""), save=False)
    try:
        path = Path(job.file.path)
        write_people(path, form, columns, _said_alive(job, people_rows(sought_of(job).everybody(), columns)))
        _end(job, file=str(job.file.name), counts={"exported": job.done}, done=job.total)
    except BaseException:
        job.file.storage.delete(str(job.file.name))
        raise


def _forget_half_files(job: ListJob) -> None:
    """What a killed worker left: nothing refers to it."""
    folder = Path(job.file.storage.path(job.file.field.generate_filename(job, "x"))).parent
    for path in folder.glob(f"{job.pk}-*"):
        path.unlink(missing_ok=True)


def _said_alive(job: ListJob, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for at, row in enumerate(rows, start=1):
        if at % SAY_ALIVE_ROWS == 0:
            _update(job, done=at)
        yield row
        job.done = at
