"""Campaigns: groups of broadcasts by date and goal."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from campaigns.errors import CampaignError
from campaigns.forms import CampaignForm, EditCampaignForm
from campaigns.models import Campaign
from campaigns.services.campaigns import create_campaign, set_default_campaign, update_campaign
from campaigns.services.overview import rows_of
from campaigns.templatetags.broadcasts import money_text, percent_of
from messaging.dispatches import with_branches
from messaging.models import Dispatch, MessageCount
from sms.states import MessageState
from web.edited import values_of
from web.toasts import toast

SHOWN_BROADCASTS = 100


@viewer_page
@require_http_methods(["GET", "POST"])
def campaign_list(request: Any) -> HttpResponse:
    """All of them, and below a form for a new one."""
    if request.method == "POST":
        return _create(request)
    return _list_page(request, CampaignForm())


def _list_page(request: Any, form: CampaignForm, status: int = 200) -> HttpResponse:
    rows = request.workspace.campaigns.annotate(
        broadcast_count=Count("broadcasts"), last=Max("broadcasts__launched_at")
    )
    context = {
        "campaigns": rows.order_by("-is_default", "-enabled", "name"),
        "form": form,
        "may_write": role_allows(request.membership.role, Role.MARKETER),
    }
    return render(request, "campaigns/campaign_list.html", context, status=status)


@marketer_page
def _create(request: Any) -> HttpResponse:
    form = CampaignForm(request.POST)
    if form.is_valid():
        try:
            campaign = create_campaign(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except CampaignError as error:
            form.add_error(error.field or None, str(error.sentence))
        else:
            toast(request, _("Made the campaign %(name)s.") % {"name": campaign.name})
            return redirect("campaign-detail", campaign.pk)
    return _list_page(request, form, status=422)


@viewer_page
@require_http_methods(["GET", "POST"])
def campaign_detail(request: Any, pk: int) -> HttpResponse:
    campaign = get_row(request, Campaign.objects.select_related("workspace"), pk=pk)
    if request.method == "POST":
        return _update(request, campaign)
    return _detail_page(
        request, campaign, EditCampaignForm(initial=_initial(campaign), now=_initial(campaign))
    )


def _initial(campaign: Campaign) -> dict[str, Any]:
    return values_of(campaign, EditCampaignForm.base_fields)


def _detail_page(request: Any, campaign: Campaign, form: EditCampaignForm, status: int = 200) -> HttpResponse:
    rows = rows_of(
        list(campaign.broadcasts.select_related("sender", "sender_list").order_by("-id")[:SHOWN_BROADCASTS])
    )
    context = {
        "campaign": campaign,
        "form": form,
        "rows": rows,
        "stats": _totals(campaign),
        "may_write": role_allows(request.membership.role, Role.MARKETER),
    }
    return render(request, "campaigns/campaign_detail.html", context, status=status)


def _totals(campaign: Campaign) -> list[dict[str, str]]:
    """Over all its broadcasts."""
    leads = Dispatch.objects.filter(segment__broadcast__campaign=campaign)
    # Through a route there are others beside them.
    dispatches = Dispatch.objects.filter(pk__in=with_branches(leads.values_list("pk", flat=True)))
    counts = dict(
        MessageCount.objects.filter(dispatch__in=dispatches).values_list("state").annotate(total=Sum("count"))
    )
    people = sum(counts.values())
    delivered = counts.get(MessageState.DELIVERED.value, 0)
    cost = dispatches.aggregate(total=Sum("cost"))["total"]
    return [
        {"label": _("Broadcasts"), "value": f"{campaign.broadcasts.count():,}", "sub": ""},
        {"label": _("People"), "value": f"{people:,}", "sub": ""},
        {"label": _("Delivered"), "value": f"{delivered:,}", "sub": percent_of(delivered, people)},
        {"label": _("Spent"), "value": money_text(cost or 0, campaign.workspace.currency), "sub": ""},
    ]


@marketer_page
@transaction.atomic
def _update(request: Any, campaign: Campaign) -> HttpResponse:
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    form = EditCampaignForm(request.POST, now=_initial(campaign))
    if form.is_valid():
        try:
            update_campaign(campaign=campaign, actor=actor_of(request), **form.cleaned_data)
        except CampaignError as error:
            form.add_error(error.field or None, str(error.sentence))
            campaign.refresh_from_db()
        else:
            toast(request, _("Saved."))
            return redirect("campaign-detail", campaign.pk)
    return _detail_page(request, campaign, form, status=422)


@marketer_page
@require_POST
def campaign_make_default(request: Any, pk: int) -> HttpResponse:
    campaign = get_row(request, Campaign.objects.select_related("workspace"), pk=pk)
    try:
        set_default_campaign(campaign=campaign, actor=actor_of(request))
    except CampaignError as error:
        toast(request, error.sentence, level="error")
    else:
        toast(
            request,
            _("New broadcasts now belong to %(name)s unless another is chosen.") % {"name": campaign.name},
        )
    return redirect("campaign-detail", campaign.pk)
