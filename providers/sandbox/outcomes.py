"""Magic numbers: what becomes of a text is chosen by the last two digits of its recipient's number.

    90  undelivered      receipt UNDELIV
    91  expired          receipt EXPIRED
    92  rejected         receipt REJECTD, the carrier's refusal
    93  refused          refused at submission (MessageWhiz 400, BulkVS 409, Mx2 error, Mobiz code 2, Ogangi BAD_TO)
    94  throttled        429 with `Retry-After: 1` at the first two tries of the number, then accepted
    95  cut              accepted, then the line is cut before the answer; the receipt comes
    96  server_error     500 (BulkVS 503); nothing is accepted
    97  html             accepted, answered 200 with a page of HTML; the receipt comes
    98  no_receipt       accepted, no receipt ever
    99  repeated         DELIVRD twice, and a late ENROUTE after them
    else delivered       receipt DELIVRD

Two more exist only by the dial (`force_outcome`), as they concern the account, not the recipient: `no_credit`
(403; an error at Mx2 and Ogangi) and `sender_off` (BulkVS 404 "Telephone Number not enabled for Service";
MessageWhiz documents no such answer to a text, there it is a 403 too; Mx2 no such cguid, Mobiz code 1, Ogangi
BAD_FROM). How a vendor says it stands in docs/sandbox.md. Mobiz and Ogangi post no receipts: only the handset knows.
"""

from enum import StrEnum


class Outcome(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REFUSED = "refused"
    THROTTLED = "throttled"
    CUT = "cut"
    SERVER_ERROR = "server_error"
    HTML = "html"
    NO_RECEIPT = "no_receipt"
    REPEATED = "repeated"
    NO_CREDIT = "no_credit"
    SENDER_OFF = "sender_off"


MAGIC_ENDINGS = {
    "90": Outcome.UNDELIVERED,
    "91": Outcome.EXPIRED,
    "92": Outcome.REJECTED,
    "93": Outcome.REFUSED,
    "94": Outcome.THROTTLED,
    "95": Outcome.CUT,
    "96": Outcome.SERVER_ERROR,
    "97": Outcome.HTML,
    "98": Outcome.NO_RECEIPT,
    "99": Outcome.REPEATED,
}

# Words of the receipts in the order of posting, as both vendors spell them (document 004; SMPP 3.4 B.2).
DEFAULT_RECEIPTS = ("DELIVRD",)
RECEIPTS = {
    Outcome.UNDELIVERED: ("UNDELIV",),
    Outcome.EXPIRED: ("EXPIRED",),
    Outcome.REJECTED: ("REJECTD",),
    Outcome.NO_RECEIPT: (),
    Outcome.REPEATED: ("DELIVRD", "DELIVRD", "ENROUTE"),
}

HANDSET_STATES = {
    "DELIVRD": "delivered",
    "UNDELIV": "undelivered",
    "EXPIRED": "expired",
    "REJECTD": "rejected",
}


def outcome_of(msisdn: str, forced: Outcome | None) -> Outcome:
    return forced or MAGIC_ENDINGS.get(msisdn[-2:], Outcome.DELIVERED)


def receipts_of(outcome: Outcome) -> tuple[str, ...]:
    return RECEIPTS.get(outcome, DEFAULT_RECEIPTS)
