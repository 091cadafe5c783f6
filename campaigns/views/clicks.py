"""The clicks of a broadcast computed again, from its report."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import actor_of, marketer_page, viewer_page
from campaigns.models import Broadcast
from campaigns.views.common import get_broadcast
from messaging.errors import MessagingError
from messaging.links.again import compute_again, dispatches_of_broadcast
from messaging.links.views import again_answer, again_context
from messaging.tasks import wake_compute_again
from web.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def broadcast_clicks(request: Any, pk: int) -> HttpResponse:
    """How far it is; a POST asks for it."""
    broadcast = get_broadcast(request, pk)
    if request.method == "POST":
        return _ask(request, broadcast)
    return again_answer(request, clicks_context(broadcast))


@marketer_page
def _ask(request: Any, broadcast: Broadcast) -> HttpResponse:
    try:
        compute_again(
            workspace=broadcast.workspace,
            actor=actor_of(request),
            subject=broadcast,
            dispatch_ids=dispatches_of_broadcast(broadcast.workspace, broadcast.pk),
            wake=wake_compute_again,
        )
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    else:
        toast(request, _("The clicks are computed again from what was kept of each request."))
    return redirect(f"{reverse('broadcast-detail', args=[broadcast.pk])}#again")


def clicks_context(broadcast: Broadcast) -> dict[str, Any]:
    """Of messaging/_clicks_again.html."""
    ids = dispatches_of_broadcast(broadcast.workspace, broadcast.pk)
    back = reverse("broadcast-detail", args=[broadcast.pk])
    return again_context(reverse("broadcast-clicks", args=[broadcast.pk]), ids, back)
