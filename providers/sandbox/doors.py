"""The doors that came after the first two, and what the control door asks of them together.

Settings stand for what an account's owner sets in the vendor's own pages, where no API does it.
"""

from collections.abc import Collection
from typing import Any, Protocol

from providers.sandbox.callbacks import Callbacks, Posted
from providers.sandbox.dials import LONGEST_MS, Dial, DialError, check_whole
from providers.sandbox.later import Later
from providers.sandbox.mobiz import Mobiz
from providers.sandbox.mx2 import CLICK, CampaignText, Mx2, guid_of
from providers.sandbox.ogangi import Ogangi
from providers.sandbox.state import Entry, State
from providers.sandbox.wire import BODY_CAP, Answer, Call, json_answer, json_object

KINDS = (Mx2, Mobiz, Ogangi)
SLUGS = tuple(kind.slug for kind in KINDS)
LARGE_BODY = 32 * 1024 * 1024  # bytes: 10,000 rows of a list, or a file of texts
BODY_CAPS = {Mobiz.slug: LARGE_BODY, Ogangi.slug: LARGE_BODY}
FURTHEST_MS = 1000 * LONGEST_MS


class Vendor(Protocol):
    """What the application asks of a door."""

    slug: str
    dial: Dial

    def answer(self, call: Call) -> Answer: ...


class Door(Vendor, Protocol):
    """What the control door asks besides; all that take a name or settings raise DialError."""

    default_account: str

    def account_name(self, name: str) -> str: ...

    def settings(self, name: str) -> dict[str, Any]: ...

    def set(self, name: str, settings: dict[str, Any]) -> None: ...

    def forget(self, *, accounts: bool) -> None: ...


class Doors:
    """Mx2, Mobiz and Ogangi, by their slugs, and the clock that they share."""

    def __init__(self, state: State, dials: dict[str, Dial], callbacks: Callbacks) -> None:
        self.state = state
        self.callbacks = callbacks
        self.later = Later()
        self.mx2 = Mx2(state, dials[Mx2.slug], callbacks, self.later)
        self.by_slug: dict[str, Door] = {
            Mx2.slug: self.mx2,
            Mobiz.slug: Mobiz(state, dials[Mobiz.slug], callbacks, self.later),
            Ogangi.slug: Ogangi(state, dials[Ogangi.slug], callbacks, self.later),
        }

    async def control(self, call: Call) -> Answer | None:
        """The control door's calls about these doors; None for any other. Raises DialError."""
        match call.method, call.path.rstrip("/").split("/"):
            case "GET", ["settings"]:
                return json_answer(200, self.settings(call.query()))
            case "POST", ["settings"]:
                return json_answer(200, self.set(_object(call.body)))
            case "POST", ["clock"]:
                return json_answer(200, self.advance(_object(call.body)))
            case "POST", ["handsets", msisdn, "click"]:
                return await self.click(msisdn.lstrip("+"), _object(call.body))
        return None

    def settings(self, query: dict[str, Any]) -> dict[str, Any]:
        """Of one account, the vendor's first one without `account`."""
        _refuse_unknown(query, ("vendor", "account"))
        door = self.by_slug.get(str(query.get("vendor")))
        if door is None:
            raise DialError(f"vendor {query.get('vendor')!r} has no settings; use {' or '.join(SLUGS)}.")
        name = door.account_name(str(query.get("account") or door.default_account))
        return {"vendor": door.slug, "account": name} | door.settings(name)

    def set(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change what is named; all or none."""
        address: dict[str, Any] = {key: body[key] for key in ("vendor", "account") if key in body}
        shown = self.settings(address)
        changes = {key: value for key, value in body.items() if key not in address}
        self.by_slug[shown["vendor"]].set(shown["account"], changes)
        return self.settings(address)

    def advance(self, body: dict[str, Any]) -> dict[str, Any]:
        """Put the clock of schedules forward."""
        _refuse_unknown(body, ("advance_ms",))
        self.later.advance(check_whole("advance_ms", body.get("advance_ms"), FURTHEST_MS) / 1000)
        return {"now": self.later.now()}

    async def click(self, msisdn: str, body: dict[str, Any]) -> Answer:
        """The person follows the link of the latest Mx2 text, of `account` where it is named."""
        _refuse_unknown(body, ("account",))
        owners = None
        if body.get("account"):
            owners = frozenset({(Mx2.slug, self.mx2.account_name(str(body["account"])))})
        handset = self.state.handsets.get(msisdn)
        latest = handset.latest_outbound(vendor=Mx2.slug, owners=owners) if handset else None
        if not isinstance(latest, CampaignText) or not latest.landing_page:
            return _problem(
                404, f"No text of mx2 with a landing page has arrived at {msisdn}; send one first."
            )
        posted = await self.callbacks.post_reply(self.mx2.new_click(latest), self.mx2.event, (CLICK,))
        if posted is None:
            return _problem(409, f"{no_webhook(latest)} so nobody would hear of the click.")
        if not posted.taken:
            return _problem(502, f"The webhook {posted.problem}.")
        return json_answer(200, {"status": posted.status, "url": latest.landing_page})

    def new_reply(self, latest: Entry, account: str, text: str, media: Collection[str]) -> Entry:
        """What a person writes back to a text of Mx2, to which `account` belongs; raises DialError."""
        if not isinstance(latest, CampaignText) or account != latest.account:
            raise DialError(f"account {account!r} has sent nothing to {latest.msisdn}; leave it out.")
        if media:
            raise DialError(f"media {list(media)!r} cannot be told to mx2, its webhook has text alone.")
        return self.mx2.new_reply(latest, text)

    async def post_reply(self, entry: Entry) -> Posted | None:
        """Tell the webhook of Mx2; a STOP word takes effect also where none is set, and None is answered."""
        return await self.callbacks.post_reply(entry, self.mx2.event, self.mx2.heard(entry))

    def forget(self, *, accounts: bool) -> None:
        self.later.clear()
        for door in self.by_slug.values():
            door.forget(accounts=accounts)


def account_name(vendor: str, name: str) -> str:
    """As entries hold it, where a vendor takes several spellings of one name."""
    return guid_of(name) or name if vendor == Mx2.slug else name


def no_webhook(entry: Entry) -> str:
    return f"The {entry.vendor} account {entry.account!r} has no webhook; set one with POST settings,"


def body_cap(vendor: str) -> int:
    """Bytes of a request."""
    return BODY_CAPS.get(vendor, BODY_CAP)


def _problem(status: int, sentence: str) -> Answer:
    return json_answer(status, {"error": sentence})


def _object(body: bytes) -> dict[str, Any]:
    data = json_object(body or b"{}")
    if data is None:
        raise DialError("The body is not a JSON object; send one, like {}.")
    return data


def _refuse_unknown(given: Collection[str], known: tuple[str, ...]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise DialError(f"{', '.join(map(repr, unknown))} is not known here; there are {', '.join(known)}.")
