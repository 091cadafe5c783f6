"""What a workspace keeps of one person besides people on lists and texts: samples of imports, filters, jobs, files.

Nothing here needs to be known again: samples serve the eye while a file is imported, and a filter by the number of
somebody who is on no list finds nobody. See docs/privacy.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, Workspace
from contacts.fields import SOURCE_LIMIT
from contacts.models import (
    Import,
    ImportBefore,
    ImportState,
    ListJob,
    ListJobKind,
    ListJobState,
    OptOut,
    Recipient,
    RecipientList,
    RememberedMapping,
    SavedFilter,
    UnsubscribeMember,
)
from contacts.rules import values_in
from contacts.services.file_retention import (
    IMPORT_FILES,
    delete_admin_uploads,
    delete_files,
    file_names,
)
from sms.msisdn import national_digits_of, writings_of

# Of the audit line of an erasure.
ERASED = "erased a number"
# In a session: the people that its last removal took off a list, so that this can be undone.
REMOVED_PEOPLE = "removed_people"
# In place of what a filter asked for. No number begins with a zero, so that whom the filter finds stays the same.
NO_NUMBER, NO_WORDS = "0" * 15, "erased"
# In a text that stays.
GONE = "[erased]"
# Of a filter: a code, a day or yes and no, which are nobody's.
_NOT_PERSONAL = frozenset({"country", "kind", "opted_out", "created_at", "updated_at"})
# An import that may still be run needs its file.
_ENDED_IMPORTS = (ImportState.FINISHED, ImportState.UNDONE)
_BUSY_JOBS = (ListJobState.WAITING, ListJobState.RUNNING)
_NOT_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Trail:
    """By what a person is known again. `names`: first, last; `identifiers`: e-mail addresses and whole names, in lower
    case; `imports`, `lists`: ids of those that certainly hold the person.
    """

    msisdn: str
    national: str
    names: frozenset[str]
    identifiers: frozenset[str]
    imports: frozenset[int]
    lists: frozenset[int]

    def is_number_in(self, text: str) -> bool:
        """In any writing, with the country's code or without."""
        return self.national in _NOT_DIGITS.sub("", text)

    def is_in(self, text: str) -> bool:
        plain = text.casefold()
        return self.is_number_in(text) or any(one in plain for one in self.identifiers)

    def is_name(self, text: str) -> bool:
        return text.strip().casefold() in self.names

    def is_own(self, text: str) -> bool:
        """Holds what nobody else has, or is one of the names, which others may have too."""
        return self.is_in(text) or self.is_name(text)

    def taken_out_of(self, text: str) -> str:
        """The text without the person: number, e-mail address and names, as whole words."""
        without = writings_of(self.msisdn).sub(GONE, text)
        longest_first = sorted({*self.identifiers, *self.names}, key=len, reverse=True)
        # A letter alone is a word of many texts.
        words = "|".join(re.escape(word) for word in longest_first if len(word) > 1)
        return re.sub(rf"(?<!\w)(?:{words})(?!\w)", GONE, without, flags=re.IGNORECASE) if words else without


def trail_of(workspace: Workspace, msisdn: str) -> Trail:
    """As long as the person is on a list, or an import remembers how they were."""
    people = Recipient.objects.filter(list__workspace=workspace, msisdn=msisdn)
    before = ImportBefore.objects.filter(imported__workspace=workspace, msisdn=msisdn)
    known = list(people.values("list_id", "import_id", "first_name", "last_name", "email"))
    were = [(one.imported_id, one.was) for one in before]
    values = [*known, *(was for _pk, was in were)]
    names = {_lower(one, name) for one in values for name in ("first_name", "last_name")}
    wholes = {
        f"{_lower(one, 'first_name')} {_lower(one, 'last_name')}"
        for one in values
        if _lower(one, "first_name") and _lower(one, "last_name")
    }
    imports = {one["import_id"] for one in known if one["import_id"]} | {pk for pk, _was in were}
    return Trail(
        msisdn,
        national_digits_of(msisdn),
        frozenset(names - {""}),
        frozenset((wholes | {_lower(one, "email") for one in values}) - {""}),
        frozenset(imports),
        frozenset(one["list_id"] for one in known),
    )


def _lower(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name) or "").strip().casefold()


def forget_person(*, workspace: Workspace, trail: Trail, reason: str = "") -> int:
    """How many imports and exports lost their files. Finds nothing the second time. `reason`: a proof that stays so."""
    _forget_in_sessions(workspace, trail.msisdn)
    delete_admin_uploads()
    files = sum(
        _forget_in_import(pk, trail)
        for pk in list(workspace.imports.order_by("pk").values_list("pk", flat=True))
    )
    for mapping in RememberedMapping.objects.filter(workspace=workspace):
        if any(trail.is_in(name) for name in mapping.names):
            mapping.delete()
    _forget_in_rules(workspace, trail)
    _forget_in_proofs(workspace, trail, reason)
    _forget_in_audit(workspace, trail)
    # The admin's own log of what was done there, which knows no workspaces.
    people = ContentType.objects.get_for_model(Recipient)
    LogEntry.objects.filter(content_type=people, object_repr=f"+{trail.msisdn}").update(object_repr="")
    return files + _delete_exports(workspace, trail)


# --- sessions ---


def _forget_in_sessions(workspace: Workspace, msisdn: str) -> None:
    """Only what was read is overwritten: of a session that changes meanwhile restoring leaves the number out."""
    lists = set(workspace.recipient_lists.values_list("pk", flat=True))
    for session in Session.objects.iterator():
        kept = session.get_decoded()
        removed = kept.get(REMOVED_PEOPLE)
        if not removed or removed["list"] not in lists:
            continue
        others = [one for one in removed["people"] if one["msisdn"] != msisdn]
        if len(others) == len(removed["people"]):
            continue
        kept[REMOVED_PEOPLE] = removed | {"people": others}
        same = Session.objects.filter(pk=session.pk, session_data=session.session_data)
        same.update(session_data=Session.objects.encode(kept))


# --- imports ---


@transaction.atomic
def _forget_in_import(pk: int, trail: Trail) -> bool:
    """Whether its files were deleted. A worker that is at it may write samples anew: then erase again."""
    imported = Import.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if imported is None:
        return False
    holds = pk in trail.imports or any(trail.is_in(text) for text in _texts_of(imported))
    fields = ("columns", "letters", "problems", "check_problems", "check_rows", "undo_kept")
    before = {name: deepcopy(getattr(imported, name)) for name in fields}
    imported.columns = [
        _without_person(at, column, trail, holds) for at, column in enumerate(imported.columns, start=1)
    ]
    imported.letters = "" if holds else imported.letters
    for problem in (*imported.problems, *imported.check_problems):
        problem["samples"] = _other_samples(problem["samples"], trail, holds)
    if "duplicate" in imported.check_rows:
        twice = imported.check_rows["duplicate"]
        imported.check_rows["duplicate"] = [one for one in twice if one[1] != trail.msisdn]
    if "edited" in imported.undo_kept:
        others = [msisdn for msisdn in imported.undo_kept["edited"] if msisdn != trail.msisdn]
        imported.undo_kept = imported.undo_kept | {"edited": others}
    changed = [name for name in fields if getattr(imported, name) != before[name]]
    if changed:
        imported.save(update_fields=changed)
    return holds and imported.state in _ENDED_IMPORTS and _delete_files(imported)


def _texts_of(imported: Import) -> Iterator[str]:
    for column in imported.columns:
        yield from (column["name"], column.get("uncut", ""), *column["samples"])
    for problem in (*imported.problems, *imported.check_problems):
        yield from problem["samples"]
    yield from (digits for _row, digits, _first in imported.check_rows.get("duplicate", ()))
    yield imported.letters


def _without_person(at: int, column: dict[str, Any], trail: Trail, holds: bool) -> dict[str, Any]:
    """The first row of a file without names may have been taken for names."""
    others = column | {"samples": _other_samples(column["samples"], trail, holds)}
    if trail.is_in(f"{column['name']} {column.get('uncut', '')}"):
        others |= {"name": _("Column %(number)d") % {"number": at}, "uncut": ""}
    return others


def _other_samples(samples: Iterable[str], trail: Trail, holds: bool) -> list[str]:
    """None of an import that holds the person: which of its samples are of the same row, nobody knows any more."""
    return [] if holds else [one for one in samples if not trail.is_name(one)]


def _delete_files(row: Import | ListJob) -> bool:
    names = file_names(row)
    if names:
        fields = IMPORT_FILES if isinstance(row, Import) else ("file",)
        type(row)._default_manager.filter(pk=row.pk).update(**dict.fromkeys(fields, ""))
        transaction.on_commit(lambda: delete_files(names))
    return bool(names)


def _delete_exports(workspace: Workspace, trail: Trail) -> int:
    """Of lists that the person was on until now."""
    on = Q(list__in=trail.lists) | Q(list__source__in=trail.lists)
    exports = ListJob.objects.filter(on, workspace=workspace, kind=ListJobKind.EXPORT).exclude(file="")
    return sum(map(_delete_files, exports.exclude(state__in=_BUSY_JOBS)))


# --- filters and jobs ---


def _forget_in_rules(workspace: Workspace, trail: Trail) -> None:
    shared = _shared_names(workspace, trail)
    for saved in SavedFilter.objects.filter(list__workspace=workspace):
        if (rule := _other_rule(saved.rule, trail, shared)) != saved.rule:
            SavedFilter.objects.filter(pk=saved.pk).update(rule=rule)
    for live in RecipientList.objects.filter(workspace=workspace, source__isnull=False):
        if (rule := _other_rule(live.rule, trail, shared)) != live.rule:
            RecipientList.objects.filter(pk=live.pk).update(rule=rule)
    for job in ListJob.objects.filter(workspace=workspace).only("rule", "words", "options", "state"):
        changes = _changes_of_job(job, trail)
        if changes:
            ListJob.objects.filter(pk=job.pk).update(**changes)


def _shared_names(workspace: Workspace, trail: Trail) -> frozenset[str]:
    """First and last names of the person that others of the workspace have, too: filters by them are about those."""
    others = Recipient.objects.filter(list__workspace=workspace).exclude(msisdn=trail.msisdn)
    return frozenset(
        name
        for name in trail.names
        if others.filter(Q(first_name__iexact=name) | Q(last_name__iexact=name)).exists()
    )


def _changes_of_job(job: ListJob, trail: Trail) -> dict[str, Any]:
    """A value that a job is still to write is left, and goes by a repetition. A name alone goes from jobs that are done:
    of another one it would change whom else it finds.
    """
    changes: dict[str, Any] = {}
    is_done = job.state == ListJobState.FINISHED
    if (rule := _other_rule(job.rule, trail, frozenset() if is_done else trail.names)) != job.rule:
        changes["rule"] = rule
    if trail.is_in(job.words) or (is_done and trail.is_name(job.words)):
        changes["words"] = NO_NUMBER if trail.is_number_in(job.words) else NO_WORDS
    if job.state not in _BUSY_JOBS and trail.is_own(str(job.options.get("value", ""))):
        changes["options"] = job.options | {"value": ""}
    return changes


def _other_rule(rule: dict[str, Any], trail: Trail, shared: Collection[str]) -> dict[str, Any]:
    """Its conditions stay, as without one of them it would find more people. `shared`: names that stay."""
    conditions = [_other_condition(one, trail, shared) for one in rule.get("conditions", ())]
    return rule | {"conditions": conditions} if rule else rule


def _other_condition(one: dict[str, Any], trail: Trail, shared: Collection[str]) -> dict[str, Any]:
    """Of one of several values this person's alone goes: the others are about other people."""
    if one["field"] in _NOT_PERSONAL:
        return one
    value = one.get("value", "")
    values = values_in(value) if one["operator"] == "one_of" else [value]
    others = [value for value in values if not _is_of(value, trail, shared)]
    if others == values:
        return one
    nothing = NO_NUMBER if one["field"] == "msisdn" else NO_WORDS
    return one | {"value": ", ".join(others) or nothing}


def _is_of(value: str, trail: Trail, shared: Collection[str]) -> bool:
    is_name = trail.is_name(value) and value.strip().casefold() not in shared
    return is_name or trail.is_in(value)


# --- proofs and the audit trail ---


def _forget_in_proofs(workspace: Workspace, trail: Trail, reason: str) -> None:
    """That, when and how the number opted out stays, and the words but for who it was."""
    for rows in (
        OptOut.objects.filter(workspace=workspace, msisdn=trail.msisdn),
        UnsubscribeMember.objects.filter(list__workspace=workspace, msisdn=trail.msisdn),
    ):
        for pk, source in rows.exclude(source=reason).values_list("pk", "source"):
            if (without := trail.taken_out_of(source)) != source:
                rows.filter(pk=pk).update(source=without[:SOURCE_LIMIT])


def _forget_in_audit(workspace: Workspace, trail: Trail) -> None:
    """The lines that tell a filter or words searched for; those about opt-outs of the number keep it, without who it was."""
    entries = AuditEntry.objects.filter(workspace=workspace, details__has_key="filter")
    for entry in entries.only("details").iterator():
        words = {name: str(entry.details.get(name, "")) for name in ("filter", "words")}
        about = {name: "" for name, text in words.items() if trail.is_in(text)}
        named = {name: trail.taken_out_of(text) for name, text in words.items() if name not in about}
        _rewrite(
            entry,
            entry.details | {name: text for name, text in (named | about).items() if name in entry.details},
        )
    opt_outs = AuditEntry.objects.filter(workspace=workspace, subject="optout", label=f"+{trail.msisdn}")
    for entry in opt_outs.only("details"):
        _rewrite(entry, _without_person_in(entry.details, trail))


def _without_person_in(details: dict[str, Any], trail: Trail) -> dict[str, Any]:
    """Of an opt-out or what undid it: its words, and those of the proof before."""
    words = {
        name: trail.taken_out_of(text)
        for name in ("source", "reason")
        if isinstance(text := details.get(name), str)
    }
    was = details.get("was")
    return details | words | ({"was": _without_person_in(was, trail)} if isinstance(was, dict) else {})


def _rewrite(entry: AuditEntry, details: dict[str, Any]) -> None:
    if details != entry.details:
        AuditEntry.objects.filter(pk=entry.pk).update(details=details)
