"""The last look before a broadcast goes out, and its launch: what is shown here is what happens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import actor_of, marketer_page
from campaigns.errors import AlreadyLaunched, CampaignError, CountNotTyped, EstimateChanged
from campaigns.forms import LaunchForm
from campaigns.models import Broadcast, BroadcastState
from campaigns.pictures import pictures_of
from campaigns.services.audience import sample_people
from campaigns.services.checks import begins_at, blocking, last_day, launch_checks, night_of
from campaigns.services.estimate import Estimate, FirstSegment, count_to_type, estimate_of
from campaigns.services.finish import finish_of_estimate
from campaigns.services.launch import AT_ITS_TIME, launch, remember_estimate, unschedule
from campaigns.services.local_time import local_forecast
from campaigns.services.senders import sending_from
from campaigns.services.through import accounts_of, lines_for
from campaigns.templatetags.broadcasts import money_text
from campaigns.views.common import get_broadcast, refuse, to_broadcast
from campaigns.views.composer import people_data
from messaging.content import seed_of
from web.toasts import toast

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    agreed: str
    now: str


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_review(request: Any, pk: int) -> HttpResponse:
    broadcast = get_broadcast(request, pk)
    if broadcast.state != BroadcastState.DRAFT:
        return _already(request, broadcast)
    if request.method == "GET":
        return _page(request, broadcast)
    form = LaunchForm(request.POST)
    form.is_valid()
    try:
        launched = launch(
            broadcast=broadcast,
            actor=actor_of(request),
            launch_token=form.cleaned_data.get("launch_token", ""),
            digest=form.cleaned_data.get("digest", ""),
            typed_count=form.cleaned_data.get("typed_count"),
        )
    except AlreadyLaunched:
        return _already(request, broadcast)
    except CampaignError as error:
        return _page(request, broadcast, error)
    scheduled = launched.state == BroadcastState.SCHEDULED
    toast(request, _("Scheduled.") if scheduled else _("Sending has begun."))
    return to_broadcast(launched)


def _already(request: Any, broadcast: Broadcast) -> HttpResponse:
    """A second click, an old page: the report of the one launch."""
    toast(request, AlreadyLaunched().sentence, level="info")
    return to_broadcast(broadcast)


def _page(request: Any, broadcast: Broadcast, error: CampaignError | None = None) -> HttpResponse:
    agreed = dict(error.agreed) if isinstance(error, EstimateChanged) else {}
    estimate = estimate_of(broadcast)
    remember_estimate(broadcast=broadcast, estimate=estimate)
    checks = launch_checks(broadcast, estimate)
    to_type = count_to_type(broadcast, estimate)
    context = {
        "broadcast": broadcast,
        "estimate": estimate,
        "people": _samples(broadcast),
        "pictures": pictures_of(broadcast) if estimate.pictures else [],
        "checks": checks,
        "blocked": bool(blocking(checks)),
        "edit_url": reverse("broadcast-edit", args=[broadcast.pk]),
        "verb": verb_of(broadcast, estimate),
        "must_type": to_type > broadcast.workspace.typed_count_above,
        "to_type": to_type,
        "typed": request.POST.get("typed_count", ""),
        "count_error": str(error.sentence) if isinstance(error, CountNotTyped) else "",
        "error": str(error.sentence) if error else "",
        "differences": differences(agreed, estimate) if agreed else [],
        "at_its_time": AT_ITS_TIME if _is_later(broadcast, estimate) else "",
        "seconds": sending_seconds(broadcast, estimate),
        "last_day": last_day(broadcast, estimate),
        "night": (night := night_of(broadcast, estimate)),
        "local": (local := local_forecast(broadcast, estimate.zones)),
        # Whoever is held until morning, or until it is the time there, is not through before.
        "finish": None if night or local else finish_of_estimate(broadcast, estimate),
        "by_parts": sorted(estimate.by_parts.items()),
    }
    return render(request, "campaigns/review.html", context, status=422 if error else 200)


def _samples(broadcast: Broadcast) -> list[dict[str, Any]]:
    """The first people with their texts; where a list has several senders, each with theirs."""
    people = sample_people(broadcast, limit=SAMPLES)
    shown = people_data(broadcast, people)
    if broadcast.sender_list is not None:
        lines = lines_for(broadcast, [person.msisdn for person in people])
        for person, data, line in zip(people, shown, lines, strict=True):
            senders = line.senders if line else sending_from(broadcast)
            data["sender"] = senders.chooser().choose(person.msisdn, seed_of(broadcast.pk, person.msisdn))
    return shown


def verb_of(broadcast: Broadcast, estimate: Estimate) -> str:
    """The button says what it does: to how many, for how much, and whether now."""
    if estimate.first is not None:
        return _verb_of_segment(estimate.first, estimate.currency, is_later=_is_later(broadcast, estimate))
    values = {"people": f"{estimate.reached:,}", "cost": money_text(estimate.cost, estimate.currency)}
    later = _is_later(broadcast, estimate)
    if estimate.cost is None:
        if later:
            words = ngettext(
                "Schedule for %(people)s person", "Schedule for %(people)s people", estimate.reached
            )
        else:
            words = ngettext("Send to %(people)s person", "Send to %(people)s people", estimate.reached)
    elif later:
        words = ngettext(
            "Schedule for %(people)s person for %(cost)s",
            "Schedule for %(people)s people for %(cost)s",
            estimate.reached,
        )
    else:
        words = ngettext(
            "Send to %(people)s person for %(cost)s",
            "Send to %(people)s people for %(cost)s",
            estimate.reached,
        )
    return words % values


def _verb_of_segment(first: FirstSegment, currency: str, *, is_later: bool) -> str:
    words = (
        ngettext(
            "Schedule for the first %(people)s person for %(cost)s",
            "Schedule for the first %(people)s people for %(cost)s",
            first.reached,
        )
        if is_later
        else ngettext(
            "Send to the first %(people)s person for %(cost)s",
            "Send to the first %(people)s people for %(cost)s",
            first.reached,
        )
    )
    return words % {"people": f"{first.reached:,}", "cost": money_text(first.cost, currency)}


def _is_later(broadcast: Broadcast, estimate: Estimate) -> bool:
    begins = begins_at(broadcast, estimate)
    return begins > timezone.now()


def sending_seconds(broadcast: Broadcast, estimate: Estimate) -> float | None:
    """At the pace of the account, were it alone on it; through a route as long as its slowest account takes."""
    parts = {share.account_id: share.parts for share in estimate.through}
    whole = estimate.first.parts if estimate.first else estimate.parts
    # The first segment of a route's is taken to be shared as the whole is.
    share_of_it = Decimal(whole) / (estimate.parts or 1)
    found = [
        float((parts[one.pk] * share_of_it if parts else Decimal(whole)) / one.parts_per_second)
        for one in accounts_of(broadcast)
        if one.parts_per_second and (not parts or one.pk in parts)
    ]
    return max(found, default=None)


def differences(agreed: dict[str, Any], now: Estimate) -> list[Difference]:
    """What was shown before, and what would happen now; only what differs."""
    currency = now.currency
    lines = [
        Difference(_("People"), f"{agreed.get('people', 0):,}", f"{now.people:,}"),
        Difference(_("Parts"), f"{agreed.get('parts', 0):,}", f"{now.parts:,}"),
        Difference(
            _("Cost"),
            money_text(agreed.get("cost"), str(agreed.get("currency") or currency)),
            money_text(now.cost, currency),
        ),
    ]
    return [line for line in lines if line.agreed != line.now]


@marketer_page
@require_POST
def broadcast_unschedule(request: Any, pk: int) -> HttpResponse:
    broadcast = get_broadcast(request, pk)
    try:
        unschedule(broadcast=broadcast, actor=actor_of(request))
    except CampaignError as error:
        return refuse(request, error, reverse("broadcast-detail", args=[pk]))
    toast(request, _("Taken back. It is a draft again."))
    return redirect("broadcast-edit", pk)
