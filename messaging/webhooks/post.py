"""One try: signed as Standard Webhooks (https://www.standardwebhooks.com), posted to addresses that were checked.

    webhook-id          the event's id, the same in every try
    webhook-timestamp   of this try, in seconds
    webhook-signature   v1,…: of id, timestamp and body; two of them for a day after the secret was changed

No redirects, cookies, proxies or second lookups; a try ends after WEBHOOK_TIMEOUT_SECONDS, however slowly the answer
drips, and only the beginning of an answer is read. Nothing here is logged: addresses may hold keys.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from socket import AddressFamily
from urllib.parse import urlsplit

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from standardwebhooks import Webhook

from messaging.webhooks.addresses import AddressRefused, checked_addresses
from messaging.webhooks.ledger import Answer
from providers.transport import USER_AGENT

# Of an answer: enough to say in short what it was.
READ_BYTES = 2_048
SHOWN_CHARACTERS = 200
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class Post:
    """All that a try needs; no row and no database."""

    url: str
    event_id: str
    body: str
    secrets: Sequence[str]


def signed_headers(post: Post, now: datetime) -> dict[str, str]:
    signatures = [Webhook(secret).sign(post.event_id, now, post.body) for secret in post.secrets]
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        "webhook-id": post.event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def try_post(post: Post) -> Answer:
    """Blocks until there is an answer, or will be none. Raises nothing of the network's."""
    began = time.monotonic()
    parts = urlsplit(post.url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme.lower(), 443)
    try:
        addresses = checked_addresses(host, port)
        status, words, retry_after = asyncio.run(_post(post, addresses))
    except Exception as error:
        return Answer(None, _words_of(error), _ms(began))
    return Answer(status, words, _ms(began), retry_after)


async def _post(
    post: Post, addresses: Sequence[tuple[AddressFamily, str]]
) -> tuple[int, str, timedelta | None]:
    seconds = settings.WEBHOOK_TIMEOUT_SECONDS
    connector = aiohttp.TCPConnector(resolver=_Checked(addresses), use_dns_cache=False, force_close=True)
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=seconds, ceil_threshold=float("inf")),
        ) as session,
        session.post(
            yarl.URL(post.url, encoded=True),
            data=post.body.encode(),
            headers=signed_headers(post, datetime.now(UTC)),
            allow_redirects=False,
        ) as answer,
    ):
        said = b""
        if answer.status != 204:
            said = await _beginning(answer)
        retry_after = _retry_after(answer.headers.get("retry-after", ""))
        return answer.status, _answer_words(answer.status, said), retry_after


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Whoever answered has taken the event, however the rest of the answer breaks off."""
    said = b""
    try:
        while len(said) < READ_BYTES and (piece := await answer.content.read(READ_BYTES - len(said))):
            said += piece
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    answer.close()
    return said


class _Checked(AbstractResolver):
    """Leads to the addresses that were checked, whatever the name leads to by now."""

    def __init__(self, addresses: Sequence[tuple[AddressFamily, str]]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=own, proto=0, flags=0)
            for own, address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _answer_words(status: int, said: bytes) -> str:
    if 300 <= status < 400:
        return "It leads elsewhere, which is not followed: enter the address at the end of the way."
    text = " ".join(said.decode("utf-8", "replace").split())
    return "".join(char for char in text if char.isprintable())[:SHOWN_CHARACTERS]


def _retry_after(value: str) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return timedelta(seconds=int(value))
    try:
        return max(parsedate_to_datetime(value) - datetime.now(UTC), timedelta())
    except (TypeError, ValueError, OverflowError):
        return None


def _words_of(error: Exception) -> str:
    """For people; without the address, which may hold a key."""
    match error:
        case AddressRefused():
            return str(error)
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "Its certificate is not to be trusted. Renew it, or mend its chain."
        case aiohttp.ClientSSLError():
            return "No secure connection came about. Does it speak TLS at this port?"
        case TimeoutError():
            return f"No answer within {settings.WEBHOOK_TIMEOUT_SECONDS:g} seconds."
        case aiohttp.ClientConnectorError():
            return "No connection came about: nothing listens there, or a firewall is between."
        case aiohttp.ClientError():
            return "The answer broke off or is no HTTP."
        case OSError():
            return "The name leads nowhere. Look for a typing mistake, or mend its DNS record."
        case _:
            return f"It could not be posted ({type(error).__name__})."


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
