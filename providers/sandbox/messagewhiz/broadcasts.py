"""What sends: tiny, single, base and smart broadcasts, and the single request that brings its own recipients.

Document 004, sections Send a Tiny single, Send a Single message, Send a Base Broadcast, Send a Smart Broadcast,
Continue smart broadcast and Single request broadcasts. In a broadcast to lists a number that ends in 93 or 96 fails
and reaches no handset; a request to a single recipient is answered by its number as POST /sms is.
"""

import time
from collections.abc import Mapping
from typing import Any

from providers.sandbox import batches
from providers.sandbox.messagewhiz import recipients
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.files import MARKERS, NUMBER, Imported, fitting
from providers.sandbox.messagewhiz.orders import (
    Order,
    audience_of,
    bodies_of,
    carry_out,
    excluded_of,
    senders_of,
    values_of,
    when_of,
)
from providers.sandbox.messagewhiz.records import MOST_COMBINED_LISTS, NO_VALUES, Account
from providers.sandbox.messagewhiz.request import TEXT_CAP, Fields, Handler, Request
from providers.sandbox.messagewhiz.senders import sender_name
from providers.sandbox.messagewhiz.sendings import Broadcast, Kind, Segment, Smart, Words
from providers.sandbox.messagewhiz.tokens import Body

CUSTOM_PARAMETER_CAP = 40  # characters
LEAST_CAP = 3  # "should be greater than 2"
NO_LIMIT = "no limit"


def sending(handler: Handler) -> Handler:
    """An operation that the dial's throttle counts."""

    def send_it(request: Request) -> Any:
        request.runner.throttle()
        return handler(request)

    return send_it


def send_tiny(request: Request) -> object:
    """ "Can contain only text": tokens stay as they are. The sender is a name, known or not."""
    fields = request.fields()
    recipient, sender = fields.msisdn("recipient"), sender_name(fields, "sender")
    body = Body(fields.text("message_body", TEXT_CAP), None)
    order = Order(
        Kind.SINGLE,
        f"Tiny SMS to {recipient}",
        request.account.default_campaign,
        {recipient: NO_VALUES},
        Words([body], [sender]),
    )
    outcome = request.runner.admit(request.account, recipient)
    segment = carry_out(request, order)
    return batches.spoil([outcome], {"broadcastId": segment.broadcast.id, "segmentId": segment.id})


def send(request: Request) -> object:
    fields = request.fields()
    match fields.whole("broadcast_type"):
        case Kind.SINGLE:
            return send_single(request, fields)
        case Kind.BASE:
            return send_to_lists(request, order_for_lists(request.account, fields, Kind.BASE))
        case Kind.SMART:
            return send_smart(request, fields)
    raise Failure(400, "broadcast_type must be 10, 11 or 12")


def send_single(request: Request, fields: Fields) -> object:
    account, recipient = request.account, fields.msisdn("recipient")
    campaign = account.campaign_to_send(fields.whole("campaign_id"))
    words = bodies_of(account, fields, "template_id")
    words.senders = [account.senders.active(fields.whole("sender_id")).name]
    name = fields.text_or("name", f"Single SMS to {recipient}")
    order = Order(Kind.SINGLE, name, campaign, {recipient: NO_VALUES}, words, when_of(account, fields))
    order.excluded = excluded_of(account, fields)
    order.custom_parameter = fields.text_or("custom_parameter", "", CUSTOM_PARAMETER_CAP)
    outcome = request.runner.admit(account, recipient)
    result = shown(carry_out(request, order))
    if order.custom_parameter:
        result["custom_parameter"] = order.custom_parameter
    return batches.spoil([outcome], result)


def send_smart(request: Request, fields: Fields) -> object:
    """Of CTR the next segments follow by themselves, of manual by POST /Segments."""
    smart, first_size = smart_of(request.account, fields), fields.whole("first_segment_size", 1)
    templates = ("template_id",) if smart.is_ctr else ("template_id", "template_ids")
    order = order_for_lists(request.account, fields, Kind.SMART, *templates)
    order.smart = smart
    return send_to_lists(request, order, first_size)


def send_to_lists(request: Request, order: Order, first_size: int | None = None) -> object:
    outcome = request.runner.admit(request.account)
    return batches.spoil([outcome], shown(carry_out(request, order, first_size)))


def order_for_lists(account: Account, fields: Fields, kind: Kind, *templates: str) -> Order:
    campaign, name = account.campaign_to_send(fields.whole("campaign_id")), fields.text("name")
    if "recipient_list_ids" not in fields:
        raise Failure(400, "recipient_list_ids must be ids separated by commas")
    words = bodies_of(account, fields, *(templates or ("template_id",)))
    words.senders = senders_of(account, fields)
    order = Order(kind, name, campaign, audience_of(account, fields), words, when_of(account, fields))
    order.excluded = excluded_of(account, fields)
    return order


def smart_of(account: Account, fields: Fields) -> Smart:
    kind = fields.data.get("eb_type")
    if kind == "manual":
        return Smart(kind)
    if kind != "CTR":
        raise Failure(400, "eb_type must be CTR or manual")
    expires_at = fields.moment("exp_date")
    if expires_at is None or expires_at <= account.now():
        raise Failure(400, "exp_date must be a date to come, such as 2041-09-25 13:55:58")
    return Smart(
        kind,
        next_size=fields.whole("next_segment_size", 1),
        threshold=fields.whole("conversion_threshold", 1, 100),
        # The document's table misspells the field here, and spells it right elsewhere.
        cap=cap_of(fields, "recipeint_cap" if "recipeint_cap" in fields else "recipient_cap"),
        expires_at=expires_at,
    )


def cap_of(fields: Fields, name: str) -> int | None:
    """None for "no limit"."""
    return None if fields.data.get(name) == NO_LIMIT else fields.whole(name, LEAST_CAP)


def continue_smart(request: Request) -> object:
    """The next segment of a manual broadcast, or the next batch of a CTR broadcast that is paused."""
    fields, account = request.fields(), request.account
    broadcast = account.broadcasts.get(fields.whole("broadcast_id"))
    if broadcast is None:
        raise Failure(404, "there is no such broadcast")
    size = fields.whole("segment_size", 1)
    words = bodies_of(account, fields, "template_ids")
    words.senders, when = senders_of(account, fields), when_of(account, fields)
    if not (when.trigger or when.at) and not ("send_now" in fields and fields.switch("send_now")):
        raise Failure(400, "send_now must be true, or send_date or trigger_id be given")
    if broadcast.smart is None or not broadcast.waiting:
        raise Failure(400, f"broadcast_id {broadcast.id} has nobody left to send to, or is not smart")
    batch = batch_of(broadcast.smart, fields)
    outcome = request.runner.admit(account)
    if batch:
        broadcast.smart, size = batch, fields.whole_or("first_segment_size", size, 1)
    segment = request.runner.cut(broadcast, size, words, when)
    result = shown_segment(segment)
    request.runner.launch(segment)
    return batches.spoil([outcome], result)


def batch_of(smart: Smart, fields: Fields) -> Smart | None:
    """A paused CTR broadcast with new caps and sizes; None for a manual one."""
    if not smart.is_ctr:
        return None
    if not smart.is_paused:
        raise Failure(400, "the broadcast is not paused: its next segment follows by itself")
    return Smart(
        smart.kind,
        next_size=fields.whole_or("next_segment_size", smart.next_size, 1),
        threshold=smart.threshold,
        cap=cap_of(fields, "recipient_cap"),
        expires_at=smart.expires_at,
        batch=smart.batch + 1,
    )


def send_combined(request: Request) -> object:
    """Its recipients become a list of their own; of those lists the latest hundred are kept."""
    fields, account = request.fields(), request.account
    found = people_of(fields)
    if "sender_id" in fields:
        sender = account.senders.active(fields.whole("sender_id")).name
    else:
        sender = sender_name(fields, "sender")
    words = Words([Body(fields.text("message_body", TEXT_CAP), account)], [sender])
    name = fields.text_or("name", "")
    order = Order(Kind.BASE, name, account.default_campaign, found.people, words, when_of(account, fields))
    outcome = request.runner.admit(account)
    segment = carry_out(request, order)
    keep_combined(account, segment.broadcast, found)
    return batches.spoil([outcome], [shown(segment)])


def people_of(fields: Fields) -> Imported:
    """Rows whose number is none are left out; raises Failure 400 for a value that is too long."""
    found = Imported()
    for row in fields.array("recipients", recipients.MOST_NUMBERS):
        if not isinstance(row, Mapping):
            raise Failure(400, "recipients must be an array of objects")
        values = values_of((name, row[name]) for name in MARKERS if name in row and name != NUMBER)
        for name, value in values.items():
            fitting(name, value, truncates=False)
        found.take(row.get(NUMBER), values)
    found.columns = tuple(name for name in MARKERS if any(name in values for values in found.people.values()))
    return found


def keep_combined(account: Account, broadcast: Broadcast, found: Imported) -> None:
    account.combined.append(recipients.keep(account, f"combinedsubmit {broadcast.id}", found).id)
    if len(account.combined) > MOST_COMBINED_LISTS:
        oldest = account.recipient_lists.rows.pop(account.combined.popleft())
        account.room.give_back(len(oldest.people))


def shown(segment: Segment) -> dict[str, Any]:
    return {"broadcastID": segment.broadcast.id, "segmentID": segment.id}


def shown_segment(segment: Segment) -> dict[str, Any]:
    """Of a segment that is not sent yet."""
    body = segment.words.bodies[0].text
    return {
        "real_price": segment.real_price,
        "id": segment.id,
        "broadcast_id": segment.broadcast.id,
        "utc_offset": segment.when.utc_offset,
        "message_body": None if segment.words.template_id else body,
        "template_id": segment.words.template_id,
        "batch_index": segment.batch or None,
        "state": int(segment.state),
        "recipient_count": segment.recipient_count,
        "estimated_price": segment.estimated_price,
        "send_conditions_id": segment.id,
        "enabled": True,
        "created_at": stamp(segment.created_at),
        "send_time": stamp(segment.when.at or segment.created_at),
        "estimated_count": segment.recipient_count,
    }


def stamp(at: float) -> str:
    """UTC, as in the example of Continue smart broadcast: 2021-06-25 14:02:50."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "broadcast/tiny"): sending(send_tiny),
    ("POST", "broadcast"): sending(send),
    ("POST", "broadcast/combinedsubmit"): sending(send_combined),
    ("POST", "segments"): sending(continue_smart),
}
