"""The clicks of dispatches computed again from their raw hits: asked for by a person, done by a worker.

How far it is stands where the hits do: those without a class wait. So a worker that dies loses nothing, the sweep goes
on where it stopped; only that it was asked for, and how many hits there were, is noted in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.links.hits import forget_classes, recompute_forgotten
from messaging.models import Dispatch, DispatchLink, Hit, Link

# Of a link that went out in more texts than that, the newest.
MOST_DISPATCHES = 100
# Nobody began in this time: it may be asked for again.
ASKED_SECONDS = 600
BEGUN_SECONDS = 3_600


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
    cache.set_many({_key(id_): {} for id_ in ids}, ASKED_SECONDS)
    if not wake(ids):
        cache.delete_many([_key(id_) for id_ in ids])
        raise MessagingError(
            _("No worker could be reached, so nothing was begun. Try again in a minute."), code="no_worker"
        )
    record(workspace, actor, "computed clicks again", subject, texts=len(ids))
    return Progress("asked")


def run_again(dispatch_ids: Sequence[int]) -> int:
    """Does it, in a worker; returns the number of hits."""
    total = 0
    for id_ in dispatch_ids:
        count = forget_classes(dispatch_id=id_)
        cache.set(_key(id_), {"total": count}, BEGUN_SECONDS)
        total += count
    recompute_forgotten()
    return total


def progress_of(dispatch_ids: Collection[int]) -> Progress | None:
    """None where it was not asked for lately."""
    notes = cache.get_many([_key(id_) for id_ in dispatch_ids])
    if not notes:
        return None
    if any("total" not in note for note in notes.values()):
        return Progress("asked")
    total = sum(note["total"] for note in notes.values())
    waiting = Hit.objects.filter(hit_class="", dispatch_id__in=dispatch_ids).count()
    return Progress("running" if waiting else "done", total, max(0, total - waiting))


def dispatches_of_link(link: Link) -> list[int]:
    """The newest first."""
    ids = (
        DispatchLink.objects.filter(link=link).order_by("-dispatch_id").values_list("dispatch_id", flat=True)
    )
    return list(dict.fromkeys(ids[: MOST_DISPATCHES * 2]))[:MOST_DISPATCHES]


def dispatches_of_broadcast(workspace: Workspace, broadcast_id: int) -> list[int]:
    rows = Dispatch.objects.filter(workspace=workspace, broadcast_id=broadcast_id)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_DISPATCHES])


def _key(dispatch_id: int) -> str:
    return f"clicks-again:{dispatch_id}"
