"""What pages and API show of sync: each kind with its counts, and fields by names that people know."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from providers.models import ProviderAccount, RemoteRecord, SyncRunStep, SyncState, SyncStepState
from providers.services.sync import side_of, synced_entities

FIELDS: dict[str, str | Promise] = {
    "name": _("Name"),
    "enabled": _("Enabled"),
    "starts_on": _("First day"),
    "ends_on": _("Last day"),
    "senders": _("Senders"),
    "url": _("Address"),
    "bot_redirect": _("Address for PCs"),
    "preview_url": _("Address for previews"),
    "urls": _("Addresses"),
    "words": _("Words"),
    "body": _("Text"),
    "count": _("People"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """`counts` by state; `loses`: what gets lost on the way there, `push_refusal` and `pull_refusal` why one of them
    cannot be, each a sentence or ""."""

    entity: str
    label: str
    counts: dict[str, int]
    compared_at: datetime | None
    loses: str = ""
    push_refusal: str = ""
    pull_refusal: str = ""
    can_list: bool = True

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def kinds_of(account: ProviderAccount) -> list[Kind]:
    """In the order of pushing. Two queries, however many kinds and records there are."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SyncState.values, 0))
    compared = _compared_without_finding(account)
    rows = (
        RemoteRecord.objects.filter(account=account)
        .values("entity", "state")
        .annotate(many=Count("id"), seen=Max("seen_at"))
        .order_by()
    )
    for row in rows:
        counts[row["entity"]][row["state"]] = row["many"]
        if row["seen"]:
            compared[row["entity"]] = max(row["seen"], compared.get(row["entity"], row["seen"]))
    kinds = []
    for name, entity in synced_entities(account).items():
        side = side_of(account, name)
        kinds.append(
            Kind(
                name,
                str(entity.label),
                counts[name],
                compared.get(name),
                side.loses,
                side.push_refusal,
                side.pull_refusal,
                side.can_list,
            )
        )
    return kinds


def _compared_without_finding(account: ProviderAccount) -> dict[str, datetime]:
    """By kind, from the runs: where neither side has any, no record says when."""
    done = SyncRunStep.objects.filter(run__account=account, action="compare", state=SyncStepState.DONE)
    rows = done.values_list("entity").annotate(Max("run__created_at")).order_by()
    return dict(rows)


def field_label(name: str) -> str:
    return str(FIELDS.get(name, name))
