"""A job of a list as a worker does it: a window of rows a transaction, resumed where it stopped.

As with imports, whoever holds the lease works, and what a window did is committed with how far the job is. So a job can
also give way to others after each window.
"""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import count as numbers_from
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, F, Func, JSONField, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from contacts.errors import ContactsError
from contacts.exports import people_cells, people_lines, people_rows
from contacts.files.sheets import pack_workbook, sheet_row
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
from contacts.services.turns import LEASE, does_anybody_wait

log = structlog.get_logger("crier.list_jobs")

WINDOW = 5_000
SQLITE_WINDOW = 2_000
SQLITE_REST_SECONDS = 0.02
# After so long others that wait have their turn.
TURN_SECONDS = 2.0
# A task that is not taken in this time is taken for lost.
UNTAKEN = timedelta(seconds=15)
MAX_PARTS = 100
# Of its list's name, in front of a part's number.
PART_OF_NAME = 80
# Behind every number.
END = "9" * 15
Rows = list[tuple[int, str]]  # (id, msisdn)


class _Lost(Exception):
    """Cancelled, or another worker has it."""


def run_job(job_id: int) -> bool:
    """Whether it gave way to others and wants another turn. Does nothing if another worker has it, or it is done."""
    job = _claim(job_id)
    if job is None:
        return False
    try:
        return not _do_all(job)
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
    return False


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


def part_names(recipient_list: RecipientList, parts: int) -> list[str]:
    """ "Members 1/3" ...; with a number behind them, the same for all, where a list has one of the names already."""
    taken = {
        name.casefold()
        for name in recipient_list.workspace.recipient_lists.filter(
            name__istartswith=recipient_list.name[:PART_OF_NAME]
        ).values_list("name", flat=True)
    }
    for number in numbers_from(1):
        mark = f" ({number})" if number > 1 else ""
        names = [f"{recipient_list.name[:PART_OF_NAME]} {at}/{parts}{mark}" for at in range(1, parts + 1)]
        if taken.isdisjoint(name.casefold() for name in names):
            return names
    raise AssertionError("numbers end")


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


def _do_all(job: ListJob) -> bool:
    """False where it gave way to others that wait for a worker: without that a long job would hold up every import."""
    work = _Merge(job) if job.is_merge else _WORK[job.kind](job)
    work.prepare()
    turn_ends = time.monotonic() + TURN_SECONDS
    while _do_window(job, work):
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)
        if time.monotonic() >= turn_ends:
            if does_anybody_wait(besides=job):
                _give_way(job)
                return False
            turn_ends = time.monotonic() + TURN_SECONDS
    _end(job, also=work.finish, done=max(job.done, job.total), **work.complete())
    work.clear_up()
    return True


def _give_way(job: ListJob) -> None:
    options = job.options | {"counted": True}
    free = {"lease_holder": "", "lease_until": timezone.now() + UNTAKEN}
    _update(job, state=ListJobState.WAITING, options=options, **free)


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
        written = work.write(rows)
        names = job.counts.keys() | more.keys()
        counts = {name: job.counts.get(name, 0) + more.get(name, 0) for name in names}
        next_list = {} if edge else work.next_list()
        stand = {"last_msisdn": edge or END, **next_list, **written}
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

    def write(self, rows: Rows) -> dict[str, Any]:
        """Of every window, also where nobody in it matches: what changes in the job besides counts."""
        return {}

    def complete(self) -> dict[str, Any]:
        """After the last window: what changes in the job with its end."""
        return {}

    def finish(self) -> None:  # noqa: B027  # most need none
        """With the last change of the job, in its transaction."""

    def clear_up(self) -> None:  # noqa: B027  # most need none
        """When the end of the job is certain."""


class _Copy(_Work):
    def __init__(self, job: ListJob) -> None:
        super().__init__(job)
        if job.target is None:
            raise ContactsError(
                _("The list they were to go to was deleted meanwhile: start the job anew with another one.")
            )
        self.target = job.target
        self.writes = [job.target]

    @property
    def source(self) -> RecipientList:
        return self.job.list

    def do(self, rows: Rows) -> dict[str, int]:
        copied = _copy([pk for pk, _msisdn in rows], self.target)
        _learn_from(self.source, [self.target])
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

    @property
    def source(self) -> RecipientList:
        return self.lists[self.job.options["at"]]

    def sought(self) -> Sought:
        return Sought(self.source)

    def next_list(self) -> dict[str, Any]:
        at = self.job.options["at"] + 1
        if at == len(self.lists):
            return {}
        return {"options": self.job.options | {"at": at}, "last_msisdn": ""}

    def finish(self) -> None:
        # In the order in which every job locks lists.
        for one in sorted(self.lists, key=lambda one: one.pk) if self.job.options["disable"] else []:
            if one.enabled:
                set_list_enabled(recipient_list=one, actor=_actor_of(self.job), enabled=False)


class _Agreed(_Work):
    """May not befall more people than were agreed to: counted before the first one, and kept to after."""

    def prepare(self) -> None:
        # After giving way each window's own look is enough.
        if not self.job.options.get("counted"):
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
        others = job.workspace.recipient_lists.filter(pk__in=job.options["others"])
        # The others as well: a job that removes from them whoever is here would else lose people from both.
        self.writes, self.others = [job.list, *others], others

    def do(self, rows: Rows) -> dict[str, int]:
        others = self.others
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
        _learn_from(self.job.list, self.writes)
        return {"copied": len(rows)}


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


def _learn_from(source: RecipientList, targets: Iterable[RecipientList]) -> None:
    """After the rows: whatever column they have, the source knew it by then."""
    columns = RecipientList.objects.values_list("columns", flat=True).get(pk=source.pk)
    for target in targets:
        if not set(columns) <= set(target.columns):
            learn_columns(target, columns)


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
        """In Python: SQLite's own functions miss keys that are written with a backslash ("\\u00f6")."""
        connection.ensure_connection()
        connection.connection.create_function("crier_with_extra", 3, _with_extra, deterministic=True)
        return "crier_with_extra(extra, %s, %s)", [self.name, self.value]


def _with_extra(extra: str, name: str, value: str) -> str:
    """As Django writes JSON into SQLite, where it is text: imports compare it as such."""
    kept = json.loads(extra)
    kept.pop(name, None)
    return json.dumps(kept | ({name: value} if value else {}))


# --- a file ---


class _Export(_Work):
    """Lines are added to the job's half file, window by window: CSV as it will be, of a workbook the rows of its sheets.

    How long the file is stands in the job, with what is in it: what a killed worker wrote behind that is cut off. Files
    that no row names, as the half one, are swept a day after the last line.
    """

    def prepare(self) -> None:
        options = self.job.options
        if "half" not in options or not self._is_whole():
            name = f"{self.job.pk}-{uuid.uuid4().hex}.{'lines' if self._is_workbook else 'csv'}"
            name = self.job.file.field.generate_filename(self.job, name)
            name = default_storage.save(name, ContentFile(b""))
            begun = {"half": name, "bytes": 0, "columns": list(self.job.list.columns)}
            _update(self.job, options=options | begun, last_msisdn="", counts={}, done=0)

    @property
    def _is_workbook(self) -> bool:
        return bool(self.job.options["form"] == "xlsx")

    @property
    def _half(self) -> Path:
        return Path(default_storage.path(self.job.options["half"]))

    def _is_whole(self) -> bool:
        path = self._half
        return path.exists() and path.stat().st_size >= self.job.options["bytes"]

    def write(self, rows: Rows) -> dict[str, Any]:
        with self._half.open("r+b") as file:
            file.truncate(self.job.options["bytes"])
            file.seek(0, os.SEEK_END)
            file.writelines(self._lines([pk for pk, _msisdn in rows]))
            return {"options": self.job.options | {"bytes": file.tell()}}

    def do(self, rows: Rows) -> dict[str, int]:
        return {"exported": len(rows)}

    def _lines(self, ids: list[int]) -> Iterator[bytes]:
        columns, at = self.job.options["columns"], self.job.counts.get("exported", 0)
        rows = people_rows(Recipient.objects.filter(pk__in=ids), columns)
        if self._is_workbook:
            cells = islice(people_cells(columns, rows), 1, None)
            return (sheet_row(row, number) for number, row in enumerate(cells, start=at))
        # The header goes with the first line, also where nobody is in the file.
        lines = people_lines(self.job.options["form"], columns, rows)
        return (line.encode() for line in islice(lines, 1 if self.job.options["bytes"] else 0, None))

    def complete(self) -> dict[str, Any]:
        if not self._is_workbook:
            return {"file": self.job.options["half"]}
        half = self._half
        path = half.with_suffix(".xlsx")
        header = next(people_cells(self.job.options["columns"], ()))
        pack_workbook(path, header, half, self.job.counts.get("exported", 0), lambda: _update(self.job))
        return {"file": str(Path(self.job.options["half"]).with_suffix(".xlsx"))}

    def clear_up(self) -> None:
        if self._is_workbook:
            self._half.unlink(missing_ok=True)


_WORK: dict[str, Callable[[ListJob], _Work]] = {
    ListJobKind.COPY: _Copy,
    ListJobKind.MOVE: _Move,
    ListJobKind.REMOVE: _Remove,
    ListJobKind.SET_FIELD: _SetField,
    ListJobKind.OPT_OUT: _OptOut,
    ListJobKind.SPLIT: _Split,
    ListJobKind.DEDUPLICATE: _Deduplicate,
    ListJobKind.EXPORT: _Export,
}
