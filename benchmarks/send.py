"""The send loop: as the worker runs it, against its own transport, the ideal, the bare wire and the usual ways.

Each round measures all of them in turn; ratios are taken within the round.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import uvloop

from accounts.models import Workspace
from benchmarks import ground, raw_http, sender, task_each
from benchmarks.results import Plan, Result, of_pairs, rate_of
from benchmarks.sink import Sink
from contacts.models import RecipientList
from messaging.engine.jobs import reference_of
from messaging.models import Dispatch, Message
from providers.connectors.base import OutgoingText
from providers.models import ProviderAccount
from providers.services import connector_of, receipt_url
from providers.transport import LeanTransport
from sms.examples import example_msisdns

AT_ONCE = (
    "send_vs_transport",
    "send_vs_raw",
    "send_vs_task_per_message.reuse_off",
    "send_vs_task_per_message.reuse_on",
)
DISTANT = ("send_vs_ideal", "send_vs_httpx_client", "send_two_workers")
IN_FLIGHT = 64
DISTANT_IN_FLIGHT = 256
DISTANT_MS = 100
IDEAL = DISTANT_IN_FLIGHT / (DISTANT_MS / 1000)
# As many tasks as one database connection serves where it is kept.
REUSE = 1000
Pair = tuple[float, float]
# What a row is measured against, given the send loop's rate in this round: its pair.
Against = dict[str, Callable[[float], Pair]]


def run(plan: Plan) -> Iterator[Result]:
    workspace = ground.make_workspace()
    troubles: list[str] = []
    for names, rounds in ((AT_ONCE, _at_once), (DISTANT, _at_a_distance)):
        if plan.wants(*names):
            pairs: dict[str, list[Pair]] = {name: [] for name in names if plan.wants(name)}
            for ours, against in rounds(workspace, plan):
                _measure_round(ours, against, pairs, troubles)
            for name in pairs:
                yield of_pairs(name, "messages/s", pairs[name])
    if troubles:
        raise RuntimeError("; ".join(troubles))


def _measure_round(ours: float, against: Against, pairs: dict[str, list[Pair]], troubles: list[str]) -> None:
    """A row whose reference fails is given up and told at the end; the others go on."""
    for name in list(pairs):
        try:
            pairs[name].append(against[name](ours))
        except Exception as error:
            troubles.append(f"{name}: {error}")
            del pairs[name]


# --- a vendor that answers at once: what a message costs ------------------------------------------------


def _at_once(workspace: Workspace, plan: Plan) -> Iterator[tuple[float, Against]]:
    with Sink() as sink:
        account = ground.make_account(workspace, sink.url, in_flight=IN_FLIGHT, name="at once")
        people = ground.make_list(workspace, plan.size(30_000, 5000), name="many")
        some = ground.make_list(workspace, plan.size(1000, 200), name="some")
        few = ground.make_list(workspace, plan.size(400, 100), name="few")
        texts = outgoing_texts(account, people.recipient_count)
        broker = task_each.broker_settings(Path(os.environ["CRIER_DATA"])) if plan.wants(*AT_ONCE[2:]) else {}
        against: Against = {
            AT_ONCE[0]: lambda ours: (ours, transport_rate(account, texts)),
            AT_ONCE[1]: lambda ours: (ours, raw_rate(account, texts)),
            AT_ONCE[2]: lambda ours: (ours, task_rate(account, few, sink.url, broker, None)),
            AT_ONCE[3]: lambda ours: (ours, task_rate(account, some, sink.url, broker, REUSE)),
        }
        for _ in range(plan.runs):
            yield engine_rate(account, people), against


def engine_rate(account: ProviderAccount, people: RecipientList, *options: str, processes: int = 1) -> float:
    planned(account, people)
    return sender.send_all(people.recipient_count, processes=processes, options=options)


def planned(account: ProviderAccount, people: RecipientList) -> Dispatch:
    """A broadcast to all of them, alone in the ledger."""
    ground.forget_broadcasts()
    dispatch = ground.plan(ground.make_broadcast(account.workspace, account, [people]))
    ground.analyze("messaging_message")
    return dispatch


def outgoing_texts(account: ProviderAccount, count: int) -> list[OutgoingText]:
    """What the engine hands to the connector, made before the clock starts."""
    receipts = receipt_url(account)
    return [
        OutgoingText(
            message_id=number,
            msisdn=msisdn,
            sender=ground.SENDER,
            text=f"Hi Alice, your gold offer ends tonight. Details: https://example.com/{msisdn} Reply STOP to opt out.",
            receipt_url=receipts,
            reference=reference_of(number),
        )
        for number, msisdn in enumerate(example_msisdns(count), 1)
    ]


def transport_rate(account: ProviderAccount, texts: list[OutgoingText]) -> float:
    connector = connector_of(account)

    async def post_all() -> None:
        transport = LeanTransport()

        async def post(outgoing: OutgoingText) -> None:
            answer = await transport.handle_async_request(connector.build_send(outgoing))
            assert answer.status_code == httpx.codes.OK, f"The stand-in answered {answer.status_code}."

        try:
            await raw_http.in_window(IN_FLIGHT, (partial(post, outgoing) for outgoing in texts))
        finally:
            await transport.aclose()

    return rate_of(lambda: on_uvloop(post_all), len(texts))


def raw_rate(account: ProviderAccount, texts: list[OutgoingText]) -> float:
    connector = connector_of(account)
    requests = [connector.build_send(outgoing) for outgoing in texts]
    return rate_of(lambda: on_uvloop(lambda: raw_http.post_all(requests, IN_FLIGHT)), len(texts))


def task_rate(
    account: ProviderAccount,
    people: RecipientList,
    vendor_url: str,
    broker: dict[str, str],
    reuse: int | None,
) -> float:
    dispatch = planned(account, people)
    ids = list(Message.objects.filter(dispatch=dispatch).values_list("id", flat=True))
    return task_each.send_all(ids, vendor_url=vendor_url, broker=broker, reuse=reuse)


def on_uvloop(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


# --- a vendor 100 ms away: how well the waiting is used -------------------------------------------------


def _at_a_distance(workspace: Workspace, plan: Plan) -> Iterator[tuple[float, Against]]:
    with Sink(DISTANT_MS) as sink:
        account = ground.make_account(workspace, sink.url, in_flight=DISTANT_IN_FLIGHT, name="distant")
        size = int(IDEAL) * plan.size(10, 2)
        people = ground.make_list(workspace, size, name="distant")
        twice = ground.make_list(workspace, 2 * size, name="distant, twice")
        few = ground.make_list(workspace, plan.size(500, 300), name="distant, few")
        against: Against = {
            DISTANT[0]: lambda ours: (ours, IDEAL),
            DISTANT[1]: lambda ours: (ours, engine_rate(account, few, "--httpx-client")),
            DISTANT[2]: lambda ours: (engine_rate(account, twice, processes=2), ours),
        }
        for _ in range(plan.runs):
            yield engine_rate(account, people), against
