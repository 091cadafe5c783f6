"""Texts that perhaps ask us to stop: read with what was written before, decided one by one or many at once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, marketer_page, viewer_page
from contacts.models import OptOutReview, ReviewDecision
from contacts.services.opt_out_reviews import decide_reviews, reopen_reviews
from contacts.views.common import ids_of, may_change
from messaging.threads import ThreadText, last_texts
from web.paging import key_page
from web.toasts import toast

SHOWN_TEXTS = 4
UNDO_KEY = "decided_reviews"


@require_GET
@viewer_page
def review_list(request: WorkspaceRequest) -> HttpResponse:
    """`?decided=1`: those that were decided."""
    decided = request.GET.get("decided") == "1"
    rows = OptOutReview.objects.filter(workspace=request.workspace).select_related("decided_by")
    waiting = rows.filter(decision=ReviewDecision.WAITING)
    page = key_page(request, rows.exclude(decision=ReviewDecision.WAITING) if decided else waiting, size=25)
    texts = last_texts(request.workspace.pk, {row.msisdn for row in page.rows}, SHOWN_TEXTS + 1)
    context = {
        "page": page,
        "reviews": [(row, _before(row, texts.get(row.msisdn, []))) for row in page.rows],
        "decided": decided,
        "tabs": _tabs(request, decided),
        "may_change": may_change(request),
    }
    return render(request, "messaging/reviews.html", context)


def _before(review: OptOutReview, texts: list[ThreadText]) -> list[ThreadText]:
    """The thread around a text, without the text itself, oldest first."""
    others = [text for text in texts if text.is_ours or text.pk != review.inbound_id]
    return others[:SHOWN_TEXTS][::-1]


def _tabs(request: WorkspaceRequest, decided: bool) -> list[dict[str, Any]]:
    url = reverse("opt-out-review-list")
    return [
        {
            "url": url,
            "label": _("Waiting"),
            "count": request.workspace.waiting_reviews,
            "current": not decided,
        },
        {"url": f"{url}?decided=1", "label": _("Decided"), "count": None, "current": decided},
    ]


@require_POST
@marketer_page
def review_decide(request: WorkspaceRequest) -> HttpResponse:
    """`opt_out` or `dismiss`: the id of a text, or "selected": then `selected` has the ids."""
    opts_out = "opt_out" in request.POST
    decided = decide_reviews(
        workspace=request.workspace,
        ids=_chosen(request, "opt_out" if opts_out else "dismiss"),
        opts_out=opts_out,
        actor=actor_of(request),
    )
    if not decided:
        toast(request, _("Nothing was decided: somebody else did it, or no text was chosen."), level="info")
        return redirect("opt-out-review-list")
    request.session[UNDO_KEY] = [review.pk for review in decided]
    if opts_out:
        count = len({review.msisdn for review in decided})
        words = ngettext("%(n)d number opted out.", "%(n)d numbers opted out.", count)
    else:
        count = len(decided)
        words = ngettext("%(n)d text is no opt-out.", "%(n)d texts are no opt-outs.", count)
    toast(request, words % {"n": count}, undo_url=reverse("opt-out-review-undo"))
    return redirect("opt-out-review-list")


def _chosen(request: WorkspaceRequest, button: str) -> list[int]:
    return ids_of(request) if request.POST.get(button) == "selected" else ids_of(request, button)


@require_POST
@marketer_page
def review_undo(request: WorkspaceRequest) -> HttpResponse:
    """`reopen`: the id of a text; without it, what this session decided last."""
    ids = ids_of(request, "reopen") or request.session.pop(UNDO_KEY, [])
    count = reopen_reviews(workspace=request.workspace, ids=ids, actor=actor_of(request))
    if count:
        toast(request, ngettext("%(n)d text waits again.", "%(n)d texts wait again.", count) % {"n": count})
    else:
        words = _("There is nothing to undo: the number has opted out, or the text waits already.")
        toast(request, words, level="warning")
    return redirect("opt-out-review-list")
