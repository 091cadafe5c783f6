"""A visit that was answered 503, and tried again by the page that said so: one visit, whoever applies which of both first.

Both have the same id, made of who asked for what and when it was first. The id cannot be chosen: the address of the retry
carries the two times and a signature over them and the visitor, so it counts as a retry for nobody else, for no other
link, and not for longer than GIVEN_SECONDS after the 503. Whatever else comes with such a query is a visit of its own.

    /AbC12xYz?again=<first>-<issued>-<signature>      milliseconds since 1970, in hexadecimal digits
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Any

from django.conf import settings

GIVEN_SECONDS = 60
_QUERY = re.compile(r"again=([0-9a-f]{1,12})-([0-9a-f]{1,12})-([0-9a-f]{32})", re.ASCII)


def uid_of(code: str, at: float, environ: dict[str, Any], address: str) -> str:
    """Of the visit that this request tries again; "" where it is none of a retry. `at`: when it came."""
    first = _first(code, at, environ, address)
    return "" if first is None else _signed("visit", first, code, environ, address)


def away(code: str, at: float, environ: dict[str, Any], address: str) -> tuple[str, str]:
    """For a request that is answered 503: the id of its visit, and the query with which it is tried again."""
    first = _first(code, at, environ, address)
    first = format(round(at * 1000), "x") if first is None else first
    times = f"{first}-{round(at * 1000):x}"
    signature = _signed("retry", times, code, environ, address)
    return _signed("visit", first, code, environ, address), f"again={times}-{signature}"


def _first(code: str, at: float, environ: dict[str, Any], address: str) -> str | None:
    match = _QUERY.fullmatch(environ.get("QUERY_STRING", ""))
    if match is None or not 0 <= at - int(match[2], 16) / 1000 <= GIVEN_SECONDS:
        return None
    wanted = _signed("retry", f"{match[1]}-{match[2]}", code, environ, address)
    return match[1] if hmac.compare_digest(wanted, match[3]) else None


def _signed(what: str, times: str, code: str, environ: dict[str, Any], address: str) -> str:
    """32 hexadecimal digits, as an id of a hit has."""
    facts = (what, times, code, environ["REQUEST_METHOD"], address, environ.get("HTTP_USER_AGENT", ""))
    text = "\n".join(facts).encode("utf-8", "replace")
    return hmac.new(settings.SECRET_KEY.encode(), text, sha256).hexdigest()[:32]
