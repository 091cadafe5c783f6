"""Imports as people and programs steer them: upload, mapping, check, run, cancel (import_runner.py works)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import structlog
from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from contacts import tasks
from contacts.errors import ContactsError, FileRefused, WrongState
from contacts.fields import MAX_EXTRA_COLUMNS, PERSON_FIELDS, PROOF_FIELDS, column_name, require_column_name
from contacts.files.columns import EXTRA, IGNORED, MSISDN, NUMBERS, WHOLE_NAME
from contacts.files.encodings import ENCODINGS, encoding_named
from contacts.files.formats import DELIMITER_WORDS, QUOTE_WORDS, WORKBOOKS, Format
from contacts.files.inspection import Inspection, inspect_text, inspect_upload
from contacts.files.workbooks import workbook_to_csv
from contacts.models import (
    DateOrder,
    EncodingCertainty,
    ExistingNumbers,
    Import,
    ImportPurpose,
    ImportState,
    NumberForm,
    RecipientList,
    UnsubscribeList,
)
from contacts.services import import_runner, import_undo
from contacts.services.lists import create_list, learn_columns, lock_list, require_own_people
from contacts.services.number_forms import GUESSED, choose_form, take_guess
from contacts.services.remembered import recall, recalled_mapping, remember, remembered_for
from contacts.services.turns import is_silent
from web.names import name_problem, seen_name, stripped_name
from web.waking import wake

log = structlog.get_logger("crier.imports")

# Up to here a check takes about a tenth of a second and is done at once; more goes to a worker.
CHECKED_AT_ONCE_BYTES = 256 * 1024
# A task that is not taken in this time is taken for lost.
UNTAKEN = timedelta(seconds=15)
WAKE_UP_SECONDS = 10

LIST_NAME_LIMIT = 100
SHEET_NAME_LIMIT = 100
SHOWN_COLUMNS = 20
CHANGEABLE = (ImportState.UPLOADED, ImportState.CHECKED)
BUSY = (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)
CANCELLABLE = (*CHANGEABLE, ImportState.CHECKING, ImportState.RUNNING, ImportState.FAILED)
AGAIN = (ImportState.FAILED, ImportState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decides about a file. Of people: either an existing list or the name of a new one, and how they agreed
    to be texted; of numbers for an unsubscribe list: which; of both kinds of opt-outs: how dates are written.
    """

    mapping: Sequence[str]
    default_country: str = ""
    existing: str = ExistingNumbers.UPDATE
    truncate: bool = False
    recipient_list: RecipientList | None = None
    new_list_name: str = ""
    unsubscribe_list: UnsubscribeList | None = None
    date_order: str = DateOrder.NONE
    # Of NumberForm, for all number columns; "": as it was chosen, else as the values of each show; GUESSED: the
    # latter in any case.
    number_form: str = ""
    consent: str = ""


def require_size(size: int) -> None:
    """Raises FileRefused over the limit. Pages and API ask this of the request's length before reading it."""
    if size > settings.IMPORT_MAX_BYTES:
        raise FileRefused(
            _("The file has %(size)s; at most %(limit)s can be imported at once. Split it in two.")
            % {"size": filesizeformat(size), "limit": filesizeformat(settings.IMPORT_MAX_BYTES)},
            code="too_large",
        )


def upload_import(
    *,
    workspace: Workspace,
    actor: Actor,
    upload: File[bytes],
    name: str,
    recipient_list: RecipientList | None = None,
    purpose: str = ImportPurpose.RECIPIENTS,
    unsubscribe_list: UnsubscribeList | None = None,
) -> Import:
    """Stores the file and looks into it; raises FileRefused and keeps nothing if it cannot be imported."""
    require_size(upload.size)
    _require_fitting_lists(purpose, recipient_list, unsubscribe_list)
    imported = Import(
        workspace=workspace,
        purpose=purpose,
        created_by=actor.user,
        api_key=actor.api_key,
        list=recipient_list,
        unsubscribe_list=unsubscribe_list,
        file_name=Path(name).name[-255:] or "upload",
        file_size=upload.size,
        default_country=workspace.default_country,
    )
    imported.file.save(f"{uuid.uuid4().hex}.csv", upload, save=False)
    try:
        found = inspect_upload(
            Path(imported.file.path), workspace.default_country, purpose, _known_columns(recipient_list)
        )
        _take_over(imported, found)
        imported.packed, imported.sheets = found.packed, list(found.sheets)
        if found.workbook:
            imported.workbook.name = str(Path(str(imported.file.name)).with_name(found.workbook.name))
        recall(imported)
        if purpose == ImportPurpose.RECIPIENTS and recipient_list is None:
            imported.new_list_name = _free_list_name(workspace, imported.file_name)
        imported.save()
    except BaseException:
        imported.file.delete(save=False)
        if imported.workbook:
            imported.workbook.delete(save=False)
        raise
    details = {"bytes": imported.file_size, "kind": imported.file_kind, "purpose": str(purpose)}
    record(workspace, actor, "uploaded", imported, **details)
    return imported


def reread_import(
    *,
    imported: Import,
    encoding: str = "",
    delimiter: str = "",
    quote: str = "",
    has_header: bool | None = None,
    header_row: int | None = None,
    sheet: str = "",
) -> Import:
    """Reads the file in another way than was guessed; the mapping is guessed anew. Raises FileRefused.

    What is not given stays; of another sheet, and with other marks, the row of the header is guessed anew.
    `encoding`: in any usual name; a given one is a guess no longer. `header_row`: of the names, counted in the file;
    what stands above it is left out.
    """
    if header_row is not None and has_header is False:
        raise ContactsError(
            _("header_row is %(row)d, but has_header says that no row holds names. Leave one of both out.")
            % {"row": header_row},
            field="header_row",
        )
    _require_changeable(imported)
    _require_file_there(imported, sheet)
    _require_text(imported, encoding)
    if sheet and sheet != imported.sheet:
        return _read_sheet(imported, sheet, has_header, header_row)
    certainty = EncodingCertainty.CHOSEN if encoding else EncodingCertainty(imported.encoding_certainty)
    file_format = Format(
        _known_encoding(encoding) if encoding else imported.encoding,
        _known_mark("delimiter", delimiter or imported.delimiter, DELIMITER_WORDS),
        _known_mark("quote", quote or imported.quote, QUOTE_WORDS),
        guessed=certainty != EncodingCertainty.CERTAIN,
    )
    found = inspect_text(
        Path(imported.file.path),
        imported.default_country,
        file_format=file_format,
        has_header=header_row is not None or (imported.has_header if has_header is None else has_header),
        header_row=_row_kept(imported, file_format) if header_row is None else header_row,
        purpose=imported.purpose,
        known_columns=_known_columns(imported.list),
    )
    kind = imported.file_kind
    _take_over(imported, found)
    imported.file_kind, imported.encoding_certainty = kind, certainty
    _back_to_uploaded(imported)
    imported.save()
    return imported


def _row_kept(imported: Import, file_format: Format) -> int | None:
    """The row of names as it was read; None where other marks make other rows and cells of the file."""
    marks = (imported.encoding, imported.delimiter, imported.quote)
    same = marks == (file_format.encoding, file_format.delimiter, file_format.quote)
    return imported.header_row or None if same else None


def _read_sheet(imported: Import, sheet: str, has_header: bool | None, header_row: int | None) -> Import:
    """Into a file of its own: the one before must still be there if this is undone with its transaction."""
    _require_sheet(imported, sheet)
    before = str(imported.file.name)
    path = Path(imported.file.path).with_name(f"{uuid.uuid4().hex}.csv")
    try:
        workbook_to_csv(Path(imported.workbook.path), path, imported.sheets.index(sheet))
        found = inspect_text(
            path,
            imported.default_country,
            file_format=Format(),
            has_header=True if header_row is not None else has_header,
            header_row=header_row,
            purpose=imported.purpose,
            known_columns=_known_columns(imported.list),
        )
        kind = imported.file_kind
        _take_over(imported, found)
        imported.file_kind = kind
        imported.file.name = str(Path(before).with_name(path.name))
        imported.sheet = sheet
        _back_to_uploaded(imported)
        imported.save()
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, FileRefused):
            raise ContactsError(error.sentence, field="sheet", code=error.code) from error
        raise
    transaction.on_commit(lambda: imported.file.storage.delete(before))
    return imported


def choose(*, imported: Import, choices: Choices) -> Import:
    """Keeps mapping and options. A check done before is void. Raises ContactsError naming the field."""
    _require_changeable(imported)
    _require_mapping(imported, choices.mapping)
    _require_country(choices.default_country)
    if choices.number_form not in {"", GUESSED, *NumberForm.values}:
        raise ContactsError(
            _("“%(value)s” does not say what numbers without + are. Use one of: %(known)s.")
            % {"value": choices.number_form, "known": ", ".join(NumberForm.values)},
            field="number_form",
        )
    if choices.existing not in ExistingNumbers.values:
        raise ContactsError(
            _("“%(value)s” says nothing about numbers that exist already. Use one of: %(known)s.")
            % {"value": choices.existing, "known": ", ".join(ExistingNumbers.values)},
            field="existing",
        )
    if choices.date_order not in DateOrder.values:
        raise ContactsError(
            _("“%(value)s” does not say how days and months stand. Use one of: %(known)s; or leave it empty.")
            % {"value": choices.date_order, "known": ", ".join(filter(None, DateOrder.values))},
            field="date_order",
        )
    _require_fitting_lists(imported.purpose, choices.recipient_list, choices.unsubscribe_list)
    _require_room(choices.recipient_list, choices.mapping)
    new_name = stripped_name(choices.new_list_name)
    if problem := name_problem(new_name):
        raise ContactsError(problem, field="new_list_name")
    if imported.purpose == ImportPurpose.RECIPIENTS:
        _require_target(imported.workspace, choices.recipient_list, new_name)
    imported.mapping = list(choices.mapping)
    _take_country(imported, choices.default_country)
    if choices.number_form:
        choose_form(imported, choices.number_form)
    take_guess(imported)
    imported.existing = choices.existing
    imported.truncate = choices.truncate
    imported.date_order = choices.date_order
    imported.consent = choices.consent.strip()
    imported.list = choices.recipient_list
    imported.unsubscribe_list = choices.unsubscribe_list
    imported.new_list_name = "" if choices.recipient_list else new_name
    _back_to_uploaded(imported)
    imported.save()
    return imported


def suggested_country(imported: Import) -> str:
    """The country that the numbers without one seem to be of; "" where none shows clearly, or it is chosen already."""
    if not is_changeable(imported):
        return ""
    columns = zip(imported.columns, imported.mapping, strict=True)
    numbers = [column for column, target in columns if target == MSISDN] or imported.columns
    country = next(filter(None, (str(column.get("suggested_country", "")) for column in numbers)), "")
    return "" if country == imported.default_country else country


def use_country(*, imported: Import, country: str) -> Import:
    """Reads numbers without a country as of this one, and looks at the columns anew. Raises ContactsError.

    A mapping with a number column stays; without one it is guessed again.
    """
    _require_changeable(imported)
    _require_country(country)
    _take_country(imported, country)
    if MSISDN not in imported.mapping:
        imported.mapping = [column["guess"] for column in imported.columns]
    take_guess(imported)
    _back_to_uploaded(imported)
    imported.save()
    return imported


def _take_country(imported: Import, country: str) -> None:
    """The columns are looked at anew with it, as other numbers can be read then; a form that was chosen was one of the
    country before. A file that is gone stays as it was.
    """
    if country == imported.default_country:
        return
    imported.default_country, imported.is_form_chosen = country, False
    try:
        found = inspect_text(
            Path(imported.file.path),
            country,
            file_format=import_runner.format_of_import(imported),
            has_header=imported.has_header,
            header_row=imported.header_row,
            purpose=imported.purpose,
            known_columns=_known_columns(imported.list),
        )
    except FileNotFoundError:
        return
    imported.columns = [column.as_dict() for column in found.columns]


def _known_columns(recipient_list: RecipientList | None) -> Sequence[str]:
    return recipient_list.columns if recipient_list else ()


def forget_mapping(*, imported: Import) -> Import:
    """The next file with these column names is guessed again, and so is this one as long as it can be changed."""
    found = remembered_for(imported)
    if found is None:
        raise ContactsError(
            _("No mapping is remembered for these column names: there is nothing to forget."),
            code="nothing_remembered",
        )
    if is_changeable(imported) and imported.mapping == recalled_mapping(imported, found):
        _require_state(imported, (*CHANGEABLE, *AGAIN))
        imported.mapping = [column["guess"] for column in imported.columns]
        imported.is_form_chosen = False
        take_guess(imported)
        _back_to_uploaded(imported)
        imported.save()
    found.delete()
    return imported


def start_check(*, imported: Import) -> Import:
    """Small files are checked before this returns, others by a worker."""
    _require_changeable(imported)
    _require_mapping(imported, imported.mapping)
    if imported.purpose == ImportPurpose.RECIPIENTS:
        _require_target(imported.workspace, imported.list, imported.new_list_name)
    _require_fitting_lists(imported.purpose, imported.list, imported.unsubscribe_list)
    _require_room(imported.list, imported.mapping)
    void: dict[str, Any] = {"check_counts": {}, "check_problems": []}
    _move(imported, ImportState.CHECKING, done_rows=0, state_reason="", **void)
    if _size_as_read(imported) <= CHECKED_AT_ONCE_BYTES:
        import_runner.check_import(imported.pk)
    else:
        _wake(imported)
    imported.refresh_from_db()
    return imported


def _size_as_read(imported: Import) -> int:
    """Of a packed file or a workbook it is not the size of the upload. A file that is gone has none."""
    try:
        return imported.file.size
    except FileNotFoundError:
        return 0


def start_run(*, imported: Import, actor: Actor) -> Import:
    """Gives the import to a worker. One that failed or was cancelled goes on where it stopped."""
    _require_no_upload(imported)
    if imported.undo_counts:
        raise WrongState(_("Undoing this import has begun. Undo it to the end, and upload the file again."))
    again = bool(imported.counts)
    _require_state(imported, AGAIN if again else (ImportState.CHECKED,))
    _require_kept(imported)
    _require_anybody(imported)
    _require_fitting_lists(imported.purpose, imported.list, imported.unsubscribe_list)
    with transaction.atomic():
        fresh: dict[str, Any] = (
            {} if again else {"done_rows": 0, "problems": [], "started_at": timezone.now()}
        )
        _move(imported, ImportState.RUNNING, state_reason="", finished_at=None, rows_per_second=0, **fresh)
        if not again:
            if imported.purpose == ImportPurpose.RECIPIENTS:
                imported.list = _target(imported, actor)
                imported.save(update_fields=["list", "new_columns"])
            remember(imported)
        record(imported.workspace, actor, "started", imported, list=target_name(imported))
    _wake(imported)
    return imported


def cancel_import(*, imported: Import, actor: Actor) -> Import:
    """Of a run, what is in the list stays there, and running it again goes on from there."""
    _require_state(imported, CANCELLABLE)
    if imported.state == ImportState.CHECKING:
        return _move(imported, ImportState.UPLOADED, done_rows=0)
    _move(imported, ImportState.CANCELLED, finished_at=timezone.now())
    imported.refresh_from_db()
    record(imported.workspace, actor, "cancelled", imported, rows=imported.done_rows)
    return imported


def undo_import(*, imported: Import, actor: Actor) -> Import:
    """Gives it to a worker. WrongState says why it cannot be undone, also where somebody has been or will be texted."""
    import_undo.require_undoable(imported)
    import_undo.require_not_texted(imported)
    with transaction.atomic():
        import_undo.lock_unused(imported)
        fresh = {name: imported.undo_counts.get(name, 0) for name in import_undo.COUNTS}
        _move(
            imported,
            ImportState.UNDOING,
            state_reason="",
            undo_counts=fresh,
            undone_by=actor.user,
            rows_per_second=0,
        )
        record(imported.workspace, actor, "began to undo", imported, list=str(imported.list))
    _wake(imported)
    return imported


def resume_stalled_imports() -> int:
    """Wakes a worker for each import that nobody works on: the sweep calls this every few seconds."""
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    stalled = list(Import.objects.filter(free, state__in=BUSY).only("pk", "state"))
    for imported in stalled:
        _wake(imported)
    return len(stalled)


def target_name(imported: Import) -> str:
    """Of the list that the file goes to; "" for the opt-outs of the workspace."""
    if imported.purpose == ImportPurpose.RECIPIENTS:
        return imported.list.name if imported.list else imported.new_list_name
    return imported.unsubscribe_list.name if imported.unsubscribe_list else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """In rows of the file; of an import that is being undone in people. `seconds_left` is None while it is not known.

    Of one whose worker is not heard of the rate is 0.
    """

    done: int
    total: int
    percent: int
    rows_per_second: int
    seconds_left: int | None


def progress_of(imported: Import) -> Progress:
    done, total = imported.done_rows, imported.total_rows or 0
    rate = 0 if is_silent(imported) else imported.rows_per_second
    if imported.state == ImportState.UNDOING:
        done = import_undo.people_done(imported)
        total = sum(imported.counts.get(name, 0) for name in ("new", "updated", "removed"))
    total = max(total, done)
    is_moving = imported.state in {ImportState.RUNNING, ImportState.UNDOING}
    left = round((total - done) / rate) if rate and is_moving else None
    return Progress(done, total, round(100 * done / total) if total else 0, rate, left)


# --- what is allowed ---


def is_changeable(imported: Import) -> bool:
    """Nothing is written yet, nobody works on it, and the file is kept."""
    is_open = imported.state not in (*BUSY, ImportState.FINISHED) and not imported.counts
    return is_open and imported.is_file_kept


def can_go_on(imported: Import) -> bool:
    """It stopped amid its run, and a new one would go on from there."""
    has_begun = imported.state in AGAIN and bool(imported.counts) and not imported.undo_counts
    return has_begun and imported.is_file_kept


def file_gone_words(imported: Import) -> str:
    """Why a file cannot be read any more, and what to do."""
    ended_at = imported.finished_at or imported.created_at
    if ended_at > timezone.now() - timedelta(days=settings.IMPORT_FILES_DAYS):
        return _(
            "The uploaded file was deleted when a person who was in it was erased. Take that person out before you "
            "upload it again."
        )
    return ngettext(
        "An uploaded file is kept for at most %(days)d day after its import has ended: this one is deleted. Upload it "
        "again; nobody is added to a list twice.",
        "An uploaded file is kept for at most %(days)d days after its import has ended: this one is deleted. Upload it "
        "again; nobody is added to a list twice.",
        settings.IMPORT_FILES_DAYS,
    ) % {"days": settings.IMPORT_FILES_DAYS}


def require_checked(imported: Import) -> None:
    """What the import will do can be told: it is checked, and nothing is written yet."""
    _require_no_upload(imported)
    _require_state(imported, (ImportState.CHECKED,))


def _require_no_upload(imported: Import) -> None:
    if imported.state == ImportState.UPLOADED:
        raise WrongState(
            _("Check the file first: the check says what the import will do."), code="not_checked"
        )


def _require_anybody(imported: Import) -> None:
    """A file that cannot be read must not empty a list."""
    counts = imported.check_counts
    kept = sum(counts.get(name, 0) for name in ("new", "updated", "unchanged"))
    if imported.existing == ExistingNumbers.REPLACE and not kept:
        raise ContactsError(
            _("No row of the file is a person: replacing would empty the list. Correct the columns."),
            field="existing",
            code="would_empty",
        )


def _require_changeable(imported: Import) -> None:
    if imported.counts and imported.state in AGAIN:
        _require_kept(imported)
        raise WrongState(_("This import has begun already. Run it again: it goes on where it stopped."))
    if not is_changeable(imported):
        _require_state(imported, (*CHANGEABLE, *AGAIN))
        _require_kept(imported)


def _require_kept(imported: Import) -> None:
    if not imported.is_file_kept:
        raise WrongState(file_gone_words(imported), code="file_gone")


def _require_file_there(imported: Import, sheet: str) -> None:
    """Lost from the disk, not deleted by us."""
    wanted = imported.workbook if sheet and imported.workbook else imported.file
    if not wanted.storage.exists(str(wanted.name)):
        raise WrongState(_("The uploaded file is gone from the server. Upload it again."), code="file_gone")


def _require_state(imported: Import, allowed: Sequence[str]) -> None:
    if imported.state not in allowed:
        raise WrongState(
            _("This import is %(state)s: that cannot be done any more. Upload the file again to begin anew.")
            % {"state": ImportState(imported.state).label}
            if imported.state not in BUSY
            else _("This import is %(state)s. Wait for its end, or cancel it.")
            % {"state": ImportState(imported.state).label}
        )


def _require_text(imported: Import, encoding: str) -> None:
    if encoding and imported.file_kind in WORKBOOKS and _known_encoding(encoding) != imported.encoding:
        raise ContactsError(
            _(
                "A workbook says its encoding itself; %(encoding)s cannot be chosen for it. Leave the field out."
            )
            % {"encoding": encoding},
            field="encoding",
        )


def _require_sheet(imported: Import, sheet: str) -> None:
    if imported.file_kind not in WORKBOOKS:
        raise ContactsError(
            _("The file is no workbook, so it has no sheet %(sheet)s. Leave the field out.")
            % {"sheet": sheet},
            field="sheet",
        )
    if sheet not in imported.sheets:
        raise ContactsError(
            _("The workbook has no sheet %(sheet)s. Choose one of: %(known)s.")
            % {"sheet": sheet, "known": ", ".join(imported.sheets)},
            field="sheet",
        )


def _known_encoding(raw: str) -> str:
    found = encoding_named(raw)
    if not found:
        raise ContactsError(
            _("%(encoding)s is not an encoding that can be read. Choose one of: %(known)s.")
            % {"encoding": raw, "known": ", ".join(ENCODINGS)},
            field="encoding",
        )
    return found


def _known_mark(field: str, raw: str, words: Mapping[str, str | Promise]) -> str:
    if raw not in words:
        known = ", ".join(f"{mark!r} ({word})" for mark, word in words.items())
        raise ContactsError(
            _("%(value)r cannot be the %(field)s of a file. Use one of: %(known)s.")
            % {"value": raw, "field": field, "known": known},
            field=field,
        )
    return raw


def _require_mapping(imported: Import, mapping: Sequence[str]) -> None:
    if len(mapping) != len(imported.columns):
        raise ContactsError(
            _(
                "The mapping has %(given)d targets for %(width)d columns (%(columns)s). Give each one in their order; "
                "an empty one leaves its column out."
            )
            % {
                "given": len(mapping),
                "width": len(imported.columns),
                "columns": ", ".join(column["name"] for column in imported.columns[:SHOWN_COLUMNS]),
            },
            field="mapping",
        )
    if MSISDN not in mapping:
        raise ContactsError(
            _("No column is the phone number. Choose the column that holds the numbers."),
            field="mapping",
            code="no_number_column",
        )
    for target in mapping:
        _require_known_target(imported.purpose, target)
    repeated = [target for target, count in Counter(mapping).items() if target and count > 1]
    if repeated:
        names = [
            column["name"] for column, to in zip(imported.columns, mapping, strict=True) if to == repeated[0]
        ]
        raise ContactsError(
            _(
                "Several columns go to %(target)s: %(columns)s. Keep one, and choose “Do not import” for the rest."
            )
            % {"target": repeated[0].removeprefix(EXTRA), "columns": ", ".join(names)},
            field="mapping",
            code="repeated_target",
        )
    clash = next((name for name in ("first_name", "last_name") if name in mapping), "")
    if WHOLE_NAME in mapping and clash:
        raise ContactsError(
            _("A column goes to %(name)s, and so does a part of the whole name. Keep one of them.")
            % {"name": clash},
            field="mapping",
            code="repeated_target",
        )
    own = sum(target.startswith(EXTRA) for target in mapping)
    if own > MAX_EXTRA_COLUMNS:
        raise ContactsError(
            _(
                "%(count)d columns become own columns; a list takes %(limit)d. Choose “Do not import” for the others."
            )
            % {"count": own, "limit": MAX_EXTRA_COLUMNS},
            field="mapping",
            code="too_many_columns",
        )


def _require_room(recipient_list: RecipientList | None, mapping: Sequence[str]) -> None:
    """For the columns of its own that the file would add to a list that is there."""
    new = _new_columns(recipient_list, mapping) if recipient_list else []
    room = MAX_EXTRA_COLUMNS - len(recipient_list.columns) if recipient_list else MAX_EXTRA_COLUMNS
    if recipient_list is None or len(new) <= room:
        return
    raise ContactsError(
        _(
            "%(list)s has %(known)d columns of its own and takes %(limit)d: of the %(count)d that the file would add "
            "(%(columns)s) %(room)d fit. Choose “Do not import” for the others, or take columns that the list has."
        )
        % {
            "list": recipient_list.name,
            "known": len(recipient_list.columns),
            "limit": MAX_EXTRA_COLUMNS,
            "count": len(new),
            "columns": ", ".join([*new[:SHOWN_COLUMNS], *(["…"] if len(new) > SHOWN_COLUMNS else [])]),
            "room": max(room, 0),
        },
        field="mapping",
        code="too_many_columns",
    )


def _require_known_target(purpose: str, target: str) -> None:
    if purpose != ImportPurpose.RECIPIENTS:
        if target not in {IGNORED, *NUMBERS, *PROOF_FIELDS}:
            raise ContactsError(
                _("%(target)s is not kept of an opt-out. Use one of: %(known)s; or leave the column out.")
                % {"target": target, "known": ", ".join((*NUMBERS, *PROOF_FIELDS))},
                field="mapping",
            )
        return
    if target in {IGNORED, WHOLE_NAME, *NUMBERS, *PERSON_FIELDS}:
        return
    if target.startswith(EXTRA):
        require_column_name(target.removeprefix(EXTRA), field="mapping")
        return
    raise ContactsError(
        _("%(target)s is not a field of a recipient. Use extra:%(name)s for a column of your own.")
        % {"target": target, "name": column_name(target) or "name"},
        field="mapping",
    )


def _require_country(country: str) -> None:
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise ContactsError(
            _("The default country %(country)s does not exist. Use two letters, such as US or GB.")
            % {"country": country},
            field="default_country",
        )


def _require_fitting_lists(
    purpose: str, recipient_list: RecipientList | None, unsubscribe_list: UnsubscribeList | None
) -> None:
    """People go to a list of its own people, opt-outs to none, numbers for an unsubscribe list to that one."""
    if purpose != ImportPurpose.RECIPIENTS and recipient_list is not None:
        raise ContactsError(
            _(
                "list is %(list)s, but the file holds %(purpose)s. Leave it out, or upload the file for people."
            )
            % {"list": recipient_list.name, "purpose": ImportPurpose(purpose).label},
            field="list",
            code="other_purpose",
        )
    if purpose != ImportPurpose.UNSUBSCRIBE_LIST and unsubscribe_list is not None:
        raise ContactsError(
            _(
                "unsubscribe_list is %(list)s, but the file holds %(purpose)s. Leave it out, or upload the file for "
                "that list."
            )
            % {"list": unsubscribe_list.name, "purpose": ImportPurpose(purpose).label},
            field="unsubscribe_list",
            code="other_purpose",
        )
    if purpose == ImportPurpose.UNSUBSCRIBE_LIST and unsubscribe_list is None:
        raise ContactsError(
            _("No unsubscribe list is named. Choose the one that the numbers go to."),
            field="unsubscribe_list",
            code="no_list",
        )
    if recipient_list is not None:
        require_own_people(recipient_list)


def _require_target(workspace: Workspace, recipient_list: RecipientList | None, new_name: str) -> None:
    if recipient_list is not None:
        return
    if not new_name:
        raise ContactsError(_("Choose the list to add to, or name a new one."), field="list", code="no_list")
    if len(new_name) > LIST_NAME_LIMIT:
        raise ContactsError(
            _("The name %(name)s… has %(length)d characters; at most %(limit)d fit. Shorten it.")
            % {"name": new_name[:20], "length": len(new_name), "limit": LIST_NAME_LIMIT},
            field="new_list_name",
        )
    if workspace.recipient_lists.filter(name__iexact=new_name).exists():
        raise ContactsError(
            _("There is a list named %(name)s already. Choose it as the target, or another name.")
            % {"name": new_name},
            field="new_list_name",
            code="name_taken",
        )


# --- changes ---


def _take_over(imported: Import, found: Inspection) -> None:
    imported.file_kind = found.kind
    imported.sheet = found.sheet[:SHEET_NAME_LIMIT] or imported.sheet
    imported.encoding = found.file_format.encoding
    imported.encoding_certainty = (
        EncodingCertainty.GUESSED if found.file_format.guessed else EncodingCertainty.CERTAIN
    )
    imported.letters = found.letters
    imported.delimiter = found.file_format.delimiter
    imported.quote = found.file_format.quote
    imported.has_header = found.has_header
    imported.header_row = found.header_row or None
    imported.columns = [column.as_dict() for column in found.columns]
    imported.mapping = [column.guess for column in found.columns]
    imported.is_form_chosen = False
    take_guess(imported)
    imported.total_rows = found.rows


def _back_to_uploaded(imported: Import) -> None:
    imported.state = ImportState.UPLOADED
    imported.state_reason = ""
    imported.check_counts, imported.check_problems, imported.check_rows = {}, [], {}


def _move(imported: Import, state: ImportState, **changes: Any) -> Import:
    """By a conditional update, so that of two presses of a button one does it."""
    busy = state in BUSY
    changes |= {"state": state, "lease_holder": "", "lease_until": timezone.now() + UNTAKEN if busy else None}
    moved = Import.objects.filter(pk=imported.pk, state=imported.state).update(**changes)
    if not moved:
        raise WrongState(
            _("Somebody else changed this import meanwhile. Load the page again."), code="changed"
        )
    for name, value in changes.items():
        setattr(imported, name, value)
    return imported


def _target(imported: Import, actor: Actor) -> RecipientList:
    target = imported.list
    if target is None:
        target = create_list(workspace=imported.workspace, actor=actor, name=imported.new_list_name)
    # As at the check: the list may have got columns since.
    _require_room(lock_list(target), imported.mapping)
    imported.new_columns = _new_columns(target, imported.mapping)
    learn_columns(target, imported.new_columns)
    return target


def _new_columns(recipient_list: RecipientList, mapping: Sequence[str]) -> list[str]:
    names = [name.removeprefix(EXTRA) for name in mapping if name.startswith(EXTRA)]
    return [name for name in names if name not in recipient_list.columns]


def _free_list_name(workspace: Workspace, file_name: str) -> str:
    """ "autumn-members.csv" -> "autumn-members", with a number where that is taken."""
    base = seen_name(Path(file_name.removesuffix(".gz")).stem)[:90].strip() or str(_("New list"))
    taken = {
        name.casefold()
        for name in workspace.recipient_lists.filter(name__istartswith=base).values_list("name", flat=True)
    }
    names = [base, *(f"{base} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name.casefold() not in taken)


def _wake(imported: Import) -> None:
    """A broker that is away costs one sweep, and fails nobody's request."""
    doors = {
        ImportState.CHECKING: tasks.check_import,
        ImportState.RUNNING: tasks.run_import,
        ImportState.UNDOING: tasks.undo_import,
    }
    wake(doors[ImportState(imported.state)], imported.pk, expires=WAKE_UP_SECONDS)
