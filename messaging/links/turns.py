"""Whose turn it is: texts to one person take the links of a list one after the other, as the rows of a broadcast do."""

from __future__ import annotations

from collections.abc import Collection

from messaging.ledger import lock_rows
from messaging.models import LinkList

# Where a place begins again: far below what the ledger's column holds.
ROUND = 1_000_000_000


def take_turn(link_list_ids: Collection[int]) -> int:
    """The place of the next text with these lists, in the caller's transaction: one that is undone took no turn.

    One place counts for all lists of a text, so it is the furthest of their turns.
    """
    rows = LinkList.objects.filter(pk__in=link_list_ids)
    place = max(lock_rows(rows.order_by("pk"), no_key=True).values_list("turn", flat=True), default=0)
    rows.update(turn=(place + 1) % ROUND)
    return place
