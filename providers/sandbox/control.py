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
from providers.sandbox.dials import LONGEST_MS, Dial, DialError, check_whole
from providers.sandbox.doors import Doors, account_name, no_webhook
from providers.sandbox.mx2 import SLUG as MX2
from providers.sandbox.state import OUTBOUND, Entry, Owners, State
from providers.sandbox.wire import Answer, Call, Send, json_answer, json_object

T = TypeVar("T")

PAGE = 50  # handsets
LARGEST_PAGE = 1000
SLICE = 2000  # entries looked at before others get a turn
REPLY_CAP = 1600  # characters


class Problem(Exception):
    """An HTTP status and a sentence that says what to mend."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


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
    def __init__(
        self, state: State, dials: dict[str, Dial], callbacks: Callbacks, bulkvs: BulkVs, doors: Doors
    ) -> None:
        self.state = state
        self.dials = dials
        self.callbacks = callbacks
        self.bulkvs = bulkvs
        self.doors = doors
        self.first_dials = {vendor: dial.shown() for vendor, dial in dials.items()}
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
                return await self.reply(msisdn, _object(call.body))
            case "POST", ["bind"]:
                return json_answer(200, self.bind(_object(call.body)))
            case "POST", ["reset"]:
                return json_answer(200, self.reset(_object(call.body)))
        if answer := await self.doors.control(call):
            return answer
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
        _refuse_unknown(query, names)
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
        _refuse_unknown(query, ("limit", "q", "account"))
        owners = _owners(call.values("account"))
        limit = query.get("limit", str(PAGE))
        if not (limit.isdecimal() and 1 <= int(limit) <= LARGEST_PAGE):
            raise Problem(400, f"limit {limit!r} is not a whole number from 1 to {LARGEST_PAGE}.")
        rows = islice(self.state.latest_handsets(query.get("q", ""), owners), int(limit))
        total = self.state.count_handsets(owners)
        return {"handsets": [handset.shown(owners) for handset in rows], "total": total}

    def thread(self, msisdn: str, call: Call) -> dict[str, Any]:
        """A handset's texts, oldest first; reading them takes their mark of being new."""
        _refuse_unknown(call.query(), ("account",))
        handset = self.state.handsets.get(msisdn.lstrip("+"))
        entries = handset.entries(_owners(call.values("account"))) if handset else []
        if handset is None or not entries:
            raise Problem(404, f"No text has arrived at {msisdn}; send one to that number first.")
        for entry in entries:
            entry.is_unread = False
        return {"msisdn": handset.msisdn, "thread": [entry.shown() for entry in entries]}

    async def reply(self, msisdn: str, body: dict[str, Any]) -> Answer:
        """Write back from a handset; `to` and `vendor` default to those of the latest text.

        With `accounts`, as VENDOR:NAME, the latest text of those, and only to their webhooks.
        """
        _refuse_unknown(body, ("text", "to", "vendor", "account", "accounts", "media"))
        entry = self.reply_entry(msisdn.lstrip("+"), body)
        if entry.vendor == MX2:
            posted = await self.doors.post_reply(entry)
        else:
            posted = await self.callbacks.post_reply(entry, self.bulkvs.reply)
        if posted is None and entry.vendor == MX2:
            raise Problem(409, f"{no_webhook(entry)} so nobody would hear of the reply.")
        if posted is None:
            raise Problem(
                409,
                f"The BulkVS account {entry.account!r} has no webhook for {entry.number}, so nobody would"
                " hear of the reply; set one with PUT /webHooks.",
            )
        self.state.write_back(entry)
        if not posted.taken:
            sentence = f"The webhook {posted.problem}."
            if entry.state == "retrying":
                sentence += " It will be called again."
            return json_answer(502, {"error": sentence, "status": posted.status, "entry": entry.shown()})
        return json_answer(200, {"status": posted.status, "entry": entry.shown()})

    def reply_entry(self, msisdn: str, body: dict[str, Any]) -> Entry:
        """The reply as a text of the thread; raises Problem."""
        text, media = body.get("text"), body.get("media") or []
        if not isinstance(text, str) or not (text or media) or len(text) > REPLY_CAP:
            raise Problem(400, f"text {str(text)[:40]!r} is not a text of 1 to {REPLY_CAP} characters.")
        if not (isinstance(media, list) and all(isinstance(url, str) for url in media)):
            raise Problem(400, f"media {media!r} is not a list of addresses.")
        number, vendor = str(body.get("to") or "").lstrip("+"), str(body.get("vendor") or "")
        accounts = body.get("accounts") or []
        if not (isinstance(accounts, list) and all(isinstance(one, str) for one in accounts)):
            raise Problem(400, f"accounts {accounts!r} is not a list of texts such as bulkvs:sandbox.")
        owners = _owners(accounts)
        handset = self.state.handsets.get(msisdn)
        latest = handset.latest_outbound(number, vendor, owners) if handset else None
        if latest is None and (owners is not None or not (number and vendor)):
            raise Problem(404, f"No text has arrived at {msisdn}; name `to` and `vendor` to write unasked.")
        vendor = latest.vendor if latest else vendor
        if vendor not in self.dials:
            raise Problem(400, f"vendor {vendor!r} is not here; use {' or '.join(self.dials)}.")
        if vendor not in (BULKVS, MX2):
            raise Problem(
                409,
                f"{vendor} documents no inbound text, so a reply from {msisdn} has nowhere to go; reply to a"
                " text that came through bulkvs or mx2.",
            )
        account = str(body.get("account") or (latest.account if latest else "sandbox"))
        if owners is not None and (vendor, account_name(vendor, account)) not in owners:
            raise Problem(400, f"account {account!r} is none of `accounts`.")
        if vendor == MX2:
            if latest is None:
                raise Problem(404, f"No text of mx2 has arrived at {msisdn}, so there is none to reply to.")
            return self.doors.new_reply(latest, account_name(MX2, account), text, media)
        number = latest.number if latest else number
        return self.bulkvs.new_reply(account, msisdn, number, text, tuple(media))

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

    def bind(self, body: dict[str, Any]) -> dict[str, Any]:
        """Bind a BulkVS number to a webhook's name, as its portal does; an empty name unbinds."""
        _refuse_unknown(body, ("account", "number", "webhook"))
        username, number, name = (str(body.get(key) or "") for key in ("account", "number", "webhook"))
        account = self.bulkvs.account(username or "sandbox")
        if account is None or not number.isdecimal():
            raise Problem(400, f"number {number!r} of account {username!r} cannot be bound; give 11 digits.")
        if name:
            account.bindings[number] = name
        else:
            account.bindings.pop(number, None)
        return {"account": username or "sandbox", "bindings": account.bindings}

    def reset(self, body: dict[str, Any]) -> dict[str, Any]:
        """Empty the handsets, counters and what waits, and turn the dials back.

        BulkVS accounts keep their webhooks unless `accounts` is true: they are settings, not traffic.
        """
        _refuse_unknown(body, ("accounts",))
        self.callbacks.clear()
        self.state.clear()
        self.callbacks.retry_ms = self.first_retry_ms
        for vendor, dial in self.dials.items():
            dial.turn(self.first_dials[vendor])
        if body.get("accounts") is True:
            self.bulkvs.accounts.clear()
        self.doors.forget(accounts=body.get("accounts") is True)
        return self.stats()


def _owners(accounts: Iterable[str]) -> Owners:
    """From VENDOR:NAME; None, which is everybody, without any."""
    pairs = [one.partition(":") for one in accounts]
    if wrong := [vendor for vendor, colon, name in pairs if not (colon and name)]:
        raise Problem(400, f"account {wrong[0]!r} is not of the form VENDOR:NAME, such as bulkvs:sandbox.")
    return frozenset((vendor, account_name(vendor, name)) for vendor, _colon, name in pairs) or None


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


def _refuse_unknown(given: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise Problem(
            400, f"{', '.join(map(repr, unknown))} is not known here; there are {', '.join(known)}."
        )
