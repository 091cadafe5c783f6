"""How a campaign becomes a neutral payload, and back; see providers/sync."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.services.campaigns import create_campaign, update_campaign
from providers.sync.payloads import CampaignPayload, Payload
from providers.sync.registry import Entity, LocalRow, SyncRefusedError


class CampaignEntity(Entity):
    name, label = "campaign", gettext_lazy("Campaigns")
    subject = "campaign"

    def rows(self, workspace: Workspace) -> list[LocalRow]:
        return [LocalRow(row.pk, _payload(row)) for row in workspace.campaigns.order_by("pk")]

    def row(self, workspace: Workspace, local_id: int) -> LocalRow | None:
        row = workspace.campaigns.filter(pk=local_id).first()
        return LocalRow(row.pk, _payload(row)) if row is not None else None

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, CampaignPayload)
        try:
            made = create_campaign(
                workspace=workspace,
                actor=actor,
                name=payload.name,
                starts_on=payload.starts_on,
                ends_on=payload.ends_on,
            )
            if not payload.enabled:
                update_campaign(campaign=made, actor=actor, enabled=False)
        except CampaignError as error:
            raise SyncRefusedError(str(error)) from None
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        assert isinstance(payload, CampaignPayload)
        campaign = workspace.campaigns.filter(pk=local_id).first()
        if campaign is None:
            raise SyncRefusedError(_("It is not here any more."))
        changes = {
            "name": payload.name,
            "starts_on": payload.starts_on,
            "ends_on": payload.ends_on,
            "enabled": payload.enabled,
        }
        try:
            update_campaign(campaign=campaign, actor=actor, **changes)
        except CampaignError as error:
            raise SyncRefusedError(str(error)) from None


def _payload(row: Campaign) -> CampaignPayload:
    return CampaignPayload(name=row.name, enabled=row.enabled, starts_on=row.starts_on, ends_on=row.ends_on)
