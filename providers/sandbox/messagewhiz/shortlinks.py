"""Short URLs of one recipient each: `/messagewhiz/l/CODE` leads on and counts, `/messagewhiz/u/CODE` unsubscribes.

The document says what a click brings (sections Fast Single and Monitor link conversion) and where computers and
previews are led (Create a Link). Readings chosen: an agent that draws previews and a HEAD are not counted; a
click is unique when it is the first on its short URL; unsubscribing takes the button of the page, not its opening.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Link, LinkList, UnsubscribeList
from providers.sandbox.messagewhiz.sendings import Text
from providers.sandbox.state import Entry, iso
from providers.sandbox.wire import Answer, Call, page

LINK, UNSUBSCRIPTION = "l", "u"
DEFAULT_UNSUBSCRIBE_LIST = "Default unsubscribe list"
URL_SIGNS = "%/:?#[]@!$&'()*+,;=~"  # what stays as it is in an address that a person typed
PREVIEWS = ("bot", "facebookexternalhit", "whatsapp", "preview", "slack", "skype", "snippet")
COMPUTERS = ("windows nt", "macintosh", "x11;", "cros ")


@dataclass(slots=True, eq=False)
class ShortLink:
    """`target` is where it leads, empty for an unsubscription; `entry` the text that it stands in."""

    account: Account
    url: str
    kind: str
    target: str
    link: Link | None = None
    link_list: LinkList | None = None
    entry: Entry | None = None
    calls_back: bool = False
    clicks: int = 0


@dataclass(slots=True)
class Conversion:
    """Of one address: how many recipients it was sent to, and how many of them clicked."""

    recipients: int = 0
    clicks: int = 0


class ShortLinks:
    """All keys' together; beyond `keep` the oldest lead nowhere any more."""

    def __init__(self, keep: int, callbacks: Callbacks, after_click: Callable[[Text], None]) -> None:
        self.keep = keep
        self.callbacks = callbacks
        self.after_click = after_click
        self.clear()

    def clear(self) -> None:
        self._by_code: OrderedDict[str, ShortLink] = OrderedDict()
        self._conversions: OrderedDict[tuple[str, str], Conversion] = OrderedDict()

    def add(self, made: ShortLink) -> ShortLink:
        """Gives it its URL under the one that it has."""
        code = secrets.token_urlsafe(5)
        made.url = f"{made.url}/{made.kind}/{code}"
        self._by_code[code] = made
        if len(self._by_code) > self.keep:
            self._by_code.popitem(last=False)
        if made.target:
            self._conversion(made).recipients += 1
        return made

    def conversion_of(self, account: Account, url: str) -> Conversion | None:
        return self._conversions.get((account.key, plain(url)))

    def open(self, kind: str, code: str, call: Call) -> Answer:
        found = self._by_code.get(code)
        if found is None or found.kind != kind:
            return page(404, "This link leads nowhere")
        if kind == UNSUBSCRIPTION:
            return self._unsubscribe(found, call)
        target = self._follow(found, call)
        if not target:
            return page(200, "Thank you")
        location = quote(target, safe=URL_SIGNS, errors="replace").encode()
        return Answer(302, b"", headers=((b"location", location),))

    def _conversion(self, made: ShortLink) -> Conversion:
        key = (made.account.key, plain(made.target))
        conversion = self._conversions.get(key)
        if conversion is None:
            conversion = self._conversions[key] = Conversion()
            if len(self._conversions) > self.keep:
                self._conversions.popitem(last=False)
        return conversion

    def _follow(self, found: ShortLink, call: Call) -> str:
        """Where this caller is led; counts the click of a person."""
        agent = call.header(b"user-agent").lower()
        link = found.link
        if any(word in agent for word in PREVIEWS):
            return link.preview_url if link and link.preview_url else found.target
        if call.method == "GET":
            self._count(found)
        if link and link.bot_redirect and any(word in agent for word in COMPUTERS):
            return link.bot_redirect
        return found.target

    def _count(self, found: ShortLink) -> None:
        found.clicks += 1
        is_first = found.clicks == 1
        if found.target:
            self._conversion(found).clicks += is_first
        if found.link_list:
            found.link_list.unique_clicks += is_first
        self._call_back(found, is_first)
        if isinstance(found.entry, Text) and found.entry.segment:
            _count_text(found.entry)
            self.after_click(found.entry)

    def _call_back(self, found: ShortLink, is_first: bool) -> None:
        """Document 004, "Example link click Callback"."""
        entry = found.entry
        url = entry.callback if entry else ""
        if found.calls_back:
            url = found.account.reporting.click_webhook
        if not (entry and url):
            return
        body: dict[str, Any] = {
            "message_id": entry.message_id,
            "link_id": found.url.partition("://")[2],
            "time": iso(time.time()),
            "unique_click": is_first,
        }
        self.callbacks.schedule_post(lambda: Post(url, body))

    def _unsubscribe(self, found: ShortLink, call: Call) -> Answer:
        if call.method != "POST":
            button = '<form method="post"><button>Unsubscribe</button></form>'
            return page(200, "Do you want no more texts?", button)
        entry = found.entry
        lists = entry.segment.broadcast.unsubscribe_lists if isinstance(entry, Text) and entry.segment else []
        try:
            for row in lists or [default_unsubscribe_list(found.account)]:
                if entry and entry.msisdn not in row.numbers:
                    found.account.room.take(1)
                    row.numbers[entry.msisdn] = None
        except Failure as refused:
            return page(403, refused.detail)
        return page(200, "You will get no more texts")


class Maker:
    """Makes the short URLs of one text, and tells them its entry once there is one."""

    def __init__(self, links: ShortLinks, account: Account, base_url: str) -> None:
        self.links = links
        self.account = account
        self.base_url = base_url
        self.made: list[ShortLink] = []

    def __call__(
        self,
        target: str,
        link: Link | None = None,
        link_list: LinkList | None = None,
        *,
        calls_back: bool = False,
    ) -> str:
        return self._make(
            ShortLink(self.account, self.base_url, LINK, target, link, link_list, calls_back=calls_back)
        )

    def unsubscription_link(self) -> str:
        return self._make(ShortLink(self.account, self.base_url, UNSUBSCRIPTION, ""))

    def belong_to(self, entry: Entry) -> None:
        for made in self.made:
            made.entry = entry

    def _make(self, new: ShortLink) -> str:
        self.made.append(self.links.add(new))
        return new.url


def default_unsubscribe_list(account: Account) -> UnsubscribeList:
    """For who unsubscribes from a broadcast that named no list."""
    for row in account.unsubscribe_lists:
        if row.name == DEFAULT_UNSUBSCRIBE_LIST and row.enabled:
            return row
    new = UnsubscribeList(id=account.ids.next("unsubscribe_list"), name=DEFAULT_UNSUBSCRIBE_LIST)
    return account.unsubscribe_lists.add(new)


def plain(url: str) -> str:
    """Addresses are compared without scheme and last slash: the document asks for `mmdsmart.com`."""
    return url.lower().partition("://")[2].rstrip("/") or url.lower().rstrip("/")


def _count_text(text: Text) -> None:
    assert text.segment is not None
    broadcast = text.segment.broadcast
    broadcast.clicks += 1
    if not text.was_clicked:
        text.was_clicked = True
        text.segment.clickers += 1
        broadcast.clickers += 1
