"""Comparing, pushing and pulling what an account's vendor has, too. One entity at a time; what fails stops no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record as note_audit
from providers.connectors import REGISTRY
from providers.connectors.operations import Listener, VendorClient
from providers.errors import Conflict, ConnectorError, NotFound, Unclear
from providers.models import ProviderAccount, RemoteRecord, SyncRun, SyncRunState, SyncState
from providers.services.accounts import connector_of
from providers.services.refusals import ProviderAccountError
from providers.services.traffic import listener_of
from providers.sync.payloads import Payload, PeoplePayload, differences, fingerprint
from providers.sync.registry import Entity, LocalRow, SyncRefusedError, entities, entity_of
from providers.sync.remotes import Ids, RemoteRow, RemoteSide
from web.texts import shown_text

log = structlog.get_logger("crier.sync")

PUSH, PULL = "push", "pull"
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)
TRIES_MOST = 12
WORDS_MOST = 500
NUMBERS_READ_MOST = 100_000
# In `there`: a creation went out, and what came of it is not known; the ids of others that bore its name then.
UNCLEAR, STRANGERS = "unclear", "strangers"
# Its creation was answered, and what follows it (`fill`) has not ended.
UNFINISHED = "unfinished"
# The id of ours that MARK belongs to, which is how far it was brought there; and the marks of others that were linked to
# it before.
OF, MARK, MARKS = "of", "mark", "marks"
# What our own last push could not make alike there; and that somebody changed it there: a person decides.
LEFT, ASKS = "left", "asks"
# Of a creation whose answer was lost these may be not yet as they were asked for.
SETTLED_LATER = ("enabled", "count")
ROWS_AT_ONCE = 500
PUSHED_FIELDS = ("state", "words", "differences", "there", "name", "pushed", "pushed_at")
LINKED_FIELDS = ("remote_id", "state", "words", "pushed", "there")
COMPARED_FIELDS = (
    "local_id",
    "remote_id",
    "name",
    "state",
    "differences",
    "words",
    "pushed",
    "there",
    "seen_at",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one push or pull would do, and did. `action`: create, change, link, nothing; `error`: why not."""

    record_id: int
    entity: str
    name: str
    direction: str
    action: str
    differences: tuple[tuple[str, str, str], ...] = ()
    error: str = ""
    remote_id: str = ""
    # What is to be known of what was done.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person was shown: nothing else is done. `remote_id`: what ours was linked to then, or theirs that is pulled."""

    action: str
    remote_id: str


def side_of(account: ProviderAccount, entity: str) -> type[RemoteSide[Any, Any]]:
    """What the vendor's connector says of one kind. Raises ProviderAccountError for one that it has not."""
    vendor = REGISTRY.get(account.vendor)
    for side in vendor.remote_sides if vendor else ():
        if side.entity == entity and entity in entities():
            return side
    raise ProviderAccountError(
        _("“%(entity)s” is nothing that is kept in step with this provider. There is: %(known)s.")
        % {"entity": entity[:30], "known": ", ".join(synced_entities(account)) or _("nothing")},
        field="entity",
    )


def synced_entities(account: ProviderAccount) -> dict[str, Entity]:
    """What is here and at the account's vendor, in the order of pushing."""
    vendor = REGISTRY.get(account.vendor)
    there = {side.entity for side in vendor.remote_sides} if vendor else set()
    return {name: entity for name, entity in entities().items() if name in there}


# --- comparing ------------------------------------------------------------------------------------


def compare(*, account: ProviderAccount, entity: str) -> list[RemoteRecord]:
    """Reads both sides whole and writes down how they stand. Raises ProviderAccountError with the vendor's words."""
    with open_vendor(account) as vendor:
        return compare_with(vendor, entity)


def compare_with(vendor: Vendor, entity: str) -> list[RemoteRecord]:
    """As `compare`, with the client that is open. Raises ConnectorError, too."""
    account = vendor.account
    ours = {row.id: row for row in entity_of(entity).rows(account.workspace)}
    side = vendor.side(entity)
    theirs = {row.id: row for row in side.rows()} if side.can_list else {}
    with transaction.atomic():
        records = list(_records(account, entity).select_for_update())
        if not side.can_list:
            theirs = _remembered(side, records, ours)
        seen = [_compared(record, ours, theirs) for record in records]
        known_here = {record.local_id for record in records}
        known_there = {record.remote_id for record in records}
        new = [
            RemoteRecord(account=account, entity=entity, local_id=row.id)
            for row in ours.values()
            if row.id not in known_here
        ]
        new += [
            RemoteRecord(account=account, entity=entity, remote_id=row.id)
            for row in theirs.values()
            if row.id not in known_there
        ]
        seen += [_compared(record, ours, theirs) for record in new]
        _keep(seen)
    vendor.forget_ids()
    return list(_records(account, entity))


def _remembered(
    side: RemoteSide[Any, Any], records: Iterable[RemoteRecord], ours: dict[int, LocalRow]
) -> dict[str, RemoteRow[Any]]:
    """The other side as our own pushes left it."""
    found = {}
    for record in records:
        if record.remote_id:
            local = ours.get(record.local_id) if record.local_id is not None else None
            found[record.remote_id] = side.remembered(
                record.remote_id, record.there, local.payload if local else None
            )
    return found


def _keep(seen: Sequence[RemoteRecord]) -> None:
    """Whose both sides are gone goes, too."""
    gone = [record.pk for record in seen if record.pk and record.local_id is None and not record.remote_id]
    RemoteRecord.objects.filter(pk__in=gone).delete()
    left = [record for record in seen if record.local_id is not None or record.remote_id]
    RemoteRecord.objects.bulk_create([record for record in left if not record.pk], batch_size=ROWS_AT_ONCE)
    RemoteRecord.objects.bulk_update(
        [record for record in left if record.pk], COMPARED_FIELDS, batch_size=ROWS_AT_ONCE
    )


def _compared(
    record: RemoteRecord, ours: dict[int, LocalRow], theirs: dict[str, RemoteRow[Any]]
) -> RemoteRecord:
    """The record as the two sides stand now."""
    local = ours.get(record.local_id) if record.local_id is not None else None
    remote = theirs.get(record.remote_id) if record.remote_id else None
    record.seen_at = timezone.now()
    if record.local_id is not None and local is None:
        record.local_id = None
    if record.remote_id and remote is None:
        record.remote_id, record.pushed = "", ""
    _set_state(record, local.payload if local else None, remote.payload if remote else None)
    _set_asks(record)
    return record


def _set_asks(record: RemoteRecord) -> None:
    """Whether it was changed there: not where what differs is our own, pushed in part or waiting to be."""
    is_theirs = (
        record.is_linked and record.due_at is None and record.differences != record.there.get(LEFT, [])
    )
    if record.state == SyncState.DIFFERS and record.differences and is_theirs:
        record.there = record.there | {ASKS: True}
    elif record.state != SyncState.FAILED:
        record.there = _without(record.there, ASKS)


def _set_state(record: RemoteRecord, local: Payload | None, remote: Payload | None) -> None:
    """What failed stays so until it is pushed again, or is the same by itself."""
    record.differences = []
    known = local or remote
    record.name = _name_of(known) if known else record.name
    if local is None or remote is None:
        state = SyncState.LOCAL_ONLY if local else SyncState.REMOTE_ONLY
    else:
        found = differences(local, remote)
        record.differences = [[one.field, one.local, one.remote] for one in found]
        stale = (
            bool(record.pushed)
            and bool(getattr(local, "version", ""))
            and record.pushed != fingerprint(local)
        )
        state = SyncState.DIFFERS if found or stale else SyncState.SAME
    if record.state == SyncState.FAILED and state != SyncState.SAME:
        return
    record.state, record.words = state, ""


# --- pushing and pulling --------------------------------------------------------------------------


def plan(*, account: ProviderAccount, direction: str, record_ids: Sequence[int]) -> list[Step]:
    """What `carry_out` would do with these, as they were last compared. Nothing is asked of the vendor."""
    sides = {name: side_of(account, name) for name in synced_entities(account)}
    records = [record for record in _in_order(account, record_ids) if record.entity in sides]
    changed = _changed_since(account, records) if direction == PUSH else set()
    return [
        _planned(record, direction, sides[record.entity], has_changed=record.pk in changed)
        for record in records
    ]


def _changed_since(account: ProviderAccount, records: Iterable[RemoteRecord]) -> set[int]:
    """Those that were the same when they were compared, and of which ours is not any more what was pushed."""
    same = [record for record in records if record.state == SyncState.SAME and record.pushed]
    found = set()
    for entity in {record.entity for record in same}:
        ours = {row.id: row.payload for row in entity_of(entity).rows(account.workspace)}
        found |= {
            record.pk
            for record in same
            if record.entity == entity
            and (payload := ours.get(record.local_id or 0)) is not None
            and fingerprint(payload) != record.pushed
        }
    return found


def _planned(
    record: RemoteRecord, direction: str, side: type[RemoteSide[Any, Any]], *, has_changed: bool
) -> Step:
    missing = record.local_id is None if direction == PUSH else not record.remote_id
    refusal = side.push_refusal if direction == PUSH else side.pull_refusal
    if refusal:
        return _step(record, direction, "nothing", refusal)
    if missing:
        error = (
            _("It is only there: pull it, or link it to one that is here.")
            if direction == PUSH
            else _("It is only here: push it, or link it to one that is there.")
        )
        return _step(record, direction, "nothing", error)
    if not record.is_linked:
        return _step(record, direction, "create")
    is_same = record.state == SyncState.SAME and not has_changed
    return _step(record, direction, "nothing" if is_same else "change")


def _step(record: RemoteRecord, direction: str, action: str, error: str = "") -> Step:
    found = tuple((field, ours, theirs) for field, ours, theirs in record.differences)
    return Step(record.pk, record.entity, record.name, direction, action, found, error, record.remote_id)


def carry_out(
    *, account: ProviderAccount, direction: str, record_ids: Sequence[int], actor: Actor
) -> list[Step]:
    """Pushes or pulls these, in the order in which they refer to each other; each by itself, so that one that fails stops
    no other, and a run that is cut short is simply run again. Raises ProviderAccountError where no call can be made."""
    steps = []
    with open_vendor(account) as vendor:
        for record in _in_order(account, record_ids):
            try:
                steps.append(carry_out_one(vendor, record, direction, actor))
            except (ConnectorError, SyncRefusedError) as error:
                steps.append(_step(record, direction, "nothing", in_words(error)))
    note_carried_out(account, direction, actor, done=sum(not step.error for step in steps), tried=len(steps))
    return steps


def note_carried_out(
    account: ProviderAccount, direction: str, actor: Actor, *, done: int, tried: int
) -> None:
    """In the audit trail."""
    words = "pushed to the provider" if direction == PUSH else "pulled from the provider"
    note_audit(account.workspace, actor, words, account, entities=done, failed=tried - done)


def carry_out_one(
    vendor: Vendor, record: RemoteRecord, direction: str, actor: Actor, planned: Plan | None = None
) -> Step:
    """Where it was planned, just that. Raises ConnectorError or SyncRefusedError; the record says so then, too, but for what
    is not as it was planned."""
    if planned is not None and not _is_still_to_do(record, direction, planned):
        return _step(record, direction, "nothing")
    try:
        if direction == PUSH:
            return _push(vendor, record, may_be_new=planned is None or planned.action == "create")
        return _pull(vendor, record, actor)
    except (ConnectorError, SyncRefusedError) as error:
        RemoteRecord.objects.filter(pk=record.pk).update(
            state=SyncState.FAILED, words=in_words(error)[:WORDS_MOST]
        )
        raise


def _is_still_to_do(record: RemoteRecord, direction: str, planned: Plan) -> bool:
    """Raises SyncRefusedError where something else than was planned would be done."""
    if planned.action == "nothing":
        return False
    if planned.action == "change" and not record.is_linked:
        raise SyncRefusedError(
            _(
                "It was linked when this was planned, and is not any more: compare both sides, and choose again."
            )
        )
    if planned.action == "change" and record.remote_id != planned.remote_id:
        raise SyncRefusedError(
            _("It was linked to another one when this was planned: compare both sides, and choose again.")
        )
    if planned.action == "create" and record.is_linked and not record.there.get(UNFINISHED):
        if record.state == SyncState.SAME:
            return False
        raise SyncRefusedError(
            _("It was not linked when this was planned, and is now: compare both sides, and choose again.")
        )
    return True


def in_words(error: ConnectorError | SyncRefusedError | ProviderAccountError) -> str:
    """Ours, and the vendor's behind them."""
    words = getattr(error, "words", "")
    return f"{error} ({words})" if words else str(error)


def _push(vendor: Vendor, record: RemoteRecord, *, may_be_new: bool = True) -> Step:
    """Idempotent: what is there already is left alone, and a creation whose answer was lost is found again by name.
    `may_be_new`: what is linked and gone there is created again."""
    if refusal := side_of(vendor.account, record.entity).push_refusal:
        raise SyncRefusedError(refusal)
    local = _local(vendor.account, record)
    if record.remote_id and record.state == SyncState.SAME and record.pushed == fingerprint(local.payload):
        _note_followed(record)
        return _step(record, PUSH, "nothing")
    side = vendor.side(record.entity)
    if not record.remote_id and record.there.get(UNCLEAR):
        record.remote_id = _find_lost(vendor, side, record, local.payload)
    action = "change" if record.remote_id else "create"
    if record.remote_id:
        try:
            side.change(record.remote_id, local.payload)
        except NotFound:
            if not may_be_new:
                raise
            action = "create"
    if action == "create":
        _create(vendor, side, record, local.payload)
    side.fill(record.remote_id, local.payload, record.there, partial(_note_there, record))
    _note_same(record, local.payload)
    note = _note_what_is_left(vendor, side, record)
    return replace(_step(record, PUSH, action), note=note)


def _note_what_is_left(vendor: Vendor, side: RemoteSide[Any, Any], record: RemoteRecord) -> str:
    """In a sentence, where the other side is still not as ours: what the vendor cannot be asked to do."""
    local = _local(vendor.account, record).payload
    remote = side.look_again(record.remote_id)
    if not side.can_list:
        remote = side.remembered(record.remote_id, record.there, local)
    if remote is None:
        return ""
    _set_state(record, local, remote.payload)
    record.save(update_fields=["state", "differences"])
    if not record.differences:
        return ""
    _note_there(record, record.there | {LEFT: record.differences})
    found = "; ".join(f"{field}: {theirs or '–'}" for field, _ours, theirs in record.differences)
    return _("Still different there (%(found)s). %(loses)s") % {"found": found, "loses": side.loses}


def _create(vendor: Vendor, side: RemoteSide[Any, Any], record: RemoteRecord, payload: Payload) -> None:
    """Whoever dies on the way leaves the record failed: the next push looks first whether it is there."""
    mine = RemoteRecord.objects.filter(pk=record.pk)
    of_its_name = _records(vendor.account, record.entity).filter(local_id=None, name=_name_of(payload))
    strangers = {STRANGERS: list(of_its_name.values_list("remote_id", flat=True))} if side.can_list else {}
    # What it was linked to is gone there.
    record.remote_id, record.pushed = "", ""
    mine.update(
        state=SyncState.FAILED,
        words=_("It was being created there when the work was cut short: push it again."),
        there={UNCLEAR: True} | strangers,
        remote_id="",
        pushed="",
    )
    try:
        record.remote_id = side.create(payload)
    except ConnectorError as error:
        # Some take several requests, and one behind the first may be what failed. A name that is taken is the first's.
        if isinstance(error, Conflict) or (error.certainly_not_sent and not side.can_list):
            mine.update(there={})
        raise
    # Before anything else can go wrong: what is linked is never created twice.
    record.there = {UNFINISHED: True}
    mine.update(remote_id=record.remote_id, there=record.there)
    vendor.forget_ids()


def _note_there(record: RemoteRecord, there: dict[str, Any]) -> None:
    record.there = there | {OF: record.local_id}
    RemoteRecord.objects.filter(pk=record.pk).update(there=record.there)


def _find_lost(vendor: Vendor, side: RemoteSide[Any, Any], record: RemoteRecord, payload: Payload) -> str:
    """The id of what an earlier, unclear push created: of that name and content, linked to nothing of ours, and none of
    those that bore the name before."""
    if not side.can_list:
        _ask_whether_it_is_there(vendor, record, payload)
        return ""
    linked = _records(vendor.account, record.entity).exclude(local_id=None)
    others = {*linked.values_list("remote_id", flat=True), *record.there.get(STRANGERS, ())}
    named = [row for row in side.rows() if row.payload.name == payload.name and row.id not in others]
    found = [row.id for row in named if _may_be_made_of(payload, row.payload)]
    if len(found) == 1:
        _records(vendor.account, record.entity).filter(remote_id=found[0], local_id=None).delete()
        RemoteRecord.objects.filter(pk=record.pk).update(remote_id=found[0])
        return found[0]
    if named:
        _say_once_that_one_is_there(record, payload)
    return ""


def _may_be_made_of(local: Payload, remote: Payload) -> bool:
    return all(one.field in SETTLED_LATER for one in differences(local, remote))


def _say_once_that_one_is_there(record: RemoteRecord, payload: Payload) -> None:
    """Whoever pushes again has looked."""
    RemoteRecord.objects.filter(pk=record.pk).update(there={})
    raise SyncRefusedError(
        _(
            "“%(name)s” may have been created there already, and what bears its name there may be somebody else's: compare"
            " both sides, and link the two; or push it again to have another one."
        )
        % {"name": payload.name}
    )


def _ask_whether_it_is_there(vendor: Vendor, record: RemoteRecord, payload: Payload) -> None:
    """A person has to look where the vendor cannot be asked. Said once: whoever pushes again has looked."""
    RemoteRecord.objects.filter(pk=record.pk).update(there={})
    label = REGISTRY[vendor.account.vendor].label
    raise SyncRefusedError(
        _(
            "%(vendor)s may have created “%(name)s” already, and has no call that tells. Look there: if it is there, link it"
            " by its id; if it is not, push it again."
        )
        % {"vendor": label, "name": payload.name}
    )


def _pull(vendor: Vendor, record: RemoteRecord, actor: Actor) -> Step:
    if refusal := side_of(vendor.account, record.entity).pull_refusal:
        raise SyncRefusedError(refusal)
    remote = vendor.rows(record.entity).get(record.remote_id)
    if remote is None:
        raise SyncRefusedError(_("It is not there any more."))
    entity = entity_of(record.entity)
    remote = _with_numbers(remote)
    with transaction.atomic():
        if record.local_id is None:
            action = "create"
            record.local_id = entity.create(vendor.account.workspace, remote.payload, actor)
            entity.bind(vendor.account.workspace, record.local_id, vendor.account, actor)
        else:
            action = "change"
            entity.change(vendor.account.workspace, record.local_id, remote.payload, actor)
        vendor.forget_ids()
        local = _local(vendor.account, record)
        record.pushed = fingerprint(local.payload)
        record.state, record.words, record.due_at = SyncState.SAME, "", None
        record.there = _without(record.there, ASKS, LEFT)
        _set_state(record, local.payload, remote.payload)
        record.save()
    return _step(record, PULL, action)


def _with_numbers(remote: RemoteRow[Any]) -> RemoteRow[Any]:
    """Those of a list are asked for before any transaction. More than are pulled are not: our side refuses them."""
    payload = remote.payload
    if not isinstance(payload, PeoplePayload) or not payload.numbers or payload.count > NUMBERS_READ_MOST:
        return remote
    numbers = tuple(payload.numbers())
    return RemoteRow(remote.id, replace(payload, numbers=lambda: iter(numbers)))


def _local(account: ProviderAccount, record: RemoteRecord) -> LocalRow:
    local = (
        None if record.local_id is None else entity_of(record.entity).row(account.workspace, record.local_id)
    )
    if local is None:
        raise SyncRefusedError(_("It is not here any more."))
    return local


def _note_same(record: RemoteRecord, payload: Payload) -> None:
    record.state, record.words, record.differences = SyncState.SAME, "", []
    record.there = _without(record.there, UNFINISHED, ASKS, LEFT)
    record.name = _name_of(payload)
    record.pushed, record.pushed_at = fingerprint(payload), timezone.now()
    # Unlinked meanwhile it stays so.
    RemoteRecord.objects.filter(pk=record.pk, remote_id=record.remote_id).update(
        **{name: getattr(record, name) for name in PUSHED_FIELDS}
    )
    _note_followed(record)


def _note_followed(record: RemoteRecord) -> None:
    """What was changed here since the record was read is still to be pushed."""
    RemoteRecord.objects.filter(pk=record.pk, due_at=record.due_at).update(due_at=None, tries=0)


def _name_of(payload: Payload) -> str:
    return shown_text(payload.name)[:255]


def _without(there: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in there.items() if name not in names}


# --- linking --------------------------------------------------------------------------------------


def link(
    *, account: ProviderAccount, entity: str, local_id: int, remote_id: str, actor: Actor
) -> RemoteRecord:
    """Says that the two are one. Neither is changed: where they differ, a push or a pull decides. Raises
    ProviderAccountError."""
    side = side_of(account, entity)
    with transaction.atomic():
        rows = _records(account, entity).select_for_update()
        here = rows.filter(local_id=local_id).first()
        there = rows.filter(remote_id=remote_id).first()
        if there is None and here is not None and not side.can_list and not here.remote_id:
            there = RemoteRecord(account=account, entity=entity, remote_id=remote_id, name=here.name)
        if here is None or there is None:
            raise ProviderAccountError(
                _("%(id)s is not known: check the id, or compare both sides first.")
                % {"id": local_id if here is None else f"“{remote_id[:64]}”"},
                field="local_id" if here is None else "remote_id",
            )
        if here.remote_id or there.local_id is not None:
            raise ProviderAccountError(
                _("%(name)s is linked already: unlink it first.")
                % {"name": here.name if here.remote_id else there.name},
                field="local_id" if here.remote_id else "remote_id",
                code="wrong_state",
            )
        if there.pk:
            there.delete()
        _join(here, there)
        here.save()
        note_audit(account.workspace, actor, "linked", account, entity=entity, name=here.name)
    return here


def link_by_name(*, account: ProviderAccount, entity: str, actor: Actor) -> int:
    """Links whatever bears one name here and there, and no other on either side has it; returns how many. Raises
    ProviderAccountError."""
    side_of(account, entity)
    with transaction.atomic():
        rows = list(_records(account, entity).select_for_update())
        here = _by_name(record for record in rows if record.local_id is not None and not record.remote_id)
        there = _by_name(record for record in rows if record.local_id is None)
        pairs = [(here[name], there[name]) for name in here.keys() & there.keys()]
        RemoteRecord.objects.filter(pk__in=[remote.pk for _local, remote in pairs]).delete()
        for local, remote in pairs:
            _join(local, remote)
        RemoteRecord.objects.bulk_update(
            [local for local, _remote in pairs], LINKED_FIELDS, batch_size=ROWS_AT_ONCE
        )
        if pairs:
            note_audit(account.workspace, actor, "linked", account, entity=entity, entities=len(pairs))
    return len(pairs)


def _join(here: RemoteRecord, there: RemoteRecord) -> None:
    """What was brought there of another one of ours is known of it still, and how far this one got is its own."""
    assert here.local_id is not None
    here.remote_id, here.state, here.words, here.pushed = there.remote_id, SyncState.DIFFERS, "", ""
    known = there.there
    if (was_of := known.get(OF, here.local_id)) != here.local_id:
        marks = {str(was_of): known.get(MARK, 0), **known.get(MARKS, {})}
        mark = marks.pop(str(here.local_id), 0)
        known = known | {OF: here.local_id, MARK: mark, MARKS: marks}
    here.there = known


def _by_name(records: Iterable[RemoteRecord]) -> dict[str, RemoteRecord]:
    """Those whose name is theirs alone."""
    found: dict[str, list[RemoteRecord]] = {}
    for record in records:
        found.setdefault(record.name, []).append(record)
    return {name: some[0] for name, some in found.items() if len(some) == 1}


def unlink(*, record: RemoteRecord, actor: Actor) -> None:
    """Both stay as they are, and know nothing of each other any more. Raises ProviderAccountError."""
    with transaction.atomic():
        record = (
            RemoteRecord.objects.select_related("account__workspace")
            .select_for_update(of=("self",))
            .get(pk=record.pk)
        )
        if not record.is_linked:
            raise ProviderAccountError(
                _("%(name)s is not linked.") % {"name": record.name}, field="id", code="wrong_state"
            )
        remote_id, record.remote_id = record.remote_id, ""
        record.state, record.words, record.differences, record.pushed = SyncState.LOCAL_ONLY, "", [], ""
        there = _without(record.there, UNFINISHED, ASKS, LEFT)
        if there:
            there = {OF: record.local_id} | there
        record.there, record.due_at = {}, None
        record.save()
        RemoteRecord.objects.create(
            account=record.account,
            entity=record.entity,
            remote_id=remote_id,
            name=record.name,
            state=SyncState.REMOTE_ONLY,
            there=there,
        )
        note_audit(
            record.account.workspace,
            actor,
            "unlinked",
            record.account,
            entity=record.entity,
            name=record.name,
        )


# --- changes that follow by themselves ------------------------------------------------------------


def note_changed(*, workspace_id: int, entity: str, local_id: int) -> bool:
    """Called within the transaction of the change. Whether anything is linked and now waits to be pushed. What was changed
    there as well, as far as a comparison found, waits for a person instead: neither is written over unasked."""
    linked = RemoteRecord.objects.filter(
        account__workspace=workspace_id,
        account__enabled=True,
        account__vendor__in=_pushed_to(entity),
        entity=entity,
        local_id=local_id,
    ).exclude(remote_id="")
    asking = linked.filter(Q(pushed="") | Q(there__asks=True), state=SyncState.DIFFERS)
    ids = list(asking.values_list("pk", flat=True))
    if ids:
        RemoteRecord.objects.filter(pk__in=ids).update(words=_both_changed())
    return bool(linked.exclude(pk__in=ids).update(due_at=timezone.now(), tries=0))


def _both_changed() -> str:
    return _(
        "It was changed here, and is different there as well. Push it or pull it: one replaces the other."
    )


def _pushed_to(entity: str) -> list[str]:
    """Vendors that take changes of this kind."""
    return [
        slug
        for slug, vendor in REGISTRY.items()
        if any(side.entity == entity and not side.push_refusal for side in vendor.remote_sides)
    ]


def is_any_due() -> bool:
    return RemoteRecord.objects.filter(due_at__lte=timezone.now()).exists()


def push_due(limit: int = 100) -> int:
    """Pushes what waits, oldest first; returns how many were tried. What fails is tried later and later, and then left to a
    person."""
    tried = 0
    while record := _claim_due():
        tried += 1
        _push_claimed(record)
        if tried >= limit:
            break
    return tried


def _claim_due() -> RemoteRecord | None:
    now = timezone.now()
    with transaction.atomic():
        # What a run is at is left to it until it has ended.
        busy = SyncRun.objects.filter(
            account=OuterRef("account"), state__in=(SyncRunState.WAITING, SyncRunState.RUNNING)
        )
        due = RemoteRecord.objects.filter(~Exists(busy), due_at__lte=now).order_by("due_at", "id")
        record = (
            due.select_related("account__workspace").select_for_update(of=("self",), skip_locked=True).first()
        )
        if record is None:
            return None
        record.due_at = now + LEASE
        record.tries = min(record.tries + 1, 30000)
        record.save(update_fields=["due_at", "tries"])
    return record


def _push_claimed(record: RemoteRecord) -> None:
    account, claimed_until = record.account, record.due_at
    mine = RemoteRecord.objects.filter(pk=record.pk, due_at=claimed_until)
    try:
        with open_vendor(account) as vendor:
            _push(vendor, record)
    except (ConnectorError, SyncRefusedError, ProviderAccountError) as error:
        later = timezone.now() + min(FIRST_RETRY * 2 ** min(record.tries - 1, 20), LONGEST_RETRY)
        may_again = not isinstance(error, SyncRefusedError) and record.tries < TRIES_MOST
        mine.update(
            state=SyncState.FAILED, words=in_words(error)[:WORDS_MOST], due_at=later if may_again else None
        )
        unclear = isinstance(error, Unclear)
        log.warning("not pushed", record=record.pk, entity=record.entity, unclear=unclear, again=may_again)


# --- the vendor -----------------------------------------------------------------------------------


class Vendor:
    """One account's client and its sides, with what is linked."""

    def __init__(self, account: ProviderAccount, client: VendorClient) -> None:
        self.account = account
        self._client = client
        self._sides = {side.entity: side for side in REGISTRY[account.vendor].remote_sides}
        self._ids: Ids | None = None
        self._rows: dict[str, dict[str, RemoteRow[Any]]] = {}

    def rows(self, entity: str) -> dict[str, RemoteRow[Any]]:
        """Of one kind, by id; read once for many that are pulled."""
        if entity not in self._rows:
            self._rows[entity] = {row.id: row for row in self.side(entity).rows()}
        return self._rows[entity]

    def side(self, entity: str) -> RemoteSide[Any, Any]:
        if entity not in self._sides:
            raise ProviderAccountError(
                _("%(vendor)s has nothing of this kind.") % {"vendor": REGISTRY[self.account.vendor].label},
                field="entity",
            )
        return self._sides[entity](self._client, self.ids)

    @property
    def ids(self) -> Ids:
        if self._ids is None:
            linked: dict[str, dict[int, str]] = {}
            rows = RemoteRecord.objects.filter(account=self.account, local_id__isnull=False).exclude(
                remote_id=""
            )
            for entity, local_id, remote_id in rows.values_list("entity", "local_id", "remote_id"):
                linked.setdefault(entity, {})[local_id or 0] = remote_id
            self._ids = Ids(linked)
        return self._ids

    def forget_ids(self) -> None:
        self._ids = None


@contextmanager
def open_vendor(account: ProviderAccount, listener: Listener | None = None) -> Iterator[Vendor]:
    """Raises ProviderAccountError where the account's settings cannot be used; a comparison's ConnectorError becomes one."""
    try:
        connector = connector_of(account)
        heard = listener or listener_of(account)
        with REGISTRY[account.vendor].Client(connector, listener=heard) as client:
            yield Vendor(account, client)
    except ConnectorError as error:
        raise ProviderAccountError(in_words(error), field="account", code="vendor_refused") from None
    except (ImproperlyConfigured, KeyError) as error:
        raise ProviderAccountError(str(error), field="account") from None


def _records(account: ProviderAccount, entity: str) -> Any:
    return RemoteRecord.objects.filter(account=account, entity=entity).order_by("name", "id")


def _in_order(account: ProviderAccount, record_ids: Iterable[int]) -> list[RemoteRecord]:
    """Each behind those that it may refer to."""
    place = {name: at for at, name in enumerate(synced_entities(account))}
    rows = RemoteRecord.objects.filter(account=account, pk__in=list(record_ids)).select_related(
        "account__workspace"
    )
    return sorted(rows, key=lambda record: (place.get(record.entity, 99), record.pk))
