"""The sandbox's own door, JSON under `/_sandbox/`: what tests, the demo and the Handset page ask and turn."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from providers.sandbox.bulkvs import SLUG as BULKVS
from providers.sandbox.bulkvs import BulkVs
from providers.sandbox.callbacks import Callbacks
from providers.sandbox.dials import LONGEST_MS, DialError, check_whole
from providers.sandbox.doors import Door, Problem, Resettable, Settable, refuse_unknown
from providers.sandbox.later import Later
from providers.sandbox.people import People
from providers.sandbox.state import OUTBOUND, Entry, State
from providers.sandbox.wire import Answer, Call, Send, json_answer, json_object

T = TypeVar("T")

PAGE = 50  # handsets
LARGEST_PAGE = 1000
SLICE = 2000  # entries looked at before others get a turn
FURTHEST_MS = 1000 * LONGEST_MS


@dataclass(slots=True)
class AcceptedFilter:
    """Which texts `/accepted` counts; an empty text lets all through."""

    vendor: str
    sender: str
    reference_prefix: str
    text_contains: str

    def wants(self, entry: Entry) -> bool:
        return (
            entry.direction == OUTBOUND
            and self.vendor in ("", entry.vendor)
            and self.sender in ("", entry.number)
            and entry.reference.startswith(self.reference_prefix)
            and self.text_contains in entry.text
        )


class Control:
    def __init__(self, state: State, doors: dict[str, Door], callbacks: Callbacks, later: Later) -> None:
        self.state = state
        self.doors = doors
        self.dials = {vendor: door.dial for vendor, door in doors.items()}
        self.callbacks = callbacks
        self.later = later
        self.people = People(state, doors, callbacks)
        self.first_dials = {vendor: dial.shown() for vendor, dial in self.dials.items()}
        self.first_retry_ms = callbacks.retry_ms

    async def answer(self, call: Call, send: Send) -> Answer | None:
        """The answer, or None when it was streamed already."""
        try:
            if (call.method, call.path) == ("GET", "accepted"):
                await self.stream_accepted(call, send)
                return None
            return await self.route(call)
        except Problem as problem:
            return json_answer(problem.status, {"error": str(problem)})
        except DialError as error:
            return json_answer(400, {"error": str(error)})

    async def route(self, call: Call) -> Answer:
        match call.method, call.path.rstrip("/").split("/"):
            case "GET", ["health"]:
                return json_answer(200, {"status": "ok"})
            case "GET", ["stats"]:
                return json_answer(200, self.stats())
            case "GET", ["dial"]:
                return json_answer(200, self.shown_dials())
            case "POST", ["dial"]:
                return json_answer(200, self.turn_dials(_object(call.body)))
            case "GET", ["handsets"]:
                return json_answer(200, self.list_handsets(call))
            case "GET", ["handsets", msisdn]:
                return json_answer(200, self.thread(msisdn, call))
            case "POST", ["handsets", msisdn, "reply"]:
                return await self.people.reply(msisdn.lstrip("+"), _object(call.body))
            case "POST", ["handsets", msisdn, "click"]:
                return await self.people.click(msisdn.lstrip("+"), _object(call.body))
            case "POST", ["bind"]:
                return json_answer(200, self.bind(_object(call.body)))
            case "POST", ["reset"]:
                return json_answer(200, self.reset(_object(call.body)))
            case "GET", ["settings"]:
                return json_answer(200, self.settings(call.query()))
            case "POST", ["settings"]:
                return json_answer(200, self.set(_object(call.body)))
            case "POST", ["clock"]:
                return json_answer(200, self.advance(_object(call.body)))
        raise Problem(
            404,
            f"{call.method} /_sandbox/{call.path} does not exist; there are GET health, stats, accepted,"
            " dial, handsets, handsets/MSISDN, settings and POST handsets/MSISDN/reply,"
            " handsets/MSISDN/click, dial, bind, settings, clock, reset.",
        )

    def stats(self) -> dict[str, Any]:
        return self.state.counters.shown() | {
            "receipts_pending": self.callbacks.pending,
            "handsets": len(self.state.handsets),
        }

    async def stream_accepted(self, call: Call, send: Send) -> None:
        """`{"MSISDN": number of texts}` of the texts still remembered, narrowed by the query."""
        query = call.query()
        names = ("vendor", "sender", "reference_prefix", "text_contains")
        refuse_unknown(query, names)
        wanted = AcceptedFilter(*(query.get(name, "") for name in names))
        headers = [(b"content-type", b"application/json; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for chunk in self._accepted_chunks(wanted):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"}", "more_body": False})

    async def _accepted_chunks(self, wanted: AcceptedFilter) -> AsyncIterator[bytes]:
        counts: Counter[str] = Counter()
        for some in _slices(list(self.state.entries)):
            counts.update(entry.msisdn for entry in some if wanted.wants(entry))
            await asyncio.sleep(0)
        first = "{"
        for rows in _slices(counts.items()):
            yield (first + ",".join(f'"{msisdn}":{count}' for msisdn, count in rows)).encode()
            first = ","
        if not counts:
            yield b"{"

    def list_handsets(self, call: Call) -> dict[str, Any]:
        """Latest first; of the accounts that are named only, where any is."""
        query = call.query()
        refuse_unknown(query, ("limit", "q", "account"))
        owners = self.people.owners(call.values("account"))
        limit = query.get("limit", str(PAGE))
        if not (limit.isdecimal() and 1 <= int(limit) <= LARGEST_PAGE):
            raise Problem(400, f"limit {limit!r} is not a whole number from 1 to {LARGEST_PAGE}.")
        rows = islice(self.state.latest_handsets(query.get("q", ""), owners), int(limit))
        total = self.state.count_handsets(owners)
        return {"handsets": [handset.shown(owners) for handset in rows], "total": total}

    def thread(self, msisdn: str, call: Call) -> dict[str, Any]:
        """A handset's texts, oldest first; reading them takes their mark of being new."""
        refuse_unknown(call.query(), ("account",))
        handset = self.state.handsets.get(msisdn.lstrip("+"))
        entries = handset.entries(self.people.owners(call.values("account"))) if handset else []
        if handset is None or not entries:
            raise Problem(404, f"No text has arrived at {msisdn}; send one to that number first.")
        for entry in entries:
            entry.is_unread = False
        return {"msisdn": handset.msisdn, "thread": [entry.shown() for entry in entries]}

    def turn_dials(self, body: dict[str, Any]) -> dict[str, Any]:
        """Turn one vendor's dial or, without `vendor`, all; what is not named stays as it is."""
        settings = dict(body)
        vendor = settings.pop("vendor", None)
        if vendor is not None and vendor not in self.dials:
            raise Problem(
                400, f"vendor {vendor!r} is not here; use {' or '.join(self.dials)}, or leave it out."
            )
        retry_ms = check_whole("retry_ms", settings.pop("retry_ms", self.callbacks.retry_ms), LONGEST_MS)
        for slug, dial in self.dials.items():
            if vendor in (None, slug):
                dial.turn(settings)
        self.callbacks.retry_ms = retry_ms
        return self.shown_dials()

    def shown_dials(self) -> dict[str, Any]:
        shown: dict[str, Any] = {vendor: dial.shown() for vendor, dial in self.dials.items()}
        return shown | {"retry_ms": self.callbacks.retry_ms}

    def settings(self, query: dict[str, Any]) -> dict[str, Any]:
        """Of one account, the vendor's first one without `account`."""
        refuse_unknown(query, ("vendor", "account"))
        door, name = self.settable(query)
        return {"vendor": query["vendor"], "account": name} | door.settings(name)

    def set(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change what is named; all or none."""
        address: dict[str, Any] = {key: body[key] for key in ("vendor", "account") if key in body}
        door, name = self.settable(address)
        door.set(name, {key: value for key, value in body.items() if key not in address})
        return self.settings(address)

    def settable(self, address: dict[str, Any]) -> tuple[Settable, str]:
        """The door and the account's name as it has it."""
        vendor = address.get("vendor")
        door = self.doors.get(str(vendor))
        if not isinstance(door, Settable):
            others = [slug for slug, other in self.doors.items() if isinstance(other, Settable)]
            raise Problem(400, f"vendor {vendor!r} has no settings; use {' or '.join(others)}.")
        return door, door.account_name(str(address.get("account") or door.default_account))

    def advance(self, body: dict[str, Any]) -> dict[str, Any]:
        """Put the clock of what waits forward."""
        refuse_unknown(body, ("advance_ms",))
        self.later.advance(check_whole("advance_ms", body.get("advance_ms"), FURTHEST_MS) / 1000)
        return {"now": self.later.now()}

    def bind(self, body: dict[str, Any]) -> dict[str, Any]:
        """Bind a BulkVS number to a webhook's name, as its portal does; an empty name unbinds."""
        refuse_unknown(body, ("account", "number", "webhook"))
        username, number, name = (str(body.get(key) or "") for key in ("account", "number", "webhook"))
        door = self.doors[BULKVS]
        assert isinstance(door, BulkVs)
        account = door.account(username or "sandbox")
        if account is None or not number.isdecimal():
            raise Problem(400, f"number {number!r} of account {username!r} cannot be bound; give 11 digits.")
        if name:
            account.bindings[number] = name
        else:
            account.bindings.pop(number, None)
        return {"account": username or "sandbox", "bindings": account.bindings}

    def reset(self, body: dict[str, Any]) -> dict[str, Any]:
        """Empty the handsets, counters and what waits, and turn the dials back.

        Accounts keep what was set up in them (webhooks, lists, links) unless `accounts` is true: those are
        settings, not traffic.
        """
        refuse_unknown(body, ("accounts",))
        self.callbacks.clear()
        self.later.clear()
        self.state.clear()
        self.callbacks.retry_ms = self.first_retry_ms
        for vendor, dial in self.dials.items():
            dial.turn(self.first_dials[vendor])
        for door in self.doors.values():
            if isinstance(door, Resettable):
                door.reset(accounts=body.get("accounts") is True)
        return self.stats()


def _slices(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while some := list(islice(iterator, SLICE)):
        yield some


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request, an empty one without a body; raises Problem."""
    data = json_object(body or b"{}")
    if data is None:
        raise Problem(400, "The body is not a JSON object; send one, like {}.")
    return data
