"""The short way from a code to its address: before Django, since people wait for it.

GET, HEAD /AbC12xYz     one lookup, one line in the spool, 302
any other method of it  one lookup, one line in the spool, 405
anything else           the application
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import close_old_connections
from django.utils.html import escape
from django.utils.translation import gettext as _

from messaging.links.classes import Device, Hit, HitClass, classify_alone, device_of
from messaging.links.lookup import Lookup, LookupFailed, Target
from messaging.links.spool import Spool
from messaging.models import LinkUse
from messaging.tasks import take_hits

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_CODE = re.compile(r"/([0-9A-Za-z_-]{3,20})", re.ASCII)
# The page that takes an opt-out stands under the short domain too, whose name Django need not know.
UNSUBSCRIBE_PREFIX = "/o/"
_LED_ON = ("GET", "HEAD")
_ALLOWED = ", ".join(_LED_ON)
_PREFETCH = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
# Each click is counted, and no search engine keeps it.
_HEADERS = [("Cache-Control", "private, no-store"), ("X-Robots-Tag", "noindex, nofollow")]
_PAGE_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    *_HEADERS,
]


class Redirects:
    """A WSGI application around another. `lookup` and `spool`: of this process."""

    def __init__(
        self, application: Application, *, lookup: Lookup | None = None, spool: Spool | None = None
    ) -> None:
        self._application = application
        self._lookup = lookup or Lookup()
        self._spool = spool or Spool(take_hits)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        match = _CODE.fullmatch(path)
        if match is None:
            if path.startswith(UNSUBSCRIBE_PREFIX):
                environ = {**environ, "HTTP_HOST": _own_host()}
            return self._application(environ, start_response)
        return self._follow(match[1], environ, start_response)

    def _follow(self, code: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # Outside any request of Django's, which would do it: broken ones are given up.
        close_old_connections()
        seen = _seen(environ)
        try:
            target = self._lookup.find(code)
        except LookupFailed:
            self._note(code, seen, environ)
            return _away(environ, start_response)
        if target is None or target.use == LinkUse.UNSUBSCRIBE:
            return self._application(environ, start_response)
        if seen.method not in _LED_ON:
            self._note(code, seen, environ)
            sentence = _("This link can only be opened.")
            return _page(environ, start_response, "405 Method Not Allowed", sentence, [("Allow", _ALLOWED)])
        url = address_for(target, seen)
        self._note(code, seen, environ, is_over=not url)
        if not url:
            return _page(environ, start_response, "410 Gone", _("This link is over."))
        start_response("302 Found", [("Location", url), ("Content-Length", "0"), *_HEADERS])
        return []

    def _note(self, code: str, seen: Hit, environ: dict[str, Any], *, is_over: bool = False) -> None:
        """Kept before it is answered."""
        self._spool.add(
            code,
            seen.at.timestamp(),
            method=seen.method,
            agent=seen.agent,
            address=address_of(environ),
            is_prefetch=seen.is_prefetch,
            is_over=is_over,
        )


def _seen(environ: dict[str, Any]) -> Hit:
    """What the request says of itself."""
    return Hit(
        at=datetime.now(UTC),
        message_id=None,
        link_id=0,
        visitor="",
        method=environ["REQUEST_METHOD"],
        agent=environ.get("HTTP_USER_AGENT", ""),
        is_prefetch=any(environ.get(name) for name in _PREFETCH),
    )


def address_for(target: Target, seen: Hit) -> str:
    """Where this visitor is led; "" where the link is over and says so."""
    if target.expires_at is not None and target.expires_at <= seen.at:
        return target.expired_url
    if target.preview_url and classify_alone(seen).hit_class == HitClass.BOT:
        return target.preview_url
    if target.bot_redirect and device_of(seen.agent) == Device.DESKTOP:
        return target.bot_redirect
    return target.url


def address_of(environ: dict[str, Any]) -> str:
    """Of the visitor: behind a proxy, what the last one wrote down."""
    if settings.BEHIND_PROXY:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded:
            return str(forwarded.rpartition(",")[2]).strip()
    return str(environ.get("REMOTE_ADDR", ""))


@cache
def _own_host() -> str:
    return urlsplit(settings.PUBLIC_URL).netloc


def _away(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The browser tries again by itself."""
    sentence = _("One moment: this link is looked up.")
    headers = [("Retry-After", "3"), ("Refresh", "3")]
    return _page(environ, start_response, "503 Service Unavailable", sentence, headers)


def _page(
    environ: dict[str, Any],
    start_response: StartResponse,
    status: str,
    sentence: str,
    headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    body = _PAGE.format(sentence=escape(sentence)).encode()
    start_response(status, [("Content-Length", str(len(body))), *headers, *_PAGE_HEADERS])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{sentence}</title>'
    '<link rel="stylesheet" href="/static/public.css"></head>'
    '<body class="public"><main><h1>{sentence}</h1></main></body></html>'
)
