"""link.clicked: somebody followed {{callback_link}}."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils import timezone

from messaging.links.classes import HitClass
from messaging.links.codes import Coder
from messaging.links.keys import link_coder
from messaging.models import DispatchLink, ErasedMessage, Hit, LinkUse, Message
from messaging.webhooks.events import LINK_CLICKED, Event, iso_time
from messaging.webhooks.ledger import make_events


def tell_clicks(message_ids: Collection[int], dispatch_ids: Collection[int]) -> None:
    """Of these messages, which are of these dispatches, each click of a person that was not told before.

    Of messages of erased numbers nothing is told. In the transaction that classifies, of which there is one at a time.
    `Hit.told_at` outlives a computation from anew: what was told is never told again, and what turns out to be a person's
    only then is told then.
    """
    own = _callback_entries(dispatch_ids)
    if not own:
        return
    hits = Hit.objects.filter(message_id__in=message_ids, hit_class=HitClass.HUMAN, told_at=None).exclude(
        message_id__in=ErasedMessage.objects.values("message_id")
    )
    new = [hit for hit in hits if (hit.dispatch_id, hit.entry) in own]
    if not new:
        return
    told = _told_before(new)
    Hit.objects.filter(pk__in=[hit.pk for hit in new]).update(told_at=timezone.now())
    messages = Message.objects.select_related("dispatch").in_bulk([hit.message_id for hit in new])
    events: dict[int, list[Event]] = {}
    coder = link_coder()
    for hit in sorted(new, key=lambda hit: (hit.at, hit.pk)):
        place = (hit.message_id, hit.entry)
        message = messages.get(hit.message_id or 0)
        if message is not None:
            data = _data(hit, message, coder, is_first=place not in told)
            event = Event(f"msg_{hit.uid.hex}", LINK_CLICKED, hit.at, data, message.pk)
            events.setdefault(hit.workspace_id, []).append(event)
        told.add(place)
    for workspace_id, of_workspace in events.items():
        make_events(workspace_id, of_workspace)


def _callback_entries(dispatch_ids: Collection[int]) -> set[tuple[int | None, int]]:
    if not dispatch_ids:
        return set()
    rows = DispatchLink.objects.filter(dispatch_id__in=dispatch_ids, use=LinkUse.CALLBACK)
    return set(rows.values_list("dispatch_id", "entry"))


def _told_before(hits: Sequence[Hit]) -> set[tuple[int | None, int]]:
    """(message, entry) of which a click was told."""
    rows = Hit.objects.filter(message_id__in={hit.message_id for hit in hits}, told_at__isnull=False)
    return set(rows.values_list("message_id", "entry"))


def _data(hit: Hit, message: Message, coder: Coder, *, is_first: bool) -> Mapping[str, Any]:
    address = message.dispatch.link_base + coder.encode(message.pk, hit.entry)
    return {
        "message_id": message.pk,
        # As the recipient reads it, without https://.
        "link_id": address.partition("://")[2] or address,
        "time": iso_time(hit.at),
        "unique_click": is_first,
        "class": hit.hit_class,
        "msisdn": message.msisdn,
        "broadcast_id": message.broadcast_id,
    }
