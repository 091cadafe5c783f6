"""Campaigns: made, changed, one of them the workspace's default."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from web.names import name_problem, stripped_name

DEFAULT_NAME = _("General")


def default_campaign(workspace: Workspace) -> Campaign:
    """The workspace's default, made when there is none yet."""
    found = workspace.campaigns.filter(is_default=True).first()
    if found:
        return found
    campaign, _made = Campaign.objects.get_or_create(
        workspace=workspace, name=str(DEFAULT_NAME), defaults={"is_default": True}
    )
    if not campaign.is_default:
        Campaign.objects.filter(pk=campaign.pk).update(is_default=True)
        campaign.is_default = True
    return campaign


def create_campaign(
    *,
    workspace: Workspace,
    actor: Actor,
    name: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
    is_default: bool = False,
) -> Campaign:
    campaign = Campaign(workspace=workspace, name=name, starts_on=starts_on, ends_on=ends_on)
    _save(campaign)
    if is_default:
        set_default_campaign(campaign=campaign, actor=actor)
    record(workspace, actor, "created", campaign)
    return campaign


def update_campaign(*, campaign: Campaign, actor: Actor, **changes: Any) -> Campaign:
    """`changes`: name, starts_on, ends_on, enabled."""
    for name, value in changes.items():
        setattr(campaign, name, value)
    if campaign.is_default and not campaign.enabled:
        raise CampaignError(_("The default campaign cannot be disabled. Make another one the default first."))
    _save(campaign)
    record(campaign.workspace, actor, "changed", campaign)
    return campaign


def set_default_campaign(*, campaign: Campaign, actor: Actor) -> None:
    if not campaign.enabled:
        raise CampaignError(_("A disabled campaign cannot be the default. Enable it first."))
    with transaction.atomic():
        campaign.workspace.campaigns.filter(is_default=True).update(is_default=False)
        Campaign.objects.filter(pk=campaign.pk).update(is_default=True)
    campaign.is_default = True


def _save(campaign: Campaign) -> None:
    campaign.name = stripped_name(campaign.name)
    if problem := name_problem(campaign.name):
        raise CampaignError(problem, field="name")
    if not campaign.name:
        raise CampaignError(_("A campaign needs a name."), field="name")
    if campaign.starts_on and campaign.ends_on and campaign.ends_on < campaign.starts_on:
        raise CampaignError(_("The last day is before the first day."), field="ends_on")
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        raise CampaignError(
            _("There is a campaign named %(name)s already. Choose another name.") % {"name": campaign.name},
            field="name",
        ) from None
