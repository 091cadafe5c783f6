"""Rendering and counting parts: what it takes of the send loop's time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks import ground, send
from benchmarks.results import Plan, Result, of_pairs, rate_of
from benchmarks.sink import Sink
from contacts.models import RecipientList
from messaging.content import compile_content
from sms.parts import part_count

COUNT = 1_000_000


def run(plan: Plan) -> Iterator[Result]:
    workspace = ground.make_workspace()
    count = plan.size(COUNT, COUNT // 10)
    values = people_values()
    with Sink() as sink:
        account = ground.make_account(workspace, sink.url, in_flight=send.IN_FLIGHT)
        people = ground.make_list(workspace, plan.size(20_000, 5000))
        pairs = [
            (
                1_000_000 / rate_of(lambda: render_and_count(people, values, count), count),
                1_000_000 / send.engine_rate(account, people),
            )
            for _ in range(plan.runs)
        ]
    yield of_pairs("render_and_count", "µs a message", pairs)


def render_and_count(people: RecipientList, values: list[Mapping[str, str]], count: int) -> int:
    """As the engine does it: compiled once, rendered and counted for each."""
    content = compile_content(people.workspace_id, ground.TEXT)
    assert not content.errors, content.errors
    render, kinds = content.render, len(values)
    return sum(part_count(render(values[number % kinds], seed=number)) for number in range(count))


def people_values() -> list[Mapping[str, str]]:
    """Nearly a third of them have something outside the basic alphabet in their texts."""
    names = ("Ann", "Bob", "Carla", "Dmitri", "Elena", "João", "Lucía", "Søren", "Tara", "Omar")
    offers = ("VIP", "std", "gold", "gold€", "VIP ł", "std 😀", "gold", "VIP", "std", "gold")
    return [
        {"first_name": name, "custom1": offer, "url": f"https://example.com/{number:06x}"}
        for number, (name, offer) in enumerate((name, offer) for name in names for offer in offers)
    ]
