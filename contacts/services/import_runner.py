"""The check and the run of an import, as a worker does them: a chunk a transaction, resumed where it stopped.

Whoever holds the lease works; the holder's name goes with every change, so that a worker that was thought
dead cannot write what another one writes already. Committed with a chunk: its rows, the list's count, the
import's counts and `done_rows`. So a killed worker costs one chunk of work and never a row.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.core.files.base import ContentFile
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from contacts.ahead import one_ahead
from contacts.batches import BATCH
from contacts.errors import ContactsError, FileRefused
from contacts.fields import PERSON_FIELDS
from contacts.files.columns import HALF, MSISDN
from contacts.files.formats import Format
from contacts.files.inspection import require_rows
from contacts.files.parsing import Chunk, OnRefused, OptOutPlan, Parser, Plan
from contacts.files.reading import Record, open_records
from contacts.files.rejects import reject_file
from contacts.models import (
    ExistingNumbers,
    Import,
    ImportBefore,
    ImportPurpose,
    ImportState,
    OptOutHow,
    Recipient,
    RecipientList,
)
from contacts.problems import NOTICED, TWO_NUMBERS, Problems, load, merge_problems, store
from contacts.services.check_rows import FirstRows
from contacts.services.import_writers import Outcome, Writer, writer_for
from contacts.services.lists import change_count
from contacts.services.number_forms import forms_of, unclear_columns
from contacts.services.opt_out_writers import ProofWriter, proof_writer_for
from contacts.services.opt_outs import count_members
from contacts.services.turns import LEASE

log = structlog.get_logger("crier.imports")

COUNTS = (
    "new",
    "updated",
    "unchanged",
    "duplicate",
    "skipped",
    "refused",
    "opted_out",
    "cut",
    "other_number",
    "removed",
)
# From here on PostgreSQL is told at once how large the table has become: the next question is the reach.
ANALYZE_ROWS = 50_000
FIRST_CHUNK_ROWS = 5_000
_ANALYZED: dict[str, str] = {
    ImportPurpose.RECIPIENTS: "contacts_recipient (list_id, msisdn)",
    ImportPurpose.OPT_OUTS: "contacts_optout (workspace_id, msisdn)",
    ImportPurpose.UNSUBSCRIBE_LIST: "contacts_unsubscribemember (list_id, msisdn)",
}
# Of the audit line at the end, as where numbers are entered by hand.
DONE_WORDS: dict[str, str] = {
    ImportPurpose.RECIPIENTS: "imported",
    ImportPurpose.OPT_OUTS: "opted out",
    ImportPurpose.UNSUBSCRIBE_LIST: "added numbers",
}


class _Lost(Exception):
    """Cancelled, or another worker has it."""


def check_import(import_id: int) -> None:
    """Reads the whole file and counts what a run would do. Does nothing if another worker has it."""
    work_on(import_id, ImportState.CHECKING, _check)


def run_import(import_id: int) -> None:
    """Writes the file's rows into its list, from `done_rows` on. Does nothing if another worker has it."""
    work_on(import_id, ImportState.RUNNING, _run)


def plan_of(imported: Import) -> Plan:
    numbers: dict[str, Any] = {
        "number_forms": forms_of(imported),
        "forms_are_guessed": not imported.is_form_chosen,
        "unclear_at": unclear_columns(imported),
        "header_row": imported.header_row or 0,
    }
    if imported.purpose != ImportPurpose.RECIPIENTS:
        return OptOutPlan(
            tuple(imported.mapping),
            imported.default_country,
            imported.truncate,
            imported.has_header,
            notices_kinds=False,
            zone=ZoneInfo(imported.workspace.time_zone),
            # Not now: whoever reads the file again, as after a kill, must find the same rows in it.
            latest=imported.created_at,
            date_order=imported.date_order,
            file_name=imported.file_name,
            **numbers,
        )
    return Plan(
        tuple(imported.mapping),
        imported.default_country,
        imported.truncate,
        imported.has_header,
        spares_refused=imported.existing == ExistingNumbers.REPLACE,
        notices_dates=_may_be_dates(imported),
        **numbers,
    )


def _may_be_dates(imported: Import) -> bool:
    """The numbers, by the rows looked at."""
    columns = zip(imported.columns, imported.mapping, strict=True)
    return any(target == MSISDN and column.get("dates", 0) >= HALF for column, target in columns)


def format_of_import(imported: Import) -> Format:
    return Format(imported.encoding, imported.delimiter, imported.quote or '"')


def work_on(import_id: int, state: ImportState, work: Callable[[Import], None]) -> None:
    """Does nothing if another worker has the import, or it is not in that state."""
    imported = _claim(import_id, state)
    if imported is None:
        return
    try:
        work(imported)
    except _Lost:
        log.info("import taken away", import_id=import_id)
    except OperationalError:
        # The database is away: when the lease has passed, the sweep gives the import to a worker again.
        log.warning("import interrupted by the database", import_id=import_id, exc_info=True)
    except ContactsError as error:
        _fail(imported, str(error.sentence))
    except FileNotFoundError:
        _fail(imported, _("The uploaded file is gone from the server. Upload it again."))
    except Exception:
        log.exception("import failed", import_id=import_id)
        _fail(
            imported, _("Crier made an error and has logged it. Run it again: it goes on where it stopped.")
        )


def _claim(import_id: int, state: ImportState) -> Import | None:
    now = timezone.now()
    holder = uuid.uuid4().hex
    free = Q(lease_holder="") | Q(lease_until=None) | Q(lease_until__lt=now)
    claimed = Import.objects.filter(free, pk=import_id, state=state).update(
        lease_holder=holder, lease_until=now + LEASE
    )
    if not claimed:
        return None
    rows = Import.objects.select_related("workspace", "list", "unsubscribe_list", "created_by", "api_key")
    return rows.get(pk=import_id)


def update_import(imported: Import, while_state: ImportState, **changes: Any) -> None:
    """Raises _Lost if the import is not ours any more."""
    mine = Import.objects.filter(pk=imported.pk, state=while_state, lease_holder=imported.lease_holder)
    if not mine.update(**{"lease_until": timezone.now() + LEASE, **changes}):
        raise _Lost


def _fail(imported: Import, reason: str) -> None:
    Import.objects.filter(pk=imported.pk, lease_holder=imported.lease_holder).update(
        state=ImportState.FAILED,
        state_reason=reason[:500],
        lease_holder="",
        lease_until=None,
        # Undoing asks what was changed since then.
        finished_at=imported.finished_at if imported.undo_counts else timezone.now(),
    )


# --- reading ahead ---


@dataclass(frozen=True, slots=True)
class _Packed:
    """`also`: of opt-outs the other numbers of rows that may tell two."""

    chunk: Chunk
    rows: Any
    also: Any


class _Reading:
    """The file of an import as chunks that are ready to be written; made in a thread, one ahead."""

    def __init__(
        self, imported: Import, records: Iterator[Record], on_refused: OnRefused | None = None
    ) -> None:
        plan = plan_of(imported)
        self.writer = _writer_of(imported, plan)
        self._records = records
        self._parser = Parser(plan, self.writer.emit, self.writer.quote, on_refused)
        self.holds = self._parser.holds

    def pass_over(self, rows: int, say_alive: Any) -> None:
        """Rows that were done before: only their numbers are remembered."""
        while rows:
            passed = self._parser.take(self._records, min(rows, self.writer.chunk_rows)).rows
            if not passed:
                raise FileRefused(_("The uploaded file has become shorter. Upload it again."), code="changed")
            rows -= passed
            say_alive()

    def chunks(self) -> Iterator[_Packed]:
        return one_ahead(self._packed())

    def _packed(self) -> Iterator[_Packed]:
        """The first ones are small, so that the database does not wait long for something to do."""
        size = min(FIRST_CHUNK_ROWS, self.writer.chunk_rows)
        while (chunk := self._parser.take(self._records, size)).rows:
            yield _Packed(chunk, self.writer.pack(chunk.items), self.writer.pack(chunk.also))
            if chunk.rows < size:
                return
            size = min(2 * size, self.writer.chunk_rows)


def _writer_of(imported: Import, plan: Plan) -> Writer | ProofWriter:
    if imported.purpose == ImportPurpose.RECIPIENTS:
        return writer_for(
            plan,
            list_id=imported.list_id or 0,
            workspace_id=imported.workspace_id,
            existing=imported.existing,
            import_id=imported.pk,
        )
    to_list = imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST
    return proof_writer_for(
        plan,
        workspace=imported.workspace,
        unsubscribe_list_id=imported.unsubscribe_list_id or 0 if to_list else None,
        at=imported.started_at or imported.created_at,
    )


@contextmanager
def _reading(imported: Import, on_refused: OnRefused | None = None) -> Iterator[_Reading]:
    if not imported.is_file_kept:
        raise FileNotFoundError
    with open_records(Path(imported.file.path), format_of_import(imported)) as records:
        yield _Reading(imported, records, on_refused)


def _add(counts: dict[str, int], chunk: Chunk, outcome: Outcome) -> dict[str, int]:
    more = {
        "new": outcome.new,
        "updated": outcome.updated,
        "unchanged": outcome.unchanged,
        "skipped": outcome.skipped + chunk.skipped,
        "opted_out": outcome.opted_out,
        "duplicate": chunk.duplicate,
        "refused": chunk.refused,
        "cut": chunk.cut,
        "other_number": chunk.other_number,
    }
    return {name: counts.get(name, 0) + more.get(name, 0) for name in COUNTS}


# --- the check ---


def _check(imported: Import) -> None:
    if not imported.is_file_kept:
        raise FileNotFoundError
    counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
    problems: Problems = {}
    countries: Problems = {}
    numbers = 0
    first_rows = FirstRows()
    done = 0
    path = Path(imported.file.path).with_suffix(f".{imported.lease_holder}")
    names = [column.get("uncut") or column["name"] for column in imported.columns]
    try:
        with (
            reject_file(path, names, imported.delimiter) as on_refused,
            _reading(imported, on_refused) as reading,
        ):
            for packed in reading.chunks():
                with transaction.atomic():
                    outcome = reading.writer.compare(
                        packed.rows, len(packed.chunk.items), list_exists=imported.list_id is not None
                    )
                    first_rows.look(packed.chunk, outcome, reading.writer)
                counts = _add(counts, packed.chunk, outcome)
                merge_problems(problems, packed.chunk.problems)
                merge_problems(countries, packed.chunk.countries)
                numbers += len(packed.chunk.items)
                done += packed.chunk.rows
                require_rows(done)
                update_import(imported, ImportState.CHECKING, done_rows=done)
            if imported.existing == ExistingNumbers.REPLACE:
                counts["removed"] = sum(map(len, _absent(imported, reading)))
        rejects = _keep_rejects(imported, path if counts["refused"] else None)
    finally:
        path.unlink(missing_ok=True)
    update_import(
        imported,
        ImportState.CHECKING,
        state=ImportState.CHECKED,
        check_counts=counts,
        check_problems=store(problems),
        check_rows=first_rows.as_dict() | {"countries": _by_country(imported, numbers, countries)},
        total_rows=done,
        done_rows=0,
        reject_file=rejects,
        lease_holder="",
        lease_until=None,
    )


def _by_country(imported: Import, numbers: int, others: Problems) -> dict[str, tuple[int, list[int]]]:
    """How many numbers are of each country, and the first rows of others than the default one."""
    found = {name: (one.count, one.rows) for name, one in others.items()}
    at_home = numbers - sum(count for count, _rows in found.values())
    return found | ({imported.default_country: (at_home, [])} if at_home else {})


def _keep_rejects(imported: Import, path: Path | None) -> str:
    """The name under which the storage keeps it. That of a check before goes, also where nothing is refused now."""
    if imported.reject_file:
        imported.reject_file.delete(save=False)
    if path is None:
        return ""
    imported.reject_file.save(f"{path.stem}-refused.csv", ContentFile(b""), save=False)
    path.replace(imported.reject_file.path)
    return str(imported.reject_file.name)


# --- the run ---


def _run(imported: Import) -> None:
    started, done_before = time.monotonic(), imported.done_rows
    with _reading(imported) as reading:
        reading.pass_over(done_before, lambda: update_import(imported, ImportState.RUNNING))
        for packed in reading.chunks():
            elapsed = time.monotonic() - started
            rate = (imported.done_rows + packed.chunk.rows - done_before) / max(elapsed, 0.001)
            _write_chunk(imported, reading.writer, packed, round(rate))
            time.sleep(reading.writer.pause_seconds)
        if imported.existing == ExistingNumbers.REPLACE:
            _remove_absent(imported, reading)
    _finish(imported)


# --- replacing the whole list ---


def _absent(imported: Import, reading: _Reading) -> Iterator[list[int]]:
    """Ids of the people on the list whom the file does not hold, some thousand at a time."""
    last = 0
    rows = Recipient.objects.filter(list_id=imported.list_id).order_by("pk")
    while batch := list(rows.filter(pk__gt=last).values_list("pk", "msisdn")[:BATCH]):
        last = batch[-1][0]
        update_import(imported, ImportState(imported.state))
        yield [pk for pk, msisdn in batch if not reading.holds(msisdn)]


def _remove_absent(imported: Import, reading: _Reading) -> None:
    """Never more than the check said: the count is taken before the first one goes, and kept to after."""
    _require_no_more(imported, sum(map(len, _absent(imported, reading))))
    for pks in _absent(imported, reading):
        if pks:
            _remove(imported, pks)
            time.sleep(reading.writer.pause_seconds)


def _remove(imported: Import, pks: list[int]) -> None:
    with transaction.atomic():
        recipient_list = lock_import(imported, ImportState.RUNNING)
        rows = list(recipient_list.recipients.filter(pk__in=pks))
        _require_no_more(imported, len(rows))
        ImportBefore.objects.bulk_create(
            [
                ImportBefore(imported=imported, msisdn=row.msisdn, removed=True, was=_as_it_is(row))
                for row in rows
            ],
            batch_size=1_000,
        )
        Recipient.objects.filter(pk__in=[row.pk for row in rows]).delete()
        change_count(recipient_list, -len(rows))
        counts = imported.counts | {"removed": imported.counts.get("removed", 0) + len(rows)}
        update_import(imported, ImportState.RUNNING, counts=counts)
    imported.counts = counts


def _require_no_more(imported: Import, count: int) -> None:
    would_go = imported.counts.get("removed", 0) + count
    announced = imported.check_counts.get("removed", 0)
    if would_go > announced:
        raise ContactsError(
            _(
                "%(would_go)d people would be removed from the list, but the check said %(announced)d: the list has "
                "changed meanwhile. Nobody more was removed. Upload the file again and check it anew."
            )
            % {"would_go": would_go, "announced": announced}
        )


def _as_it_is(row: Recipient) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ("country", "kind", *PERSON_FIELDS, "extra", "import_id")}
    return values | {"created_at": row.created_at.isoformat(), "updated_at": row.updated_at.isoformat()}


# --- a chunk ---


def _write_chunk(imported: Import, writer: Writer | ProofWriter, packed: _Packed, rate: int) -> None:
    try:
        _write(imported, writer, packed, rate)
    except IntegrityError:
        # Somebody added one of these numbers by hand, and the counts agreed by chance.
        _write(imported, writer, packed, rate, never_straight=True)


def _write(
    imported: Import,
    writer: Writer | ProofWriter,
    packed: _Packed,
    rate: int,
    *,
    never_straight: bool = False,
) -> None:
    """One transaction, of few statements: each costs some milliseconds while the other thread computes."""
    chunk = packed.chunk
    with transaction.atomic():
        outcome = _WRITE_INTO[imported.purpose](imported, writer, packed, never_straight)
        changes = {
            "done_rows": imported.done_rows + chunk.rows,
            "counts": _add(imported.counts, chunk, outcome),
            "problems": store(merge_problems(load(imported.problems), chunk.problems)),
            "rows_per_second": rate,
        }
        update_import(imported, ImportState.RUNNING, **changes)
    for name, value in changes.items():
        setattr(imported, name, value)


def _write_into_list(
    imported: Import, writer: Writer | ProofWriter, packed: _Packed, never_straight: bool
) -> Outcome:
    recipient_list = lock_import(imported, ImportState.RUNNING)
    ours_alone = recipient_list.recipient_count == imported.counts.get("new", 0)
    straight = ours_alone and not never_straight
    outcome = writer.write(packed.rows, len(packed.chunk.items), straight=straight)
    change_count(recipient_list, outcome.new)
    return outcome


def _write_opt_outs(
    imported: Import, writer: Writer | ProofWriter, packed: _Packed, _never_straight: bool
) -> Outcome:
    _locked(imported, ImportState.RUNNING)
    return _write_with_others(writer, packed)[0]


def _write_into_unsubscribe_list(
    imported: Import, writer: Writer | ProofWriter, packed: _Packed, _never_straight: bool
) -> Outcome:
    unsubscribe_list = _locked(imported, ImportState.RUNNING, "unsubscribe_list").unsubscribe_list
    if unsubscribe_list is None:
        raise _list_is_gone()
    outcome, also = _write_with_others(writer, packed)
    count_members(unsubscribe_list, outcome.new + also)
    return outcome


def _write_with_others(writer: Writer | ProofWriter, packed: _Packed) -> tuple[Outcome, int]:
    """What became of the rows, and how many of their other numbers are new."""
    outcome = writer.write(packed.rows, len(packed.chunk.items), straight=False)
    if not packed.chunk.also:
        return outcome, 0
    return outcome, writer.write(packed.also, len(packed.chunk.also), straight=False).new


_WRITE_INTO: dict[str, Callable[[Import, Writer | ProofWriter, _Packed, bool], Outcome]] = {
    ImportPurpose.RECIPIENTS: _write_into_list,
    ImportPurpose.OPT_OUTS: _write_opt_outs,
    ImportPurpose.UNSUBSCRIBE_LIST: _write_into_unsubscribe_list,
}


def lock_import(imported: Import, state: ImportState) -> RecipientList:
    """The import's list as it is now. A cancel or another worker waits until this chunk is in, or finds us gone."""
    recipient_list = _locked(imported, state, "list").list
    if recipient_list is None:
        raise _list_is_gone()
    return recipient_list


def _locked(imported: Import, state: ImportState, *targets: str) -> Import:
    """With what it goes into, named by `targets`. Raises ContactsError where that is gone."""
    rows = Import.objects.select_for_update(no_key=True, of=("self", *targets))
    if targets:
        rows = rows.select_related(*targets).filter(**{f"{name}__isnull": False for name in targets})
    row = rows.filter(pk=imported.pk).first()
    if row is None:
        raise _list_is_gone()
    if row.state != state or row.lease_holder != imported.lease_holder:
        raise _Lost
    return row


def _list_is_gone() -> ContactsError:
    return ContactsError(_("The list was deleted meanwhile. Choose another one and check again."))


def _finish(imported: Import) -> None:
    counts = {name: imported.counts.get(name, 0) for name in COUNTS}
    counts["opted_out"] = imported.check_counts.get("opted_out", 0)
    with transaction.atomic():
        update_import(
            imported,
            ImportState.RUNNING,
            state=ImportState.FINISHED,
            counts=counts,
            total_rows=imported.done_rows,
            finished_at=timezone.now(),
            lease_holder="",
            lease_until=None,
        )
        record(
            imported.workspace,
            Actor(user=imported.created_by, api_key=imported.api_key),
            DONE_WORDS[imported.purpose],
            imported,
            **_audited(imported, counts),
            rows=imported.done_rows,
        )
    if connection.vendor == "postgresql" and counts["new"] >= ANALYZE_ROWS:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {_ANALYZED[imported.purpose]}")


def _audited(imported: Import, counts: dict[str, int]) -> dict[str, Any]:
    if imported.purpose == ImportPurpose.RECIPIENTS:
        return counts
    proofs = {
        name: counts[name]
        for name in ("new", "unchanged", "duplicate", "skipped", "refused", "cut", "other_number")
    }
    both = load(imported.problems).get(NOTICED + TWO_NUMBERS)
    proofs |= {"both_numbers": both.count} if both else {}
    to = {"list": str(imported.unsubscribe_list)} if imported.unsubscribe_list else {}
    return {"count": counts["new"], "how": OptOutHow.FILE.value, **to, **proofs}
