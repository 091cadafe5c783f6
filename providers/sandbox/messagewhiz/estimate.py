"""What a broadcast would cost: document 004, section Estimate Broadcast.

`parts` is taken for the sum over all recipients, as `sum` is; a text is counted as each recipient would get it, with
short URLs of their real length and, where a word is chosen at random, one such choice. `recipients` and
`recipient_meta_data_map` name everybody.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from providers.sandbox import parts
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.orders import Audience, audience_of, bodies_of, excluded_of
from providers.sandbox.messagewhiz.records import NO_VALUES, Account, Link, LinkList, Values
from providers.sandbox.messagewhiz.request import Fields, Handler, Request
from providers.sandbox.messagewhiz.sendings import price_of
from providers.sandbox.messagewhiz.tokens import TOKENS, VALUES, WITH_ID, Body, Rendering

CODE_LENGTH = 7  # characters of a short URL's code
# MCC and MNC by country code; what the sandbox's network has no name for is 99999.
NETWORKS = {"1": 310410, "44": 23430}
ELSEWHERE = 99999


@dataclass(slots=True)
class Batch:
    messages: int = 0
    parts: int = 0

    def take(self, part_count: int) -> None:
        self.messages += 1
        self.parts += part_count

    def shown(self) -> dict[str, Any]:
        return {"messages": self.messages, "sum": price_of(self.parts), "parts": self.parts}


def estimate(request: Request) -> dict[str, Any]:
    fields, account = request.fields(), request.account
    body = bodies_of(account, fields, "template_id", "template_ids").bodies[0]
    audience = audience_to_price(account, fields)
    first, batch_size = sizes_of(fields, len(audience))
    whole, batch, part_counts = Batch(), Batch(), {}
    for msisdn, count in part_counts_of(request, body, audience):
        part_counts[msisdn] = count
        whole.take(count)
        if whole.messages <= batch_size:
            batch.take(count)
    return whole.shown() | {
        "recipient_id_map": [],
        "replacements": {},
        "firstSegmentCount": first,
        "recipient_meta_data_map": [
            [int(msisdn), {"phone_number": int(msisdn), **values}] for msisdn, values in audience.items()
        ],
        "recipients": {
            msisdn: {"rate": price_of(count), "mccMnc": network_of(msisdn)}
            for msisdn, count in part_counts.items()
        },
        "messageExpanded": expanded(request, body, next(iter(audience.values()), NO_VALUES)),
        "links": {
            str(found.parameter): account.links.get(found.parameter).url
            for found in body.found
            if found.name == "link" and found.parameter is not None
        },
        "warnings": warnings_of(body, audience),
        "estimateHash": hashlib.sha512(request.call.body).hexdigest(),
        "batchEstimation": batch.shown(),
    }


def audience_to_price(account: Account, fields: Fields) -> Audience:
    """Of the lists, or of one `recipient`, without the unsubscribed."""
    if ("recipient" in fields) == ("recipient_list_ids" in fields):
        raise Failure(400, "one of recipient_list_ids, recipient must be given")
    people = (
        {fields.msisdn("recipient"): NO_VALUES} if "recipient" in fields else audience_of(account, fields)
    )
    excluded = excluded_of(account, fields)
    return {
        msisdn: values
        for msisdn, values in people.items()
        if not any(msisdn in row.numbers for row in excluded)
    }


def sizes_of(fields: Fields, everybody: int) -> tuple[int, int]:
    """Of the first segment, and of what goes before the broadcast pauses."""
    kind = fields.data.get("eb_type") if "eb_type" in fields else None
    if kind not in (None, "CTR", "manual"):
        raise Failure(400, "eb_type must be CTR or manual")
    if kind is None:
        return everybody, everybody
    first = min(everybody, fields.whole_or("first_segment_size", everybody, 1))
    if kind == "manual":
        return first, first
    if fields.data.get("recipient_cap") == "no limit":
        return first, everybody
    return first, min(everybody, fields.whole_or("recipient_cap", everybody, 1))


def part_counts_of(request: Request, body: Body, audience: Audience) -> Iterable[tuple[str, int]]:
    if body.is_same_for_all:
        count = parts.count(body.text)
        return ((msisdn, count) for msisdn in audience)
    turns: Counter[int] = Counter()
    return (
        (msisdn, parts.count(body.render(rendering(request, values, turns))))
        for msisdn, values in audience.items()
    )


def rendering(request: Request, values: Values, turns: Counter[int]) -> Rendering:
    """Its short URLs lead nowhere: nothing is sent."""

    def shorten(
        target: str, link: Link | None = None, link_list: LinkList | None = None, *, calls_back: bool = False
    ) -> str:
        return f"{request.base_url}/l/{'x' * CODE_LENGTH}"

    return Rendering(values, shorten, lambda: f"{request.base_url}/u/{'x' * CODE_LENGTH}", turns, "0000")


def expanded(request: Request, body: Body, values: Values) -> dict[str, Any]:
    """Every token with how often the text has it and, where it has it, what the first recipient gets for it."""
    chosen = rendering(request, values, Counter())
    actions: dict[str, Any] = {}
    for name in TOKENS:
        found = [one for one in body.found if one.name == name]
        action: dict[str, Any] = {"replacement": found[0].render(chosen) if found else ""}
        if name == "callback":
            action["uuid"] = ""
        action["count"] = len(found)
        if name in WITH_ID or name.startswith("custom") or name.endswith("_link") or name == "shorten_url":
            action["parameters"] = [one.parameter for one in found if one.parameter is not None]
        if name == "word_spinner":
            action["isApproximate"] = True
        actions[name] = action
    return {"actions": actions, "text": body.render(chosen)}


def warnings_of(body: Body, audience: Audience) -> list[str]:
    names = dict.fromkeys(found.name for found in body.found if found.name in VALUES)
    missing = {name: sum(not values.get(name) for values in audience.values()) for name in names}
    return [f"{count} recipients have no {name}" for name, count in missing.items() if count]


def network_of(msisdn: str) -> int:
    return next((network for code, network in NETWORKS.items() if msisdn.startswith(code)), ELSEWHERE)


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "broadcast/estimate"): estimate,
}
