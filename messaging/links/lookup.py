"""Which address stands behind a code.

What was found is kept for some seconds, and used longer while the database is away; but people's own addresses, which are
asked for each time. Nothing but stored addresses is ever led to.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.db import connection
from django.db.models import Exists, F

from accounts.models import Workspace
from accounts.short_domains import host_name
from messaging.links.asking import Ask, LookupFailed, ask_here
from messaging.links.codes import LENGTH, Coder
from messaging.links.keys import link_coder
from messaging.links.ranges import Ranges, read_ranges
from messaging.links.targets import as_header
from messaging.models import UTM_FIELDS, DispatchLink, ErasedMessage, Link, LinkUse, OwnUrl

Value = TypeVar("Value")

FRESH_SECONDS, RANGES_SECONDS = 10.0, 15.0
MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """`use`: how the entry came into the text; "" of a link's own address. Addresses are as a header takes them."""

    workspace_id: int
    use: str
    url: str
    bot_redirect: str = ""
    preview_url: str = ""
    expires_at: datetime | None = None
    expired_url: str = ""

    @property
    def is_for_all(self) -> bool:
        """Whether everybody is led to `url`, now and later."""
        return bool(self.url) and self.expires_at is None and not self.bot_redirect and not self.preview_url


class Lookup:
    """Of one process; its threads share it."""

    def __init__(self, ask: Ask = ask_here) -> None:
        self._ask = ask
        self._coder: Coder | None = None
        self._dispatches: _Kept[int | None] = _Kept(ask)
        self._targets: _Kept[Target | None] = _Kept(ask)
        self._ranges: _Kept[Ranges] = _Kept(ask)
        self._domains: _Kept[dict[str, int]] = _Kept(ask)

    def find(self, code: str) -> Target | None:
        """None: no such code. Raises LookupFailed."""
        if len(code) != LENGTH:
            return self._targets.get(code, lambda: _own_target(code))
        coded = self._known_coder().decode(code)
        if coded is None:
            return None
        message_id, entry = coded
        dispatch_id = self._dispatch_of(message_id)
        if dispatch_id is None:
            return None
        target = self._targets.get((dispatch_id, entry), lambda: _target_of(dispatch_id, entry))
        if target is None or target.use not in (LinkUse.OWN_URL, LinkUse.CALLBACK):
            return target
        # Never kept: the person may be erased, and no process tells the others.
        return self._ask(lambda: _own_url_of(message_id, target), can_wait=True)

    def short_domains(self) -> dict[str, int]:
        """By name of the host: whose short domain it is. None are known while the database is away from the beginning."""
        try:
            return self._domains.get("", _short_domains)
        except LookupFailed:
            return {}

    def _dispatch_of(self, message_id: int) -> int | None:
        known = self._ranges.get("", read_ranges, seconds=RANGES_SECONDS).dispatch_of(message_id)
        if known is not None:
            return known
        # A message that has a code changes its dispatch no more: in reserve nobody has been sent one.
        return self._dispatches.get(message_id, lambda: _dispatch_of(message_id), seconds=3600)

    def _known_coder(self) -> Coder:
        if self._coder is None:
            self._coder = self._ask(link_coder, can_wait=True)
        return self._coder


class _Kept(Generic[Value]):
    """The last MOST_KEPT answers, each with the time until which it is fresh."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._entries: OrderedDict[Any, tuple[Value, float]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any, ask: Callable[[], Value], seconds: float = FRESH_SECONDS) -> Value:
        """What is too old is asked for again; where that fails, it is still better than nothing.

        That there was no such code is not used longer: it may have been sent since, and its people are told to wait rather
        than that it leads nowhere.
        """
        known = self._entries.get(key)
        now = time.monotonic()
        if known is not None and now < known[1]:
            return known[0]
        is_known = known is not None and known[0] is not None
        try:
            value = self._ask(ask, can_wait=not is_known)
        except LookupFailed:
            if known is None or not is_known:
                raise
            value = known[0]
        with self._lock:
            self._entries[key] = (value, now + seconds)
            if len(self._entries) > MOST_KEPT:
                self._entries.popitem(last=False)
        return value


def _dispatch_of(message_id: int) -> int | None:
    """By hand: made by the ORM, the statement takes longer than its answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT dispatch_id FROM messaging_message WHERE id = %s", [message_id])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _target_of(dispatch_id: int, entry: int) -> Target | None:
    rows = DispatchLink.objects.filter(dispatch_id=dispatch_id, entry=entry).select_related("link")
    row = rows.annotate(workspace_id=F("dispatch__workspace_id")).first()
    if row is None:
        return None
    return Target(row.workspace_id, row.use, "") if row.link is None else _target(row.use, row.link)


def _own_url_of(message_id: int, target: Target) -> Target | None:
    rows = OwnUrl.objects.filter(message_id=message_id)
    erased = ErasedMessage.objects.filter(message_id=message_id)
    url = rows.exclude(Exists(erased)).values_list("url", flat=True).first()
    return Target(target.workspace_id, target.use, as_header(url)) if url else None


def _own_target(code: str) -> Target | None:
    link = Link.objects.filter(code=code, enabled=True).first()
    return None if link is None else _target("", link)


def _short_domains() -> dict[str, int]:
    rows = Workspace.objects.exclude(short_domain="").values_list("short_domain", "id")
    return {host_name(domain): workspace_id for domain, workspace_id in rows}


def _target(use: str, link: Link) -> Target:
    return Target(
        link.workspace_id,
        use,
        as_header(with_utm(link)),
        as_header(link.bot_redirect),
        as_header(link.preview_url),
        link.expires_at,
        as_header(link.expired_url),
    )


def with_utm(link: Link) -> str:
    """Its address with the UTM parameters that it does not have itself."""
    wanted = {name: getattr(link, name) for name in UTM_FIELDS if getattr(link, name)}
    if not wanted:
        return link.url
    parts = urlsplit(link.url)
    present = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in wanted.items() if name not in present})
    query = "&".join(filter(None, (parts.query.rstrip("&"), added)))
    return urlunsplit(parts._replace(query=query))
