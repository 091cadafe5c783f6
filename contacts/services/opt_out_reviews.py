"""Texts that perhaps ask us to stop ("please stop this"): a person reads them and decides; that can be undone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from contacts.models import OptOut, OptOutHow, OptOutReview, ReviewDecision
from contacts.services.number_locks import lock_numbers
from contacts.services.opt_outs import (
    confirm_opt_outs,
    count_waiting,
    opt_in,
    opt_out,
    opted_out_numbers,
)


def ask_for_review(
    *,
    workspace: Workspace,
    msisdn: str,
    text: str,
    inbound_id: int,
    message_id: int | None = None,
    at: datetime | None = None,
) -> OptOutReview | None:
    """Safe to repeat. None for a number that is opted out already: there is nothing to decide."""
    with transaction.atomic():
        lock_numbers(workspace.pk, [msisdn])
        if opted_out_numbers(workspace_id=workspace.pk, msisdns=[msisdn]):
            confirm_opt_outs(workspace_id=workspace.pk, msisdns=[msisdn])
            return None
        row, made = OptOutReview.objects.get_or_create(
            workspace=workspace,
            inbound_id=inbound_id,
            defaults={
                "msisdn": msisdn,
                "text": text,
                "message_id": message_id,
                "at": at or timezone.now(),
            },
        )
        if made:
            count_waiting(workspace)
    return row


def decide_reviews(
    *, workspace: Workspace, ids: Collection[int], opts_out: bool, actor: Actor
) -> list[OptOutReview]:
    """Those of `ids` that were waiting, decided now. To opt a number out settles all its waiting texts."""
    with transaction.atomic():
        waiting = OptOutReview.objects.filter(workspace=workspace, decision=ReviewDecision.WAITING)
        _lock_numbers_of(workspace, ids)
        reviews = list(waiting.filter(pk__in=ids).select_for_update().order_by("pk"))
        if opts_out:
            _opt_out(workspace, reviews, actor)
        else:
            _decide(reviews, ReviewDecision.DISMISSED, actor)
        if reviews:
            count_waiting(workspace)
            decision = ReviewDecision.OPTED_OUT if opts_out else ReviewDecision.DISMISSED
            details = {"decision": str(decision), "reviews": [review.pk for review in reviews]}
            record(workspace, actor, "decided perhaps-opt-outs", workspace, **details)
    return reviews


def _lock_numbers_of(workspace: Workspace, ids: Collection[int]) -> None:
    """The number of a text never changes, so it can be asked for before it is locked."""
    rows = OptOutReview.objects.filter(workspace=workspace, pk__in=ids)
    lock_numbers(workspace.pk, rows.values_list("msisdn", flat=True))


def _opt_out(workspace: Workspace, reviews: list[OptOutReview], actor: Actor) -> None:
    """The newest text of a number is the proof."""
    newest = {review.msisdn: review for review in reviews}
    known = opted_out_numbers(workspace_id=workspace.pk, msisdns=newest)
    made = {}
    for msisdn, review in newest.items():
        row = opt_out(
            workspace=workspace,
            msisdn=msisdn,
            how=OptOutHow.PERSON,
            source=review.text,
            message_id=review.message_id,
            actor=actor,
        )
        if msisdn not in known:
            made[msisdn] = row.pk
    for review in reviews:
        review.opt_out_id = made.get(review.msisdn)
    _decide(reviews, ReviewDecision.OPTED_OUT, actor)


def _decide(reviews: list[OptOutReview], decision: ReviewDecision, actor: Actor) -> None:
    for review in reviews:
        review.decision, review.decided_by, review.decided_at = decision, actor.user, timezone.now()
    OptOutReview.objects.bulk_update(
        reviews, ["decision", "decided_by", "decided_at", "opt_out_id"], batch_size=500
    )


def reopen_reviews(*, workspace: Workspace, ids: Collection[int], actor: Actor) -> int:
    """Undoes decisions: the texts wait again, and an opt-out made by one goes. How many wait again.

    What the person wrote or did since stays: a number that is opted out for another reason is not asked about again.
    """
    with transaction.atomic():
        _lock_numbers_of(workspace, ids)
        rows = OptOutReview.objects.select_for_update().filter(workspace=workspace, pk__in=ids)
        decided = list(rows.exclude(decision=ReviewDecision.WAITING).order_by("pk"))
        for msisdn, opt_out_id in {(one.msisdn, one.opt_out_id) for one in decided if one.opt_out_id}:
            if OptOut.objects.filter(workspace=workspace, pk=opt_out_id).exists():
                reason = _("The decision about a text was undone.")
                opt_in(workspace=workspace, msisdn=msisdn, reason=reason, actor=actor)
        out = opted_out_numbers(workspace_id=workspace.pk, msisdns={one.msisdn for one in decided})
        again = [one for one in decided if one.msisdn not in out]
        for review in again:
            review.decision, review.decided_by, review.decided_at = ReviewDecision.WAITING, None, None
            review.opt_out_id = None
        OptOutReview.objects.bulk_update(
            again, ["decision", "decided_by", "decided_at", "opt_out_id"], batch_size=500
        )
        if again:
            count_waiting(workspace)
            reviews = [review.pk for review in again]
            record(workspace, actor, "reopened perhaps-opt-outs", workspace, reviews=reviews)
    return len(again)
