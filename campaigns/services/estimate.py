"""What a broadcast will do, exactly: people, parts and cost, each person's own text counted, not an average."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Broadcast, BroadcastKind, BroadcastState
from campaigns.pictures import pictures_of
from campaigns.services.audience import PersonValues, Reach, people_values, reach_of
from campaigns.services.barred import barred_numbers
from campaigns.services.local_time import local_times_of, reference_of
from campaigns.services.senders import sending_from
from campaigns.services.through import Line, may_send_from, strategy_of, usable_lines
from campaigns.templatetags.broadcasts import money_text
from messaging.bodies import writes_text
from messaging.content import Content, compile_content, seed_of
from messaging.media.sending import parts_with
from messaging.quiet import Zones, pinned_hours, zones_of
from messaging.reasons import FREQUENCY_CAP, HAS_IT
from messaging.spreading import counts_alike
from providers.models import ProviderAccount
from providers.routing import NOBODY, Carrier, RouteChooser, why_nobody
from providers.services import PriceTable
from sms.msisdn import country_of


@dataclass(frozen=True, slots=True)
class FirstSegment:
    """Of a smart broadcast: what goes out with the launch. `reached`: who gets a text."""

    people: int
    reached: int
    parts: int
    cost: Decimal | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"cost": None if self.cost is None else str(self.cost)}


@dataclass(frozen=True, slots=True)
class Share:
    """What goes through one account of a route: `people` get a text."""

    account_id: int
    account: str
    people: int
    parts: int
    cost: Decimal | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"cost": None if self.cost is None else str(self.cost)}


@dataclass(frozen=True, slots=True)
class Estimate:
    """`cost` is None while no price is known; `unpriced` people have a number without a price.

    `out_of_reach`: people by country whose number the account's vendor does not take; they are among `people`, and fail.
    `no_url`: people without an address of their own that can be led to, where the text shortens it.
    `no_sender`: people by country to which none of its senders may send; they are among `people`, and fail.
    `digest` names all that was agreed to: it changes when any of it does.
    """

    people: int
    parts: int
    by_parts: dict[int, int]
    cost: Decimal | None
    currency: str
    unpriced: int
    empty: int
    reach: Reach
    digest: str
    # The text can be read: where it cannot, nobody knows parts and cost.
    is_counted: bool = True
    # That go with each text.
    pictures: int = 0
    no_sender: dict[str, int] = field(default_factory=dict)
    no_url: int = 0
    out_of_reach: dict[str, int] = field(default_factory=dict)
    first: FirstSegment | None = None
    # People by reason (messaging/barred.py) who are left out when their turn comes; they are among `people`.
    barred: dict[str, int] = field(default_factory=dict)
    # As messaging.quiet.pinned_hours has them, None where it goes out at any time. And how many of those who get a text with
    # the launch are in each zone, or in one of several; counted where the workspace has quiet hours.
    quiet_hours: dict[str, str] | None = None
    # People where the time to send has passed, and who are left out for that; they are among `people`.
    passed: int = 0
    zones: dict[Zones, int] = field(default_factory=dict)
    # Through a route: of each of its accounts that can carry it, in its order.
    through: tuple[Share, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "people": self.people,
            "reached": self.reached,
            "parts": self.parts,
            "by_parts": {str(parts): people for parts, people in sorted(self.by_parts.items())},
            "cost": None if self.cost is None else str(self.cost),
            "currency": self.currency,
            "unpriced": self.unpriced,
            "empty": self.empty,
            "no_url": self.no_url,
            "no_sender": dict(sorted(self.no_sender.items())),
            "out_of_reach": dict(sorted(self.out_of_reach.items())),
            "capped": self.capped,
            "has_it": self.has_it,
            "reach": self.reach.as_dict(),
            "audience": asdict(self.reach.audience),
            "digest": self.digest,
            "quiet_hours": self.quiet_hours,
            "passed": self.passed,
        }
        if self.first:
            found["first_segment"] = self.first.as_dict()
        if self.through:
            found["through"] = [share.as_dict() for share in self.through]
        return found

    @property
    def first_cost(self) -> Decimal | None:
        """Of what begins with the launch."""
        return self.first.cost if self.first else self.cost

    @property
    def without_sender(self) -> int:
        return sum(self.no_sender.values())

    @property
    def beyond_reach(self) -> int:
        return sum(self.out_of_reach.values())

    @property
    def reached(self) -> int:
        """Who gets a text."""
        return self.people - self.without_sender - self.beyond_reach - self.capped - self.has_it - self.passed

    @property
    def capped(self) -> int:
        """Who has had as many texts lately as the workspace allows."""
        return self.barred.get(FREQUENCY_CAP, 0)

    @property
    def has_it(self) -> int:
        """Who got it from another one to those who missed it."""
        return self.barred.get(HAS_IT, 0)

    @property
    def most_parts(self) -> int:
        return max(self.by_parts, default=0)

    @property
    def least_parts(self) -> int:
        return min(self.by_parts, default=0)


def estimate_of(broadcast: Broadcast) -> Estimate:
    content = compile_content(broadcast.workspace_id, broadcast.text)
    people = people_values(broadcast, content.uses)
    return estimate_for(broadcast, content, reach_of(broadcast), people)


def estimate_for(
    broadcast: Broadcast, content: Content, reach: Reach, people: Iterable[PersonValues]
) -> Estimate:
    """Of these people; `content`: of the broadcast's text."""
    senders, lines = sending_from(broadcast), usable_lines(broadcast)
    pictures = [media.pk for media in pictures_of(broadcast)]
    counted = _Count() if content.errors else _count(broadcast, content, lines, len(pictures), people)
    quiet_hours = quiet_hours_of(broadcast)
    currency = lines[0].account.currency if lines else broadcast.workspace.currency
    priced = bool(lines) and counted.unpriced < max(counted.people, 1)
    known = priced and not content.errors
    cost = counted.cost if known else None
    facts = [
        counted.people,
        counted.parts,
        str(cost),
        currency,
        content.fingerprint,
        *([pictures] if pictures else []),
        *([dict(sorted(counted.barred.items()))] if counted.barred else []),
        [broadcast.sender_id, broadcast.sender_list_id, senders.sender, senders.senders, senders.is_sticky],
        broadcast.account_id,
        _moment_fact(broadcast),
        broadcast.campaign_id,
        broadcast.msisdn,
        reach.as_dict(),
        reach.audience.fingerprint,
        *_smart_facts(broadcast),
        *_quiet_facts(quiet_hours, counted.zones),
        *_route_facts(broadcast, lines, counted),
    ]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    return Estimate(
        people=reach.people,
        parts=counted.parts,
        by_parts=dict(counted.by_parts),
        cost=cost,
        currency=currency,
        unpriced=counted.unpriced if lines else 0,
        empty=counted.empty,
        reach=reach,
        digest=digest,
        is_counted=not content.errors,
        pictures=len(pictures),
        no_sender=dict(counted.no_sender),
        no_url=counted.no_url,
        out_of_reach=dict(counted.out_of_reach),
        first=_first_segment(broadcast, counted, is_priced=known),
        barred=dict(counted.barred),
        quiet_hours=quiet_hours,
        passed=counted.passed,
        zones=dict(counted.zones),
        through=_shares(lines, counted) if broadcast.route_id and not content.errors else (),
    )


def quiet_hours_of(broadcast: Broadcast) -> dict[str, str] | None:
    """Those it keeps; None where it goes out at any time."""
    return None if broadcast.ignores_quiet_hours else pinned_hours(broadcast.workspace)


def _moment_fact(broadcast: Broadcast) -> Any:
    times = local_times_of(broadcast)
    if times is not None:
        return [str(times.local), broadcast.sends_passed]
    return broadcast.send_at.isoformat() if broadcast.send_at else None


def _quiet_facts(quiet_hours: dict[str, str] | None, zones: Mapping[Zones, int]) -> list[Any]:
    if quiet_hours is None:
        return []
    return [sorted(quiet_hours.items()), sorted(zones.items())]


def _shares(lines: Sequence[Line], counted: _Count) -> tuple[Share, ...]:
    return tuple(
        Share(line.account.pk, line.account.name, one.people, one.parts, None if one.unpriced else one.cost)
        for number, line in enumerate(lines)
        for one in [counted.through[number]]
    )


def _route_facts(broadcast: Broadcast, lines: Sequence[Line], counted: _Count) -> list[Any]:
    """Which account takes whom: another price or weight there is another broadcast."""
    if broadcast.route is None:
        return []
    shares = [asdict(share) | {"cost": str(share.cost)} for share in _shares(lines, counted)]
    return [broadcast.route_id, broadcast.route.strategy, [line.fact for line in lines], shares]


def _smart_facts(broadcast: Broadcast) -> list[Any]:
    """How a smart one goes on: agreed to with the launch, not with each segment."""
    if not broadcast.is_smart or broadcast.state not in (BroadcastState.DRAFT, BroadcastState.SCHEDULED):
        return []
    moment = broadcast.exp_date
    return [
        broadcast.kind,
        broadcast.first_segment_size,
        broadcast.next_segment_size,
        None if broadcast.conversion_threshold is None else str(broadcast.conversion_threshold.normalize()),
        broadcast.recipient_cap,
        broadcast.minimum_sample,
        broadcast.wait_minutes,
        moment.isoformat() if moment else None,
    ]


def _first_segment(broadcast: Broadcast, counted: _Count, *, is_priced: bool) -> FirstSegment | None:
    if not broadcast.is_smart:
        return None
    people, reached, parts, cost = counted.first or counted.sums()
    return FirstSegment(people, reached, parts, cost if is_priced else None)


def first_to_go(estimate: Mapping[str, Any]) -> Mapping[str, Any]:
    """What begins with the launch. `estimate`: an Estimate as a dict."""
    first: Mapping[str, Any] = estimate.get("first_segment") or estimate
    return first


def count_to_type(broadcast: Broadcast, estimate: Estimate) -> int:
    """How many get it by this launch: of one that a person continues, the first segment."""
    if broadcast.kind == BroadcastKind.SMART_MANUAL and estimate.first:
        return estimate.first.reached
    return estimate.reached


def is_within(now: Estimate, agreed: Mapping[str, Any]) -> bool:
    """Whether it is for no more people, no more parts and no higher cost than were agreed to (an Estimate as a dict), and
    leaves no more of them without a sender.

    Costs that cannot be compared are not: one was unknown, the currency is another, more people have no price.
    """
    more = [
        now.people > agreed.get("people", 0),
        now.parts > agreed.get("parts", 0),
        now.unpriced > agreed.get("unpriced", 0),
        now.without_sender > sum(agreed.get("no_sender", {}).values()),
        now.beyond_reach > sum(agreed.get("out_of_reach", {}).values()),
    ]
    return not any(more) and _costs_no_more(now, agreed.get("cost"), agreed.get("currency"))


def _costs_no_more(now: Estimate, cost: str | None, currency: str | None) -> bool:
    if now.cost is None or cost is None:
        return now.cost is None and cost is None
    return now.currency == currency and now.cost <= Decimal(cost)


def numbers_at_launch(broadcast: Broadcast) -> dict[str, Any]:
    """What was agreed to (an Estimate as a dict); for one that was scheduled, as it was at its time."""
    return broadcast.estimate.get("at_its_time") or broadcast.estimate


def differs(agreed: Mapping[str, Any], now: Estimate) -> bool:
    """In what a person agrees to: people, parts and cost."""
    seen = now.as_dict()
    return any(agreed.get(name) != seen[name] for name in ("people", "parts", "cost", "currency", "unpriced"))


def is_other_people(agreed: Mapping[str, Any], now: Estimate) -> bool:
    """As many, perhaps, but not the same. `agreed`: an Estimate as a dict."""
    then = agreed.get("audience") or {}
    return bool(then) and then["fingerprint"] != now.reach.audience.fingerprint


def difference_words(agreed: Mapping[str, Any], now: Estimate) -> str:
    """Both in words. `agreed`: an Estimate as a dict."""
    sentence = _(
        "Agreed to: people %(people)s, parts %(parts)s, cost %(cost)s. At its time: people %(now_people)s, parts"
        " %(now_parts)s, cost %(now_cost)s."
    )
    then, at_its_time = _numbers(agreed), _numbers(now.as_dict())
    return sentence % (then | {f"now_{name}": value for name, value in at_its_time.items()})


def _numbers(estimate: Mapping[str, Any]) -> dict[str, str]:
    return {
        "people": f"{estimate.get('people', 0):,}",
        "parts": f"{estimate.get('parts', 0):,}",
        "cost": money_text(estimate.get("cost"), str(estimate.get("currency") or "")),
    }


class _Count:
    """Running sums over the audience."""

    def __init__(self) -> None:
        self.people = 0
        self.parts = 0
        self.unpriced = 0
        self.empty = 0
        self.no_url = 0
        self.cost = Decimal(0)
        self.by_parts: Counter[int] = Counter()
        self.no_sender: Counter[str] = Counter()
        self.out_of_reach: Counter[str] = Counter()
        self.barred: Counter[str] = Counter()
        self.passed = 0
        # As they were when the first segment was full.
        self.first: tuple[int, int, int, Decimal] | None = None
        # Of the first segment alone, where there are several.
        self.zones: Counter[Zones] = Counter()
        # By the number of the account.
        self.through: list[_Through] = []

    def add(self, number: int, parts: int, price: Decimal | None) -> None:
        """One who gets a text."""
        self.parts += parts
        self.by_parts[parts] += 1
        self.unpriced += price is None
        self.cost += (price or 0) * parts
        if self.through:
            share = self.through[number]
            share.people += 1
            share.parts += parts
            share.unpriced += price is None
            share.cost += (price or 0) * parts

    def sums(self) -> tuple[int, int, int, Decimal]:
        """People, who of them gets a text, parts, cost."""
        reached = (
            self.people
            - self.no_sender.total()
            - self.out_of_reach.total()
            - self.barred.total()
            - self.passed
        )
        return self.people, reached, self.parts, self.cost


@dataclass(slots=True)
class _Through:
    people: int = 0
    parts: int = 0
    unpriced: int = 0
    cost: Decimal = Decimal(0)


def _count(
    broadcast: Broadcast,
    content: Content,
    lines: Sequence[Line],
    pictures: int,
    people: Iterable[PersonValues],
) -> _Count:
    """Each text as it will be: what is drawn at random is drawn alike, every link is as long as its sample, and it goes
    through the account through which it will go. Without an account it is counted as for any."""
    total = _Count()
    anyone = Carrier(1, (), lambda _msisdn: True, may_send_from(sending_from(broadcast)))
    carriers = [line.carrier for line in lines] or [anyone]
    accounts: list[ProviderAccount | None] = [line.account for line in lines] or [None]
    chooser = RouteChooser(strategy_of(broadcast), carriers)
    prices = [PriceTable(line.account) for line in lines]
    total.through = [_Through() for _line in lines]
    may_be_empty = [bool(pictures) or not writes_text(account) for account in accounts]
    by_price = counts_alike([line.account.vendor for line in lines], pictures)
    fixed = None if content.personal else content.render({}, seed=0)
    first_size = broadcast.first_segment_size if broadcast.is_smart else None
    barred = barred_numbers(broadcast)
    times, begins = local_times_of(broadcast), reference_of(broadcast)
    counts_zones = broadcast.workspace.has_quiet_hours or times is not None
    leaves_out = times is not None and not broadcast.sends_passed

    def parts_of(text: str, number: int) -> int:
        return parts_with(accounts[number], text, pictures) if may_be_empty[number] or text.strip() else 0

    fixed_parts = [parts_of(fixed, number) for number in range(len(accounts))] if fixed is not None else []
    for msisdn, values, time_zone in people:
        if total.people == first_size:
            total.first = total.sums()
        total.people += 1
        text = None if fixed is not None else content.render(values, seed=seed_of(broadcast.pk, msisdn))
        counts = fixed_parts if text is None else _Parts(partial(parts_of, text))
        # Who is left out at their turn has an account until then, as in the ledger.
        number = chooser.choose(msisdn, partial(_cost, prices, counts, msisdn, pictures, by_price))
        if why := barred.get(msisdn):
            total.barred[why] += 1
            continue
        if number == NOBODY:
            left_out = (
                total.out_of_reach if why_nobody(carriers, msisdn) == "out_of_reach" else total.no_sender
            )
            left_out[country_of(msisdn)] += 1
            continue
        if leaves_out and times and times.moment(msisdn, time_zone) < begins:
            total.passed += 1
            continue
        if text is not None and content.shortens_own_url and not content.own_url(values):
            total.no_url += 1
        parts = counts[number]
        if not parts:
            total.empty += 1
            continue
        if counts_zones and total.first is None:
            total.zones[zones_of(msisdn, time_zone)] += 1
        total.add(number, parts, prices[number].price(msisdn, pictures=pictures) if prices else None)
    return total


class _Parts:
    """Of one text by account, counted where it is asked for."""

    def __init__(self, parts_of: Callable[[int], int]) -> None:
        self._parts_of = parts_of

    def __getitem__(self, number: int) -> int:
        return self._parts_of(number)


def _cost(
    prices: Sequence[PriceTable],
    parts: Sequence[int] | _Parts,
    msisdn: str,
    pictures: int,
    by_price: bool,
    number: int,
) -> Decimal | None:
    """Through one account. `by_price`: all of them count as many parts, so that the price alone says which is cheapest."""
    price = prices[number].price(msisdn, pictures=pictures)
    return price if price is None or by_price else price * parts[number]
