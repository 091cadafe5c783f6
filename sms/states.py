"""The states of one message to one recipient, which may follow which, and the API's numbers for them.

                        ,------> suppressed (opted out since launch)
                        |  ,---> cancelled  (a person stopped it)
    queued <--> held    |  |
       |  ^      |  ^   |  |
       v  |      v  |   |  |
      submitting ----------+---> failed, rejected   (not sent, or refused)
        |     |
        |     v
        |   unknown (perhaps sent: the answer was lost)
        v     v
         sent ----> delivered | undelivered | expired | rejected | failed

Ranks: 0 waiting, 1 submitting, 2 unknown, 3 sent, 4 final. A change is allowed when the rank grows, so a
repeated or late report changes nothing: a late "sent" never overwrites "delivered", and no final state moves.
Besides:

- queued and held turn into each other (quiet hours and daily caps hold, they do not drop);
- a message that may have left (unknown, sent) is never suppressed or cancelled: it is too late for either;
- only the engine may put a RETURNABLE message back to waiting, and only when it was certainly not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class MessageState(StrEnum):
    QUEUED = "queued"
    HELD = "held"
    SUBMITTING = "submitting"
    SENT = "sent"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


RANK: Mapping[MessageState, int] = MappingProxyType(
    {
        MessageState.QUEUED: 0,
        MessageState.HELD: 0,
        MessageState.SUBMITTING: 1,
        MessageState.UNKNOWN: 2,
        MessageState.SENT: 3,
        MessageState.DELIVERED: 4,
        MessageState.UNDELIVERED: 4,
        MessageState.EXPIRED: 4,
        MessageState.REJECTED: 4,
        MessageState.FAILED: 4,
        MessageState.SUPPRESSED: 4,
        MessageState.CANCELLED: 4,
    }
)
FINAL_RANK = max(RANK.values())

# Nothing left this house yet.
WAITING = frozenset(state for state, rank in RANK.items() if rank == 0)
# The provider took it, whatever became of it.
HANDED_OVER = frozenset(
    {
        MessageState.SENT,
        MessageState.DELIVERED,
        MessageState.UNDELIVERED,
        MessageState.EXPIRED,
        MessageState.REJECTED,
    }
)
# Submitted or about to be; a report may still change it.
ON_THE_WAY = frozenset(state for state, rank in RANK.items() if 0 < rank < FINAL_RANK)
FINAL = frozenset(state for state, rank in RANK.items() if rank == FINAL_RANK)
# The exception to growing ranks: the engine puts these back to a WAITING state when certainly not sent.
RETURNABLE = frozenset({MessageState.SUBMITTING})

_MAY_HAVE_LEFT = frozenset({MessageState.UNKNOWN, MessageState.SENT})
_NEVER_LEFT = frozenset({MessageState.SUPPRESSED, MessageState.CANCELLED})

LABEL: Mapping[MessageState, str] = MappingProxyType(
    {
        MessageState.QUEUED: "Queued",
        MessageState.HELD: "Held",
        MessageState.SUBMITTING: "Submitting",
        MessageState.SENT: "Sent",
        MessageState.UNKNOWN: "Unknown",
        MessageState.DELIVERED: "Delivered",
        MessageState.UNDELIVERED: "Undelivered",
        MessageState.EXPIRED: "Expired",
        MessageState.REJECTED: "Rejected",
        MessageState.FAILED: "Failed",
        MessageState.SUPPRESSED: "Opted out",
        MessageState.CANCELLED: "Cancelled",
    }
)


def may_follow(old: MessageState, new: MessageState) -> bool:
    """Whether a message in `old` may become `new` (see the module's drawing; RETURNABLE is not counted)."""
    if old in WAITING and new in WAITING:
        return old is not new
    return RANK[new] > RANK[old] and not (old in _MAY_HAVE_LEFT and new in _NEVER_LEFT)


# For a conditional UPDATE: new state -> the states it may be written over.
PREDECESSORS: Mapping[MessageState, frozenset[MessageState]] = MappingProxyType(
    {new: frozenset(old for old in MessageState if may_follow(old, new)) for new in MessageState}
)

# The API's delivery report numbers (PRODUCT.md). 9 FAILED is no SMPP number.
DLR_NAME: Mapping[int, str] = MappingProxyType(
    {
        1: "ENROUTE",
        2: "DELIVRD",
        3: "EXPIRED",
        4: "DELETED",
        5: "UNDELIV",
        6: "ACCEPTD",
        7: "UNKNOWN",
        8: "REJECTD",
        9: "FAILED",
    }
)

# What we tell; a state that is missing has nothing to report yet.
DLR_NUMBER: Mapping[MessageState, int] = MappingProxyType(
    {
        MessageState.SENT: 1,
        MessageState.DELIVERED: 2,
        MessageState.EXPIRED: 3,
        MessageState.CANCELLED: 4,
        MessageState.SUPPRESSED: 4,
        MessageState.UNDELIVERED: 5,
        MessageState.UNKNOWN: 7,
        MessageState.REJECTED: 8,
        MessageState.FAILED: 9,
    }
)

# What we hear. 4: deleted at the message centre after it was taken: it did not arrive. 6: taken, on its way.
STATE_OF_DLR: Mapping[int, MessageState] = MappingProxyType(
    {
        1: MessageState.SENT,
        2: MessageState.DELIVERED,
        3: MessageState.EXPIRED,
        4: MessageState.UNDELIVERED,
        5: MessageState.UNDELIVERED,
        6: MessageState.SENT,
        7: MessageState.UNKNOWN,
        8: MessageState.REJECTED,
        9: MessageState.FAILED,
    }
)
