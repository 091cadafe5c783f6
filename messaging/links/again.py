"""The clicks of dispatches computed again from their raw hits: asked for by a person, done by a worker.

How far it is stands in the database, with each portion of hits. So a worker that dies loses nothing: the sweep wakes
another one, which goes on where it stopped. Hits keep their classes until they are looked at, and new ones go first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.links.hits import at_once, classify_new_hits, count_clicks, mend_counts, one_at_a_time, rest
from messaging.links.judging import judge
from messaging.models import ClicksAgain, Dispatch, DispatchLink, Hit, Link

# Of a link that went out in more texts than that, the newest.
MOST_DISPATCHES = 100
# Pages tell so long that it is done.
TOLD_FOR = timedelta(hours=1)
# A worker that has done nothing for so long is taken for dead.
UNTAKEN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """`total`: hits; None until a worker has begun. `state`: asked, running or done."""

    state: str
    total: int | None = None
    done: int = 0

    @property
    def is_over(self) -> bool:
        return self.state == "done"

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def compute_again(
    *,
    workspace: Workspace,
    actor: Actor,
    subject: Model,
    dispatch_ids: Collection[int],
    wake: Callable[[Sequence[int]], bool],
) -> Progress:
    """`subject`: the link or broadcast that it was asked of. `wake`: hands it to a worker; False: none was reached.

    Raises MessagingError.
    """
    own = Dispatch.objects.filter(workspace=workspace, pk__in=dispatch_ids)
    ids = list(own.order_by("-pk").values_list("pk", flat=True)[:MOST_DISPATCHES])
    if not ids:
        raise MessagingError(_("It went out in no text yet, so there are no clicks to compute."))
    running = progress_of(ids)
    if running is not None and not running.is_over:
        raise MessagingError(
            _("Its clicks are being computed again already. Wait until that is done."), code="under_way"
        )
    ask_again(ids)
    if not wake(ids):
        ClicksAgain.objects.filter(pk__in=ids, total=None).delete()
        raise MessagingError(
            _("No worker could be reached, so nothing was begun. Try again in a minute."), code="no_worker"
        )
    record(workspace, actor, "computed clicks again", subject, texts=len(ids))
    return Progress("asked")


@transaction.atomic
def ask_again(dispatch_ids: Collection[int]) -> None:
    """Notes it, for any worker."""
    ClicksAgain.objects.filter(pk__in=dispatch_ids, ended_at__isnull=False).delete()
    ClicksAgain.objects.bulk_create(
        [ClicksAgain(dispatch_id=id_) for id_ in dispatch_ids], ignore_conflicts=True
    )


def compute_some_again() -> bool:
    """A portion of what was asked for; False where nothing is left to do."""
    with one_at_a_time():
        again = ClicksAgain.objects.filter(ended_at=None).order_by("asked_at", "pk").first()
        if again is None:
            return False
        has_more = _go_on(again)
    if not has_more:
        mend_counts(again.pk)
        ClicksAgain.objects.filter(pk=again.pk).update(ended_at=timezone.now())
    return True


def _go_on(again: ClicksAgain) -> bool:
    """False where all its hits are done."""
    if again.total is None:
        again.total = Hit.objects.filter(dispatch_id=again.pk).count()
    elif hits := _next_hits(again):
        judge(hits)
        # All of them, not those that were changed: clicks that are wrong are mended, too.
        count_clicks({hit.message_id for hit in hits if hit.message_id is not None})
        again.come_to, again.done = hits[-1].at, again.done + len(hits)
    else:
        return False
    again.worked_at = timezone.now()
    again.save()
    return True


def _next_hits(again: ClicksAgain) -> list[Hit]:
    """In the order of their time; all of the last moment."""
    hits = Hit.objects.filter(dispatch_id=again.pk).order_by("at")
    if again.come_to is not None:
        hits = hits.filter(at__gt=again.come_to)
    moments = list(hits.values_list("at", flat=True)[: at_once()])
    return list(hits.filter(at__lte=moments[-1])) if moments else []


def run_again(dispatch_ids: Collection[int]) -> int:
    """All of it, here and now; returns the number of hits."""
    ask_again(dispatch_ids)
    while classify_new_hits() or compute_some_again():
        rest()
    return sum(ClicksAgain.objects.filter(pk__in=dispatch_ids).values_list("done", flat=True))


def is_left_behind() -> bool:
    """Whether something waits that no worker is at."""
    lately = timezone.now() - UNTAKEN
    if not ClicksAgain.objects.filter(ended_at=None, asked_at__lt=lately).exists():
        return False
    return not ClicksAgain.objects.filter(worked_at__gt=lately).exists()


def progress_of(dispatch_ids: Collection[int]) -> Progress | None:
    """None where it was not asked for lately."""
    recent = Q(ended_at=None) | Q(ended_at__gt=timezone.now() - TOLD_FOR)
    rows = list(ClicksAgain.objects.filter(recent, pk__in=dispatch_ids))
    if not rows:
        return None
    if any(row.total is None for row in rows):
        return Progress("asked")
    total = sum(row.total or 0 for row in rows)
    # Hits that came meanwhile were looked at, too.
    done = min(total, sum(row.done for row in rows))
    return Progress("done" if all(row.ended_at for row in rows) else "running", total, done)


def dispatches_of_link(link: Link) -> list[int]:
    """The newest first."""
    ids = (
        DispatchLink.objects.filter(link=link).order_by("-dispatch_id").values_list("dispatch_id", flat=True)
    )
    return list(dict.fromkeys(ids[: MOST_DISPATCHES * 2]))[:MOST_DISPATCHES]


def dispatches_of_broadcast(workspace: Workspace, broadcast_id: int) -> list[int]:
    rows = Dispatch.objects.filter(workspace=workspace, broadcast_id=broadcast_id)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_DISPATCHES])
