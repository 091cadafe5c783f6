"""What the people who hold the handsets do: write back, and follow links."""

from collections.abc import Iterable
from typing import Any

from providers.sandbox.callbacks import Callbacks
from providers.sandbox.doors import (
    Answerable,
    Clickable,
    Door,
    Problem,
    Reply,
    Settable,
    Spelled,
    refuse_unknown,
)
from providers.sandbox.state import Entry, Handset, Owners, State
from providers.sandbox.wire import Answer, json_answer

REPLY_CAP = 1600  # characters


class People:
    def __init__(self, state: State, doors: dict[str, Door], callbacks: Callbacks) -> None:
        self.state = state
        self.doors = doors
        self.callbacks = callbacks

    async def reply(self, msisdn: str, body: dict[str, Any]) -> Answer:
        """Write back from a handset; `to` and `vendor` default to those of the latest text.

        With `accounts`, as VENDOR:NAME, the latest text of those, and only to their webhooks.
        """
        refuse_unknown(body, ("text", "to", "vendor", "account", "accounts", "media"))
        door, entry = self.reply_entry(msisdn, body)
        posted = await self.callbacks.post_reply(entry, door.reply, door.heard(entry))
        if posted is None:
            raise _unheard(door, entry, "reply")
        self.state.write_back(entry)
        if not posted.taken:
            sentence = f"The webhook {posted.problem}."
            if entry.state == "retrying":
                sentence += " It will be called again."
            return json_answer(502, {"error": sentence, "status": posted.status, "entry": entry.shown()})
        return json_answer(200, {"status": posted.status, "entry": entry.shown()})

    def reply_entry(self, msisdn: str, body: dict[str, Any]) -> tuple[Answerable, Entry]:
        """Who is told, and the reply as a text of the thread; raises Problem or DialError."""
        text, media = _content(body)
        number, vendor = str(body.get("to") or "").lstrip("+"), str(body.get("vendor") or "")
        accounts = body.get("accounts") or []
        if not (isinstance(accounts, list) and all(isinstance(one, str) for one in accounts)):
            raise Problem(400, f"accounts {accounts!r} is not a list of texts such as bulkvs:sandbox.")
        owners = self.owners(accounts)
        handset = self.state.handsets.get(msisdn)
        latest = handset.latest_outbound(number, vendor, owners) if handset else None
        if latest is None and (owners is not None or not (number and vendor)):
            raise Problem(404, f"No text has arrived at {msisdn}; name `to` and `vendor` to write unasked.")
        vendor = latest.vendor if latest else vendor
        door = self.answerable(vendor, msisdn)
        account = str(body.get("account") or (latest.account if latest else "sandbox"))
        if owners is not None and (vendor, self.spelled(vendor, account)) not in owners:
            raise Problem(400, f"account {account!r} is none of `accounts`.")
        number = latest.number if latest else number
        reply = Reply(self.spelled(vendor, account), msisdn, number, text, media, latest)
        return door, door.new_reply(reply)

    def answerable(self, vendor: str, msisdn: str) -> Answerable:
        door = self.doors.get(vendor)
        if door is None:
            raise Problem(400, f"vendor {vendor!r} is not here; use {' or '.join(self.doors)}.")
        if isinstance(door, Answerable):
            return door
        others = [slug for slug, other in self.doors.items() if isinstance(other, Answerable)]
        raise Problem(
            409,
            f"{vendor} documents no inbound text, so a reply from {msisdn} has nowhere to go; reply to a"
            f" text that came through {' or '.join(others)}.",
        )

    async def click(self, msisdn: str, body: dict[str, Any]) -> Answer:
        """Follow the link of the latest text that has one, of `account` where it is named."""
        refuse_unknown(body, ("account",))
        door, entry = self.clickable(msisdn, str(body.get("account") or ""))
        posted = await self.callbacks.post_reply(door.new_click(entry), door.click)
        if posted is None:
            raise _unheard(door, entry, "click")
        if not posted.taken:
            raise Problem(502, f"The webhook {posted.problem}.")
        return json_answer(200, {"status": posted.status, "url": door.landing_page(entry)})

    def clickable(self, msisdn: str, account: str) -> tuple[Clickable, Entry]:
        """The latest text with a landing page and its door; raises Problem or DialError."""
        doors = {slug: door for slug, door in self.doors.items() if isinstance(door, Clickable)}
        handset = self.state.handsets.get(msisdn) or Handset(msisdn)
        for slug, door in doors.items():
            name = door.account_name(account) if account and isinstance(door, Settable) else account
            latest = handset.latest_outbound(
                vendor=slug, owners=frozenset({(slug, name)}) if account else None
            )
            if latest and door.landing_page(latest):
                return door, latest
        raise Problem(
            404,
            f"No text of {' or '.join(doors)} with a landing page has arrived at {msisdn}; send one first.",
        )

    def owners(self, accounts: Iterable[str]) -> Owners:
        """From VENDOR:NAME; None, which is everybody, without any."""
        pairs = [one.partition(":") for one in accounts]
        if wrong := [vendor for vendor, colon, name in pairs if not (colon and name)]:
            raise Problem(
                400, f"account {wrong[0]!r} is not of the form VENDOR:NAME, such as bulkvs:sandbox."
            )
        return frozenset((vendor, self.spelled(vendor, name)) for vendor, _colon, name in pairs) or None

    def spelled(self, vendor: str, account: str) -> str:
        door = self.doors.get(vendor)
        return door.spelled(account) if isinstance(door, Spelled) else account


def _content(body: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    text, media = body.get("text"), body.get("media") or []
    if not isinstance(text, str) or not (text or media) or len(text) > REPLY_CAP:
        raise Problem(400, f"text {str(text)[:40]!r} is not a text of 1 to {REPLY_CAP} characters.")
    if not (isinstance(media, list) and all(isinstance(url, str) for url in media)):
        raise Problem(400, f"media {media!r} is not a list of addresses.")
    return text, tuple(media)


def _unheard(door: Answerable | Clickable, entry: Entry, what: str) -> Problem:
    return Problem(
        409,
        f"The {entry.vendor} account {entry.account!r} has no webhook for {entry.number}, so nobody would hear"
        f" of the {what}; set one with {door.webhook_is_set_by}.",
    )
