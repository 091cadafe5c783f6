"""The short way from a code to its address: before Django, since people wait for it.

GET, HEAD /AbC12xYz       one lookup, one line in the spool, 302; also with a slash, dot or comma behind it
any other method of it    one lookup, one line in the spool, 405
GET /AbC12xYy             no such code: a page for strangers, 404
/, under a short domain   the same page: Crier's own pages are elsewhere
anything else             the application
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.short_domains import host_name
from messaging.links import endings, retry
from messaging.links.asking import Asker, LookupFailed
from messaging.links.classes import Device, Hit, HitClass, classify_alone, device_of
from messaging.links.lookup import Lookup, Target
from messaging.links.public_pages import public_page
from messaging.links.spool import Spool
from messaging.models import LinkUse
from messaging.tasks import take_hits
from web.callers import address_of

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# The page that takes an opt-out stands under the short domain too, whose name Django need not know.
UNSUBSCRIBE_PREFIX = "/o/"
_LED_ON = ("GET", "HEAD")
_ALLOWED = ", ".join(_LED_ON)
_PREFETCH = frozenset({"HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ"})
# Each click is counted, and no search engine keeps it.
_HEADERS = [
    ("Content-Length", "0"),
    ("Cache-Control", "private, no-store"),
    ("X-Robots-Tag", "noindex, nofollow"),
]


def is_visit(environ: dict[str, Any]) -> bool:
    """Whether the request is answered here in any case, and never by the application."""
    if environ["REQUEST_METHOD"] not in _LED_ON:
        return False
    match = endings.LINK.fullmatch(environ.get("PATH_INFO", ""))
    return match is not None and match[1] not in page_names()


class Redirects:
    """A WSGI application around another. `lookup` and `spool`: of this process."""

    def __init__(
        self, application: Application, *, lookup: Lookup | None = None, spool: Spool | None = None
    ) -> None:
        self._application = application
        self._lookup = lookup or Lookup(Asker())
        self._spool = spool or Spool(take_hits)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        match = endings.LINK.fullmatch(path)
        if match is not None and match[1] not in page_names():
            if environ["REQUEST_METHOD"] in _LED_ON:
                return self._follow(match[1], environ, start_response)
            if (answer := self._refuse(match[1], environ, start_response)) is not None:
                return answer
        if path.startswith(UNSUBSCRIBE_PREFIX):
            environ = {**environ, "HTTP_HOST": _own_host()}
        elif not path.startswith(settings.STATIC_URL) and self._is_for_links_alone(environ):
            return public_page(environ, start_response, "404 Not Found", "nowhere")
        return self._application(environ, start_response)

    def _follow(self, code: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        at, is_prefetch = time.time(), _looks_ahead(environ)
        try:
            target = self._lookup.find(code)
        except LookupFailed:
            return self._put_off(code, at, environ, start_response, is_prefetch=is_prefetch)
        if target is None or target.use == LinkUse.UNSUBSCRIBE or self._is_anothers(target, environ):
            return public_page(environ, start_response, "404 Not Found", "nowhere")
        url = target.url if target.is_for_all else address_for(target, _hit(at, environ, is_prefetch))
        self._note(code, at, environ, is_prefetch=is_prefetch, is_over=not url)
        if not url:
            return public_page(environ, start_response, "410 Gone", "over")
        start_response("302 Found", [("Location", url), *_HEADERS])
        return []

    def _refuse(
        self, code: str, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes] | None:
        """Of another method than a link is opened with: kept, and led nowhere. None: there is no such link."""
        at, is_prefetch = time.time(), _looks_ahead(environ)
        try:
            target = self._lookup.find(code)
        except LookupFailed:
            return self._put_off(code, at, environ, start_response, is_prefetch=is_prefetch)
        if target is None or target.use == LinkUse.UNSUBSCRIBE or self._is_anothers(target, environ):
            return None
        self._note(code, at, environ, is_prefetch=is_prefetch)
        return public_page(
            environ, start_response, "405 Method Not Allowed", "open_only", [("Allow", _ALLOWED)]
        )

    def _is_anothers(self, target: Target, environ: dict[str, Any]) -> bool:
        """Under the short domain of one workspace stand no links of another. Names that are nobody's now are let pass: a
        domain that was changed goes on leading where the texts with it said."""
        domains = self._lookup.short_domains()
        if not domains:
            return False
        host = host_name(environ.get("HTTP_HOST", ""))
        return domains.get(host, target.workspace_id) != target.workspace_id and host not in _page_hosts()

    def _is_for_links_alone(self, environ: dict[str, Any]) -> bool:
        host = host_name(environ.get("HTTP_HOST", ""))
        if host in _page_hosts():
            return False
        return host == host_name(settings.LINK_URL) or host in self._lookup.short_domains()

    def _put_off(
        self,
        code: str,
        at: float,
        environ: dict[str, Any],
        start_response: StartResponse,
        *,
        is_prefetch: bool,
    ) -> Iterable[bytes]:
        """The visit is kept, and the browser tries again by itself."""
        uid, query = retry.away(code, at, environ, address_of(environ))
        self._note(code, at, environ, is_prefetch=is_prefetch, uid=uid)
        headers = [("Retry-After", "3"), ("Refresh", f"3; url=/{code}?{query}")]
        return public_page(environ, start_response, "503 Service Unavailable", "moment", headers)

    def _note(
        self,
        code: str,
        at: float,
        environ: dict[str, Any],
        *,
        is_prefetch: bool,
        is_over: bool = False,
        uid: str = "",
    ) -> None:
        """What the request says of itself, kept before it is answered. `at`: when it came."""
        address = address_of(environ)
        if not uid and environ.get("QUERY_STRING"):
            uid = retry.uid_of(code, at, environ, address)
        self._spool.add(
            code,
            at,
            method=environ["REQUEST_METHOD"],
            agent=agent_of(environ),
            address=address,
            is_prefetch=is_prefetch,
            is_over=is_over,
            uid=uid,
        )


def _looks_ahead(environ: dict[str, Any]) -> bool:
    return any(environ.get(name) for name in _PREFETCH & environ.keys())


def agent_of(environ: dict[str, Any]) -> str:
    """In the letters it was meant in: headers come byte by byte (PEP 3333), and those of phones hold names in UTF-8 too."""
    agent = str(environ.get("HTTP_USER_AGENT", ""))
    if agent.isascii():
        return agent
    try:
        return agent.encode("latin-1").decode()
    except UnicodeError:
        return agent


def _hit(at: float, environ: dict[str, Any], is_prefetch: bool) -> Hit:
    method, agent = environ["REQUEST_METHOD"], agent_of(environ)
    return Hit(datetime.fromtimestamp(at, UTC), 0, 0, "", method, agent, is_prefetch)


def address_for(target: Target, seen: Hit) -> str:
    """Where this visitor is led; "" where the link is over and says so."""
    if target.expires_at is not None and target.expires_at <= seen.at:
        return target.expired_url
    if target.preview_url and classify_alone(seen).hit_class == HitClass.BOT:
        return target.preview_url
    if target.bot_redirect and device_of(seen.agent) == Device.DESKTOP:
        return target.bot_redirect
    return target.url


def page_names() -> frozenset[str]:
    """First parts of the addresses of pages: never codes, whatever the database says or does not say."""
    return _names_of(settings.ROOT_URLCONF)


@lru_cache(maxsize=4)
def _names_of(urlconf: str) -> frozenset[str]:
    found = (re.match(r"\^?([0-9A-Za-z_-]+)", each) for each in _patterns(get_resolver(urlconf).url_patterns))
    return frozenset(match[1] for match in found if match)


def _patterns(urls: Sequence[URLPattern | URLResolver]) -> Iterator[str]:
    for url in urls:
        if isinstance(url, URLResolver) and not str(url.pattern):
            yield from _patterns(url.url_patterns)
        else:
            yield str(url.pattern)


def _own_host() -> str:
    return urlsplit(settings.PUBLIC_URL).netloc


def _page_hosts() -> frozenset[str]:
    """Names under which Crier's own pages are asked for. Patterns among the allowed ones name none in particular."""
    return _hosts_of(settings.PUBLIC_URL, settings.WEBHOOK_URL, *settings.ALLOWED_HOSTS)


@lru_cache(maxsize=8)
def _hosts_of(*names: str) -> frozenset[str]:
    return frozenset(host_name(name) for name in names if not name.startswith((".", "*")))
