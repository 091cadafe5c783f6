"""Comparing, pushing and pulling what an account's vendor has, too. One entity at a time; what fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record as note_audit
from providers.connectors import REGISTRY
from providers.connectors.operations import VendorClient
from providers.errors import ConnectorError, NotFound, Unclear
from providers.models import ProviderAccount, RemoteRecord, SyncState
from providers.services.accounts import connector_of
from providers.services.refusals import ProviderAccountError
from providers.services.traffic import listener_of
from providers.sync.payloads import Payload, differences, fingerprint
from providers.sync.registry import Entity, LocalRow, SyncRefusedError, entities, entity_of
from providers.sync.remotes import Ids, RemoteRow, RemoteSide

log = structlog.get_logger("crier.sync")

PUSH, PULL = "push", "pull"
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)
TRIES_MOST = 12


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


def synced_entities(account: ProviderAccount) -> dict[str, Entity]:
    """What is here and at the account's vendor, in the order of pushing."""
    vendor = REGISTRY.get(account.vendor)
    there = {side.entity for side in vendor.remote_sides} if vendor else set()
    return {name: entity for name, entity in entities().items() if name in there}


# --- comparing ------------------------------------------------------------------------------------


def compare(*, account: ProviderAccount, entity: str) -> list[RemoteRecord]:
    """Reads both sides whole and writes down how they stand. Raises ProviderAccountError with the vendor's words."""
    ours = {row.id: row for row in entity_of(entity).rows(account.workspace)}
    with _open(account) as vendor:
        theirs = {row.id: row for row in vendor.side(entity).rows()}
    with transaction.atomic():
        records = list(_records(account, entity).select_for_update())
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
    return list(_records(account, entity))


def _keep(seen: Sequence[RemoteRecord]) -> None:
    """Whose both sides are gone goes, too."""
    gone = [record.pk for record in seen if record.local_id is None and not record.remote_id and record.pk]
    RemoteRecord.objects.filter(pk__in=gone).delete()
    for record in seen:
        if record.local_id is not None or record.remote_id:
            record.save()


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
    return record


def _set_state(record: RemoteRecord, local: Payload | None, remote: Payload | None) -> None:
    """What failed stays so until it is pushed again, or is the same by itself."""
    record.differences = []
    known = local or remote
    record.name = known.name[:255] if known else record.name
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
    return [_planned(record, direction) for record in _in_order(account, record_ids)]


def _planned(record: RemoteRecord, direction: str) -> Step:
    missing = record.local_id is None if direction == PUSH else not record.remote_id
    if missing:
        error = _("It is not here any more.") if direction == PUSH else _("It is not there any more.")
        return _step(record, direction, "nothing", error)
    if not record.is_linked:
        return _step(record, direction, "create")
    return _step(record, direction, "nothing" if record.state == SyncState.SAME else "change")


def _step(record: RemoteRecord, direction: str, action: str, error: str = "") -> Step:
    found = tuple((field, ours, theirs) for field, ours, theirs in record.differences)
    return Step(record.pk, record.entity, record.name, direction, action, found, error)


def carry_out(
    *, account: ProviderAccount, direction: str, record_ids: Sequence[int], actor: Actor
) -> list[Step]:
    """Pushes or pulls these, in the order in which they refer to each other; each by itself, so that one that fails stops
    no other, and a run that is cut short is simply run again. Raises ProviderAccountError where no call can be made."""
    steps = []
    with _open(account) as vendor:
        for record in _in_order(account, record_ids):
            work = _push if direction == PUSH else _pull
            steps.append(_safely(vendor, record, direction, actor, work))
    done = sum(not step.error for step in steps)
    words = "pushed to the provider" if direction == PUSH else "pulled from the provider"
    note_audit(account.workspace, actor, words, account, entities=done, failed=len(steps) - done)
    return steps


def _safely(
    vendor: _Vendor,
    record: RemoteRecord,
    direction: str,
    actor: Actor,
    work: Callable[[_Vendor, RemoteRecord, Actor], Step],
) -> Step:
    try:
        return work(vendor, record, actor)
    except (ConnectorError, SyncRefusedError) as error:
        words = getattr(error, "words", "")
        sentence = f"{error} ({words})" if words else str(error)
        RemoteRecord.objects.filter(pk=record.pk).update(state=SyncState.FAILED, words=sentence[:500])
        return _step(record, direction, "nothing", sentence)


def _push(vendor: _Vendor, record: RemoteRecord, actor: Actor) -> Step:
    """Idempotent: what is there already is left alone, and a creation whose answer was lost is found again by name."""
    local = _local(vendor.account, record)
    if record.remote_id and record.state == SyncState.SAME and record.pushed == fingerprint(local.payload):
        RemoteRecord.objects.filter(pk=record.pk).update(due_at=None, tries=0)
        return _step(record, PUSH, "nothing")
    side = vendor.side(record.entity)
    if not record.remote_id and record.state == SyncState.FAILED:
        record.remote_id = _find_lost(vendor, side, record, local.payload)
    if not record.remote_id:
        action = "create"
        record.remote_id = side.create(local.payload)
        # Before anything else can go wrong: what is linked is never created twice.
        RemoteRecord.objects.filter(pk=record.pk).update(remote_id=record.remote_id)
        vendor.forget_ids()
    else:
        action = "change"
        try:
            side.change(record.remote_id, local.payload)
        except NotFound:
            action = "create"
            record.remote_id = side.create(local.payload)
            vendor.forget_ids()
    _note_same(record, local.payload)
    return _step(record, PUSH, action)


def _find_lost(vendor: _Vendor, side: RemoteSide[Any, Any], record: RemoteRecord, payload: Payload) -> str:
    """The id of what an earlier, unclear push created: of that name, and linked to nothing of ours."""
    if not side.can_list:
        return ""
    linked = set(
        _records(vendor.account, record.entity).exclude(local_id=None).values_list("remote_id", flat=True)
    )
    for row in side.rows():
        if row.payload.name == payload.name and row.id not in linked:
            _records(vendor.account, record.entity).filter(remote_id=row.id, local_id=None).delete()
            return row.id
    return ""


def _pull(vendor: _Vendor, record: RemoteRecord, actor: Actor) -> Step:
    side = vendor.side(record.entity)
    remote = next((row for row in side.rows() if row.id == record.remote_id), None)
    if remote is None:
        raise SyncRefusedError(_("It is not there any more."))
    entity = entity_of(record.entity)
    with transaction.atomic():
        if record.local_id is None:
            action = "create"
            record.local_id = entity.create(vendor.account.workspace, remote.payload, actor)
        else:
            action = "change"
            entity.change(vendor.account.workspace, record.local_id, remote.payload, actor)
        vendor.forget_ids()
        local = _local(vendor.account, record)
        record.pushed = fingerprint(local.payload)
        record.state, record.words, record.due_at = SyncState.SAME, "", None
        _set_state(record, local.payload, remote.payload)
        record.save()
    return _step(record, PULL, action)


def _local(account: ProviderAccount, record: RemoteRecord) -> LocalRow:
    local = (
        None if record.local_id is None else entity_of(record.entity).row(account.workspace, record.local_id)
    )
    if local is None:
        raise SyncRefusedError(_("It is not here any more."))
    return local


def _note_same(record: RemoteRecord, payload: Payload) -> None:
    record.state, record.words, record.differences = SyncState.SAME, "", []
    record.name = payload.name[:255]
    record.pushed, record.pushed_at = fingerprint(payload), timezone.now()
    record.due_at, record.tries = None, 0
    record.save()


# --- linking --------------------------------------------------------------------------------------


def link(
    *, account: ProviderAccount, entity: str, local_id: int, remote_id: str, actor: Actor
) -> RemoteRecord:
    """Says that the two are one. Neither is changed: where they differ, a push or a pull decides."""
    with transaction.atomic():
        rows = _records(account, entity).select_for_update()
        here = rows.filter(local_id=local_id).first()
        there = rows.filter(remote_id=remote_id).first()
        if here is None or there is None:
            raise ProviderAccountError(_("Compare both sides first."), field="entity")
        if here.remote_id or there.local_id is not None:
            raise ProviderAccountError(_("One of them is linked already: unlink it first."), field="entity")
        there.delete()
        here.remote_id, here.state, here.words = remote_id, SyncState.DIFFERS, ""
        here.save()
        note_audit(account.workspace, actor, "linked", account, entity=entity, name=here.name)
    return here


def unlink(*, record: RemoteRecord, actor: Actor) -> None:
    """Both stay as they are, and know nothing of each other any more."""
    with transaction.atomic():
        remote_id, record.remote_id = record.remote_id, ""
        record.state, record.words, record.differences, record.pushed = SyncState.LOCAL_ONLY, "", [], ""
        record.due_at = None
        record.save()
        RemoteRecord.objects.create(
            account=record.account,
            entity=record.entity,
            remote_id=remote_id,
            name=record.name,
            state=SyncState.REMOTE_ONLY,
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
    """Called within the transaction of the change. Whether anything is linked and now waits to be pushed."""
    linked = RemoteRecord.objects.filter(
        account__workspace=workspace_id, account__enabled=True, entity=entity, local_id=local_id
    ).exclude(remote_id="")
    return bool(linked.update(due_at=timezone.now(), tries=0))


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
        due = RemoteRecord.objects.filter(due_at__lte=now).order_by("due_at", "id")
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
        with _open(account) as vendor:
            _push(vendor, record, Actor())
    except (ConnectorError, SyncRefusedError, ProviderAccountError) as error:
        later = timezone.now() + min(FIRST_RETRY * 2 ** min(record.tries - 1, 20), LONGEST_RETRY)
        may_again = not isinstance(error, SyncRefusedError) and record.tries < TRIES_MOST
        words = getattr(error, "words", "") or ""
        sentence = f"{error} ({words})" if words else str(error)
        mine.update(state=SyncState.FAILED, words=sentence[:500], due_at=later if may_again else None)
        unclear = isinstance(error, Unclear)
        log.warning("not pushed", record=record.pk, entity=record.entity, unclear=unclear, again=may_again)


# --- the vendor -----------------------------------------------------------------------------------


class _Vendor:
    """One account's client and its sides, with what is linked."""

    def __init__(self, account: ProviderAccount, client: VendorClient) -> None:
        self.account = account
        self._client = client
        self._sides = {side.entity: side for side in REGISTRY[account.vendor].remote_sides}
        self._ids: Ids | None = None

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
def _open(account: ProviderAccount) -> Iterator[_Vendor]:
    """Raises ProviderAccountError where the account's settings cannot be used; a comparison's ConnectorError becomes one."""
    try:
        connector = connector_of(account)
        with REGISTRY[account.vendor].Client(connector, listener=listener_of(account)) as client:
            yield _Vendor(account, client)
    except ConnectorError as error:
        words = f"{error} ({error.words})" if error.words else str(error)
        raise ProviderAccountError(words, field="account", code="vendor_refused") from None
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
