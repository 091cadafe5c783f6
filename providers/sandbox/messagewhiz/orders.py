"""What a request to send orders, read from its fields, and how it becomes a broadcast.

Readings chosen where document 004 is silent: `message_body` or a template, one of the two; `sender_ids` and
`sender_list_ids` together make one choice; a trigger goes before `send_date`; a date that is past is now;
`utc_offset` counts for a date without a zone; what is disabled is not found.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Campaign, UnsubscribeList, Values
from providers.sandbox.messagewhiz.request import TEXT_CAP, Fields, Request
from providers.sandbox.messagewhiz.sendings import Broadcast, Kind, Segment, Smart, When, Words
from providers.sandbox.messagewhiz.tokens import Body

OFFSET_CAP = 720  # minutes
DELAY_CAP = 525_600  # minutes

Audience = Mapping[str, Values]


@dataclass(slots=True)
class Order:
    """An empty name becomes the broadcast's id. `excluded`: whoever is in them is left out, now and later."""

    kind: Kind
    name: str
    campaign: Campaign
    audience: Audience
    words: Words
    when: When = field(default_factory=When)
    excluded: list[UnsubscribeList] = field(default_factory=list)
    smart: Smart | None = None
    custom_parameter: str = ""
    is_one_time: bool = False


def carry_out(request: Request, order: Order, first_size: int | None = None) -> Segment:
    """Its first segment, the whole audience without `first_size`; raises Failure 400 when nobody is left."""
    audience = [
        row for row in order.audience.items() if not any(row[0] in out.numbers for out in order.excluded)
    ]
    if not audience:
        raise Failure(400, "no recipients are left: the lists are empty, or all are on an unsubscribe list")
    broadcast = keep(request, order, deque(audience))
    runner = request.runner
    size = len(audience) if first_size is None else first_size
    segment = runner.cut(broadcast, size, order.words, order.when)
    runner.launch(segment)
    if order.smart and order.smart.expires_at is not None:
        runner.expire_later(broadcast, order.smart.expires_at)
    return segment


def keep(request: Request, order: Order, audience: deque[tuple[str, Values]]) -> Broadcast:
    """A broadcast that has sent nothing yet; raises Failure 403 when there is no room for it."""
    account = request.account
    broadcast_id = account.ids.next("broadcast")
    broadcast = Broadcast(
        id=broadcast_id,
        account=account,
        kind=order.kind,
        name=order.name or str(broadcast_id),
        campaign=order.campaign,
        when=order.when,
        base_url=request.base_url,
        waiting=audience,
        unsubscribe_lists=order.excluded,
        smart=order.smart,
        custom_parameter=order.custom_parameter,
        is_one_time=order.is_one_time,
        audience_size=len(audience),
    )
    account.room.take(len(audience))
    try:
        account.keep_broadcast(broadcast)
    except Failure:
        account.room.give_back(len(audience))
        raise
    return broadcast


def bodies_of(account: Account, fields: Fields, *templates: str) -> Words:
    """The words of `message_body`, or of the templates that one of the fields named `templates` gives; no senders yet."""
    named = [name for name in templates if name in fields]
    if ("message_body" in fields) + len(named) != 1:
        raise Failure(400, f"one of {', '.join(('message_body', *templates))} must be given")
    if not named:
        return Words([Body(fields.text("message_body", TEXT_CAP), account)], [])
    ids = fields.ids(named[0])
    bodies = [Body(account.templates.active(template_id).body, account) for template_id in ids]
    return Words(bodies, [], template_id=ids[0])


def senders_of(account: Account, fields: Fields) -> list[str]:
    names = {account.senders.active(sender_id).name: None for sender_id in fields.ids("sender_ids")}
    for list_id in fields.ids("sender_list_ids"):
        members = account.sender_lists.active(list_id).senders.values()
        names |= {sender.name: None for sender in members if sender.enabled}
    if not names:
        raise Failure(400, "sender_ids or sender_list_ids must name a sender")
    return list(names)


def audience_of(account: Account, fields: Fields) -> Audience:
    """One row a number; of two lists that have it the first gives the values."""
    people: dict[str, Values] = {}
    for list_id in fields.ids("recipient_list_ids"):
        for msisdn, values in account.recipient_lists.active(list_id).people.items():
            people.setdefault(msisdn, values)
    return people


def excluded_of(account: Account, fields: Fields) -> list[UnsubscribeList]:
    return [account.unsubscribe_lists.active(list_id) for list_id in fields.ids("unsubscriber_list_ids")]


def when_of(account: Account, fields: Fields) -> When:
    utc_offset = fields.whole_or("utc_offset", 0, -OFFSET_CAP, OFFSET_CAP)
    trigger = account.triggers.active(fields.whole("trigger_id")) if "trigger_id" in fields else None
    delay = fields.whole_or("delay", 0, 0, DELAY_CAP)
    return When(fields.moment("send_date", utc_offset), trigger, delay, utc_offset)


def values_of(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Metadata as texts; what is neither a text nor a number is left out."""
    return {name: str(value) for name, value in pairs if isinstance(value, str | int | float) and value != ""}
