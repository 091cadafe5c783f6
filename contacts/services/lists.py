"""Recipient lists and the people on them. The sole writer of `recipient_count` besides the import."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import AuditEntry, Workspace
from contacts.batches import in_batches
from contacts.errors import ContactsError, WrongState
from contacts.fields import MAX_EXTRA_COLUMNS, PERSON_FIELDS, check_person, require_column_name
from contacts.models import ExistingNumbers, ImportState, Recipient, RecipientList, SavedFilter
from contacts.numbers import Numbers, Refused, read_number, read_numbers
from contacts.people import people_of
from contacts.related import users_of
from contacts.rules import Rule, in_words, require_known_columns
from contacts.services.forgetting import ERASED
from contacts.services.opt_outs import opted_out_numbers
from sms.msisdn import kind_of
from web.names import name_problem, stripped_name

# For so long an import can be undone.
UNDO_KEPT = timedelta(days=30)
# More come as a file.
PASTED_AT_ONCE = 10_000
CHANGEABLE = (*PERSON_FIELDS, "extra", "updated_at")


@dataclass(frozen=True, slots=True)
class Person:
    """One row to add, as handed in. `msisdn`: in any usual writing; `fields`: of Recipient by name."""

    msisdn: str
    fields: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Added:
    """rows = new + updated + unchanged + skipped + duplicate + len(refused), always."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    duplicate: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NumbersChecked:
    """`opted_out`: how many of those that can be read will not be texted."""

    numbers: Numbers
    opted_out: int

    @property
    def digest(self) -> str:
        """Of who would be on the list: what is agreed to."""
        return hashlib.sha256(",".join(self.numbers.msisdns).encode()).hexdigest()[:16]


def create_list(*, workspace: Workspace, actor: Actor, name: str) -> RecipientList:
    made = RecipientList(workspace=workspace, name=stripped_name(name))
    _save(made)
    record(workspace, actor, "created", made)
    return made


def check_numbers(*, workspace: Workspace, name: str, raws: Sequence[str], country: str) -> NumbersChecked:
    """What a list of these numbers would be; nothing is written. Raises ContactsError for a name that is taken."""
    _require_free_name(workspace, name)
    if len(raws) > PASTED_AT_ONCE:
        raise ContactsError(
            _("These are %(count)s numbers; at most %(limit)s fit here. Import them as a file.")
            % {"count": f"{len(raws):,}", "limit": f"{PASTED_AT_ONCE:,}"},
            field="numbers",
        )
    numbers = read_numbers(raws, country)
    gone = opted_out_numbers(workspace_id=workspace.pk, msisdns=numbers.msisdns)
    return NumbersChecked(numbers, opted_out=len(gone))


def create_list_of_numbers(
    *, workspace: Workspace, actor: Actor, name: str, msisdns: Sequence[str]
) -> RecipientList:
    """`msisdns`: digits, each once. The list and all of them, or nothing."""
    with transaction.atomic():
        made = create_list(workspace=workspace, actor=actor, name=name)
        add_recipients(recipient_list=made, people=[Person(f"+{one}") for one in msisdns], actor=actor)
    return made


def make_list(
    *, workspace: Workspace, actor: Actor, name: str, source: RecipientList | None, rule: Rule
) -> RecipientList:
    """A live list where there is a `source`, else one with people of its own."""
    require_live(workspace, source, rule)
    if source is None:
        return create_list(workspace=workspace, actor=actor, name=name)
    return create_live_list(source=source, actor=actor, name=name, rule=rule)


def require_live(workspace: Workspace, source: RecipientList | None, rule: Rule) -> None:
    """Raises ContactsError where the two make neither a live list nor a list of its own."""
    if source is None:
        if rule:
            raise ContactsError(
                _(
                    "A filter makes a live list, which takes its people from another list. Name that list too."
                ),
                field="source_list",
            )
        return
    if source.workspace_id != workspace.pk:
        raise ContactsError(
            _("%(source)s belongs to another workspace. Choose a list of %(workspace)s.")
            % {"source": source.name, "workspace": workspace.name},
            field="source_list",
        )
    if source.source_id is not None:
        raise ContactsError(
            _("%(name)s is a live list itself. Make the live list of %(source)s.")
            % {"name": source.name, "source": source.source},
            field="source_list",
        )
    if not rule:
        raise ContactsError(
            _("The filter is empty, so everybody on %(name)s matches. Set a filter first.")
            % {"name": source.name},
            field="rule",
        )
    require_known_columns(rule, source.columns)


def create_live_list(*, source: RecipientList, actor: Actor, name: str, rule: Rule) -> RecipientList:
    """Whoever on `source` matches just now, wherever a list may be chosen."""
    require_live(source.workspace, source, rule)
    made = RecipientList(
        workspace=source.workspace,
        name=stripped_name(name),
        source=source,
        rule=rule.as_dict(),
        columns=source.columns,
    )
    _save(made)
    record(source.workspace, actor, "created", made, source=source.name, filter=in_words(rule)[:500])
    return recount_live_list(made)


def recount_live_list(live: RecipientList) -> RecipientList:
    live.recipient_count = people_of(live).count()
    RecipientList.objects.filter(pk=live.pk).update(recipient_count=live.recipient_count)
    return live


def recount_live_lists() -> int:
    """Each hour: what pages show of them. The reach of a broadcast is counted by itself, at its time."""
    rows = RecipientList.objects.filter(source__isnull=False).select_related("source", "workspace")
    return len([recount_live_list(live) for live in rows])


def save_filter(*, recipient_list: RecipientList, actor: Actor, name: str, rule: Rule) -> SavedFilter:
    """Under a name that the list has already, it takes the place of that one."""
    name = stripped_name(name)
    if problem := name_problem(name):
        raise ContactsError(problem, field="name")
    if not name:
        raise ContactsError(_("The name of the filter is empty. Enter one."), field="name")
    if not rule:
        raise ContactsError(_("The filter is empty. Set one condition at least."), field="rule")
    require_known_columns(rule, recipient_list.columns)
    known = recipient_list.saved_filters.filter(name__iexact=name).first()
    saved = known or SavedFilter(list=recipient_list, created_by=actor.user)
    saved.name, saved.rule = name, rule.as_dict()
    saved.save()
    record(recipient_list.workspace, actor, "changed" if known else "created", saved)
    return saved


def delete_filter(*, saved: SavedFilter, actor: Actor) -> None:
    record(saved.list.workspace, actor, "deleted", saved)
    saved.delete()


def rename_list(*, recipient_list: RecipientList, actor: Actor, name: str) -> RecipientList:
    was, recipient_list.name = recipient_list.name, stripped_name(name)
    _save(recipient_list)
    record(recipient_list.workspace, actor, "renamed", recipient_list, was=was)
    return recipient_list


def set_list_enabled(*, recipient_list: RecipientList, actor: Actor, enabled: bool) -> RecipientList:
    """A disabled list is kept and reaches nobody."""
    recipient_list.enabled = enabled
    recipient_list.save(update_fields=["enabled", "updated_at"])
    record(recipient_list.workspace, actor, "enabled" if enabled else "disabled", recipient_list)
    return recipient_list


def delete_list(*, recipient_list: RecipientList, actor: Actor) -> None:
    """Refused where a broadcast refers to it: disabling hides and keeps."""
    users = users_of(
        recipient_list, besides={"recipients", "imports", "saved_filters", "jobs", "incoming_jobs"}
    )
    if users:
        raise WrongState(
            _("%(name)s is in use (%(users)s) and is kept. Disable it instead.")
            % {"name": recipient_list.name, "users": users},
            code="in_use",
        )
    record(recipient_list.workspace, actor, "deleted", recipient_list, people=recipient_list.recipient_count)
    recipient_list.delete()


def add_recipients(
    *,
    recipient_list: RecipientList,
    people: Sequence[Person],
    actor: Actor,
    existing: str = ExistingNumbers.UPDATE,
    default_country: str | None = None,
) -> Added:
    """Some thousands at most; more come as a file. A row that is refused does not stop the others.

    An empty value never erases what is there.
    """
    country = default_country if default_country is not None else recipient_list.workspace.default_country
    added = Added()
    readable = _readable(people, country, added)
    with transaction.atomic():
        lock_list(recipient_list)
        learn_columns(recipient_list, [name for row in readable.values() for name in row.extra])
        for batch in in_batches(readable.values()):
            _write(recipient_list, batch, existing, added)
        change_count(recipient_list, added.new)
        if added.new or added.updated:
            record(
                recipient_list.workspace,
                actor,
                "added people",
                recipient_list,
                new=added.new,
                updated=added.updated,
            )
    return added


def update_recipient(
    *,
    recipient: Recipient,
    actor: Actor,
    fields: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> Recipient:
    """Changes what is given; here an empty value does erase. An empty further column is dropped."""
    fields, extra = fields or {}, extra or {}
    check_person(fields, extra)
    for name, value in fields.items():
        setattr(recipient, name, value)
    recipient.extra = {name: value for name, value in (recipient.extra | dict(extra)).items() if value}
    recipient.updated_at = timezone.now()
    with transaction.atomic():
        learn_columns(recipient.list, [name for name, value in extra.items() if value])
        recipient.save(update_fields=CHANGEABLE)
        changed = sorted({*fields, *extra})
        record(recipient.list.workspace, actor, "changed", recipient, fields=changed)
    return recipient


def remove_recipients(
    *, recipient_list: RecipientList, ids: Collection[int], actor: Actor
) -> list[Recipient]:
    """The rows that were removed, so that they can be put back. Ids of other lists are left alone."""
    removed: list[Recipient] = []
    with transaction.atomic():
        lock_list(recipient_list)
        for batch in in_batches(dict.fromkeys(ids)):
            rows = recipient_list.recipients.filter(pk__in=batch)
            removed += rows
            note_leavers(batch)
            rows.delete()
        change_count(recipient_list, -len(removed))
        if removed:
            record(recipient_list.workspace, actor, "removed people", recipient_list, count=len(removed))
    return removed


def note_leavers(ids: Collection[int]) -> None:
    """Whoever came by an import and leaves its list is kept by number for as long as the import can be undone: nobody who
    was texted is undone. Before the rows go or change lists, and with their list locked.
    """
    oldest: Any = timezone.now() - UNDO_KEPT
    empty = "'{}'::jsonb" if connection.vendor == "postgresql" else "'{}'"
    places = ", ".join(["%s"] * len(ids))
    if ids:
        with connection.cursor() as cursor:
            values = [ImportState.UNDONE.value, connection.ops.adapt_datetimefield_value(oldest), *ids]
            cursor.execute(_NOTE_LEAVERS.format(empty=empty, places=places), values)


_NOTE_LEAVERS = """
INSERT INTO contacts_importbefore (imported_id, msisdn, removed, was)
SELECT r.import_id, r.msisdn, false, {empty}
FROM contacts_recipient AS r JOIN contacts_import AS i ON i.id = r.import_id AND i.list_id = r.list_id
WHERE i.state <> %s AND (i.finished_at IS NULL OR i.finished_at >= %s) AND r.id IN ({places})
ON CONFLICT DO NOTHING
"""


def restore_recipients(
    *,
    recipient_list: RecipientList,
    rows: Iterable[Recipient],
    actor: Actor,
    removed_at: datetime | None = None,
) -> int:
    """Puts removed rows back as they were, under their old ids. How many were put back.

    A number that is on the list again meanwhile stays as it is now, and one that was erased since `removed_at` is gone.
    """
    with transaction.atomic():
        lock_list(recipient_list)
        wanted = {row.msisdn: row for row in rows}
        for msisdn in _perhaps_erased(recipient_list.workspace, wanted, removed_at):
            del wanted[msisdn]
        there = set(recipient_list.recipients.filter(msisdn__in=wanted).values_list("msisdn", flat=True))
        back = [row for msisdn, row in wanted.items() if msisdn not in there]
        for row in back:
            row.list = recipient_list
        Recipient.objects.bulk_create(back)
        change_count(recipient_list, len(back))
        if back:
            record(recipient_list.workspace, actor, "put people back", recipient_list, count=len(back))
    return len(back)


def _perhaps_erased(
    workspace: Workspace, msisdns: Collection[str], since: datetime | None
) -> Collection[str]:
    """The trail does not say which number was erased; but it is one of those that have opted out."""
    erased = AuditEntry.objects.filter(workspace=workspace, action=ERASED, at__gte=since) if since else None
    if erased is None or not erased.exists():
        return ()
    return opted_out_numbers(workspace_id=workspace.pk, msisdns=msisdns)


def require_own_people(recipient_list: RecipientList) -> None:
    """Raises WrongState for a live list."""
    if recipient_list.source_id is not None:
        raise WrongState(
            _("%(name)s is a live list: its people stand on %(source)s. Change them there.")
            % {"name": recipient_list.name, "source": recipient_list.source},
            code="live_list",
        )


def lock_list(recipient_list: RecipientList) -> RecipientList:
    """The list as it is now. One writer at a time keeps its count right. Needs a transaction."""
    require_own_people(recipient_list)
    return RecipientList.objects.select_for_update(no_key=True).get(pk=recipient_list.pk)


def lock_lists(ids: Iterable[int]) -> None:
    """As `lock_list`, of several. In one order, so that two who lock the same ones never wait for each other."""
    rows = RecipientList.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk")
    list(rows.values_list("pk"))


def change_count(recipient_list: RecipientList, by: int) -> None:
    if by:
        rows = RecipientList.objects.filter(pk=recipient_list.pk)
        rows.update(recipient_count=F("recipient_count") + by, updated_at=timezone.now())
        recipient_list.refresh_from_db(fields=["recipient_count", "updated_at"])


def learn_columns(recipient_list: RecipientList, names: Iterable[str]) -> None:
    """Notes further columns, so that texts may name them. Needs the list locked."""
    known = list(RecipientList.objects.values_list("columns", flat=True).get(pk=recipient_list.pk))
    columns = list(dict.fromkeys([*known, *names]))
    if len(columns) > MAX_EXTRA_COLUMNS:
        raise ContactsError(
            _("%(name)s would have %(count)d further columns; at most %(limit)d fit. Leave some out.")
            % {"name": recipient_list.name, "count": len(columns), "limit": MAX_EXTRA_COLUMNS},
            field="extra",
            code="too_many_columns",
        )
    if columns != known:
        RecipientList.objects.filter(Q(pk=recipient_list.pk) | Q(source=recipient_list)).update(
            columns=columns
        )
    recipient_list.columns = columns


@dataclass(frozen=True, slots=True)
class _Row:
    msisdn: str
    country: str
    kind: str
    fields: dict[str, str]
    extra: dict[str, str]


def _readable(people: Sequence[Person], country: str, added: Added) -> dict[str, _Row]:
    """By number, the first of each; what cannot be read goes to `added`."""
    rows: dict[str, _Row] = {}
    for position, person in enumerate(people, start=1):
        fields = {name: value.strip() for name, value in person.fields.items() if value.strip()}
        extra = {name: value.strip() for name, value in person.extra.items() if value.strip()}
        try:
            msisdn, found_country = read_number(person.msisdn, country)
            for name in person.extra.keys() - extra.keys():
                require_column_name(name)
            check_person(fields, extra)
        except ContactsError as error:
            added.refused.append(Refused(position, person.msisdn, error.code, str(error.sentence)))
            continue
        if msisdn in rows:
            added.duplicate += 1
        else:
            rows[msisdn] = _Row(msisdn, found_country, kind_of(msisdn) or "", fields, extra)
    return rows


def _write(recipient_list: RecipientList, batch: list[_Row], existing: str, added: Added) -> None:
    now = timezone.now()
    there = {
        row.msisdn: row for row in recipient_list.recipients.filter(msisdn__in=[row.msisdn for row in batch])
    }
    new, changed = [], []
    for row in batch:
        old = there.get(row.msisdn)
        if old is None:
            new.append(_recipient(recipient_list, row, now))
        elif existing == ExistingNumbers.SKIP:
            added.skipped += 1
        elif _merge(old, row, only_empty=existing == ExistingNumbers.FILL):
            old.updated_at = now
            changed.append(old)
        else:
            added.unchanged += 1
    Recipient.objects.bulk_create(new)
    Recipient.objects.bulk_update(changed, CHANGEABLE, batch_size=200)
    added.new += len(new)
    added.updated += len(changed)


def _recipient(recipient_list: RecipientList, row: _Row, now: datetime) -> Recipient:
    values: dict[str, Any] = dict(row.fields)
    return Recipient(
        list=recipient_list,
        msisdn=row.msisdn,
        country=row.country,
        kind=row.kind,
        extra=row.extra,
        created_at=now,
        updated_at=now,
        **values,
    )


def _merge(old: Recipient, row: _Row, *, only_empty: bool) -> bool:
    """Whether anything changed."""
    before = {name: getattr(old, name) for name in row.fields}
    for name, value in row.fields.items():
        if not (only_empty and before[name]):
            setattr(old, name, value)
    extra = row.extra | old.extra if only_empty else old.extra | row.extra
    changed = extra != old.extra or any(getattr(old, name) != value for name, value in before.items())
    old.extra = extra
    return changed


def _save(recipient_list: RecipientList) -> None:
    if not recipient_list.name:
        raise ContactsError(_("The name of the list is empty. Enter one."), field="name")
    if problem := name_problem(recipient_list.name):
        raise ContactsError(problem, field="name")
    try:
        with transaction.atomic():
            recipient_list.save()
    except IntegrityError:
        raise _name_taken(recipient_list.name) from None


def _require_free_name(workspace: Workspace, name: str) -> None:
    name = stripped_name(name)
    if problem := name_problem(name):
        raise ContactsError(problem, field="name")
    if workspace.recipient_lists.filter(name__iexact=name).exists():
        raise _name_taken(name)


def _name_taken(name: str) -> ContactsError:
    return ContactsError(
        _("There is a list named %(name)s already. Choose another name.") % {"name": name}, field="name"
    )
